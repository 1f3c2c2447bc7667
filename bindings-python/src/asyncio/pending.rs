//! What waits for replies, by the numbers of the commands.

use std::collections::VecDeque;

/// Things under numbers that only grow. One that ended in the middle leaves a gap until those before
/// it have ended.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    slots: VecDeque<Option<T>>,
    /// The number of the first slot.
    first: u64,
    waiting: usize,
}

impl<T> Pending<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: VecDeque::new(), first: 0, waiting: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds one whose number is greater than all before.
    pub(crate) fn insert(&mut self, number: u64, item: T) {
        if self.slots.is_empty() {
            self.first = number;
        }
        let end = self.first + self.slots.len() as u64;
        self.slots.extend((end..number).map(|_| None));
        self.slots.push_back(Some(item));
        self.waiting += 1;
    }

    /// Takes out the one with this number, if it is there.
    pub(crate) fn take(&mut self, number: u64) -> Option<T> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let item = self.slots.get_mut(place)?.take()?;
        self.waiting -= 1;
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.first += 1;
        }
        Some(item)
    }

    /// All that wait, in their order; none is left.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        self.waiting = 0;
        std::mem::take(&mut self.slots).into_iter().flatten().collect()
    }
}
