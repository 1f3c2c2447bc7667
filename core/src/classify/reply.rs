//! Failures that Redis itself states: error replies.

use crate::kind::FailureKind;

/// How many bytes of a quota notice are searched for its subject.
const QUOTA_BYTES_MAX: usize = 64;

/// How many wrappers (`EXECABORT … because of:`, a script's position) are opened.
const WRAPPERS_MAX: u32 = 4;

/// The kind of an error reply, given without its leading `-` (one is tolerated).
///
/// The first word decides (redis/src/server.c, `createSharedObjects`, and the list of error
/// messages at redis.io). Behind `ERR` the text decides, for Redis and the hosted kinds of it use
/// that prefix for full client tables, quotas and refused passwords too. Whatever is not known, a
/// script's own error included, is the caller's: `command_error`.
///
/// Two wrappers are opened: `EXECABORT Transaction discarded because of: …`, and the
/// `ERR Error running script (call to f_…): @user_script:1: -READONLY …` of Redis before 7.
pub fn classify_reply(message: &str) -> FailureKind {
    let mut message = message.trim_start();
    for _ in 0..WRAPPERS_MAX {
        message = message.strip_prefix('-').unwrap_or(message);
        let Some(inner) = unwrapped(message) else {
            break;
        };
        message = inner;
    }
    let (prefix, text) = message.split_once([' ', '\r', '\n']).unwrap_or((message, ""));
    match prefix {
        "ERR" => err_text(text, Behind::Err).unwrap_or(FailureKind::CommandError),
        // A fail-over unblocked the client; Redis closes the connection behind this reply.
        // The other UNBLOCKED replies answer a `CLIENT UNBLOCK` and a deleted stream.
        "UNBLOCKED" if text.contains("instance state changed") => FailureKind::ConnectionLost,
        _ => by_prefix(prefix)
            .or_else(|| err_text(message, Behind::Anything))
            .unwrap_or(FailureKind::CommandError),
    }
}

/// The kind of a prefix that needs no further text.
pub(super) fn by_prefix(prefix: &str) -> Option<FailureKind> {
    let kind = match prefix {
        "LOADING" => FailureKind::Loading,
        "MASTERDOWN" | "NOMASTERLINK" => FailureKind::MasterDown,
        "CLUSTERDOWN" => FailureKind::ClusterDown,
        "READONLY" => FailureKind::ReadOnly,
        "OOM" => FailureKind::OutOfMemory,
        "MISCONF" => FailureKind::DiskError,
        "NOREPLICAS" => FailureKind::NoReplicas,
        "BUSY" | "UNKILLABLE" => FailureKind::BusyScript,
        "TRYAGAIN" => FailureKind::TryAgain,
        "NOSCRIPT" => FailureKind::NoScript,
        "NOPERM" => FailureKind::PermissionDenied,
        // DENIED is protected mode: no password is set and the peer is not local.
        "NOAUTH" | "WRONGPASS" | "DENIED" => FailureKind::AuthFailed,
        "NOPROTO" => FailureKind::ProtocolError,
        "WRONGTYPE" | "EXECABORT" | "BUSYKEY" | "BUSYGROUP" | "NOGROUP" | "CROSSSLOT"
        | "NOTBUSY" | "MOVED" | "ASK" => FailureKind::CommandError,
        _ => return None,
    };
    Some(kind)
}

/// Whether the prefix is also an ordinary word or abbreviation of log lines.
pub(super) fn is_ambiguous(prefix: &str) -> bool {
    matches!(prefix, "LOADING" | "BUSY" | "ASK" | "MOVED" | "DENIED" | "OOM" | "READONLY")
}

/// Where a text stands that is compared with those Redis sends behind `ERR`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// In an error reply: short texts are enough.
    Err,
    /// Anywhere in a log line: only unmistakable texts count.
    Anything,
}

