//! Writes that accumulate: each once, in their order, and none that nobody was told of.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::super::ledger::{Ending, Kind, Op, ids_in, key_of};
use super::super::sabotage::Sabotage;
use super::super::world::World;
use super::{Checker, Found, Invariant};

/// Each list has what was pushed to it.
pub(super) struct Lists;

impl Checker for Lists {
    fn check(&self, world: &World, found: &mut Found) {
        let now = world.shared.now;
        let own = |what: &'static str| {
            let callers = world
                .hosts
                .iter()
                .flat_map(|host| (0..host.plan.callers).map(move |caller| (host.index, caller)));
            callers.map(move |(host, caller)| key_of(what, host, caller))
        };
        let mut present = Vec::new();
        for key in own("list").chain(own("victim")).chain([b"queue".to_vec()]) {
            let ids = world.server.list(now, &key).unwrap_or_default();
            check_each_once(&ids, found);
            check_order(world, &ids, found);
            present.extend(ids);
        }
        check_told(world, &present.into_iter().collect(), found);
    }
}

fn check_each_once(ids: &[usize], found: &mut Found) {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            found.broken(Invariant::NothingTwice, format!("{id} is in its list twice"));
        }
    }
}

/// What a caller knows to be done comes in the order in which it was asked for.
fn check_order(world: &World, ids: &[usize], found: &mut Found) {
    let mut last = alloc::collections::BTreeMap::new();
    for id in ids {
        let Some(op) = world.shared.ledger.ops.get(*id) else { continue };
        if !op.is_promised() || op.was_lost {
            continue;
        }
        let caller = (op.host, op.caller);
        let before = last.insert(caller, *id);
        if let Some(before) = before.filter(|before| before > id) {
            let what = format!("{id} comes after {before}");
            found.broken(Invariant::OrderKept, what);
        }
    }
}

fn is_push(op: &Op) -> bool {
    matches!(op.kind, Kind::Push | Kind::PushShared | Kind::PushVictim)
}

fn check_told(world: &World, present: &BTreeSet<usize>, found: &mut Found) {
    let mut dead = BTreeSet::new();
    if !world.shared.is_sabotaged(Sabotage::ForgetDeadLetters) {
        for host in &world.hosts {
            let letters = host.store.dead_letters();
            let commands = letters.iter().flat_map(|letter| &letter.commands);
            dead.extend(commands.flat_map(|command| ids_in(command)));
        }
    }
    for (id, op) in world.shared.ledger.ops.iter().enumerate().filter(|(_, op)| is_push(op)) {
        let is_present = present.contains(&id);
        match op.ending() {
            Some(Ending::ByRedis | Ending::FromMemory) => {
                if is_present || op.was_lost || dead.contains(&id) {
                    continue;
                }
                found.broken(Invariant::NothingLost, format!("{id} is nowhere: {op:?}"));
            }
            Some(Ending::Refused | Ending::Error | Ending::MaybeApplied) | None => {}
        }
    }
}

/// The counter has what was added to it.
pub(super) struct Counter;

impl Checker for Counter {
    fn check(&self, world: &World, found: &mut Found) {
        let ledger = &world.shared.ledger;
        let sum = |wanted: &dyn Fn(&Op) -> bool| {
            let ops = ledger.ops.iter().filter(|op| wanted(op));
            let amounts = ops.map(|op| if let Kind::Count(by) = op.kind { by } else { 0 });
            amounts.sum::<u64>()
        };
        let promised = sum(&Op::is_promised);
        let in_doubt = sum(&|op| op.ending() == Some(Ending::MaybeApplied));
        let value = world.server.get(world.shared.now, b"count");
        let value = value.and_then(|text| core::str::from_utf8(&text).ok()?.parse::<u64>().ok());
        let value = value.unwrap_or(0);
        let lost = ledger.count_lost;
        let told =
            || format!("{value} of {promised}, {in_doubt} in doubt, {lost} lost by the server");
        if value + lost < promised {
            found.broken(Invariant::NothingLost, told());
        }
        if value > promised + in_doubt {
            found.broken(Invariant::NothingTwice, told());
        }
    }
}

/// Nothing was done of what a caller was told not to be.
pub(super) struct Refusals;

impl Checker for Refusals {
    fn check(&self, world: &World, found: &mut Found) {
        for (id, op) in world.shared.ledger.ops.iter().enumerate() {
            let is_refused = matches!(op.ending(), Some(Ending::Refused | Ending::Error));
            if is_refused && op.ever_applied {
                let what = format!("{id} was refused, and was done: {op:?}");
                found.broken(Invariant::DoubtTold, what);
            }
        }
    }
}
