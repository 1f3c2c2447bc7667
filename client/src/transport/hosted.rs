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
use outlast_core::resp::Commands;
use outlast_core::{Error, Failure, FailureKind, Timestamp};
use socket2::SockRef;

use super::batch::Batch;
use super::pool::write;
use super::room::Room;
use super::told::{Moved, Readiness, Settlement, Socket, Submission, Turn};
use super::work::{Ended, Lost, Work};
use super::{Transport, shared};
use crate::channel::Channel;
use crate::dial::{Link, broken, closed_by_server, failure_of};
use crate::gate::{Came, Gate, Route, micros_between};

/// The most that is read from the socket at once.
const READ_BYTES_MAX: usize = 64 * 1_024;

/// A command, a transaction or a pipeline that waits.
#[derive(Debug)]
struct Pending {
    /// Its number for the host.
    number: u64,
    /// For how many commands it counts while it waits.
    weight: usize,
    /// The numbers of its first and last command on the connection.
    first: u64,
    last: u64,
    work: Work,
    began: Instant,
    deadline: Timestamp,
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
    /// How many commands were sent or wait.
    in_flight: usize,
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

    /// Takes a command or a transaction: it ends at once, or waits.
    pub(crate) fn submit(&self, work: Result<Work, Error>) -> Result<Submission, Error> {
        let mut state = self.state();
        let number = state.number();
        let work = work?;
        match self.room(&state).refuse(work.bytes()) {
            Some(error) => Err(error),
            None => Ok(self.begin(&mut state, number, work)),
        }
    }

    /// Takes commands, each on its own: they end at once, or wait. Those for which there is no room
    /// are refused, as if each had been handed in alone.
    pub(crate) fn submit_pipeline(&self, commands: Commands) -> Submission {
        let mut state = self.state();
        let number = state.number();
        let mut room = self.room(&state);
        let mut batch = Batch::new(commands, |commands, at| {
            let refused = Gate::check_one(commands, at).err();
            refused.or_else(|| room.refuse(commands.bytes_of(at).len()))
        });
        match batch.whole() {
            Some(ended) => Submission::SettledEach(ended),
            None => self.begin(&mut state, number, Work::Pipeline(Box::new(batch))),
        }
    }

    fn begin(&self, state: &mut State, number: u64, work: Work) -> Submission {
        let began = Instant::now();
        let deadline = self.gate.clock.at(began + self.gate.command_timeout());
        let pending = Pending { number, weight: 0, first: 0, last: 0, work, began, deadline };
        match self.go_on(state, pending, began) {
            Some(ended) => ended.submission(),
            None => Submission::Pending(number),
        }
    }

