//! The client for tasks on tokio.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::{Error, Input, Status, Value};
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::cluster::Fleet;
use crate::config::Config;
use crate::driver::Driver;
use crate::events::Sink;
use crate::gate::{Gate, into_result};
use crate::spans;
use crate::tasks::Caller;
use crate::transport::Transport;
use crate::transport::multiplexed::Multiplexed;

/// A Redis client that keeps answering while Redis is away. Clones share one connection.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use outlast::{Client, Config, TracingSink};
///
/// # async fn example() -> Result<(), outlast::Error> {
/// let config = Config::builder("redis://localhost:6379").profile("production").build()?;
/// let client = Client::new(config, Arc::new(TracingSink::default()));
/// client.connect().await?;
/// client.call(&["SET", "greeting", "hello"]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    kind: Kind,
}

/// Whom it is a client of.
enum Kind {
    /// One server.
    Single { gate: Arc<Gate>, connections: Arc<Multiplexed> },
    /// A cluster of several.
    Cluster(Arc<Fleet<Multiplexed>>),
}

impl Kind {
    fn close(&self) {
        match self {
            Self::Single { gate, .. } => gate.close(),
            Self::Cluster(fleet) => fleet.close(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.kind.close();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not dialled yet: it does with [`connect`](Self::connect) or its first
    /// command.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as `tokio::spawn` does: its background work runs there.
    pub fn new(config: Config, sink: Arc<dyn Sink>) -> Self {
        if config.endpoint.cluster().is_some() {
            let fleet = Fleet::new(config, sink, Multiplexed::new);
            fleet.start_on(Handle::current());
            tokio::spawn(fleet.clone().tend());
            return Self { shared: Arc::new(Shared { kind: Kind::Cluster(fleet) }) };
        }
        let gate = Arc::new(Gate::new(config, sink));
        let connections = Arc::new(Multiplexed::new(gate.clone()));
        tokio::spawn(Driver::new(gate.clone(), connections.clone()).run());
        if gate.has_restored {
            gate.tell(Input::Start);
        }
        Self { shared: Arc::new(Shared { kind: Kind::Single { gate, connections } }) }
    }

    /// Whether it can be used at all: see [`blocking::Client::usable`](crate::blocking::Client::usable).
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption), where its journal on disk cannot be had.
    pub fn usable(&self) -> Result<(), Error> {
        match &self.shared.kind {
            Kind::Single { gate, .. } => gate.usable(),
            Kind::Cluster(_) => Ok(()),
        }
    }

    /// Dials now and waits until that succeeded or the startup budget is spent.
    ///
    /// # Errors
    ///
    /// [`RedisUnavailable`](crate::ErrorKind::RedisUnavailable) where the policy requires Redis
    /// and no dial succeeded; [`Closed`](crate::ErrorKind::Closed).
    pub async fn connect(&self) -> Result<(), Error> {
        match &self.shared.kind {
            Kind::Single { gate, .. } => {
                gate.tell(Input::Start);
                gate.startup_finished().await
            }
            Kind::Cluster(fleet) => {
                fleet.begin();
                fleet.startup_finished().await
            }
        }
    }

    /// Runs a command: its name and arguments, as Redis documents them.
    ///
    /// # Errors
    ///
    /// As [`blocking::Client::call`](crate::blocking::Client::call).
    pub async fn call<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Value, Error> {
        let span = spans::of(self.config(), args);
        let result = self.run(args).instrument(span.clone()).await;
        spans::ended(&span, &result);
        result
    }

    async fn run<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Value, Error> {
        let traits = Gate::check(args)?;
        let timeout = Duration::from_millis(self.config().policy.command_timeout_ms);
        let deadline = Instant::now() + timeout;
        match &self.shared.kind {
            Kind::Single { gate, connections } => {
                let caller = Caller { gate, connections };
                let called = caller.go_on(args, traits, deadline, &mut false).await;
                called.map(|value| value.unwrap_or(Value::Nil)).and_then(into_result)
            }
            Kind::Cluster(fleet) => fleet.call(args, deadline).await,
        }
    }

    /// Where Redis is, how to behave.
    pub fn config(&self) -> &Config {
        match &self.shared.kind {
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
        match &self.shared.kind {
            Kind::Single { gate, .. } => gate.cause_outage(cause),
            Kind::Cluster(fleet) => fleet.cause_outage(cause),
        }
    }

    /// Ends the outage: Redis is dialled at once. Without one does nothing.
    pub fn end_outage(&self) {
        match &self.shared.kind {
            Kind::Single { gate, .. } => gate.end_outage(),
            Kind::Cluster(fleet) => fleet.end_outage(),
        }
    }

    /// Counts a request towards a rate limit in this process alone, as is done while Redis is away.
    pub fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        match &self.shared.kind {
            Kind::Single { gate, .. } => gate.limit_locally(key, limit),
            Kind::Cluster(fleet) => fleet.limit_locally(key, limit),
        }
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    pub fn dead_letters(&self) -> Vec<crate::DeadLetter> {
        match &self.shared.kind {
            Kind::Single { gate, .. } => gate.store.dead_letters(),
            Kind::Cluster(fleet) => fleet.dead_letters(),
        }
    }

    /// What the client counted, in Prometheus' text format. Metrics that OpenTelemetry's conventions
    /// for database clients know have their names; [`METRICS`](outlast_core::metrics::METRICS) is
    /// the table of all.
    pub fn metrics(&self) -> String {
        match &self.shared.kind {
            Kind::Single { gate, connections } => gate.metrics(connections.connections()),
            Kind::Cluster(fleet) => fleet.metrics(),
        }
    }

    /// The snapshot that an operator sees.
    pub fn status(&self) -> Status {
        match &self.shared.kind {
            Kind::Single { gate, .. } => gate.status(),
            Kind::Cluster(fleet) => fleet.status(),
        }
    }

    /// Closes the connection and ends the background work. Again does nothing.
    pub fn close(&self) {
        self.shared.kind.close();
    }
}
