//! Up to a hundred entries that follow each other, in one block.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::super::memory::heap;
use super::super::super::number::parse_i64;
use super::super::super::pack::Pack;
use super::id::Id;

/// Entries of a chunk, deleted ones included (`stream-node-max-entries`).
const ENTRIES_MAX: usize = 100;
/// Bytes that a chunk takes in Redis, beyond which it gets no more entries
/// (`stream-node-max-bytes`).
const LISTPACK_BYTES_MAX: usize = 4_096;

/// Entries that follow each other. The first one's fields are not repeated in those that have the
/// same.
///
/// What `~` trims is whole chunks, so their limits are those of Redis, and the size that Redis
/// would need is counted for them.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    entries: Pack,
    fields: Box<[u8]>,
    /// The ID of the last entry, even if it is deleted.
    last: Id,
    /// Deleted entries: Redis only marks them.
    deleted: usize,
    listpack_bytes: usize,
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) id: Id,
    fields: &'a [u8],
    values: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Each field and its value.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = [&'a [u8]; 2]> + use<'a> {
        Strings(self.fields).zip(Strings(self.values)).map(|(field, value)| [field, value])
    }
}

impl Chunk {
    /// An empty chunk for an entry of this name and with these fields and values.
    pub(super) fn new(first: Id, pairs: &[&[u8]]) -> Self {
        let fields = encoded(pairs.iter().copied().step_by(2)).into_boxed_slice();
        let names: usize = pairs.iter().step_by(2).map(|field| string_size(field)).sum();
        // Header and end, the counts of entries, deleted entries and fields, and an end mark.
        let listpack_bytes = 7 + 2 + 2 + integer_size(pairs.len() / 2) + names + 2;
        Self { entries: Pack::new(), fields, last: first, deleted: 0, listpack_bytes }
    }

    /// Live entries.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// The ID of the last entry, even if it is deleted.
    pub(super) const fn last(&self) -> Id {
        self.last
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.entries.bytes() + heap(self.fields.len())
    }

    /// Whether Redis would put another entry in it.
    pub(super) fn has_room(&self, pairs: &[&[u8]]) -> bool {
        let added: usize = pairs.iter().map(|string| string.len()).sum();
        self.listpack_bytes.saturating_add(added) < LISTPACK_BYTES_MAX
            && self.entries.len() + self.deleted < ENTRIES_MAX
    }

    /// Adds an entry behind all others. `first` is the chunk's key.
    pub(super) fn push(&mut self, first: Id, id: Id, pairs: &[&[u8]]) {
        let fields = encoded(pairs.iter().copied().step_by(2));
        let is_same = fields == *self.fields;
        let mut entry = Vec::new();
        write_number(&mut entry, id.ms.wrapping_sub(first.ms));
        write_number(&mut entry, id.seq.wrapping_sub(first.seq));
        // 0, or 1 more than the length of the fields.
        write_number(&mut entry, if is_same { 0 } else { fields.len() as u64 + 1 });
        if !is_same {
            entry.extend_from_slice(&fields);
        }
        entry.extend_from_slice(&encoded(pairs.iter().copied().skip(1).step_by(2)));
        self.entries.push(&entry);
        self.last = id;
        self.listpack_bytes += listpack_entry_size(first, id, pairs, is_same);
    }

    /// The ID of the first live entry.
    pub(super) fn first_id(&self, first: Id) -> Option<Id> {
        self.iter(first).next().map(|entry| entry.id)
    }

    /// Its entries. `first` is the chunk's key.
    pub(super) fn iter(&self, first: Id) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        self.entries.iter().filter_map(move |bytes| self.decode(first, bytes))
    }

    /// Deletes an entry; whether it was there.
    pub(super) fn delete(&mut self, first: Id, id: Id) -> bool {
        let mut place = 0;
        while let Some((bytes, next)) = self.entries.get(place) {
            let Some(entry) = self.decode(first, bytes) else {
                return false;
            };
            if entry.id == id {
                self.entries.remove(place);
                self.deleted += 1;
                return true;
            }
            place = next;
        }
        false
    }

    /// Deletes the first entry.
    pub(super) fn delete_first(&mut self) {
        self.entries.remove(0);
        self.deleted += 1;
    }

    fn decode<'a>(&'a self, first: Id, bytes: &'a [u8]) -> Option<Entry<'a>> {
        let mut rest = bytes;
        let ms = first.ms.wrapping_add(read_number(&mut rest)?);
        let seq = first.seq.wrapping_add(read_number(&mut rest)?);
        let (fields, values) = match read_number(&mut rest)?.checked_sub(1) {
            None => (&*self.fields, rest),
            Some(len) => rest.split_at_checked(usize::try_from(len).ok()?)?,
        };
        Some(Entry { id: Id { ms, seq }, fields, values })
    }
}

/// Strings laid down as their lengths and bytes.
struct Strings<'a>(&'a [u8]);

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(read_number(&mut self.0)?).ok()?;
        let (string, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(string)
    }
}

fn encoded<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for string in strings {
        write_number(&mut bytes, string.len() as u64);
        bytes.extend_from_slice(string);
    }
    bytes
}

/// Seven bits a byte, the lowest first; all but the last have the top bit set.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// What an entry adds to a listpack of Redis: flags, the distances to the chunk's key, number of
/// fields and fields where they are other ones, values, and the number of all that.
fn listpack_entry_size(first: Id, id: Id, pairs: &[&[u8]], is_same: bool) -> usize {
    let fields = pairs.len() / 2;
    let names = pairs.iter().step_by(2).map(|field| string_size(field)).sum::<usize>();
    let values = pairs.iter().skip(1).step_by(2).map(|value| string_size(value)).sum::<usize>();
    let own = if is_same { 0 } else { integer_size(fields) + names };
    let parts = if is_same { fields + 3 } else { 2 * fields + 4 };
    2 + signed_size(id.ms.wrapping_sub(first.ms).cast_signed())
        + signed_size(id.seq.wrapping_sub(first.seq).cast_signed())
        + own
        + values
        + integer_size(parts)
}

/// Bytes of a string in a listpack (`listpack.c` of Redis).
fn string_size(string: &[u8]) -> usize {
    if string.len() <= 20
        && let Some(number) = parse_i64(string)
    {
        return signed_size(number);
    }
    let head = match string.len() {
        0..64 => 1,
        64..4_096 => 2,
        _ => 5,
    };
    let len = head + string.len();
    len + match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

fn integer_size(number: usize) -> usize {
    signed_size(i64::try_from(number).unwrap_or(i64::MAX))
}

const fn signed_size(number: i64) -> usize {
    match number {
        0..=127 => 2,
        -4_096..=4_095 => 3,
        -32_768..=32_767 => 4,
        -8_388_608..=8_388_607 => 5,
        -2_147_483_648..=2_147_483_647 => 6,
        _ => 10,
    }
}
