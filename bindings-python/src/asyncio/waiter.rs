//! Who waits for a command, and in what form.

use std::sync::Arc;
use std::vec::IntoIter;

use outlast::hosted::Settlement;
use outlast::{Error, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::reply::{Outcome, Reply};
use super::slices::{SLICE, Slices};
use crate::convert::{self, Forms};
use crate::errors::raised;
use crate::packed;

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
    /// A call that sent a pipeline.
    Pipeline { reply: Py<Reply>, shapes: Vec<packed::Shape>, forms: packed::Forms },
}

impl Waiter {
    /// Tells who waits. A long reply is given back, for it takes several turns of the loop.
    pub(crate) fn settle(self, py: Python<'_>, settlement: Settlement) -> Option<Slices> {
        match (self, settlement.result) {
            (Self::One { reply, form }, Ok(value)) if Slices::is_long(&value) => {
                return Slices::new(py, reply, form, value);
            }
            (Self::One { reply, form }, result) => {
                let outcome = form.outcome(py, result);
                Reply::settle(reply.bind(py), outcome);
            }
            (Self::Pipeline { reply, shapes, forms }, _) => {
                let mut parts = Parts::new(py, shapes, forms, settlement.parts);
                if parts.are_many() {
                    return Some(Slices::of_parts(reply, parts));
                }
                let outcome = parts.all(py);
                Reply::settle(reply.bind(py), outcome);
            }
        }
        None
    }
}

/// The replies of a pipeline on their way to the caller.
#[derive(Debug)]
pub(crate) struct Parts {
    left: std::iter::Zip<IntoIter<Result<Value, Error>>, IntoIter<packed::Shape>>,
    forms: packed::Forms,
    list: Py<PyList>,
    failed: bool,
}

impl Parts {
    pub(crate) fn new(
        py: Python<'_>,
        shapes: Vec<packed::Shape>,
        forms: packed::Forms,
        parts: Vec<Result<Value, Error>>,
    ) -> Self {
        let failed = parts.iter().any(Result::is_err);
        let left = parts.into_iter().zip(shapes);
        Self { left, forms, list: PyList::empty(py).unbind(), failed }
    }

    fn are_many(&self) -> bool {
        self.left.len() > SLICE
    }

    /// Makes up to so many; whether they were the last.
    pub(crate) fn make(&mut self, py: Python<'_>, count: usize) -> PyResult<bool> {
        let list = self.list.bind(py);
        for (result, shape) in self.left.by_ref().take(count) {
            // What a callback of redis-py's raises takes the place of the reply.
            let made = shape.made(py, result, &self.forms);
            list.append(made.or_else(|error| {
                self.failed = true;
                PyResult::Ok(error.into_value(py).into_bound(py).into_any())
            })?)?;
        }
        Ok(self.left.len() == 0)
    }

    /// The list of all, and whether it has errors.
    pub(crate) fn whole(&self, py: Python<'_>) -> Outcome {
        let whole = (&self.list, self.failed).into_pyobject(py)?;
        Ok(whole.into_any().unbind())
    }

    pub(crate) fn all(&mut self, py: Python<'_>) -> Outcome {
        self.make(py, usize::MAX)?;
        self.whole(py)
    }
}
