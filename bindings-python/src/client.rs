//! The client: arguments are converted with the GIL, the call is made without it, and the reply is
//! converted with it again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use outlast::Config;
use outlast::blocking::one_needs_own_connection;
use outlast_core::resp::Commands;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::convert::{self, Arg, Forms};
use crate::errors::{invalid_argument, raised};
use crate::packed::{self, Packed};
use crate::shared::Shared;

/// The variables by which Python applications name their environment.
const PROFILE_VARIABLES: &[&str] = &["APP_ENV", "FLASK_ENV", "DJANGO_ENV"];

/// A Redis client that keeps answering while Redis is away. Threads may share it.
#[pyclass(module = "outlast._outlast", subclass, frozen)]
#[derive(Debug)]
pub(crate) struct Client {
    /// Set once, by the constructor of the class in Python.
    opened: OnceLock<Opened>,
    /// Whether the methods here are what their names stand for; if not, those of redis-py are.
    direct: AtomicBool,
}

#[derive(Debug)]
struct Opened {
    /// None where redis-py does everything.
    shared: Option<Arc<Shared>>,
    forms: Arc<Forms>,
    /// The same for replies that are bytes whatever the client wants.
    bytes: Arc<Forms>,
}

#[pymethods]
impl Client {
    /// A client that is not open yet. Arguments are for the constructor of the class in Python,
    /// which has it opened.
    #[new]
    #[pyo3(signature = (*_args, **_options))]
    const fn new(_args: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self { opened: OnceLock::new(), direct: AtomicBool::new(false) }
    }

