//! One client and its traffic through an outage, in virtual time: what it would dial, log and
//! answer. The engine is the real one; only the server is a model.

pub mod campaign;
mod fleet;

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::Error;
use crate::input::Input;
use crate::kind::{Failure, FailureKind, Verdict};
use crate::output::Output;
use crate::policy::Policy;
use crate::status::{Mode, Status};
use crate::time::Timestamp;

pub use crate::trace::{Dial, Line, Snapshot, Trace};
pub use fleet::{FLEET_KNOBS, Fleet, fleet};

/// What happens to Redis, and how busy the client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Scenario {
    /// How Redis fails. `connect_timeout` and `response_timeout` swallow what is sent; `writes`
    /// kinds fail commands but not dials; all others cut the connection and fail each dial.
    pub kind: FailureKind,
    /// When it begins, in milliseconds from the start.
    pub from_ms: u64,
    /// When it ends.
    pub until_ms: u64,
    /// How long is simulated: at most a year. From [`until_ms`](Self::until_ms) on Redis answers.
    pub duration_ms: u64,
    /// Commands a second, evenly spread.
    pub calls_per_second: u64,
    /// What the jitter is drawn from.
    pub seed: u64,
    /// Several outages, one after the other, in place of the one above.
    pub faults: Vec<Fault>,
}

/// One of several outages of a scenario. A flapping Redis has many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Fault {
    /// How Redis fails.
    pub kind: FailureKind,
    /// When it begins, in milliseconds from the start.
    pub from_ms: u64,
    /// When it ends.
    pub until_ms: u64,
}

impl Fault {
    /// Redis fails in this way from one time until another.
    pub const fn new(kind: FailureKind, from_ms: u64, until_ms: u64) -> Self {
        Self { kind, from_ms, until_ms }
    }

    fn covers(&self, now: Timestamp) -> bool {
        (self.from_ms..self.until_ms).contains(&now.as_ms())
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            kind: FailureKind::ConnectionRefused,
            from_ms: 10_000,
            until_ms: 610_000,
            duration_ms: 1_200_000,
            calls_per_second: 10,
            seed: 1,
            faults: Vec::new(),
        }
    }
}

/// A year: nobody looks at a longer outage.
const DURATION_MS_MAX: u64 = 366 * 86_400_000;
/// The most outages of one scenario.
const FAULTS_MAX: usize = 10_000;
/// The most commands a second that are simulated.
const CALLS_PER_SECOND_MAX: u64 = 1_000_000;
/// How long a dial or a refusal takes in the model.
const ROUND_TRIP_MS: u64 = 1;

impl Scenario {
    /// Checks the times.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) naming field and bounds.
    pub fn check(&self) -> Result<(), Error> {
        let within = |field: &str, value: u64, min: u64, max: u64| {
            if (min..=max).contains(&value) {
                return Ok(());
            }
            let allowed = alloc::format!("a whole number from {min} to {max}");
            Err(Error::invalid_option(field, &alloc::format!("{value}"), &allowed))
        };
        within("duration_ms", self.duration_ms, 1, DURATION_MS_MAX)?;
        within("from_ms", self.from_ms, 0, self.duration_ms)?;
        within("until_ms", self.until_ms, self.from_ms, self.duration_ms)?;
        within("calls_per_second", self.calls_per_second, 0, CALLS_PER_SECOND_MAX)?;
        let count = u64::try_from(self.faults.len()).unwrap_or(u64::MAX);
        within("faults", count, 0, u64::try_from(FAULTS_MAX).unwrap_or(u64::MAX))?;
        let mut earliest_ms = 0;
        for (at, fault) in self.faults.iter().enumerate() {
            let name = |field: &str| alloc::format!("faults[{at}].{field}");
            within(&name("from_ms"), fault.from_ms, earliest_ms, self.duration_ms)?;
            within(&name("until_ms"), fault.until_ms, fault.from_ms, self.duration_ms)?;
            earliest_ms = fault.until_ms;
        }
        Ok(())
    }

    /// The outages, one after the other.
    fn all_faults(&self) -> Vec<Fault> {
        if self.faults.is_empty() {
            return alloc::vec![Fault::new(self.kind, self.from_ms, self.until_ms)];
        }
        self.faults.clone()
    }
}

/// Runs a client with `policy` through `scenario`.
///
/// # Errors
///
/// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for a scenario that
/// [`Scenario::check`] does not allow.
pub fn simulate(policy: &Policy, scenario: &Scenario) -> Result<Trace, Error> {
    scenario.check()?;
    policy.check()?;
    Ok(play(policy, scenario, Trace::default()))
}

