//! The client for tasks on tokio.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use outlast_core::command::Traits;
use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::{Error, Input, Status, Value};
use tokio::time::timeout_at;
use tracing::Instrument;

use crate::config::Config;
use crate::driver::Driver;
use crate::events::Sink;
use crate::gate::{Gate, Route, Settled, into_result, micros_since, name_of};
use crate::spans;
use crate::transport::Transport;
use crate::transport::multiplexed::{CallError, Multiplexed};

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
    gate: Arc<Gate>,
    connections: Arc<Multiplexed>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.gate.close();
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
        let gate = Arc::new(Gate::new(config, sink));
        let connections = Arc::new(Multiplexed::new(gate.clone()));
        tokio::spawn(Driver::new(gate.clone(), connections.clone()).run());
        if gate.has_restored {
            gate.tell(Input::Start);
        }
        Self { shared: Arc::new(Shared { gate, connections }) }
    }

    /// Whether it can be used at all: see [`blocking::Client::usable`](crate::blocking::Client::usable).
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption), where its journal on disk cannot be had.
    pub fn usable(&self) -> Result<(), Error> {
        self.gate().usable()
    }

    /// Dials now and waits until that succeeded or the startup budget is spent.
    ///
    /// # Errors
    ///
    /// [`RedisUnavailable`](crate::ErrorKind::RedisUnavailable) where the policy requires Redis
    /// and no dial succeeded; [`Closed`](crate::ErrorKind::Closed).
    pub async fn connect(&self) -> Result<(), Error> {
        self.gate().tell(Input::Start);
        self.gate().startup_finished().await
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
        let gate = self.gate();
        let deadline = Instant::now() + gate.command_timeout();
        let mut in_doubt = false;
        let result = self.send(args, traits, deadline, &mut in_doubt).await;
        gate.doubted(|| name_of(args), in_doubt, result)
    }

    async fn send<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        traits: Traits,
        deadline: Instant,
        in_doubt: &mut bool,
    ) -> Result<Value, Error> {
        let gate = self.gate();
        loop {
            let began = Instant::now();
            let epoch = match gate.route()? {
                Route::Redis { epoch } => epoch,
                Route::Store => match gate.serve(args, traits, true) {
                    Some(result) => return result.and_then(into_result),
                    None => continue,
                },
                Route::Wait => match timeout_at(deadline.into(), gate.startup_finished()).await {
                    Ok(_) => continue,
                    Err(_) => return gate.overdue(args, traits).and_then(into_result),
                },
            };
            let unanswered = match self.shared.connections.call(args, epoch, deadline).await {
                Ok(value) => match gate.learned(args, epoch, value, micros_since(began)) {
                    Ok(value) => return into_result(value),
                    Err(unanswered) => *unanswered,
                },
                Err(CallError::Unanswered(unanswered)) => unanswered,
                Err(CallError::Refused(error)) => return Err(error),
            };
            match gate.settle(args, epoch, unanswered) {
                Settled::Ended(result) => return result.and_then(into_result),
                Settled::Again { in_doubt: again } => *in_doubt |= again,
            }
            if Instant::now() >= deadline {
                return gate.too_late(args, *in_doubt).and_then(into_result);
            }
        }
    }

    /// Where Redis is, how to behave.
    pub fn config(&self) -> &Config {
        &self.gate().config
    }

    /// Has Redis be away, for a test of the application: connections end and dials fail with this
    /// failure until [`end_outage`](Self::end_outage). `refused`, `lost`, `timeout`, `dns`, `tls`, or
    /// the code of a [`FailureKind`](crate::FailureKind) that ends connections.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for another cause.
    pub fn cause_outage(&self, cause: &str) -> Result<(), Error> {
        self.gate().cause_outage(cause)
    }

    /// Ends the outage: Redis is dialled at once. Without one does nothing.
    pub fn end_outage(&self) {
        self.gate().end_outage();
    }

    /// Counts a request towards a rate limit in this process alone, as is done while Redis is away.
    pub fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        self.gate().limit_locally(key, limit)
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    pub fn dead_letters(&self) -> Vec<crate::DeadLetter> {
        self.gate().store.dead_letters()
    }

    /// What the client counted, in Prometheus' text format. Metrics that OpenTelemetry's conventions
    /// for database clients know have their names; [`METRICS`](outlast_core::metrics::METRICS) is
    /// the table of all.
    pub fn metrics(&self) -> String {
        self.gate().metrics(self.shared.connections.connections())
    }

    /// The snapshot that an operator sees.
    pub fn status(&self) -> Status {
        self.gate().status()
    }

    /// Closes the connection and ends the background work. Again does nothing.
    pub fn close(&self) {
        self.gate().close();
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.shared.gate
    }
}