    /// Opens it for a URL, as one that shares the connections and the memory of another, or as one
    /// that redis-py does everything for. Incidents are told under the number of the listener. Once.
    #[pyo3(signature = (
        url=None, profile=None, options=None, *, share=None, resp3=false,
        decode_responses=false, encoding="utf-8", encoding_errors="strict", listener=None,
    ))]
    fn open(
        &self,
        py: Python<'_>,
        url: Option<&str>,
        profile: Option<&str>,
        options: Option<&Bound<'_, PyDict>>,
        share: Option<&Bound<'_, Self>>,
        resp3: bool,
        decode_responses: bool,
        encoding: &str,
        encoding_errors: &str,
        listener: Option<u64>,
    ) -> PyResult<()> {
        let shared = match (share, url) {
            (Some(other), _) => other.get().opened(py)?.shared.clone(),
            (None, None) => None,
            (None, Some(url)) => {
                let config = config(py, url, profile, options, resp3)?;
                Some(Arc::new(Shared::new(config, listener)?))
            }
        };
        let is_new = share.is_none();
        if let Some(shared) = shared.as_deref().filter(|_| is_new) {
            shared.usable(py)?;
        }
        let opened = Opened {
            shared,
            forms: Arc::new(Forms::new(decode_responses, encoding, encoding_errors)),
            bytes: Arc::new(Forms::new(false, encoding, encoding_errors)),
        };
        let direct = opened.shared.is_some();
        if self.opened.set(opened).is_err() {
            return Err(invalid_argument(py, "the client was made already".into()));
        }
        self.direct.store(direct, Ordering::Relaxed);
        match &self.opened(py)?.shared {
            Some(shared) if is_new && !shared.is_lazy() => shared.connect(py),
            _ => Ok(()),
        }
    }

    /// Dials now and waits until that succeeded or the startup budget is spent.
    fn connect(&self, py: Python<'_>) -> PyResult<()> {
        self.shared(py)?.connect(py)
    }

    /// Dials in the background, without waiting.
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        self.shared(py)?.begin(py)
    }

    /// The value of a key, or None.
    fn get<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().direct() {
            Some(client) => {
                client.run(slf.py(), &[Arg::Word("GET"), client.argument("name", name)?])
            }
            None => theirs(slf, "get", (name,), None),
        }
    }

    /// Sets a key. True, or None where `nx` or `xx` kept it from being set; with `get` the old
    /// value.
    #[pyo3(signature = (
        name, value, ex=None, px=None, nx=false, xx=false, keepttl=false, get=false, *args, **options
    ))]
    #[expect(clippy::fn_params_excessive_bools, reason = "the signature is redis-py's")]
    fn set<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        ex: Option<&Bound<'py, PyAny>>,
        px: Option<&Bound<'py, PyAny>>,
        nx: bool,
        xx: bool,
        keepttl: bool,
        get: bool,
        args: &Bound<'py, PyTuple>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let lives = usize::from(ex.is_some()) + usize::from(px.is_some()) + usize::from(keepttl);
        // redis-py takes digits for a number.
        let is_text = ex.or(px).is_some_and(PyAnyMethods::is_instance_of::<PyString>);
        let is_plain = lives <= 1 && !is_text && !(nx && xx);
        let is_odd = !is_plain || options.is_some() || !args.is_empty();
        let Some(client) = slf.get().direct().filter(|_| !is_odd) else {
            let head = (name, value, ex, px, nx, xx, keepttl, get).into_pyobject(py)?;
            let all = head.add(args)?.cast_into::<PyTuple>()?;
            return theirs(slf, "set", all, options);
        };
        let mut words = Vec::with_capacity(8);
        words.push(Arg::Word("SET"));
        words.push(client.argument("name", name)?);
        words.push(client.argument("value", value)?);
        if let Some(ex) = ex {
            words.extend([Arg::Word("EX"), convert::time("ex", ex, 1)?]);
        }
        if let Some(px) = px {
            words.extend([Arg::Word("PX"), convert::time("px", px, 1_000)?]);
        }
        let flags = [(nx, "NX"), (xx, "XX"), (keepttl, "KEEPTTL"), (get, "GET")];
        words.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| Arg::Word(flag)));
        client.run(py, &words)
    }

    /// Adds to a counter; the new value.
    #[pyo3(signature = (name, amount=None))]
    fn incr<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        amount: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(client) = slf.get().direct() else {
            return match amount {
                Some(amount) => theirs(slf, "incr", (name, amount), None),
                None => theirs(slf, "incr", (name,), None),
            };
        };
        let key = client.argument("name", name)?;
        let amount = match amount {
            Some(amount) => client.argument("amount", amount)?,
            None => Arg::Word("1"),
        };
        client.run(slf.py(), &[Arg::Word("INCRBY"), key, amount])
    }

    /// Deletes keys; how many there were.
    #[pyo3(signature = (*names))]
    fn delete<'py>(
        slf: &Bound<'py, Self>,
        names: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(client) = slf.get().direct() else {
            return theirs(slf, "delete", names.clone(), None);
        };
        let mut args = vec![Arg::Word("DEL")];
        for name in names {
            args.push(client.argument("name", &name)?);
        }
        client.run(slf.py(), &args)
    }

    /// Lets a key expire after seconds or a timedelta; whether it was there.
    #[pyo3(signature = (name, time, *args, **options))]
    fn expire<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        time: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let is_text = time.is_instance_of::<PyString>();
        let is_odd = is_text || options.is_some() || !args.is_empty();
        let Some(client) = slf.get().direct().filter(|_| !is_odd) else {
            let all = (name, time).into_pyobject(py)?.add(args)?.cast_into::<PyTuple>()?;
            return theirs(slf, "expire", all, options);
        };
        let key = client.argument("name", name)?;
        let time = convert::time("time", time, 1)?;
        let was_there = client.run(py, &[Arg::Word("EXPIRE"), key, time])?.is_truthy()?;
        Ok(was_there.into_pyobject(py)?.to_owned().into_any())
    }

    /// Seconds until a key expires: -1 if never, -2 if there is no such key.
    fn ttl<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().direct() {
            Some(client) => {
                client.run(slf.py(), &[Arg::Word("TTL"), client.argument("name", name)?])
            }
            None => theirs(slf, "ttl", (name,), None),
        }
    }

    /// Runs any command: its name and arguments, as Redis documents them.
    #[pyo3(signature = (*args))]
    fn execute_command<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = slf.get();
        let command = convert::command(args, &client.opened(args.py())?.forms)?;
        client.run(args.py(), &command)
    }

    /// Runs a command for redis-py: its reply as a connection would have read it, or
    /// `NotImplemented` where the command needs a connection of its own and Redis is there.
    #[pyo3(signature = (args, as_bytes=false))]
    fn request<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        as_bytes: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let (shared, opened) = (self.shared(py)?, self.opened(py)?);
        let command = convert::command(args, &opened.forms)?;
        if shared.needs_own_connection(py, &command)? {
            return Ok(py.NotImplemented().into_bound(py));
        }
        let value = shared.call(py, &command)?;
        convert::raw(py, value, if as_bytes { &opened.bytes } else { &opened.forms })
    }

    /// Runs commands that leave in one write: a queue, or a list of what one would list. A list of their
    /// replies, as redis-py's `callbacks` make them, and of errors, and whether it has any of these;
    /// `NotImplemented` where redis-py has to run them: one needs a connection of its own, and Redis is
    /// there, or an error is answered with something else.
    ///
    /// Without `callbacks` the replies are as those of `execute_command`.
    #[pyo3(signature = (commands, callbacks=None))]
    fn run_pipeline<'py>(
        &self,
        commands: &Bound<'py, PyAny>,
        callbacks: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = commands.py();
        let (shared, opened) = (self.shared(py)?, self.opened(py)?);
        let own = |commands: &Commands, at| {
            Ok(one_needs_own_connection(commands, at)
                && shared.may_use_own_connection(py, &commands.args(at))?)
        };
        let Some(packed) = Packed::new(commands, callbacks, &opened.forms, own)? else {
            return Ok(py.NotImplemented().into_bound(py));
        };
        let results = shared.pipeline(py, &packed.commands)?;
        let (usual, bytes) = (opened.forms.clone(), opened.bytes.clone());
        let forms = packed::Forms { usual, bytes, plain: callbacks.is_none() };
        let replies = packed.replies(py, results, &forms)?;
        Ok(replies.into_pyobject(py)?.into_any())
    }

    /// The same for what stands between MULTI and EXEC; the list has the replies to these, too.
    #[pyo3(signature = (commands, plain=false))]
    fn run_transaction<'py>(
        &self,
        commands: &Bound<'py, PyList>,
        plain: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = commands.py();
        let (shared, opened) = (self.shared(py)?, self.opened(py)?);
        let Some(packed) = self.packed(shared, commands)? else {
            return Ok(py.NotImplemented().into_bound(py));
        };
        let replies = shared.transaction(py, &packed)?;
        if plain {
            return convert::reply(py, replies, &opened.forms);
        }
        convert::raw(py, replies, &opened.forms)
    }

    /// Whether the methods here are what their names stand for; if not, those of redis-py are.
    #[getter(direct)]
    fn is_direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }

    #[setter(direct)]
    fn set_direct(&self, direct: bool) {
        let is_open = self.opened.get().is_some_and(|opened| opened.shared.is_some());
        self.direct.store(direct && is_open, Ordering::Relaxed);
    }

    /// The version of RESP, and whether there is anything to speak it.
    #[getter]
    fn protocol(&self) -> Option<u8> {
        self.opened.get()?.shared.as_ref().map(|shared| shared.protocol())
    }

    /// The snapshot that an operator sees. Times are in seconds.
    fn get_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::to_python(py, &self.shared(py)?.status(py)?)
    }

    /// What the client counted, in Prometheus' text format.
    fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        self.shared(py)?.metrics(py)
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    fn dead_letters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        convert::dead_letters(py, self.shared(py)?.dead_letters(py)?, &self.opened(py)?.forms)
    }

    /// `connected`, `degraded`, `reconciling` or `closed`.
    #[getter]
    fn mode(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(self.shared(py)?.status(py)?.mode.code())
    }

    /// Closes every connection. Again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let shared = self.opened.get().and_then(|opened| opened.shared.as_ref());
        shared.map_or(Ok(()), |shared| shared.close(py))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let shared = slf.get().opened.get().and_then(|opened| opened.shared.as_ref());
        match shared {
            Some(shared) => Ok(format!("<{name} {}>", shared.describe(slf.py())?)),
            None => Ok(format!("<{name} over redis-py>")),
        }
    }
}

