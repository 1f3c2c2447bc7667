//! The clocks of the server and of clients, as Unix time.

use crate::time::Timestamp;

/// When a run begins.
const ORIGIN_MS: u64 = 1_700_000_000_000;

/// The server's clock at a time of the run.
pub(super) const fn server(now: u64) -> Timestamp {
    Timestamp::from_ms(ORIGIN_MS + now)
}

/// When a client's clock shows `at`: at the earliest this time of the run.
pub(super) const fn run_time(at: Timestamp, jumped_ms: u64) -> u64 {
    at.as_ms().saturating_sub(ORIGIN_MS + jumped_ms)
}
