//! A wait in two parts, for callers that hold something which others want: briefly with it, the rest
//! without it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast_core::command::Traits;
use outlast_core::{Error, Value};

use super::caller::{Caller, Sending};
use super::{Client, Kind};
use crate::cluster::Member;
use crate::gate::{Gate, Route, Settled, into_result};
use crate::transport::pool::Pool;

/// A command that was begun: [`Client::begin_call`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Begun {
    traits: Traits,
    began: Instant,
    sending: Sending,
    /// Where to, on a cluster.
    to: Option<Arc<Member<Pool>>>,
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
        match &self.kind {
            Kind::Single { gate, pool } => {
                let begun = Begun { traits, began, sending: Sending::default(), to: None };
                Caller { gate, pool }.begin(args, patience, begun)
            }
            Kind::Cluster(fleet) => {
                let to = fleet.owner_of(args);
                // One that is read from a replica is begun by whoever ends it.
                let to = to.filter(|to| fleet.reader_for(to, traits).is_none());
                let begun = Begun { traits, began, sending: Sending::default(), to: None };
                match to {
                    None => Ok(Err(begun)),
                    Some(to) => {
                        to.caller().begin(args, patience, Begun { to: Some(to.clone()), ..begun })
                    }
                }
            }
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
        let Begun { traits, began, mut sending, to } = begun;
        let deadline = began + Duration::from_millis(self.config().policy.command_timeout_ms);
        match &self.kind {
            Kind::Single { gate, pool } => {
                let ended =
                    Caller { gate, pool }.go_on(args, traits, deadline, &mut sending, interrupt);
                ended.map(|value| value.unwrap_or(Value::Nil)).and_then(into_result)
            }
            Kind::Cluster(fleet) => fleet
                .end_call(args, traits, deadline, (sending, to), interrupt)
                .and_then(into_result),
        }
    }
}

impl Caller<'_> {
    fn begin<A: AsRef<[u8]>>(
        self,
        args: &[A],
        patience: Duration,
        begun: Begun,
    ) -> Result<Result<Value, Begun>, Error> {
        let Self { gate, pool } = self;
        let Route::Redis { epoch } = gate.route()? else {
            return Ok(Err(begun));
        };
        match pool.call_briefly(args, epoch, patience) {
            None => Ok(Err(begun)),
            Some(Err(waiting)) => {
                let sending = Sending { waiting: Some((epoch, waiting)), in_doubt: false };
                Ok(Err(Begun { sending, ..begun }))
            }
            Some(Ok((value, began))) => match gate.replied(args, epoch, value, began) {
                // It was not done: whoever ends it finds the way.
                Ok(Value::Error(message)) if gate.is_redirect(&message) => Ok(Err(begun)),
                Ok(value) => into_result(value).map(Ok),
                Err(unanswered) => match gate.settle(args, epoch, *unanswered) {
                    Settled::Ended(result) => result.and_then(into_result).map(Ok),
                    Settled::Again { in_doubt } => {
                        let sending = Sending { waiting: None, in_doubt };
                        Ok(Err(Begun { sending, ..begun }))
                    }
                },
            },
        }
    }
}
