//! Failures known by number (`errno`, Winsock, libuv, resolver) or by the name of such a number.

use super::Phase;
use crate::kind::FailureKind;

/// The kind behind an operating system's error number; `None` where the number does not tell.
///
/// One table serves all platforms, for a host often does not know where a recording was made:
///
/// - Linux: errno(3), asm-generic/errno.h.
/// - macOS and the BSDs: sys/errno.h. Its 49 to 65 mean STREAMS and XENIX matters on Linux
///   (`ENODATA` 61, `EXFULL` 54, `ENOSTR` 60, `EL2HLT` 51, `ENOPKG` 65), and Linux' 99 to 113 mean
///   the like on macOS (`EPROTO` 100, `ETIME` 101). No socket call answers those, so the meaning
///   that belongs to sockets is taken.
/// - Windows: Winsock 10035 to 11004, and the system errors 1225 to 1236 of overlapped sockets.
/// - libuv, as Node shows it: the negated number of the platform, -4095 to -4030 where the
///   platform has none (all of Windows), -3014 to -3000 for the resolver.
/// - -12 to -1 outside of [`Phase::Command`]: `getaddrinfo` (`EAI_*` of netdb.h), as Python shows
///   it. Node's -2 is `ENOENT`, but Node always names it in `code`, which is asked first.
///
/// `ETIMEDOUT` on a live connection is the kernel that gave up retransmitting: the connection is
/// lost. While dialling, and where the phase is unknown, it is a dial that did not end in time.
/// `ENOENT` counts only while dialling, where it is a socket file that is not there.
pub fn classify_errno(errno: i32, phase: Phase) -> Option<FailureKind> {
    match errno {
        0.. => positive(errno, phase),
        -12..=-1 if phase != Phase::Command => Some(FailureKind::DnsError),
        -3014..=-3000 => Some(FailureKind::DnsError),
        -4095..=-4030 => libuv(errno, phase),
        // `i32::MIN` has no positive counterpart and means nothing anywhere.
        _ => errno.checked_neg().and_then(|number| positive(number, phase)),
    }
}

/// Linux | macOS | Winsock | Windows system error, in this order.
fn positive(errno: i32, phase: Phase) -> Option<FailureKind> {
    let name = match errno {
        2 => "ENOENT",
        11 | 35 | 10035 => "EAGAIN",
        32 => "EPIPE",
        99 | 49 | 10049 => "EADDRNOTAVAIL",
        100 | 50 | 10050 => "ENETDOWN",
        101 | 51 | 10051 | 1231 => "ENETUNREACH",
        102 | 52 | 10052 => "ENETRESET",
        103 | 53 | 10053 | 1236 => "ECONNABORTED",
        104 | 54 | 10054 => "ECONNRESET",
        107 | 57 | 10057 => "ENOTCONN",
        108 | 58 | 10058 | 10101 => "ESHUTDOWN",
        110 | 60 | 10060 => "ETIMEDOUT",
        111 | 61 | 10061 | 1225 => "ECONNREFUSED",
        112 | 64 | 10064 => "EHOSTDOWN",
        113 | 65 | 10065 | 1232 => "EHOSTUNREACH",
        11001..=11004 => "ENOTFOUND",
        _ => return None,
    };
    classify_code(name, phase)
}

/// uv/errno.h, the numbers libuv invents where the platform has none.
fn libuv(errno: i32, phase: Phase) -> Option<FailureKind> {
    let name = match errno {
        -4095 => "EOF",
        -4090 => "EADDRNOTAVAIL",
        -4088 => "EAGAIN",
        -4079 => "ECONNABORTED",
        -4078 => "ECONNREFUSED",
        -4077 => "ECONNRESET",
        -4073 => "EHOSTUNREACH",
        -4063 => "ENETDOWN",
        -4062 => "ENETUNREACH",
        -4058 => "ENOENT",
        -4053 => "ENOTCONN",
        -4047 => "EPIPE",
        -4046 => "EPROTO",
        -4042 => "ESHUTDOWN",
        -4039 => "ETIMEDOUT",
        -4031 => "EHOSTDOWN",
        _ => return None,
    };
    classify_code(name, phase)
}

/// The kind behind a symbolic code: `ECONNREFUSED`, `WSAECONNRESET`, `EAI_AGAIN`,
/// `CERT_HAS_EXPIRED`, `NR_CLOSED`, or the prefix of an error reply.
///
/// Sources: errno(3), Winsock (the same names behind `WSA`), Node's `errors` and `tls` pages (the
/// names of OpenSSL's verification results), `node_redis` 3 (`NR_CLOSED`, `CONNECTION_BROKEN`,
/// `UNCERTAIN_STATE`, and reply prefixes as codes).
pub(super) fn classify_code(code: &str, phase: Phase) -> Option<FailureKind> {
    let code = code.strip_prefix("WSA").unwrap_or(code);
    let kind = match code {
        "ECONNREFUSED" => FailureKind::ConnectionRefused,
        "ENOENT" if phase == Phase::Dial => FailureKind::ConnectionRefused,
        "EAGAIN" | "EWOULDBLOCK" if phase == Phase::Command => FailureKind::ResponseTimeout,
        "ECONNRESET"
        | "ECONNABORTED"
        | "EPIPE"
        | "ENETRESET"
        | "ENOTCONN"
        | "ESHUTDOWN"
        | "EDISCON"
        | "EOF"
        | "ERR_SOCKET_CLOSED"
        | "ERR_STREAM_DESTROYED"
        | "ERR_STREAM_WRITE_AFTER_END"
        | "NR_CLOSED"
        | "CONNECTION_BROKEN"
        | "UNCERTAIN_STATE" => FailureKind::ConnectionLost,
        "ETIMEDOUT" if phase == Phase::Command => FailureKind::ConnectionLost,
        "ETIMEDOUT" | "ERR_SOCKET_CONNECTION_TIMEOUT" => FailureKind::ConnectTimeout,
        "EHOSTUNREACH" | "EHOSTDOWN" => FailureKind::HostUnreachable,
        // No local address leads there: no IPv6, or all ephemeral ports in use.
        "ENETUNREACH" | "ENETDOWN" | "EADDRNOTAVAIL" => FailureKind::NetworkUnreachable,
        "ENOTFOUND" | "ENODATA" | "HOST_NOT_FOUND" | "TRY_AGAIN" | "NO_RECOVERY" | "NO_DATA" => {
            FailureKind::DnsError
        }
        // Node reports OpenSSL's complaints about the peer's records as EPROTO.
        "EPROTO"
        | "DEPTH_ZERO_SELF_SIGNED_CERT"
        | "SELF_SIGNED_CERT_IN_CHAIN"
        | "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
        | "UNABLE_TO_GET_ISSUER_CERT"
        | "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
        | "HOSTNAME_MISMATCH"
        | "INVALID_CA" => FailureKind::TlsError,
        _ if code.starts_with("EAI_") => FailureKind::DnsError,
        _ if ["ERR_SSL_", "ERR_TLS_", "CERT_", "CRL_"].iter().any(|p| code.starts_with(p)) => {
            FailureKind::TlsError
        }
        _ => return super::reply::by_prefix(code),
    };
    Some(kind)
}
