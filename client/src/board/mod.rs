//! What the processes of this host share of an outage (`outage_path`).

#[cfg(unix)]
mod mapping;
#[cfg(not(unix))]
#[path = "unavailable.rs"]
mod mapping;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use outlast_core::board::{self, Board, Turn};
use outlast_core::record::RecordCode;
use outlast_core::{FailureKind, Level, Policy, Record, Timestamp};

use crate::events::{Event, Sink};
use crate::host::{entropy, host_now};
use mapping::{Mapping, Word};

/// One client's place on the board of its host. Where the board is of no use, that is logged once, and the
/// client goes on by itself.
pub(crate) struct HostBoard {
    path: PathBuf,
    endpoint: String,
    key: u64,
    board: Board,
    mapping: Option<Mapping>,
    sink: Arc<dyn Sink>,
}

impl HostBoard {
    /// The board that the policy names, if it does.
    pub(crate) fn open(policy: &Policy, endpoint: &str, sink: &Arc<dyn Sink>) -> Option<Self> {
        if policy.outage_path.is_empty() {
            return None;
        }
        let mut opened = Self {
            path: PathBuf::from(&policy.outage_path),
            endpoint: endpoint.to_string(),
            key: board::key(endpoint),
            board: Board::new(policy.clone(), entropy()),
            mapping: None,
            sink: sink.clone(),
        };
        opened.map();
        Some(opened)
    }

    /// Whether to dial now.
    pub(crate) fn ask(&mut self) -> Turn {
        self.with_word(Board::ask).unwrap_or(Turn::Dial)
    }

    /// A dial goes out that does not ask.
    pub(crate) fn dials_anyway(&mut self) {
        self.board.dials_anyway(host_now());
    }

    pub(crate) fn lost(&mut self) {
        self.board.lost(host_now());
    }

    pub(crate) fn succeeded(&mut self) {
        self.with_word(Board::succeeded);
    }

    pub(crate) fn failed(&mut self, kind: FailureKind, attempts: u32, next_in_ms: Option<u64>) {
        self.with_word(|board, now, word| board.failed(now, word, kind, attempts, next_in_ms));
    }

    /// Leaves the dial to others.
    pub(crate) fn give_up(&mut self) {
        self.with_word(|board, _, word| board.give_up(word));
    }

    fn with_word<T>(
        &mut self,
        f: impl FnOnce(&mut Board, Timestamp, &AtomicU64) -> T,
    ) -> Option<T> {
        if matches!(self.mapping.as_ref()?.word(self.key), Word::Gone) {
            self.map();
        }
        match self.mapping.as_ref()?.word(self.key) {
            Word::Found(word) => return Some(f(&mut self.board, host_now(), word)),
            Word::Gone => self.fail("the file is removed again and again"),
            Word::Full => self.fail("it has no room for a further endpoint"),
            Word::Damaged => self.fail("the file was cut short or overwritten"),
        }
        None
    }

    fn map(&mut self) {
        match Mapping::open(&self.path) {
            Ok(mapping) => self.mapping = Some(mapping),
            Err(error) => self.fail(&error.to_string()),
        }
    }

    fn fail(&mut self, why: &str) {
        self.mapping = None;
        let message = format!(
            "What other processes of this host know of an outage is not shared (outage_path {}): {why}. \
             This client dials by itself.",
            self.path.display()
        );
        let code = RecordCode::SharingFailed;
        let record = Record::new(Level::Error, code, message, self.endpoint.clone());
        self.sink.event(Event::Log(record));
    }
}

impl Drop for HostBoard {
    fn drop(&mut self) {
        self.give_up();
    }
}
