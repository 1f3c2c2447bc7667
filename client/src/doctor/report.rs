//! What the examination found, for people and for machines.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use outlast_core::Failure;
use serde::Serialize;

use super::{exit_code, timed};
use crate::config::Config;
use crate::endpoint::Address;

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It went well.
    Ok,
    /// It did not, and neither do commands.
    Failed,
    /// The server does not tell, for example because the user may not ask. Commands may work.
    Unknown,
    /// A step before it failed.
    NotReached,
}

impl Outcome {
    const fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "FAILED",
            Self::Unknown => "unknown",
            Self::NotReached => "not reached",
        }
    }
}

/// One step of the way.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// `sentinel`, `resolve`, `connect`, `tls`, `login`, `ping`, `version`, `role`, `clock` or
    /// `latency`.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// Milliseconds that it took; none if it was not reached.
    pub took_ms: Option<f64>,
    /// What was found, or what is wrong, without secrets.
    pub detail: String,
}

/// What Redis told of itself. What it did not tell is none.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Examined {
    /// The version of the server.
    pub version: Option<String>,
    /// `master`, `slave` or `sentinel`, as Redis words it.
    pub role: Option<String>,
    /// How many milliseconds the server's clock is ahead of this machine's.
    pub clock_skew_ms: Option<i64>,
    /// The quickest of the PINGs, in milliseconds.
    pub latency_ms_min: Option<f64>,
    /// The one in the middle.
    pub latency_ms_median: Option<f64>,
    /// The slowest.
    pub latency_ms_max: Option<f64>,
}

/// What the examination found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The URL without user, password and parameters.
    pub endpoint: String,
    /// Every step of this way, also those that were not reached.
    pub steps: Vec<Step>,
    /// What failed, if anything did.
    pub failure: Option<Failure>,
    /// What Redis told of itself.
    pub server: Examined,
}

/// The report as JSON has it.
#[derive(Serialize)]
struct Written<'a> {
    endpoint: &'a str,
    ok: bool,
    exit_code: i32,
    kind: Option<&'static str>,
    words: Option<&'static str>,
    text: Option<&'a str>,
    remedy: Option<&'static str>,
    steps: &'a [Step],
    server: &'a Examined,
}

impl Report {
    pub(super) fn new(config: &Config) -> Self {
        let way: &[&str] = match config.endpoint.address {
            Address::Tcp { .. } => &["resolve", "connect"],
            Address::Tls { .. } => &["resolve", "connect", "tls"],
            Address::Unix { .. } => &["connect"],
            Address::Sentinel { tls: false, .. } => &["sentinel", "resolve", "connect"],
            Address::Sentinel { tls: true, .. } => &["sentinel", "resolve", "connect", "tls"],
            Address::Cluster { tls: false, .. } => {
                &["cluster", "slots", "masters", "resolve", "connect"]
            }
            Address::Cluster { tls: true, .. } => {
                &["cluster", "slots", "masters", "resolve", "connect", "tls"]
            }
        };
        let all = way.iter().chain(&["login", "ping", "version", "role", "clock", "latency"]);
        let step = |name: &&'static str| Step {
            name,
            outcome: Outcome::NotReached,
            took_ms: None,
            detail: String::new(),
        };
        Self {
            endpoint: config.endpoint.to_string(),
            steps: all.map(step).collect(),
            failure: None,
            server: Examined::default(),
        }
    }

    /// Takes a step, and notes how it went. None if it failed.
    pub(super) async fn step<T>(
        &mut self,
        name: &'static str,
        step: impl Future<Output = Result<T, Failure>>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let (result, took) = timed(step).await;
        match result {
            Ok(value) => {
                self.note(name, Outcome::Ok, took, &detail(&value));
                Some(value)
            }
            Err(failure) => {
                let text = format!("{}: {}", failure.kind.code(), failure.text);
                self.note(name, Outcome::Failed, took, &text);
                self.failure = Some(failure);
                None
            }
        }
    }

    pub(super) fn note(&mut self, name: &str, outcome: Outcome, took: Duration, detail: &str) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            step.outcome = outcome;
            step.took_ms = Some(milliseconds(took));
            // One line each, whatever a server says.
            step.detail = detail.replace(char::is_control, " ");
        }
    }

    /// 0 if Redis can be used, else the code of what failed.
    pub fn exit_code(&self) -> i32 {
        self.failure.as_ref().map_or(0, |failure| exit_code(failure.kind))
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> String {
        let kind = self.failure.as_ref().map(|failure| failure.kind);
        let written = Written {
            endpoint: &self.endpoint,
            ok: kind.is_none(),
            exit_code: self.exit_code(),
            kind: kind.map(outlast_core::FailureKind::code),
            words: kind.map(outlast_core::FailureKind::words),
            text: self.failure.as_ref().map(|failure| failure.text.as_str()),
            remedy: kind.map(outlast_core::FailureKind::remedy),
            steps: &self.steps,
            server: &self.server,
        };
        // Text and finite numbers are always JSON.
        serde_json::to_string_pretty(&written).unwrap_or_default()
    }
}

/// The report for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.endpoint)?;
        for Step { name, outcome, took_ms, detail } in &self.steps {
            let words = outcome.words();
            match took_ms {
                Some(took) => writeln!(f, "  {words:<11}  {name:<8}  {took:>8.2} ms  {detail}")?,
                None => writeln!(f, "  {words:<11}  {name}")?,
            }
        }
        let Some(failure) = &self.failure else {
            return writeln!(f, "Redis can be used.");
        };
        writeln!(f, "{}: {}", failure.kind.words(), failure.text)?;
        writeln!(f, "What to do: {}.", failure.kind.remedy())
    }
}

/// For people; nothing is decided by it.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}
