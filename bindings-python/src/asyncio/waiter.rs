//! Who waits for a command, and in what form.

use outlast::{Error, Value};
use pyo3::prelude::*;

use super::reply::{Outcome, Reply};
use crate::convert;
use crate::errors::raised;

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
pub(crate) struct Waiter {
    reply: Py<Reply>,
    form: Form,
}

impl Waiter {
    pub(crate) fn one(reply: Py<Reply>, form: Form) -> Self {
        Self { reply, form }
    }

    pub(crate) fn settle(self, py: Python<'_>, result: Result<Value, Error>) {
        let outcome = self.form.outcome(py, result);
        self.reply.get().settle(py, outcome);
    }
}
