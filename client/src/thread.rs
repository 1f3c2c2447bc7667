//! The background thread of clients whose host brings no tokio of its own.

use tokio::runtime::Builder;

use crate::driver::Driver;
use crate::transport::Transport;

/// Runs the driver on a thread of its own, until its client is closed. It never calls into an
/// interpreter.
pub(crate) fn spawn<T: Transport>(driver: Driver<T>) {
    let run = move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(driver.run());
        // A resolver that hangs must not hold the thread.
        runtime.shutdown_background();
    };
    let spawned = std::thread::Builder::new().name("outlast-driver".into()).spawn(run);
    if let Err(error) = spawned {
        tracing::error!(target: "outlast", "the background thread did not start: {error}");
    }
}
