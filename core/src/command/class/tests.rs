use std::collections::BTreeSet;
use std::vec::Vec;

use super::*;
use crate::command::keys;

fn class(call: &str) -> Class {
    Class::of(&call.split(' ').collect::<Vec<_>>())
}

#[test]
fn arguments_count() {
    assert_eq!(Traits::of(&["set", "k", "v"]), Traits::REPLACE);
    assert_eq!(Traits::of(&["SET", "NX", "GET"]), Traits::REPLACE);
    assert_eq!(Traits::of(&["SET", "k", "v", "px", "5", "nx"]), Traits::GUARD);
    assert_eq!(Traits::of(&["SET", "k", "v", "GET"]), Traits::ACCUMULATE);
    assert_eq!(Traits::of(&["INCR", "k"]), Traits::ACCUMULATE);
    assert_eq!(Traits::of(&["get", "k"]), Traits::READ);
    assert_eq!(Traits::of(&["NOSUCHCOMMAND"]), Traits::ACCUMULATE);
    assert_eq!(Traits::of(&["X".repeat(100)]), Traits::ACCUMULATE);
    assert_eq!(Traits::of::<&str>(&[]), Traits::NEUTRAL);
}

#[test]
fn every_command_has_a_class_and_only_one() {
    let missing: Vec<_> =
        COMMANDS.iter().filter(|command| RULES[command.index()].is_none()).collect();
    assert!(missing.is_empty(), "without a class: {missing:?}");
    let mut seen = BTreeSet::new();
    for name in CLASSES.iter().flat_map(|(_, names)| *names) {
        assert!(seen.insert(name), "{name} has two classes");
    }
    assert_eq!(seen.len(), Command::COUNT);
}

/// Where the judgement of Redis and ours differ, and why.
const DIFFERENT: &[&str] = &[
    // Without options they only read, whatever Redis must assume before it looks.
    "BITFIELD",
    "GEORADIUS",
    "GEORADIUSBYMEMBER",
    "GETEX",
    "SORT",
];

#[test]
fn redis_agrees_on_what_reads_and_what_writes() {
    for command in Command::all().iter().filter(|command| !command.is_container()) {
        let args = shortest_call(command);
        let access = Traits::of(&args).access;
        let is_different = if command.flags.contains(Flags::WRITE) {
            access != Access::Write
        } else if command.flags.contains(Flags::READONLY) {
            access == Access::Write
        } else {
            // Redis does not say; keys are read at most.
            false
        };
        assert_eq!(is_different, DIFFERENT.contains(&command.name), "{}: {access:?}", command.name);
    }
}

/// What connections share can only be changed by what neither reads nor writes.
#[test]
fn what_is_stateful_has_no_keys_but_those_it_watches() {
    for command in Command::all() {
        let traits = Traits::of(&shortest_call(command));
        if traits.stateful && command.name != "WATCH" {
            assert!(!command.has_keys(), "{}", command.name);
        }
        let may_block = command.flags.contains(Flags::BLOCKING);
        assert!(!traits.blocking || may_block || command.name == "WAIT", "{}", command.name);
    }
}

/// The name and as many arguments as it must have.
fn shortest_call(command: &Command) -> Vec<&'static str> {
    let mut args: Vec<_> = command.name.split(' ').collect();
    args.resize(usize::from(command.arity.unsigned_abs()).max(args.len()), "1");
    args
}

