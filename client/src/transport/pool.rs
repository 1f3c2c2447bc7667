//! Each calling thread writes and reads a connection of its own. The one used last goes first;
//! further ones are dialled in the background while a caller waits for one to come free.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlast_core::classify::Phase;
use outlast_core::command::Traits;
use outlast_core::connection::{Connection, Event};
use outlast_core::metrics::Connections;
use outlast_core::{Error, ErrorKind, Failure, FailureKind, Timestamp, Value};
use socket2::Socket;

use super::Transport;
use crate::channel::Channel;
use crate::dial::{Link, broken, closed_by_server, failure_of};
use crate::gate::{Gate, SIGNAL_CHECK, Unanswered};

/// A connection that was used this recently is not looked at before a command that may be
/// repeated.
const FRESH: Duration = Duration::from_millis(10);
/// The socket's own timeouts are set anew only for a deadline this much nearer.
const SLACK: Duration = Duration::from_millis(5);
/// The socket's timeouts are not set shorter: 0 would be none.
const PATIENCE_MIN: Duration = Duration::from_millis(1);
/// A write of more than this may fill what is between here and the server.
const WRITE_AT_ONCE: usize = 64 * 1_024;
/// How long such a write waits before what came meanwhile is read.
const WRITE_PATIENCE: Duration = Duration::from_millis(10);
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1_024;

/// Why a call did not end with a reply.
pub(crate) enum CallError {
    /// Redis is the reason.
    Unanswered(Unanswered),
    /// The mode changed before anything was sent: ask the gate again.
    Rerouted,
    /// The caller is told this.
    Refused(Error),
}

/// What came of commands that were sent together.
pub(crate) struct Exchanged {
    /// Replies, in the order of the commands.
    pub(crate) replies: Vec<Value>,
    /// Why there are not as many as commands.
    pub(crate) failure: Option<Failure>,
    /// How many of those without a reply had left, or begun to.
    pub(crate) sent: usize,
}

/// Told when a signal interrupts a wait; an error ends the call.
pub(crate) type Interrupt<'a> = &'a dyn Fn() -> Result<(), Error>;

pub(crate) struct Pool {
    gate: Arc<Gate>,
    links: Mutex<Links>,
    freed: Condvar,
}

#[derive(Default)]
struct Links {
    epoch: u64,
    idle: VecDeque<Blocking>,
    open: usize,
    waiting: usize,
    /// How often a connection came back after a reply.
    returned: u64,
}

