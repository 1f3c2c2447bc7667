//! What clients that share a pool of redis-py have in common: one native client for each process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use outlast::blocking::RateLimited;
use outlast::{Config, DeadLetter, Error, ErrorKind, Status, Value};
use outlast_core::rate_limit::Limit;
use outlast_core::resp::Commands;
use pyo3::prelude::*;

use crate::convert::Arg;
use crate::convoy;
use crate::errors::raised;
use crate::process::{Member, start_log_thread};

/// A native client, made anew in each process.
#[derive(Debug)]
pub(crate) struct Shared {
    config: Config,
    /// The number under which its incidents are told.
    listener: Option<u64>,
    begun: AtomicBool,
    closed: AtomicBool,
    /// Locked with the GIL held and kept, so never by another thread in a fork.
    member: Mutex<Arc<Member>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let member = self.member.get_mut().unwrap_or_else(PoisonError::into_inner);
        if member.is_inherited() {
            // To drop it would take locks whose holders are gone.
            std::mem::forget(member.clone());
        }
    }
}

impl Shared {
    pub(crate) fn new(config: Config, listener: Option<u64>) -> PyResult<Self> {
        Ok(Self {
            member: Mutex::new(Member::new(config.clone(), listener)?),
            config,
            listener,
            begun: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// Dials now and waits until that succeeded or the startup budget is spent.
    pub(crate) fn connect(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.live(py)?;
        self.begun.store(true, Ordering::Relaxed);
        interruptibly(py, !member.client.is_connected(), |interrupt| {
            member.client.connect_interruptible(interrupt)
        })
    }

    /// Dials in the background, without waiting.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.live(py)?;
        self.begun.store(true, Ordering::Relaxed);
        py.detach(|| member.client.begin());
        Ok(())
    }

    pub(crate) fn call(&self, py: Python<'_>, args: &[Arg]) -> PyResult<Value> {
        let member = self.live(py)?;
        if !convoy::is_on() || !member.client.is_connected() {
            return interruptibly(py, !member.client.is_connected(), |interrupt| {
                member.client.call_interruptible(args, interrupt)
            });
        }
        let begun = member.client.begin_call(args, convoy::PATIENCE);
        match begun.map_err(|error| raised(py, &error))? {
            Ok(value) => Ok(value),
            Err(begun) => interruptibly(py, !member.client.is_connected(), |interrupt| {
                member.client.end_call(args, begun, interrupt)
            }),
        }
    }

    pub(crate) fn pipeline(
        &self,
        py: Python<'_>,
        commands: &Commands,
    ) -> PyResult<Vec<Result<Value, Error>>> {
        let member = self.live(py)?;
        interruptibly(py, !member.client.is_connected(), |interrupt| {
            member.client.pipeline_of(commands, interrupt)
        })
    }

    pub(crate) fn transaction(&self, py: Python<'_>, commands: &[Vec<Arg>]) -> PyResult<Value> {
        let member = self.live(py)?;
        interruptibly(py, !member.client.is_connected(), |interrupt| {
            member.client.transaction(commands, interrupt)
        })
    }

    /// Counts a request towards a limit, on Redis or in this process.
    pub(crate) fn rate_limit(
        &self,
        py: Python<'_>,
        key: &str,
        limit: &Limit,
        share_permille: u32,
    ) -> PyResult<RateLimited> {
        let member = self.live(py)?;
        let key = key.as_bytes();
        interruptibly(py, !member.client.is_connected(), |interrupt| {
            member.client.rate_limit(key, limit, share_permille, interrupt)
        })
    }

    /// Has Redis be away for a test, with this failure.
    pub(crate) fn cause_outage(&self, py: Python<'_>, cause: &str) -> PyResult<()> {
        let member = self.live(py)?;
        py.detach(|| member.client.cause_outage(cause)).map_err(|error| raised(py, &error))
    }

    /// Ends the outage of a test.
    pub(crate) fn end_outage(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.live(py)?;
        py.detach(|| member.client.end_outage());
        Ok(())
    }

    /// Whether a command has to go over a connection that no other caller uses.
    pub(crate) fn needs_own_connection(&self, py: Python<'_>, args: &[Arg]) -> PyResult<bool> {
        if !outlast::blocking::needs_own_connection(args) {
            return Ok(false);
        }
        self.may_use_own_connection(py, args)
    }

    /// Whether a command that needs a connection that no other caller uses may have one.
    pub(crate) fn may_use_own_connection<A: AsRef<[u8]> + Sync>(
        &self,
        py: Python<'_>,
        args: &[A],
    ) -> PyResult<bool> {
        let member = self.live(py)?;
        interruptibly(py, !member.client.is_connected(), |interrupt| {
            member.client.may_use_own_connection(args, interrupt)
        })
    }

    pub(crate) const fn is_lazy(&self) -> bool {
        self.config.policy.lazy_connect
    }

    pub(crate) const fn protocol(&self) -> u8 {
        self.config.protocol()
    }

    pub(crate) fn status(&self, py: Python<'_>) -> PyResult<Status> {
        let member = self.member()?;
        Ok(py.detach(|| member.client.status()))
    }

    /// Whether it can be used at all.
    pub(crate) fn usable(&self, py: Python<'_>) -> PyResult<()> {
        self.member()?.client.usable().map_err(|error| raised(py, &error))
    }

    /// Writes of outages that Redis refused for good, oldest first.
    pub(crate) fn dead_letters(&self, py: Python<'_>) -> PyResult<Vec<DeadLetter>> {
        let member = self.member()?;
        Ok(py.detach(|| member.client.dead_letters()))
    }

    /// What the client counted, in Prometheus' text format.
    pub(crate) fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        let member = self.member()?;
        Ok(py.detach(|| member.client.metrics()))
    }

    /// Closes every connection. Again does nothing.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.member()?;
        self.closed.store(true, Ordering::Relaxed);
        py.detach(|| member.client.close());
        Ok(())
    }

