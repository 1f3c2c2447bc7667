//! Values both ways: the arguments and replies of commands, and what diagnosis takes and answers.

use core::fmt::Display;

use napi::bindgen_prelude::{
    Array, BigInt, BufferSlice, Function, JsObjectValue, JsValue, Null, Object, ToNapiValue,
};
use napi::{Env, Unknown, ValueType};
use outlast_core as ocore;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::errors::{self, thrown};
use ocore::classify::{CAUSE_DEPTH_MAX, CAUSE_WIDTH_MAX};
use ocore::{Error, ErrorKind, Value as Reply};

/// The largest whole number that a JavaScript number holds exactly.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// How deep an argument of a diagnosis may be nested; nothing that the core reads is as deep.
const DEPTH_MAX: u32 = 16;

/// How many error objects are read of one failure: causes may go round in circles.
const ERRORS_MAX: usize = 256;

/// The last millisecond that a JavaScript date can name.
const TIME_MS_MAX: u64 = 8_640_000_000_000_000;

fn type_name(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Undefined => "undefined",
        ValueType::Null => "null",
        ValueType::Boolean => "a boolean",
        ValueType::Number => "a number",
        ValueType::BigInt => "a bigint",
        ValueType::String => "a string",
        ValueType::Symbol => "a symbol",
        ValueType::Function => "a function",
        _ => "an object",
    }
}

/// A reply. Bytes are text unless `buffers` asks for them as they are.
pub(crate) fn reply<'env>(
    env: &'env Env,
    value: &Reply,
    buffers: bool,
) -> napi::Result<Unknown<'env>> {
    let list = |items: &[Reply]| -> napi::Result<Unknown<'env>> {
        let items = items.iter().map(|item| reply(env, item, buffers));
        let items = items.collect::<napi::Result<Vec<_>>>()?;
        Ok(Array::from_vec(env, items)?.to_unknown())
    };
    match value {
        Reply::Nil | Reply::NilArray => Null.into_unknown(env),
        Reply::Simple(text) => Ok(env.create_string(text)?.to_unknown()),
        Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } if buffers => {
            Ok(BufferSlice::copy_from(env, bytes)?.to_unknown())
        }
        Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => string(env, bytes),
        Reply::Integer(number) => integer(env, *number),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => list(items),
        Reply::Double(number) => number.into_unknown(env),
        Reply::Boolean(truth) => truth.into_unknown(env),
        Reply::BigNumber(digits) => {
            let big: Function<'_, &str, Unknown<'env>> =
                env.get_global()?.get_named_property("BigInt")?;
            big.call(digits)
        }
        Reply::Map(pairs) => {
            let pair = |(key, value): &(Reply, Reply)| list(&[key.clone(), value.clone()]);
            let pairs = pairs.iter().map(pair).collect::<napi::Result<Vec<_>>>()?;
            let map: Function<'_, Array<'_>, Unknown<'env>> =
                env.get_global()?.get_named_property("Map")?;
            map.new_instance(Array::from_vec(env, pairs)?)
        }
        // An error at the top is the command's own; this one is inside the reply of a script.
        Reply::Error(message) => {
            let error = napi::Error::new(napi::Status::GenericFailure, message);
            let mut error = env.create_error(error)?;
            let kind = ocore::classify::classify_reply(message);
            error.set("code", ErrorKind::of_failure(kind).code())?;
            Ok(error.to_unknown())
        }
        _ => Err(napi::Error::from_reason("a reply of a type that has no form here")),
    }
}

fn string<'env>(env: &'env Env, bytes: &[u8]) -> napi::Result<Unknown<'env>> {
    // One byte a character needs no decoding.
    if bytes.is_ascii() {
        return Ok(env.create_string_latin1(bytes)?.to_unknown());
    }
    Ok(env.create_string(String::from_utf8_lossy(bytes))?.to_unknown())
}

