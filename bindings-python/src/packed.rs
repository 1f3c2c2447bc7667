//! Commands of a pipeline as the native client takes them, and what becomes of their replies.

use std::sync::{Arc, LazyLock};

use outlast::{Error, Value};
use outlast_core::command::Command;
use outlast_core::resp::Commands;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::convert;
use crate::errors::exception;
use crate::queue::{Queue, Queued};

/// What redis-py's callbacks are not told.
const NOT_FOR_CALLBACKS: [&str; 2] = ["keys", "NEVER_DECODE"];

/// Commands, and what is made of the reply of each.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) commands: Commands,
    pub(crate) shapes: Vec<Shape>,
}

/// What is made of a reply.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Whether it is bytes whatever the client wants.
    as_bytes: bool,
    callback: Option<Py<PyAny>>,
    options: Option<Py<PyDict>>,
}

/// How the replies of a pipeline are handed out.
#[derive(Clone, Debug)]
pub(crate) struct Forms {
    pub(crate) usual: Arc<convert::Forms>,
    /// The same for replies that are bytes whatever the client wants.
    pub(crate) bytes: Arc<convert::Forms>,
    /// Whether they are as those of `execute_command`.
    pub(crate) plain: bool,
}

impl Packed {
    /// Commands of a queue, or of a list like redis-py's; none where redis-py is to answer in place of
    /// Redis, or where `own_connection` says that one of them has to be sent otherwise.
    pub(crate) fn new(
        commands: &Bound<'_, PyAny>,
        callbacks: Option<&Bound<'_, PyDict>>,
        forms: &convert::Forms,
        own_connection: impl Fn(&Commands, usize) -> PyResult<bool>,
    ) -> PyResult<Option<Self>> {
        let py = commands.py();
        let count = commands.len()?;
        let mut packed =
            Self { commands: Commands::with_capacity(count), shapes: Vec::with_capacity(count) };
        let mut shape_of_get = None;
        let mut is_ours = true;
        Queue::each(commands, |queued| {
            match queued {
                Queued::Get(name) => {
                    encode_get(name.bind(py), forms, &mut packed.commands)?;
                    if shape_of_get.is_none() {
                        let name = intern!(py, "GET").as_any();
                        shape_of_get = Some(Shape::of(callbacks, name, true, None)?);
                    }
                    packed.shapes.extend(shape_of_get.as_ref().map(|shape| shape.clone_ref(py)));
                }
                Queued::Called(args, options) if is_ours => {
                    let options = options.as_ref().map(|options| options.bind(py));
                    is_ours = packed.add(args.bind(py), callbacks, options, forms)?
                        && !own_connection(&packed.commands, packed.commands.len() - 1)?;
                }
                Queued::Called(..) => {}
            }
            Ok(())
        })?;
        Ok(is_ours.then_some(packed))
    }

    /// Adds a command; false where redis-py is to answer with something of its own where Redis answers
    /// with an error.
    fn add(
        &mut self,
        args: &Bound<'_, PyTuple>,
        callbacks: Option<&Bound<'_, PyDict>>,
        options: Option<&Bound<'_, PyDict>>,
        forms: &convert::Forms,
    ) -> PyResult<bool> {
        let is_known = encode(args, forms, &mut self.commands)?;
        self.shapes.push(match args.get_item(0) {
            Ok(name) => Shape::of(callbacks, &name, is_known, options)?,
            // The native client refuses what has no name.
            Err(_) => Shape::default(),
        });
        options.map_or(Ok(true), |options| Ok(!options.contains("EMPTY_RESPONSE")?))
    }

    /// The replies and errors, and whether there is any of these.
    pub(crate) fn replies<'py>(
        self,
        py: Python<'py>,
        results: Vec<Result<Value, Error>>,
        forms: &Forms,
    ) -> PyResult<(Bound<'py, PyList>, bool)> {
        let failed = results.iter().any(Result::is_err);
        let replies = results.into_iter().zip(self.shapes);
        let replies = replies.map(|(result, shape)| shape.made(py, result, forms));
        Ok((PyList::new(py, replies.collect::<PyResult<Vec<_>>>()?)?, failed))
    }
}

impl Shape {
    /// As redis-py's callback for the command makes it. `is_known`: the name is in capitals.
    fn of(
        callbacks: Option<&Bound<'_, PyDict>>,
        name: &Bound<'_, PyAny>,
        is_known: bool,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = name.py();
        let as_bytes = match options {
            Some(options) => options.contains(intern!(py, "NEVER_DECODE"))?,
            None => false,
        };
        let callback = match callbacks {
            None => None,
            Some(callbacks) => match callbacks.get_item(name)? {
                None if is_known => None,
                None => callbacks.get_item(name.call_method0("upper")?)?,
                found => found,
            },
        };
        let options = match (options, &callback) {
            (Some(options), Some(_)) => {
                let options = options.copy()?;
                for not_for_it in NOT_FOR_CALLBACKS {
                    if options.contains(not_for_it)? {
                        options.del_item(not_for_it)?;
                    }
                }
                Some(options.unbind())
            }
            _ => None,
        };
        Ok(Self { as_bytes, callback: callback.map(Bound::unbind), options })
    }

    fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            as_bytes: self.as_bytes,
            callback: self.callback.as_ref().map(|callback| callback.clone_ref(py)),
            options: self.options.as_ref().map(|options| options.clone_ref(py)),
        }
    }

    /// The reply as it is handed out, or the exception.
    pub(crate) fn made<'py>(
        self,
        py: Python<'py>,
        result: Result<Value, Error>,
        forms: &Forms,
    ) -> PyResult<Bound<'py, PyAny>> {
        let value = match result {
            Ok(value) => value,
            Err(error) => return exception(py, &error),
        };
        if forms.plain {
            return convert::reply(py, value, &forms.usual);
        }
        let reply =
            convert::raw(py, value, if self.as_bytes { &forms.bytes } else { &forms.usual })?;
        match self {
            Self { callback: None, .. } => Ok(reply),
            Self { callback: Some(callback), options: None, .. } => {
                callback.into_bound(py).call1((reply,))
            }
            Self { callback: Some(callback), options: Some(options), .. } => {
                callback.into_bound(py).call((reply,), Some(options.bind(py)))
            }
        }
    }
}

/// Adds a command whose name may be of several words; whether the name is one that is known, in
/// capitals.
fn encode(
    args: &Bound<'_, PyTuple>,
    forms: &convert::Forms,
    commands: &mut Commands,
) -> PyResult<bool> {
    let mut rest = args.iter();
    let Some(name) = rest.next() else {
        commands.begin(0, None);
        return Ok(false);
    };
    let known = convert::known(&name);
    match known {
        Some(known) => {
            commands.begin(args.len(), Some(known).filter(|known| !known.is_container()));
            commands.push(known.name.as_bytes());
        }
        None => convert::with_argument("the command", &name, forms, |name| {
            let words = || name.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            commands.begin(words().count() + args.len() - 1, None);
            words().for_each(|word| commands.push(word));
        })?,
    }
    for arg in rest {
        convert::with_argument("an argument", &arg, forms, |bytes| commands.push(bytes))?;
    }
    Ok(known.is_some())
}

fn encode_get(
    name: &Bound<'_, PyAny>,
    forms: &convert::Forms,
    commands: &mut Commands,
) -> PyResult<()> {
    static GET: LazyLock<Option<&'static Command>> = LazyLock::new(|| Command::find(b"GET"));
    commands.begin(2, *GET);
    commands.push(b"GET");
    convert::with_argument("an argument", name, forms, |bytes| commands.push(bytes))
}
