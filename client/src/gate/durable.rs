//! The journal on disk, where the client has one.

use std::sync::Arc;

use outlast_core::command::Access;
use outlast_core::record::RecordCode;
use outlast_core::status::JournalFile;
use outlast_core::{Error, ErrorKind, Level, Record, Timestamp};

use super::{Gate, closed};
use crate::config::Config;
use crate::events::{Event, Sink};
use crate::host::client_id;
use crate::journal::{Disk, Opened, Writer};
use crate::store::SharedStore;

/// What became of the journal on disk when the client was made.
pub(super) struct Durable {
    pub(super) disk: Option<Arc<Disk>>,
    pub(super) state: JournalFile,
    pub(super) client_id: String,
    pub(super) has_restored: bool,
    pub(super) error: Option<Error>,
}

impl Durable {
    /// Opens the journal that the options name, if they do, and gives the store what waits there.
    pub(super) fn open(
        config: &Config,
        store: &mut SharedStore,
        now: Timestamp,
        sink: &dyn Sink,
    ) -> Self {
        let state = JournalFile::Off;
        let none =
            Self { disk: None, state, client_id: client_id(), has_restored: false, error: None };
        let Some(path) = &config.journal_path else {
            return none;
        };
        let policy = &config.policy;
        let interval_ms = policy.journal_fsync_interval_ms;
        let opened = Disk::open(path, policy.journal_fsync, interval_ms, &none.client_id, now);
        let Opened { disk, restored, client_id, set_aside } = match opened {
            Ok(opened) => opened,
            Err(error) => return Self { error: Some(error), ..none },
        };
        let endpoint = config.endpoint.to_string();
        let tell = |level, code, message, keys| {
            let mut record = Record::new(level, code, message, endpoint.clone());
            record.fields.journal_keys = keys;
            sink.event(Event::Log(record));
        };
        let path = path.display();
        let mut state = JournalFile::Open;
        if let Some((aside, what)) = set_aside {
            state = JournalFile::SetAside;
            let aside = aside.display();
            let message = format!(
                "The journal on disk is damaged (journal_path {path}: {what}): it was moved to \
                 {aside}, and what it held is not written back."
            );
            tell(Level::Error, RecordCode::JournalSetAside, message, None);
        }
        let has_restored = !restored.is_empty();
        if has_restored {
            let keys = restored.keys_waiting() as u64;
            let noun = if keys == 1 { "key" } else { "keys" };
            let message = format!(
                "{keys} {noun} written in an outage before this process started wait in the \
                 journal on disk (journal_path {path}): they reach Redis first."
            );
            tell(Level::Info, RecordCode::JournalRestored, message, Some(keys));
            store.restore(&restored);
        }
        store.set_ledger(Box::new(Writer(disk.clone())));
        Self { disk: Some(disk), state, client_id, has_restored, error: None }
    }
}

impl Gate {
    /// Why this client is of no use, if it is not: its journal on disk cannot be had.
    pub(crate) fn usable(&self) -> Result<(), Error> {
        self.unusable.clone().map_or(Ok(()), Err)
    }

    /// The error for who uses a client that is closed.
    pub(super) fn closed(&self) -> Error {
        self.unusable.clone().unwrap_or_else(closed)
    }

    /// The journal on disk, for the status.
    pub(super) fn journal_file(&self) -> JournalFile {
        let failed = self.disk.as_ref().is_some_and(|disk| disk.failure().is_some());
        if failed { JournalFile::Failed } else { self.journal_file }
    }

    /// Whether what waits outlives this process.
    pub(super) fn is_durable(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.failure().is_none())
    }

    /// Why a write is not let in: the journal on disk, which is to keep it, takes nothing any more.
    pub(super) fn journal_failed(&self, access: Access) -> Option<Error> {
        let disk = self.disk.as_ref().filter(|_| access == Access::Write)?;
        let why = disk.failure()?;
        self.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = disk.path().display();
        let message = format!(
            "the journal on disk cannot be written (journal_path {path}): {why}; nothing was written"
        );
        Some(Error::new(ErrorKind::LimitReached, message))
    }

    /// Has what a command changed on disk, as far as `journal_fsync` says, before it is acknowledged.
    pub(super) fn settle_on_disk(&self, access: Access) -> Result<(), Error> {
        let Some(disk) = self.disk.as_ref().filter(|_| access == Access::Write) else {
            return Ok(());
        };
        disk.settle().map_err(|why| {
            self.tell_journal_failed(disk, why);
            let path = disk.path().display();
            let message = format!(
                "the journal on disk cannot be written (journal_path {path}): {why}; the write is \
                 kept in memory alone"
            );
            Error::new(ErrorKind::MaybeApplied, message)
        })
    }

    /// Has everything on the disk itself, before more is sent to Redis.
    pub(crate) fn sync_journal(&self) {
        let Some(disk) = &self.disk else { return };
        if let Err(why) = disk.sync() {
            // The file is out of the way of any later start, so going on does nothing twice.
            self.tell_journal_failed(disk, why);
        }
    }

    /// Ends the work on disk.
    pub(super) fn close_journal(&self) {
        if let Some(disk) = &self.disk {
            disk.close();
        }
    }

    fn tell_journal_failed(&self, disk: &Disk, why: &str) {
        if !disk.is_news() {
            return;
        }
        let message = format!(
            "The journal on disk cannot be written (journal_path {}): {why}. What waits is in memory \
             alone; writes are refused while Redis is away.",
            disk.path().display()
        );
        let endpoint = self.config.endpoint.to_string();
        let record = Record::new(Level::Error, RecordCode::JournalFailed, message, endpoint);
        self.sink.event(Event::Log(record));
    }
}
