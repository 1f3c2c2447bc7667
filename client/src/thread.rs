//! The background thread of clients whose host brings no tokio of its own.

use tokio::runtime::{Builder, Handle};

use crate::driver::Driver;
use crate::transport::Transport;

/// Runs the driver on a thread of its own, until its client is closed. It never calls into an
/// interpreter.
pub(crate) fn spawn<T: Transport>(driver: Driver<T>) {
    run(|_| driver.run());
}

/// Runs what `work` makes of its runtime on a thread of its own, and whatever is spawned there, until
/// that work ends.
pub(crate) fn run<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(Handle) -> F) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        tracing::error!(target: "outlast", "the background thread has no runtime");
        return;
    };
    let work = work(runtime.handle().clone());
    let run = move || {
        runtime.block_on(work);
        // A resolver that hangs must not hold the thread.
        runtime.shutdown_background();
    };
    let spawned = std::thread::Builder::new().name("outlast-driver".into()).spawn(run);
    if let Err(error) = spawned {
        tracing::error!(target: "outlast", "the background thread did not start: {error}");
    }
}
