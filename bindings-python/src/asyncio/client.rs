//! The class that `outlast.asyncio.Redis` is made of: arguments are converted, and the link does the
//! rest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use outlast::hosted::{needs_own_connection, one_needs_own_connection};
use outlast_core::resp::Commands;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::call::{Call, Command};
use super::link::Link;
use super::waiter::{Form, Shape, Style};
use crate::client::config;
use crate::convert::{self, Arg, Forms};
use crate::errors::{invalid_argument, raised};
use crate::packed::{self, Packed};

/// A Redis client of one event loop that keeps answering while Redis is away.
#[pyclass(module = "outlast._outlast", subclass, frozen)]
#[derive(Debug)]
pub(crate) struct AsyncClient {
    /// Set once, by the constructor of the class in Python.
    opened: OnceLock<Opened>,
    /// Whether the methods here are what their names stand for; if not, those of redis-py are.
    direct: AtomicBool,
}

#[derive(Debug)]
struct Opened {
    /// None where redis-py does everything.
    owner: Option<Arc<Owner>>,
    forms: Arc<Forms>,
    /// The same for replies that are bytes whatever the client wants.
    bytes: Arc<Forms>,
}

/// The link of clients that share one. The last of them closes it.
#[derive(Debug)]
struct Owner {
    link: Py<Link>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The loop keeps the link, whose bell has it clean up.
        if let Some(Err(error)) = Python::try_attach(|py| Link::close(self.link.bind(py))) {
            drop(error);
        }
    }
}

#[pymethods]
impl AsyncClient {
    /// A client that is not open yet. Arguments are for the constructor of the class in Python,
    /// which has it opened.
    #[new]
    #[pyo3(signature = (*_args, **_options))]
    const fn new(_args: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self { opened: OnceLock::new(), direct: AtomicBool::new(false) }
    }

