//! Whole numbers in ascending order, each as wide as the widest needs: the `intset` of Redis.

use alloc::vec::Vec;

use super::super::super::memory::heap;

/// Whole numbers in ascending order, none twice.
#[derive(Clone, Debug)]
pub(super) struct Integers {
    width: Width,
    bytes: Vec<u8>,
}

/// Bytes of each number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

/// Room is added for this many numbers at a time, for memory's sake.
const STEP: usize = 8;

impl Width {
    /// The least one that a number fits.
    fn of(number: i64) -> Self {
        if i16::try_from(number).is_ok() {
            Self::Two
        } else if i32::try_from(number).is_ok() {
            Self::Four
        } else {
            Self::Eight
        }
    }
}

impl Integers {
    /// None.
    pub(super) const fn new() -> Self {
        Self { width: Width::Two, bytes: Vec::new() }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() / self.width as usize
    }

    /// Bytes on the heap.
    pub(super) const fn bytes(&self) -> usize {
        heap(self.bytes.capacity())
    }

    /// The number at an index in ascending order.
    pub(super) fn get(&self, at: usize) -> Option<i64> {
        let width = self.width as usize;
        let bytes = self.bytes.get(at * width..(at + 1) * width)?;
        Some(match self.width {
            Width::Two => i16::from_le_bytes(bytes.try_into().ok()?).into(),
            Width::Four => i32::from_le_bytes(bytes.try_into().ok()?).into(),
            Width::Eight => i64::from_le_bytes(bytes.try_into().ok()?),
        })
    }

    /// All, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Whether a number is among them.
    pub(super) fn contains(&self, number: i64) -> bool {
        self.find(number).is_ok()
    }

    /// Adds a number; whether it is new.
    pub(super) fn insert(&mut self, number: i64) -> bool {
        let Err(at) = self.find(number) else {
            return false;
        };
        if Width::of(number) > self.width {
            self.widen(Width::of(number));
        }
        let width = self.width as usize;
        if self.bytes.len() + width > self.bytes.capacity() {
            self.bytes.reserve_exact(STEP * width);
        }
        let begin = at * width;
        let bytes = number.to_le_bytes();
        self.bytes.splice(begin..begin, bytes.into_iter().take(width));
        true
    }

    /// Takes a number out; whether it was there.
    pub(super) fn remove(&mut self, number: i64) -> bool {
        let Ok(at) = self.find(number) else {
            return false;
        };
        let width = self.width as usize;
        self.bytes.drain(at * width..(at + 1) * width);
        if self.bytes.capacity() - self.bytes.len() > 3 * STEP * width {
            self.bytes.shrink_to(self.bytes.len() + STEP * width);
        }
        true
    }

    /// Where a number lies, or where it would.
    fn find(&self, number: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.get(middle) {
                Some(other) if other < number => low = middle + 1,
                _ => high = middle,
            }
        }
        if self.get(low) == Some(number) { Ok(low) } else { Err(low) }
    }

    fn widen(&mut self, width: Width) {
        let mut bytes = Vec::with_capacity((self.len() + STEP) * width as usize);
        for number in self.iter() {
            bytes.extend(number.to_le_bytes().into_iter().take(width as usize));
        }
        *self = Self { width, bytes };
    }
}
