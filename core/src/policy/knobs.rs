//! The table of knobs: one line of truth each for name, unit, range, defaults and meaning.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::Source;
use super::profile::{ClusterReadFrom, JournalFsync, OnAmbiguous, OnGuarded, Profile, Startup};
use crate::error::Error;
use crate::rules::{RuleSpec, Rules};

/// What a knob's number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Hundredths.
    Percent,
    /// Pieces.
    Count,
    /// Bytes.
    Bytes,
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Choice,
    /// Any text; its length is counted in bytes.
    Text,
}

impl Unit {
    const fn word(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::Percent => "percent",
            Self::Count => "count",
            Self::Bytes | Self::Text => "bytes",
            Self::Flag | Self::Choice => "",
        }
    }
}

/// One knob of the policy.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Knob {
    /// The keyword and URL parameter; in capitals after `OUTLAST_`, the variable.
    pub name: &'static str,
    /// What its value counts.
    pub unit: Unit,
    /// The smallest value, for numbers; the shortest, for texts.
    pub min: u64,
    /// The largest value, for numbers; the longest, for texts.
    pub max: u64,
    /// What it does.
    pub meaning: &'static str,
}

/// The value of one knob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum KnobValue {
    /// A number.
    Number(u64),
    /// A flag.
    Flag(bool),
    /// A word.
    Word(&'static str),
    /// A text.
    Text(String),
}

impl fmt::Display for KnobValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// How a type of the table is parsed and shown.
trait Setting: Sized {
    fn parse(field: &str, knob: &Knob, text: &str) -> Result<Self, Error>;
    fn value(&self) -> KnobValue;
}

impl Setting for u64 {
    fn parse(field: &str, knob: &Knob, text: &str) -> Result<Self, Error> {
        text.parse().ok().filter(|number| (knob.min..=knob.max).contains(number)).ok_or_else(|| {
            let (min, max, unit) = (knob.min, knob.max, knob.unit.word());
            let allowed = format!("a whole number from {min} to {max} ({unit})");
            Error::invalid_option(field, text, &allowed)
        })
    }

    fn value(&self) -> KnobValue {
        KnobValue::Number(*self)
    }
}

impl Setting for bool {
    fn parse(field: &str, _: &Knob, text: &str) -> Result<Self, Error> {
        match text {
            "true" | "True" | "yes" | "on" | "1" => Ok(true),
            "false" | "False" | "no" | "off" | "0" => Ok(false),
            _ => Err(Error::invalid_option(field, text, "one of true, false")),
        }
    }

    fn value(&self) -> KnobValue {
        KnobValue::Flag(*self)
    }
}

impl Setting for String {
    fn parse(field: &str, knob: &Knob, text: &str) -> Result<Self, Error> {
        let len = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if (knob.min..=knob.max).contains(&len) && !text.contains(char::is_control) {
            return Ok(text.to_string());
        }
        let allowed = format!("a text of {} to {} bytes in one line", knob.min, knob.max);
        Err(Error::invalid_option(field, text, &allowed))
    }

    fn value(&self) -> KnobValue {
        KnobValue::Text(self.clone())
    }
}

/// A choice is a setting: its error names the field as the caller wrote it.
macro_rules! choice_setting {
    ($($choice:ident),+) => { $(
        impl Setting for $choice {
            fn parse(field: &str, _: &Knob, text: &str) -> Result<Self, Error> {
                $choice::parse(text)
                    .map_err(|_| Error::invalid_option(field, text, $choice::ALLOWED))
            }

            fn value(&self) -> KnobValue {
                KnobValue::Word(self.code())
            }
        }
    )+ };
}

choice_setting!(Startup, OnAmbiguous, OnGuarded, JournalFsync, ClusterReadFrom);

/// A day: no delay or deadline is longer.
const DAY_MS: u64 = 86_400_000;

