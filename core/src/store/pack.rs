//! Many short byte strings in one block of memory, walked from either end. What a list, a small
//! hash, set or sorted set keeps its elements in (Redis calls its own form listpack).

use alloc::vec::Vec;

use super::memory::heap;

/// Byte strings, one after the other.
///
/// Each is laid down as its length, its bytes, and its length again, readable backwards. Places
/// are byte offsets: that of an element's first byte, valid until the pack changes before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pack {
    bytes: Vec<u8>,
    len: usize,
}

/// Room is added in steps, or by an eighth of the size where that is more.
const ROOM_BYTES_MIN: usize = 16;

impl Pack {
    /// An empty pack.
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), len: 0 }
    }

    /// How many elements it holds.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        heap(self.bytes.capacity())
    }

    /// Bytes in use.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The place behind the last element.
    pub(crate) const fn end(&self) -> usize {
        self.bytes.len()
    }

    /// The element at a place, and the place of the one behind it.
    pub(crate) fn get(&self, place: usize) -> Option<(&[u8], usize)> {
        let (len, begin) = read_forward(&self.bytes, place)?;
        let end = begin.checked_add(len)?;
        let element = self.bytes.get(begin..end)?;
        Some((element, end + varint_size(len)))
    }

    /// The place of the element before a place.
    pub(crate) fn before(&self, place: usize) -> Option<usize> {
        let (len, end) = read_backward(&self.bytes, place)?;
        end.checked_sub(len)?.checked_sub(varint_size(len))
    }

    /// The place of the element at an index; negative ones count from the end, -1 being the last.
    pub(crate) fn place_of(&self, index: i64) -> Option<usize> {
        let from_front = if index >= 0 {
            usize::try_from(index).ok()?
        } else {
            self.len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
        };
        if from_front >= self.len {
            return None;
        }
        if from_front <= self.len / 2 {
            let mut place = 0;
            for _ in 0..from_front {
                place = self.get(place)?.1;
            }
            return Some(place);
        }
        let mut place = self.end();
        for _ in from_front..self.len {
            place = self.before(place)?;
        }
        Some(place)
    }

    /// Elements from the first to the last.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        Iter { pack: self, front: 0, back: self.end() }
    }

    /// Adds an element at a place; it is then the element at that place.
    pub(crate) fn insert(&mut self, place: usize, element: &[u8]) {
        let (head, head_len) = varint(element.len());
        let added = element.len() + 2 * head_len;
        let place = place.min(self.bytes.len());
        self.reserve(added);
        let old_end = self.bytes.len();
        self.bytes.resize(old_end + added, 0);
        self.bytes.copy_within(place..old_end, place + added);
        let (head, mut tail) = (head.get(..head_len).unwrap_or_default(), head);
        tail[..head_len].reverse();
        let parts = [head, element, tail.get(..head_len).unwrap_or_default()];
        let mut at = place;
        for part in parts {
            if let Some(room) = self.bytes.get_mut(at..at + part.len()) {
                room.copy_from_slice(part);
            }
            at += part.len();
        }
        self.len += 1;
    }

    /// Adds an element at the end.
    pub(crate) fn push(&mut self, element: &[u8]) {
        self.insert(self.end(), element);
    }

    /// Takes the element at a place out; the next one is then at that place.
    pub(crate) fn remove(&mut self, place: usize) {
        if let Some((_, next)) = self.get(place) {
            self.bytes.drain(place..next);
            self.len -= 1;
            if self.bytes.capacity() > 2 * self.bytes.len() + 4 * ROOM_BYTES_MIN {
                self.bytes.shrink_to(self.bytes.len() + ROOM_BYTES_MIN);
            }
        }
    }

    /// Puts another element in the place of one.
    pub(crate) fn replace(&mut self, place: usize, element: &[u8]) {
        let Some((old, _)) = self.get(place) else {
            return;
        };
        if old.len() == element.len() {
            let begin = place + varint_size(element.len());
            if let Some(room) = self.bytes.get_mut(begin..begin + element.len()) {
                room.copy_from_slice(element);
            }
        } else {
            self.remove(place);
            self.insert(place, element);
        }
    }

    /// The elements from an index on, as a pack of their own; this one keeps those before it.
    pub(crate) fn split_off(&mut self, index: usize) -> Self {
        let Some(place) = i64::try_from(index).ok().and_then(|index| self.place_of(index)) else {
            return Self::new();
        };
        let rest = Self { bytes: self.bytes.split_off(place), len: self.len - index };
        self.len = index;
        self.bytes.shrink_to_fit();
        rest
    }

    fn reserve(&mut self, added: usize) {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        if len + added > capacity {
            self.bytes.reserve_exact(added + ROOM_BYTES_MIN.max(len / 8));
        }
    }
}

