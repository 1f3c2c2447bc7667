//! Who waits for a command, and in what form.

use std::sync::{Arc, Mutex, PoisonError};

use outlast::{Error, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::reply::{Outcome, Reply};
use super::slices::Slices;
use crate::convert::{self, Forms};
use crate::errors::raised;

/// How a reply is handed out.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) forms: Arc<Forms>,
    pub(crate) style: Style,
    pub(crate) shape: Option<Shape>,
}

/// What a reply is turned into, before anything is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// What `execute_command` answers.
    Plain,
    /// What a connection of redis-py would have read.
    Raw,
    /// Whether it is true.
    Truth,
}

/// What makes something of a reply.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) function: Py<PyAny>,
    pub(crate) options: Option<Py<PyDict>>,
}

impl Shape {
    /// What redis-py makes of the reply to a command in a pipeline: a tuple of its name and arguments,
    /// and a dict of options, some of which are not for that.
    pub(crate) fn of(
        shapes: &Bound<'_, PyDict>,
        command: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Self>> {
        let py = shapes.py();
        let command = command.cast::<PyTuple>()?;
        let name = command.get_item(0)?.get_item(0)?;
        let mut function = shapes.get_item(&name)?;
        if function.is_none() {
            function = shapes.get_item(name.call_method0(intern!(py, "upper"))?)?;
        }
        let Some(function) = function else {
            return Ok(None);
        };
        let given = command.get_item(1)?;
        let options = PyDict::new(py);
        for (name, value) in given.cast::<PyDict>()? {
            let text = name.str()?;
            if !["keys", "NEVER_DECODE", "EMPTY_RESPONSE"].contains(&text.to_cow()?.as_ref()) {
                options.set_item(name, value)?;
            }
        }
        let options = (!options.is_empty()).then(|| options.unbind());
        Ok(Some(Self { function: function.unbind(), options }))
    }
}

/// Whether redis-py wants the reply of a command in a pipeline as bytes.
pub(crate) fn wants_bytes(command: &Bound<'_, PyAny>) -> PyResult<bool> {
    let options = command.get_item(1)?;
    let options = options.cast::<PyDict>()?;
    Ok(!options.is_empty() && options.contains("NEVER_DECODE")?)
}

impl Form {
    /// What a command that ended so comes to.
    pub(crate) fn outcome(&self, py: Python<'_>, result: Result<Value, Error>) -> Outcome {
        let value = result.map_err(|error| raised(py, &error))?;
        self.shaped(py, self.converted(py, value)?)
    }

    pub(crate) fn converted<'py>(
        &self,
        py: Python<'py>,
        value: Value,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.style {
            Style::Plain => convert::reply(py, value, &self.forms),
            Style::Raw => convert::raw(py, value, &self.forms),
            Style::Truth => {
                let truth = convert::reply(py, value, &self.forms)?.is_truthy()?;
                Ok(truth.into_pyobject(py)?.to_owned().into_any())
            }
        }
    }

    pub(crate) fn shaped(&self, py: Python<'_>, reply: Bound<'_, PyAny>) -> Outcome {
        match &self.shape {
            None => Ok(reply.unbind()),
            Some(Shape { function, options: None }) => function.call1(py, (reply,)),
            Some(Shape { function, options: Some(options) }) => {
                function.call(py, (reply,), Some(options.bind(py)))
            }
        }
    }
}

/// Who is told how a command ended.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A call; also one that sent a transaction.
    One { reply: Py<Reply>, form: Form },
    /// A call that sent several commands.
    Part { batch: Arc<Batch>, place: usize, form: Form },
}

impl Waiter {
    /// Tells who waits. A long reply is given back, for it takes several turns of the loop.
    pub(crate) fn settle(self, py: Python<'_>, result: Result<Value, Error>) -> Option<Slices> {
        match (self, result) {
            (Self::One { reply, form }, Ok(value)) if Slices::is_long(&value) => {
                return Slices::new(py, reply, form, value);
            }
            (Self::One { reply, form }, result) => {
                let outcome = form.outcome(py, result);
                reply.get().settle(py, outcome);
            }
            (Self::Part { batch, place, form }, result) => {
                if let Some(outcome) = batch.end(py, place, form.outcome(py, result)) {
                    batch.reply.get().settle(py, outcome);
                }
            }
        }
        None
    }
}

/// Several commands of one call, which ends with the last of them.
#[derive(Debug)]
pub(crate) struct Batch {
    reply: Py<Reply>,
    parts: Mutex<Parts>,
}

#[derive(Debug)]
struct Parts {
    missing: usize,
    ended: Vec<Option<Py<PyAny>>>,
}

impl Batch {
    pub(crate) fn new(reply: Py<Reply>, commands: usize) -> Arc<Self> {
        let ended = std::iter::repeat_with(|| None).take(commands).collect();
        Arc::new(Self { reply, parts: Mutex::new(Parts { missing: commands, ended }) })
    }

    /// Takes how a command ended, an exception like a reply; the list of all, once it is whole.
    pub(crate) fn end(&self, py: Python<'_>, place: usize, outcome: Outcome) -> Option<Outcome> {
        let ended = outcome.unwrap_or_else(|error| error.into_value(py).into_any());
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = parts.ended.get_mut(place)?;
        *slot = Some(ended);
        parts.missing -= 1;
        if parts.missing > 0 {
            return None;
        }
        let all: Vec<Py<PyAny>> = std::mem::take(&mut parts.ended).into_iter().flatten().collect();
        drop(parts);
        Some(PyList::new(py, all).map(|list| list.into_any().unbind()))
    }
}
