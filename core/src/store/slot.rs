//! A key with its value, as the keyspace holds it: small strings in one block, all else boxed.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::kinds::{Hash, List, Set, SortedSet, Stream};
use super::memory::heap;
use super::table::Keyed;
use crate::time::Timestamp;

/// A key with its value, its expiry and when it was last used.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// A small string: see [`Packed`].
    Packed(Packed),
    /// Anything else.
    Object(Box<Object>),
}

/// Flags, key length, last use, expiry where there is one, key and value in one block.
#[derive(Clone, Debug)]
pub(crate) struct Packed(Box<[u8]>);

/// A key with a value of any type.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) key: Box<[u8]>,
    pub(crate) data: Data,
    pub(crate) expires_at: Option<Timestamp>,
    /// The expiry is ours: see [`Slot::bind`].
    is_bound: bool,
    pub(crate) used: u32,
    /// Bytes that the keyspace has counted for it.
    pub(crate) counted: usize,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    String(Vec<u8>),
    List(List),
    Hash(Hash),
    Set(Set),
    SortedSet(SortedSet),
    Stream(Box<Stream>),
}

const HAS_EXPIRY: u8 = 1;
/// The expiry is ours: see [`Slot::bind`].
const IS_BOUND: u8 = 2;
const FLAGS_BYTES: usize = 1;
const LENGTH_AT: usize = FLAGS_BYTES;
const USED_AT: usize = LENGTH_AT + 2;
const EXPIRY_AT: usize = USED_AT + 4;
/// Bytes of a string that Redis keeps beside its header (`OBJ_ENCODING_EMBSTR_SIZE_LIMIT`).
const EMBEDDED_BYTES_MAX: usize = 44;
/// Bytes of a string with its key up to which one block is best.
const PACKED_BYTES_MAX: usize = 2_048;

impl Packed {
    /// The block, where key and value are small enough.
    fn new(key: &[u8], value: &[u8], expires_at: Option<Timestamp>, used: u32) -> Option<Self> {
        if key.len() + value.len() > PACKED_BYTES_MAX {
            return None;
        }
        let key_len = u16::try_from(key.len()).ok()?;
        let mut block = Vec::with_capacity(
            EXPIRY_AT + 8 * usize::from(expires_at.is_some()) + key.len() + value.len(),
        );
        block.push(if expires_at.is_some() { HAS_EXPIRY } else { 0 });
        block.extend_from_slice(&key_len.to_le_bytes());
        block.extend_from_slice(&used.to_le_bytes());
        if let Some(at) = expires_at {
            block.extend_from_slice(&at.as_ms().to_le_bytes());
        }
        block.extend_from_slice(key);
        block.extend_from_slice(value);
        Some(Self(block.into_boxed_slice()))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }

    fn has(&self, flag: u8) -> bool {
        self.0.first().is_some_and(|flags| flags & flag != 0)
    }

    fn key_at(&self) -> usize {
        if self.has(HAS_EXPIRY) { EXPIRY_AT + 8 } else { EXPIRY_AT }
    }

    fn value_at(&self) -> usize {
        self.key_at() + usize::from(u16::from_le_bytes(self.array(LENGTH_AT)))
    }

    fn key(&self) -> &[u8] {
        self.0.get(self.key_at()..self.value_at()).unwrap_or_default()
    }

    fn value(&self) -> &[u8] {
        self.0.get(self.value_at()..).unwrap_or_default()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.has(HAS_EXPIRY).then(|| Timestamp::from_ms(u64::from_le_bytes(self.array(EXPIRY_AT))))
    }

    fn set_used(&mut self, used: u32) {
        if let Some(room) = self.0.get_mut(USED_AT..USED_AT + 4) {
            room.copy_from_slice(&used.to_le_bytes());
        }
    }
}

impl Keyed for Slot {
    fn key(&self) -> &[u8] {
        match self {
            Self::Packed(packed) => packed.key(),
            Self::Object(object) => &object.key,
        }
    }
}

impl Slot {
    /// A string.
    pub(crate) fn string(
        key: &[u8],
        value: &[u8],
        expires_at: Option<Timestamp>,
        used: u32,
    ) -> Self {
        match Packed::new(key, value, expires_at, used) {
            Some(packed) => Self::Packed(packed),
            None => Self::object(key, Data::String(value.to_vec()), expires_at, used),
        }
    }

    /// A value of any type.
    pub(crate) fn object(key: &[u8], data: Data, expires_at: Option<Timestamp>, used: u32) -> Self {
        let key = key.into();
        let mut object = Object { key, data, expires_at, is_bound: false, used, counted: 0 };
        object.counted = object.bytes();
        Self::Object(Box::new(object))
    }

