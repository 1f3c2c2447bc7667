//! The replay over a fresh connection: `client/src/driver.rs`, with what each sabotage does to it.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::coverage::Happening;
use super::host::{Host, new_store};
use super::ledger::{Args, is_marker};
use super::link::Role;
use super::queue::{Event, Side};
use super::sabotage::Sabotage;
use super::shared::Shared;
use crate::input::Input;
use crate::kind::{Failure, FailureKind};
use crate::replay::{Progress, Replay, Step};
use crate::resp::Value;
use crate::time::Timestamp;

/// A replay under way.
#[derive(Debug)]
pub(super) struct Replaying {
    replay: Replay,
    missing: usize,
    replies: Vec<Value>,
    exchange: u64,
    /// Whether abandoned connections are being killed first.
    killing: usize,
    is_batch: bool,
}

impl Replaying {
    /// Takes a reply; whether it was the last of its exchange.
    pub(super) fn took(&mut self, value: Value) -> bool {
        self.replies.push(value);
        self.missing = self.missing.saturating_sub(1);
        self.missing == 0
    }
}

/// Whether these are a batch, and no question that goes before one.
fn begins_transaction(commands: &[Args]) -> bool {
    commands.first().and_then(|args| args.first()).is_some_and(|name| name == b"MULTI")
}

impl Host {
    pub(super) fn begin_replay(&mut self, shared: &mut Shared, epoch: u64) {
        let Some(at) = self.links.iter().position(|link| matches!(link.role, Role::Fresh)) else {
            return;
        };
        if shared.is_sabotaged(Sabotage::ForgetJournal) {
            self.store = new_store(&self.policy, self.plan.seed);
        }
        if shared.is_sabotaged(Sabotage::ResendRenumbered) {
            let now = self.now(shared);
            self.store.batch_returned(now);
        }
        let Some(link) = self.links.get_mut(at) else { return };
        link.epoch = epoch;
        let wire = link.wire;
        if shared.is_sabotaged(Sabotage::SwitchBeforeReplay) {
            link.role = Role::Serving;
            self.tell(shared, Input::Reconciled { epoch });
            self.go_on_waiting(shared);
            return;
        }
        link.role = Role::Replaying(Replaying {
            replay: Replay::new(self.client_id.clone()),
            missing: 0,
            replies: Vec::new(),
            exchange: 0,
            killing: 0,
            is_batch: false,
        });
        let victims = self.abandoned.clone();
        let is_spared = shared.is_sabotaged(Sabotage::SpareAbandoned);
        if !is_spared && shared.settings.guard && !victims.is_empty() {
            let kill = |wire: &usize| {
                ["CLIENT", "KILL", "ID", &wire.to_string()].map(|word| word.as_bytes().to_vec())
            };
            let commands: Vec<Args> = victims.iter().map(|wire| kill(wire).to_vec()).collect();
            self.exchange(shared, wire, &commands, true);
        } else {
            self.step_replay(shared, wire);
        }
    }

    /// The replies of an exchange are there.
    pub(super) fn advance_replay(&mut self, shared: &mut Shared, wire: usize) {
        let Some(replaying) = self.replaying(wire) else { return };
        let replies = core::mem::take(&mut replaying.replies);
        let killed = core::mem::take(&mut replaying.killing);
        if killed > 0 {
            // Until Redis says so they may still be read.
            self.abandoned.drain(..killed.min(self.abandoned.len()));
            self.step_replay(shared, wire);
            return;
        }
        let is_batch = replaying.is_batch;
        let Some(at) = self.at(wire) else { return };
        let in_doubt = self.store.journal().in_doubt;
        let now = self.now(shared);
        let Some(link) = self.links.get_mut(at) else { return };
        let Role::Replaying(replaying) = &mut link.role else { return };
        let epoch = link.epoch;
        match replaying.replay.handle(now, &self.store, &replies) {
            Ok(Progress { replayed, refused, conflicts }) => {
                self.count_progress(shared, is_batch, in_doubt, &replies, refused);
                if replayed + refused + conflicts > 0 {
                    let progress = Input::ReplayProgressed { epoch, replayed, conflicts, refused };
                    self.tell(shared, progress);
                }
                self.step_replay(shared, wire);
            }
            Err(failure) => {
                shared.coverage.count(Happening::BatchRejected);
                self.fail_replay(shared, wire, failure);
            }
        }
    }

    fn count_progress(
        &mut self,
        shared: &mut Shared,
        is_batch: bool,
        in_doubt: Option<u64>,
        replies: &[Value],
        refused: u64,
    ) {
        let is_settled = in_doubt.is_some() && self.store.journal().in_doubt.is_none();
        let happening = match (is_batch, replies.iter().rev().nth(1)) {
            (true, Some(Value::Array(_))) => Happening::BatchApplied,
            (true, Some(Value::Nil)) => Happening::BatchOvertaken,
            (false, _) if is_settled => {
                shared.coverage.add(Happening::RefusalForeseen, refused);
                Happening::BatchFoundApplied
            }
            (true | false, _) => return,
        };
        shared.coverage.count(happening);
        shared.coverage.add(Happening::DeadLetter, refused);
    }

