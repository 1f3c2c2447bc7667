//! Fields with their values.

mod expiries;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::super::hashing::hash;
use super::super::memory::heap;
use super::super::pack::Pack;
use super::super::table::{Keyed, Place, Table};
use crate::time::Timestamp;
use expiries::Expiries;

/// Fields with their values: a pack of both in turn, in the order of their making, while they are
/// few and short; then a table. As in Redis it never becomes a pack again.
#[derive(Clone, Debug)]
pub(crate) struct Hash {
    seed: u64,
    form: Form,
    /// When fields expire; hashes without such fields pay nothing for them.
    expiries: Option<Box<Expiries>>,
}

#[derive(Clone, Debug)]
enum Form {
    Small(Pack),
    Large {
        table: Table<Field>,
        /// Bytes of the fields on the heap.
        bytes: usize,
    },
}

/// A field and its value in one block.
#[derive(Clone, Debug)]
struct Field {
    block: Box<[u8]>,
    field_len: usize,
}

/// More fields make it a table (`hash-max-listpack-entries`).
const SMALL_FIELDS_MAX: usize = 128;
/// A longer field or value makes it a table (`hash-max-listpack-value`).
const SMALL_BYTES_MAX: usize = 64;
/// Pairs that one command carries when a hash is made again.
const REBUILT_AT_ONCE: usize = 256;

impl Field {
    fn new(field: &[u8], value: &[u8]) -> Self {
        let mut block = Vec::with_capacity(field.len() + value.len());
        block.extend_from_slice(field);
        block.extend_from_slice(value);
        Self { block: block.into_boxed_slice(), field_len: field.len() }
    }

    fn pair(&self) -> (&[u8], &[u8]) {
        self.block.split_at(self.field_len.min(self.block.len()))
    }

    fn bytes(&self) -> usize {
        heap(self.block.len())
    }
}

impl Keyed for Field {
    fn key(&self) -> &[u8] {
        self.pair().0
    }
}

