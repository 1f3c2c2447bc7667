//! What a seed decides: how many clients there are, how they are set, what they do and what fails.

use alloc::vec::Vec;

use super::ledger::Kind;
use super::queue::Side;
use super::server::Trouble;
use crate::policy::{OnGuarded, Policy, Profile, Source};
use crate::rng::Rng;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Connections of one client, or of all, break.
    Cut { host: Option<usize> },
    /// Nothing gets through in a direction, or in both.
    Swallow { to: Option<Side> },
    /// Everything takes this much longer.
    Slow { extra_ms: u64 },
    /// The server dies, and comes back with what it held so long before; none is all.
    Restart { lost_ms: Option<u64> },
    /// The server stands still.
    Stop,
    /// The server answers with errors.
    Trouble(Trouble),
    /// The name does not resolve.
    Unresolved,
    /// A client's clock jumps forward.
    Jump { host: usize, by_ms: u64 },
    /// A third party gives the keys of one caller another type.
    Retype { host: usize, caller: usize },
}

/// A fault with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) at: u64,
    pub(super) until: u64,
    pub(super) fault: Fault,
}

/// How one client is set up.
#[derive(Clone, Debug)]
pub(super) struct HostPlan {
    pub(super) seed: u64,
    pub(super) callers: usize,
    /// Whether each caller has a connection of its own, as threads have, or all share one, as tasks
    /// of an event loop do.
    pub(super) is_pool: bool,
    /// The mean pause between two commands of a caller.
    pub(super) think_ms: u64,
    /// How much later than the engine's decision its driver may act.
    pub(super) drive_ms_max: u64,
    /// How many of a hundred exchanges of a replay come to harm.
    pub(super) ambush_percent: u64,
    /// How many of a hundred abandoned connections still deliver late.
    pub(super) late_percent: u64,
}

/// The whole run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) policy: Policy,
    pub(super) latency_ms: u64,
    pub(super) hosts: Vec<HostPlan>,
    pub(super) faults: Vec<Planned>,
    /// When all faults end.
    pub(super) calm_at: u64,
}

const FIRST_FAULT_MS: u64 = 500;

impl Plan {
    pub(super) fn of(rng: &mut Rng) -> Self {
        let calm_at = scaled(rng, 5_000, 80_000);
        let hosts: Vec<HostPlan> = (0..rng.between(2, 4)).map(|_| HostPlan::of(rng)).collect();
        let faults = (0..rng.between(3, 10)).map(|_| Planned::of(rng, &hosts, calm_at)).collect();
        Self { policy: policy(rng), latency_ms: rng.between(0, 5), hosts, faults, calm_at }
    }
}

impl HostPlan {
    fn of(rng: &mut Rng) -> Self {
        Self {
            seed: rng.next_u64(),
            callers: index(rng.between(1, 3)),
            is_pool: rng.between(0, 1) == 0,
            think_ms: scaled(rng, 150, 4_000),
            drive_ms_max: if rng.between(0, 1) == 0 { 0 } else { rng.between(1, 20) },
            ambush_percent: [0, 20, 60][index(rng.between(0, 2))],
            late_percent: [0, 20, 50][index(rng.between(0, 2))],
        }
    }
}

impl Planned {
    fn of(rng: &mut Rng, hosts: &[HostPlan], calm_at: u64) -> Self {
        let at = rng.between(FIRST_FAULT_MS, calm_at - 1);
        let lasts_ms = scaled(rng, 20, 20_000);
        let fault = Fault::of(rng, hosts);
        Self { at, until: (at + lasts_ms).min(calm_at), fault }
    }
}

impl Fault {
    fn of(rng: &mut Rng, hosts: &[HostPlan]) -> Self {
        let host = index(rng.between(0, hosts.len() as u64 - 1));
        match rng.between(0, 19) {
            0..=2 => Self::Cut { host: (rng.between(0, 2) > 0).then_some(host) },
            3 | 4 => Self::Swallow { to: Some(Side::Server) },
            5..=7 => Self::Swallow { to: Some(Side::Client) },
            8 => Self::Swallow { to: None },
            9 => Self::Slow { extra_ms: scaled(rng, 10, 3_000) },
            10 | 11 => Self::Restart { lost_ms: None },
            12 => Self::Restart { lost_ms: Some(scaled(rng, 10, 10_000)) },
            13 if rng.between(0, 2) == 0 => Self::Restart { lost_ms: Some(u64::MAX) },
            13 | 14 => Self::Stop,
            15 | 16 => Self::Trouble(Trouble::ALL[index(rng.between(0, 6))]),
            17 => Self::Unresolved,
            18 => Self::Jump { host, by_ms: scaled(rng, 10, 60_000) },
            _ => {
                let callers = hosts.get(host).map_or(1, |host| host.callers);
                Self::Retype { host, caller: index(rng.between(0, callers as u64 - 1)) }
            }
        }
    }
}

impl Kind {
    /// What a caller asks for next.
    pub(super) fn of(rng: &mut Rng) -> Self {
        match rng.between(0, 19) {
            0..=2 => Self::Push,
            3 | 4 => Self::PushShared,
            5 => Self::PushVictim,
            6..=8 => Self::Count(rng.between(1, 9)),
            9 | 10 => Self::Set,
            11 | 12 => Self::Delete,
            13 => Self::Get,
            14 => Self::SetPassing(scaled(rng, 50, 8_000)),
            15 | 16 => Self::Field,
            17 => Self::Pair,
            18 => Self::PairTransaction,
            _ => Self::Lock,
        }
    }
}

fn policy(rng: &mut Rng) -> Policy {
    let profiles = [Profile::Production, Profile::Staging, Profile::Development];
    let mut policy = Policy::of(profiles[index(rng.between(0, 2))]);
    policy.on_ambiguous = crate::policy::OnAmbiguous::Error;
    policy.on_guarded = OnGuarded::Refuse;
    policy.command_timeout_ms = scaled(rng, 50, 1_500);
    policy.connect_timeout_ms = scaled(rng, 200, 5_000);
    if policy.log_interval_ms > 0 {
        policy.log_interval_ms = [300_000, 60_000, 5_000][index(rng.between(0, 2))];
    }
    policy.stable_ms = [0, 1_000, 5_000][index(rng.between(0, 2))];
    if rng.between(0, 7) == 0 {
        policy.store_bytes_max = scaled(rng, 2_000, 20_000);
    }
    let rules = "lock:*=lock";
    // Rules that do not parse would leave locks without theirs, which a checker notices.
    let _ = policy.set("rules", rules, Source::Keyword);
    policy
}

/// A number between bounds, small ones as likely as large ones.
fn scaled(rng: &mut Rng, low: u64, high: u64) -> u64 {
    let bits = |n: u64| u64::from(u64::BITS - n.leading_zeros());
    let width = rng.between(bits(low), bits(high));
    let most = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    rng.between(1 << (width - 1), most).clamp(low, high)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
