//! Errors of the core as JavaScript errors. The messages are the core's.

use js_sys::Reflect;
use outlast_core as ocore;
use wasm_bindgen::JsValue;

/// The name by which scripts recognise an error of outlast.
const NAME: &str = "OutlastError";

/// A JavaScript `Error` with the stable code of the core's.
pub(crate) fn thrown(error: &ocore::Error) -> JsValue {
    let thrown = js_sys::Error::new(error.message());
    thrown.set_name(NAME);
    // An error that was just made is extensible: this cannot fail.
    let _ = Reflect::set(&thrown, &"code".into(), &error.code().into());
    thrown.into()
}