    fn step_replay(&mut self, shared: &mut Shared, wire: usize) {
        {
            let now = self.now(shared);
            let was_in_doubt = self.store.journal().in_doubt.is_some();
            let Some(at) = self.at(wire) else { return };
            let Some(link) = self.links.get_mut(at) else { return };
            let Role::Replaying(replaying) = &mut link.role else { return };
            match replaying.replay.next(now, &self.store) {
                Step::Exchange(commands) => {
                    let is_batch = begins_transaction(&commands);
                    if is_batch && was_in_doubt {
                        shared.coverage.count(Happening::BatchResent);
                    }
                    let commands = sabotaged(shared, commands);
                    self.exchange(shared, wire, &commands, false);
                }
                Step::Switch => {
                    // Other threads go on between the last reply and the switch.
                    let pause_ms = shared.rng.between(0, self.plan.drive_ms_max);
                    shared.plan_in(pause_ms, Event::Switch { host: self.index, wire });
                }
            }
        }
    }

    /// Callers are on Redis from here on, unless something was journalled meanwhile.
    pub(super) fn switch(&mut self, shared: &mut Shared, wire: usize) {
        if self.replaying(wire).is_none() {
            return;
        }
        if self.store.when_written_back(|| ()).is_none() {
            shared.coverage.count(Happening::SwitchPutOff);
            self.step_replay(shared, wire);
            return;
        }
        let Some(at) = self.at(wire) else { return };
        let Some(link) = self.links.get_mut(at) else { return };
        link.role = Role::Serving;
        let epoch = link.epoch;
        self.tell(shared, Input::Reconciled { epoch });
        self.go_on_waiting(shared);
    }

    fn exchange(&mut self, shared: &mut Shared, wire: usize, commands: &[Args], kills: bool) {
        self.exchanges += 1;
        let exchange = self.exchanges;
        let Some(at) = self.at(wire) else { return };
        let Some(link) = self.links.get_mut(at) else { return };
        for args in commands {
            link.connection.send(args, Timestamp::ZERO);
        }
        if let Role::Replaying(replaying) = &mut link.role {
            replaying.missing = commands.len();
            replaying.exchange = exchange;
            replaying.killing = if kills { commands.len() } else { 0 };
            replaying.is_batch = begins_transaction(commands);
        }
        let index = self.index;
        shared.tell(|| format!("client {index} replays: {}", super::server::text(commands)));
        self.flush(shared, at);
        self.ambush(shared, wire);
        let over = Event::ExchangeOver { host: self.index, wire, exchange };
        shared.plan_in(self.policy.connect_timeout_ms, over);
    }

    /// While faults last, what a replay sends or is sent may come to harm.
    fn ambush(&self, shared: &mut Shared, wire: usize) {
        if shared.now >= shared.calm_at || shared.rng.between(1, 100) > self.plan.ambush_percent {
            return;
        }
        let way_ms = shared.network.latency_ms + shared.network.extra_ms;
        match shared.rng.between(0, 6) {
            5.. => shared.release_late(self.index, way_ms),
            0 => shared.cut(wire),
            // The server takes it, and its replies are cut.
            1 | 2 => shared.plan_in(way_ms, Event::Cut { wire }),
            3 => shared.hold_for(Side::Server, 2 * self.policy.connect_timeout_ms),
            _ => shared.hold_for(Side::Client, 2 * self.policy.connect_timeout_ms),
        }
    }

    pub(super) fn exchange_over(&mut self, shared: &mut Shared, wire: usize, exchange: u64) {
        let Some(replaying) = self.replaying(wire) else { return };
        if replaying.exchange == exchange {
            let failure = Failure::new(FailureKind::ResponseTimeout, "no reply while writing back");
            self.fail_replay(shared, wire, failure);
        }
    }

    pub(super) fn fail_replay(&mut self, shared: &mut Shared, wire: usize, failure: Failure) {
        let Some(at) = self.at(wire) else { return };
        let epoch = self.links.remove(at).epoch;
        self.abandon(shared, wire);
        if shared.is_sabotaged(Sabotage::BelieveUnanswered) {
            self.store.batch_applied();
        }
        self.tell(shared, Input::ConnectionLost { epoch, failure });
    }

    fn at(&self, wire: usize) -> Option<usize> {
        self.links.iter().position(|link| link.wire == wire)
    }

    fn replaying(&mut self, wire: usize) -> Option<&mut Replaying> {
        let link = self.links.iter_mut().find(|link| link.wire == wire)?;
        if let Role::Replaying(replaying) = &mut link.role { Some(replaying) } else { None }
    }
}

/// What is sent in place of what should be.
fn sabotaged(shared: &Shared, commands: Vec<Args>) -> Vec<Args> {
    match shared.settings.sabotage {
        Some(Sabotage::DropMarker) => {
            commands.into_iter().filter(|args| !is_marker(args)).collect()
        }
        Some(Sabotage::NotWatchMarker) => commands
            .into_iter()
            .map(|args| {
                let is_watch = args.first().is_some_and(|name| name == b"WATCH");
                if is_watch { vec![b"PING".to_vec()] } else { args }
            })
            .collect(),
        Some(Sabotage::ReorderKey) => commands.into_iter().map(reordered).collect(),
        Some(Sabotage::ForgetExpiry) => commands
            .into_iter()
            .filter(|args| args.first().is_none_or(|name| name != b"PEXPIREAT"))
            .map(|args| if is_marker(&args) { args } else { lasting(args) })
            .collect(),
        _ => commands,
    }
}

fn reordered(mut args: Args) -> Args {
    if args.first().is_some_and(|name| name == b"RPUSH")
        && let Some(elements) = args.get_mut(2..)
    {
        elements.reverse();
    }
    args
}

fn lasting(mut args: Args) -> Args {
    if args.first().is_some_and(|name| name == b"SET") {
        args.truncate(3);
    }
    args
}
