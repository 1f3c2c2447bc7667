//! Values both ways: arguments of commands, replies, and the plain objects of the diagnostics.

use std::time::Duration;

use outlast::{DeadLetter, Error, ErrorKind, RuleSpec, Value};
use outlast_core::Timestamp;
use outlast_core::classify::{CAUSE_DEPTH_MAX, CAUSE_WIDTH_MAX, classify_reply};
use outlast_core::command::Command;
use pyo3::exceptions::{PyBaseException, PyUnicodeDecodeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyInt, PyList,
    PyMemoryView, PySet, PyString, PyTuple, PyType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::errors::{exception, invalid_argument, raised, wrong_type};

/// How deep an object may be nested; nothing that the core reads is as deep.
const DEPTH_MAX: u32 = 16;

/// What a command may be given.
const ARGUMENTS: &str = "str, bytes, bytearray, memoryview, int or float";

/// One argument of a command, as bytes of our own: the caller's may move once the GIL is free.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Word(&'static str),
    Bytes(Vec<u8>),
}

impl AsRef<[u8]> for Arg {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Word(word) => word.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// What texts are as bytes, and what a client hands out.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    /// Whether replies are texts.
    pub(crate) text: bool,
    /// Where it is not strict UTF-8: encoding, and what becomes of what it cannot hold.
    pub(crate) coding: Option<(String, String)>,
}

impl Forms {
    pub(crate) fn new(text: bool, encoding: &str, errors: &str) -> Self {
        let is_utf8 = ["utf-8", "utf8"].iter().any(|name| encoding.eq_ignore_ascii_case(name));
        let coding = (!is_utf8 || errors != "strict").then(|| (encoding.into(), errors.into()));
        Self { text, coding }
    }

    fn encoded<T>(&self, text: &Bound<'_, PyString>, take: impl FnOnce(&[u8]) -> T) -> PyResult<T> {
        match &self.coding {
            None => Ok(take(text.encode_utf8()?.as_bytes())),
            Some(coding) => {
                let bytes = text.call_method1("encode", (&coding.0, &coding.1))?;
                Ok(take(bytes.cast::<PyBytes>()?.as_bytes()))
            }
        }
    }

    fn bulk<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        if !self.text {
            return Ok(PyBytes::new(py, bytes).into_any());
        }
        if let Some((encoding, errors)) = &self.coding {
            return PyBytes::new(py, bytes).call_method1("decode", (encoding, errors));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(PyString::new(py, text).into_any()),
            Err(error) => Err(PyUnicodeDecodeError::new_err_from_utf8(py, bytes, error)),
        }
    }
}

/// An argument of a command. Numbers are written as redis-py writes them; a truth value is none.
pub(crate) fn argument(what: &str, value: &Bound<'_, PyAny>, forms: &Forms) -> PyResult<Arg> {
    with_argument(what, value, forms, |bytes| Arg::Bytes(bytes.to_vec()))
}

/// The same, lent to a function, which must not call Python.
pub(crate) fn with_argument<T>(
    what: &str,
    value: &Bound<'_, PyAny>,
    forms: &Forms,
    take: impl FnOnce(&[u8]) -> T,
) -> PyResult<T> {
    if let Ok(text) = value.cast::<PyString>() {
        return forms.encoded(text, take);
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(take(bytes.as_bytes()));
    }
    if value.is_instance_of::<PyBool>() {
        return Err(wrong_type(what, ARGUMENTS, value));
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(take(digits(value)?.as_bytes()));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let written = PyFloat::new(value.py(), number.extract()?).repr()?;
        return Ok(take(written.to_cow()?.as_bytes()));
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return Ok(take(&bytes.to_vec()));
    }
    if value.is_instance_of::<PyMemoryView>() {
        // The stable ABI of Python 3.9 has no buffers.
        let bytes = value.call_method0("tobytes")?;
        return Ok(take(bytes.cast::<PyBytes>()?.as_bytes()));
    }
    Err(wrong_type(what, ARGUMENTS, value))
}

