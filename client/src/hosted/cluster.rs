//! A cluster for a host with an event loop of its own. It has no socket there: commands go to the
//! background thread, and what they came to is fetched all at once, after one call of `wake`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlast_core::Error;
use outlast_core::cluster::slot_of_all;
use outlast_core::resp::Commands;
use tokio::sync::Notify;

use crate::cluster::Fleet;
use crate::config::Config;
use crate::events::{Event, Sink};
use crate::gate::{Gate, Route, closed, into_result};
use crate::transport::batch::Batch;
use crate::transport::multiplexed::Multiplexed;
use crate::transport::room::Room;
use crate::transport::told::{Settlement, Submission};
use crate::transport::work::{Ended, Work};

/// The commands of one host, and the cluster that they go to.
pub(super) struct Traffic {
    pub(super) fleet: Arc<Fleet<Multiplexed>>,
    wake: Arc<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
    /// There is something to send.
    work: Notify,
}

#[derive(Default)]
struct State {
    next_number: u64,
    /// Not sent yet, in order.
    waiting: Vec<Job>,
    /// Ended, and not fetched yet.
    ended: Vec<Settlement>,
    /// Handed in, and not ended.
    in_flight: usize,
    bytes: usize,
    /// How many of those are for each shard; those for several under none.
    by_shard: BTreeMap<Option<u64>, usize>,
}

struct Job {
    number: u64,
    work: Work,
    bytes: usize,
    /// For how many commands it counts.
    weight: usize,
    /// Of how many commands it is a pipeline, if it is one.
    parts: Option<usize>,
    /// The shard that it was for when it was handed in.
    shard: Option<u64>,
    deadline: Instant,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic").finish_non_exhaustive()
    }
}

/// Wakes the host where a startup may have ended.
struct Waking {
    sink: Arc<dyn Sink>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Sink for Waking {
    fn event(&self, event: Event) {
        let may_have_ended = matches!(event, Event::Mode(_) | Event::DialFailed(_));
        self.sink.event(event);
        if may_have_ended {
            (self.wake)();
        }
    }
}

impl Traffic {
    pub(super) fn new(
        config: Config,
        sink: Arc<dyn Sink>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Arc<Self> {
        let sink = Arc::new(Waking { sink, wake: wake.clone() });
        let fleet = Fleet::new(config, sink, Multiplexed::new);
        Arc::new(Self { fleet, wake, state: Mutex::default(), work: Notify::new() })
    }

    /// Begins the background thread.
    pub(super) fn start(self: &Arc<Self>) {
        crate::thread::run(|home| {
            self.fleet.start_on(home.clone());
            home.spawn(self.clone().send_all());
            self.fleet.clone().tend()
        });
    }

    /// How the startup of all shards ended, once it has.
    pub(super) fn startup(&self) -> Option<Result<(), Error>> {
        let members = self.fleet.members();
        let mut results = members.iter().map(|member| member.gate.startup_result());
        results.find(|result| !matches!(result, Some(Ok(())))).unwrap_or(Some(Ok(())))
    }

    /// Takes a command or a transaction: it ends at once where its shard is away, or waits.
    pub(super) fn submit(&self, work: Result<Work, Error>) -> Result<Submission, Error> {
        let mut state = self.state();
        let number = state.number();
        let mut work = work?;
        // The thread that would send it is gone.
        if self.fleet.is_closed() {
            return Ok(Submission::Settled(Err(closed())));
        }
        let bytes = work.bytes();
        if let Some(error) = self.room(&state).refuse(bytes) {
            return Err(error);
        }
        let owner = match &work {
            Work::Command { args, .. } => self.fleet.owner_of(args),
            Work::Transaction { commands, .. } => {
                slot_of_all(commands).ok().flatten().map(|slot| self.fleet.owner(slot))
            }
            Work::Pipeline(_) => None,
        };
        let shard = owner.as_ref().map(|member| member.number);
        // What was handed in before goes first.
        let is_first = || {
            let waits = |shard| state.by_shard.contains_key(&shard);
            !waits(None) && !waits(shard)
        };
        if let Some(member) = owner.filter(|_| is_first())
            && matches!(member.gate.route(), Ok(Route::Store))
            && let Some(ended) = work.serve(&member.gate)
        {
            return Ok(ended.submission());
        }
        let deadline = self.deadline();
        self.wait(state, Job { number, work, bytes, weight: 1, parts: None, shard, deadline });
        Ok(Submission::Pending(number))
    }

    /// Takes commands, each on its own. Those for which there is no room are refused, as if each had been
    /// handed in alone.
    pub(super) fn submit_pipeline(&self, commands: Commands) -> Submission {
        let mut state = self.state();
        let number = state.number();
        if self.fleet.is_closed() {
            let refused = (0..commands.len()).map(|_| Err(closed()));
            return Submission::SettledEach(refused.collect());
        }
        let mut room = self.room(&state);
        let parts = Some(commands.len());
        let mut batch = Batch::new(commands, |commands, at| {
            let refused = Gate::check_one(commands, at).err();
            refused.or_else(|| room.refuse(commands.bytes_of(at).len()))
        });
        if let Some(ended) = batch.whole() {
            return Submission::SettledEach(ended);
        }
        let (bytes, weight) = (batch.bytes(), batch.open());
        let work = Work::Pipeline(Box::new(batch));
        let deadline = self.deadline();
        self.wait(state, Job { number, work, bytes, weight, parts, shard: None, deadline });
        Submission::Pending(number)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.fleet.config.policy.command_timeout_ms)
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, job: Job) {
        state.in_flight += job.weight;
        state.bytes += job.bytes;
        *state.by_shard.entry(job.shard).or_default() += 1;
        state.waiting.push(job);
        let is_news = state.waiting.len() == 1;
        drop(state);
        if is_news {
            self.work.notify_one();
        }
    }