/// Texts that are unmistakable wherever they stand, in lower case.
const ERR_TEXTS: &[(&str, FailureKind)] = &[
    // redis/src/networking.c, acceptCommonHandler; the second in cluster mode.
    ("max number of clients reached", FailureKind::MaxClients),
    ("max number of clients + cluster connections reached", FailureKind::MaxClients),
    // upstash.com/docs/redis/troubleshooting.
    ("max concurrent connections exceeded", FailureKind::MaxClients),
    ("max commands per second exceeded", FailureKind::TryAgain),
    // Of the data set, not of time: "read and delete requests will not be affected".
    ("db capacity quota exceeded", FailureKind::OutOfMemory),
    // redis/src/acl.c, authCommand: Redis 6 and later, then older ones.
    ("auth <password> called without any password configured", FailureKind::AuthFailed),
    ("client sent auth, but no password is set", FailureKind::AuthFailed),
    // redis/src/networking.c, setProtocolError.
    ("protocol error: ", FailureKind::ProtocolError),
    ("unknown command '", FailureKind::CommandError),
    ("unknown command `", FailureKind::CommandError),
    ("wrong number of arguments for '", FailureKind::CommandError),
    ("value is not an integer or out of range", FailureKind::CommandError),
    ("value is not a valid float", FailureKind::CommandError),
];

/// Texts that say enough only behind `ERR`, in lower case.
const ERR_ONLY_TEXTS: &[(&str, FailureKind)] = &[
    // Redis before 6 and before 2.6.
    ("invalid password", FailureKind::AuthFailed),
    ("operation not permitted", FailureKind::AuthFailed),
    ("unauthorized", FailureKind::AuthFailed),
    // A proxy's words for its own link to Redis: twemproxy passes strerror(3) on.
    ("connection refused", FailureKind::ConnectionRefused),
    ("connection timed out", FailureKind::ConnectTimeout),
    ("connection reset by peer", FailureKind::ConnectionLost),
    ("no route to host", FailureKind::HostUnreachable),
];

/// The kind of a text behind `ERR`, where it is more than a wrong command.
pub(super) fn err_text(text: &str, behind: Behind) -> Option<FailureKind> {
    let bytes = text.as_bytes();
    let found = |table: &[(&str, FailureKind)]| {
        table.iter().find(|(known, _)| starts_with(bytes, known.as_bytes())).map(|(_, kind)| *kind)
    };
    found(ERR_TEXTS)
        .or_else(|| quota(bytes))
        .or_else(|| if behind == Behind::Err { found(ERR_ONLY_TEXTS) } else { None })
}

/// `max daily request limit exceeded. Limit: 10000, Usage: 10000. …` and its relatives: all begin
/// with `max`, count requests, commands or bandwidth, and say that a limit is exceeded.
fn quota(text: &[u8]) -> Option<FailureKind> {
    if !starts_with(text, b"max ") {
        return None;
    }
    let head = text.get(..QUOTA_BYTES_MAX).unwrap_or(text);
    let end = find(head, b"limit exceeded")?;
    let subject = &head[..end];
    if find(subject, b"per second").is_some() {
        return Some(FailureKind::TryAgain);
    }
    let counted = [&b"request"[..], b"command", b"bandwidth"];
    counted.iter().any(|word| find(subject, word).is_some()).then_some(FailureKind::QuotaExceeded)
}

/// What a wrapping reply quotes.
fn unwrapped(message: &str) -> Option<&str> {
    if let Some(inner) = message.strip_prefix("EXECABORT Transaction discarded because of: ") {
        return Some(inner);
    }
    let mut inner = message.strip_prefix("ERR Error running script (call to f_")?;
    inner = inner.split_once("): ")?.1;
    // One or two positions, `@user_script:1:` and `@user_script: 1:`, stand before the reply.
    for _ in 0..WRAPPERS_MAX {
        let Some(rest) = inner.strip_prefix("@user_script:") else {
            break;
        };
        inner = rest.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        inner = inner.strip_prefix(':')?.trim_start();
    }
    // Without the dash it is Lua's own complaint, which may quote anything.
    inner.strip_prefix('-')
}

/// Whether `text` begins with `lower`, which is in lower case, in any case.
pub(super) fn starts_with(text: &[u8], lower: &[u8]) -> bool {
    text.get(..lower.len()).is_some_and(|head| head.eq_ignore_ascii_case(lower))
}

/// Where the short `needle`, in lower case, stands in `text`, in any case.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
}
