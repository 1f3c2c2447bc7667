//! A thread that computes without end keeps the GIL for 5 ms at a time, and whoever gave it up for a
//! reply of 50 µs waits for all of them. So when taking it back was seen to take long, the next
//! calls wait for their reply with the GIL, briefly, before they give it up.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Taking the GIL back took long if it took longer.
const LONG: Duration = Duration::from_millis(1);
/// Calls that wait with the GIL after that.
const CALLS: u32 = 512;
/// How long each of them does.
pub(crate) const PATIENCE: Duration = Duration::from_micros(300);

static LEFT: AtomicU32 = AtomicU32::new(0);

/// Whether this call is to wait with the GIL.
pub(crate) fn is_on() -> bool {
    let left = LEFT.load(Ordering::Relaxed);
    if left == 0 {
        return false;
    }
    // Another thread may have counted as well: it is no matter whether 512 or 511 calls wait so.
    LEFT.store(left - 1, Ordering::Relaxed);
    true
}

/// The GIL is back; the call ended at that time.
pub(crate) fn note(ended: Instant) {
    if ended.elapsed() > LONG {
        LEFT.store(CALLS, Ordering::Relaxed);
    }
}