    /// What there is room for.
    fn room(&self, state: &State) -> Room {
        let policy = &self.fleet.config.policy;
        Room {
            in_flight: state.in_flight,
            in_flight_max: usize::try_from(policy.in_flight_max).unwrap_or(usize::MAX),
            unsent_bytes: state.bytes,
            unsent_bytes_max: usize::try_from(policy.unsent_bytes_max).unwrap_or(usize::MAX),
        }
    }

    /// What has ended since it was asked for last.
    pub(super) fn take_ended(&self) -> Vec<Settlement> {
        let mut state = self.state();
        if self.fleet.is_closed() {
            for job in std::mem::take(&mut state.waiting) {
                let ticket = job.ticket();
                state.end(&ticket, ticket.refused());
            }
        }
        std::mem::take(&mut state.ended)
    }

    /// Sends what the host hands in, in its order, until the client is closed.
    async fn send_all(self: Arc<Self>) {
        while !self.fleet.is_closed() {
            self.work.notified().await;
            let jobs = std::mem::take(&mut self.state().waiting);
            for job in jobs {
                let ticket = Ticket { traffic: Some(self.clone()), ..job.ticket() };
                let fleet = self.fleet.clone();
                tokio::spawn(async move {
                    let ended = match job.work {
                        Work::Command { args, .. } => {
                            Ended::One(fleet.call(&args, job.deadline).await)
                        }
                        Work::Transaction { commands, .. } => {
                            let replies = fleet.transaction(&commands, job.deadline).await;
                            Ended::One(replies.and_then(into_result))
                        }
                        Work::Pipeline(mut batch) => {
                            let results = fleet.pipeline(&batch.open_args(), job.deadline).await;
                            Ended::Each(batch.end(results))
                        }
                    };
                    ticket.end(ended);
                });
            }
        }
    }

    /// Ends what waits, and the background thread.
    pub(super) fn close(&self) {
        self.fleet.close();
        self.work.notify_one();
        (self.wake)();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The number of what is handed in next.
    const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    fn end(&mut self, ticket: &Ticket, ended: Ended) {
        self.ended.push(ended.settlement(ticket.number));
        self.in_flight -= ticket.weight;
        self.bytes -= ticket.bytes;
        if let Some(count) = self.by_shard.get_mut(&ticket.shard) {
            *count -= 1;
            if *count == 0 {
                self.by_shard.remove(&ticket.shard);
            }
        }
    }
}

impl Job {
    const fn ticket(&self) -> Ticket {
        let Self { number, bytes, weight, parts, shard, .. } = *self;
        Ticket { traffic: None, number, bytes, weight, parts, shard }
    }
}

/// What a command that is under way owes its host.
struct Ticket {
    /// None once it was paid.
    traffic: Option<Arc<Traffic>>,
    number: u64,
    bytes: usize,
    weight: usize,
    parts: Option<usize>,
    shard: Option<u64>,
}

impl Ticket {
    fn end(mut self, ended: Ended) {
        self.pay(ended);
    }

    fn pay(&mut self, ended: Ended) {
        let Some(traffic) = self.traffic.take() else { return };
        let mut state = traffic.state();
        state.end(self, ended);
        let is_news = state.ended.len() == 1;
        drop(state);
        if is_news {
            (traffic.wake)();
        }
    }

    /// How it ends where the client was closed before.
    fn refused(&self) -> Ended {
        match self.parts {
            Some(parts) => Ended::Each((0..parts).map(|_| Err(closed())).collect()),
            None => Ended::One(Err(closed())),
        }
    }
}

/// The background thread ended before the command.
impl Drop for Ticket {
    fn drop(&mut self) {
        let refused = self.refused();
        self.pay(refused);
    }
}