/// A number where JavaScript holds it exactly, else a bigint.
fn integer(env: &Env, number: i64) -> napi::Result<Unknown<'_>> {
    if (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&number) {
        return number.into_unknown(env);
    }
    BigInt::from(number).into_unknown(env)
}

/// A reply of the store as an object with one field, which tells its type.
pub(crate) fn tagged<'env>(env: &'env Env, value: &Reply) -> napi::Result<Object<'env>> {
    let mut object = Object::new(env)?;
    match value {
        Reply::Nil | Reply::NilArray => object.set("nil", true)?,
        Reply::Simple(text) => object.set("simple", text.as_str())?,
        Reply::Error(text) => object.set("error", text.as_str())?,
        Reply::Integer(number) => object.set("integer", integer(env, *number)?)?,
        Reply::Bulk(bytes) => object.set("bulk", string(env, bytes)?)?,
        Reply::Array(items) => {
            let items = items.iter().map(|item| tagged(env, item));
            let items = items.collect::<napi::Result<Vec<_>>>()?;
            object.set("array", Array::from_vec(env, items)?)?;
        }
        _ => return Err(napi::Error::from_reason("the store answers no other types")),
    }
    Ok(object)
}

/// Why the store does not answer, in the same form.
pub(crate) fn refusal(env: &Env, refusal: ocore::store::Refusal) -> napi::Result<Object<'_>> {
    let mut object = Object::new(env)?;
    let full = refusal == ocore::store::Refusal::Full;
    object.set("refused", if full { "full" } else { "unsupported" })?;
    Ok(object)
}

/// The answer of a diagnosis, or the error that it throws.
pub(crate) fn answer<T: Serialize>(
    call: impl FnOnce() -> Result<T, Error>,
) -> errors::Result<String> {
    let text = call().and_then(|value| text_of(&value));
    text.map_err(|error| thrown(&error))
}

/// A value as JSON text.
pub(crate) fn text_of<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))
}

/// A policy from an object of options, in camelCase or `snake_case`; nothing stands for none.
pub(crate) fn policy(options: &Unknown<'_>) -> Result<ocore::Policy, Error> {
    ocore::inspect::policy(&self::options(options)?)
}

/// Options by their names in `snake_case`; nothing stands for none of them. An object of rules is
/// a list of them here, since JSON's objects do not keep their order.
pub(crate) fn options(options: &Unknown<'_>) -> Result<Map<String, Value>, Error> {
    let mut given = names("options", options)?;
    if let Some(rules @ Value::Object(_)) = given.get_mut("rules") {
        let options = options.coerce_to_object().map_err(unreadable_js)?;
        *rules = rules_in_order(&options.get_named_property("rules").map_err(unreadable_js)?)?;
    }
    Ok(given)
}

fn rules_in_order(rules: &Unknown<'_>) -> Result<Value, Error> {
    let object = rules.coerce_to_object().map_err(unreadable_js)?;
    let mut list = Vec::new();
    for pattern in Object::keys(&object).map_err(unreadable_js)? {
        let class: Unknown<'_> = object.get_named_property(&pattern).map_err(unreadable_js)?;
        let mut rule = vec![Value::String(pattern)];
        match json("rules", &class, 0)? {
            Value::Array(parts) => rule.extend(parts),
            class => rule.push(class),
        }
        list.push(Value::Array(rule));
    }
    Ok(Value::Array(list))
}

/// The value of an option as a URL would hold it.
pub(crate) fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What the core reads from an object with names in camelCase or `snake_case`.
pub(crate) fn named<T: DeserializeOwned>(what: &str, value: &Unknown<'_>) -> Result<T, Error> {
    read(what, Value::Object(names(what, value)?))
}

/// What the core reads from a value with its own names.
pub(crate) fn parsed<T: DeserializeOwned>(what: &str, value: &Unknown<'_>) -> Result<T, Error> {
    read(what, json(what, value, 0)?)
}

/// A text.
pub(crate) fn text(what: &str, value: &Unknown<'_>) -> Result<String, Error> {
    parsed(what, value)
}

