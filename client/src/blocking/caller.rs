//! A command on the calling thread, at one server.

use std::time::Instant;

use outlast_core::command::Traits;
use outlast_core::{Error, ErrorKind, Value};

use crate::gate::{Gate, Route, Settled, Unanswered, doubted, name_of};
use crate::transport::pool::{CallError, Exchanged, Interrupt, Pool, Waiting};

/// One server, as a calling thread sees it.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) gate: &'a Gate,
    pub(super) pool: &'a Pool,
}

/// How far a command has got.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Its epoch and its connection, where it was sent and may yet get its reply.
    pub(super) waiting: Option<(u64, Waiting)>,
    /// Whether it is a write that an earlier connection may have carried.
    pub(super) in_doubt: bool,
}

impl Caller<'_> {
    /// Runs a command to its end, which may be an error reply. None where it was not done and belongs
    /// to another shard by now.
    pub(super) fn go_on<A: AsRef<[u8]>>(
        self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        sending: &mut Sending,
        interrupt: Interrupt<'_>,
    ) -> Result<Option<Value>, Error> {
        let result = self.send(args, traits, deadline, sending, interrupt);
        doubted(|| name_of(args), sending.in_doubt, result)
    }

    fn send<A: AsRef<[u8]>>(
        self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        sending: &mut Sending,
        interrupt: Interrupt<'_>,
    ) -> Result<Option<Value>, Error> {
        let Self { gate, pool } = self;
        loop {
            let (epoch, called) = match sending.waiting.take() {
                Some((epoch, waiting)) => (epoch, pool.wait(waiting, deadline, interrupt)),
                None => match gate.route()? {
                    Route::Redis { epoch } => (epoch, pool.call(args, epoch, deadline, interrupt)),
                    Route::Store => match gate.serve(args, traits, true) {
                        Some(result) => return result.map(Some),
                        None if !gate.holds(args) => return Ok(None),
                        None => continue,
                    },
                    Route::Wait => {
                        if gate.wait_for_startup(Some(deadline), interrupt)?.is_none() {
                            return gate.overdue(args, traits).map(Some);
                        }
                        continue;
                    }
                },
            };
            let unanswered = match called {
                Ok((value, began)) => match gate.replied(args, epoch, value, began) {
                    Ok(value) => return Ok(Some(value)),
                    Err(unanswered) => *unanswered,
                },
                Err(CallError::Unanswered(unanswered)) => unanswered,
                Err(CallError::Rerouted) => continue,
                Err(CallError::Refused(error)) => return Err(error),
            };
            match gate.settle(args, epoch, unanswered) {
                Settled::Ended(result) => return result.map(Some),
                Settled::Again { in_doubt } => sending.in_doubt |= in_doubt,
            }
            if Instant::now() >= deadline {
                return gate.too_late(args, sending.in_doubt).map(Some);
            }
        }
    }

    /// Reads from a replica, if that comes to anything.
    pub(super) fn read<A: AsRef<[u8]>>(
        self,
        args: &[A],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Option<Value>, Error> {
        let Self { gate, pool } = self;
        let Ok(Route::Redis { epoch }) = gate.route() else {
            return Ok(None);
        };
        let unanswered = match pool.call(args, epoch, deadline, interrupt) {
            Ok((value, began)) => match gate.replied(args, epoch, value, began) {
                Ok(value) => return Ok(gate.unless_redirect(value)),
                Err(unanswered) => *unanswered,
            },
            Err(CallError::Unanswered(unanswered)) => unanswered,
            Err(CallError::Rerouted) => return Ok(None),
            Err(CallError::Refused(error)) if error.kind() == ErrorKind::LimitReached => {
                return Ok(None);
            }
            Err(CallError::Refused(error)) => return Err(error),
        };
        gate.read_failed(epoch, unanswered);
        Ok(None)
    }

    /// Runs a command whose keys are on their way to this shard: with ASKING before it. None where it
    /// was not done.
    pub(super) fn ask<A: AsRef<[u8]>>(
        self,
        args: &[A],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Option<Value>, Error> {
        let Self { gate, pool } = self;
        let epoch = loop {
            match gate.route()? {
                Route::Redis { epoch } => break epoch,
                Route::Store => return Err(gate.unavailable("keys are on their way there")),
                Route::Wait => {
                    if gate.wait_for_startup(Some(deadline), interrupt)?.is_none() {
                        return Err(gate.unavailable("keys are on their way there"));
                    }
                }
            }
        };
        let began = Instant::now();
        let asked = pool.exchange(epoch, deadline, interrupt, |connection, at| {
            connection.send(&["ASKING"], at);
            connection.send(args, at);
            2
        });
        let unanswered = match asked {
            Ok(Exchanged { mut replies, failure: None, .. }) => {
                let reply = replies.pop().unwrap_or(Value::Nil);
                match gate.replied(args, epoch, reply, began) {
                    Ok(value) => return Ok(Some(value)),
                    Err(unanswered) => *unanswered,
                }
            }
            Ok(Exchanged { replies, failure: Some(failure), sent }) => {
                Unanswered { failure, maybe_done: sent + replies.len() == 2 }
            }
            Err(CallError::Unanswered(unanswered)) => unanswered,
            Err(CallError::Rerouted) => return Ok(None),
            Err(CallError::Refused(error)) => return Err(error),
        };
        match gate.settle(args, epoch, unanswered) {
            Settled::Ended(result) => result.map(Some),
            Settled::Again { in_doubt: true } => gate.too_late(args, true).map(Some),
            Settled::Again { .. } => Ok(None),
        }
    }

    /// Whether a command may be given a connection of its own.
    pub(super) fn may_use_own_connection<A: AsRef<[u8]>>(
        self,
        args: &[A],
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<bool, Error> {
        let Self { gate, .. } = self;
        loop {
            match gate.route()? {
                Route::Redis { .. } => return Ok(true),
                Route::Store => return gate.without_connection(args).map(|()| false),
                Route::Wait => {
                    if gate.wait_for_startup(Some(deadline), interrupt)?.is_none() {
                        return gate.without_connection(args).map(|()| false);
                    }
                }
            }
        }
    }
}
