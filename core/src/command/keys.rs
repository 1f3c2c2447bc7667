//! Which arguments of a command are keys: <https://redis.io/docs/latest/develop/reference/key-specs/>.

use core::fmt;

use super::Command;
use super::flags::{Flags, KeyFlags};
use super::words::Words;

/// How to find one row of keys.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KeySpec {
    /// What is done with them.
    pub flags: KeyFlags,
    /// Where to begin.
    pub begin: Begin,
    /// Which arguments from there on.
    pub find: Find,
}

impl KeySpec {
    pub(super) const fn new(flags: &str, begin: Begin, find: Find) -> Self {
        Self { flags: KeyFlags::named(flags), begin, find }
    }
}

/// Where a row of keys begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Begin {
    /// At an argument.
    Index(i8),
    /// After a word.
    Keyword {
        /// The word.
        word: &'static str,
        /// Where to look first; if negative, from the end, backwards.
        from: i8,
    },
    /// Redis does not tell.
    Unknown,
}

/// Which arguments of a row are keys.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Find {
    /// Up to a last one.
    Range {
        /// How far it is from the first one; if negative, from the end of the arguments.
        last: i8,
        /// How far the keys are apart.
        step: i8,
        /// Of what is left only one part in so many is keys; 0 and 1 mean all of it.
        limit: i8,
    },
    /// As many as an argument says.
    KeyNum {
        /// Where that argument is, from the beginning.
        count: i8,
        /// Where the first key is, from the beginning.
        first: i8,
        /// How far the keys are apart.
        step: i8,
    },
    /// Redis does not tell.
    Unknown,
}

/// An argument that is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Which argument; the command's name is argument 0.
    pub at: usize,
    /// What is done with it.
    pub flags: KeyFlags,
}

/// Why the keys of a command cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoKeys {
    /// No such command is known.
    UnknownCommand,
    /// It cannot be called with so many arguments.
    WrongArity,
    /// The arguments contradict each other, such as a number of keys and what follows.
    Unclear,
}

impl fmt::Display for NoKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownCommand => "no such command is known",
            Self::WrongArity => "wrong number of arguments",
            Self::Unclear => "the arguments do not say which of them are keys",
        })
    }
}

impl core::error::Error for NoKeys {}

/// The keys of a command, in the order in which Redis tells them. It holds no memory of its own.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    rows: [Row; ROWS_MAX],
    count: usize,
}

/// No command has more rows of keys: `GEORADIUS` may have `STORE` and `STOREDIST`.
const ROWS_MAX: usize = 3;

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    next: usize,
    last: usize,
    step: usize,
    flags: KeyFlags,
}

impl Keys {
    fn push(&mut self, first: usize, last: usize, step: usize, flags: KeyFlags) {
        if let Some(row) = self.rows.get_mut(self.count) {
            *row = Row { next: first, last, step: step.max(1), flags };
            self.count += 1;
        }
    }

    fn one(at: usize, flags: KeyFlags) -> Self {
        let mut keys = Self::default();
        keys.push(at, at, 1, flags);
        keys
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.clone().next().is_none()
    }
}

impl Iterator for Keys {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        let row = self.rows.iter_mut().take(self.count).find(|row| row.next <= row.last)?;
        let key = Key { at: row.next, flags: row.flags };
        row.next += row.step;
        Some(key)
    }
}

/// Which arguments of a call are keys.
///
/// # Errors
///
/// Where the command is not known, or its arguments do not say.
pub fn keys<A: AsRef<[u8]>>(args: &[A]) -> Result<Keys, NoKeys> {
    let command = Command::of(args).ok_or(NoKeys::UnknownCommand)?;
    if !command.accepts(args.len()) {
        return Err(NoKeys::WrongArity);
    }
    command.keys(args)
}

