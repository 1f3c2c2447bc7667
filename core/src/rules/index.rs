//! The rules in a tree of literal beginnings, so that a key meets only the few that may match it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::cover::{Glob, Pairs, Shape};
use crate::store::glob;

/// The place of no rule.
const NONE: u16 = u16::MAX;

/// All patterns by the bytes that they begin with.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    root: Node,
}

/// What the patterns have that begin with the same bytes.
#[derive(Clone, Debug)]
struct Node {
    /// The bytes after those of the parent.
    label: Vec<u8>,
    /// The first rule here or below.
    lowest: u16,
    /// The rule whose pattern is these bytes and nothing else.
    exact: u16,
    /// The first rule whose pattern is these bytes and a star.
    any: u16,
    /// The other patterns that begin so, in the order of the rules.
    tails: Vec<Tail>,
    /// By the first byte of their labels.
    children: Vec<(u8, Self)>,
}

impl Node {
    const EMPTY: Self = Self {
        label: Vec::new(),
        lowest: NONE,
        exact: NONE,
        any: NONE,
        tails: Vec::new(),
        children: Vec::new(),
    };
}

impl Default for Node {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// What must follow the literal beginning.
#[derive(Clone, Debug)]
struct Tail {
    place: u16,
    /// The pairs of bytes that every match has: most keys fail here, and cheaply.
    pairs: Pairs,
    /// What every match ends with.
    ending: Box<[u8]>,
    /// The pattern of what follows; none where the ending is all that counts.
    pattern: Option<Box<[u8]>>,
}

impl Tail {
    fn matches(&self, rest: &[u8]) -> bool {
        rest.ends_with(&self.ending)
            && self.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, rest))
    }
}

/// A pattern on its way into the tree.
#[derive(Clone, Copy)]
struct Entry<'a> {
    place: u16,
    glob: &'a Glob,
}

impl Index {
    pub(super) const EMPTY: Self = Self { root: Node::EMPTY };

    /// Patterns in the order of their rules, which are fewer than 65,535.
    pub(super) fn new(globs: &[Glob]) -> Self {
        let entry = |(place, glob)| Entry { place, glob };
        let mut entries: Vec<Entry<'_>> = (0..NONE).zip(globs).map(entry).collect();
        // What begins alike stays in the order of the rules.
        entries.sort_by_key(|entry| &entry.glob.beginning);
        let mut root = Node::default();
        // The root has no label, so that there is one even where all begin alike.
        root.fill(&entries, 0);
        Self { root }
    }

    /// The place of the first rule whose pattern matches a key.
    pub(super) fn first_match(&self, key: &[u8]) -> Option<usize> {
        let (mut node, mut rest, mut best) = (&self.root, key, NONE);
        let mut known = None;
        loop {
            best = best.min(node.any);
            if rest.is_empty() {
                best = best.min(node.exact);
            }
            if !node.tails.is_empty() {
                let pairs = *known.get_or_insert_with(|| Pairs::of(key));
                let mut tails = node.tails.iter().take_while(|tail| tail.place < best);
                let matches = |tail: &&Tail| pairs.includes(tail.pairs) && tail.matches(rest);
                best = tails.find(matches).map_or(best, |tail| tail.place);
            }
            let Some(child) = rest.first().and_then(|first| node.child(*first)) else {
                break;
            };
            match rest.strip_prefix(child.label.as_slice()) {
                Some(after) if child.lowest < best => (node, rest) = (child, after),
                _ => break,
            }
        }
        (best != NONE).then(|| usize::from(best))
    }
}

impl Node {
    fn child(&self, first: u8) -> Option<&Self> {
        let place = self.children.binary_search_by_key(&first, |(first, _)| *first).ok()?;
        self.children.get(place).map(|(_, child)| child)
    }

    /// Takes entries that begin alike for `depth` bytes and are sorted by how they begin.
    fn fill(&mut self, entries: &[Entry<'_>], depth: usize) {
        self.lowest = entries.iter().map(|entry| entry.place).min().unwrap_or(NONE);
        let here = entries.partition_point(|entry| entry.glob.beginning.len() == depth);
        let (own, below) = entries.split_at_checked(here).unwrap_or_default();
        for entry in own {
            self.take(entry);
        }
        let first = |entry: &Entry<'_>| entry.glob.beginning.get(depth).copied();
        for group in below.chunk_by(|one, other| first(one) == first(other)) {
            let (Some(one), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            let pairs = one.glob.beginning.iter().zip(&last.glob.beginning);
            let common = pairs.take_while(|(one, other)| one == other).count();
            let label = one.glob.beginning.get(depth..common).unwrap_or_default().to_vec();
            let mut child = Self { label, ..Self::default() };
            child.fill(group, common);
            self.children.extend(first(one).map(|first| (first, child)));
        }
    }

    fn take(&mut self, entry: &Entry<'_>) {
        let tail = |pattern: Option<&[u8]>| Tail {
            place: entry.place,
            pairs: entry.glob.pairs(),
            ending: entry.glob.ending.as_slice().into(),
            pattern: pattern.map(Into::into),
        };
        match &entry.glob.shape {
            Shape::Nothing => self.exact = self.exact.min(entry.place),
            Shape::Anything => self.any = self.any.min(entry.place),
            Shape::AnythingAndEnding => self.tails.push(tail(None)),
            Shape::Other(rest) => self.tails.push(tail(Some(rest))),
        }
    }
}
