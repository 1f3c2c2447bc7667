//! What is done to the bytes that pass.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Which bytes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// Those to the server.
    Up,
    /// Those to the client.
    Down,
}

/// What stands between client and server.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// Nothing: every byte passes.
    Pass,
    /// Nobody listens; connections are reset.
    Refuse,
    /// A connection is accepted and closed; those that stand are closed, too.
    CloseAtAccept,
    /// A new connection passes nothing for a while.
    AnswerLate { ms: u64 },
    /// The connection is closed, or reset, after so many bytes.
    Cut { way: Way, at: usize, reset: bool },
    /// The end is told, and nothing more passes; the other way goes on.
    HalfClose { way: Way },
    /// The bytes are read and vanish.
    Swallow { way: Way },
    /// The bytes are not even read.
    Stall { way: Way },
    /// Each piece passes later.
    Delay { way: Way, ms: u64 },
    /// So few pass.
    Throttle { way: Way, bytes_per_second: u64 },
    /// Other bytes pass.
    Garble { way: Way },
    /// Each byte passes alone.
    Fragment { way: Way },
    /// This text passes once, before the next bytes.
    Inject { way: Way, text: String, times: usize },
    /// The first piece of a connection to the client passes twice.
    Repeat,
    /// The server refuses commands (all, or those named) with this error. It is really the server
    /// that says so, for the order of replies: the command becomes a script.
    Refusal { only: Vec<String>, error: String },
}

/// Every connection is to be closed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cut {
    pub(crate) number: u64,
    pub(crate) reset: bool,
}

/// What one connection was told.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) faults: watch::Receiver<Arc<Fault>>,
    pub(crate) cuts: watch::Receiver<Cut>,
}

impl Orders {
    /// The fault that stands; from here on [`changed`](Self::changed) waits for another.
    pub(crate) fn fault(&mut self) -> Arc<Fault> {
        self.faults.borrow_and_update().clone()
    }

    /// Waits for another fault. The proxy's end is none.
    pub(crate) async fn changed(&mut self) {
        if self.faults.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn wait_for(&mut self, mut wanted: impl FnMut(&Fault) -> bool) {
        if self.faults.wait_for(|fault| wanted(fault)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for a while; another fault ends it.
    pub(crate) async fn pass_time(&mut self, ms: u64) {
        let until = Instant::now() + Duration::from_millis(ms);
        let mut faults = self.faults.clone();
        let _ = timeout_at(until, faults.changed()).await;
    }

    /// Waits until all connections are to be closed; whether by a reset.
    pub(crate) async fn cut(&mut self) -> bool {
        if self.cuts.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.cuts.borrow_and_update().reset
    }
}
