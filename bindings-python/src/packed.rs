//! Commands of a pipeline as the native client takes them, and what becomes of their replies.

use std::sync::LazyLock;

use outlast::blocking::one_needs_own_connection;
use outlast::{Error, Value};
use outlast_core::command::Command;
use outlast_core::resp::Commands;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::convert::{self, Forms};
use crate::errors::exception;
use crate::queue::{Queue, Queued};

/// What redis-py's callbacks are not told.
const NOT_FOR_CALLBACKS: [&str; 2] = ["keys", "NEVER_DECODE"];

/// Commands, and what is made of the reply of each.
pub(crate) struct Packed<'py> {
    pub(crate) commands: Commands,
    shapes: Vec<Shape<'py>>,
}

/// What is made of a reply.
#[derive(Clone, Default)]
struct Shape<'py> {
    /// Whether it is bytes whatever the client wants.
    as_bytes: bool,
    callback: Option<Bound<'py, PyAny>>,
    options: Option<Bound<'py, PyDict>>,
}

impl<'py> Packed<'py> {
    /// Commands of a queue, or of a list like redis-py's; none where redis-py is to answer in place of
    /// Redis, or where `own_connection` says that one of them has to be sent otherwise.
    pub(crate) fn new(
        commands: &Bound<'py, PyAny>,
        callbacks: Option<&Bound<'py, PyDict>>,
        forms: &Forms,
        mut own_connection: impl FnMut(&Commands, usize) -> PyResult<bool>,
    ) -> PyResult<Option<Self>> {
        let py = commands.py();
        let count = commands.len()?;
        let mut packed =
            Self { commands: Commands::with_capacity(count), shapes: Vec::with_capacity(count) };
        let mut shape_of_get = None;
        let mut is_ours = true;
        Queue::each(commands, |queued| {
            if !is_ours {
                return Ok(());
            }
            match queued {
                Queued::Get(name) => {
                    encode_get(name.bind(py), forms, &mut packed.commands)?;
                    if shape_of_get.is_none() {
                        let name = intern!(py, "GET").as_any();
                        shape_of_get = Some(Shape::of(callbacks, name, true, None)?);
                    }
                    packed.shapes.extend(shape_of_get.clone());
                }
                Queued::Called(args, options) => {
                    let args = args.bind(py);
                    let options = options.as_ref().map(|options| options.bind(py));
                    let is_known = encode(args, forms, &mut packed.commands)?;
                    let at = packed.commands.len() - 1;
                    if answers_itself(options)? {
                        is_ours = false;
                    } else if one_needs_own_connection(&packed.commands, at) {
                        is_ours = !own_connection(&packed.commands, at)?;
                    }
                    packed.shapes.push(match args.get_item(0) {
                        Ok(name) => Shape::of(callbacks, &name, is_known, options)?,
                        // The native client refuses what has no name.
                        Err(_) => Shape::default(),
                    });
                }
            }
            Ok(())
        })?;
        Ok(is_ours.then_some(packed))
    }

    /// The replies and errors, and whether there is any of these.
    pub(crate) fn replies(
        self,
        py: Python<'py>,
        results: Vec<Result<Value, Error>>,
        forms: &Forms,
        bytes: &Forms,
        plain: bool,
    ) -> PyResult<(Bound<'py, PyList>, bool)> {
        let mut replies = Vec::with_capacity(results.len());
        let mut failed = false;
        for (result, shape) in results.into_iter().zip(self.shapes) {
            replies.push(match result {
                Ok(value) if plain => convert::reply(py, value, forms)?,
                Ok(value) => {
                    let forms = if shape.as_bytes { bytes } else { forms };
                    shape.shaped(convert::raw(py, value, forms)?)?
                }
                Err(error) => {
                    failed = true;
                    exception(py, &error)?
                }
            });
        }
        Ok((PyList::new(py, replies)?, failed))
    }
}

impl<'py> Shape<'py> {
    /// As redis-py's callback for the command makes it. `is_known`: the name is in capitals.
    fn of(
        callbacks: Option<&Bound<'py, PyDict>>,
        name: &Bound<'py, PyAny>,
        is_known: bool,
        options: Option<&Bound<'py, PyDict>>,
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
                Some(options)
            }
            _ => None,
        };
        Ok(Self { as_bytes, callback, options })
    }

    fn shaped(self, reply: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self { callback: None, .. } => Ok(reply),
            Self { callback: Some(callback), options: None, .. } => callback.call1((reply,)),
            Self { callback: Some(callback), options, .. } => {
                callback.call((reply,), options.as_ref())
            }
        }
    }
}

/// Whether redis-py is to answer with something of its own where Redis answers with an error.
fn answers_itself(options: Option<&Bound<'_, PyDict>>) -> PyResult<bool> {
    options.map_or(Ok(false), |options| options.contains("EMPTY_RESPONSE"))
}

/// Adds a command whose name may be of several words; whether the name is one that is known, in
/// capitals.
fn encode(args: &Bound<'_, PyTuple>, forms: &Forms, commands: &mut Commands) -> PyResult<bool> {
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

fn encode_get(name: &Bound<'_, PyAny>, forms: &Forms, commands: &mut Commands) -> PyResult<()> {
    static GET: LazyLock<Option<&'static Command>> = LazyLock::new(|| Command::find(b"GET"));
    commands.begin(2, *GET);
    commands.push(b"GET");
    convert::with_argument("an argument", name, forms, |bytes| commands.push(bytes))
}
