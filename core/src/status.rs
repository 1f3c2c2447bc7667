//! The snapshot that an operator sees, with the same fields in every language.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::breaker::BreakerState;
use crate::coded::read_by_code;
use crate::incident::Incident;
use crate::kind::FailureKind;
use crate::policy::Profile;
use crate::rules::KeyRule;

/// The mode that an application sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Commands go to Redis.
    Connected,
    /// Commands are answered by the store, or refused.
    Degraded,
    /// As degraded, while what was written meanwhile goes back to Redis.
    Reconciling,
    /// The client was closed.
    Closed,
}

impl Mode {
    /// Every mode.
    pub const ALL: &'static [Self] =
        &[Self::Connected, Self::Degraded, Self::Reconciling, Self::Closed];

    /// The code that statuses use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Degraded => "degraded",
            Self::Reconciling => "reconciling",
            Self::Closed => "closed",
        }
    }
}

read_by_code!(Mode);

/// Healthy or degraded, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Health {
    /// Commands go to Redis.
    Healthy,
    /// They do not.
    Degraded,
}

impl Health {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Healthy, Self::Degraded];

    /// The code that statuses use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
        }
    }
}

read_by_code!(Health);

/// The journal on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JournalFile {
    /// There is none.
    #[default]
    Off,
    /// It keeps what waits.
    Open,
    /// It does, and what was there before was damaged and moved away.
    SetAside,
    /// It cannot be written any more.
    Failed,
}

impl JournalFile {
    /// All.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Open, Self::SetAside, Self::Failed];

    /// The code that statuses use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Open => "open",
            Self::SetAside => "set_aside",
            Self::Failed => "failed",
        }
    }
}

read_by_code!(JournalFile);

/// How long commands took on Redis, in microseconds, as upper bounds of the classes they fell in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Latency {
    /// Half of the commands took no longer.
    pub p50_us: u64,
    /// Nine in ten took no longer.
    pub p90_us: u64,
    /// 99 in a hundred took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// One snapshot. Times are in seconds, as the module that this one replaces had them; a time
/// that does not apply is `null`. The JSON schema is `tests/vectors/status.schema.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Whether commands go to Redis.
    pub redis_connected: bool,
    /// Whether commands are answered from memory.
    pub fallback_mode: bool,
    /// The breaker: `closed` while connected, `half_open` while a dial is under way, else `open`.
    pub circuit_breaker_state: BreakerState,
    /// Failed dials and lost connections of the current outage.
    pub connection_failure_count: u64,
    /// What failed last.
    pub last_failure_type: Option<FailureKind>,
    /// Seconds since the last dial began.
    pub time_since_last_attempt: Option<f64>,
    /// Seconds until the next dial; 0 while one is under way.
    pub next_retry_in: Option<f64>,
    /// Seconds since Redis last came back.
    pub time_since_last_recovery: Option<f64>,
    /// Failures since the last log line.
    pub failures_since_log: u64,
    /// Failures since the client was made.
    pub failure_count: u64,
    /// Both in one word.
    pub status: Health,
    /// The mode.
    pub mode: Mode,
    /// The profile.
    pub profile: Profile,
    /// Where Redis is, redacted.
    pub endpoint: String,
    /// The outage that goes on, or the one just over while it may still be continued.
    pub incident: Option<Incident>,
    /// Commands answered by Redis.
    pub served_by_redis: u64,
    /// Commands answered by the store.
    pub served_by_store: u64,
    /// Commands refused.
    pub refused: u64,
    /// Dials begun.
    pub dials: u64,
    /// Keys that wait to be written back.
    pub journal_keys: u64,
    /// Memory of what waits to be written back, in bytes.
    #[serde(default)]
    pub journal_bytes: u64,
    /// The journal on disk.
    #[serde(default)]
    pub journal_file: JournalFile,
    /// Keys in the store.
    pub store_keys: u64,
    /// Memory of the store, in bytes.
    pub store_bytes: u64,
    /// Keys written back since the client was made.
    pub replayed: u64,
    /// Keys that others had changed on Redis since their last known value, where one was known.
    pub conflicts: u64,
    /// Keys that Redis refused to take back.
    pub replay_refused: u64,
    /// Commands that were not sent a second time, because the quota for that was spent.
    #[serde(default)]
    pub retries_refused: u64,
    /// How long commands took on Redis.
    pub latency: Latency,
    /// The keyspace rules, in their order.
    #[serde(default)]
    pub rules: Vec<KeyRule>,
    /// Whether the application may be sent work: not while a Redis that the startup requires was never
    /// reached, and not after the end. It is one thing for a probe to ask; that Redis is away is no
    /// reason to send no work.
    #[serde(default = "ready")]
    pub ready: bool,
    /// Commands that a node of a cluster did not do and sent elsewhere (`MOVED`, `ASK`).
    #[serde(default)]
    pub redirects: u64,
    /// The shards of a cluster, in the order of their lowest slots; none of a single server.
    #[serde(default)]
    pub shards: Vec<ShardStatus>,
}

/// A shard of a cluster: a master and its slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShardStatus {
    /// Where its master is, redacted.
    pub endpoint: String,
    /// Its slots, as first and last of each range.
    pub slots: Vec<(u16, u16)>,
    /// The mode of its keys.
    pub mode: Mode,
    /// What failed last.
    pub last_failure_type: Option<FailureKind>,
    /// Commands answered by Redis.
    pub served_by_redis: u64,
    /// Commands answered by the store.
    pub served_by_store: u64,
    /// Commands refused.
    pub refused: u64,
    /// Keys that wait to be written back.
    pub journal_keys: u64,
    /// Memory of what waits to be written back, in bytes.
    pub journal_bytes: u64,
    /// Keys in its store.
    pub store_keys: u64,
    /// Keys written back since the client was made.
    pub replayed: u64,
}

/// What a status says that does not tell: earlier versions did not.
const fn ready() -> bool {
    true
}

impl Status {
    /// Reads a status as [`serde_json`] wrote it, in whichever language.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) with the place where the
    /// text is not a status.
    pub fn parse(json: &str) -> Result<Self, crate::Error> {
        serde_json::from_str(json).map_err(|error| {
            let message = alloc::format!("not a status: {error}");
            crate::Error::new(crate::ErrorKind::InvalidArgument, message)
        })
    }
}
