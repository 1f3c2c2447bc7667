//! What must hold at the end of a run, and at each moment of it. Each promise has a checker.

mod keys;
mod limits;
mod reads;
mod writes;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub(super) use limits::kind_in;

use super::coverage::Coverage;
use super::world::World;

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invariant {
    /// What a caller was told to be done is done, or is among the dead letters.
    NothingLost,
    /// Nothing is done twice.
    NothingTwice,
    /// What was deleted or expired does not come back.
    NoResurrection,
    /// Writes of one caller to one key keep their order.
    OrderKept,
    /// What changed at once is never seen by halves.
    UnitsWhole,
    /// What a caller was told not to be done is not done.
    DoubtTold,
    /// A caller reads what it wrote.
    ReadsTrue,
    /// Nobody is on Redis while something waits to be written back.
    SwitchClean,
    /// When all is calm, each client is back, with nothing left to write back.
    Converges,
    /// No command outlives its deadline.
    DeadlinesKept,
    /// Dials keep their distance, one at a time.
    DialsBounded,
    /// Log lines are few.
    LogsBounded,
}

impl Invariant {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::NothingLost,
        Self::NothingTwice,
        Self::NoResurrection,
        Self::OrderKept,
        Self::UnitsWhole,
        Self::DoubtTold,
        Self::ReadsTrue,
        Self::SwitchClean,
        Self::Converges,
        Self::DeadlinesKept,
        Self::DialsBounded,
        Self::LogsBounded,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How.
    pub what: String,
}

/// What checkers found.
#[derive(Debug, Default)]
struct Found {
    violations: Vec<Violation>,
    coverage: Coverage,
}

impl Found {
    fn broken(&mut self, invariant: Invariant, what: String) {
        self.violations.push(Violation { invariant, what });
    }
}

/// Looks for one kind of broken promises.
trait Checker {
    fn check(&self, world: &World, found: &mut Found);
}

/// What must hold whenever all is calm.
const AT_REST: [&dyn Checker; 4] =
    [&writes::Lists, &writes::Counter, &keys::Registers, &keys::Passing];

/// What must hold of the whole run.
const AT_THE_END: [&dyn Checker; 8] = [
    &writes::Refusals,
    &keys::Units,
    &reads::Reads,
    &limits::Switches,
    &limits::Deadlines,
    &limits::Dials,
    &limits::Logs,
    &limits::Convergence,
];

/// What was broken while callers made a pause.
pub(super) fn at_rest(world: &mut World) -> Vec<Violation> {
    check(world, &AT_REST)
}

/// What was broken at the end.
pub(super) fn at_the_end(world: &mut World) -> Vec<Violation> {
    let mut violations = check(world, &AT_REST);
    violations.extend(check(world, &AT_THE_END));
    violations
}

fn check(world: &mut World, checkers: &[&dyn Checker]) -> Vec<Violation> {
    let mut found = Found::default();
    for checker in checkers {
        checker.check(world, &mut found);
    }
    world.shared.coverage.merge(&found.coverage);
    found.violations
}
