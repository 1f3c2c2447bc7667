//! What a page or a Node process may ask: one line of work each. `js/` gives it its types.

mod convert;
mod engine;
mod errors;

use js_sys::JsString;
use outlast_core as ocore;
use wasm_bindgen::prelude::*;

pub use engine::{Engine, Store, Throttle};

/// The version of the package.
#[wasm_bindgen]
pub fn version() -> JsString {
    env!("CARGO_PKG_VERSION").into()
}

/// What a message, a log line or an error object says.
///
/// # Errors
///
/// `invalid_argument` for anything else.
#[wasm_bindgen]
pub fn classify(evidence: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| ocore::inspect::classify(convert::evidence(evidence)?))
}

/// What an error reply of Redis says.
///
/// # Errors
///
/// `invalid_argument` for anything but a text.
#[wasm_bindgen(js_name = classifyReply)]
pub fn classify_reply(message: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| {
        let kind = ocore::classify::classify_reply(&convert::text("message", message)?);
        Ok(ocore::inspect::Classification::from(kind))
    })
}

/// Every kind of failure with its verdict, schedule and words.
///
/// # Errors
///
/// None.
#[wasm_bindgen(js_name = failureKinds)]
pub fn failure_kinds() -> Result<JsValue, JsValue> {
    convert::answer(|| {
        let kinds = ocore::FailureKind::ALL.iter().copied();
        Ok(kinds.map(ocore::inspect::Classification::from).collect::<Vec<_>>())
    })
}

/// All knobs of a policy.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed.
#[wasm_bindgen]
pub fn policy(options: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| convert::policy(options))
}

/// What a key is for under the rules of a policy.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed; `invalid_argument` for a key that is no
/// text.
#[wasm_bindgen(js_name = classOf)]
pub fn class_of(options: &JsValue, key: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| {
        let key = convert::text("key", key)?;
        Ok(ocore::inspect::class_of(&convert::policy(options)?, key.as_bytes()))
    })
}

/// What becomes of a command while Redis is away.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed; `invalid_argument` for what is no list
/// of texts.
#[wasm_bindgen]
pub fn decide(options: &JsValue, args: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| {
        let args: Vec<String> = convert::parsed("command", args)?;
        Ok(ocore::inspect::decide(&convert::policy(options)?, &args))
    })
}

/// The table of knobs.
///
/// # Errors
///
/// None.
#[wasm_bindgen]
pub fn knobs() -> Result<JsValue, JsValue> {
    convert::answer(|| Ok(ocore::policy::KNOBS))
}

/// The first delays of a redial schedule.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed.
#[wasm_bindgen(js_name = backoffSchedule)]
pub fn backoff_schedule(
    options: &JsValue,
    attempts: &JsValue,
    seed: &JsValue,
    schedule: &JsValue,
) -> Result<JsValue, JsValue> {
    convert::answer(|| {
        let policy = convert::policy(options)?;
        let attempts = convert::count("attempts", attempts)?;
        let seed = convert::whole("seed", seed)?;
        let schedule = convert::text_or("schedule", schedule, "server")?;
        ocore::inspect::backoff_schedule(&policy, attempts, seed, &schedule)
    })
}

/// What a client with this policy would dial, log and answer through an outage.
///
/// # Errors
///
/// `invalid_option` or `invalid_argument` with field, value and what is allowed.
#[wasm_bindgen]
pub fn simulate(options: &JsValue, scenario: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| {
        let policy = convert::policy(options)?;
        let scenario = convert::named("scenario", scenario)?;
        ocore::sim::simulate(&policy, &scenario)
    })
}

/// The status in a text, in whichever language it was written.
///
/// # Errors
///
/// `invalid_argument` with the place where the text is not a status.
#[wasm_bindgen(js_name = parseStatus)]
pub fn parse_status(json: &JsValue) -> Result<JsValue, JsValue> {
    convert::answer(|| ocore::Status::parse(&convert::text("status", json)?))
}
