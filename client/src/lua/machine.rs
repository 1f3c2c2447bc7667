//! A Lua state with the sandbox of Redis in it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Function, LuaOptions, Result, StdLib, Table};
use outlast_core::Value;
use outlast_core::store::script::{Script, ScriptHost};

use super::api::Running;
use super::arguments::Arguments;
use super::limit::{self, Deadline, LuaLimits};
use super::raise::{self, Raised};
use super::reply::{Converter, Failed, Fields, error_line};
use super::{api, bits, json, msgpack, random, structs};

/// Scripts that are kept compiled. Beyond it all are forgotten, and compiled anew when they run.
const COMPILED_MAX: usize = 1_000;

#[derive(Debug)]
pub(super) struct Machine {
    lua: mlua::Lua,
    limits: LuaLimits,
    deadline: Arc<Deadline>,
    /// Whether the hook looks at every instruction, because a script ran out of time.
    is_expired: Cell<bool>,
    json: json::Shared,
    fields: Fields,
    /// The real table of globals, which scripts only read.
    globals: Table,
    /// The real table `redis`.
    api: Table,
    /// Runs a function for a script, with the handler of errors.
    start: Function,
    /// Functions by the SHA-1 of their source.
    compiled: Table,
    compiled_count: usize,
}

impl Machine {
    pub(super) fn new(limits: LuaLimits) -> Result<Self> {
        let options = LuaOptions::new().catch_rust_panics(true);
        let lua = mlua::Lua::new_with(StdLib::STRING | StdLib::TABLE | StdLib::MATH, options)?;
        random::install(&lua, &lua.globals().raw_get("math")?)?;
        let json = json::Shared::default();
        let bytes_max = limits.memory_bytes_max;
        let api = api::library(&lua)?;
        let libraries = lua.create_table()?;
        libraries.raw_set("bit", bits::library(&lua)?)?;
        libraries.raw_set("cjson", json::library(&lua, &json, bytes_max)?)?;
        libraries.raw_set("cmsgpack", msgpack::library(&lua, bytes_max)?)?;
        libraries.raw_set("struct", structs::library(&lua)?)?;
        libraries.raw_set("redis", &api)?;
        let prelude = lua.load(include_str!("prelude.lua")).set_name(raise::PRELUDE);
        let prelude = prelude.into_function()?;
        let (globals, seen, start): (Table, Table, Function) =
            prelude.call((natives(&lua)?, libraries))?;
        lua.set_globals(seen)?;
        let deadline = Deadline::new(bytes_max);
        limit::watch(&lua, &deadline)?;
        let (fields, compiled) = (Fields::new(&lua)?, lua.create_table()?);
        lua.set_memory_limit(bytes_max)?;
        Ok(Self {
            lua,
            limits,
            deadline,
            is_expired: Cell::new(false),
            json,
            fields,
            globals,
            api,
            start,
            compiled,
            compiled_count: 0,
        })
    }

    /// Compiles a source; the error is the compiler's message or the reason of a failure.
    pub(super) fn compile(&self, source: &[u8]) -> Result<Function> {
        // Compiled chunks are refused as text that is none, as Redis does.
        let text =
            if source.first() == Some(&27) { [b" ", source].concat() } else { source.to_vec() };
        self.lua.load(text).set_name(raise::SCRIPT).set_mode(ChunkMode::Text).into_function()
    }

    /// The function of a script, compiled if it is not kept.
    pub(super) fn function(&mut self, sha1: &str, source: &[u8]) -> Result<Function> {
        if let Some(function) = self.compiled.raw_get(sha1)? {
            return Ok(function);
        }
        let function = self.compile(source)?;
        if self.compiled_count >= COMPILED_MAX {
            self.compiled.clear()?;
            self.compiled_count = 0;
        }
        self.compiled.raw_set(sha1, &function)?;
        self.compiled_count += 1;
        Ok(function)
    }

