//! What the client tells its host: log records, modes, incidents.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use outlast_core::incident::Incident;
use outlast_core::{Failure, Level, Mode, Record};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A log record.
    Log(Record),
    /// The mode changed.
    Mode(Mode),
    /// A dial began; the first has the number 1.
    Dialling(u64),
    /// A dial failed.
    DialFailed(Failure),
    /// An outage began.
    IncidentOpened(Incident),
    /// An outage is over; or the client was closed, and Redis is not back where `recovered_at_ms`
    /// says nothing.
    IncidentClosed {
        /// Its figures.
        incident: Incident,
        /// Its entry in the production log, which is also appended to the file that `log_path` names.
        entry: String,
    },
}

/// Where events go. It is called on whichever thread they arise, also from inside a caller's
/// command, so it must be quick, must not call the client, and must not wait for an interpreter.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// Sends log records to [`tracing`], with the target `outlast`; other events are not logged.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct TracingSink;

impl Sink for TracingSink {
    fn event(&self, event: Event) {
        let Event::Log(record) = event else { return };
        let fields = serde_json::to_string(&record.fields).unwrap_or_default();
        let (code, message) = (record.code.code(), record.message);
        match record.level {
            Level::Info => tracing::info!(target: "outlast", code, fields, "{message}"),
            Level::Warning => tracing::warn!(target: "outlast", code, fields, "{message}"),
            _ => tracing::error!(target: "outlast", code, fields, "{message}"),
        }
    }
}

/// Events that wait for a host which takes them when it likes. Beyond [`Queue::EVENTS_MAX`] the
/// oldest that is no log record goes first, then the oldest.
pub struct Queue {
    events: Mutex<VecDeque<Event>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// The most events that wait.
    pub const EVENTS_MAX: usize = 1_024;

    /// A queue that calls `wake` when an event comes and none waited before.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { events: Mutex::default(), wake: Box::new(wake) }
    }

    /// All events that wait.
    pub fn take(&self) -> Vec<Event> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.drain(..).collect()
    }
}

impl Sink for Queue {
    fn event(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() >= Self::EVENTS_MAX {
            let place = events.iter().position(|event| !matches!(event, Event::Log(_)));
            events.remove(place.unwrap_or(0));
        }
        events.push_back(event);
        let was_empty = events.len() == 1;
        drop(events);
        if was_empty {
            (self.wake)();
        }
    }
}
