//! Each calling thread writes and reads a connection of its own. The one used last goes first;
//! further ones are dialled in the background while a caller waits for one to come free.

mod link;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlast_core::command::Traits;
use outlast_core::connection::Connection;
use outlast_core::metrics::Connections;
use outlast_core::{Error, ErrorKind, Failure, FailureKind, Timestamp, Value};

use super::Transport;
use crate::dial::Link;
use crate::gate::{Gate, SIGNAL_CHECK, Unanswered};
use link::Blocking;
#[cfg(unix)]
pub(super) use link::write;

/// A connection that was used this recently is not looked at before a command that may be
/// repeated.
const FRESH: Duration = Duration::from_millis(10);
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

/// A command that was sent, on the connection that its reply will come over.
pub(crate) struct Waiting {
    link: Blocking,
    epoch: u64,
    began: Instant,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

/// Commands that were sent together, on the connection that their replies will come over.
pub(crate) struct Exchanging {
    link: Blocking,
    epoch: u64,
    wanted: usize,
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
    /// The process that serves this epoch, where it told.
    run_id: Option<Vec<u8>>,
    idle: VecDeque<Blocking>,
    open: usize,
    waiting: usize,
    /// How often a connection came back after a reply.
    returned: u64,
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

    /// Sends a command over a connection that is idle and waits for its reply, but briefly: what has
    /// no reply then is [waited for](Self::wait) by whoever may wait longer. Nothing is done where
    /// no connection is idle.
    pub(crate) fn call_briefly<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        patience: Duration,
    ) -> Option<Result<(Value, Instant), Waiting>> {
        if !self.gate.is_current(epoch) {
            return None;
        }
        let mut links = self.lock();
        if links.epoch != epoch {
            return None;
        }
        let mut link = links.idle.pop_back()?;
        drop(links);
        let idle = link.used_at.elapsed() > FRESH;
        // A failure is found again, and told, by the call that takes the connection next.
        if (idle || !Traits::of(args).idempotent) && link.look().is_err() {
            self.put(link);
            return None;
        }
        let began = Instant::now();
        link.channel.connection.send(args, Timestamp::ZERO);
        match link.wait_briefly(patience) {
            Some(value) => {
                self.put(link);
                Some(Ok((value, began)))
            }
            None => Some(Err(Waiting { link, epoch, began })),
        }
    }

    /// Waits for the reply of a command that was sent briefly.
    pub(crate) fn wait(
        &self,
        waiting: Waiting,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<(Value, Instant), CallError> {
        let Waiting { mut link, epoch, began } = waiting;
        match link.finish(deadline, interrupt) {
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
    /// queues them and says how many they are.
    pub(crate) fn exchange(
        &self,
        epoch: u64,
        deadline: Instant,
        interrupt: Interrupt<'_>,
        send: impl FnOnce(&mut Connection, Timestamp) -> usize,
    ) -> Result<Exchanged, CallError> {
        let exchanging = self.begin_exchange(epoch, deadline, interrupt, send)?;
        self.end_exchange(exchanging, deadline, interrupt)
    }

    /// Begins the same, and returns as soon as the socket takes no more, so that others can be begun
    /// meanwhile. It must be [ended](Self::end_exchange) or [given up](Self::give_up).
    pub(crate) fn begin_exchange(
        &self,
        epoch: u64,
        deadline: Instant,
        interrupt: Interrupt<'_>,
        send: impl FnOnce(&mut Connection, Timestamp) -> usize,
    ) -> Result<Exchanging, CallError> {
        let mut link = self.take(epoch, deadline, interrupt)?;
        if let Err(failure) = link.look() {
            self.drop_one(epoch);
            return Err(CallError::Unanswered(Unanswered { failure, maybe_done: false }));
        }
        let wanted = send(&mut link.channel.connection, Timestamp::ZERO);
        link.write_without_waiting();
        Ok(Exchanging { link, epoch, wanted })
    }

    /// Waits for the replies of what was begun.
    pub(crate) fn end_exchange(
        &self,
        exchanging: Exchanging,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Exchanged, CallError> {
        let Exchanging { mut link, epoch, wanted } = exchanging;
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

    /// Nobody waits for what was begun: its connection is closed.
    pub(crate) fn give_up(&self, exchanging: Exchanging) {
        let Exchanging { epoch, link, .. } = exchanging;
        drop(link);
        self.drop_one(epoch);
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
        let link = Blocking::new(link, epoch, self.gate.command_timeout())?;
        let mut links = self.lock();
        if epoch == links.epoch {
            links.open += 1;
            links.idle.push_back(link);
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
        links.run_id.clone_from(&link.run_id);
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

    fn may_grow(&self) -> bool {
        self.connections_max() > 1
    }

    fn add(&self, link: Link) -> Result<(), u64> {
        let links = self.lock();
        let epoch = links.epoch;
        let is_elsewhere =
            matches!((&links.run_id, &link.run_id), (Some(ours), Some(its)) if ours != its);
        drop(links);
        if is_elsewhere {
            return Err(epoch);
        }
        let _ = self.admit(link, epoch);
        Ok(())
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
