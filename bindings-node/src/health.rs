//! What a service answers probes and people; `lib/health.ts` asks it.

use std::path::PathBuf;

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use outlast::health::{Health as Rules, Report, Request};

use crate::errors::{self, thrown};

/// Who may ask, and what there is to answer.
#[napi]
#[derive(Debug)]
pub struct Health {
    rules: Rules,
}

/// What to answer.
#[napi(object)]
#[non_exhaustive]
pub struct HealthAnswer {
    /// The status code of HTTP.
    pub code: u32,
    /// Names and values of the header, one after the other.
    pub headers: Vec<String>,
    /// The body.
    pub body: Buffer,
}

impl std::fmt::Debug for HealthAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthAnswer").field("code", &self.code).finish_non_exhaustive()
    }
}

#[napi]
impl Health {
    /// Answers callers on this machine, and those in `allow`.
    #[napi(constructor)]
    pub fn new(
        allow: Vec<String>,
        hosts: Vec<String>,
        devtools: Option<String>,
    ) -> errors::Result<Self> {
        let rules = Rules::new(&allow, &hosts, devtools.map(PathBuf::from));
        Ok(Self { rules: rules.map_err(|error| thrown(&error))? })
    }

    /// Whether the caller may be told where the status is.
    #[napi]
    pub fn allows(&self, remote: String, headers: Vec<String>) -> bool {
        self.rules.allows(&Request::new("GET", "", "", &remote, &pairs(headers)))
    }

    /// Answers a request.
    #[napi]
    pub fn answer(
        &self,
        method: String,
        mount: String,
        path: String,
        remote: String,
        headers: Vec<String>,
        status: String,
        lines: String,
        metrics: Option<String>,
    ) -> HealthAnswer {
        let headers = pairs(headers);
        let request = Request::new(&method, &mount, &path, &remote, &headers);
        let report = Report::new(&status, &lines, metrics.as_deref());
        let answer = self.rules.answer(&request, &report);
        let headers =
            answer.headers.into_iter().flat_map(|(name, value)| [name.to_string(), value]);
        HealthAnswer {
            code: u32::from(answer.code),
            headers: headers.collect(),
            body: answer.body.into(),
        }
    }
}

/// Names and values that follow one another.
fn pairs(flat: Vec<String>) -> Vec<(String, String)> {
    let mut flat = flat.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
        pairs.push((name, value));
    }
    pairs
}
