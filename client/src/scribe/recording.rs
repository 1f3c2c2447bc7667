//! The file of a recording: one writer, two halves.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Clients that may record to the same path at the same time.
const NEIGHBOURS_MAX: u32 = 64;

/// Where one client records. Its file is its own: another that is told the same path records beside
/// it, to `PATH.2` and so on.
#[derive(Debug)]
pub(crate) struct Recording {
    file: File,
    path: PathBuf,
    bytes: u64,
    /// The file is put aside beyond this many.
    half_bytes_max: u64,
}

impl Recording {
    /// Opens the file at this path, or beside it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn open(path: &Path, bytes_max: u64) -> io::Result<Self> {
        for number in 1..=NEIGHBOURS_MAX {
            let path = if number == 1 { path.into() } else { with(path, &format!(".{number}")) };
            if let Some(file) = opened(&path)? {
                let bytes = file.metadata()?.len();
                return Ok(Self { file, path, bytes, half_bytes_max: bytes_max / 2 });
            }
        }
        let message = format!("{NEIGHBOURS_MAX} clients record there already");
        Err(io::Error::new(io::ErrorKind::ResourceBusy, message))
    }

    /// Whether the file should be put aside.
    pub(crate) const fn is_full(&self) -> bool {
        self.bytes >= self.half_bytes_max
    }

    /// Begins with a checkpoint, in a new file where this one is full; the older half is then `PATH.old`,
    /// and what was there before is gone.
    pub(crate) fn begin(&mut self, checkpoint: &str) -> io::Result<()> {
        if self.is_full() {
            std::fs::rename(&self.path, with(&self.path, ".old"))?;
            let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another took the place");
            self.file = opened(&self.path)?.ok_or_else(busy)?;
            self.bytes = 0;
        }
        self.write(checkpoint)
    }

    pub(crate) fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

/// The file, unless another client has it.
fn opened(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(Some(file))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
