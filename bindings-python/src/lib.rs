//! The private module `outlast._outlast`: what the package `outlast` is made of.

mod asyncio;
mod caching;
mod client;
mod command_line;
mod convert;
mod convoy;
mod engine;
mod errors;
mod health;
mod packed;
mod process;
mod queue;
mod shared;

use pyo3::prelude::*;

#[pymodule]
mod _outlast {
    #[pymodule_export]
    use crate::asyncio::{AsyncClient, Later, Link, Reply};
    #[pymodule_export]
    use crate::caching::{
        cache_entry, cached, cause_outage, end_outage, freshness, rate_limit, rate_limits,
    };
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::engine::{
        Engine, Store, Throttle, backoff_schedule, check_log, class_of, classify, classify_reply,
        decide, failure_kinds, knobs, log_entry, parse_status, policy, replay, simulate,
        simulate_fleet,
    };
    #[pymodule_export]
    use crate::errors::{error_class, error_kinds, failure_class};
    #[pymodule_export]
    use crate::health::Health;
    #[pymodule_export]
    use crate::process::{after_fork, close_all, log_pipe, take_incidents, take_records, wake};
    #[pymodule_export]
    use crate::queue::Queue;

    #[pymodule_export]
    use crate::command_line::command_line;

    /// The version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
