//! The wordings of all clients and operating systems that tell one kind of failure.
//!
//! A phrase in lower case matches in any case. One with a capital letter is a name (`EPIPE`,
//! `ReadOnlyError`) and matches as it stands. A phrase matches between word boundaries only, so
//! `MISCONF` is not in `MISCONFiguration`.

use crate::kind::FailureKind;

/// A phrase and what it means.
pub(super) struct Rule {
    pub(super) phrase: &'static str,
    pub(super) meaning: Meaning,
    /// Whether the phrase states the kind, rather than hinting at it.
    pub(super) sure: bool,
    pub(super) place: Place,
}

/// What a phrase means; some depend on what the client was doing.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// This kind.
    Is(FailureKind),
    /// `ETIMEDOUT`: the kernel gave up on a dial, or on a connection that stood.
    KernelTimeout,
    /// The client's own deadline: for a dial, or for a reply.
    ClientTimeout,
    /// The peer closed in the middle of TLS: a failed handshake, or a lost connection.
    TlsEnd,
    /// `ENOENT`: a socket file that is not there, if it was dialled.
    MissingFile,
}

/// Where a phrase must stand to count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    /// At the end of a message.
    Last,
    /// As a whole message, or as the last part behind a colon.
    Whole,
}

const fn sure(phrase: &'static str, kind: FailureKind) -> Rule {
    Rule { phrase, meaning: Meaning::Is(kind), sure: true, place: Place::Anywhere }
}

const fn hint(phrase: &'static str, kind: FailureKind) -> Rule {
    Rule { phrase, meaning: Meaning::Is(kind), sure: false, place: Place::Anywhere }
}

const fn placed(phrase: &'static str, meaning: Meaning, sure: bool, place: Place) -> Rule {
    Rule { phrase, meaning, sure, place }
}

