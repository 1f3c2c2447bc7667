//! What was known of a key before the outage changed it, and whether Redis still holds that.
//!
//! A value is kept as a digest. What Redis answers to `look` has the same digest while
//! nobody else changed the key; its expiry does not count.

use alloc::vec;
use alloc::vec::Vec;

use super::Args;
use crate::resp::Value;
use crate::store::parse_double;

/// A value that was known, by type and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    kind: Kind,
    digest: u64,
}

/// Types whose values can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    List,
    Hash,
    Set,
    SortedSet,
}

/// What became of a known value on Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Same,
    Changed,
    /// The key is not there any more.
    Gone,
}

const KINDS: [(Kind, &str, &[u8]); 5] = [
    (Kind::String, "string", b"SET"),
    (Kind::List, "list", b"RPUSH"),
    (Kind::Hash, "hash", b"HSET"),
    (Kind::Set, "set", b"SADD"),
    (Kind::SortedSet, "zset", b"ZADD"),
];

impl Known {
    /// Of a value of this type that these commands make; none of a stream.
    pub(crate) fn of(type_name: &str, commands: &[Args]) -> Option<Self> {
        let (kind, _, maker) = *KINDS.iter().find(|(_, name, _)| *name == type_name)?;
        let makers = commands.iter().filter(|args| args.first().is_some_and(|name| name == maker));
        let mut digest = Digest::new(kind);
        for part in makers.flat_map(|args| args.iter().skip(2)) {
            digest.add(part);
        }
        Some(Self { kind, digest: digest.finish() })
    }

    /// Its number and its digest, for who keeps it.
    pub fn parts(self) -> (u8, u64) {
        let number = KINDS.iter().position(|(kind, ..)| *kind == self.kind).unwrap_or_default();
        (u8::try_from(number).unwrap_or_default(), self.digest)
    }

    /// From what [`parts`](Self::parts) gave.
    pub fn from_parts(number: u8, digest: u64) -> Option<Self> {
        KINDS.get(usize::from(number)).map(|(kind, ..)| Self { kind: *kind, digest })
    }

    /// The command that asks Redis for the value.
    pub(crate) fn look(self, key: &[u8]) -> Args {
        let words: &[&[u8]] = match self.kind {
            Kind::String => &[b"GET", key],
            Kind::List => &[b"LRANGE", key, b"0", b"-1"],
            Kind::Hash => &[b"HGETALL", key],
            Kind::Set => &[b"SMEMBERS", key],
            Kind::SortedSet => &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
        };
        words.iter().map(|word| word.to_vec()).collect()
    }

    /// What the reply to [`look`](Self::look) says.
    pub(crate) fn compare(self, reply: &Value) -> Found {
        if let Value::Error(message) = reply {
            // Who may not read a key cannot tell a conflict either.
            let is_other = message.starts_with("WRONGTYPE");
            return if is_other { Found::Changed } else { Found::Same };
        }
        let mut digest = Digest::new(self.kind);
        let is_there = if let Value::Bulk(bytes) = reply {
            digest.add(bytes);
            true
        } else {
            for part in flat(reply, self.kind) {
                digest.add(&part);
            }
            digest.parts > 0
        };
        match (is_there, digest.finish() == self.digest) {
            (false, _) => Found::Gone,
            (true, true) => Found::Same,
            (true, false) => Found::Changed,
        }
    }
}

/// The parts of a collection in the order in which a command of Redis takes them.
fn flat(reply: &Value, kind: Kind) -> Vec<Vec<u8>> {
    let bytes = |value: &Value| {
        if let Value::Double(number) = value {
            return crate::store::format_double(*number).into_bytes();
        }
        value.as_bulk().map(<[u8]>::to_vec).unwrap_or_default()
    };
    // RESP 3 gives members and scores in pairs.
    let parts = |item: &Value| {
        if let Value::Array(pair) = item {
            pair.iter().map(bytes).collect()
        } else {
            vec![bytes(item)]
        }
    };
    let items: Vec<Vec<u8>> = if let Value::Map(pairs) = reply {
        pairs.iter().flat_map(|(field, value)| [bytes(field), bytes(value)]).collect()
    } else if let Value::Array(items) | Value::Set(items) = reply {
        items.iter().flat_map(parts).collect()
    } else {
        Vec::new()
    };
    if kind != Kind::SortedSet {
        return items;
    }
    let pairs = items.chunks(2).filter_map(|pair| Some([pair.get(1)?, pair.first()?]));
    pairs.flatten().cloned().collect()
}

