//! The host's event loop moves the bytes: it is handed a ready socket, and everything else
//! happens here, on the loop's own thread. Commands of one turn leave in one write, and all
//! replies of one read come back in one call.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use outlast_core::classify::Phase;
use outlast_core::connection::Event;
use outlast_core::metrics::Connections;
use outlast_core::{Error, ErrorKind, Failure, FailureKind, Timestamp, Value};
use socket2::SockRef;

use super::pool::write;
use super::told::{Moved, Readiness, Settlement, Socket, Submission, Turn};
use super::work::Work;
use super::{Transport, shared};
use crate::channel::Channel;
use crate::dial::{Link, broken, closed_by_server, failure_of};
use crate::gate::{Gate, Route, Settled, Unanswered, into_result};

/// The most that is read from the socket at once.
const READ_BYTES_MAX: usize = 64 * 1_024;

/// A command or a transaction that waits.
#[derive(Debug)]
struct Pending {
    /// Its number for the host.
    number: u64,
    /// The numbers of its first and last command on the connection.
    first: u64,
    last: u64,
    work: Work,
    began: Instant,
    deadline: Timestamp,
    /// Whether it is a write that an earlier connection may have carried.
    in_doubt: bool,
}

pub(crate) struct Hosted {
    gate: Arc<Gate>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Handed over by the driver, and not yet taken by the host.
    arrived: Mutex<Option<(u64, Link)>>,
    turn: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The connection that the host drives, and its epoch.
    connection: Option<(u64, Channel)>,
    /// Whether the host still has a socket of ours, which may outlive its connection.
    socket_held: bool,
    /// Sent, in the order of the connection.
    sent: VecDeque<Pending>,
    /// Waiting for the startup, or for the host to take over a socket; by their deadlines.
    waiting: VecDeque<Pending>,
    /// Bytes of those.
    waiting_bytes: usize,
    next_number: u64,
    /// What reads go to.
    buffer: Vec<u8>,
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted").finish_non_exhaustive()
    }
}

impl Hosted {
    pub(crate) fn new(gate: Arc<Gate>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { gate, wake, arrived: Mutex::default(), turn: Mutex::default() }
    }

    /// Takes a command: it ends at once, or waits.
    pub(crate) fn submit(&self, work: Result<Work, Error>) -> Result<Submission, Error> {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        let work = work?;
        let in_flight_max = usize::try_from(self.gate.policy().in_flight_max).unwrap_or(usize::MAX);
        if state.sent.len() + state.waiting.len() >= in_flight_max {
            let message = format!("{in_flight_max} commands (in_flight_max) wait for their reply");
            return Err(Error::new(ErrorKind::LimitReached, message));
        }
        let unsent_bytes_max =
            usize::try_from(self.gate.policy().unsent_bytes_max).unwrap_or(usize::MAX);
        let unsent_bytes = state.unsent_bytes();
        if unsent_bytes > 0 && unsent_bytes + work.bytes() > unsent_bytes_max {
            let message = format!(
                "{unsent_bytes} of {unsent_bytes_max} bytes (unsent_bytes_max) wait to be written"
            );
            return Err(Error::new(ErrorKind::LimitReached, message));
        }
        let began = Instant::now();
        let deadline = self.gate.clock.at(began + self.gate.command_timeout());
        let pending = Pending { number, first: 0, last: 0, work, began, deadline, in_doubt: false };
        if let Some(settlement) = self.go_on(&mut state, pending) {
            return Ok(Submission::Settled(settlement.result));
        }
        Ok(Submission::Pending(number))
    }

