//! The clock and the entropy of this host. No other file reads either.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use outlast_core::Timestamp;

/// Unix time when it was made, and monotonic from there: a clock that is set back while the
/// application runs moves no timer and brings no expired key back.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    origin_ms: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let origin_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        Self { origin: Instant::now(), origin_ms }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The point in time that an instant is on this clock.
    pub(crate) fn at(&self, instant: Instant) -> Timestamp {
        let elapsed = instant.saturating_duration_since(self.origin);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_ms(self.origin_ms).plus_ms(elapsed_ms)
    }
}

/// A clock that all processes of this host read alike and that nobody sets. It counts from when the host
/// was started, as a rule.
#[cfg(unix)]
pub(crate) fn host_now() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
    Timestamp::from_ms(seconds.saturating_mul(1_000)).plus_ms(millis)
}

/// Nothing is shared here.
#[cfg(not(unix))]
pub(crate) const fn host_now() -> Timestamp {
    Timestamp::ZERO
}

/// Measures how long something takes.
#[cfg(feature = "lua")]
#[derive(Debug)]
pub(crate) struct Stopwatch(Instant);

#[cfg(feature = "lua")]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

/// Random bits: for jitter, which needs no secret, and for the client's name.
pub(crate) fn entropy() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        // Without the system's generator the clock still spreads a fleet.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(since_epoch.subsec_nanos()) << 32 | u64::from(std::process::id())
    })
}

/// A name for this client that no other has.
pub(crate) fn client_id() -> String {
    format!("{:016x}{:016x}", entropy(), entropy())
}
