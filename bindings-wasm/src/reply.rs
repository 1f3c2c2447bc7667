//! Replies of the store, with the type of each.

use alloc::format;
use alloc::string::String;

use js_sys::{Array, Object, Reflect};
use ocore::{Error, ErrorKind};
use outlast_core as ocore;
use wasm_bindgen::JsValue;

use crate::convert::INTEGER_MAX;

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
