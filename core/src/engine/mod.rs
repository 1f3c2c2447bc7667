//! The decisions: one input, then outputs until [`Output::Timeout`].

mod held;
mod lines;
mod outage;
mod snapshot;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::breaker::Breaker;
use crate::coded::read_by_code;
use crate::input::Input;
use crate::kind::{Failure, FailureKind, Schedule, Verdict};
use crate::output::Output;
use crate::policy::{Policy, Startup};
use crate::quota::RetryQuota;
use crate::rng::Rng;
use crate::status::Mode;
use crate::throttle::Counts;
use crate::time::Timestamp;
use outage::Outage;

/// Where the engine stands. Applications see the [`Mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Nobody has asked for Redis yet.
    Idle,
    /// The first dials.
    Starting,
    Degraded,
    Reconciling,
    Connected,
    Closed,
}

impl Phase {
    const ALL: &'static [Self] = &[
        Self::Idle,
        Self::Starting,
        Self::Degraded,
        Self::Reconciling,
        Self::Connected,
        Self::Closed,
    ];

    const fn code(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Starting => "starting",
            Self::Degraded => "degraded",
            Self::Reconciling => "reconciling",
            Self::Connected => "connected",
            Self::Closed => "closed",
        }
    }
}

read_by_code!(Phase);

/// Sums over the life of the client.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Totals {
    dials: u64,
    failures: u64,
    failures_by_kind: [u64; FailureKind::ALL.len()],
    served_by_redis: u64,
    served_by_store: u64,
    refused: u64,
    replayed: u64,
    conflicts: u64,
    replay_refused: u64,
    retries_refused: u64,
}

impl Totals {
    fn failed(&mut self, kind: FailureKind) {
        self.failures += 1;
        self.failures_by_kind[kind as usize] += 1;
    }
}

/// Decides when to dial, which mode the application sees and what is logged.
///
/// The contract: hand in the time and one [`Input`], then take outputs until
/// [`Output::Timeout`]; call again at that time with [`Input::Timer`], or earlier with whatever
/// happened. Time never comes from anywhere else, and nothing here sleeps or does I/O.
///
/// ```
/// use outlast_core::policy::{Policy, Profile};
/// use outlast_core::{Engine, Input, Output, Timestamp};
///
/// let policy = Policy::of(Profile::Development);
/// let mut engine = Engine::new(policy, "redis://localhost:6379", 1);
/// engine.handle(Timestamp::from_ms(0), Input::Start);
/// assert_eq!(engine.poll_output(), Output::Dial { dial: 1, timeout_ms: 5_000 });
/// assert_eq!(engine.poll_output(), Output::Timeout { at_ms: None });
/// ```
///
/// It is written and read as JSON where a [recording](crate::recording) needs all that it knows. Take
/// the outputs before.
#[derive(Debug, Serialize, Deserialize)]
pub struct Engine {
    policy: Policy,
    endpoint: String,
    rng: Rng,
    breaker: Breaker,
    outage: Outage,
    #[serde(skip)]
    outputs: VecDeque<Output>,
    phase: Phase,
    /// The dial under way, and the number of the last one.
    dialling: bool,
    dial: u64,
    epoch: u64,
    /// Failures that count for the next delay.
    attempt: u32,
    next_dial_at: Option<Timestamp>,
    last_dial_at: Option<Timestamp>,
    /// The one before.
    #[serde(default)]
    dial_before_at: Option<Timestamp>,
    connected_at: Option<Timestamp>,
    ever_connected: bool,
    last_recovery_at: Option<Timestamp>,
    last_failure: Option<Failure>,
    quota: RetryQuota,
    totals: Totals,
}

impl Engine {
    /// An engine that follows `policy`. `endpoint` is shown in logs and status and must hold no
    /// secret; `seed` decides the jitter.
    pub fn new(policy: Policy, endpoint: impl Into<String>, seed: u64) -> Self {
        let (log_interval_ms, merge_ms) = (policy.log_interval_ms, policy.incident_merge_ms);
        let quota = RetryQuota::new(policy.retry_quota_percent, policy.retry_quota_burst);
        Self {
            breaker: Breaker::new(&policy),
            outage: Outage::new(log_interval_ms, merge_ms),
            policy,
            endpoint: endpoint.into(),
            rng: Rng::new(seed),
            outputs: VecDeque::new(),
            phase: Phase::Idle,
            dialling: false,
            dial: 0,
            epoch: 0,
            attempt: 0,
            next_dial_at: None,
            last_dial_at: None,
            dial_before_at: None,
            connected_at: None,
            ever_connected: false,
            last_recovery_at: None,
            last_failure: None,
            quota,
            totals: Totals::default(),
        }
    }

