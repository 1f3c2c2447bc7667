//! What the client counts, as Prometheus reads it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use outlast_core::FailureKind;
use outlast_core::latency::Histogram;
use outlast_core::metrics::{Connections, Snapshot, Target};

use super::Gate;
use crate::endpoint::Address;

impl Gate {
    /// A dial that began then has succeeded.
    pub(crate) fn dialled(&self, began: Instant) {
        self.dials.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    }

    /// A node of the cluster did not do a command and sent it elsewhere.
    pub(crate) fn redirected(&self) {
        self.redirects.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds what it counted to what others did: failures, and how long commands and dials took.
    pub(crate) fn count_into(
        &self,
        failures: &mut BTreeMap<FailureKind, u64>,
        operations: &Histogram,
        dials: &Histogram,
    ) {
        for (kind, count) in self.lock().engine.failures() {
            *failures.entry(kind).or_default() += count;
        }
        operations.add(&self.latency);
        dials.add(&self.dials);
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