#[test]
fn options_change_what_a_command_does() {
    for (call, wanted) in [
        ("SET k v KEEPTTL", Class::Replace),
        ("SET k v XX", Class::Accumulate),
        ("ZADD k 1 incr", Class::Replace),
        ("ZADD k NX CH 1 m", Class::Replace),
        ("ZADD k XX INCR 1 m", Class::Accumulate),
        ("XADD s * f v", Class::Accumulate),
        ("XADD s 5-* f v", Class::Accumulate),
        ("XADD s 5-1 f *", Class::Replace),
        ("XADD s NOMKSTREAM MAXLEN ~ 10 LIMIT 5 * f v", Class::Accumulate),
        ("XADD s MAXLEN 10 5-1 f v", Class::Replace),
        ("XADD s", Class::Accumulate),
        ("GETEX k", Class::Read),
        ("GETEX k PERSIST", Class::Replace),
        ("GETDEL k", Class::Take),
        ("SORT k", Class::Read),
        ("SORT k STORE d", Class::Replace),
        ("SORT k LIMIT 1 2 STORE k", Class::Accumulate),
        ("GEORADIUS k 1 1 1 m", Class::Read),
        ("GEORADIUS k 1 1 1 m STORE d", Class::Replace),
        ("SUNIONSTORE d a b", Class::Replace),
        ("SDIFFSTORE d a d", Class::Accumulate),
        ("ZUNIONSTORE d 2 a d", Class::Accumulate),
        ("ZUNIONSTORE d 9 a", Class::Accumulate),
        ("BITOP XOR d a d", Class::Accumulate),
        ("BITOP OR d a d", Class::Replace),
        ("BITFIELD k GET u8 0", Class::Read),
        ("BITFIELD k SET u8 0 1", Class::Replace),
        ("BITFIELD k SET u8 0 1 INCRBY u8 0 1", Class::Accumulate),
        ("COPY a b", Class::Guard),
        ("COPY REPLACE b", Class::Guard),
        ("COPY a b REPLACE", Class::Replace),
        ("RESTORE k 0 x", Class::Guard),
        ("RESTORE k 0 x REPLACE", Class::Replace),
        ("FUNCTION LOAD x", Class::Accumulate),
        ("FUNCTION LOAD replace x", Class::Replace),
        ("LREM k 0 x", Class::Replace),
        ("LREM k 1 x", Class::Accumulate),
        ("LTRIM k 0 99", Class::Replace),
        ("LTRIM k -100 -1", Class::Replace),
        ("LTRIM k 1 -1", Class::Accumulate),
        ("ZREMRANGEBYRANK k 0 -101", Class::Replace),
        ("ZREMRANGEBYRANK k 100 -1", Class::Replace),
        ("ZREMRANGEBYRANK k 0 0", Class::Accumulate),
        ("EXPIRE k 1 NX", Class::Replace),
        ("XREAD STREAMS block 0", Class::Read),
        ("XREAD BLOCK 0 STREAMS s $", Class::Block),
        ("XREADGROUP GROUP BLOCK c STREAMS s >", Class::Take),
        ("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", Class::Block),
        ("XREADGROUP GROUP g c STREAMS s 0", Class::Replace),
        ("XGROUP SETID s g $", Class::Accumulate),
        ("XGROUP SETID s g 0", Class::Replace),
        ("ACL LOG RESET", Class::Admin),
        ("ACL LOG", Class::Inspect),
        ("client list", Class::Inspect),
        ("CLIENT NOSUCH", Class::Connection),
        ("XGROUP NOSUCH", Class::Accumulate),
    ] {
        assert_eq!(class(call), wanted, "{call}");
    }
}

#[test]
fn what_waits_is_told() {
    let traits = |call: &str| Traits::of(&call.split(' ').collect::<Vec<_>>());
    let pop = traits("BLPOP k 0");
    assert!(pop.blocking && pop.pops && pop.guarded && pop.access == Access::Write);
    let read = traits("XREAD BLOCK 0 STREAMS s $");
    assert!(read.blocking && !read.pops && read.idempotent && read.access == Access::Read);
    assert_eq!(traits("WAIT 1 0").access, Access::None);
    assert_eq!(traits("EVAL_RO s 0"), Traits::READ);
    assert_eq!(traits("EVAL s 0"), Traits::TAKE);
    assert!(traits("LPOP k").pops && traits("PUBLISH c m").guarded);
}

/// A command that pops does not pop from the key that it pushes to.
#[test]
fn what_is_popped_is_told_key_by_key() {
    let popped = |call: &str| -> Vec<usize> {
        let args: Vec<_> = call.split(' ').collect();
        let traits = Traits::of(&args);
        let keys = keys(&args).unwrap();
        keys.filter(|key| traits.pops_from(key.flags)).map(|key| key.at).collect()
    };
    for (call, wanted) in [
        ("LPOP q", &[1][..]),
        ("RPOP q 2", &[1]),
        ("LMOVE q p LEFT RIGHT", &[1]),
        ("RPOPLPUSH q p", &[1]),
        ("BLMOVE q p LEFT RIGHT 0", &[1]),
        ("BRPOPLPUSH q p 0", &[1]),
        ("LMPOP 2 q p LEFT", &[2, 3]),
        ("BLMPOP 0 2 q p LEFT", &[3, 4]),
        ("BLPOP q p 0", &[1, 2]),
        ("BRPOP q 0", &[1]),
        ("SPOP q", &[1]),
        ("ZPOPMIN q", &[1]),
        ("ZPOPMAX q", &[1]),
        ("ZMPOP 1 q MIN", &[2]),
        ("BZPOPMIN q 0", &[1]),
        ("BZPOPMAX q 0", &[1]),
        ("BZMPOP 0 1 q MIN", &[3]),
        ("GETDEL q", &[1]),
        ("RENAME q p", &[1]),
        ("XREADGROUP GROUP g c STREAMS q >", &[5]),
        ("XCLAIM q g c 0 1-1", &[1]),
        ("XAUTOCLAIM q g c 0 0", &[1]),
        ("EVAL s 2 q p x", &[3, 4]),
        ("EVAL_RO s 1 q", &[]),
        ("XREADGROUP GROUP g c STREAMS q 0", &[]),
        ("RPUSH q j", &[]),
        ("LRANGE q 0 -1", &[]),
        ("LREM q 1 j", &[]),
        ("XADD q * f v", &[]),
        ("XACK q g 1-1", &[]),
    ] {
        assert_eq!(popped(call), wanted, "{call}");
    }
}
