//! The production engineering log: one entry for each outage, written from its figures, and read back
//! and checked. An entry is Markdown:
//!
//! ```text
//! ## [2025-03-04 02:11] – Redis unavailable: connection refused
//!
//! ### Context                    where and when; times are UTC
//! ### Symptoms                   what the application saw
//! ### Root Cause                 what failed, in order
//! ### Fix / Resolution           how and when it ended
//! ### Production Learnings
//! ### Status                     ✅ Resolved, 🟡 Mitigated or 🔴 Open
//! ```

mod calendar;
mod check;
mod entry;

use serde::Serialize;

pub use check::{Checked, CheckedEntry, Fault, KindStatistics, Statistics, check};
pub use entry::entry;

/// How far an outage is dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// It is over.
    Resolved,
    /// It does no more harm, and is not over.
    Mitigated,
    /// It goes on.
    Open,
}

impl State {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Resolved, Self::Mitigated, Self::Open];

    /// What stands in an entry.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Resolved => "✅ Resolved",
            Self::Mitigated => "🟡 Mitigated",
            Self::Open => "🔴 Open",
        }
    }
}

/// The sections of an entry, in this order; the last holds the state.
const SECTIONS: [&str; 6] =
    ["Context", "Symptoms", "Root Cause", "Fix / Resolution", "Production Learnings", "Status"];
/// How the title of an entry begins; the words of its kind follow.
const HEADING: &str = "Redis unavailable: ";
/// Stands where a person has not written yet.
const UNFILLED: &str = "To be filled in.";
