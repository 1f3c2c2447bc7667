//! What a link needs of its event loop.

use pyo3::exceptions::PyNotImplementedError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The loop that runs on this thread, if any does.
pub(super) fn running_loop(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static ASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask = ASK.import(py, "asyncio", "_get_running_loop")?;
    let running = ask.call0()?;
    Ok((!running.is_none()).then_some(running))
}

pub(super) fn call_soon(
    event_loop: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
) -> PyResult<()> {
    event_loop.call_method1(intern!(event_loop.py(), "call_soon"), (callback,)).map(drop)
}

/// What watches sockets for a loop, and the bell already: the loop itself, or a thread for one that
/// cannot.
pub(super) fn watcher_for<'py>(
    event_loop: &Bound<'py, PyAny>,
    bell: i32,
    woken: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = event_loop.py();
    match watch(event_loop, bell, woken) {
        Ok(()) => Ok(event_loop.clone()),
        Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => {
            let watcher = py.import("outlast.asyncio._watcher")?.getattr("Watcher")?;
            let watcher = watcher.call1((event_loop,))?;
            watch(&watcher, bell, woken)?;
            Ok(watcher)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn watch(
    watcher: &Bound<'_, PyAny>,
    fd: i32,
    callback: &Bound<'_, PyAny>,
) -> PyResult<()> {
    watcher.call_method1(intern!(watcher.py(), "add_reader"), (fd, callback)).map(drop)
}

pub(super) fn unwatch(watcher: &Bound<'_, PyAny>, fd: i32) -> PyResult<()> {
    watcher.call_method1(intern!(watcher.py(), "remove_reader"), (fd,)).map(drop)
}

/// Milliseconds as the loop counts: never none, for a deadline is past only after its millisecond.
#[expect(clippy::cast_precision_loss, reason = "no deadline is 285,000 years away")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms.max(1) as f64 / 1_000.0
}
