//! What a pipeline of redis-py gathers. The commands that are called most take neither a tuple nor a
//! dict each; whoever asks for redis-py's list of tuples and dicts gets it.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PySuper, PyTuple};

/// A command of a pipeline.
#[derive(Debug)]
pub(crate) enum Queued {
    /// GET, of this key.
    Get(Py<PyAny>),
    /// Name and arguments, and what redis-py is to do with the reply.
    Called(Py<PyTuple>, Option<Py<PyDict>>),
}

/// The commands of a pipeline, in redis-py's names.
#[pyclass(module = "outlast._outlast", subclass)]
#[derive(Debug, Default)]
pub(crate) struct Queue {
    gathered: Vec<Queued>,
    /// Where redis-py's list was asked for: all commands are in it from then on.
    listed: Option<Py<PyList>>,
    watching: bool,
    explicit_transaction: bool,
}

#[pymethods]
impl Queue {
    #[new]
    #[pyo3(signature = (*_args, **_options))]
    fn new(_args: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self::default()
    }

    /// Each command a tuple of name and arguments, and a dict of options.
    #[getter(command_stack)]
    fn list<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        if let Some(listed) = &slf.try_borrow()?.listed {
            return Ok(listed.bind(py).clone());
        }
        let list = PyList::empty(py);
        let mut queue = slf.try_borrow_mut()?;
        for queued in &queue.gathered {
            list.append(queued.listed(py)?)?;
        }
        let gathered = std::mem::take(&mut queue.gathered);
        queue.listed = Some(list.clone().unbind());
        drop(queue);
        drop(gathered);
        Ok(list)
    }

    #[setter(command_stack)]
    fn set_list(slf: &Bound<'_, Self>, commands: Bound<'_, PyList>) -> PyResult<()> {
        let mut queue = slf.try_borrow_mut()?;
        let gathered = std::mem::take(&mut queue.gathered);
        let listed = (!commands.is_empty()).then(|| commands.unbind());
        let listed = std::mem::replace(&mut queue.listed, listed);
        drop(queue);
        // To drop objects may run any code.
        drop((gathered, listed));
        Ok(())
    }

    #[getter(watching)]
    const fn is_watching(&self) -> bool {
        self.watching
    }

    #[setter(watching)]
    const fn set_watching(&mut self, watching: bool) {
        self.watching = watching;
    }

    #[getter(explicit_transaction)]
    const fn is_explicit_transaction(&self) -> bool {
        self.explicit_transaction
    }

    #[setter(explicit_transaction)]
    const fn set_explicit_transaction(&mut self, explicit: bool) {
        self.explicit_transaction = explicit;
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.listed.as_ref().map_or(self.gathered.len(), |listed| listed.bind(py).len())
    }

    /// As `Redis.get`.
    fn get<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if slf.try_borrow()?.is_immediate() {
            return theirs(slf, "get", (name,), None);
        }
        Self::push(slf, Queued::Get(name.clone().unbind()))
    }

    /// As `Redis.set`.
    #[pyo3(signature = (name, value, *args, **options))]
    fn set<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !args.is_empty() || options.is_some() || slf.try_borrow()?.is_immediate() {
            let all = PyTuple::new(slf.py(), [name, value])?.add(args)?.cast_into::<PyTuple>()?;
            return theirs(slf, "set", all, options);
        }
        Self::push_call(slf, (intern!(slf.py(), "SET"), name, value))
    }

    /// As `Redis.incr`.
    #[pyo3(signature = (name, amount=None))]
    fn incr<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        amount: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let amount = match amount {
            Some(amount) => amount.clone(),
            None => PyInt::new(py, 1).into_any(),
        };
        if slf.try_borrow()?.is_immediate() {
            return theirs(slf, "incr", (name, amount), None);
        }
        Self::push_call(slf, (intern!(py, "INCRBY"), name, amount))
    }

    /// Queues a command, which `execute` runs.
    #[pyo3(signature = (*args, **options))]
    fn pipeline_execute_command<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = options.map(|options| options.clone().unbind());
        Self::push(slf, Queued::Called(args.clone().unbind(), options))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.listed)?;
        for queued in &self.gathered {
            match queued {
                Queued::Get(name) => visit.call(name)?,
                Queued::Called(args, options) => {
                    visit.call(args)?;
                    visit.call(options)?;
                }
            }
        }
        Ok(())
    }

    fn __clear__(&mut self) {
        self.gathered = Vec::new();
        self.listed = None;
    }
}

impl Queue {
    /// Whether commands are done at once: what is read of keys that are watched.
    const fn is_immediate(&self) -> bool {
        self.watching && !self.explicit_transaction
    }

    fn push_call<'py>(
        slf: &Bound<'py, Self>,
        args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = args.into_pyobject(slf.py()).map_err(Into::into)?;
        Self::push(slf, Queued::Called(args.unbind(), None))
    }

    fn push<'py>(slf: &Bound<'py, Self>, queued: Queued) -> PyResult<Bound<'py, PyAny>> {
        let mut queue = slf.try_borrow_mut()?;
        match &queue.listed {
            None => queue.gathered.push(queued),
            Some(listed) => {
                let listed = listed.bind(slf.py()).clone();
                drop(queue);
                listed.append(queued.listed(slf.py())?)?;
            }
        }
        Ok(slf.clone().into_any())
    }

    /// Hands each command to a function, in their order.
    pub(crate) fn each(
        commands: &Bound<'_, PyAny>,
        mut take: impl FnMut(&Queued) -> PyResult<()>,
    ) -> PyResult<()> {
        let py = commands.py();
        let listed = match commands.cast::<Self>() {
            Err(_) => commands.cast::<PyList>()?.clone(),
            Ok(queue) => {
                let queue = queue.try_borrow()?;
                let Some(listed) = &queue.listed else {
                    return queue.gathered.iter().try_for_each(take);
                };
                listed.bind(py).clone()
            }
        };
        for command in listed {
            let (args, options) = command.extract::<(Bound<'_, PyTuple>, Bound<'_, PyDict>)>()?;
            let options = (!options.is_empty()).then(|| options.unbind());
            take(&Queued::Called(args.unbind(), options))?;
        }
        Ok(())
    }
}

impl Queued {
    /// As redis-py lists it.
    fn listed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match self {
            Self::Get(name) => {
                let args = (intern!(py, "GET"), name).into_pyobject(py)?;
                (args, PyDict::new(py)).into_pyobject(py)
            }
            Self::Called(args, Some(options)) => (args, options).into_pyobject(py),
            Self::Called(args, None) => (args, PyDict::new(py)).into_pyobject(py),
        }
    }
}

/// The method of redis-py of this name.
fn theirs<'py>(
    queue: &Bound<'py, Queue>,
    method: &str,
    args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = queue.py();
    let args = args.into_pyobject(py).map_err(Into::into)?;
    PySuper::new(&py.get_type::<Queue>(), queue)?.getattr(method)?.call(args, options)
}
