//! The library `cmsgpack`: `MessagePack` as lua-cmsgpack 0.4 writes and reads it. The format:
//! <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use mlua::{Lua, LuaString, MultiValue, Result, Table, Value};

use super::arguments::Arguments;
use super::number::{from_i64, from_u64, to_i64};
use super::raise;

/// Tables inside tables when packing; what is deeper is nil.
const PACK_DEPTH_MAX: usize = 16;
/// Tables inside tables when unpacking.
const UNPACK_DEPTH_MAX: usize = 3_900;
/// Values that one call gives.
const RESULTS_MAX: usize = 7_990;

/// The library's table. What it packs may not become longer than `bytes_max`.
pub(super) fn library(lua: &Lua, bytes_max: usize) -> Result<Table> {
    let table = lua.create_table()?;
    let packer = move |lua: &Lua, args: Arguments| pack(lua, &args, bytes_max);
    table.raw_set("pack", lua.create_function(packer)?)?;
    table.raw_set("unpack", lua.create_function(|lua, args| unpack(lua, &args, 0, 0))?)?;
    let one = |lua: &Lua, args: Arguments| {
        let offset = args.integer_or(lua, 2, 0)?;
        unpack(lua, &args, 1, offset)
    };
    table.raw_set("unpack_one", lua.create_function(one)?)?;
    let limited = |lua: &Lua, args: Arguments| {
        let (limit, offset) = (args.integer(lua, 2)?, args.integer_or(lua, 3, 0)?);
        unpack(lua, &args, limit, offset)
    };
    table.raw_set("unpack_limit", lua.create_function(limited)?)?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo")?;
    table.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    Ok(table)
}

fn pack(lua: &Lua, args: &Arguments, bytes_max: usize) -> Result<LuaString> {
    if args.len() == 0 {
        return Err(raise::argument(lua, 0, "MessagePack pack needs input."));
    }
    let mut packer = Packer { out: Vec::new(), bytes_max };
    for value in args.values() {
        packer.value(value, 0)?;
    }
    lua.create_string(packer.out)
}

struct Packer {
    out: Vec<u8>,
    bytes_max: usize,
}

