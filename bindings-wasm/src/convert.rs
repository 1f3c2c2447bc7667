//! Values both ways. What comes in is read into JSON first, within bounds; what goes out is plain
//! objects with the core's names. Both ways lead through one form of JSON each, because every
//! further one would be compiled for every type.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use js_sys::{Array, BigInt, JSON, Number, Object, Reflect};
use outlast_core as ocore;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast, JsValue};

use crate::errors::thrown;
use ocore::classify::{CAUSE_DEPTH_MAX, CAUSE_WIDTH_MAX};
use ocore::{Error, ErrorKind};

/// How deep an argument may be nested; nothing that the core reads is as deep.
const DEPTH_MAX: u32 = 16;

/// How many error objects are read of one failure: causes may go round in circles.
const ERRORS_MAX: usize = 256;

/// The largest integer up to which a JavaScript number holds every one: 2^53 − 1.
const INTEGER_MAX: u64 = 9_007_199_254_740_991;

/// The last millisecond that a JavaScript date can name. Every later time that an engine answers
/// is still a number that JavaScript holds exactly.
const TIME_MS_MAX: u64 = 8_640_000_000_000_000;

/// The answer of a call as JavaScript gets it, or the error that it throws.
pub(crate) fn answer<T: Serialize>(
    call: impl FnOnce() -> Result<T, Error>,
) -> Result<JsValue, JsValue> {
    call().and_then(|value| to_js(&value)).map_err(|error| thrown(&error))
}

/// A value as plain objects, lists and numbers. A number that JavaScript would round is an error.
fn to_js<T: Serialize>(value: &T) -> Result<JsValue, Error> {
    let unwritable = |why: &dyn Display| Error::new(ErrorKind::LimitReached, why.to_string());
    let text = serde_json::to_string(value).map_err(|error| unwritable(&error))?;
    if let Some(number) = rounded_integer(text.as_bytes()) {
        return Err(unwritable(&format!("JavaScript would round the number {number}")));
    }
    JSON::parse(&text).map_err(|_| unwritable(&"an answer that is no JSON"))
}

/// The first integer of a JSON text that a JavaScript number does not hold exactly.
fn rounded_integer(json: &[u8]) -> Option<&str> {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let rest = json.get(at..)?;
        at += match byte {
            b'"' => text_len(rest),
            b'0'..=b'9' => {
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                let len = rest.iter().take_while(|byte| is_part(byte)).count();
                let digits = core::str::from_utf8(rest.get(..len)?).ok()?;
                let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
                if is_integer && digits.parse().map_or(true, |number: u64| number > INTEGER_MAX) {
                    return Some(digits);
                }
                len
            }
            _ => 1,
        };
    }
    None
}

/// How long the JSON string at the beginning is, with its quotation marks.
fn text_len(json: &[u8]) -> usize {
    let mut is_escaped = true;
    let is_inside = |byte: &&u8| {
        let ends = **byte == b'"' && !is_escaped;
        // The first quotation mark counts as escaped: it opens.
        is_escaped = **byte == b'\\' && !is_escaped;
        !ends
    };
    json.iter().take_while(is_inside).count() + 1
}

/// A policy from an object of options, in camelCase or `snake_case`; nothing stands for none.
pub(crate) fn policy(options: &JsValue) -> Result<ocore::Policy, Error> {
    ocore::inspect::policy(&names("set of options", options)?)
}

/// What the core reads from an object with names in camelCase or `snake_case`; nothing stands for
/// an empty one.
pub(crate) fn named<T: DeserializeOwned>(what: &str, value: &JsValue) -> Result<T, Error> {
    read(what, Value::Object(names(what, value)?))
}

/// What the core reads from a value with its own names.
pub(crate) fn parsed<T: DeserializeOwned>(what: &str, value: &JsValue) -> Result<T, Error> {
    read(what, json(what, value, 0)?)
}

/// A text.
pub(crate) fn text(what: &str, value: &JsValue) -> Result<String, Error> {
    parsed(what, value)
}

/// A text, or this one where there is none.
pub(crate) fn text_or(what: &str, value: &JsValue, absent: &str) -> Result<String, Error> {
    if value.is_undefined() {
        return Ok(absent.to_owned());
    }
    text(what, value)
}

/// A whole number: a number that JavaScript holds exactly, or a bigint of up to 64 bits.
pub(crate) fn whole(field: &str, value: &JsValue) -> Result<u64, Error> {
    exact(value).and_then(|number| number.as_u64()).ok_or_else(|| {
        let allowed = "a whole number from 0 to 9007199254740991, or a bigint of up to 64 bits";
        Error::invalid_option(field, &shown(value), allowed)
    })
}

