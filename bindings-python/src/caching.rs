//! When a cached value is loaded anew, and what a rate limit allows.

use outlast_core::freshness::{self as fresh, Found, Keeping};
use outlast_core::inspect;
use outlast_core::rate_limit::{Limit, Verdict};
use pyo3::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::convert::{self, to_python};
use crate::errors::raised;

/// A verdict, and who counted.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    verdict: Verdict,
    counted_by: &'static str,
}

/// A value that was found in the cache: what to do with it, and its JSON text; None for what is no
/// entry. `left_ms` is what PTTL tells, `random` a number of 32 bits.
#[pyfunction]
pub(crate) fn cached(
    entry: &str,
    left_ms: i64,
    stale_ms: u64,
    beta_permille: u32,
    is_down: bool,
    random: u32,
) -> Option<(String, String)> {
    let (cost_ms, json) = fresh::parse_entry(entry)?;
    let found = Found::new(u64::try_from(left_ms).ok(), cost_ms);
    let freshness = Keeping::new(stale_ms, beta_permille).freshness(found, is_down, random);
    let told = serde_json::to_value(freshness).ok()?;
    Some((told.as_str()?.to_owned(), json.to_owned()))
}

/// What is to be kept: the entry, and the milliseconds after which Redis drops it.
#[pyfunction]
pub(crate) fn cache_entry(json: &str, cost_ms: u64, ttl_ms: u64, stale_ms: u64) -> (String, u64) {
    (fresh::entry(cost_ms, json), Keeping::new(stale_ms, 0).kept_ms(ttl_ms))
}

/// Counts a request towards a limit, on Redis or in this process.
#[pyfunction]
pub(crate) fn rate_limit<'py>(
    py: Python<'py>,
    client: &Bound<'py, Client>,
    key: &str,
    limit: u64,
    window_ms: u64,
    cost: u64,
    window: &str,
    share_permille: u32,
) -> PyResult<Bound<'py, PyAny>> {
    let limit = Limit::new(limit, window_ms, cost, window).map_err(|error| raised(py, &error))?;
    let limited = client.get().shared(py)?.rate_limit(py, key, &limit, share_permille)?;
    let counted_by = if limited.by_redis { "redis" } else { "process" };
    to_python(py, &Told { verdict: limited.verdict, counted_by })
}

/// Has Redis be away for a test, with this failure.
#[pyfunction]
pub(crate) fn cause_outage(
    py: Python<'_>,
    client: &Bound<'_, Client>,
    cause: &str,
) -> PyResult<()> {
    client.get().shared(py)?.cause_outage(py, cause)
}

/// Ends the outage of a test.
#[pyfunction]
pub(crate) fn end_outage(py: Python<'_>, client: &Bound<'_, Client>) -> PyResult<()> {
    client.get().shared(py)?.end_outage(py)
}

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
