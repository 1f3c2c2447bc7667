//! The client: arguments are converted with the GIL, the call is made without it, and the reply is
//! converted with it again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use outlast::{Config, Error, ErrorKind, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::convert::{self, Arg};
use crate::errors::raised;
use crate::process::{Member, start_log_thread};

/// The variables by which Python applications name their environment.
const PROFILE_VARIABLES: &[&str] = &["APP_ENV", "FLASK_ENV", "DJANGO_ENV"];

/// A Redis client that keeps answering while Redis is away. Threads may share it.
#[pyclass(module = "outlast._outlast", subclass, frozen)]
#[derive(Debug)]
pub(crate) struct Client {
    config: Config,
    decode_responses: bool,
    begun: AtomicBool,
    closed: AtomicBool,
    /// Locked with the GIL held and kept, so never by another thread in a fork.
    member: Mutex<Arc<Member>>,
}

impl Drop for Client {
    fn drop(&mut self) {
        let member = self.member.get_mut().unwrap_or_else(PoisonError::into_inner);
        if member.is_inherited() {
            // To drop it would take locks whose holders are gone.
            std::mem::forget(member.clone());
        }
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (url, profile=None, decode_responses=false, options=None))]
    fn new(
        py: Python<'_>,
        url: &str,
        profile: Option<&str>,
        decode_responses: bool,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut builder = Config::builder(url).profile_variables(PROFILE_VARIABLES);
        if let Some(profile) = profile {
            builder = builder.profile(profile);
        }
        for (name, value) in options.into_iter().flatten() {
            if value.is_none() {
                continue;
            }
            let name = name.str()?;
            let name = name.to_cow()?;
            builder = match name.as_ref() {
                "rules" => builder.rules(convert::rules(&value)?),
                _ => builder.option(&name, &value.str()?.to_cow()?),
            };
        }
        let config = builder.build().map_err(|error| raised(py, &error))?;
        let lazy = config.policy.lazy_connect;
        let client = Self {
            member: Mutex::new(Member::new(config.clone())?),
            config,
            decode_responses,
            begun: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        client.member()?.client.usable().map_err(|error| raised(py, &error))?;
        if !lazy {
            client.connect(py)?;
        }
        Ok(client)
    }

    /// Dials now and waits until that succeeded or the startup budget is spent.
    fn connect(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.live(py)?;
        self.begun.store(true, Ordering::Relaxed);
        interruptibly(py, |interrupt| member.client.connect_interruptible(interrupt))
    }

    /// Dials in the background, without waiting.
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.live(py)?;
        self.begun.store(true, Ordering::Relaxed);
        py.detach(|| member.client.begin());
        Ok(())
    }

    /// The value of a key, or None.
    fn get<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.run(name.py(), &[Arg::Word("GET"), convert::argument("name", name)?])
    }

    /// Sets a key. True, or None where `nx` or `xx` kept it from being set; with `get` the old
    /// value.
    #[pyo3(signature = (name, value, ex=None, px=None, nx=false, xx=false, keepttl=false, get=false))]
    #[expect(clippy::fn_params_excessive_bools, reason = "the signature is redis-py's")]
    fn set<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        ex: Option<&Bound<'py, PyAny>>,
        px: Option<&Bound<'py, PyAny>>,
        nx: bool,
        xx: bool,
        keepttl: bool,
        get: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut args = Vec::with_capacity(8);
        args.push(Arg::Word("SET"));
        args.push(convert::argument("name", name)?);
        args.push(convert::argument("value", value)?);
        if let Some(ex) = ex {
            args.extend([Arg::Word("EX"), convert::time("ex", ex, 1)?]);
        }
        if let Some(px) = px {
            args.extend([Arg::Word("PX"), convert::time("px", px, 1_000)?]);
        }
        let flags = [(nx, "NX"), (xx, "XX"), (keepttl, "KEEPTTL"), (get, "GET")];
        args.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| Arg::Word(flag)));
        self.run(name.py(), &args)
    }

    /// Adds to a counter; the new value.
    #[pyo3(signature = (name, amount=None))]
    fn incr<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        amount: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let key = convert::argument("name", name)?;
        let amount = match amount {
            Some(amount) => convert::argument("amount", amount)?,
            None => Arg::Word("1"),
        };
        self.run(name.py(), &[Arg::Word("INCRBY"), key, amount])
    }

    /// Deletes keys; how many there were.
    #[pyo3(signature = (*names))]
    fn delete<'py>(&self, names: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let mut args = vec![Arg::Word("DEL")];
        for name in names {
            args.push(convert::argument("name", &name)?);
        }
        self.run(names.py(), &args)
    }

    /// Lets a key expire after seconds or a timedelta; whether it was there.
    fn expire(&self, name: &Bound<'_, PyAny>, time: &Bound<'_, PyAny>) -> PyResult<bool> {
        let key = convert::argument("name", name)?;
        let time = convert::time("time", time, 1)?;
        self.run(name.py(), &[Arg::Word("EXPIRE"), key, time])?.is_truthy()
    }

    /// Seconds until a key expires: -1 if never, -2 if there is no such key.
    fn ttl<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.run(name.py(), &[Arg::Word("TTL"), convert::argument("name", name)?])
    }

    /// True, from Redis or from memory; `get_status` tells which.
    fn ping(&self, py: Python<'_>) -> PyResult<bool> {
        self.run(py, &[Arg::Word("PING")])?.is_truthy()
    }

    /// Runs any command: its name and arguments, as Redis documents them.
    #[pyo3(signature = (*args))]
    fn execute_command<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.run(args.py(), &convert::command(args)?)
    }

    /// The snapshot that an operator sees. Times are in seconds.
    fn get_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let member = self.member()?;
        let status = py.detach(|| member.client.status());
        convert::to_python(py, &status)
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    fn dead_letters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let member = self.member()?;
        let letters = PyList::empty(py);
        for letter in py.detach(|| member.client.dead_letters()) {
            letters.append(convert::dead_letter(py, letter, self.decode_responses)?)?;
        }
        Ok(letters)
    }

    /// `connected`, `degraded`, `reconciling` or `closed`.
    #[getter]
    fn mode(&self, py: Python<'_>) -> PyResult<&'static str> {
        let member = self.member()?;
        Ok(py.detach(|| member.client.status()).mode.code())
    }

    /// Closes every connection. Again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let member = self.member()?;
        self.closed.store(true, Ordering::Relaxed);
        py.detach(|| member.client.close());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let client = slf.get();
        let (endpoint, profile) = (&client.config.endpoint, client.config.policy.profile.code());
        let name = slf.get_type().name()?;
        Ok(format!("<{name} {endpoint} profile={profile} mode={}>", client.mode(slf.py())?))
    }
}

impl Client {
    fn run<'py>(&self, py: Python<'py>, args: &[Arg]) -> PyResult<Bound<'py, PyAny>> {
        let member = self.live(py)?;
        let value: Value =
            interruptibly(py, |interrupt| member.client.call_interruptible(args, interrupt))?;
        convert::reply(py, value, self.decode_responses)
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
            let inherited = std::mem::replace(&mut *member, Member::new(self.config.clone())?);
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
    let result = py.detach(|| call(&interrupt));
    match caught.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(exception) => Err(exception),
        None => result.map_err(|error| raised(py, &error)),
    }
}

fn check_signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}
