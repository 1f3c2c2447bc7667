//! What becomes of a command that went to Redis and got no reply.

use crate::error::ErrorKind;
use crate::policy::OnAmbiguous;

/// What is known of a command, or of all commands of a transaction, that got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "hosts state all of it")]
#[expect(clippy::struct_excessive_bools, reason = "independent answers to independent questions")]
pub struct Unanswered {
    /// Whether it writes.
    pub write: bool,
    /// Whether doing it twice is as good as once.
    pub idempotent: bool,
    /// Whether Redis may have done it.
    pub maybe_done: bool,
    /// Whether the rules forbid that memory answers it.
    pub forbidden: bool,
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aftermath {
    /// Memory answers it, and the journal keeps it for Redis; or it goes to Redis, if that is back.
    Memory,
    /// Memory answers it, and Redis is not told.
    MemoryOnly,
    /// Its caller is told that it may have been applied.
    InDoubt,
}

impl Unanswered {
    /// How it goes on under a policy.
    ///
    /// ```
    /// use outlast_core::policy::OnAmbiguous;
    /// use outlast_core::settle::{Aftermath, Unanswered};
    ///
    /// let set = Unanswered { write: true, idempotent: true, maybe_done: true, forbidden: false };
    /// assert_eq!(set.aftermath(OnAmbiguous::Error), Aftermath::Memory);
    /// let lock = Unanswered { forbidden: true, ..set };
    /// assert_eq!(lock.aftermath(OnAmbiguous::Error), Aftermath::InDoubt);
    /// ```
    pub const fn aftermath(self, on_ambiguous: OnAmbiguous) -> Aftermath {
        // What is forbidden would be refused, and a refusal says that it was not done.
        let is_in_doubt = !self.idempotent || self.write && self.forbidden;
        if !self.maybe_done || !is_in_doubt {
            return Aftermath::Memory;
        }
        // Memory does not know who has a lock, or who was handed a job.
        match on_ambiguous {
            OnAmbiguous::Local if !self.forbidden => Aftermath::MemoryOnly,
            OnAmbiguous::Local | OnAmbiguous::Error => Aftermath::InDoubt,
        }
    }

    /// Whether an error that memory answers with says of a write in doubt that it was not done.
    pub const fn is_belied_by(self, error: ErrorKind) -> bool {
        let says_so = matches!(
            error,
            ErrorKind::RedisUnavailable | ErrorKind::LimitReached | ErrorKind::UnsupportedLocally
        );
        says_so && self.maybe_done && self.write
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Unanswered =
        Unanswered { write: true, idempotent: true, maybe_done: true, forbidden: false };

    #[test]
    fn what_may_have_been_done_is_never_denied() {
        let increment = Unanswered { idempotent: false, ..SENT };
        let lock = Unanswered { forbidden: true, ..SENT };
        for (command, error, local) in [
            (SENT, Aftermath::Memory, Aftermath::Memory),
            (increment, Aftermath::InDoubt, Aftermath::MemoryOnly),
            (lock, Aftermath::InDoubt, Aftermath::InDoubt),
            (Unanswered { maybe_done: false, ..increment }, Aftermath::Memory, Aftermath::Memory),
            (Unanswered { maybe_done: false, ..lock }, Aftermath::Memory, Aftermath::Memory),
            // To read it once more is as good; it is refused.
            (Unanswered { write: false, ..lock }, Aftermath::Memory, Aftermath::Memory),
        ] {
            assert_eq!(command.aftermath(OnAmbiguous::Error), error, "{command:?}");
            assert_eq!(command.aftermath(OnAmbiguous::Local), local, "{command:?}");
        }
        assert!(SENT.is_belied_by(ErrorKind::LimitReached));
        assert!(!Unanswered { maybe_done: false, ..SENT }.is_belied_by(ErrorKind::LimitReached));
        assert!(!SENT.is_belied_by(ErrorKind::Command));
    }
}
