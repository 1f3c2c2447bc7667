//! The library `cjson`: JSON as the lua-cjson 2.1 in Redis writes and reads it.

mod decode;
mod encode;

use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Function, Lua, Result, Table, Value};

use super::arguments::Arguments;
use super::raise;

/// What a script may set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    is_sparse_converted: bool,
    sparse_ratio: i64,
    sparse_safe: i64,
    encode_depth_max: i64,
    decode_depth_max: i64,
    precision: i64,
    is_buffer_kept: bool,
    encode_invalid: Invalid,
    decode_invalid: Invalid,
}

/// What becomes of numbers that JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    Refused,
    Allowed,
    Null,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_sparse_converted: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth_max: 1_000,
            decode_depth_max: 1_000,
            precision: 14,
            is_buffer_kept: true,
            encode_invalid: Invalid::Refused,
            decode_invalid: Invalid::Allowed,
        }
    }
}

/// The settings of one library table.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<Settings>>);

impl Shared {
    /// Forgets what a script set.
    pub(super) fn reset(&self) {
        self.with(|settings| *settings = Settings::default());
    }

    fn with<R>(&self, act: impl FnOnce(&mut Settings) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The library's table. What it encodes may not become longer than `bytes_max`.
pub(super) fn library(lua: &Lua, shared: &Shared, bytes_max: usize) -> Result<Table> {
    let next: Function = lua.globals().raw_get("next")?;
    build(lua, shared, bytes_max, &next)
}

fn build(lua: &Lua, shared: &Shared, bytes_max: usize, next: &Function) -> Result<Table> {
    let table = lua.create_table()?;
    let (settings, step) = (shared.clone(), next.clone());
    let encode = move |lua: &Lua, args: Arguments| {
        let [value] = args.values() else {
            return Err(raise::argument(lua, 1, "expected 1 argument"));
        };
        let settings = settings.with(|settings| settings.clone());
        encode::encode(lua, value, &settings, bytes_max, &step)
    };
    table.raw_set("encode", lua.create_function(encode)?)?;
    let settings = shared.clone();
    let decode = move |lua: &Lua, args: Arguments| {
        if args.len() != 1 {
            return Err(raise::argument(lua, 1, "expected 1 argument"));
        }
        let settings = settings.with(|settings| settings.clone());
        decode::decode(lua, &args.string(lua, 1)?.as_bytes(), &settings)
    };
    table.raw_set("decode", lua.create_function(decode)?)?;
    let step = next.clone();
    let new = move |lua: &Lua, _: Arguments| build(lua, &Shared::default(), bytes_max, &step);
    table.raw_set("new", lua.create_function(new)?)?;
    add_settings(lua, &table, shared)?;
    table.raw_set("null", Value::NULL)?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    Ok(table)
}

fn add_settings(lua: &Lua, table: &Table, shared: &Shared) -> Result<()> {
    integer(lua, table, shared, "encode_max_depth", i64::from(i32::MAX), |settings| {
        &mut settings.encode_depth_max
    })?;
    integer(lua, table, shared, "decode_max_depth", i64::from(i32::MAX), |settings| {
        &mut settings.decode_depth_max
    })?;
    integer(lua, table, shared, "encode_number_precision", 14, |settings| &mut settings.precision)?;
    let settings = shared.clone();
    let keep_buffer = move |lua: &Lua, args: Arguments| {
        check_count(lua, &args, 1)?;
        let choice = option(lua, &args, &["off", "on"])?;
        Ok(settings.with(|settings| {
            settings.is_buffer_kept = choice.map_or(settings.is_buffer_kept, |choice| choice == 1);
            settings.is_buffer_kept
        }))
    };
    table.raw_set("encode_keep_buffer", lua.create_function(keep_buffer)?)?;
    let settings = shared.clone();
    let sparse = move |lua: &Lua, args: Arguments| {
        check_count(lua, &args, 3)?;
        let choice = option(lua, &args, &["off", "on"])?;
        // Each is set before the next is looked at.
        settings.with(|settings| {
            if let Some(choice) = choice {
                settings.is_sparse_converted = choice == 1;
            }
        });
        let set = bounded(lua, &args, 2, 0, i64::from(i32::MAX))?;
        settings.with(|settings| settings.sparse_ratio = set.unwrap_or(settings.sparse_ratio));
        let set = bounded(lua, &args, 3, 0, i64::from(i32::MAX))?;
        Ok(settings.with(|settings| {
            settings.sparse_safe = set.unwrap_or(settings.sparse_safe);
            (settings.is_sparse_converted, settings.sparse_ratio, settings.sparse_safe)
        }))
    };
    table.raw_set("encode_sparse_array", lua.create_function(sparse)?)?;
    invalid(lua, table, shared, "encode_invalid_numbers", &["off", "on", "null"], |settings| {
        &mut settings.encode_invalid
    })?;
    invalid(lua, table, shared, "decode_invalid_numbers", &["off", "on"], |settings| {
        &mut settings.decode_invalid
    })
}

fn integer(
    lua: &Lua,
    table: &Table,
    shared: &Shared,
    name: &str,
    max: i64,
    field: fn(&mut Settings) -> &mut i64,
) -> Result<()> {
    let shared = shared.clone();
    let function = lua.create_function(move |lua, args: Arguments| {
        check_count(lua, &args, 1)?;
        let set = bounded(lua, &args, 1, 1, max)?;
        Ok(shared.with(|settings| {
            let field = field(settings);
            *field = set.unwrap_or(*field);
            *field
        }))
    })?;
    table.raw_set(name, function)
}

fn invalid(
    lua: &Lua,
    table: &Table,
    shared: &Shared,
    name: &str,
    names: &'static [&'static str],
    field: fn(&mut Settings) -> &mut Invalid,
) -> Result<()> {
    let shared = shared.clone();
    let function = lua.create_function(move |lua, args: Arguments| {
        check_count(lua, &args, 1)?;
        let choice = option(lua, &args, names)?;
        let chosen = shared.with(|settings| {
            let field = field(settings);
            *field = match choice {
                None => *field,
                Some(0) => Invalid::Refused,
                Some(1) => Invalid::Allowed,
                Some(_) => Invalid::Null,
            };
            *field
        });
        Ok(match chosen {
            Invalid::Refused => Value::Boolean(false),
            Invalid::Allowed => Value::Boolean(true),
            Invalid::Null => Value::String(lua.create_string("null")?),
        })
    })?;
    table.raw_set(name, function)
}

fn check_count(lua: &Lua, args: &Arguments, count: usize) -> Result<()> {
    if args.len() > count {
        return Err(raise::argument(lua, count + 1, "found too many arguments"));
    }
    Ok(())
}

/// The first argument, if there is one: a truth value, or one of some names by its place.
fn option(lua: &Lua, args: &Arguments, names: &[&str]) -> Result<Option<usize>> {
    match args.get(1) {
        None | Some(Value::Nil) => Ok(None),
        Some(Value::Boolean(truth)) => Ok(Some(usize::from(*truth))),
        Some(_) => {
            let text = args.string(lua, 1)?;
            let place = names.iter().position(|name| text.as_bytes() == name.as_bytes());
            let invalid = || {
                let text = format!("invalid option '{}'", text.to_string_lossy());
                raise::argument(lua, 1, &text)
            };
            Ok(Some(place.ok_or_else(invalid)?))
        }
    }
}

/// An integer within bounds, if it is given. The complaint names the first argument always.
fn bounded(lua: &Lua, args: &Arguments, number: usize, min: i64, max: i64) -> Result<Option<i64>> {
    if matches!(args.get(number), None | Some(Value::Nil)) {
        return Ok(None);
    }
    let value = i64::from(super::number::to_i32(args.integer(lua, number)?));
    if (min..=max).contains(&value) {
        return Ok(Some(value));
    }
    let text = format!("expected integer between {min} and {max}");
    Err(raise::argument(lua, 1, &text))
}
