//! What callers asked for and were told, and what the server did.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// Name and arguments.
pub(super) type Args = Vec<Vec<u8>>;

/// What a caller asks for. Each caller has keys of its own, and some are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RPUSH to its list.
    Push,
    /// RPUSH to the list of all clients.
    PushShared,
    /// RPUSH to a list that a third party may turn into something else.
    PushVictim,
    /// INCRBY of the counter of all clients.
    Count(u64),
    /// SET of its register.
    Set,
    /// DEL of its register.
    Delete,
    /// GET of its register.
    Get,
    /// SET of its passing key, for so many milliseconds.
    SetPassing(u64),
    /// HSET in its hash.
    Field,
    /// MSET of both sides of its pair.
    Pair,
    /// MULTI, SET of each side of its pair, EXEC.
    PairTransaction,
    /// SET of a key whose rule says that it is a lock.
    Lock,
}

/// What a caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Redis did it.
    ByRedis,
    /// Memory did it, and Redis will.
    FromMemory,
    /// Redis may have done it.
    MaybeApplied,
    /// Nobody did it, nor will.
    Refused,
    /// An error reply: nobody did it.
    Error,
}

/// One command or transaction of a caller.
#[derive(Debug)]
pub(super) struct Op {
    pub(super) host: usize,
    pub(super) caller: usize,
    pub(super) kind: Kind,
    pub(super) began: u64,
    pub(super) ended: Option<(u64, Ending)>,
    /// What a GET told, where it was not answered with an error.
    #[expect(clippy::option_option, reason = "nothing told, nothing there, or a value")]
    pub(super) seen: Option<Option<usize>>,
    /// How often the server did it and still has it done.
    pub(super) applied: u32,
    /// Whether the server ever did it.
    pub(super) ever_applied: bool,
    /// Whether the server did it and lost it, or a third party destroyed it.
    pub(super) was_lost: bool,
}

impl Op {
    /// Whether its caller may count on it.
    pub(super) fn is_promised(&self) -> bool {
        matches!(self.ended, Some((_, Ending::ByRedis | Ending::FromMemory)))
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ended.map(|(_, ending)| ending)
    }
}

/// What is known of a key that has one writer.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what is true of it, independently")]
pub(super) struct KeyFate {
    /// When the server last wrote it.
    pub(super) written_at: u64,
    /// Whether that came from a connection that its client had given up.
    pub(super) is_late: bool,
    /// Whether the server lost that write.
    pub(super) is_lost: bool,
    /// The same of any write.
    pub(super) ever_late: bool,
    pub(super) ever_lost: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) ops: Vec<Op>,
    pub(super) keys: BTreeMap<Vec<u8>, KeyFate>,
    /// A pair whose sides differed, and when.
    pub(super) torn: Option<(String, u64)>,
    /// What the counter lost with the server's data.
    pub(super) count_lost: u64,
}

impl Ledger {
    pub(super) fn begin(&mut self, now: u64, host: usize, caller: usize, kind: Kind) -> usize {
        self.ops.push(Op {
            host,
            caller,
            kind,
            began: now,
            ended: None,
            seen: None,
            applied: 0,
            ever_applied: false,
            was_lost: false,
        });
        self.ops.len() - 1
    }

    /// The commands of an operation; several are a transaction.
    pub(super) fn commands(&self, op: usize) -> Vec<Args> {
        let Some(Op { host, caller, kind, .. }) = self.ops.get(op) else {
            return Vec::new();
        };
        let key = |what: &str| key_of(what, *host, *caller);
        let id = op.to_string().into_bytes();
        let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Args>();
        match kind {
            Kind::Push => vec![words(&[b"RPUSH", &key("list"), &id])],
            Kind::PushShared => vec![words(&[b"RPUSH", b"queue", &id])],
            Kind::PushVictim => vec![words(&[b"RPUSH", &key("victim"), &id])],
            Kind::Count(by) => {
                vec![words(&[b"INCRBY", b"count", by.to_string().as_bytes()])]
            }
            Kind::Set => vec![words(&[b"SET", &key("register"), &id])],
            Kind::Delete => vec![words(&[b"DEL", &key("register")])],
            Kind::Get => vec![words(&[b"GET", &key("register")])],
            Kind::SetPassing(ms) => {
                let ms = ms.to_string();
                vec![words(&[b"SET", &key("passing"), &id, b"PX", ms.as_bytes()])]
            }
            Kind::Field => vec![words(&[b"HSET", &key("hash"), b"field", &id])],
            Kind::Pair => {
                vec![words(&[b"MSET", &key("left"), &id, &key("right"), &id])]
            }
            Kind::PairTransaction => {
                vec![words(&[b"SET", &key("left"), &id]), words(&[b"SET", &key("right"), &id])]
            }
            Kind::Lock => vec![words(&[b"SET", &key("lock"), &id])],
        }
    }

    /// The server did this.
    pub(super) fn applied(&mut self, now: u64, args: &[Vec<u8>], is_late: bool) {
        for id in ids_in(args) {
            if let Some(op) = self.ops.get_mut(id) {
                op.applied += 1;
                op.ever_applied = true;
            }
        }
        for key in keys_in(args) {
            let fate = self.keys.entry(key.to_vec()).or_default();
            (fate.written_at, fate.is_late, fate.is_lost) = (now, is_late, false);
            fate.ever_late |= is_late;
        }
    }

    /// The server lost this with its data.
    pub(super) fn lost(&mut self, args: &[Vec<u8>]) {
        for id in ids_in(args) {
            if let Some(op) = self.ops.get_mut(id) {
                op.applied = op.applied.saturating_sub(1);
                op.was_lost = true;
            }
        }
        if is_named(args, b"INCRBY") {
            self.count_lost += number(args.get(2));
        }
        for key in keys_in(args) {
            if let Some(fate) = self.keys.get_mut(key) {
                (fate.is_lost, fate.ever_lost) = (true, true);
            }
        }
    }
}

pub(super) fn key_of(what: &str, host: usize, caller: usize) -> Vec<u8> {
    alloc::format!("{what}:{host}:{caller}").into_bytes()
}

fn is_named(args: &[Vec<u8>], name: &[u8]) -> bool {
    args.first().is_some_and(|first| first == name)
}

/// Whether a command writes a marker.
pub(super) fn is_marker(args: &[Vec<u8>]) -> bool {
    is_named(args, b"SET") && args.get(1).is_some_and(|key| key.starts_with(b"outlast:"))
}

fn number(text: Option<&Vec<u8>>) -> u64 {
    text.and_then(|text| core::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0)
}

/// The operations that a write on the server is of.
pub(super) fn ids_in(args: &[Vec<u8>]) -> Vec<usize> {
    let id = |text: &Vec<u8>| core::str::from_utf8(text).ok()?.parse::<usize>().ok();
    match args.first().map(Vec::as_slice) {
        Some(b"RPUSH") => args.iter().skip(2).filter_map(id).collect(),
        Some(b"SET") if !is_marker(args) => args.get(2).and_then(id).into_iter().collect(),
        Some(b"HSET") => args.get(3).and_then(id).into_iter().collect(),
        Some(b"MSET") => args.get(2).and_then(id).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The keys that it writes.
fn keys_in(args: &[Vec<u8>]) -> Vec<&[u8]> {
    match args.first().map(Vec::as_slice) {
        Some(b"MSET") => args.iter().skip(1).step_by(2).map(Vec::as_slice).collect(),
        Some(b"DEL") => args.iter().skip(1).map(Vec::as_slice).collect(),
        _ => args.get(1).map(Vec::as_slice).into_iter().collect(),
    }
}
