//! Replies of Redis: what they mean, and what the store learns from them.

use std::sync::atomic::Ordering;
use std::time::Instant;

use outlast_core::classify::classify_reply;
use outlast_core::cluster::Redirect;
use outlast_core::command::Traits;
use outlast_core::resp::Commands;
use outlast_core::{Failure, Input, Timestamp, Value, Verdict};

use super::{Gate, Unanswered};

/// How replies came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    /// Over the connection of this epoch.
    pub(crate) epoch: u64,
    pub(crate) now: Timestamp,
    /// How long after their commands were sent.
    pub(crate) took_us: u64,
}

impl Gate {
    /// A reply came from Redis to a command that was sent over the connection of this epoch. An error
    /// reply that means trouble with Redis is not the caller's.
    pub(crate) fn replied<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        value: Value,
        began: Instant,
    ) -> Result<Value, Box<Unanswered>> {
        self.replied_so(args, &self.came(epoch, began), value)
    }

    /// What comes now came so, where its command was sent over the connection of this epoch when it `began`.
    pub(crate) fn came(&self, epoch: u64, began: Instant) -> Came {
        let at = Instant::now();
        Came { epoch, now: self.clock.at(at), took_us: micros_between(began, at) }
    }

    /// The same of a reply of which is known how it came.
    pub(crate) fn replied_so<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        came: &Came,
        value: Value,
    ) -> Result<Value, Box<Unanswered>> {
        self.learn(args, came.epoch, &value, came.now);
        self.learned(args, came.epoch, value, came.took_us)
    }

    /// The same for each of many replies that came together, without what can be noted of all at
    /// once: see [`finished`](Self::finished).
    pub(crate) fn replied_among(
        &self,
        commands: &Commands,
        at: usize,
        came: &Came,
        value: Value,
    ) -> Result<Value, Box<Unanswered>> {
        if let Some(failure) = self.trouble_in(&value) {
            return Err(Box::new(Unanswered { failure, maybe_done: false }));
        }
        let (policy, epoch) = (self.policy(), came.epoch);
        if !policy.shadow && !self.is_slow(came.took_us) {
            return Ok(value);
        }
        let args = commands.args(at);
        if policy.shadow
            && let Some(command) = commands.command(at, &args)
        {
            let is_newest = || self.is_newest(epoch) && self.holds(&args);
            let stale_ms_max = policy.stale_ms_max;
            self.store.learn_of(command, came.now, &args, &value, stale_ms_max, is_newest);
        }
        if self.is_slow(came.took_us) && !commands.traits(at, &args).blocking {
            self.tell(Input::CommandSlow { epoch, took_ms: came.took_us / 1_000 });
        }
        Ok(value)
    }

    /// So many commands ended with a reply.
    pub(crate) fn finished(&self, commands: u64, took_us: u64) {
        self.finished.fetch_add(commands, Ordering::Relaxed);
        self.latency.record_all(commands, took_us);
    }

    fn is_slow(&self, took_us: u64) -> bool {
        let slow_ms = self.policy().breaker_slow_call_ms;
        slow_ms > 0 && took_us / 1_000 >= slow_ms
    }

    /// Lets the store learn from a reply of Redis. Also in the outage that has just begun: whoever was
    /// told that a write is done reads it.
    pub(crate) fn learn<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        value: &Value,
        now: Timestamp,
    ) {
        let policy = self.policy();
        if policy.shadow && self.trouble_in(value).is_none() {
            let is_newest = || self.is_newest(epoch) && self.holds(args);
            self.store.learn(now, args, value, policy.stale_ms_max, is_newest);
        }
    }

    /// As [`replied`](Self::replied), where the store has learned from the reply already.
    pub(crate) fn learned<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        value: Value,
        took_us: u64,
    ) -> Result<Value, Box<Unanswered>> {
        if let Some(failure) = self.trouble_in(&value) {
            return Err(Box::new(Unanswered { failure, maybe_done: false }));
        }
        self.finished(1, took_us);
        if self.is_slow(took_us) && !Traits::of(args).blocking {
            self.tell(Input::CommandSlow { epoch, took_ms: took_us / 1_000 });
        }
        Ok(value)
    }

    /// What an error reply means that is not the caller's affair.
    fn trouble_in(&self, value: &Value) -> Option<Failure> {
        let Value::Error(message) = value else {
            return None;
        };
        let kind = classify_reply(message);
        let is_trouble = kind.verdict() != Verdict::Command && !self.is_redirect(message);
        is_trouble.then(|| Failure::new(kind, message.clone()))
    }

    /// A reply, unless it says that what a shard was sent is to go elsewhere.
    pub(crate) fn unless_redirect(&self, value: Value) -> Option<Value> {
        let is_elsewhere = value.as_error().is_some_and(|message| self.is_redirect(message));
        (!is_elsewhere).then_some(value)
    }

    /// A replica did not answer a read, which somebody else is asked for now.
    pub(crate) fn read_failed(&self, epoch: u64, unanswered: Unanswered) {
        let Unanswered { failure, .. } = unanswered;
        self.tell(Input::CommandFailed { epoch, failure, write: false });
    }

    /// Whether an error reply says that what a shard was sent is to go elsewhere. It says nothing of
    /// the shard's health.
    pub(crate) fn is_redirect(&self, message: &str) -> bool {
        self.seat.is_some() && Redirect::parse(message).is_some()
    }
}

pub(crate) fn micros_since(began: Instant) -> u64 {
    micros_between(began, Instant::now())
}

pub(crate) fn micros_between(began: Instant, ended: Instant) -> u64 {
    let took = ended.saturating_duration_since(began);
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use outlast_core::FailureKind;

    use super::*;
    use crate::{Config, TracingSink};

    /// A gate whose first connection stood, and is lost.
    fn degraded() -> Gate {
        let config = Config::builder("redis://localhost").profile("production").build().unwrap();
        let gate = Gate::new(config, Arc::new(TracingSink::default()));
        gate.tell(Input::Start);
        gate.tell(Input::DialSucceeded { dial: 1 });
        gate.tell(Input::Reconciled { epoch: 1 });
        assert!(gate.is_current(1));
        let failure = Failure::new(FailureKind::ConnectionLost, "gone");
        gate.tell(Input::ConnectionLost { epoch: 1, failure });
        assert!(!gate.is_connected());
        gate
    }

    fn read(gate: &Gate, key: &str) -> Value {
        let args = ["GET", key];
        gate.serve(&args, Traits::of(&args), true).expect("Redis is away").expect("it is served")
    }

    #[test]
    fn a_write_whose_reply_came_just_before_the_outage_is_read() {
        let gate = degraded();
        gate.replied(&["SET", "k", "new"], 1, Value::ok(), Instant::now()).unwrap();
        assert_eq!(read(&gate, "k"), Value::bulk("new"));
    }

    #[test]
    fn what_was_written_since_is_not_undone_by_a_late_reply() {
        let gate = degraded();
        let args = ["SET", "k", "newest"];
        gate.serve(&args, Traits::of(&args), true).expect("Redis is away").unwrap();
        gate.replied(&["SET", "k", "new"], 1, Value::ok(), Instant::now()).unwrap();
        assert_eq!(read(&gate, "k"), Value::bulk("newest"));
    }

    #[test]
    fn a_reply_of_an_older_connection_tells_nothing() {
        let gate = degraded();
        gate.replied(&["SET", "k", "old"], 0, Value::ok(), Instant::now()).unwrap();
        assert_eq!(read(&gate, "k"), Value::Nil);
    }
}