    /// Takes one input at the time `now`. Take the outputs before the next one.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if self.phase == Phase::Closed {
            return;
        }
        // A host that wakes late does not stretch an incident that was over before this input.
        self.settle_recovery(now);
        match input {
            Input::Start => self.start(now),
            Input::DialSucceeded { dial } => self.dial_succeeded(dial),
            Input::DialFailed { dial, failure } => self.dial_failed(now, dial, failure),
            Input::DialHeld { dial, in_ms, attempts, failure } => {
                self.dial_held(now, dial, in_ms, attempts, failure);
            }
            Input::ConnectionLost { epoch, failure } => {
                if self.is_current(epoch) {
                    self.degrade(now, &failure, Counts::default());
                }
            }
            Input::CommandFailed { epoch, failure, write } => {
                self.command_failed(now, epoch, failure, write);
            }
            Input::CommandSlow { epoch, took_ms } => self.command_slow(now, epoch, took_ms),
            Input::Tally { finished, served_locally, refused } => {
                self.tally(now, finished, served_locally, refused);
            }
            Input::ReplayProgressed { epoch, replayed, conflicts, refused } => {
                if self.is_current(epoch) {
                    self.replay_progressed(now, replayed, conflicts, refused);
                }
            }
            Input::Reconciled { epoch } => self.reconciled(now, epoch),
            Input::Timer => {}
            Input::Redial => self.redial(now),
            Input::Moved { endpoint } => self.endpoint = endpoint,
            Input::Close { journal_keys } => self.close(now, journal_keys),
        }
        self.run_timers(now);
    }

    /// The next thing to do; [`Output::Timeout`] when there is nothing more.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout { at_ms: self.next_timer() })
    }

    /// The mode that the application sees.
    pub const fn mode(&self) -> Mode {
        match self.phase {
            Phase::Idle | Phase::Starting | Phase::Degraded => Mode::Degraded,
            Phase::Reconciling => Mode::Reconciling,
            Phase::Connected => Mode::Connected,
            Phase::Closed => Mode::Closed,
        }
    }

    /// The policy that it follows.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Where Redis is, as it was told.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The last failure, whatever came after it.
    pub const fn last_failure(&self) -> Option<&Failure> {
        self.last_failure.as_ref()
    }

    /// How many failures there were of each kind since the client was made.
    pub fn failures(&self) -> impl Iterator<Item = (FailureKind, u64)> {
        FailureKind::ALL.iter().copied().zip(self.totals.failures_by_kind)
    }

    /// Whether a command that failed may be sent to Redis a second time, by the quota of the policy. Tell
    /// the [`Tally`](Input::Tally) before: the share is of the commands that ended.
    pub fn may_retry(&mut self) -> bool {
        let Totals { served_by_redis, served_by_store, refused, .. } = self.totals;
        let may = self.quota.take(served_by_redis + served_by_store + refused);
        self.totals.retries_refused += u64::from(!may);
        may
    }

    fn start(&mut self, now: Timestamp) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Starting;
            self.next_dial_at = Some(now);
        }
    }

    fn redial(&mut self, now: Timestamp) {
        if matches!(self.phase, Phase::Starting | Phase::Degraded) && !self.dialling {
            self.next_dial_at = Some(now);
        }
    }

    fn dial_succeeded(&mut self, dial: u64) {
        if !self.dialling || dial != self.dial {
            return;
        }
        self.dialling = false;
        self.epoch += 1;
        self.breaker.reset();
        if self.phase == Phase::Starting {
            let dials = self.totals.dials;
            self.outputs.push_back(Output::StartupFinished { dials, failure: None });
            self.attempt = 0;
        }
        self.enter(Phase::Reconciling);
        self.outputs.push_back(Output::Replay { epoch: self.epoch });
    }

    fn dial_failed(&mut self, now: Timestamp, dial: u64, failure: Failure) {
        if !self.dialling || dial != self.dial {
            return;
        }
        self.dialling = false;
        if self.phase == Phase::Starting {
            self.attempt += 1;
            let spent = u64::from(self.attempt) >= self.policy.startup_attempts_max;
            // Dialling again within the startup's short waits would only spend more of a quota.
            if spent || failure.kind.schedule() == Schedule::Quota {
                self.finish_startup(now, failure);
                return;
            }
            let delay_ms = self.policy.startup_backoff().jittered_ms(
                self.attempt,
                self.policy.jitter_percent,
                &mut self.rng,
            );
            self.next_dial_at = Some(now.plus_ms(delay_ms));
        } else {
            self.plan_redial(now, failure.kind);
        }
        self.failed(now, &failure, Counts::DIAL);
    }

    fn finish_startup(&mut self, now: Timestamp, failure: Failure) {
        let dials = self.totals.dials;
        self.phase = Phase::Degraded;
        self.attempt = 0;
        self.plan_redial(now, failure.kind);
        self.failed(now, &failure, Counts::DIAL);
        self.enter(Phase::Degraded);
        if self.policy.startup == Startup::Required {
            self.log_startup_failed(now, dials, &failure);
        }
        self.outputs.push_back(Output::StartupFinished { dials, failure: Some(failure) });
    }

    fn command_failed(&mut self, now: Timestamp, epoch: u64, failure: Failure, write: bool) {
        let verdict = failure.verdict();
        if verdict == Verdict::Command {
            self.breaker.finished(now, 1);
            return;
        }
        if !self.is_current(epoch) {
            self.totals.failed(failure.kind);
            return;
        }
        let counted = matches!(
            failure.kind,
            FailureKind::ResponseTimeout | FailureKind::TryAgain | FailureKind::UnknownError
        );
        // A write that failed waits in the journal: nothing may go to Redis before it.
        if counted && !write {
            if let Some(commands_failed) = self.breaker.failed(now) {
                // Those that did not open it yet belong to the outage, too.
                self.degrade(now, &failure, Counts { commands_failed, ..Counts::default() });
            } else {
                self.totals.failed(failure.kind);
                self.last_failure = Some(failure);
            }
            return;
        }
        self.degrade(now, &failure, Counts::COMMAND);
    }

    fn command_slow(&mut self, now: Timestamp, epoch: u64, took_ms: u64) {
        let slow_ms = self.policy.breaker_slow_call_ms;
        if slow_ms == 0 || took_ms < slow_ms || !self.is_current(epoch) {
            return;
        }
        if let Some((slow, ended)) = self.breaker.slow(now) {
            let text = format!("{slow} of {ended} commands took {slow_ms} ms or longer");
            let failure = Failure::new(FailureKind::ResponseTimeout, text);
            self.degrade(now, &failure, Counts::default());
        }
    }

    fn tally(&mut self, now: Timestamp, finished: u64, served_locally: u64, refused: u64) {
        self.totals.served_by_redis += finished;
        self.totals.served_by_store += served_locally;
        self.totals.refused += refused;
        if finished > 0 {
            self.breaker.finished(now, finished);
        }
        self.outage.count(Counts { served_locally, refused, ..Counts::default() });
    }

    fn replay_progressed(&mut self, now: Timestamp, replayed: u64, conflicts: u64, refused: u64) {
        self.totals.replayed += replayed;
        self.totals.conflicts += conflicts;
        self.totals.replay_refused += refused;
        self.outage.replayed(replayed, conflicts, refused);
        if refused > 0 {
            self.log_writes_refused(now, refused);
        }
    }

    fn reconciled(&mut self, now: Timestamp, epoch: u64) {
        if self.phase != Phase::Reconciling || epoch != self.epoch {
            return;
        }
        self.connected_at = Some(now);
        self.ever_connected = true;
        self.enter(Phase::Connected);
        if self.outage.recovered(now) {
            self.last_recovery_at = Some(now);
            self.log_recovery_if_due(now);
        }
    }

    fn close(&mut self, now: Timestamp, journal_keys: u64) {
        self.dialling = false;
        self.next_dial_at = None;
        if journal_keys > 0 {
            self.log_journal_discarded(now, journal_keys);
        }
        if let Some(incident) = self.outage.last() {
            self.outputs.push_back(Output::IncidentClosed { incident: Box::new(incident) });
        }
        self.outputs.push_back(Output::CloseConnection);
        self.enter(Phase::Closed);
    }

    /// The link is of no use any more: close it, serve from memory, dial again later.
    fn degrade(&mut self, now: Timestamp, failure: &Failure, counts: Counts) {
        let stood_ms = self.connected_at.take().map_or(0, |since| now.since_ms(since));
        if stood_ms >= self.policy.stable_ms {
            self.attempt = 0;
        }
        self.enter(Phase::Degraded);
        self.outputs.push_back(Output::CloseConnection);
        self.plan_redial(now, failure.kind);
        self.failed(now, failure, counts);
    }

    /// Counts a failure, and logs it where its kind is news.
    fn failed(&mut self, now: Timestamp, failure: &Failure, counts: Counts) {
        self.totals.failed(failure.kind);
        if let Some(incident) = self.outage.failed(now, failure.kind, counts) {
            self.outputs.push_back(Output::IncidentOpened { incident: Box::new(incident) });
        }
        // The dial that follows a lost connection tells why it is lost: one line for both.
        if failure.kind == FailureKind::ConnectionLost && self.next_dial_at.is_some() {
            self.outage.hold_line(now, failure);
        } else {
            self.outage.release_line();
            self.log_failure_if_news(now, failure);
        }
        if self.last_failure.as_ref() != Some(failure) {
            self.last_failure = Some(failure.clone());
        }
    }

    /// Plans the next dial by the schedule of `kind`, at the next attempt index.
    fn plan_redial(&mut self, now: Timestamp, kind: FailureKind) {
        self.attempt = self.attempt.saturating_add(1);
        self.next_dial_at = self.policy.redial.then(|| {
            let backoff = self.policy.backoff(kind.schedule());
            let jitter_percent = self.policy.jitter_percent;
            now.plus_ms(backoff.jittered_ms(self.attempt, jitter_percent, &mut self.rng))
        });
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        let (mode, serving) = (self.mode(), self.serving());
        self.outputs.push_back(Output::ModeChanged { mode, epoch: self.epoch, serving });
    }

    /// Whether the store may answer.
    fn serving(&self) -> bool {
        self.ever_connected || self.policy.startup == Startup::Optional
    }

    const fn is_current(&self, epoch: u64) -> bool {
        matches!(self.phase, Phase::Connected | Phase::Reconciling) && epoch == self.epoch
    }

    fn run_timers(&mut self, now: Timestamp) {
        if self.next_dial_at.is_some_and(|at| at <= now) && !self.dialling {
            self.next_dial_at = None;
            self.dialling = true;
            self.dial += 1;
            self.totals.dials += 1;
            self.dial_before_at = self.last_dial_at.replace(now);
            let timeout_ms = self.policy.connect_timeout_ms;
            self.outputs.push_back(Output::Dial { dial: self.dial, timeout_ms });
        }
        self.settle_recovery(now);
        if self.phase != Phase::Connected {
            if let Some(failure) = self.outage.held_line_due(now) {
                self.log_failure_if_news(now, &failure);
            }
            self.log_summary_if_due(now);
        }
    }

    /// While connected: logs a recovery that has lasted, and closes the incident.
    fn settle_recovery(&mut self, now: Timestamp) {
        if self.phase != Phase::Connected {
            return;
        }
        self.log_recovery_if_due(now);
        if let Some(incident) = self.outage.close_if_due(now) {
            self.outputs.push_back(Output::IncidentClosed { incident: Box::new(incident) });
        }
    }

    fn next_timer(&self) -> Option<Timestamp> {
        let due = match self.phase {
            Phase::Closed => return None,
            Phase::Connected => self.outage.close_due(),
            Phase::Idle | Phase::Starting | Phase::Degraded | Phase::Reconciling => {
                Timestamp::earliest(self.outage.summary_due(), self.outage.hold_due())
            }
        };
        Timestamp::earliest(self.next_dial_at, due)
    }
}
