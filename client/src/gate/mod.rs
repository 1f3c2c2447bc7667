//! Every command passes here: it goes to Redis, to the store, or is refused; and how it ended is
//! told here, so that one engine decides for all transports and threads.

mod durable;
mod engine;
mod memory;
mod metrics;
mod outage;
mod replies;
mod sharing;
mod transaction;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use outlast_core::classify::classify_reply;
use outlast_core::command::{Access, Traits};
use outlast_core::connection::{Identity, Protocol};
use outlast_core::latency::Histogram;
use outlast_core::rate_limit::{self, Limit, LocalCounts};
use outlast_core::settle::{self, Aftermath};
use outlast_core::status::JournalFile;
use outlast_core::store::{Eviction, Options};
use outlast_core::{Engine, Error, ErrorKind, Failure, Input, Policy, Value};
use tokio::sync::Notify;

pub(crate) use engine::{Action, SIGNAL_CHECK};
pub(crate) use memory::doubted;
pub(crate) use replies::{Came, micros_between, micros_since};

use crate::board::HostBoard;
use crate::cluster::Seat;
use crate::config::Config;
use crate::events::Sink;
use crate::host::{Clock, entropy};
use crate::journal::Disk;
use crate::scribe::Scribe;
use crate::store::{SharedStore, new_store};
use durable::Durable;
use engine::State;

/// Where a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To Redis, over the connection with this number.
    Redis { epoch: u64 },
    /// To the store.
    Store,
    /// Nowhere yet: the startup is under way.
    Wait,
}

/// How a failed command goes on.
#[derive(Debug)]
pub(crate) enum Settled {
    /// It ended.
    Ended(Result<Value, Error>),
    /// Redis is back already: try again there.
    Again {
        /// Whether it is a write that Redis may have done already.
        in_doubt: bool,
    },
}

/// A command that did not end with a reply.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    /// Whether Redis may have done it.
    pub(crate) maybe_done: bool,
}

/// One client's decisions, shared by its transport, its driver and its callers.
pub(crate) struct Gate {
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) client_id: String,
    /// Mode, flags and epoch in one word: all that a healthy command reads.
    word: AtomicU64,
    state: Mutex<State>,
    /// Told when the mode changes or the startup ends.
    changed: Condvar,
    changed_async: Notify,
    /// Its locks are taken before `state` where both are.
    pub(crate) store: SharedStore,
    /// Wakes the driver.
    work: Notify,
    finished: AtomicU64,
    served: AtomicU64,
    refused: AtomicU64,
    /// Commands that were sent elsewhere by a node of a cluster.
    redirects: AtomicU64,
    latency: Histogram,
    /// How long the dials took that succeeded.
    dials: Histogram,
    sink: Arc<dyn Sink>,
    /// The journal on disk.
    disk: Option<Arc<Disk>>,
    journal_file: JournalFile,
    /// Whether a process that is gone left something to be written back.
    pub(crate) has_restored: bool,
    /// Connections that callers had: what they carried may still be on its way.
    carriers: Mutex<Vec<Identity>>,
    /// Why this client is of no use, from the beginning.
    unusable: Option<Error>,
    scribe: Scribe,
    /// How dials fail, where the application wants an outage.
    outage: Mutex<Option<Failure>>,
    /// What this process counts towards rate limits while Redis is away.
    limits: Mutex<LocalCounts>,
    /// Its place in a cluster, where it is a shard of one.
    pub(crate) seat: Option<Arc<Seat>>,
}

/// Connections that are remembered beyond their end. Beyond it the oldest go.
const CARRIERS_MAX: usize = 16_384;

