//! What a service answers probes, dashboards and people about its client, without the server: each language's
//! binding hands in a request and writes the answer back.
//!
//! | path | answers |
//! | --- | --- |
//! | `/livez` | `ok`, always: a restart would not bring Redis back, and lose what was written meanwhile |
//! | `/readyz` | `ok`, or 503 while the client is not [ready](crate::Status) |
//! | `/status` | the status and the last log lines, as JSON |
//! | `/metrics` | figures for Prometheus, where the client has them |
//! | `/devtools/` | the devtools page, where its folder is given |

mod callers;
mod page;

use std::path::PathBuf;

use outlast_core::{Error, Status};
use serde_json::value::RawValue;

use callers::Callers;

/// Where the page that asks finds the status; other pages of the service may announce it as well.
pub const STATUS_HEADER: &str = "X-Outlast-Status";

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// The format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// No answer is a page, except those of the devtools, which say themselves what they may load.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Who may ask, and what there is beside the status.
#[derive(Clone, Debug, Default)]
pub struct Health {
    callers: Callers,
    devtools: Option<PathBuf>,
}

/// One request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// `GET` or `HEAD`; others are answered that they are not allowed.
    pub method: &'a str,
    /// Where these answers begin, such as `/outlast`; may be empty.
    pub mount: &'a str,
    /// The rest of the path, decoded.
    pub path: &'a str,
    /// The address of the caller, without its port.
    pub remote: &'a str,
    /// The names, in whatever case, and values of its header.
    pub headers: &'a [(String, String)],
}

impl<'a> Request<'a> {
    /// A request of these parts.
    pub const fn new(
        method: &'a str,
        mount: &'a str,
        path: &'a str,
        remote: &'a str,
        headers: &'a [(String, String)],
    ) -> Self {
        Self { method, mount, path, remote, headers }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let named = |(given, _): &&(String, String)| given.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_str())
    }
}

/// What the client has to say, each as text.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Report<'a> {
    /// Its status, as JSON.
    pub status: &'a str,
    /// Its last log lines, as a JSON list of `{at_ms, record}`.
    pub lines: &'a str,
    /// Its figures for Prometheus, where it has them.
    pub metrics: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// A report of these parts.
    pub const fn new(status: &'a str, lines: &'a str, metrics: Option<&'a str>) -> Self {
        Self { status, lines, metrics }
    }
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status code of HTTP.
    pub code: u16,
    /// The header; its length is among it.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for a `HEAD`.
    pub body: Vec<u8>,
}

impl Health {
    /// Answers callers on this machine, and those whose addresses lie in the networks of `allow`
    /// (`10.0.0.0/8`, `2001:db8::1`), if they ask for this machine by its address, as `localhost` or by
    /// one of the names in `hosts`. Others get a 404: a page of somebody else could else point a
    /// name of its own here, and a proxy would let in the world. `devtools` is the folder of the page.
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) for what is no network, or no folder of the page.
    pub fn new(
        allow: &[String],
        hosts: &[String],
        devtools: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let callers = Callers::new(allow, hosts)?;
        if let Some(folder) = &devtools {
            page::check(folder)?;
        }
        Ok(Self { callers, devtools })
    }

    /// Whether the caller may be told where the status is.
    pub fn allows(&self, request: &Request<'_>) -> bool {
        self.callers.allow(request)
    }

    /// Answers a request.
    pub fn answer(&self, request: &Request<'_>, report: &Report<'_>) -> Answer {
        if !self.allows(request) {
            return Answer::new(404, TEXT, b"not found\n".to_vec(), POLICY);
        }
        let mut answer = if matches!(request.method, "GET" | "HEAD") {
            self.found(request, report)
        } else {
            let answer = Answer::new(405, TEXT, b"only GET and HEAD\n".to_vec(), POLICY);
            answer.with("Allow", "GET, HEAD".to_string())
        };
        if request.method == "HEAD" {
            answer.body.clear();
        }
        answer.with(STATUS_HEADER, format!("{}/status", request.mount))
    }

    fn found(&self, request: &Request<'_>, report: &Report<'_>) -> Answer {
        let text = |code, text: &str| Answer::new(code, TEXT, text.as_bytes().to_vec(), POLICY);
        let missing = || text(404, "not found\n");
        match request.path {
            "/livez" => text(200, "ok\n"),
            "/readyz" => match Status::parse(report.status) {
                Ok(status) if status.ready => text(200, "ok\n"),
                Ok(_) => text(503, "not ready: Redis is required, and was never reached\n"),
                Err(error) => text(500, &format!("{error}\n")),
            },
            // The page asks beside itself.
            "/status" | "/devtools/status" => told(report),
            "/metrics" => match report.metrics {
                Some(metrics) => Answer::new(200, METRICS, metrics.into(), POLICY),
                None => missing(),
            },
            path => match (&self.devtools, path.strip_prefix("/devtools")) {
                (Some(_), Some("")) => {
                    let page = format!("{}/devtools/", request.mount);
                    text(308, "").with("Location", page)
                }
                (Some(folder), Some(name)) => page::file(folder, name).unwrap_or_else(missing),
                _ => missing(),
            },
        }
    }
}

/// The status and the lines in one object, whose parts are JSON already.
fn told(report: &Report<'_>) -> Answer {
    #[derive(serde::Serialize)]
    struct Told<'a> {
        status: &'a RawValue,
        lines: &'a RawValue,
    }
    let parts = (serde_json::from_str(report.status), serde_json::from_str(report.lines));
    let body = match parts {
        (Ok(status), Ok(lines)) => serde_json::to_vec(&Told { status, lines }),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match body {
        Ok(body) => Answer::new(200, JSON, body, POLICY),
        Err(error) => Answer::new(500, TEXT, format!("{error}\n").into_bytes(), POLICY),
    }
}

impl Answer {
    fn new(code: u16, kind: &'static str, body: Vec<u8>, policy: &str) -> Self {
        let headers = vec![
            ("Content-Type", kind.to_string()),
            ("Content-Length", body.len().to_string()),
            ("Cache-Control", "no-store".to_string()),
            ("Content-Security-Policy", policy.to_string()),
            ("Cross-Origin-Resource-Policy", "same-origin".to_string()),
            ("Referrer-Policy", "no-referrer".to_string()),
            ("X-Content-Type-Options", "nosniff".to_string()),
            ("X-Frame-Options", "DENY".to_string()),
        ];
        Self { code, headers, body }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

#[cfg(test)]
mod tests;
