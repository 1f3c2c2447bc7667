//! What a page or a Node process may ask: one line of work each. `js/` gives it its types.
//!
//! In WebAssembly it does without the standard library: what that brings along to report a panic to
//! nobody is a tenth of the module.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod convert;
mod engine;
mod errors;
mod store;

use alloc::vec::Vec;

use js_sys::JsString;
use outlast_core as ocore;
use wasm_bindgen::prelude::*;

pub use engine::{Engine, Throttle};
pub use store::Store;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic is a fault of outlast. The trap shows as a `RuntimeError` with a stack.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

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
