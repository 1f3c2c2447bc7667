//! What went wrong, named once for all languages.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::coded::read_by_code;

/// What kind of failure it was. The [`code`](FailureKind::code) is stable: it stands in logs,
/// exceptions, status and recordings of every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The host name did not resolve.
    DnsError,
    /// No route to the network (`ENETUNREACH`, `ENETDOWN`).
    NetworkUnreachable,
    /// No route to the host (`EHOSTUNREACH`, `EHOSTDOWN`).
    HostUnreachable,
    /// The TLS handshake failed: certificate, name or protocol.
    TlsError,
    /// Redis refused the credentials, or wants some (`WRONGPASS`, `NOAUTH`).
    AuthFailed,
    /// Nothing listens on the port (`ECONNREFUSED`), or the socket file is missing.
    ConnectionRefused,
    /// The dial did not end within its time (`ETIMEDOUT`, swallowed packets).
    ConnectTimeout,
    /// A connection that stood was closed or reset.
    ConnectionLost,
    /// A command on a live connection got no reply within its deadline.
    ResponseTimeout,
    /// Redis is loading its data set (`-LOADING`).
    Loading,
    /// A replica lost its master and may not serve stale data (`-MASTERDOWN`).
    MasterDown,
    /// The cluster does not serve the slot (`-CLUSTERDOWN`).
    ClusterDown,
    /// Redis has as many clients as it accepts.
    MaxClients,
    /// The bytes received are not RESP, or break a limit.
    ProtocolError,
    /// None of the others.
    UnknownError,
    /// The server is a read-only replica (`-READONLY`).
    ReadOnly,
    /// Redis is at `maxmemory` and may not evict (`-OOM`).
    OutOfMemory,
    /// Redis cannot persist and refuses writes (`-MISCONF`).
    DiskError,
    /// Too few replicas acknowledge writes (`-NOREPLICAS`).
    NoReplicas,
    /// A hosted Redis refuses service until its quota resets.
    QuotaExceeded,
    /// A script blocks Redis (`-BUSY`).
    BusyScript,
    /// Redis asks to try again (`-TRYAGAIN`).
    TryAgain,
    /// The command itself is wrong: type, syntax, arity, unknown name.
    CommandError,
    /// The script is not known to Redis (`-NOSCRIPT`).
    NoScript,
    /// The user may not run this command or touch this key (`-NOPERM`).
    PermissionDenied,
}

/// What a failure means for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The connection is unusable.
    Link,
    /// Only writes fail; reads go on.
    Writes,
    /// Nothing works before a given time; dialling sooner makes it worse.
    Wait,
    /// The caller's own affair. It is handed to the caller and never counts against Redis.
    Command,
}

/// Which redial schedule a failure follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// Server kinds come back soon: dial often.
    Server,
    /// Network and infrastructure kinds need a person or a timer: dial seldom.
    Network,
    /// A quota: dial again only after it may have been reset.
    Quota,
}