/// Has a client play a scenario that is valid, and a recorder note it.
fn play<R: Recorder>(policy: &Policy, scenario: &Scenario, recorder: R) -> R {
    let mut world = World::new(policy, scenario, recorder);
    world.tell(Input::Start);
    while world.step() {}
    world.finish()
}

/// What of a client's doings is kept.
trait Recorder {
    /// Whether it keeps how many commands were answered from memory. Nothing is decided by that.
    const KEEPS_COUNTS: bool;

    fn dialled(&mut self, dial: Dial);
    fn logged(&mut self, line: Line);
    /// The status is made only where somebody keeps it.
    fn changed(&mut self, at: Timestamp, status: impl FnOnce() -> Status);
    fn returned(&mut self, after_ms: u64);
}

impl Recorder for Trace {
    const KEEPS_COUNTS: bool = true;

    fn dialled(&mut self, dial: Dial) {
        self.dials.push(dial);
    }

    fn logged(&mut self, line: Line) {
        self.lines.push(line);
    }

    fn changed(&mut self, at_ms: Timestamp, status: impl FnOnce() -> Status) {
        self.status.push(Snapshot { at_ms, status: status() });
    }

    fn returned(&mut self, after_ms: u64) {
        self.return_ms = Some(after_ms);
    }
}

/// A command or dial under way: when it ends and with what.
#[derive(Debug)]
struct Pending {
    at: Timestamp,
    input: Input,
}

#[derive(Debug)]
struct World<'a, R> {
    scenario: &'a Scenario,
    command_timeout_ms: u64,
    engine: Engine,
    now: Timestamp,
    timer: Option<Timestamp>,
    dial: Option<Pending>,
    /// The next command that will be told to have failed, while they do, and how.
    failing_call: Option<(Timestamp, FailureKind)>,
    calls_told: u64,
    mode: Mode,
    epoch: u64,
    faults: Vec<Fault>,
    /// How many of them have begun.
    struck: usize,
    has_returned: bool,
    recorder: R,
}

impl<'a, R: Recorder> World<'a, R> {
    fn new(policy: &Policy, scenario: &'a Scenario, recorder: R) -> Self {
        Self {
            scenario,
            command_timeout_ms: policy.command_timeout_ms,
            engine: Engine::new(policy.clone(), "redis://simulated:6379", scenario.seed),
            now: Timestamp::ZERO,
            timer: None,
            dial: None,
            failing_call: None,
            calls_told: 0,
            mode: Mode::Degraded,
            epoch: 0,
            faults: scenario.all_faults(),
            struck: 0,
            has_returned: false,
            recorder,
        }
    }

    /// Goes on to the next thing that happens; false at the end.
    fn step(&mut self) -> bool {
        let strike = self.faults.get(self.struck).map(|fault| Timestamp::from_ms(fault.from_ms));
        let dial = self.dial.as_ref().map(|dial| dial.at);
        let failing_call = self.failing_call.map(|(at, _)| at);
        let (ended, planned) = (Timestamp::earliest(dial, failing_call), self.timer);
        let next = Timestamp::earliest(Timestamp::earliest(strike, planned), ended);
        let end = Timestamp::from_ms(self.scenario.duration_ms);
        let Some(next) = next.filter(|next| *next < end) else {
            return false;
        };
        self.now = next.max(self.now);
        self.tally();
        if strike.is_some_and(|at| at <= self.now) {
            self.strike();
        } else if dial.is_some_and(|at| at <= self.now) {
            if let Some(dial) = self.dial.take() {
                self.tell(dial.input);
            }
        } else if failing_call.is_some_and(|at| at <= self.now) {
            self.fail_call();
        } else {
            self.tell(Input::Timer);
        }
        true
    }

    fn finish(mut self) -> R {
        self.now = Timestamp::from_ms(self.scenario.duration_ms);
        self.tally();
        self.snapshot();
        self.recorder
    }

    fn tell(&mut self, input: Input) {
        self.engine.handle(self.now, input);
        loop {
            let output = self.engine.poll_output();
            if let Output::Timeout { at_ms } = output {
                self.timer = at_ms;
                return;
            }
            self.act(output);
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Dial { dial, timeout_ms } => self.begin_dial(dial, timeout_ms),
            Output::Replay { epoch } => {
                self.epoch = epoch;
                self.engine.handle(self.now, Input::Reconciled { epoch });
            }
            Output::ModeChanged { mode, .. } => self.change_mode(mode),
            Output::Log { record } => {
                self.recorder.logged(Line { at_ms: self.now, record: *record });
            }
            Output::CloseConnection
            | Output::StartupFinished { .. }
            | Output::IncidentOpened { .. }
            | Output::IncidentClosed { .. }
            | Output::Timeout { .. } => {}
        }
    }

