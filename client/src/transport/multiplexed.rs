//! One connection for all tasks: a task of its own carries its bytes on tokio, and lets the store learn
//! from replies in their order. Callers are woken much later where there are many: an outage may be
//! over by then, and they must not read from memory what was before their own writes.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use outlast_core::classify::Phase;
use outlast_core::connection::{Connection, Event};
use outlast_core::metrics::Connections;
use outlast_core::{Error, ErrorKind, Failure, FailureKind, Input, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout_at;

use super::{Transport, shared};
use crate::dial::{Link, broken, closed_by_server, failure_of};
use crate::gate::{Gate, Unanswered};
use crate::stream::Stream;

/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1_024;

/// Why a command has no reply.
#[derive(Debug)]
pub(crate) enum CallError {
    /// Nobody knows, or Redis did not do it.
    Unanswered(Unanswered),
    /// It was not even tried.
    Refused(Error),
}

pub(crate) struct Multiplexed {
    gate: Arc<Gate>,
    /// The connection of an epoch.
    running: watch::Sender<Option<(u64, Arc<Line>)>>,
}

impl fmt::Debug for Multiplexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multiplexed").finish_non_exhaustive()
    }
}

impl Multiplexed {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate, running: watch::Sender::new(None) }
    }

    /// Sends a command and waits for its reply. An error reply is a value here.
    pub(crate) async fn call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        deadline: Instant,
    ) -> Result<Value, CallError> {
        let in_flight_max = self.in_flight_max();
        let at = self.gate.clock.at(deadline);
        let line = self.line(epoch)?;
        let (command, mut reply) = line
            .send(args, at, in_flight_max)
            .map_err(not_done)?
            .ok_or_else(|| too_many(in_flight_max))?;
        // A call that is dropped keeps its place, so that its reply reaches nobody else.
        let mut place = Place { line: &line, command, awaited: true };
        let ended = if let Ok(ended) = timeout_at(deadline.into(), &mut reply).await {
            place.awaited = false;
            // Its sender is gone only with the runtime of the task.
            ended.unwrap_or_else(|_| lost(closed_by_server(), true))
        } else {
            let sent = place.give_up();
            let text = "no reply within the deadline";
            let overdue = || lost(Failure::new(FailureKind::ResponseTimeout, text), sent);
            // It may have come in this very moment.
            reply.try_recv().unwrap_or_else(|_| overdue())
        };
        ended.map_err(CallError::Unanswered)
    }

    /// Sends commands so that nothing comes between them, and waits for all their replies. Whether they
    /// may have been done is whether the last may have been. The store learns nothing of them here.
    pub(crate) async fn exchange(
        &self,
        commands: &[Vec<&[u8]>],
        epoch: u64,
        deadline: Instant,
    ) -> Result<Vec<Value>, CallError> {
        let in_flight_max = self.in_flight_max();
        let at = self.gate.clock.at(deadline);
        let line = self.line(epoch)?;
        let sent = line.send_all(commands, at, in_flight_max).map_err(not_done)?;
        let mut places = Places { line: &line, commands: Vec::new(), awaited: true };
        let mut awaited = Vec::new();
        for (command, reply) in sent.ok_or_else(|| too_many(in_flight_max))? {
            places.commands.push(command);
            awaited.push(reply);
        }
        let mut replies = Vec::with_capacity(commands.len());
        for reply in &mut awaited {
            let (failure, maybe_done) = match timeout_at(deadline.into(), reply).await {
                Ok(Ok(Ok(value))) => {
                    replies.push(value);
                    continue;
                }
                Ok(Ok(Err(Unanswered { failure, maybe_done }))) => (failure, maybe_done),
                Ok(Err(_)) => (closed_by_server(), true),
                Err(_) => {
                    let text = "no reply within the deadline";
                    (Failure::new(FailureKind::ResponseTimeout, text), false)
                }
            };
            let is_last = replies.len() + 1 == awaited.len();
            let last = awaited.last_mut().map(oneshot::Receiver::try_recv);
            let sent = places.give_up();
            let maybe_done = match last {
                Some(Ok(Err(last))) => last.maybe_done,
                Some(Ok(Ok(_))) => true,
                _ => sent || is_last && maybe_done,
            };
            return Err(CallError::Unanswered(Unanswered { failure, maybe_done }));
        }
        places.awaited = false;
        Ok(replies)
    }

    fn in_flight_max(&self) -> usize {
        usize::try_from(self.gate.policy().in_flight_max).unwrap_or(usize::MAX)
    }

    fn line(&self, epoch: u64) -> Result<Arc<Line>, CallError> {
        let running = self.running.borrow();
        let line = running.as_ref().filter(|(of, _)| *of == epoch).map(|(_, line)| line.clone());
        line.ok_or_else(|| {
            not_done(Failure::new(FailureKind::ConnectionLost, "the connection was replaced"))
        })
    }
}

