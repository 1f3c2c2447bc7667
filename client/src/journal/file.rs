//! One file with the tables of a journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use outlast_core::journal::ledger::{Entry, Restored};
use redb::{
    Builder, Database, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};

use super::backend::{Backend, Refusal, Syncing};
use super::codec::{self, Row};

/// What waits of each key: its state, and further commands by their numbers.
const CHANGES: TableDefinition<'_, (&[u8], u64), &[u8]> = TableDefinition::new("changes");
/// Keys that go to Redis together.
const UNITS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("units");
/// The batch whose fate is not known, by its number.
const SENT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sent");
/// What the file is.
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");

/// The version of these tables.
const FORMAT: &[u8] = b"1";
/// Memory for pages of the file.
const CACHE_BYTES: usize = 4 << 20;
/// An empty file that is larger gives its room back.
const EMPTY_BYTES_MAX: u64 = 4 << 20;

/// Whether what is written is on the disk itself afterwards; else it may be lost with the machine,
/// but not with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    Yes,
    No,
}

/// Why a file is not opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// It cannot be written, or another client has it: what is allowed instead.
    Unusable(String),
    /// It is no journal, or not whole.
    Damaged(String),
}

/// What was found in a file, and the client that it belongs to.
pub(super) type Found = (Restored, String);

pub(super) struct File {
    database: Database,
    path: PathBuf,
    syncing: Syncing,
    /// The number of the last further command.
    last: u64,
    /// The number of the last batch.
    sequence: u64,
}

/// What can go wrong with a file that is open.
type Failure = redb::Error;

impl File {
    /// Opens a file, or makes one, and reads what waits. `client_id` is for a file in which nothing
    /// waits.
    pub(super) fn open(path: &Path, client_id: &str) -> Result<(Self, Found), OpenError> {
        let syncing: Syncing = Arc::new(AtomicBool::new(true));
        let backend = Backend::open(path, syncing.clone()).map_err(|refusal| match refusal {
            Refusal::InUse => {
                OpenError::Unusable("a file that no other process or client uses".into())
            }
            Refusal::Io(error) => OpenError::Unusable(format!("a file to write to ({error})")),
        })?;
        // A damaged file must never end the application.
        let read = catch_unwind(AssertUnwindSafe(|| Self::read(path, backend, syncing, client_id)));
        read.unwrap_or_else(|_| Err("it cannot be read".into())).map_err(OpenError::Damaged)
    }

