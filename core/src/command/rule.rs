//! The class of those commands whose arguments decide what they do.

use super::class::Class;
use super::flags::KeyFlags;
use super::words::Words;
use super::{Command, keys::Key};

/// How to tell the class of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Whatever the arguments are.
    Always(Class),
    /// `RESET` clears the log.
    AclLog,
    /// Reading, setting and incrementing bits.
    BitField,
    /// XOR and NOT of the target itself undo themselves.
    BitOp,
    /// Without REPLACE or FLUSH, functions that are there already are an error.
    Function,
    /// Without an option it only reads.
    GetEx,
    /// The end of the stream, `$`, moves.
    GroupPosition,
    /// Without REPLACE, looked for from an argument on, only the first one wins.
    IfAbsent {
        /// The argument.
        since: usize,
    },
    /// Keeping the first or the last elements; anything else removes more each time.
    KeepRanks,
    /// Removing all but the first or the last elements; anything else removes more each time.
    RemoveRanks,
    /// Removing all equal elements, or some.
    RemoveSome,
    /// `SET`.
    Set,
    /// The result may go to a key.
    Store,
    /// Redis makes up the ID, or the caller does.
    XAdd,
    /// With BLOCK it waits.
    XRead,
    /// New entries are handed out; BLOCK waits for them.
    XReadGroup,
    /// INCR adds to a score.
    ZAdd,
}

impl Rule {
    pub(super) fn class<A: AsRef<[u8]>>(self, command: &Command, args: &[A]) -> Class {
        let replace_if = |is: bool| if is { Class::Replace } else { Class::Accumulate };
        let integers = || args.integer(2).zip(args.integer(3));
        match self {
            Self::Always(class) => class,
            Self::AclLog if args.is(2, b"RESET") => Class::Admin,
            Self::AclLog => Class::Inspect,
            Self::BitField => bitfield(args),
            Self::BitOp => {
                let undoes = args.is(1, b"XOR") || args.is(1, b"NOT");
                replace_if(!undoes || !stores_into_source(command, args))
            }
            Self::Function => replace_if(args.has(2, b"REPLACE") || args.has(2, b"FLUSH")),
            Self::GetEx if args.len() <= 2 => Class::Read,
            Self::GetEx => Class::Replace,
            Self::GroupPosition => replace_if(!args.is(4, b"$")),
            Self::IfAbsent { since } if args.has(since, b"REPLACE") => Class::Replace,
            Self::IfAbsent { .. } => Class::Guard,
            Self::KeepRanks => replace_if(matches!(integers(), Some((0, _) | (i64::MIN..0, -1)))),
            Self::RemoveRanks => {
                replace_if(matches!(integers(), Some((0, i64::MIN..0) | (0.., -1))))
            }
            Self::RemoveSome => replace_if(args.integer(2) == Some(0)),
            Self::Set => set(args),
            Self::Store => store(command, args),
            Self::XAdd => xadd(args),
            Self::XRead if waits(args, 1) => Class::Block,
            Self::XRead => Class::Read,
            Self::XReadGroup => xreadgroup(args),
            Self::ZAdd => zadd(args),
        }
    }
}

fn set<A: AsRef<[u8]>>(args: &[A]) -> Class {
    if args.has(3, b"NX") {
        Class::Guard
    } else if args.has(3, b"GET") || args.has(3, b"XX") {
        // GET tells what a second time no longer could; XX is how the holder of a lock renews it.
        Class::Accumulate
    } else {
        Class::Replace
    }
}

/// Only the words before the first score are options.
fn zadd<A: AsRef<[u8]>>(args: &[A]) -> Class {
    for at in 2..args.len() {
        let is_option = [&b"NX"[..], b"XX", b"GT", b"LT", b"CH"];
        if args.is(at, b"INCR") {
            return Class::Accumulate;
        }
        if !is_option.iter().any(|option| args.is(at, option)) {
            break;
        }
    }
    // What NX, GT and LT leave alone the first time, they leave alone the second time.
    Class::Replace
}

/// Before the ID there may be options, which are known by their first word.
fn xadd<A: AsRef<[u8]>>(args: &[A]) -> Class {
    let mut at = 2;
    loop {
        if args.is(at, b"NOMKSTREAM") {
            at += 1;
        } else if args.is(at, b"LIMIT") {
            at += 2;
        } else if args.is(at, b"MAXLEN") || args.is(at, b"MINID") {
            let is_operator = args.is(at + 1, b"~") || args.is(at + 1, b"=");
            at += if is_operator { 3 } else { 2 };
        } else {
            break;
        }
    }
    // An entry of a given ID is refused the second time; `*` and `5-*` make up another one.
    let is_made_up = args.get(at).is_none_or(|id| id.as_ref().ends_with(b"*"));
    if is_made_up { Class::Accumulate } else { Class::Replace }
}

/// Whether BLOCK is among the options, which end at STREAMS.
fn waits<A: AsRef<[u8]>>(args: &[A], from: usize) -> bool {
    let streams = (from..args.len()).find(|at| args.is(*at, b"STREAMS"));
    (from..streams.unwrap_or(args.len())).any(|at| args.is(at, b"BLOCK"))
}

fn xreadgroup<A: AsRef<[u8]>>(args: &[A]) -> Class {
    // After XREADGROUP GROUP group consumer.
    let from = 4;
    let streams = (from..args.len()).find(|at| args.is(*at, b"STREAMS"));
    let wants_new = streams.is_none_or(|at| args.has(at, b">"));
    match (wants_new, waits(args, from)) {
        (true, true) => Class::Block,
        (true, false) => Class::Take,
        // What the consumer has already is told again; at most the consumer itself is new.
        (false, _) => Class::Replace,
    }
}

fn bitfield<A: AsRef<[u8]>>(args: &[A]) -> Class {
    if args.has(2, b"INCRBY") {
        return Class::Accumulate;
    }
    let Some(key) = Command::find(b"BITFIELD")
        .and_then(|command| command.keys(args).ok())
        .and_then(|mut keys| keys.next())
    else {
        return Class::Replace;
    };
    if key.flags.writes() { Class::Replace } else { Class::Read }
}

/// A result that goes to a key which it was made from is another one the next time.
fn store<A: AsRef<[u8]>>(command: &Command, args: &[A]) -> Class {
    let Ok(mut keys) = command.keys(args) else {
        return Class::Accumulate;
    };
    if !keys.any(|key| key.flags.writes()) {
        Class::Read
    } else if stores_into_source(command, args) {
        Class::Accumulate
    } else {
        Class::Replace
    }
}

fn stores_into_source<A: AsRef<[u8]>>(command: &Command, args: &[A]) -> bool {
    let Ok(keys) = command.keys(args) else {
        return true;
    };
    let bytes = |key: Key| args.get(key.at).map(AsRef::as_ref);
    let is_source = |key: &Key| key.flags.contains(KeyFlags::RO);
    let target = |key: Key| keys.clone().filter(is_source).any(|other| bytes(other) == bytes(key));
    keys.clone().filter(|key| key.flags.writes()).any(target)
}