    /// The same key with another string, in the same block where it fits.
    pub(crate) fn set_string(&mut self, value: &[u8], expires_at: Option<Timestamp>, used: u32) {
        if let Self::Packed(packed) = self
            && packed.value().len() == value.len()
            && packed.expires_at().is_some() == expires_at.is_some()
        {
            packed.set_used(used);
            packed.0[0] &= !IS_BOUND;
            if let Some(at) = expires_at
                && let Some(room) = packed.0.get_mut(EXPIRY_AT..EXPIRY_AT + 8)
            {
                room.copy_from_slice(&at.as_ms().to_le_bytes());
            }
            let begin = packed.value_at();
            if let Some(room) = packed.0.get_mut(begin..) {
                room.copy_from_slice(value);
            }
            return;
        }
        *self = Self::string(self.key(), value, expires_at, used);
    }

    /// The string, if it is one.
    pub(crate) fn as_string(&self) -> Option<&[u8]> {
        match self {
            Self::Packed(packed) => Some(packed.value()),
            Self::Object(object) => match &object.data {
                Data::String(value) => Some(value),
                Data::List(_)
                | Data::Hash(_)
                | Data::Set(_)
                | Data::SortedSet(_)
                | Data::Stream(_) => None,
            },
        }
    }

    /// The boxed form, into which a packed string is moved.
    pub(crate) fn as_object_mut(&mut self) -> &mut Object {
        if let Self::Packed(packed) = self {
            let data = Data::String(packed.value().to_vec());
            let used = u32::from_le_bytes(packed.array(USED_AT));
            let (counted, is_bound) = (heap(packed.0.len()), packed.has(IS_BOUND));
            *self = Self::object(packed.key(), data, packed.expires_at(), used);
            if let Self::Object(object) = self {
                object.counted = counted;
                object.is_bound = is_bound;
            }
        }
        match self {
            Self::Object(object) => object,
            Self::Packed(_) => unreachable!("it was boxed just before"),
        }
    }

    /// Takes the value out of its key.
    pub(crate) fn into_data(self) -> Data {
        match self {
            Self::Packed(packed) => Data::String(packed.value().to_vec()),
            Self::Object(object) => object.data,
        }
    }

    /// When it expires.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Packed(packed) => packed.expires_at(),
            Self::Object(object) => object.expires_at,
        }
    }

    /// When Redis lets it expire, as far as is known.
    pub(crate) fn known_expiry(&self) -> Option<Timestamp> {
        self.expires_at().filter(|_| !self.is_bound())
    }

    /// Makes its expiry one of ours: how long it is served although nobody knows when Redis lets it
    /// expire. It never leaves this store.
    pub(crate) fn bind(&mut self) {
        match self {
            Self::Packed(packed) => packed.0[0] |= IS_BOUND,
            Self::Object(object) => object.is_bound = true,
        }
    }

    /// Whether its expiry is ours.
    pub(crate) fn is_bound(&self) -> bool {
        match self {
            Self::Packed(packed) => packed.has(IS_BOUND),
            Self::Object(object) => object.is_bound,
        }
    }

    /// Sets or clears its expiry.
    pub(crate) fn set_expires_at(&mut self, expires_at: Option<Timestamp>) {
        match self {
            Self::Packed(packed) => {
                let used = u32::from_le_bytes(packed.array(USED_AT));
                *self = Self::string(packed.key(), packed.value(), expires_at, used);
            }
            Self::Object(object) => {
                object.expires_at = expires_at;
                object.is_bound = false;
            }
        }
    }

    /// Redis still serves a key in its last millisecond (`keyIsExpired` of `db.c`).
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|at| at < now)
    }

    /// When, or how often, it was used: what eviction goes by.
    pub(crate) fn used(&self) -> u32 {
        match self {
            Self::Packed(packed) => u32::from_le_bytes(packed.array(USED_AT)),
            Self::Object(object) => object.used,
        }
    }

    /// Notes a use.
    pub(crate) fn set_used(&mut self, used: u32) {
        match self {
            Self::Packed(packed) => packed.set_used(used),
            Self::Object(object) => object.used = used,
        }
    }

    /// Bytes on the heap that are counted for it.
    pub(crate) fn counted(&self) -> usize {
        match self {
            Self::Packed(packed) => heap(packed.0.len()),
            Self::Object(object) => object.counted,
        }
    }

    /// How it is kept, in the words of OBJECT ENCODING.
    pub(crate) fn encoding(&self) -> &'static str {
        match (self, self.as_string()) {
            (_, Some(value)) if super::number::parse_i64(value).is_some() => "int",
            (Self::Packed(_), Some(value)) if value.len() <= EMBEDDED_BYTES_MAX => "embstr",
            (_, Some(_)) | (Self::Packed(_), None) => "raw",
            (Self::Object(object), None) => object.data.encoding(),
        }
    }

    /// The commands that make this key on a Redis that may have another value there.
    pub(crate) fn rebuild(&self) -> Vec<Vec<Vec<u8>>> {
        let key = self.key();
        let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect();
        let mut commands = match self {
            Self::Packed(packed) => vec![words(&[b"SET", key, packed.value()])],
            Self::Object(object) => {
                if let Data::String(value) = &object.data {
                    vec![words(&[b"SET", key, value])]
                } else {
                    let mut commands = vec![words(&[b"DEL", key])];
                    commands.extend(object.data.rebuild(key));
                    commands
                }
            }
        };
        if let Some(at) = self.known_expiry() {
            commands.push(words(&[b"PEXPIREAT", key, at.as_ms().to_string().as_bytes()]));
        }
        commands
    }

    /// The name of its type, as TYPE tells it.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Packed(_) => "string",
            Self::Object(object) => object.data.type_name(),
        }
    }
}

