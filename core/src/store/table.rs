//! A hash table that never pauses: extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979).
//!
//! Items lie in leaves of at most [`LEAF_ITEMS_MAX`], sorted by tag. The top bits of a tag choose
//! the leaf through a directory. A full leaf splits alone, so no insertion moves more than one
//! leaf's items, however large the table is. And since tags order all items for good, a scan is a
//! walk through the tags: it meets each item that stays exactly once, also while the table grows.

use alloc::vec;
use alloc::vec::Vec;

use super::memory::heap;

/// What can lie in a table.
pub(crate) trait Keyed {
    /// What the item is found by.
    fn key(&self) -> &[u8];
}

/// Items by key. The caller hashes keys, always with the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    /// For each prefix of `depth` bits the leaf that holds its tags.
    directory: Vec<u32>,
    depth: u32,
    leaves: Vec<Leaf<T>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Leaf<T> {
    /// How many top bits all its tags share.
    depth: u32,
    /// Items with their tags, side by side: a search meets both in one place of the memory.
    items: Vec<(u32, T)>,
}

/// Where an item lies until the table changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    leaf: usize,
    at: usize,
}

/// Few enough to be searched and moved in a moment, enough to make the directory small.
const LEAF_ITEMS_MAX: usize = 64;
/// Room is added to a leaf in steps, for memory's sake.
const LEAF_ITEMS_STEP: usize = 8;
/// Deeper leaves do not split, they grow: only tags that are all the same get there.
const DEPTH_MAX: u32 = 26;

impl<T> Leaf<T> {
    const fn new(depth: u32) -> Self {
        Self { depth, items: Vec::new() }
    }

    /// The first place whose tag is not below `tag`. Tags are spread evenly over what the leaf
    /// covers, so that is close to where the tag lies between its lowest and its highest.
    fn lower_bound(&self, tag: u32) -> usize {
        let within = tag.checked_shl(self.depth).unwrap_or(0);
        let guess = (u64::from(within) * self.items.len() as u64) >> 32;
        let guess = usize::try_from(guess).unwrap_or(0);
        let (before, from) = self.items.split_at(guess.min(self.items.len()));
        let above = before.iter().rev().take_while(|(other, _)| *other >= tag).count();
        if above > 0 {
            return before.len() - above;
        }
        before.len() + from.iter().take_while(|(other, _)| *other < tag).count()
    }

    fn insert(&mut self, tag: u32, item: T) -> usize {
        if self.items.len() == self.items.capacity() {
            self.items.reserve_exact(LEAF_ITEMS_STEP);
        }
        let at = self.lower_bound(tag);
        self.items.insert(at, (tag, item));
        at
    }

    /// Where the first item with this tag lies that `wanted` accepts.
    fn find(&self, tag: u32, wanted: impl Fn(&T) -> bool) -> Option<usize> {
        let first = self.lower_bound(tag);
        let mut same = self.items.get(first..)?.iter().take_while(|(other, _)| *other == tag);
        Some(first + same.position(|(_, item)| wanted(item))?)
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Table<T> {
    /// An empty table.
    pub(crate) fn new() -> Self {
        Self { directory: vec![0], depth: 0, leaves: vec![Leaf::new(0)], len: 0 }
    }

    /// How many items it holds.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the table itself; what its items own is not counted.
    pub(crate) fn bytes(&self) -> usize {
        let each = size_of::<(u32, T)>();
        // A leaf is on average three quarters full, and its room ends half a step beyond.
        let slack = self.leaves.len() * LEAF_ITEMS_STEP / 2;
        (self.len + slack) * each
            + self.leaves.len() * (size_of::<Leaf<T>>() * 5 / 4 + 16)
            + heap(self.directory.len() * size_of::<u32>())
    }

    /// The leaf that a tag belongs to.
    fn leaf_of(&self, tag: u32) -> usize {
        let at = if self.depth == 0 { 0 } else { tag >> (32 - self.depth) };
        self.directory.get(at as usize).map_or(0, |leaf| *leaf as usize)
    }

    /// The item at a place.
    pub(crate) fn get(&self, place: Place) -> Option<&T> {
        self.leaves.get(place.leaf)?.items.get(place.at).map(|(_, item)| item)
    }

    /// The item at a place, to change it; never its key.
    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.leaves.get_mut(place.leaf)?.items.get_mut(place.at).map(|(_, item)| item)
    }

    /// Items in the order of their tags, from `tag` on, with their tags.
    pub(crate) fn iter_from(&self, tag: u32) -> impl Iterator<Item = (u32, &T)> {
        let mut slot = if self.depth == 0 { 0 } else { (tag >> (32 - self.depth)) as usize };
        let mut at = self.leaves.get(self.leaf_of(tag)).map_or(0, |leaf| leaf.lower_bound(tag));
        core::iter::from_fn(move || {
            loop {
                let leaf = self.leaves.get(*self.directory.get(slot)? as usize)?;
                if let Some((tag, item)) = leaf.items.get(at) {
                    at += 1;
                    return Some((*tag, item));
                }
                // A leaf stands in the directory once for each prefix that it covers.
                let covers = 1 << (self.depth - leaf.depth);
                slot = (slot / covers + 1) * covers;
                at = 0;
            }
        })
    }

    /// All items, in the order of their tags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.iter_from(0).map(|(_, item)| item)
    }

