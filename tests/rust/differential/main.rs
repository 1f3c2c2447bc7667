//! The store beside a real redis-server: the same commands on both, the same replies.
//!
//! `OUTLAST_STORE_COMMANDS` says how many commands to run (200,000), `OUTLAST_STORE_SEED` where the
//! random choice starts. A sequence whose replies differ is shrunk, printed, and kept in
//! `tests/rust/differential/regressions.txt` by whoever mends it.

mod differences;
mod grammar;

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use outlast_core::resp::{Limits, Parser, encode_command};
use outlast_core::store::{Options, Refusal, Store};
use outlast_core::{Timestamp, Value};
use outlast_tests::Server;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

type Command = Vec<Vec<u8>>;

/// Commands in one sequence: enough for keys to meet in many states.
const SEQUENCE_COMMANDS: usize = 100;

/// Redis over a socket, all commands of a sequence in one write.
struct Redis {
    stream: TcpStream,
    parser: Parser,
}

impl Redis {
    fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("the server listens");
        Self { stream, parser: Parser::new(Limits::new(1 << 30)) }
    }

    fn run(&mut self, commands: &[Command]) -> Vec<Value> {
        let mut bytes = Vec::new();
        for command in commands {
            encode_command(command, &mut bytes);
        }
        self.stream.write_all(&bytes).expect("the server takes commands");
        let mut replies = Vec::new();
        let mut buffer = vec![0; 65_536];
        while replies.len() < commands.len() {
            if let Some(reply) = self.parser.next_reply().expect("the server speaks RESP") {
                replies.push(reply);
                continue;
            }
            let read = self.stream.read(&mut buffer).expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            self.parser.feed(&buffer[..read]);
        }
        replies
    }
}

/// What the store answers, in the shapes that a parser of RESP 2 gives.
fn answers(store: &Store, now: Timestamp, commands: &[Command]) -> Vec<Result<Value, Refusal>> {
    let run = |command: &Command| store.execute(now, command, false).map(as_parsed);
    commands.iter().map(run).collect()
}

/// A parser does not tell no list from no value.
fn as_parsed(value: Value) -> Value {
    match value {
        Value::NilArray => Value::Nil,
        Value::Array(items) => Value::Array(items.into_iter().map(as_parsed).collect()),
        value => value,
    }
}

/// Shards of the stores that are compared with Redis: keys lie together, and keys lie apart.
const SHARDS: [usize; 2] = [1, 16];

/// Runs a sequence on all; where a store differs from Redis first.
fn difference(redis: &mut Redis, commands: &[Command]) -> Option<String> {
    redis.run(&[vec![b"FLUSHALL".to_vec()]]);
    let expected = redis.run(commands);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let now = Timestamp::from_ms(u64::try_from(now.as_millis()).expect("this millennium"));
    SHARDS.iter().find_map(|shards| {
        let store = Store::with_options(Options::new(1 << 30).with_shards(*shards));
        let found = answers(&store, now, commands);
        let difference = first_difference(commands, &expected, found)?;
        Some(format!("with {shards} shards, {difference}"))
    })
}

fn first_difference(
    commands: &[Command],
    expected: &[Value],
    found: Vec<Result<Value, Refusal>>,
) -> Option<String> {
    let pairs = commands.iter().zip(expected.iter().zip(found));
    for (at, (command, (expected, found))) in pairs.enumerate() {
        let found = match found {
            Ok(value) => value,
            Err(refusal) => Value::Simple(format!("refused: {refusal:?}")),
        };
        if !differences::are_allowed(command, expected, &found) {
            let lines: Vec<String> = commands[..=at].iter().map(shown).collect();
            let lines = lines.join("\n  ");
            let (expected, found) = (readable(expected), readable(&found));
            return Some(format!("after\n  {lines}\nRedis: {expected}\nstore: {found}"));
        }
    }
    None
}

/// A reply for people.
fn readable(value: &Value) -> String {
    match value {
        Value::Bulk(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(readable).collect();
            format!("[{}]", items.join(", "))
        }
        value => format!("{value:?}"),
    }
}

/// A command as redis-cli takes it.
fn shown(command: &Command) -> String {
    let quoted = |arg: &Vec<u8>| {
        let plain = !arg.is_empty() && arg.iter().all(|byte| (b'!'..=b'~').contains(byte));
        let text = arg.escape_ascii().to_string();
        if plain && text == String::from_utf8_lossy(arg) { text } else { format!("\"{text}\"") }
    };
    command.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn number_from(variable: &str, default: u64) -> u64 {
    let text = env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

#[test]
fn random_commands_are_answered_as_redis_answers_them() {
    let server = Server::start();
    let mut redis = Redis::connect(&server);
    let total = number_from("OUTLAST_STORE_COMMANDS", 200_000);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number_from("OUTLAST_STORE_SEED", 1).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let command = (0..usize::MAX, 0..u64::MAX);
    let sequence = proptest::collection::vec(command, SEQUENCE_COMMANDS);
    let mut done = 0;
    while done < total {
        let tree = sequence.new_tree(&mut runner).expect("nothing is filtered");
        let drawn = tree.current().into_iter().map(|(rule, seed)| grammar::command(rule, seed));
        let drawn: Vec<Command> = drawn.collect();
        done += drawn.len() as u64;
        if let Some(worst) = difference(&mut redis, &drawn) {
            panic!("{}", simplest(&mut redis, drawn, worst));
        }
    }
}

/// The difference in as few commands as still show one.
fn simplest(redis: &mut Redis, mut commands: Vec<Command>, mut worst: String) -> String {
    let mut at = commands.len();
    while at > 0 {
        at -= 1;
        let mut fewer = commands.clone();
        fewer.remove(at);
        if let Some(smaller) = difference(redis, &fewer) {
            (commands, worst) = (fewer, smaller);
        }
    }
    worst
}

#[test]
fn what_differed_once_does_not_differ_again() {
    let server = Server::start();
    let mut redis = Redis::connect(&server);
    let text = include_str!("regressions.txt");
    let sequences = text.split("\n\n").map(|block| {
        let lines = block.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(words).collect::<Vec<Command>>()
    });
    let mut run = 0;
    for sequence in sequences.filter(|sequence| !sequence.is_empty()) {
        assert_eq!(difference(&mut redis, &sequence), None);
        run += 1;
    }
    assert!(run > 0, "the file holds sequences");
}

/// A line in the form of [`shown`].
fn words(line: &str) -> Command {
    let mut words = vec![];
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(unescaped(word));
        rest = behind.trim_start();
    }
    words
}

fn unescaped(word: &str) -> Vec<u8> {
    let (mut bytes, mut chars) = (vec![], word.bytes());
    while let Some(byte) = chars.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match chars.next() {
            Some(b'x') => {
                let digits = [chars.next(), chars.next()].map(Option::unwrap_or_default);
                let text = String::from_utf8_lossy(&digits).into_owned();
                bytes.push(u8::from_str_radix(&text, 16).expect("two hexadecimal digits"));
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    bytes
}
