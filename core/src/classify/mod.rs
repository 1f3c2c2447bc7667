//! From what is known of a failure to its [`FailureKind`].
//!
//! Four doors, by what the host has: [`classify_reply`] for an error reply of Redis,
//! [`classify_errno`] for an operating system's number, [`classify_text`] for one message or log
//! line of any client, and [`classify`] for an error object with all of these and its causes.
//!
//! All are total: no input makes them panic, the time is linear in the size of the input, and a
//! text that says nothing is [`FailureKind::UnknownError`]. A message that only says that a dial
//! failed (`Unable to connect to …`) names no reason, so it is unknown too, unless a cause tells.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::kind::FailureKind;

mod errno;
mod name;
mod phrase;
mod reply;
#[cfg(test)]
mod tests;
mod text;

pub use errno::classify_errno;
pub use reply::classify_reply;
pub use text::classify_text;

/// How many causes below one another are looked at; deeper ones are ignored.
pub const CAUSE_DEPTH_MAX: u32 = 8;

/// How many causes beside one another are looked at; further ones are ignored.
pub const CAUSE_WIDTH_MAX: usize = 16;

/// Where the failure arose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// While dialling: resolving, connecting, the TLS and the Redis handshake.
    Dial,
    /// On a connection that stood.
    Command,
    /// Not known; texts such as `connect …` and `read …` then tell.
    #[default]
    Unknown,
}

/// What is known of a failure. Every field may be empty.
///
/// In JSON, `message` may stand for `text`, and `errors` (of an `AggregateError`) or a single
/// `cause` for `causes`; `null` is the same as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stated")]
#[non_exhaustive]
pub struct Evidence {
    /// The message, as the client or the operating system worded it.
    pub text: String,
    /// A symbolic code: `ECONNREFUSED`, `EAI_AGAIN`, `CERT_HAS_EXPIRED`, `NR_CLOSED`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The operating system's error number, as [`classify_errno`] reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
    /// The class of the error, qualified or not: `redis.exceptions.TimeoutError`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the failure arose.
    pub phase: Phase,
    /// What led to it. Two and more are alternatives that all failed: the addresses of one host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Self>,
}

/// The spellings of [`Evidence`] that JSON may use.
#[derive(Deserialize)]
struct Stated {
    text: Option<String>,
    message: Option<String>,
    code: Option<String>,
    errno: Option<i32>,
    name: Option<String>,
    phase: Option<Phase>,
    errors: Option<Vec<Evidence>>,
    causes: Option<Vec<Evidence>>,
    cause: Option<Box<Evidence>>,
}

impl From<Stated> for Evidence {
    fn from(stated: Stated) -> Self {
        let mut causes = stated.errors.unwrap_or_default();
        causes.extend(stated.causes.unwrap_or_default());
        causes.extend(stated.cause.map(|cause| *cause));
        Self {
            text: stated.text.or(stated.message).unwrap_or_default(),
            code: stated.code,
            errno: stated.errno,
            name: stated.name,
            phase: stated.phase.unwrap_or_default(),
            causes,
        }
    }
}

impl Evidence {
    /// A message and nothing else.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The same, arisen in `phase`.
    #[must_use]
    pub const fn with_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// The same with one more cause.
    #[must_use]
    pub fn with_cause(mut self, cause: Self) -> Self {
        self.causes.push(cause);
        self
    }
}

/// The kind that all evidence together points at.
///
/// What is precise goes before what is vague, and what is near before what is deep: the code, the
/// number and the wording of the error itself, then its causes, then wordings and class names
/// that only hint. Of several alternatives the one that got furthest tells most: a refusal over
/// IPv4 outweighs a missing IPv6 route.
pub fn classify(evidence: &Evidence) -> FailureKind {
    weigh(evidence, 0).map_or(FailureKind::UnknownError, |finding| finding.kind)
}

/// A kind, and whether it was stated or merely hinted at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Finding {
    kind: FailureKind,
    sure: bool,
}

fn weigh(evidence: &Evidence, depth: u32) -> Option<Finding> {
    let causes = if depth < CAUSE_DEPTH_MAX { &evidence.causes[..] } else { &[] };
    let mut below: Option<Finding> = None;
    for cause in causes.iter().take(CAUSE_WIDTH_MAX) {
        if let Some(found) = weigh(cause, depth.saturating_add(1))
            && below.is_none_or(|best| rank(found) > rank(best))
        {
            below = Some(found);
        }
    }
    // The code of an AggregateError is that of its first error, which is often the least telling.
    let alternatives = causes.len() > 1;
    let (first, second) = if alternatives { (below, None) } else { (None, below) };
    let worded = text::find(&evidence.text, evidence.phase);
    let named = evidence.name.as_deref().and_then(|name| name::find(name, evidence.phase));
    // A TLS complaint comes with the code of the closed socket below it.
    let tls = worded.filter(|found| found.kind == FailureKind::TlsError);
    let findings = [first, tls, numbered(evidence), worded, named, second];
    let sure = findings.iter().flatten().find(|finding| finding.sure);
    sure.or_else(|| findings.iter().flatten().next()).copied()
}

/// What the code and the number of the error itself say.
fn numbered(evidence: &Evidence) -> Option<Finding> {
    let phase = match evidence.phase {
        Phase::Unknown => text::phase_of(&evidence.text),
        Phase::Dial | Phase::Command => evidence.phase,
    };
    let code = evidence.code.as_deref().map(str::trim);
    let by_code = code.and_then(|code| errno::classify_code(code, phase));
    let kind = by_code.or_else(|| evidence.errno.and_then(|errno| classify_errno(errno, phase)))?;
    Some(Finding { kind, sure: true })
}

/// How far an attempt got that failed like this; what is stated stands above what is hinted at.
fn rank(finding: Finding) -> (bool, u8) {
    let reach = match finding.kind {
        FailureKind::UnknownError => 0,
        FailureKind::DnsError => 1,
        FailureKind::NetworkUnreachable => 2,
        FailureKind::HostUnreachable => 3,
        FailureKind::ConnectTimeout => 4,
        FailureKind::ConnectionRefused => 5,
        FailureKind::ConnectionLost => 6,
        FailureKind::TlsError | FailureKind::ProtocolError | FailureKind::ResponseTimeout => 7,
        FailureKind::AuthFailed
        | FailureKind::Loading
        | FailureKind::MasterDown
        | FailureKind::ClusterDown
        | FailureKind::MaxClients
        | FailureKind::ReadOnly
        | FailureKind::OutOfMemory
        | FailureKind::DiskError
        | FailureKind::NoReplicas
        | FailureKind::QuotaExceeded
        | FailureKind::BusyScript
        | FailureKind::TryAgain
        | FailureKind::CommandError
        | FailureKind::NoScript
        | FailureKind::PermissionDenied => 8,
    };
    (finding.sure, reach)
}
