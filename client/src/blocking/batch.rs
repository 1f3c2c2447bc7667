//! Many commands at once: in one write and one wait, on the calling thread.

use std::time::Instant;

use outlast_core::resp::Commands;
use outlast_core::{Error, Value};

use super::caller::Caller;
use super::{Client, Kind};
use crate::gate::{
    Came, Gate, Route, Settled, Unanswered, doubted, into_result, micros_since, name_of,
};
use crate::transport::pool::{CallError, Exchanged, Interrupt};

/// Commands that wait for their answers, by their places.
struct Batch<'a> {
    commands: &'a Commands,
    results: Vec<Option<Result<Value, Error>>>,
    /// By their places, whether it is a write that an earlier connection may have carried.
    in_doubt: Vec<bool>,
    /// Places without an answer, in order.
    open: Vec<usize>,
    began: Instant,
    deadline: Instant,
}

impl Client {
    /// Runs commands that leave in one write; each has an answer of its own, in their order, and one
    /// deadline holds for all. Other callers' commands may come between them. Where the connection
    /// is lost on the way, each goes on by its own rule, as a command on its own would.
    ///
    /// # Errors
    ///
    /// Nothing was done: a command that no shared connection can carry, no connection within the
    /// deadline, a client that is closed. And whatever `interrupt` answers, which is asked when a
    /// signal ends a wait; the connection is then closed.
    pub fn pipeline<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        self.pipeline_of(&Commands::of(commands), interrupt)
    }

    /// As [`pipeline`](Self::pipeline), of commands that are encoded already.
    ///
    /// # Errors
    ///
    /// As [`pipeline`](Self::pipeline).
    pub fn pipeline_of(
        &self,
        commands: &Commands,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        Gate::check_all(commands)?;
        self.start();
        let deadline = self.deadline();
        match &self.kind {
            Kind::Single { gate, pool } => {
                Caller { gate, pool }.pipeline(commands, deadline, interrupt)
            }
            Kind::Cluster(fleet) => fleet.pipeline(commands, deadline, interrupt),
        }
    }

    /// Runs a transaction: what stands between its MULTI and its EXEC. Nothing comes between its
    /// commands, on Redis as in the store. The replies are those to MULTI, to each command, and to
    /// EXEC; error replies are values among them.
    ///
    /// # Errors
    ///
    /// As [`call_interruptible`](Self::call_interruptible), for all of its commands.
    pub fn transaction<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Value, Error> {
        Gate::check_transaction(commands)?;
        self.start();
        let deadline = self.deadline();
        match &self.kind {
            Kind::Single { gate, pool } => {
                let caller = Caller { gate, pool };
                let ended = caller.transaction(commands, deadline, &mut false, interrupt);
                ended.map(|replies| replies.unwrap_or(Value::Nil))
            }
            Kind::Cluster(fleet) => fleet.transaction(commands, deadline, interrupt),
        }
    }
}

