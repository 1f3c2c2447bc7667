//! Journals that the child of a fork inherited. The lock of a file lasts while any process has it open
//! as it was opened: so a child lets go of it at once, and after the parent's end the file is free.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// Journals of one process that are noted. Beyond it, which is beyond use, a child keeps them open.
const NOTED_MAX: usize = 256;
const FREE: RawFd = -1;

/// The descriptors of open journals. There is no lock that a fork could find locked.
static OPEN: [AtomicI32; NOTED_MAX] = [const { AtomicI32::new(FREE) }; NOTED_MAX];

/// A file that is noted until this is dropped, which must be before the file.
#[derive(Debug)]
pub(super) struct Noted(Option<&'static AtomicI32>);

impl Noted {
    pub(super) fn new(file: &File) -> Self {
        let descriptor = file.as_raw_fd();
        let is_taken = |place: &&AtomicI32| {
            place.compare_exchange(FREE, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        Self(OPEN.iter().find(is_taken))
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.store(FREE, Ordering::Release);
        }
    }
}

/// Lets go of the journals on disk that the child of a fork inherited: call it in the child, once, before
/// anything else of this crate. While the parent lives they are its own; after its end another process
/// can open them, though the child lives on. The clients that the child inherited must not be used.
///
/// What executes another program needs none of this: such a child inherits nothing.
#[expect(
    unsafe_code,
    reason = "whoever owns the descriptor may be locked by a thread that is gone"
)]
pub fn after_fork() {
    let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") else {
        return;
    };
    for place in &OPEN {
        let descriptor = place.swap(FREE, Ordering::AcqRel);
        if descriptor != FREE {
            // SAFETY: both descriptors are open in this process, and only numbers are handed over. The
            // inherited `File` goes on to own its descriptor, which leads nowhere from here on.
            unsafe { libc::dup2(null.as_raw_fd(), descriptor) };
        }
    }
}
