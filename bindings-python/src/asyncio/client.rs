//! The class that `outlast.asyncio.Redis` is made of: arguments are converted, and the link does the
//! rest.

use outlast::Config;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::link::Link;
use super::reply::Reply;
use super::waiter::Form;
use crate::client::configure;
use crate::convert::{self, Arg};

/// A Redis client of one event loop that keeps answering while Redis is away.
#[pyclass(module = "outlast._outlast", subclass, frozen)]
#[derive(Debug)]
pub(crate) struct AsyncClient {
    link: Py<Link>,
    decode_responses: bool,
}

#[pymethods]
impl AsyncClient {
    #[new]
    #[pyo3(signature = (url, profile=None, decode_responses=false, options=None))]
    fn new(
        py: Python<'_>,
        url: &str,
        profile: Option<&str>,
        decode_responses: bool,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let config = configure(py, url, profile, options)?;
        Ok(Self { link: Py::new(py, Link::new(config)?)?, decode_responses })
    }

    /// Dials now; it ends once Redis answers or the startup budget is spent.
    fn connect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Reply>> {
        Link::connect(self.link.bind(py))
    }

    /// The value of a key, or None.
    fn get<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Reply>> {
        self.run(name.py(), vec![word("GET"), bytes("name", name)?])
    }

    /// Runs any command: its name and arguments, as Redis documents them.
    #[pyo3(signature = (*args))]
    fn execute_command<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Reply>> {
        let command = convert::command(args)?.into_iter().map(owned).collect();
        self.run(args.py(), command)
    }

    /// The snapshot that an operator sees. Times are in seconds.
    fn get_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let member = self.link.get().member()?;
        let status = py.detach(|| member.client.status());
        convert::to_python(py, &status)
    }

    /// `connected`, `degraded`, `reconciling` or `closed`.
    #[getter]
    fn mode(&self, py: Python<'_>) -> PyResult<&'static str> {
        let member = self.link.get().member()?;
        Ok(py.detach(|| member.client.status()).mode.code())
    }

    /// Closes it; what waits ends with an error. Again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        Link::close(self.link.bind(py))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let client = slf.get();
        let config: &Config = client.link.get().config();
        let (endpoint, profile) = (&config.endpoint, config.policy.profile.code());
        let name = slf.get_type().name()?;
        Ok(format!("<{name} {endpoint} profile={profile} mode={}>", client.mode(slf.py())?))
    }
}

impl AsyncClient {
    fn run<'py>(&self, py: Python<'py>, command: Vec<Vec<u8>>) -> PyResult<Bound<'py, Reply>> {
        let form = Form { text: self.decode_responses, callback: None };
        Link::submit(self.link.bind(py), command, form)
    }
}

impl Drop for AsyncClient {
    fn drop(&mut self) {
        // The loop keeps the link, whose bell has it clean up.
        if let Some(Err(error)) = Python::try_attach(|py| Link::close(self.link.bind(py))) {
            drop(error);
        }
    }
}

fn word(word: &'static str) -> Vec<u8> {
    word.as_bytes().to_vec()
}

fn bytes(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    convert::argument(what, value).map(owned)
}

fn owned(arg: Arg) -> Vec<u8> {
    match arg {
        Arg::Word(text) => word(text),
        Arg::Bytes(bytes) => bytes,
    }
}
