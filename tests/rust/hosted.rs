//! Pipelines of the client for event loops, which a host drives here by hand, on a real server that goes
//! away under them.

#![cfg(unix)]

use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use outlast::hosted::{Client, Settlement, Socket, Submission};
use outlast::{Config, Error, ErrorKind, Value};
use outlast_core::resp::Commands;
use outlast_tests::{Proxy, Recorder, Server, eventually};

/// How long the host waits before it looks again.
const PATIENCE: Duration = Duration::from_millis(5);

type Ended = Vec<Result<Value, Error>>;

/// An event loop of one client.
struct Host {
    client: Client,
    woken: Receiver<()>,
    socket: Option<TcpStream>,
    settlements: Vec<Settlement>,
}

impl Host {
    fn new(url: &str, options: &[(&str, &str)]) -> Self {
        let mut builder = Config::builder(url).profile("production");
        let quick =
            [("server_delay_ms", "20"), ("server_delay_ms_max", "100"), ("jitter_percent", "0")];
        for (name, value) in quick.iter().chain(options) {
            builder = builder.option(name, value);
        }
        let config = builder.build().expect("valid options");
        let (wake, woken) = channel();
        let sink = Arc::new(Recorder::default());
        let client = Client::new(config, sink, move || {
            let _ = wake.send(());
        });
        let mut host = Self { client, woken, socket: None, settlements: Vec::new() };
        host.client.start();
        host.until(|host| host.client.is_connected() && host.socket.is_some());
        host
    }

    /// One turn: what is due, and bytes both ways.
    fn turn(&mut self) {
        let turn = self.client.turn();
        self.settlements.extend(turn.settlements);
        match turn.socket {
            Socket::Close => self.socket = None,
            Socket::Adopt(socket) => self.socket = Some(TcpStream::from(socket)),
            _ => {}
        }
        let Some(mut socket) = self.socket.as_ref() else {
            let _ = self.woken.recv_timeout(PATIENCE);
            return;
        };
        let written = self.client.write_into(socket);
        let mut bytes = vec![0; 64 * 1_024];
        socket.set_nonblocking(false).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let read = socket.read(&mut bytes);
        socket.set_nonblocking(true).expect("a socket");
        let lost = match (read, written) {
            (Ok(0), _) => Some(None),
            (Ok(read), _) => {
                self.settlements.extend(self.client.receive(&bytes[..read]));
                None
            }
            (Err(error), Ok(_)) if error.kind() == io::ErrorKind::WouldBlock => None,
            (Err(error), _) => Some(Some(error.to_string())),
        };
        if let Some(error) = lost {
            self.socket = None;
            self.settlements.extend(self.client.lost(error.as_deref()));
        }
    }

    fn until(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(10), "it does not come to pass");
            self.turn();
        }
    }

    fn submit(&self, lines: &str) -> Submission {
        let commands: Vec<Vec<&str>> =
            lines.split("; ").map(|line| line.split(' ').collect()).collect();
        self.client.submit_pipeline(Commands::of(&commands))
    }

    /// How each command of a pipeline ended.
    fn piped(&mut self, lines: &str) -> Ended {
        match self.submit(lines) {
            Submission::SettledEach(ended) => ended,
            Submission::Pending(number) => self.ended(number),
            other => panic!("{other:?}"),
        }
    }

    fn ended(&mut self, number: u64) -> Ended {
        self.until(|host| host.settlements.iter().any(|one| one.command == number));
        let at =
            self.settlements.iter().position(|one| one.command == number).expect("it has ended");
        self.settlements.remove(at).parts
    }
}

fn kinds(ended: &Ended) -> Vec<Option<ErrorKind>> {
    ended.iter().map(|result| result.as_ref().err().map(Error::kind)).collect()
}

#[test]
fn each_command_of_a_pipeline_has_its_own_answer() {
    let server = Server::start();
    let mut host = Host::new(&server.url(), &[]);
    let ended = host.piped("SET k 1; INCR k; LPUSH k x; MULTI; GET k; PING");
    let (wrong, refused) = (Some(ErrorKind::Command), Some(ErrorKind::InvalidArgument));
    assert_eq!(kinds(&ended), [None, None, wrong, refused, None, None]);
    assert_eq!(ended[1], Ok(Value::Integer(2)));
    assert_eq!(ended[4], Ok(Value::bulk("2")));
    assert_eq!(host.client.status().served_by_redis, 5);
}

