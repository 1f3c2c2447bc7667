//! What a connection of its own would remember: database, protocol, transaction, watches, channels.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::Refusal;
use super::password::Password;
use super::space::Listening;
use crate::resp::Value;
use crate::time::Timestamp;

/// One caller's state. Callers without one share none: each command stands alone, in database 0.
#[derive(Debug)]
pub struct Session {
    /// Its number, for CLIENT ID.
    pub(crate) id: u64,
    pub(crate) database: usize,
    /// RESP 2 or 3.
    pub(crate) protocol: u8,
    /// Commands since MULTI.
    pub(crate) queue: Option<Queue>,
    pub(crate) watched: Vec<Watch>,
    pub(crate) listens: BTreeSet<(Listening, Vec<u8>)>,
    pub(crate) name: Vec<u8>,
    pub(crate) library: (Vec<u8>, Vec<u8>),
    /// Replies that come before the one that the command ends with.
    pub(crate) outbox: Vec<Value>,
    pub(crate) opened_at: Timestamp,
    /// Whether the caller can wait for a key.
    pub(crate) may_block: bool,
    /// Whether writes go to the journal.
    pub(crate) journalled: bool,
    /// Until when a key is served whose expiry nobody knows: set where the command repeats what
    /// Redis did, see [`shadow`](super::shadow).
    pub(crate) stale_at: Option<Timestamp>,
    /// How deep in scripts and transactions the command runs.
    pub(crate) nesting: Nesting,
    /// What had no room when the script began that runs. As in Redis its first write is then refused; once
    /// it has written, or began with room, it is not stopped half-way.
    pub(crate) shortage: Option<Refusal>,
    /// The caller asked to end the connection.
    pub(crate) quits: bool,
    pub(crate) access: Access,
    pub(crate) replies: Replies,
    /// Where it comes from, and where it came to.
    pub(crate) addresses: (String, String),
}

/// Whether it is served.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// It needs no password.
    Open,
    /// It must give this password first.
    Asked(Password),
    /// It gave this password.
    Given(Password),
}

/// Whether replies are wanted (CLIENT REPLY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    On,
    Off,
    /// Not this one, nor the next.
    SkipNext,
    /// Not this one.
    Skip,
}

/// What a command runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nesting {
    /// Nothing: it came by itself.
    None,
    /// EXEC.
    Transaction,
    /// A script; it may only read where that is so.
    Script { read_only: bool },
}

/// Commands between MULTI and EXEC.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) commands: Vec<Vec<Vec<u8>>>,
    pub(crate) bytes: usize,
    /// A command could not be queued, so EXEC will discard all.
    pub(crate) broken: bool,
}

/// A watched key and its version then.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) database: usize,
    pub(crate) key: Vec<u8>,
    pub(crate) version: u64,
}

impl Default for Session {
    fn default() -> Self {
        Self::new(0, Timestamp::ZERO)
    }
}

impl Session {
    /// A session with this number, opened at this time: database 0, RESP 2.
    pub const fn new(id: u64, opened_at: Timestamp) -> Self {
        Self {
            id,
            database: 0,
            protocol: 2,
            queue: None,
            watched: Vec::new(),
            listens: BTreeSet::new(),
            name: Vec::new(),
            library: (Vec::new(), Vec::new()),
            outbox: Vec::new(),
            opened_at,
            may_block: false,
            journalled: false,
            stale_at: None,
            nesting: Nesting::None,
            shortage: None,
            quits: false,
            access: Access::Open,
            replies: Replies::On,
            addresses: (String::new(), String::new()),
        }
    }

    /// Its number.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The protocol that it chose: RESP 2 or 3.
    pub const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Lets it wait for keys: blocking commands are then answered with
    /// [`Answer::Blocked`](super::Answer::Blocked).
    #[must_use]
    pub const fn blocking(mut self) -> Self {
        self.may_block = true;
        self
    }

    /// Whether it asked to end (QUIT).
    pub const fn quits(&self) -> bool {
        self.quits
    }

    /// Refuses all but AUTH, HELLO, RESET and QUIT until this password is given.
    #[must_use]
    pub fn requiring(mut self, password: Password) -> Self {
        self.access = Access::Asked(password);
        self
    }

    /// Notes where its connection comes from and where it came to, for CLIENT LIST.
    #[must_use]
    pub fn between(mut self, peer: impl Into<String>, local: impl Into<String>) -> Self {
        self.addresses = (peer.into(), local.into());
        self
    }

    /// Whether it gave its password, or needs none.
    pub const fn is_authenticated(&self) -> bool {
        !matches!(self.access, Access::Asked(_))
    }

    /// Whether it asked for no replies (CLIENT REPLY OFF).
    pub fn is_silent(&self) -> bool {
        self.replies == Replies::Off
    }
}
