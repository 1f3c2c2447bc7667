//! The table `redis`: <https://redis.io/docs/latest/develop/interact/programmability/lua-api/>.

use std::cell::{Cell, RefCell};

use mlua::{Lua, Result, Table, Value};
use outlast_core::store::script::ScriptHost;
use sha1::{Digest, Sha1};

use super::arguments::{Arguments, as_string, function};
use super::limit::Deadline;
use super::number::{from_i64, general, to_i32, to_i64};
use super::raise::{self, Raised};
use super::reply;

/// The version that scripts see.
const VERSION: &str = "7.0.15";
const VERSION_NUMBER: i64 = 0x0007_000F;

const NO_ARGUMENTS: &str = "Please specify at least one argument for this redis lib call";
const BAD_ARGUMENT: &str = "Lua redis lib command arguments must be strings or integers";

/// What a running script calls, for as long as it runs.
pub(super) struct Running<'a> {
    pub(super) host: RefCell<&'a mut dyn ScriptHost>,
    pub(super) protocol: Cell<u8>,
    pub(super) deadline: &'a Deadline,
}

/// The table without the functions that need a host.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("REDIS_VERSION", VERSION)?;
    table.raw_set("REDIS_VERSION_NUM", VERSION_NUMBER)?;
    for (name, number) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
    ] {
        table.raw_set(name, number)?;
    }
    table.raw_set("sha1hex", function(lua, sha1_hexadecimal)?)?;
    table.raw_set("error_reply", function(lua, error_reply)?)?;
    table.raw_set("status_reply", function(lua, status_reply)?)?;
    table.raw_set("log", function(lua, log)?)?;
    table.raw_set("set_repl", function(lua, set_replication)?)?;
    table.raw_set("acl_check_cmd", function(lua, check_permission)?)?;
    table.raw_set("replicate_commands", lua.create_function(|_, (): ()| Ok(true))?)?;
    table.raw_set("breakpoint", lua.create_function(|_, (): ()| Ok(false))?)?;
    table.raw_set("debug", lua.create_function(|_, (): ()| Ok(()))?)?;
    Ok(table)
}

impl Running<'_> {
    /// `redis.call`, or `redis.pcall`, which returns errors.
    pub(super) fn call(&self, lua: &Lua, args: &Arguments, is_raising: bool) -> Result<Value> {
        let args = match command(args) {
            Ok(args) => args,
            Err(text) if is_raising => return Err(raise::reply(text)),
            Err(text) => {
                let text = format!("ERR {text}");
                return reply::error_table(lua, text.as_bytes(), false).map(Value::Table);
            }
        };
        let answer = {
            let slices: Vec<&[u8]> = args.iter().map(Argument::bytes).collect();
            let mut host = self.host.try_borrow_mut().map_err(mlua::Error::external)?;
            host.call(&slices)
        };
        if self.deadline.is_over() {
            return Err(Raised::Expired.into());
        }
        if is_raising && let Some(text) = answer.as_error() {
            let text = reply::error_text(text.as_bytes());
            let text = String::from_utf8_lossy(&text).into_owned();
            return Err(Raised::Reply { text, is_counted: true }.into());
        }
        reply::to_lua(lua, answer, self.protocol.get())
    }

    /// `redis.setresp`.
    pub(super) fn set_protocol(&self, lua: &Lua, args: &Arguments) -> Result<()> {
        if args.len() != 1 {
            return Err(raise::reply("redis.setresp() requires one argument."));
        }
        let version = to_i64(args.number_of(lua, 1).unwrap_or(0.0));
        let Some(version) = u8::try_from(version).ok().filter(|version| [2, 3].contains(version))
        else {
            return Err(raise::reply("RESP version must be 2 or 3."));
        };
        self.protocol.set(version);
        self.host.try_borrow_mut().map_err(mlua::Error::external)?.set_protocol(version);
        Ok(())
    }
}

/// An argument of a command.
enum Argument {
    String(mlua::BorrowedBytes),
    Number(String),
}

impl Argument {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::String(bytes) => bytes,
            Self::Number(digits) => digits.as_bytes(),
        }
    }
}

/// The arguments of a command. Numbers have all their digits, other than where Lua prints them.
fn command(args: &Arguments) -> std::result::Result<Vec<Argument>, &'static str> {
    if args.len() == 0 {
        return Err(NO_ARGUMENTS);
    }
    let argument = |value: &Value| match value {
        Value::Integer(number) => Ok(Argument::Number(general(from_i64(*number), 17))),
        Value::Number(number) => Ok(Argument::Number(general(*number, 17))),
        Value::String(string) => Ok(Argument::String(string.as_bytes())),
        _ => Err(BAD_ARGUMENT),
    };
    args.values().iter().map(argument).collect()
}

fn sha1_hexadecimal(lua: &Lua, args: &Arguments) -> Result<String> {
    let [value] = args.values() else {
        return Err(raise::reply("wrong number of arguments"));
    };
    let text = as_string(lua, value);
    let digest = match &text {
        Some(text) => Sha1::digest(&*text.as_bytes()),
        None => Sha1::digest(b""),
    };
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16));
    Ok(digest.iter().flat_map(digits).flatten().collect())
}

fn error_reply(lua: &Lua, args: &Arguments) -> Result<Table> {
    let [Value::String(text)] = args.values() else {
        return reply::error_table(lua, b"ERR wrong number or type of arguments", false);
    };
    let text = text.as_bytes();
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    reply::error_table(lua, &reply::error_text(text), false)
}

fn status_reply(lua: &Lua, args: &Arguments) -> Result<Table> {
    let [Value::String(text)] = args.values() else {
        return reply::error_table(lua, b"ERR wrong number or type of arguments", false);
    };
    let table = lua.create_table()?;
    table.raw_set("ok", text)?;
    Ok(table)
}

/// There is no log of the server to write to.
fn log(lua: &Lua, args: &Arguments) -> Result<()> {
    if args.len() < 2 {
        return Err(raise::reply("redis.log() requires two arguments or more."));
    }
    let Some(level) = args.number_of(lua, 1) else {
        return Err(raise::reply("First argument must be a number (log level)."));
    };
    if !(0..=3).contains(&to_i32(to_i64(level))) {
        return Err(raise::reply("Invalid debug level."));
    }
    Ok(())
}

fn set_replication(lua: &Lua, args: &Arguments) -> Result<()> {
    if args.len() != 1 {
        return Err(raise::reply("redis.set_repl() requires two arguments."));
    }
    let flags = to_i32(to_i64(args.number_of(lua, 1).unwrap_or(0.0)));
    if flags & !3 != 0 {
        let text = "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
        return Err(raise::reply(text));
    }
    Ok(())
}

/// The store has one user, who may do everything.
fn check_permission(_: &Lua, args: &Arguments) -> Result<bool> {
    command(args).map(|_| true).map_err(raise::reply)
}