impl FailureKind {
    /// Every kind, in the order of the design's table.
    pub const ALL: &'static [Self] = &[
        Self::DnsError,
        Self::NetworkUnreachable,
        Self::HostUnreachable,
        Self::TlsError,
        Self::AuthFailed,
        Self::ConnectionRefused,
        Self::ConnectTimeout,
        Self::ConnectionLost,
        Self::ResponseTimeout,
        Self::Loading,
        Self::MasterDown,
        Self::ClusterDown,
        Self::MaxClients,
        Self::ProtocolError,
        Self::UnknownError,
        Self::ReadOnly,
        Self::OutOfMemory,
        Self::DiskError,
        Self::NoReplicas,
        Self::QuotaExceeded,
        Self::BusyScript,
        Self::TryAgain,
        Self::CommandError,
        Self::NoScript,
        Self::PermissionDenied,
    ];

    /// The stable `snake_case` code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DnsError => "dns_error",
            Self::NetworkUnreachable => "network_unreachable",
            Self::HostUnreachable => "host_unreachable",
            Self::TlsError => "tls_error",
            Self::AuthFailed => "auth_failed",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectionLost => "connection_lost",
            Self::ResponseTimeout => "response_timeout",
            Self::Loading => "loading",
            Self::MasterDown => "master_down",
            Self::ClusterDown => "cluster_down",
            Self::MaxClients => "max_clients",
            Self::ProtocolError => "protocol_error",
            Self::UnknownError => "unknown_error",
            Self::ReadOnly => "read_only",
            Self::OutOfMemory => "out_of_memory",
            Self::DiskError => "disk_error",
            Self::NoReplicas => "no_replicas",
            Self::QuotaExceeded => "quota_exceeded",
            Self::BusyScript => "busy_script",
            Self::TryAgain => "try_again",
            Self::CommandError => "command_error",
            Self::NoScript => "no_script",
            Self::PermissionDenied => "permission_denied",
        }
    }

    /// The kind with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// What the failure means for the client.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::DnsError
            | Self::NetworkUnreachable
            | Self::HostUnreachable
            | Self::TlsError
            | Self::AuthFailed
            | Self::ConnectionRefused
            | Self::ConnectTimeout
            | Self::ConnectionLost
            | Self::ResponseTimeout
            | Self::Loading
            | Self::MasterDown
            | Self::ClusterDown
            | Self::MaxClients
            | Self::ProtocolError
            | Self::UnknownError => Verdict::Link,
            Self::ReadOnly | Self::OutOfMemory | Self::DiskError | Self::NoReplicas => {
                Verdict::Writes
            }
            Self::QuotaExceeded | Self::BusyScript | Self::TryAgain => Verdict::Wait,
            Self::CommandError | Self::NoScript | Self::PermissionDenied => Verdict::Command,
        }
    }

    /// Which redial schedule the kind follows.
    pub const fn schedule(self) -> Schedule {
        match self {
            Self::DnsError
            | Self::NetworkUnreachable
            | Self::HostUnreachable
            | Self::TlsError
            | Self::AuthFailed => Schedule::Network,
            Self::QuotaExceeded => Schedule::Quota,
            Self::ConnectionRefused
            | Self::ConnectTimeout
            | Self::ConnectionLost
            | Self::ResponseTimeout
            | Self::Loading
            | Self::MasterDown
            | Self::ClusterDown
            | Self::MaxClients
            | Self::ProtocolError
            | Self::UnknownError
            | Self::ReadOnly
            | Self::OutOfMemory
            | Self::DiskError
            | Self::NoReplicas
            | Self::BusyScript
            | Self::TryAgain
            | Self::CommandError
            | Self::NoScript
            | Self::PermissionDenied => Schedule::Server,
        }
    }

    /// A few words for people, as they stand in log lines.
    pub const fn words(self) -> &'static str {
        match self {
            Self::DnsError => "DNS resolution failed",
            Self::NetworkUnreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::TlsError => "TLS handshake failed",
            Self::AuthFailed => "authentication failed",
            Self::ConnectionRefused => "connection refused",
            Self::ConnectTimeout => "connect timed out",
            Self::ConnectionLost => "connection lost",
            Self::ResponseTimeout => "no reply in time",
            Self::Loading => "Redis is loading its data",
            Self::MasterDown => "replica has lost its master",
            Self::ClusterDown => "cluster is down",
            Self::MaxClients => "Redis accepts no more clients",
            Self::ProtocolError => "reply is not valid RESP",
            Self::UnknownError => "unrecognised failure",
            Self::ReadOnly => "server is a read-only replica",
            Self::OutOfMemory => "Redis is out of memory",
            Self::DiskError => "Redis cannot write to its disk",
            Self::NoReplicas => "too few replicas",
            Self::QuotaExceeded => "quota exceeded",
            Self::BusyScript => "a script blocks Redis",
            Self::TryAgain => "Redis asks to try again",
            Self::CommandError => "command error",
            Self::NoScript => "unknown script",
            Self::PermissionDenied => "permission denied",
        }
    }

    /// What an operator looks at first.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::DnsError => "check the host's name, and the resolver of this machine",
            Self::NetworkUnreachable => "check this machine's network, its routes and its VPN",
            Self::HostUnreachable => "check the address, and the routes and firewalls on the way",
            Self::TlsError => "check scheme, port, server name, CA and client certificate",
            Self::AuthFailed => "check user, password and database, and the user's ACL on Redis",
            Self::ConnectionRefused => {
                "check host and port (or path), and whether Redis runs there"
            }
            Self::ConnectTimeout => {
                "check firewalls and security groups, and whether host and port are right"
            }
            Self::ConnectionLost => "check the log of Redis, and proxies and timeouts on the way",
            Self::ResponseTimeout => "check the load of Redis (SLOWLOG, CPU), and the network",
            Self::Loading => "wait until Redis has loaded its data; INFO persistence tells how far",
            Self::MasterDown => "check the master, and the replica's link to it",
            Self::ClusterDown => "check CLUSTER INFO: a slot has no node that serves it",
            Self::MaxClients => "raise maxclients, or find who keeps the connections (CLIENT LIST)",
            Self::ProtocolError => "check whether it is Redis that listens on this port",
            Self::UnknownError => "check the log of Redis",
            Self::ReadOnly => "connect to the master: this server is a replica",
            Self::OutOfMemory => "raise maxmemory, set an eviction policy, or delete keys",
            Self::DiskError => "check the disk of Redis: it cannot save and refuses writes",
            Self::NoReplicas => "check the replicas, or min-replicas-to-write",
            Self::QuotaExceeded => "wait until the quota resets, or raise it with the provider",
            Self::BusyScript => "wait for the script, or end it with SCRIPT KILL",
            Self::TryAgain => "try again in a moment",
            Self::CommandError => "check the command",
            Self::NoScript => "load the script again",
            Self::PermissionDenied => "check the user's ACL on Redis (ACL WHOAMI, ACL GETUSER)",
        }
    }
}

read_by_code!(FailureKind);

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One failure: its kind, the text it came with and, where there was one, the `errno`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The text it came with, without secrets.
    pub text: String,
    /// The operating system's error number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
}

impl Failure {
    /// A failure of `kind` with its text.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), errno: None }
    }

    /// The same with the operating system's error number.
    #[must_use]
    pub fn with_errno(mut self, errno: Option<i32>) -> Self {
        self.errno = errno;
        self
    }

    /// What the failure means for the client.
    pub const fn verdict(&self) -> Verdict {
        self.kind.verdict()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found_again() {
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::from_code(kind.code()), Some(*kind));
            assert_eq!(FailureKind::ALL[*kind as usize], *kind, "the order of both is one");
        }
        assert_eq!(FailureKind::ALL.len(), 25);
    }
}
