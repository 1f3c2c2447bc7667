//! Writes files on a thread of its own, so that a disk that hangs holds neither commands nor dials.

mod append;
mod recording;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outlast_core::record::RecordCode;
use outlast_core::{Level, Policy, Record};

pub(crate) use append::append;
use recording::Recording;

use crate::events::{Event, Sink};

/// Longest wait, at the end, for what is still to be written.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a recording that may wait for a slow disk. Beyond, steps are left out, and the recording goes
/// on with a checkpoint.
const WAITING_BYTES_MAX: u64 = 4_194_304;

/// What there is to write.
enum Job {
    /// An entry of the production log.
    Entry(String),
    /// With this the recording begins, or begins anew.
    Checkpoint(String),
    /// A line of the recording.
    Step(String),
    /// The client is closed: tell once all is written.
    End(Sender<()>),
}

/// What one client writes to files.
pub(crate) struct Scribe {
    log_path: Option<PathBuf>,
    record_path: Option<PathBuf>,
    record_bytes_max: u64,
    endpoint: String,
    sink: Arc<dyn Sink>,
    progress: Arc<Progress>,
    /// Of the thread, once there was something to write; none again after the end.
    jobs: Mutex<Thread>,
}

/// What both sides know of the recording.
#[derive(Default)]
struct Progress {
    /// Whether the next line must be a checkpoint.
    begins: AtomicBool,
    /// It failed, and nothing is recorded any more.
    failed: AtomicBool,
    waiting_bytes: AtomicU64,
}

enum Thread {
    NotYet,
    Running(Sender<Job>),
    Ended,
}

impl Scribe {
    pub(crate) fn new(policy: &Policy, endpoint: String, sink: Arc<dyn Sink>) -> Self {
        Self {
            log_path: path(&policy.log_path),
            record_path: path(&policy.record_path),
            record_bytes_max: policy.record_bytes_max,
            endpoint,
            sink,
            progress: Arc::new(Progress { begins: AtomicBool::new(true), ..Progress::default() }),
            jobs: Mutex::new(Thread::NotYet),
        }
    }

    /// Appends an entry to the production log, where there is one. What goes wrong is logged once for
    /// each entry.
    pub(crate) fn entry(&self, entry: &str) {
        if self.log_path.is_some() {
            self.hand_over(Job::Entry(entry.to_string()));
        }
    }

    /// Whether steps are to be recorded.
    pub(crate) fn records(&self) -> bool {
        self.record_path.is_some() && !self.progress.failed.load(Ordering::Relaxed)
    }

    /// Whether a checkpoint is wanted before the next step.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.progress.begins.load(Ordering::Relaxed)
    }

    pub(crate) fn checkpoint(&self, line: String) {
        if self.has_room(&line) {
            self.progress.begins.store(false, Ordering::Relaxed);
            self.hand_over(Job::Checkpoint(line));
        }
    }

    /// Records a step, unless a checkpoint is missing before it.
    pub(crate) fn step(&self, line: String) {
        if self.wants_checkpoint() {
            return;
        }
        if self.has_room(&line) {
            self.hand_over(Job::Step(line));
        } else {
            self.progress.begins.store(true, Ordering::Relaxed);
        }
    }

    fn has_room(&self, line: &str) -> bool {
        let len = line.len() as u64;
        let before = self.progress.waiting_bytes.fetch_add(len, Ordering::Relaxed);
        let has_room = before + len <= WAITING_BYTES_MAX;
        if !has_room {
            self.progress.waiting_bytes.fetch_sub(len, Ordering::Relaxed);
        }
        has_room
    }

    /// Waits, for a moment, until all is written. Nothing is written any more.
    pub(crate) fn end(&self) {
        let before = {
            let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *jobs, Thread::Ended)
        };
        if let Thread::Running(jobs) = before {
            let (done, all_done) = channel();
            let _ = jobs.send(Job::End(done));
            let _ = all_done.recv_timeout(CLOSE_WAIT);
        }
    }

    fn hand_over(&self, job: Job) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*jobs, Thread::NotYet) {
            *jobs = self.start();
        }
        if let Thread::Running(jobs) = &*jobs {
            let _ = jobs.send(job);
        }
    }

    fn start(&self) -> Thread {
        let (jobs, waiting) = channel();
        let writer = Writer {
            log_path: self.log_path.clone(),
            record_path: self.record_path.clone(),
            record_bytes_max: self.record_bytes_max,
            recording: None,
            progress: self.progress.clone(),
            endpoint: self.endpoint.clone(),
            sink: self.sink.clone(),
        };
        let thread = std::thread::Builder::new().name("outlast-scribe".into());
        match thread.spawn(move || writer.run(&waiting)) {
            Ok(_) => Thread::Running(jobs),
            Err(error) => {
                let message = format!("the thread that writes files did not start: {error}");
                tell(&*self.sink, RecordCode::LogUnwritable, message, &self.endpoint);
                Thread::Ended
            }
        }
    }
}

/// The thread's side.
struct Writer {
    log_path: Option<PathBuf>,
    record_path: Option<PathBuf>,
    record_bytes_max: u64,
    recording: Option<Recording>,
    progress: Arc<Progress>,
    endpoint: String,
    sink: Arc<dyn Sink>,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                Job::Entry(entry) => self.entry(&entry),
                Job::Checkpoint(line) => self.record(&line, true),
                Job::Step(line) => self.record(&line, false),
                Job::End(done) => {
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn entry(&mut self, entry: &str) {
        let Some(path) = &self.log_path else { return };
        if let Err(error) = append(path, entry) {
            let message = format!(
                "An outage was not written to the production log {}: {error}.",
                path.display()
            );
            tell(&*self.sink, RecordCode::LogUnwritable, message, &self.endpoint);
        }
    }
}

impl Writer {
    fn record(&mut self, line: &str, begins: bool) {
        self.progress.waiting_bytes.fetch_sub(line.len() as u64, Ordering::Relaxed);
        let Some(path) = &self.record_path else { return };
        if self.progress.failed.load(Ordering::Relaxed) {
            return;
        }
        let opened = match self.recording.take() {
            Some(recording) => Ok(recording),
            None => Recording::open(path, self.record_bytes_max),
        };
        let written = opened.and_then(|mut recording| {
            if begins { recording.begin(line) } else { recording.write(line) }.map(|()| recording)
        });
        match written {
            Ok(recording) => {
                // A file that was put aside a moment ago is not full again before its first step.
                if recording.is_full() && !begins {
                    self.progress.begins.store(true, Ordering::Relaxed);
                }
                self.recording = Some(recording);
            }
            Err(error) => {
                self.progress.failed.store(true, Ordering::Relaxed);
                let message =
                    format!("Nothing is recorded to {} any more: {error}.", path.display());
                tell(&*self.sink, RecordCode::RecordingFailed, message, &self.endpoint);
            }
        }
    }
}

fn tell(sink: &dyn Sink, code: RecordCode, message: String, endpoint: &str) {
    let record = Record::new(Level::Warning, code, message, endpoint.to_string());
    sink.event(Event::Log(record));
}

/// A knob's path; an empty one is none.
fn path(knob: &str) -> Option<PathBuf> {
    (!knob.is_empty()).then(|| PathBuf::from(knob))
}