    /// One step of a scan: passes items from `cursor` on to `visit` until at least `count` were
    /// passed. Answers where to go on; 0 when everything was passed.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&T)) -> u64 {
        // As in Redis, of a cursor that was never given out only the low bits count.
        let from = u32::try_from(cursor & u64::from(u32::MAX)).unwrap_or(0);
        let mut last = None;
        for (seen, (tag, item)) in self.iter_from(from).enumerate() {
            // Items of one tag are never parted.
            if seen >= count && last != Some(tag) {
                return u64::from(tag);
            }
            visit(item);
            last = Some(tag);
        }
        0
    }

    /// One item, each with the same chance. `random` gives numbers below its argument.
    pub(crate) fn random(&self, mut random: impl FnMut(usize) -> usize) -> Option<&T> {
        if self.len == 0 {
            return None;
        }
        // Draw a prefix, then a place that a leaf of the largest size would have; a leaf that
        // covers several prefixes is taken accordingly seldom.
        let most = self.leaves.iter().map(|leaf| leaf.items.len()).max().unwrap_or(0);
        loop {
            let slot = random(self.directory.len());
            let leaf = self.leaves.get(*self.directory.get(slot)? as usize)?;
            let covers = 1 << (self.depth - leaf.depth);
            if random(covers) == 0
                && let Some((_, item)) = leaf.items.get(random(most))
            {
                return Some(item);
            }
        }
    }

    /// Up to `count` items that lie together, from a prefix that `draw` chooses: for sampling.
    pub(crate) fn sample(&self, draw: u32, count: usize) -> impl Iterator<Item = &T> {
        let from = self.iter_from(draw).map(|(_, item)| item);
        from.chain(self.iter()).take(count.min(self.len))
    }

    /// Drops up to about `count` items, for tables that are given up bit by bit; whether it is empty.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        let mut dropped = 0;
        while dropped < count {
            let Some(leaf) = self.leaves.pop() else {
                break;
            };
            dropped += leaf.items.len() + 1;
            self.len = self.len.saturating_sub(leaf.items.len());
        }
        self.leaves.is_empty()
    }

    fn split(&mut self, leaf_at: usize) {
        let Some(leaf) = self.leaves.get_mut(leaf_at) else {
            return;
        };
        leaf.depth += 1;
        let depth = leaf.depth;
        let bit = 1_u32 << (32 - depth);
        let middle = leaf.items.iter().filter(|(tag, _)| tag & bit == 0).count();
        let first_tag = leaf.items.first().map_or(0, |(tag, _)| *tag);
        let mut upper = Leaf::new(depth);
        upper.items = leaf.items.split_off(middle);
        leaf.items.shrink_to(middle.next_multiple_of(LEAF_ITEMS_STEP));
        let upper_at = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        self.leaves.push(upper);
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|leaf| [*leaf, *leaf]).collect();
            self.depth += 1;
        }
        // The upper half of the prefixes that the leaf covered is the new leaf's.
        let covers = 1_usize << (self.depth - depth);
        let prefix = if depth == 1 { 0 } else { (first_tag >> (33 - depth)) as usize };
        let begin = (prefix * 2 + 1) * covers;
        for slot in self.directory.iter_mut().skip(begin).take(covers) {
            *slot = upper_at;
        }
    }
}

impl<T: Keyed> Table<T> {
    /// Where the item with this key lies. `tag` is of the key's hash.
    pub(crate) fn find(&self, tag: u32, key: &[u8]) -> Option<Place> {
        self.find_by(tag, |item| item.key() == key)
    }

    /// Adds an item whose key is not there yet.
    pub(crate) fn insert_new(&mut self, tag: u32, item: T) -> Place {
        loop {
            let leaf_at = self.leaf_of(tag);
            match self.leaves.get_mut(leaf_at) {
                Some(leaf) if leaf.items.len() < LEAF_ITEMS_MAX || leaf.depth >= DEPTH_MAX => {
                    let at = leaf.insert(tag, item);
                    self.len += 1;
                    return Place { leaf: leaf_at, at };
                }
                Some(_) => self.split(leaf_at),
                // Only a table that was given up has no leaf.
                None => *self = Self::new(),
            }
        }
    }

