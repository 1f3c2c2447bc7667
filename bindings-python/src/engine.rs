//! The core without a network: what devtools and test runners ask, in one shape for all languages.

use std::sync::{Mutex, MutexGuard, PoisonError};

use outlast::{FailureKind, Status, Value};
use outlast_core as ocore;
use outlast_core::inspect::{self, Classification};
use outlast_core::store::Refusal;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert::{self, to_python};
use crate::errors::{invalid_argument, raised};

/// What a message, a log line, an exception or a dict with its parts says.
#[pyfunction]
pub(crate) fn classify<'py>(evidence: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = evidence.py();
    let classification = inspect::classify(convert::evidence(evidence)?);
    to_python(py, &classification.map_err(|error| raised(py, &error))?)
}

/// What an error reply of Redis says.
#[pyfunction]
pub(crate) fn classify_reply<'py>(py: Python<'py>, message: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &Classification::from(ocore::classify::classify_reply(message)))
}

/// Every kind of failure with its verdict, schedule and words.
#[pyfunction]
pub(crate) fn failure_kinds(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let kinds = FailureKind::ALL.iter().copied().map(Classification::from);
    to_python(py, &kinds.collect::<Vec<_>>())
}

/// All knobs of a checked policy.
#[pyfunction]
#[pyo3(signature = (options=None))]
pub(crate) fn policy<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &convert::policy(options, py)?)
}

/// What a key is for under the keyspace rules of a policy.
#[pyfunction]
pub(crate) fn class_of<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyAny>>,
    key: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let policy = convert::policy(options, py)?;
    let key = convert::argument("key", key, &convert::Forms::default())?;
    to_python(py, &inspect::class_of(&policy, key.as_ref()))
}

/// What becomes of a command while Redis is away.
#[pyfunction]
pub(crate) fn decide<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyAny>>,
    args: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let policy = convert::policy(options, py)?;
    to_python(py, &inspect::decide(&policy, &convert::listed(args)?))
}

/// The table of knobs.
#[pyfunction]
pub(crate) fn knobs(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    to_python(py, &ocore::policy::KNOBS)
}

/// The first delays of a redial schedule: `server`, `network`, `quota` or `startup`.
#[pyfunction]
#[pyo3(signature = (options, attempts, seed, schedule="server"))]
pub(crate) fn backoff_schedule<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyAny>>,
    attempts: &Bound<'py, PyAny>,
    seed: &Bound<'py, PyAny>,
    schedule: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let policy = convert::policy(options, py)?;
    // What is beyond 32 bits is beyond what the core allows, too.
    let attempts = u32::try_from(convert::whole("attempts", attempts)?).unwrap_or(u32::MAX);
    let seed = convert::whole("seed", seed)?;
    let delays = inspect::backoff_schedule(&policy, attempts, seed, schedule);
    to_python(py, &delays.map_err(|error| raised(py, &error))?)
}

/// What a client with this policy would dial, log and answer through an outage.
#[pyfunction]
#[pyo3(signature = (options=None, scenario=None))]
pub(crate) fn simulate<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyAny>>,
    scenario: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let policy = convert::policy(options, py)?;
    let scenario = scenario_of(scenario)?;
    let trace = py.detach(|| ocore::sim::simulate(&policy, &scenario));
    to_python(py, &trace.map_err(|error| raised(py, &error))?)
}

/// What so many clients with this policy would do through an outage, together: the dials of each second.
#[pyfunction]
pub(crate) fn simulate_fleet<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyAny>>,
    scenario: Option<&Bound<'py, PyAny>>,
    clients: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let policy = convert::policy(options, py)?;
    let scenario = scenario_of(scenario)?;
    let clients = convert::whole("clients", clients)?;
    let fleet = py.detach(|| ocore::sim::fleet(&policy, &scenario, clients));
    to_python(py, &fleet.map_err(|error| raised(py, &error))?)
}

fn scenario_of(given: Option<&Bound<'_, PyAny>>) -> PyResult<ocore::sim::Scenario> {
    match given.filter(|given| !given.is_none()) {
        Some(given) => convert::parsed("scenario", given),
        None => Ok(ocore::sim::Scenario::default()),
    }
}

/// The status in a text, in whichever language it was written.
#[pyfunction]
pub(crate) fn parse_status<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &Status::parse(json).map_err(|error| raised(py, &error))?)
}

/// The entry of an incident for the production log.
#[pyfunction]
#[pyo3(signature = (incident, endpoint, service=""))]
pub(crate) fn log_entry(
    incident: &Bound<'_, PyAny>,
    endpoint: &str,
    service: &str,
) -> PyResult<String> {
    let incident = convert::parsed("incident", incident)?;
    Ok(ocore::production_log::entry(&incident, endpoint, service))
}

/// What a production log holds, what is wrong with it, and its correction.
#[pyfunction]
pub(crate) fn check_log<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &ocore::production_log::check(text))
}

/// The decisions of a client that recorded them, made anew.
#[pyfunction]
pub(crate) fn replay<'py>(py: Python<'py>, recording: &str) -> PyResult<Bound<'py, PyAny>> {
    let replayed = py.detach(|| outlast::replay(recording));
    to_python(py, &replayed.map_err(|error| raised(py, &error))?)
}

