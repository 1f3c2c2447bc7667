//! What waits for replies, by the numbers of the commands.

use std::collections::VecDeque;

/// Things under numbers that only grow, in their order. One that ended in the middle leaves its place
/// empty until those before it have ended.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    places: VecDeque<(u64, Option<T>)>,
    waiting: usize,
}

impl<T> Pending<T> {
    pub(crate) const fn new() -> Self {
        Self { places: VecDeque::new(), waiting: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds one whose number is greater than all before.
    pub(crate) fn insert(&mut self, number: u64, item: T) {
        self.places.push_back((number, Some(item)));
        self.waiting += 1;
    }

    /// Takes out the one with this number, if it is there.
    pub(crate) fn take(&mut self, number: u64) -> Option<T> {
        let place = match self.places.front() {
            Some((first, _)) if *first == number => 0,
            _ => self.places.binary_search_by_key(&number, |(number, _)| *number).ok()?,
        };
        let item = self.places.get_mut(place)?.1.take()?;
        self.waiting -= 1;
        while matches!(self.places.front(), Some((_, None))) {
            self.places.pop_front();
        }
        Some(item)
    }

    /// All that wait, in their order; none is left.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        self.waiting = 0;
        std::mem::take(&mut self.places).into_iter().filter_map(|(_, item)| item).collect()
    }
}
