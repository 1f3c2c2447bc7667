//! Why a command ends without its reply, and the error texts that many commands share.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::Refusal;
use crate::resp::Value;
use crate::time::Timestamp;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// With this error reply.
    Reply(Cow<'static, str>),
    /// The store does not answer it.
    Refusal(Refusal),
    /// It waits.
    Block(Box<Block>),
}

/// What a blocking command waits for. When one of the keys changes, `retry` is run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Block {
    /// The database and keys that may end the wait.
    pub keys: Vec<(usize, Vec<u8>)>,
    /// When the wait ends without them; for ever where there is none.
    pub until: Option<Timestamp>,
    /// The command to run then, its arguments resolved.
    pub retry: Vec<Vec<u8>>,
    /// The reply when time is up.
    pub at_timeout: Value,
}

impl From<&'static str> for Stop {
    fn from(reply: &'static str) -> Self {
        Self::Reply(Cow::Borrowed(reply))
    }
}

impl From<String> for Stop {
    fn from(reply: String) -> Self {
        Self::Reply(Cow::Owned(reply))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

pub(crate) const SYNTAX: &str = "ERR syntax error";
pub(crate) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
pub(crate) const NOT_A_FLOAT: &str = "ERR value is not a valid float";
pub(crate) const WRONG_TYPE: &str =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(crate) const NO_SUCH_KEY: &str = "ERR no such key";
pub(crate) const OVERFLOW: &str = "ERR increment or decrement would overflow";
pub(crate) const OUT_OF_RANGE: &str = "ERR value is out of range";
pub(crate) const INDEX_OUT_OF_RANGE: &str = "ERR index out of range";
pub(crate) const TOO_LONG: &str = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
/// The longest string (`proto-max-bulk-len`).
pub(crate) const STRING_BYTES_MAX: usize = 512 * 1_024 * 1_024;
