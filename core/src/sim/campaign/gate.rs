//! Where a command goes, and what becomes of one that failed: `client/src/gate`, without its locks.

use super::coverage::Happening;
use super::host::{Host, Waiting};
use super::ledger::{Args, Ending, Kind};
use super::link::{Pending, Role};
use super::queue::Event;
use super::sabotage::Sabotage;
use super::shared::Shared;
use crate::classify::classify_reply;
use crate::command::{Access, Traits};
use crate::error::ErrorKind;
use crate::input::Input;
use crate::kind::{Failure, FailureKind, Verdict};
use crate::policy::Startup;
use crate::resp::Value;
use crate::rules::{Decision, decide};
use crate::settle::{self, Aftermath};
use crate::status::Mode;
use crate::store::Refusal;

/// A command that did not end with its reply.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub(super) failure: Failure,
    /// Whether Redis may have done it.
    pub(super) maybe_done: bool,
}

enum Route {
    Redis { epoch: u64 },
    Store,
    Wait,
    Nowhere,
}

impl Host {
    fn route(&self) -> Route {
        match self.mode {
            Mode::Connected => Route::Redis { epoch: self.epoch },
            _ if !self.started => Route::Wait,
            _ if !self.serving => Route::Nowhere,
            Mode::Degraded | Mode::Reconciling | Mode::Closed => Route::Store,
        }
    }

    /// A caller asks for something.
    pub(super) fn submit(&mut self, shared: &mut Shared, caller: usize, kind: Kind) {
        let Some(is_busy) = self.is_busy.get_mut(caller).filter(|is_busy| !**is_busy) else {
            return;
        };
        *is_busy = true;
        let op = shared.ledger.begin(shared.now, self.index, caller, kind);
        self.look(shared);
        let timeout_ms = self.policy.command_timeout_ms;
        let deadline = self.now(shared).plus_ms(timeout_ms);
        let at = shared.now + timeout_ms;
        shared.plan(at, Event::Deadline { host: self.index, op });
        let waiting = Waiting { op, deadline };
        if matches!(self.route(), Route::Store) && self.plan.drive_ms_max > 0 && shared.one_in(4) {
            // Its thread is put off between the look at the mode and the store.
            let pause_ms = shared.rng.between(1, self.plan.drive_ms_max);
            self.paused.push(waiting);
            shared.plan_in(pause_ms, Event::GoOn { host: self.index, op });
            return;
        }
        self.go_on(shared, waiting);
    }

    /// The thread of a command that was to be served goes on.
    pub(super) fn go_on_paused(&mut self, shared: &mut Shared, op: usize) {
        let Some(place) = self.paused.iter().position(|waiting| waiting.op == op) else { return };
        let waiting = self.paused.swap_remove(place);
        if !self.serve(shared, op, true) {
            self.go_on(shared, waiting);
        }
    }

    /// Sends a command, answers it, or lets it wait.
    pub(super) fn go_on(&mut self, shared: &mut Shared, waiting: Waiting) {
        loop {
            match self.route() {
                Route::Nowhere => {
                    self.end_refused(shared, waiting.op);
                    return;
                }
                Route::Wait => break,
                Route::Redis { epoch } => {
                    let Some(at) = self.free_link(epoch) else { break };
                    if self.send(shared, at, waiting) {
                        return;
                    }
                }
                Route::Store => {
                    if self.serve(shared, waiting.op, true) {
                        return;
                    }
                }
            }
        }
        let place = self.waiting.partition_point(|other| other.deadline <= waiting.deadline);
        self.waiting.insert(place, waiting);
    }

    pub(super) fn go_on_waiting(&mut self, shared: &mut Shared) {
        for waiting in core::mem::take(&mut self.waiting) {
            self.go_on(shared, waiting);
        }
    }

    /// A reply came for the last command of an operation.
    pub(super) fn replied(&mut self, shared: &mut Shared, epoch: u64, pending: Pending) {
        let commands = shared.ledger.commands(pending.op);
        let trouble = pending.replies.iter().filter_map(Value::as_error).find_map(|message| {
            let kind = classify_reply(message);
            (kind.verdict() != Verdict::Command).then(|| Failure::new(kind, message))
        });
        if let Some(failure) = trouble {
            let maybe_done =
                commands.len() > 1 && matches!(pending.replies.first(), Some(Value::Error(_)));
            self.settle(shared, epoch, pending, Unanswered { failure, maybe_done });
            return;
        }
        self.learn(shared, epoch, &commands, &pending.replies);
        shared.coverage.count(Happening::AnsweredByRedis);
        self.finished += 1;
        self.end_answered(shared, pending.op, pending.replies.last(), Ending::ByRedis);
    }

