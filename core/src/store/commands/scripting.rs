//! EVAL and its like: <https://redis.io/docs/latest/commands/?group=scripting>. What runs a script is
//! handed in by the host; see [`script`](super::super::script).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use sha1::{Digest, Sha1};

use super::super::call::Call;
use super::super::common::Common;
use super::super::number::parse_i64;
use super::super::script::{Script, ScriptEngine, ScriptHost};
use super::super::session::{Nesting, Session};
use super::super::space::Space;
use super::super::stop::{NOT_AN_INTEGER, SYNTAX, Stop};
use super::transactions::error_of;
use super::{Handler, unknown_subcommand};
use crate::command::{Command, Flags};
use crate::resp::Value;
use crate::store::Refusal;
use crate::time::Timestamp;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("EVAL", |call| eval(call, false)),
    ("EVALSHA", |call| eval_by_name(call, false)),
    ("EVALSHA_RO", |call| eval_by_name(call, true)),
    ("EVAL_RO", |call| eval(call, true)),
    ("SCRIPT", script),
];

/// Bytes of sources that are kept. Beyond it all are forgotten, and clients send them anew.
const SOURCES_BYTES_MAX: usize = 16 << 20;
/// The SHA-1 of a source in hexadecimal digits.
fn name_of(source: &[u8]) -> String {
    let digits = Sha1::digest(source).into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn eval(call: &mut Call<'_>, read_only: bool) -> Result<Value, Stop> {
    let source = call.arg(1);
    let (keys, args) = parameters(call)?;
    let name = name_of(source);
    load(call, &name, source)?;
    run(call, &name, source, keys, args, read_only)
}

fn eval_by_name(call: &mut Call<'_>, read_only: bool) -> Result<Value, Stop> {
    let name = String::from_utf8_lossy(call.arg(1)).to_lowercase();
    let (keys, args) = parameters(call)?;
    let source = call.space.globals().scripts.get(&name).cloned();
    let source = source.ok_or("NOSCRIPT No matching script. Please use EVAL.")?;
    run(call, &name, &source, keys, args, read_only)
}

type Parameters<'a> = (&'a [&'a [u8]], &'a [&'a [u8]]);

/// The keys and the other arguments of EVAL.
fn parameters<'a>(call: &Call<'a>) -> Result<Parameters<'a>, Stop> {
    let number = parse_i64(call.arg(2)).ok_or(NOT_AN_INTEGER)?;
    let rest = call.args.get(3..).unwrap_or_default();
    if number > i64::try_from(rest.len()).unwrap_or(i64::MAX) {
        return Err("ERR Number of keys can't be greater than number of args".into());
    }
    let number = usize::try_from(number);
    let number = number.map_err(|_| Stop::from("ERR Number of keys can't be negative"))?;
    Ok(rest.split_at(number))
}

/// Keeps a source under its name, if it compiles.
fn load(call: &mut Call<'_>, name: &str, source: &[u8]) -> Result<(), Stop> {
    let globals = call.space.globals();
    if globals.scripts.contains_key(name) {
        return Ok(());
    }
    let engine = globals.engine.as_mut().ok_or(Refusal::Unsupported)?;
    engine.compile(source).map_err(|message| {
        let is_whole = message.starts_with("ERR ");
        let prefix = if is_whole { "" } else { "ERR Error compiling script (new function): " };
        Stop::from(format!("{prefix}{message}"))
    })?;
    if globals.scripts_bytes + source.len() > SOURCES_BYTES_MAX {
        globals.scripts.clear();
        globals.scripts_bytes = 0;
    }
    globals.scripts_bytes += source.len();
    globals.scripts.insert(name.into(), source.to_vec());
    Ok(())
}

fn run(
    call: &mut Call<'_>,
    name: &str,
    source: &[u8],
    keys: &[&[u8]],
    args: &[&[u8]],
    read_only: bool,
) -> Result<Value, Stop> {
    let engine: Box<dyn ScriptEngine> =
        call.space.globals().engine.take().ok_or(Refusal::Unsupported)?;
    let mut engine = engine;
    // A transaction asked when it began, and nothing stops it half-way.
    if call.session.nesting == Nesting::None {
        call.session.shortage = super::shortage(call);
    }
    let session = &mut *call.session;
    let before = (session.nesting, session.protocol, session.database);
    session.nesting = Nesting::Script { read_only };
    session.protocol = 2;
    let mut host = Host { space: call.space, common: call.common, session, now: call.now };
    let reply = engine.run(Script::new(name, source, keys, args), &mut host);
    (call.session.nesting, call.session.protocol, call.session.database) = before;
    if call.session.nesting == Nesting::None {
        call.session.shortage = None;
    }
    call.space.globals().engine = Some(engine);
    Ok(reply)
}

/// The store as a script sees it.
struct Host<'a> {
    space: &'a mut dyn Space,
    common: &'a Common,
    session: &'a mut Session,
    now: Timestamp,
}