struct Iter<'a> {
    pack: &'a Pack,
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.front >= self.back {
            return None;
        }
        let (element, next) = self.pack.get(self.front)?;
        self.front = next;
        Some(element)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = self.pack.before(self.back)?;
        self.pack.get(self.back).map(|(element, _)| element)
    }
}

/// A length in groups of seven bits, the lowest first, each but the last with its top bit set.
fn varint(mut len: usize) -> ([u8; 10], usize) {
    let (mut bytes, mut used) = ([0; 10], 0);
    loop {
        let group = u8::try_from(len & 0x7f).unwrap_or(0);
        len >>= 7;
        bytes[used] = if len == 0 { group } else { group | 0x80 };
        used += 1;
        if len == 0 {
            return (bytes, used);
        }
    }
}

const fn varint_size(len: usize) -> usize {
    let bits = usize::BITS - len.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(7) as usize }
}

fn read_forward(bytes: &[u8], place: usize) -> Option<(usize, usize)> {
    let (mut len, mut shift) = (0, 0);
    for (read, byte) in bytes.get(place..)?.iter().take(10).enumerate() {
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((len, place + read + 1));
        }
        shift += 7;
    }
    None
}

fn read_backward(bytes: &[u8], place: usize) -> Option<(usize, usize)> {
    let (mut len, mut shift) = (0, 0);
    for (read, byte) in bytes.get(..place)?.iter().rev().take(10).enumerate() {
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((len, place - read - 1));
        }
        shift += 7;
    }
    None
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::rng::Rng;

    #[test]
    fn agrees_with_a_vector() {
        let (mut pack, mut model, mut rng) = (Pack::new(), Vec::<Vec<u8>>::new(), Rng::new(5));
        for _ in 0..4_000 {
            let len = [0, 1, 5, 127, 128, 300][usize::try_from(rng.between(0, 5)).unwrap()];
            let element = vec![u8::try_from(rng.between(0, 255)).unwrap(); len];
            let index = usize::try_from(rng.between(0, model.len() as u64)).unwrap();
            let place = pack.place_of(i64::try_from(index).unwrap()).unwrap_or_else(|| pack.end());
            match rng.between(0, 4) {
                0 | 1 => {
                    pack.insert(place, &element);
                    model.insert(index, element);
                }
                2 => {
                    pack.push(&element);
                    model.push(element);
                }
                3 if index < model.len() => {
                    pack.remove(place);
                    model.remove(index);
                }
                4 if index < model.len() => {
                    pack.replace(place, &element);
                    model[index] = element;
                }
                _ => {}
            }
            assert_eq!(pack.len(), model.len());
        }
        assert!(model.len() > 100);
        assert!(pack.iter().eq(model.iter().map(Vec::as_slice)));
        assert!(pack.iter().rev().eq(model.iter().rev().map(Vec::as_slice)));
        let rest = pack.split_off(40);
        assert!(pack.iter().eq(model[..40].iter().map(Vec::as_slice)));
        assert!(rest.iter().eq(model[40..].iter().map(Vec::as_slice)));
        assert_eq!(
            rest.place_of(-1).and_then(|place| rest.get(place)).unwrap().0,
            model.last().unwrap()
        );
        assert_eq!((rest.place_of(-1_000_000), rest.place_of(i64::MAX)), (None, None));
    }
}