/// The command whose name is one word in capitals: looked up by Python, which has its hash already.
pub(crate) fn known(value: &Bound<'_, PyAny>) -> Option<&'static Command> {
    static PLACES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let py = value.py();
    let filled = PLACES.get_or_try_init(py, || {
        let places = PyDict::new(py);
        let commands = Command::all().iter().enumerate();
        for (place, command) in commands.filter(|(_, command)| !command.is_subcommand()) {
            places.set_item(command.name, place)?;
        }
        PyResult::Ok(places.unbind())
    });
    let text = value.cast_exact::<PyString>().ok()?;
    let place = filled.ok()?.bind(py).get_item(text).ok()??;
    Command::all().get(place.extract::<usize>().ok()?)
}

/// The arguments of a command whose name may be of several words, such as `CONFIG GET`.
pub(crate) fn command(args: &Bound<'_, PyTuple>, forms: &Forms) -> PyResult<Vec<Arg>> {
    let mut command = Vec::with_capacity(args.len() + 1);
    for (at, value) in args.iter().enumerate() {
        if at == 0
            && let Some(known) = known(&value)
        {
            command.push(Arg::Word(known.name));
            continue;
        }
        let arg = argument(if at == 0 { "the command" } else { "an argument" }, &value, forms)?;
        if at == 0 {
            let words = arg.as_ref().split(u8::is_ascii_whitespace);
            let words = words.filter(|word| !word.is_empty());
            command.extend(words.map(|word| Arg::Bytes(word.to_vec())));
        } else {
            command.push(arg);
        }
    }
    Ok(command)
}

/// A length of time as a whole number of seconds or milliseconds; what is left over is cut off.
pub(crate) fn time(what: &str, value: &Bound<'_, PyAny>, per_second: i64) -> PyResult<Arg> {
    if let Ok(delta) = value.cast::<PyDelta>() {
        let seconds = i64::from(delta.get_days()) * 86_400 + i64::from(delta.get_seconds());
        let micros = i128::from(seconds) * 1_000_000 + i128::from(delta.get_microseconds());
        let number = micros * i128::from(per_second) / 1_000_000;
        return Ok(Arg::Bytes(number.to_string().into_bytes()));
    }
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return Ok(Arg::Bytes(digits(value)?.into_bytes()));
    }
    Err(wrong_type(what, "int or timedelta", value))
}

/// An integer in digits, whatever its class calls itself.
fn digits(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(number.to_string());
    }
    let plain = PyType::new::<PyInt>(value.py()).call_method1("__repr__", (value,))?;
    plain.extract()
}

/// A reply as redis-py would hand it out: `OK` and `PONG` are true.
pub(crate) fn reply<'py>(
    py: Python<'py>,
    value: Value,
    forms: &Forms,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Simple(status) if status == "OK" || status == "PONG" => Ok(truth(py, true)),
        Value::Array(items) | Value::Push(items) => {
            let items = items.into_iter().map(|item| reply(py, item, forms));
            Ok(PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
        Value::Map(pairs) => {
            let dict = PyDict::new(py);
            for (key, value) in pairs {
                dict.set_item(hashable(py, key, forms)?, reply(py, value, forms)?)?;
            }
            Ok(dict.into_any())
        }
        Value::Set(items) => {
            let items = items.into_iter().map(|item| hashable(py, item, forms));
            Ok(PySet::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
        value => raw(py, value, forms),
    }
}

/// A reply as the connections of redis-py read it: a status is bytes, a set is a list.
pub(crate) fn raw<'py>(
    py: Python<'py>,
    value: Value,
    forms: &Forms,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Nil | Value::NilArray => Ok(py.None().into_bound(py)),
        Value::Simple(status) => forms.bulk(py, status.as_bytes()),
        Value::Error(message) => {
            exception(py, &Error::reply(classify_reply(&message), message.as_str()))
        }
        Value::Integer(number) => Ok(number.into_pyobject(py)?.into_any()),
        Value::Bulk(bytes) | Value::Verbatim { text: bytes, .. } => forms.bulk(py, &bytes),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(raw(py, item, forms)?)?;
            }
            Ok(list.into_any())
        }
        Value::Map(pairs) => {
            let dict = PyDict::new(py);
            for (key, value) in pairs {
                dict.set_item(hashable(py, key, forms)?, raw(py, value, forms)?)?;
            }
            Ok(dict.into_any())
        }
        Value::Double(number) => Ok(PyFloat::new(py, number).into_any()),
        Value::Boolean(truth_value) => Ok(truth(py, truth_value)),
        Value::BigNumber(digits) => py.get_type::<PyInt>().call1((digits,)),
        other => Err(invalid_argument(py, format!("a reply that has no form here: {other:?}"))),
    }
}

/// A reply that a dict or set can hold.
pub(crate) fn hashable<'py>(
    py: Python<'py>,
    value: Value,
    forms: &Forms,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            let items = items.into_iter().map(|item| hashable(py, item, forms));
            Ok(PyTuple::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
        Value::Map(pairs) => {
            let items = pairs.into_iter().map(|(key, value)| Value::Array(vec![key, value]));
            hashable(py, Value::Array(items.collect()), forms)
        }
        value => raw(py, value, forms),
    }
}