const MODE_MASK: u64 = 0b11;
const CONNECTED: u64 = 0;
const DEGRADED: u64 = 1;
const RECONCILING: u64 = 2;
const CLOSED: u64 = 3;
/// The store may answer.
const SERVING: u64 = 1 << 2;
/// The startup has ended.
const STARTED: u64 = 1 << 3;
const EPOCH_SHIFT: u32 = 8;

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Gate {
    pub(crate) fn new(config: Config, sink: Arc<dyn Sink>) -> Self {
        Self::with_seat(config, sink, None)
    }

    /// The gate of a shard, where it has a seat in a cluster.
    pub(crate) fn with_seat(config: Config, sink: Arc<dyn Sink>, seat: Option<Arc<Seat>>) -> Self {
        let policy = config.policy.clone();
        let bytes_max = usize::try_from(policy.store_bytes_max).unwrap_or(usize::MAX);
        let journal_bytes_max = usize::try_from(policy.journal_bytes_max).unwrap_or(usize::MAX);
        // What waits to be written back never gives way.
        let options = Options::new(bytes_max)
            .with_eviction(Eviction::AllKeysLru)
            .with_journal_bytes_max(journal_bytes_max);
        let options = if seat.is_some() { options.with_slots() } else { options };
        let mut store = new_store(options, policy.rules.clone());
        let endpoint = config.endpoint.to_string();
        let scribe = Scribe::new(&policy, endpoint.clone(), sink.clone());
        let board = HostBoard::open(&policy, &endpoint, &sink);
        let engine = Engine::new(policy, endpoint, entropy());
        let clock = Clock::new();
        let durable = Durable::open(&config, &mut store, clock.now(), sink.as_ref());
        if config.introduction.protocol == Protocol::Resp3 {
            // Replies are alike whoever gives them.
            store = store.with_resp3();
        }
        let gate = Self {
            clock,
            config,
            client_id: durable.client_id,
            word: AtomicU64::new(DEGRADED),
            state: Mutex::new(State::new(engine, board)),
            changed: Condvar::new(),
            changed_async: Notify::new(),
            store,
            work: Notify::new(),
            finished: AtomicU64::new(0),
            served: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            redirects: AtomicU64::new(0),
            latency: Histogram::default(),
            dials: Histogram::default(),
            sink,
            scribe,
            disk: durable.disk,
            journal_file: durable.state,
            has_restored: durable.has_restored,
            carriers: Mutex::default(),
            unusable: durable.error,
            outage: Mutex::default(),
            limits: Mutex::new(LocalCounts::new()),
            seat,
        };
        if gate.unusable.is_some() {
            gate.tell(Input::Close { journal_keys: 0 });
        }
        gate
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.config.policy
    }

    pub(crate) fn command_timeout(&self) -> Duration {
        Duration::from_millis(self.policy().command_timeout_ms)
    }

    /// Notes a connection that is about to carry commands.
    pub(crate) fn carries(&self, identity: Option<&Identity>) {
        let mut carriers = self.carriers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = identity {
            if carriers.len() >= CARRIERS_MAX {
                carriers.remove(0);
            }
            carriers.push(identity.clone());
        }
    }

    /// The connections that were given up, which are forgotten here.
    pub(crate) fn take_carriers(&self) -> Vec<Identity> {
        std::mem::take(&mut *self.carriers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where a command goes now.
    ///
    /// # Errors
    ///
    /// The client is closed, or Redis was required and never reached.
    pub(crate) fn route(&self) -> Result<Route, Error> {
        let word = self.word.load(Ordering::Acquire);
        match word & MODE_MASK {
            CONNECTED => Ok(Route::Redis { epoch: word >> EPOCH_SHIFT }),
            CLOSED => Err(self.closed()),
            _ if word & STARTED == 0 => {
                self.tell(Input::Start);
                // The startup may have ended meanwhile, and its end wakes nobody twice.
                if self.word.load(Ordering::Acquire) == word {
                    Ok(Route::Wait)
                } else {
                    self.route()
                }
            }
            _ if word & SERVING == 0 => Err(self.unavailable("Redis is required")),
            _ => Ok(Route::Store),
        }
    }

    /// Refuses what no shared connection can carry.
    pub(crate) fn check<A: AsRef<[u8]>>(args: &[A]) -> Result<Traits, Error> {
        let Some(name) = args.first() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a command has at least a name"));
        };
        Self::checked(name.as_ref(), Traits::of(args))
    }

    fn checked(name: &[u8], traits: Traits) -> Result<Traits, Error> {
        if traits.stateful {
            let name = String::from_utf8_lossy(name).to_uppercase();
            let message = format!(
                "{name} changes the state of a connection, and connections are shared: it is not \
                 available as a single command"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(traits)
    }

    /// Whether a command has to go over a connection that no other caller uses.
    pub(crate) fn needs_own_connection<A: AsRef<[u8]>>(args: &[A]) -> bool {
        Self::needs_connection(args, Traits::of(args))
    }

    /// The same, where the traits are known.
    pub(crate) fn needs_connection<A: AsRef<[u8]>>(args: &[A], traits: Traits) -> bool {
        traits.stateful || traits.blocking || is_of_connection(args)
    }

    /// Refuses what means a connection where there is none.
    pub(crate) fn without_connection<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<(), Error> {
        if Traits::of(args).stateful || is_of_connection(args) {
            let what = format!("{} needs a connection of its own", name_of(args));
            return Err(self.refuse(&what));
        }
        Ok(())
    }

    /// Whether a command may be given a connection of its own, Redis being there; none while the startup
    /// is under way.
    #[cfg(unix)]
    pub(crate) fn offers_own_connection<A: AsRef<[u8]>>(
        &self,
        args: &[A],
    ) -> Result<Option<bool>, Error> {
        match self.route()? {
            Route::Redis { .. } => Ok(Some(true)),
            Route::Store => self.without_connection(args).map(|()| Some(false)),
            Route::Wait => Ok(None),
        }
    }

    /// A command on Redis did not end with its reply: tells the engine, and ends the command from
    /// memory where that is right.
    pub(crate) fn settle<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        unanswered: Unanswered,
    ) -> Settled {
        let traits = Traits::of(args);
        let write = traits.access == Access::Write;
        let Unanswered { failure, maybe_done } = unanswered;
        self.tell(Input::CommandFailed { epoch, failure: failure.clone(), write });
        // What was dropped because the client was closed is not answered from memory.
        if self.is_closed() {
            return Settled::Ended(Err(self.closed()));
        }
        let forbidden = self.forbidden(args, traits).is_some();
        let known =
            settle::Unanswered { write, idempotent: traits.idempotent, maybe_done, forbidden };
        match known.aftermath(self.policy().on_ambiguous) {
            Aftermath::Memory => match self.serve(args, traits, write) {
                Some(Err(error)) if known.is_belied_by(error.kind()) => {
                    Settled::Ended(Err(belied(&name_of(args), &failure, &error)))
                }
                Some(result) => Settled::Ended(result),
                None => match self.again(args, known.maybe_done && write) {
                    Settled::Ended(Err(error)) if known.is_belied_by(error.kind()) => {
                        Settled::Ended(Err(belied(&name_of(args), &failure, &error)))
                    }
                    settled => settled,
                },
            },
            Aftermath::MemoryOnly => {
                let reply = self.store.execute(self.clock.now(), args, false);
                Settled::Ended(self.served(args, reply))
            }
            _ => Settled::Ended(Err(self.maybe_applied(&name_of(args), &failure))),
        }
    }

    /// Redis is back: the command goes there a second time, as far as the quota for that allows.
    fn again<A: AsRef<[u8]>>(&self, args: &[A], in_doubt: bool) -> Settled {
        if self.may_retry() {
            return Settled::Again { in_doubt };
        }
        let what = format!(
            "{} failed and is not repeated, for too many were (retry_quota_percent {})",
            name_of(args),
            self.policy().retry_quota_percent
        );
        Settled::Ended(Err(self.refuse(&what)))
    }

    /// Counts a request towards a rate limit in this process alone: with Redis away nobody counts for
    /// all of them.
    pub(crate) fn limit_locally(&self, key: &[u8], limit: &Limit) -> rate_limit::Verdict {
        let now = self.clock.now();
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).take(now, key, limit)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.word.load(Ordering::Acquire) & MODE_MASK == CONNECTED
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & MODE_MASK == CLOSED
    }

    /// Whether no connection was made after the one with this number.
    fn is_newest(&self, epoch: u64) -> bool {
        let word = self.word.load(Ordering::Acquire);
        matches!(word & MODE_MASK, CONNECTED | DEGRADED) && word >> EPOCH_SHIFT == epoch
    }

    /// Whether commands go to Redis over the connection with this number.
    pub(crate) fn is_current(&self, epoch: u64) -> bool {
        let word = self.word.load(Ordering::Acquire);
        word & MODE_MASK == CONNECTED && word >> EPOCH_SHIFT == epoch
    }
}

/// What a write in doubt is told in place of an error that says it was not done, and that was counted.
fn belied(what: &str, failure: &Failure, error: &Error) -> Error {
    let message = format!(
        "{what} was sent and may have been applied: {}; its repetition was refused: {}",
        failure.kind.words(),
        error.message(),
    );
    Error::new(ErrorKind::MaybeApplied, message).because_of(failure)
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the client is closed")
}

/// The error for an error reply, of Redis or of the store.
pub(crate) fn into_result(value: Value) -> Result<Value, Error> {
    match value {
        Value::Error(message) => Err(Error::reply(classify_reply(&message), message)),
        value => Ok(value),
    }
}

/// Whether the command is about the connection that it comes over (`CLIENT SETNAME`), or answers what
/// says nothing of the server's health (`DEBUG ERROR LOADING`).
fn is_of_connection<A: AsRef<[u8]>>(args: &[A]) -> bool {
    let is = |name: &A| {
        let name = name.as_ref();
        name.eq_ignore_ascii_case(b"CLIENT") || name.eq_ignore_ascii_case(b"DEBUG")
    };
    args.first().is_some_and(is)
}

/// The name of a command, for people.
pub(crate) fn name_of<A: AsRef<[u8]>>(args: &[A]) -> String {
    let name = args.first().map(AsRef::as_ref).unwrap_or_default();
    String::from_utf8_lossy(&name[..name.len().min(32)]).to_uppercase()
}
