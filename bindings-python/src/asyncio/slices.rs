//! Long replies, which become objects of Python a slice at each turn of the loop: a list of a million
//! would hold the loop for as long as it takes to make them all.

use std::vec::IntoIter;

use outlast::Value;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::reply::{Outcome, Reply};
use super::waiter::{Form, Parts};
use crate::convert;

/// Elements of one slice: a fraction of a millisecond of work.
pub(crate) const SLICE: usize = 2_048;

/// A long reply on its way.
#[derive(Debug)]
pub(crate) struct Slices {
    reply: Py<Reply>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    List(IntoIter<Value>, Py<PyList>, Form),
    Dict(IntoIter<(Value, Value)>, Py<PyDict>, Form),
    Pipeline(Parts),
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
            Value::Array(items) => Rest::List(items.into_iter(), PyList::empty(py).unbind(), form),
            Value::Map(pairs) => Rest::Dict(pairs.into_iter(), PyDict::new(py).unbind(), form),
            _ => return None,
        };
        Some(Self { reply, rest })
    }

    /// The replies of a long pipeline, of which nothing is done yet.
    pub(crate) const fn of_parts(reply: Py<Reply>, parts: Parts) -> Self {
        Self { reply, rest: Rest::Pipeline(parts) }
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
        Reply::settle(self.reply.bind(py), outcome);
        true
    }

    /// Whether it was the last.
    fn slice(&mut self, py: Python<'_>) -> PyResult<bool> {
        match &mut self.rest {
            Rest::List(items, list, form) => {
                for item in items.by_ref().take(SLICE) {
                    list.bind(py).append(form.converted(py, item)?)?;
                }
                Ok(items.len() == 0)
            }
            Rest::Dict(pairs, dict, form) => {
                for (key, value) in pairs.by_ref().take(SLICE) {
                    let key = convert::hashable(py, key, &form.forms)?;
                    dict.bind(py).set_item(key, form.converted(py, value)?)?;
                }
                Ok(pairs.len() == 0)
            }
            Rest::Pipeline(parts) => parts.make(py, SLICE),
        }
    }

    fn whole(&self, py: Python<'_>) -> Outcome {
        match &self.rest {
            Rest::List(_, list, form) => form.shaped(py, list.bind(py).as_any().clone()),
            Rest::Dict(_, dict, form) => form.shaped(py, dict.bind(py).as_any().clone()),
            Rest::Pipeline(parts) => parts.whole(py),
        }
    }
}
