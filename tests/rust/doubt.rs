//! Commands that come back to be sent a second time: a write whose first sending got no reply is never
//! told as not done, whatever becomes of the second, and only so many are repeated.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use outlast::hosted::{self, Readiness, Socket, Submission};
use outlast::{Config, ErrorKind, Value, blocking};
use outlast_tests::{Proxy, Recorder, Server, eventually};

/// More than the journal takes.
const LARGE: usize = 4_096;
const OPTIONS: &[(&str, &str)] =
    &[("journal_bytes_max", "1024"), ("store_bytes_max", "65536"), ("connections_max", "1")];

fn config(proxy: &Proxy, timeout_ms: u64) -> Config {
    config_with(proxy, timeout_ms, OPTIONS)
}

fn config_with(proxy: &Proxy, timeout_ms: u64, options: &[(&str, &str)]) -> Config {
    let builder = Config::builder(&proxy.url()).profile("production");
    let builder = builder.option("command_timeout_ms", &timeout_ms.to_string());
    let builder =
        options.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
    builder.build().expect("valid options")
}

/// An event loop with one client.
struct Loop {
    client: hosted::Client,
    socket: Option<OwnedFd>,
    settled: Vec<hosted::Settlement>,
}

impl Loop {
    fn new(config: Config) -> Self {
        let client = hosted::Client::new(config, Arc::new(Recorder::default()), || ());
        client.start();
        Self { client, socket: None, settled: Vec::new() }
    }

    fn turn(&mut self) {
        let turn = self.client.turn();
        self.settled.extend(turn.settlements);
        match turn.socket {
            Socket::Adopt(socket) => self.socket = Some(socket),
            Socket::Close => self.socket = None,
            _ => {}
        }
    }

    fn adopt(&mut self) {
        self.socket = None;
        eventually("a connection of the loop", || {
            self.turn();
            self.socket.is_some()
        });
    }

    fn submit(&self, args: &[&str]) {
        let args = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        let submitted = self.client.submit(args).expect("room for it");
        assert!(matches!(submitted, Submission::Pending(_)), "{submitted:?}");
    }

    /// Has the connection given up and another made, while the loop is busy elsewhere.
    fn reconnect(&self) {
        self.client.cause_outage("lost").expect("a cause");
        eventually("the connection was given up", || !self.client.is_connected());
        self.client.end_outage();
        eventually("back on Redis", || self.client.is_connected());
    }

    fn write(&self) {
        let moved = self.client.write_to(self.socket.as_ref().expect("a socket"));
        assert_eq!(moved.socket, Readiness::Ready);
    }
}

#[test]
fn a_write_of_a_loop_that_is_sent_again_and_refused_stays_in_doubt() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let mut host = Loop::new(config(&proxy, 60_000));
    host.adopt();
    let large = "x".repeat(LARGE);
    host.submit(&["SET", "k", &large]);
    host.write();
    eventually("the first sending was done", || server.cli(&["STRLEN", "k"]) == LARGE.to_string());
    host.reconnect();
    host.adopt();
    assert!(host.settled.is_empty(), "it waits for its second sending: {:?}", host.settled);
    // That is not even begun when this connection ends too, and the journal has no room for it.
    host.settled.extend(host.client.lost(None));
    let [ended] = host.settled.as_slice() else { panic!("{:?}", host.settled) };
    let error = ended.result.as_ref().expect_err("the journal is full");
    assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
}

#[test]
fn a_write_of_a_loop_whose_time_is_up_is_not_sent_again() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let mut host = Loop::new(config(&proxy, 500));
    host.adopt();
    host.submit(&["SET", "k", "1"]);
    host.write();
    eventually("the first sending was done", || server.cli(&["GET", "k"]) == "1");
    server.cli(&["SET", "k", "2"]);
    let due = std::time::Instant::now() + Duration::from_millis(500);
    host.reconnect();
    eventually("its deadline", || std::time::Instant::now() > due);
    host.adopt();
    let [ended] = host.settled.as_slice() else { panic!("{:?}", host.settled) };
    let error = ended.result.as_ref().expect_err("it is too late");
    assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
    assert!(host.client.is_connected(), "that is no failure of Redis");
    assert_eq!(server.cli(&["GET", "k"]), "2");
}

