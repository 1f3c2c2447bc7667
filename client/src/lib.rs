//! A Redis client for the day when Redis is down: the application keeps answering, loses nothing
//! that it was told is written, and its operator is told the truth, once.
//!
//! ```text
//!   caller ──▶ Gate ──▶ transport ──▶ Redis        connected
//!                └────▶ Store + Journal            degraded: answered from memory, written back
//!                                                  when Redis returns
//!   Driver: dials, timers, replay ── one engine (outlast-core) decides for all
//! ```
//!
//! Three clients share the gate and differ in who waits for the socket: [`Client`] (tokio),
//! [`blocking::Client`] (the calling thread), [`hosted::Client`] (the host's event loop).
//!
//! # What is not guaranteed
//!
//! What was written during an outage lives in this process' memory until Redis is back: if the
//! process ends before, it is lost, and logged so where there is still time to log, unless a journal
//! on disk (`journal_path`) keeps it. Another process that writes the same key meanwhile is
//! overwritten by what is written back, except by counters, which are merged, and where a rule says
//! otherwise; that is counted as a conflict where this client knew the value before.

#![deny(unsafe_code)]

pub mod blocking;
mod board;
mod channel;
mod client;
mod cluster;
#[cfg(feature = "command-line")]
pub mod command_line;
mod config;
mod dial;
#[cfg(feature = "doctor")]
pub mod doctor;
mod driver;
mod endpoint;
mod events;
mod gate;
#[cfg(feature = "health")]
pub mod health;
mod host;
#[cfg(unix)]
pub mod hosted;
mod journal;
#[cfg(feature = "lua")]
mod lua;
mod options;
mod scribe;
#[cfg(feature = "server")]
pub mod server;
mod spans;
pub mod store;
mod stream;
mod tasks;
mod thread;
mod tls;
mod transport;

pub use client::Client;
pub use config::{Config, ConfigBuilder};
pub use endpoint::{Address, Endpoint, Place};
pub use events::{Event, Queue, Sink, TracingSink};
#[cfg(unix)]
pub use journal::after_fork;
#[cfg(feature = "lua")]
pub use lua::{Lua, LuaLimits};
pub use outlast_core::journal::DeadLetter;
pub use outlast_core::recording::{Replayed, replay};
pub use outlast_core::rules::{ConflictPolicy, KeyClass, KeyRule, RuleSpec, Rules};
pub use outlast_core::{
    Error, ErrorKind, Failure, FailureKind, Level, Mode, Policy, Profile, Record, Status, Value,
};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
