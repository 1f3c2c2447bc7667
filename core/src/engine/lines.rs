//! The log lines: what each one says.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::{Engine, Phase};
use crate::kind::Failure;
use crate::output::Output;
use crate::record::{Fields, Level, Record, RecordCode, duration};
use crate::throttle::Counts;
use crate::time::Timestamp;

/// Longest text of a failure in a line, in characters: a hostile server does not fill a log.
const TEXT_CHARS_MAX: usize = 200;

impl Engine {
    pub(super) fn log_failure_if_news(&mut self, now: Timestamp, failure: &Failure) {
        // A kind that had its line has no second one: a summary follows, if one is due.
        if !self.outage.is_news(failure.kind) {
            return;
        }
        let Some(counts) = self.outage.line_for(now, failure.kind) else {
            return;
        };
        let text = shorten(&failure.text);
        let message = format!(
            "Redis unavailable: {} ({}): {text}. {}; {}.",
            failure.kind.words(),
            self.endpoint,
            if self.serving() { "Serving from memory" } else { "Not serving yet" },
            self.next_dial_words(now),
        );
        let mut fields = self.outage_fields(now, counts);
        fields.kind = Some(failure.kind);
        fields.text = Some(text);
        self.log(Level::Warning, RecordCode::RedisUnavailable, message, fields);
    }

    pub(super) fn log_summary_if_due(&mut self, now: Timestamp) {
        let Some(counts) = self.outage.summary(now) else {
            return;
        };
        let kind = self.last_failure.as_ref().map(|failure| failure.kind);
        let fields = Fields { kind, ..self.outage_fields(now, counts) };
        let message = format!(
            "Redis still unavailable after {}: {} ({}). Since the last line: {}; {}.",
            duration(fields.duration_ms.unwrap_or(0)),
            kind.map_or("unknown", |kind| kind.words()),
            self.endpoint,
            counts_words(counts),
            self.next_dial_words(now),
        );
        self.log(Level::Warning, RecordCode::RedisStillUnavailable, message, fields);
    }

    pub(super) fn log_recovery_if_due(&mut self, now: Timestamp) {
        if !self.outage.take_owed_recovery(now) {
            return;
        }
        let Some(incident) = self.outage.incident() else {
            return;
        };
        let fields = Fields {
            replayed: Some(incident.replayed),
            conflicts: Some(incident.conflicts),
            replay_refused: Some(incident.replay_refused),
            next_dial_ms: None,
            ..self.outage_fields(now, incident.counts)
        };
        let conflicts = match incident.conflicts {
            0 => String::new(),
            conflicts => format!(", {}", count(conflicts, "conflict")),
        };
        let message = format!(
            "Redis is back after {} ({}): {}; {} written back{conflicts}.",
            duration(incident.duration_ms(now)),
            self.endpoint,
            counts_words(incident.counts),
            count(incident.replayed, "key"),
        );
        self.log(Level::Info, RecordCode::RedisRecovered, message, fields);
    }

    pub(super) fn log_startup_failed(&mut self, now: Timestamp, dials: u64, failure: &Failure) {
        let text = shorten(&failure.text);
        let message = format!(
            "Redis is required and was not reached in {} ({}): {}: {text}.",
            count(dials, "dial"),
            self.endpoint,
            failure.kind.words(),
        );
        let mut fields = self.outage_fields(now, Counts::default());
        fields.kind = Some(failure.kind);
        fields.text = Some(text);
        fields.dials_failed = Some(dials);
        self.log(Level::Error, RecordCode::StartupFailed, message, fields);
    }

    pub(super) fn log_writes_refused(&mut self, now: Timestamp, refused: u64) {
        let message = format!(
            "Redis refused for good to take back {} written in the outage ({}).",
            count(refused, "key"),
            self.endpoint,
        );
        let fields =
            Fields { replay_refused: Some(refused), ..self.outage_fields(now, Counts::default()) };
        self.log(Level::Error, RecordCode::WritesRefused, message, fields);
    }

    pub(super) fn log_journal_discarded(&mut self, now: Timestamp, journal_keys: u64) {
        let message = format!(
            "Closed before {} written in the outage reached Redis ({}): they are lost.",
            count(journal_keys, "key"),
            self.endpoint,
        );
        let fields = Fields {
            journal_keys: Some(journal_keys),
            ..self.outage_fields(now, Counts::default())
        };
        self.log(Level::Error, RecordCode::JournalDiscarded, message, fields);
    }

    fn log(&mut self, level: Level, code: RecordCode, message: String, fields: Fields) {
        let record = Box::new(Record { level, code, message, fields });
        self.outputs.push_back(Output::Log { record });
    }

    fn outage_fields(&self, now: Timestamp, counts: Counts) -> Fields {
        let incident = self.outage.incident();
        Fields {
            endpoint: self.endpoint.clone(),
            incident: incident.map(|incident| incident.number),
            duration_ms: incident.map(|incident| incident.duration_ms(now)),
            dials_failed: Some(counts.dials_failed),
            commands_failed: Some(counts.commands_failed),
            served_locally: Some(counts.served_locally),
            refused: Some(counts.refused),
            next_dial_ms: self.next_dial_in_ms(now),
            ..Fields::default()
        }
    }

    fn next_dial_words(&self, now: Timestamp) -> String {
        match self.next_dial_in_ms(now) {
            _ if self.dialling => String::from("a dial is under way"),
            _ if self.phase == Phase::Reconciling => String::from("connected, writing back"),
            Some(in_ms) => format!("next dial in {}", duration(in_ms)),
            None => String::from("no further dial is planned"),
        }
    }
}

fn counts_words(counts: Counts) -> String {
    let commands_failed = match counts.commands_failed {
        0 => String::new(),
        failed => format!(", {} failed", count(failed, "command")),
    };
    let refused = match counts.refused {
        0 => String::new(),
        refused => format!(", {refused} refused"),
    };
    format!(
        "{} failed, {} served from memory{commands_failed}{refused}",
        count(counts.dials_failed, "dial"),
        count(counts.served_locally, "command"),
    )
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// One line, of bounded length, without a full stop of its own.
fn shorten(text: &str) -> String {
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().take(TEXT_CHARS_MAX).map(one_line).collect();
    if text.chars().nth(TEXT_CHARS_MAX).is_some() {
        short.push('…');
    }
    short.truncate(short.trim_end_matches(['.', ' ']).len());
    short
}
