//! An entry from an incident.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{HEADING, SECTIONS, State, UNFILLED, calendar};
use crate::incident::Incident;
use crate::kind::FailureKind;
use crate::record::duration;

/// Longest text that is taken from the host into an entry, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// The entry of an incident, every number from its figures. `endpoint` is redacted already;
/// `service` says which of several wrote, and may be empty.
pub fn entry(incident: &Incident, endpoint: &str, service: &str) -> String {
    let opened = calendar::shown(incident.opened_at_ms);
    let cause = main_cause(incident);
    let words = cause.map_or("unknown", FailureKind::words);
    let state = if incident.recovered_at_ms.is_some() { State::Resolved } else { State::Open };
    let sections = [
        context(incident, &opened, &one_line(endpoint), &one_line(service)),
        symptoms(incident),
        root_cause(incident),
        resolution(incident),
        UNFILLED.to_string(),
        state.words().to_string(),
    ];
    let heading = format!("## [{opened}] – {HEADING}{words}\n");
    let sections = SECTIONS.iter().zip(sections);
    let section = |(name, body): (&&str, String)| format!("\n### {name}\n\n{body}\n");
    core::iter::once(heading).chain(sections.map(section)).collect()
}

/// The kind that failed most often, of equals the first; the loss of the connection only where
/// nothing else followed, for it is how most outages begin.
fn main_cause(incident: &Incident) -> Option<FailureKind> {
    let told = |cause: &&crate::incident::Cause| cause.kind != FailureKind::ConnectionLost;
    let rest = incident.causes.iter().filter(told).rev().max_by_key(|cause| cause.count);
    rest.or_else(|| incident.causes.first()).map(|cause| cause.kind)
}

fn context(incident: &Incident, opened: &str, endpoint: &str, service: &str) -> String {
    let by = if service.is_empty() { String::new() } else { format!(", seen by {service}") };
    format!("Incident {} at {endpoint}{by}, from {opened} UTC.", incident.number)
}

fn symptoms(incident: &Incident) -> String {
    let counts = incident.counts;
    let mut lines = Vec::new();
    lines.push(format!("- {} failed.", counted(counts.dials_failed, "dial")));
    if counts.commands_failed > 0 {
        let failed = counted(counts.commands_failed, "command");
        lines.push(format!("- {failed} failed on a live connection."));
    }
    lines.push(format!("- {} answered from memory.", counted(counts.served_locally, "command")));
    lines.push(format!("- {} refused.", counted(counts.refused, "command")));
    if incident.flaps > 0 {
        let times = counted(incident.flaps, "time");
        lines.push(format!("- Redis came back and went away again {times}."));
    }
    lines.join("\n")
}

fn root_cause(incident: &Incident) -> String {
    if incident.causes.is_empty() {
        return UNFILLED.to_string();
    }
    let line = |cause: &crate::incident::Cause| {
        let after = duration(cause.first_at_ms.since_ms(incident.opened_at_ms));
        let times = counted(cause.count, "time");
        format!("- {} (`{}`): {times}, first after {after}.", cause.kind.words(), cause.kind)
    };
    incident.causes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn resolution(incident: &Incident) -> String {
    let Some(recovered) = incident.recovered_at_ms else {
        return "Redis is not back.".to_string();
    };
    let lasted = duration(incident.duration_ms(recovered));
    let back = calendar::shown(recovered);
    let conflicts = match incident.conflicts {
        0 => String::new(),
        conflicts => format!(", {}", counted(conflicts, "conflict")),
    };
    let refused = match incident.replay_refused {
        0 => String::new(),
        refused => format!(", {} refused by Redis", counted(refused, "key")),
    };
    let replayed = counted(incident.replayed, "key");
    format!(
        "Redis was back at {back} UTC, after {lasted}. {replayed} written back{conflicts}{refused}."
    )
}

fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A text of the host in one line, so that it cannot begin a section.
fn one_line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(TEXT_CHARS_MAX).map(plain).collect()
}
