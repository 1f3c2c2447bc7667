//! The parts of the core that remember something, as JavaScript classes.

use alloc::vec::Vec;

use outlast_core as ocore;
use wasm_bindgen::prelude::*;

use crate::answer::answer;
use crate::convert;
use crate::errors::thrown;
use crate::option;

/// Decides when to dial, which mode the application sees and what is logged.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    engine: ocore::Engine,
}

#[wasm_bindgen]
impl Engine {
    /// An engine that follows a policy.
    ///
    /// # Errors
    ///
    /// `invalid_option` or `invalid_argument`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, endpoint: &JsValue, seed: &JsValue) -> Result<Self, JsValue> {
        let engine = || {
            let policy = option::policy(options)?;
            let endpoint = option::text("endpoint", endpoint)?;
            let seed = convert::whole("seed", seed)?;
            Ok(ocore::Engine::new(policy, endpoint, seed))
        };
        let engine = engine().map_err(|error| thrown(&error))?;
        Ok(Self { engine })
    }

    /// Takes one input; answers all outputs, of which the last is the timeout.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no time or no input.
    pub fn handle(&mut self, at_ms: &JsValue, input: &JsValue) -> Result<JsValue, JsValue> {
        answer(|| {
            let at = convert::time(at_ms)?;
            self.engine.handle(at, convert::parsed("input", input)?);
            Ok(self.outputs())
        })
    }

    /// The snapshot at this time.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no time.
    pub fn status(&self, at_ms: &JsValue) -> Result<JsValue, JsValue> {
        answer(|| Ok(self.engine.status(convert::time(at_ms)?)))
    }

    fn outputs(&mut self) -> Vec<ocore::Output> {
        let mut outputs = Vec::new();
        while !matches!(outputs.last(), Some(ocore::Output::Timeout { .. })) {
            outputs.push(self.engine.poll_output());
        }
        outputs
    }
}

/// Decides which lines of one outage pass.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Throttle {
    throttle: ocore::throttle::Throttle,
}

#[wasm_bindgen]
impl Throttle {
    /// A throttle that lets one summary pass per interval; 0 lets every failure pass.
    ///
    /// # Errors
    ///
    /// `invalid_option` for what is no number of milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(interval_ms: &JsValue) -> Result<Self, JsValue> {
        let interval_ms =
            convert::whole("interval_ms", interval_ms).map_err(|error| thrown(&error))?;
        let throttle = ocore::throttle::Throttle::new(interval_ms);
        Ok(Self { throttle })
    }

    /// Adds to what the next line will tell.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no counts.
    pub fn count(&mut self, counts: &JsValue) -> Result<(), JsValue> {
        let counts = convert::named("set of counts", counts).map_err(|error| thrown(&error))?;
        self.throttle.count(counts);
        Ok(())
    }

    /// A failure of this kind was counted: what a line is to tell, if one may pass now.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no time or no kind.
    pub fn failure(&mut self, at_ms: &JsValue, kind: &JsValue) -> Result<JsValue, JsValue> {
        answer(|| {
            let at = convert::time(at_ms)?;
            Ok(self.throttle.failure(at, convert::parsed("kind", kind)?))
        })
    }

    /// What a summary is to tell, if one is due.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for what is no time.
    pub fn summary(&mut self, at_ms: &JsValue) -> Result<JsValue, JsValue> {
        answer(|| Ok(self.throttle.summary(convert::time(at_ms)?)))
    }

    /// When the next summary is due.
    ///
    /// # Errors
    ///
    /// None.
    pub fn due(&self) -> Result<JsValue, JsValue> {
        answer(|| Ok(self.throttle.due()))
    }

    /// What happened since the last line.
    ///
    /// # Errors
    ///
    /// None.
    #[wasm_bindgen(js_name = sinceLine)]
    pub fn since_line(&self) -> Result<JsValue, JsValue> {
        answer(|| Ok(self.throttle.since_line()))
    }
}