    /// Where Redis is and how it is, without a secret.
    pub(crate) fn describe(&self, py: Python<'_>) -> PyResult<String> {
        let (endpoint, profile) = (&self.config.endpoint, self.config.policy.profile.code());
        Ok(format!("{endpoint} profile={profile} mode={}", self.status(py)?.mode.code()))
    }

    /// This process' client, for use: its records find a thread that logs them.
    fn live(&self, py: Python<'_>) -> PyResult<Arc<Member>> {
        let member = self.member()?;
        if !member.used.load(Ordering::Relaxed) && !member.used.swap(true, Ordering::Relaxed) {
            start_log_thread(py);
        }
        Ok(member)
    }

    /// This process' client. In the child of a fork it is a new one, in the state of the old.
    fn member(&self) -> PyResult<Arc<Member>> {
        let mut member = self.member.lock().unwrap_or_else(PoisonError::into_inner);
        if member.is_inherited() {
            let new = Member::new(self.config.clone(), self.listener)?;
            let inherited = std::mem::replace(&mut *member, new);
            // To drop it would take locks whose holders are gone.
            std::mem::forget(inherited);
            if self.closed.load(Ordering::Relaxed) {
                member.client.close();
            } else if self.begun.load(Ordering::Relaxed) {
                member.client.begin();
            }
        }
        Ok(member.clone())
    }
}

/// Makes a call without the GIL. A signal whose handler raises ends it with that very exception.
fn interruptibly<T: Send>(
    py: Python<'_>,
    is_away: bool,
    call: impl FnOnce(&dyn Fn() -> Result<(), Error>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let caught = Mutex::new(None);
    let interrupt = || {
        // Without an interpreter there is nobody left to interrupt.
        match Python::try_attach(check_signals) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(exception)) => {
                *caught.lock().unwrap_or_else(PoisonError::into_inner) = Some(exception);
                Err(Error::new(ErrorKind::Closed, "interrupted by a signal"))
            }
        }
    };
    let result = if is_away {
        // Memory answers sooner than two clocks are read.
        py.detach(|| call(&interrupt))
    } else {
        let (result, ended) = py.detach(|| (call(&interrupt), Instant::now()));
        convoy::note(ended);
        result
    };
    match caught.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(exception) => Err(exception),
        None => result.map_err(|error| raised(py, &error)),
    }
}

fn check_signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}