impl Command {
    /// Whether any argument may be a key.
    pub fn has_keys(&self) -> bool {
        self.key_specs.iter().any(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
    }

    /// Which arguments of a call of this command are keys. Their number is as it should be.
    pub(crate) fn keys<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Keys, NoKeys> {
        // The keys of nearly all commands, without more ado.
        if let [KeySpec { flags, begin: Begin::Index(at), find: Find::Range { last: 0, .. } }] =
            self.key_specs
            && !flags.contains(KeyFlags::VARIABLE_FLAGS)
            && !flags.contains(KeyFlags::NOT_KEY)
            && let Ok(at) = usize::try_from(*at)
            && at < args.len()
        {
            return Ok(Keys::one(at, *flags));
        }
        // What no specification can say.
        match self.name {
            "SET" => return Ok(Keys::one(1, set_flags(args))),
            "BITFIELD" => return Ok(Keys::one(1, bitfield_flags(args))),
            "SORT" => return Ok(sort_keys(args)),
            // Its BY and GET make up the names of further keys from the elements.
            "SORT_RO" => return Ok(Keys::one(1, READ)),
            "MIGRATE" => return migrate_keys(args),
            _ => {}
        }
        let mut keys = Keys::default();
        for spec in self.key_specs {
            if !spec.flags.contains(KeyFlags::NOT_KEY) {
                spec.find(self, args, &mut keys)?;
            }
        }
        let needs_keys = self.has_keys() && !self.flags.contains(Flags::NO_MANDATORY_KEYS);
        if needs_keys && keys.is_empty() { Err(NoKeys::Unclear) } else { Ok(keys) }
    }
}

impl KeySpec {
    /// Adds its keys; none where its keyword is not there. As `getKeysUsingKeySpecs` of Redis does.
    fn find<A: AsRef<[u8]>>(
        &self,
        command: &Command,
        args: &[A],
        keys: &mut Keys,
    ) -> Result<(), NoKeys> {
        let begin = match self.begin {
            Begin::Index(at) => at.into(),
            Begin::Keyword { word, from } => match after(args, word.as_bytes(), from) {
                Some(at) => at,
                None => return Ok(()),
            },
            Begin::Unknown => return Err(NoKeys::Unclear),
        };
        let count = to_i64(args.len());
        let (first, last, step) = match self.find {
            Find::Range { last, step, limit } => {
                let last = match (last, limit) {
                    (0.., _) => begin + i64::from(last),
                    (_, 0 | 1) => count + i64::from(last),
                    (_, limit) => begin + (count - begin) / i64::from(limit) + i64::from(last),
                };
                (begin, last, step)
            }
            Find::KeyNum { count: at, first, step } => {
                let place = usize::try_from(begin + i64::from(at)).map_err(|_| NoKeys::Unclear)?;
                let keys = args.integer(place).ok_or(NoKeys::Unclear)?;
                if keys == 0 && command.flags.contains(Flags::NO_MANDATORY_KEYS) {
                    return Ok(());
                }
                let first = begin + i64::from(first);
                // No further than the arguments, which is checked below.
                let further = keys.clamp(0, count) - 1;
                (first, first + further * i64::from(step), step)
            }
            Find::Unknown => return Err(NoKeys::Unclear),
        };
        if first > last || last >= count {
            return Err(NoKeys::Unclear);
        }
        let place = |at: i64| usize::try_from(at).map_err(|_| NoKeys::Unclear);
        keys.push(place(first)?, place(last)?, place(step.into())?, self.flags);
        Ok(())
    }
}

const READ: KeyFlags = KeyFlags::named("RO access");
const OVERWRITE: KeyFlags = KeyFlags::named("OW update");
const UPDATE: KeyFlags = KeyFlags::named("RW access update");
const MOVE: KeyFlags = KeyFlags::named("RW access delete");

fn to_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The place after a word, looked for from a place on.
fn after<A: AsRef<[u8]>>(args: &[A], word: &[u8], from: i8) -> Option<i64> {
    let is_word = |at: &usize| args.is(*at, word);
    let from_end = usize::from(from.unsigned_abs());
    let at = match usize::try_from(from) {
        Ok(from) => (from..args.len()).find(is_word),
        Err(_) => (1..=args.len().checked_sub(from_end)?).rev().find(is_word),
    };
    at.map(|at| to_i64(at) + 1)
}

/// `SET` reads only for GET.
fn set_flags<A: AsRef<[u8]>>(args: &[A]) -> KeyFlags {
    if args.has(3, b"GET") { UPDATE } else { OVERWRITE }
}

/// `BITFIELD` writes unless all that it does is GET, as `bitfieldGetKeys` of Redis has it.
fn bitfield_flags<A: AsRef<[u8]>>(args: &[A]) -> KeyFlags {
    let mut at = 2;
    while at < args.len() {
        let left = args.len() - at - 1;
        if args.is(at, b"GET") && left >= 2 {
            at += 3;
        } else if args.is(at, b"OVERFLOW") && left >= 1 {
            at += 2;
        } else {
            return UPDATE;
        }
    }
    READ
}

/// `SORT` writes the key after the last STORE.
fn sort_keys<A: AsRef<[u8]>>(args: &[A]) -> Keys {
    let mut keys = Keys::one(1, READ);
    let (mut at, mut store) = (2, None);
    while at < args.len() {
        let skipped = if args.is(at, b"LIMIT") {
            2
        } else if args.is(at, b"GET") || args.is(at, b"BY") {
            1
        } else {
            if args.is(at, b"STORE") && at + 1 < args.len() {
                store = Some(at + 1);
            }
            0
        };
        at += skipped + 1;
    }
    if let Some(at) = store {
        keys.push(at, at, 1, OVERWRITE);
    }
    keys
}

/// `MIGRATE` moves one key, or, if that is empty, those after KEYS.
fn migrate_keys<A: AsRef<[u8]>>(args: &[A]) -> Result<Keys, NoKeys> {
    let mut at = 6;
    while at < args.len() {
        if args.is(at, b"KEYS") {
            let is_empty = args.get(3).is_some_and(|key| key.as_ref().is_empty());
            if !is_empty || at + 1 == args.len() {
                return Err(NoKeys::Unclear);
            }
            let mut keys = Keys::default();
            keys.push(at + 1, args.len() - 1, 1, MOVE);
            return Ok(keys);
        }
        at += if args.is(at, b"AUTH") {
            2
        } else if args.is(at, b"AUTH2") {
            3
        } else {
            1
        };
    }
    Ok(Keys::one(3, MOVE))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn places(call: &str) -> Result<Vec<usize>, NoKeys> {
        let args: Vec<&str> = call.split(' ').collect();
        keys(&args).map(|keys| keys.map(|key| key.at).collect())
    }

    #[test]
    fn keys_are_found_where_redis_finds_them() {
        for (call, wanted) in [
            ("get k", &[1][..]),
            ("PING", &[]),
            ("MSET a 1 b 2", &[1, 3]),
            ("BLPOP a b 0", &[1, 2]),
            ("XGROUP CREATE k g $", &[2]),
            ("BITOP AND d a b", &[2, 3, 4]),
            ("XREAD COUNT 1 STREAMS a b 0 0", &[4, 5]),
            ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", &[1, 3, 4]),
            ("EVAL s 0 x", &[]),
            ("EVAL s 1 x", &[3]),
            ("SORT k BY STORE STORE x", &[1, 5]),
            ("GEORADIUS k 1 1 1 m STORE a STOREDIST b", &[1, 7, 9]),
            ("MIGRATE h 1 k 0 1", &[3]),
            ("MIGRATE h 1  0 1 AUTH keys KEYS a b", &[9, 10]),
            ("SPUBLISH c m", &[]),
        ] {
            assert_eq!(places(call).as_deref(), Ok(wanted), "{call}");
        }
    }

    #[test]
    fn unclear_arguments_are_told() {
        for (call, wanted) in [
            ("NOSUCH k", NoKeys::UnknownCommand),
            ("XGROUP NOSUCH k", NoKeys::UnknownCommand),
            ("GET", NoKeys::WrongArity),
            ("EVAL s x y", NoKeys::Unclear),
            ("EVAL s 2 y", NoKeys::Unclear),
            ("EVAL s -1 y", NoKeys::Unclear),
            ("EVAL s 9223372036854775807 y", NoKeys::Unclear),
            ("ZUNION 0 y", NoKeys::Unclear),
            ("MIGRATE h 1 k 0 1 KEYS a", NoKeys::Unclear),
            ("MIGRATE h 1  0 1 KEYS", NoKeys::Unclear),
            ("XREAD COUNT 1 STREAMS", NoKeys::Unclear),
            ("XREAD COUNT 1 BLOCK", NoKeys::Unclear),
        ] {
            let expected: Result<Vec<usize>, _> = Err(wanted);
            assert_eq!(places(call), expected, "{call}");
        }
    }

    #[test]
    fn every_row_of_keys_has_its_place() {
        for command in Command::all() {
            assert!(command.key_specs.len() <= ROWS_MAX, "{}", command.name);
        }
    }

    #[test]
    fn what_is_done_with_a_key_depends_on_the_arguments() {
        let flags = |call: &str| {
            let args: Vec<&str> = call.split(' ').collect();
            keys(&args).ok().and_then(|mut keys| keys.next()).map(|key| key.flags)
        };
        assert_eq!(flags("SET k v"), Some(OVERWRITE));
        assert_eq!(flags("SET k v get"), Some(UPDATE));
        assert_eq!(flags("BITFIELD k GET u8 0 OVERFLOW SAT"), Some(READ));
        assert_eq!(flags("BITFIELD k GET u8 0 SET u8 0 1"), Some(UPDATE));
    }
}
