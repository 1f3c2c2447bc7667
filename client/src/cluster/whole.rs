//! What a client tells of all its shards together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlast_core::cluster::{add, ranges, slot_of, slot_of_call, whole};
use outlast_core::latency::Histogram;
use outlast_core::metrics::{Connections, Snapshot, Target};
use outlast_core::rate_limit::{Limit, Verdict};
use outlast_core::{Error, Failure, FailureKind, Status};

use super::fleet::{Fleet, Member};
use crate::endpoint::Place;
use crate::transport::Transport;

/// A node of a cluster, as its client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterNode {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it serves slots; else it is a replica of one that does.
    pub is_master: bool,
    /// Whether the commands for its slots go there at this moment; never to a replica.
    pub is_connected: bool,
}

impl ClusterNode {
    fn new(Place { host, port }: Place, is_master: bool, is_connected: bool) -> Self {
        Self { host, port, is_master, is_connected }
    }
}

impl<T: Transport> Fleet<T> {
    /// The shard that a command's keys belong to; none where there is no one such.
    pub(crate) fn owner_of<A: AsRef<[u8]>>(&self, args: &[A]) -> Option<Arc<Member<T>>> {
        slot_of_call(args).ok().flatten().map(|slot| self.owner(slot))
    }

    /// The shard whose health a command depends on.
    pub(crate) fn member_for<A: AsRef<[u8]>>(&self, args: &[A]) -> Arc<Member<T>> {
        self.owner_of(args).unwrap_or_else(|| self.any())
    }

    /// Has every shard be away.
    pub(crate) fn cause_outage(&self, cause: &str) -> Result<(), Error> {
        self.members().iter().try_for_each(|member| member.gate.cause_outage(cause))
    }

    /// Lets every shard come back.
    pub(crate) fn end_outage(&self) {
        for member in self.members() {
            member.gate.end_outage();
        }
    }

    /// Whether the shard of a key is on Redis.
    pub(crate) fn is_connected_for(&self, key: &[u8]) -> bool {
        self.owner(slot_of(key)).gate.is_connected()
    }

    /// Counts a request in this process alone.
    pub(crate) fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        self.owner(slot_of(key)).gate.limit_locally(key, limit)
    }

    /// Writes that Redis refused for good, of all shards, oldest first.
    pub(crate) fn dead_letters(&self) -> Vec<crate::DeadLetter> {
        let members = self.members();
        let mut letters: Vec<_> =
            members.iter().flat_map(|member| member.gate.store.dead_letters()).collect();
        letters.sort_by_key(|letter| letter.at);
        letters
    }

    /// The nodes that serve a slot, and their replicas.
    pub(crate) fn cluster_nodes(&self) -> Vec<ClusterNode> {
        let mut nodes = Vec::new();
        for member in self.members() {
            let Some(place) = member.seat.master() else { continue };
            if member.seat.slots().next().is_some() {
                let is_connected = member.gate.is_connected();
                nodes.push(ClusterNode::new(place, true, is_connected));
            }
        }
        let replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner).clone();
        nodes.extend(replicas.into_iter().map(|place| ClusterNode::new(place, false, false)));
        nodes
    }

    /// Gives up the connections of every shard as if they were lost.
    pub(crate) fn give_up(&self, failure: &Failure) {
        for member in self.members().iter().filter(|member| member.gate.is_connected()) {
            member.gate.lose(failure.clone());
        }
    }

    /// Connections of all shards.
    pub(crate) fn connections(&self) -> Connections {
        let mut all = Connections::default();
        for member in self.members() {
            let Connections { idle, used, waiting, .. } = member.transport.connections();
            all.idle += idle;
            all.used += used;
            all.waiting += waiting;
        }
        all
    }

    /// The snapshot of the whole.
    pub(crate) fn status(&self) -> Status {
        let status = |member: &Arc<Member<T>>| (ranges(member.seat.slots()), member.gate.status());
        let members = self.members();
        let all = whole(members.iter().map(status).collect());
        // There is a shard at any time.
        let mut all = all.unwrap_or_else(|| members[0].gate.status());
        if let Some(retired) = &*self.retired() {
            add(&mut all, retired);
        }
        all.endpoint = self.config.endpoint.to_string();
        all.latency = self.counted().operations.quantiles();
        all
    }

    /// Keeps what a shard counted that is no more.
    pub(super) fn keep_counts(&self, member: &Member<T>) {
        let mut status = member.gate.status();
        // What it holds goes with it, and so does its outage.
        (status.store_keys, status.store_bytes) = (0, 0);
        (status.connection_failure_count, status.failures_since_log) = (0, 0);
        match &mut *self.retired() {
            Some(retired) => add(retired, &status),
            none => *none = Some(status),
        }
        let kept = &self.kept;
        let mut failures = kept.failures.lock().unwrap_or_else(PoisonError::into_inner);
        member.gate.count_into(&mut failures, &kept.operations, &kept.dials);
    }

    fn retired(&self) -> MutexGuard<'_, Option<Status>> {
        self.kept.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self) -> Counted {
        let (operations, dials) = (Histogram::default(), Histogram::default());
        operations.add(&self.kept.operations);
        dials.add(&self.kept.dials);
        let kept = self.kept.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failures = kept.clone();
        drop(kept);
        for member in self.members() {
            member.gate.count_into(&mut failures, &operations, &dials);
        }
        Counted { failures, operations, dials }
    }

    /// The metrics of the whole.
    pub(crate) fn metrics(&self) -> String {
        let (status, counted) = (self.status(), self.counted());
        let failures: Vec<_> = counted.failures.into_iter().collect();
        let snapshot = Snapshot {
            target: Target { server_address: &status.endpoint, server_port: None, database: 0 },
            status: &status,
            failures: &failures,
            operations: &counted.operations,
            dials: &counted.dials,
            connections: self.connections(),
            connections_max: self.config.policy.connections_max,
        };
        snapshot.exposition()
    }
}

/// What all shards counted together.
struct Counted {
    failures: BTreeMap<FailureKind, u64>,
    operations: Histogram,
    dials: Histogram,
}

/// What shards counted that are no more.
#[derive(Default)]
pub(super) struct Kept {
    status: Mutex<Option<Status>>,
    failures: Mutex<BTreeMap<FailureKind, u64>>,
    operations: Histogram,
    dials: Histogram,
}
