//! What the host of an event loop is told of its commands and its socket.

use std::os::fd::OwnedFd;

use outlast_core::{Error, Value};

/// How a command ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settlement {
    /// The number that `submit` gave.
    pub command: u64,
    /// Its reply, or why there is none.
    pub result: Result<Value, Error>,
    /// Where it is a pipeline: how each of its commands ended, in their order. Its result says nothing.
    pub parts: Vec<Result<Value, Error>>,
}

/// What became of a command that was handed in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Submission {
    /// It ended at once.
    Settled(Result<Value, Error>),
    /// It is a pipeline whose commands ended at once, in their order.
    SettledEach(Vec<Result<Value, Error>>),
    /// It will be among the settlements, under this number: its place among all that was handed in,
    /// from 0.
    Pending(u64),
}

/// What the host is to do with its socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Socket {
    /// Nothing.
    Keep,
    /// Close it.
    Close,
    /// Close the old one, if any, and take over this one: a connected stream socket that does not
    /// block.
    Adopt(OwnedFd),
}

/// What a turn of the loop brought.
#[derive(Debug)]
#[non_exhaustive]
pub struct Turn {
    /// Commands that ended.
    pub settlements: Vec<Settlement>,
    /// What to do with the socket.
    pub socket: Socket,
    /// Milliseconds until this must be called again, where something has a deadline.
    pub next_in_ms: Option<u64>,
}

/// What moving bytes over the host's socket brought.
#[derive(Debug)]
#[non_exhaustive]
pub struct Moved {
    /// Commands that ended.
    pub settlements: Vec<Settlement>,
    /// How the socket is.
    pub socket: Readiness,
}

/// How the host's socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// Usable.
    Ready,
    /// Usable, and more is to be written once it takes more.
    Full,
    /// Of no more use: close it, then take a turn.
    Lost,
}

impl Moved {
    pub(crate) const fn nothing(socket: Readiness) -> Self {
        Self { settlements: Vec::new(), socket }
    }

    pub(crate) const fn lost(settlements: Vec<Settlement>) -> Self {
        Self { settlements, socket: Readiness::Lost }
    }
}
