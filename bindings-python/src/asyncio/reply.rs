//! What a call answers: an awaitable that is a coroutine to whoever makes a task of it and a future
//! to whoever gathers it, and that needs no turn of the loop where its end is known already.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyBaseException, PyStopIteration};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

/// How a call ended.
pub(crate) type Outcome = PyResult<Py<PyAny>>;

/// The reply to a command, which may not have come yet.
#[pyclass(module = "outlast._outlast", frozen)]
pub(crate) struct Reply {
    event_loop: Py<PyAny>,
    state: Mutex<State>,
    /// How a task knows that a future is awaited, and not handed to it by mistake.
    is_awaited: AtomicBool,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum State {
    /// And what the loop is to call at the end.
    Pending(Vec<Callback>),
    Ended(Py<PyAny>),
    Raised(PyErr),
    /// Nobody awaits it any more; with the message for whoever asks.
    Cancelled(Option<Py<PyAny>>),
}

#[derive(Debug)]
struct Callback {
    function: Py<PyAny>,
    context: Py<PyAny>,
}

impl Reply {
    /// One that is still to end.
    pub(crate) fn pending(event_loop: &Bound<'_, PyAny>) -> Self {
        Self::with(event_loop, State::Pending(Vec::new()))
    }

    /// One that has ended.
    pub(crate) fn ended(event_loop: &Bound<'_, PyAny>, outcome: Outcome) -> Self {
        Self::with(event_loop, State::from(outcome))
    }

    fn with(event_loop: &Bound<'_, PyAny>, state: State) -> Self {
        Self {
            event_loop: event_loop.clone().unbind(),
            state: Mutex::new(state),
            is_awaited: AtomicBool::new(false),
        }
    }

    /// Ends it, unless nobody awaits it any more. Whoever does goes on at the next turn of the loop.
    pub(crate) fn settle(slf: &Bound<'_, Self>, outcome: Outcome) {
        // Where a callback cannot be planned the loop is closed, and nobody waits any more.
        drop(Self::end(slf, State::from(outcome)));
    }

    /// Whether it was pending.
    fn end(slf: &Bound<'_, Self>, end: State) -> PyResult<bool> {
        let mut state = slf.get().state();
        if !matches!(&*state, State::Pending(_)) {
            drop(state);
            return Ok(false);
        }
        let before = std::mem::replace(&mut *state, end);
        drop(state);
        if let State::Pending(callbacks) = before {
            for callback in callbacks {
                Self::plan(slf, callback)?;
            }
        }
        Ok(true)
    }

    fn plan(slf: &Bound<'_, Self>, callback: Callback) -> PyResult<()> {
        let py = slf.py();
        let named = PyDict::new(py);
        named.set_item(intern!(py, "context"), callback.context)?;
        let event_loop = slf.get().event_loop.bind(py);
        let planned = (callback.function, slf);
        event_loop.call_method(intern!(py, "call_soon"), planned, Some(&named)).map(drop)
    }

    pub(crate) fn event_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    /// How it ended, if it has.
    fn outcome(&self, py: Python<'_>) -> Option<Outcome> {
        let message = match &*self.state() {
            State::Ended(value) => return Some(Ok(value.clone_ref(py))),
            State::Raised(error) => return Some(Err(error.clone_ref(py))),
            State::Pending(_) => return None,
            State::Cancelled(message) => message.as_ref().map(|message| message.clone_ref(py)),
        };
        Some(Err(cancelled_error(py, message)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Outcome> for State {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(value) => Self::Ended(value),
            Err(error) => Self::Raised(error),
        }
    }
}

#[pymethods]
impl Reply {
    /// How `isfuture` knows a future.
    #[getter(_asyncio_future_blocking)]
    fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_awaited(&self, is_awaited: bool) {
        self.is_awaited.store(is_awaited, Ordering::Relaxed);
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    /// What a task is handed is this: it goes on once this has ended.
    fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        match slf.get().outcome(slf.py()) {
            Some(Ok(value)) => Err(PyStopIteration::new_err((value,))),
            Some(Err(error)) => Err(error),
            None => {
                slf.get().set_awaited(true);
                Ok(slf.clone())
            }
        }
    }

    fn send<'py>(slf: &Bound<'py, Self>, _value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        Self::__next__(slf)
    }

    /// Whoever awaits it goes on with this exception: an instance, or a class and perhaps a value.
    #[pyo3(signature = (error, value=None, _traceback=None))]
    #[expect(clippy::unused_self, reason = "a method of coroutines")]
    fn throw(
        &self,
        error: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let is_exception = |value: &Bound<'_, PyAny>| value.is_instance_of::<PyBaseException>();
        Err(PyErr::from_value(match value {
            _ if is_exception(&error) => error,
            Some(value) if is_exception(&value) => value,
            Some(value) if !value.is_none() => error.call1((value,))?,
            _ => error.call0()?,
        }))
    }

    /// Nobody awaits it any more; the command goes on.
    #[expect(clippy::unused_self, reason = "a method of coroutines")]
    fn close(&self) {}

    #[pyo3(signature = (callback, *, context=None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        callback: Bound<'_, PyAny>,
        context: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let context = match context {
            Some(context) => context.unbind(),
            None => current_context(slf.py())?,
        };
        let callback = Callback { function: callback.unbind(), context };
        let mut state = slf.get().state();
        if let State::Pending(callbacks) = &mut *state {
            callbacks.push(callback);
            return Ok(());
        }
        drop(state);
        Self::plan(slf, callback)
    }

