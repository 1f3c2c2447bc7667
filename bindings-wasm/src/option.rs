//! What comes in beside inputs: policies, texts and counts.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use js_sys::{Array, Object, Reflect};
use ocore::Error;
use outlast_core as ocore;
use serde_json::Value;
use wasm_bindgen::JsValue;

use crate::convert::{json, names, parsed, shown, whole};

/// A policy from an object of options, in camelCase or `snake_case`; nothing stands for none.
pub(crate) fn policy(options: &JsValue) -> Result<ocore::Policy, Error> {
    let mut given = names("set of options", options)?;
    let rules = Reflect::get(options, &"rules".into()).unwrap_or_default();
    if let Some(listed @ Value::Object(_)) = given.get_mut("rules") {
        *listed = rules_in_order(&rules)?;
    }
    ocore::inspect::policy(&given)
}

/// An object of rules as a list, since JSON's objects do not keep their order here.
fn rules_in_order(rules: &JsValue) -> Result<Value, Error> {
    let mut list = Vec::new();
    for entry in Object::entries(&Object::from(rules.clone())).iter() {
        let entry = Array::from(&entry);
        let mut rule = vec![json("rules", &entry.get(0), 0)?];
        match json("rules", &entry.get(1), 0)? {
            Value::Array(parts) => rule.extend(parts),
            class => rule.push(class),
        }
        list.push(Value::Array(rule));
    }
    Ok(Value::Array(list))
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
