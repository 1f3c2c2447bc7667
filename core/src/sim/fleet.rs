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
    use crate::policy::Profile;

    #[test]
    fn a_fleet_does_what_its_clients_do() {
        let policy = Policy::of(Profile::Production);
        let scenario = Scenario::default();
        let together = fleet(&policy, &scenario, 5).unwrap();
        let mut dials = 0;
        let mut return_ms = Vec::new();
        for client in 0..5 {
            let one = Scenario { seed: scenario.seed + client, ..scenario.clone() };
            let trace = simulate(&policy, &one).unwrap();
            dials += trace.dials.len() as u64;
            return_ms.extend(trace.return_ms);
        }
        return_ms.sort_unstable();
        assert_eq!(together.dials.iter().sum::<u64>(), dials);
        assert_eq!(together.return_ms, return_ms);
        assert_eq!(together.dials.len(), 1_200);
    }
}
