//! Items in order, with ranks: a B+ tree whose branches know how many items lie below each child
//! (Knuth, The Art of Computer Programming, volume 3, 6.2.3 and 6.2.4).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::super::super::memory::heap;
use super::order;

/// A member with its score.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) score: f64,
    pub(super) member: Arc<[u8]>,
}

/// Items in the order of scores, then of members.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: Node,
    len: usize,
    leaves: usize,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(Vec<Item>),
    Branch(Vec<Child>),
}

/// A node below a branch; it is never empty.
#[derive(Clone, Debug)]
struct Child {
    /// The first item below it.
    first: Item,
    /// How many items lie below it.
    count: usize,
    node: Node,
}

const LEAF_ITEMS_MAX: usize = 64;
const BRANCH_CHILDREN_MAX: usize = 32;
/// Room is added to a leaf in steps, for memory's sake.
const LEAF_ITEMS_STEP: usize = 8;

impl Tree {
    pub(super) const fn new() -> Self {
        Self { root: Node::Leaf(Vec::new()), len: 0, leaves: 1 }
    }

    /// How many items it holds.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the tree itself; what its members own is not counted.
    pub(super) fn bytes(&self) -> usize {
        // A leaf's room ends half a step beyond its items; branches are three quarters full.
        (self.len + self.leaves * LEAF_ITEMS_STEP / 2) * size_of::<Item>()
            + self.leaves * (heap(size_of::<Child>()) * 4 / 3 + 8)
    }

    /// Adds an item that is not there yet.
    pub(super) fn insert(&mut self, item: Item) {
        self.len += 1;
        if let Some(right) = self.root.insert(item, &mut self.leaves) {
            let left = core::mem::replace(&mut self.root, Node::Branch(Vec::new()));
            self.root = Node::Branch(Child::of(left).into_iter().chain([right]).collect());
        }
    }

    /// Takes an item out.
    pub(super) fn remove(&mut self, score: f64, member: &[u8]) {
        if !self.root.remove(score, member, &mut self.leaves) {
            return;
        }
        self.len -= 1;
        if self.len == 0 {
            *self = Self::new();
        }
        while let Node::Branch(children) = &mut self.root
            && children.len() == 1
            && let Some(only) = children.pop()
        {
            self.root = only.node;
        }
    }

    /// How many items, from the first on, are `within` a bound.
    pub(super) fn count_while(&self, within: impl Fn(f64, &[u8]) -> bool) -> usize {
        let (mut node, mut before) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(items) => {
                    let is_within = |item: &Item| within(item.score, &item.member);
                    return before + items.partition_point(is_within);
                }
                Node::Branch(children) => {
                    let is_within = |child: &Child| within(child.first.score, &child.first.member);
                    let at = children.partition_point(is_within).saturating_sub(1);
                    before += children.iter().take(at).map(|child| child.count).sum::<usize>();
                    let Some(child) = children.get(at) else {
                        return before;
                    };
                    node = &child.node;
                }
            }
        }
    }

    /// The leaf that holds the item of a rank, and where it is in it.
    pub(super) fn leaf_at(&self, rank: usize) -> Option<(&[Item], usize)> {
        let (mut node, mut rank) = (&self.root, rank);
        loop {
            match node {
                Node::Leaf(items) => return Some((items, rank)),
                Node::Branch(children) => {
                    let mut children = children.iter();
                    node = loop {
                        let child = children.next()?;
                        if rank < child.count {
                            break &child.node;
                        }
                        rank -= child.count;
                    };
                }
            }
        }
    }

    /// Drops about `count` items of a tree that was given up; whether it is empty.
    pub(super) fn drop_some(&mut self, count: usize) -> bool {
        let mut dropped = 0;
        while dropped < count && !self.root.is_empty() {
            dropped += self.root.drop_last_leaf();
        }
        self.root.is_empty()
    }
}

impl Item {
    fn order(&self, score: f64, member: &[u8]) -> Ordering {
        order((self.score, &self.member), (score, member))
    }

    fn is_before(&self, other: &Self) -> bool {
        self.order(other.score, &other.member) == Ordering::Less
    }
}

impl Child {
    fn of(node: Node) -> Option<Self> {
        let first = node.first()?.clone();
        let count = match &node {
            Node::Leaf(items) => items.len(),
            Node::Branch(children) => children.iter().map(|child| child.count).sum(),
        };
        Some(Self { first, count, node })
    }
}

