//! Sets of the words that Redis uses to tell of its commands, in its spelling.

/// Defines a set of named bits. The order of the names is that in which Redis prints them.
macro_rules! names {
    ($(#[$about:meta])* $set:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $set(u32);

        impl $set {
            const NAMES: &'static [&'static str] = &[$($text),+];

            $($(#[$doc])* pub const $name: Self = Self::named($text);)+

            /// The set of the names in a text, which are apart by a space each.
            ///
            /// # Panics
            ///
            /// Where there is no such name: use it in constants only.
            pub(super) const fn named(text: &str) -> Self {
                Self(bits(text.as_bytes(), Self::NAMES))
            }

            /// Whether it has everything that the other set has.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether it has nothing.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The names of what it has, as Redis spells and sorts them.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                let has = move |at: &usize| self.0 >> at & 1 == 1;
                (0..Self::NAMES.len()).filter(has).filter_map(|at| Self::NAMES.get(at).copied())
            }

            /// The set of one name in any case, if there is such a name.
            pub fn parse(name: &[u8]) -> Option<Self> {
                let is_it = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
                Self::NAMES.iter().position(is_it).map(|at| Self(1 << at))
            }
        }
    };
}

names! {
    /// What Redis says of a command as a whole.
    Flags {
        /// It may change keys.
        WRITE = "write",
        /// It never changes a key.
        READONLY = "readonly",
        /// It is refused where memory is short.
        DENYOOM = "denyoom",
        /// A module brought it.
        MODULE = "module",
        /// It is for operators.
        ADMIN = "admin",
        /// It is about channels.
        PUBSUB = "pubsub",
        /// It is not for scripts.
        NOSCRIPT = "noscript",
        /// It may wait.
        BLOCKING = "blocking",
        /// It is answered while the data set is being read.
        LOADING = "loading",
        /// It is answered by a replica without its master.
        STALE = "stale",
        /// `MONITOR` does not show it.
        SKIP_MONITOR = "skip_monitor",
        /// `SLOWLOG` does not show it.
        SKIP_SLOWLOG = "skip_slowlog",
        /// It may come to a node that is importing the slot.
        ASKING = "asking",
        /// It takes constant or logarithmic time.
        FAST = "fast",
        /// It needs no authentication.
        NO_AUTH = "no_auth",
        /// It may have effects that replicas repeat.
        MAY_REPLICATE = "may_replicate",
        /// It may be called without keys.
        NO_MANDATORY_KEYS = "no_mandatory_keys",
        /// It is refused while a replica reads a new data set.
        NO_ASYNC_LOADING = "no_async_loading",
        /// It is not for transactions.
        NO_MULTI = "no_multi",
        /// It is answered while a script runs for too long.
        ALLOW_BUSY = "allow_busy",
        /// First, last and step do not tell all of its keys.
        MOVABLE_KEYS = "movablekeys",
    }
}

names! {
    /// The groups of commands that an ACL rule may name.
    Categories {
        /// About keys of any type.
        KEYSPACE = "keyspace",
        /// Reads keys.
        READ = "read",
        /// Changes keys.
        WRITE = "write",
        /// About sets.
        SET = "set",
        /// About sorted sets.
        SORTEDSET = "sortedset",
        /// About lists.
        LIST = "list",
        /// About hashes.
        HASH = "hash",
        /// About strings.
        STRING = "string",
        /// About bitmaps.
        BITMAP = "bitmap",
        /// About `HyperLogLog`s.
        HYPERLOGLOG = "hyperloglog",
        /// About places on a map.
        GEO = "geo",
        /// About streams.
        STREAM = "stream",
        /// About channels.
        PUBSUB = "pubsub",
        /// For operators.
        ADMIN = "admin",
        /// Constant or logarithmic time.
        FAST = "fast",
        /// Anything else.
        SLOW = "slow",
        /// May wait.
        BLOCKING = "blocking",
        /// Can do harm to others.
        DANGEROUS = "dangerous",
        /// About the connection.
        CONNECTION = "connection",
        /// About transactions.
        TRANSACTION = "transaction",
        /// About scripts.
        SCRIPTING = "scripting",
    }
}

names! {
    /// What a command does with a key.
    KeyFlags {
        /// Reads the value.
        RO = "RO",
        /// Changes the value, depending on what it was.
        RW = "RW",
        /// Overwrites the value.
        OW = "OW",
        /// Removes the key.
        RM = "RM",
        /// The caller learns something of the data.
        ACCESS = "access",
        /// Data may change.
        UPDATE = "update",
        /// Data is added, and none changed or removed.
        INSERT = "insert",
        /// Data is removed by the caller's wish.
        DELETE = "delete",
        /// It is no key, yet it tells the slot of a cluster.
        NOT_KEY = "not_key",
        /// There may be more keys than these.
        INCOMPLETE = "incomplete",
        /// The arguments decide what is done with the key.
        VARIABLE_FLAGS = "variable_flags",
    }
}

impl KeyFlags {
    /// Whether the key may be changed.
    pub const fn writes(self) -> bool {
        self.0 & (Self::RW.0 | Self::OW.0 | Self::RM.0) != 0
    }

    /// Whether what the key held has a part in the command.
    pub const fn reads(self) -> bool {
        self.0 & (Self::RO.0 | Self::RW.0) != 0
    }
}

const fn bits(text: &[u8], names: &[&str]) -> u32 {
    let (mut bits, mut from) = (0, 0);
    while from < text.len() {
        let mut to = from;
        while to < text.len() && text[to] != b' ' {
            to += 1;
        }
        let mut at = 0;
        while !is_same(text, from, to, names[at].as_bytes()) {
            at += 1;
        }
        bits |= 1 << at;
        from = to + 1;
    }
    bits
}

const fn is_same(text: &[u8], from: usize, to: usize, name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() && from + at < to && text[from + at] == name[at] {
        at += 1;
    }
    at == name.len() && from + at == to
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_set_is_printed_as_redis_prints_it() {
        let flags = Flags::named("movablekeys write");
        assert!(flags.contains(Flags::WRITE) && !flags.contains(Flags::READONLY));
        assert_eq!(flags.names().collect::<Vec<_>>(), ["write", "movablekeys"]);
        assert_eq!(Flags::parse(b"Write"), Some(Flags::WRITE));
        assert_eq!(Flags::parse(b"writer"), None);
        assert!(Flags::named("").is_empty());
    }
}
