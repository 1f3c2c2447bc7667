//! Many clients, a model server and a network with faults in virtual time: `core/src/sim/campaign`.
//!
//! `SIM_SEEDS` (2,000) and `SIM_SEED` (1) make it longer, or another one; `make sim` runs more of them,
//! and one alone step by step. A seed that failed is kept in `tests/sim/seeds.txt`.

use std::thread;

use outlast_core::sim::campaign::{
    Coverage, Happening, Invariant, Outcome, Sabotage, Settings, run,
};

fn number_from(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

/// Runs each seed on one of two threads.
fn run_all(seeds: &[u64], settings: impl Fn(u64) -> Settings + Sync) -> Vec<(u64, Outcome)> {
    let run_each = |seeds: &[u64]| {
        seeds.iter().map(|seed| (*seed, run(*seed, settings(*seed)))).collect::<Vec<_>>()
    };
    let (left, right) = seeds.split_at(seeds.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| run_each(right));
        let mut outcomes = run_each(left);
        outcomes.extend(other.join().expect("no panic"));
        outcomes
    })
}

/// What failed, with the command that replays it.
fn failures(outcomes: &[(u64, Outcome)]) -> Vec<String> {
    let told = |(seed, outcome): &(u64, Outcome)| {
        let first = outcome.violations.first()?;
        Some(format!("{}: {}\n    make sim SEED={seed}", first.invariant, first.what))
    };
    outcomes.iter().filter_map(told).collect()
}

#[test]
fn what_is_promised_holds_through_every_fault() {
    let first = number_from("SIM_SEED", 1);
    let seeds: Vec<u64> = (first..first + number_from("SIM_SEEDS", 2_000)).collect();
    let outcomes = run_all(&seeds, Settings::of);
    let failures = failures(&outcomes);
    assert!(failures.is_empty(), "{} seeds failed:\n{}", failures.len(), failures.join("\n"));
    let mut coverage = Coverage::default();
    for (_, outcome) in &outcomes {
        coverage.merge(&outcome.coverage);
    }
    let never: Vec<&str> = Happening::ALL
        .iter()
        .filter(|happening| coverage.of(**happening) == 0 && !happening.is_hole())
        .map(|happening| happening.words())
        .collect();
    assert!(never.is_empty(), "it never came to: {never:?}");
}

/// Each line of the list: a seed, and what it once showed.
#[test]
fn seeds_that_once_failed_hold() {
    let list = include_str!("../sim/seeds.txt").lines();
    let list = list.filter(|line| !line.starts_with('#') && !line.is_empty());
    let seeds: Vec<u64> = list
        .map(|line| {
            let seed = line.split_whitespace().next().unwrap_or_default();
            seed.parse().unwrap_or_else(|_| panic!("{line:?} does not begin with a seed"))
        })
        .collect();
    assert!(!seeds.is_empty());
    let failures = failures(&run_all(&seeds, Settings::of));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_seed_decides_everything() {
    for seed in 1..=10 {
        let settings = Settings::of(seed).with_trace();
        assert_eq!(run(seed, settings), run(seed, settings));
    }
    let traced = |seed| run(seed, Settings::default().with_trace()).trace;
    assert_ne!(traced(1), traced(2));
}

/// Each rule that is broken on purpose, who notices, and within how many seeds.
const SABOTAGES: &[(Sabotage, Invariant, u64)] = &[
    (Sabotage::DropMarker, Invariant::NothingTwice, 50),
    (Sabotage::NotWatchMarker, Invariant::NothingTwice, 200),
    (Sabotage::ResendRenumbered, Invariant::NothingTwice, 50),
    (Sabotage::BelieveUnanswered, Invariant::NothingLost, 50),
    (Sabotage::SwitchBeforeReplay, Invariant::SwitchClean, 50),
    (Sabotage::ForgetJournal, Invariant::NothingLost, 50),
    (Sabotage::ForgetTombstone, Invariant::NoResurrection, 100),
    (Sabotage::ForgetExpiry, Invariant::NoResurrection, 50),
    (Sabotage::ReorderKey, Invariant::OrderKept, 50),
    (Sabotage::AcknowledgeUnjournalled, Invariant::NothingLost, 50),
    (Sabotage::SplitUnit, Invariant::UnitsWhole, 50),
    (Sabotage::RepeatInDoubt, Invariant::NothingTwice, 50),
    (Sabotage::HideDoubt, Invariant::NothingLost, 50),
    (Sabotage::DenyDoubt, Invariant::DoubtTold, 50),
    (Sabotage::ServeWhenConnected, Invariant::SwitchClean, 200),
    (Sabotage::IgnoreFailedWrite, Invariant::SwitchClean, 50),
    (Sabotage::SpareAbandoned, Invariant::OrderKept, 500),
    (Sabotage::ForgetDeadLetters, Invariant::NothingLost, 100),
    (Sabotage::ServePastDeadline, Invariant::DeadlinesKept, 50),
    (Sabotage::DialWithoutDelay, Invariant::DialsBounded, 50),
    (Sabotage::DialTwice, Invariant::DialsBounded, 50),
    (Sabotage::LogEveryFailure, Invariant::LogsBounded, 50),
];

#[test]
fn what_is_broken_on_purpose_is_noticed() {
    let listed: Vec<Sabotage> = SABOTAGES.iter().map(|(sabotage, ..)| *sabotage).collect();
    assert_eq!(listed, Sabotage::ALL, "each sabotage is listed, in its order");
    for (sabotage, invariant, seeds) in SABOTAGES {
        let notices = |seed: &u64| {
            let outcome = run(*seed, Settings::of(*seed).with_sabotage(*sabotage));
            outcome.violations.iter().any(|violation| violation.invariant == *invariant)
        };
        let seed = (1..=*seeds).find(notices);
        assert!(seed.is_some(), "{}: {invariant} holds for {seeds} seeds", sabotage.code());
    }
}
