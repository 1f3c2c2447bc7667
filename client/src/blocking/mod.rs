//! The client for threads: each call is made on the calling thread, on a connection of its own.

mod batch;
mod brief;
mod limits;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use limits::RateLimited;

use outlast_core::command::Traits;
use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::resp::Commands;
use outlast_core::{Error, Status, Value};

use crate::config::Config;
use crate::driver::Driver;
use crate::events::Sink;
use crate::gate::{Gate, Route, Settled, into_result};
use crate::spans;
use crate::transport::Transport;
use crate::transport::pool::{CallError, Pool, Waiting};

pub use brief::Begun;

/// A Redis client that keeps answering while Redis is away. Threads may share it.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use outlast::{Config, TracingSink, blocking::Client};
///
/// let config = Config::builder("redis://localhost:6379").profile("production").build()?;
/// let client = Client::new(config, Arc::new(TracingSink::default()));
/// client.connect()?;
/// client.call(&["SET", "greeting", "hello"])?;
/// # Ok::<(), outlast::Error>(())
/// ```
pub struct Client {
    gate: Arc<Gate>,
    pool: Arc<Pool>,
    driver_started: AtomicBool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.gate.config).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not dialled yet: it does with [`connect`](Self::connect) or its first
    /// command. Its one background thread starts then, too.
    pub fn new(config: Config, sink: Arc<dyn Sink>) -> Self {
        let gate = Arc::new(Gate::new(config, sink));
        let pool = Arc::new(Pool::new(gate.clone()));
        let client = Self { gate, pool, driver_started: AtomicBool::new(false) };
        // What a process that is gone left does not wait for the first command.
        if client.gate.has_restored {
            client.begin();
        }
        client
    }

    /// Whether it can be used at all. A client whose journal on disk (`journal_path`) cannot be had
    /// answers every call with this error.
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption): another process has the file, or it cannot
    /// be written.
    pub fn usable(&self) -> Result<(), Error> {
        self.gate.usable()
    }

    /// Dials now and waits until that succeeded or the startup budget is spent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RedisUnavailable`](crate::ErrorKind::RedisUnavailable) where the policy
    /// requires Redis and no dial succeeded; [`Closed`](crate::ErrorKind::Closed).
    pub fn connect(&self) -> Result<(), Error> {
        self.connect_interruptible(&|| Ok(()))
    }

    /// As [`connect`](Self::connect). `interrupt` is asked now and then, and its error ends the
    /// wait; the dials go on.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and whatever `interrupt` answers.
    pub fn connect_interruptible(
        &self,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.begin();
        self.gate.wait_for_startup(None, interrupt)?.unwrap_or(Ok(()))
    }

    /// Dials in the background. Commands wait for the first dials, as after
    /// [`connect`](Self::connect).
    pub fn begin(&self) {
        self.start();
        self.gate.tell(outlast_core::Input::Start);
    }

    /// Runs a command: its name and arguments, as Redis documents them.
    ///
    /// # Errors
    ///
    /// [`Command`](crate::ErrorKind::Command) with the text of Redis for what is wrong with the
    /// command itself; where Redis is away and the command may not be answered from memory,
    /// [`RedisUnavailable`](crate::ErrorKind::RedisUnavailable),
    /// [`UnsupportedLocally`](crate::ErrorKind::UnsupportedLocally) or
    /// [`MaybeApplied`](crate::ErrorKind::MaybeApplied).
    pub fn call<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Value, Error> {
        self.call_interruptible(args, &|| Ok(()))
    }

    /// As [`call`](Self::call). `interrupt` is asked when a signal ends a wait, and its error ends
    /// the call; the connection is then closed, so that its reply reaches nobody.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), and whatever `interrupt` answers.
    pub fn call_interruptible<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Value, Error> {
        let span = spans::of(self.config(), args);
        let result = span.in_scope(|| self.run(args, interrupt));
        spans::ended(&span, &result);
        result
    }

    fn run<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Value, Error> {
        let traits = Gate::check(args)?;
        self.start();
        let deadline = Instant::now() + self.gate.command_timeout();
        self.go_on(args, traits, deadline, None, interrupt)
    }

    /// Runs a command to its end; `waiting` is one that was sent already.
    fn go_on<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        mut waiting: Option<(u64, Waiting)>,
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Value, Error> {
        loop {
            let (epoch, called) = match waiting.take() {
                Some((epoch, waiting)) => (epoch, self.pool.wait(waiting, deadline, interrupt)),
                None => match self.gate.route()? {
                    Route::Redis { epoch } => {
                        (epoch, self.pool.call(args, epoch, deadline, interrupt))
                    }
                    Route::Store => match self.gate.serve(args, traits, true) {
                        Some(result) => return result.and_then(into_result),
                        None => continue,
                    },
                    Route::Wait => {
                        if self.gate.wait_for_startup(Some(deadline), interrupt)?.is_none() {
                            let overdue = self.gate.overdue(args, traits);
                            return overdue.and_then(into_result);
                        }
                        continue;
                    }
                },
            };
            let unanswered = match called {
                Ok((value, began)) => match self.gate.replied(args, epoch, value, began) {
                    Ok(value) => return into_result(value),
                    Err(unanswered) => *unanswered,
                },
                Err(CallError::Unanswered(unanswered)) => unanswered,
                Err(CallError::Rerouted) => continue,
                Err(CallError::Refused(error)) => return Err(error),
            };
            match self.gate.settle(args, epoch, unanswered) {
                Settled::Ended(result) => return result.and_then(into_result),
                Settled::Again { .. } if Instant::now() < deadline => {}
                Settled::Again { in_doubt } => {
                    return self.gate.too_late(args, in_doubt).and_then(into_result);
                }
            }
        }
    }

    /// Whether a command that [needs a connection of its own](needs_own_connection) may be given
    /// one, Redis being there. If not, it may be called here: it can be answered from memory, or
    /// is refused.
    ///
    /// # Errors
    ///
    /// [`RedisUnavailable`](crate::ErrorKind::RedisUnavailable) where Redis is away and memory has
    /// no connections; whatever `interrupt` answers.
    pub fn may_use_own_connection<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        interrupt: &dyn Fn() -> Result<(), Error>,
    ) -> Result<bool, Error> {
        self.start();
        let deadline = Instant::now() + self.gate.command_timeout();
        loop {
            match self.gate.route()? {
                Route::Redis { .. } => return Ok(true),
                Route::Store => return self.gate.without_connection(args).map(|()| false),
                Route::Wait => {
                    if self.gate.wait_for_startup(Some(deadline), interrupt)?.is_none() {
                        return self.gate.without_connection(args).map(|()| false);
                    }
                }
            }
        }
    }

    /// Whether commands go to Redis at this moment.
    pub fn is_connected(&self) -> bool {
        self.gate.is_connected()
    }

    /// Where Redis is, how to behave.
    pub fn config(&self) -> &Config {
        &self.gate.config
    }

    /// Has Redis be away, for a test of the application: connections end and dials fail with this
    /// failure until [`end_outage`](Self::end_outage). `refused`, `lost`, `timeout`, `dns`, `tls`, or
    /// the code of a [`FailureKind`](crate::FailureKind) that ends connections.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for another cause.
    pub fn cause_outage(&self, cause: &str) -> Result<(), Error> {
        self.gate.cause_outage(cause)
    }

    /// Ends the outage: Redis is dialled at once. Without one does nothing.
    pub fn end_outage(&self) {
        self.gate.end_outage();
    }

    /// Counts a request towards a rate limit in this process alone, as is done while Redis is away.
    pub fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        self.gate.limit_locally(key, limit)
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    pub fn dead_letters(&self) -> Vec<crate::DeadLetter> {
        self.gate.store.dead_letters()
    }

    /// What the client counted, in Prometheus' text format. Metrics that OpenTelemetry's conventions
    /// for database clients know have their names; [`METRICS`](outlast_core::metrics::METRICS) is
    /// the table of all.
    pub fn metrics(&self) -> String {
        self.gate.metrics(self.pool.connections())
    }

    /// The snapshot that an operator sees.
    pub fn status(&self) -> Status {
        self.gate.status()
    }

    /// Closes every connection and ends the background thread. Again does nothing. What was
    /// written while Redis was away and did not reach it yet is lost, and logged so.
    pub fn close(&self) {
        self.gate.close();
    }

    fn start(&self) {
        if self.driver_started.swap(true, Ordering::AcqRel) {
            return;
        }
        crate::thread::spawn(Driver::new(self.gate.clone(), self.pool.clone()));
    }
}

/// Whether a command has to go over a connection that no other caller uses: it changes or asks what
/// a connection remembers, or it waits.
pub fn needs_own_connection<A: AsRef<[u8]>>(args: &[A]) -> bool {
    Gate::needs_own_connection(args)
}

/// The same of one of many commands.
pub fn one_needs_own_connection(commands: &Commands, at: usize) -> bool {
    let args = commands.args(at);
    Gate::needs_connection(&args, commands.traits(at, &args))
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}
