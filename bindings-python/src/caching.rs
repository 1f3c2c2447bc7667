//! When a cached value is loaded anew, and what a rate limit allows.

use outlast_core::inspect;
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::convert::{self, to_python};
use crate::errors::raised;

/// What to do with a cached value, of which this is known.
#[pyfunction]
pub(crate) fn freshness<'py>(
    py: Python<'py>,
    found: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let answer = inspect::freshness(&convert::fields("value", Some(found))?);
    to_python(py, &answer.map_err(|error| raised(py, &error))?)
}

/// What becomes of requests that one process counts by itself.
#[pyfunction]
pub(crate) fn rate_limits<'py>(
    py: Python<'py>,
    limit: &Bound<'py, PyAny>,
    requests: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let limit = convert::fields("limit", Some(limit))?;
    let requests: Vec<Map<String, Value>> = convert::parsed("requests", requests)?;
    let answer = inspect::rate_limits(&limit, &requests);
    to_python(py, &answer.map_err(|error| raised(py, &error))?)
}
