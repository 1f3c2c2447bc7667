//! What a caller asks of a link, now or once a loop runs.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::link::Link;
use super::waiter::Form;
use crate::packed::{Forms, Packed};

/// Name and arguments.
pub(crate) type Command = Vec<Vec<u8>>;

/// What a caller asks.
#[derive(Debug)]
pub(crate) enum Call {
    /// The end of the startup.
    Connect,
    /// The reply to a command.
    Command(Command, Form),
    /// The list of the replies to commands that follow one another, exceptions among them, and whether
    /// there are any.
    Pipeline(Packed, Forms),
    /// The replies to MULTI, to each command, and to EXEC; error replies are values among them.
    Transaction(Vec<Command>, Form),
}

/// A call made where no loop is running. It is made in earnest when it is awaited.
#[pyclass(module = "outlast._outlast", frozen)]
#[derive(Debug)]
pub(crate) struct Later {
    link: Py<Link>,
    call: Mutex<Option<Call>>,
}

impl Later {
    /// A coroutine that makes the call.
    pub(crate) fn coroutine<'py>(
        link: &Bound<'py, Link>,
        call: Call,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = link.py();
        let later = Self { link: link.clone().unbind(), call: Mutex::new(Some(call)) };
        py.import("outlast.asyncio._loops")?.getattr("later")?.call1((later,))
    }
}

#[pymethods]
impl Later {
    fn __call__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let call = self.call.lock().unwrap_or_else(PoisonError::into_inner).take();
        let call = call.ok_or_else(|| PyRuntimeError::new_err("the call was made already"))?;
        Link::call(self.link.bind(py), call)
    }
}
