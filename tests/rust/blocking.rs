//! Commands that wait, and the shapes of their replies in both protocols: what a front answers is
//! what a real redis-server answers, byte for byte.

use std::collections::BTreeMap;
use std::io::Read;

use outlast_tests::{Peer, Running, Server, eventually};

/// Each block of lines is a scenario for connections of their own, each with a letter:
///
/// ```text
/// a: SET k v; GET k a sends, and the replies come
/// a~2 BLPOP k 0     a sends; now two wait
/// a<                a is answered
/// a! 1              a is gone; now one waits
/// ```
const SCENARIOS: &str = include_str!("../scripts/blocking.txt");

/// The replies of each connection.
type Replies = BTreeMap<char, String>;

/// One side of a comparison.
struct Side {
    port: u16,
    control: Peer,
    protocol: u8,
}

impl Side {
    fn new(port: u16, protocol: u8) -> Self {
        let mut control = Peer::connect(port);
        exchange(&mut control, "FLUSHALL");
        Self { port, control, protocol }
    }

    fn connect(&self) -> Peer {
        let mut peer = Peer::connect(self.port);
        exchange(&mut peer, &format!("HELLO {}", self.protocol));
        peer
    }

    /// Waits until so many wait.
    fn blocked(&mut self, count: &str) {
        let wanted = format!("blocked_clients:{count}\r\n");
        eventually(&wanted, || exchange(&mut self.control, "INFO clients").contains(&wanted));
    }

    fn play(&mut self, scenario: &str) -> Replies {
        let mut peers: BTreeMap<char, Peer> = BTreeMap::new();
        let mut replies = Replies::new();
        for line in scenario.lines() {
            let name = line.chars().next().expect("a letter");
            let mut peer = peers.remove(&name).unwrap_or_else(|| self.connect());
            let rest = &line[2..];
            match line.as_bytes()[1] {
                b':' => {
                    *replies.entry(name).or_default() +=
                        &exchange(&mut peer, &rest.trim().replace("; ", "\r\n"));
                }
                b'<' => *replies.entry(name).or_default() += &exchange(&mut peer, ""),
                b'~' => {
                    let (count, command) = rest.split_once(' ').expect("a number and a command");
                    peer.send(format!("{command}\r\n"));
                    self.blocked(count);
                }
                b'!' => {
                    drop(peer);
                    self.blocked(&rest.trim().replace("; ", "\r\n"));
                    continue;
                }
                _ => panic!("no step: {line}"),
            }
            peers.insert(name, peer);
        }
        replies
    }
}

/// Sends a command, or nothing, and reads all that comes before the reply to a PING.
fn exchange(peer: &mut Peer, command: &str) -> String {
    const MARK: &str = "$8\r\n--mark--\r\n";
    if !command.is_empty() {
        peer.send(format!("{command}\r\n"));
    }
    peer.send("PING --mark--\r\n");
    let (mut got, mut buffer) = (Vec::new(), [0; 4_096]);
    while !got.ends_with(MARK.as_bytes()) {
        let read = peer.0.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            return format!("{} and no more", String::from_utf8_lossy(&got));
        }
        got.extend_from_slice(&buffer[..read]);
    }
    got.truncate(got.len() - MARK.len());
    String::from_utf8_lossy(&got).into_owned()
}

/// Without the times in it: points in time, and how long a consumer was idle.
fn timeless(reply: &str) -> String {
    let mut lines: Vec<&str> = reply.split("\r\n").collect();
    for at in 0..lines.len() {
        let is_moment = lines[at].len() > 12 && lines[at].starts_with(":1");
        if is_moment || at > 0 && lines[at - 1] == "idle" {
            lines[at] = ":time";
        }
    }
    lines.join("\r\n")
}

#[test]
fn who_waits_is_answered_as_redis_answers() {
    let (redis, front) = (Server::start(), Running::start());
    let mut played = 0;
    let mut differences = Vec::new();
    let blocks = SCENARIOS.split("\n\n").map(|block| {
        let lines = block.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.collect::<Vec<_>>().join("\n")
    });
    for scenario in blocks.filter(|block| !block.is_empty()) {
        for protocol in [2, 3] {
            let expected = Side::new(redis.port, protocol).play(&scenario);
            let found = Side::new(front.port, protocol).play(&scenario);
            for (name, expected) in expected {
                let expected = timeless(&expected);
                let found = found.get(&name).map(|found| timeless(found)).unwrap_or_default();
                if found != expected {
                    differences.push(format!(
                        "RESP {protocol}, {name} of\n{scenario}\n  Redis: {expected:?}\n  front: {found:?}"
                    ));
                }
            }
            played += 1;
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(played > 80, "only {played} scenarios");
}
