//! The seam: ways for commands to reach Redis. Each is handed connections that are dialled,
//! logged in and answered a PING, and tells the gate how every command on them ended.
//!
//! | transport | who waits for the socket |
//! | --- | --- |
//! | [`pool`] | the calling thread, on a connection of its own |
//! | [`hosted`] | the host's event loop, which is handed the socket |
//! | [`multiplexed`] | a task on tokio, for all others |

#[cfg(unix)]
pub(crate) mod batch;
#[cfg(unix)]
pub(crate) mod hosted;
pub(crate) mod multiplexed;
pub(crate) mod pool;
#[cfg(unix)]
pub(crate) mod room;
#[cfg(unix)]
pub(crate) mod told;
#[cfg(unix)]
pub(crate) mod work;

use outlast_core::Failure;
use outlast_core::metrics::Connections;

use crate::dial::Link;

/// The one connection that all callers share, by how many commands it carries; none if there is none.
pub(crate) fn shared(in_flight: Option<usize>) -> Connections {
    let used = u64::from(in_flight.is_some_and(|commands| commands > 0));
    Connections { idle: u64::from(in_flight.is_some()) - used, used, waiting: 0 }
}

/// What the driver needs of a transport.
pub(crate) trait Transport: Send + Sync + 'static {
    /// The first connection of an epoch: callers use it as soon as the mode is connected.
    fn install(&self, link: Link, epoch: u64);

    /// Gives up every connection.
    fn close(&self);

    /// The connections at this moment.
    fn connections(&self) -> Connections;

    /// Whether callers wait for a further connection.
    fn wants_link(&self) -> bool {
        false
    }

    /// Whether callers may ever want a further connection.
    fn may_grow(&self) -> bool {
        false
    }

    /// A further connection of the current epoch.
    ///
    /// # Errors
    ///
    /// The epoch, where another server than the epoch's serves the connection. It is closed.
    fn add(&self, _link: Link) -> Result<(), u64> {
        Ok(())
    }

    /// Whether a connection that nobody uses has died, and which epoch it was of.
    fn check_idle(&self) -> Option<(u64, Failure)> {
        None
    }
}
