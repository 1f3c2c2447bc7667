//! Real outages of a real redis-server, for the clients of the `outlast` crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use outlast::blocking::Client;
use outlast::{Config, ErrorKind, Mode, Value};
use outlast_tests::{Proxy, Recorder, Server, eventually, free_port};

/// How long a call may take beyond its deadline.
const GRACE: Duration = Duration::from_millis(50);

fn client(url: &str, profile: &str, options: &[(&str, &str)]) -> (Client, Arc<Recorder>) {
    let mut builder = Config::builder(url).profile(profile);
    for (name, value) in options {
        builder = builder.option(name, value);
    }
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(builder.build().expect("valid options"), recorder.clone());
    (client, recorder)
}

/// Calls, and fails if it takes longer than a deadline of `timeout_ms` allows.
fn timed(client: &Client, timeout_ms: u64, args: &[&str]) -> Result<Value, outlast::Error> {
    let began = Instant::now();
    let result = client.call(args);
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(timeout_ms) + GRACE, "{args:?} took {took:?}");
    result
}

#[test]
fn a_killed_server_is_outlasted_and_written_back() {
    let mut server = Server::start();
    let (client, log) = client(&server.url(), "production", &[]);
    client.connect().unwrap();
    assert_eq!(client.call(&["SET", "before", "1"]).unwrap(), Value::ok());
    client.call(&["INCRBY", "counter", "5"]).unwrap();
    server.kill();
    assert_eq!(timed(&client, 1_000, &["SET", "during", "2"]).unwrap(), Value::ok());
    assert_eq!(timed(&client, 1_000, &["GET", "during"]).unwrap(), Value::bulk("2"));
    assert_eq!(timed(&client, 1_000, &["INCRBY", "counter", "2"]).unwrap(), Value::Integer(7));
    timed(&client, 1_000, &["DEL", "before"]).unwrap();
    timed(&client, 1_000, &["SET", "short", "x", "PX", "1"]).unwrap();
    assert_eq!(client.status().mode, Mode::Degraded);
    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "during"]), "2");
    assert_eq!(server.cli(&["GET", "counter"]), "7");
    assert_eq!(server.cli(&["EXISTS", "before", "short"]), "0");
    assert_eq!(client.call(&["GET", "during"]).unwrap(), Value::bulk("2"));
    let recoveries = log.lines().iter().filter(|line| line.contains("redis_recovered")).count();
    assert_eq!(recoveries, 1, "{:#?}", log.lines());
    assert!(client.status().replayed >= 4);
}

#[test]
fn what_was_seen_before_is_served_in_the_outage_and_never_after_it() {
    let mut server = Server::start();
    for (shadow, stale_ms_max) in [("true", "3600000"), ("true", "0"), ("false", "3600000")] {
        let is_served = (shadow, stale_ms_max) == ("true", "3600000");
        let options = [("shadow", shadow), ("stale_ms_max", stale_ms_max)];
        let (client, _) = client(&server.url(), "production", &options);
        client.connect().unwrap();
        server.cli(&["SET", "session:7", "ada"]);
        server.cli(&["DEL", "cart:7"]);
        server.cli(&["HSET", "cart:7", "tea", "2"]);
        client.call(&["GET", "session:7"]).unwrap();
        client.call(&["HGETALL", "cart:7"]).unwrap();
        client.call(&["SET", "mine", "1", "EX", "100"]).unwrap();
        server.kill();
        let known = |value: &str| if is_served { Value::bulk(value) } else { Value::Nil };
        assert_eq!(timed(&client, 1_000, &["GET", "session:7"]).unwrap(), known("ada"));
        assert_eq!(timed(&client, 1_000, &["HGET", "cart:7", "tea"]).unwrap(), known("2"));
        let ttl = timed(&client, 1_000, &["TTL", "mine"]).unwrap();
        let is_known = matches!(ttl, Value::Integer(1..=100));
        assert_eq!(is_known, shadow == "true", "{ttl:?}");
        assert_eq!(client.status().journal_keys, 0, "what was only read is not written back");
        server.restart();
        server.cli(&["SET", "session:7", "bob"]);
        eventually("back on Redis", || client.status().redis_connected);
        assert_eq!(client.call(&["GET", "session:7"]).unwrap(), Value::bulk("bob"));
    }
}

