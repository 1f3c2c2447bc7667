//! A cluster for a host with an event loop of its own. It has no socket there: commands go to the
//! background thread, and what they came to is fetched all at once, after one call of `wake`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlast_core::cluster::slot_of_all;
use outlast_core::{Error, ErrorKind};
use tokio::sync::Notify;

use crate::cluster::Fleet;
use crate::config::Config;
use crate::events::{Event, Sink};
use crate::gate::{Route, closed, into_result};
use crate::transport::multiplexed::Multiplexed;
use crate::transport::told::{Settlement, Submission};
use crate::transport::work::Work;

/// The commands of one host, and the cluster that they go to.
pub(super) struct Commands {
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
    /// The shard that it was for when it was handed in.
    shard: Option<u64>,
    deadline: Instant,
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
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

impl Commands {
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

    /// Takes a command: it ends at once where its shard is away, or waits.
    pub(super) fn submit(&self, work: Result<Work, Error>) -> Result<Submission, Error> {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        let work = work?;
        if self.fleet.is_closed() {
            return Ok(Submission::Settled(Err(closed())));
        }
        let bytes = work.bytes();
        self.check_limits(&state, bytes)?;
        let owner = match &work {
            Work::Command { args, .. } => self.fleet.owner_of(args),
            Work::Transaction { commands, .. } => {
                slot_of_all(commands).ok().flatten().map(|slot| self.fleet.owner(slot))
            }
        };
        let shard = owner.as_ref().map(|member| member.number);
        // What was handed in before goes first.
        let is_first = || {
            let waits = |shard| state.by_shard.contains_key(&shard);
            !waits(None) && !waits(shard)
        };
        if let Some(member) = owner.filter(|_| is_first())
            && matches!(member.gate.route(), Ok(Route::Store))
            && let Some(result) = work.serve(&member.gate)
        {
            return Ok(Submission::Settled(result));
        }
        let timeout = Duration::from_millis(self.fleet.config.policy.command_timeout_ms);
        let deadline = Instant::now() + timeout;
        state.in_flight += 1;
        state.bytes += bytes;
        *state.by_shard.entry(shard).or_default() += 1;
        state.waiting.push(Job { number, work, bytes, shard, deadline });
        let is_news = state.waiting.len() == 1;
        drop(state);
        if is_news {
            self.work.notify_one();
        }
        Ok(Submission::Pending(number))
    }

    fn check_limits(&self, state: &State, bytes: usize) -> Result<(), Error> {
        let policy = &self.fleet.config.policy;
        if state.in_flight as u64 >= policy.in_flight_max {
            let message =
                format!("{} commands (in_flight_max) wait for their reply", policy.in_flight_max);
            return Err(Error::new(ErrorKind::LimitReached, message));
        }
        let waiting = state.bytes;
        if waiting > 0 && (waiting + bytes) as u64 > policy.unsent_bytes_max {
            let max = policy.unsent_bytes_max;
            let message = format!(
                "{waiting} of {max} bytes (unsent_bytes_max) wait to be written or answered"
            );
            return Err(Error::new(ErrorKind::LimitReached, message));
        }
        Ok(())
    }

    /// What has ended since it was asked for last.
    pub(super) fn take_ended(&self) -> Vec<Settlement> {
        let mut state = self.state();
        if self.fleet.is_closed() {
            for job in std::mem::take(&mut state.waiting) {
                state.end(&job.ticket(), Err(closed()));
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
                let ticket = Ticket { commands: Some(self.clone()), ..job.ticket() };
                let fleet = self.fleet.clone();
                tokio::spawn(async move {
                    let result = match job.work {
                        Work::Command { args, .. } => fleet.call(&args, job.deadline).await,
                        Work::Transaction { commands, .. } => {
                            fleet.transaction(&commands, job.deadline).await.and_then(into_result)
                        }
                    };
                    ticket.end(result);
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
    fn end(&mut self, ticket: &Ticket, result: Result<outlast_core::Value, Error>) {
        self.ended.push(Settlement { command: ticket.number, result });
        self.in_flight -= 1;
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
        let Self { number, bytes, shard, .. } = *self;
        Ticket { commands: None, number, bytes, shard }
    }
}

/// What a command that is under way owes its host.
struct Ticket {
    /// None once it was paid.
    commands: Option<Arc<Commands>>,
    number: u64,
    bytes: usize,
    shard: Option<u64>,
}

impl Ticket {
    fn end(mut self, result: Result<outlast_core::Value, Error>) {
        self.pay(result);
    }

    fn pay(&mut self, result: Result<outlast_core::Value, Error>) {
        let Some(commands) = self.commands.take() else { return };
        let mut state = commands.state();
        state.end(self, result);
        let is_news = state.ended.len() == 1;
        drop(state);
        if is_news {
            (commands.wake)();
        }
    }
}

/// The background thread ended before the command.
impl Drop for Ticket {
    fn drop(&mut self) {
        self.pay(Err(closed()));
    }
}