    fn begin_dial(&mut self, dial: u64, timeout_ms: u64) {
        let kind = self.fault().map(|fault| fault.kind);
        let kind = kind.filter(|kind| kind.verdict() != Verdict::Writes);
        let is_swallowed = kind.is_some_and(swallows);
        let failure = if is_swallowed { Some(FailureKind::ConnectTimeout) } else { kind };
        let took_ms = if is_swallowed { timeout_ms } else { ROUND_TRIP_MS };
        let input = match failure {
            Some(kind) => Input::DialFailed { dial, failure: Failure::new(kind, kind.words()) },
            None => Input::DialSucceeded { dial },
        };
        self.recorder.dialled(Dial { at_ms: self.now, took_ms, failure });
        self.dial = Some(Pending { at: self.now.plus_ms(took_ms), input });
    }

    fn change_mode(&mut self, mode: Mode) {
        if mode == Mode::Connected {
            let healed = self.faults.last().map_or(0, |fault| fault.until_ms);
            let healed = Timestamp::from_ms(healed);
            if self.struck == self.faults.len() && !self.has_returned && self.now >= healed {
                self.has_returned = true;
                self.recorder.returned(self.now.since_ms(healed));
            }
            if let Some(fault) = self.fault() {
                self.plan_failing_call(fault.kind);
            }
        }
        if mode != self.mode {
            self.mode = mode;
            self.snapshot();
        }
    }

    fn strike(&mut self) {
        self.struck += 1;
        let Some(Fault { kind, .. }) = self.fault().filter(|_| self.mode == Mode::Connected) else {
            return;
        };
        if kind.verdict() == Verdict::Link && !swallows(kind) {
            let failure = Failure::new(FailureKind::ConnectionLost, "connection reset by peer");
            self.tell(Input::ConnectionLost { epoch: self.epoch, failure });
        } else {
            self.plan_failing_call(kind);
        }
    }

    /// The first command from now on that Redis will fail.
    fn plan_failing_call(&mut self, kind: FailureKind) {
        if self.scenario.calls_per_second == 0 {
            return;
        }
        let gap_ms = 1_000_u64.div_ceil(self.scenario.calls_per_second);
        let takes_ms = if swallows(kind) { self.command_timeout_ms } else { ROUND_TRIP_MS };
        self.failing_call = Some((self.now.plus_ms(gap_ms).plus_ms(takes_ms), kind));
    }

    fn fail_call(&mut self) {
        let Some((_, kind)) = self.failing_call.take().filter(|_| self.mode == Mode::Connected)
        else {
            return;
        };
        let told = if swallows(kind) { FailureKind::ResponseTimeout } else { kind };
        let failure = Failure::new(told, told.words());
        self.tell(Input::CommandFailed { epoch: self.epoch, failure, write: false });
        if self.mode == Mode::Connected && self.fault().is_some() {
            let gap_ms = 1_000_u64.div_ceil(self.scenario.calls_per_second.max(1));
            self.failing_call = Some((self.now.plus_ms(gap_ms), kind));
        }
    }

    /// Tells the engine of the commands since it was last told.
    fn tally(&mut self) {
        // Below 2^55: at most a year of milliseconds, by a million.
        let due = self.now.as_ms().saturating_mul(self.scenario.calls_per_second) / 1_000;
        let calls = due - self.calls_told;
        if calls == 0 {
            return;
        }
        self.calls_told = due;
        if !R::KEEPS_COUNTS && self.mode != Mode::Connected {
            return;
        }
        // Calls up to the moment at which it strikes still succeed.
        let begun = self.faults.get(..self.struck).unwrap_or_default();
        let fails = begun.last().is_some_and(|fault| fault.covers(self.now));
        let (finished, served_locally) = match (self.mode, fails) {
            (Mode::Connected, false) => (calls, 0),
            (Mode::Connected, true) => (0, 0),
            (Mode::Degraded | Mode::Reconciling | Mode::Closed, _) => (0, calls),
        };
        self.tell(Input::Tally { finished, served_locally, refused: 0 });
    }

    /// The outage that goes on.
    fn fault(&self) -> Option<Fault> {
        let near = self.faults.get(self.struck.saturating_sub(1)..)?.iter().take(2);
        near.copied().find(|fault| fault.covers(self.now))
    }