#[test]
fn a_frozen_server_costs_one_deadline_at_most() {
    let server = Server::start();
    let options = [("command_timeout_ms", "200"), ("connect_timeout_ms", "300")];
    let (client, _) = client(&server.url(), "production", &options);
    client.connect().unwrap();
    client.call(&["SET", "k", "v"]).unwrap();
    server.freeze();
    let began = Instant::now();
    timed(&client, 200, &["SET", "k", "w"]).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(190), "it waited for its reply");
    assert_eq!(client.status().mode, Mode::Degraded, "a write in doubt must be journalled");
    assert_eq!(timed(&client, 200, &["GET", "k"]).unwrap(), Value::bulk("w"));
    server.thaw();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "k"]), "w");
}

#[test]
fn an_increment_in_doubt_is_not_repeated() {
    let server = Server::start();
    for (on_ambiguous, profile) in [("error", "production"), ("local", "production")] {
        let key = format!("counter:{on_ambiguous}");
        let options = [("command_timeout_ms", "200"), ("on_ambiguous", on_ambiguous)];
        let (client, _) = client(&server.url(), profile, &options);
        client.connect().unwrap();
        server.freeze();
        let result = timed(&client, 200, &["INCR", &key]);
        match on_ambiguous {
            "error" => assert_eq!(result.unwrap_err().kind(), ErrorKind::MaybeApplied),
            _ => assert_eq!(result.unwrap(), Value::Integer(1)),
        }
        server.thaw();
        eventually("back on Redis", || client.status().redis_connected);
        eventually("the server has done what it had", || server.cli(&["GET", &key]) == "1");
    }
}

/// The switch back to Redis happens under the callers' feet: what they are told is counted must be
/// on Redis, through the journal or directly, and nothing twice.
#[test]
fn callers_that_never_pause_lose_nothing_at_the_switch() {
    let mut server = Server::start();
    let (client, _) = client(&server.url(), "production", &[("server_delay_ms_max", "250")]);
    client.connect().unwrap();
    let stop = AtomicBool::new(false);
    let (told, in_doubt) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    match client.call(&["INCR", "n"]) {
                        Ok(_) => told.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
                            in_doubt.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            });
        }
        for _ in 0..5 {
            server.kill();
            eventually("degraded", || client.status().mode == Mode::Degraded);
            server.restart();
            eventually("back on Redis", || client.status().redis_connected);
        }
        stop.store(true, Ordering::Relaxed);
    });
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(client.status().journal_keys, 0, "all of it was written back");
    let counted: u64 = server.cli(&["GET", "n"]).parse().unwrap();
    let (told, in_doubt) = (told.into_inner(), in_doubt.into_inner());
    assert!((told..=told + in_doubt).contains(&counted), "{told} + {in_doubt} ≠ {counted}");
}

/// Redis did what a batch asked for, and its answer was lost: only the marker knows.
#[test]
fn a_batch_whose_answer_is_lost_is_not_done_twice() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    server.cli(&["SET", "counter", "100"]);
    let (client, _) = client(&proxy.url(), "production", &[]);
    client.connect().unwrap();
    proxy.close_new(true);
    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually("the outage is noticed", || client.status().mode == Mode::Degraded);
    for _ in 0..7 {
        client.call(&["INCR", "counter"]).unwrap();
    }
    client.call(&["SET", "k", "v"]).unwrap();
    proxy.swallow_exec_replies(1);
    proxy.close_new(false);
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(proxy.swallowed(), 1, "the answer to the first EXEC was lost");
    assert_eq!(server.cli(&["GET", "counter"]), "107");
    assert_eq!(server.cli(&["GET", "k"]), "v");
    assert_eq!(client.status().replayed, 2);
}

