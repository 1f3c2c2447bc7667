//! Every command of Redis: its arguments, its keys, what it does, and what Redis says of it.
//!
//! What comes from Redis stands in `table.rs`, which `scripts/generate-commands` writes; our own
//! judgement of each command stands in `class.rs`.

mod class;
mod docs;
mod flags;
mod keys;
mod reply;
mod rule;
mod table;
mod words;

use core::fmt;

pub use class::{Access, Class, Traits};
pub use docs::Docs;
pub use flags::{Categories, Flags, KeyFlags};
pub(crate) use keys::channels;
pub use keys::{Begin, Find, Key, KeySpec, Keys, NoKeys, keys};
pub(crate) use reply::reply;

/// A command or subcommand of Redis.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Command {
    /// Its name in capitals; a subcommand's is `XGROUP CREATE`.
    pub name: &'static str,
    /// How many arguments it takes, its name included; if negative, at least so many.
    pub arity: i8,
    /// What Redis says of it.
    pub flags: Flags,
    /// What ACL rules may call it.
    pub categories: Categories,
    /// Where its first key is; 0 where there is none, or where only the arguments tell.
    pub first_key: i8,
    /// Where the last key of that first row of keys is; if negative, counted from the end.
    pub last_key: i8,
    /// How far apart these keys are.
    pub step: i8,
    /// How to find all of its keys.
    pub key_specs: &'static [KeySpec],
    index: u16,
    /// How many entries after it are its subcommands.
    subcommands: u8,
    is_subcommand: bool,
    is_newer: bool,
}

/// Every command and subcommand, by name; a container's subcommands follow it.
static COMMANDS: [Command; Command::COUNT] = numbered(table::COMMANDS);

impl Command {
    /// How many commands and subcommands there are.
    pub const COUNT: usize = table::COUNT;

