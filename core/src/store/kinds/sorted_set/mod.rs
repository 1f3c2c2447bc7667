//! Members in the order of their scores.
//!
//! Small ones are one [`Pack`] in order. Large ones are a [`Table`] from member to score and a
//! [`Tree`] in order, which share the members.

mod iter;
#[cfg(test)]
mod tests;
mod tree;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

pub(crate) use iter::Iter;
use tree::{Item, Tree};

use super::super::hashing::hash;
use super::super::memory::heap;
use super::super::number::format_f64;
use super::super::pack::Pack;
use super::super::table::{Keyed, Table};

/// Members with scores, in the order of scores, then of members.
#[derive(Clone, Debug)]
pub(crate) struct SortedSet {
    seed: u64,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Elements are a score in eight bytes, then the member.
    Small(Pack),
    Large(Box<Large>),
}

#[derive(Clone, Debug)]
struct Large {
    scores: Table<Item>,
    order: Tree,
    /// Bytes of the blocks of all members.
    member_bytes: usize,
}

/// `zset-max-listpack-entries` of Redis.
const SMALL_LEN_MAX: usize = 128;
/// `zset-max-listpack-value` of Redis.
const SMALL_MEMBER_BYTES_MAX: usize = 64;
/// Members that one command of a rebuild adds.
const REBUILT_BY_COMMAND_MAX: usize = 512;

impl Keyed for Item {
    fn key(&self) -> &[u8] {
        &self.member
    }
}

impl SortedSet {
    /// An empty one. The seed is for hashing.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, form: Form::Small(Pack::new()) }
    }

    /// An empty one of the form that this many members have, the longest of this many bytes.
    pub(crate) fn sized(seed: u64, len: usize, member_bytes_max: usize) -> Self {
        let mut set = Self::new(seed);
        if len > SMALL_LEN_MAX || member_bytes_max > SMALL_MEMBER_BYTES_MAX {
            set.make_large();
        }
        set
    }

    /// How many members it has.
    pub(crate) const fn len(&self) -> usize {
        match &self.form {
            Form::Small(pack) => pack.len(),
            Form::Large(large) => large.order.len(),
        }
    }

    /// Whether it is empty.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has the form of few and short members, which Redis calls a listpack.
    pub(crate) const fn is_small(&self) -> bool {
        matches!(self.form, Form::Small(_))
    }

    /// The score of a member.
    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Small(pack) => find_in_pack(pack, member).map(|(_, score)| score),
            Form::Large(large) => {
                let place = large.scores.find(hash(self.seed, member).tag, member)?;
                large.scores.get(place).map(|item| item.score)
            }
        }
    }

    /// Gives a member a score, which must be a number; whether the member is new.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64) -> bool {
        let old = self.score(member);
        if old == Some(score) {
            return false;
        }
        if old.is_none() {
            self.make_room(member);
        }
        match &mut self.form {
            Form::Small(pack) => {
                if old.is_some()
                    && let Some((place, _)) = find_in_pack(pack, member)
                {
                    pack.remove(place);
                }
                insert_into_pack(pack, member, score);
            }
            Form::Large(large) => large.insert(hash(self.seed, member).tag, member, score),
        }
        old.is_none()
    }

    /// Takes a member out; its score.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.form {
            Form::Small(pack) => {
                let (place, score) = find_in_pack(pack, member)?;
                pack.remove(place);
                Some(score)
            }
            Form::Large(large) => large.remove(hash(self.seed, member).tag, member),
        }
    }

    /// Members with their scores in ascending order; reversible.
    pub(crate) fn iter(&self) -> Iter<'_> {
        self.range(0..self.len())
    }

    /// Those with these ranks.
    pub(crate) fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        let ranks = ranks.start..ranks.end.min(self.len());
        match &self.form {
            Form::Small(pack) => Iter::over_pack(pack, ranks),
            Form::Large(large) => Iter::over_tree(&large.order, ranks),
        }
    }

    /// Those from a rank on.
    pub(crate) fn iter_from_rank(&self, rank: usize) -> Iter<'_> {
        self.range(rank..self.len())
    }

    /// Those whose scores are not below `min` and not above `max`.
    pub(crate) fn range_by_score(&self, min: f64, max: f64) -> Iter<'_> {
        let begin = self.count_while(|score, _| score < min);
        let end = self.count_while(|score, _| score <= max);
        self.range(begin..end)
    }

    /// How many members come before that with a rank counted from the lowest score, if it is there.
    pub(crate) fn rank(&self, member: &[u8]) -> Option<usize> {
        match &self.form {
            Form::Small(pack) => pack.iter().position(|element| split(element).1 == member),
            Form::Large(_) => {
                let score = self.score(member)?;
                let before = |s: f64, m: &[u8]| order((s, m), (score, member)) == Ordering::Less;
                Some(self.count_while(before))
            }
        }
    }

    /// How many members, from the lowest on, are `within` a bound. Those that are must come before
    /// those that are not.
    pub(crate) fn count_while(&self, within: impl Fn(f64, &[u8]) -> bool) -> usize {
        match &self.form {
            Form::Small(pack) => {
                let elements = pack.iter().map(split);
                elements.take_while(|(score, member)| within(*score, member)).count()
            }
            Form::Large(large) => large.order.count_while(within),
        }
    }

    /// One step of a scan: see [`Table::scan`]. A small one is passed at once, in order.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        match &self.form {
            Form::Small(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Large(large) => {
                large.scores.scan(cursor, count, |item| visit(&item.member, item.score))
            }
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        match &self.form {
            Form::Small(pack) => pack.bytes(),
            Form::Large(large) => {
                heap(size_of::<Large>())
                    + large.member_bytes
                    + large.scores.bytes()
                    + large.order.bytes()
            }
        }
    }

    /// How it is kept, in the words of OBJECT ENCODING.
    pub(crate) const fn encoding(&self) -> &'static str {
        if self.is_small() { "listpack" } else { "skiplist" }
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        match &mut self.form {
            Form::Small(_) => true,
            Form::Large(large) => {
                large.order.drop_some(count / 2) && large.scores.drop_some(count / 2)
            }
        }
    }

    /// The commands that make this value at a key that is not there, each of bounded size.
    pub(crate) fn rebuild(&self, key: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
        for (at, (member, score)) in self.iter().enumerate() {
            if at.is_multiple_of(REBUILT_BY_COMMAND_MAX) {
                commands.push(vec![b"ZADD".to_vec(), key.to_vec()]);
            }
            if let Some(command) = commands.last_mut() {
                command.push(format_f64(score).into_bytes());
                command.push(member.to_vec());
            }
        }
        commands
    }

    /// Takes the large form where a new member does not fit the small one.
    fn make_room(&mut self, member: &[u8]) {
        let Form::Small(pack) = &self.form else {
            return;
        };
        if pack.len() < SMALL_LEN_MAX && member.len() <= SMALL_MEMBER_BYTES_MAX {
            return;
        }
        self.make_large();
    }

    fn make_large(&mut self) {
        let Form::Small(pack) = &self.form else {
            return;
        };
        let mut large =
            Box::new(Large { scores: Table::new(), order: Tree::new(), member_bytes: 0 });
        for (score, member) in pack.iter().map(split) {
            large.insert(hash(self.seed, member).tag, member, score);
        }
        self.form = Form::Large(large);
    }
}