/// A text, or this one where there is none.
pub(crate) fn text_or(what: &str, value: &Unknown<'_>, absent: &str) -> Result<String, Error> {
    if kind_of(value)? == ValueType::Undefined {
        return Ok(absent.to_owned());
    }
    text(what, value)
}

/// A whole number: a number that JavaScript holds exactly, or a bigint of up to 64 bits.
pub(crate) fn whole(field: &str, value: &Unknown<'_>) -> Result<u64, Error> {
    let found = json(field, value, 0)?;
    found.as_u64().ok_or_else(|| {
        let allowed = "a whole number from 0 to 9007199254740991, or a bigint of up to 64 bits";
        Error::invalid_option(field, &shown(&found), allowed)
    })
}

/// A whole number of a few digits.
pub(crate) fn count(field: &str, value: &Unknown<'_>) -> Result<u32, Error> {
    let number = whole(field, value)?;
    u32::try_from(number).map_err(|_| {
        let allowed = format!("at most {}", u32::MAX);
        Error::invalid_option(field, &number.to_string(), &allowed)
    })
}

/// A time in milliseconds.
pub(crate) fn time(value: &Unknown<'_>) -> Result<ocore::Timestamp, Error> {
    let found = json("at_ms", value, 0)?;
    let ms = found.as_u64().filter(|ms| *ms <= TIME_MS_MAX);
    ms.map(ocore::Timestamp::from_ms).ok_or_else(|| {
        let allowed = format!("a whole number from 0 to {TIME_MS_MAX} (ms)");
        Error::invalid_option("at_ms", &shown(&found), &allowed)
    })
}

/// What is known of a failure: a text as it is, and of an object what [`ocore::classify`] reads.
/// The fields of a JavaScript error are inherited or not enumerable, so they are asked for by name.
pub(crate) fn evidence(value: &Unknown<'_>) -> Result<Value, Error> {
    if kind_of(value)? == ValueType::Object && !value.is_array().map_err(unreadable_js)? {
        return error_object(value, 0, &mut 0);
    }
    json("error", value, 0)
}

fn error_object(value: &Unknown<'_>, depth: u32, seen: &mut usize) -> Result<Value, Error> {
    *seen += 1;
    let object = value.coerce_to_object().map_err(unreadable_js)?;
    let field = |name: &str| object.get_named_property::<Unknown<'_>>(name).map_err(unreadable_js);
    let mut read = Map::new();
    // These names are the core's only where the object was made for it.
    let texts: &[&str] = if value.is_error().map_err(unreadable_js)? {
        &["message", "name", "code"]
    } else {
        &["message", "name", "code", "text", "phase"]
    };
    for name in texts {
        let found = field(name)?;
        if kind_of(&found)? == ValueType::String {
            read.insert((*name).to_owned(), json(name, &found, 0)?);
        }
    }
    let errno = field("errno")?;
    if kind_of(&errno)? == ValueType::Number {
        let errno = json("errno", &errno, 0)?;
        if errno.as_i64().is_some_and(|errno| i32::try_from(errno).is_ok()) {
            read.insert("errno".to_owned(), errno);
        }
    }
    if depth < CAUSE_DEPTH_MAX {
        let mut causes = Vec::new();
        for name in ["errors", "causes"] {
            let list = field(name)?;
            if list.is_array().map_err(unreadable_js)? {
                for item in items(&list)?.take(CAUSE_WIDTH_MAX) {
                    causes.extend(error_cause(&item?, depth + 1, seen)?);
                }
            }
        }
        causes.extend(error_cause(&field("cause")?, depth + 1, seen)?);
        read.insert("causes".to_owned(), Value::Array(causes));
    }
    Ok(Value::Object(read))
}

