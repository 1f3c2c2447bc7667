//! What goes out: plain objects with the core's names.

use alloc::format;
use alloc::string::ToString;
use core::fmt::Display;

use js_sys::JSON;
use ocore::{Error, ErrorKind};
use outlast_core as ocore;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::convert::INTEGER_MAX;
use crate::errors::thrown;

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
