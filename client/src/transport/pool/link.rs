//! A connection whose socket blocks: written and read by the thread that waits for the reply.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use outlast_core::classify::Phase;
use outlast_core::connection::Event;
use outlast_core::{Error, Failure, FailureKind, Timestamp, Value};
use socket2::Socket;

use super::{CallError, Interrupt};
use crate::channel::Channel;
use crate::dial::{Link, broken, closed_by_server, failure_of};
use crate::gate::Unanswered;

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

/// A connection with a blocking socket.
pub(super) struct Blocking {
    socket: Socket,
    pub(super) channel: Channel,
    pub(super) epoch: u64,
    pub(super) used_at: Instant,
    /// What the socket's timeouts are set to.
    patience: Duration,
    buffer: Vec<u8>,
}

impl Blocking {
    pub(super) fn new(link: Link, epoch: u64, patience: Duration) -> io::Result<Self> {
        let (socket, channel) = link.into_parts()?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        let buffer = vec![0; READ_BYTES];
        Ok(Self { socket, channel, epoch, used_at: Instant::now(), patience, buffer })
    }

    pub(super) fn call<A: AsRef<[u8]>>(
        &mut self,
        args: &[A],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Value, CallError> {
        self.channel.connection.send(args, Timestamp::ZERO);
        self.finish(deadline, interrupt)
    }

    /// Writes what is left to write, and reads until there is a reply.
    pub(super) fn finish(
        &mut self,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Value, CallError> {
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
            match self.channel.connection.next_event() {
                Ok(Some(Event::Reply { value, .. })) => return Ok(value),
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => return Err(self.unanswered(broken(&error))),
            }
            self.be_patient(deadline).map_err(|failure| self.unanswered(failure))?;
            match self.socket.read(&mut self.buffer) {
                Ok(0) => return Err(self.unanswered(closed_by_server())),
                Ok(read) => {
                    let received = self.channel.receive(&self.buffer[..read]);
                    received.map_err(|failure| self.unanswered(failure))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    interrupt().map_err(CallError::Refused)?;
                }
                Err(error) if ran_out(&error) => {}
                Err(error) => return Err(self.unanswered(failure_of(&error, Phase::Command))),
            }
        }
    }

    /// Writes and reads as far as that needs no wait longer than `patience`. What goes wrong is left
    /// for [`finish`](Self::finish) to find.
    pub(super) fn wait_briefly(&mut self, patience: Duration) -> Option<Value> {
        let until = Instant::now() + patience;
        while !self.channel.unsent().is_empty() {
            let written = write_without_waiting(&self.socket, self.channel.unsent()).ok()?;
            if written == 0 {
                return None;
            }
            self.channel.sent(written);
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !is_readable_within(&self.socket, left) {
                return None;
            }
            let read = self.socket.read(&mut self.buffer).ok().filter(|read| *read > 0)?;
            self.channel.receive(&self.buffer[..read]).ok()?;
            if let Event::Reply { value, .. } = self.channel.connection.next_event().ok()?? {
                return Some(value);
            }
        }
    }

    /// Writes what the socket takes at once. What goes wrong is left for
    /// [`exchange`](Self::exchange) to find.
    pub(super) fn write_without_waiting(&mut self) {
        while !self.channel.unsent().is_empty() {
            match write_without_waiting(&self.socket, self.channel.unsent()) {
                Ok(0) | Err(_) => return,
                Ok(written) => self.channel.sent(written),
            }
        }
    }

    /// Writes what is queued and reads until there are as many replies as wanted. While the socket
    /// takes nothing more, what it has is read: a server may wait for that.
    pub(super) fn exchange(
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
    pub(super) fn look(&mut self) -> Result<(), Failure> {
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
pub(crate) fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(bytes, libc::MSG_NOSIGNAL)
}

/// Where there is no flag for it, the socket was made so that it sends none.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn write(mut socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut socket, bytes)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn write_without_waiting(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(bytes, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn write_without_waiting(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.set_nonblocking(true)?;
    let written = write(socket, bytes);
    socket.set_nonblocking(false)?;
    written
}

/// Whether the socket has something to read, or is closed, before so much time is over.
#[cfg(unix)]
fn is_readable_within(socket: &Socket, patience: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let Ok(patience) = Timespec::try_from(patience) else {
        return false;
    };
    poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&patience)).is_ok_and(|ready| ready > 0)
}

/// Nothing here waits as briefly: whoever waits does so without a lock of an interpreter.
#[cfg(not(unix))]
fn is_readable_within(_socket: &Socket, _patience: Duration) -> bool {
    false
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
