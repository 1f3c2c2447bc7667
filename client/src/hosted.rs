//! The client for hosts with an event loop of their own: see [`Client`].

use std::fmt;
use std::io;
use std::sync::Arc;

use outlast_core::classify::classify_text;
use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::{Error, Failure, FailureKind, Input, Status};

use crate::config::Config;
use crate::driver::Driver;
use crate::events::Sink;
use crate::gate::Gate;
use crate::transport::hosted::Hosted;
pub use crate::transport::hosted::{Settlement, Socket, Submission, Turn};
use crate::transport::work::Work;

/// A client whose sockets the host's event loop reads and writes; no command crosses a thread.
///
/// The host calls [`turn`](Self::turn) when it was woken and when the time that the last turn
/// named has come; it writes what [`take_output`](Self::take_output) gives at the end of each
/// turn of its loop, and hands in what the socket read. The background thread only dials, keeps
/// timers and writes the journal back; it wakes the host through the function given here.
pub struct Client {
    gate: Arc<Gate>,
    hosted: Arc<Hosted>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.gate.config).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not dialled yet. `wake` is called on any thread, and must do no more than
    /// get the host to call [`turn`](Self::turn).
    pub fn new(
        config: Config,
        sink: Arc<dyn Sink>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let gate = Arc::new(Gate::new(config, sink));
        let hosted = Arc::new(Hosted::new(gate.clone(), Arc::new(wake)));
        crate::thread::spawn(Driver::new(gate.clone(), hosted.clone()));
        Self { gate, hosted }
    }

    /// Begins to dial, if that has not happened yet.
    pub fn start(&self) {
        self.gate.tell(Input::Start);
    }

    /// How the startup ended, once it has. Ask at each turn after [`start`](Self::start).
    pub fn startup(&self) -> Option<Result<(), Error>> {
        self.gate.startup_result()
    }

    /// Hands in a command: its name and arguments. In an outage it ends at once.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) beyond `in_flight_max` waiting commands;
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument).
    pub fn submit(&self, args: Vec<Vec<u8>>) -> Result<Submission, Error> {
        self.hosted.submit(Work::command(args))
    }

    /// Hands in a transaction: what stands between its MULTI and its EXEC. Nothing comes between its
    /// commands, on Redis as in the store. It ends with a list of replies: to MULTI, to each command,
    /// and to EXEC; error replies are values in it.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn submit_transaction(&self, commands: Vec<Vec<Vec<u8>>>) -> Result<Submission, Error> {
        self.hosted.submit(Work::transaction(commands))
    }

    /// Writes what is to be written now to the host's socket, which does not block, until it takes no
    /// more; whether something is left, for when it can be written to again. This instead of
    /// [`take_output`](Self::take_output) tells exactly what was sent when a connection dies.
    ///
    /// # Errors
    ///
    /// Those of the socket. Hand in what it still reads, and then [`lost`](Self::lost).
    pub fn write_to(&self, mut socket: impl io::Write) -> io::Result<bool> {
        self.hosted.write_to(&mut socket)
    }

    /// The bytes to write now, if any; they count as sent.
    pub fn take_output(&self) -> Option<Vec<u8>> {
        self.hosted.take_output()
    }

    /// Hands in bytes that the socket read; the commands that they end.
    pub fn receive(&self, bytes: &[u8]) -> Vec<Settlement> {
        self.hosted.receive(bytes)
    }

    /// Hands in that the socket was closed, with the text of its error if there was one.
    pub fn lost(&self, error: Option<&str>) -> Vec<Settlement> {
        let failure = match error {
            None => crate::dial::closed_by_server(),
            Some(text) => match classify_text(text) {
                FailureKind::UnknownError => Failure::new(FailureKind::ConnectionLost, text),
                kind => Failure::new(kind, text),
            },
        };
        self.hosted.lost(&failure)
    }

    /// Does what is due.
    pub fn turn(&self) -> Turn {
        self.hosted.turn()
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

    /// Whether commands go to Redis at this moment.
    pub fn is_connected(&self) -> bool {
        self.gate.is_connected()
    }

    /// The snapshot that an operator sees.
    pub fn status(&self) -> Status {
        self.gate.status()
    }

    /// Ends every waiting command and the background thread. Again does nothing.
    pub fn close(&self) {
        self.gate.close();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}
