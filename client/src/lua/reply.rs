//! Replies as values of Lua, and what a script returns as a reply:
//! <https://redis.io/docs/latest/develop/interact/programmability/lua-api/#data-type-conversion>.

use mlua::{Lua, LuaString, Result, Table};
use outlast_core::Value;

use super::number::to_i64;

/// Arrays inside arrays; the parser of replies takes no more either.
const DEPTH_MAX: usize = 128;
/// Bytes that a value counts besides its text.
const VALUE_BYTES: usize = 32;

/// An error reply as the table that `redis.pcall` returns.
pub(super) fn error_table(lua: &Lua, text: &[u8], is_counted: bool) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("err", lua.create_string(text)?)?;
    if is_counted {
        table.raw_set("ignore_error_stats_update", true)?;
    }
    Ok(table)
}

/// The text of an error as Redis hands it to scripts: always with a code, and without an end of
/// line. Without a space in it there is no code.
pub(super) fn error_text(text: &[u8]) -> Vec<u8> {
    let (code, message) = match text.iter().position(|byte| *byte == b' ') {
        Some(space) => (&text[..space], &text[space + 1..]),
        None => (&b"ERR"[..], text),
    };
    [code, b" ", trim(message)].concat()
}

/// A reply as a script sees it.
pub(super) fn to_lua(lua: &Lua, reply: Value, protocol: u8) -> Result<mlua::Value> {
    let field = |name: &str, value: mlua::Value| -> Result<mlua::Value> {
        let table = lua.create_table()?;
        table.raw_set(name, value)?;
        Ok(mlua::Value::Table(table))
    };
    let string = |bytes: &[u8]| lua.create_string(bytes).map(mlua::Value::String);
    match reply {
        Value::Nil | Value::NilArray if protocol < 3 => Ok(mlua::Value::Boolean(false)),
        Value::Simple(text) => field("ok", string(text.as_bytes())?),
        Value::Error(text) => {
            let table = error_table(lua, &error_text(text.as_bytes()), true)?;
            Ok(mlua::Value::Table(table))
        }
        Value::Integer(number) => Ok(mlua::Value::Number(super::number::from_i64(number))),
        Value::Bulk(bytes) => string(&bytes),
        Value::Array(items) | Value::Push(items) => {
            let table = lua.create_table()?;
            for (index, item) in items.into_iter().enumerate() {
                table.raw_set(index + 1, to_lua(lua, item, protocol)?)?;
            }
            Ok(mlua::Value::Table(table))
        }
        Value::Map(pairs) => {
            let table = lua.create_table()?;
            for (key, value) in pairs {
                table.raw_set(to_lua(lua, key, protocol)?, to_lua(lua, value, protocol)?)?;
            }
            field("map", mlua::Value::Table(table))
        }
        Value::Set(items) => {
            let table = lua.create_table()?;
            for item in items {
                table.raw_set(to_lua(lua, item, protocol)?, true)?;
            }
            field("set", mlua::Value::Table(table))
        }
        Value::Double(number) => field("double", mlua::Value::Number(number)),
        Value::Boolean(truth) => Ok(mlua::Value::Boolean(truth)),
        Value::BigNumber(digits) => field("big_number", string(digits.as_bytes())?),
        Value::Verbatim { format, text } => {
            let table = lua.create_table()?;
            table.raw_set("string", string(&text)?)?;
            table.raw_set("format", string(format.as_bytes())?)?;
            field("verbatim_string", mlua::Value::Table(table))
        }
        _ => Ok(mlua::Value::Nil),
    }
}

/// The fields by which a table is more than an array, made once.
#[derive(Debug)]
pub(super) struct Fields {
    err: LuaString,
    ok: LuaString,
    double: LuaString,
    big_number: LuaString,
    verbatim_string: LuaString,
    format: LuaString,
    string: LuaString,
    map: LuaString,
    set: LuaString,
}

impl Fields {
    pub(super) fn new(lua: &Lua) -> Result<Self> {
        let name = |name: &str| lua.create_string(name);
        Ok(Self {
            err: name("err")?,
            ok: name("ok")?,
            double: name("double")?,
            big_number: name("big_number")?,
            verbatim_string: name("verbatim_string")?,
            format: name("format")?,
            string: name("string")?,
            map: name("map")?,
            set: name("set")?,
        })
    }
}

/// Turns what a script returned into a reply of limited size: tables may hold one another many
/// times over.
pub(super) struct Converter<'a> {
    pub(super) fields: &'a Fields,
    pub(super) protocol: u8,
    /// Bytes that are left.
    pub(super) bytes_left: usize,
}

