//! What the client counts, as Prometheus reads it.

use std::time::Instant;

use outlast_core::FailureKind;
use outlast_core::metrics::{Connections, Snapshot, Target};

use super::Gate;
use crate::endpoint::Address;

impl Gate {
    /// A dial that began then has succeeded.
    pub(crate) fn dialled(&self, began: Instant) {
        self.dials.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    }

    /// The text of all metrics.
    pub(crate) fn metrics(&self, connections: Connections) -> String {
        let status = self.status();
        let failures: Vec<(FailureKind, u64)> = self.lock().engine.failures().collect();
        let endpoint = &self.config.endpoint;
        let (server_address, server_port) = match &endpoint.address {
            Address::Tcp { host, port } | Address::Tls { host, port } => {
                (host.as_str().into(), Some(*port))
            }
            Address::Unix { path } => (path.to_string_lossy(), None),
            Address::Sentinel { master, .. } => (master.as_str().into(), None),
            Address::Cluster { .. } => (endpoint.to_string().into(), None),
        };
        let database = endpoint.credentials.database;
        let snapshot = Snapshot {
            target: Target { server_address: &server_address, server_port, database },
            status: &status,
            failures: &failures,
            operations: &self.latency,
            dials: &self.dials,
            connections,
            connections_max: self.policy().connections_max,
        };
        snapshot.exposition()
    }
}
