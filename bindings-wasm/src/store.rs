//! The Redis in memory, as a JavaScript class.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use js_sys::{Array, BigInt, JsString, Map, Set, Uint8Array};
use ocore::store::{Answer, Eviction, Options, Refusal, Session};
use ocore::{Error, ErrorKind, Value};
use outlast_core as ocore;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::convert;
use crate::errors::thrown;
use crate::reply;

/// The bytes that a store holds at most if nothing is said: those of a client.
const BYTES_MAX: u64 = 67_108_864;

/// How a store is made.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StoreOptions {
    bytes_max: Option<serde_json::Number>,
    eviction: Option<String>,
}

impl StoreOptions {
    fn read(value: &JsValue) -> Result<Self, Error> {
        if value.as_f64().is_some() || value.is_bigint() {
            let bytes_max = convert::whole("bytes_max", value)?;
            return Ok(Self { bytes_max: Some(bytes_max.into()), eviction: None });
        }
        convert::named("set of options", value)
    }

    fn options(&self) -> Result<Options, Error> {
        let bytes_max = match &self.bytes_max {
            None => BYTES_MAX,
            Some(number) => number.as_u64().ok_or_else(|| {
                let allowed = "a whole number from 0 (bytes)";
                Error::invalid_option("bytes_max", &number.to_string(), allowed)
            })?,
        };
        // What is more than memory can hold is no limit.
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let eviction = match &self.eviction {
            None => Eviction::NoEviction,
            Some(name) => Eviction::ALL
                .into_iter()
                .find(|eviction| eviction.name() == name)
                .ok_or_else(|| {
                    let allowed = Eviction::ALL.map(Eviction::name).join(", ");
                    Error::invalid_option("eviction", name, &format!("one of {allowed}"))
                })?,
        };
        Ok(Options::new(bytes_max).with_eviction(eviction))
    }
}

/// The Redis in memory that answers while Redis is away, with one session.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Store {
    store: ocore::store::Store,
    session: Session,
}

#[wasm_bindgen]
impl Store {
    /// An empty store: of at most this many bytes, or with these options.
    ///
    /// # Errors
    ///
    /// `invalid_option` or `invalid_argument` for what is no option.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let options = StoreOptions::read(options).and_then(|options| options.options());
        let store = ocore::store::Store::with_options(options.map_err(|error| thrown(&error))?);
        let session = store.open(ocore::Timestamp::ZERO);
        Ok(Self { store, session })
    }

    /// Answers a command by itself, as Redis would, with the type of each reply.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no time or no list of texts.
    pub fn execute(
        &mut self,
        at_ms: &JsValue,
        args: &JsValue,
        journalled: Option<bool>,
    ) -> Result<JsValue, JsValue> {
        let execute = || {
            let at = convert::time(at_ms)?;
            let args: Vec<String> = convert::parsed("command", args)?;
            let executed = self.store.execute(at, &args, journalled.unwrap_or(true));
            executed.map_or_else(reply::refusal, |value| reply::reply(&value))
        };
        execute().map_err(|error| thrown(&error))
    }

    /// Answers a command of the session, as plain values.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no time or no command, `command_error` for an error reply,
    /// `limit_reached` where the store is full, `unsupported_locally` for a command that it has not.
    #[wasm_bindgen(js_name = execAt)]
    pub fn exec_at(&mut self, at_ms: &JsValue, args: &Array) -> Result<JsValue, JsValue> {
        self.serve(at_ms, args).map_err(|error| thrown(&error))
    }

    /// The messages for the session's subscriptions since this was last asked.
    pub fn messages(&mut self) -> Array {
        let own = self.session.id();
        let messages = self.store.take_deliveries().into_iter();
        messages.filter(|(id, _)| *id == own).map(|(_, message)| plain(&message)).collect()
    }
}

impl Store {
    fn serve(&mut self, at_ms: &JsValue, args: &Array) -> Result<JsValue, Error> {
        let at = convert::time(at_ms)?;
        let args = args.iter().map(|value| argument(&value)).collect::<Result<Vec<_>, _>>()?;
        if args.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "no command is given"));
        }
        let replies = match self.store.serve(at, &mut self.session, &args) {
            Answer::Replies(replies) => replies,
            Answer::Refused(refusal) => return Err(refused(refusal, &args)),
            // The session does not wait, so nothing else is left.
            _ => return Err(Error::new(ErrorKind::UnsupportedLocally, "it would have to wait")),
        };
        match &replies[..] {
            [Value::Error(message)] => Err(Error::new(ErrorKind::Command, message.clone())),
            [value] => Ok(plain(value)),
            several => Ok(several.iter().map(plain).collect::<Array>().into()),
        }
    }
}

fn refused(refusal: Refusal, args: &[Vec<u8>]) -> Error {
    let kind = match refusal {
        Refusal::Full => ErrorKind::LimitReached,
        _ => ErrorKind::UnsupportedLocally,
    };
    let message = match refusal.reply(args) {
        Value::Error(message) => message,
        _ => "the store does not answer this command".to_string(),
    };
    Error::new(kind, message)
}

/// The bytes of one argument: a text, a number, a bigint, or bytes.
fn argument(value: &JsValue) -> Result<Vec<u8>, Error> {
    if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        return Ok(bytes.to_vec());
    }
    if let Some(text) = value.as_string() {
        return Ok(text.into_bytes());
    }
    if value.as_f64().is_some_and(f64::is_finite) || value.is_bigint() {
        return Ok(convert::shown(value).into_bytes());
    }
    let shown = convert::shown(value);
    let message = format!("an argument is no text, number, bigint or Uint8Array: {shown}");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// A reply as JavaScript has it: bytes that are no UTF-8 as a `Uint8Array`, an error as an `Error`.
fn plain(value: &Value) -> JsValue {
    let list = |items: &[Value]| items.iter().map(plain).collect::<Array>();
    match value {
        Value::Simple(text) => text.into(),
        Value::Error(message) => thrown(&Error::new(ErrorKind::Command, message.clone())),
        Value::Integer(number) => reply::integer(*number),
        Value::Bulk(bytes) | Value::Verbatim { text: bytes, .. } => {
            match core::str::from_utf8(bytes) {
                Ok(text) => text.into(),
                Err(_) => Uint8Array::from(&bytes[..]).into(),
            }
        }
        Value::Array(items) | Value::Push(items) => list(items).into(),
        Value::Set(items) => Set::new(&list(items)).into(),
        Value::Map(pairs) => {
            let map = Map::new();
            for (key, value) in pairs {
                map.set(&plain(key), &plain(value));
            }
            map.into()
        }
        Value::Double(number) => (*number).into(),
        Value::Boolean(is_true) => (*is_true).into(),
        Value::BigNumber(digits) => {
            BigInt::new(&JsString::from(&digits[..])).map_or_else(|_| digits.into(), Into::into)
        }
        _ => JsValue::NULL,
    }
}