impl ScriptHost for Host<'_> {
    fn call(&mut self, args: &[&[u8]]) -> Value {
        if let Err(stop) = check(self.session, args) {
            return error_of(stop, args);
        }
        let reply = super::run(self.space, self.common, self.session, self.now, args);
        let reply = reply.unwrap_or_else(|stop| error_of(stop, args));
        if self.session.protocol == 2 { reply.into_resp2() } else { reply }
    }

    fn set_protocol(&mut self, version: u8) {
        self.session.protocol = version;
    }

    fn forbid_writes(&mut self) {
        self.session.nesting = Nesting::Script { read_only: true };
    }

    fn is_short_of_memory(&self) -> bool {
        self.session.shortage == Some(Refusal::Full)
    }

    fn allow_beyond_memory(&mut self) {
        self.session.shortage = self.session.shortage.filter(|refusal| *refusal != Refusal::Full);
    }
}

/// Whether a script may run this command.
fn check(session: &Session, args: &[&[u8]]) -> Result<(), Stop> {
    let Some(command) = Command::find(args.first().copied().unwrap_or_default()) else {
        return Err("ERR Unknown Redis command called from script".into());
    };
    let Ok(called) = super::checked(command, args) else {
        return Err("ERR Wrong number of args calling Redis command from script".into());
    };
    if called.flags.contains(Flags::NOSCRIPT) {
        return Err("ERR This Redis command is not allowed from script".into());
    }
    let is_write = called.flags.contains(Flags::WRITE);
    if is_write && session.nesting == (Nesting::Script { read_only: true }) {
        return Err("ERR Write commands are not allowed from read-only scripts.".into());
    }
    Ok(())
}

fn script(call: &mut Call<'_>) -> Result<Value, Stop> {
    match (call.option(1).as_slice(), call.args.len()) {
        (b"LOAD", 3) => {
            let source = call.arg(2);
            let name = name_of(source);
            load(call, &name, source)?;
            Ok(Value::bulk(name))
        }
        (b"EXISTS", 3..) => {
            let known = &call.space.globals().scripts;
            let names = call.args.iter().skip(2);
            let names = names.map(|name| String::from_utf8_lossy(name).to_lowercase());
            let found = names.map(|name| Value::Integer(i64::from(known.contains_key(&name))));
            Ok(Value::Array(found.collect::<Vec<_>>()))
        }
        (b"FLUSH", 2 | 3) => {
            if call.args.len() == 3 && !matches!(call.option(2).as_slice(), b"SYNC" | b"ASYNC") {
                return Err("ERR SCRIPT FLUSH only support SYNC|ASYNC option".into());
            }
            let globals = call.space.globals();
            globals.scripts.clear();
            globals.scripts_bytes = 0;
            Ok(Value::ok())
        }
        (b"KILL", 2) => Err("NOTBUSY No scripts in execution right now.".into()),
        (name @ (b"LOAD" | b"EXISTS" | b"KILL" | b"FLUSH"), _) => {
            let name = String::from_utf8_lossy(name);
            Err(super::wrong_arity(&format!("script|{name}")))
        }
        (b"DEBUG", 3) => Err(SYNTAX.into()),
        _ => Err(unknown_subcommand(call)),
    }
}