    /// Runs a compiled script.
    pub(super) fn run(
        &self,
        function: &Function,
        script: &Script<'_>,
        host: &mut dyn ScriptHost,
    ) -> Result<Value> {
        self.prepare(script)?;
        let running =
            Running { host: RefCell::new(host), protocol: Cell::new(2), deadline: &self.deadline };
        let (ok, value) = self.lua.scope(|scope| {
            let call =
                scope.create_function(|lua, args: Arguments| running.call(lua, &args, true))?;
            self.api.raw_set("call", call)?;
            let call =
                scope.create_function(|lua, args: Arguments| running.call(lua, &args, false))?;
            self.api.raw_set("pcall", call)?;
            let set =
                scope.create_function(|lua, args: Arguments| running.set_protocol(lua, &args))?;
            self.api.raw_set("setresp", set)?;
            self.start.call::<(bool, mlua::Value)>(function)
        })?;
        let protocol = running.protocol.get();
        if ok { self.reply(&value, protocol) } else { self.failure(&value, script.sha1) }
    }

    /// The reply to a script that failed before it began or was ended.
    pub(super) fn refuse(&self, error: &mlua::Error, sha1: &str) -> Value {
        let _ = self.lua.gc_collect();
        match raise::unpack(error) {
            Raised::Expired => self.expired(),
            Raised::Text(text) if is_memory(&text) => Value::Error(out_of_memory(&self.limits)),
            Raised::Text(text) => failed(sha1, &text),
            Raised::Reply { text, .. } => failed(sha1, text.as_bytes()),
        }
    }

    fn prepare(&self, script: &Script<'_>) -> Result<()> {
        if self.is_expired.replace(false) {
            limit::watch(&self.lua, &self.deadline)?;
        }
        self.deadline.tidy(&self.lua)?;
        self.deadline.begin(self.limits.time_ms_max);
        self.json.reset();
        self.globals.raw_set("KEYS", self.array(script.keys)?)?;
        self.globals.raw_set("ARGV", self.array(script.args)?)
    }

    fn array(&self, items: &[&[u8]]) -> Result<Table> {
        let table = self.lua.create_table()?;
        for (index, item) in items.iter().enumerate() {
            table.raw_set(index + 1, self.lua.create_string(item)?)?;
        }
        Ok(table)
    }

    fn reply(&self, value: &mlua::Value, protocol: u8) -> Result<Value> {
        let bytes_left = self.limits.memory_bytes_max;
        let mut converter = Converter { fields: &self.fields, protocol, bytes_left };
        match converter.convert(value, 0) {
            Ok(reply) => Ok(reply),
            Err(Failed::TooLarge) => Ok(Value::Error(format!(
                "ERR outlast: the reply of a script exceeded its limit of {bytes_left} bytes"
            ))),
            Err(Failed::Lua(error)) => Err(error),
        }
    }

    /// The reply to an error that the script did not catch, as the handler left it.
    fn failure(&self, value: &mlua::Value, sha1: &str) -> Result<Value> {
        Ok(match value {
            mlua::Value::Table(table) => {
                let field = |name: &str| -> Result<Option<Vec<u8>>> {
                    let value = table.get::<mlua::Value>(name)?;
                    let text = super::arguments::as_string(&self.lua, &value);
                    Ok(text.map(|text| text.as_bytes().to_vec()))
                };
                // Redis ends itself over a table without a message.
                let mut text = field("err")?.unwrap_or_else(|| b"ERR unknown error".to_vec());
                if is_memory(&text) {
                    return Ok(Value::Error(out_of_memory(&self.limits)));
                }
                if let (Some(source), Some(line)) = (field("source")?, field("line")?) {
                    let place: [&[u8]; 6] =
                        [b" script: ", sha1.as_bytes(), b", on ", &source, b":", &line];
                    text.extend_from_slice(&place.concat());
                    text.push(b'.');
                }
                Value::Error(error_line(&text))
            }
            mlua::Value::Error(error) => self.refuse(error, sha1),
            mlua::Value::String(text) if is_memory(&text.as_bytes()) => {
                let _ = self.lua.gc_collect();
                Value::Error(out_of_memory(&self.limits))
            }
            mlua::Value::String(text) => failed(sha1, &text.as_bytes()),
            _ => failed(sha1, b"execution failure"),
        })
    }

