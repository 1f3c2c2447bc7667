//! Rate limits: what a window of time allows, counted by Redis in one script or, while it is away,
//! by each process for itself.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use crate::error::Error;
use crate::time::Timestamp;

/// Counts one request on Redis, in one piece: `EVAL SCRIPT 1 key` and [`Limit::arguments`]. It
/// answers what [`Limit::answered`] reads.
pub const SCRIPT: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local index = math.floor(now / window)
local elapsed = now - index * window
local kept = redis.call('HMGET', KEYS[1], 'window', 'current', 'previous')
local current, previous = tonumber(kept[2] or 0), tonumber(kept[3] or 0)
local behind = index - tonumber(kept[1] or -2)
if behind == 1 then current, previous = 0, current elseif behind ~= 0 then current, previous = 0, 0 end
if ARGV[4] == 'fixed' then previous = 0 end
local weighted = math.floor(previous * (window - elapsed) / window)
local allowed = weighted + current + cost <= limit
if allowed then
  current = current + cost
  redis.call('HSET', KEYS[1], 'window', index, 'current', current, 'previous', previous)
  redis.call('PEXPIRE', KEYS[1], 2 * window)
end
return {allowed and 1 or 0, current, previous, elapsed}";

/// Keys that a process counts by itself; of more the longest unused are forgotten.
const LOCAL_KEYS_MAX: usize = 10_000;
/// Limits, costs and windows stay exact where Lua has only doubles.
const NUMBER_MAX: u64 = 1 << 40;

/// How time is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// Each window counts for itself: up to twice the limit around its end.
    Fixed,
    /// The window before counts by the share of it that is not over yet.
    Sliding,
}

/// So many requests in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    most: u64,
    window_ms: u64,
    cost: u64,
    window: Window,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether it is within the limit. What is not, is not counted.
    pub allowed: bool,
    /// What the limit still allows.
    pub remaining: u64,
    /// Milliseconds until the same request would be allowed if no other came; 0 where it was.
    pub retry_after_ms: u64,
    /// Milliseconds until the window ends.
    pub reset_ms: u64,
}

/// What was counted under a key.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    index: u64,
    current: u64,
    previous: u64,
}

impl Limit {
    /// `limit` in `window_ms`, of which a request takes `cost`; `window` is `fixed` or `sliding`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for 0, more than 2^40, a cost
    /// beyond the limit, or another window.
    pub fn new(limit: u64, window_ms: u64, cost: u64, window: &str) -> Result<Self, Error> {
        for (name, value) in [("limit", limit), ("window_ms", window_ms), ("cost", cost)] {
            if value == 0 || value > NUMBER_MAX {
                let allowed = "a whole number from 1 to 1099511627776";
                return Err(Error::invalid_option(name, &value.to_string(), allowed));
            }
        }
        if cost > limit {
            return Err(Error::invalid_option("cost", &cost.to_string(), "at most the limit"));
        }
        let window = match window {
            "fixed" => Window::Fixed,
            "sliding" => Window::Sliding,
            _ => return Err(Error::invalid_option("window", window, "fixed or sliding")),
        };
        Ok(Self { most: limit, window_ms, cost, window })
    }

    /// The share of it that one process allows while Redis is away, in thousandths; at least one
    /// request.
    #[must_use]
    pub fn share(self, permille: u32) -> Self {
        let share = u128::from(self.most) * u128::from(permille.min(1_000)) / 1_000;
        let most = u64::try_from(share).unwrap_or(self.most).max(self.cost);
        Self { most, ..self }
    }

    /// What follows the key of the script.
    pub fn arguments(&self) -> [String; 4] {
        let window = match self.window {
            Window::Fixed => "fixed",
            Window::Sliding => "sliding",
        };
        let [most, window_ms, cost] = [self.most, self.window_ms, self.cost];
        [most.to_string(), window_ms.to_string(), cost.to_string(), window.to_string()]
    }

    /// What the script's answer says: whether it was allowed, the counts, and milliseconds of the
    /// window that are over. None for another answer.
    pub fn answered(&self, answer: &[i64]) -> Option<Verdict> {
        let &[allowed, current, previous, elapsed_ms] = answer else {
            return None;
        };
        let [current, previous, elapsed_ms] = [current, previous, elapsed_ms].map(u64::try_from);
        let counted = Counted { index: 0, current: current.ok()?, previous: previous.ok()? };
        Some(self.verdict(allowed == 1, counted, elapsed_ms.ok()?))
    }

    fn weighted(&self, count: u64, elapsed_ms: u64) -> u64 {
        let left_ms = u128::from(self.window_ms.saturating_sub(elapsed_ms));
        let weighted = u128::from(count) * left_ms / u128::from(self.window_ms);
        u64::try_from(weighted).unwrap_or(u64::MAX)
    }

    fn verdict(&self, allowed: bool, counted: Counted, elapsed_ms: u64) -> Verdict {
        let Counted { current, previous, .. } = counted;
        let used = current.saturating_add(self.weighted(previous, elapsed_ms));
        let reset_ms = self.window_ms.saturating_sub(elapsed_ms).max(1);
        let retry_after_ms = if allowed {
            0
        } else {
            self.room_in(previous, current, elapsed_ms).unwrap_or_else(|| {
                let next = match self.window {
                    Window::Fixed => 0,
                    Window::Sliding => self.room_in(current, 0, 0).unwrap_or_default(),
                };
                reset_ms.saturating_add(next)
            })
        };
        Verdict { allowed, remaining: self.most.saturating_sub(used), retry_after_ms, reset_ms }
    }

