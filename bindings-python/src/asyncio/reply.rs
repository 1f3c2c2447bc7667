//! What a call answers: an awaitable that is a coroutine to whoever makes a task of it and a future
//! to whoever gathers it, and that needs no turn of the loop where its end is known already.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyStopIteration;
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
    /// Nobody has asked yet.
    Pending,
    /// Whoever waits, waits for this future of asyncio, which knows everything from here on.
    Awaited(Py<PyAny>),
    Ended(Py<PyAny>),
    Raised(PyErr),
}

impl Reply {
    /// One that is still to end.
    pub(crate) fn pending(event_loop: &Bound<'_, PyAny>) -> Self {
        Self::with(event_loop, State::Pending)
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

    /// Ends it. Whoever awaits it goes on at the next turn of the loop.
    pub(crate) fn settle(&self, py: Python<'_>, outcome: Outcome) {
        let mut state = self.state();
        let State::Awaited(future) = &*state else {
            *state = State::from(outcome);
            return;
        };
        let future = future.clone_ref(py).into_bound(py);
        drop(state);
        // It refuses when it was cancelled, or its loop closed: nobody waits any more.
        drop(end(&future, outcome));
    }

    pub(crate) fn event_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    /// The future of asyncio that ends as this does.
    fn future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let State::Awaited(future) = &*self.state() {
            return Ok(future.clone_ref(py).into_bound(py));
        }
        // Made without the lock: to make objects may run any code.
        let future = new_future(self.event_loop.bind(py))?;
        let awaited = State::Awaited(future.clone().unbind());
        let before = std::mem::replace(&mut *self.state(), awaited);
        match before {
            State::Pending => {}
            State::Awaited(earlier) => {
                *self.state() = State::Awaited(earlier.clone_ref(py));
                return Ok(earlier.into_bound(py));
            }
            State::Ended(value) => end(&future, Ok(value))?,
            State::Raised(error) => end(&future, Err(error))?,
        }
        Ok(future)
    }

    /// How it ended, where no future has to be asked.
    fn outcome(&self, py: Python<'_>) -> Option<Outcome> {
        match &*self.state() {
            State::Ended(value) => Some(Ok(value.clone_ref(py))),
            State::Raised(error) => Some(Err(error.clone_ref(py))),
            State::Pending | State::Awaited(_) => None,
        }
    }

    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = self.steps.get_or_try_init(py, || {
            let future = self.future(py)?;
            future.call_method0(intern!(py, "__await__")).map(Bound::unbind)
        });
        made.map(|steps| steps.bind(py).clone())
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
        if matches!(&*slf.get().state(), State::Ended(_) | State::Raised(_)) {
            return Ok(slf.clone().into_any());
        }
        slf.get().future(py)?.call_method0(intern!(py, "__await__"))
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
        &self,
        py: Python<'_>,
        callback: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let named = PyDict::new(py);
        if let Some(context) = context {
            named.set_item(intern!(py, "context"), context)?;
        }
        let name = intern!(py, "add_done_callback");
        self.future(py)?.call_method(name, (callback,), Some(&named)).map(drop)
    }

    fn remove_done_callback(&self, py: Python<'_>, callback: &Bound<'_, PyAny>) -> Outcome {
        let name = intern!(py, "remove_done_callback");
        self.future(py)?.call_method1(name, (callback,)).map(Bound::unbind)
    }

    #[pyo3(signature = (msg=None))]
    fn cancel(&self, py: Python<'_>, msg: Option<&Bound<'_, PyAny>>) -> Outcome {
        self.future(py)?.call_method1(intern!(py, "cancel"), (msg,)).map(Bound::unbind)
    }

    fn cancelled(&self, py: Python<'_>) -> Outcome {
        self.future(py)?.call_method0(intern!(py, "cancelled")).map(Bound::unbind)
    }

    fn done(&self, py: Python<'_>) -> Outcome {
        self.future(py)?.call_method0(intern!(py, "done")).map(Bound::unbind)
    }

    fn result(&self, py: Python<'_>) -> Outcome {
        self.outcome(py).unwrap_or_else(|| {
            self.future(py)?.call_method0(intern!(py, "result")).map(Bound::unbind)
        })
    }

    fn exception(&self, py: Python<'_>) -> Outcome {
        self.future(py)?.call_method0(intern!(py, "exception")).map(Bound::unbind)
    }

    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop(py)
    }
}

fn new_future<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    event_loop.call_method0(intern!(event_loop.py(), "create_future"))
}

fn end(future: &Bound<'_, PyAny>, outcome: Outcome) -> PyResult<()> {
    let py = future.py();
    match outcome {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
        Err(error) => future.call_method1(intern!(py, "set_exception"), (error,))?,
    };
    Ok(())
}
