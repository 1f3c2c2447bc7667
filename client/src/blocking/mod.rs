//! The client for threads: each call is made on the calling thread, on a connection of its own.

mod batch;
mod brief;
mod caller;
mod cluster;
mod limits;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use limits::RateLimited;

use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::resp::Commands;
use outlast_core::{Error, Input, Status, Value};

use crate::cluster::Fleet;
use crate::config::Config;
use crate::driver::Driver;
use crate::events::Sink;
use crate::gate::{Gate, into_result};
use crate::spans;
use crate::transport::Transport;
use crate::transport::pool::Pool;

pub use brief::Begun;
use caller::{Caller, Sending};

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
    kind: Kind,
    driver_started: AtomicBool,
}

/// Whom it is a client of.
enum Kind {
    /// One server.
    Single { gate: Arc<Gate>, pool: Arc<Pool> },
    /// A cluster of several.
    Cluster(Arc<Fleet<Pool>>),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not dialled yet: it does with [`connect`](Self::connect) or its first
    /// command. Its one background thread starts then, too.
    pub fn new(config: Config, sink: Arc<dyn Sink>) -> Self {
        let kind = if config.endpoint.cluster().is_some() {
            Kind::Cluster(Fleet::new(config, sink, Pool::new))
        } else {
            let gate = Arc::new(Gate::new(config, sink));
            let pool = Arc::new(Pool::new(gate.clone()));
            Kind::Single { gate, pool }
        };
        let client = Self { kind, driver_started: AtomicBool::new(false) };
        // What a process that is gone left does not wait for the first command.
        if let Kind::Single { gate, .. } = &client.kind
            && gate.has_restored
        {
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
        match &self.kind {
            Kind::Single { gate, .. } => gate.usable(),
            Kind::Cluster(_) => Ok(()),
        }
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
        match &self.kind {
            Kind::Single { gate, .. } => gate.wait_for_startup(None, interrupt)?.unwrap_or(Ok(())),
            Kind::Cluster(fleet) => fleet.wait_for_startup(interrupt),
        }
    }

    /// Dials in the background. Commands wait for the first dials, as after
    /// [`connect`](Self::connect).
    pub fn begin(&self) {
        self.start();
        match &self.kind {
            Kind::Single { gate, .. } => gate.tell(Input::Start),
            Kind::Cluster(fleet) => fleet.begin(),
        }
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
        let deadline = self.deadline();
        match &self.kind {
            Kind::Single { gate, pool } => {
                let called = Caller { gate, pool }.go_on(
                    args,
                    traits,
                    deadline,
                    &mut Sending::default(),
                    interrupt,
                );
                called.map(|value| value.unwrap_or(Value::Nil)).and_then(into_result)
            }
            Kind::Cluster(fleet) => {
                fleet.call(args, traits, deadline, interrupt).and_then(into_result)
            }
        }
    }

    /// When a command that begins now must have ended.
    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.config().policy.command_timeout_ms)
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
        let deadline = self.deadline();
        match &self.kind {
            Kind::Single { gate, pool } => {
                Caller { gate, pool }.may_use_own_connection(args, deadline, interrupt)
            }
            Kind::Cluster(fleet) => {
                let member = fleet.member_for(args);
                member.caller().may_use_own_connection(args, deadline, interrupt)
            }
        }
    }

    /// Whether commands go to Redis at this moment; on a cluster, those for every shard.
    pub fn is_connected(&self) -> bool {
        match &self.kind {
            Kind::Single { gate, .. } => gate.is_connected(),
            Kind::Cluster(fleet) => fleet.is_connected(),
        }
    }

    /// Where Redis is, how to behave.
    pub fn config(&self) -> &Config {
        match &self.kind {
            Kind::Single { gate, .. } => &gate.config,
            Kind::Cluster(fleet) => &fleet.config,
        }
    }

    /// Has Redis be away, for a test of the application: connections end and dials fail with this
    /// failure until [`end_outage`](Self::end_outage). `refused`, `lost`, `timeout`, `dns`, `tls`, or
    /// the code of a [`FailureKind`](crate::FailureKind) that ends connections.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for another cause.
    pub fn cause_outage(&self, cause: &str) -> Result<(), Error> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.cause_outage(cause),
            Kind::Cluster(fleet) => fleet.cause_outage(cause),
        }
    }

    /// Ends the outage: Redis is dialled at once. Without one does nothing.
    pub fn end_outage(&self) {
        match &self.kind {
            Kind::Single { gate, .. } => gate.end_outage(),
            Kind::Cluster(fleet) => fleet.end_outage(),
        }
    }

    /// Counts a request towards a rate limit in this process alone, as is done while Redis is away.
    pub fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        match &self.kind {
            Kind::Single { gate, .. } => gate.limit_locally(key, limit),
            Kind::Cluster(fleet) => fleet.limit_locally(key, limit),
        }
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    pub fn dead_letters(&self) -> Vec<crate::DeadLetter> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.store.dead_letters(),
            Kind::Cluster(fleet) => fleet.dead_letters(),
        }
    }

    /// What the client counted, in Prometheus' text format. Metrics that OpenTelemetry's conventions
    /// for database clients know have their names; [`METRICS`](outlast_core::metrics::METRICS) is
    /// the table of all.
    pub fn metrics(&self) -> String {
        match &self.kind {
            Kind::Single { gate, pool } => gate.metrics(pool.connections()),
            Kind::Cluster(fleet) => fleet.metrics(),
        }
    }

    /// The snapshot that an operator sees.
    pub fn status(&self) -> Status {
        match &self.kind {
            Kind::Single { gate, .. } => gate.status(),
            Kind::Cluster(fleet) => fleet.status(),
        }
    }

    /// Closes every connection and ends the background thread. Again does nothing. What was
    /// written while Redis was away and did not reach it yet is lost, and logged so.
    pub fn close(&self) {
        match &self.kind {
            Kind::Single { gate, .. } => gate.close(),
            Kind::Cluster(fleet) => fleet.close(),
        }
    }

    fn start(&self) {
        if self.driver_started.swap(true, Ordering::AcqRel) {
            return;
        }
        match &self.kind {
            Kind::Single { gate, pool } => {
                crate::thread::spawn(Driver::new(gate.clone(), pool.clone()));
            }
            Kind::Cluster(fleet) => crate::thread::run(|home| {
                fleet.start_on(home);
                fleet.clone().tend()
            }),
        }
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
