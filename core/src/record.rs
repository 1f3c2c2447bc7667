//! Log records: structured, with a stable code. Each host logs them its own way.

use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::kind::FailureKind;

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// Good to know.
    Info,
    /// Redis is not as it should be.
    Warning,
    /// Something was given up.
    Error,
}

/// What a record says, for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordCode {
    /// The first failure of a kind.
    RedisUnavailable,
    /// The outage lasts.
    RedisStillUnavailable,
    /// The outage is over.
    RedisRecovered,
    /// The startup budget is spent.
    StartupFailed,
    /// Redis refused for good to take back some of what was written in the outage.
    WritesRefused,
    /// The client was closed before what was written in the outage reached Redis.
    JournalDiscarded,
    /// A process that is gone left writes in the journal on disk: they go to Redis first.
    JournalRestored,
    /// The journal on disk was damaged; it was moved away, and what it held is not written back.
    JournalSetAside,
    /// The journal on disk cannot be written any more.
    JournalFailed,
    /// The server's certificate is not checked, because an option says so.
    TlsInsecure,
    /// An entry could not be appended to the production log.
    LogUnwritable,
    /// What the client decides cannot be recorded.
    RecordingFailed,
    /// What other processes of the host know of an outage cannot be shared.
    SharingFailed,
}

impl RecordCode {
    /// The stable `snake_case` code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RedisUnavailable => "redis_unavailable",
            Self::RedisStillUnavailable => "redis_still_unavailable",
            Self::RedisRecovered => "redis_recovered",
            Self::StartupFailed => "startup_failed",
            Self::WritesRefused => "writes_refused",
            Self::JournalDiscarded => "journal_discarded",
            Self::JournalRestored => "journal_restored",
            Self::JournalSetAside => "journal_set_aside",
            Self::JournalFailed => "journal_failed",
            Self::TlsInsecure => "tls_insecure",
            Self::LogUnwritable => "log_unwritable",
            Self::RecordingFailed => "recording_failed",
            Self::SharingFailed => "sharing_failed",
        }
    }
}

/// The figures of a record; absent ones do not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Fields {
    /// The endpoint, redacted.
    pub endpoint: String,
    /// What failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// The text of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The number of the incident, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<u64>,
    /// How long the outage lasts or lasted, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Dials that failed: since the last line, or in the whole incident on recovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dials_failed: Option<u64>,
    /// Commands that failed on a live connection, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands_failed: Option<u64>,
    /// Commands answered by the store, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served_locally: Option<u64>,
    /// Commands refused, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<u64>,
    /// Keys written back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<u64>,
    /// Keys that had changed on Redis meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<u64>,
    /// Keys that Redis refused to take back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_refused: Option<u64>,
    /// Keys that were never written back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_keys: Option<u64>,
    /// Milliseconds until the next dial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_dial_ms: Option<u64>,
}

/// One log record. It holds no secret: endpoints are redacted before they reach the core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// How much it matters.
    pub level: Level,
    /// What it says, for machines.
    pub code: RecordCode,
    /// What it says, for people.
    pub message: String,
    /// Its figures.
    pub fields: Fields,
}

impl Record {
    /// A record without figures.
    pub fn new(level: Level, code: RecordCode, message: String, endpoint: String) -> Self {
        Self { level, code, message, fields: Fields { endpoint, ..Fields::default() } }
    }
}

/// A time as it stands in messages: milliseconds below a second, tenths below a minute, then whole seconds, minutes and hours.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