const fn not_done(failure: Failure) -> CallError {
    CallError::Unanswered(Unanswered { failure, maybe_done: false })
}

fn too_many(in_flight_max: usize) -> CallError {
    let message = format!("{in_flight_max} commands (in_flight_max) wait for their reply");
    CallError::Refused(Error::new(ErrorKind::LimitReached, message))
}

type Ended = Result<Value, Unanswered>;

const fn lost(failure: Failure, maybe_done: bool) -> Ended {
    Err(Unanswered { failure, maybe_done })
}

impl Transport for Multiplexed {
    fn install(&self, link: Link, epoch: u64) {
        let Link { stream, connection, .. } = link;
        let line = Arc::new(Line::new(self.gate.clone(), epoch, connection));
        self.running.send_replace(Some((epoch, line.clone())));
        let (gate, mut running) = (self.gate.clone(), self.running.subscribe());
        tokio::spawn(async move {
            let is_over = |running: &Option<(u64, Arc<Line>)>| {
                running.as_ref().is_none_or(|(of, _)| *of != epoch)
            };
            let failure = tokio::select! {
                biased;
                failure = line.carry(stream) => failure,
                _ = running.wait_for(is_over) => closed_by_client(),
            };
            line.end(&failure);
            gate.tell(Input::ConnectionLost { epoch, failure });
        });
    }

    fn close(&self) {
        self.running.send_replace(None);
    }

    fn connections(&self) -> Connections {
        let running = self.running.borrow();
        let in_flight = running.as_ref().map(|(_, line)| line.lock().connection.in_flight());
        shared(in_flight)
    }
}

fn closed_by_client() -> Failure {
    Failure::new(FailureKind::ConnectionLost, "the connection was closed")
}

type Reply = oneshot::Receiver<Ended>;

/// A connection with those who wait for it.
struct Line {
    gate: Arc<Gate>,
    epoch: u64,
    state: Mutex<State>,
    /// There is something to write.
    work: Notify,
}

struct State {
    connection: Connection,
    /// By the numbers of their commands.
    waiting: VecDeque<Waiting>,
    /// Why nothing more is sent.
    ended: Option<Failure>,
}

struct Waiting {
    command: u64,
    /// What the store may learn from.
    args: Vec<Vec<u8>>,
    sender: oneshot::Sender<Ended>,
}

impl Line {
    fn new(gate: Arc<Gate>, epoch: u64, connection: Connection) -> Self {
        let state = State { connection, waiting: VecDeque::new(), ended: None };
        Self { gate, epoch, state: Mutex::new(state), work: Notify::new() }
    }

