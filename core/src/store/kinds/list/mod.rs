//! A list of byte strings.

#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::super::memory::heap;
use super::super::pack::Pack;

/// A list of byte strings: packs of bounded size, one behind the other, so that both ends are near
/// and nothing large is ever moved. No pack is empty.
#[derive(Clone, Debug)]
pub(crate) struct List {
    chunks: VecDeque<Pack>,
    len: usize,
    /// Bytes of the packs on the heap.
    bytes: usize,
}

/// Elements of one pack.
const CHUNK_ELEMENTS_MAX: usize = 128;
/// Bytes of one pack, unless one element alone takes more.
const CHUNK_BYTES_MAX: usize = 4_096;
/// What the two lengths of an element take at most in a pack of this size.
const ELEMENT_OVERHEAD_BYTES: usize = 6;
/// Elements that one command carries when a list is made again.
const REBUILT_AT_ONCE: usize = 512;

impl List {
    /// An empty one.
    pub(crate) const fn new(_seed: u64) -> Self {
        Self { chunks: VecDeque::new(), len: 0, bytes: 0 }
    }

    /// Whether it is empty.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many elements it has.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + heap(self.chunks.capacity() * size_of::<Pack>())
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        let mut dropped = 0;
        while dropped < count
            && let Some(chunk) = self.chunks.pop_back()
        {
            dropped += chunk.len();
        }
        self.chunks.is_empty()
    }

    /// The commands that make this value at a key that is not there, each of bounded size.
    pub(crate) fn rebuild(&self, key: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
        for (at, element) in self.iter().enumerate() {
            if at.is_multiple_of(REBUILT_AT_ONCE) {
                commands.push(vec![b"RPUSH".to_vec(), key.to_vec()]);
            }
            if let Some(command) = commands.last_mut() {
                command.push(element.to_vec());
            }
        }
        commands
    }

    /// Elements from the first to the last.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.chunks.iter().flat_map(Pack::iter)
    }

    /// The elements at these indices.
    pub(crate) fn range(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let (chunk, skipped) = self.locate(range.start).unwrap_or((self.chunks.len(), 0));
        let chunks = self.chunks.range(chunk.min(self.chunks.len())..);
        chunks.flat_map(Pack::iter).skip(skipped).take(range.len())
    }

    /// The element at an index.
    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let (chunk, place) = self.place(index)?;
        self.chunks.get(chunk)?.get(place).map(|(element, _)| element)
    }

    /// Adds an element before the first.
    pub(crate) fn push_front(&mut self, element: &[u8]) {
        if !self.chunks.front().is_some_and(|chunk| has_room(chunk, element)) {
            self.chunks.push_front(Pack::new());
        }
        self.edit(0, |chunk| chunk.insert(0, element));
        self.len += 1;
    }

    /// Adds an element behind the last.
    pub(crate) fn push_back(&mut self, element: &[u8]) {
        if !self.chunks.back().is_some_and(|chunk| has_room(chunk, element)) {
            self.chunks.push_back(Pack::new());
        }
        self.edit(self.chunks.len() - 1, |chunk| chunk.push(element));
        self.len += 1;
    }

    /// Takes the first element out.
    pub(crate) fn pop_front(&mut self) -> Option<Vec<u8>> {
        let first = self.chunks.front()?.get(0)?.0.to_vec();
        self.remove_at(0, 0);
        self.shrink();
        Some(first)
    }

    /// Takes the last element out.
    pub(crate) fn pop_back(&mut self) -> Option<Vec<u8>> {
        let chunk = self.chunks.back()?;
        let place = chunk.before(chunk.end())?;
        let last = chunk.get(place)?.0.to_vec();
        self.remove_at(self.chunks.len() - 1, place);
        self.shrink();
        Some(last)
    }

    /// Puts another element at an index.
    pub(crate) fn set(&mut self, index: usize, element: &[u8]) {
        let Some((chunk, place)) = self.place(index) else {
            return;
        };
        let fits = self.chunks.get(chunk).is_some_and(|pack| {
            let old = pack.get(place).map_or(0, |(old, _)| old.len());
            element.len() <= old || pack.len() == 1 || has_room(pack, element)
        });
        if fits {
            self.edit(chunk, |pack| pack.replace(place, element));
        } else {
            self.remove_at(chunk, place);
            self.insert(index, element);
        }
    }

    /// Adds an element before the one at an index, or at the end.
    pub(crate) fn insert(&mut self, index: usize, element: &[u8]) {
        let Some((chunk, inner)) = self.locate(index) else {
            self.push_back(element);
            return;
        };
        if self.chunks.get(chunk).is_some_and(|pack| has_room(pack, element)) {
            self.insert_in(chunk, inner, element);
        } else {
            self.insert_between(chunk, inner, element);
        }
        self.len += 1;
    }

    /// Takes elements out that equal one: at most `count` from the front, from the back where it
    /// is negative, all where it is 0. How many there were.
    pub(crate) fn remove_equal(&mut self, element: &[u8], count: i64) -> usize {
        let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let most = if wanted == 0 { usize::MAX } else { wanted };
        let mut removed = 0;
        if count >= 0 {
            let mut chunk = 0;
            while removed < most && chunk < self.chunks.len() {
                let in_chunk = self.remove_in(chunk, element, most - removed, false);
                removed += in_chunk;
                if !(in_chunk > 0 && self.tidy(chunk)) {
                    chunk += 1;
                }
            }
        } else {
            let mut chunk = self.chunks.len();
            while removed < most && chunk > 0 {
                chunk -= 1;
                let in_chunk = self.remove_in(chunk, element, most - removed, true);
                removed += in_chunk;
                if in_chunk > 0 {
                    self.tidy(chunk);
                }
            }
        }
        removed
    }

    /// Keeps the elements at these indices only.
    pub(crate) fn trim(&mut self, kept: Range<usize>) {
        if kept.is_empty() {
            *self = Self::new(0);
            return;
        }
        let behind = self.len.saturating_sub(kept.end);
        self.cut(behind, false);
        self.cut(kept.start, true);
        self.shrink();
    }

    /// Takes elements out at one end.
    fn cut(&mut self, mut count: usize, at_front: bool) {
        while count > 0 {
            let at = if at_front { 0 } else { self.chunks.len().saturating_sub(1) };
            let Some(chunk) = self.chunks.get_mut(at) else {
                return;
            };
            if chunk.len() <= count {
                count -= chunk.len();
                self.len -= chunk.len();
                self.bytes -= chunk.bytes();
                self.chunks.remove(at);
                continue;
            }
            let (len, before) = (chunk.len(), chunk.bytes());
            if at_front {
                *chunk = chunk.split_off(count);
            } else {
                chunk.split_off(len - count);
            }
            self.bytes = self.bytes + chunk.bytes() - before;
            self.len -= count;
            return;
        }
    }

    /// The pack that holds an index, and the index in it.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index <= self.len / 2 {
            let mut begin = 0;
            for (at, chunk) in self.chunks.iter().enumerate() {
                if index < begin + chunk.len() {
                    return Some((at, index - begin));
                }
                begin += chunk.len();
            }
            return None;
        }
        let mut begin = self.len;
        for (at, chunk) in self.chunks.iter().enumerate().rev() {
            begin -= chunk.len();
            if index >= begin {
                return Some((at, index - begin));
            }
        }
        None
    }

    /// The pack that holds an index, and the place in it.
    fn place(&self, index: usize) -> Option<(usize, usize)> {
        let (chunk, inner) = self.locate(index)?;
        Some((chunk, self.chunks.get(chunk)?.place_of(i64::try_from(inner).ok()?)?))
    }

    /// Changes a pack and counts its bytes anew.
    fn edit(&mut self, chunk: usize, change: impl FnOnce(&mut Pack)) {
        if let Some(pack) = self.chunks.get_mut(chunk) {
            let before = pack.bytes();
            change(pack);
            self.bytes = self.bytes + pack.bytes() - before;
        }
    }

    fn insert_in(&mut self, chunk: usize, inner: usize, element: &[u8]) {
        self.edit(chunk, |pack| {
            let place = i64::try_from(inner).ok().and_then(|inner| pack.place_of(inner));
            pack.insert(place.unwrap_or_else(|| pack.end()), element);
        });
    }

    /// Adds an element to a pack that has no room for it: the pack is parted there.
    fn insert_between(&mut self, chunk: usize, inner: usize, element: &[u8]) {
        let mut new = chunk;
        if inner > 0 {
            let mut rest = Pack::new();
            self.edit(chunk, |pack| rest = pack.split_off(inner));
            self.bytes += rest.bytes();
            self.chunks.insert(chunk + 1, rest);
            new = chunk + 1;
        }
        let before = new.checked_sub(1);
        if let Some(before) = before
            && self.chunks.get(before).is_some_and(|pack| has_room(pack, element))
        {
            self.edit(before, |pack| pack.push(element));
        } else if self.chunks.get(new).is_some_and(|pack| has_room(pack, element)) {
            self.edit(new, |pack| pack.insert(0, element));
        } else {
            self.chunks.insert(new, Pack::new());
            self.edit(new, |pack| pack.push(element));
        }
    }

    /// Takes the element at a place of a pack out, and the pack when it was its last.
    fn remove_at(&mut self, chunk: usize, place: usize) {
        self.edit(chunk, |pack| pack.remove(place));
        self.len -= 1;
        if self.chunks.get(chunk).is_some_and(Pack::is_empty)
            && let Some(empty) = self.chunks.remove(chunk)
        {
            self.bytes -= empty.bytes();
        }
    }

    /// Takes up to `most` equal elements out of one pack, which may become empty.
    fn remove_in(&mut self, chunk: usize, element: &[u8], most: usize, backward: bool) -> usize {
        let Some(pack) = self.chunks.get_mut(chunk) else {
            return 0;
        };
        let before = pack.bytes();
        let mut removed = 0;
        let mut place = if backward { pack.end() } else { 0 };
        while removed < most {
            if backward {
                let Some(previous) = pack.before(place) else { break };
                place = previous;
            }
            let Some((other, next)) = pack.get(place) else { break };
            if other == element {
                pack.remove(place);
                removed += 1;
            } else if !backward {
                place = next;
            }
        }
        self.bytes = self.bytes + pack.bytes() - before;
        self.len -= removed;
        removed
    }

    /// Drops a pack that became empty, or joins it with the one behind it where both are small.
    /// Whether it was dropped.
    fn tidy(&mut self, chunk: usize) -> bool {
        let Some(pack) = self.chunks.get(chunk) else {
            return false;
        };
        if pack.is_empty() {
            self.bytes -= pack.bytes();
            self.chunks.remove(chunk);
            return true;
        }
        let joins = self.chunks.get(chunk + 1).is_some_and(|next| {
            pack.len() + next.len() <= CHUNK_ELEMENTS_MAX / 2
                && pack.size() + next.size() <= CHUNK_BYTES_MAX / 2
        });
        if joins && let Some(first) = self.chunks.remove(chunk) {
            self.bytes -= first.bytes();
            self.edit(chunk, |next| {
                for element in first.iter().rev() {
                    next.insert(0, element);
                }
            });
        }
        // The one behind it has not been looked at where a walk goes forward.
        joins
    }

    /// Gives back the room of packs that went.
    fn shrink(&mut self) {
        if self.chunks.capacity() > 4 * self.chunks.len() + 16 {
            self.chunks.shrink_to(2 * self.chunks.len());
        }
    }
}

fn has_room(pack: &Pack, element: &[u8]) -> bool {
    pack.len() < CHUNK_ELEMENTS_MAX
        && pack.size() + element.len() + ELEMENT_OVERHEAD_BYTES <= CHUNK_BYTES_MAX
}
