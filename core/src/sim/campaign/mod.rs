//! Many clients through many faults, in virtual time: then calm, and all must be as promised.
//!
//! ```text
//!   seed ──▶ Plan ──▶ World: Hosts ◀── Network ──▶ Server      faults, then calm
//!                       │ engine, store,            the store
//!                       │ journal, replay           as a model
//!                       └──▶ Ledger ──▶ checks ──▶ Violations
//! ```
//!
//! Engine, store, journal, replay, rules, throttle, connections and parsers are the real ones; threads,
//! sockets and the server are models.

mod check;
mod clock;
mod coverage;
mod gate;
mod host;
mod ledger;
mod link;
mod network;
mod plan;
mod queue;
mod sabotage;
mod server;
mod shared;
mod world;
mod write_back;

use alloc::string::String;
use alloc::vec::Vec;

pub use check::{Invariant, Violation};
pub use coverage::{Coverage, Happening};
pub use sabotage::Sabotage;
use world::World;

/// How runs are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Whether a client has the server kill the connections that it gave up before it writes back.
    /// Without, what such a connection still carries may overtake a newer write: that is counted,
    /// and is no violation.
    pub guard: bool,
    /// What is done wrong on purpose.
    pub sabotage: Option<Sabotage>,
    /// Whether to tell what happened, line by line.
    pub trace: bool,
}

impl Settings {
    /// As a seed has them: every other one is run with the guard.
    pub const fn of(seed: u64) -> Self {
        Self { guard: seed.is_multiple_of(2), sabotage: None, trace: false }
    }

    /// With the guard, or without.
    #[must_use]
    pub const fn with_guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// With a rule broken.
    #[must_use]
    pub const fn with_sabotage(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self
    }

    /// With every step told.
    #[must_use]
    pub const fn with_trace(mut self) -> Self {
        self.trace = true;
        self
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// What happened, and how often.
    pub coverage: Coverage,
    /// What happened, line by line, where it was asked for.
    pub trace: Vec<String>,
}

/// Runs what a seed decides.
pub fn run(seed: u64, settings: Settings) -> Outcome {
    let mut world = World::new(seed, settings);
    while world.step() {}
    world.outcome()
}
