//! What a fleet does when Redis is back: how many of its clients dial at once, and when they are back.

use std::time::Instant;

use outlast_core::FailureKind;
use outlast_core::policy::{Policy, Profile, Source};
use outlast_core::sim::{FLEET_KNOBS, Fleet, Scenario, fleet, simulate};

fn scenario_of(kind: FailureKind, seed: u64) -> Scenario {
    let mut scenario = Scenario::default();
    (scenario.kind, scenario.seed, scenario.calls_per_second) = (kind, seed, 1);
    (scenario.until_ms, scenario.duration_ms) = (86_400_000, 86_800_000);
    scenario
}

/// One day of so many clients, as the devtools page may ask for.
#[expect(clippy::print_stdout, reason = "it tells a person")]
pub(crate) fn time_a_day(clients: u64) {
    let policy = Policy::of(Profile::Production);
    for kind in [FailureKind::DnsError, FailureKind::ConnectionRefused] {
        let began = Instant::now();
        let mut dials = 0;
        for seed in 0..clients {
            dials +=
                simulate(&policy, &scenario_of(kind, seed)).map_or(0, |trace| trace.dials.len());
        }
        let seconds = began.elapsed().as_secs_f64();
        println!("{kind}: a day of {clients} clients, {dials} dials: {seconds:.2} s");
        let began = Instant::now();
        let all = fleet(&policy, &scenario_of(kind, 0), clients).expect("a valid scenario");
        let seconds = began.elapsed().as_secs_f64();
        let dials: u64 = all.dials.iter().sum();
        println!("{kind}: the same as a fleet, {dials} dials: {seconds:.2} s");
    }
}

/// Peak of the dials in a second from the return on, as hundredths of a percent of the fleet.
fn peak(fleet: &Fleet, scenario: &Scenario, clients: u64) -> f64 {
    let back = usize::try_from(scenario.until_ms / 1_000).unwrap_or(0);
    // The last ten seconds of the outage show what goes on until then.
    let after = fleet.dials.iter().skip(back.saturating_sub(10));
    share(after.copied().max().unwrap_or(0), clients)
}

#[expect(clippy::cast_precision_loss, reason = "a share is shown rounded")]
fn share(part: u64, all: u64) -> f64 {
    100.0 * part as f64 / all as f64
}

/// Prints, for several schedules and outages, the peak of dials beside the time until clients are back.
#[expect(clippy::print_stdout, reason = "it tells a person")]
pub(crate) fn table(clients: u64) {
    println!(
        "{clients} clients, each with 10 commands a second; peak: dials in one second from the return on;\n\
         dials: their share of the commands of the outage"
    );
    println!(
        "{:<44} {:>8} {:>7} {:>7} {:>8} {:>8} {:>8}",
        "schedule", "outage", "peak", "dials", "back p50", "p99", "last"
    );
    for (name, kind, knobs) in SCHEDULES {
        for outage_s in [60, 600, 3_600] {
            let mut policy = Policy::of(Profile::Production);
            for (knob, value) in *knobs {
                policy.set(knob, value, Source::Keyword).expect("a valid knob");
            }
            let mut scenario = Scenario::default();
            (scenario.kind, scenario.calls_per_second) = (*kind, 10);
            scenario.until_ms = scenario.from_ms + outage_s * 1_000;
            scenario.duration_ms = scenario.until_ms + 320_000;
            let fleet = fleet(&policy, &scenario, clients).expect("a valid scenario");
            let of =
                |percent: usize| fleet.return_ms.get((fleet.return_ms.len() - 1) * percent / 100);
            let back = [50, 99, 100].map(|percent| of(percent).map_or(0, |ms| ms / 1_000));
            let dials: u64 = fleet.dials.iter().sum();
            println!(
                "{name:<44} {outage_s:>6} s {:>6.2}% {:>6.2}% {:>6} s {:>6} s {:>6} s",
                peak(&fleet, &scenario, clients),
                share(dials, clients * outage_s * 10),
                back[0],
                back[1],
                back[2]
            );
        }
    }
}

type Knobs = &'static [(&'static str, &'static str)];

const SCHEDULES: &[(&str, FailureKind, Knobs)] = &[
    ("infrastructure: 1 s x2 cap 300 s, 20 %", FailureKind::DnsError, &[]),
    ("server: 250 ms x1.5 cap 10 s, 20 % (default)", FailureKind::ConnectionRefused, &[]),
    ("server: 250 ms x4 cap 100 s, 50 % (fleets)", FailureKind::ConnectionRefused, &FLEET_KNOBS),
];
