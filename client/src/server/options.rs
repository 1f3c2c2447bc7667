//! What a server may be told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use outlast_core::Error;
use outlast_core::resp::RequestLimits;
use outlast_core::store::{Eviction, Password};

/// How a server listens, and its bounds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Where it listens; port 0 lets the system choose. Anything but the loopback address needs a
    /// password.
    pub address: SocketAddr,
    /// Listens on this unix socket instead.
    pub unix_path: Option<PathBuf>,
    /// What clients must give with AUTH or HELLO.
    pub password: Option<Password>,
    /// Bytes that keys, values and their bookkeeping may take; default 256 MiB.
    pub bytes_max: usize,
    /// What happens when a write would pass `bytes_max`; by default it is refused.
    pub eviction: Eviction,
    /// Connections at once; default 10,000, as in Redis.
    pub clients_max: usize,
    /// Bytes of requests that may wait on one connection; default 1 GiB, as in Redis.
    pub query_bytes_max: usize,
    /// Bytes of messages that may wait for a slow subscriber before it is disconnected; default
    /// 32 MiB, as in Redis. A client that does not read its replies is read no further at the same
    /// bound.
    pub output_bytes_max: usize,
}

impl ServerOptions {
    /// A server on this port of the loopback address.
    pub fn new(port: u16) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            unix_path: None,
            password: None,
            bytes_max: 256 << 20,
            eviction: Eviction::NoEviction,
            clients_max: 10_000,
            query_bytes_max: RequestLimits::default().query_bytes_max,
            output_bytes_max: 32 << 20,
        }
    }

    /// Checks the bounds, and what Redis' protected mode guards against.
    pub(super) fn check(&self) -> Result<(), Error> {
        let is_open = self.unix_path.is_none() && !self.address.ip().is_loopback();
        if is_open && self.password.is_none() {
            return Err(Error::invalid_option(
                "address",
                &self.address.to_string(),
                "a loopback address; any other needs a password",
            ));
        }
        for (name, bound) in [
            ("bytes_max", self.bytes_max),
            ("clients_max", self.clients_max),
            ("query_bytes_max", self.query_bytes_max),
            ("output_bytes_max", self.output_bytes_max),
        ] {
            if bound == 0 {
                return Err(Error::invalid_option(name, "0", "1 or more"));
            }
        }
        Ok(())
    }

    pub(super) fn limits(&self) -> RequestLimits {
        let mut limits = RequestLimits::default();
        limits.query_bytes_max = self.query_bytes_max;
        limits
    }
}
