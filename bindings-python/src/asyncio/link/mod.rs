//! A client on an event loop: commands leave through, and replies come back on, a socket that the
//! loop watches. Every callback does its work for all commands at once.

mod turn;
mod watch;

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlast::hosted::Submission;
use outlast::{Config, Error, ErrorKind};
use pyo3::intern;
use pyo3::prelude::*;

use super::call::{Call, Later};
use super::member::Member;
use super::pending::Pending;
use super::reply::{Outcome, Reply};
use super::slices::Slices;
use super::waiter::{Form, Parts, Waiter};
use crate::errors::raised;
use crate::packed::{self, Packed};
use crate::process::start_log_thread;
use watch::{call_soon, running_loop, watch, watcher_for};

/// Answers from memory within one turn of the loop: less than a millisecond of them.
const ANSWERS_BY_TURN_MAX: u32 = 512;

/// Bytes of commands that may gather during one turn of the loop before they are written.
const GATHERED_BYTES_MAX: usize = 64 * 1_024;

/// Its methods are called on the thread of its event loop. No lock is held while Python runs.
#[pyclass(module = "outlast._outlast", frozen)]
#[derive(Debug)]
pub(crate) struct Link {
    config: Config,
    /// The number under which its incidents are told.
    listener: Option<u64>,
    begun: AtomicBool,
    closed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each notes something that is planned once")]
struct State {
    member: Arc<Member>,
    /// The loop that it belongs to.
    event_loop: Option<Py<PyAny>>,
    /// What watches its sockets: the loop itself, where it can.
    watcher: Option<Py<PyAny>>,
    socket: Option<OwnedFd>,
    pending: Pending<Waiter>,
    /// Whoever awaits the end of the startup.
    starting: Vec<Py<Reply>>,
    timer: Option<Py<PyAny>>,
    /// Nothing waited before the command that came last.
    was_idle: bool,
    write_planned: bool,
    /// The loop tells when the socket takes more.
    write_awaited: bool,
    gathered_bytes: usize,
    /// The last read ended several commands: the next ones come together, too.
    in_bursts: bool,
    /// Answers from memory since the loop last turned, and those that wait until it does.
    answers: u32,
    deferred: Vec<(Py<Reply>, Outcome)>,
    next_turn_planned: bool,
    /// Long replies that are being made.
    slices: VecDeque<Slices>,
    slice_planned: bool,
}

/// What a call needs: the loop that it runs on, and this process' client.
struct Place<'py> {
    event_loop: Bound<'py, PyAny>,
    member: Arc<Member>,
}

impl Drop for Link {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.member.is_inherited() {
            // To drop it would take locks whose holders are gone.
            std::mem::forget(state.member.clone());
        }
    }
}

