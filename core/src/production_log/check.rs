//! Reads a log back, says what is not as the template has it, and writes it as it has.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use super::{HEADING, SECTIONS, State, UNFILLED, calendar};
use crate::kind::FailureKind;

/// Faults that are told; a text that is no log at all has one in each line.
const FAULTS_MAX: usize = 1_000;
/// Begins and ends a block of code.
const FENCE: &str = "```";
/// Stands in a corrected heading that had no time.
const NO_TIME: &str = "[YYYY-MM-DD HH:MM]";
/// The last section, which holds the state.
const STATUS: usize = SECTIONS.len() - 1;
/// The section that tells what failed.
const CAUSE: usize = 2;
/// Other names that people give the sections.
const SYNONYMS: [(&str, usize); 12] = [
    ("background", 0),
    ("symptom", 1),
    ("impact", 1),
    ("cause", 2),
    ("root causes", 2),
    ("fix", 3),
    ("resolution", 3),
    ("fix/resolution", 3),
    ("learnings", 4),
    ("lessons learned", 4),
    ("production learning", 4),
    ("state", 5),
];

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// The entries, in the order of the log.
    pub entries: Vec<CheckedEntry>,
    /// What is not as the template has it: the first 1,000.
    pub faults: Vec<Fault>,
    /// Figures of all entries.
    pub statistics: Statistics,
    /// The log as the template has it. What people wrote is kept; what is missing is marked.
    pub corrected: String,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckedEntry {
    /// The line of its heading, from 1.
    pub line: usize,
    /// `2025-03-04 02:11`; empty where there is no such time.
    pub at: String,
    /// The rest of the heading.
    pub title: String,
    /// Its state; one that is not told is open.
    pub state: State,
    /// What failed: as the title says it, or else the first code in the root cause.
    pub kind: Option<FailureKind>,
    /// How long it took to recover, where the entry tells.
    pub recovered_after_ms: Option<u64>,
}

/// Something that is not as the template has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, and what is right.
    pub message: String,
}

/// Figures of all entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// How many there are.
    pub entries: usize,
    /// Entries that are over.
    pub resolved: usize,
    /// Entries that do no more harm.
    pub mitigated: usize,
    /// Entries that are not dealt with.
    pub open: usize,
    /// Half of those that tell took no longer to recover.
    pub recovered_after_ms_median: Option<u64>,
    /// The longest.
    pub recovered_after_ms_max: Option<u64>,
    /// The same for each kind of failure, the most frequent first.
    pub kinds: Vec<KindStatistics>,
}

/// Figures of the entries of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KindStatistics {
    /// The kind; none for entries that tell none.
    pub kind: Option<FailureKind>,
    /// How many there are.
    pub entries: usize,
    /// Entries that are not dealt with.
    pub open: usize,
    /// Half of those that tell took no longer to recover.
    pub recovered_after_ms_median: Option<u64>,
    /// The longest.
    pub recovered_after_ms_max: Option<u64>,
}

/// Reads and checks a log.
pub fn check(text: &str) -> Checked {
    let mut reader = Reader::default();
    for (at, line) in text.lines().enumerate() {
        reader.line(at.saturating_add(1), line);
    }
    reader.finish()
}

#[derive(Debug, Default)]
struct Reader {
    /// What stands before the first entry.
    preamble: Vec<String>,
    drafts: Vec<Draft>,
    faults: Vec<Fault>,
    /// In a block of code nothing is a heading.
    is_code: bool,
    /// The line that was read last.
    last: usize,
}

