//! The decisions of outlast: when to dial, what to log, what to serve from memory, what to write
//! back. No clock, no entropy, no I/O, no threads: time and seed are arguments.
//!
//! ```text
//!            Input                    Output
//!   host ───────────▶  Engine  ───────────────▶ host
//!   (dial ended,       policy, backoff,         (dial, close, replay,
//!    command failed,   breaker, throttle         mode changed, log this,
//!    timer, close)                               wake me at …)
//!
//!   args ──▶ rules ──▶ serve, or refuse
//!   args ──▶ Store ──▶ Value        what is answered while Redis is away
//!              └─────▶ Journal      what Redis gets when it is back
//!   args ──▶ Connection ──▶ bytes   RESP, without a socket
//! ```
//!
//! The contract of [`Engine`]: hand in the time and one [`Input`], then take outputs until
//! [`Output::Timeout`]. The crate `outlast` is such a host.

#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod backoff;
pub mod board;
pub mod breaker;
pub mod classify;
pub mod cluster;
mod coded;
pub mod command;
pub mod connection;
pub mod engine;
pub mod error;
pub mod freshness;
pub mod incident;
pub mod input;
pub mod inspect;
pub mod journal;
pub mod kind;
pub mod latency;
pub mod metrics;
pub mod output;
pub mod policy;
pub mod production_log;
mod quota;
pub mod rate_limit;
pub mod record;
pub mod recording;
pub mod replay;
pub mod resp;
pub mod rng;
pub mod rules;
pub mod settle;
#[cfg(feature = "sim")]
pub mod sim;
pub mod status;
pub mod store;
pub mod throttle;
pub mod time;
pub mod trace;

pub use classify::{classify, classify_text};
pub use engine::Engine;
pub use error::{Error, ErrorKind};
pub use input::Input;
pub use kind::{Failure, FailureKind, Verdict};
pub use output::Output;
pub use policy::{Policy, Profile};
pub use record::{Level, Record};
pub use resp::Value;
pub use rules::Rules;
pub use status::{Mode, Status};
pub use time::Timestamp;
