//! What becomes of a command that got no reply: see [`outlast_core::settle`].

use std::sync::atomic::Ordering;

use outlast_core::command::{Access, Traits};
use outlast_core::policy::Startup;
use outlast_core::settle::{self, Aftermath};
use outlast_core::{Error, ErrorKind, Failure, FailureKind, Input, Value};

use super::{Gate, Settled, Unanswered, name_of};

impl Gate {
    /// A command on Redis did not end with its reply: tells the engine, and ends the command from
    /// memory where that is right.
    pub(crate) fn settle<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        unanswered: Unanswered,
    ) -> Settled {
        let traits = Traits::of(args);
        let write = traits.access == Access::Write;
        let Unanswered { failure, maybe_done } = unanswered;
        self.tell(Input::CommandFailed { epoch, failure: failure.clone(), write });
        // What was dropped because the client was closed is not answered from memory.
        if self.is_closed() {
            return Settled::Ended(Err(self.closed()));
        }
        let forbidden = self.forbidden(args, traits).is_some();
        let known =
            settle::Unanswered { write, idempotent: traits.idempotent, maybe_done, forbidden };
        match known.aftermath(self.policy().on_ambiguous) {
            Aftermath::Memory => match self.serve(args, traits, write) {
                Some(Err(error)) if known.is_belied_by(error.kind()) => {
                    Settled::Ended(Err(belied(&name_of(args), &failure, &error)))
                }
                Some(result) => Settled::Ended(result),
                None => match self.again(args, known.maybe_done && write) {
                    Settled::Ended(Err(error)) if known.is_belied_by(error.kind()) => {
                        Settled::Ended(Err(belied(&name_of(args), &failure, &error)))
                    }
                    settled => settled,
                },
            },
            Aftermath::MemoryOnly => {
                let reply = self.store.execute(self.clock.now(), args, false);
                Settled::Ended(self.served(args, reply))
            }
            _ => Settled::Ended(Err(self.maybe_applied(&name_of(args), &failure))),
        }
    }

    /// Redis is back: the command goes there a second time, as far as the quota for that allows.
    pub(super) fn again<A: AsRef<[u8]>>(&self, args: &[A], in_doubt: bool) -> Settled {
        if self.may_retry() {
            return Settled::Again { in_doubt };
        }
        let what = format!(
            "{} failed and is not repeated, for too many were (retry_quota_percent {})",
            name_of(args),
            self.policy().retry_quota_percent
        );
        Settled::Ended(Err(self.refuse(&what)))
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

    /// Of a write `in_doubt` that went to Redis again: an error that says it was not done is true of the
    /// second sending only.
    pub(crate) fn doubted<T>(
        &self,
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
}

/// What a write in doubt is told in place of an error that says it was not done, and that was counted.
pub(super) fn belied(what: &str, failure: &Failure, error: &Error) -> Error {
    let message = format!(
        "{what} was sent and may have been applied: {}; its repetition was refused: {}",
        failure.kind.words(),
        error.message(),
    );
    Error::new(ErrorKind::MaybeApplied, message).because_of(failure)
}
