//! The journal on disk: what was acknowledged while Redis was away survives the process.
//!
//! ```text
//!   a command, its keys locked ──▶ keep: a queue in memory
//!   the same thread, no key locked ──▶ settle: one transaction for all that waits ──▶ acknowledged
//! ```

mod backend;
mod codec;
mod file;
#[cfg(unix)]
mod inherited;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use outlast_core::journal::ledger::{Entry, Ledger, Restored};
use outlast_core::policy::JournalFsync;
use outlast_core::{Error, Timestamp};

use file::{File, OpenError, Sync};
#[cfg(unix)]
pub use inherited::after_fork;

/// Bytes of changes that wait for the disk before a writer waits for it, too.
const QUEUED_BYTES_MAX: usize = 1 << 20;

/// The journal on disk of one client.
pub(crate) struct Disk {
    path: PathBuf,
    fsync: JournalFsync,
    interval: Duration,
    queue: Mutex<Queue>,
    /// Told when something waits, or when nothing will any more.
    queued: Condvar,
    /// None once it is closed. Locked before `queue` where both are.
    file: Mutex<Option<File>>,
    /// How many groups of changes are in the file.
    written: AtomicU64,
    closed: AtomicBool,
    failed: OnceLock<String>,
    failure_told: AtomicBool,
}

#[derive(Default)]
struct Queue {
    groups: Vec<Vec<Entry>>,
    bytes: usize,
    /// How many groups there ever were.
    count: u64,
}

/// A journal that was opened, and what was found.
pub(crate) struct Opened {
    pub(crate) disk: Arc<Disk>,
    /// What a process that is gone left.
    pub(crate) restored: Restored,
    /// The client that it belongs to.
    pub(crate) client_id: String,
    /// Where a damaged file was moved, and what is wrong with it.
    pub(crate) set_aside: Option<(PathBuf, String)>,
}

