//! What a service answers probes and people; `outlast.health` asks it.

use std::path::PathBuf;

use outlast::health::{Health as Rules, Report, Request};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raised;

type Headers = Vec<(String, String)>;

/// Code, header and body.
type Answer<'py> = (u16, Vec<(&'static str, String)>, Bound<'py, PyBytes>);

/// Who may ask, and what there is to answer.
#[pyclass(module = "outlast._outlast", frozen)]
#[derive(Debug)]
pub(crate) struct Health {
    rules: Rules,
}

#[pymethods]
impl Health {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn new(
        py: Python<'_>,
        allow: Vec<String>,
        hosts: Vec<String>,
        devtools: Option<PathBuf>,
    ) -> PyResult<Self> {
        let rules = Rules::new(&allow, &hosts, devtools).map_err(|error| raised(py, &error))?;
        Ok(Self { rules })
    }

    /// Whether the caller may be told where the status is.
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn allows(&self, remote: &str, headers: Headers) -> bool {
        self.rules.allows(&Request::new("GET", "", "", remote, &headers))
    }

    /// Answers a request: code, header and body.
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    #[pyo3(signature = (method, mount, path, remote, headers, status, lines, metrics=None))]
    fn answer<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        mount: &str,
        path: &str,
        remote: &str,
        headers: Headers,
        status: &str,
        lines: &str,
        metrics: Option<&str>,
    ) -> Answer<'py> {
        let request = Request::new(method, mount, path, remote, &headers);
        let answer = self.rules.answer(&request, &Report::new(status, lines, metrics));
        (answer.code, answer.headers, PyBytes::new(py, &answer.body))
    }
}
