//! Bounds: how long, how often, how much, and that all comes to rest.

use alloc::format;

use super::super::host::Host;
use super::super::world::{World, return_ms_max};
use super::{Checker, Found, Invariant};
use crate::kind::FailureKind;
use crate::record::RecordCode;

/// Nobody was on Redis while something waited.
pub(super) struct Switches;

/// Each client was back when all was calm, and again after callers went on.
pub(super) struct Convergence;

/// Commands ended in time.
pub(super) struct Deadlines;

/// Dials kept their distance.
pub(super) struct Dials;

/// Lines were few.
pub(super) struct Logs;

/// What a turn of a host may take beyond a deadline, in milliseconds.
const TURN_MS: u64 = 1;

impl Checker for Switches {
    fn check(&self, world: &World, found: &mut Found) {
        for host in &world.hosts {
            if let Some(at) = host.unclean_at {
                let what = format!("client {} at {at}", host.index);
                found.broken(Invariant::SwitchClean, what);
            }
        }
    }
}

impl Checker for Convergence {
    fn check(&self, world: &World, found: &mut Found) {
        for host in &world.hosts {
            if host.settled != [true, true] {
                let within_ms = return_ms_max(&host.policy);
                let what = format!("{}, {within_ms} ms after", host.standing());
                found.broken(Invariant::Converges, what);
            }
        }
    }
}

impl Checker for Deadlines {
    fn check(&self, world: &World, found: &mut Found) {
        let most_ms = world.plan.policy.command_timeout_ms + TURN_MS;
        for (id, op) in world.shared.ledger.ops.iter().enumerate() {
            let ended = op.ended.map_or(u64::MAX, |(at, _)| at);
            if ended - op.began > most_ms {
                let what = format!("{id} may take {most_ms} ms: {op:?}");
                found.broken(Invariant::DeadlinesKept, what);
            }
        }
    }
}

impl Checker for Dials {
    fn check(&self, world: &World, found: &mut Found) {
        for host in &world.hosts {
            check_dials(host, found);
        }
    }
}

fn check_dials(host: &Host, found: &mut Found) {
    let (policy, mut failed, mut was_connected) = (&host.policy, 0_u32, false);
    for pair in host.dials.windows(2) {
        let [dial, next] = pair else { continue };
        let Some((ended, kind)) = dial.ended.filter(|(ended, _)| *ended <= next.began) else {
            let what = format!("client {}: {next:?} beside {dial:?}", host.index);
            found.broken(Invariant::DialsBounded, what);
            continue;
        };
        let Some(kind) = kind else {
            (failed, was_connected) = (0, true);
            continue;
        };
        failed += 1;
        let startup = u32::try_from(policy.startup_attempts_max).unwrap_or(u32::MAX);
        let (low_ms, _) = if was_connected {
            policy.backoff(kind.schedule()).bounds_ms(failed + 1, policy.jitter_percent)
        } else if failed < startup {
            policy.startup_backoff().bounds_ms(failed, policy.jitter_percent)
        } else {
            let attempt = failed - startup + 1;
            policy.backoff(kind.schedule()).bounds_ms(attempt, policy.jitter_percent)
        };
        // A clock that jumps has the timer be due earlier.
        let has_jumped = host.jumps.iter().any(|at| (ended..=next.began).contains(at));
        if next.began - ended < low_ms && !has_jumped {
            let what = format!(
                "client {}: {next:?} should come {low_ms} ms after {dial:?}, {failed} failed",
                host.index
            );
            found.broken(Invariant::DialsBounded, what);
        }
    }
}

impl Checker for Logs {
    fn check(&self, world: &World, found: &mut Found) {
        for host in &world.hosts {
            let count = |code: RecordCode| {
                host.lines.iter().filter(|(_, _, other)| *other == code).count() as u64
            };
            let elapsed_ms = world.shared.now + host.jumped_ms;
            let recoveries = count(RecordCode::RedisRecovered);
            let kinds = host.kinds.len() as u64;
            let interval_ms = host.policy.log_interval_ms.max(1);
            for (code, most) in [
                (RecordCode::RedisRecovered, 2 * host.incidents),
                (RecordCode::RedisUnavailable, kinds * (recoveries + 1)),
                (RecordCode::RedisStillUnavailable, elapsed_ms / interval_ms + recoveries + 1),
            ] {
                let lines = count(code);
                if lines > most {
                    let what =
                        format!("client {}: {lines} lines {code:?}, at most {most}", host.index);
                    found.broken(Invariant::LogsBounded, what);
                }
            }
        }
    }
}

/// Kinds of failure that an input tells of.
pub(in super::super) const fn kind_in(input: &crate::Input) -> Option<FailureKind> {
    match input {
        crate::Input::DialFailed { failure, .. }
        | crate::Input::ConnectionLost { failure, .. }
        | crate::Input::CommandFailed { failure, .. } => Some(failure.kind),
        crate::Input::Start
        | crate::Input::DialSucceeded { .. }
        | crate::Input::DialHeld { .. }
        | crate::Input::CommandSlow { .. }
        | crate::Input::Tally { .. }
        | crate::Input::ReplayProgressed { .. }
        | crate::Input::Reconciled { .. }
        | crate::Input::Timer
        | crate::Input::Redial
        | crate::Input::Moved { .. }
        | crate::Input::Close { .. } => None,
    }
}
