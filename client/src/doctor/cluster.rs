//! A cluster before one of its masters: who there is, whether every slot is served, and whether each
//! master can be reached.

use outlast_core::cluster::{Node, SLOTS, Topology};
use outlast_core::{Failure, FailureKind};

use super::Report;
use crate::config::Config;
use crate::dial::{self, Deadline};
use crate::endpoint::Place;

/// Ranges of slots that are shown.
const RANGES_MAX: usize = 8;

/// Looks at a cluster; the first of its masters.
pub(super) async fn look(
    config: &Config,
    nodes: &[Place],
    report: &mut Report,
    deadline: Deadline,
) -> Option<Place> {
    let asked = dial::cluster::ask(config, nodes, deadline);
    let topology = report.step("cluster", asked, shards).await?;
    report.step("slots", async { covered(&topology) }, String::clone).await?;
    let reached = reach_all(config, &topology, deadline);
    report.step("masters", reached, |count| format!("all {count} reached")).await?;
    topology.shards.first().map(|shard| place(&shard.master))
}

fn place(node: &Node) -> Place {
    Place { host: node.host.clone(), port: node.port }
}

fn shards(topology: &Topology) -> String {
    let shard = |shard: &outlast_core::cluster::Shard| {
        let (slots, replicas) = (shard.len(), shard.replicas.len());
        let noun = if replicas == 1 { "replica" } else { "replicas" };
        format!("{} with {slots} slots and {replicas} {noun}", place(&shard.master))
    };
    topology.shards.iter().map(shard).collect::<Vec<_>>().join("; ")
}

/// Whether every slot is served.
fn covered(topology: &Topology) -> Result<String, Failure> {
    let owners = topology.owners();
    let is_free = |slot: u16| owners.get(usize::from(slot)).is_none_or(Option::is_none);
    let mut free: Vec<(u16, u16)> = Vec::new();
    for slot in (0..SLOTS).filter(|slot| is_free(*slot)) {
        match free.last_mut() {
            Some((_, last)) if *last + 1 == slot => *last = slot,
            _ => free.push((slot, slot)),
        }
    }
    if free.is_empty() {
        return Ok(format!("all {SLOTS} are served"));
    }
    let count: u32 = free.iter().map(|(first, last)| u32::from(last - first) + 1).sum();
    let ranges = free.iter().take(RANGES_MAX).map(|(first, last)| format!("{first}-{last}"));
    let ranges: Vec<String> = ranges.collect();
    let more = if free.len() > RANGES_MAX { " and more" } else { "" };
    let text = format!("no node serves {count} of {SLOTS} slots: {}{more}", ranges.join(", "));
    Err(Failure::new(FailureKind::ClusterDown, text))
}

/// Connects to each master, which must say of itself that it is one; how many there are.
async fn reach_all(
    config: &Config,
    topology: &Topology,
    deadline: Deadline,
) -> Result<usize, Failure> {
    for shard in &topology.shards {
        let first = shard.slots.first().map(|slots| *slots.start());
        dial::cluster::dial(config, &place(&shard.master), first, deadline).await?;
    }
    Ok(topology.shards.len())
}