/// All phrases; of those that match at one position the longest counts.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Resolvers: gai_strerror(3) of glibc, macOS and musl, Winsock, Go, Rust, Node, Java.
    sure("name or service not known", FailureKind::DnsError),
    sure("nodename nor servname provided", FailureKind::DnsError),
    sure("temporary failure in name resolution", FailureKind::DnsError),
    sure("no address associated with", FailureKind::DnsError),
    sure("name does not resolve", FailureKind::DnsError),
    sure("non-recoverable failure in name resolution", FailureKind::DnsError),
    sure("failed to lookup address information", FailureKind::DnsError),
    sure("could not resolve host", FailureKind::DnsError),
    sure("getaddrinfo failed", FailureKind::DnsError),
    sure("no such host", FailureKind::DnsError),
    sure("server misbehaving", FailureKind::DnsError),
    sure("the requested name is valid, but no data of the requested type", FailureKind::DnsError),
    sure("ENOTFOUND", FailureKind::DnsError),
    sure("EAI_AGAIN", FailureKind::DnsError),
    sure("EAI_NONAME", FailureKind::DnsError),
    sure("EAI_NODATA", FailureKind::DnsError),
    sure("EAI_FAIL", FailureKind::DnsError),
    sure("UnknownHostException", FailureKind::DnsError),
    sure("gaierror", FailureKind::DnsError),
    // strerror(3) and Winsock: no way to the network. Without a local address there is none either.
    sure("network is unreachable", FailureKind::NetworkUnreachable),
    sure("network is down", FailureKind::NetworkUnreachable),
    sure("unreachable network", FailureKind::NetworkUnreachable),
    sure("cannot assign requested address", FailureKind::NetworkUnreachable),
    sure("can't assign requested address", FailureKind::NetworkUnreachable),
    sure("the requested address is not valid in its context", FailureKind::NetworkUnreachable),
    sure("ENETUNREACH", FailureKind::NetworkUnreachable),
    sure("ENETDOWN", FailureKind::NetworkUnreachable),
    sure("EADDRNOTAVAIL", FailureKind::NetworkUnreachable),
    // strerror(3) and Winsock: no way to the host.
    sure("no route to host", FailureKind::HostUnreachable),
    sure("host is unreachable", FailureKind::HostUnreachable),
    sure("host is down", FailureKind::HostUnreachable),
    sure("unreachable host", FailureKind::HostUnreachable),
    sure("EHOSTUNREACH", FailureKind::HostUnreachable),
    sure("EHOSTDOWN", FailureKind::HostUnreachable),
    sure("NoRouteToHostException", FailureKind::HostUnreachable),
    // strerror(3), Winsock, Windows system errors; redis-py before 4.4 for a missing socket file.
    sure("connection refused", FailureKind::ConnectionRefused),
    sure("actively refused it", FailureKind::ConnectionRefused),
    sure("the remote computer refused the network connection", FailureKind::ConnectionRefused),
    sure("ECONNREFUSED", FailureKind::ConnectionRefused),
    sure("ConnectionRefusedError", FailureKind::ConnectionRefused),
    hint("connecting to unix socket", FailureKind::ConnectionRefused),
    // redis-py, node-redis, Java, Netty, Python's ssl, Winsock, StackExchange.Redis.
    sure("timeout connecting to", FailureKind::ConnectTimeout),
    sure("timed out connecting to", FailureKind::ConnectTimeout),
    sure("connect timed out", FailureKind::ConnectTimeout),
    sure("connection attempt timed out", FailureKind::ConnectTimeout),
    sure("handshake operation timed out", FailureKind::ConnectTimeout),
    sure("connected party did not properly respond", FailureKind::ConnectTimeout),
    sure("the semaphore timeout period has expired", FailureKind::ConnectTimeout),
    sure("tls handshake timeout", FailureKind::ConnectTimeout),
    sure("ConnectTimeoutException", FailureKind::ConnectTimeout),
    sure("ConnectionTimeoutError", FailureKind::ConnectTimeout),
    hint("ConnectTimeout", FailureKind::ConnectTimeout),
    // redis-py, ioredis, node-redis, Lettuce, Java, StackExchange.Redis, Go.
    sure("timeout reading from", FailureKind::ResponseTimeout),
    sure("timeout writing to", FailureKind::ResponseTimeout),
    sure("read timed out", FailureKind::ResponseTimeout),
    sure("command timed out", FailureKind::ResponseTimeout),
    sure("expecting data, but didn't receive any in", FailureKind::ResponseTimeout),
    sure("timeout performing", FailureKind::ResponseTimeout),
    sure("timeout awaiting response", FailureKind::ResponseTimeout),
    sure("RedisCommandTimeoutException", FailureKind::ResponseTimeout),
    sure("SocketTimeoutError", FailureKind::ResponseTimeout),
    hint("resource temporarily unavailable", FailureKind::ResponseTimeout),
    // strerror(3), Winsock, and what clients say when the other end has gone.
    sure("connection reset by peer", FailureKind::ConnectionLost),
    sure("connection reset by remote", FailureKind::ConnectionLost),
    sure("broken pipe", FailureKind::ConnectionLost),
    sure("software caused connection abort", FailureKind::ConnectionLost),
    sure("forcibly closed by the remote host", FailureKind::ConnectionLost),
    sure("an established connection was aborted", FailureKind::ConnectionLost),
    sure("the specified network name is no longer available", FailureKind::ConnectionLost),
    sure("transport endpoint is not connected", FailureKind::ConnectionLost),
    sure("socket is not connected", FailureKind::ConnectionLost),
    sure("use of closed network connection", FailureKind::ConnectionLost),
    sure("connection closed by server", FailureKind::ConnectionLost),
    sure("server closed the connection", FailureKind::ConnectionLost),
    sure("connection closed prematurely", FailureKind::ConnectionLost),
    sure("connection unexpectedly closed", FailureKind::ConnectionLost),
    sure("socket closed unexpectedly", FailureKind::ConnectionLost),
    sure("socket hang up", FailureKind::ConnectionLost),
    sure("unexpected end of file", FailureKind::ConnectionLost),
    sure("unexpected end of stream", FailureKind::ConnectionLost),
    sure("stream isn't writeable and enableofflinequeue", FailureKind::ConnectionLost),
    sure("currently not connected. commands are rejected", FailureKind::ConnectionLost),
    sure("redis server went away", FailureKind::ConnectionLost),
    sure("redis connection lost", FailureKind::ConnectionLost),
    sure("redis connection gone from", FailureKind::ConnectionLost),
    sure("read error on connection to", FailureKind::ConnectionLost),
    sure("ECONNRESET", FailureKind::ConnectionLost),
    sure("ECONNABORTED", FailureKind::ConnectionLost),
    sure("EPIPE", FailureKind::ConnectionLost),
    sure("ENOTCONN", FailureKind::ConnectionLost),
    sure("ConnectionResetError", FailureKind::ConnectionLost),
    sure("ConnectionAbortedError", FailureKind::ConnectionLost),
    sure("BrokenPipeError", FailureKind::ConnectionLost),
    sure("SocketClosedUnexpectedlyError", FailureKind::ConnectionLost),
    sure("SocketFailure", FailureKind::ConnectionLost),
    sure("SocketClosed", FailureKind::ConnectionLost),
    hint("the client is closed", FailureKind::ConnectionLost),
    hint("the client is offline", FailureKind::ConnectionLost),
    hint("connection is already closed", FailureKind::ConnectionLost),
    hint("error while reading from", FailureKind::ConnectionLost),
    hint("error while writing to", FailureKind::ConnectionLost),
    hint("error while reading line from the server", FailureKind::ConnectionLost),
    hint("reached the max retries per request limit", FailureKind::ConnectionLost),
    hint("redis connection in broken state", FailureKind::ConnectionLost),
    hint("attempting to read from a broken connection", FailureKind::ConnectionLost),
    // OpenSSL's verification results, Python's ssl, Node's tls, Go's x509, rustls, Java, .NET, curl.
    sure("certificate verify failed", FailureKind::TlsError),
    sure("certificate_verify_failed", FailureKind::TlsError),
    sure("certificate has expired", FailureKind::TlsError),
    sure("certificate is not yet valid", FailureKind::TlsError),
    sure("certificate is not valid for", FailureKind::TlsError),
    sure("certificate is valid for", FailureKind::TlsError),
    sure("certificate not valid for name", FailureKind::TlsError),
    sure("self-signed certificate", FailureKind::TlsError),
    sure("self signed certificate", FailureKind::TlsError),
    sure("unable to get local issuer certificate", FailureKind::TlsError),
    sure("unable to get issuer certificate", FailureKind::TlsError),
    sure("unable to verify the first certificate", FailureKind::TlsError),
    sure("certificate signed by unknown authority", FailureKind::TlsError),
    sure("does not match certificate's altnames", FailureKind::TlsError),
    sure("no alternative certificate subject name matches", FailureKind::TlsError),
    sure("hostname mismatch, certificate", FailureKind::TlsError),
    sure("invalid peer certificate", FailureKind::TlsError),
    sure("the remote certificate is invalid", FailureKind::TlsError),
    sure("the remote certificate was rejected", FailureKind::TlsError),
    sure("pkix path building failed", FailureKind::TlsError),
    sure("x509: certificate", FailureKind::TlsError),
    sure("wrong version number", FailureKind::TlsError),
    sure("wrong_version_number", FailureKind::TlsError),
    sure("tlsv1 alert", FailureKind::TlsError),
    sure("sslv3 alert", FailureKind::TlsError),
    sure("sslv3_alert_handshake_failure", FailureKind::TlsError),
    sure("ssl routines", FailureKind::TlsError),
    sure("handshake failure", FailureKind::TlsError),
    sure("tls handshake failed", FailureKind::TlsError),
    sure("ssl handshake failed", FailureKind::TlsError),
    sure("does not look like a tls handshake", FailureKind::TlsError),
    sure("before secure tls connection was established", FailureKind::TlsError),
    sure("received corrupt message of type", FailureKind::TlsError),
    sure("received fatal alert", FailureKind::TlsError),
    sure("DEPTH_ZERO_SELF_SIGNED_CERT", FailureKind::TlsError),
    sure("SELF_SIGNED_CERT_IN_CHAIN", FailureKind::TlsError),
    sure("UNABLE_TO_VERIFY_LEAF_SIGNATURE", FailureKind::TlsError),
    sure("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", FailureKind::TlsError),
    sure("CERT_HAS_EXPIRED", FailureKind::TlsError),
    sure("ERR_TLS_CERT_ALTNAME_INVALID", FailureKind::TlsError),
    sure("SSLHandshakeException", FailureKind::TlsError),
    sure("SSLCertVerificationError", FailureKind::TlsError),
    // redis/src/acl.c and server.c, whose prefix redis-py strips; redis-rs, StackExchange.Redis.
    sure("invalid username-password pair", FailureKind::AuthFailed),
    sure("hello must be called with the client already authenticated", FailureKind::AuthFailed),
    sure("invalid or missing auth token", FailureKind::AuthFailed),
    sure("password authentication failed", FailureKind::AuthFailed),
    sure("running in protected mode", FailureKind::AuthFailed),
    sure("NOAUTH", FailureKind::AuthFailed),
    sure("WRONGPASS", FailureKind::AuthFailed),
    sure("AuthenticationFailure", FailureKind::AuthFailed),
    sure("redis.exceptions.AuthenticationError", FailureKind::AuthFailed),
    // redis/src/server.c, createSharedObjects, and the classes that stand for these replies.
    sure("loading the dataset in memory", FailureKind::Loading),
    sure("BusyLoadingError", FailureKind::Loading),
    sure("RedisLoadingException", FailureKind::Loading),
    sure("link with master is down and", FailureKind::MasterDown),
    sure("MASTERDOWN", FailureKind::MasterDown),
    sure("MasterDownError", FailureKind::MasterDown),
    sure("no master found for", FailureKind::MasterDown),
    sure("MasterNotFoundError", FailureKind::MasterDown),
    sure("hash slot not served", FailureKind::ClusterDown),
    sure("CLUSTERDOWN", FailureKind::ClusterDown),
    sure("ClusterDownError", FailureKind::ClusterDown),
    hint("the cluster is down", FailureKind::ClusterDown),
    hint("failed to refresh slots cache", FailureKind::ClusterDown),
    hint("ClusterAllFailedError", FailureKind::ClusterDown),
    hint("all slots are not covered", FailureKind::ClusterDown),
    sure("can't write against a read only", FailureKind::ReadOnly),
    sure("redis.exceptions.ReadOnlyError", FailureKind::ReadOnly),
    sure("RedisReadOnlyException", FailureKind::ReadOnly),
    sure("command not allowed when used memory", FailureKind::OutOfMemory),
    sure("redis.exceptions.OutOfMemoryError", FailureKind::OutOfMemory),
    sure("configured to save rdb snapshots, but", FailureKind::DiskError),
    sure("unable to persist to disk", FailureKind::DiskError),
    sure("unable to persist on disk", FailureKind::DiskError),
    sure("errors writing to the aof file", FailureKind::DiskError),
    sure("MISCONF", FailureKind::DiskError),
    sure("not enough good replicas to write", FailureKind::NoReplicas),
    sure("not enough good slaves to write", FailureKind::NoReplicas),
    sure("NOREPLICAS", FailureKind::NoReplicas),
    sure("busy running a script", FailureKind::BusyScript),
    sure("already executed write commands against the dataset", FailureKind::BusyScript),
    sure("UNKILLABLE", FailureKind::BusyScript),
    sure("RedisBusyException", FailureKind::BusyScript),
    sure("JedisBusyException", FailureKind::BusyScript),
    sure("multiple keys request during rehashing of slot", FailureKind::TryAgain),
    sure("TRYAGAIN", FailureKind::TryAgain),
    sure("no matching script", FailureKind::NoScript),
    sure("NoScriptError", FailureKind::NoScript),
    sure("RedisNoScriptException", FailureKind::NoScript),
    sure("JedisNoScriptException", FailureKind::NoScript),
    sure("has no permissions to run the", FailureKind::PermissionDenied),
    sure("has no permissions to access", FailureKind::PermissionDenied),
    sure("NOPERM", FailureKind::PermissionDenied),
    sure("NoPermissionError", FailureKind::PermissionDenied),
    sure("operation against a key holding the wrong kind of value", FailureKind::CommandError),
    sure("keys in request don't hash to the same slot", FailureKind::CommandError),
    sure("transaction discarded because of previous errors", FailureKind::CommandError),
    sure("consumer group name already exists", FailureKind::CommandError),
    sure("target key name already exists", FailureKind::CommandError),
    sure("WRONGTYPE", FailureKind::CommandError),
    sure("EXECABORT", FailureKind::CommandError),
    sure("CROSSSLOT", FailureKind::CommandError),
    sure("BUSYGROUP", FailureKind::CommandError),
    sure("BUSYKEY", FailureKind::CommandError),
    sure("redis.exceptions.DataError", FailureKind::CommandError),
    // hiredis, redis-parser, Jedis, redis-py.
    sure("protocol error, got", FailureKind::ProtocolError),
    sure("unknown resp type", FailureKind::ProtocolError),
    sure("unknown reply:", FailureKind::ProtocolError),
    sure("redis.exceptions.InvalidResponse", FailureKind::ProtocolError),
    // Wordings that depend on the phase, or are too common to count in the middle of a sentence.
    placed("connection timed out", Meaning::KernelTimeout, true, Place::Anywhere),
    placed("operation timed out", Meaning::KernelTimeout, true, Place::Last),
    placed("ETIMEDOUT", Meaning::KernelTimeout, true, Place::Anywhere),
    placed("i/o timeout", Meaning::ClientTimeout, true, Place::Anywhere),
    placed("timed out", Meaning::ClientTimeout, false, Place::Whole),
    placed("deadline has elapsed", Meaning::ClientTimeout, false, Place::Last),
    placed("context deadline exceeded", Meaning::ClientTimeout, true, Place::Last),
    placed("eof occurred in violation of protocol", Meaning::TlsEnd, true, Place::Anywhere),
    placed("unexpected_eof_while_reading", Meaning::TlsEnd, true, Place::Anywhere),
    placed("no such file or directory", Meaning::MissingFile, false, Place::Anywhere),
    placed("ENOENT", Meaning::MissingFile, false, Place::Anywhere),
    placed("connection timeout", Meaning::Is(FailureKind::ConnectTimeout), false, Place::Last),
    placed("connect timeout", Meaning::Is(FailureKind::ConnectTimeout), false, Place::Last),
    placed("connection is closed", Meaning::Is(FailureKind::ConnectionLost), false, Place::Last),
    placed("connection reset", Meaning::Is(FailureKind::ConnectionLost), false, Place::Last),
    placed("connection aborted", Meaning::Is(FailureKind::ConnectionLost), false, Place::Last),
    placed("connection lost", Meaning::Is(FailureKind::ConnectionLost), false, Place::Last),
    placed("unexpected EOF", Meaning::Is(FailureKind::ConnectionLost), false, Place::Whole),
    placed("EOF", Meaning::Is(FailureKind::ConnectionLost), false, Place::Whole),
    placed("authentication required", Meaning::Is(FailureKind::AuthFailed), false, Place::Last),
];

