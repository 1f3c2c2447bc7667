//! What devtools and test runners of every language ask the core, in one shape for all.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::backoff::Backoff;
use crate::classify::{self, Evidence};
use crate::command::Traits;
use crate::error::{Error, ErrorKind};
use crate::freshness::{Found, Freshness, Keeping};
use crate::kind::{FailureKind, Schedule, Verdict};
use crate::policy::{Builder, Policy, Profile, Source};
use crate::rate_limit::{self, Limit, LocalCounts};
use crate::rng::Rng;
use crate::rules::{self, ConflictPolicy, Decision, KeyClass, RuleSpec};
use crate::time::Timestamp;

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

/// What a key is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyTreatment {
    /// Its class.
    pub class: KeyClass,
    /// What a conflict on recovery comes to.
    pub policy: ConflictPolicy,
    /// The pattern of the rule that says so, if one does.
    pub pattern: Option<String>,
}

/// What becomes of a command while Redis is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CommandTreatment {
    /// Whether it is answered from memory.
    pub serve: bool,
    /// Why not, if not.
    pub reason: Option<String>,
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

/// A checked policy from an object of knobs; `profile` names the defaults (`development`), `rules`
/// are the keyspace rules as [`RuleSpec::from_json`] reads them.
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`] with field, value and what is allowed.
pub fn policy(options: &Map<String, Value>) -> Result<Policy, Error> {
    let profile = match options.get("profile") {
        None | Some(Value::Null) => Profile::Development,
        Some(name) => Profile::parse(&plain(name))?,
    };
    let given = options.iter().filter(|(name, value)| *name != "profile" && !value.is_null());
    let mut builder = Builder::new(profile);
    for (name, value) in given {
        builder = match name.as_str() {
            "rules" => builder.rules(RuleSpec::from_json(value)?),
            _ => builder.option(name, &plain(value), Source::Keyword),
        };
    }
    builder.build()
}

/// What a key is for under the rules of a policy.
pub fn class_of(policy: &Policy, key: &[u8]) -> KeyTreatment {
    let treatment = policy.rules.class_of(key);
    let pattern = treatment.rule.map(|rule| rule.pattern.clone());
    KeyTreatment { class: treatment.class, policy: treatment.policy, pattern }
}

/// What becomes of a command while Redis is away, as far as its class and its keys decide.
pub fn decide<A: AsRef<[u8]>>(policy: &Policy, args: &[A]) -> CommandTreatment {
    match rules::decide(Traits::of(args), args, &policy.rules, policy.on_guarded) {
        Decision::Serve => CommandTreatment { serve: true, reason: None },
        Decision::Refuse(reason) => {
            let name = args.first().map(|name| String::from_utf8_lossy(name.as_ref()));
            let name = name.unwrap_or_default().to_uppercase();
            CommandTreatment { serve: false, reason: Some(reason.describe(&name)) }
        }
    }
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

/// What to do with a cached value: `left_ms` (null where it never ends), `stale_ms`, `cost_ms`,
/// `beta_permille` (1000), `is_down` (false) and `random` (0), as [`Keeping::freshness`] has them.
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`] for what is no such number.
pub fn freshness(found: &Map<String, Value>) -> Result<Freshness, Error> {
    let left_ms = match found.get("left_ms") {
        None | Some(Value::Null) => None,
        Some(_) => Some(whole(found, "left_ms", 0)?),
    };
    let small = |name, absent| {
        let value = whole(found, name, absent)?;
        u32::try_from(value)
            .map_err(|_| Error::invalid_option(name, &value.to_string(), "at most 4294967295"))
    };
    let keeping = Keeping::new(whole(found, "stale_ms", 0)?, small("beta_permille", 1_000)?);
    let is_down = found.get("is_down").and_then(Value::as_bool).unwrap_or_default();
    let found = Found::new(left_ms, whole(found, "cost_ms", 0)?);
    Ok(keeping.freshness(found, is_down, small("random", 0)?))
}

/// What becomes of requests that one process counts by itself. `limit` has `limit`, `window_ms`,
/// `window` (`sliding`) and `share_permille` (1000); each request `at_ms`, `key` and `cost` (1).
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`] as [`Limit::new`].
pub fn rate_limits(
    limit: &Map<String, Value>,
    requests: &[Map<String, Value>],
) -> Result<Vec<rate_limit::Verdict>, Error> {
    let window = limit.get("window").map_or_else(|| "sliding".to_string(), plain);
    let share = whole(limit, "share_permille", 1_000)?.min(1_000);
    let share = u32::try_from(share).unwrap_or(1_000);
    let (most, window_ms) = (whole(limit, "limit", 0)?, whole(limit, "window_ms", 0)?);
    let mut counts = LocalCounts::new();
    let verdict = |request: &Map<String, Value>| {
        let limit = Limit::new(most, window_ms, whole(request, "cost", 1)?, &window)?.share(share);
        let now = Timestamp::from_ms(whole(request, "at_ms", 0)?);
        let key = request.get("key").map(plain).unwrap_or_default();
        Ok(counts.take(now, key.as_bytes(), &limit))
    };
    requests.iter().map(verdict).collect()
}

fn whole(fields: &Map<String, Value>, name: &str, absent: u64) -> Result<u64, Error> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(absent),
        Some(value) => value
            .as_u64()
            .ok_or_else(|| Error::invalid_option(name, &plain(value), "a whole number from 0")),
    }
}

/// The value of an option as text, as a URL or a variable would hold it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToString::to_string)
}