/// Decides when to dial, which mode the application sees and what is logged.
#[pyclass(module = "outlast", frozen)]
#[derive(Debug)]
pub(crate) struct Engine {
    engine: Mutex<ocore::Engine>,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(
        py: Python<'_>,
        options: Option<&Bound<'_, PyAny>>,
        endpoint: &str,
        seed: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let policy = convert::policy(options, py)?;
        let engine = ocore::Engine::new(policy, endpoint, convert::whole("seed", seed)?);
        Ok(Self { engine: Mutex::new(engine) })
    }

    /// Takes one input; answers all outputs, of which the last is the timeout.
    fn handle<'py>(
        &self,
        at_ms: &Bound<'py, PyAny>,
        event: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let now = convert::timestamp(at_ms)?;
        let input = convert::parsed("input", event)?;
        let mut outputs = Vec::new();
        let mut engine = held(&self.engine);
        engine.handle(now, input);
        while !matches!(outputs.last(), Some(ocore::Output::Timeout { .. })) {
            outputs.push(engine.poll_output());
        }
        drop(engine);
        to_python(at_ms.py(), &outputs)
    }

    /// The snapshot at this time.
    fn status<'py>(&self, at_ms: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let now = convert::timestamp(at_ms)?;
        let status = held(&self.engine).status(now);
        to_python(at_ms.py(), &status)
    }
}

/// Decides which lines of one outage pass.
#[pyclass(module = "outlast", frozen)]
#[derive(Debug)]
pub(crate) struct Throttle {
    throttle: Mutex<ocore::throttle::Throttle>,
}

#[pymethods]
impl Throttle {
    #[new]
    fn new(interval_ms: &Bound<'_, PyAny>) -> PyResult<Self> {
        let interval_ms = convert::whole("interval_ms", interval_ms)?;
        Ok(Self { throttle: Mutex::new(ocore::throttle::Throttle::new(interval_ms)) })
    }

    /// Adds to what the next line will tell.
    fn count(&self, counts: &Bound<'_, PyAny>) -> PyResult<()> {
        let counts = convert::parsed("counts", counts)?;
        held(&self.throttle).count(counts);
        Ok(())
    }

    /// A failure of this kind was counted: what a line is to tell, if one may pass now.
    fn failure<'py>(
        &self,
        at_ms: &Bound<'py, PyAny>,
        kind: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let now = convert::timestamp(at_ms)?;
        let kind = convert::parsed("kind", kind)?;
        let counts = held(&self.throttle).failure(now, kind);
        to_python(at_ms.py(), &counts)
    }

    /// What a summary is to tell, if one is due.
    fn summary<'py>(&self, at_ms: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let now = convert::timestamp(at_ms)?;
        let counts = held(&self.throttle).summary(now);
        to_python(at_ms.py(), &counts)
    }

    /// When the next summary is due, in milliseconds.
    fn due<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let due = held(&self.throttle).due();
        to_python(py, &due)
    }

    /// What happened since the last line.
    fn since_line<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let counts = held(&self.throttle).since_line();
        to_python(py, &counts)
    }
}

/// The Redis in memory that answers while Redis is away.
#[pyclass(module = "outlast", frozen)]
#[derive(Debug)]
pub(crate) struct Store {
    store: Mutex<ocore::store::Store>,
}

#[pymethods]
impl Store {
    #[new]
    fn new(bytes_max: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes_max = convert::whole("bytes_max", bytes_max)?;
        // What is more than memory can hold is no limit.
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Ok(Self { store: Mutex::new(ocore::store::Store::new(bytes_max)) })
    }

    /// Answers a command as Redis would: a dict with one field, which tells the type.
    #[pyo3(signature = (at_ms, args, journalled=true))]
    fn execute<'py>(
        &self,
        at_ms: &Bound<'py, PyAny>,
        args: &Bound<'py, PyAny>,
        journalled: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = at_ms.py();
        let now = convert::timestamp(at_ms)?;
        let args = convert::listed(args)?;
        let executed = held(&self.store).execute(now, &args, journalled);
        match executed {
            Ok(value) => tagged_reply(py, value),
            Err(Refusal::Unsupported) => tagged(py, "refused", "unsupported"),
            Err(Refusal::Full | Refusal::JournalFull) => tagged(py, "refused", "full"),
            Err(other) => Err(invalid_argument(py, format!("a refusal without a form: {other:?}"))),
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store answers no other types.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the types of RESP 3 have no form here, nor has any that is still to come"
)]
fn tagged_reply(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyDict>> {
    match value {
        Value::Nil | Value::NilArray => tagged(py, "nil", true),
        Value::Simple(text) => tagged(py, "simple", text),
        Value::Error(text) => tagged(py, "error", text),
        Value::Integer(number) => tagged(py, "integer", number),
        Value::Bulk(bytes) => tagged(py, "bulk", String::from_utf8_lossy(&bytes)),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| tagged_reply(py, item));
            tagged(py, "array", PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)?)
        }
        other => Err(invalid_argument(py, format!("a reply without a form: {other:?}"))),
    }
}

fn tagged<'py>(
    py: Python<'py>,
    tag: &str,
    value: impl IntoPyObject<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item(tag, value)?;
    Ok(dict)
}
