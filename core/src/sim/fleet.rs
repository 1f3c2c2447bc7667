//! Many clients of one policy through one scenario: how many dial in each second, and when they are
//! back.

use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Dial, Line, Recorder, Scenario, play};
use crate::error::Error;
use crate::policy::Policy;
use crate::status::Status;
use crate::time::Timestamp;

/// What the clients of a fleet did, together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fleet {
    /// Dials that began in each second of the scenario.
    pub dials: Vec<u64>,
    /// Milliseconds from the end of the last outage until each client was on Redis again, from the
    /// first to the last; without those that were not.
    pub return_ms: Vec<u64>,
    /// Log lines.
    pub lines: u64,
}

/// The most clients of one fleet.
const CLIENTS_MAX: u64 = 1_000_000;

/// Knobs for a fleet of 10,000 clients: after an outage of a minute or more 2 % of them dial in a second,
/// at most, for which they are back after 100 s at the latest and 40 s in the middle. For other fleets
/// `server_delay_ms_max` is 2,000 ms times the clients, divided by the dials a second that a server takes.
pub const FLEET_KNOBS: [(&str, &str); 3] = [
    ("server_delay_ms_max", "100000"),
    ("server_delay_factor_percent", "400"),
    ("jitter_percent", "50"),
];

impl Recorder for Fleet {
    const KEEPS_COUNTS: bool = false;

    fn dialled(&mut self, dial: Dial) {
        let second = usize::try_from(dial.at_ms.as_ms() / 1_000).unwrap_or(usize::MAX);
        if let Some(dials) = self.dials.get_mut(second) {
            *dials += 1;
        }
    }

    fn logged(&mut self, _: Line) {
        self.lines += 1;
    }

    fn changed(&mut self, _: Timestamp, _: impl FnOnce() -> Status) {}

    fn returned(&mut self, after_ms: u64) {
        self.return_ms.push(after_ms);
    }
}

/// Runs so many clients, which share nothing but the outages: the seed of each is one more than that of
/// the one before. What each of them does is not kept, so this is many times faster than as many calls of
/// [`simulate`](super::simulate).
///
/// # Errors
///
/// As [`simulate`](super::simulate), and for more than a million clients.
pub fn fleet(policy: &Policy, scenario: &Scenario, clients: u64) -> Result<Fleet, Error> {
    scenario.check()?;
    policy.check()?;
    if !(1..=CLIENTS_MAX).contains(&clients) {
        let allowed = alloc::format!("a whole number from 1 to {CLIENTS_MAX}");
        return Err(Error::invalid_option("clients", &alloc::format!("{clients}"), &allowed));
    }
    let seconds = usize::try_from(scenario.duration_ms.div_ceil(1_000)).unwrap_or(0);
    let mut all = Fleet { dials: vec![0; seconds], ..Fleet::default() };
    let mut one = scenario.clone();
    for client in 0..clients {
        one.seed = scenario.seed.wrapping_add(client);
        all = play(policy, &one, all);
    }
    all.return_ms.sort_unstable();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::simulate;
    use super::*;
    use crate::policy::{Profile, Source};

    fn of_fleet(cap_ms: u64) -> Policy {
        let mut policy = Policy::of(Profile::Production);
        for (knob, value) in FLEET_KNOBS {
            policy.set(knob, value, Source::Keyword).unwrap();
        }
        policy.server_delay_ms_max = cap_ms;
        policy
    }

    /// The most dials in one second from the last ten of the outage on, the share of dials in all commands
    /// of the outage in percent, and when the last is back.
    fn returned(policy: &Policy, outage_ms: u64, clients: u64) -> (u64, u64, u64) {
        let mut scenario = Scenario::default();
        scenario.until_ms = scenario.from_ms + outage_ms;
        scenario.duration_ms = scenario.until_ms + 2 * policy.server_delay_ms_max;
        let fleet = fleet(policy, &scenario, clients).unwrap();
        assert_eq!(fleet.return_ms.len() as u64, clients, "all are back");
        let back = usize::try_from(scenario.until_ms / 1_000).unwrap();
        let peak = fleet.dials.iter().skip(back - 10).copied().max().unwrap();
        let commands = clients * outage_ms / 1_000 * scenario.calls_per_second;
        let dials = fleet.dials.iter().sum::<u64>() * 100 / commands;
        (peak, dials, fleet.return_ms.last().copied().unwrap())
    }

    #[test]
    fn the_knobs_for_a_fleet_keep_it_from_dialling_at_once() {
        for outage_ms in [60_000, 600_000] {
            let (peak, dials, last_ms) = returned(&of_fleet(100_000), outage_ms, 10_000);
            assert!(peak <= 200, "{peak} of 10,000 in a second after {outage_ms} ms");
            assert!(dials <= 10, "{dials} % of the commands");
            assert!(last_ms <= 100_000, "{last_ms} ms");
            // By default all are back ten times as soon, and come ten times as thick.
            let usual = Policy::of(Profile::Production);
            let (peak, _, last_ms) = returned(&usual, outage_ms, 10_000);
            assert!((1_000..3_000).contains(&peak), "{peak}");
            assert!(last_ms <= 10_000, "{last_ms} ms");
        }
    }

    #[test]
    fn the_cap_for_a_fleet_follows_from_its_size_and_what_a_server_takes() {
        for (clients, dials_a_second) in [(2_000, 100), (10_000, 500), (5_000, 50)] {
            let cap_ms = 2_000 * clients / dials_a_second;
            let (peak, ..) = returned(&of_fleet(cap_ms), 600_000, clients);
            assert!(peak <= dials_a_second, "{peak} of {clients} in a second, cap {cap_ms} ms");
        }
    }

    #[test]
    fn a_fleet_does_what_its_clients_do() {
        let policy = Policy::of(Profile::Production);
        let scenario = Scenario::default();
        let together = fleet(&policy, &scenario, 5).unwrap();
        let (mut dials, mut lines) = (0, 0);
        let mut return_ms = Vec::new();
        for client in 0..5 {
            let one = Scenario { seed: scenario.seed + client, ..scenario.clone() };
            let trace = simulate(&policy, &one).unwrap();
            dials += trace.dials.len() as u64;
            lines += trace.lines.len() as u64;
            return_ms.extend(trace.return_ms);
        }
        return_ms.sort_unstable();
        assert_eq!(together.dials.iter().sum::<u64>(), dials);
        assert_eq!(together.return_ms, return_ms);
        assert_eq!(together.lines, lines);
        assert_eq!(together.dials.len(), 1_200);
    }
}
