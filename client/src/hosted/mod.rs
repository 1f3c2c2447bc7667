//! The client for hosts with an event loop of their own: see [`Client`].

mod cluster;

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use outlast_core::classify::classify_text;
use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::resp::Commands;
use outlast_core::{Error, Failure, FailureKind, Input, Status};

pub use crate::cluster::ClusterNode;
use crate::config::Config;
use crate::driver::Driver;
use crate::events::Sink;
use crate::gate::Gate;
use crate::transport::Transport;
use crate::transport::hosted::Hosted;
pub use crate::transport::told::{Moved, Readiness, Settlement, Socket, Submission, Turn};
use crate::transport::work::Work;
use cluster::Traffic;

/// A client whose sockets the host's event loop reads and writes; no command to a single server crosses
/// a thread.
///
/// The host calls [`turn`](Self::turn) when it was woken and when the time that the last turn
/// named has come; it writes what [`take_output`](Self::take_output) gives at the end of each
/// turn of its loop, and hands in what the socket read. The background thread only dials, keeps
/// timers and writes the journal back; it wakes the host through the function given here.
///
/// Of a cluster the host has no socket. Commands go to the background thread, which all shards share,
/// and a turn brings whatever has ended; those of a shard that is away end at once, as ever.
pub struct Client {
    kind: Kind,
    driver_started: AtomicBool,
}

/// Whom it is a client of.
enum Kind {
    /// One server, whose socket the host drives.
    Single { gate: Arc<Gate>, hosted: Arc<Hosted> },
    /// A cluster of several, without a socket in the host.
    Cluster(Arc<Traffic>),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not dialled yet; its one background thread starts at first need. `wake` is
    /// called on any thread, and must do no more than get the host to call [`turn`](Self::turn).
    pub fn new(
        config: Config,
        sink: Arc<dyn Sink>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let driver_started = AtomicBool::new(false);
        if config.endpoint.cluster().is_some() {
            let kind = Kind::Cluster(Traffic::new(config, sink, Arc::new(wake)));
            return Self { kind, driver_started };
        }
        let gate = Arc::new(Gate::new(config, sink));
        let hosted = Arc::new(Hosted::new(gate.clone(), Arc::new(wake)));
        let has_restored = gate.has_restored;
        let client = Self { kind: Kind::Single { gate, hosted }, driver_started };
        if has_restored {
            client.start();
        }
        client
    }

