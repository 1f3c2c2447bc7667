//! Commands that are answered from memory, or refused.

use std::sync::atomic::Ordering;

use outlast_core::command::Traits;
use outlast_core::policy::Startup;
use outlast_core::rules::{Decision, decide};
use outlast_core::settle;
use outlast_core::store::Refusal;
use outlast_core::{Error, ErrorKind, Failure, FailureKind, Value};

use super::{Gate, belied, name_of};

impl Gate {
    /// Answers a command from the store; none if Redis is back, so that it must go there.
    pub(crate) fn serve<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        traits: Traits,
        unless_connected: bool,
    ) -> Option<Result<Value, Error>> {
        if self.is_closed() {
            return Some(Err(self.closed()));
        }
        if let Some(reason) = self.forbidden(args, traits) {
            return Some(Err(self.refuse(&reason)));
        }
        // The switch back to Redis happens while no command is under way in the store: what is
        // served here is journalled in time, or goes to Redis.
        if let Some(error) = self.journal_failed(traits.access) {
            return Some(Err(error));
        }
        let may_serve = || !(unless_connected && self.is_connected()) && self.holds(args);
        let reply = self.store.execute_if(self.clock.now(), args, true, may_serve)?;
        if let Err(error) = self.settle_on_disk(traits.access) {
            return Some(Err(error));
        }
        Some(self.served(args, reply))
    }

    /// Why the rules forbid to answer a command from memory, if they do.
    pub(super) fn forbidden<A: AsRef<[u8]>>(&self, args: &[A], traits: Traits) -> Option<String> {
        let policy = self.policy();
        match decide(traits, args, &policy.rules, policy.on_guarded) {
            Decision::Refuse(reason) => Some(reason.describe(&name_of(args))),
            _ => None,
        }
    }

    pub(super) fn maybe_applied(&self, what: &str, failure: &Failure) -> Error {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let message = format!(
            "{what} was sent and may have been applied: {}; it is not repeated on its own",
            failure.kind.words(),
        );
        Error::new(ErrorKind::MaybeApplied, message).because_of(failure)
    }

    /// The startup took longer than the command may: it is answered from memory where Redis is
    /// optional.
    pub(crate) fn overdue<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        traits: Traits,
    ) -> Result<Value, Error> {
        if self.policy().startup == Startup::Required {
            return Err(self.refuse("Redis is required, and the startup is under way"));
        }
        match self.serve(args, traits, true) {
            Some(result) => result,
            None => self.too_late(args, false),
        }
    }

    /// Redis is back, and the deadline is past: the command was not done, unless it is a write `in_doubt`.
    pub(crate) fn too_late<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        in_doubt: bool,
    ) -> Result<Value, Error> {
        if in_doubt {
            let text = "no reply within the deadline";
            let failure = Failure::new(FailureKind::ResponseTimeout, text);
            return Err(self.maybe_applied(&name_of(args), &failure));
        }
        let what = format!("{} was not done within its deadline", name_of(args));
        Err(self.refuse(&what))
    }

    pub(super) fn served<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        reply: Result<Value, Refusal>,
    ) -> Result<Value, Error> {
        match reply {
            Ok(value) => {
                self.served.fetch_add(1, Ordering::Relaxed);
                Ok(value)
            }
            Err(Refusal::Full) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let bytes_max = self.policy().store_bytes_max;
                let message = format!(
                    "the store in memory is full (store_bytes_max {bytes_max}): nothing was written"
                );
                Err(Error::new(ErrorKind::LimitReached, message))
            }
            Err(Refusal::JournalFull) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let bytes_max = self.policy().journal_bytes_max;
                let message = format!(
                    "the journal of what Redis must get is full (journal_bytes_max {bytes_max}): \
                     nothing was written"
                );
                Err(Error::new(ErrorKind::LimitReached, message))
            }
            Err(_) => {
                let what = format!("{} is not known to the store in memory", name_of(args));
                Err(self.refuse(&what).with_kind(ErrorKind::UnsupportedLocally))
            }
        }
    }

    /// Whether what a command touches is of this shard, as everything is where there is no cluster.
    pub(crate) fn holds<A: AsRef<[u8]>>(&self, args: &[A]) -> bool {
        self.seat.as_ref().is_none_or(|seat| seat.holds(args))
    }

    pub(super) fn refuse(&self, what: &str) -> Error {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.unavailable(what)
    }
}

/// Of a write `in_doubt` that went to Redis again: an error that says it was not done is true of the
/// second sending only.
pub(crate) fn doubted<T>(
    what: impl FnOnce() -> String,
    in_doubt: bool,
    result: Result<T, Error>,
) -> Result<T, Error> {
    let known = settle::Unanswered {
        write: true,
        idempotent: true,
        maybe_done: in_doubt,
        forbidden: false,
    };
    result.map_err(|error| {
        if !known.is_belied_by(error.kind()) {
            return error;
        }
        let text = "the first sending got no reply";
        belied(&what(), &Failure::new(FailureKind::ConnectionLost, text), &error)
    })
}