    fn learn(&self, shared: &Shared, epoch: u64, commands: &[Args], replies: &[Value]) {
        let (now, stale_ms_max) = (self.now(shared), self.policy.stale_ms_max);
        let results = match (commands, replies.last()) {
            ([_], _) => replies,
            (_, Some(Value::Array(results))) => results,
            _ => return,
        };
        for (args, reply) in commands.iter().zip(results) {
            self.store.learn(now, args, reply, stale_ms_max, || self.is_newest(epoch));
        }
    }

    fn end_answered(
        &mut self,
        shared: &mut Shared,
        op: usize,
        reply: Option<&Value>,
        ending: Ending,
    ) {
        let has_failed = match reply {
            Some(Value::Array(results)) => results.iter().any(|result| result.as_error().is_some()),
            other => other.is_some_and(|reply| reply.as_error().is_some()),
        };
        let ending = if has_failed { Ending::Error } else { ending };
        if has_failed {
            shared.coverage.count(Happening::ErrorReply);
        }
        if let Some(record) = shared.ledger.ops.get_mut(op)
            && record.kind == Kind::Get
        {
            let id =
                reply.and_then(Value::as_bulk).and_then(|text| core::str::from_utf8(text).ok());
            record.seen = Some(id.and_then(|id| id.parse().ok()));
        }
        self.end(shared, op, ending);
    }

    /// A command on Redis did not end with its reply.
    #[expect(clippy::needless_pass_by_value, reason = "it is settled, and pending no more")]
    pub(super) fn settle(
        &mut self,
        shared: &mut Shared,
        epoch: u64,
        pending: Pending,
        unanswered: Unanswered,
    ) {
        let Unanswered { failure, maybe_done } = unanswered;
        let commands = shared.ledger.commands(pending.op);
        let write = commands.iter().any(|args| Traits::of(args).access == Access::Write);
        let idempotent = commands.iter().all(|args| Traits::of(args).idempotent);
        let told_write = write && !shared.is_sabotaged(Sabotage::IgnoreFailedWrite);
        self.tell(shared, Input::CommandFailed { epoch, failure, write: told_write });
        let is_repeated = idempotent || shared.is_sabotaged(Sabotage::RepeatInDoubt);
        let known = settle::Unanswered {
            write,
            idempotent: is_repeated,
            maybe_done,
            forbidden: self.is_forbidden(&commands),
        };
        if known.aftermath(self.policy.on_ambiguous) != Aftermath::Memory {
            self.end_in_doubt(shared, pending.op);
            return;
        }
        if maybe_done && write {
            shared.coverage.count(Happening::RepeatedFromMemory);
        }
        self.in_doubt = known.is_belied_by(ErrorKind::RedisUnavailable);
        let unless_connected = write && !shared.is_sabotaged(Sabotage::IgnoreFailedWrite);
        let is_served = self.serve(shared, pending.op, unless_connected);
        self.in_doubt = false;
        if is_served {
            return;
        }
        let Pending { op, deadline, .. } = pending;
        if deadline > self.now(shared) {
            self.go_on(shared, Waiting { op, deadline });
        } else if self.plan.is_pool {
            self.in_doubt = known.is_belied_by(ErrorKind::RedisUnavailable);
            self.end_refused(shared, op);
            self.in_doubt = false;
        } else {
            shared.plan_in(0, Event::Deadline { host: self.index, op });
            self.go_on(shared, Waiting { op, deadline });
        }
    }

    /// A connection was given up with this under way.
    pub(super) fn settle_lost(&mut self, shared: &mut Shared, (pending, sent): (Pending, bool)) {
        let failure = Failure::new(FailureKind::ConnectionLost, "the connection was given up");
        let epoch = pending.epoch;
        self.settle(shared, epoch, pending, Unanswered { failure, maybe_done: sent });
    }

    /// Answers an operation from the store; false if Redis is back.
    pub(super) fn serve(&mut self, shared: &mut Shared, op: usize, unless_connected: bool) -> bool {
        let commands = shared.ledger.commands(op);
        if self.is_forbidden(&commands) {
            shared.coverage.count(Happening::RefusedByRule);
            self.end_refused(shared, op);
            return true;
        }
        let unless_connected =
            unless_connected && !shared.is_sabotaged(Sabotage::ServeWhenConnected);
        if unless_connected && self.is_connected() {
            return false;
        }
        let Some(reply) = self.execute(shared, &commands) else { return false };
        if self.mode == Mode::Reconciling {
            shared.coverage.count(Happening::WrittenDuringReplay);
        }
        match reply {
            Ok(value) => {
                shared.coverage.count(Happening::ServedFromMemory);
                self.end_answered(shared, op, Some(&value), Ending::FromMemory);
            }
            Err(refusal) => {
                if refusal == Refusal::Full {
                    shared.coverage.count(Happening::StoreFull);
                }
                self.end_refused(shared, op);
            }
        }
        self.look(shared);
        true
    }

