//! Entries of several processes in one file, each whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Appends an entry in one write, with an empty line before it where something else is there. Other
/// processes may do the same at the same time: whoever holds the file's lock writes.
///
/// # Errors
///
/// What the system says; the file is then as it was before.
pub(crate) fn append(path: &Path, entry: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    // Some network file systems have no locks; one write at the end is whole there, too.
    if let Err(error) = file.lock()
        && error.kind() != io::ErrorKind::Unsupported
    {
        return Err(error);
    }
    let len = file.metadata()?.len();
    let text = format!("{}{entry}", gap(&mut file, len)?);
    file.write_all(text.as_bytes()).inspect_err(|_| {
        // On a full disk a part may be there.
        let _ = file.set_len(len);
    })
}

/// What is missing for an empty line at the end of the file.
fn gap(file: &mut File, len: u64) -> io::Result<&'static str> {
    let mut end = [0; 2];
    let have = usize::try_from(len.min(2)).unwrap_or(2);
    let end = &mut end[..have];
    file.seek(SeekFrom::Start(len.saturating_sub(2)))?;
    file.read_exact(end)?;
    Ok(match end {
        [] | [b'\n', b'\n'] => "",
        [.., b'\n'] => "\n",
        _ => "\n\n",
    })
}
