//! What a caller is told when a call does not end with a reply.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::kind::{Failure, FailureKind};

/// Who is at fault and what to do: one stable code each, the same in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's: an option, URL or profile that is not allowed. Nothing was dialled.
    InvalidOption,
    /// The caller's: an argument that is not text, bytes or a number, or too many bytes.
    InvalidArgument,
    /// The caller's: the client was closed.
    Closed,
    /// Redis': it is not reachable and this command may not be served from memory.
    RedisUnavailable,
    /// Nobody's: the connection died after the command was sent; it may have been applied.
    MaybeApplied,
    /// Nobody's: the store in memory does not know this command, and Redis is not reachable.
    UnsupportedLocally,
    /// Nobody's: a bound (store, journal, queue, connections) is reached; nothing was written.
    LimitReached,
    /// The caller's: an error reply, of Redis or of the store, handed through unchanged.
    Command,
    /// The caller's: the script is not known to Redis (`NOSCRIPT`).
    NoScript,
    /// The operator's: the user may not run this command (`NOPERM`).
    PermissionDenied,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::InvalidOption,
        Self::InvalidArgument,
        Self::Closed,
        Self::RedisUnavailable,
        Self::MaybeApplied,
        Self::UnsupportedLocally,
        Self::LimitReached,
        Self::Command,
        Self::NoScript,
        Self::PermissionDenied,
    ];

    /// The stable `snake_case` code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidOption => "invalid_option",
            Self::InvalidArgument => "invalid_argument",
            Self::Closed => "closed",
            Self::RedisUnavailable => "redis_unavailable",
            Self::MaybeApplied => "maybe_applied",
            Self::UnsupportedLocally => "unsupported_locally",
            Self::LimitReached => "limit_reached",
            Self::Command => "command_error",
            Self::NoScript => "no_script",
            Self::PermissionDenied => "permission_denied",
        }
    }

    /// The error that a caller sees where a failure of this kind cannot be hidden.
    pub const fn of_failure(kind: FailureKind) -> Self {
        match kind {
            FailureKind::CommandError => Self::Command,
            FailureKind::NoScript => Self::NoScript,
            FailureKind::PermissionDenied => Self::PermissionDenied,
            FailureKind::DnsError
            | FailureKind::NetworkUnreachable
            | FailureKind::HostUnreachable
            | FailureKind::TlsError
            | FailureKind::AuthFailed
            | FailureKind::ConnectionRefused
            | FailureKind::ConnectTimeout
            | FailureKind::ConnectionLost
            | FailureKind::ResponseTimeout
            | FailureKind::Loading
            | FailureKind::MasterDown
            | FailureKind::ClusterDown
            | FailureKind::MaxClients
            | FailureKind::ProtocolError
            | FailureKind::UnknownError
            | FailureKind::ReadOnly
            | FailureKind::OutOfMemory
            | FailureKind::DiskError
            | FailureKind::NoReplicas
            | FailureKind::QuotaExceeded
            | FailureKind::BusyScript
            | FailureKind::TryAgain => Self::RedisUnavailable,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An error of outlast: a kind, a message for people and, where Redis was the reason, its failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    failure: Option<FailureKind>,
    next_dial_in_ms: Option<u64>,
}

impl Error {
    /// An error of `kind` with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), failure: None, next_dial_in_ms: None }
    }

    /// An option that is not allowed; the message names field, value and what is allowed.
    pub fn invalid_option(field: &str, value: &str, allowed: &str) -> Self {
        Self::new(
            ErrorKind::InvalidOption,
            alloc::format!("invalid {field} {value:?}: allowed is {allowed}"),
        )
    }

    /// An error reply, of Redis or of the store, by its own text.
    pub fn reply(kind: FailureKind, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::of_failure(kind), message);
        error.failure = Some(kind);
        error
    }

    /// The same, of another kind.
    #[must_use]
    pub const fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same, with the failure that was the reason.
    #[must_use]
    pub fn because_of(mut self, failure: &Failure) -> Self {
        self.failure = Some(failure.kind);
        self
    }

    /// The same, with the time until the next dial.
    #[must_use]
    pub const fn with_next_dial(mut self, in_ms: Option<u64>) -> Self {
        self.next_dial_in_ms = in_ms;
        self
    }

    /// Who is at fault and what to do.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable `snake_case` code of the kind.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The message for people. It holds no secret.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What failed, where Redis was the reason.
    pub const fn failure(&self) -> Option<FailureKind> {
        self.failure
    }

    /// Milliseconds until Redis is dialled again, where that is known.
    pub const fn next_dial_in_ms(&self) -> Option<u64> {
        self.next_dial_in_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_kind_maps_to_an_error_and_codes_are_unique() {
        for kind in FailureKind::ALL {
            let shown = ErrorKind::of_failure(*kind);
            assert_eq!(
                shown == ErrorKind::RedisUnavailable,
                kind.verdict() != crate::kind::Verdict::Command
            );
        }
        let mut codes: alloc::vec::Vec<_> = ErrorKind::ALL.iter().map(|k| k.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
    }
}
