//! What gives way when the store is full, under the names of Redis' `maxmemory-policy`:
//! <https://redis.io/docs/latest/develop/reference/eviction/>.

use alloc::vec::Vec;

use super::shard::Database;
use super::slot::Slot;
use crate::time::Timestamp;

/// What happens when a write would pass the limit. Keys that wait to be written back to Redis are
/// never evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// The write is refused.
    #[default]
    NoEviction,
    /// The key that was not used for longest goes.
    AllKeysLru,
    /// The key that was used least often goes.
    AllKeysLfu,
    /// Any key goes.
    AllKeysRandom,
    /// Of the keys with an expiry, the one that was not used for longest goes.
    VolatileLru,
    /// Of the keys with an expiry, the one that was used least often goes.
    VolatileLfu,
    /// Any key with an expiry goes.
    VolatileRandom,
    /// The key that expires next goes.
    VolatileTtl,
}

/// Keys that are looked at before one is chosen; Redis' default is 5.
pub(crate) const SAMPLES: usize = 8;
/// What a new key's frequency starts with, so that it is not evicted at once (`LFU_INIT_VAL`).
const FREQUENCY_START: u8 = 5;
/// How fast more uses stop to count (`lfu-log-factor`).
const FREQUENCY_LOG_FACTOR: u64 = 10;

impl Eviction {
    /// Every policy.
    pub const ALL: [Self; 8] = [
        Self::NoEviction,
        Self::AllKeysLru,
        Self::AllKeysLfu,
        Self::AllKeysRandom,
        Self::VolatileLru,
        Self::VolatileLfu,
        Self::VolatileRandom,
        Self::VolatileTtl,
    ];

    /// Its name in Redis' configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoEviction => "noeviction",
            Self::AllKeysLru => "allkeys-lru",
            Self::AllKeysLfu => "allkeys-lfu",
            Self::AllKeysRandom => "allkeys-random",
            Self::VolatileLru => "volatile-lru",
            Self::VolatileLfu => "volatile-lfu",
            Self::VolatileRandom => "volatile-random",
            Self::VolatileTtl => "volatile-ttl",
        }
    }

    /// The policy with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name().eq_ignore_ascii_case(name))
    }

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// Whether it goes by how often keys are used.
    pub(crate) const fn is_lfu(self) -> bool {
        matches!(self, Self::AllKeysLfu | Self::VolatileLfu)
    }

    /// Whether it only takes keys with an expiry.
    pub(crate) const fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl
        )
    }

    /// The note of a use: seconds, or minutes with a logarithmic count in the low byte.
    pub(crate) fn used(self, now: Timestamp, before: u32, random: impl FnOnce() -> u64) -> u32 {
        if !self.is_lfu() {
            return u32::try_from(now.as_ms() / 1_000).unwrap_or(u32::MAX);
        }
        let count = if before == 0 { FREQUENCY_START } else { frequency(now, before) };
        let above = u64::from(count.saturating_sub(FREQUENCY_START));
        // One in `above * factor + 1` uses counts (Morris' counter, `LFULogIncr`).
        let counts = random().is_multiple_of(above * FREQUENCY_LOG_FACTOR + 1);
        let count = if counts && before != 0 { count.saturating_add(1) } else { count };
        (minutes(now) << 8) | u32::from(count)
    }

    /// How much longer ago, or seldomer, a key was used than others: the highest goes first.
    pub(crate) fn idleness(self, now: Timestamp, used: u32) -> u32 {
        if self.is_lfu() { u32::from(255 - frequency(now, used)) } else { idle_seconds(now, used) }
    }
}

/// Seconds since a use that was noted as time.
pub(crate) fn idle_seconds(now: Timestamp, used: u32) -> u32 {
    u32::try_from(now.as_ms() / 1_000).unwrap_or(u32::MAX).saturating_sub(used)
}

/// The frequency that a note tells, less one for each minute without a use.
pub(crate) fn frequency(now: Timestamp, used: u32) -> u8 {
    let [count, ..] = used.to_le_bytes();
    let idle = minutes(now).wrapping_sub(used >> 8) & 0xff_ffff;
    count.saturating_sub(u8::try_from(idle).unwrap_or(u8::MAX))
}

fn minutes(now: Timestamp) -> u32 {
    u32::try_from((now.as_ms() / 60_000) & 0xff_ffff).unwrap_or(0)
}

impl Database {
    /// A few keys of which one may be evicted.
    pub(crate) fn candidates(&self, policy: Eviction, random: u64) -> Vec<&Slot> {
        let draw = u32::try_from(random >> 32).unwrap_or(0);
        if policy == Eviction::VolatileTtl {
            let soonest = self.expiries.iter().take(SAMPLES);
            let find = |&(at, tag): &(u64, u32)| {
                let due = Some(Timestamp::from_ms(at));
                let place = self.keys.find_by(tag, |slot: &Slot| slot.expires_at() == due)?;
                self.keys.get(place)
            };
            return soonest.filter_map(find).collect();
        }
        if policy.is_volatile() {
            // Any moment in the span of expiries, and those that expire next after it.
            let (Some((first, _)), Some((last, _))) = (self.expiries.first(), self.expiries.last())
            else {
                return Vec::new();
            };
            let span = last - first + 1;
            let from = first + u64::from(draw) % span;
            let around = self.expiries.range((from, 0)..).chain(self.expiries.iter());
            let find = |&(at, tag): &(u64, u32)| {
                let due = Some(Timestamp::from_ms(at));
                let place = self.keys.find_by(tag, |slot: &Slot| slot.expires_at() == due)?;
                self.keys.get(place)
            };
            return around.take(SAMPLES).filter_map(find).collect();
        }
        self.keys.sample(draw, SAMPLES).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_redis() {
        for policy in Eviction::ALL {
            assert_eq!(Eviction::parse(policy.name()), Some(policy));
            assert_eq!(Eviction::from_number(policy.number()), policy);
        }
        assert_eq!(Eviction::parse("lru"), None);
    }

    #[test]
    fn frequency_grows_with_uses_and_fades_with_time() {
        let policy = Eviction::AllKeysLfu;
        let now = Timestamp::from_ms(60_000_000);
        let mut used = policy.used(now, 0, || 0);
        assert_eq!(frequency(now, used), FREQUENCY_START);
        for _ in 0..10 {
            used = policy.used(now, used, || 0);
        }
        assert_eq!(frequency(now, used), FREQUENCY_START + 10);
        assert_eq!(frequency(now.plus_ms(3 * 60_000), used), FREQUENCY_START + 7);
        assert_eq!(policy.used(now, used, || 1), used);
    }
}
