//! Where the command table finds keys, and where a real redis-server does.

use std::io::{Read, Write};
use std::net::TcpStream;

use outlast_core::Value;
use outlast_core::command::{Command, keys};
use outlast_core::resp::{Limits, Parser, encode_command};
use outlast_tests::Server;

/// A well-formed call of each command whose shortest one does not do.
const CALLS: &[&str] = &[
    "BITFIELD k GET u8 0",
    "BITFIELD k OVERFLOW SAT INCRBY u8 0 1",
    "BITOP AND d a b c",
    "BLMPOP 0 2 a b LEFT",
    "BLPOP a b c 0",
    "BZMPOP 0 2 a b MIN",
    "BZPOPMAX a b 0",
    "BZPOPMIN a b 0",
    "BRPOP a b 0",
    "DEL a b c",
    "EVAL s 0 x",
    "EVAL s 2 a b x",
    "EVALSHA s 2 a b x",
    "EVALSHA_RO s 2 a b x",
    "EVAL_RO s 2 a b x",
    "FCALL f 2 a b x",
    "FCALL_RO f 2 a b x",
    "GEORADIUS k 1 2 3 m",
    "GEORADIUS k 1 2 3 m COUNT 1 STORE d",
    "GEORADIUS k 1 2 3 m STORE d STOREDIST e",
    "GEORADIUSBYMEMBER k x 3 m STOREDIST d",
    "LMPOP 2 a b LEFT COUNT 2",
    "MGET a b c",
    "MIGRATE h 1 k 0 1",
    "MIGRATE h 1 k 0 1 COPY AUTH keys",
    "MIGRATE h 1  0 1 REPLACE AUTH2 keys keys KEYS a b c",
    "MSET a 1 b 2",
    "MSETNX a 1 b 2",
    "PFCOUNT a b",
    "PFMERGE d a b",
    "SDIFF a b",
    "SDIFFSTORE d a b",
    "SET k v EX 10 GET",
    "SINTERCARD 2 a b LIMIT 1",
    "SORT k",
    "SORT k BY store GET GET LIMIT 0 1 STORE d",
    "SORT k STORE d STORE e",
    "SORT_RO k BY x GET y",
    "SUNIONSTORE d a b",
    "TOUCH a b",
    "WATCH a b",
    "XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0",
    "XREADGROUP GROUP STREAMS c COUNT 1 STREAMS a b > >",
    "ZDIFF 2 a b WITHSCORES",
    "ZDIFFSTORE d 2 a b",
    "ZINTER 2 a b WEIGHTS 1 2",
    "ZINTERCARD 2 a b LIMIT 1",
    "ZINTERSTORE d 2 a b",
    "ZMPOP 2 a b MIN COUNT 3",
    "ZUNION 2 a b",
    "ZUNIONSTORE d 2 a b WEIGHTS 1 2 AGGREGATE MAX",
];

const CALLS_MADE_UP: usize = 20_000;

struct Client {
    stream: TcpStream,
    parser: Parser,
}

impl Client {
    fn of(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("the server listens");
        Self { stream, parser: Parser::new(Limits::new(1 << 20)) }
    }

    /// The keys that the server finds, each with its flags, or its error.
    fn keys(&mut self, call: &[&str]) -> Result<Vec<(String, Vec<String>)>, String> {
        let mut bytes = Vec::new();
        encode_command(&[&["COMMAND", "GETKEYSANDFLAGS"], call].concat(), &mut bytes);
        self.stream.write_all(&bytes).expect("the server reads");
        let mut buffer = [0; 4_096];
        let reply = loop {
            if let Some(reply) = self.parser.next_reply().expect("a reply") {
                break reply;
            }
            let count = self.stream.read(&mut buffer).expect("the server answers");
            self.parser.feed(&buffer[..count]);
        };
        match reply {
            Value::Array(keys) => Ok(keys.iter().map(key_of).collect()),
            Value::Error(message) => Err(message),
            other => panic!("{call:?}: {other:?}"),
        }
    }
}

fn key_of(value: &Value) -> (String, Vec<String>) {
    let Value::Array(parts) = value else { panic!("not a key: {value:?}") };
    let [Value::Bulk(key), Value::Array(flags)] = parts.as_slice() else {
        panic!("not a key: {value:?}")
    };
    let name = |flag: &Value| match flag {
        Value::Simple(name) => name.clone(),
        other => panic!("not a flag: {other:?}"),
    };
    (String::from_utf8_lossy(key).into_owned(), flags.iter().map(name).collect())
}

/// The keys that the table finds; none if it says that it cannot tell.
fn told(call: &[&str]) -> Option<Vec<(String, Vec<String>)>> {
    let keys = keys(call).ok()?;
    let told = |at: usize| call[at].to_owned();
    Some(keys.map(|key| (told(key.at), key.flags.names().map(str::to_owned).collect())).collect())
}

fn known() -> impl Iterator<Item = &'static Command> {
    Command::all().iter().filter(|command| command.is_of_server())
}

#[test]
fn every_command_with_keys_has_them_where_redis_has_them() {
    let server = Server::start();
    let mut client = Client::of(&server);
    let mut seen = Vec::new();
    let shortest = known().filter(|command| command.has_keys()).map(|command| {
        let mut call: Vec<_> = command.name.split(' ').collect();
        call.resize(usize::from(command.arity.unsigned_abs()), "1");
        call
    });
    let calls = CALLS.iter().map(|call| call.split(' ').collect());
    for call in shortest.chain(calls).collect::<Vec<Vec<_>>>() {
        if let Some(keys) = told(&call) {
            assert_eq!(Ok(&keys), client.keys(&call).as_ref(), "{call:?}");
            seen.extend(Command::of(&call).filter(|_| !keys.is_empty()).map(Command::index));
        } else {
            // A script's wrong number of keys counts as none there.
            assert!(client.keys(&call).unwrap_or_default().is_empty(), "{call:?}");
        }
    }
    let missing: Vec<_> =
        known().filter(|command| command.has_keys() && !seen.contains(&command.index())).collect();
    assert!(missing.is_empty(), "no well-formed call of {missing:?}");
}

#[test]
fn keys_of_made_up_calls_are_where_redis_has_them() {
    const WORDS: [&str; 20] = [
        "0",
        "1",
        "2",
        "3",
        "a",
        "b",
        "",
        "x",
        "STORE",
        "store",
        "STOREDIST",
        "BY",
        "GET",
        "LIMIT",
        "STREAMS",
        "BLOCK",
        "KEYS",
        "AUTH",
        "AUTH2",
        "SET",
    ];
    let server = Server::start();
    let mut client = Client::of(&server);
    let commands: Vec<_> = known().filter(|command| command.has_keys()).collect();
    let mut random = 1_u64;
    let mut below = |count: usize| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).expect("31 bits") % count
    };
    let mut agreed = 0;
    for _ in 0..CALLS_MADE_UP {
        let command = commands[below(commands.len())];
        let mut call: Vec<_> = command.name.split(' ').collect();
        let count = usize::from(command.arity.unsigned_abs()) + below(6);
        while call.len() < count {
            call.push(WORDS[below(WORDS.len())]);
        }
        // What the table cannot tell, Redis guesses at times.
        if let Some(keys) = told(&call).filter(|keys| !keys.is_empty()) {
            assert_eq!(Ok(keys), client.keys(&call), "{call:?}");
            agreed += 1;
        }
    }
    assert!(agreed > CALLS_MADE_UP / 4, "only {agreed} calls had keys");
}