    /// What there is room for.
    fn room(&self, state: &State) -> Room {
        let policy = self.gate.policy();
        Room {
            in_flight: state.in_flight,
            in_flight_max: usize::try_from(policy.in_flight_max).unwrap_or(usize::MAX),
            unsent_bytes: state.unsent_bytes(),
            unsent_bytes_max: usize::try_from(policy.unsent_bytes_max).unwrap_or(usize::MAX),
        }
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
        let at = Instant::now();
        let now = self.gate.clock.at(at);
        loop {
            let Some((_, channel)) = state.connection.as_mut() else {
                return settlements;
            };
            match channel.connection.next_event() {
                Ok(Some(Event::Reply { command, value })) => {
                    let Some(place) = state.place_of(command) else {
                        continue;
                    };
                    let Some(pending) = state.sent.get_mut(place) else {
                        continue;
                    };
                    let took_us = micros_between(pending.began, at);
                    let came = Came { epoch, now, took_us };
                    if command != pending.last {
                        pending.work.keep(&self.gate, &came, value);
                        continue;
                    }
                    let ended = pending.work.replied(&self.gate, &came, value);
                    settlements.extend(self.end_at(&mut state, place, ended, at));
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
        let at = Instant::now();
        let waiting = std::mem::take(&mut state.waiting);
        state.waiting_bytes = 0;
        for pending in waiting {
            state.in_flight -= pending.weight;
            settlements.extend(self.end(&mut state, pending, None, at));
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
        let at = Instant::now();
        let now = self.gate.clock.at(at);
        while let Some((epoch, channel)) = state.connection.as_mut() {
            let epoch = *epoch;
            let Some(expired) = channel.connection.next_expired(now) else {
                break;
            };
            let Some(mut pending) = state.take(expired.command) else {
                continue;
            };
            let text = "no reply within the deadline";
            let failure = Failure::new(FailureKind::ResponseTimeout, text);
            let mut lost = Lost { failure, maybe_done: expired.sent, sent: 0 };
            // Nobody awaits the other replies of the same work either.
            if let Some((_, channel)) = state.connection.as_mut() {
                for command in pending.first..=pending.last {
                    lost.sent += usize::from(channel.connection.cancel(command));
                }
            }
            let came = Came { epoch, now, took_us: micros_between(pending.began, at) };
            let ended = pending.work.lost(&self.gate, &came, lost);
            settlements.extend(self.end(state, pending, ended, at));
        }
        while state.waiting.front().is_some_and(|pending| pending.deadline <= now) {
            let Some(mut pending) = state.waiting.pop_front() else {
                break;
            };
            state.waiting_bytes -= pending.work.bytes();
            state.in_flight -= pending.weight;
            let ended = pending.work.overdue(&self.gate);
            settlements.push(ended.settlement(pending.number));
        }
    }

    /// As [`end`](Self::end), of what is at this place among those sent.
    fn end_at(
        &self,
        state: &mut State,
        place: usize,
        ended: Option<Ended>,
        at: Instant,
    ) -> Option<Settlement> {
        let pending = state.take_at(place)?;
        self.end(state, pending, ended, at)
    }

    /// It ended, or goes on; its settlement if it ended.
    fn end(
        &self,
        state: &mut State,
        pending: Pending,
        ended: Option<Ended>,
        at: Instant,
    ) -> Option<Settlement> {
        let number = pending.number;
        let ended = ended.or_else(|| self.go_on(state, pending, at));
        ended.map(|ended| ended.settlement(number))
    }

    /// Sends work, answers it, or lets it wait; how it ended if it did.
    fn go_on(&self, state: &mut State, mut pending: Pending, at: Instant) -> Option<Ended> {
        loop {
            match self.gate.route() {
                Err(error) => return Some(pending.work.fail(error)),
                Ok(Route::Wait) => break,
                Ok(Route::Redis { epoch }) => match state.connection.as_mut() {
                    Some((of, channel)) if *of == epoch => {
                        let connection = &mut channel.connection;
                        pending.began = at;
                        (pending.first, pending.last) =
                            pending.work.send(connection, pending.deadline);
                        pending.weight = pending.work.weight();
                        state.in_flight += pending.weight;
                        state.sent.push_back(pending);
                        return None;
                    }
                    _ => break,
                },
                Ok(Route::Store) => {
                    if let Some(ended) = pending.work.serve(&self.gate) {
                        return Some(ended);
                    }
                }
            }
        }
        // One that comes back from a lost connection is due before those that came meanwhile.
        let place = state.waiting.partition_point(|other| other.deadline <= pending.deadline);
        state.waiting_bytes += pending.work.bytes();
        pending.weight = pending.work.weight();
        state.in_flight += pending.weight;
        state.waiting.insert(place, pending);
        None
    }

    /// Everything that was sent over the connection ends; the connection is no more.
    fn fail_all(&self, state: &mut State, failure: &Failure, settlements: &mut Vec<Settlement>) {
        let Some((epoch, mut channel)) = state.connection.take() else {
            return;
        };
        self.gate.tell(outlast_core::Input::ConnectionLost { epoch, failure: failure.clone() });
        let at = Instant::now();
        let now = self.gate.clock.at(at);
        let mut unanswered = channel.connection.fail().into_iter().peekable();
        for mut pending in std::mem::take(&mut state.sent) {
            state.in_flight -= pending.weight;
            let mut lost = Lost { failure: failure.clone(), maybe_done: true, sent: 0 };
            while let Some(other) = unanswered.next_if(|other| other.command <= pending.last) {
                lost.sent += usize::from(pending.has(other.command) && other.sent);
                lost.maybe_done = other.sent;
            }
            let came = Came { epoch, now, took_us: micros_between(pending.began, at) };
            let ended = pending.work.lost(&self.gate, &came, lost);
            settlements.extend(self.end(state, pending, ended, at));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The number of what is handed in next.
    const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Bytes of commands that the socket has not taken yet.
    fn unsent_bytes(&self) -> usize {
        let unsent = self.connection.as_ref().map(|(_, channel)| channel.unsent_bytes());
        self.waiting_bytes + unsent.unwrap_or_default()
    }

    /// Takes what the command with this number is part of out of those that wait in order.
    fn take(&mut self, command: u64) -> Option<Pending> {
        let place = self.place_of(command)?;
        self.take_at(place)
    }

    fn take_at(&mut self, place: usize) -> Option<Pending> {
        let pending = self.sent.remove(place)?;
        self.in_flight -= pending.weight;
        Some(pending)
    }

    fn place_of(&self, command: u64) -> Option<usize> {
        if self.sent.front().is_some_and(|pending| pending.has(command)) {
            return Some(0);
        }
        let place = self.sent.partition_point(|pending| pending.last < command);
        self.sent.get(place).filter(|pending| pending.has(command)).map(|_| place)
    }
}

impl Pending {
    fn has(&self, command: u64) -> bool {
        (self.first..=self.last).contains(&command)
    }
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
