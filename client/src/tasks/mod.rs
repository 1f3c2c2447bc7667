//! A command on tokio, at one server: for the client of tasks, and for the host of a cluster.

mod cluster;

use std::time::Instant;

use outlast_core::command::Traits;
use outlast_core::{Error, Value};
use tokio::time::timeout_at;

use crate::gate::{Gate, Route, Settled, doubted, micros_since, name_of};
use crate::transport::multiplexed::{CallError, Multiplexed};

/// One server, as a task sees it.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) connections: &'a Multiplexed,
}

impl Caller<'_> {
    /// Runs a command to its end, which may be an error reply. None where it was not done and belongs to
    /// another shard by now.
    /// `in_doubt` is kept by the caller for the next shard: whether it is a write that an earlier connection
    /// may have carried.
    pub(crate) async fn go_on<A: AsRef<[u8]>>(
        self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        in_doubt: &mut bool,
    ) -> Result<Option<Value>, Error> {
        let result = self.send(args, traits, deadline, in_doubt).await;
        doubted(|| name_of(args), *in_doubt, result)
    }

    async fn send<A: AsRef<[u8]>>(
        self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        in_doubt: &mut bool,
    ) -> Result<Option<Value>, Error> {
        let Self { gate, connections } = self;
        loop {
            let began = Instant::now();
            let epoch = match gate.route()? {
                Route::Redis { epoch } => epoch,
                Route::Store => match gate.serve(args, traits, true) {
                    Some(result) => return result.map(Some),
                    None if !gate.holds(args) => return Ok(None),
                    None => continue,
                },
                Route::Wait => match timeout_at(deadline.into(), gate.startup_finished()).await {
                    Ok(_) => continue,
                    Err(_) => return gate.overdue(args, traits).map(Some),
                },
            };
            let unanswered = match connections.call(args, epoch, deadline).await {
                Ok(value) => match gate.learned(args, epoch, value, micros_since(began)) {
                    Ok(value) => return Ok(Some(value)),
                    Err(unanswered) => *unanswered,
                },
                Err(CallError::Unanswered(unanswered)) => unanswered,
                Err(CallError::Refused(error)) => return Err(error),
            };
            match gate.settle(args, epoch, unanswered) {
                Settled::Ended(result) => return result.map(Some),
                Settled::Again { in_doubt: again } => *in_doubt |= again,
            }
            if Instant::now() >= deadline {
                return gate.too_late(args, *in_doubt).map(Some);
            }
        }
    }

    /// Reads from a replica, if that comes to anything.
    async fn read<A: AsRef<[u8]>>(self, args: &[A], deadline: Instant) -> Option<Value> {
        let Self { gate, connections } = self;
        let Ok(Route::Redis { epoch }) = gate.route() else {
            return None;
        };
        let began = Instant::now();
        let unanswered = match connections.call(args, epoch, deadline).await {
            Ok(value) => match gate.learned(args, epoch, value, micros_since(began)) {
                Ok(value) => return gate.unless_redirect(value),
                Err(unanswered) => *unanswered,
            },
            Err(CallError::Unanswered(unanswered)) => unanswered,
            Err(CallError::Refused(_)) => return None,
        };
        gate.read_failed(epoch, unanswered);
        None
    }

    /// The epoch of the connection, once there is one; none where there is none in time.
    async fn connected(self, deadline: Instant) -> Result<Option<u64>, Error> {
        let Self { gate, .. } = self;
        loop {
            match gate.route()? {
                Route::Redis { epoch } => return Ok(Some(epoch)),
                Route::Store => return Ok(None),
                Route::Wait => {
                    if timeout_at(deadline.into(), gate.startup_finished()).await.is_err() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Runs a command whose keys are on their way to this shard: with ASKING before it. None where it
    /// was not done.
    async fn ask<A: AsRef<[u8]>>(
        self,
        args: &[A],
        deadline: Instant,
    ) -> Result<Option<Value>, Error> {
        let Self { gate, connections } = self;
        let Some(epoch) = self.connected(deadline).await? else {
            return Err(gate.unavailable("keys are on their way there"));
        };
        let began = Instant::now();
        let whole = args.iter().map(AsRef::as_ref).collect();
        let asked = connections.exchange(&[vec![b"ASKING"], whole], epoch, deadline).await;
        let unanswered = match asked {
            Ok(mut replies) => {
                let reply = replies.pop().unwrap_or(Value::Nil);
                match gate.replied(args, epoch, reply, began) {
                    Ok(value) => return Ok(Some(value)),
                    Err(unanswered) => *unanswered,
                }
            }
            Err(CallError::Unanswered(unanswered)) => unanswered,
            Err(CallError::Refused(error)) => return Err(error),
        };
        match gate.settle(args, epoch, unanswered) {
            Settled::Ended(result) => result.map(Some),
            Settled::Again { in_doubt: true } => gate.too_late(args, true).map(Some),
            Settled::Again { .. } => Ok(None),
        }
    }

    /// Runs a transaction, to the list of its replies. None where it was not done and belongs to another
    /// shard by now.
    async fn transaction<A: AsRef<[u8]>>(
        self,
        commands: &[Vec<A>],
        deadline: Instant,
        in_doubt: &mut bool,
    ) -> Result<Option<Value>, Error> {
        let result = self.transact(commands, deadline, in_doubt).await;
        doubted(|| "the transaction".to_owned(), *in_doubt, result)
    }

    async fn transact<A: AsRef<[u8]>>(
        self,
        commands: &[Vec<A>],
        deadline: Instant,
        in_doubt: &mut bool,
    ) -> Result<Option<Value>, Error> {
        let Self { gate, connections } = self;
        let began = Instant::now();
        let own = commands.iter().map(|args| args.iter().map(AsRef::as_ref).collect());
        let all: Vec<Vec<&[u8]>> = [vec![b"MULTI".as_slice()]]
            .into_iter()
            .chain(own)
            .chain([vec![b"EXEC".as_slice()]])
            .collect();
        loop {
            let epoch = match gate.route()? {
                Route::Redis { epoch } => epoch,
                Route::Store => match gate.serve_transaction(commands, true) {
                    Some(result) => return result.map(Some),
                    None if !commands.iter().all(|args| gate.holds(args)) => return Ok(None),
                    None => continue,
                },
                Route::Wait => match timeout_at(deadline.into(), gate.startup_finished()).await {
                    Ok(_) => continue,
                    Err(_) => return gate.overdue_transaction(commands).map(Some),
                },
            };
            let unanswered = match connections.exchange(&all, epoch, deadline).await {
                Ok(replies) => match gate.transacted(commands, &gate.came(epoch, began), replies) {
                    Ok(replies) => return Ok(Some(replies)),
                    Err(unanswered) => *unanswered,
                },
                Err(CallError::Unanswered(unanswered)) => unanswered,
                Err(CallError::Refused(error)) => return Err(error),
            };
            match gate.settle_transaction(commands, epoch, unanswered) {
                Settled::Ended(result) => return result.map(Some),
                Settled::Again { in_doubt: again } => *in_doubt |= again,
            }
            if Instant::now() >= deadline {
                return gate.too_late(&["EXEC"], *in_doubt).map(Some);
            }
        }
    }
}
