//! RESP, the protocol of Redis, versions 2 and 3: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

mod encode;
mod parse;

use alloc::string::String;
use alloc::vec::Vec;

pub use encode::encode_command;
pub use parse::{Limits, Parser, ProtocolError};

/// A reply.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value (`$-1`, `*-1`, `_`).
    Nil,
    /// A status such as `OK`.
    Simple(String),
    /// An error, as Redis worded it, prefix included.
    Error(String),
    /// A whole number.
    Integer(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// A list of replies.
    Array(Vec<Self>),
    /// Pairs, in the order of the server.
    Map(Vec<(Self, Self)>),
    /// Members, in the order of the server.
    Set(Vec<Self>),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// A whole number of any size, in digits.
    BigNumber(String),
    /// Text with a format of three letters, such as `txt`.
    Verbatim {
        /// The format.
        format: String,
        /// The text.
        text: Vec<u8>,
    },
    /// A message that is no reply to a command.
    Push(Vec<Self>),
}

impl Value {
    /// The status `OK`.
    pub fn ok() -> Self {
        Self::Simple(String::from("OK"))
    }

    /// The message, if it is an error.
    pub fn as_error(&self) -> Option<&str> {
        if let Self::Error(message) = self { Some(message) } else { None }
    }

    /// Bytes from anything that has some.
    pub fn bulk(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bulk(bytes.into())
    }
}