impl Object {
    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        heap(size_of::<Self>()) + heap(self.key.len()) + self.data.bytes()
    }
}

impl Data {
    /// Bytes on the heap, beyond the value itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::String(value) => heap(value.capacity()),
            Self::List(list) => list.bytes(),
            Self::Hash(hash) => hash.bytes(),
            Self::Set(set) => set.bytes(),
            Self::SortedSet(set) => set.bytes(),
            Self::Stream(stream) => heap(size_of::<Stream>()) + stream.bytes(),
        }
    }

    /// Whether Redis would not keep it: an empty collection. Strings and streams may be empty.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::String(_) | Self::Stream(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::SortedSet(set) => set.is_empty(),
        }
    }

    /// How a value other than a string is kept, in the words of OBJECT ENCODING.
    fn encoding(&self) -> &'static str {
        match self {
            Self::String(_) => "raw",
            Self::List(_) => "quicklist",
            Self::Hash(hash) => hash.encoding(),
            Self::Set(set) => set.encoding(),
            Self::SortedSet(set) => set.encoding(),
            Self::Stream(_) => "stream",
        }
    }

    fn rebuild(&self, key: &[u8]) -> Vec<Vec<Vec<u8>>> {
        match self {
            Self::String(_) => Vec::new(),
            Self::List(list) => list.rebuild(key),
            Self::Hash(hash) => hash.rebuild(key),
            Self::Set(set) => set.rebuild(key),
            Self::SortedSet(set) => set.rebuild(key),
            Self::Stream(stream) => stream.rebuild(key),
        }
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        match self {
            Self::String(_) => true,
            Self::List(list) => list.drop_some(count),
            Self::Hash(hash) => hash.drop_some(count),
            Self::Set(set) => set.drop_some(count),
            Self::SortedSet(set) => set.drop_some(count),
            Self::Stream(stream) => stream.drop_some(count),
        }
    }

    /// The name of the type, as TYPE tells it.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Hash(_) => "hash",
            Self::Set(_) => "set",
            Self::SortedSet(_) => "zset",
            Self::Stream(_) => "stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_string_is_one_block_in_sixteen_bytes() {
        assert_eq!(size_of::<Slot>(), 16);
        let mut slot = Slot::string(b"key", b"value", None, 7);
        assert_eq!(
            (slot.key(), slot.as_string(), slot.used()),
            (&b"key"[..], Some(&b"value"[..]), 7)
        );
        slot.set_string(b"other", None, 8);
        slot.set_expires_at(Some(Timestamp::from_ms(5)));
        slot.set_used(9);
        assert_eq!(
            (slot.key(), slot.as_string(), slot.used()),
            (&b"key"[..], Some(&b"other"[..]), 9)
        );
        assert_eq!(slot.expires_at(), Some(Timestamp::from_ms(5)));
        assert!(!slot.is_expired(Timestamp::from_ms(5)) && slot.is_expired(Timestamp::from_ms(6)));
        slot.set_string(b"", Some(Timestamp::from_ms(9)), 1);
        assert_eq!((slot.key(), slot.as_string()), (&b"key"[..], Some(&b""[..])));
        let long = alloc::vec![b'x'; 5_000];
        slot.set_string(&long, None, 1);
        assert!(matches!(slot, Slot::Object(_)));
        assert_eq!(
            (slot.key(), slot.as_string(), slot.expires_at()),
            (&b"key"[..], Some(&long[..]), None)
        );
        slot.set_string(b"short", None, 1);
        assert!(matches!(slot, Slot::Packed(_)));
        assert_eq!(slot.as_object_mut().data.bytes(), heap(5));
    }
}
