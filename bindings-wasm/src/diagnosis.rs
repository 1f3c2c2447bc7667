//! What is asked without anything that remembers.

use alloc::string::String;
use alloc::vec::Vec;

use js_sys::JsString;
use outlast_core as ocore;
use wasm_bindgen::prelude::*;

use crate::answer::answer;
use crate::convert;
use crate::evidence::evidence;
use crate::option;

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
pub fn classify(error: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| ocore::inspect::classify(evidence(error)?))
}

/// What an error reply of Redis says.
///
/// # Errors
///
/// `invalid_argument` for anything but a text.
#[wasm_bindgen(js_name = classifyReply)]
pub fn classify_reply(message: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| {
        let kind = ocore::classify::classify_reply(&option::text("message", message)?);
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
    answer(|| {
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
    answer(|| option::policy(options))
}

/// What a key is for under the rules of a policy.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed; `invalid_argument` for a key that is no
/// text.
#[wasm_bindgen(js_name = classOf)]
pub fn class_of(options: &JsValue, key: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| {
        let key = option::text("key", key)?;
        Ok(ocore::inspect::class_of(&option::policy(options)?, key.as_bytes()))
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
    answer(|| {
        let args: Vec<String> = convert::parsed("command", args)?;
        Ok(ocore::inspect::decide(&option::policy(options)?, &args))
    })
}

/// What to do with a cached value.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed.
#[wasm_bindgen]
pub fn freshness(found: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| ocore::inspect::freshness(&convert::names("value", found)?))
}

/// What becomes of requests that one process counts by itself.
///
/// # Errors
///
/// `invalid_option` with field, value and what is allowed.
#[wasm_bindgen(js_name = rateLimits)]
pub fn rate_limits(limit: &JsValue, requests: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| {
        let limit = convert::names("limit", limit)?;
        ocore::inspect::rate_limits(&limit, &convert::parsed::<Vec<_>>("requests", requests)?)
    })
}

/// The table of knobs.
///
/// # Errors
///
/// None.
#[wasm_bindgen]
pub fn knobs() -> Result<JsValue, JsValue> {
    answer(|| Ok(ocore::policy::KNOBS))
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
    answer(|| {
        let policy = option::policy(options)?;
        let attempts = option::count("attempts", attempts)?;
        let seed = convert::whole("seed", seed)?;
        let schedule = option::text_or("schedule", schedule, "server")?;
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
    answer(|| {
        let policy = option::policy(options)?;
        let scenario = convert::named("scenario", scenario)?;
        ocore::sim::simulate(&policy, &scenario)
    })
}

/// What so many clients with this policy would do through an outage, together: the dials of each second.
///
/// # Errors
///
/// `invalid_option` or `invalid_argument` with field, value and what is allowed.
#[wasm_bindgen(js_name = simulateFleet)]
pub fn simulate_fleet(
    options: &JsValue,
    scenario: &JsValue,
    clients: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(|| {
        let policy = option::policy(options)?;
        let scenario = convert::named("scenario", scenario)?;
        let clients = convert::whole("clients", clients)?;
        ocore::sim::fleet(&policy, &scenario, clients)
    })
}

/// The status in a text, in whichever language it was written.
///
/// # Errors
///
/// `invalid_argument` with the place where the text is not a status.
#[wasm_bindgen(js_name = parseStatus)]
pub fn parse_status(json: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| ocore::Status::parse(&option::text("status", json)?))
}

/// The entry of an incident for the production log.
///
/// # Errors
///
/// `invalid_argument` for what is no incident or no text.
#[wasm_bindgen(js_name = logEntry)]
pub fn log_entry(
    incident: &JsValue,
    endpoint: &JsValue,
    service: &JsValue,
) -> Result<JsValue, JsValue> {
    answer(|| {
        let incident = convert::parsed("incident", incident)?;
        let endpoint = option::text("endpoint", endpoint)?;
        let service = option::text_or("service", service, "")?;
        Ok(ocore::production_log::entry(&incident, &endpoint, &service))
    })
}

/// The decisions of a client that recorded them, made anew.
///
/// # Errors
///
/// `invalid_argument` for what is no text, or with the line that is no line of a recording.
#[wasm_bindgen]
pub fn replay(recording: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| ocore::recording::replay(&option::text("recording", recording)?))
}

/// What a production log holds, what is wrong with it, and its correction.
///
/// # Errors
///
/// `invalid_argument` for what is no text.
#[wasm_bindgen(js_name = checkLog)]
pub fn check_log(text: &JsValue) -> Result<JsValue, JsValue> {
    answer(|| Ok(ocore::production_log::check(&option::text("log", text)?)))
}
