//! Who serves which slots, as a node tells it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::SLOTS;
use crate::resp::Value;

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Node {
    /// Its name or address.
    pub host: String,
    /// Its port, behind TLS where the node that told it was asked behind TLS.
    pub port: u16,
}

/// A master with its replicas, and what it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shard {
    /// The master.
    pub master: Node,
    /// Its replicas, in the order in which they were told.
    pub replicas: Vec<Node>,
    /// Its slots, in order.
    pub slots: Vec<RangeInclusive<u16>>,
}

impl Shard {
    /// How many slots it serves.
    pub fn len(&self) -> usize {
        self.slots.iter().map(ExactSizeIterator::len).sum()
    }

    /// Whether it serves none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// All masters that serve slots, in the order of their lowest slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topology {
    /// The masters.
    pub shards: Vec<Shard>,
}

impl Topology {
    /// Reads the reply to `CLUSTER SLOTS` of a node that was asked at this host. Where a node does not
    /// know a host, it is that of the node which was asked. None where the reply is something else, or
    /// names no master.
    pub fn of_slots(reply: &Value, asked: &str) -> Option<Self> {
        let Value::Array(rows) = reply else {
            return None;
        };
        let mut shards: Vec<Shard> = Vec::new();
        for row in rows {
            let Value::Array(row) = row else { return None };
            let slots = slot(row.first()?)?..=slot(row.get(1)?)?;
            let mut nodes = row.get(2..)?.iter().filter_map(|node| node_of(node, asked));
            let master = nodes.next()?;
            let replicas = nodes.collect();
            match shards.iter_mut().find(|shard| shard.master == master) {
                Some(shard) => shard.slots.push(slots),
                None => shards.push(Shard { master, replicas, slots: alloc::vec![slots] }),
            }
        }
        for shard in &mut shards {
            shard.slots.sort_unstable_by_key(|slots| *slots.start());
        }
        shards.sort_by_key(|shard| shard.slots.first().map(|slots| *slots.start()));
        (!shards.is_empty()).then_some(Self { shards })
    }

    /// For each slot, the place of its master among the shards; none where nobody serves it.
    pub fn owners(&self) -> Vec<Option<usize>> {
        let mut owners = alloc::vec![None; usize::from(SLOTS)];
        for (at, shard) in self.shards.iter().enumerate() {
            for slot in shard.slots.iter().cloned().flatten() {
                if let Some(owner) = owners.get_mut(usize::from(slot)) {
                    *owner = Some(at);
                }
            }
        }
        owners
    }

    /// Every node, masters first.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let masters = self.shards.iter().map(|shard| &shard.master);
        masters.chain(self.shards.iter().flat_map(|shard| &shard.replicas))
    }
}

fn slot(value: &Value) -> Option<u16> {
    let Value::Integer(slot) = value else {
        return None;
    };
    u16::try_from(*slot).ok().filter(|slot| *slot < SLOTS)
}

/// A node: its preferred endpoint, its port, its number, and further names of it.
fn node_of(value: &Value, asked: &str) -> Option<Node> {
    let Value::Array(parts) = value else {
        return None;
    };
    let host = parts.first().filter(|host| **host != Value::Nil);
    let host = host.map_or(Some(&b""[..]), Value::as_bulk)?;
    let host = core::str::from_utf8(host).ok()?;
    let Some(Value::Integer(port)) = parts.get(1) else {
        return None;
    };
    let port = u16::try_from(*port).ok().filter(|port| *port > 0)?;
    let host = match host {
        "" => asked.to_string(),
        // It has no hostname, though the cluster wants them told.
        "?" => parts.get(3).and_then(ip_of).unwrap_or_else(|| asked.to_string()),
        host => host.to_string(),
    };
    Some(Node { host, port })
}

/// The address among the further names of a node: a map, or a list of names and values.
fn ip_of(further: &Value) -> Option<String> {
    let is_ip = |name: &Value| name.as_bulk() == Some(b"ip");
    let text = |value: &Value| String::from_utf8(value.as_bulk()?.to_vec()).ok();
    if let Value::Map(pairs) = further {
        return pairs.iter().find(|(name, _)| is_ip(name)).and_then(|(_, ip)| text(ip));
    }
    let Value::Array(items) = further else {
        return None;
    };
    let mut pairs = items.chunks_exact(2);
    let pair = pairs.find(|pair| pair.first().is_some_and(is_ip))?;
    text(pair.get(1)?)
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    fn node(host: Value, port: i64, further: Vec<Value>) -> Value {
        Value::Array([vec![host, Value::Integer(port), Value::bulk("id")], further].concat())
    }

    fn row(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        Value::Array([vec![Value::Integer(first), Value::Integer(last)], nodes].concat())
    }

    fn named(host: &str, port: u16) -> Node {
        Node { host: host.into(), port }
    }

    #[test]
    fn masters_are_read_with_their_replicas_and_slots() {
        let plain = |host: &str, port| node(Value::bulk(host), port, vec![]);
        let reply = Value::Array(vec![
            row(100, 16_383, vec![plain("b", 2)]),
            row(10, 99, vec![plain("a", 1), plain("r", 3)]),
            row(0, 4, vec![plain("a", 1), plain("r", 3)]),
        ]);
        let topology = Topology::of_slots(&reply, "asked").unwrap();
        let [first, second] = &topology.shards[..] else { panic!("{topology:?}") };
        assert_eq!((&first.master, &first.slots[..]), (&named("a", 1), &[0..=4, 10..=99][..]));
        assert_eq!((&first.replicas[..], first.len()), (&[named("r", 3)][..], 95));
        assert_eq!(second.master, named("b", 2));
        let owners = topology.owners();
        let at = |slot: usize| owners[slot];
        assert_eq!((at(4), at(5), at(10), at(16_383)), (Some(0), None, Some(0), Some(1)));
        assert_eq!(topology.nodes().count(), 3);
    }

    #[test]
    fn a_host_that_is_not_told_is_that_of_who_was_asked() {
        let map = Value::Map(vec![(Value::bulk("ip"), Value::bulk("10.0.0.1"))]);
        let list = Value::Array(vec![Value::bulk("ip"), Value::bulk("::1")]);
        for (host, further, wanted) in [
            (Value::bulk(""), vec![], "asked"),
            (Value::Nil, vec![], "asked"),
            (Value::bulk("?"), vec![], "asked"),
            (Value::bulk("?"), vec![map.clone()], "10.0.0.1"),
            (Value::bulk("?"), vec![list], "::1"),
            (Value::bulk("db.example"), vec![map], "db.example"),
        ] {
            let reply = Value::Array(vec![row(0, 1, vec![node(host, 7, further)])]);
            let topology = Topology::of_slots(&reply, "asked").unwrap();
            assert_eq!(topology.shards[0].master, named(wanted, 7));
        }
    }

    #[test]
    fn what_is_no_topology_is_none() {
        let error = Value::Error("ERR This instance has cluster support disabled".into());
        let wrong = Value::Array(vec![row(0, 16_384, vec![node(Value::bulk("h"), 1, vec![])])]);
        let nobody = Value::Array(vec![row(0, 1, vec![])]);
        for reply in [error, wrong, nobody, Value::Array(vec![]), Value::Nil] {
            assert_eq!(Topology::of_slots(&reply, "h"), None, "{reply:?}");
        }
    }
}