    /// Opens it for a URL, as one that shares the connection and the memory of another, or as one
    /// that redis-py does everything for. Once. It dials at once where the policy is not lazy and a
    /// loop is running.
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
        let owner = match (share, url) {
            (Some(other), _) => other.get().opened(py)?.owner.clone(),
            (None, None) => None,
            (None, Some(url)) => {
                let config = config(py, url, profile, options, resp3)?;
                let link = Py::new(py, Link::new(config, listener)?)?;
                link.get().member()?.client.usable().map_err(|error| raised(py, &error))?;
                Link::begin_unless_lazy(link.bind(py))?;
                Some(Arc::new(Owner { link }))
            }
        };
        let direct = owner.is_some();
        let opened = Opened {
            owner,
            forms: Arc::new(Forms::new(decode_responses, encoding, encoding_errors)),
            bytes: Arc::new(Forms::new(false, encoding, encoding_errors)),
        };
        if self.opened.set(opened).is_err() {
            return Err(invalid_argument(py, "the client was made already".into()));
        }
        self.direct.store(direct, Ordering::Relaxed);
        Ok(())
    }

    /// Dials now; it ends once Redis answers or the startup budget is spent.
    fn connect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Link::call(self.link(py)?, Call::Connect)
    }

    /// Dials in the background.
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        Link::begin(self.link(py)?.get(), py)
    }

    /// The value of a key, or None.
    fn get<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().direct() {
            Some(client) => {
                let command = vec![word("GET"), client.argument("name", name)?];
                client.run(slf, command, Style::Plain)
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
        let is_odd = lives > 1 || (nx && xx) || options.is_some() || !args.is_empty();
        let Some(client) = slf.get().direct().filter(|_| !is_odd) else {
            let head = (name, value, ex, px, nx, xx, keepttl, get).into_pyobject(py)?;
            let all = head.add(args)?.cast_into::<PyTuple>()?;
            return theirs(slf, "set", all, options);
        };
        let mut command = Vec::with_capacity(8);
        command.push(word("SET"));
        command.push(client.argument("name", name)?);
        command.push(client.argument("value", value)?);
        if let Some(ex) = ex {
            command.extend([word("EX"), owned(convert::time("ex", ex, 1)?)]);
        }
        if let Some(px) = px {
            command.extend([word("PX"), owned(convert::time("px", px, 1_000)?)]);
        }
        let flags = [(nx, "NX"), (xx, "XX"), (keepttl, "KEEPTTL"), (get, "GET")];
        command.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| word(flag)));
        client.run(slf, command, Style::Plain)
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
            None => word("1"),
        };
        client.run(slf, vec![word("INCRBY"), key, amount], Style::Plain)
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
        let mut command = vec![word("DEL")];
        for name in names {
            command.push(client.argument("name", &name)?);
        }
        client.run(slf, command, Style::Plain)
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
        let is_odd = options.is_some() || !args.is_empty();
        let Some(client) = slf.get().direct().filter(|_| !is_odd) else {
            let all = (name, time).into_pyobject(slf.py())?.add(args)?.cast_into::<PyTuple>()?;
            return theirs(slf, "expire", all, options);
        };
        let key = client.argument("name", name)?;
        let time = owned(convert::time("time", time, 1)?);
        client.run(slf, vec![word("EXPIRE"), key, time], Style::Truth)
    }

    /// Seconds until a key expires: -1 if never, -2 if there is no such key.
    fn ttl<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().direct() {
            Some(client) => {
                let command = vec![word("TTL"), client.argument("name", name)?];
                client.run(slf, command, Style::Plain)
            }
            None => theirs(slf, "ttl", (name,), None),
        }
    }

    /// Runs any command: its name and arguments, as Redis documents them. `shape` makes something of
    /// a reply that is there.
    #[pyo3(signature = (*args, shape=None))]
    fn execute_command<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        shape: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = slf.get();
        let shape = shape.map(|function| Shape { function, options: None });
        let form = client.form(slf.py(), Style::Plain, shape)?;
        client.send(slf, client.command(args)?, form)
    }

    /// Runs a command for redis-py: its reply as a connection would have read it, and what `shape`
    /// makes of it, or `NotImplemented` where the command needs a connection of its own.
    #[pyo3(signature = (args, shape=None, options=None, as_bytes=false))]
    fn request<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        shape: Option<Py<PyAny>>,
        options: Option<Py<PyDict>>,
        as_bytes: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let client = slf.get();
        let command = client.command(args)?;
        if needs_own_connection(&command) {
            return Ok(py.NotImplemented().into_bound(py));
        }
        let shape = shape.map(|function| Shape { function, options });
        let mut form = client.form(py, Style::Raw, shape)?;
        if as_bytes {
            form.forms = client.opened(py)?.bytes.clone();
        }
        client.send(slf, command, form)
    }

    /// As `request`, where it is known that Redis has no connection to give.
    #[pyo3(signature = (args, shape=None, options=None))]
    fn request_from_memory<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        shape: Option<Py<PyAny>>,
        options: Option<Py<PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = slf.get();
        let shape = shape.map(|function| Shape { function, options });
        let form = client.form(slf.py(), Style::Raw, shape)?;
        client.send(slf, client.command(args)?, form)
    }

    /// Whether a command that needs a connection of its own may have one; None while the startup is
    /// under way. Raises where Redis is away and memory cannot stand for a connection.
    fn may_use_own_connection(&self, args: &Bound<'_, PyTuple>) -> PyResult<Option<bool>> {
        let py = args.py();
        Link::may_use_own_connection(self.link(py)?, &self.command(args)?)
    }

    /// Sends commands that leave in one write: a queue, or a list of what one would list. It ends with
    /// the list of their replies, of which `shapes` make something, and of errors, and whether it has
    /// any of these. `NotImplemented` where one needs a connection of its own, or an error is answered
    /// with something else.
    ///
    /// Without redis-py the replies are as those of `execute_command`, if `plain`.
    #[pyo3(signature = (commands, shapes=None, plain=false))]
    fn run_pipeline<'py>(
        slf: &Bound<'py, Self>,
        commands: &Bound<'py, PyAny>,
        shapes: Option<&Bound<'py, PyDict>>,
        plain: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let client = slf.get();
        let opened = client.opened(py)?;
        let own = |commands: &Commands, at| Ok(one_needs_own_connection(commands, at));
        let Some(packed) = Packed::new(commands, shapes, &opened.forms, own)? else {
            return Ok(py.NotImplemented().into_bound(py));
        };
        let (usual, bytes) = (opened.forms.clone(), opened.bytes.clone());
        let forms = packed::Forms { usual, bytes, plain };
        Link::call(client.link(py)?, Call::Pipeline(packed, forms))
    }

    /// The same for what stands between MULTI and EXEC; the list has the replies to these, too, and
    /// nothing is made of them.
    #[pyo3(signature = (commands, plain=false))]
    fn run_transaction<'py>(
        slf: &Bound<'py, Self>,
        commands: &Bound<'py, PyList>,
        plain: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let client = slf.get();
        let Some(packed) = client.packed(commands)? else {
            return Ok(py.NotImplemented().into_bound(py));
        };
        let form = client.form(py, if plain { Style::Plain } else { Style::Raw }, None)?;
        Link::call(client.link(py)?, Call::Transaction(packed, form))
    }

    /// Whether the methods here are what their names stand for; where they are not, or were asked
    /// for more than they know, those of redis-py are.
    #[getter(direct)]
    fn is_direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }

    #[setter(direct)]
    fn set_direct(&self, direct: bool) {
        let is_open = self.opened.get().is_some_and(|opened| opened.owner.is_some());
        self.direct.store(direct && is_open, Ordering::Relaxed);
    }

    /// The version of RESP, if there is anything to speak it.
    #[getter]
    fn protocol(&self) -> Option<u8> {
        let owner = self.opened.get()?.owner.as_ref()?;
        Some(owner.link.get().config().protocol())
    }

    /// The snapshot that an operator sees. Times are in seconds.
    fn get_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let member = self.link(py)?.get().member()?;
        let status = py.detach(|| member.client.status());
        convert::to_python(py, &status)
    }

    /// What the client counted, in Prometheus' text format.
    fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        let member = self.link(py)?.get().member()?;
        Ok(py.detach(|| member.client.metrics()))
    }

    /// Writes of outages that Redis refused for good, oldest first; the last thousand at most.
    fn dead_letters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let member = self.link(py)?.get().member()?;
        let letters = py.detach(|| member.client.dead_letters());
        convert::dead_letters(py, letters, &self.opened(py)?.forms)
    }

    /// `connected`, `degraded`, `reconciling` or `closed`.
    #[getter]
    fn mode(&self, py: Python<'_>) -> PyResult<&'static str> {
        let member = self.link(py)?.get().member()?;
        Ok(py.detach(|| member.client.status()).mode.code())
    }

    /// Closes the connection; what waits ends with an error. Again does nothing.
    fn shut(&self, py: Python<'_>) -> PyResult<()> {
        let owner = self.opened.get().and_then(|opened| opened.owner.as_ref());
        owner.map_or(Ok(()), |owner| Link::close(owner.link.bind(py)))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let owner = slf.get().opened.get().and_then(|opened| opened.owner.as_ref());
        let Some(owner) = owner else {
            return Ok(format!("<{name} over redis-py>"));
        };
        let config = owner.link.get().config();
        let (endpoint, profile) = (&config.endpoint, config.policy.profile.code());
        Ok(format!("<{name} {endpoint} profile={profile} mode={}>", slf.get().mode(slf.py())?))
    }
}

