//! A client's connections: dialled, used by callers, and given up.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::coverage::Happening;
use super::gate::Unanswered;
use super::host::{DialSeen, Host, Waiting};
use super::network::Chunk;
use super::queue::{Event, Side};
use super::sabotage::Sabotage;
use super::shared::Shared;
use super::write_back::Replaying;
use crate::connection::{self, Connection, Credentials, Handshake, Introduction, Step};
use crate::input::Input;
use crate::kind::{Failure, FailureKind};
use crate::resp::{Limits, Value};
use crate::time::Timestamp;

const REPLY_BYTES_MAX: usize = 1 << 24;
/// How long a client waits after it was refused another connection.
const GROWTH_PAUSE_MS: u64 = 500;
/// A connection that was used this recently is not looked at before a command that may be repeated.
const FRESH_MS: u64 = 10;

/// What a connection is used for.
#[derive(Debug)]
pub(super) enum Role {
    /// It is being made; without a number it is a further one.
    Dialling {
        dial: Option<u64>,
        seen: usize,
        handshake: Handshake,
        missing: usize,
        replies: Vec<Value>,
    },
    /// It was made, and the engine was told.
    Fresh,
    /// The journal goes back over it.
    Replaying(Replaying),
    /// Callers use it.
    Serving,
}

/// A command under way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) op: usize,
    pub(super) deadline: Timestamp,
    pub(super) epoch: u64,
    first: u64,
    last: u64,
    pub(super) replies: Vec<Value>,
}

impl Pending {
    pub(super) const fn new(waiting: Waiting, epoch: u64) -> Self {
        let Waiting { op, deadline } = waiting;
        Self { op, deadline, epoch, first: 0, last: 0, replies: Vec::new() }
    }
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) wire: usize,
    pub(super) connection: Connection,
    pub(super) role: Role,
    pub(super) epoch: u64,
    pub(super) sent: VecDeque<Pending>,
    /// The server closed it, and nobody has looked.
    is_closed: bool,
    used_at: u64,
}

impl Link {
    /// Whether nobody waits for anything on it.
    pub(super) fn is_given_up(&self) -> bool {
        self.sent.is_empty()
    }

    /// Everything under way ends; with whether it was sent.
    pub(super) fn fail(&mut self) -> Vec<(Pending, bool)> {
        let unanswered = self.connection.fail();
        let was_sent = |pending: &Pending| {
            let last = unanswered.iter().find(|other| other.command == pending.last);
            last.is_none_or(|other| other.sent)
        };
        let sent = core::mem::take(&mut self.sent);
        sent.into_iter().map(|pending| (pending.clone(), was_sent(&pending))).collect()
    }
}

impl Host {
    fn link_at(&self, wire: usize) -> Option<usize> {
        self.links.iter().position(|link| link.wire == wire)
    }

    /// Dials, for the engine or for a further connection.
    pub(super) fn dial(&mut self, shared: &mut Shared, dial: Option<u64>, timeout_ms: u64) {
        if shared.is_sabotaged(Sabotage::DialTwice) && dial.is_some_and(|dial| dial > 1) {
            self.dials.push(DialSeen { began: shared.now, ended: None });
        }
        let seen = self.dials.len();
        if dial.is_some() {
            self.dials.push(DialSeen { began: shared.now, ended: None });
        }
        if !shared.resolves {
            let failure = Failure::new(FailureKind::DnsError, "the name does not resolve");
            self.dial_failed(shared, dial, seen, failure);
            return;
        }
        let now = shared.now;
        let wire = shared.network.open(now, &mut shared.queue, self.index);
        let handshake = Handshake::new(&Credentials::default(), &Introduction::default());
        self.links.push(Link {
            wire,
            connection: Connection::new(Limits::new(REPLY_BYTES_MAX)),
            role: Role::Dialling { dial, seen, handshake, missing: 0, replies: Vec::new() },
            epoch: 0,
            sent: VecDeque::new(),
            is_closed: false,
            used_at: now,
        });
        shared.plan_in(timeout_ms, Event::DialOver { host: self.index, wire });
    }

    fn dial_failed(
        &mut self,
        shared: &mut Shared,
        dial: Option<u64>,
        seen: usize,
        failure: Failure,
    ) {
        shared.coverage.count(if failure.kind == FailureKind::ConnectionRefused {
            Happening::DialRefused
        } else if failure.kind == FailureKind::ConnectTimeout {
            Happening::DialTimedOut
        } else {
            Happening::DialRejected
        });
        let Some(dial) = dial else {
            shared.plan_in(GROWTH_PAUSE_MS, Event::MayGrow { host: self.index });
            return;
        };
        if let Some(seen) = self.dials.get_mut(seen) {
            seen.ended = Some((shared.now, Some(failure.kind)));
        }
        self.tell(shared, Input::DialFailed { dial, failure });
    }

    pub(super) fn dial_over(&mut self, shared: &mut Shared, wire: usize) {
        let failure = Failure::new(FailureKind::ConnectTimeout, "no connection in time");
        self.end_dial(shared, wire, failure);
    }

