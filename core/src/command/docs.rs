//! What the documentation of Redis says of each command.

use super::{Command, table};

/// What the documentation of Redis says of a command. It stands apart from the command, so that a
/// program which never asks for it does not contain it, and is one text: a table of references into
/// it would be as large once more.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Docs {
    /// What it does, in a line.
    pub summary: &'static str,
    /// The version of Redis that brought it.
    pub since: &'static str,
    /// The chapter that it belongs to, such as `sorted-set`.
    pub group: &'static str,
    /// The time that it takes, if that is told.
    pub complexity: Option<&'static str>,
    /// The version that deprecated it, and what to use instead.
    pub deprecated: Option<(&'static str, &'static str)>,
    flags: &'static str,
    tips: &'static str,
    key_notes: &'static str,
}

/// Where the line of each command begins.
static LINES: [u32; Command::COUNT] = lines();

const fn lines() -> [u32; Command::COUNT] {
    let mut lines = [0; Command::COUNT];
    let text = table::DOCS.as_bytes();
    let (mut line, mut at, mut offset) = (1, 0, 1);
    while line < Command::COUNT {
        if text[at] == b'\n' {
            lines[line] = offset;
            line += 1;
        }
        (at, offset) = (at + 1, offset + 1);
    }
    lines
}

impl Docs {
    /// Those of the command at this place of the table.
    pub(super) fn of(index: usize) -> Self {
        let start = LINES.get(index).and_then(|start| usize::try_from(*start).ok());
        let rest = start.and_then(|start| table::DOCS.get(start..)).unwrap_or_default();
        let mut fields = rest.lines().next().unwrap_or_default().split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let given = |text: &'static str| (!text.is_empty()).then_some(text);
        Self {
            summary: field(),
            since: field(),
            group: field(),
            complexity: given(field()),
            flags: field(),
            deprecated: given(field()).zip(Some(field())),
            tips: field(),
            key_notes: field(),
        }
    }

    /// `deprecated`, or `syscmd` for a command that is no user's business.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.flags.split_ascii_whitespace()
    }

    /// What proxies and cluster clients should know.
    pub fn tips(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.tips.split_ascii_whitespace()
    }

    /// What is noted on each of its key specifications; empty where nothing is.
    pub fn key_notes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.key_notes.split('|')
    }
}
