//! Callers read what they wrote.

use alloc::collections::BTreeMap;
use alloc::format;

use super::super::ledger::{Ending, Kind, Op, key_of};
use super::super::world::World;
use super::{Checker, Found, Invariant};

/// A store with fewer bytes has no room for everything.
const SMALL_BYTES: u64 = 1 << 16;

/// A caller's GET tells what it last wrote; from memory it may also know nothing, where the write
/// was of a time before the outage.
pub(super) struct Reads;

impl Checker for Reads {
    fn check(&self, world: &World, found: &mut Found) {
        let ledger = &world.shared.ledger;
        let mut last: BTreeMap<(usize, usize), (Option<usize>, &Op)> = BTreeMap::new();
        for (id, op) in ledger.ops.iter().enumerate() {
            let of = (op.host, op.caller);
            let is_write = matches!(op.kind, Kind::Set | Kind::Delete);
            if is_write && op.is_promised() {
                last.insert(of, ((op.kind == Kind::Set).then_some(id), op));
            }
            let (Some(seen), true) = (op.seen, op.is_promised()) else { continue };
            let key = key_of("register", op.host, op.caller);
            // Where the server lost data, or took a late write, reads tell of that.
            if ledger.keys.get(&key).is_some_and(|fate| fate.ever_lost || fate.ever_late) {
                continue;
            }
            let expected = last.get(&of).and_then(|(value, _)| *value);
            // A small store gives up what was written back already.
            let is_small = world.plan.policy.store_bytes_max < SMALL_BYTES;
            let may_not_know = op.ending() == Some(Ending::FromMemory)
                && (is_small
                    || last.get(&of).is_none_or(|(_, write)| !is_of_this_outage(world, write, op)));
            if seen != expected && !(may_not_know && seen.is_none()) {
                let what = format!("{id} read {seen:?}, and not {expected:?}: {op:?}");
                found.broken(Invariant::ReadsTrue, what);
            }
        }
    }
}

/// Whether a write was served from memory, and its client was not on Redis until the read.
fn is_of_this_outage(world: &World, write: &Op, read: &Op) -> bool {
    let Some((ended, Ending::FromMemory)) = write.ended else { return false };
    let Some(host) = world.hosts.get(write.host) else { return false };
    let read_at = read.ended.map_or(read.began, |(at, _)| at);
    !host.connected.iter().any(|at| (ended..=read_at).contains(at))
}
