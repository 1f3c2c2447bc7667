//! What is known of a failure, from a text or an error object.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use js_sys::{Array, Reflect};
use ocore::Error;
use ocore::classify::{CAUSE_DEPTH_MAX, CAUSE_WIDTH_MAX};
use outlast_core as ocore;
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast, JsValue};

use crate::convert::{exact, json};

/// How many error objects are read of one failure: causes may go round in circles.
const ERRORS_MAX: usize = 256;

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