#[test]
fn a_write_of_a_thread_that_is_sent_again_and_refused_stays_in_doubt() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let client = blocking::Client::new(config(&proxy, 1_000), Arc::new(Recorder::default()));
    client.connect().expect("Redis is there");
    // The reply to what looks like an EXEC is lost.
    proxy.swallow_exec_replies(1);
    let large = format!("EXEC{}", "x".repeat(LARGE - 4));
    let write = ["SET", "k", large.as_str()];
    let begin = |args: &[&str]| match client.begin_call(args, Duration::ZERO) {
        Ok(Err(begun)) => begun,
        other => panic!("it was to be waited for: {other:?}"),
    };
    let first = begin(&write);
    eventually("the first sending was done", || server.cli(&["STRLEN", "k"]) == LARGE.to_string());
    client.cause_outage("lost").expect("a cause");
    eventually("the connection was given up", || !client.is_connected());
    client.end_outage();
    eventually("back on Redis", || client.is_connected());
    proxy.hold();
    // The only connection is in use, so that the second sending finds none.
    let second = begin(&["GET", "k"]);
    let error = client.end_call(&write, first, &|| Ok(())).expect_err("the journal is full");
    assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
    proxy.release();
    drop(second);
    eventually("back on Redis", || client.is_connected());
    assert_eq!(client.call(&["GET", "k"]), Ok(Value::bulk(large)));
}

/// Commands of one round that have reached the server, and as many that have not left.
const EACH: u64 = 200;
const ROUNDS: u64 = 12;
const BURST: u64 = 50;
const QUOTA_SPENT: &str = "for too many were (retry_quota_percent 10)";

/// How often the server was called so.
fn calls(server: &Server, name: &str) -> u64 {
    let statistics = server.cli(&["INFO", "commandstats"]);
    let line = statistics.lines().find_map(|line| {
        line.strip_prefix(&format!("cmdstat_{name}:calls="))?.split(',').next()?.parse().ok()
    });
    line.unwrap_or(0)
}

/// Connections are lost under load, and are there again before their commands are looked at: all come
/// back to be repeated.
#[test]
fn a_tenth_of_the_load_is_repeated_and_the_rest_is_told() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let burst = BURST.to_string();
    let options = [("retry_quota_burst", burst.as_str()), ("server_delay_ms", "1")];
    let mut host = Loop::new(config_with(&proxy, 60_000, &options));
    host.adopt();
    let sent = |round: u64| (0..EACH).map(move |n| format!("sent:{}", round * EACH + n));
    let unsent = |round: u64| (0..EACH).map(move |n| format!("unsent:{}", round * EACH + n));
    for round in 0..ROUNDS {
        sent(round).for_each(|key| host.submit(&["SET", &key, "1"]));
        host.write();
        let keys = ((round + 1) * EACH).to_string();
        eventually("the first sendings", || calls(&server, "set").to_string() >= keys);
        unsent(round).for_each(|key| host.submit(&["RPUSH", "all", &key]));
        host.reconnect();
        host.adopt();
        host.write();
        let ended = usize::try_from((round + 1) * EACH * 2).expect("a small number");
        eventually("each has ended", || {
            host.settled.extend(host.client.read_from(host.socket.as_ref().unwrap()).settlements);
            host.settled.len() >= ended
        });
    }
    let offered = ROUNDS * EACH * 2;
    let repeated = calls(&server, "set") - ROUNDS * EACH + calls(&server, "rpush");
    assert!(repeated <= offered / 10 + BURST, "{repeated} of {offered}");
    assert!(repeated > offered / 20, "no more than {repeated} of {offered}");
    check_told(&server, &mut host.settled, offered);
}

/// What is told as done was done once; what is told as not done was not; and of what may have been done
/// no more is said.
fn check_told(server: &Server, settled: &mut [hosted::Settlement], offered: u64) {
    settled.sort_by_key(|ended| ended.command);
    assert_eq!(settled.len() as u64, offered);
    let list = server.cli(&["LRANGE", "all", "0", "-1"]);
    let mut refused = 0;
    for ended in settled {
        let (round, place) = (ended.command / (EACH * 2), ended.command % (EACH * 2));
        let number = round * EACH + place % EACH;
        if place < EACH {
            match &ended.result {
                Ok(value) => assert_eq!(*value, Value::ok()),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
                    assert!(error.message().contains(QUOTA_SPENT), "{error}");
                }
            }
            continue;
        }
        let key = format!("unsent:{number}");
        let times = list.lines().filter(|line| *line == key).count();
        assert_eq!(times, usize::from(ended.result.is_ok()), "{key}: {:?}", ended.result);
        if let Err(error) = &ended.result {
            refused += 1;
            assert_eq!(error.kind(), ErrorKind::RedisUnavailable, "{error}");
            assert!(error.message().contains(QUOTA_SPENT), "{error}");
        }
    }
    assert!(refused > 0, "all were repeated");
}