    /// Milliseconds until the weight of the window before leaves room, within this window.
    fn room_in(&self, previous: u64, current: u64, elapsed_ms: u64) -> Option<u64> {
        let room = self.most.checked_sub(current.saturating_add(self.cost))?;
        if previous <= room {
            return Some(0);
        }
        // The weight is cut off: it fits as long as it is below the next whole number.
        let below = (u128::from(room) + 1) * u128::from(self.window_ms);
        let left_ms = below.div_ceil(u128::from(previous)) - 1;
        let at_ms = self.window_ms.saturating_sub(u64::try_from(left_ms).unwrap_or(u64::MAX));
        (at_ms < self.window_ms).then(|| at_ms.saturating_sub(elapsed_ms))
    }
}

/// What one process counts by itself, while Redis is away.
#[derive(Clone, Debug, Default)]
pub struct LocalCounts {
    /// With the time of the last request that was allowed.
    keys: BTreeMap<Vec<u8>, (Counted, Timestamp)>,
}

impl LocalCounts {
    /// None are counted yet.
    pub const fn new() -> Self {
        Self { keys: BTreeMap::new() }
    }

    /// Counts a request if the limit allows it.
    pub fn take(&mut self, now: Timestamp, key: &[u8], limit: &Limit) -> Verdict {
        let (index, elapsed_ms) = (now.as_ms() / limit.window_ms, now.as_ms() % limit.window_ms);
        let kept = self.keys.get(key).map_or_else(Counted::default, |(counted, _)| *counted);
        let mut counted = match index.checked_sub(kept.index) {
            Some(0) => kept,
            Some(1) => Counted { index, current: 0, previous: kept.current },
            _ => Counted { index, ..Counted::default() },
        };
        if limit.window == Window::Fixed {
            counted.previous = 0;
        }
        let weighted = limit.weighted(counted.previous, elapsed_ms);
        let allowed = weighted + counted.current + limit.cost <= limit.most;
        if allowed {
            counted.current += limit.cost;
            if self.keys.len() >= LOCAL_KEYS_MAX && !self.keys.contains_key(key) {
                self.forget();
            }
            self.keys.insert(key.to_vec(), (counted, now));
        }
        limit.verdict(allowed, counted, elapsed_ms)
    }

    /// Forgets the half that was used longest ago.
    fn forget(&mut self) {
        let mut used: Vec<Timestamp> = self.keys.values().map(|(_, at)| *at).collect();
        let middle = used.len() / 2;
        let (_, &mut kept_from, _) = used.select_nth_unstable(middle);
        let mut surplus = middle;
        self.keys.retain(|_, (_, at)| {
            let goes = surplus > 0 && *at <= kept_from;
            surplus -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn limit(limit: u64, window: &str) -> Limit {
        Limit::new(limit, 1_000, 1, window).unwrap()
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn a_refused_request_is_allowed_when_it_is_said_to_be_and_not_before() {
        let mut rng = crate::rng::Rng::new(3);
        for window in ["fixed", "sliding"] {
            for _ in 0..2_000 {
                let limit =
                    Limit::new(rng.between(1, 20), rng.between(1, 3_000), 1, window).unwrap();
                let mut counts = LocalCounts::new();
                let mut now = 10_000;
                for _ in 0..40 {
                    now += rng.between(0, limit.window_ms / 4);
                    let verdict = counts.take(at(now), b"k", &limit);
                    if verdict.allowed {
                        continue;
                    }
                    let wait = verdict.retry_after_ms;
                    assert!(counts.clone().take(at(now + wait), b"k", &limit).allowed);
                    assert!(wait > 0);
                    assert!(!counts.clone().take(at(now + wait - 1), b"k", &limit).allowed);
                }
            }
        }
    }

    #[test]
    fn a_process_counts_for_a_bounded_number_of_keys() {
        let mut counts = LocalCounts::new();
        let limit = limit(1, "sliding");
        for number in 0..=LOCAL_KEYS_MAX as u64 {
            assert!(counts.take(at(number), format!("{number}").as_bytes(), &limit).allowed);
        }
        assert_eq!(counts.keys.len(), LOCAL_KEYS_MAX / 2 + 1);
        assert!(!counts.take(at(LOCAL_KEYS_MAX as u64), b"9999", &limit).allowed);
    }

    #[test]
    fn a_process_allows_its_share_and_never_nothing() {
        assert_eq!(limit(10, "fixed").share(300).arguments()[0], "3");
        assert_eq!(limit(10, "fixed").share(1).arguments()[0], "1");
        assert_eq!(limit(10, "fixed").share(5_000).arguments()[0], "10");
    }

    #[test]
    fn limits_that_mean_nothing_are_refused() {
        for (limit, window_ms, cost, window) in [
            (0, 1, 1, "fixed"),
            (1, 0, 1, "fixed"),
            (1, 1, 0, "fixed"),
            (1, 1, 2, "fixed"),
            (1, 1, 1, "x"),
        ] {
            assert!(Limit::new(limit, window_ms, cost, window).is_err());
        }
    }
}