/// An entry as it was read.
#[derive(Debug)]
struct Draft {
    line: usize,
    at: String,
    title: String,
    /// The lines of each section, where it is there.
    sections: [Option<Vec<String>>; SECTIONS.len()],
    /// Where lines go: a section, or before the first.
    current: Option<usize>,
    /// Lines before the first section.
    loose: Vec<String>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) {
        let line = line.trim_end();
        self.last = number;
        if line.trim_start().starts_with(FENCE) {
            self.is_code = !self.is_code;
        }
        let heading = line.strip_prefix("## ").filter(|_| !self.is_code);
        if let Some(heading) = heading {
            self.open(number, heading);
            return;
        }
        if self.drafts.is_empty() {
            self.preamble.push(line.to_string());
            return;
        }
        match section_of(line).filter(|_| !self.is_code) {
            Some((section, rest, is_right)) => {
                // What stands beside the name of a section comes on a line of its own.
                self.is_code = rest.starts_with(FENCE);
                self.section(number, section, rest, is_right);
            }
            None => self.body(line),
        }
    }

    fn open(&mut self, number: usize, heading: &str) {
        let heading = heading.trim();
        let (at, title, is_right) = read_heading(heading);
        if at.is_empty() {
            let wanted = "`## [YYYY-MM-DD HH:MM] – title`";
            self.fault(number, format!("the heading has no time that exists: it is {wanted}"));
        } else if !is_right {
            self.fault(number, format!("the heading is `## [{at}] – {title}`"));
        }
        if title.is_empty() {
            self.fault(number, "the heading has no title".to_string());
        }
        self.drafts.push(Draft {
            line: number,
            at: at.to_string(),
            title: title.to_string(),
            sections: Default::default(),
            current: None,
            loose: Vec::new(),
        });
    }

    fn section(&mut self, number: usize, section: usize, rest: &str, is_right: bool) {
        let name = SECTIONS.get(section).copied().unwrap_or_default();
        if !is_right {
            self.fault(number, format!("the section is headed `### {name}`"));
        }
        let mut said = None;
        if let Some(draft) = self.drafts.last_mut() {
            if draft.current.is_some_and(|before| before > section) {
                said = Some(format!("`{name}` stands after a later section"));
            }
            let lines = draft.sections.get_mut(section);
            if let Some(lines) = lines {
                if lines.is_some() {
                    said = Some(format!("`{name}` is there twice"));
                }
                let lines = lines.get_or_insert_with(Vec::new);
                lines.extend((!rest.is_empty()).then(|| rest.to_string()));
            }
            draft.current = Some(section);
        }
        if let Some(message) = said {
            self.fault(number, message);
        }
    }

    fn body(&mut self, line: &str) {
        let Some(draft) = self.drafts.last_mut() else { return };
        let section = draft.current.and_then(|at| draft.sections.get_mut(at));
        match section {
            Some(lines) => lines.get_or_insert_with(Vec::new).push(line.to_string()),
            None => draft.loose.push(line.to_string()),
        }
    }

    fn fault(&mut self, line: usize, message: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { line, message });
        }
    }

    fn finish(mut self) -> Checked {
        if self.is_code {
            self.fault(self.last, "a block of code does not end".to_string());
            if self.drafts.is_empty() {
                self.preamble.push(FENCE.to_string());
            }
            self.body(FENCE);
        }
        let drafts = core::mem::take(&mut self.drafts);
        if drafts.is_empty() {
            self.fault(
                1,
                "there is no entry: each begins with `## [YYYY-MM-DD HH:MM] – title`".to_string(),
            );
        }
        let mut corrected = trimmed(&self.preamble);
        let mut entries = Vec::new();
        for draft in &drafts {
            let state = self.state(draft);
            self.missing(draft);
            if !corrected.is_empty() {
                corrected.push_str("\n\n");
            }
            corrected += &draft.corrected(state);
            entries.push(CheckedEntry {
                line: draft.line,
                at: draft.at.clone(),
                title: draft.title.clone(),
                state,
                kind: draft.kind(),
                recovered_after_ms: draft.recovered_after_ms(),
            });
        }
        if !corrected.is_empty() {
            corrected.push('\n');
        }
        self.faults.sort_by_key(|fault| fault.line);
        let statistics = statistics(&entries);
        Checked { entries, faults: self.faults, statistics, corrected }
    }

    fn missing(&mut self, draft: &Draft) {
        for (name, lines) in SECTIONS.iter().zip(&draft.sections) {
            let message = match lines {
                None => format!("`{name}` is missing"),
                Some(lines) if trimmed(lines).is_empty() => format!("`{name}` is empty"),
                Some(_) => continue,
            };
            self.fault(draft.line, message);
        }
        if !trimmed(&draft.loose).is_empty() {
            self.fault(draft.line, "text stands before the first section".to_string());
        }
    }

    fn state(&mut self, draft: &Draft) -> State {
        let Some(lines) = draft.sections.get(STATUS).and_then(Option::as_ref) else {
            return State::Open;
        };
        let text = trimmed(lines);
        let first = text.lines().next().unwrap_or_default();
        // More may follow on lines of its own.
        if let Some(state) = State::ALL.iter().copied().find(|state| state.words() == first) {
            return state;
        }
        let lower = text.to_lowercase();
        let named = |state: &State| {
            state.words().split(' ').any(|word| lower.contains(&word.to_lowercase()))
        };
        let allowed = State::ALL.iter().map(|state| state.words()).collect::<Vec<_>>().join("`, `");
        if !text.is_empty() {
            self.fault(draft.line, format!("the status is one of `{allowed}`"));
        }
        State::ALL.iter().copied().find(named).unwrap_or(State::Open)
    }
}