    fn snapshot(&mut self) {
        let Self { engine, recorder, now, .. } = self;
        recorder.changed(*now, || engine.status(*now));
    }
}

/// Whether Redis neither answers nor refuses.
const fn swallows(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::ConnectTimeout | FailureKind::ResponseTimeout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Profile;

    fn production(scenario: &Scenario) -> Trace {
        simulate(&Policy::of(Profile::Production), scenario).unwrap()
    }

    fn warnings(trace: &Trace) -> usize {
        trace.lines.iter().filter(|line| line.record.level == crate::Level::Warning).count()
    }

    #[test]
    fn ten_minutes_refused_are_three_warnings_and_one_recovery() {
        let trace = production(&Scenario::default());
        assert_eq!(warnings(&trace), 3, "{:#?}", trace.lines);
        assert!(trace.lines[0].at_ms.since_ms(Timestamp::from_ms(10_000)) <= 1_000);
        assert_eq!(trace.lines.len(), 4);
        assert!(trace.return_ms.unwrap() <= 10_000);
    }

    #[test]
    fn every_kind_is_survived_and_left() {
        for kind in FailureKind::ALL.iter().filter(|kind| kind.verdict() != Verdict::Command) {
            let scenario = Scenario { kind: *kind, ..Scenario::default() };
            let trace = production(&scenario);
            let last = &trace.status.last().unwrap().status;
            assert!(last.redis_connected, "{kind}: {trace:#?}");
            assert!(trace.return_ms.is_some_and(|ms| ms <= 300_000), "{kind}");
            assert!(trace.lines.len() <= 8, "{kind}: {:#?}", trace.lines);
            let served = last.served_by_redis + last.served_by_store;
            assert!(served > 11_000, "{kind}: of 12,000 calls {served} were served");
        }
    }

    #[test]
    fn a_flapping_redis_is_one_incident_and_few_lines() {
        let refused = |minute: u64| {
            let from_ms = minute * 60_000;
            Fault::new(FailureKind::ConnectionRefused, from_ms, from_ms + 30_000)
        };
        let faults: Vec<_> = (1..=10).map(refused).collect();
        let trace = production(&Scenario { faults, ..Scenario::default() });
        let last = &trace.status.last().unwrap().status;
        assert!(last.redis_connected);
        let incidents = trace.lines.iter().filter_map(|line| line.record.fields.incident);
        assert_eq!(incidents.max(), Some(1));
        assert!(trace.lines.len() <= 8, "{:#?}", trace.lines);
        // Each time it comes back.
        let connected = trace.status.iter().filter(|at| at.status.mode == Mode::Connected).count();
        assert!(connected >= 10, "{connected}");
        assert!(trace.return_ms.is_some_and(|ms| ms <= 10_000));
    }

    #[test]
    fn kinds_may_follow_one_another() {
        let faults = alloc::vec![
            Fault::new(FailureKind::DnsError, 10_000, 60_000),
            Fault::new(FailureKind::ConnectTimeout, 60_000, 120_000),
        ];
        let trace = production(&Scenario { faults, ..Scenario::default() });
        let seen: Vec<_> = trace.dials.iter().filter_map(|dial| dial.failure).collect();
        assert!(seen.contains(&FailureKind::DnsError), "{seen:?}");
        assert_eq!(seen.last(), Some(&FailureKind::ConnectTimeout));
    }

    #[test]
    fn overlapping_outages_are_named() {
        let faults = alloc::vec![
            Fault::new(FailureKind::DnsError, 10_000, 60_000),
            Fault::new(FailureKind::DnsError, 50_000, 70_000),
        ];
        let scenario = Scenario { faults, ..Scenario::default() };
        let error = simulate(&Policy::of(Profile::Test), &scenario).unwrap_err();
        assert!(error.message().starts_with("invalid faults[1].from_ms \"50000\""), "{error}");
    }

    #[test]
    fn the_same_seed_gives_the_same_trace() {
        let scenario = Scenario { seed: 42, ..Scenario::default() };
        assert_eq!(production(&scenario), production(&scenario));
        let other = Scenario { seed: 43, ..Scenario::default() };
        assert_ne!(production(&scenario).dials, production(&other).dials);
    }

    #[test]
    fn times_that_make_no_sense_are_named() {
        let scenario = Scenario { until_ms: 5, ..Scenario::default() };
        let error = simulate(&Policy::of(Profile::Test), &scenario).unwrap_err();
        assert!(error.message().starts_with("invalid until_ms \"5\""), "{error}");
    }
}