impl AsyncClient {
    fn opened(&self, py: Python<'_>) -> PyResult<&Opened> {
        self.opened.get().ok_or_else(|| {
            invalid_argument(py, "the client was not made: its constructor was not called".into())
        })
    }

    fn link<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, Link>> {
        let owner = self.opened(py)?.owner.as_ref().ok_or_else(|| {
            let message = "redis-py does everything here, without memory and without a status";
            invalid_argument(py, message.into())
        })?;
        Ok(owner.link.bind(py))
    }

    /// This client, where its own methods are what their names stand for.
    fn direct(&self) -> Option<&Self> {
        self.direct.load(Ordering::Relaxed).then_some(self)
    }

    fn argument(&self, what: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        convert::argument(what, value, &self.opened(value.py())?.forms).map(owned)
    }

    fn command(&self, args: &Bound<'_, PyTuple>) -> PyResult<Command> {
        let command = convert::command(args, &self.opened(args.py())?.forms)?;
        Ok(command.into_iter().map(owned).collect())
    }

    fn form(&self, py: Python<'_>, style: Style, shape: Option<Shape>) -> PyResult<Form> {
        Ok(Form { forms: self.opened(py)?.forms.clone(), style, shape })
    }

    fn run<'py>(
        &self,
        slf: &Bound<'py, Self>,
        command: Command,
        style: Style,
    ) -> PyResult<Bound<'py, PyAny>> {
        let form = self.form(slf.py(), style, None)?;
        self.send(slf, command, form)
    }

    fn send<'py>(
        &self,
        slf: &Bound<'py, Self>,
        command: Command,
        form: Form,
    ) -> PyResult<Bound<'py, PyAny>> {
        Link::call(self.link(slf.py())?, Call::Command(command, form))
    }

    /// Commands as bytes; none where one of them needs a connection of its own.
    fn packed(&self, commands: &Bound<'_, PyList>) -> PyResult<Option<Vec<Command>>> {
        let mut packed = Vec::with_capacity(commands.len());
        for command in commands {
            let command = command.cast::<PyTuple>()?.get_item(0)?;
            let command = self.command(command.cast()?)?;
            if needs_own_connection(&command) {
                return Ok(None);
            }
            packed.push(command);
        }
        Ok(Some(packed))
    }
}

/// The method of redis-py of this name, which ends in `execute_command` of the same client.
fn theirs<'py>(
    client: &Bound<'py, AsyncClient>,
    method: &str,
    args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let stock = py.import("outlast.asyncio")?.getattr("Stock")?;
    let args = args.into_pyobject(py).map_err(Into::into)?;
    let all = PyTuple::new(py, [client])?.add(args)?;
    stock.getattr(method)?.call(all.cast_into::<PyTuple>()?, options)
}

fn word(word: &'static str) -> Vec<u8> {
    word.as_bytes().to_vec()
}

fn owned(arg: Arg) -> Vec<u8> {
    match arg {
        Arg::Word(text) => word(text),
        Arg::Bytes(bytes) => bytes,
    }
}