impl Draft {
    fn corrected(&self, state: State) -> String {
        let title = if self.title.is_empty() { UNFILLED } else { &self.title };
        let at = if self.at.is_empty() { NO_TIME.to_string() } else { format!("[{}]", self.at) };
        let mut parts = alloc::vec![format!("## {at} – {title}")];
        for (place, (name, lines)) in SECTIONS.iter().zip(&self.sections).enumerate() {
            let mut body = lines.as_ref().map(|lines| trimmed(lines)).unwrap_or_default();
            let body = if place == STATUS {
                status(state, &body)
            } else {
                let loose = trimmed(&self.loose);
                if place == 0 && !loose.is_empty() {
                    body = [loose, body].join("\n").trim().to_string();
                }
                if body.is_empty() { UNFILLED.to_string() } else { body }
            };
            parts.push(format!("### {name}\n\n{body}"));
        }
        parts.join("\n\n")
    }

    fn kind(&self) -> Option<FailureKind> {
        let said = |kind: &FailureKind| self.title.strip_prefix(HEADING) == Some(kind.words());
        let titled = FailureKind::ALL.iter().copied().find(said);
        let lines = self.sections.get(CAUSE).and_then(Option::as_ref);
        titled.or_else(|| {
            let mut parts = lines?.iter().flat_map(|line| line.split('`').skip(1).step_by(2));
            parts.find_map(|part| FailureKind::ALL.iter().copied().find(|kind| kind.code() == part))
        })
    }

    /// The last time that the entry tells after the word `after`, in the section of its end.
    fn recovered_after_ms(&self) -> Option<u64> {
        let lines = self.sections.get(3)?.as_ref()?;
        let told = |line: &String| {
            let (_, rest) = line.rsplit_once("after ")?;
            read_duration(rest)
        };
        lines.iter().rev().find_map(told)
    }
}

/// The state, and below it what was written in its place beside its name.
fn status(state: State, written: &str) -> String {
    let words = state.words();
    let bare =
        |text: &str| text.trim_matches(|letter: char| !letter.is_alphabetic()).to_lowercase();
    if written.starts_with(words) {
        return written.to_string();
    }
    if written.is_empty() || bare(written) == bare(words) {
        return words.to_string();
    }
    format!("{words}\n\n{written}")
}

/// The section that a line heads, what follows on the line, and whether it is headed as it should.
fn section_of(line: &str) -> Option<(usize, &str, bool)> {
    let marked = line.trim_start();
    let (name, rest) = if let Some(rest) = marked.strip_prefix("**") {
        let (name, rest) = rest.split_once("**")?;
        (name.trim_end_matches(':'), rest.trim_start_matches(':').trim())
    } else if marked.starts_with('#') {
        (marked.trim_start_matches('#').trim().trim_end_matches(':'), "")
    } else {
        let (name, rest) = marked.split_once(':')?;
        (name, rest.trim())
    };
    let name = name.trim();
    let exact = SECTIONS.iter().position(|section| *section == name);
    let near = || SECTIONS.iter().position(|section| section.eq_ignore_ascii_case(name));
    let other = || {
        let known = |(word, _): &&(&str, usize)| word.eq_ignore_ascii_case(name);
        SYNONYMS.iter().find(known).map(|(_, section)| *section)
    };
    let section = exact.or_else(near).or_else(other)?;
    let is_right =
        SECTIONS.get(section).is_some_and(|name| line.strip_prefix("### ") == Some(name));
    Some((section, rest, is_right))
}

