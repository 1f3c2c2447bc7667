//! The file of the board in memory.
//!
//! ```text
//!   bytes 0..8    "outlast" and a zero
//!   bytes 8..16   which meaning the words have
//!   from 16       127 places: the key of an endpoint, its word
//! ```
//!
//! All of it is atomic words, so there is no lock that a process could die with.

use std::fs::{File, OpenOptions, hard_link, remove_file, rename};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use outlast_core::board::layout;

use crate::host::entropy;

const WORDS: usize = 256;
const BYTES: usize = WORDS * 8;
const BYTES_LEN: u64 = BYTES as u64;
const MAGIC: [u8; 8] = *b"outlast\0";
/// Others than the owner that may write.
const OTHERS_WRITE: u32 = 0o022;

/// A file that is shared.
pub(super) struct Mapping {
    file: File,
    map: MmapRaw,
}

/// Where the word of an endpoint is.
pub(super) enum Word<'a> {
    /// Here.
    Found(&'a AtomicU64),
    /// In a file that was removed: others use a new one by now.
    Gone,
    /// Nowhere: all places are taken.
    Full,
    /// Nowhere: this is no such file any more.
    Damaged,
}

/// What a file is that has the name.
enum Is {
    Ours(File),
    /// Of a version that means something else by its words.
    Outdated,
    Missing,
}

impl Mapping {
    /// Opens the file, and makes it where there is none or one of another version. Whose content is not
    /// ours is not touched.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = match look(path)? {
            Is::Ours(file) => file,
            is => {
                make(path, matches!(is, Is::Outdated))?;
                match look(path)? {
                    Is::Ours(file) => file,
                    Is::Outdated | Is::Missing => {
                        return Err(io::Error::other("another version writes it, too"));
                    }
                }
            }
        };
        let map = MmapOptions::new().len(BYTES).map_raw(&file)?;
        Ok(Self { file, map })
    }

    /// The word of an endpoint.
    pub(super) fn word(&self, key: u64) -> Word<'_> {
        let Ok(meta) = self.file.metadata() else {
            return Word::Damaged;
        };
        if meta.nlink() == 0 {
            return Word::Gone;
        }
        // Memory that the file does not reach any more must not be touched.
        if meta.len() < BYTES_LEN {
            return Word::Damaged;
        }
        let (header, places) = self.words().split_at(2);
        let head = [u64::from_ne_bytes(MAGIC), layout()];
        if header.iter().zip(head).any(|(word, wanted)| word.load(Ordering::Relaxed) != wanted) {
            return Word::Damaged;
        }
        for place in places.chunks_exact(2) {
            let [owner, word] = place else { break };
            let taken = owner.compare_exchange(0, key, Ordering::AcqRel, Ordering::Acquire);
            if taken.is_ok() || taken == Err(key) {
                return Word::Found(word);
            }
        }
        Word::Full
    }

    #[expect(unsafe_code, reason = "memory that several processes share is reached by its address")]
    #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins with a page")]
    fn words(&self) -> &[AtomicU64; WORDS] {
        // SAFETY: the mapping is `BYTES` long, begins with a page and lives as long as `self`; all access
        // to it, by every process, is by atomic words. That the file is as long is looked at before each
        // use; who cuts it within that moment ends the process, as with every file that is mapped.
        unsafe { &*self.map.as_ptr().cast::<[AtomicU64; WORDS]>() }
    }
}

fn look(path: &Path) -> io::Result<Is> {
    let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).write(true).custom_flags(no_link).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Is::Missing),
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if meta.mode() & OTHERS_WRITE != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("others may write the file"));
    }
    let mut head = [0; 16];
    let is_ours = file.read_exact(&mut head).is_ok() && head.starts_with(&MAGIC);
    if !is_ours {
        return Err(io::Error::other("the file holds something else"));
    }
    let is_current = head.ends_with(&layout().to_ne_bytes()) && meta.len() == BYTES_LEN;
    Ok(if is_current { Is::Ours(file) } else { Is::Outdated })
}

/// Puts a file there in one piece. Where another process was faster, its file stays.
fn make(path: &Path, replaces: bool) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{:016x}", entropy()));
    let aside = PathBuf::from(aside);
    let made = fill(&aside).and_then(|()| {
        if replaces {
            return rename(&aside, path);
        }
        match hard_link(&aside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    // After a rename there is nothing to remove.
    let _ = remove_file(&aside);
    made
}

fn fill(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut content = [0; BYTES];
    content[..8].copy_from_slice(&MAGIC);
    content[8..16].copy_from_slice(&layout().to_ne_bytes());
    file.write_all(&content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("outlast-board-{:016x}", entropy()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn found(mapping: &Mapping, key: u64) -> Option<&AtomicU64> {
        match mapping.word(key) {
            Word::Found(word) => Some(word),
            Word::Gone | Word::Full | Word::Damaged => None,
        }
    }

    fn refusal(path: &Path) -> String {
        Mapping::open(path).err().unwrap().to_string()
    }

    #[test]
    fn who_opens_the_same_file_shares_a_word_for_each_endpoint() {
        let folder = Folder::new();
        let path = folder.0.join("board");
        let (one, other) = (Mapping::open(&path).unwrap(), Mapping::open(&path).unwrap());
        found(&one, 7).unwrap().store(11, Ordering::Release);
        found(&one, 8).unwrap().store(12, Ordering::Release);
        assert_eq!(found(&other, 8).unwrap().load(Ordering::Acquire), 12);
        assert_eq!(found(&other, 7).unwrap().load(Ordering::Acquire), 11);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
        for key in 9..=133 {
            assert!(found(&one, key).is_some(), "{key}");
        }
        assert!(matches!(one.word(134), Word::Full));
    }

    #[test]
    fn what_is_not_ours_is_not_touched() {
        let folder = Folder::new();
        let path = folder.0.join("board");
        for content in [&b""[..], b"outlas", &[7; 4_096]] {
            fs::write(&path, content).unwrap();
            assert_eq!(refusal(&path), "the file holds something else");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        remove_file(&path).unwrap();
        drop(Mapping::open(&path).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(refusal(&path), "others may write the file");
        let link = folder.0.join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Mapping::open(&link).is_err());
        assert!(Mapping::open(&folder.0.join("missing/board")).is_err());
    }

    #[test]
    fn a_file_of_another_version_is_replaced() {
        let folder = Folder::new();
        let path = folder.0.join("board");
        let mut content = MAGIC.to_vec();
        content.extend([1; 100]);
        fs::write(&path, &content).unwrap();
        assert!(found(&Mapping::open(&path).unwrap(), 1).is_some());
        assert_eq!(fs::metadata(&path).unwrap().len(), BYTES_LEN);
    }

    #[test]
    fn a_file_that_is_cut_overwritten_or_removed_is_noticed() {
        let folder = Folder::new();
        let path = folder.0.join("board");
        let mapping = Mapping::open(&path).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().write_all(&[9; 32]).unwrap();
        assert!(matches!(mapping.word(1), Word::Damaged));
        fs::write(&path, b"").unwrap();
        assert!(matches!(mapping.word(1), Word::Damaged));
        remove_file(&path).unwrap();
        assert!(matches!(mapping.word(1), Word::Gone));
    }
}