    /// Writes until nothing is left, or the socket takes no more; whether something is left.
    pub(crate) fn write_by(
        &self,
        write: &mut dyn FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        let mut state = self.state();
        let Some((_, channel)) = state.connection.as_mut() else {
            return Ok(false);
        };
        loop {
            let unsent = channel.unsent();
            if unsent.is_empty() {
                return Ok(false);
            }
            match write(unsent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => channel.sent(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The bytes to write now; they count as sent.
    pub(crate) fn take_output(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        let (_, channel) = state.connection.as_mut()?;
        let mut output = Vec::new();
        loop {
            let unsent = channel.unsent();
            if unsent.is_empty() {
                return (!output.is_empty()).then_some(output);
            }
            let bytes = unsent.len();
            output.extend_from_slice(unsent);
            channel.sent(bytes);
        }
    }

    /// Writes to the socket until it takes no more. What it took counts as sent.
    pub(crate) fn write_to(&self, socket: &dyn AsFd) -> Moved {
        let socket = socket.as_fd();
        let socket = SockRef::from(&socket);
        match self.write_by(&mut |bytes| write(&socket, bytes)) {
            Ok(false) => Moved::nothing(Readiness::Ready),
            Ok(true) => Moved::nothing(Readiness::Full),
            Err(error) => Moved::lost(self.lost(&failure_of(&error, Phase::Command))),
        }
    }

    /// Reads once from the socket, so that no reply of any size holds the host's loop for long.
    pub(crate) fn read_from(&self, socket: &dyn AsFd) -> Moved {
        let socket = socket.as_fd();
        let mut socket = &*SockRef::from(&socket);
        let mut state = self.state();
        let mut buffer = std::mem::take(&mut state.buffer);
        drop(state);
        buffer.resize(READ_BYTES_MAX, 0);
        let moved = match socket.read(&mut buffer) {
            Ok(0) => Moved::lost(self.lost(&closed_by_server())),
            Ok(read) => {
                let settlements = self.receive(buffer.get(..read).unwrap_or_default());
                Moved { settlements, socket: Readiness::Ready }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {
                    Moved::nothing(Readiness::Ready)
                }
                _ => Moved::lost(self.lost(&failure_of(&error, Phase::Command))),
            },
        };
        self.state().buffer = buffer;
        moved
    }

    /// Takes bytes that the socket read.
    pub(crate) fn receive(&self, bytes: &[u8]) -> Vec<Settlement> {
        let mut state = self.state();
        let mut settlements = Vec::new();
        let Some((epoch, channel)) = state.connection.as_mut() else {
            return settlements;
        };
        let epoch = *epoch;
        // Replies that came before the end are replies.
        let received = channel.receive(bytes);
        loop {
            let Some((_, channel)) = state.connection.as_mut() else {
                return settlements;
            };
            match channel.connection.next_event() {
                Ok(Some(Event::Reply { command, value })) => {
                    let Some(mut pending) = take(&mut state.sent, command) else {
                        continue;
                    };
                    if command != pending.last {
                        pending.work.keep(value);
                        put_back(&mut state.sent, pending);
                        continue;
                    }
                    let ended = match pending.work.replied(&self.gate, epoch, value, pending.began)
                    {
                        Ok(value) => Some(self.ended(pending, into_result(value))),
                        Err(unanswered) => self.settle(&mut state, epoch, pending, *unanswered),
                    };
                    settlements.extend(ended);
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    if let Err(failure) = received {
                        self.fail_all(&mut state, &failure, &mut settlements);
                    }
                    return settlements;
                }
                Err(error) => {
                    self.fail_all(&mut state, &broken(&error), &mut settlements);
                    return settlements;
                }
            }
        }
    }

    /// The host's socket is closed.
    pub(crate) fn lost(&self, failure: &Failure) -> Vec<Settlement> {
        let mut settlements = Vec::new();
        let mut state = self.state();
        state.socket_held = false;
        self.fail_all(&mut state, failure, &mut settlements);
        settlements
    }

    /// Takes over a socket that has arrived, ends what is overdue, and goes on with what waited.
    pub(crate) fn turn(&self) -> Turn {
        let mut settlements = Vec::new();
        let mut state = self.state();
        let socket = self.exchange_socket(&mut state, &mut settlements);
        self.expire(&mut state, &mut settlements);
        let waiting = std::mem::take(&mut state.waiting);
        state.waiting_bytes = 0;
        for pending in waiting {
            settlements.extend(self.go_on(&mut state, pending));
        }
        let connection_deadline =
            state.connection.as_ref().and_then(|(_, channel)| channel.connection.next_deadline());
        let waiting_deadline = state.waiting.front().map(|pending| pending.deadline);
        let next = [connection_deadline, waiting_deadline].into_iter().flatten().min();
        let now = self.gate.clock.now();
        Turn { settlements, socket, next_in_ms: next.map(|at| at.since_ms(now)) }
    }

    fn exchange_socket(&self, state: &mut State, settlements: &mut Vec<Settlement>) -> Socket {
        let current = state.connection.as_ref().map(|(epoch, _)| *epoch);
        if current.is_some_and(|epoch| !self.gate.is_current(epoch)) {
            let gone = Failure::new(FailureKind::ConnectionLost, "the connection was given up");
            self.fail_all(state, &gone, settlements);
        }
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        // It arrives a moment before its epoch begins: until then it stays where it is, and the
        // change of mode wakes the host once more.
        let ready = arrived.take_if(|(epoch, _)| self.gate.is_current(*epoch));
        drop(arrived);
        let Some((epoch, link)) = ready else {
            let useless = state.socket_held && state.connection.is_none();
            state.socket_held &= !useless;
            return if useless { Socket::Close } else { Socket::Keep };
        };
        match link.into_parts() {
            Ok((socket, channel)) => {
                state.connection = Some((epoch, channel));
                state.socket_held = true;
                Socket::Adopt(socket.into())
            }
            Err(error) => {
                let failure = failure_of(&error, Phase::Dial);
                self.gate.tell(outlast_core::Input::ConnectionLost { epoch, failure });
                state.socket_held = false;
                Socket::Close
            }
        }
    }

    fn expire(&self, state: &mut State, settlements: &mut Vec<Settlement>) {
        let now = self.gate.clock.now();
        while let Some((epoch, channel)) = state.connection.as_mut() {
            let epoch = *epoch;
            let Some(expired) = channel.connection.next_expired(now) else {
                break;
            };
            let Some(pending) = take(&mut state.sent, expired.command) else {
                continue;
            };
            // Nobody awaits the other replies of a transaction either.
            for command in pending.first..=pending.last {
                channel.connection.cancel(command);
            }
            let text = "no reply within the deadline";
            let failure = Failure::new(FailureKind::ResponseTimeout, text);
            let unanswered = Unanswered { failure, maybe_done: expired.sent };
            settlements.extend(self.settle(state, epoch, pending, unanswered));
        }
        while state.waiting.front().is_some_and(|pending| pending.deadline <= now) {
            let Some(pending) = state.waiting.pop_front() else {
                break;
            };
            state.waiting_bytes -= pending.work.bytes();
            let result = pending.work.overdue(&self.gate);
            settlements.push(self.ended(pending, result));
        }
    }

    /// Sends a command, answers it, or lets it wait; its settlement if it ended.
    fn go_on(&self, state: &mut State, mut pending: Pending) -> Option<Settlement> {
        loop {
            match self.gate.route() {
                Err(error) => return Some(self.ended(pending, Err(error))),
                Ok(Route::Wait) => break,
                Ok(Route::Redis { epoch }) => match state.connection.as_mut() {
                    Some((of, channel)) if *of == epoch => {
                        let connection = &mut channel.connection;
                        pending.began = Instant::now();
                        (pending.first, pending.last) =
                            pending.work.send(connection, pending.deadline);
                        state.sent.push_back(pending);
                        return None;
                    }
                    _ => break,
                },
                Ok(Route::Store) => {
                    if let Some(result) = pending.work.serve(&self.gate) {
                        return Some(self.ended(pending, result));
                    }
                }
            }
        }
        // One that comes back from a lost connection is due before those that came meanwhile.
        let place = state.waiting.partition_point(|other| other.deadline <= pending.deadline);
        state.waiting_bytes += pending.work.bytes();
        state.waiting.insert(place, pending);
        None
    }

    fn settle(
        &self,
        state: &mut State,
        epoch: u64,
        mut pending: Pending,
        unanswered: Unanswered,
    ) -> Option<Settlement> {
        match pending.work.settle(&self.gate, epoch, unanswered) {
            Settled::Ended(result) => Some(self.ended(pending, result.and_then(into_result))),
            Settled::Again { in_doubt } => {
                pending.in_doubt |= in_doubt;
                self.go_on(state, pending)
            }
        }
    }

    fn ended(&self, pending: Pending, result: Result<Value, Error>) -> Settlement {
        let result = self.gate.doubted(|| pending.work.name(), pending.in_doubt, result);
        Settlement { command: pending.number, result }
    }

    /// Everything that was sent over the connection ends; the connection is no more.
    fn fail_all(&self, state: &mut State, failure: &Failure, settlements: &mut Vec<Settlement>) {
        let Some((epoch, mut channel)) = state.connection.take() else {
            return;
        };
        self.gate.tell(outlast_core::Input::ConnectionLost { epoch, failure: failure.clone() });
        let sent = std::mem::take(&mut state.sent);
        let mut unanswered = channel.connection.fail().into_iter().peekable();
        for pending in sent {
            while unanswered.next_if(|other| other.command < pending.last).is_some() {}
            let maybe_done = unanswered.peek().is_none_or(|other| other.sent);
            let unanswered = Unanswered { failure: failure.clone(), maybe_done };
            settlements.extend(self.settle(state, epoch, pending, unanswered));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Bytes of commands that the socket has not taken yet.
    fn unsent_bytes(&self) -> usize {
        let unsent = self.connection.as_ref().map(|(_, channel)| channel.unsent_bytes());
        self.waiting_bytes + unsent.unwrap_or_default()
    }
}

impl Pending {
    fn has(&self, command: u64) -> bool {
        (self.first..=self.last).contains(&command)
    }
}

/// Takes what the command with this number is part of out of those that wait in order.
fn take(sent: &mut VecDeque<Pending>, command: u64) -> Option<Pending> {
    if sent.front().is_some_and(|pending| pending.has(command)) {
        return sent.pop_front();
    }
    let place = sent.partition_point(|pending| pending.last < command);
    sent.get(place).filter(|pending| pending.has(command))?;
    sent.remove(place)
}

/// Puts back what waits for more replies.
fn put_back(sent: &mut VecDeque<Pending>, pending: Pending) {
    let place = sent.partition_point(|other| other.last < pending.last);
    sent.insert(place, pending);
}

impl Transport for Hosted {
    fn install(&self, link: Link, epoch: u64) {
        *self.arrived.lock().unwrap_or_else(PoisonError::into_inner) = Some((epoch, link));
        (self.wake)();
    }

    fn connections(&self) -> Connections {
        let state = self.state();
        shared(state.connection.as_ref().map(|(_, channel)| channel.connection.in_flight()))
    }

    fn close(&self) {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).take();
        (self.wake)();
    }
}