    fn expired(&self) -> Value {
        self.is_expired.set(true);
        let limit = self.limits.time_ms_max;
        Value::Error(format!("ERR outlast: script exceeded its time limit of {limit} ms"))
    }
}

/// The reply where memory ran out.
pub(super) fn out_of_memory(limits: &LuaLimits) -> String {
    let limit = limits.memory_bytes_max;
    format!("ERR outlast: script exceeded its memory limit of {limit} bytes")
}

fn is_memory(text: &[u8]) -> bool {
    text.ends_with(b"not enough memory")
}

fn failed(sha1: &str, text: &[u8]) -> Value {
    let text = text.get(..100).unwrap_or(text);
    let text = [b"ERR Error running script ", sha1.as_bytes(), b", ", text].concat();
    Value::Error(error_line(&text))
}

/// What the prelude cannot do in Lua.
fn natives(lua: &mlua::Lua) -> Result<Table> {
    let table = lua.create_table()?;
    let plain = |lua: &mlua::Lua, value: mlua::Value| {
        let mlua::Value::Error(error) = value else {
            return Ok((value, false));
        };
        Ok(match raise::unpack(&error) {
            Raised::Text(text) => (mlua::Value::String(lua.create_string(text)?), false),
            Raised::Reply { text, is_counted } => {
                let table = super::reply::error_table(lua, text.as_bytes(), is_counted)?;
                (mlua::Value::Table(table), false)
            }
            Raised::Expired => (mlua::Value::Error(error), true),
        })
    };
    table.raw_set("plain", lua.create_function(plain)?)?;
    let argument = |lua: &mlua::Lua, (number, text): (usize, String)| -> Result<()> {
        Err(raise::argument(lua, number, &text))
    };
    table.raw_set("argument", lua.create_function(argument)?)?;
    let mistyped = |lua: &mlua::Lua, args: Arguments| -> Result<()> {
        let number = usize::try_from(args.integer(lua, 1)?).unwrap_or(1);
        let wanted = args.string(lua, 2)?;
        let wanted = wanted.to_string_lossy();
        Err(raise::mistyped(lua, number, &wanted, args.get(number + 2)))
    };
    table.raw_set("mistyped", lua.create_function(mistyped)?)?;
    let position = |lua: &mlua::Lua, (): ()| Ok(raise::position(lua));
    table.raw_set("position", lua.create_function(position)?)?;
    let origin = |lua: &mlua::Lua, (): ()| {
        let (source, line) = raise::origin(lua).unzip();
        // Where Lua knows no line it says -1.
        let line = line.map(|line| line.map_or(-1, |line| i64::try_from(line).unwrap_or(-1)));
        Ok((source, line))
    };
    table.raw_set("origin", lua.create_function(origin)?)?;
    let readonly = |lua: &mlua::Lua, (): ()| -> Result<()> {
        Err(raise::message(lua, "Attempt to modify a readonly table"))
    };
    table.raw_set("readonly", lua.create_function(readonly)?)?;
    let missing = |lua: &mlua::Lua, args: Arguments| -> Result<()> {
        if args.len() != 2 {
            let text = "Wrong number of arguments to luaProtectedTableError";
            return Err(raise::message(lua, text));
        }
        let name = args.get(2).and_then(|name| super::arguments::as_string(lua, name));
        let Some(name) = name else {
            let text = "Second argument to luaProtectedTableError must be a string or number";
            return Err(raise::message(lua, text));
        };
        let name = name.to_string_lossy();
        let text = format!("Script attempted to access nonexistent global variable '{name}'");
        Err(raise::message(lua, &text))
    };
    table.raw_set("missing", lua.create_function(missing)?)?;
    Ok(table)
}
