//! RESP, the protocol of Redis, versions 2 and 3: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

mod arguments;
mod commands;
mod encode;
mod parse;
mod request;

use alloc::string::String;
use alloc::vec::Vec;

use crate::store::format_double;

pub use arguments::Arguments;
pub use commands::Commands;
pub use encode::{encode_command, encode_reply};
pub use parse::{Limits, Parser, ProtocolError};
pub use request::{RequestError, RequestLimits, RequestParser};

/// A reply.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value (`$-1`, `*-1`, `_`).
    Nil,
    /// No list (`*-1`), which RESP 2 tells from no value. The parser gives [`Nil`](Self::Nil) for both.
    NilArray,
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

    /// The same in RESP 2, which has neither maps, sets, truth values nor floating-point numbers.
    #[must_use]
    pub fn into_resp2(self) -> Self {
        let all = |items: Vec<Self>| Self::Array(items.into_iter().map(Self::into_resp2).collect());
        match self {
            Self::Array(items) | Self::Set(items) | Self::Push(items) => all(items),
            Self::Map(pairs) => {
                all(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect())
            }
            Self::Double(number) => Self::bulk(format_double(number)),
            Self::Boolean(is_true) => Self::Integer(i64::from(is_true)),
            Self::BigNumber(digits) => Self::bulk(digits),
            Self::Verbatim { text, .. } => Self::Bulk(text),
            same @ (Self::Nil
            | Self::NilArray
            | Self::Simple(_)
            | Self::Error(_)
            | Self::Integer(_)
            | Self::Bulk(_)) => same,
        }
    }

    /// The bytes, if it is a string of bytes.
    pub fn as_bulk(&self) -> Option<&[u8]> {
        if let Self::Bulk(bytes) = self { Some(bytes) } else { None }
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
