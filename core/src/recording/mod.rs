//! What a client decided and why, line by line: a recording. It is text, a JSON object in each line,
//! and of two kinds: a checkpoint is all that the engine knows at a time, a step is one input and a digest
//! of what the engine answered. It begins with a checkpoint; each further one begins it anew.
//!
//! ```text
//! {"outlast_recording":1,"version":"0.1.0","at_ms":1700000000000,"engine":{…}}
//! {"at_ms":1700000000000,"input":{"type":"start"},"outputs":"0f3c7a9d5b1e8624"}
//! ```
//!
//! An input holds no key, no value and no password, and so does a recording.

mod replay;

use alloc::format;
use alloc::string::String;

use serde::Serialize;

pub use replay::{Replayed, replay};

use crate::engine::Engine;
use crate::input::Input;
use crate::output::Output;
use crate::time::Timestamp;

/// The version of the format.
const FORMAT: u64 = 1;

#[derive(Serialize)]
struct Checkpoint<'a> {
    outlast_recording: u64,
    version: &'static str,
    at_ms: Timestamp,
    engine: &'a Engine,
}

#[derive(Serialize)]
struct Step<'a> {
    at_ms: Timestamp,
    input: &'a Input,
    outputs: String,
}

/// The line of a checkpoint.
pub fn checkpoint(at_ms: Timestamp, engine: &Engine) -> String {
    let version = env!("CARGO_PKG_VERSION");
    line(&Checkpoint { outlast_recording: FORMAT, version, at_ms, engine })
}

/// The line of a step.
pub fn step(at_ms: Timestamp, input: &Input, outputs: &Digest) -> String {
    line(&Step { at_ms, input, outputs: outputs.shown() })
}

fn line(value: &impl Serialize) -> String {
    // None of these types has a map with keys that are no texts: it cannot fail.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// A digest of outputs as JSON: 64 bits of FNV-1a, which tells one decision from another and
/// protects from nobody.
#[derive(Clone, Debug)]
pub struct Digest(u64);

impl Digest {
    /// Of nothing.
    pub const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    /// Adds an output.
    pub fn add(&mut self, output: &Output) {
        for byte in line(output).bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn shown(&self) -> String {
        format!("{:016x}", self.0)
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