/// The time and title of a heading, and whether it is written as it should be.
fn read_heading(heading: &str) -> (&str, &str, bool) {
    let unbracketed = heading.strip_prefix('[').unwrap_or(heading);
    let at = unbracketed.get(..16).filter(|at| calendar::is_time(at)).unwrap_or_default();
    let rest = unbracketed.get(at.len()..).unwrap_or_default();
    let is_mark = |letter: char| letter.is_whitespace() || "[]–—-:".contains(letter);
    let rest = if at.is_empty() { heading.trim_start_matches(NO_TIME) } else { rest };
    let title = match rest.strip_prefix(" – ").filter(|_| at.is_empty()) {
        // As it was corrected before: what follows is the title, whatever it begins with.
        Some(title) => title.trim(),
        None if at.is_empty() && rest == heading => heading,
        None => rest.trim_start_matches(is_mark),
    };
    let is_right = heading == format!("[{at}] – {title}");
    (at, title, is_right)
}

/// A time as entries and log lines tell it: `1 h 02 min`, `10 min 08 s`, `8.3 s`, `250 ms`.
fn read_duration(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    let mut total_ms: Option<u64> = None;
    while let (Some(number), Some(unit)) = (words.next(), words.next()) {
        let ends = unit.ends_with(['.', ',', ';', ')']);
        let unit_ms = match unit.trim_end_matches(['.', ',', ';', ')']) {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => break,
        };
        let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
        let (Ok(whole), Ok(tenths)) = (whole.parse::<u64>(), tenths.parse::<u64>()) else { break };
        let ms = whole.saturating_mul(unit_ms).saturating_add(tenths.min(9) * unit_ms / 10);
        total_ms = Some(total_ms.unwrap_or(0).saturating_add(ms));
        if ends {
            break;
        }
    }
    total_ms
}

fn statistics(entries: &[CheckedEntry]) -> Statistics {
    let of = |state| entries.iter().filter(|entry| entry.state == state).count();
    let (recovered_after_ms_median, recovered_after_ms_max) = times(entries.iter());
    let mut kinds: Vec<KindStatistics> = Vec::new();
    for entry in entries {
        if kinds.iter().all(|known| known.kind != entry.kind) {
            kinds.push(of_kind(entries, entry.kind));
        }
    }
    kinds.sort_by_key(|known| core::cmp::Reverse(known.entries));
    Statistics {
        entries: entries.len(),
        resolved: of(State::Resolved),
        mitigated: of(State::Mitigated),
        open: of(State::Open),
        recovered_after_ms_median,
        recovered_after_ms_max,
        kinds,
    }
}

fn of_kind(entries: &[CheckedEntry], kind: Option<FailureKind>) -> KindStatistics {
    let those = || entries.iter().filter(move |entry| entry.kind == kind);
    let (recovered_after_ms_median, recovered_after_ms_max) = times(those());
    let open = those().filter(|entry| entry.state == State::Open).count();
    let entries = those().count();
    KindStatistics { kind, entries, open, recovered_after_ms_median, recovered_after_ms_max }
}

/// The median and the longest of the times that entries tell.
fn times<'a>(entries: impl Iterator<Item = &'a CheckedEntry>) -> (Option<u64>, Option<u64>) {
    let mut times: Vec<_> = entries.filter_map(|entry| entry.recovered_after_ms).collect();
    times.sort_unstable();
    (times.get(times.len().saturating_sub(1) / 2).copied(), times.last().copied())
}