impl Node {
    fn first(&self) -> Option<&Item> {
        match self {
            Self::Leaf(items) => items.first(),
            Self::Branch(children) => children.first().map(|child| &child.first),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Branch(children) => children.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.width() == 0
    }

    const fn width_max(&self) -> usize {
        match self {
            Self::Leaf(_) => LEAF_ITEMS_MAX,
            Self::Branch(_) => BRANCH_CHILDREN_MAX,
        }
    }

    /// Adds an item; the right half, where the node had to split.
    fn insert(&mut self, item: Item, leaves: &mut usize) -> Option<Child> {
        match self {
            Self::Leaf(items) => {
                let at = items.partition_point(|other| other.is_before(&item));
                let right = insert_or_split(items, at, item, LEAF_ITEMS_MAX)?;
                items.shrink_to(items.len().next_multiple_of(LEAF_ITEMS_STEP));
                *leaves += 1;
                Child::of(Self::Leaf(right))
            }
            Self::Branch(children) => {
                let before = children.partition_point(|child| child.first.is_before(&item));
                let at = before.saturating_sub(1);
                let child = children.get_mut(at)?;
                if before == 0 {
                    child.first = item.clone();
                }
                child.count += 1;
                let right = child.node.insert(item, leaves)?;
                child.count -= right.count;
                let right = insert_or_split(children, at + 1, right, BRANCH_CHILDREN_MAX)?;
                Child::of(Self::Branch(right))
            }
        }
    }

    /// Takes an item out; whether it was there.
    fn remove(&mut self, score: f64, member: &[u8], leaves: &mut usize) -> bool {
        match self {
            Self::Leaf(items) => {
                let Ok(at) = items.binary_search_by(|item| item.order(score, member)) else {
                    return false;
                };
                items.remove(at);
                if items.capacity() - items.len() > 3 * LEAF_ITEMS_STEP {
                    items.shrink_to(items.len() + LEAF_ITEMS_STEP);
                }
                true
            }
            Self::Branch(children) => {
                let is_up_to = |child: &Child| child.first.order(score, member).is_le();
                let at = children.partition_point(is_up_to).saturating_sub(1);
                let Some(child) = children.get_mut(at) else {
                    return false;
                };
                if !child.node.remove(score, member, leaves) {
                    return false;
                }
                child.count -= 1;
                match child.node.first() {
                    Some(first) if !Arc::ptr_eq(&first.member, &child.first.member) => {
                        child.first = first.clone();
                    }
                    _ => {}
                }
                merge_at(children, at, leaves);
                true
            }
        }
    }

    /// Moves all of a node of the same height behind what is here.
    fn append(&mut self, right: Self) {
        match (self, right) {
            (Self::Leaf(items), Self::Leaf(mut more)) => {
                items.reserve_exact(more.len());
                items.append(&mut more);
            }
            (Self::Branch(children), Self::Branch(mut more)) => children.append(&mut more),
            (Self::Leaf(_), Self::Branch(_)) | (Self::Branch(_), Self::Leaf(_)) => {}
        }
    }

    fn drop_last_leaf(&mut self) -> usize {
        match self {
            Self::Leaf(items) => core::mem::take(items).len(),
            Self::Branch(children) => {
                let Some(last) = children.last_mut() else {
                    return 0;
                };
                let dropped = last.node.drop_last_leaf();
                if last.node.is_empty() {
                    children.pop();
                }
                dropped
            }
        }
    }
}

/// Inserts where there is room; else parts the entries in two and answers the right ones. What is
/// added at the very end begins a node of its own, so that ascending insertions leave full ones.
fn insert_or_split<T>(entries: &mut Vec<T>, at: usize, entry: T, max: usize) -> Option<Vec<T>> {
    if entries.len() < max {
        if entries.len() == entries.capacity() {
            entries.reserve_exact(LEAF_ITEMS_STEP);
        }
        entries.insert(at, entry);
        return None;
    }
    let mut right = entries.split_off(if at == entries.len() { at } else { max / 2 });
    match at.checked_sub(entries.len()) {
        Some(0) if !right.is_empty() => entries.push(entry),
        Some(at) => right.insert(at, entry),
        None => entries.insert(at, entry),
    }
    Some(right)
}

/// Removes a child that became empty, and joins one that became small with a neighbour.
fn merge_at(children: &mut Vec<Child>, at: usize, leaves: &mut usize) {
    let Some(child) = children.get(at) else {
        return;
    };
    let leaf = usize::from(matches!(child.node, Node::Leaf(_)));
    let (width, max) = (child.node.width(), child.node.width_max());
    if width == 0 {
        children.remove(at);
        *leaves = leaves.saturating_sub(leaf);
        return;
    }
    if width >= max / 4 {
        return;
    }
    let fits = |left: usize| {
        let pair = children.get(left).zip(children.get(left + 1));
        pair.is_some_and(|(one, other)| one.node.width() + other.node.width() <= max * 3 / 4)
    };
    let Some(left) = [Some(at), at.checked_sub(1)].into_iter().flatten().find(|at| fits(*at))
    else {
        return;
    };
    let right = children.remove(left + 1);
    if let Some(left) = children.get_mut(left) {
        left.count += right.count;
        left.node.append(right.node);
        *leaves = leaves.saturating_sub(leaf);
    }
}