/// How many distinct first bytes there are, and one for the end of the last group.
const GROUPS: usize = 257;

/// The rules in the order of their first byte in lower case, grouped: built by the compiler, so
/// that the scan compares a word only with the phrases that begin like it.
static ORDER: [u16; RULES.len()] = order().0;
static STARTS: [u16; GROUPS] = order().1;

/// The rules whose phrase begins with `first`, in any case.
pub(super) fn beginning_with(first: u8) -> impl Iterator<Item = &'static Rule> {
    let group = usize::from(first.to_ascii_lowercase());
    let bound = |at: usize| STARTS.get(at).map_or(0, |start| usize::from(*start));
    let order = ORDER.get(bound(group)..bound(group.saturating_add(1))).unwrap_or(&[]);
    order.iter().filter_map(|index| RULES.get(usize::from(*index)))
}

/// A counting sort of [`RULES`] by first byte.
const fn order() -> ([u16; RULES.len()], [u16; GROUPS]) {
    let mut order = [0; RULES.len()];
    let mut starts = [0; GROUPS];
    let mut filled = 0_u16;
    let mut byte = 0;
    while byte < GROUPS - 1 {
        starts[byte] = filled;
        let mut rule = 0_u16;
        while (rule as usize) < RULES.len() {
            if RULES[rule as usize].phrase.as_bytes()[0].to_ascii_lowercase() as usize == byte {
                order[filled as usize] = rule;
                filled += 1;
            }
            rule += 1;
        }
        byte += 1;
    }
    starts[GROUPS - 1] = filled;
    (order, starts)
}
