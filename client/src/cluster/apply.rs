//! What a node says of who serves what, taken: shards come and go, and slots change hands. A slot of
//! which something waits to be written back stays with its shard until that is done.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use outlast_core::cluster::{SLOTS, Topology};
use outlast_core::policy::Startup;
use outlast_core::{Failure, FailureKind, Input, Mode};

use super::fleet::{Fleet, Member};
use crate::endpoint::Place;
use crate::transport::Transport;

/// How long a shard without slots is kept since a slot on its way there was last asked for.
const GUEST: Duration = Duration::from_secs(10);

impl<T: Transport> Fleet<T> {
    /// Takes a topology.
    pub(super) fn take(&self, topology: &Topology) {
        let _one = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return;
        }
        self.note_nodes(topology);
        let before = self.members();
        let masters = self.match_up(topology, &before);
        // From now on whoever comes is no part of the startup.
        self.is_charted.store(true, Ordering::Release);
        for (at, member) in masters.iter().enumerate() {
            let Some(shard) = topology.shards.get(at) else { continue };
            if let Some(first) = shard.slots.first() {
                member.seat.set_served(*first.start());
            }
            let master = place_of(&shard.master);
            if member.seat.master().as_ref() == Some(&master) {
                continue;
            }
            let endpoint = self.config.endpoint.at(&master).to_string();
            let is_known = member.seat.set_master(master);
            member.gate.tell(Input::Moved { endpoint });
            if is_known {
                leave_master(member);
            }
        }
        let wanted = topology.owners();
        self.hand_over(|slot| masters.get(wanted.get(usize::from(slot)).copied()??).cloned());
        for (member, shard) in masters.iter().zip(&topology.shards) {
            self.assign_reader(member, shard);
        }
        let fresh = masters
            .iter()
            .filter(|member| !before.iter().any(|other| other.number == member.number));
        for member in fresh {
            self.drive(member);
            member.gate.tell(Input::Start);
        }
        self.retire(&masters);
        self.share_limits();
    }

    /// The shard of each master: that which is there already, by its place, or else the one that has most
    /// of its slots.
    fn match_up(&self, topology: &Topology, before: &[Arc<Member<T>>]) -> Vec<Arc<Member<T>>> {
        let mut found: Vec<Option<Arc<Member<T>>>> = vec![None; topology.shards.len()];
        let mut free: Vec<Arc<Member<T>>> = before.to_vec();
        for (shard, found) in topology.shards.iter().zip(&mut found) {
            let place = place_of(&shard.master);
            let at = free.iter().position(|member| member.seat.master().as_ref() == Some(&place));
            *found = at.map(|at| free.swap_remove(at));
        }
        let mut overlaps = Vec::new();
        for (at, shard) in topology.shards.iter().enumerate().filter(|(at, _)| found[*at].is_none())
        {
            for member in &free {
                let slots = shard.slots.iter().cloned().flatten();
                let common = slots.filter(|slot| member.seat.has(*slot)).count();
                overlaps.push((common, at, member.clone()));
            }
        }
        overlaps.sort_by_key(|(common, at, member)| (usize::MAX - common, *at, member.number));
        let mut taken: Vec<u64> = Vec::new();
        for (common, at, member) in overlaps {
            if common > 0 && found[at].is_none() && !taken.contains(&member.number) {
                taken.push(member.number);
                found[at] = Some(member);
            }
        }
        let shards = topology.shards.iter().zip(found);
        shards
            .map(|(shard, found)| {
                found.unwrap_or_else(|| self.new_member(&place_of(&shard.master)))
            })
            .collect()
    }

    /// A shard for a master that none is of.
    pub(super) fn new_member(&self, master: &Place) -> Arc<Member<T>> {
        let mut config = self.config.clone();
        config.endpoint = config.endpoint.at(master);
        if self.is_charted.load(Ordering::Acquire) {
            // The application has started already.
            config.policy.startup = Startup::Optional;
            config.policy.startup_attempts_max = 1;
        }
        self.member(&self.this, config, Some(master.clone()))
    }

    /// Gives slots to who is to have them, those of which nothing waits to be written back.
    pub(super) fn hand_over(&self, wanted: impl Fn(u16) -> Option<Arc<Member<T>>>) {
        let mut owners = self.map.read().unwrap_or_else(PoisonError::into_inner).owners.clone();
        let mut leaving: BTreeMap<u64, (Arc<Member<T>>, Vec<u16>)> = BTreeMap::new();
        for slot in 0..SLOTS {
            let owner = &owners[usize::from(slot)];
            if wanted(slot).is_some_and(|to| to.number != owner.number) {
                let from = leaving.entry(owner.number);
                from.or_insert_with(|| (owner.clone(), Vec::new())).1.push(slot);
            }
        }
        let mut members = self.members();
        for (from, slots) in leaving.into_values() {
            from.gate.store.hand_over(&slots, |given| {
                for slot in given {
                    let Some(to) = wanted(*slot) else { continue };
                    from.seat.set(*slot, false);
                    to.seat.set(*slot, true);
                    if !members.iter().any(|member| member.number == to.number) {
                        members.push(to.clone());
                    }
                    owners[usize::from(*slot)] = to;
                }
            });
        }
        members.sort_by_key(|member| (member.seat.slots().next().unwrap_or(SLOTS), member.number));
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        map.owners = owners;
        map.members = members;
    }

    /// Closes shards that have no slots and that nothing waits in.
    fn retire(&self, masters: &[Arc<Member<T>>]) {
        let is_over = |member: &Member<T>| {
            let is_master = masters.iter().any(|other| other.number == member.number);
            let asked_at = *member.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
            member.seat.slots().next().is_none()
                && !(is_master || asked_at.elapsed() < GUEST)
                && member.gate.store.journal().keys == 0
        };
        let over: Vec<_> = self.members().into_iter().filter(|member| is_over(member)).collect();
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        map.members.retain(|member| !over.iter().any(|other| other.number == member.number));
        drop(map);
        for member in over {
            member.close();
            self.keep_counts(&member);
            self.modes.forget(member.number);
        }
    }

    /// Divides what the whole client may keep in memory among its shards.
    fn share_limits(&self) {
        let members = self.members();
        let share =
            |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX) / members.len().max(1);
        let policy = &self.config.policy;
        for member in &members {
            let (values, journal) =
                (share(policy.store_bytes_max), share(policy.journal_bytes_max));
            member.gate.store.set_limits(values, journal);
        }
    }

    /// A node said that a slot is another's from now on; whether that other is known.
    pub(crate) fn moved(&self, slot: u16, place: &Place) -> bool {
        let _one = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let members = self.members();
        let to = members.into_iter().find(|it| it.seat.master().as_ref() == Some(place));
        let Some(to) = to else {
            return false;
        };
        self.hand_over(|other| (other == slot).then(|| to.clone()));
        true
    }

    /// The shard of a node that a slot is on its way to. It may have no slots yet.
    pub(crate) fn guest(&self, place: &Place) -> Option<Arc<Member<T>>> {
        let _one = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return None;
        }
        let known = self.members().into_iter().find(|it| it.seat.master().as_ref() == Some(place));
        let member = known.unwrap_or_else(|| {
            let member = self.new_member(place);
            let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
            map.members.push(member.clone());
            drop(map);
            self.drive(&member);
            member.gate.tell(Input::Start);
            member
        });
        *member.asked_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Some(member)
    }

    /// Whether every shard is on Redis.
    pub(crate) fn is_connected(&self) -> bool {
        self.mode() == Mode::Connected
    }
}

/// Gives up the connections to a master that is none any more, and dials the new one.
fn leave_master<T>(member: &Member<T>) {
    if member.gate.is_connected() {
        let text = "another node is the master of its slots now";
        member.gate.lose(Failure::new(FailureKind::ReadOnly, text));
    }
    member.gate.tell(Input::Redial);
}

pub(super) fn place_of(node: &outlast_core::cluster::Node) -> Place {
    Place { host: node.host.clone(), port: node.port }
}
