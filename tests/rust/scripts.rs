//! A real redis-server and the engine for Lua are given the same scripts, and must answer alike.
//! What scripts call goes to the same server from both.

use std::io::{Read, Write};
use std::net::TcpStream;

use outlast::{Lua, LuaLimits, Value};
use outlast_core::resp::{Limits, Parser, encode_command};
use outlast_core::store::script::{Script, ScriptEngine, ScriptHost};
use outlast_tests::Server;

const KEYS: [&[u8]; 2] = [b"key:1", b"key:2"];
const ARGS: [&[u8]; 3] = [b"1", b"two", b"\x00\xff"];
const SCRIPTS: &str = include_str!("../scripts/differential.txt");

/// A connection that waits for each reply.
struct Connection {
    stream: TcpStream,
    parser: Parser,
}

impl Connection {
    fn new(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, parser: Parser::new(Limits::new(64 << 20)) }
    }

    fn call(&mut self, args: &[&[u8]]) -> Value {
        let mut bytes = Vec::new();
        encode_command(args, &mut bytes);
        self.stream.write_all(&bytes).expect("the server reads");
        let mut buffer = [0; 16 << 10];
        loop {
            if let Some(reply) = self.parser.next_reply().expect("a reply") {
                return reply;
            }
            let count = self.stream.read(&mut buffer).expect("the server answers");
            assert!(count > 0, "the server hung up");
            self.parser.feed(&buffer[..count]);
        }
    }
}

/// Sends what a script calls to a server, and words its refusals as they are in scripts.
struct Forward(Connection);

impl ScriptHost for Forward {
    fn call(&mut self, args: &[&[u8]]) -> Value {
        match self.0.call(args) {
            Value::Error(text) if text.starts_with("ERR unknown command") => {
                Value::Error("ERR Unknown Redis command called from script".into())
            }
            Value::Error(text) if text.starts_with("ERR wrong number of arguments") => {
                Value::Error("ERR Wrong number of args calling Redis command from script".into())
            }
            reply => reply,
        }
    }

    fn set_protocol(&mut self, version: u8) {
        self.0.call(&[b"HELLO", version.to_string().as_bytes()]);
    }

    fn forbid_writes(&mut self) {}
}

/// The scripts of the file; a backslash at the end of a line goes on in the next.
fn scripts() -> Vec<String> {
    let lines = SCRIPTS.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    let mut scripts = vec![String::new()];
    for line in lines {
        let last = scripts.last_mut().expect("there is one always");
        if let Some(line) = line.strip_suffix('\\') {
            last.push_str(line);
            last.push('\n');
        } else {
            last.push_str(line);
            scripts.push(String::new());
        }
    }
    scripts.pop();
    scripts
}

fn run(lua: &mut Lua, host: &mut Forward, script: &str) -> Value {
    let sha1 = match host.0.call(&[b"SCRIPT", b"LOAD", script.as_bytes()]) {
        Value::Bulk(sha1) => String::from_utf8(sha1).expect("digits"),
        // It does not compile, so that no one sees its name.
        _ => script.to_owned(),
    };
    host.0.call(&[b"FLUSHALL"]);
    let reply = lua.run(Script::new(&sha1, script.as_bytes(), &KEYS, &ARGS), host);
    host.set_protocol(2);
    reply
}

#[test]
fn the_engine_answers_scripts_as_a_server_does() {
    let server = Server::start();
    let mut real = Connection::new(&server);
    real.call(&[b"HELLO", b"3"]);
    let mut host = Forward(Connection::new(&server));
    let mut lua = Lua::new(LuaLimits::default());
    let mut differences = Vec::new();
    let scripts = scripts();
    assert!(scripts.len() > 400, "only {} scripts", scripts.len());
    // The second time a script is compiled already, and sees what others left.
    for script in scripts.iter().chain(&scripts) {
        real.call(&[b"FLUSHALL"]);
        let wanted =
            real.call(&[&[b"EVAL", script.as_bytes(), b"2"], &KEYS[..], &ARGS[..]].concat());
        let got = run(&mut lua, &mut host, script);
        // A number that is none is not equal to itself, but prints alike.
        if format!("{got:?}") != format!("{wanted:?}") {
            let (got, wanted) = (shortened(&got), shortened(&wanted));
            differences.push(format!("{script}\n  here:  {got}\n  Redis: {wanted}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ of {}:\n{}",
        differences.len(),
        scripts.len(),
        differences.join("\n")
    );
}

fn shortened(value: &Value) -> String {
    let text = match value {
        Value::Bulk(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        other => format!("{other:?}"),
    };
    text.chars().take(300).collect()
}