    fn execute(&self, shared: &mut Shared, commands: &[Args]) -> Option<Result<Value, Refusal>> {
        let now = self.now(shared);
        let is_deletion = commands.iter().flatten().next().is_some_and(|name| name == b"DEL");
        let is_forgotten = is_deletion && shared.is_sabotaged(Sabotage::ForgetTombstone)
            || shared.is_sabotaged(Sabotage::AcknowledgeUnjournalled) && shared.one_in(5);
        let journalled = !is_forgotten;
        if shared.is_sabotaged(Sabotage::SplitUnit) {
            let mut last = None;
            for args in commands.iter().flat_map(split) {
                last = self.store.execute_if(now, &args, journalled, || true);
            }
            return last;
        }
        if let [args] = commands {
            return self.store.execute_if(now, args, journalled, || true);
        }
        let replies = self.store.transact_if(now, commands, journalled, || true)?;
        Some(replies.map(|replies| replies.into_iter().last().unwrap_or(Value::Nil)))
    }

    fn is_forbidden(&self, commands: &[Args]) -> bool {
        let (rules, on_guarded) = (&self.policy.rules, self.policy.on_guarded);
        let is_served =
            |args: &Args| decide(Traits::of(args), args, rules, on_guarded) == Decision::Serve;
        !commands.iter().all(is_served)
    }

    fn end_in_doubt(&mut self, shared: &mut Shared, op: usize) {
        shared.coverage.count(Happening::MaybeApplied);
        let ending = if shared.is_sabotaged(Sabotage::HideDoubt) {
            Ending::ByRedis
        } else if shared.is_sabotaged(Sabotage::DenyDoubt) {
            Ending::Refused
        } else {
            Ending::MaybeApplied
        };
        self.end(shared, op, ending);
    }

    pub(super) fn end_refused(&mut self, shared: &mut Shared, op: usize) {
        if self.in_doubt {
            self.end_in_doubt(shared, op);
            return;
        }
        shared.coverage.count(Happening::Refused);
        self.end(shared, op, Ending::Refused);
    }

    /// The deadline of an operation has come.
    pub(super) fn deadline(&mut self, shared: &mut Shared, op: usize) {
        let now = self.now(shared);
        if shared.is_sabotaged(Sabotage::ServePastDeadline) && shared.one_in(2) {
            shared.plan_in(2_000, Event::Deadline { host: self.index, op });
            return;
        }
        if let Some(place) = self.waiting.iter().position(|waiting| waiting.op == op) {
            if self.waiting.get(place).is_some_and(|waiting| waiting.deadline <= now)
                && let Some(waiting) = self.waiting.remove(place)
            {
                self.overdue(shared, waiting);
            }
            return;
        }
        let find = |link: &super::link::Link| link.sent.iter().any(|pending| pending.op == op);
        let Some(at) = self.links.iter().position(find) else { return };
        self.expire(shared, at, op);
    }

    /// It never got to Redis.
    fn overdue(&mut self, shared: &mut Shared, waiting: Waiting) {
        let op = waiting.op;
        if self.started && self.plan.is_pool {
            // Where there was room for a further connection, that none came is Redis' doing.
            let failure = Failure::new(FailureKind::ResponseTimeout, "no connection came free");
            let pending = Pending::new(waiting, self.epoch);
            let unanswered = Unanswered { failure, maybe_done: false };
            let epoch = pending.epoch;
            self.settle(shared, epoch, pending, unanswered);
        } else {
            let is_required = !self.started && self.policy.startup == Startup::Required;
            if is_required || !self.serve(shared, op, true) {
                self.end_refused(shared, op);
            }
        }
    }

    /// The connection that a command may go over.
    fn free_link(&self, epoch: u64) -> Option<usize> {
        let is_free = |link: &super::link::Link| {
            matches!(link.role, Role::Serving)
                && link.epoch == epoch
                && (!self.plan.is_pool || link.sent.is_empty())
        };
        self.links.iter().rposition(is_free)
    }
}

/// The single commands that a command of several keys is made of.
fn split(args: &Args) -> alloc::vec::Vec<Args> {
    if args.first().is_none_or(|name| name != b"MSET") {
        return alloc::vec![args.clone()];
    }
    let pairs = args.get(1..).unwrap_or_default().chunks(2);
    pairs.map(|pair| [&[b"SET".to_vec()], pair].concat()).collect()
}