/// The reply is larger than it may be, or Lua failed.
pub(super) enum Failed {
    TooLarge,
    Lua(mlua::Error),
}

impl From<mlua::Error> for Failed {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

impl Converter<'_> {
    pub(super) fn convert(
        &mut self,
        value: &mlua::Value,
        depth: usize,
    ) -> std::result::Result<Value, Failed> {
        self.spend(VALUE_BYTES)?;
        Ok(match value {
            mlua::Value::String(string) => {
                let bytes = string.as_bytes();
                self.spend(bytes.len())?;
                Value::bulk(&*bytes)
            }
            mlua::Value::Boolean(truth) if self.protocol >= 3 => Value::Boolean(*truth),
            mlua::Value::Boolean(true) => Value::Integer(1),
            mlua::Value::Integer(number) => Value::Integer(*number),
            mlua::Value::Number(number) => Value::Integer(to_i64(*number)),
            mlua::Value::Table(_) if depth >= DEPTH_MAX => {
                Value::Error("ERR reached lua stack limit".into())
            }
            mlua::Value::Table(table) => match self.marked(table, depth)? {
                Some(value) => value,
                None => self.array(table, depth)?,
            },
            _ => Value::Nil,
        })
    }

    fn spend(&mut self, bytes: usize) -> std::result::Result<(), Failed> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Failed::TooLarge)?;
        Ok(())
    }

    fn array(&mut self, table: &Table, depth: usize) -> std::result::Result<Value, Failed> {
        let mut items = Vec::new();
        loop {
            let item: mlua::Value = table.raw_get(items.len() + 1)?;
            if item.is_nil() {
                return Ok(Value::Array(items));
            }
            items.push(self.convert(&item, depth + 1)?);
        }
    }

    /// A table that stands for something other than an array.
    fn marked(
        &mut self,
        table: &Table,
        depth: usize,
    ) -> std::result::Result<Option<Value>, Failed> {
        let fields = self.fields;
        let get = |name: &LuaString| table.raw_get::<mlua::Value>(name);
        if let mlua::Value::String(text) = get(&fields.err)? {
            return Ok(Some(Value::Error(error_line(&text.as_bytes()))));
        }
        if let mlua::Value::String(text) = get(&fields.ok)? {
            return Ok(Some(Value::Simple(line(until_nul(&text.as_bytes())))));
        }
        match get(&fields.double)? {
            mlua::Value::Number(number) => return Ok(Some(Value::Double(number))),
            mlua::Value::Integer(number) => {
                return Ok(Some(Value::Double(super::number::from_i64(number))));
            }
            _ => {}
        }
        if let mlua::Value::String(digits) = get(&fields.big_number)? {
            return Ok(Some(Value::BigNumber(line(&digits.as_bytes()))));
        }
        if let mlua::Value::Table(verbatim) = get(&fields.verbatim_string)?
            && let mlua::Value::String(format) = verbatim.raw_get(&fields.format)?
            && let mlua::Value::String(text) = verbatim.raw_get(&fields.string)?
        {
            let format: String = format.to_string_lossy().chars().take(3).collect();
            let text = text.as_bytes().to_vec();
            self.spend(text.len())?;
            return Ok(Some(Value::Verbatim { format: format!("{format:<3}"), text }));
        }
        if let mlua::Value::Table(map) = get(&fields.map)? {
            let mut pairs = Vec::new();
            for pair in map.pairs::<mlua::Value, mlua::Value>() {
                let (key, value) = pair?;
                pairs.push((self.convert(&key, depth + 1)?, self.convert(&value, depth + 1)?));
            }
            return Ok(Some(Value::Map(pairs)));
        }
        if let mlua::Value::Table(set) = get(&fields.set)? {
            let mut members = Vec::new();
            for pair in set.pairs::<mlua::Value, mlua::Value>() {
                members.push(self.convert(&pair?.0, depth + 1)?);
            }
            return Ok(Some(Value::Set(members)));
        }
        Ok(None)
    }
}

/// A text as the line of an error reply.
pub(super) fn error_line(text: &[u8]) -> String {
    let text = until_nul(text);
    let end = text.iter().rposition(|byte| is_text(*byte)).map_or(0, |last| last + 1);
    line(&text[..end])
}

fn line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(['\r', '\n'], " ")
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A text without ends of lines around it.
fn trim(text: &[u8]) -> &[u8] {
    let Some(first) = text.iter().position(|byte| is_text(*byte)) else {
        return &[];
    };
    let last = text.iter().rposition(|byte| is_text(*byte)).unwrap_or(first);
    &text[first..=last]
}

fn is_text(byte: u8) -> bool {
    !matches!(byte, b'\r' | b'\n')
}