    /// Every command and subcommand, sorted by name.
    pub fn all() -> &'static [Self] {
        &COMMANDS
    }

    /// The command of a name in any case; not a subcommand.
    pub fn find(name: &[u8]) -> Option<&'static Self> {
        let mut slot = slot_of(name);
        loop {
            // The index has free slots, so this ends.
            let at = usize::from(INDEX[slot]);
            let command = COMMANDS.get(at)?;
            if command.name.as_bytes().eq_ignore_ascii_case(name) {
                return Some(command);
            }
            slot = (slot + 1) % INDEX_SLOTS;
        }
    }

    /// The subcommand of a name in any case.
    pub fn find_sub(&self, name: &[u8]) -> Option<&'static Self> {
        self.subcommands().iter().find(|command| {
            let own = command.name.as_bytes().get(self.name.len() + 1..).unwrap_or_default();
            own.eq_ignore_ascii_case(name)
        })
    }

    /// The command that arguments call: with `XGROUP`, the subcommand that the second one names.
    pub fn of<A: AsRef<[u8]>>(args: &[A]) -> Option<&'static Self> {
        let command = Self::find(args.first()?.as_ref())?;
        match args.get(1) {
            Some(name) if command.is_container() => command.find_sub(name.as_ref()),
            _ => Some(command),
        }
    }

    /// Its place in [`Command::all`], for arrays that stand beside it.
    pub const fn index(&self) -> usize {
        self.index as usize
    }

    /// Whether its first argument names a subcommand.
    pub const fn is_container(&self) -> bool {
        self.subcommands > 0
    }

    /// Whether it is part of a container.
    pub const fn is_subcommand(&self) -> bool {
        self.is_subcommand
    }

    /// Its subcommands, sorted by name.
    pub fn subcommands(&self) -> &'static [Self] {
        let first = self.index() + 1;
        COMMANDS.get(first..first + usize::from(self.subcommands)).unwrap_or_default()
    }

    /// Whether it may be called with so many arguments, its name included.
    pub fn accepts(&self, arguments: usize) -> bool {
        let wanted = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 { arguments >= wanted } else { arguments == wanted }
    }

    /// Whether the server that the table comes from has it; otherwise it came with a later version.
    pub const fn is_of_server(&self) -> bool {
        !self.is_newer
    }

    /// What the documentation of Redis says of it.
    pub fn docs(&self) -> Docs {
        Docs::of(self.index())
    }

    const fn newer(mut self) -> Self {
        self.is_newer = true;
        self
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Command").field(&self.name).finish()
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl Eq for Command {}

/// A line of the table, as the generator writes it.
const fn command(
    name: &'static str,
    arity: i8,
    flags: &str,
    categories: &str,
    (first_key, last_key, step): (i8, i8, i8),
    key_specs: &'static [KeySpec],
) -> Command {
    let (flags, categories) = (Flags::named(flags), Categories::named(categories));
    let (index, subcommands, is_subcommand, is_newer) = (0, 0, false, false);
    Command {
        name,
        arity,
        flags,
        categories,
        first_key,
        last_key,
        step,
        key_specs,
        index,
        subcommands,
        is_subcommand,
        is_newer,
    }
}

/// Tells each command its place, and how many subcommands follow it.
const fn numbered<const COUNT: usize>(mut commands: [Command; COUNT]) -> [Command; COUNT] {
    let (mut at, mut index, mut container) = (0, 0, 0);
    while at < COUNT {
        commands[at].index = index;
        if has_space(commands[at].name.as_bytes()) {
            commands[at].is_subcommand = true;
            commands[container].subcommands += 1;
        } else {
            container = at;
        }
        (at, index) = (at + 1, index + 1);
    }
    commands
}

const fn has_space(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() && name[at] != b' ' {
        at += 1;
    }
    at < name.len()
}

/// Four times as many as there are top-level commands, so that most names are found at once.
const INDEX_SLOTS: usize = 1_024;
/// A slot of the index that no command has.
const FREE: u16 = u16::MAX;
/// Where each top-level command stands, by the hash of its name.
static INDEX: [u16; INDEX_SLOTS] = index();

const fn index() -> [u16; INDEX_SLOTS] {
    let mut index = [FREE; INDEX_SLOTS];
    let mut at = 0;
    while at < COMMANDS.len() {
        if !COMMANDS[at].is_subcommand {
            let mut slot = slot_of(COMMANDS[at].name.as_bytes());
            while index[slot] != FREE {
                slot = (slot + 1) % INDEX_SLOTS;
            }
            index[slot] = COMMANDS[at].index;
        }
        at += 1;
    }
    index
}

/// A hash of the name, blind to the case of letters. One multiplication at the end is enough for
/// names that are known beforehand, and takes half the time of one for each byte.
const fn slot_of(name: &[u8]) -> usize {
    let (mut hash, mut at) = (0_u32, 0);
    while at < name.len() {
        hash = hash.rotate_left(5) ^ (name[at] & 0xdf) as u32;
        at += 1;
    }
    (hash.wrapping_mul(0x9e37_79b1) >> 22) as usize % INDEX_SLOTS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_command_is_found_in_any_case() {
        for command in Command::all() {
            let (upper, lower) = (command.name.to_string(), command.name.to_ascii_lowercase());
            for name in [upper, lower] {
                let args: Vec<_> = name.split(' ').collect();
                assert_eq!(Command::of(&args), Some(command));
                let found = Command::find(name.as_bytes());
                assert_eq!(found.is_none(), command.is_subcommand(), "{name}");
            }
            assert_eq!(Command::all().get(command.index()), Some(command));
        }
        for name in ["", "GE", "GETT", "XGROUP CREATE", "XGROUP|CREATE", "\u{47}ET\0", "\u{7}ET"] {
            assert_eq!(Command::find(name.as_bytes()), None, "{name}");
        }
        assert_eq!(Command::find(&[b'X'; 1_000]), None);
    }

    #[test]
    fn names_are_sorted_and_containers_precede_their_subcommands() {
        let names: BTreeSet<_> = Command::all().iter().map(|command| command.name).collect();
        assert!(names.iter().copied().eq(Command::all().iter().map(|command| command.name)));
        for container in Command::all().iter().filter(|command| command.is_container()) {
            for command in container.subcommands() {
                assert!(command.name.starts_with(container.name) && command.is_subcommand());
            }
        }
        assert_eq!(Command::find(b"XGROUP").map(|command| command.subcommands().len()), Some(6));
    }

    #[test]
    fn most_names_are_found_at_once() {
        let at_once = |command: &&Command| INDEX[slot_of(command.name.as_bytes())] == command.index;
        let top_level: Vec<_> =
            Command::all().iter().filter(|command| !command.is_subcommand()).collect();
        let found = top_level.iter().filter(|command| at_once(command)).count();
        assert!(found * 10 >= top_level.len() * 8, "{found} of {}", top_level.len());
    }

    #[test]
    fn arity_is_exact_or_a_minimum() {
        let accepts =
            |name: &str, count| Command::of(&[name]).is_some_and(|command| command.accepts(count));
        assert!(accepts("GET", 2) && !accepts("GET", 1) && !accepts("GET", 3));
        assert!(accepts("DEL", 2) && accepts("DEL", 9) && !accepts("DEL", 1));
    }
}