impl Caller<'_> {
    fn pipeline(
        self,
        commands: &Commands,
        deadline: Instant,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let mut batch = Batch {
            commands,
            results: (0..commands.len()).map(|_| None).collect(),
            in_doubt: vec![false; commands.len()],
            open: (0..commands.len()).collect(),
            began: Instant::now(),
            deadline,
        };
        while !batch.open.is_empty() {
            match self.gate.route()? {
                Route::Redis { epoch } => self.exchange(&mut batch, epoch, interrupt)?,
                Route::Store => {
                    batch.settle_each(|at, _| {
                        let args = commands.args(at);
                        self.gate.serve(&args, commands.traits(at, &args), true)
                    });
                }
                Route::Wait => {
                    if self.gate.wait_for_startup(Some(batch.deadline), interrupt)?.is_none() {
                        batch.settle_each(|at, _| {
                            let args = commands.args(at);
                            Some(self.gate.overdue(&args, commands.traits(at, &args)))
                        });
                    }
                }
            }
        }
        Ok(batch.results.into_iter().flatten().collect())
    }

    /// Runs a transaction, to the list of its replies. None where it was not done and belongs to
    /// another shard by now: `in_doubt` is kept by the caller for that, whether an earlier connection may
    /// have carried it.
    pub(super) fn transaction<A: AsRef<[u8]>>(
        self,
        commands: &[Vec<A>],
        deadline: Instant,
        in_doubt: &mut bool,
        interrupt: Interrupt<'_>,
    ) -> Result<Option<Value>, Error> {
        let result = self.transact(commands, deadline, in_doubt, interrupt);
        doubted(|| "the transaction".to_owned(), *in_doubt, result)
    }

    fn transact<A: AsRef<[u8]>>(
        self,
        commands: &[Vec<A>],
        deadline: Instant,
        in_doubt: &mut bool,
        interrupt: Interrupt<'_>,
    ) -> Result<Option<Value>, Error> {
        let began = Instant::now();
        loop {
            let epoch = match self.gate.route()? {
                Route::Redis { epoch } => epoch,
                Route::Store => match self.gate.serve_transaction(commands, true) {
                    Some(result) => return result.map(Some),
                    None if !commands.iter().all(|args| self.gate.holds(args)) => return Ok(None),
                    None => continue,
                },
                Route::Wait => match self.gate.wait_for_startup(Some(deadline), interrupt)? {
                    Some(_) => continue,
                    None => return self.gate.overdue_transaction(commands).map(Some),
                },
            };
            let (multi, exec): (&[&[u8]], &[&[u8]]) = (&[b"MULTI"], &[b"EXEC"]);
            let sent = self.pool.exchange(epoch, deadline, interrupt, |connection, at| {
                connection.send(multi, at);
                for args in commands {
                    connection.send(args, at);
                }
                connection.send(exec, at);
                commands.len() + 2
            });
            let unanswered = match sent {
                Ok(Exchanged { replies, failure: None, .. }) => {
                    let (now, took_us) = (self.gate.clock.now(), micros_since(began));
                    match self.gate.transacted(commands, &Came { epoch, now, took_us }, replies) {
                        Ok(replies) => return Ok(Some(replies)),
                        Err(unanswered) => *unanswered,
                    }
                }
                Ok(Exchanged { failure: Some(failure), sent, .. }) => {
                    Unanswered { failure, maybe_done: sent > 0 }
                }
                Err(CallError::Unanswered(unanswered)) => unanswered,
                Err(CallError::Rerouted) => continue,
                Err(CallError::Refused(error)) => return Err(error),
            };
            match self.gate.settle_transaction(commands, epoch, unanswered) {
                Settled::Ended(result) => return result.map(Some),
                Settled::Again { in_doubt: again } => *in_doubt |= again,
            }
            if Instant::now() >= deadline {
                return self.gate.too_late(&["EXEC"], *in_doubt).map(Some);
            }
        }
    }

    /// Sends what has no answer yet, and settles each command: by its reply, or by what became of
    /// the connection.
    fn exchange(
        self,
        batch: &mut Batch<'_>,
        epoch: u64,
        interrupt: Interrupt<'_>,
    ) -> Result<(), Error> {
        let (commands, began, deadline) = (batch.commands, batch.began, batch.deadline);
        let open = &batch.open;
        // The connection is looked at: that costs little for many commands.
        let sent = self.pool.exchange(epoch, deadline, interrupt, |connection, at| {
            for place in open {
                connection.send_encoded(commands.bytes_of(*place), at);
            }
            open.len()
        });
        let exchanged = match sent {
            Ok(exchanged) => exchanged,
            Err(CallError::Rerouted) => return Ok(()),
            Err(CallError::Refused(error)) => return Err(error),
            Err(CallError::Unanswered(Unanswered { failure, .. })) => {
                Exchanged { replies: Vec::new(), failure: Some(failure), sent: 0 }
            }
        };
        let Exchanged { replies, failure, mut sent } = exchanged;
        let mut replies = replies.into_iter();
        let came = Came { epoch, now: self.gate.clock.now(), took_us: micros_since(began) };
        let mut finished = 0;
        batch.settle_each(|place, in_doubt| {
            let unanswered = match (replies.next(), &failure) {
                (Some(reply), _) => match self.gate.replied_among(commands, place, &came, reply) {
                    Ok(value) => {
                        finished += 1;
                        return Some(Ok(value));
                    }
                    Err(unanswered) => *unanswered,
                },
                (None, Some(failure)) => {
                    let maybe_done = sent > 0;
                    sent = sent.saturating_sub(1);
                    Unanswered { failure: failure.clone(), maybe_done }
                }
                (None, None) => return None,
            };
            let args = commands.args(place);
            match self.gate.settle(&args, epoch, unanswered) {
                Settled::Ended(result) => return Some(result),
                Settled::Again { in_doubt: again } => *in_doubt |= again,
            }
            (Instant::now() >= deadline).then(|| self.gate.too_late(&args, *in_doubt))
        });
        self.gate.finished(finished, came.took_us);
        Ok(())
    }
}

impl Batch<'_> {
    /// Gives each open command what `answer` has for it; those for which it has nothing stay open.
    fn settle_each(
        &mut self,
        mut answer: impl FnMut(usize, &mut bool) -> Option<Result<Value, Error>>,
    ) {
        let Self { commands, results, open, in_doubt, .. } = self;
        open.retain(|at| {
            let in_doubt = &mut in_doubt[*at];
            let result = answer(*at, in_doubt);
            let is_open = result.is_none();
            results[*at] = result.map(|result| {
                let name = || name_of(&commands.args(*at));
                doubted(name, *in_doubt, result).and_then(into_result)
            });
            is_open
        });
    }
}