    fn end_dial(&mut self, shared: &mut Shared, wire: usize, failure: Failure) {
        let Some(at) = self.link_at(wire) else { return };
        let Some(Role::Dialling { dial, seen, .. }) = self.links.get(at).map(|link| &link.role)
        else {
            return;
        };
        let (dial, seen) = (*dial, *seen);
        self.links.remove(at);
        self.abandon(shared, wire);
        self.dial_failed(shared, dial, seen, failure);
    }

    /// Something came over a connection.
    pub(super) fn take(&mut self, shared: &mut Shared, wire: usize, chunk: Chunk) {
        let Some(at) = self.link_at(wire) else { return };
        match chunk {
            Chunk::Open => self.advance_dial(shared, at),
            Chunk::Refused => {
                let failure = Failure::new(FailureKind::ConnectionRefused, "connection refused");
                self.end_dial(shared, wire, failure);
            }
            Chunk::End => self.ended(shared, at),
            Chunk::Bytes(bytes) => {
                if let Some(link) = self.links.get_mut(at) {
                    link.connection.receive(&bytes);
                }
                self.read(shared, wire);
            }
        }
    }

    fn read(&mut self, shared: &mut Shared, wire: usize) {
        while let Some(at) = self.link_at(wire) {
            let Some(link) = self.links.get_mut(at) else { return };
            match link.connection.next_event() {
                Ok(Some(connection::Event::Reply { command, value })) => {
                    self.took_reply(shared, at, command, value);
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(error) => {
                    let failure = Failure::new(FailureKind::ProtocolError, error.0);
                    self.broke(shared, at, failure);
                    return;
                }
            }
        }
    }

    fn took_reply(&mut self, shared: &mut Shared, at: usize, command: u64, value: Value) {
        let Some(link) = self.links.get_mut(at) else { return };
        match &mut link.role {
            Role::Dialling { missing, replies, .. } => {
                replies.push(value);
                *missing -= 1;
                if *missing == 0 {
                    self.advance_dial(shared, at);
                }
            }
            Role::Fresh => {}
            Role::Replaying(replaying) => {
                if replaying.took(value) {
                    let wire = link.wire;
                    self.advance_replay(shared, wire);
                }
            }
            Role::Serving => self.took_answer(shared, at, command, value),
        }
    }

    fn took_answer(&mut self, shared: &mut Shared, at: usize, command: u64, value: Value) {
        let Some(link) = self.links.get_mut(at) else { return };
        let has = |pending: &Pending| (pending.first..=pending.last).contains(&command);
        let Some(place) = link.sent.iter().position(has) else { return };
        let Some(pending) = link.sent.get_mut(place) else { return };
        pending.replies.push(value);
        if command != pending.last {
            return;
        }
        link.used_at = shared.now;
        let (epoch, wire) = (link.epoch, link.wire);
        let Some(pending) = link.sent.remove(place) else { return };
        if !self.is_current(epoch) && self.plan.is_pool {
            self.links.remove(at);
            self.abandon(shared, wire);
        }
        self.replied(shared, epoch, pending);
        self.go_on_waiting(shared);
    }

    /// The next step of the login, or its end.
    fn advance_dial(&mut self, shared: &mut Shared, at: usize) {
        let Some(link) = self.links.get_mut(at) else { return };
        let wire = link.wire;
        let Role::Dialling { dial, seen, handshake, missing, replies } = &mut link.role else {
            return;
        };
        let (dial, seen) = (*dial, *seen);
        if let Err(failure) = Handshake::check(replies) {
            self.end_dial(shared, wire, failure);
            return;
        }
        replies.clear();
        if let Step::Send(commands) = handshake.next_step() {
            *missing = commands.len();
            for command in &commands {
                link.connection.send(command, Timestamp::ZERO);
            }
            self.flush(shared, at);
            return;
        }
        let Some(dial) = dial else {
            self.grown(shared, at);
            return;
        };
        link.role = Role::Fresh;
        if let Some(seen) = self.dials.get_mut(seen) {
            seen.ended = Some((shared.now, None));
        }
        self.tell(shared, Input::DialSucceeded { dial });
    }

    /// Hands what is to be sent to the network.
    pub(super) fn flush(&mut self, shared: &mut Shared, at: usize) {
        let Some(link) = self.links.get_mut(at) else { return };
        let bytes = link.connection.unsent().to_vec();
        link.connection.sent(bytes.len());
        let wire = link.wire;
        // What one write hands over may come in two pieces.
        let split = if shared.one_in(8) { bytes.len() / 2 } else { 0 };
        for piece in [bytes.get(..split), bytes.get(split..)].into_iter().flatten() {
            if !piece.is_empty() {
                shared.send(wire, Side::Server, Chunk::Bytes(piece.to_vec()));
            }
        }
    }

    /// Sends an operation; false if the connection turned out to be closed, and the operation was
    /// settled or must be routed again.
    pub(super) fn send(&mut self, shared: &mut Shared, at: usize, waiting: Waiting) -> bool {
        let commands = shared.ledger.commands(waiting.op);
        let Some(link) = self.links.get_mut(at) else { return false };
        let mut pending = Pending::new(waiting, link.epoch);
        if self.plan.is_pool && link.is_closed {
            let is_idempotent =
                commands.iter().all(|args| crate::command::Traits::of(args).idempotent);
            let sends_anyway = is_idempotent && shared.now - link.used_at <= FRESH_MS;
            let failure = Failure::new(FailureKind::ConnectionLost, "closed by the server");
            let (epoch, wire) = (link.epoch, link.wire);
            self.links.remove(at);
            self.abandon(shared, wire);
            let unanswered = Unanswered { failure, maybe_done: sends_anyway };
            self.settle(shared, epoch, pending, unanswered);
            return true;
        }
        if let [args] = commands.as_slice() {
            pending.first = link.connection.send(args, waiting.deadline);
            pending.last = pending.first;
        } else {
            pending.first = link.connection.send(&["MULTI"], waiting.deadline);
            for args in &commands {
                link.connection.send(args, waiting.deadline);
            }
            pending.last = link.connection.send(&["EXEC"], waiting.deadline);
        }
        link.sent.push_back(pending);
        link.used_at = shared.now;
        self.flush(shared, at);
        true
    }

    /// A command on this connection has lasted as long as it may.
    pub(super) fn expire(&mut self, shared: &mut Shared, at: usize, op: usize) {
        let now = self.now(shared);
        let Some(link) = self.links.get_mut(at) else { return };
        let is_due = |pending: &Pending| pending.op == op && pending.deadline <= now;
        let Some(place) = link.sent.iter().position(is_due) else { return };
        let failure = Failure::new(FailureKind::ResponseTimeout, "no reply within the deadline");
        let (epoch, wire) = (link.epoch, link.wire);
        let Some(pending) = link.sent.remove(place) else { return };
        for command in pending.first..=pending.last {
            link.connection.cancel(command);
        }
        if self.plan.is_pool {
            self.links.remove(at);
            self.abandon(shared, wire);
        }
        self.settle(shared, epoch, pending, Unanswered { failure, maybe_done: true });
    }

    /// The server closed a connection.
    fn ended(&mut self, shared: &mut Shared, at: usize) {
        let Some(link) = self.links.get_mut(at) else { return };
        if matches!(link.role, Role::Serving) && self.plan.is_pool && link.sent.is_empty() {
            // Nobody looks at an idle connection until it is used, or for a while.
            link.is_closed = true;
            shared.plan_in(1_000, Event::IdleCheck { host: self.index });
            return;
        }
        let failure = Failure::new(FailureKind::ConnectionLost, "closed by the server");
        self.broke(shared, at, failure);
    }

    /// A connection is of no further use.
    fn broke(&mut self, shared: &mut Shared, at: usize, failure: Failure) {
        let Some(link) = self.links.get(at) else { return };
        let (wire, epoch) = (link.wire, link.epoch);
        match &link.role {
            Role::Dialling { .. } => self.end_dial(shared, wire, failure),
            Role::Replaying(_) => self.fail_replay(shared, wire, failure),
            Role::Fresh => {}
            Role::Serving => {
                let mut link = self.links.remove(at);
                self.abandon(shared, wire);
                let failed = link.fail();
                if !self.plan.is_pool {
                    let failure = failure.clone();
                    self.tell(shared, Input::ConnectionLost { epoch, failure });
                }
                for (pending, maybe_done) in failed {
                    let unanswered = Unanswered { failure: failure.clone(), maybe_done };
                    self.settle(shared, epoch, pending, unanswered);
                }
            }
        }
    }

    /// Idle connections are looked at.
    pub(super) fn check_idle(&mut self, shared: &mut Shared) {
        let is_dead = |link: &Link| link.is_closed && link.sent.is_empty();
        let Some(at) = self.links.iter().position(is_dead) else { return };
        let epoch = self.links.remove(at).epoch;
        let failure = Failure::new(FailureKind::ConnectionLost, "closed by the server");
        self.tell(shared, Input::ConnectionLost { epoch, failure });
    }

    /// Callers wait for a further connection.
    pub(super) fn grow_if_wanted(&mut self, shared: &mut Shared) {
        let is_wanted = self.plan.is_pool
            && self.is_connected()
            && !self.is_growing
            && !self.waiting.is_empty();
        if is_wanted {
            self.is_growing = true;
            self.dial(shared, None, self.policy.connect_timeout_ms);
        }
    }

    pub(super) fn may_grow(&mut self, shared: &mut Shared) {
        self.is_growing = false;
        self.grow_if_wanted(shared);
    }

    fn grown(&mut self, shared: &mut Shared, at: usize) {
        self.is_growing = false;
        let epoch = self.epoch;
        let is_connected = self.is_connected();
        let Some(link) = self.links.get_mut(at) else { return };
        link.epoch = epoch;
        link.role = Role::Serving;
        if !is_connected {
            let wire = link.wire;
            self.links.remove(at);
            self.abandon(shared, wire);
            return;
        }
        self.go_on_waiting(shared);
        self.grow_if_wanted(shared);
    }
}
