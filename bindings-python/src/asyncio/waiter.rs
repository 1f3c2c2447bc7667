//! Who waits for a command, and in what form.

use std::sync::{Arc, Mutex, PoisonError};

use outlast::{Error, Value};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::reply::{Outcome, Reply};
use crate::convert;
use crate::errors::{exception, raised};

/// How a reply is handed out.
#[derive(Debug)]
pub(crate) struct Form {
    /// As text where it is bytes.
    pub(crate) text: bool,
    /// What is made of it.
    pub(crate) callback: Option<Py<PyAny>>,
}

impl Form {
    /// What a command that ended so comes to.
    pub(crate) fn outcome(&self, py: Python<'_>, result: Result<Value, Error>) -> Outcome {
        let value = result.map_err(|error| raised(py, &error))?;
        let reply = convert::reply(py, value, self.text)?;
        match &self.callback {
            None => Ok(reply.unbind()),
            Some(callback) => callback.call1(py, (reply,)),
        }
    }
}

/// Who is told how a command ended.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A call.
    One { reply: Py<Reply>, form: Form },
    /// A call that sent several commands.
    Part { batch: Arc<Batch>, place: usize, form: Form },
    /// A call that sent a transaction.
    Transaction { reply: Py<Reply>, form: Form },
}

impl Waiter {
    pub(crate) fn settle(self, py: Python<'_>, result: Result<Value, Error>) {
        match self {
            Self::One { reply, form } => {
                let outcome = form.outcome(py, result);
                reply.get().settle(py, outcome);
            }
            Self::Part { batch, place, form } => {
                if let Some(outcome) = batch.end(py, place, form.outcome(py, result)) {
                    batch.reply.get().settle(py, outcome);
                }
            }
            Self::Transaction { reply, form } => {
                let outcome = transaction(py, &form, result);
                reply.get().settle(py, outcome);
            }
        }
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

/// Of a transaction: the errors of MULTI and of queueing, each with the place of its command from 1,
/// and the reply to EXEC, which may be an exception.
pub(crate) fn transaction(py: Python<'_>, form: &Form, result: Result<Value, Error>) -> Outcome {
    let value = result.map_err(|error| raised(py, &error))?;
    let Value::Array(mut replies) = value else {
        return form.outcome(py, Ok(value));
    };
    let exec = replies.pop().unwrap_or(Value::Nil);
    let errors = PyList::empty(py);
    for (place, reply) in replies.into_iter().enumerate() {
        if let Value::Error(message) = reply {
            errors.append((place, exception(py, &convert::error_of(&message))?))?;
        }
    }
    let exec = convert::reply(py, exec, form.text)?;
    Ok((errors, exec).into_pyobject(py)?.into_any().unbind())
}
