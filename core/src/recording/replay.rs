//! The same decisions, made anew from a recording.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Digest, FORMAT};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::incident::Incident;
use crate::input::Input;
use crate::kind::FailureKind;
use crate::output::Output;
use crate::policy::Policy;
use crate::status::Mode;
use crate::time::Timestamp;
use crate::trace::{Dial, Line, Snapshot, Trace};

/// Statuses that are kept: each is as long as ten steps.
const STATUS_MAX: usize = 10_000;

/// What a recording comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Replayed {
    /// The version of the client that recorded.
    pub version: String,
    /// Where Redis was, without a password.
    pub endpoint: String,
    /// How the client was to behave.
    pub policy: Policy,
    /// The time of the first line, in milliseconds since 1970.
    pub from_ms: Timestamp,
    /// The time of the last.
    pub until_ms: Timestamp,
    /// Inputs that were recorded.
    pub inputs: u64,
    /// The line of the first input, from 1, after which this version decides otherwise than the client
    /// did. What follows it up to the next checkpoint may differ, too.
    pub differs_at_line: Option<usize>,
    /// Whether the last line is cut off, as after a crash; it is left out.
    pub is_cut: bool,
    /// What the client did, in the times of the recording; at most 10,000 statuses.
    pub trace: Trace,
    /// The outages that were over, or that the end of the client ended.
    pub incidents: Vec<Incident>,
}

/// Replays a recording: every input goes into an engine in the state of the last checkpoint, and what
/// the engine answers is held against what was recorded.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] with the number of the line that is no line of a recording.
pub fn replay(text: &str) -> Result<Replayed, Error> {
    let (whole, rest) = match text.rfind('\n') {
        Some(end) => text.split_at(end + 1),
        None => ("", text),
    };
    let mut lines = whole.lines().enumerate().map(|(at, line)| (at.saturating_add(1), line));
    let first = lines.next().ok_or_else(|| wrong(1, &"there is no whole line"))?;
    let mut player = Player::begin(first)?;
    for (number, line) in lines {
        player.line(number, line)?;
    }
    Ok(player.finish(!rest.is_empty()))
}

/// Either kind of line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    at_ms: Timestamp,
    outlast_recording: Option<u64>,
    version: Option<String>,
    engine: Option<Engine>,
    input: Option<Input>,
    outputs: Option<String>,
}

fn stated(number: usize, line: &str) -> Result<Stated, Error> {
    // By way of values, from which inputs and incidents are read elsewhere, too: each further way would
    // be compiled for every type.
    let stated = serde_json::from_str::<Value>(line).and_then(serde_json::from_value::<Stated>);
    let stated = stated.map_err(|error| wrong(number, &error))?;
    if stated.engine.is_some() {
        let format = stated.outlast_recording.unwrap_or_default();
        if format != FORMAT {
            let why = format!("it has format {format}, and this version reads {FORMAT}");
            return Err(wrong(number, &why));
        }
    }
    Ok(stated)
}

fn wrong(number: usize, why: &dyn Display) -> Error {
    let message = format!("line {number} is no line of a recording: {why}");
    Error::new(ErrorKind::InvalidArgument, message)
}

struct Player {
    engine: Engine,
    now: Timestamp,
    mode: Mode,
    /// The dial under way.
    dial: Option<(u64, Timestamp)>,
    replayed: Replayed,
}

impl Player {
    fn begin((number, line): (usize, &str)) -> Result<Self, Error> {
        let Stated { at_ms, version, engine, .. } = stated(number, line)?;
        let engine = engine.ok_or_else(|| wrong(number, &"the first is a checkpoint"))?;
        let replayed = Replayed {
            version: version.unwrap_or_default(),
            endpoint: engine.endpoint().to_string(),
            policy: engine.policy().clone(),
            from_ms: at_ms,
            until_ms: at_ms,
            inputs: 0,
            differs_at_line: None,
            is_cut: false,
            trace: Trace::default(),
            incidents: Vec::new(),
        };
        let mode = engine.mode();
        let mut player = Self { engine, now: at_ms, mode, dial: None, replayed };
        player.snapshot();
        Ok(player)
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), Error> {
        let Stated { at_ms, engine, input, outputs, .. } = stated(number, line)?;
        self.now = at_ms;
        self.replayed.until_ms = at_ms;
        if let Some(engine) = engine {
            self.engine = engine;
            self.changed_mode();
            return Ok(());
        }
        let (Some(input), Some(outputs)) = (input, outputs) else {
            return Err(wrong(number, &"it has neither `engine` nor `input` and `outputs`"));
        };
        self.replayed.inputs = self.replayed.inputs.saturating_add(1);
        self.dialled(&input);
        self.engine.handle(self.now, input);
        let mut digest = Digest::new();
        loop {
            let output = self.engine.poll_output();
            digest.add(&output);
            if matches!(output, Output::Timeout { .. }) {
                break;
            }
            self.took(output);
        }
        if digest.shown() != outputs {
            self.replayed.differs_at_line.get_or_insert(number);
        }
        self.changed_mode();
        Ok(())
    }

    /// How the dial under way ended, if this tells.
    fn dialled(&mut self, input: &Input) {
        let failure = match input {
            Input::DialSucceeded { dial } if self.is_under_way(*dial) => None,
            Input::DialFailed { dial, failure } if self.is_under_way(*dial) => Some(failure.kind),
            Input::DialHeld { .. } | Input::Close { .. } => {
                self.dial = None;
                return;
            }
            Input::Start
            | Input::DialSucceeded { .. }
            | Input::DialFailed { .. }
            | Input::ConnectionLost { .. }
            | Input::CommandFailed { .. }
            | Input::CommandSlow { .. }
            | Input::Tally { .. }
            | Input::ReplayProgressed { .. }
            | Input::Reconciled { .. }
            | Input::Redial
            | Input::Moved { .. }
            | Input::Timer => return,
        };
        self.dial_ended(failure);
    }

    fn is_under_way(&self, dial: u64) -> bool {
        self.dial.is_some_and(|(number, _)| number == dial)
    }

    fn dial_ended(&mut self, failure: Option<FailureKind>) {
        if let Some((_, began)) = self.dial.take() {
            let took_ms = self.now.since_ms(began);
            self.replayed.trace.dials.push(Dial::new(began, took_ms, failure));
        }
    }

    fn took(&mut self, output: Output) {
        match output {
            Output::Dial { dial, .. } => self.dial = Some((dial, self.now)),
            Output::Log { record } => {
                self.replayed.trace.lines.push(Line { at_ms: self.now, record: *record });
            }
            Output::IncidentClosed { incident } => self.replayed.incidents.push(*incident),
            Output::CloseConnection
            | Output::Replay { .. }
            | Output::ModeChanged { .. }
            | Output::StartupFinished { .. }
            | Output::IncidentOpened { .. }
            | Output::Timeout { .. } => {}
        }
    }

    fn changed_mode(&mut self) {
        if self.engine.mode() != self.mode {
            self.mode = self.engine.mode();
            self.snapshot();
        }
    }

    fn snapshot(&mut self) {
        if self.replayed.trace.status.len() < STATUS_MAX {
            let status = self.engine.status(self.now);
            self.replayed.trace.status.push(Snapshot { at_ms: self.now, status });
        }
    }

    fn finish(mut self, is_cut: bool) -> Replayed {
        self.snapshot();
        self.replayed.is_cut = is_cut;
        self.replayed
    }
}
