//! The status of a cluster, out of those of its shards.

use alloc::vec::Vec;

use crate::status::{Mode, ShardStatus, Status};

/// Slots, as first and last of each range.
pub type Ranges = Vec<(u16, u16)>;

/// Puts slots, in order, into ranges.
pub fn ranges(slots: impl IntoIterator<Item = u16>) -> Ranges {
    let mut ranges: Ranges = Vec::new();
    for slot in slots {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == slot => *last = slot,
            _ => ranges.push((slot, slot)),
        }
    }
    ranges
}

/// The status of all shards together: counts are sums, and what says how things are is that of the shard
/// which is worst off. None where there is no shard. Endpoint, latency and what belongs to no one shard
/// are the host's to fill in.
pub fn whole(shards: Vec<(Ranges, Status)>) -> Option<Status> {
    let worst = shards.iter().map(|(_, status)| status).min_by_key(|status| rank(status.mode))?;
    let mut all = worst.clone();
    all.mode = if shards.iter().all(|(_, status)| status.mode == Mode::Closed) {
        Mode::Closed
    } else {
        all.mode
    };
    all.ready = shards.iter().all(|(_, status)| status.ready);
    let mut others = shards.iter().map(|(_, status)| status);
    let mut counted = others.next()?.clone();
    others.for_each(|status| add(&mut counted, status));
    take_counts(&mut all, &counted);
    all.shards = shards.into_iter().map(|(slots, status)| shard(slots, status)).collect();
    Some(all)
}

/// Adds the counts of a shard that is no more.
pub fn add(all: &mut Status, one: &Status) {
    all.connection_failure_count += one.connection_failure_count;
    all.failures_since_log += one.failures_since_log;
    all.failure_count += one.failure_count;
    all.served_by_redis += one.served_by_redis;
    all.served_by_store += one.served_by_store;
    all.refused += one.refused;
    all.dials += one.dials;
    all.journal_keys += one.journal_keys;
    all.journal_bytes += one.journal_bytes;
    all.store_keys += one.store_keys;
    all.store_bytes += one.store_bytes;
    all.replayed += one.replayed;
    all.conflicts += one.conflicts;
    all.replay_refused += one.replay_refused;
    all.retries_refused += one.retries_refused;
    all.redirects += one.redirects;
}

fn take_counts(all: &mut Status, counted: &Status) {
    let kept = core::mem::replace(all, counted.clone());
    all.redis_connected = kept.redis_connected;
    all.fallback_mode = kept.fallback_mode;
    all.circuit_breaker_state = kept.circuit_breaker_state;
    all.last_failure_type = kept.last_failure_type;
    all.time_since_last_attempt = kept.time_since_last_attempt;
    all.next_retry_in = kept.next_retry_in;
    all.time_since_last_recovery = kept.time_since_last_recovery;
    all.status = kept.status;
    all.mode = kept.mode;
    all.incident = kept.incident;
    all.ready = kept.ready;
}

/// One that serves from memory is worse off than one on its way back.
const fn rank(mode: Mode) -> u8 {
    match mode {
        Mode::Degraded => 0,
        Mode::Reconciling => 1,
        Mode::Connected => 2,
        Mode::Closed => 3,
    }
}

fn shard(slots: Ranges, status: Status) -> ShardStatus {
    ShardStatus {
        endpoint: status.endpoint,
        slots,
        mode: status.mode,
        last_failure_type: status.last_failure_type,
        served_by_redis: status.served_by_redis,
        served_by_store: status.served_by_store,
        refused: status.refused,
        journal_keys: status.journal_keys,
        journal_bytes: status.journal_bytes,
        store_keys: status.store_keys,
        replayed: status.replayed,
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::kind::{Failure, FailureKind};
    use crate::policy::{Policy, Profile};
    use crate::{Engine, Input, Timestamp};

    const NOW: Timestamp = Timestamp::from_ms(1_000);

    fn status(endpoint: &str, is_connected: bool) -> Status {
        let mut engine = Engine::new(Policy::of(Profile::Development), endpoint, 1);
        for input in [
            Input::Start,
            Input::DialSucceeded { dial: 1 },
            Input::Reconciled { epoch: 1 },
            Input::Tally { finished: 5, served_locally: 2, refused: 1 },
        ] {
            engine.handle(NOW, input);
        }
        if !is_connected {
            let failure = Failure::new(FailureKind::ConnectionRefused, "gone");
            engine.handle(NOW, Input::ConnectionLost { epoch: 1, failure });
        }
        engine.status(NOW)
    }

    #[test]
    fn slots_make_ranges() {
        assert_eq!(ranges([0, 1, 2, 7, 9, 10]), [(0, 2), (7, 7), (9, 10)]);
        assert_eq!(ranges([]), []);
    }

    #[test]
    fn the_whole_is_as_its_worst_shard_and_counts_all() {
        let shards = vec![
            (vec![(0, 99)], status("redis://a:1", true)),
            (vec![(100, 16_383)], status("redis://b:2", false)),
        ];
        let all = whole(shards.clone()).unwrap();
        assert_eq!((all.mode, all.redis_connected, all.ready), (Mode::Degraded, false, true));
        assert_eq!(all.last_failure_type, Some(FailureKind::ConnectionRefused));
        assert_eq!((all.served_by_redis, all.served_by_store, all.refused), (10, 4, 2));
        assert_eq!(all.failure_count, 1);
        let modes: Vec<_> = all.shards.iter().map(|shard| (&*shard.endpoint, shard.mode)).collect();
        assert_eq!(modes, [("redis://a:1", Mode::Connected), ("redis://b:2", Mode::Degraded)]);
        assert_eq!(all.shards[1].slots, [(100, 16_383)]);
        let one = whole(vec![shards[0].clone()]).unwrap();
        assert_eq!((one.mode, one.served_by_redis), (Mode::Connected, 5));
        assert_eq!(whole(vec![]), None);
    }
}