    /// Takes the item at a place out.
    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        let leaf = self.leaves.get_mut(place.leaf)?;
        if place.at >= leaf.items.len() {
            return None;
        }
        let (_, item) = leaf.items.remove(place.at);
        if leaf.items.capacity() - leaf.items.len() > 3 * LEAF_ITEMS_STEP {
            leaf.items.shrink_to(leaf.items.len() + LEAF_ITEMS_STEP);
        }
        self.len -= 1;
        // An empty table gives back its leaves, so that what was once large costs nothing.
        if self.len == 0 && self.leaves.len() > 1 {
            *self = Self::new();
        }
        Some(item)
    }

    /// Where the items with this tag lie that `wanted` accepts: the first of them.
    pub(crate) fn find_by(&self, tag: u32, wanted: impl Fn(&T) -> bool) -> Option<Place> {
        let leaf = self.leaf_of(tag);
        let at = self.leaves.get(leaf)?.find(tag, wanted)?;
        Some(Place { leaf, at })
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::format;
    use alloc::vec::Vec;

    use super::super::hashing::hash;
    use super::*;
    use crate::rng::Rng;

    impl Keyed for Vec<u8> {
        fn key(&self) -> &[u8] {
            self
        }
    }

    fn tag(key: &[u8]) -> u32 {
        hash(7, key).tag
    }

    #[test]
    fn agrees_with_a_set_through_growth_and_removal() {
        let (mut table, mut model, mut rng) = (Table::new(), BTreeSet::new(), Rng::new(3));
        for round in 0..60_000_u64 {
            let key = format!("key:{}", rng.between(0, 9_000)).into_bytes();
            let growing = round < 30_000;
            let place = table.find(tag(&key), &key);
            assert_eq!(place.is_some(), model.contains(&key));
            match place {
                None if growing || rng.between(0, 3) == 0 => {
                    table.insert_new(tag(&key), key.clone());
                    model.insert(key);
                }
                Some(place) if !growing => {
                    assert_eq!(table.remove(place), Some(key.clone()));
                    model.remove(&key);
                }
                _ => {}
            }
            assert_eq!(table.len(), model.len());
        }
        let all: BTreeSet<Vec<u8>> = table.iter().cloned().collect();
        assert_eq!(all, model);
        assert!(table.iter_from(0).map(|(tag, _)| tag).is_sorted());
    }

    #[test]
    fn a_scan_meets_what_stays_exactly_once_while_the_table_grows() {
        let mut table = Table::new();
        let keys: Vec<Vec<u8>> = (0..5_000).map(|n| format!("old:{n}").into_bytes()).collect();
        for key in &keys {
            table.insert_new(tag(key), key.clone());
        }
        let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let (mut cursor, mut steps) = (0, 0);
        loop {
            cursor = table.scan(cursor, 10, |key| *seen.entry(key.clone()).or_default() += 1);
            if cursor == 0 {
                break;
            }
            for n in 0..20 {
                let new = format!("new:{steps}:{n}").into_bytes();
                table.insert_new(tag(&new), new);
            }
            steps += 1;
        }
        assert!(steps >= 500);
        assert!(keys.iter().all(|key| seen.get(key) == Some(&1)));
    }

    #[test]
    fn every_item_has_the_same_chance() {
        let mut table = Table::new();
        for n in 0..300 {
            let key = format!("{n}").into_bytes();
            table.insert_new(tag(&key), key);
        }
        let mut rng = Rng::new(1);
        let mut drawn: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for _ in 0..90_000 {
            let below = |n: usize| usize::try_from(rng.between(0, n as u64 - 1)).unwrap();
            *drawn.entry(table.random(below).unwrap().clone()).or_default() += 1;
        }
        assert_eq!(drawn.len(), 300);
        // 300 expected each; 6 standard deviations of 17.3.
        assert!(drawn.values().all(|n| (196..=404).contains(n)));
    }

    #[test]
    fn items_of_one_tag_stay_together_and_are_told_apart() {
        let mut table = Table::new();
        for n in 0..200 {
            table.insert_new(9, format!("{n}").into_bytes());
        }
        assert!(table.find(9, b"77").is_some());
        assert!(table.find(9, b"200").is_none());
        let mut seen = 0;
        assert_eq!(table.scan(0, 10, |_| seen += 1), 0);
        assert_eq!(seen, 200);
    }

    #[test]
    fn a_table_can_be_given_up_bit_by_bit() {
        let mut table = Table::new();
        for n in 0..10_000 {
            let key = format!("{n}").into_bytes();
            table.insert_new(tag(&key), key);
        }
        let mut steps = 1;
        while !table.drop_some(100) {
            steps += 1;
        }
        assert!(steps > 50);
        assert_eq!(table.len(), 0);
    }
}
