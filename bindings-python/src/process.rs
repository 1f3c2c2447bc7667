//! What the clients of one process share: the queue of their log records, and who is open. A
//! forked child starts anew with all of it; what it inherited is never used or locked again,
//! because the threads that may have held the locks are gone.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Write, pipe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use outlast::{Config, Event, Queue, Sink, blocking};
use outlast_core::incident::Incident;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::{asyncio, convert};

/// How often this process was forked from one that had loaded the module.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Locked only by threads that hold the GIL and keep it, so never by another thread in a fork.
static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

struct Shared {
    records: Arc<Records>,
    /// Until the log thread has it.
    reader: Option<PipeReader>,
    members: Vec<Weak<dyn Closable>>,
}

/// A client that is closed when the process ends.
pub(crate) trait Closable: Send + Sync {
    fn close(&self);
}

impl Closable for Member {
    fn close(&self) {
        self.client.close();
    }
}

impl Closable for asyncio::Member {
    fn close(&self) {
        self.client.close();
    }
}

/// A client, and the process that it belongs to.
pub(crate) struct Member {
    pub(crate) client: blocking::Client,
    /// Whether anybody has used it.
    pub(crate) used: AtomicBool,
    generation: u64,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Member {
    /// A client that has not dialled yet. Where it has a listener, its incidents wait under that
    /// number.
    pub(crate) fn new(config: Config, listener: Option<u64>) -> PyResult<Arc<Self>> {
        join(listener, |records| {
            Ok(Arc::new(Self {
                client: blocking::Client::new(config, records),
                used: AtomicBool::new(false),
                generation: generation(),
            }))
        })
    }

    /// Whether it was inherited from a parent process, and so must not be touched.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation != generation()
    }
}

/// How often this process was forked. What was made before belongs to a parent, and must not be
/// touched.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Makes a client whose log records and incidents go to the log thread, and which is closed at the
/// end.
pub(crate) fn join<T: Closable + 'static>(
    listener: Option<u64>,
    make: impl FnOnce(Arc<dyn Sink>) -> io::Result<Arc<T>>,
) -> PyResult<Arc<T>> {
    let member = with_shared(|shared| {
        let member = make(Arc::new(Voice { records: shared.records.clone(), listener }))?;
        shared.members.retain(|member| member.strong_count() > 0);
        shared.members.push(Arc::downgrade(&(member.clone() as Arc<dyn Closable>)));
        Ok(member)
    })?;
    member.map_err(|error: io::Error| error.into())
}

/// What waits for the log thread.
struct Records {
    queue: Queue,
    incidents: Mutex<VecDeque<Told>>,
    writer: Arc<PipeWriter>,
}

/// What is for listeners.
enum Told {
    /// An incident that is over, and its entry.
    Incident(u64, Box<Incident>, String),
    /// The client will say no more.
    Gone(u64),
}

/// What one client has to say. Other events than these have no listener in Python, and would only
/// wake the thread.
struct Voice {
    records: Arc<Records>,
    listener: Option<u64>,
}

impl Sink for Voice {
    fn event(&self, event: Event) {
        match (event, self.listener) {
            (event @ Event::Log(_), _) => self.records.queue.event(event),
            (Event::IncidentClosed { incident, entry }, Some(listener)) => {
                self.records.keep(Told::Incident(listener, Box::new(incident), entry));
            }
            _ => {}
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if let Some(listener) = self.listener {
            self.records.keep(Told::Gone(listener));
        }
    }
}

impl Records {
    /// Keeps as many as there may be events; the oldest goes first.
    fn keep(&self, told: Told) {
        let mut incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        if incidents.len() >= Queue::EVENTS_MAX {
            incidents.pop_front();
        }
        incidents.push_back(told);
        let was_empty = incidents.len() == 1;
        drop(incidents);
        if was_empty {
            Self::wake(&self.writer);
        }
    }

