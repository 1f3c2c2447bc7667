//! Runs the simulator on many seeds and tells what happened: `make sim SEEDS=100000 SEED=1`.
//!
//! One seed alone is told step by step. `make sim FLEET=10000` tells how many of so many clients dial at
//! once when Redis is back; `make sim DAY=1000` how long it takes to simulate a day of so many.

#![expect(clippy::disallowed_types, reason = "a person is told how long it took")]

mod fleet;

use std::env;
use std::time::Instant;

use outlast_core::sim::campaign::{Coverage, Happening, Sabotage, Settings, run};

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}: {text:?} is no number")))
}

#[expect(clippy::print_stdout, reason = "it tells a person")]
fn main() {
    if let Some(clients) = number("FLEET") {
        return fleet::table(clients);
    }
    if let Some(clients) = number("DAY") {
        return fleet::time_a_day(clients);
    }
    let first = number("SEED");
    let seeds = number("SEEDS").unwrap_or_else(|| if first.is_some() { 1 } else { 2_000 });
    let first = first.unwrap_or(1);
    let guard = number("GUARD").map(|guard| guard > 0);
    let sabotage = env::var("SABOTAGE").ok().filter(|code| !code.is_empty());
    let sabotage = sabotage
        .map(|code| Sabotage::of(&code).unwrap_or_else(|| panic!("SABOTAGE: {code:?} is unknown")));
    let began = Instant::now();
    let (mut coverage, mut failed) = (Coverage::default(), 0);
    for seed in first..first + seeds {
        let mut settings = Settings::of(seed);
        settings.guard = guard.unwrap_or(settings.guard);
        settings.sabotage = sabotage;
        settings.trace = seeds == 1;
        let outcome = run(seed, settings);
        for line in &outcome.trace {
            println!("{line}");
        }
        for violation in outcome.violations.iter().take(3) {
            println!("seed {seed}: {}: {}", violation.invariant, violation.what);
        }
        failed += u64::from(!outcome.violations.is_empty());
        coverage.merge(&outcome.coverage);
    }
    for happening in Happening::ALL {
        println!("{:>12} {}", coverage.of(*happening), happening.words());
    }
    println!(
        "{seeds} seeds from {first} in {:.1} s, {failed} failed",
        began.elapsed().as_secs_f64()
    );
    assert_eq!(failed, 0, "seeds failed");
}