impl Packer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        if self.out.len() > self.bytes_max {
            return Err(raise::out_of_memory());
        }
        match value {
            Value::String(string) => self.string(&string.as_bytes()),
            Value::Boolean(truth) => self.out.push(if *truth { 0xC3 } else { 0xC2 }),
            Value::Integer(number) => self.integer(*number),
            Value::Number(number) => self.number(*number),
            Value::Table(table) if depth < PACK_DEPTH_MAX => self.table(table, depth)?,
            _ => self.out.push(0xC0),
        }
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) {
        self.head(bytes.len(), Some((0xA0, 32)), Some(0xD9), 0xDA);
        self.out.extend_from_slice(bytes);
    }

    /// The marker of something with a length: a short form below a bound, one byte, two, or four.
    fn head(&mut self, length: usize, short: Option<(u8, u8)>, one: Option<u8>, two: u8) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        match (u8::try_from(length), u16::try_from(length), short, one) {
            (Ok(length), _, Some((marker, bound)), _) if length < bound => {
                self.out.push(marker | length);
            }
            (Ok(length), _, _, Some(marker)) => self.out.extend_from_slice(&[marker, length]),
            (_, Ok(length), ..) => self.tagged(two, &length.to_be_bytes()),
            _ => self.tagged(two + 1, &length.to_be_bytes()),
        }
    }

    fn tagged(&mut self, marker: u8, bytes: &[u8]) {
        self.out.push(marker);
        self.out.extend_from_slice(bytes);
    }

    fn number(&mut self, number: f64) {
        let integer = to_i64(number);
        #[expect(clippy::float_cmp, reason = "an integer is exactly its number")]
        if from_i64(integer) == number {
            return self.integer(integer);
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is compared")]
        let short = number as f32;
        #[expect(clippy::float_cmp, reason = "it must not lose a bit")]
        if f64::from(short) == number {
            self.tagged(0xCA, &short.to_be_bytes());
        } else {
            self.tagged(0xCB, &number.to_be_bytes());
        }
    }

    fn integer(&mut self, number: i64) {
        if let Ok(number) = u64::try_from(number) {
            match (u8::try_from(number), u16::try_from(number), u32::try_from(number)) {
                (Ok(byte @ 0..128), ..) => self.out.push(byte),
                (Ok(byte), ..) => self.tagged(0xCC, &[byte]),
                (_, Ok(number), _) => self.tagged(0xCD, &number.to_be_bytes()),
                (.., Ok(number)) => self.tagged(0xCE, &number.to_be_bytes()),
                _ => self.tagged(0xCF, &number.to_be_bytes()),
            }
            return;
        }
        match (i8::try_from(number), i16::try_from(number), i32::try_from(number)) {
            (Ok(byte @ -32..0), ..) => self.out.push(byte.cast_unsigned()),
            (Ok(byte), ..) => self.tagged(0xD0, &byte.to_be_bytes()),
            (_, Ok(number), _) => self.tagged(0xD1, &number.to_be_bytes()),
            (.., Ok(number)) => self.tagged(0xD2, &number.to_be_bytes()),
            _ => self.tagged(0xD3, &number.to_be_bytes()),
        }
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<()> {
        if is_array(table)? {
            let length = table.raw_len();
            self.head(length, Some((0x90, 16)), None, 0xDC);
            for index in 1..=length {
                self.value(&table.raw_get::<Value>(index)?, depth + 1)?;
            }
            return Ok(());
        }
        let mut length = 0;
        table.for_each(|_: Value, _: Value| {
            length += 1;
            Ok(())
        })?;
        self.head(length, Some((0x80, 16)), None, 0xDE);
        table.for_each(|key: Value, value: Value| {
            self.value(&key, depth + 1)?;
            self.value(&value, depth + 1)
        })
    }
}

/// Whether the keys are 1 to the number of keys.
fn is_array(table: &Table) -> Result<bool> {
    let (mut largest, mut count, mut is_array) = (0, 0, true);
    for pair in table.pairs::<Value, Value>() {
        match pair?.0 {
            Value::Integer(key) if key > 0 => largest = key.max(largest),
            _ => {
                is_array = false;
                break;
            }
        }
        count += 1;
    }
    Ok(is_array && largest == count)
}

fn unpack(lua: &Lua, args: &Arguments, limit: i64, offset: i64) -> Result<MultiValue> {
    let data = args.string(lua, 1)?;
    let data = data.as_bytes();
    let length = data.len();
    let Ok((limit_or_all, start)) =
        usize::try_from(limit).and_then(|limit| Ok((limit, usize::try_from(offset)?)))
    else {
        let text =
            format!("Invalid request to unpack with offset of {offset} and limit of {length}.");
        return Err(raise::message(lua, &text));
    };
    let Some(rest) = data.get(start..) else {
        let text = format!("Start offset {offset} greater than input length {length}.");
        return Err(raise::message(lua, &text));
    };
    let is_all = limit == 0 && offset == 0;
    let mut reader = Reader { rest };
    let mut results = Vec::new();
    while !reader.rest.is_empty() && (is_all || results.len() < limit_or_all) {
        if results.len() >= RESULTS_MAX {
            let text = "stack overflow (too many return values at once; \
                        use unpack_one or unpack_limit instead.)";
            return Err(raise::message(lua, text));
        }
        results.push(reader.value(lua)?);
    }
    if !is_all {
        let read = i64::try_from(length - reader.rest.len()).unwrap_or(i64::MAX);
        results.insert(0, Value::Integer(if reader.rest.is_empty() { -1 } else { read }));
    }
    Ok(MultiValue::from_vec(results))
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// A table that is being read.
struct Open {
    table: Table,
    is_map: bool,
    /// Values that are still to come; twice the pairs of a map.
    missing: usize,
    read: usize,
    key: Value,
}

enum Item {
    Value(Value),
    Array(usize),
    Map(usize),
}

impl Reader<'_> {
    /// The next value. It keeps the tables that it is in on a list, not on the stack.
    fn value(&mut self, lua: &Lua) -> Result<Value> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let (is_map, missing) = match self.item(lua)? {
                Item::Value(value) => match close(&mut open, value)? {
                    Some(value) => return Ok(value),
                    None => continue,
                },
                Item::Array(length) => (false, length),
                Item::Map(length) => (true, length.saturating_mul(2)),
            };
            if open.len() >= UNPACK_DEPTH_MAX {
                let kind = if is_map { "hash" } else { "array" };
                let text = format!("stack overflow (in function mp_decode_to_lua_{kind})");
                return Err(raise::message(lua, &text));
            }
            let table = lua.create_table()?;
            if missing > 0 {
                open.push(Open { table, is_map, missing, read: 0, key: Value::Nil });
            } else if let Some(value) = close(&mut open, Value::Table(table))? {
                return Ok(value);
            }
        }
    }

    fn item(&mut self, lua: &Lua) -> Result<Item> {
        let [marker] = self.take(lua)?;
        let number = match marker {
            0..0x80 => f64::from(marker),
            0xE0.. => f64::from(marker.cast_signed()),
            0xCA => f64::from(f32::from_be_bytes(self.take(lua)?)),
            0xCB => f64::from_be_bytes(self.take(lua)?),
            0xCC => f64::from(u8::from_be_bytes(self.take(lua)?)),
            0xCD => f64::from(u16::from_be_bytes(self.take(lua)?)),
            0xCE => f64::from(u32::from_be_bytes(self.take(lua)?)),
            0xCF => from_u64(u64::from_be_bytes(self.take(lua)?)),
            0xD0 => f64::from(i8::from_be_bytes(self.take(lua)?)),
            0xD1 => f64::from(i16::from_be_bytes(self.take(lua)?)),
            0xD2 => f64::from(i32::from_be_bytes(self.take(lua)?)),
            0xD3 => from_i64(i64::from_be_bytes(self.take(lua)?)),
            _ => return self.other(lua, marker),
        };
        Ok(Item::Value(Value::Number(number)))
    }

    fn other(&mut self, lua: &Lua, marker: u8) -> Result<Item> {
        Ok(match marker {
            0x80..0x90 => Item::Map(usize::from(marker & 15)),
            0x90..0xA0 => Item::Array(usize::from(marker & 15)),
            0xA0..0xC0 => self.string(lua, usize::from(marker & 31))?,
            0xC0 => Item::Value(Value::Nil),
            0xC2 | 0xC3 => Item::Value(Value::Boolean(marker == 0xC3)),
            0xD9 => {
                let length = usize::from(u8::from_be_bytes(self.take(lua)?));
                self.string(lua, length)?
            }
            0xDA | 0xDC | 0xDE => {
                let length = usize::from(u16::from_be_bytes(self.take(lua)?));
                self.sized(lua, marker, length)?
            }
            0xDB | 0xDD | 0xDF => {
                let length = u32::from_be_bytes(self.take(lua)?);
                self.sized(lua, marker - 1, usize::try_from(length).unwrap_or(usize::MAX))?
            }
            _ => return Err(raise::message(lua, "Bad data format in input.")),
        })
    }

    fn sized(&mut self, lua: &Lua, marker: u8, length: usize) -> Result<Item> {
        match marker {
            0xDA => self.string(lua, length),
            0xDC => Ok(Item::Array(length)),
            _ => Ok(Item::Map(length)),
        }
    }

    fn string(&mut self, lua: &Lua, length: usize) -> Result<Item> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(raise::message(lua, "Missing bytes in input."));
        };
        self.rest = rest;
        Ok(Item::Value(Value::String(lua.create_string(bytes)?)))
    }

    fn take<const N: usize>(&mut self, lua: &Lua) -> Result<[u8; N]> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(raise::message(lua, "Missing bytes in input."));
        };
        self.rest = rest;
        Ok(*bytes)
    }
}

/// Puts a value where it belongs; gives it if it is in no table.
fn close(open: &mut Vec<Open>, mut value: Value) -> Result<Option<Value>> {
    loop {
        let Some(top) = open.last_mut() else {
            return Ok(Some(value));
        };
        top.missing -= 1;
        top.read += 1;
        if !top.is_map {
            top.table.raw_set(top.read, value)?;
        } else if top.read % 2 == 1 {
            top.key = value;
        } else {
            match &top.key {
                Value::Nil => return Err(raise::bare("table index is nil")),
                Value::Number(key) if key.is_nan() => {
                    return Err(raise::bare("table index is NaN"));
                }
                key => top.table.raw_set(key, value)?,
            }
        }
        if top.missing > 0 {
            return Ok(None);
        }
        value = open.pop().map_or(Value::Nil, |done| Value::Table(done.table));
    }
}
