//! Long replies, which become objects of Python a slice at each turn of the loop: a list of a million
//! would hold the loop for as long as it takes to make them all.

use std::vec::IntoIter;

use outlast::Value;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::reply::{Outcome, Reply};
use super::waiter::Form;
use crate::convert;

/// Elements of one slice: a fraction of a millisecond of work.
const SLICE: usize = 2_048;

/// A long reply on its way.
#[derive(Debug)]
pub(crate) struct Slices {
    reply: Py<Reply>,
    form: Form,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    List(IntoIter<Value>, Py<PyList>),
    Dict(IntoIter<(Value, Value)>, Py<PyDict>),
}

impl Slices {
    /// Whether a reply is long.
    pub(crate) fn is_long(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.len() > SLICE,
            Value::Map(pairs) => pairs.len() > SLICE,
            _ => false,
        }
    }

    /// A long reply, of which nothing is done yet; none for one that is not.
    pub(crate) fn new(py: Python<'_>, reply: Py<Reply>, form: Form, value: Value) -> Option<Self> {
        let rest = match value {
            Value::Array(items) => Rest::List(items.into_iter(), PyList::empty(py).unbind()),
            Value::Map(pairs) => Rest::Dict(pairs.into_iter(), PyDict::new(py).unbind()),
            _ => return None,
        };
        Some(Self { reply, form, rest })
    }

    /// The loop whose turns it takes.
    pub(crate) fn event_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.reply.get().event_loop(py)
    }

    /// Does a slice, and ends the call with the last one; whether it did.
    pub(crate) fn step(&mut self, py: Python<'_>) -> bool {
        let outcome = match self.slice(py) {
            Ok(false) => return false,
            Ok(true) => self.whole(py),
            Err(error) => Err(error),
        };
        self.reply.get().settle(py, outcome);
        true
    }

    /// Whether it was the last.
    fn slice(&mut self, py: Python<'_>) -> PyResult<bool> {
        match &mut self.rest {
            Rest::List(items, list) => {
                for item in items.by_ref().take(SLICE) {
                    list.bind(py).append(self.form.converted(py, item)?)?;
                }
                Ok(items.len() == 0)
            }
            Rest::Dict(pairs, dict) => {
                for (key, value) in pairs.by_ref().take(SLICE) {
                    let key = convert::hashable(py, key, &self.form.forms)?;
                    dict.bind(py).set_item(key, self.form.converted(py, value)?)?;
                }
                Ok(pairs.len() == 0)
            }
        }
    }

    fn whole(&self, py: Python<'_>) -> Outcome {
        let whole = match &self.rest {
            Rest::List(_, list) => list.bind(py).as_any(),
            Rest::Dict(_, dict) => dict.bind(py).as_any(),
        };
        self.form.shaped(py, whole.clone())
    }
}