impl Link {
    pub(crate) fn new(config: Config, listener: Option<u64>) -> PyResult<Self> {
        let member = Member::new(config.clone(), listener)?;
        let state = State {
            member,
            event_loop: None,
            watcher: None,
            socket: None,
            pending: Pending::new(),
            starting: Vec::new(),
            timer: None,
            was_idle: true,
            write_planned: false,
            write_awaited: false,
            gathered_bytes: 0,
            in_bursts: false,
            answers: 0,
            deferred: Vec::new(),
            next_turn_planned: false,
            slices: VecDeque::new(),
            slice_planned: false,
        };
        let (begun, closed) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { config, listener, begun, closed, state: Mutex::new(state) })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Does what is asked; where no loop is running, as soon as it is awaited.
    pub(crate) fn call<'py>(slf: &Bound<'py, Self>, call: Call) -> PyResult<Bound<'py, PyAny>> {
        let Some(place) = Self::place(slf)? else {
            return Later::coroutine(slf, call);
        };
        let reply = match call {
            Call::Connect => Self::connect(slf, &place),
            Call::Command(args, form) => {
                let bytes = bytes_of(&args);
                let submission = place.member.client.submit(args);
                Self::submitted(slf, &place, submission, form, bytes)
            }
            Call::Transaction(commands, form) => {
                let bytes = commands.iter().map(|args| bytes_of(args)).sum();
                let submission = place.member.client.submit_transaction(commands);
                Self::submitted(slf, &place, submission, form, bytes)
            }
            Call::Pipeline(packed, forms) => Self::submit_pipeline(slf, &place, packed, forms),
        };
        reply.map(Bound::into_any)
    }

    /// A command was sent, or answered from memory at once.
    fn submitted<'py>(
        slf: &Bound<'py, Self>,
        place: &Place<'py>,
        submission: Result<Submission, Error>,
        form: Form,
        bytes: usize,
    ) -> PyResult<Bound<'py, Reply>> {
        let py = slf.py();
        match submission {
            Ok(Submission::Pending(number)) => {
                let reply = Bound::new(py, Reply::pending(&place.event_loop))?;
                let waiter = Waiter::One { reply: reply.clone().unbind(), form };
                slf.get().state().wait(number, waiter, bytes);
                Self::plan(slf, place)?;
                Ok(reply)
            }
            Ok(Submission::Settled(result)) => Self::answer(slf, place, form.outcome(py, result)),
            Ok(_) => Err(raised(py, &unknown_submission())),
            Err(error) => Self::answer(slf, place, Err(raised(py, &error))),
        }
    }

    fn submit_pipeline<'py>(
        slf: &Bound<'py, Self>,
        place: &Place<'py>,
        packed: Packed,
        forms: packed::Forms,
    ) -> PyResult<Bound<'py, Reply>> {
        let py = slf.py();
        let Packed { commands, shapes } = packed;
        let bytes = commands.bytes();
        match place.member.client.submit_pipeline(commands) {
            Submission::Pending(number) => {
                let reply = Bound::new(py, Reply::pending(&place.event_loop))?;
                let waiter = Waiter::Pipeline { reply: reply.clone().unbind(), shapes, forms };
                slf.get().state().wait(number, waiter, bytes);
                Self::plan(slf, place)?;
                Ok(reply)
            }
            Submission::SettledEach(parts) => {
                Self::answer(slf, place, Parts::new(py, shapes, forms, parts).all(py))
            }
            _ => Err(raised(py, &unknown_submission())),
        }
    }

    /// Whether a command that needs a connection of its own may have one; none while the startup is
    /// under way.
    pub(crate) fn may_use_own_connection(
        slf: &Bound<'_, Self>,
        args: &[Vec<u8>],
    ) -> PyResult<Option<bool>> {
        let py = slf.py();
        slf.get().begin(py)?;
        let member = slf.get().member()?;
        member.client.may_use_own_connection(args).map_err(|error| raised(py, &error))
    }

    /// Something waits for its reply: an idle connection is written to at once, and commands of one
    /// turn of the loop leave in one write.
    fn plan(slf: &Bound<'_, Self>, place: &Place<'_>) -> PyResult<()> {
        let link = slf.get();
        let mut state = link.state();
        let gathers = !state.was_idle || state.in_bursts;
        let write_now = !gathers || state.gathered_bytes > GATHERED_BYTES_MAX;
        let plan_write = !write_now && !std::mem::replace(&mut state.write_planned, true);
        let plan_timer = state.timer.is_none();
        drop(state);
        if plan_timer {
            let deadline_ms = link.config.policy.command_timeout_ms;
            Self::wake_in(slf, &place.event_loop, deadline_ms)?;
        }
        if write_now {
            Self::write(slf)
        } else if plan_write {
            let flush = slf.getattr(intern!(slf.py(), "_flush"))?;
            call_soon(&place.event_loop, &flush)
        } else {
            Ok(())
        }
    }

    /// An answer that is there already. A program that asks again and again would keep the loop from
    /// everything else, so now and then it waits until the loop has turned.
    fn answer<'py>(
        slf: &Bound<'py, Self>,
        place: &Place<'py>,
        outcome: Outcome,
    ) -> PyResult<Bound<'py, Reply>> {
        let py = slf.py();
        let mut state = slf.get().state();
        state.answers += 1;
        let at_once = state.answers <= ANSWERS_BY_TURN_MAX;
        let plan = !std::mem::replace(&mut state.next_turn_planned, true);
        drop(state);
        if plan {
            call_soon(&place.event_loop, &slf.getattr(intern!(py, "_turned"))?)?;
        }
        if at_once {
            return Bound::new(py, Reply::ended(&place.event_loop, outcome));
        }
        let reply = Bound::new(py, Reply::pending(&place.event_loop))?;
        slf.get().state().deferred.push((reply.clone().unbind(), outcome));
        Ok(reply)
    }

    /// Dials, unless that was done; it ends once the startup is over.
    fn connect<'py>(slf: &Bound<'py, Self>, place: &Place<'py>) -> PyResult<Bound<'py, Reply>> {
        let py = slf.py();
        slf.get().begun.store(true, Ordering::Relaxed);
        place.member.client.start();
        let reply = Bound::new(py, Reply::pending(&place.event_loop))?;
        slf.get().state().starting.push(reply.clone().unbind());
        Self::settle_startup(slf, &place.member);
        Ok(reply)
    }

    /// Dials, unless that was done.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<()> {
        start_log_thread(py);
        self.begun.store(true, Ordering::Relaxed);
        self.member()?.client.start();
        Ok(())
    }

    /// Dials where the policy does not wait for the first command, and a loop is there to use it.
    pub(crate) fn begin_unless_lazy(slf: &Bound<'_, Self>) -> PyResult<()> {
        let link = slf.get();
        if link.config.policy.lazy_connect || Self::place(slf)?.is_none() {
            return Ok(());
        }
        link.begin(slf.py())
    }

    /// This process' client.
    pub(crate) fn member(&self) -> PyResult<Arc<Member>> {
        self.leave_parent()?;
        Ok(self.state().member.clone())
    }

    /// Closes it; what waits ends with an error. Again does nothing.
    pub(crate) fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let link = slf.get();
        let member = link.member()?;
        link.closed.store(true, Ordering::Relaxed);
        member.client.close();
        let bound = link.state().event_loop.as_ref().map(|bound| bound.clone_ref(slf.py()));
        match bound {
            // On any other thread the bell has the loop do it.
            Some(bound) if running_loop(slf.py())?.is_some_and(|running| running.is(&bound)) => {
                Self::turn(slf)
            }
            _ => Ok(()),
        }
    }

    /// The running loop watches the sockets from here on; none where none is running.
    fn place<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Place<'py>>> {
        let Some(event_loop) = running_loop(slf.py())? else {
            return Ok(None);
        };
        let state = slf.get().state();
        let is_bound = state.event_loop.as_ref().is_some_and(|bound| bound.is(&event_loop));
        if is_bound && !state.member.is_inherited() {
            let member = state.member.clone();
            return Ok(Some(Place { event_loop, member }));
        }
        drop(state);
        Self::bind(slf, &event_loop)?;
        let member = slf.get().state().member.clone();
        Ok(Some(Place { event_loop, member }))
    }

    fn bind(slf: &Bound<'_, Self>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let link = slf.get();
        start_log_thread(py);
        link.leave_parent()?;
        link.leave_closed_loop(py)?;
        let state = link.state();
        let bell = state.member.bell.as_raw_fd();
        let socket = state.socket.as_ref().map(AsRawFd::as_raw_fd);
        drop(state);
        let watcher = watcher_for(event_loop, bell, &slf.getattr(intern!(py, "_woken"))?)?;
        if let Some(socket) = socket {
            watch(&watcher, socket, &slf.getattr(intern!(py, "_readable"))?)?;
        }
        let mut state = link.state();
        state.event_loop = Some(event_loop.clone().unbind());
        state.watcher = Some(watcher.unbind());
        Ok(())
    }

    /// In the child of a fork: a new client, in the state of the old. The parent's loop still has an
    /// eye on what it inherited, so that is closed here and nothing else.
    fn leave_parent(&self) -> PyResult<()> {
        if !self.state().member.is_inherited() {
            return Ok(());
        }
        let member = Member::new(self.config.clone(), self.listener)?;
        let mut state = self.state();
        let inherited = std::mem::replace(&mut state.member, member.clone());
        let left = state.leave();
        let socket = state.socket.take();
        drop(state);
        // To drop it would take locks whose holders are gone.
        std::mem::forget(inherited);
        drop((left, socket));
        if self.closed.load(Ordering::Relaxed) {
            member.client.close();
        } else if self.begun.load(Ordering::Relaxed) {
            member.client.start();
        }
        Ok(())
    }

    /// A loop that is closed gives its client up; one that is not keeps it.
    fn leave_closed_loop(&self, py: Python<'_>) -> PyResult<()> {
        let Some(bound) = self.state().event_loop.as_ref().map(|bound| bound.clone_ref(py)) else {
            return Ok(());
        };
        if !bound.bind(py).call_method0(intern!(py, "is_closed"))?.is_truthy()? {
            let class = py.import("outlast.asyncio._loops")?.getattr("WrongLoopError")?;
            let message = "the client belongs to another event loop, which is not closed";
            return Err(PyErr::from_value(class.call1((message,))?));
        }
        let left = self.state().leave();
        drop(left);
        Ok(())
    }

    fn event_loop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state().event_loop.as_ref().map(|event_loop| event_loop.bind(py).clone())
    }

    fn watcher<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state().watcher.as_ref().map(|watcher| watcher.bind(py).clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a link had with a loop that it left; to be dropped without its lock.
struct Left {
    timer: Option<Py<PyAny>>,
    _event_loop: Option<Py<PyAny>>,
    _watcher: Option<Py<PyAny>>,
    _waiters: Vec<Waiter>,
    _starting: Vec<Py<Reply>>,
    _deferred: Vec<(Py<Reply>, Outcome)>,
}

impl State {
    fn wait(&mut self, number: u64, waiter: Waiter, bytes: usize) {
        self.was_idle = self.pending.is_empty();
        self.pending.insert(number, waiter);
        self.gathered_bytes += bytes;
    }

    /// Forgets its loop and whoever waited there.
    fn leave(&mut self) -> Left {
        self.write_planned = false;
        self.write_awaited = false;
        self.next_turn_planned = false;
        self.gathered_bytes = 0;
        self.answers = 0;
        Left {
            timer: self.timer.take(),
            _event_loop: self.event_loop.take(),
            _watcher: self.watcher.take(),
            _waiters: self.pending.take_all(),
            _starting: std::mem::take(&mut self.starting),
            _deferred: std::mem::take(&mut self.deferred),
        }
    }
}

fn bytes_of(args: &[Vec<u8>]) -> usize {
    args.iter().map(Vec::len).sum()
}

fn unknown_submission() -> Error {
    Error::new(ErrorKind::InvalidArgument, "a submission that is not known here")
}
