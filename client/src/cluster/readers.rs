//! Replicas that are read from, where `cluster_read_from` says so. A replica has a gate of its own, so
//! that one which is away is found out once and dialled in the background; its reads go to the master
//! meanwhile. Nobody is told of its outages, for they are none of the application's.

use std::sync::{Arc, PoisonError, Weak};

use outlast_core::Input;
use outlast_core::cluster::Shard;
use outlast_core::command::{Access, Traits};
use outlast_core::policy::{ClusterReadFrom, Startup};

use super::Chart;
use super::fleet::{Fleet, Member};
use super::seat::Seat;
use crate::endpoint::Place;
use crate::events::{Event, Sink};
use crate::transport::Transport;

/// Nobody.
struct Silence;

impl Sink for Silence {
    fn event(&self, _event: Event) {}
}

impl<T: Transport> Fleet<T> {
    fn reads_replicas(&self) -> bool {
        self.config.policy.cluster_read_from == ClusterReadFrom::Replica
    }

    /// Gives a shard a replica to read from, if it has any. Clients are spread over several by chance.
    pub(super) fn assign_reader(&self, member: &Member<T>, shard: &Shard) {
        if !self.reads_replicas() {
            return;
        }
        let replicas: Vec<Place> = shard.replicas.iter().map(super::apply::place_of).collect();
        let mut own = member.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let current = own.as_ref().and_then(|reader| reader.seat.master());
        if current.is_some_and(|current| replicas.contains(&current)) {
            return;
        }
        if let Some(gone) = own.take() {
            gone.gate.close();
        }
        let count = replicas.len();
        let Some(place) = self.spread.checked_rem(count).and_then(|at| replicas.get(at)) else {
            return;
        };
        let mut config = self.config.clone();
        config.endpoint = config.endpoint.at(place);
        config.policy.startup = Startup::Optional;
        config.policy.startup_attempts_max = 1;
        config.policy.log_path.clear();
        let chart: Weak<dyn Chart> = self.this.clone();
        let seat = Arc::new(Seat::of_reader(chart, place.clone()));
        if let Some(first) = shard.slots.first() {
            seat.set_served(*first.start());
        }
        let reader = self.member_at(config, seat, Arc::new(Silence));
        self.drive(&reader);
        reader.gate.tell(Input::Start);
        *own = Some(reader);
    }

    /// The replica that a command may be read from: not while its shard is away, for what was written
    /// meanwhile is in memory.
    pub(crate) fn reader_for(&self, member: &Member<T>, traits: Traits) -> Option<Arc<Member<T>>> {
        if !self.reads_replicas()
            || traits.access != Access::Read
            || traits.guarded
            || traits.blocking
            || !member.gate.is_connected()
        {
            return None;
        }
        let reader = member.reader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reader.filter(|reader| reader.gate.is_connected())
    }
}

impl<T> Member<T> {
    /// Closes it, and the replica that it is read from.
    pub(super) fn close(&self) {
        self.gate.close();
        if let Some(reader) = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
            reader.gate.close();
        }
    }
}