    /// How many of them there were.
    fn remove_done_callback(slf: &Bound<'_, Self>, callback: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = slf.py();
        let mut state = slf.get().state();
        let State::Pending(callbacks) = &mut *state else {
            return Ok(0);
        };
        // Compared without the lock: that may run any code.
        let all = std::mem::take(callbacks);
        drop(state);
        let (mut kept, mut removed) = (Vec::with_capacity(all.len()), Vec::new());
        for one in all {
            let is_it = one.function.bind(py).eq(callback)?;
            if is_it { removed.push(one) } else { kept.push(one) }
        }
        let mut state = slf.get().state();
        if let State::Pending(callbacks) = &mut *state {
            kept.append(callbacks);
            *callbacks = kept;
        }
        drop(state);
        Ok(removed.len())
    }

    /// Whether it was pending; the command goes on.
    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        Self::end(slf, State::Cancelled(msg))
    }

    fn cancelled(&self) -> bool {
        matches!(&*self.state(), State::Cancelled(_))
    }

    fn done(&self) -> bool {
        !matches!(&*self.state(), State::Pending(_))
    }

    fn result(&self, py: Python<'_>) -> Outcome {
        self.outcome(py).unwrap_or_else(|| Err(invalid_state(py, "Result is not set.")))
    }

    fn exception(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let is_raised = matches!(&*self.state(), State::Raised(_));
        match self.outcome(py) {
            Some(Ok(_)) => Ok(None),
            Some(Err(error)) if is_raised => Ok(Some(error.into_value(py).into_any())),
            Some(Err(cancelled)) => Err(cancelled),
            None => Err(invalid_state(py, "Exception is not set.")),
        }
    }

    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        match &*state {
            State::Pending(callbacks) => {
                for Callback { function, context } in callbacks {
                    visit.call(function)?;
                    visit.call(context)?;
                }
                Ok(())
            }
            State::Ended(value) => visit.call(value),
            State::Cancelled(message) => visit.call(message),
            State::Raised(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let cleared = std::mem::replace(&mut *self.state(), State::Cancelled(None));
        drop(cleared);
    }
}

fn current_context(py: Python<'_>) -> Outcome {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    COPY.import(py, "contextvars", "copy_context")?.call0().map(Bound::unbind)
}

fn cancelled_error(py: Python<'_>, message: Option<Py<PyAny>>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    made(py, &CLASS, "CancelledError", message)
}

fn invalid_state(py: Python<'_>, message: &str) -> PyErr {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let message = message.into_pyobject(py).map(|message| message.into_any().unbind());
    made(py, &CLASS, "InvalidStateError", message.ok())
}

/// An exception of asyncio.
fn made(
    py: Python<'_>,
    class: &'static PyOnceLock<Py<PyAny>>,
    name: &str,
    message: Option<Py<PyAny>>,
) -> PyErr {
    let args = PyTuple::new(py, message);
    let error = args.and_then(|args| class.import(py, "asyncio", name)?.call1(args));
    error.map_or_else(|error| error, PyErr::from_value)
}
