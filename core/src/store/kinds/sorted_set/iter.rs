//! A walk over a range of ranks, from either end.

use core::ops::Range;

use super::super::super::pack::Pack;
use super::split;
use super::tree::{Item, Tree};

/// Members with their scores, in order, reversible.
#[derive(Debug)]
pub(crate) struct Iter<'a> {
    ranks: Range<usize>,
    over: Over<'a>,
}

#[derive(Debug)]
enum Over<'a> {
    Pack {
        pack: &'a Pack,
        /// Places of the next element and behind the last one.
        places: Range<usize>,
    },
    Tree {
        tree: &'a Tree,
        /// What is left of the leaf at the front.
        ahead: &'a [Item],
        /// What is left of the leaf at the back.
        behind: &'a [Item],
    },
}

impl<'a> Iter<'a> {
    pub(super) fn over_pack(pack: &'a Pack, ranks: Range<usize>) -> Self {
        let place = |rank: usize| {
            let place = i64::try_from(rank).ok().and_then(|rank| pack.place_of(rank));
            place.unwrap_or_else(|| pack.end())
        };
        let places = place(ranks.start)..place(ranks.end);
        Self { ranks, over: Over::Pack { pack, places } }
    }

    pub(super) const fn over_tree(tree: &'a Tree, ranks: Range<usize>) -> Self {
        Self { ranks, over: Over::Tree { tree, ahead: &[], behind: &[] } }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        match &mut self.over {
            Over::Pack { pack, places } => {
                let (element, next) = pack.get(places.start)?;
                places.start = next;
                let (score, member) = split(element);
                Some((member, score))
            }
            Over::Tree { tree, ahead, .. } => {
                if ahead.is_empty() {
                    let (leaf, at) = tree.leaf_at(rank)?;
                    *ahead = leaf.get(at..)?;
                }
                let (item, rest) = ahead.split_first()?;
                *ahead = rest;
                Some((&item.member, item.score))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next_back()?;
        match &mut self.over {
            Over::Pack { pack, places } => {
                places.end = pack.before(places.end)?;
                let (score, member) = split(pack.get(places.end)?.0);
                Some((member, score))
            }
            Over::Tree { tree, behind, .. } => {
                if behind.is_empty() {
                    let (leaf, at) = tree.leaf_at(rank)?;
                    *behind = leaf.get(..=at)?;
                }
                let (item, rest) = behind.split_last()?;
                *behind = rest;
                Some((&item.member, item.score))
            }
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