fn truth(py: Python<'_>, value: bool) -> Bound<'_, PyAny> {
    PyBool::new(py, value).to_owned().into_any()
}

/// Writes that Redis refused for good: key and commands as replies are, and the time in seconds.
pub(crate) fn dead_letters<'py>(
    py: Python<'py>,
    letters: Vec<DeadLetter>,
    forms: &Forms,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for DeadLetter { key, commands, error, at, .. } in letters {
        let args = |args: Vec<Vec<u8>>| Value::Array(args.into_iter().map(Value::Bulk).collect());
        let commands = Value::Array(commands.into_iter().map(args).collect());
        let told = PyDict::new(py);
        told.set_item("key", reply(py, Value::Bulk(key), forms)?)?;
        told.set_item("commands", reply(py, commands, forms)?)?;
        told.set_item("error", error)?;
        told.set_item("at", Duration::from_millis(at.as_ms()).as_secs_f64())?;
        list.append(told)?;
    }
    Ok(list)
}

/// What the core answers as dicts, lists, texts and numbers.
pub(crate) fn to_python<'py, T: Serialize>(
    py: Python<'py>,
    value: &T,
) -> PyResult<Bound<'py, PyAny>> {
    match serde_json::to_value(value) {
        Ok(value) => from_json(py, &value),
        Err(error) => Err(raised(py, &Error::new(ErrorKind::LimitReached, error.to_string()))),
    }
}