#[test]
fn what_is_beyond_a_limit_is_refused_and_the_rest_is_done() {
    let server = Server::start();
    let mut host = Host::new(&server.url(), &[("in_flight_max", "3")]);
    let Submission::Pending(first) = host.submit("INCR n; INCR n") else { panic!("it waits") };
    let Submission::Pending(second) = host.submit("INCR n; INCR n; INCR n") else {
        panic!("it waits")
    };
    let Submission::SettledEach(third) = host.submit("INCR n") else { panic!("there is no room") };
    assert_eq!(kinds(&third), [Some(ErrorKind::LimitReached)]);
    assert_eq!(host.ended(first), [Ok(Value::Integer(1)), Ok(Value::Integer(2))]);
    let second = host.ended(second);
    assert_eq!(second[0], Ok(Value::Integer(3)));
    assert_eq!(kinds(&second[1..].to_vec()), [Some(ErrorKind::LimitReached); 2]);
    assert_eq!(host.piped("INCR n; INCR n; INCR n").len(), 3, "there is room again");
    assert_eq!(server.cli(&["GET", "n"]), "6");
}

#[test]
fn a_pipeline_that_is_cut_goes_on_command_by_command() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let lines = vec!["INCR n"; 50].join("; ") + "; SET last 1";
    let (mut cut_inside, mut doubtful) = (0, 0);
    for cut in (60..1_200).step_by(57) {
        server.cli(&["FLUSHALL"]);
        let mut host = Host::new(&proxy.url(), &[]);
        proxy.cut_next_after([cut]);
        // The connection stands already: the cut is for the one after it.
        proxy.cut_all();
        host.until(|host| !host.client.is_connected());
        host.until(|host| host.client.is_connected() && host.socket.is_some());
        let ended = host.piped(&lines);
        assert_eq!(ended.len(), 51);
        assert_eq!(ended.last(), Some(&Ok(Value::ok())), "a SET may be done twice");
        let told = ended[..50].iter().filter(|result| result.is_ok()).count();
        let in_doubt = |kind: &&Option<ErrorKind>| **kind == Some(ErrorKind::MaybeApplied);
        let maybe = kinds(&ended)[..50].iter().filter(in_doubt).count();
        assert_eq!(told + maybe, 50, "{ended:?}");
        host.until(|host| host.client.status().redis_connected);
        let counted: usize = server.cli(&["GET", "n"]).parse().unwrap_or(0);
        assert!((told..=told + maybe).contains(&counted), "{counted}, told {told}, maybe {maybe}");
        assert_eq!(server.cli(&["GET", "last"]), "1");
        cut_inside += usize::from((1..50).contains(&counted));
        doubtful += maybe;
    }
    assert!(cut_inside > 0 && doubtful > 0, "no cut hit a pipeline in the middle");
}

#[test]
fn one_deadline_holds_for_a_whole_pipeline() {
    let server = Server::start();
    let mut host = Host::new(&server.url(), &[("command_timeout_ms", "200")]);
    host.piped("SET k 1");
    server.freeze();
    let began = Instant::now();
    let ended = host.piped("GET k; SET k 2; INCR n; GET k");
    let took = began.elapsed();
    server.thaw();
    assert!(took >= Duration::from_millis(150), "it was given a chance: {took:?}");
    assert_eq!(kinds(&ended), [None, None, Some(ErrorKind::MaybeApplied), None]);
    assert_eq!(ended[3], Ok(Value::bulk("2")));
}

#[test]
fn a_pipeline_is_answered_from_memory_and_written_back() {
    let mut server = Server::start();
    let mut host = Host::new(&server.url(), &[]);
    host.piped("SET n 5; RPUSH list a");
    server.kill();
    host.until(|host| !host.client.is_connected());
    let ended = host.piped("INCRBY n 2; SETNX lock 1; GET n");
    assert_eq!(kinds(&ended), [None, Some(ErrorKind::RedisUnavailable), None]);
    assert_eq!(ended[2], Ok(Value::bulk("7")));
    server.restart();
    host.until(|host| host.client.status().redis_connected);
    eventually("it is written back", || server.cli(&["GET", "n"]) == "7");
    host.client.close();
    assert_eq!(kinds(&host.piped("GET n")), [Some(ErrorKind::Closed)]);
}