    fn wake(writer: &PipeWriter) {
        // One byte for each time that the queue was empty: the pipe is never full.
        let mut writer = writer;
        let _ = writer.write_all(b"!");
    }
}

fn shared() -> MutexGuard<'static, Option<Shared>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing in `act` may call into Python: it could switch to a thread that forks.
fn with_shared<T>(act: impl FnOnce(&mut Shared) -> T) -> PyResult<T> {
    let mut shared = shared();
    if let Some(shared) = shared.as_mut() {
        return Ok(act(shared));
    }
    let (reader, writer) = pipe()?;
    let writer = Arc::new(writer);
    let told = writer.clone();
    let queue = Queue::new(move || Records::wake(&told));
    let records = Arc::new(Records { queue, incidents: Mutex::default(), writer });
    let new = Shared { records, reader: Some(reader), members: Vec::new() };
    Ok(act(shared.insert(new)))
}

/// Has the log thread started, if it is not there yet. An interpreter that is about to end has no
/// more threads to give; what is logged then is handed out at exit.
pub(crate) fn start_log_thread(py: Python<'_>) {
    let started = py.import("outlast._log").and_then(|log| log.call_method0("start"));
    drop(started);
}

/// Makes the child of a fork forget what it inherited. Clients notice it at their next call.
#[pyfunction]
pub(crate) fn after_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    #[cfg(unix)]
    outlast::after_fork();
    // What is dropped here takes no lock: its clients are still held by their wrappers.
    shared().take();
}

/// The descriptor on which a byte comes whenever records wait; none if it was given away before.
#[pyfunction]
pub(crate) fn log_pipe() -> PyResult<Option<Descriptor>> {
    with_shared(|shared| shared.reader.take().map(descriptor))
}

/// Sends a byte to the log thread although nothing waits.
#[pyfunction]
pub(crate) fn wake() {
    if let Some(shared) = shared().as_ref() {
        Records::wake(&shared.records.writer);
    }
}

/// The log records that wait, oldest first.
#[pyfunction]
pub(crate) fn take_records(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let records = shared().as_ref().map(|shared| shared.records.clone());
    let events = records.map(|records| records.queue.take()).unwrap_or_default();
    let logged = events.into_iter().filter_map(|event| match event {
        Event::Log(record) => Some(convert::to_python(py, &record)),
        _ => None,
    });
    PyList::new(py, logged.collect::<PyResult<Vec<_>>>()?)
}

/// The incidents that wait, oldest first: the number of the listener, the incident and its entry; and
/// the listeners that hear no more.
#[pyfunction]
pub(crate) fn take_incidents(py: Python<'_>) -> PyResult<(Bound<'_, PyList>, Vec<u64>)> {
    let records = shared().as_ref().map(|shared| shared.records.clone());
    let told = records.map(|records| {
        let mut incidents = records.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        incidents.drain(..).collect::<Vec<_>>()
    });
    let (incidents, mut gone) = (PyList::empty(py), Vec::new());
    for told in told.unwrap_or_default() {
        match told {
            Told::Incident(listener, incident, entry) => {
                incidents.append((listener, convert::to_python(py, &incident)?, entry))?;
            }
            Told::Gone(listener) => gone.push(listener),
        }
    }
    Ok((incidents, gone))
}

/// Closes every client that is open.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) {
    let members = shared().as_ref().map(|shared| shared.members.clone()).unwrap_or_default();
    py.detach(|| {
        for member in members.iter().filter_map(Weak::upgrade) {
            member.close();
        }
    });
}

#[cfg(unix)]
type Descriptor = std::os::fd::RawFd;

#[cfg(unix)]
fn descriptor(reader: PipeReader) -> Descriptor {
    use std::os::fd::{IntoRawFd, OwnedFd};
    OwnedFd::from(reader).into_raw_fd()
}

#[cfg(windows)]
type Descriptor = isize;

#[cfg(windows)]
fn descriptor(reader: PipeReader) -> Descriptor {
    use std::os::windows::io::{IntoRawHandle, OwnedHandle};
    OwnedHandle::from(reader).into_raw_handle() as isize
}
