//! What comes in is read into JSON first, within bounds, and then by the core: each further way would
//! be compiled for every type.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Display;

use js_sys::{Array, BigInt, Number, Object, Reflect};
use outlast_core as ocore;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast, JsValue};

use ocore::{Error, ErrorKind};

/// How deep an argument may be nested; nothing that the core reads is as deep.
const DEPTH_MAX: u32 = 16;

/// The largest integer up to which a JavaScript number holds every one: 2^53 − 1.
pub(crate) const INTEGER_MAX: u64 = 9_007_199_254_740_991;

/// The last millisecond that a JavaScript date can name. Every later time that an engine answers
/// is still a number that JavaScript holds exactly.
const TIME_MS_MAX: u64 = 8_640_000_000_000_000;

/// What the core reads from an object with names in camelCase or `snake_case`; nothing stands for
/// an empty one.
pub(crate) fn named<T: DeserializeOwned>(what: &str, value: &JsValue) -> Result<T, Error> {
    read(what, Value::Object(names(what, value)?))
}

/// What the core reads from a value with its own names.
pub(crate) fn parsed<T: DeserializeOwned>(what: &str, value: &JsValue) -> Result<T, Error> {
    read(what, json(what, value, 0)?)
}

/// A whole number: a number that JavaScript holds exactly, or a bigint of up to 64 bits.
pub(crate) fn whole(field: &str, value: &JsValue) -> Result<u64, Error> {
    exact(value).and_then(|number| number.as_u64()).ok_or_else(|| {
        let allowed = "a whole number from 0 to 9007199254740991, or a bigint of up to 64 bits";
        Error::invalid_option(field, &shown(value), allowed)
    })
}

/// A time in milliseconds.
pub(crate) fn time(value: &JsValue) -> Result<ocore::Timestamp, Error> {
    whole("at_ms", value)
        .ok()
        .filter(|ms| *ms <= TIME_MS_MAX)
        .map(ocore::Timestamp::from_ms)
        .ok_or_else(|| {
            let allowed = format!("a whole number from 0 to {TIME_MS_MAX} (ms)");
            Error::invalid_option("at_ms", &shown(value), &allowed)
        })
}

/// The fields of an object, their names in `snake_case`.
pub(crate) fn names(what: &str, value: &JsValue) -> Result<Map<String, Value>, Error> {
    let fields = match json(what, value, 0)? {
        Value::Null => Map::new(),
        Value::Object(fields) => fields,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(unreadable(what, &"expected an object"));
        }
    };
    let mut named = Map::new();
    for (name, value) in fields {
        let snake = snake_case(&name);
        if named.insert(snake, value).is_some() {
            let name = snake_case(&name);
            return Err(unreadable(what, &format!("{name} is given twice")));
        }
    }
    Ok(named)
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A value as JSON, of bounded depth. A number that is none stays visible as a text, so that the
/// core refuses it by its name instead of taking it for absent.
pub(crate) fn json(what: &str, value: &JsValue, depth: u32) -> Result<Value, Error> {
    if depth > DEPTH_MAX {
        return Err(unreadable(what, &"nested too deep"));
    }
    if let Some(scalar) = scalar(value) {
        return Ok(scalar);
    }
    if let Some(list) = value.dyn_ref::<Array>() {
        let items = list.iter().map(|item| json(what, &item, depth + 1));
        return items.collect::<Result<_, _>>().map(Value::Array);
    }
    let Some(object) = value.dyn_ref::<Object>().filter(|_| value.is_object()) else {
        return Err(unreadable(what, &format!("{} is no value for it", shown(value))));
    };
    let mut fields = Map::new();
    for key in Object::keys(object).iter() {
        let field = Reflect::get(object, &key).unwrap_or_default();
        if let Some(name) = key.as_string() {
            fields.insert(name, json(what, &field, depth + 1)?);
        }
    }
    Ok(Value::Object(fields))
}

fn scalar(value: &JsValue) -> Option<Value> {
    if value.is_undefined() || value.is_null() {
        return Some(Value::Null);
    }
    if let Some(flag) = value.as_bool() {
        return Some(Value::Bool(flag));
    }
    if let Some(text) = value.as_string() {
        return Some(Value::String(text));
    }
    if let Some(number) = exact(value) {
        return Some(Value::Number(number));
    }
    let number = value.as_f64()?;
    Some(serde_json::Number::from_f64(number).map_or_else(|| shown(value).into(), Value::Number))
}

/// An integer that is held exactly: a safe number, or a bigint of up to 64 bits.
pub(crate) fn exact(value: &JsValue) -> Option<serde_json::Number> {
    let big = match value.as_f64() {
        Some(_) if Number::is_safe_integer(value) => BigInt::new(value).ok()?.into(),
        None if value.is_bigint() => value.clone(),
        Some(_) | None => return None,
    };
    let unsigned = u64::try_from(big.clone()).ok().map(serde_json::Number::from);
    unsigned.or_else(|| i64::try_from(big).ok().map(serde_json::Number::from))
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, why: &dyn Display) -> Error {
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    let message = format!("not {article} {what}: {why}");
    Error::new(ErrorKind::InvalidArgument, message)
}

/// A value for a message.
pub(crate) fn shown(value: &JsValue) -> String {
    if let Some(text) = value.as_string() {
        return text;
    }
    if let Some(number) = value.as_f64() {
        return number.to_string();
    }
    let digits = value.dyn_ref::<BigInt>().map(|big| big.to_string(10));
    match digits {
        Some(Ok(digits)) => digits.into(),
        Some(Err(_)) | None => {
            value.js_typeof().as_string().unwrap_or_else(|| "something".to_owned())
        }
    }
}