    /// Whether it can be used at all: see [`blocking::Client::usable`](crate::blocking::Client::usable).
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption), where its journal on disk cannot be had.
    pub fn usable(&self) -> Result<(), Error> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.usable(),
            Kind::Cluster(_) => Ok(()),
        }
    }

    /// Begins to dial, if that has not happened yet.
    pub fn start(&self) {
        self.start_driver();
        match &self.kind {
            Kind::Single { gate, .. } => gate.tell(Input::Start),
            Kind::Cluster(traffic) => traffic.fleet.begin(),
        }
    }

    fn start_driver(&self) {
        if self.driver_started.load(Ordering::Relaxed)
            || self.driver_started.swap(true, Ordering::AcqRel)
        {
            return;
        }
        match &self.kind {
            Kind::Single { gate, hosted } => {
                crate::thread::spawn(Driver::new(gate.clone(), hosted.clone()));
            }
            Kind::Cluster(traffic) => traffic.start(),
        }
    }

    /// How the startup ended, once it has. Ask at each turn after [`start`](Self::start).
    pub fn startup(&self) -> Option<Result<(), Error>> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.startup_result(),
            Kind::Cluster(traffic) => traffic.startup(),
        }
    }

    /// Hands in a command: its name and arguments. In an outage it ends at once.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) beyond `in_flight_max` waiting commands, and
    /// beyond `unsent_bytes_max` where the socket does not take what waits;
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument).
    pub fn submit(&self, args: Vec<Vec<u8>>) -> Result<Submission, Error> {
        self.start_driver();
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.submit(Work::command(args)),
            Kind::Cluster(traffic) => traffic.submit(Work::command(args)),
        }
    }

    /// Hands in a transaction: what stands between its MULTI and its EXEC. Nothing comes between its
    /// commands, on Redis as in the store. It ends with a list of replies: to MULTI, to each command,
    /// and to EXEC; error replies are values in it.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn submit_transaction(&self, commands: Vec<Vec<Vec<u8>>>) -> Result<Submission, Error> {
        self.start_driver();
        let work = Work::transaction(commands);
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.submit(work),
            Kind::Cluster(traffic) => traffic.submit(work),
        }
    }

    /// Hands in commands, each of which has an answer of its own; they leave together, and end
    /// together, one after another where they can be answered from memory. One beyond a limit, or that
    /// no shared connection can carry, ends with that error, as it would alone.
    pub fn submit_pipeline(&self, commands: Commands) -> Submission {
        self.start_driver();
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.submit_pipeline(commands),
            Kind::Cluster(traffic) => traffic.submit_pipeline(commands),
        }
    }

    /// Whether a command that [needs a connection of its own](needs_own_connection) may be given one,
    /// Redis being there. If not, it may be submitted here: it can be answered from memory, or is
    /// refused. None while the startup is under way.
    ///
    /// # Errors
    ///
    /// [`RedisUnavailable`](crate::ErrorKind::RedisUnavailable) where Redis is away and memory has no
    /// connections.
    pub fn may_use_own_connection<A: AsRef<[u8]>>(
        &self,
        args: &[A],
    ) -> Result<Option<bool>, Error> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.offers_own_connection(args),
            Kind::Cluster(traffic) => {
                traffic.fleet.member_for(args).gate.offers_own_connection(args)
            }
        }
    }

    /// Writes what is to be written now to the host's socket, which does not block, until it takes no
    /// more; whether something is left, for when it can be written to again. This instead of
    /// [`take_output`](Self::take_output) tells exactly what was sent when a connection dies.
    ///
    /// # Errors
    ///
    /// Those of the socket. Hand in what it still reads, and then [`lost`](Self::lost).
    pub fn write_into(&self, mut socket: impl io::Write) -> io::Result<bool> {
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.write_by(&mut |bytes| socket.write(bytes)),
            Kind::Cluster(_) => Ok(false),
        }
    }

    /// The bytes to write now, if any; they count as sent.
    pub fn take_output(&self) -> Option<Vec<u8>> {
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.take_output(),
            Kind::Cluster(_) => None,
        }
    }

    /// Writes to the socket until it takes no more. In place of [`take_output`](Self::take_output),
    /// for who has the socket at hand: what it did not take is then known to be unsent.
    pub fn write_to(&self, socket: &dyn AsFd) -> Moved {
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.write_to(socket),
            Kind::Cluster(_) => Moved::nothing(Readiness::Ready),
        }
    }

    /// Reads once from the socket, 64 KiB at most. In place of [`receive`](Self::receive) and
    /// [`lost`](Self::lost).
    pub fn read_from(&self, socket: &dyn AsFd) -> Moved {
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.read_from(socket),
            Kind::Cluster(_) => Moved::nothing(Readiness::Ready),
        }
    }

    /// Hands in bytes that the socket read; the commands that they end.
    pub fn receive(&self, bytes: &[u8]) -> Vec<Settlement> {
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.receive(bytes),
            Kind::Cluster(_) => Vec::new(),
        }
    }

    /// Hands in that the socket was closed, with the text of its error if there was one. Of a cluster the
    /// connections to all nodes are given up.
    pub fn lost(&self, error: Option<&str>) -> Vec<Settlement> {
        let failure = match error {
            None => crate::dial::closed_by_server(),
            Some(text) => match classify_text(text) {
                FailureKind::UnknownError => Failure::new(FailureKind::ConnectionLost, text),
                kind => Failure::new(kind, text),
            },
        };
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.lost(&failure),
            Kind::Cluster(traffic) => {
                traffic.fleet.give_up(&failure);
                Vec::new()
            }
        }
    }

    /// Does what is due.
    pub fn turn(&self) -> Turn {
        match &self.kind {
            Kind::Single { hosted, .. } => hosted.turn(),
            Kind::Cluster(traffic) => {
                Turn { settlements: traffic.take_ended(), socket: Socket::Keep, next_in_ms: None }
            }
        }
    }

    /// Where Redis is, how to behave.
    pub fn config(&self) -> &Config {
        match &self.kind {
            Kind::Single { gate, .. } => &gate.config,
            Kind::Cluster(traffic) => &traffic.fleet.config,
        }
    }

    /// Has Redis be away, for a test of the application: connections end and dials fail with this
    /// failure until [`end_outage`](Self::end_outage). `refused`, `lost`, `timeout`, `dns`, `tls`, or
    /// the code of a [`FailureKind`] that ends connections.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for another cause.
    pub fn cause_outage(&self, cause: &str) -> Result<(), Error> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.cause_outage(cause),
            Kind::Cluster(traffic) => traffic.fleet.cause_outage(cause),
        }
    }

    /// Ends the outage: Redis is dialled at once. Without one does nothing.
    pub fn end_outage(&self) {
        match &self.kind {
            Kind::Single { gate, .. } => gate.end_outage(),
            Kind::Cluster(traffic) => traffic.fleet.end_outage(),
        }
    }

    /// Counts a request towards a rate limit in this process alone, as is done while Redis is away.
    pub fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        match &self.kind {
            Kind::Single { gate, .. } => gate.limit_locally(key, limit),
            Kind::Cluster(traffic) => traffic.fleet.limit_locally(key, limit),
        }
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    pub fn dead_letters(&self) -> Vec<crate::DeadLetter> {
        match &self.kind {
            Kind::Single { gate, .. } => gate.store.dead_letters(),
            Kind::Cluster(traffic) => traffic.fleet.dead_letters(),
        }
    }

    /// The nodes of a cluster: those that serve slots, in the order of their lowest, and replicas. None of
    /// a single server, and before one has told of the others.
    pub fn cluster_nodes(&self) -> Vec<ClusterNode> {
        match &self.kind {
            Kind::Single { .. } => Vec::new(),
            Kind::Cluster(traffic) => traffic.fleet.cluster_nodes(),
        }
    }

    /// Whether commands go to Redis at this moment: of a cluster, to every shard.
    pub fn is_connected(&self) -> bool {
        match &self.kind {
            Kind::Single { gate, .. } => gate.is_connected(),
            Kind::Cluster(traffic) => traffic.fleet.is_connected(),
        }
    }

    /// Whether commands for a key go to Redis at this moment.
    pub fn is_connected_for(&self, key: &[u8]) -> bool {
        match &self.kind {
            Kind::Single { gate, .. } => gate.is_connected(),
            Kind::Cluster(traffic) => traffic.fleet.is_connected_for(key),
        }
    }

    /// What the client counted, in Prometheus' text format. Metrics that OpenTelemetry's conventions
    /// for database clients know have their names; [`METRICS`](outlast_core::metrics::METRICS) is
    /// the table of all.
    pub fn metrics(&self) -> String {
        match &self.kind {
            Kind::Single { gate, hosted } => gate.metrics(hosted.connections()),
            Kind::Cluster(traffic) => traffic.fleet.metrics(),
        }
    }

    /// The snapshot that an operator sees.
    pub fn status(&self) -> Status {
        match &self.kind {
            Kind::Single { gate, .. } => gate.status(),
            Kind::Cluster(traffic) => traffic.fleet.status(),
        }
    }

    /// Ends every waiting command and the background thread. Again does nothing.
    pub fn close(&self) {
        match &self.kind {
            Kind::Single { gate, .. } => gate.close(),
            Kind::Cluster(traffic) => traffic.close(),
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