fn from_json<'py>(py: Python<'py>, value: &Json) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Json::Null => Ok(py.None().into_bound(py)),
        Json::Bool(value) => Ok(truth(py, *value)),
        Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => Ok(number.into_pyobject(py)?.into_any()),
            (_, Some(number), _) => Ok(number.into_pyobject(py)?.into_any()),
            (.., number) => Ok(PyFloat::new(py, number.unwrap_or(f64::NAN)).into_any()),
        },
        Json::String(text) => Ok(PyString::new(py, text).into_any()),
        Json::Array(items) => {
            let items = items.iter().map(|item| from_json(py, item));
            Ok(PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
        Json::Object(fields) => {
            let dict = PyDict::new(py);
            for (name, value) in fields {
                dict.set_item(name, from_json(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

/// What the core reads from plain objects with its own names.
pub(crate) fn parsed<T: DeserializeOwned>(what: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    let json = json(what, value, 0)?;
    serde_json::from_value(json).map_err(|error| unreadable(what, &error, value.py()))
}

/// The fields of a dict; nothing stands for none.
pub(crate) fn fields(what: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Map<String, Json>> {
    let Some(value) = value else { return Ok(Map::new()) };
    match json(what, value, 0)? {
        Json::Null => Ok(Map::new()),
        Json::Object(fields) => Ok(fields),
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Err(unreadable(what, &"expected a dict", value.py()))
        }
    }
}

/// A policy from a dict of knobs; nothing stands for none.
pub(crate) fn policy(
    options: Option<&Bound<'_, PyAny>>,
    py: Python<'_>,
) -> PyResult<outlast::Policy> {
    let mut fields = fields("options", options)?;
    if let Some(rules) = options.and_then(|options| options.get_item("rules").ok()) {
        fields.insert("rules".into(), rules_in_order(&rules)?);
    }
    outlast_core::inspect::policy(&fields).map_err(|error| raised(py, &error))
}

/// Keyspace rules from a text, a list of tuples or dicts, or a dict of classes.
pub(crate) fn rules(value: &Bound<'_, PyAny>) -> PyResult<Vec<RuleSpec>> {
    let rules = RuleSpec::from_json(&rules_in_order(value)?);
    rules.map_err(|error| raised(value.py(), &error))
}

/// Rules as JSON, those of a dict as a list, since JSON's objects here do not keep their order.
fn rules_in_order(value: &Bound<'_, PyAny>) -> PyResult<Json> {
    let Ok(dict) = value.cast::<PyDict>() else {
        return json("list of rules", value, 0);
    };
    let rule = |(pattern, class): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let mut rule = vec![json("pattern", &pattern, 0)?];
        match json("class", &class, 0)? {
            Json::Array(parts) => rule.extend(parts),
            class => rule.push(class),
        }
        Ok(Json::Array(rule))
    };
    dict.iter().map(rule).collect::<PyResult<_>>().map(Json::Array)
}

/// A command in a list, as bytes.
pub(crate) fn listed(args: &Bound<'_, PyAny>) -> PyResult<Vec<Arg>> {
    if args.is_instance_of::<PyString>() {
        let message = "args must be a list of arguments, not str";
        return Err(invalid_argument(args.py(), message.into()));
    }
    let forms = Forms::default();
    args.try_iter()?.map(|arg| argument("an argument", &arg?, &forms)).collect()
}

/// A whole number of up to 64 bits.
pub(crate) fn whole(field: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let number = value.extract::<u64>().ok().filter(|_| !value.is_instance_of::<PyBool>());
    number.ok_or_else(|| {
        let allowed = format!("a whole number from 0 to {}", u64::MAX);
        let shown = value.str().map(|text| text.to_string()).unwrap_or_default();
        raised(value.py(), &Error::invalid_option(field, &shown, &allowed))
    })
}

/// A time in milliseconds.
pub(crate) fn timestamp(value: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    whole("at_ms", value).map(Timestamp::from_ms)
}

/// What is known of a failure: a text, a dict that the core reads, or an exception with its causes.
pub(crate) fn evidence(value: &Bound<'_, PyAny>) -> PyResult<Json> {
    match value.cast::<PyBaseException>() {
        Ok(exception) => exception_fields(exception.as_any(), 0),
        Err(_) => json("error", value, 0),
    }
}

fn exception_fields(value: &Bound<'_, PyAny>, depth: u32) -> PyResult<Json> {
    let mut fields = Map::new();
    fields.insert("message".into(), value.str()?.to_string().into());
    fields.insert("name".into(), value.get_type().fully_qualified_name()?.to_string().into());
    // The negative ones of the resolver are no error numbers.
    let errno = value.getattr("errno").and_then(|errno| errno.extract::<i32>());
    if let Some(errno) = errno.ok().filter(|errno| *errno > 0) {
        fields.insert("errno".into(), errno.into());
    }
    if depth < CAUSE_DEPTH_MAX {
        let causes = causes_of(value)?.into_iter().take(CAUSE_WIDTH_MAX);
        let causes = causes.map(|cause| exception_fields(&cause, depth + 1));
        fields.insert("causes".into(), Json::Array(causes.collect::<PyResult<_>>()?));
    }
    Ok(Json::Object(fields))
}

/// The members of a group, and what the exception was raised from or in place of.
fn causes_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let members = value.getattr("exceptions").and_then(|members| members.extract::<Vec<_>>());
    let mut causes = members.unwrap_or_default();
    let cause = value.getattr("__cause__")?;
    if !cause.is_none() {
        causes.push(cause);
    } else if !value.getattr("__suppress_context__")?.is_truthy()? {
        causes.push(value.getattr("__context__")?);
    }
    causes.retain(|cause: &Bound<'_, PyAny>| cause.is_instance_of::<PyBaseException>());
    Ok(causes)
}

/// A value as JSON, of bounded depth. A number that JSON cannot hold stays visible as a text, so
/// that the core refuses it by its name instead of taking it for absent.
fn json(what: &str, value: &Bound<'_, PyAny>, depth: u32) -> PyResult<Json> {
    if depth > DEPTH_MAX {
        return Err(unreadable(what, &"nested too deep", value.py()));
    }
    if value.is_none() {
        return Ok(Json::Null);
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return Ok(truth.is_true().into());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_cow()?.into_owned().into());
    }
    if value.is_instance_of::<PyInt>() {
        if let Ok(number) = value.extract::<u64>() {
            return Ok(number.into());
        }
        let negative = value.extract::<i64>().map(Json::from);
        return negative.or_else(|_| digits(value).map(Json::from));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let number = serde_json::Number::from_f64(number.extract()?).map(Json::Number);
        return Ok(number.unwrap_or(value.str()?.to_string().into()));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let mut fields = Map::new();
        for (name, field) in dict.iter() {
            let Ok(name) = name.cast::<PyString>() else {
                return Err(unreadable(what, &"a name is no str", value.py()));
            };
            fields.insert(name.to_string(), json(what, &field, depth + 1)?);
        }
        return Ok(Json::Object(fields));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| json(what, &item?, depth + 1));
        return items.collect::<PyResult<_>>().map(Json::Array);
    }
    let name = value.get_type().name()?;
    Err(unreadable(what, &format!("{name} is neither text, number, list nor dict"), value.py()))
}

fn unreadable(what: &str, why: &dyn std::fmt::Display, py: Python<'_>) -> PyErr {
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    invalid_argument(py, format!("not {article} {what}: {why}"))
}
