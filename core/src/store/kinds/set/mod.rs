//! Members without order.
//!
//! Few whole numbers are [`Integers`] in ascending order. All else is a [`Table`].

mod integers;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use integers::Integers;

use super::super::hashing::hash;
use super::super::memory::heap;
use super::super::number::parse_i64;
use super::super::table::{Keyed, Table};

/// Members, none twice.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    seed: u64,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Integers(Integers),
    Hashed(Box<Hashed>),
}

#[derive(Clone, Debug)]
struct Hashed {
    members: Table<Member>,
    /// Bytes of the blocks of all members.
    member_bytes: usize,
}

#[derive(Clone, Debug)]
struct Member(Box<[u8]>);

impl Keyed for Member {
    fn key(&self) -> &[u8] {
        &self.0
    }
}

/// `set-max-intset-entries` of Redis.
const INTEGERS_MAX: usize = 512;
/// Members that one command of a rebuild adds.
const REBUILT_BY_COMMAND_MAX: usize = 512;
/// Draws up to which a walk over all members is not worth it.
const DRAWS_MAX: usize = 16;

impl Set {
    /// An empty one. The seed is for hashing.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, form: Form::Integers(Integers::new()) }
    }

    /// How many members it has.
    pub(crate) const fn len(&self) -> usize {
        match &self.form {
            Form::Integers(integers) => integers.len(),
            Form::Hashed(hashed) => hashed.members.len(),
        }
    }

    /// Whether it is empty.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it is kept, in the words of OBJECT ENCODING.
    pub(crate) const fn encoding(&self) -> &'static str {
        match &self.form {
            Form::Integers(_) => "intset",
            Form::Hashed(_) => "hashtable",
        }
    }

    /// Whether it has a member.
    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        match &self.form {
            Form::Integers(integers) => {
                parse_i64(member).is_some_and(|number| integers.contains(number))
            }
            Form::Hashed(hashed) => {
                hashed.members.find(hash(self.seed, member).tag, member).is_some()
            }
        }
    }

    /// Adds a member; whether it is new.
    pub(crate) fn insert(&mut self, member: &[u8]) -> bool {
        if let Form::Integers(integers) = &mut self.form
            && let Some(number) = parse_i64(member)
        {
            let is_new = integers.insert(number);
            if integers.len() > INTEGERS_MAX {
                self.as_hashed();
            }
            return is_new;
        }
        let tag = hash(self.seed, member).tag;
        self.as_hashed().insert(tag, member)
    }

    /// Takes a member out; whether it was there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Integers(integers) => {
                parse_i64(member).is_some_and(|number| integers.remove(number))
            }
            Form::Hashed(hashed) => {
                let place = hashed.members.find(hash(self.seed, member).tag, member);
                let removed = place.and_then(|place| hashed.members.remove(place));
                if let Some(Member(member)) = &removed {
                    hashed.member_bytes = hashed.member_bytes.saturating_sub(heap(member.len()));
                }
                removed.is_some()
            }
        }
    }

    /// All members: whole numbers ascending, others in no order of meaning.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let (integers, hashed) = match &self.form {
            Form::Integers(integers) => (Some(integers), None),
            Form::Hashed(hashed) => (None, Some(hashed)),
        };
        let integers = integers.into_iter().flat_map(Integers::iter).map(digits);
        let members = hashed.into_iter().flat_map(|hashed| hashed.members.iter());
        integers.chain(members.map(|member| Cow::Borrowed(&*member.0)))
    }

    /// One member, each with the same chance. `random` gives numbers below its argument.
    pub(crate) fn random(&self, mut random: impl FnMut(usize) -> usize) -> Option<Cow<'_, [u8]>> {
        match &self.form {
            Form::Integers(integers) => integers.get(random(integers.len())).map(digits),
            Form::Hashed(hashed) => {
                hashed.members.random(random).map(|member| Cow::Borrowed(&*member.0))
            }
        }
    }

    /// Takes one member out, each with the same chance.
    pub(crate) fn pop_random(&mut self, random: impl FnMut(usize) -> usize) -> Option<Vec<u8>> {
        let member = self.random(random)?.into_owned();
        self.remove(&member);
        Some(member)
    }

    /// `count` members by chance, none twice; all where it has no more.
    pub(crate) fn random_distinct(
        &self,
        count: usize,
        mut random: impl FnMut(usize) -> usize,
    ) -> Vec<Vec<u8>> {
        let mut drawn: Vec<Vec<u8>> = Vec::with_capacity(count.min(self.len()));
        if count <= DRAWS_MAX && count < self.len() / 2 {
            while drawn.len() < count {
                match self.random(&mut random) {
                    Some(member) if drawn.iter().any(|other| *other == *member) => {}
                    Some(member) => drawn.push(member.into_owned()),
                    None => break,
                }
            }
            return drawn;
        }
        // Selection sampling (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S).
        for (passed, member) in self.iter().enumerate() {
            if random(self.len() - passed) < count - drawn.len() {
                drawn.push(member.into_owned());
                if drawn.len() == count {
                    break;
                }
            }
        }
        drawn
    }

    /// `count` members by chance, the same more than once perhaps.
    pub(crate) fn random_repeated(
        &self,
        count: usize,
        mut random: impl FnMut(usize) -> usize,
    ) -> Vec<Vec<u8>> {
        if count <= DRAWS_MAX {
            let draw = |_| self.random(&mut random).map(Cow::into_owned);
            return (0..count).filter_map(draw).collect();
        }
        let all: Vec<Cow<'_, [u8]>> = self.iter().collect();
        let draw = |_| all.get(random(all.len())).map(|member| member.to_vec());
        (0..count).filter_map(draw).collect()
    }

    /// One step of a scan: see [`Table::scan`]. Whole numbers are passed at once, ascending.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8])) -> u64 {
        match &self.form {
            Form::Integers(integers) => {
                integers.iter().map(digits).for_each(|member| visit(&member));
                0
            }
            Form::Hashed(hashed) => hashed.members.scan(cursor, count, |member| visit(&member.0)),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        match &self.form {
            Form::Integers(integers) => integers.bytes(),
            Form::Hashed(hashed) => {
                heap(size_of::<Hashed>()) + hashed.members.bytes() + hashed.member_bytes
            }
        }
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        match &mut self.form {
            Form::Integers(_) => true,
            Form::Hashed(hashed) => hashed.members.drop_some(count),
        }
    }

    /// The commands that make this value at a key that is not there, each of bounded size.
    pub(crate) fn rebuild(&self, key: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
        for (at, member) in self.iter().enumerate() {
            if at.is_multiple_of(REBUILT_BY_COMMAND_MAX) {
                commands.push(vec![b"SADD".to_vec(), key.to_vec()]);
            }
            if let Some(command) = commands.last_mut() {
                command.push(member.into_owned());
            }
        }
        commands
    }

    /// The hashed form, which it takes for good.
    fn as_hashed(&mut self) -> &mut Hashed {
        if let Form::Integers(integers) = &self.form {
            let mut hashed = Box::new(Hashed { members: Table::new(), member_bytes: 0 });
            for member in integers.iter().map(digits) {
                hashed.insert(hash(self.seed, &member).tag, &member);
            }
            self.form = Form::Hashed(hashed);
        }
        match &mut self.form {
            Form::Hashed(hashed) => hashed,
            Form::Integers(_) => unreachable!("it was hashed just before"),
        }
    }
}

impl Hashed {
    fn insert(&mut self, tag: u32, member: &[u8]) -> bool {
        if self.members.find(tag, member).is_some() {
            return false;
        }
        self.member_bytes += heap(member.len());
        self.members.insert_new(tag, Member(member.into()));
        true
    }
}

fn digits<'a>(number: i64) -> Cow<'a, [u8]> {
    Cow::Owned(number.to_string().into_bytes())
}
