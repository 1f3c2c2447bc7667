//! A client of one process, and how its background thread wakes the loop: by a byte on a socket.
//! That thread never enters the interpreter.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use outlast::{Config, Event, Sink, hosted};
use pyo3::prelude::*;

use crate::process;

/// A client, and the process that it belongs to.
pub(crate) struct Member {
    pub(crate) client: hosted::Client,
    /// Readable when the loop is to take a turn.
    pub(crate) bell: UnixStream,
    waker: Arc<Waker>,
    generation: u64,
}

/// Wakes the loop, once until the loop has looked.
struct Waker {
    cord: UnixStream,
    called: AtomicBool,
}

/// Has the loop take a turn at whatever happens, and hands records on.
struct Ears {
    records: Arc<dyn Sink>,
    waker: Arc<Waker>,
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
        process::join(listener, |records| {
            let (bell, cord) = UnixStream::pair()?;
            bell.set_nonblocking(true)?;
            cord.set_nonblocking(true)?;
            let waker = Arc::new(Waker { cord, called: AtomicBool::new(false) });
            let ears = Arc::new(Ears { records, waker: waker.clone() });
            let woken = waker.clone();
            let client = hosted::Client::new(config, ears, move || woken.wake());
            let generation = process::generation();
            Ok(Arc::new(Self { client, bell, waker, generation }))
        })
    }

    /// Whether it was inherited from a parent process, and so must not be touched.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation != process::generation()
    }

    /// What happens from now on rings again. Call it before looking.
    pub(crate) fn silence(&self) {
        let mut rung = [0; 16];
        while matches!((&self.bell).read(&mut rung), Ok(read) if read == rung.len()) {}
        self.waker.called.store(false, Ordering::Release);
    }
}

impl Waker {
    fn wake(&self) {
        if !self.called.swap(true, Ordering::AcqRel) {
            // Where nobody listens any more that is fine.
            let _: io::Result<usize> = (&self.cord).write(b"!");
        }
    }
}

impl Sink for Ears {
    fn event(&self, event: Event) {
        self.records.event(event);
        self.waker.wake();
    }
}