#[test]
fn degraded_calls_take_under_a_millisecond() {
    let mut server = Server::start();
    let (client, _) = client(&server.url(), "production", &[]);
    client.connect().unwrap();
    server.kill();
    client.call(&["GET", "k"]).unwrap();
    let mut took: Vec<Duration> = (0..1_000)
        .map(|_| {
            let began = Instant::now();
            client.call(&["GET", "k"]).unwrap();
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    assert!(took[990] < Duration::from_millis(1), "99 of 100 take {:?}", took[990]);
}

#[test]
fn what_protects_something_shared_is_refused() {
    let mut server = Server::start();
    let (client, _) = client(&server.url(), "production", &[]);
    client.connect().unwrap();
    server.kill();
    let error = client.call(&["SET", "lock", "me", "NX", "EX", "5"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RedisUnavailable, "{error}");
    let error = client.call(&["DUMP", "key"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedLocally, "{error}");
    assert!(error.next_dial_in_ms().is_some(), "{error}");
}

#[test]
fn rules_say_what_is_served_while_redis_is_away() {
    let mut server = Server::start();
    let rules = [("session:*", "session"), ("lock:*", "lock"), ("queue:*", "queue")];
    let config = Config::builder(&server.url()).profile("production").rules(rules).build().unwrap();
    let client = Client::new(config, Arc::new(Recorder::default()));
    client.connect().unwrap();
    assert_eq!(client.call(&["SET", "lock:1", "me", "NX"]).unwrap(), Value::ok());
    server.kill();
    client.call(&["GET", "session:1"]).unwrap();
    let refused = |args: &[&str], message: &str| {
        let error = timed(&client, 0, args).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RedisUnavailable, "{error}");
        assert!(error.message().starts_with(message), "{error}");
        assert!(!error.message().contains("lock:1"), "no key is told: {error}");
    };
    let lock = "is not served from memory (rule \"lock:*\": class lock); redis://";
    refused(&["GET", "lock:1"], &format!("GET {lock}"));
    refused(&["DEL", "lock:1"], &format!("DEL {lock}"));
    refused(&["SET", "lock:1", "me", "NX"], &format!("SET {lock}"));
    refused(&["EVAL", "return redis.call('get', KEYS[1])", "1", "lock:1"], "EVAL is not served");
    assert_eq!(timed(&client, 0, &["RPUSH", "queue:1", "job"]).unwrap(), Value::Integer(1));
    assert_eq!(timed(&client, 0, &["LLEN", "queue:1"]).unwrap(), Value::Integer(1));
    refused(&["LPOP", "queue:1"], "LPOP is not served from memory (rule \"queue:*\": class queue)");
    refused(&["SET", "other", "me", "NX"], "SET is not served from memory (on_guarded: no rule");
    assert_eq!(timed(&client, 0, &["SET", "session:1", "me", "NX"]).unwrap(), Value::ok());
    assert_eq!(client.status().refused, 6);
    assert_eq!(client.status().rules.len(), 3);
    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["LRANGE", "queue:1", "0", "-1"]), "job");
    assert_eq!(server.cli(&["GET", "session:1"]), "me");
    assert_eq!(
        client.call(&["GET", "lock:1"]).unwrap(),
        Value::bulk("me"),
        "Redis knows its locks"
    );
}

/// Whether the pop or the lock was done, memory cannot know, whatever is answered for a counter.
#[test]
fn what_rules_forbid_is_not_answered_locally_in_doubt() {
    let server = Server::start();
    let options = [
        ("command_timeout_ms", "200"),
        ("on_ambiguous", "local"),
        ("rules", "queue:*=queue,hits:*=counter"),
    ];
    let (client, _) = client(&server.url(), "production", &options);
    client.connect().unwrap();
    for args in [&["LPOP", "queue:1"][..], &["SET", "lock", "me", "NX"], &["INCR", "hits:1"]] {
        eventually("back on Redis", || client.status().redis_connected);
        server.freeze();
        let result = timed(&client, 200, args);
        match args {
            ["INCR", ..] => assert_eq!(result.unwrap(), Value::Integer(1)),
            _ => assert_eq!(result.unwrap_err().kind(), ErrorKind::MaybeApplied, "{args:?}"),
        }
        server.thaw();
    }
}

#[test]
fn a_required_startup_fails_with_a_clear_error() {
    let url = format!("redis://user:planted@127.0.0.1:{}", free_port());
    let (client, log) = client(&url, "production", &[]);
    let error = client.connect().unwrap_err();
    let message = error.message().to_string();
    assert!(message.starts_with("Redis is required and was not reached in 3 dials"), "{message}");
    assert!(message.contains("connection_refused") && message.contains("redis://127.0.0.1:"));
    let shown = format!("{message} {client:?} {:?} {:?}", client.status(), log.lines());
    assert!(!shown.contains("planted"), "{shown}");
    let error = client.call(&["GET", "k"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RedisUnavailable);
}

#[test]
fn an_optional_startup_serves_from_memory() {
    for url in ["redis://no-such-host.invalid", &format!("redis://127.0.0.1:{}", free_port())] {
        let (client, _) = client(url, "development", &[]);
        assert_eq!(timed(&client, 1_000, &["SET", "k", "v"]).unwrap(), Value::ok());
        assert_eq!(timed(&client, 1_000, &["GET", "k"]).unwrap(), Value::bulk("v"));
    }
}

#[test]
fn many_threads_share_a_client() {
    let server = Server::start();
    let (client, _) = client(&server.url(), "production", &[("connections_max", "3")]);
    client.connect().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for n in 0..200 {
                    let (key, value) = (format!("k:{thread}"), n.to_string());
                    client.call(&["SET", &key, &value]).unwrap();
                    assert_eq!(client.call(&["GET", &key]).unwrap(), Value::bulk(value));
                    client.call(&["INCR", "all"]).unwrap();
                }
            });
        }
    });
    assert_eq!(server.cli(&["GET", "all"]), "1600");
    let clients = server.cli(&["CLIENT", "LIST"]).lines().count();
    assert!(clients <= 4, "three of ours and redis-cli: {clients}");
}

