//! Failures known by the class of the error, where a client has one class for one matter.

use super::{Finding, Phase};
use crate::kind::FailureKind;

/// What the class name of an error says. Modules and packages before it are ignored.
///
/// Sources: redis-py `exceptions.py`, node-redis `errors.ts`, ioredis, Lettuce and Netty, Jedis,
/// and the standard libraries of Python, Java and .NET.
pub(super) fn find(name: &str, phase: Phase) -> Option<Finding> {
    // The heap of a Java program is its own matter, although the class is called alike.
    if name.trim_start().starts_with("java.lang.") {
        return None;
    }
    let last = name.rsplit(['.', ':', '$', '/']).next().unwrap_or(name).trim();
    if let Some(kind) = exact(last) {
        return Some(Finding { kind, sure: true });
    }
    let kind = match last {
        "TimeoutError" | "TimeoutException" | "SocketTimeoutException" if phase == Phase::Dial => {
            FailureKind::ConnectTimeout
        }
        "TimeoutError"
        | "TimeoutException"
        | "SocketTimeoutException"
        | "RedisTimeoutException" => FailureKind::ResponseTimeout,
        "SSLError" | "SSLException" if phase != Phase::Command => FailureKind::TlsError,
        "RedisClusterException" | "ClusterAllFailedError" => FailureKind::ClusterDown,
        "MaxRetriesPerRequestError" | "AbortError" | "SocketException" => {
            FailureKind::ConnectionLost
        }
        "ResponseError"
        | "ReplyError"
        | "ErrorReply"
        | "SimpleError"
        | "JedisDataException"
        | "RedisCommandExecutionException"
        | "RedisServerException" => FailureKind::CommandError,
        _ => return None,
    };
    Some(Finding { kind, sure: false })
}

fn exact(name: &str) -> Option<FailureKind> {
    Some(match name {
        "gaierror" | "UnknownHostException" => FailureKind::DnsError,
        "NoRouteToHostException" => FailureKind::HostUnreachable,
        "ConnectionRefusedError" => FailureKind::ConnectionRefused,
        "ConnectTimeoutException" | "ConnectionTimeoutError" => FailureKind::ConnectTimeout,
        "ConnectionResetError"
        | "ConnectionAbortedError"
        | "BrokenPipeError"
        | "SocketClosedUnexpectedlyError"
        | "ClientClosedError"
        | "ClientOfflineError"
        | "DisconnectsClientError" => FailureKind::ConnectionLost,
        "SSLCertVerificationError"
        | "SSLHandshakeException"
        | "SSLPeerUnverifiedException"
        | "CertificateException"
        | "CertificateExpiredException" => FailureKind::TlsError,
        "RedisCommandTimeoutException" | "SocketTimeoutError" | "CommandTimeoutError" => {
            FailureKind::ResponseTimeout
        }
        "AuthenticationError" | "AuthenticationWrongNumberOfArgsError" => FailureKind::AuthFailed,
        "InvalidResponse" => FailureKind::ProtocolError,
        "BusyLoadingError" | "RedisLoadingException" => FailureKind::Loading,
        "MasterDownError" | "MasterNotFoundError" => FailureKind::MasterDown,
        "ClusterDownError" => FailureKind::ClusterDown,
        "ReadOnlyError" | "RedisReadOnlyException" => FailureKind::ReadOnly,
        "OutOfMemoryError" => FailureKind::OutOfMemory,
        "NoPermissionError" => FailureKind::PermissionDenied,
        "NoScriptError" | "RedisNoScriptException" | "JedisNoScriptException" => {
            FailureKind::NoScript
        }
        "RedisBusyException" | "JedisBusyException" => FailureKind::BusyScript,
        "TryAgainError" => FailureKind::TryAgain,
        "DataError" | "ExecAbortError" | "ClusterCrossSlotError" => FailureKind::CommandError,
        _ => return None,
    })
}
