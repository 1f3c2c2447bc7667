//! A wait in two parts, for callers that hold something which others want: briefly with it, the rest
//! without it.

use std::time::{Duration, Instant};

use outlast_core::command::Traits;
use outlast_core::{Error, Value};

use super::{Client, Sending};
use crate::gate::{Gate, Route, Settled, into_result};

/// A command that was begun: [`Client::begin_call`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Begun {
    traits: Traits,
    began: Instant,
    sending: Sending,
}

impl Client {
    /// Begins a command, and ends it if its reply comes within `patience`. If not, it goes on in
    /// [`end_call`](Self::end_call), which must follow with the same arguments. In an outage, and
    /// where no connection is idle, nothing is done yet.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn begin_call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        patience: Duration,
    ) -> Result<Result<Value, Begun>, Error> {
        let traits = Gate::check(args)?;
        let began = Instant::now();
        let goes_on = |sending| Ok(Err(Begun { traits, began, sending }));
        let Route::Redis { epoch } = self.gate.route()? else {
            return goes_on(Sending::default());
        };
        match self.pool.call_briefly(args, epoch, patience) {
            None => goes_on(Sending::default()),
            Some(Err(waiting)) => {
                goes_on(Sending { waiting: Some((epoch, waiting)), in_doubt: false })
            }
            Some(Ok((value, began))) => match self.gate.replied(args, epoch, value, began) {
                Ok(value) => into_result(value).map(Ok),
                Err(unanswered) => match self.gate.settle(args, epoch, *unanswered) {
                    Settled::Ended(result) => result.and_then(into_result).map(Ok),
                    Settled::Again { in_doubt } => goes_on(Sending { waiting: None, in_doubt }),
                },
            },
        }
    }

    /// Waits for the end of a command that was begun.
    ///
    /// # Errors
    ///
    /// As [`call_interruptible`](Self::call_interruptible).
    pub fn end_call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        begun: Begun,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Value, Error> {
        self.start();
        let deadline = begun.began + self.gate.command_timeout();
        self.go_on(args, begun.traits, deadline, begun.sending, interrupt)
    }
}