/// A whole number of a few digits.
pub(crate) fn count(field: &str, value: &JsValue) -> Result<u32, Error> {
    let number = whole(field, value)?;
    u32::try_from(number).map_err(|_| {
        let allowed = format!("at most {}", u32::MAX);
        Error::invalid_option(field, &shown(value), &allowed)
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

/// What is known of a failure: a text as it is, and of an object what [`ocore::classify`] reads.
/// The fields of a JavaScript error are inherited or not enumerable, so they are asked for by name.
pub(crate) fn evidence(value: &JsValue) -> Result<Value, Error> {
    if value.is_object() && !Array::is_array(value) {
        return Ok(error_object(value, 0, &mut 0));
    }
    json("error", value, 0)
}

fn error_object(value: &JsValue, depth: u32, seen: &mut usize) -> Value {
    *seen += 1;
    let field = |name: &str| Reflect::get(value, &name.into()).unwrap_or_default();
    let mut object = Map::new();
    let is_error = value.is_instance_of::<js_sys::Error>();
    // These names are the core's only where the object was made for it.
    let texts: &[&str] = if is_error {
        &["message", "name", "code"]
    } else {
        &["message", "name", "code", "text", "phase"]
    };
    for name in texts {
        if let Some(text) = field(name).as_string() {
            object.insert((*name).to_owned(), Value::String(text));
        }
    }
    let errno = exact(&field("errno")).and_then(|number| i32::try_from(number.as_i64()?).ok());
    if let Some(errno) = errno {
        object.insert("errno".to_owned(), errno.into());
    }
    if depth < CAUSE_DEPTH_MAX {
        let mut causes = Vec::new();
        for name in ["errors", "causes"] {
            if let Ok(list) = field(name).dyn_into::<Array>() {
                causes.extend(list.iter().take(CAUSE_WIDTH_MAX));
            }
        }
        causes.push(field("cause"));
        let read = causes.iter().filter_map(|cause| error_cause(cause, depth + 1, seen)).collect();
        object.insert("causes".to_owned(), Value::Array(read));
    }
    Value::Object(object)
}

/// A cause is an error object, or only its message.
fn error_cause(value: &JsValue, depth: u32, seen: &mut usize) -> Option<Value> {
    if *seen >= ERRORS_MAX {
        return None;
    }
    if let Some(text) = value.as_string() {
        *seen += 1;
        let mut object = Map::new();
        object.insert("text".to_owned(), Value::String(text));
        return Some(Value::Object(object));
    }
    value.is_object().then(|| error_object(value, depth, seen))
}

/// A reply as an object with one field, which tells its type. The store answers no other types.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the types of RESP 3 have no form here, nor has any that is still to come"
)]
pub(crate) fn reply(value: &ocore::Value) -> Result<JsValue, Error> {
    use ocore::Value as Reply;
    Ok(match value {
        Reply::Nil | Reply::NilArray => tagged("nil", &JsValue::TRUE),
        Reply::Simple(text) => tagged("simple", &text.into()),
        Reply::Error(text) => tagged("error", &text.into()),
        Reply::Integer(number) => tagged("integer", &integer(*number)),
        Reply::Bulk(bytes) => tagged("bulk", &String::from_utf8_lossy(bytes).as_ref().into()),
        Reply::Array(items) => {
            let items: Array = items.iter().map(reply).collect::<Result<_, _>>()?;
            tagged("array", &items)
        }
        _ => return Err(unanswerable("a type of RESP 3")),
    })
}

/// Why the store does not answer, in the same form.
pub(crate) fn refusal(refusal: ocore::store::Refusal) -> Result<JsValue, Error> {
    use ocore::store::Refusal;
    let reason = match refusal {
        Refusal::Unsupported => "unsupported",
        Refusal::Full => "full",
        _ => return Err(unanswerable("another refusal")),
    };
    Ok(tagged("refused", &reason.into()))
}

fn unanswerable(what: &str) -> Error {
    let message = format!("an answer of the store that has no form here: {what}");
    Error::new(ErrorKind::UnsupportedLocally, message)
}

/// A number where JavaScript holds it exactly, else a bigint.
pub(crate) fn integer(number: i64) -> JsValue {
    let halves = (i32::try_from(number >> 32), u32::try_from(number & 0xffff_ffff));
    match halves {
        (Ok(high), Ok(low)) if number.unsigned_abs() <= INTEGER_MAX => {
            (f64::from(high) * 4_294_967_296.0 + f64::from(low)).into()
        }
        _ => JsValue::from(number),
    }
}

fn tagged(tag: &str, value: &JsValue) -> JsValue {
    let object = Object::new();
    // An object that was just made is extensible: this cannot fail.
    let _ = Reflect::set(&object, &tag.into(), value);
    object.into()
}

/// The fields of an object, their names in `snake_case`.
fn names(what: &str, value: &JsValue) -> Result<Map<String, Value>, Error> {
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
fn json(what: &str, value: &JsValue, depth: u32) -> Result<Value, Error> {
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
fn exact(value: &JsValue) -> Option<serde_json::Number> {
    let big = match value.as_f64() {
        Some(_) if Number::is_safe_integer(value) => BigInt::new(value).ok()?.into(),
        Some(_) => return None,
        None if value.is_bigint() => value.clone(),
        None => return None,
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
