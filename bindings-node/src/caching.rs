//! What `lib/caching.ts` asks the core: when a cached value is computed anew, and what a rate limit
//! allows.

use napi::Unknown;
use napi_derive::napi;
use outlast_core::freshness::{self, Found, Keeping};
use outlast_core::{inspect, rate_limit};
use serde::Serialize;

use crate::client::Client;
use crate::convert;
use crate::errors::{self, thrown};

/// A value that was found in the cache: what to do with it, and its JSON text; null for what is no
/// entry. `left_ms` is what PTTL tells, `random` a number of 32 bits.
#[napi(ts_return_type = "[string, string] | null")]
pub fn cached(
    entry: String,
    left_ms: f64,
    stale_ms: f64,
    beta_permille: u32,
    is_down: bool,
    random: u32,
) -> Option<Vec<String>> {
    let (cost_ms, json) = freshness::parse_entry(&entry)?;
    let left_ms = (left_ms >= 0.0).then(|| milliseconds(left_ms));
    let keeping = Keeping::new(milliseconds(stale_ms), beta_permille);
    let freshness = keeping.freshness(Found::new(left_ms, cost_ms), is_down, random);
    let told = serde_json::to_value(freshness).ok()?;
    Some(vec![convert::plain(told), json.to_owned()])
}

/// What is to be kept: the entry, and the milliseconds after which Redis drops it.
#[napi(ts_return_type = "[string, number]")]
pub fn cache_entry(json: String, cost_ms: f64, ttl_ms: f64, stale_ms: f64) -> (String, f64) {
    let kept_ms = Keeping::new(milliseconds(stale_ms), 0).kept_ms(milliseconds(ttl_ms));
    (freshness::entry(milliseconds(cost_ms), &json), crate::desk::as_number(kept_ms))
}

/// What to do with a cached value, as the vectors ask.
#[napi]
pub fn freshness(found: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| inspect::freshness(&convert::names("value", &found)?))
}

/// What becomes of requests, as the vectors ask.
#[napi]
pub fn rate_limits(limit: Unknown<'_>, requests: Unknown<'_>) -> errors::Result<String> {
    convert::answer(|| {
        let limit = convert::names("limit", &limit)?;
        inspect::rate_limits(&limit, &convert::parsed::<Vec<_>>("requests", &requests)?)
    })
}

/// The script that counts a request on Redis.
#[napi]
pub fn rate_limit_script() -> &'static str {
    rate_limit::SCRIPT
}

/// So many requests in a window of time.
#[napi]
#[derive(Debug)]
pub struct RateLimit {
    limit: rate_limit::Limit,
    /// What this process allows while Redis is away.
    local: rate_limit::Limit,
}

/// A verdict, and who counted.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    verdict: rate_limit::Verdict,
    counted_by: &'static str,
}

#[napi]
impl RateLimit {
    /// See [`rate_limit::Limit::new`]; `share_permille` is what this process allows by itself.
    #[napi(constructor)]
    pub fn new(
        limit: Unknown<'_>,
        window_ms: Unknown<'_>,
        cost: Unknown<'_>,
        window: String,
        share_permille: u32,
    ) -> errors::Result<Self> {
        let limit = (|| {
            let limit = convert::whole("limit", &limit)?;
            let window_ms = convert::whole("window_ms", &window_ms)?;
            rate_limit::Limit::new(limit, window_ms, convert::whole("cost", &cost)?, &window)
        })();
        let limit = limit.map_err(|error| thrown(&error))?;
        Ok(Self { limit, local: limit.share(share_permille) })
    }

    /// What follows the key of the script.
    #[napi]
    pub fn arguments(&self) -> Vec<String> {
        self.limit.arguments().to_vec()
    }

    /// What the script's answer says, as JSON text; null for another answer.
    #[napi]
    pub fn answered(&self, answer: Vec<i64>) -> Option<String> {
        told(self.limit.answered(&answer)?, "redis")
    }

    /// Counts a request in this process alone; what became of it as JSON text.
    #[napi]
    pub fn locally(&self, client: &Client, key: &[u8]) -> Option<String> {
        told(client.limit_locally(key, &self.local), "process")
    }
}

fn told(verdict: rate_limit::Verdict, counted_by: &'static str) -> Option<String> {
    convert::text_of(&Told { verdict, counted_by }).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that is too large or negative becomes the nearest whole number there is"
)]
fn milliseconds(ms: f64) -> u64 {
    ms as u64
}
