//! The script that Redis runs counts as a process does by itself: the same requests at the same times,
//! on a real redis-server, in the store's Lua, and in the core.

use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Config, Error, TracingSink, Value};
use outlast_core::Timestamp;
use outlast_core::rate_limit::{Limit, LocalCounts, SCRIPT, Verdict};
use outlast_core::rng::Rng;
use outlast_tests::{Server, free_port};

/// The script with a clock that the test sets.
fn script() -> String {
    let told = "redis.call('TIME')";
    assert!(SCRIPT.contains(told));
    SCRIPT.replace(told, "{ARGV[5], ARGV[6]}")
}

fn counted(client: &Client, key: &str, limit: &Limit, now_ms: u64) -> Result<Verdict, Error> {
    let seconds = (now_ms / 1_000).to_string();
    let micros = (now_ms % 1_000 * 1_000 + 999).to_string();
    let script = script();
    let mut args = vec!["EVAL", &script, "1", key];
    let arguments = limit.arguments();
    args.extend(arguments.iter().map(String::as_str));
    args.extend([seconds.as_str(), micros.as_str()]);
    let Value::Array(answer) = client.call(&args)? else {
        panic!("the script answers a list");
    };
    let number = |value: &Value| match value {
        Value::Integer(number) => *number,
        other => panic!("no number: {other:?}"),
    };
    let answer: Vec<i64> = answer.iter().map(number).collect();
    Ok(limit.answered(&answer).expect("an answer of the script"))
}

fn client(url: &str, profile: &str) -> Client {
    let config = Config::builder(url).profile(profile).build().expect("valid options");
    Client::new(config, Arc::new(TracingSink::default()))
}

fn compare(client: &Client, seed: u64) {
    let mut rng = Rng::new(seed);
    let mut refused = 0;
    for round in 0..60 {
        let window = if round % 2 == 0 { "sliding" } else { "fixed" };
        let (most, window_ms) = (rng.between(1, 12), rng.between(1_000, 5_000));
        let mut counts = LocalCounts::new();
        let key = format!("rl:{seed}:{round}");
        let mut now_ms = 1_800_000_000_000 + rng.between(0, 10_000);
        for _ in 0..30 {
            now_ms += rng.between(0, window_ms / 3 + 1);
            let limit = Limit::new(most, window_ms, rng.between(1, most), window).expect("valid");
            let expected = counts.take(Timestamp::from_ms(now_ms), key.as_bytes(), &limit);
            let found = counted(client, &key, &limit, now_ms).expect("an answer");
            // The server's own clock is not to end what the test's has not.
            client.call(&["PERSIST", key.as_str()]).expect("an answer");
            assert_eq!(found, expected, "seed {seed}, round {round}: {limit:?} at {now_ms}");
            refused += usize::from(!found.allowed);
        }
    }
    assert!(refused > 100, "limits were reached: {refused}");
}

#[test]
fn redis_counts_as_a_process_does() {
    let server = Server::start();
    compare(&client(&server.url(), "production"), 11);
}

#[test]
fn so_does_the_store() {
    compare(&client(&format!("redis://127.0.0.1:{}", free_port()), "test"), 12);
}

#[test]
fn the_script_as_it_is_runs_on_redis() {
    let server = Server::start();
    let client = client(&server.url(), "production");
    let limit = Limit::new(2, 3_600_000, 1, "sliding").expect("valid");
    let arguments = limit.arguments();
    let mut args = vec!["EVAL", SCRIPT, "1", "rl"];
    args.extend(arguments.iter().map(String::as_str));
    let allowed: Vec<Value> = (0..3)
        .map(|_| match client.call(&args).expect("an answer") {
            Value::Array(mut answer) => answer.remove(0),
            other => panic!("no list: {other:?}"),
        })
        .collect();
    assert_eq!(allowed, [Value::Integer(1), Value::Integer(1), Value::Integer(0)]);
    let ttl: i64 = server.cli(&["PTTL", "rl"]).trim().parse().expect("a number");
    assert!((7_100_000..=7_200_000).contains(&ttl), "{ttl}");
}
