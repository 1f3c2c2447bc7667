//! Commands of tasks on a cluster: divided, sent to all shards that they need at once, and followed where
//! they are redirected.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use outlast_core::cluster::slot_of_all;
use outlast_core::command::Traits;
use outlast_core::resp::Arguments;
use outlast_core::{Error, Value};
use tokio::time::{sleep_until, timeout_at};

use super::Caller;
use crate::cluster::{Fleet, Member, Pause, Piece, Way, cross_slot};
use crate::transport::multiplexed::Multiplexed;

impl Member<Multiplexed> {
    fn caller(&self) -> Caller<'_> {
        Caller { gate: &self.gate, connections: &self.transport }
    }
}

impl Fleet<Multiplexed> {
    /// Waits until the startup of every shard has ended; the first error of any.
    pub(crate) async fn startup_finished(&self) -> Result<(), Error> {
        let mut waited = Vec::new();
        while let Some(member) = self.next_but(&mut waited) {
            member.gate.startup_finished().await?;
        }
        Ok(())
    }

    /// Runs a command to its end.
    pub(crate) async fn call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        deadline: Instant,
    ) -> Result<Value, Error> {
        let mut pieces = Vec::new();
        let shape = self.divide(0, args, &mut pieces);
        match pieces.as_mut_slice() {
            [one] => self.run(one, deadline).await,
            several => {
                let runs = several.iter_mut().map(|piece| {
                    let run: Run<'_> = Box::pin(self.run(piece, deadline));
                    Some(run)
                });
                all(runs.collect()).await;
            }
        }
        self.assemble(vec![shape], pieces).pop().unwrap_or(Ok(Value::Nil))
    }

    /// Runs commands at once, each to an end of its own, in their order.
    pub(crate) async fn pipeline(
        &self,
        commands: &[Arguments<'_>],
        deadline: Instant,
    ) -> Vec<Result<Value, Error>> {
        let mut pieces = Vec::with_capacity(commands.len());
        let shapes = commands.iter().enumerate();
        let shapes = shapes.map(|(of, args)| self.divide(of, args, &mut pieces)).collect();
        let runs = pieces.iter_mut().map(|piece| {
            let run: Run<'_> = Box::pin(self.run(piece, deadline));
            Some(run)
        });
        all(runs.collect()).await;
        self.assemble(shapes, pieces)
    }

    /// Runs a piece to its end.
    async fn run(&self, piece: &mut Piece<'_, Multiplexed>, deadline: Instant) {
        if let Some(reader) = self.reader_for(&piece.to, Traits::of(&piece.args)) {
            // What is left is for the master.
            let now = Instant::now();
            let until = now + deadline.saturating_duration_since(now) / 2;
            piece.result = reader.caller().read(&piece.args, until).await.map(Ok);
        }
        while piece.result.is_none() {
            let to = piece.to.clone();
            let reply = if piece.is_asking {
                to.caller().ask(&piece.args, deadline).await
            } else {
                let traits = Traits::of(&piece.args);
                to.caller().go_on(&piece.args, traits, deadline, &mut piece.in_doubt).await
            };
            let mut pause = Pause::default();
            match reply {
                Ok(Some(reply)) => self.take_reply(piece, reply, &mut pause),
                Ok(None) => self.send_on(piece),
                Err(error) => piece.result = Some(Err(error)),
            }
            if piece.result.is_none() && !self.pause(pause, deadline).await {
                return;
            }
            if !piece.is_asking {
                self.send_on(piece);
            }
        }
    }

    /// Waits for what must be waited for; whether the deadline lets the command go on.
    async fn pause(&self, pause: Pause, deadline: Instant) -> bool {
        let Pause { look, wait } = pause;
        if let Some(place) = look {
            let _ = timeout_at(deadline.into(), self.look_taken(Some(place))).await;
        }
        let until = Instant::now() + wait.unwrap_or_default();
        let is_early = self.is_early(until, deadline);
        if wait.is_some() && is_early {
            sleep_until(until.into()).await;
        }
        is_early
    }

    /// Runs a transaction, whose keys lie in one slot, to the list of its replies.
    pub(crate) async fn transaction<A: AsRef<[u8]>>(
        &self,
        commands: &[Vec<A>],
        deadline: Instant,
    ) -> Result<Value, Error> {
        let slot = slot_of_all(commands).map_err(|_| cross_slot())?;
        let owner = || slot.map_or_else(|| self.any(), |slot| self.owner(slot));
        let (mut way, mut in_doubt) = (Way::default(), false);
        loop {
            let to = owner();
            let caller = to.caller();
            let replies = match caller.transaction(commands, deadline, &mut in_doubt).await? {
                Some(Value::Array(replies)) => replies,
                Some(other) => return Ok(other),
                None => continue,
            };
            let Some(pause) = self.redirected(&mut way, &to, &replies) else {
                return Ok(Value::Array(replies));
            };
            if !self.pause(pause, deadline).await {
                return Ok(Value::Array(replies));
            }
        }
    }
}

type Run<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Runs all of them at once, each begun in its turn.
async fn all(mut runs: Vec<Option<Run<'_>>>) {
    poll_fn(|context| {
        for run in &mut runs {
            if run.as_mut().is_some_and(|it| it.as_mut().poll(context).is_ready()) {
                *run = None;
            }
        }
        if runs.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