/// A cause is an error object, or only its message.
fn error_cause(value: &Unknown<'_>, depth: u32, seen: &mut usize) -> Result<Option<Value>, Error> {
    if *seen >= ERRORS_MAX {
        return Ok(None);
    }
    match kind_of(value)? {
        ValueType::String => {
            *seen += 1;
            Ok(Some(serde_json::json!({ "text": json("cause", value, 0)? })))
        }
        ValueType::Object => error_object(value, depth, seen).map(Some),
        _ => Ok(None),
    }
}

/// The fields of an object, their names in `snake_case`.
pub(crate) fn names(what: &str, value: &Unknown<'_>) -> Result<Map<String, Value>, Error> {
    let fields = match json(what, value, 0)? {
        Value::Null => Map::new(),
        Value::Object(fields) => fields,
        _ => return Err(unreadable(what, &"expected an object")),
    };
    let mut named = Map::new();
    for (name, value) in fields {
        let snake = snake_case(&name);
        if named.insert(snake.clone(), value).is_some() {
            return Err(unreadable(what, &format!("{snake} is given twice")));
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
fn json(what: &str, value: &Unknown<'_>, depth: u32) -> Result<Value, Error> {
    if depth > DEPTH_MAX {
        return Err(unreadable(what, &"nested too deep"));
    }
    let written = || -> Result<String, Error> {
        let text = value.coerce_to_string().and_then(napi::JsString::into_utf8);
        text.and_then(napi::JsStringUtf8::into_owned).map_err(unreadable_js)
    };
    Ok(match kind_of(value)? {
        ValueType::Undefined | ValueType::Null => Value::Null,
        ValueType::Boolean => Value::Bool(value.coerce_to_bool().map_err(unreadable_js)?),
        ValueType::Number => number(value)?.map_or_else(|| written().map(Value::String), Ok)?,
        ValueType::BigInt => {
            let digits = written()?;
            match (digits.parse::<u64>(), digits.parse::<i64>()) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) => number.into(),
                _ => Value::String(digits),
            }
        }
        ValueType::String => Value::String(written()?),
        ValueType::Object if value.is_array().map_err(unreadable_js)? => {
            let items = items(value)?.map(|item| json(what, &item?, depth + 1));
            items.collect::<Result<_, _>>().map(Value::Array)?
        }
        ValueType::Object => {
            let object = value.coerce_to_object().map_err(unreadable_js)?;
            let mut fields = Map::new();
            for name in Object::keys(&object).map_err(unreadable_js)? {
                let field: Unknown<'_> = object.get_named_property(&name).map_err(unreadable_js)?;
                let field = json(what, &field, depth + 1)?;
                fields.insert(name, field);
            }
            Value::Object(fields)
        }
        other => return Err(unreadable(what, &format!("unexpected {}", type_name(other)))),
    })
}

/// A number that JSON has; none for NaN and the infinities.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
#[expect(clippy::cast_precision_loss, reason = "the bound is a power of two less one")]
fn number(value: &Unknown<'_>) -> Result<Option<Value>, Error> {
    let number = value.coerce_to_number().and_then(|number| number.get_double());
    let number = number.map_err(unreadable_js)?;
    if number.fract() == 0.0 && number.abs() <= SAFE_INTEGER_MAX as f64 {
        return Ok(Some((number as i64).into()));
    }
    Ok(Number::from_f64(number).map(Value::Number))
}

fn items<'a>(
    list: &Unknown<'a>,
) -> Result<impl Iterator<Item = Result<Unknown<'a>, Error>>, Error> {
    let list = list.coerce_to_object().map_err(unreadable_js)?;
    let length = list.get_array_length().map_err(unreadable_js)?;
    Ok((0..length).map(move |place| list.get_element(place).map_err(unreadable_js)))
}

fn kind_of(value: &Unknown<'_>) -> Result<ValueType, Error> {
    value.get_type().map_err(unreadable_js)
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, why: &dyn Display) -> Error {
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    Error::new(ErrorKind::InvalidArgument, format!("not {article} {what}: {why}"))
}

fn unreadable_js(error: napi::Error) -> Error {
    Error::new(ErrorKind::InvalidArgument, error.reason)
}

/// A value for a message.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}
