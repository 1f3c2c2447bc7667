//! The bytes of the journal's file. It is synced where that is asked for and not otherwise, and this
//! process alone has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;

#[cfg(unix)]
use super::inherited::Noted;

/// Whether a transaction ends with a sync of the file.
pub(super) type Syncing = Arc<AtomicBool>;

#[derive(Debug)]
pub(super) struct Backend {
    #[cfg(unix)]
    _noted: Noted,
    file: File,
    syncing: Syncing,
}

/// Why a file cannot be had.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Another client has it.
    InUse,
    Io(io::Error),
}

impl Backend {
    pub(super) fn open(path: &Path, syncing: Syncing) -> Result<Self, Refusal> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // It holds the application's data.
            options.mode(0o600);
        }
        let file = options.open(path).map_err(Refusal::Io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                #[cfg(unix)]
                _noted: Noted::new(&file),
                file,
                syncing,
            }),
            Err(TryLockError::WouldBlock) => Err(Refusal::InUse),
            Err(TryLockError::Error(error)) => Err(Refusal::Io(error)),
        }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_exact_at(&self.file, out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.syncing.load(Ordering::Acquire) {
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, data, offset)
    }
}

#[cfg(unix)]
use std::os::unix::fs::FileExt;

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(out, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, data: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(data, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !out.is_empty() {
        let read = file.seek_read(out, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        offset += read as u64;
        out = &mut out[read..];
    }
    Ok(())
}

#[cfg(windows)]
fn write_all_at(file: &File, mut data: &[u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !data.is_empty() {
        let written = file.seek_write(data, offset)?;
        offset += written as u64;
        data = &data[written..];
    }
    Ok(())
}