#[test]
fn closing_twice_is_fine_and_a_closed_client_says_so() {
    let server = Server::start();
    let (client, _) = client(&server.url(), "production", &[]);
    client.connect().unwrap();
    client.close();
    client.close();
    assert_eq!(client.call(&["GET", "k"]).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(client.status().mode, Mode::Closed);
    eventually("its connections are gone", || server.cli(&["CLIENT", "LIST"]).lines().count() == 1);
}

#[test]
fn an_idle_connection_that_dies_is_noticed_without_a_call() {
    let mut server = Server::start();
    let (client, log) = client(&server.url(), "production", &[]);
    client.connect().unwrap();
    server.kill();
    eventually("the outage is noticed", || client.status().mode == Mode::Degraded);
    eventually("and told", || !log.lines().is_empty());
}

#[test]
fn a_connection_closed_while_idle_costs_no_doubt() {
    let server = Server::start();
    let (client, _) = client(&server.url(), "production", &[]);
    client.connect().unwrap();
    client.call(&["INCR", "c"]).unwrap();
    std::thread::scope(|_| server.cli(&["CLIENT", "KILL", "TYPE", "normal"]));
    // Nothing was sent on a dead connection: the increment is not in doubt.
    client.call(&["INCR", "c"]).unwrap();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "c"]), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_tokio_outlast_a_killed_server() {
    let mut server = Server::start();
    let config = Config::builder(&server.url()).profile("production").build().unwrap();
    let log = Arc::new(Recorder::default());
    let client = outlast::Client::new(config, log.clone());
    client.connect().await.unwrap();
    client.call(&["SET", "k", "1"]).await.unwrap();
    let wrong = client.call(&["INCR", "k", "x"]).await.unwrap_err();
    assert_eq!(wrong.message(), "ERR wrong number of arguments for 'incr' command");
    server.kill();
    assert_eq!(client.call(&["SET", "k", "2"]).await.unwrap(), Value::ok());
    assert_eq!(client.call(&["INCR", "n"]).await.unwrap(), Value::Integer(1));
    server.restart();
    let waiting = client.clone();
    let wait = move || eventually("back on Redis", || waiting.status().redis_connected);
    tokio::task::spawn_blocking(wait).await.unwrap();
    assert_eq!(client.call(&["GET", "k"]).await.unwrap(), Value::bulk("2"));
    assert_eq!(server.cli(&["GET", "n"]), "1");
    let recoveries = log.lines().iter().filter(|line| line.contains("redis_recovered")).count();
    assert_eq!(recoveries, 1);
}