/// Defines the policy, its table and its access by name from one list. The four columns are the
/// defaults of development, test, staging and production.
macro_rules! knobs {
    ($($name:ident: $type:ty, $unit:ident $min:literal..$max:expr,
       [$development:expr, $test:expr, $staging:expr, $production:expr], $meaning:literal;)+) => {
        /// All knobs, checked when built. See [`KNOBS`] for units, ranges and meanings.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[non_exhaustive]
        pub struct Policy {
            /// The profile that the defaults came from.
            pub profile: Profile,
            $(#[doc = $meaning] pub $name: $type,)+
            /// What keys are for. No knob, for it is no single value.
            pub rules: Rules,
        }

        /// Every knob, in the order of the documentation.
        pub const KNOBS: &[Knob] = &[$(Knob {
            name: stringify!($name),
            unit: Unit::$unit,
            min: $min,
            max: $max,
            meaning: $meaning,
        },)+];

        impl Policy {
            /// The defaults of a profile.
            pub const fn of(profile: Profile) -> Self {
                match profile {
                    Profile::Development => Self { profile, $($name: $development,)+ rules: Rules::NONE },
                    Profile::Test => Self { profile, $($name: $test,)+ rules: Rules::NONE },
                    Profile::Staging => Self { profile, $($name: $staging,)+ rules: Rules::NONE },
                    Profile::Production => Self { profile, $($name: $production,)+ rules: Rules::NONE },
                }
            }

            /// The value of the knob with this name.
            pub fn value(&self, name: &str) -> Option<KnobValue> {
                match name {
                    $(stringify!($name) => Some(self.$name.value()),)+
                    _ => None,
                }
            }

            /// Sets one knob, or `rules`, from text. Knobs that depend on each other are checked by
            /// [`Policy::check`].
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for an unknown name
            /// or a value out of range.
            pub fn set(&mut self, name: &str, value: &str, source: Source) -> Result<(), Error> {
                let field = source.field(name);
                if name == "rules" {
                    let rules = RuleSpec::from_field(&field, value)?;
                    self.rules = Rules::compile(&field, &rules)?;
                    return Ok(());
                }
                let place = KNOBS.iter().position(|knob| knob.name == name);
                let place = place.ok_or_else(|| unknown(name, source))?;
                let mut knobs = KNOBS.iter().enumerate();
                $(
                    if let Some((at, knob)) = knobs.next() && at == place {
                        self.$name = Setting::parse(&field, knob, value)?;
                    }
                )+
                Ok(())
            }
        }
    };
}

knobs! {
    startup: Startup, Choice 0..0,
        [Startup::Optional, Startup::Optional, Startup::Required, Startup::Required],
        "Whether the application may start without Redis.";
    startup_attempts_max: u64, Count 1..1_000, [3, 1, 3, 3],
        "Dials at startup before it gives up (`required`) or goes on degraded (`optional`).";
    startup_delay_ms: u64, Ms 1..DAY_MS, [50, 50, 50, 50],
        "Wait after the first failed dial at startup; it grows by the same amount each time.";
    startup_delay_ms_max: u64, Ms 1..DAY_MS, [2_000, 2_000, 2_000, 2_000],
        "Longest wait between two dials at startup.";
    lazy_connect: bool, Flag 0..0, [true, true, false, false],
        "Whether the first dial waits for the first command.";
    connect_timeout_ms: u64, Ms 1..DAY_MS, [5_000, 1_000, 5_000, 5_000],
        "Longest time for one dial: name resolution, connection, handshake and a first PING.";
    command_timeout_ms: u64, Ms 1..DAY_MS, [1_000, 1_000, 1_000, 1_000],
        "Deadline of a command, in every mode.";
    redial: bool, Flag 0..0, [true, false, true, true],
        "Whether Redis is dialled again in the background after a failure.";
    server_delay_ms: u64, Ms 1..DAY_MS, [250, 250, 250, 250],
        "Wait before the first redial after a failure of the server's kinds.";
    server_delay_factor_percent: u64, Percent 110..1_000, [150, 150, 150, 150],
        "Growth of that wait from one failed dial to the next.";
    server_delay_ms_max: u64, Ms 1..DAY_MS, [2_000, 2_000, 10_000, 10_000],
        "Longest wait between two redials for the server's kinds. Fleets of thousands choose a longer one, see the README.";
    network_delay_ms: u64, Ms 1..DAY_MS, [250, 250, 1_000, 1_000],
        "Wait before the first redial after a failure of the infrastructure's kinds (DNS, route, TLS, credentials).";
    network_delay_factor_percent: u64, Percent 110..1_000, [150, 150, 200, 200],
        "Growth of that wait from one failed dial to the next.";
    network_delay_ms_max: u64, Ms 1..DAY_MS, [2_000, 2_000, 300_000, 300_000],
        "Longest wait between two redials for the infrastructure's kinds.";
    quota_delay_ms: u64, Ms 1..DAY_MS, [60_000, 60_000, 60_000, 60_000],
        "Wait before the first redial after a quota was exceeded; it doubles from dial to dial.";
    quota_delay_ms_max: u64, Ms 1..DAY_MS, [300_000, 300_000, 300_000, 300_000],
        "Longest wait between two redials while a quota is exceeded.";
    jitter_percent: u64, Percent 0..100, [20, 0, 20, 20],
        "Spread of every redial delay around its value; the cap is never passed.";
    stable_ms: u64, Ms 0..DAY_MS, [5_000, 5_000, 5_000, 5_000],
        "How long a connection must stand before the next failure starts its schedule anew.";
    outage_path: String, Text 0..4_096, [String::new(), String::new(), String::new(), String::new()],
        "File in which the processes of one host share what they know of an outage, so that one of them dials and not all; empty: none. Unix only.";
    log_interval_ms: u64, Ms 0..DAY_MS, [300_000, 0, 300_000, 300_000],
        "Time between two summary lines of one outage; 0 logs every failure.";
    incident_merge_ms: u64, Ms 0..DAY_MS, [60_000, 0, 60_000, 60_000],
        "A failure within this time after a recovery continues the same incident.";
    breaker_window_ms: u64, Ms 100..DAY_MS, [10_000, 10_000, 10_000, 10_000],
        "Time over which the breaker counts commands on a live connection.";
    breaker_failures_min: u64, Count 1..1_000_000, [3, 3, 3, 3],
        "Failed commands in the window before the breaker may open.";
    breaker_failure_percent: u64, Percent 1..100, [50, 50, 50, 50],
        "Share of failed commands in the window that opens the breaker.";
    breaker_slow_call_ms: u64, Ms 0..DAY_MS, [0, 0, 500, 500],
        "A reply that took so long counts as slow; 0 counts none. Commands that wait by intent never do.";
    breaker_slow_calls_min: u64, Count 1..1_000_000, [5, 5, 5, 5],
        "Slow replies in the window before the breaker may open: at two calls a second, within 3 s.";
    breaker_slow_call_percent: u64, Percent 1..100, [80, 80, 80, 80],
        "Share of slow replies in the window that opens the breaker.";
    on_ambiguous: OnAmbiguous, Choice 0..0,
        [OnAmbiguous::Local, OnAmbiguous::Local, OnAmbiguous::Error, OnAmbiguous::Error],
        "What the caller gets whose command may or may not have been applied.";
    on_guarded: OnGuarded, Choice 0..0,
        [OnGuarded::Serve, OnGuarded::Serve, OnGuarded::Refuse, OnGuarded::Refuse],
        "Whether `SET NX` and its like are served from memory while degraded.";
    connections_max: u64, Count 1..10_000, [20, 20, 20, 20],
        "Connections that one client opens where each thread uses its own.";
    in_flight_max: u64, Count 1..10_000_000, [100_000, 100_000, 100_000, 100_000],
        "Commands that may wait for a reply on one shared connection.";
    unsent_bytes_max: u64, Bytes 1_024..1_099_511_627_776, [67_108_864, 67_108_864, 67_108_864, 67_108_864],
        "Bytes of commands that may wait to be written on one connection of an event loop; one beyond them is refused.";
    store_bytes_max: u64, Bytes 1_024..1_099_511_627_776, [67_108_864, 67_108_864, 67_108_864, 67_108_864],
        "Memory of the store that serves while degraded. Last known values give way first; a write beyond it is refused.";
    journal_bytes_max: u64, Bytes 1_024..1_099_511_627_776, [67_108_864, 67_108_864, 67_108_864, 67_108_864],
        "Memory of the journal: names and commands that wait for Redis, beside the store's values. A write beyond it is refused.";
    journal_fsync: JournalFsync, Choice 0..0,
        [JournalFsync::Always, JournalFsync::Always, JournalFsync::Always, JournalFsync::Always],
        "When the journal on disk (`journal_path`) is synced: before each write is acknowledged, at intervals, or never.";
    journal_fsync_interval_ms: u64, Ms 1..DAY_MS, [1_000, 1_000, 1_000, 1_000],
        "Time between two syncs where `journal_fsync` is `interval`.";
    retry_quota_percent: u64, Percent 0..100, [10, 10, 10, 10],
        "How many commands are sent to Redis a second time, as a share of all; beyond it they are refused.";
    retry_quota_burst: u64, Count 0..1_000_000, [100, 100, 100, 100],
        "How many commands may be sent a second time at once, beyond that share.";
    shadow: bool, Flag 0..0, [true, true, true, true],
        "Whether values read or written while connected are kept, to be served while degraded.";
    stale_ms_max: u64, Ms 0..DAY_MS, [3_600_000, 3_600_000, 3_600_000, 3_600_000],
        "How long a last known value whose expiry nobody knows is served after it was last confirmed.";
    reply_bytes_max: u64, Bytes 1_024..1_099_511_627_776, [536_870_912, 536_870_912, 536_870_912, 536_870_912],
        "Largest reply accepted from Redis; a larger one closes the connection.";
    cluster_refresh_ms: u64, Ms 100..DAY_MS, [60_000, 60_000, 60_000, 60_000],
        "Time between two looks at who serves which slots of a Redis Cluster, beside those that a redirect, a lost shard or its return cause.";
    cluster_redirects_max: u64, Count 1..100, [5, 5, 5, 5],
        "How often one command follows a redirect (`MOVED`, `ASK`) of a Redis Cluster before it ends with it.";
    cluster_read_from: ClusterReadFrom, Choice 0..0,
        [ClusterReadFrom::Primary, ClusterReadFrom::Primary, ClusterReadFrom::Primary, ClusterReadFrom::Primary],
        "Which node of a shard of a Redis Cluster reads go to: its `primary`, or a `replica`, which may be behind, and the primary where none answers.";
    log_path: String, Text 0..4_096, [String::new(), String::new(), String::new(), String::new()],
        "File to which an entry of the production log is appended for each outage that is over; empty: none.";
    record_path: String, Text 0..4_096, [String::new(), String::new(), String::new(), String::new()],
        "File in which the client records what it decided and why, to be replayed; empty: none.";
    record_bytes_max: u64, Bytes 65_536..1_099_511_627_776, [16_777_216, 16_777_216, 16_777_216, 16_777_216],
        "Room for a recording: its older half goes when it is full.";
}

fn unknown(name: &str, source: Source) -> Error {
    let known = || ["profile", "rules"].into_iter().chain(KNOBS.iter().map(|knob| knob.name));
    let near = known().find(|candidate| is_near(name, candidate));
    let allowed = match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("allowed is one of {}", known().collect::<Vec<_>>().join(", ")),
    };
    let what = match source {
        Source::Keyword => "option",
        Source::Url => "URL parameter",
        Source::Variable => "variable",
    };
    let field = match source {
        Source::Keyword | Source::Url => name.to_string(),
        Source::Variable => source.field(name),
    };
    Error::new(
        crate::error::ErrorKind::InvalidOption,
        format!("unknown {what} {field:?}: {allowed}"),
    )
}

/// Whether one insertion, deletion, replacement or a missing unit lies between two names.
fn is_near(wrong: &str, right: &str) -> bool {
    let (wrong, right) = (wrong.as_bytes(), right.as_bytes());
    let same_head = wrong.iter().zip(right).take_while(|(a, b)| a == b).count();
    let same_tail = wrong.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
    let longer = wrong.len().max(right.len());
    let differing = longer.saturating_sub(same_head + same_tail);
    differing <= 1 || (same_head >= 6 && differing <= 4)
}