impl Disk {
    /// Opens the journal at a path, or makes one. `client_id` is for a journal in which nothing waits.
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](outlast_core::ErrorKind::InvalidOption) where the file cannot be written, or
    /// another client has it.
    pub(crate) fn open(
        path: &Path,
        fsync: JournalFsync,
        interval_ms: u64,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Opened, Error> {
        let (file, found, set_aside) = match File::open(path, client_id) {
            Ok((file, found)) => (file, found, None),
            Err(OpenError::Unusable(allowed)) => return Err(unusable(path, &allowed)),
            Err(OpenError::Damaged(what)) => {
                let mut aside = path.as_os_str().to_owned();
                aside.push(format!(".corrupt-{}", now.as_ms()));
                let aside = PathBuf::from(aside);
                let moved = std::fs::rename(path, &aside).map_err(|error| error.to_string());
                let opened = moved.and_then(|()| match File::open(path, client_id) {
                    Ok(opened) => Ok(opened),
                    Err(OpenError::Unusable(why) | OpenError::Damaged(why)) => Err(why),
                });
                let (file, found) = opened.map_err(|why| unusable(path, &why))?;
                (file, found, Some((aside, what)))
            }
        };
        let disk = Arc::new(Self {
            path: path.to_owned(),
            fsync,
            interval: Duration::from_millis(interval_ms),
            queue: Mutex::default(),
            queued: Condvar::new(),
            file: Mutex::new(Some(file)),
            written: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            failed: OnceLock::new(),
            failure_told: AtomicBool::new(false),
        });
        if fsync == JournalFsync::Interval {
            disk.clone().write_at_intervals();
        }
        let (restored, client_id) = found;
        Ok(Opened { disk, restored, client_id, set_aside })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Why it takes nothing any more.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Whether nobody was told yet that it takes nothing any more.
    pub(crate) fn is_news(&self) -> bool {
        !self.failure_told.swap(true, Ordering::AcqRel)
    }

    /// Has what this thread changed as safe as the policy says when it returns.
    ///
    /// # Errors
    ///
    /// What the disk said. Nothing more is written from then on.
    pub(crate) fn settle(&self) -> Result<(), &str> {
        match self.fsync {
            JournalFsync::Interval if self.lock_queue().bytes < QUEUED_BYTES_MAX => {
                self.failure().map_or(Ok(()), Err)
            }
            JournalFsync::Never => self.write(Sync::No),
            _ => self.write(Sync::Yes),
        }
    }

    /// Has everything on the disk itself when it returns: before a batch is sent, whose changes would
    /// be done twice if that were forgotten.
    ///
    /// # Errors
    ///
    /// As [`settle`](Self::settle).
    pub(crate) fn sync(&self) -> Result<(), &str> {
        self.write(Sync::Yes)
    }

    /// Writes what waits, lets others have the file, and ends the thread that writes at intervals.
    pub(crate) fn close(&self) {
        let _ = self.write(Sync::Yes);
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.closed.store(true, Ordering::Release);
        self.queued.notify_all();
    }

    /// Writes all that waits as one transaction. Of threads that come at the same time one writes for all.
    fn write(&self, sync: Sync) -> Result<(), &str> {
        let wanted = self.lock_queue().count;
        if self.written.load(Ordering::Acquire) >= wanted {
            return self.failure().map_or(Ok(()), Err);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.as_mut()
            && self.written.load(Ordering::Acquire) < wanted
            && self.failed.get().is_none()
        {
            let (groups, count) = {
                let mut queue = self.lock_queue();
                queue.bytes = 0;
                (std::mem::take(&mut queue.groups), queue.count)
            };
            match file.write(groups.into_iter().flatten(), sync) {
                Ok(()) => self.written.store(count, Ordering::Release),
                Err(error) => self.fail(error),
            }
        }
        self.failure().map_or(Ok(()), Err)
    }

    /// A file that misses a change must never be read: what it holds may be on Redis by then.
    fn fail(&self, error: String) {
        let mut aside = self.path.as_os_str().to_owned();
        aside.push(".failed");
        let _ = std::fs::rename(&self.path, aside);
        let _ = self.failed.set(error);
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_at_intervals(self: Arc<Self>) {
        let weak = Arc::downgrade(&self);
        let spawned = std::thread::Builder::new()
            .name("outlast-journal".into())
            .spawn(move || while Self::write_after_interval(&weak) {});
        if let Err(error) = spawned {
            self.fail(format!("its thread did not start: {error}"));
        }
    }

    /// Whether there will be more to write.
    fn write_after_interval(weak: &Weak<Self>) -> bool {
        let Some(disk) = weak.upgrade() else { return false };
        let idle = disk.lock_queue();
        let is_idle = |queue: &mut Queue| queue.groups.is_empty();
        let waited = disk.queued.wait_timeout_while(idle, disk.interval, is_idle);
        drop(waited);
        if disk.closed.load(Ordering::Acquire) {
            return false;
        }
        let interval = disk.interval;
        if disk.lock_queue().groups.is_empty() {
            return true;
        }
        std::thread::sleep(interval);
        let _ = disk.write(Sync::Yes);
        true
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The end of the journal that the store has.
pub(crate) struct Writer(pub(crate) Arc<Disk>);

impl Ledger for Writer {
    fn keep(&self, entries: Vec<Entry>) {
        if self.0.failed.get().is_some() {
            return;
        }
        let bytes: usize = entries.iter().map(codec::size_of).sum();
        let mut queue = self.0.lock_queue();
        queue.groups.push(entries);
        queue.bytes += bytes;
        queue.count += 1;
        let is_first = queue.groups.len() == 1;
        drop(queue);
        if is_first {
            self.0.queued.notify_one();
        }
    }
}

fn unusable(path: &Path, allowed: &str) -> Error {
    Error::invalid_option("journal_path", &path.display().to_string(), allowed)
}
