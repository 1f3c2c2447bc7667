//! What devtools and test runners of every language ask the core, in one shape for all.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::backoff::Backoff;
use crate::classify::{self, Evidence};
use crate::error::{Error, ErrorKind};
use crate::kind::{FailureKind, Schedule, Verdict};
use crate::policy::{Builder, Policy, Profile, Source};
use crate::rng::Rng;

/// What a failure is and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Classification {
    /// The kind.
    pub kind: FailureKind,
    /// What it means for the client.
    pub verdict: Verdict,
    /// Which redial schedule it follows.
    pub schedule: Schedule,
    /// A few words for people.
    pub words: &'static str,
}

impl From<FailureKind> for Classification {
    fn from(kind: FailureKind) -> Self {
        Self { kind, verdict: kind.verdict(), schedule: kind.schedule(), words: kind.words() }
    }
}

/// One step of a redial schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Delay {
    /// Which failure it follows, from 1.
    pub attempt: u32,
    /// The delay without jitter.
    pub delay_ms: u64,
    /// The shortest that jitter allows.
    pub low_ms: u64,
    /// The longest that jitter allows.
    pub high_ms: u64,
    /// The delay that the seed draws.
    pub jittered_ms: u64,
}

/// Attempts that one schedule may be asked for.
const ATTEMPTS_MAX: u32 = 100_000;

/// Classifies a message or log line (text), or an error with its code, number and causes (an
/// object as [`Evidence`] reads it, such as a Node error).
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] for anything else.
pub fn classify(evidence: Value) -> Result<Classification, Error> {
    if let Value::String(text) = evidence {
        return Ok(classify::classify_text(&text).into());
    }
    let evidence: Evidence = serde_json::from_value(evidence).map_err(|error| {
        let message = alloc::format!("neither a text nor an error object: {error}");
        Error::new(ErrorKind::InvalidArgument, message)
    })?;
    Ok(classify::classify(&evidence).into())
}

/// A checked policy from an object of knobs; `profile` names the defaults (`development`).
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`] with field, value and what is allowed.
pub fn policy(options: &Map<String, Value>) -> Result<Policy, Error> {
    let profile = match options.get("profile") {
        None | Some(Value::Null) => Profile::Development,
        Some(name) => Profile::parse(&plain(name))?,
    };
    let knobs = options.iter().filter(|(name, value)| *name != "profile" && !value.is_null());
    knobs
        .fold(Builder::new(profile), |builder, (name, value)| {
            builder.option(name, &plain(value), Source::Keyword)
        })
        .build()
}

/// The first `attempts` delays of a schedule: `server`, `network`, `quota` or `startup`.
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`] for another schedule or more than 100,000 attempts.
pub fn backoff_schedule(
    policy: &Policy,
    attempts: u32,
    seed: u64,
    schedule: &str,
) -> Result<Vec<Delay>, Error> {
    let backoff: Backoff = match schedule {
        "server" => policy.backoff(Schedule::Server),
        "network" => policy.backoff(Schedule::Network),
        "quota" => policy.backoff(Schedule::Quota),
        "startup" => policy.startup_backoff(),
        _ => {
            let allowed = "one of server, network, quota, startup";
            return Err(Error::invalid_option("schedule", schedule, allowed));
        }
    };
    if attempts > ATTEMPTS_MAX {
        let allowed = alloc::format!("at most {ATTEMPTS_MAX}");
        return Err(Error::invalid_option("attempts", &attempts.to_string(), &allowed));
    }
    let mut rng = Rng::new(seed);
    let delay = |attempt| {
        let (low_ms, high_ms) = backoff.bounds_ms(attempt, policy.jitter_percent);
        let delay_ms = backoff.delay_ms(attempt);
        let jittered_ms = backoff.jittered_ms(attempt, policy.jitter_percent, &mut rng);
        Delay { attempt, delay_ms, low_ms, high_ms, jittered_ms }
    };
    Ok((1..=attempts).map(delay).collect())
}

/// The value of an option as text, as a URL or a variable would hold it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToString::to_string)
}
