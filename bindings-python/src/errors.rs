//! Errors of the core as exceptions of `outlast.exceptions`.

use outlast::{Error, ErrorKind, FailureKind};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The class for a kind. What a newer core brings is at least an error of outlast; a test proves
/// that there is no such kind.
const fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidOption => "InvalidOption",
        ErrorKind::InvalidArgument => "InvalidArgument",
        ErrorKind::Closed => "ClosedError",
        ErrorKind::RedisUnavailable => "RedisUnavailable",
        ErrorKind::MaybeApplied => "MaybeApplied",
        ErrorKind::UnsupportedLocally => "UnsupportedLocally",
        ErrorKind::LimitReached => "LimitReached",
        ErrorKind::Command => "CommandError",
        ErrorKind::NoScript => "NoScriptError",
        ErrorKind::PermissionDenied => "PermissionDeniedError",
        _ => "OutlastError",
    }
}

/// The exception that a caller gets.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

/// The exception as an object, for error replies inside a list.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let failure = error.failure().map(FailureKind::code);
    let next_dial_in = error.next_dial_in_ms().map(seconds);
    let what = (class_name(error.kind()), error.code(), error.message(), failure, next_dial_in);
    py.import("outlast.exceptions")?.getattr("made")?.call1(what)
}

/// An argument that is not what it should be, by its type; its value may be a secret.
pub(crate) fn wrong_type(what: &str, wanted: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let name = value.get_type().name().map(|name| name.to_string());
    let name = name.unwrap_or_else(|_| "an object without a type name".into());
    invalid_argument(value.py(), format!("{what} must be {wanted}, not {name}"))
}

/// An argument that is not what it should be.
pub(crate) fn invalid_argument(py: Python<'_>, message: String) -> PyErr {
    raised(py, &Error::new(ErrorKind::InvalidArgument, message))
}

/// The codes of all errors.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}

/// The exception class for an error's code; none for an unknown code.
#[pyfunction]
pub(crate) fn error_class<'py>(
    py: Python<'py>,
    code: &str,
) -> PyResult<Option<Bound<'py, PyType>>> {
    let kind = ErrorKind::ALL.iter().copied().find(|kind| kind.code() == code);
    kind.map(|kind| class(py, kind)).transpose()
}

/// The exception class for a failure that cannot be hidden; none for an unknown code.
#[pyfunction]
pub(crate) fn failure_class<'py>(
    py: Python<'py>,
    code: &str,
) -> PyResult<Option<Bound<'py, PyType>>> {
    let kind = FailureKind::from_code(code).map(ErrorKind::of_failure);
    kind.map(|kind| class(py, kind)).transpose()
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    let class = py.import("outlast.exceptions")?.getattr(class_name(kind))?;
    Ok(class.cast_into()?)
}

/// Milliseconds as seconds, for people. Nothing is decided by it.
#[expect(clippy::cast_precision_loss, reason = "a time of 285,000 years is shown rounded")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