/// A digest that grows part by part. The order of parts counts for a list alone.
struct Digest {
    kind: Kind,
    parts: u64,
    /// The first half of a pair.
    half: Option<u64>,
    sum: u64,
}

/// FNV-1a's.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Digest {
    const fn new(kind: Kind) -> Self {
        Self { kind, parts: 0, half: None, sum: OFFSET }
    }

    fn add(&mut self, part: &[u8]) {
        self.parts += 1;
        match self.kind {
            Kind::String | Kind::List => self.sum = mixed(self.sum, bytes_hash(part)),
            Kind::Set => self.sum = self.sum.wrapping_add(mixed(OFFSET, bytes_hash(part))),
            Kind::Hash | Kind::SortedSet => {
                let Some(half) = self.half.take() else {
                    // A score may be written in more ways than one.
                    let score = parse_double(part).filter(|_| self.kind == Kind::SortedSet);
                    self.half = Some(score.map_or_else(|| bytes_hash(part), f64::to_bits));
                    return;
                };
                self.sum = self.sum.wrapping_add(mixed(mixed(OFFSET, half), bytes_hash(part)));
            }
        }
    }

    const fn finish(&self) -> u64 {
        mixed(self.sum, self.parts)
    }
}

fn bytes_hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// As splitmix64 ends.
const fn mixed(first: u64, second: u64) -> u64 {
    let mut mixed = first.rotate_left(23) ^ second.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);

    fn run(store: &Store, line: &str) -> Value {
        let args: Vec<&str> = line.split(' ').collect();
        store.execute(NOW, &args, false).unwrap()
    }

    #[test]
    fn a_value_is_found_the_same_until_anybody_changes_it() {
        for (make, change, name) in [
            ("SET k v", "APPEND k x", "string"),
            ("RPUSH k a b c", "LPOP k", "list"),
            ("HSET k f v g w h x", "HSET k g v", "hash"),
            ("SADD k a b c 5", "SADD k d", "set"),
            ("ZADD k 1.5 a 2 b", "ZINCRBY k 1 a", "zset"),
        ] {
            for resp3 in [false, true] {
                let ours: Store = Store::new(1 << 20);
                let redis: Store = Store::new(1 << 20);
                let redis = if resp3 { redis.with_resp3() } else { redis };
                run(&ours, make);
                run(&redis, make);
                let known = ours.known(NOW, b"k").expect(name);
                let ask = |known: Known| redis.execute(NOW, &known.look(b"k"), false).unwrap();
                assert_eq!(known.compare(&ask(known)), Found::Same, "{make} {resp3}");
                run(&redis, "PEXPIRE k 50000");
                assert_eq!(known.compare(&ask(known)), Found::Same, "{make} {resp3}");
                run(&redis, change);
                assert_eq!(known.compare(&ask(known)), Found::Changed, "{make} {resp3}");
                run(&redis, "DEL k");
                assert_eq!(known.compare(&ask(known)), Found::Gone, "{make} {resp3}");
                run(&redis, "XADD k 1-1 f v");
                assert_eq!(known.compare(&ask(known)), Found::Changed, "{make} {resp3}");
                let (number, digest) = known.parts();
                assert_eq!(Known::from_parts(number, digest), Some(known));
            }
        }
    }

    #[test]
    fn fields_do_not_pass_for_others() {
        let of = |parts: &[&str]| {
            let mut args = vec!["HSET", "k"];
            args.extend(parts);
            Known::of("hash", &[args.iter().map(|part| part.as_bytes().to_vec()).collect()])
        };
        assert_eq!(of(&["a", "1", "b", "2"]), of(&["b", "2", "a", "1"]));
        assert_ne!(of(&["a", "1", "b", "2"]), of(&["a", "2", "b", "1"]));
        assert_ne!(of(&["a", "1"]), of(&["1", "a"]));
        assert_eq!(Known::of("stream", &[]), None);
    }
}
