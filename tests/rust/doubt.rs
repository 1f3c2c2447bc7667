//! A write whose first sending got no reply is never told as not done, whatever becomes of the second.

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
    let builder = Config::builder(&proxy.url()).profile("production");
    let builder = builder.option("command_timeout_ms", &timeout_ms.to_string());
    let builder =
        OPTIONS.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
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
    assert_eq!(client.call(&["STRLEN", "k"]), Ok(Value::Integer(LARGE as i64)));
}