impl Large {
    fn insert(&mut self, tag: u32, member: &[u8], score: f64) {
        let place = self.scores.find(tag, member);
        if let Some(item) = place.and_then(|place| self.scores.get_mut(place)) {
            self.order.remove(item.score, member);
            item.score = score;
            self.order.insert(item.clone());
            return;
        }
        let item = Item { score, member: Arc::from(member) };
        self.member_bytes += block(member);
        self.order.insert(item.clone());
        self.scores.insert_new(tag, item);
    }

    fn remove(&mut self, tag: u32, member: &[u8]) -> Option<f64> {
        let item = self.scores.remove(self.scores.find(tag, member)?)?;
        self.order.remove(item.score, member);
        self.member_bytes = self.member_bytes.saturating_sub(block(member));
        Some(item.score)
    }
}

/// Bytes of the block that a shared member takes, its two counts included.
const fn block(member: &[u8]) -> usize {
    heap(member.len() + 2 * size_of::<usize>())
}

/// How two elements stand in order. Scores are never NaN; -0 is 0.
fn order(one: (f64, &[u8]), other: (f64, &[u8])) -> Ordering {
    let scores = one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal);
    scores.then_with(|| one.1.cmp(other.1))
}

/// Score and member of an element of a pack.
fn split(element: &[u8]) -> (f64, &[u8]) {
    match element.split_first_chunk() {
        Some((score, member)) => (f64::from_le_bytes(*score), member),
        None => (0.0, &[]),
    }
}

fn find_in_pack(pack: &Pack, member: &[u8]) -> Option<(usize, f64)> {
    let mut place = 0;
    while let Some((element, next)) = pack.get(place) {
        let (score, other) = split(element);
        if other == member {
            return Some((place, score));
        }
        place = next;
    }
    None
}

fn insert_into_pack(pack: &mut Pack, member: &[u8], score: f64) {
    let mut place = 0;
    while let Some((element, next)) = pack.get(place) {
        let (other_score, other) = split(element);
        if order((other_score, other), (score, member)) == Ordering::Greater {
            break;
        }
        place = next;
    }
    let mut element = Vec::with_capacity(size_of::<f64>() + member.len());
    // Redis' small form does not know -0.
    element.extend_from_slice(&(score + 0.0).to_le_bytes());
    element.extend_from_slice(member);
    pack.insert(place, &element);
}
