//! Where a command goes in a cluster, and how it is divided.

use alloc::vec::Vec;

use super::{Cursor, Join, slot_of};
use crate::command::{Command, Keys, NoKeys, keys};

/// What Redis says of a command whose keys lie in several slots.
pub const CROSS_SLOT: &str = "CROSSSLOT Keys in request don't hash to the same slot";

/// Keys lie in several slots where they may not: see [`CROSS_SLOT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct CrossSlot;

/// Where a command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// To the master of this slot.
    Slot(u16),
    /// Its keys lie in several slots: each part goes to the master of its slot.
    Split {
        /// The parts, in the order of the first key of each.
        parts: Vec<Part>,
        /// How their replies become one.
        join: Join,
    },
    /// To every master.
    Everywhere(Join),
    /// To any one master.
    Anywhere,
    /// `SCAN`, which looks at one master after another; none where its cursor is no number.
    Scan(Option<Cursor>),
    /// Nowhere: its keys lie in several slots, and it cannot be divided.
    CrossSlot,
}

/// The part of a command whose keys lie in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The slot.
    pub slot: u16,
    /// Which of the caller's keys these are, from 0.
    pub places: Vec<usize>,
    /// How many arguments belong to each key, itself among them.
    pub(super) step: usize,
}

impl Part {
    /// The command for these keys, of the whole command's arguments.
    pub fn args<'a, A: AsRef<[u8]>>(&self, whole: &'a [A]) -> Vec<&'a [u8]> {
        let own = self.places.iter().flat_map(|place| {
            let first = 1 + place * self.step;
            whole.get(first..first + self.step).unwrap_or_default()
        });
        whole.first().into_iter().chain(own).map(AsRef::as_ref).collect()
    }
}

/// Where a command goes.
pub fn plan<A: AsRef<[u8]>>(args: &[A]) -> Plan {
    let command = Command::of(args);
    let keys = match keys(args) {
        Ok(keys) => keys,
        Err(unclear) => return plan_without_keys(args, unclear),
    };
    let mut slots = slots_of(args, keys);
    let Some(first) = slots.next() else {
        return command.map_or(Plan::Anywhere, |command| plan_keyless(command, args));
    };
    if slots.all(|slot| slot == first) {
        return Plan::Slot(first);
    }
    command.and_then(|command| split(command, args)).unwrap_or(Plan::CrossSlot)
}

/// The one slot that the keys of a command lie in; none where it has none.
///
/// # Errors
///
/// They lie in several.
pub fn slot_of_call<A: AsRef<[u8]>>(args: &[A]) -> Result<Option<u16>, CrossSlot> {
    match plan(args) {
        Plan::Slot(slot) => Ok(Some(slot)),
        Plan::Split { .. } | Plan::CrossSlot => Err(CrossSlot),
        Plan::Everywhere(_) | Plan::Anywhere | Plan::Scan(_) => Ok(None),
    }
}

/// The one slot that the keys of all these commands lie in, as those of a transaction must; none where
/// they have none.
///
/// # Errors
///
/// They lie in several.
pub fn slot_of_all<A: AsRef<[u8]>>(commands: &[Vec<A>]) -> Result<Option<u16>, CrossSlot> {
    let mut all = None;
    for args in commands {
        match (all, slot_of_call(args)?) {
            (Some(one), Some(other)) if one != other => return Err(CrossSlot),
            (None, slot) => all = slot,
            (Some(_), _) => {}
        }
    }
    Ok(all)
}

fn slots_of<A: AsRef<[u8]>>(args: &[A], keys: Keys) -> impl Iterator<Item = u16> {
    keys.filter_map(|key| Some(slot_of(args.get(key.at)?.as_ref())))
}

/// The command of a module has its first key first, as a rule, and the node that is asked knows better.
/// What has too few arguments any node refuses.
fn plan_without_keys<A: AsRef<[u8]>>(args: &[A], why: NoKeys) -> Plan {
    match (why, args.get(1)) {
        (NoKeys::UnknownCommand, Some(key)) if !is_known(args) => Plan::Slot(slot_of(key.as_ref())),
        _ => Plan::Anywhere,
    }
}

fn is_known<A: AsRef<[u8]>>(args: &[A]) -> bool {
    args.first().is_some_and(|name| Command::find(name.as_ref()).is_some())
}

fn plan_keyless<A: AsRef<[u8]>>(command: &'static Command, args: &[A]) -> Plan {
    let channel = || args.get(1).map_or(0, |channel| slot_of(channel.as_ref()));
    match command.name {
        "SCAN" => return Plan::Scan(args.get(1).and_then(|cursor| Cursor::parse(cursor.as_ref()))),
        // A channel of a shard has a slot, and is no key.
        "SPUBLISH" | "SSUBSCRIBE" | "SUNSUBSCRIBE" => return Plan::Slot(channel()),
        // One that answers is answer enough, and one key is as random as another.
        "PING" | "RANDOMKEY" => return Plan::Anywhere,
        _ => {}
    }
    let docs = command.docs();
    let is_for_all = docs
        .tips()
        .any(|tip| matches!(tip, "request_policy:all_shards" | "request_policy:all_nodes"));
    let join = Join::of(docs).filter(|_| is_for_all);
    join.map_or(Plan::Anywhere, Plan::Everywhere)
}

