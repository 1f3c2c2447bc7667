//! What an engine says of itself.

use alloc::vec::Vec;

use super::{Engine, Phase};
use crate::breaker::BreakerState;
use crate::status::{Health, JournalFile, Latency, Status};
use crate::time::Timestamp;

impl Engine {
    /// Milliseconds until the next dial, 0 while one is under way, where one is planned at all.
    pub fn next_dial_in_ms(&self, now: Timestamp) -> Option<u64> {
        if self.dialling {
            return Some(0);
        }
        self.next_dial_at.map(|at| at.since_ms(now))
    }

    /// The snapshot at `now`. Sizes and latency belong to the host, which fills them in.
    pub fn status(&self, now: Timestamp) -> Status {
        let connected = self.phase == Phase::Connected;
        let since = |at: Option<Timestamp>| at.map(|at| seconds(now.since_ms(at)));
        Status {
            redis_connected: connected,
            fallback_mode: !connected,
            circuit_breaker_state: match (connected, self.dialling) {
                (true, _) => BreakerState::Closed,
                (false, true) => BreakerState::HalfOpen,
                (false, false) => BreakerState::Open,
            },
            connection_failure_count: self.outage.connection_failures(),
            last_failure_type: self.last_failure.as_ref().map(|failure| failure.kind),
            time_since_last_attempt: since(self.last_dial_at),
            next_retry_in: self.next_dial_in_ms(now).map(seconds),
            time_since_last_recovery: since(self.last_recovery_at),
            failures_since_log: self.outage.failures_since_line(),
            failure_count: self.totals.failures,
            status: if connected { Health::Healthy } else { Health::Degraded },
            mode: self.mode(),
            profile: self.policy.profile,
            endpoint: self.endpoint.clone(),
            incident: self.outage.incident().cloned(),
            served_by_redis: self.totals.served_by_redis,
            served_by_store: self.totals.served_by_store,
            refused: self.totals.refused,
            dials: self.totals.dials,
            journal_keys: 0,
            journal_bytes: 0,
            journal_file: JournalFile::Off,
            store_keys: 0,
            store_bytes: 0,
            replayed: self.totals.replayed,
            conflicts: self.totals.conflicts,
            replay_refused: self.totals.replay_refused,
            retries_refused: self.totals.retries_refused,
            latency: Latency::default(),
            rules: self.policy.rules.as_slice().to_vec(),
            ready: self.is_ready(),
            redirects: 0,
            shards: Vec::new(),
        }
    }

    /// A client that waits for its first command is ready: without work it would never dial.
    fn is_ready(&self) -> bool {
        match self.phase {
            Phase::Closed => false,
            Phase::Idle => true,
            Phase::Starting | Phase::Degraded | Phase::Reconciling | Phase::Connected => {
                self.serving()
            }
        }
    }
}

/// Milliseconds as seconds, for people. Nothing is decided by it.
#[expect(clippy::cast_precision_loss, reason = "a time of 285,000 years is shown rounded")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