/// Lines without empty ones at either end.
fn trimmed(lines: &[String]) -> String {
    lines.join("\n").trim_matches('\n').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Cause, Incident};
    use crate::kind::FailureKind;
    use crate::production_log::entry;
    use crate::time::Timestamp;

    fn incident() -> Incident {
        let mut incident = Incident::new(3, Timestamp::from_ms(1_700_000_000_000));
        let at = |ms: u64| Timestamp::from_ms(1_700_000_000_000 + ms);
        incident.recovered_at_ms = Some(at(608_396));
        incident.causes = alloc::vec![
            Cause { kind: FailureKind::ConnectionLost, first_at_ms: at(0), count: 1 },
            Cause { kind: FailureKind::ConnectionRefused, first_at_ms: at(250), count: 66 },
        ];
        incident.counts.dials_failed = 66;
        incident.counts.served_locally = 6_083;
        incident.replayed = 17;
        incident
    }

    #[test]
    fn what_is_written_has_no_fault_and_is_its_own_correction() {
        let text = entry(&incident(), "redis://cache:6379", "shop");
        let checked = check(&text);
        assert_eq!(checked.faults, []);
        assert_eq!(checked.corrected, text);
        assert_eq!(checked.entries[0].at, "2023-11-14 22:13");
        assert_eq!(checked.entries[0].title, "Redis unavailable: connection refused");
        assert_eq!(checked.entries[0].state, State::Resolved);
        assert_eq!(checked.entries[0].recovered_after_ms, Some(608_000));
    }

    #[test]
    fn an_endpoint_cannot_begin_an_entry() {
        let text = entry(&incident(), "x\n## [2025-01-01 00:00] – y", "a\n### Status");
        assert_eq!(check(&text).entries.len(), 1);
        assert_eq!(check(&text).faults, []);
    }

    #[test]
    fn a_correction_is_right_and_stays_as_it_is() {
        let text = "# Our log\n\n## 2025-03-04 02:11 - Cache gone\nThe cache was away.\n\
            **Root cause:** DNS\n**Symptoms**: slow pages\n### learnings\nAlarm sooner.\n\
            Status: resolved, mostly\n\n## yesterday\n```\n## no heading\n```\n";
        let checked = check(text);
        let messages: Vec<_> =
            checked.faults.iter().map(|fault| (fault.line, &fault.message[..])).collect();
        assert!(messages.contains(&(3, "the heading is `## [2025-03-04 02:11] – Cache gone`")));
        assert!(messages.contains(&(3, "`Fix / Resolution` is missing")), "{messages:?}");
        assert!(messages.contains(&(6, "`Symptoms` stands after a later section")), "{messages:?}");
        assert!(messages.contains(&(7, "the section is headed `### Production Learnings`")));
        assert_eq!(checked.entries.len(), 2);
        assert_eq!(checked.entries[0].state, State::Resolved);
        assert_eq!(checked.statistics.open, 1);
        assert!(checked.corrected.starts_with("# Our log\n\n## [2025-03-04 02:11] – Cache gone\n"));
        for kept in
            ["The cache was away.", "DNS", "mostly", "slow pages", "Alarm sooner.", "## no heading"]
        {
            assert!(checked.corrected.contains(kept), "{kept}");
        }
        let again = check(&checked.corrected);
        assert_eq!(again.corrected, checked.corrected);
        let left: Vec<_> = again.faults.iter().map(|fault| &fault.message[..]).collect();
        assert_eq!(
            left,
            ["the heading has no time that exists: it is `## [YYYY-MM-DD HH:MM] – title`"]
        );
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, ms) in [
            ("250 ms.", 250),
            ("8.3 s.", 8_300),
            ("10 min 08 s.", 608_000),
            ("1 h 02 min, then", 3_720_000),
        ] {
            assert_eq!(read_duration(text), Some(ms), "{text}");
        }
        assert_eq!(read_duration("lunch, at last"), None);
    }

    #[test]
    fn a_text_that_is_no_log_says_so() {
        let checked = check("hello\n");
        assert_eq!(checked.faults.len(), 1);
        assert_eq!(checked.corrected, "hello\n");
    }

    #[test]
    fn what_was_corrected_once_is_right() {
        for text in [
            "## ,\n```",
            "## a\nContext: ```\n## b",
            "## [a",
            "## – a",
            "## \n### Status\nopen\n",
            "## [2025-03-04 02:11] – [a]\n\nx\n### Symptoms\n```\n```\nContext: y",
            "```\n## a",
        ] {
            let once = check(text).corrected;
            let again = check(&once);
            assert_eq!(again.corrected, once, "{text:?}");
            let headings = again.faults.iter().filter(|fault| fault.message.contains("headed"));
            assert_eq!(headings.count(), 0, "{text:?}: {:?}", again.faults);
        }
    }
}
