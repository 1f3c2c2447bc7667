//! Values of Lua to JSON.

use mlua::{Function, Lua, LuaString, Result, Table, Value};

use super::super::number::{from_i64, general};
use super::super::raise;
use super::{Invalid, Settings};

/// Tables inside tables, whatever a script sets: each holds references, which mlua has few of.
const DEPTH_MAX: i64 = 2_000;

/// Encodes a value. Tables are not walked by recursion, so that no nesting exhausts the stack.
pub(super) fn encode(
    lua: &Lua,
    value: &Value,
    settings: &Settings,
    bytes_max: usize,
    next: &Function,
) -> Result<LuaString> {
    let mut encoder = Encoder { lua, settings, bytes_max, next, out: Vec::new(), open: Vec::new() };
    encoder.value(value)?;
    while let Some(mut walk) = encoder.open.pop() {
        match encoder.step(&mut walk)? {
            Some(value) => {
                encoder.open.push(walk);
                encoder.value(&value)?;
            }
            None => encoder.out.push(if walk.is_array { b']' } else { b'}' }),
        }
    }
    lua.create_string(encoder.out)
}

struct Encoder<'a> {
    lua: &'a Lua,
    settings: &'a Settings,
    bytes_max: usize,
    next: &'a Function,
    out: Vec<u8>,
    open: Vec<Walk>,
}

/// A table that is being written.
struct Walk {
    table: Table,
    is_array: bool,
    /// Elements of an array.
    length: i64,
    written: i64,
    /// The last key of an object.
    key: Value,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value) -> Result<()> {
        if self.out.len() > self.bytes_max {
            return Err(raise::out_of_memory());
        }
        match value {
            Value::String(string) => self.string(&string.as_bytes()),
            Value::Integer(number) => self.number(from_i64(*number))?,
            Value::Number(number) => self.number(*number)?,
            Value::Boolean(true) => self.out.extend_from_slice(b"true"),
            Value::Boolean(false) => self.out.extend_from_slice(b"false"),
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.out.extend_from_slice(b"null");
            }
            Value::Table(table) => self.open(table)?,
            other => return Err(self.refuse(other, "type not supported")),
        }
        Ok(())
    }

    fn open(&mut self, table: &Table) -> Result<()> {
        let depth = i64::try_from(self.open.len()).unwrap_or(i64::MAX) + 1;
        if depth > self.settings.encode_depth_max.min(DEPTH_MAX) {
            let text = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(raise::message(self.lua, &text));
        }
        let length = self.length(table)?;
        let is_array = length > 0;
        self.out.push(if is_array { b'[' } else { b'{' });
        let key = Value::Nil;
        self.open.push(Walk { table: table.clone(), is_array, length, written: 0, key });
        Ok(())
    }

    /// The elements of an array; none of an object.
    fn length(&self, table: &Table) -> Result<i64> {
        let (mut largest, mut count) = (0_i64, 0_i64);
        for pair in table.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(key) if key >= 1 => {
                    if key > largest {
                        // Redis keeps it in an `int`.
                        largest = i64::from(i32::try_from(key).unwrap_or(i32::MIN));
                    }
                    count += 1;
                }
                _ => return Ok(-1),
            }
        }
        let ratio = self.settings.sparse_ratio;
        let is_sparse = ratio > 0
            && largest > count.saturating_mul(ratio)
            && largest > self.settings.sparse_safe;
        if !is_sparse {
            return Ok(largest);
        }
        if self.settings.is_sparse_converted {
            return Ok(-1);
        }
        Err(self.refuse(&Value::Table(table.clone()), "excessively sparse array"))
    }

    /// The next value of a table, behind what comes before it.
    fn step(&mut self, walk: &mut Walk) -> Result<Option<Value>> {
        if walk.is_array {
            if walk.written == walk.length {
                return Ok(None);
            }
            if walk.written > 0 {
                self.out.push(b',');
            }
            walk.written += 1;
            return walk.table.raw_get(walk.written).map(Some);
        }
        let key = std::mem::replace(&mut walk.key, Value::Nil);
        let (key, value): (Value, Value) = self.next.call((&walk.table, key))?;
        if key.is_nil() {
            return Ok(None);
        }
        if walk.written > 0 {
            self.out.push(b',');
        }
        walk.written += 1;
        match &key {
            Value::String(string) => self.string(&string.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                self.out.push(b'"');
                self.value(&key)?;
                self.out.push(b'"');
            }
            other => return Err(self.refuse(other, "table key must be a number or string")),
        }
        self.out.push(b':');
        walk.key = key;
        Ok(Some(value))
    }

    fn number(&mut self, number: f64) -> Result<()> {
        if !number.is_finite() {
            match self.settings.encode_invalid {
                Invalid::Refused => {
                    let number = Value::Number(number);
                    return Err(self.refuse(&number, "must not be NaN or Inf"));
                }
                Invalid::Null => {
                    self.out.extend_from_slice(b"null");
                    return Ok(());
                }
                Invalid::Allowed if number.is_nan() => {
                    self.out.extend_from_slice(b"nan");
                    return Ok(());
                }
                Invalid::Allowed => {}
            }
        }
        let digits = usize::try_from(self.settings.precision).unwrap_or(14);
        self.out.extend_from_slice(general(number, digits).as_bytes());
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        for &byte in bytes {
            match byte {
                b'"' | b'\\' | b'/' => self.out.extend_from_slice(&[b'\\', byte]),
                8 => self.out.extend_from_slice(b"\\b"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                12 => self.out.extend_from_slice(b"\\f"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                0..32 | 127 => self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }

    fn refuse(&self, value: &Value, reason: &str) -> mlua::Error {
        let kind = raise::type_name(value);
        raise::message(self.lua, &format!("Cannot serialise {kind}: {reason}"))
    }
}
