//! What a call answers: an awaitable that is a coroutine to whoever makes a task of it and a future
//! to whoever gathers it, and that needs no turn of the loop where its end is known already.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use pyo3::PyTraverseError;
use pyo3::exceptions::PyStopIteration;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

/// How a call ended.
pub(crate) type Outcome = PyResult<Py<PyAny>>;

/// The reply to a command, which may not have come yet.
#[pyclass(module = "outlast._outlast", frozen)]
pub(crate) struct Reply {
    event_loop: Py<PyAny>,
    state: Mutex<State>,
    /// What a task that drives this as its coroutine goes through.
    steps: PyOnceLock<Py<PyAny>>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum State {
    /// A task that awaits it waits for the future of asyncio, which is quicker for that; whoever gathers
    /// it has callbacks here, which is quicker than a future would be.
    Pending(Option<Py<PyAny>>, Vec<Callback>),
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
        Self::with(event_loop, State::Pending(None, Vec::new()))
    }

    /// One that has ended.
    pub(crate) fn ended(event_loop: &Bound<'_, PyAny>, outcome: Outcome) -> Self {
        Self::with(event_loop, State::from(outcome))
    }

    fn with(event_loop: &Bound<'_, PyAny>, state: State) -> Self {
        Self {
            event_loop: event_loop.clone().unbind(),
            state: Mutex::new(state),
            steps: PyOnceLock::new(),
        }
    }

    /// Ends it, unless nobody awaits it any more. Whoever does goes on at the next turn of the loop.
    pub(crate) fn settle(slf: &Bound<'_, Self>, outcome: Outcome) {
        // Where a callback cannot be planned the loop is closed, and nobody waits any more.
        drop(Self::end(slf, State::from(outcome)));
    }

    /// Whether it was pending.
    fn end(slf: &Bound<'_, Self>, end: State) -> PyResult<bool> {
        let py = slf.py();
        let mut state = slf.get().state();
        let State::Pending(future, callbacks) = &mut *state else {
            drop(state);
            return Ok(false);
        };
        let (future, callbacks) = (future.take(), std::mem::take(callbacks));
        *state = end;
        drop(state);
        if let Some(future) = future {
            slf.get().end_future(future.bind(py))?;
        }
        for callback in callbacks {
            Self::plan(slf, callback)?;
        }
        Ok(true)
    }

    /// The future ends as this did. A task that nobody waits for any more has cancelled it, and so this.
    fn end_future(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        let ended = match self.outcome(py) {
            Some(Ok(value)) => future.call_method1(intern!(py, "set_result"), (value,)),
            Some(Err(error)) if self.cancelled(py)? => {
                let message = error.value(py).getattr(intern!(py, "args"))?.get_item(0).ok();
                future.call_method1(intern!(py, "cancel"), (message,))
            }
            Some(Err(error)) => future.call_method1(intern!(py, "set_exception"), (error,)),
            None => return Ok(()),
        };
        if ended.is_err() {
            // It refuses what was cancelled.
            let before = std::mem::replace(&mut *self.state(), State::Cancelled(None));
            drop(before);
        }
        Ok(())
    }

    /// The future of asyncio that ends as this does.
    fn future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let State::Pending(Some(future), _) = &*self.state() {
            return Ok(future.clone_ref(py).into_bound(py));
        }
        // Made without the lock: to make objects may run any code.
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        let mut state = self.state();
        if let State::Pending(place, _) = &mut *state {
            return Ok(place
                .get_or_insert_with(|| future.clone().unbind())
                .clone_ref(py)
                .into_bound(py));
        }
        drop(state);
        self.end_future(&future)?;
        Ok(future)
    }

    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = self.steps.get_or_try_init(py, || {
            self.future(py)?.call_method0(intern!(py, "__await__")).map(Bound::unbind)
        });
        made.map(|steps| steps.bind(py).clone())
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
            State::Pending(..) => return None,
            State::Cancelled(message) => message.as_ref().map(|message| message.clone_ref(py)),
        };
        Some(Err(cancelled_error(py, message)))
    }

    /// Why there is no outcome.
    fn not_ended(&self, py: Python<'_>, message: &str) -> PyErr {
        match self.cancelled(py) {
            Ok(true) => cancelled_error(py, None),
            Ok(false) => invalid_state(py, message),
            Err(error) => error,
        }
    }

    /// What holds of this, or of the future that a task may have cancelled.
    fn asked(
        &self,
        py: Python<'_>,
        question: &Bound<'_, PyString>,
        holds: impl FnOnce(&State) -> bool,
    ) -> PyResult<bool> {
        let state = self.state();
        let State::Pending(Some(future), _) = &*state else {
            return Ok(holds(&state));
        };
        let future = future.clone_ref(py);
        drop(state);
        future.bind(py).call_method0(question)?.is_truthy()
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
    #[classattr]
    #[pyo3(name = "_asyncio_future_blocking")]
    const FUTURE_BLOCKING: bool = false;

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if matches!(&*slf.get().state(), State::Pending(..)) {
            return slf.get().future(py)?.call_method0(intern!(py, "__await__"));
        }
        Ok(slf.clone().into_any())
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __next__(&self, py: Python<'_>) -> Outcome {
        match self.outcome(py) {
            Some(Ok(value)) => Err(PyStopIteration::new_err((value,))),
            Some(Err(error)) => Err(error),
            None => self.steps(py)?.call_method0(intern!(py, "__next__")).map(Bound::unbind),
        }
    }

    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> Outcome {
        self.__next__(py)
    }

    #[pyo3(signature = (*error))]
    fn throw(&self, py: Python<'_>, error: &Bound<'_, PyTuple>) -> Outcome {
        self.steps(py)?.call_method1(intern!(py, "throw"), error).map(Bound::unbind)
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
        if let State::Pending(_, callbacks) = &mut *state {
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
        let State::Pending(_, callbacks) = &mut *state else {
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
        if let State::Pending(_, callbacks) = &mut *state {
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

    fn cancelled(&self, py: Python<'_>) -> PyResult<bool> {
        self.asked(py, intern!(py, "cancelled"), |state| matches!(state, State::Cancelled(_)))
    }

    fn done(&self, py: Python<'_>) -> PyResult<bool> {
        self.asked(py, intern!(py, "done"), |state| !matches!(state, State::Pending(..)))
    }

    /// What `gather` asks of a future that was cancelled, in versions of Python before 3.12.
    #[getter(_cancel_message)]
    fn cancel_message(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &*self.state() {
            State::Cancelled(message) => message.as_ref().map(|message| message.clone_ref(py)),
            State::Pending(..) | State::Ended(_) | State::Raised(_) => None,
        }
    }

    /// The same from 3.12 on.
    #[pyo3(name = "_make_cancelled_error")]
    fn make_cancelled_error(&self, py: Python<'_>) -> Py<PyAny> {
        cancelled_error(py, self.cancel_message(py)).into_value(py).into_any()
    }

    fn result(&self, py: Python<'_>) -> Outcome {
        self.outcome(py).unwrap_or_else(|| Err(self.not_ended(py, "Result is not set.")))
    }

    fn exception(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let is_raised = matches!(&*self.state(), State::Raised(_));
        match self.outcome(py) {
            Some(Ok(_)) => Ok(None),
            Some(Err(error)) if is_raised => Ok(Some(error.into_value(py).into_any())),
            Some(Err(cancelled)) => Err(cancelled),
            None => Err(self.not_ended(py, "Exception is not set.")),
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
            State::Pending(future, callbacks) => {
                visit.call(future)?;
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
