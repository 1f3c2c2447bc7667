//! The command `python -m outlast`.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command with these arguments and gives the exit code.
#[pyfunction]
pub(crate) fn command_line(py: Python<'_>, args: Vec<OsString>) -> i32 {
    py.detach(|| outlast::command_line::run(args))
}
