//! Keys that hold what was last written to them.

use alloc::format;
use alloc::vec::Vec;

use super::super::coverage::Happening;
use super::super::ledger::{Ending, KeyFate, Kind, key_of};
use super::super::world::World;
use super::{Checker, Found, Invariant};

/// Each caller's registers hold what it last wrote.
pub(super) struct Registers;

/// Keys that expire stay away once they did.
pub(super) struct Passing;

/// Pairs were never seen by halves.
pub(super) struct Units;

/// Callers, by client.
fn callers(world: &World) -> impl Iterator<Item = (usize, usize)> + '_ {
    let of = |host: &super::super::host::Host| {
        let index = host.index;
        (0..host.plan.callers).map(move |caller| (index, caller))
    };
    world.hosts.iter().flat_map(of)
}

/// The operations of a caller of which `wanted` says that they write a key, as they were promised.
fn last_promised(
    world: &World,
    (host, caller): (usize, usize),
    wanted: impl Fn(Kind) -> bool,
) -> Option<usize> {
    let ops = &world.shared.ledger.ops;
    let is_of = |id: &usize| {
        let op = &ops[*id];
        op.host == host && op.caller == caller && wanted(op.kind) && op.is_promised()
    };
    (0..ops.len()).rev().find(is_of)
}

impl Checker for Registers {
    fn check(&self, world: &World, found: &mut Found) {
        let now = world.shared.now;
        for of in callers(world) {
            let key = |what: &str| key_of(what, of.0, of.1);
            let is_pair = |kind| matches!(kind, Kind::Pair | Kind::PairTransaction);
            let register = key("register");
            let last = last_promised(world, of, |kind| matches!(kind, Kind::Set | Kind::Delete));
            check_value(world, &register, last, world.server.get(now, &register), found);
            let hash = key("hash");
            let last = last_promised(world, of, |kind| kind == Kind::Field);
            check_value(world, &hash, last, world.server.field(now, &hash), found);
            for side in ["left", "right"] {
                let side = key(side);
                let last = last_promised(world, of, is_pair);
                check_value(world, &side, last, world.server.get(now, &side), found);
            }
        }
    }
}

fn check_value(
    world: &World,
    key: &[u8],
    last: Option<usize>,
    value: Option<Vec<u8>>,
    found: &mut Found,
) {
    let ops = &world.shared.ledger.ops;
    let value = value.and_then(|text| core::str::from_utf8(&text).ok()?.parse::<usize>().ok());
    let is_deletion = last.is_some_and(|last| ops[last].kind == Kind::Delete);
    let expected = last.filter(|_| !is_deletion);
    if value == expected {
        return;
    }
    let fate = world.shared.ledger.keys.get(key).cloned().unwrap_or_default();
    let key = alloc::string::String::from_utf8_lossy(key).into_owned();
    let what = format!("{key} holds {value:?}, and not {expected:?} ({last:?} came last)");
    let told = value.and_then(|value| ops.get(value)).and_then(super::super::ledger::Op::ending);
    if matches!(told, Some(Ending::Refused | Ending::Error)) {
        found.broken(Invariant::DoubtTold, what);
    } else if is_excused(world, &fate, found) {
    } else if is_deletion {
        found.broken(Invariant::NoResurrection, what);
    } else if value.is_none() {
        found.broken(Invariant::NothingLost, what);
    } else {
        found.broken(Invariant::OrderKept, what);
    }
}

/// Whether a key may hold something else: the server lost its data, or, where nothing guards against
/// that, a connection that its client had given up still carried an older write.
fn is_excused(world: &World, fate: &KeyFate, found: &mut Found) -> bool {
    if fate.is_lost {
        found.coverage.count(Happening::DataLost);
        return true;
    }
    if fate.is_late && !world.shared.settings.guard {
        found.coverage.count(Happening::Overtaken);
        return true;
    }
    false
}

impl Checker for Passing {
    fn check(&self, world: &World, found: &mut Found) {
        for of in callers(world) {
            let is_passing = |kind| matches!(kind, Kind::SetPassing(_));
            let Some(last) = last_promised(world, of, is_passing) else { continue };
            let op = &world.shared.ledger.ops[last];
            let (Kind::SetPassing(ttl_ms), Some((ended, ending))) = (op.kind, op.ended) else {
                continue;
            };
            // A client's clock that is ahead says so much later when the key expires.
            let jumped_ms = world.hosts.get(of.0).map_or(0, |host| host.jumped_ms);
            if world.shared.now <= ended + ttl_ms + jumped_ms {
                continue;
            }
            let key = key_of("passing", of.0, of.1);
            let value = world.server.get(world.shared.now, &key);
            let fate = world.shared.ledger.keys.get(&key).cloned().unwrap_or_default();
            if let Some(value) = value
                && !is_excused(world, &fate, found)
            {
                let what = format!("{op:?} should have expired, and holds {value:?}");
                found.broken(Invariant::NoResurrection, what);
            } else if ending == Ending::FromMemory {
                found.coverage.count(Happening::KeyExpired);
            }
        }
    }
}

impl Checker for Units {
    fn check(&self, world: &World, found: &mut Found) {
        if let Some((what, at)) = &world.shared.ledger.torn {
            found.broken(Invariant::UnitsWhole, format!("at {at}: {what}"));
        }
    }
}