impl Hash {
    /// An empty one. The seed is for hashing.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, form: Form::Small(Pack::new()), expiries: None }
    }

    /// Whether it is empty.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many fields it has.
    pub(crate) const fn len(&self) -> usize {
        match &self.form {
            Form::Small(pack) => pack.len() / 2,
            Form::Large { table, .. } => table.len(),
        }
    }

    /// Whether it is a pack still, whose fields are scanned all at once.
    pub(crate) const fn is_small(&self) -> bool {
        matches!(self.form, Form::Small(_))
    }

    /// How it is kept, in the words of OBJECT ENCODING.
    pub(crate) const fn encoding(&self) -> &'static str {
        if self.is_small() { "listpack" } else { "hashtable" }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let fields = match &self.form {
            Form::Small(pack) => pack.bytes(),
            Form::Large { table, bytes } => table.bytes() + bytes,
        };
        fields + self.expiries.as_ref().map_or(0, |expiries| expiries.bytes())
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        if let Some(expiries) = &mut self.expiries {
            if expiries.drop_some(count) {
                self.expiries = None;
            }
            return false;
        }
        match &mut self.form {
            Form::Small(_) => true,
            Form::Large { table, .. } => table.drop_some(count),
        }
    }

    /// The commands that make this value at a key that is not there, each of bounded size.
    pub(crate) fn rebuild(&self, key: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
        for (at, (field, value)) in self.iter().enumerate() {
            if at.is_multiple_of(REBUILT_AT_ONCE) {
                commands.push(vec![b"HSET".to_vec(), key.to_vec()]);
            }
            if let Some(command) = commands.last_mut() {
                command.extend([field.to_vec(), value.to_vec()]);
            }
        }
        for (at, field) in self.expiries.iter().flat_map(|expiries| expiries.iter()) {
            let at = at.to_string().into_bytes();
            let words = [b"HPEXPIREAT", key, &at, b"FIELDS", b"1", field];
            commands.push(words.iter().map(|word| word.to_vec()).collect());
        }
        commands
    }

    /// Fields with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (pack, table) = match &self.form {
            Form::Small(pack) => (Some(pack), None),
            Form::Large { table, .. } => (None, Some(table)),
        };
        let mut elements = pack.into_iter().flat_map(Pack::iter);
        let small = core::iter::from_fn(move || Some((elements.next()?, elements.next()?)));
        small.chain(table.into_iter().flat_map(|table| table.iter().map(Field::pair)))
    }

    /// One step of a scan, as [`Table::scan`]; a pack is passed on in one.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> u64 {
        if let Form::Large { table, .. } = &self.form {
            return table.scan(cursor, count, |field| {
                let (field, value) = field.pair();
                visit(field, value);
            });
        }
        for (field, value) in self.iter() {
            visit(field, value);
        }
        0
    }

    /// One field with its value, each with the same chance. `random` gives numbers below its
    /// argument.
    pub(crate) fn random(&self, mut random: impl FnMut(usize) -> usize) -> Option<(&[u8], &[u8])> {
        match &self.form {
            Form::Small(pack) => {
                let index = 2 * random(pack.len() / 2);
                let (field, behind) = pack.get(pack.place_of(i64::try_from(index).ok()?)?)?;
                Some((field, pack.get(behind)?.0))
            }
            Form::Large { table, .. } => table.random(random).map(Field::pair),
        }
    }

    /// A field's value.
    pub(crate) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.form {
            Form::Small(pack) => pack.get(find(pack, field)?.1).map(|(value, _)| value),
            Form::Large { table, .. } => Some(table.get(self.place(table, field)?)?.pair().1),
        }
    }

    /// Sets a field, which then does not expire; whether it is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        let is_new = self.set_keeping_expiry(field, value);
        if !is_new {
            self.set_expires_at(field, None);
        }
        is_new
    }

    /// Sets a field; whether it is new.
    pub(crate) fn set_keeping_expiry(&mut self, field: &[u8], value: &[u8]) -> bool {
        if field.len().max(value.len()) > SMALL_BYTES_MAX {
            self.enlarge();
        }
        let is_new = match &mut self.form {
            Form::Small(pack) => {
                let found = find(pack, field);
                if let Some((_, at)) = found {
                    pack.replace(at, value);
                } else {
                    pack.push(field);
                    pack.push(value);
                }
                found.is_none()
            }
            Form::Large { table, bytes } => {
                let tag = hash(self.seed, field).tag;
                let new = Field::new(field, value);
                *bytes += new.bytes();
                let place = table.find(tag, field);
                if let Some(old) = place.and_then(|place| table.get_mut(place)) {
                    *bytes -= old.bytes();
                    *old = new;
                } else {
                    table.insert_new(tag, new);
                }
                place.is_none()
            }
        };
        if self.is_small() && self.len() > SMALL_FIELDS_MAX {
            self.enlarge();
        }
        is_new
    }

    /// Takes a field out; whether it was there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        let is_removed = match &mut self.form {
            Form::Small(pack) => match find(pack, field) {
                Some((at, _)) => {
                    pack.remove(at);
                    pack.remove(at);
                    true
                }
                None => false,
            },
            Form::Large { table, bytes } => {
                let place = table.find(hash(self.seed, field).tag, field);
                let removed = place.and_then(|place| table.remove(place));
                *bytes -= removed.as_ref().map_or(0, Field::bytes);
                removed.is_some()
            }
        };
        if is_removed {
            self.set_expires_at(field, None);
        }
        is_removed
    }

    /// When a field expires.
    pub(crate) fn expires_at(&self, field: &[u8]) -> Option<Timestamp> {
        self.expiries.as_ref()?.get(field).map(Timestamp::from_ms)
    }

    /// Sets or clears the expiry of a field that is there.
    pub(crate) fn set_expires_at(&mut self, field: &[u8], at: Option<Timestamp>) {
        match at {
            Some(at) => self.expiries.get_or_insert_default().set(field, at.as_ms()),
            None => {
                if let Some(expiries) = &mut self.expiries
                    && expiries.clear(field)
                {
                    self.expiries = None;
                }
            }
        }
    }

    /// Whether a field has expired that is still here.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        let next = self.expiries.as_ref().and_then(|expiries| expiries.next());
        next.is_some_and(|at| at < now.as_ms())
    }

    /// Takes the expired fields out.
    pub(crate) fn take_expired(&mut self, now: Timestamp) -> Vec<Box<[u8]>> {
        let mut taken = Vec::new();
        while self.has_expired(now)
            && let Some(field) = self.expiries.as_ref().and_then(|expiries| expiries.first())
        {
            let field: Box<[u8]> = field.into();
            // It leaves the order with the field; were it not there, it would stay for ever.
            if !self.remove(&field) {
                self.set_expires_at(&field, None);
            }
            taken.push(field);
        }
        taken
    }

    fn place(&self, table: &Table<Field>, field: &[u8]) -> Option<Place> {
        table.find(hash(self.seed, field).tag, field)
    }

    /// Makes a pack a table.
    fn enlarge(&mut self) {
        let Form::Small(pack) = &self.form else {
            return;
        };
        let (mut table, mut bytes) = (Table::new(), 0);
        let mut elements = pack.iter();
        while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
            let new = Field::new(field, value);
            bytes += new.bytes();
            table.insert_new(hash(self.seed, field).tag, new);
        }
        drop(elements);
        self.form = Form::Large { table, bytes };
    }
}

/// The places of a field and of its value in a pack.
fn find(pack: &Pack, field: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        let (other, value_at) = pack.get(at)?;
        if other == field {
            return Some((at, value_at));
        }
        at = pack.get(value_at)?.1;
    }
}