/// A connection with a blocking socket.
struct Blocking {
    socket: Socket,
    channel: Channel,
    epoch: u64,
    used_at: Instant,
    /// What the socket's timeouts are set to.
    patience: Duration,
    buffer: Vec<u8>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate, links: Mutex::default(), freed: Condvar::new() }
    }

    /// Sends a command and waits for its reply, on the calling thread. It began once there was a
    /// connection.
    pub(crate) fn call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<(Value, Instant), CallError> {
        let mut link = self.take(epoch, deadline, interrupt)?;
        // What must not be done twice is sent only where no one can doubt afterwards whether it
        // was: a connection that is closed already is found out before.
        let idle = link.used_at.elapsed() > FRESH;
        if (idle || !Traits::of(args).idempotent)
            && let Err(failure) = link.look()
        {
            self.drop_one(epoch);
            let unanswered = Unanswered { failure, maybe_done: false };
            return Err(CallError::Unanswered(unanswered));
        }
        let began = Instant::now();
        match link.call(args, deadline, interrupt) {
            Ok(value) => {
                self.put(link);
                Ok((value, began))
            }
            Err(error) => {
                self.drop_one(epoch);
                Err(error)
            }
        }
    }

    /// Sends several commands at once and waits for all their replies, on the calling thread. `send`
    /// queues them and says how many they are; `repeatable` says that each may be done twice.
    pub(crate) fn exchange(
        &self,
        epoch: u64,
        deadline: Instant,
        interrupt: Interrupt<'_>,
        repeatable: bool,
        send: impl FnOnce(&mut Connection, Timestamp) -> usize,
    ) -> Result<Exchanged, CallError> {
        let mut link = self.take(epoch, deadline, interrupt)?;
        let idle = link.used_at.elapsed() > FRESH;
        if (idle || !repeatable)
            && let Err(failure) = link.look()
        {
            self.drop_one(epoch);
            return Err(CallError::Unanswered(Unanswered { failure, maybe_done: false }));
        }
        let wanted = send(&mut link.channel.connection, Timestamp::ZERO);
        let mut replies = Vec::with_capacity(wanted);
        match link.exchange(&mut replies, wanted, deadline, interrupt) {
            Ok(()) => {
                self.put(link);
                Ok(Exchanged { replies, failure: None, sent: 0 })
            }
            Err(stopped) => {
                self.drop_one(epoch);
                let failure = stopped.map_err(CallError::Refused)?;
                let unanswered = link.channel.connection.fail();
                let sent = unanswered.iter().filter(|command| command.sent).count();
                Ok(Exchanged { replies, failure: Some(failure), sent })
            }
        }
    }

    fn take(
        &self,
        epoch: u64,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Blocking, CallError> {
        let mut links = self.lock();
        let returned = links.returned;
        loop {
            if !self.gate.is_current(epoch) || links.epoch != epoch {
                return Err(CallError::Rerouted);
            }
            if let Some(link) = links.idle.pop_back() {
                return Ok(link);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.none_came(links.open, links.returned > returned));
            }
            links.waiting += 1;
            if links.open < self.connections_max() {
                self.gate.wake();
            }
            let waited = self.freed.wait_timeout(links, left.min(SIGNAL_CHECK));
            let (waited, ended) = waited.unwrap_or_else(PoisonError::into_inner);
            links = waited;
            links.waiting -= 1;
            if ended.timed_out() {
                // No lock is held while the host is asked.
                drop(links);
                interrupt().map_err(CallError::Refused)?;
                links = self.lock();
            }
        }
    }

    fn put(&self, mut link: Blocking) {
        link.used_at = Instant::now();
        let mut links = self.lock();
        if link.epoch != links.epoch {
            return;
        }
        links.returned += 1;
        if link.channel.is_idle() {
            links.idle.push_back(link);
        } else {
            links.open -= 1;
        }
        let waiting = links.waiting > 0;
        drop(links);
        if waiting {
            self.freed.notify_one();
        }
    }

    fn drop_one(&self, epoch: u64) {
        let mut links = self.lock();
        if epoch == links.epoch {
            links.open = links.open.saturating_sub(1);
        }
    }

    fn admit(&self, link: Link, epoch: u64) -> io::Result<()> {
        let (socket, channel) = link.into_parts()?;
        socket.set_nonblocking(false)?;
        let patience = self.gate.command_timeout();
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        let mut links = self.lock();
        if epoch == links.epoch {
            links.open += 1;
            links.idle.push_back(Blocking {
                socket,
                channel,
                epoch,
                used_at: Instant::now(),
                patience,
                buffer: vec![0; READ_BYTES],
            });
        }
        drop(links);
        self.freed.notify_one();
        Ok(())
    }

    fn connections_max(&self) -> usize {
        usize::try_from(self.gate.policy().connections_max).unwrap_or(usize::MAX)
    }

    /// Where there was room for a further connection, or none of those in use got a reply all the
    /// time, that none came is Redis' doing.
    fn none_came(&self, open: usize, some_returned: bool) -> CallError {
        if open >= self.connections_max() && some_returned {
            return CallError::Refused(self.exhausted(open));
        }
        let text = "no connection came free or could be made within the deadline";
        let failure = Failure::new(FailureKind::ResponseTimeout, text);
        CallError::Unanswered(Unanswered { failure, maybe_done: false })
    }

    fn exhausted(&self, open: usize) -> Error {
        let message = format!(
            "no connection came free within the deadline: {open} of {} (connections_max) are in use",
            self.connections_max()
        );
        Error::new(ErrorKind::LimitReached, message)
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Pool {
    fn install(&self, link: Link, epoch: u64) {
        let mut links = self.lock();
        links.idle.clear();
        links.open = 0;
        links.epoch = epoch;
        drop(links);
        // A socket that cannot be set up is missing, and its callers ask for another.
        let _ = self.admit(link, epoch);
    }

    fn close(&self) {
        let mut links = self.lock();
        links.idle.clear();
        links.open = 0;
        links.epoch = 0;
        drop(links);
        self.freed.notify_all();
    }

    fn connections(&self) -> Connections {
        let links = self.lock();
        let (open, idle) = (links.open as u64, links.idle.len() as u64);
        Connections { idle, used: open.saturating_sub(idle), waiting: links.waiting as u64 }
    }

    fn wants_link(&self) -> bool {
        let links = self.lock();
        links.waiting > 0 && links.idle.is_empty() && links.open < self.connections_max()
    }

    fn add(&self, link: Link) {
        let epoch = self.lock().epoch;
        let _ = self.admit(link, epoch);
    }

    fn check_idle(&self) -> Option<(u64, Failure)> {
        let mut links = self.lock();
        let epoch = links.epoch;
        // Those at the front have been idle longest.
        let mut idle = links.idle.iter_mut().filter(|link| link.used_at.elapsed() > FRESH);
        let dead = idle.find_map(|link| link.look().err());
        dead.map(|failure| (epoch, failure))
    }
}

impl Blocking {
    fn call<A: AsRef<[u8]>>(
        &mut self,
        args: &[A],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Value, CallError> {
        self.channel.connection.send(args, Timestamp::ZERO);
        while !self.channel.unsent().is_empty() {
            self.be_patient(deadline).map_err(|failure| self.unanswered(failure))?;
            match write(&self.socket, self.channel.unsent()) {
                Ok(0) => return Err(self.unanswered(closed_by_server())),
                Ok(written) => self.channel.sent(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    interrupt().map_err(CallError::Refused)?;
                }
                Err(error) if ran_out(&error) => {}
                Err(error) => return Err(self.unanswered(failure_of(&error, Phase::Command))),
            }
        }
        loop {
            self.be_patient(deadline).map_err(|failure| self.unanswered(failure))?;
            match self.socket.read(&mut self.buffer) {
                Ok(0) => return Err(self.unanswered(closed_by_server())),
                Ok(read) => {
                    let received = self.channel.receive(&self.buffer[..read]);
                    received.map_err(|failure| self.unanswered(failure))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    interrupt().map_err(CallError::Refused)?;
                    continue;
                }
                Err(error) if ran_out(&error) => continue,
                Err(error) => return Err(self.unanswered(failure_of(&error, Phase::Command))),
            }
            match self.channel.connection.next_event() {
                Ok(Some(Event::Reply { value, .. })) => return Ok(value),
                Ok(_) => {}
                Err(error) => return Err(self.unanswered(broken(&error))),
            }
        }
    }

    /// Writes what is queued and reads until there are as many replies as wanted. While the socket
    /// takes nothing more, what it has is read: a server may wait for that.
    fn exchange(
        &mut self,
        replies: &mut Vec<Value>,
        wanted: usize,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<(), Result<Failure, Error>> {
        while replies.len() < wanted {
            self.be_patient(deadline).map_err(Ok)?;
            let is_writing = !self.channel.unsent().is_empty();
            let moved = if is_writing {
                self.be_quick().map_err(Ok)?;
                write(&self.socket, self.channel.unsent())
            } else {
                self.socket.read(&mut self.buffer)
            };
            match moved {
                Ok(0) => return Err(Ok(closed_by_server())),
                Ok(written) if is_writing => self.channel.sent(written),
                Ok(read) => self.take_replies(read, replies).map_err(Ok)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    interrupt().map_err(Err)?;
                }
                Err(error) if ran_out(&error) && is_writing => {
                    match read_without_waiting(&self.socket, &mut self.buffer) {
                        Ok(0) => return Err(Ok(closed_by_server())),
                        Ok(read) => self.take_replies(read, replies).map_err(Ok)?,
                        Err(error) if ran_out(&error) => {}
                        Err(error) => return Err(Ok(failure_of(&error, Phase::Command))),
                    }
                }
                Err(error) if ran_out(&error) => {}
                Err(error) => return Err(Ok(failure_of(&error, Phase::Command))),
            }
        }
        Ok(())
    }

    fn take_replies(&mut self, read: usize, replies: &mut Vec<Value>) -> Result<(), Failure> {
        self.channel.receive(&self.buffer[..read])?;
        loop {
            match self.channel.connection.next_event() {
                Ok(Some(Event::Reply { value, .. })) => replies.push(value),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    /// Has a write of much end soon where the socket takes nothing, so that it is read meanwhile.
    fn be_quick(&mut self) -> Result<(), Failure> {
        if self.patience > WRITE_PATIENCE && self.channel.unsent().len() > WRITE_AT_ONCE {
            let set = self.socket.set_write_timeout(Some(WRITE_PATIENCE));
            set.map_err(|error| failure_of(&error, Phase::Command))?;
            // Both are set anew before the next read.
            self.patience = Duration::ZERO;
        }
        Ok(())
    }

    /// Sets the socket's timeouts, unless they are near what they should be. The kernel lets a
    /// timeout end late by up to an eighth of it: so each takes seven eighths of what is left of
    /// the deadline, and the next one the rest.
    fn be_patient(&mut self, deadline: Instant) -> Result<(), Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(no_reply());
        }
        let patience = (left / 8 * 7).max(PATIENCE_MIN);
        if patience.abs_diff(self.patience) > SLACK {
            let set = self.socket.set_read_timeout(Some(patience));
            set.and_then(|()| self.socket.set_write_timeout(Some(patience)))
                .map_err(|error| failure_of(&error, Phase::Command))?;
            self.patience = patience;
        }
        Ok(())
    }

    fn unanswered(&mut self, failure: Failure) -> CallError {
        let maybe_done = self.channel.connection.fail().iter().any(|command| command.sent);
        CallError::Unanswered(Unanswered { failure, maybe_done })
    }

    /// Looks whether the server closed the connection, without waiting, and without reading
    /// where what came can only be a reply. TLS has messages of its own, which are taken.
    fn look(&mut self) -> Result<(), Failure> {
        let looked = if self.channel.is_sealed() {
            read_without_waiting(&self.socket, &mut self.buffer)
        } else {
            peek_without_waiting(&self.socket)
        };
        match looked {
            Ok(0) => Err(closed_by_server()),
            Ok(read) if self.channel.is_sealed() => {
                self.channel.receive(&self.buffer[..read])?;
                match self.channel.connection.next_event() {
                    Ok(None) if self.channel.connection.is_idle() => Ok(()),
                    Err(error) => Err(broken(&error)),
                    Ok(_) => Err(unasked()),
                }
            }
            Ok(_) => Err(unasked()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(failure_of(&error, Phase::Command)),
        }
    }
}

fn unasked() -> Failure {
    let text = "the server sent a reply nobody asked for";
    Failure::new(FailureKind::ProtocolError, text)
}

/// Writes without the signal that a closed connection would send to the process.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(bytes, libc::MSG_NOSIGNAL)
}

/// Where there is no flag for it, the socket was made so that it sends none.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn write(mut socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut socket, bytes)
}

#[cfg(unix)]
fn peek_without_waiting(socket: &Socket) -> io::Result<usize> {
    let mut byte = [std::mem::MaybeUninit::uninit()];
    socket.recv_with_flags(&mut byte, libc::MSG_PEEK | libc::MSG_DONTWAIT)
}

#[cfg(not(unix))]
fn peek_without_waiting(socket: &Socket) -> io::Result<usize> {
    socket.set_nonblocking(true)?;
    let peeked = socket.peek(&mut [std::mem::MaybeUninit::uninit()]);
    socket.set_nonblocking(false)?;
    peeked
}

fn read_without_waiting(mut socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    socket.set_nonblocking(true)?;
    let read = socket.read(buffer);
    socket.set_nonblocking(false)?;
    read
}

/// Whether the socket's own timeout ended the wait.
fn ran_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn no_reply() -> Failure {
    Failure::new(FailureKind::ResponseTimeout, "no reply within the deadline")
}