impl Client {
    fn opened(&self, py: Python<'_>) -> PyResult<&Opened> {
        self.opened.get().ok_or_else(|| {
            invalid_argument(py, "the client was not made: its constructor was not called".into())
        })
    }

    pub(crate) fn shared(&self, py: Python<'_>) -> PyResult<&Shared> {
        self.opened(py)?.shared.as_deref().ok_or_else(|| {
            let message = "redis-py does everything here, without memory and without a status";
            invalid_argument(py, message.into())
        })
    }

    /// This client, where its own methods are what their names stand for.
    fn direct(&self) -> Option<&Self> {
        self.direct.load(Ordering::Relaxed).then_some(self)
    }

    fn argument(&self, what: &str, value: &Bound<'_, PyAny>) -> PyResult<Arg> {
        convert::argument(what, value, &self.opened(value.py())?.forms)
    }

    /// Commands as bytes; none where one of them needs a connection of its own and may have it.
    fn packed(
        &self,
        shared: &Shared,
        commands: &Bound<'_, PyList>,
    ) -> PyResult<Option<Vec<Vec<Arg>>>> {
        let py = commands.py();
        let forms = &self.opened(py)?.forms;
        let mut packed = Vec::with_capacity(commands.len());
        for command in commands {
            let command = command.cast::<PyTuple>()?.get_item(0)?;
            let command = convert::command(command.cast()?, forms)?;
            if shared.needs_own_connection(py, &command)? {
                return Ok(None);
            }
            packed.push(command);
        }
        Ok(Some(packed))
    }

    fn run<'py>(&self, py: Python<'py>, args: &[Arg]) -> PyResult<Bound<'py, PyAny>> {
        let value = self.shared(py)?.call(py, args)?;
        convert::reply(py, value, &self.opened(py)?.forms)
    }
}

/// The method of redis-py of this name, which ends in `execute_command` of the same client.
fn theirs<'py>(
    client: &Bound<'py, Client>,
    method: &str,
    args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let stock = py.import("outlast.client")?.getattr("Stock")?;
    let args = args.into_pyobject(py).map_err(Into::into)?;
    let all = PyTuple::new(py, [client])?.add(args)?;
    stock.getattr(method)?.call(all.cast_into::<PyTuple>()?, options)
}

/// Where Redis is and how to behave, from a URL and options.
pub(crate) fn config(
    py: Python<'_>,
    url: &str,
    profile: Option<&str>,
    options: Option<&Bound<'_, PyDict>>,
    resp3: bool,
) -> PyResult<Config> {
    let mut builder = Config::builder(url).profile_variables(PROFILE_VARIABLES);
    if resp3 {
        builder = builder.resp3_by_default();
    }
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
    builder.build().map_err(|error| raised(py, &error))
}