fn split<A: AsRef<[u8]>>(command: &'static Command, args: &[A]) -> Option<Plan> {
    let docs = command.docs();
    // MSETNX sets all or nothing, which its parts could not.
    if command.name == "MSETNX" || !docs.tips().any(|tip| tip == "request_policy:multi_shard") {
        return None;
    }
    let join = Join::of(docs)?;
    let join = if join == Join::Lists { Join::InOrder } else { join };
    let step = usize::try_from(command.step).unwrap_or(1).max(1);
    let mut parts: Vec<Part> = Vec::new();
    for (place, slot) in slots_of(args, keys(args).ok()?).enumerate() {
        match parts.iter_mut().find(|part| part.slot == slot) {
            Some(part) => part.places.push(place),
            None => parts.push(Part { slot, places: alloc::vec![place], step }),
        }
    }
    Some(Plan::Split { parts, join })
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec;

    use super::*;

    fn of(line: &str) -> Plan {
        plan(&line.split(' ').collect::<Vec<_>>())
    }

    /// The parts of a command as they are sent.
    fn parts(line: &str) -> (Vec<String>, Join) {
        let args: Vec<&str> = line.split(' ').collect();
        let Plan::Split { parts, join } = plan(&args) else { panic!("{line}") };
        let text = |part: &Part| String::from_utf8(part.args(&args).join(&b' ')).unwrap();
        (parts.iter().map(text).collect(), join)
    }

    #[test]
    fn a_command_goes_where_its_keys_are() {
        let slot = |key: &str| Plan::Slot(slot_of(key.as_bytes()));
        for (line, wanted) in [
            ("GET foo", slot("foo")),
            ("set foo v NX", slot("foo")),
            ("MGET {t}a {t}b", slot("t")),
            ("EVAL s 2 {t}a {t}b x", slot("t")),
            ("XREAD COUNT 1 STREAMS {t}a {t}b 0 0", slot("t")),
            ("RENAME {t}a {t}b", slot("t")),
            ("SPUBLISH foo m", slot("foo")),
            ("JSON.SET foo $ 1", slot("foo")),
            ("RENAME a b", Plan::CrossSlot),
            ("SUNIONSTORE {t}a b {t}c", Plan::CrossSlot),
            ("MSETNX a 1 b 2", Plan::CrossSlot),
            ("MSETNX {t}a 1 {t}b 2", slot("t")),
            ("PFCOUNT a b", Plan::CrossSlot),
        ] {
            assert_eq!(of(line), wanted, "{line}");
        }
    }

    #[test]
    fn a_command_without_keys_goes_to_one_master_or_to_all() {
        for (line, wanted) in [
            ("PING", Plan::Anywhere),
            ("INFO", Plan::Anywhere),
            ("TIME", Plan::Anywhere),
            ("PUBLISH foo m", Plan::Anywhere),
            ("RANDOMKEY", Plan::Anywhere),
            ("EVAL s 0", Plan::Anywhere),
            ("GET", Plan::Anywhere),
            ("XGROUP NOSUCH k", Plan::Anywhere),
            ("CLUSTER INFO", Plan::Anywhere),
            ("DBSIZE", Plan::Everywhere(Join::Sum)),
            ("KEYS *", Plan::Everywhere(Join::Lists)),
            ("FLUSHALL ASYNC", Plan::Everywhere(Join::AllSucceeded)),
            ("SCRIPT LOAD s", Plan::Everywhere(Join::AllSucceeded)),
            ("SCRIPT EXISTS a b", Plan::Everywhere(Join::And)),
            ("SCRIPT KILL", Plan::Everywhere(Join::OneSucceeded)),
            ("WAIT 1 0", Plan::Everywhere(Join::Min)),
            ("CONFIG SET a b", Plan::Everywhere(Join::AllSucceeded)),
            ("SCAN 0 MATCH a*", Plan::Scan(Some(Cursor::default()))),
            ("SCAN x", Plan::Scan(None)),
        ] {
            assert_eq!(of(line), wanted, "{line}");
        }
    }

    #[test]
    fn commands_on_many_keys_are_divided_by_slot() {
        let both = |a: &str, b: &str| vec![String::from(a), String::from(b)];
        for (line, wanted, join) in [
            ("MGET {t}a x {t}b", both("MGET {t}a {t}b", "MGET x"), Join::InOrder),
            ("MSET x 1 {t}b 2", both("MSET x 1", "MSET {t}b 2"), Join::AllSucceeded),
            ("del x {t}b x", both("del x x", "del {t}b"), Join::Sum),
            ("UNLINK x y", both("UNLINK x", "UNLINK y"), Join::Sum),
            ("EXISTS x y", both("EXISTS x", "EXISTS y"), Join::Sum),
            ("TOUCH x y", both("TOUCH x", "TOUCH y"), Join::Sum),
        ] {
            assert_eq!(parts(line), (wanted, join), "{line}");
        }
    }

    #[test]
    fn a_transaction_lies_in_one_slot() {
        let all = |lines: &[&str]| {
            let commands: Vec<Vec<&str>> =
                lines.iter().map(|line| line.split(' ').collect()).collect();
            slot_of_all(&commands)
        };
        assert_eq!(all(&["PING", "SET {t}a 1", "MGET {t}a {t}b"]), Ok(Some(slot_of(b"t"))));
        assert_eq!(all(&["PING"]), Ok(None));
        assert_eq!(all(&["SET a 1", "SET b 1"]), Err(CrossSlot));
        assert_eq!(all(&["MGET a b"]), Err(CrossSlot));
    }
}