    /// Takes a command, unless too many wait; its number, and where its reply comes.
    fn send<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        deadline: outlast_core::Timestamp,
        in_flight_max: usize,
    ) -> Result<Option<(u64, Reply)>, Failure> {
        let shadow = self.gate.policy().shadow;
        let kept = if shadow { args } else { &[] };
        let args_kept = kept.iter().map(|arg| arg.as_ref().to_vec()).collect();
        let mut state = self.lock();
        if let Some(failure) = &state.ended {
            return Err(failure.clone());
        }
        if state.connection.in_flight() >= in_flight_max {
            return Ok(None);
        }
        let command = state.connection.send(args, deadline);
        let (sender, reply) = oneshot::channel();
        state.waiting.push_back(Waiting { command, args: args_kept, sender });
        drop(state);
        self.work.notify_one();
        Ok(Some((command, reply)))
    }

    /// Takes commands that follow one another, unless too many wait.
    fn send_all(
        &self,
        commands: &[Vec<&[u8]>],
        deadline: outlast_core::Timestamp,
        in_flight_max: usize,
    ) -> Result<Option<Vec<(u64, Reply)>>, Failure> {
        let mut state = self.lock();
        if let Some(failure) = &state.ended {
            return Err(failure.clone());
        }
        if state.connection.in_flight() + commands.len() > in_flight_max {
            return Ok(None);
        }
        let mut sent = Vec::with_capacity(commands.len());
        for args in commands {
            let command = state.connection.send(args, deadline);
            let (sender, reply) = oneshot::channel();
            state.waiting.push_back(Waiting { command, args: Vec::new(), sender });
            sent.push((command, reply));
        }
        drop(state);
        self.work.notify_one();
        Ok(Some(sent))
    }

    /// Carries the bytes both ways until that ends; why it did.
    async fn carry(&self, stream: Stream) -> Failure {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let write = async {
            loop {
                let written = poll_fn(|context| self.poll_write(context, &mut writer)).await;
                if let Err(error) = written {
                    return failure_of(&error, Phase::Command);
                }
                self.work.notified().await;
            }
        };
        let read = self.read(&mut reader);
        tokio::select! {
            biased;
            failure = read => failure,
            failure = write => failure,
        }
    }

    /// Writes what there is. The lock is held while the socket takes bytes, so that nobody gives up
    /// a command for unsent that has just left.
    fn poll_write<W: AsyncWrite + Unpin>(
        &self,
        context: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        while !state.connection.unsent().is_empty() {
            let written = Pin::new(&mut *writer).poll_write(context, state.connection.unsent());
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => state.connection.sent(bytes),
            }
        }
        drop(state);
        Pin::new(writer).poll_flush(context)
    }

    async fn read<R: AsyncRead + Unpin>(&self, reader: &mut R) -> Failure {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let bytes = match reader.read(&mut buffer).await {
                Ok(0) => return closed_by_server(),
                Ok(read) => buffer.get(..read).unwrap_or_default(),
                Err(error) => return failure_of(&error, Phase::Command),
            };
            if let Err(failure) = self.receive(bytes) {
                return failure;
            }
        }
    }

    fn receive(&self, bytes: &[u8]) -> Result<(), Failure> {
        let now = self.gate.clock.now();
        let mut state = self.lock();
        state.connection.receive(bytes);
        loop {
            match state.connection.next_event().map_err(|error| broken(&error))? {
                Some(Event::Reply { command, value }) => {
                    let Some(waiting) = state.waiter(command) else { continue };
                    self.gate.learn(&waiting.args, self.epoch, &value, now);
                    let _ = waiting.sender.send(Ok(value));
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    /// Nothing more comes: everybody is told.
    fn end(&self, failure: &Failure) {
        let mut state = self.lock();
        state.ended = Some(failure.clone());
        for unanswered in state.connection.fail() {
            if let Some(waiting) = state.waiter(unanswered.command) {
                let _ = waiting.sender.send(lost(failure.clone(), unanswered.sent));
            }
        }
        state.waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who waits for this command. It is told how that ended under the lock: who gives up sees it, or
    /// is not told.
    fn waiter(&mut self, command: u64) -> Option<Waiting> {
        // Those before it were given up.
        while let Some(waiting) = self.waiting.pop_front() {
            if waiting.command == command {
                return Some(waiting);
            }
        }
        None
    }
}

/// The place of a command whose caller still waits.
struct Place<'a> {
    line: &'a Line,
    command: u64,
    awaited: bool,
}

impl Place<'_> {
    /// Nobody awaits the reply any more; whether Redis may have done it.
    fn give_up(&mut self) -> bool {
        self.awaited = false;
        self.line.lock().connection.cancel(self.command)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.awaited {
            self.give_up();
        }
    }
}

/// The places of commands that were sent together.
struct Places<'a> {
    line: &'a Line,
    commands: Vec<u64>,
    awaited: bool,
}

impl Places<'_> {
    /// Nobody awaits the replies any more; whether Redis may have done the last.
    fn give_up(&mut self) -> bool {
        self.awaited = false;
        let mut state = self.line.lock();
        self.commands
            .iter()
            .map(|command| state.connection.cancel(*command))
            .last()
            .unwrap_or(false)
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        if self.awaited {
            self.give_up();
        }
    }
}
