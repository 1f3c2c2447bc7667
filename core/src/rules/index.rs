//! The rules in a tree of literal beginnings, so that a key meets only the few that may match it.

use alloc::vec::Vec;

use super::cover::{Glob, Shape};
use super::parts::Parts;
use super::sieve::{PATTERNS_MAX, Sieve};

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
    /// What tells which of them may match, for so many after the others.
    sieves: Vec<Sieve>,
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
        sieves: Vec::new(),
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
    parts: Parts,
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
        loop {
            best = best.min(node.any);
            if rest.is_empty() {
                best = best.min(node.exact);
            }
            if !node.tails.is_empty() {
                best = node.first_tail(rest).map_or(best, |place| best.min(place));
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

    /// The first of the tails that matches.
    fn first_tail(&self, rest: &[u8]) -> Option<u16> {
        for (sieve, tails) in self.sieves.iter().zip(self.tails.chunks(PATTERNS_MAX)) {
            let mut left = sieve.left(rest);
            while left != 0 {
                let at = left.trailing_zeros() as usize;
                left &= left - 1;
                let Some(tail) = tails.get(at) else { break };
                if sieve.is_certain(at) || tail.parts.matches(rest) {
                    return Some(tail.place);
                }
            }
        }
        None
    }

    /// Takes entries that begin alike for `depth` bytes and are sorted by how they begin.
    fn fill(&mut self, entries: &[Entry<'_>], depth: usize) {
        self.lowest = entries.iter().map(|entry| entry.place).min().unwrap_or(NONE);
        let here = entries.partition_point(|entry| entry.glob.beginning.len() == depth);
        let (own, below) = entries.split_at_checked(here).unwrap_or_default();
        for entry in own {
            self.take(entry);
        }
        self.sieves = self.tails.chunks(PATTERNS_MAX).map(sieve_of).collect();
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
        match &entry.glob.shape {
            Shape::Nothing => self.exact = self.exact.min(entry.place),
            Shape::Anything => self.any = self.any.min(entry.place),
            Shape::Other => {
                let tail = Tail { place: entry.place, parts: entry.glob.parts() };
                self.tails.push(tail);
            }
        }
    }
}

fn sieve_of(tails: &[Tail]) -> Sieve {
    let parts: Vec<&Parts> = tails.iter().map(|tail| &tail.parts).collect();
    Sieve::new(&parts)
}
