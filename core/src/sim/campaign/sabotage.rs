//! Things done wrong on purpose: each must be noticed, or the checks prove nothing.

/// Defines the sabotages with their codes.
macro_rules! sabotages {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        /// One rule broken on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Sabotage { $(#[doc = $meaning] $name),+ }

        impl Sabotage {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code that the command line uses.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What is done wrong.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }

            /// The one with this code.
            pub fn of(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|sabotage| sabotage.code() == code)
            }
        }
    };
}

sabotages! {
    DropMarker = "drop_marker", "A batch goes without its marker.";
    NotWatchMarker = "not_watch_marker", "The marker is not watched.";
    ResendRenumbered = "resend_renumbered", "A batch in doubt is put together anew, under the next number.";
    BelieveUnanswered = "believe_unanswered", "A batch without a reply counts as applied.";
    SwitchBeforeReplay = "switch_before_replay", "Callers go to Redis before the journal is written back.";
    ForgetJournal = "forget_journal", "The journal is forgotten when Redis is back.";
    ForgetTombstone = "forget_tombstone", "A deletion in the outage is not written back.";
    ForgetExpiry = "forget_expiry", "What is written back never expires.";
    ReorderKey = "reorder_key", "What was written to a key goes back in another order.";
    AcknowledgeUnjournalled = "acknowledge_unjournalled", "Some writes are answered before the journal has them, and it never gets them.";
    SplitUnit = "split_unit", "The commands of a transaction are served one by one.";
    RepeatInDoubt = "repeat_in_doubt", "What must not be done twice is repeated when its reply is lost.";
    HideDoubt = "hide_doubt", "A command in doubt is told to be done.";
    DenyDoubt = "deny_doubt", "A command in doubt is told not to be done.";
    ServeWhenConnected = "serve_when_connected", "Memory takes a write although Redis is back.";
    IgnoreFailedWrite = "ignore_failed_write", "A write without a reply waits in the journal while others go to Redis.";
    SpareAbandoned = "spare_abandoned", "Abandoned connections are not killed, although the guard is on.";
    ForgetDeadLetters = "forget_dead_letters", "What Redis refuses for good is not kept.";
    ServePastDeadline = "serve_past_deadline", "A command may last longer than its deadline.";
    DialWithoutDelay = "dial_without_delay", "Redis is dialled again at once.";
    DialTwice = "dial_twice", "Two dials are under way at a time.";
    LogEveryFailure = "log_every_failure", "Each failure has its line.";
}
