//! Transactions: all of their commands or none, on Redis as in the store; and pipelines, as far as they
//! are looked at as a whole.

use outlast_core::classify::classify_reply;
use outlast_core::command::{Access, Traits};
use outlast_core::policy::Startup;
use outlast_core::resp::Commands;
use outlast_core::settle::{self, Aftermath};
use outlast_core::store::Refusal;
use outlast_core::{Error, ErrorKind, Failure, Input, Value, Verdict};

use super::{Came, Gate, Settled, Unanswered, belied};

impl Gate {
    /// Refuses a transaction with a command that no shared connection can carry.
    pub(crate) fn check_transaction<A: AsRef<[u8]>>(commands: &[Vec<A>]) -> Result<(), Error> {
        commands.iter().try_for_each(|args| Self::check(args).map(drop))
    }

    /// Refuses a pipeline with a command that no shared connection can carry.
    pub(crate) fn check_all(commands: &Commands) -> Result<(), Error> {
        (0..commands.len()).try_for_each(|at| Self::check_one(commands, at))
    }

    /// Refuses such a command of a pipeline.
    pub(crate) fn check_one(commands: &Commands, at: usize) -> Result<(), Error> {
        let args = commands.args(at);
        match args.first() {
            Some(name) => Self::checked(name, commands.traits(at, &args)).map(drop),
            None => Self::check::<&[u8]>(&[]).map(drop),
        }
    }

    /// Every reply of a transaction came: that to MULTI, those to its commands and that to EXEC; all
    /// of them as a list. An error reply that means trouble with Redis is not the caller's.
    pub(crate) fn transacted<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        came: &Came,
        replies: Vec<Value>,
    ) -> Result<Value, Box<Unanswered>> {
        for reply in &replies {
            let Value::Error(message) = reply else { continue };
            let kind = classify_reply(message);
            if kind.verdict() != Verdict::Command && !self.is_redirect(message) {
                let failure = Failure::new(kind, message.clone());
                // EXEC discards all where one was refused. Without MULTI each was on its own.
                let maybe_done = matches!(replies.first(), Some(Value::Error(_)));
                return Err(Box::new(Unanswered { failure, maybe_done }));
            }
        }
        if let Some(Value::Array(ended)) = replies.last() {
            self.learn_each(commands, came, ended);
        }
        // Counted as one command, as it is one for its caller.
        self.replied_so::<&[u8]>(&[], came, Value::Array(replies))
    }

    fn learn_each<A: AsRef<[u8]>>(&self, commands: &[Vec<A>], came: &Came, replies: &[Value]) {
        let policy = self.policy();
        if !policy.shadow {
            return;
        }
        for (args, reply) in commands.iter().zip(replies) {
            let is_newest = || self.is_newest(came.epoch) && self.holds(args);
            self.store.learn(came.now, args, reply, policy.stale_ms_max, is_newest);
        }
    }

    /// As [`settle`](Self::settle), for all commands of a transaction.
    pub(crate) fn settle_transaction<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        epoch: u64,
        unanswered: Unanswered,
    ) -> Settled {
        let Unanswered { failure, maybe_done } = unanswered;
        let write = commands.iter().any(|args| Traits::of(args).access == Access::Write);
        self.tell(Input::CommandFailed { epoch, failure: failure.clone(), write });
        if self.is_closed() {
            return Settled::Ended(Err(self.closed()));
        }
        let known = settle::Unanswered {
            write,
            idempotent: commands.iter().all(|args| Traits::of(args).idempotent),
            maybe_done,
            forbidden: self.forbidden_in(commands).is_some(),
        };
        let what = "the transaction";
        let in_doubt = || Settled::Ended(Err(self.maybe_applied(what, &failure)));
        let belied = |error| Settled::Ended(Err(belied(what, &failure, &error)));
        match known.aftermath(self.policy().on_ambiguous) {
            Aftermath::Memory => match self.serve_transaction(commands, write) {
                Some(Err(error)) if known.is_belied_by(error.kind()) => belied(error),
                Some(result) => Settled::Ended(result),
                None => match self.again(&["EXEC"], known.maybe_done && write) {
                    Settled::Ended(Err(error)) if known.is_belied_by(error.kind()) => belied(error),
                    settled => settled,
                },
            },
            Aftermath::MemoryOnly => {
                let now = self.clock.now();
                let replies = self.store.transact_if(now, commands, false, || true);
                replies.map_or_else(in_doubt, |replies| {
                    Settled::Ended(self.transaction_served(replies))
                })
            }
            _ => in_doubt(),
        }
    }

    /// Answers a transaction from the store; none if Redis is back, so that it must go there.
    pub(crate) fn serve_transaction<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        unless_connected: bool,
    ) -> Option<Result<Value, Error>> {
        if self.is_closed() {
            return Some(Err(self.closed()));
        }
        if let Some(reason) = self.forbidden_in(commands) {
            return Some(Err(self.refuse(&reason)));
        }
        let writes = commands.iter().any(|args| Traits::of(args).access == Access::Write);
        let access = if writes { Access::Write } else { Access::Read };
        if let Some(error) = self.journal_failed(access) {
            return Some(Err(error));
        }
        let is_own = || commands.iter().all(|args| self.holds(args));
        let may_serve = || !(unless_connected && self.is_connected()) && is_own();
        let replies = self.store.transact_if(self.clock.now(), commands, true, may_serve)?;
        if let Err(error) = self.settle_on_disk(access) {
            return Some(Err(error));
        }
        Some(self.transaction_served(replies))
    }

    fn transaction_served(&self, replies: Result<Vec<Value>, Refusal>) -> Result<Value, Error> {
        match replies {
            Err(Refusal::Unsupported) => {
                let what = "a command of the transaction is not known to the store in memory";
                Err(self.refuse(what).with_kind(ErrorKind::UnsupportedLocally))
            }
            replies => self.served(&["EXEC"], replies.map(Value::Array)),
        }
    }

    /// The startup took longer than the transaction may.
    pub(crate) fn overdue_transaction<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
    ) -> Result<Value, Error> {
        if self.policy().startup == Startup::Required {
            return Err(self.refuse("Redis is required, and the startup is under way"));
        }
        match self.serve_transaction(commands, true) {
            Some(result) => result,
            None => self.too_late(&["EXEC"], false),
        }
    }

    fn forbidden_in<A: AsRef<[u8]>>(&self, commands: &[Vec<A>]) -> Option<String> {
        commands.iter().find_map(|args| self.forbidden(args, Traits::of(args)))
    }
}
