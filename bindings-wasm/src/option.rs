//! What comes in beside inputs: policies, texts and counts.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use ocore::Error;
use outlast_core as ocore;
use wasm_bindgen::JsValue;

use crate::convert::{names, parsed, shown, whole};

/// A policy from an object of options, in camelCase or `snake_case`; nothing stands for none.
pub(crate) fn policy(options: &JsValue) -> Result<ocore::Policy, Error> {
    ocore::inspect::policy(&names("set of options", options)?)
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

/// A whole number of a few digits.
pub(crate) fn count(field: &str, value: &JsValue) -> Result<u32, Error> {
    let number = whole(field, value)?;
    u32::try_from(number).map_err(|_| {
        let allowed = format!("at most {}", u32::MAX);
        Error::invalid_option(field, &shown(value), &allowed)
    })
}