    fn read(
        path: &Path,
        backend: Backend,
        syncing: Syncing,
        client_id: &str,
    ) -> Result<(Self, Found), String> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        let mut database = builder.create_with_backend(backend).map_err(|it| it.to_string())?;
        if !database.check_integrity().map_err(|error| error.to_string())? {
            return Err("its checksums are wrong".into());
        }
        let mut file = Self { database, path: path.to_owned(), syncing, last: 0, sequence: 0 };
        let found = file.found(client_id).map_err(|error| error.to_string())?;
        let (restored, stored) = found.ok_or("what it holds is no journal of this version")?;
        file.sequence = restored.sequence;
        Ok((file, (restored, stored)))
    }

    /// Nothing where it is no journal.
    fn found(&mut self, client_id: &str) -> Result<Option<Found>, Failure> {
        let transaction = self.database.begin_write()?;
        let mut restored = Restored::default();
        let mut stored = client_id.to_string();
        {
            let mut about = transaction.open_table(ABOUT)?;
            let changes = transaction.open_table(CHANGES)?;
            let is_new = about.get("format")?.is_none();
            if is_new && !changes.is_empty()? {
                return Ok(None);
            }
            if about.get("format")?.is_some_and(|format| format.value() != FORMAT) {
                return Ok(None);
            }
            for row in changes.iter()? {
                let (place, bytes) = row?;
                let (key, number) = place.value();
                self.last = self.last.max(number);
                match (codec::row(bytes.value()), restored.keys.last_mut()) {
                    (Some(Row::Whole(state)), _) => {
                        restored.keys.push((key.to_vec(), state, Vec::new()));
                    }
                    (Some(Row::Further(at, args)), Some((last, _, further))) if last == key => {
                        further.push((at, args));
                    }
                    _ => return Ok(None),
                }
            }
            for row in transaction.open_table(UNITS)?.iter()? {
                let (number, keys) = row?;
                let Some(keys) = codec::read_keys(keys.value()) else { return Ok(None) };
                restored.units.push((number.value(), keys));
            }
            for row in transaction.open_table(SENT)?.iter()? {
                let (sequence, batch) = row?;
                restored.sent = codec::read_batch(sequence.value(), batch.value());
                if restored.sent.is_none() {
                    return Ok(None);
                }
            }
            let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
            if restored.is_empty() {
                about.insert("format", FORMAT)?;
                about.insert("client", client_id.as_bytes())?;
                about.insert("sequence", &0_u64.to_le_bytes()[..])?;
            } else {
                restored.sequence = about.get("sequence")?.map_or(0, |it| number(it.value()));
                let client = about.get("client")?.map(|it| it.value().to_vec());
                stored = String::from_utf8(client.unwrap_or_default()).unwrap_or_default();
            }
        }
        transaction.commit()?;
        Ok(Some((restored, stored)))
    }

    /// How long the file is.
    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Writes entries as one transaction.
    ///
    /// # Errors
    ///
    /// What the disk said. The file is not to be used any more.
    pub(super) fn write(
        &mut self,
        entries: impl Iterator<Item = Entry>,
        sync: Sync,
    ) -> Result<(), String> {
        self.syncing.store(sync == Sync::Yes, Ordering::Release);
        let written = catch_unwind(AssertUnwindSafe(|| self.write_all(entries)));
        self.syncing.store(true, Ordering::Release);
        written.map_err(|_| "it cannot be written".to_string())?.map_err(|error| error.to_string())
    }

    fn write_all(&mut self, entries: impl Iterator<Item = Entry>) -> Result<(), Failure> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(false);
        let mut is_drained = false;
        for entry in entries {
            is_drained = matches!(entry, Entry::Applied);
            write_one(&transaction, entry, &mut self.last, &mut self.sequence)?;
        }
        if is_drained {
            is_drained = transaction.open_table(CHANGES)?.is_empty()?;
        }
        transaction.commit()?;
        // Room that an outage took is given back after it.
        if is_drained && self.bytes() > EMPTY_BYTES_MAX {
            self.database.compact()?;
        }
        Ok(())
    }
}

fn write_one(
    transaction: &WriteTransaction,
    entry: Entry,
    last: &mut u64,
    sequence: &mut u64,
) -> Result<(), Failure> {
    match entry {
        Entry::Whole { key, state } => {
            let mut changes = transaction.open_table(CHANGES)?;
            changes.retain_in((key.as_slice(), 0)..=(key.as_slice(), u64::MAX), |_, _| false)?;
            changes.insert((key.as_slice(), 0), codec::whole(&state).as_slice())?;
        }
        Entry::Further { key, at, command } => {
            *last += 1;
            let mut changes = transaction.open_table(CHANGES)?;
            changes.insert((key.as_slice(), *last), codec::further(at, &command).as_slice())?;
        }
        Entry::Unit { number, keys, merged } => {
            let mut units = transaction.open_table(UNITS)?;
            for unit in merged {
                units.remove(unit)?;
            }
            units.insert(number, codec::keys(&keys).as_slice())?;
        }
        Entry::Sent(batch) => {
            let mut changes = transaction.open_table(CHANGES)?;
            for sent in &batch.keys {
                let key = sent.key.as_slice();
                changes.retain_in((key, 0)..=(key, u64::MAX), |_, _| false)?;
            }
            let mut units = transaction.open_table(UNITS)?;
            for unit in &batch.units {
                units.remove(unit)?;
            }
            *sequence = batch.sequence;
            let number = sequence.to_le_bytes();
            transaction.open_table(ABOUT)?.insert("sequence", number.as_slice())?;
            let mut sent = transaction.open_table(SENT)?;
            sent.insert(batch.sequence, codec::batch(&batch).as_slice())?;
        }
        Entry::Amended(batch) => {
            let mut sent = transaction.open_table(SENT)?;
            sent.insert(batch.sequence, codec::batch(&batch).as_slice())?;
        }
        Entry::Applied | Entry::Returned => {
            transaction.open_table(SENT)?.retain(|_, _| false)?;
        }
        _ => {}
    }
    Ok(())
}
