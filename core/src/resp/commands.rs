//! Many commands, each encoded once: as the bytes that go to Redis, in which its arguments are found
//! again.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::arguments::Arguments;
use super::encode::{push_bulk, push_length};
use crate::command::{Command, Traits};

/// Commands that go to Redis together, in three pieces of memory however many they are.
#[derive(Default)]
pub struct Commands {
    /// All of them, as Redis is sent them.
    bytes: Vec<u8>,
    /// Where their arguments are in it.
    args: Vec<Range<usize>>,
    entries: Vec<Entry>,
}

/// A command.
struct Entry {
    /// What it calls, where whoever added it knew that.
    known: Option<&'static Command>,
    /// Where its bytes begin.
    begin: usize,
    /// The place of its name among the arguments.
    first: usize,
}

impl Commands {
    /// None, with room for so many.
    pub fn with_capacity(commands: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(commands.saturating_mul(48)),
            args: Vec::with_capacity(commands.saturating_mul(3)),
            entries: Vec::with_capacity(commands),
        }
    }

    /// These.
    pub fn of<A: AsRef<[u8]>>(commands: &[Vec<A>]) -> Self {
        let mut all = Self::with_capacity(commands.len());
        for args in commands {
            all.begin(args.len(), None);
            for arg in args {
                all.push(arg.as_ref());
            }
        }
        all
    }

    /// Begins a command of so many words, its name among them, which must follow. `known` is what it
    /// calls, if that is no container.
    pub fn begin(&mut self, words: usize, known: Option<&'static Command>) {
        self.entries.push(Entry { known, begin: self.bytes.len(), first: self.args.len() });
        push_length(&mut self.bytes, b'*', words);
    }

    /// Adds the next word of the command that was begun last.
    pub fn push(&mut self, word: &[u8]) {
        push_bulk(&mut self.bytes, word);
        let end = self.bytes.len() - 2;
        self.args.push(end - word.len()..end);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes they are together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the one at a place.
    pub fn bytes_of(&self, at: usize) -> &[u8] {
        let begin_of = |at: usize| self.entries.get(at).map_or(self.bytes.len(), |one| one.begin);
        self.bytes.get(begin_of(at)..begin_of(at + 1)).unwrap_or_default()
    }

    /// Name and arguments of the one at a place.
    pub fn args(&self, at: usize) -> Arguments<'_> {
        let first_of = |at: usize| self.entries.get(at).map_or(self.args.len(), |one| one.first);
        let places = self.args.get(first_of(at)..first_of(at + 1)).unwrap_or_default();
        let words = places.iter().map(|place| self.bytes.get(place.clone()).unwrap_or_default());
        Arguments::collect(places.len(), words)
    }

    /// What the one at a place, with these arguments, calls.
    pub fn command(&self, at: usize, args: &[&[u8]]) -> Option<&'static Command> {
        let known = self.entries.get(at).and_then(|one| one.known);
        known.or_else(|| Command::of(args))
    }

    /// The traits of the one at a place, with these arguments.
    pub fn traits(&self, at: usize, args: &[&[u8]]) -> Traits {
        match self.entries.get(at).and_then(|one| one.known) {
            Some(known) => known.traits(args),
            None => Traits::of(args),
        }
    }
}

/// What they are is the caller's own.
impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").field("count", &self.entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::encode_command;

    #[test]
    fn what_was_added_is_found_again() {
        let long: Vec<Vec<u8>> = (0..20).map(|at| std::vec![b'x'; at]).collect();
        let given = [
            std::vec![b"GET".to_vec(), b"a\r\nb".to_vec()],
            std::vec![],
            long,
            std::vec![b"config".to_vec(), b"get".to_vec(), b"*".to_vec()],
        ];
        let commands = Commands::of(&given);
        assert_eq!(commands.len(), given.len());
        for (at, args) in given.iter().enumerate() {
            let found = commands.args(at);
            assert!(found.iter().eq(args.iter()), "{at}");
            let mut bytes = Vec::new();
            encode_command(args, &mut bytes);
            assert_eq!(commands.bytes_of(at), bytes, "{at}");
            assert_eq!(commands.command(at, &found), Command::of(args));
            assert_eq!(commands.traits(at, &found), Traits::of(args));
        }
        assert_eq!(commands.bytes_of(given.len()), b"");
        assert!(commands.args(given.len()).is_empty());
    }
}
