//! The client: what `lib/link.ts` calls on Node's own thread. No command crosses to another one.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::{Array, BufferSlice, Either, Function, JsValue, Null, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, Unknown};
use napi_derive::napi;
use outlast::hosted::{self, Settlement, Socket, Submission};
use outlast::{Config, Error, Event, Failure, Mode, Queue, Record, RuleSpec, Value};
use outlast_core::incident::Incident;
use serde::Serialize;

use crate::convert;
use crate::errors::{self, thrown};

/// The variable by which Node programs name their environment.
const PROFILE_VARIABLES: &[&str] = &["NODE_ENV"];

/// Output up to this length is handed over as a string of one byte a character: Node writes such
/// strings without making a buffer first.
const STRING_BYTES_MAX: usize = 16 * 1_024;

/// Never keeps the process alive by itself, and carries nothing.
type Callback = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Wakes Node's loop, once until the loop has looked.
struct Waker {
    callback: Callback,
    called: AtomicBool,
}

impl Waker {
    fn wake(&self) {
        if !self.called.swap(true, Ordering::AcqRel) {
            // At the end of the process nobody listens any more, and that is fine.
            let _ = self.callback.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// One Redis, its connection on Node's loop and its fallback in memory.
#[napi]
pub struct Client {
    inner: hosted::Client,
    queue: Arc<Queue>,
    waker: Arc<Waker>,
    /// Pending commands whose replies are wanted as bytes.
    as_buffers: RefCell<HashSet<u64>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[napi]
impl Client {
    /// A client that dials with its first command, or at once where the policy says so. `wake` is
    /// called when `turn` has something to do.
    #[napi(constructor)]
    pub fn new(
        url: String,
        options: Unknown<'_>,
        wake: Function<'_, (), ()>,
    ) -> errors::Result<Self> {
        let config = configure(&url, &options).map_err(|error| thrown(&error))?;
        let callback = wake.build_threadsafe_function::<()>().weak::<true>().build();
        let callback = callback.map_err(|error| {
            thrown(&Error::new(outlast::ErrorKind::InvalidArgument, error.reason))
        })?;
        let waker = Arc::new(Waker { callback, called: AtomicBool::new(false) });
        let wake = || {
            let waker = waker.clone();
            move || waker.wake()
        };
        let queue = Arc::new(Queue::new(wake()));
        let inner = hosted::Client::new(config, queue.clone(), wake());
        inner.usable().map_err(|error| thrown(&error))?;
        Ok(Self { inner, queue, waker, as_buffers: RefCell::default() })
    }

    /// Begins to dial.
    #[napi]
    pub fn start(&self) {
        self.inner.start();
    }

    /// Whether the first dial waits for the first command.
    #[napi(getter)]
    pub fn lazy(&self) -> bool {
        self.inner.config().policy.lazy_connect
    }

    /// Milliseconds that a command may take.
    #[napi(getter)]
    pub fn deadline_ms(&self) -> f64 {
        as_number(self.inner.config().policy.command_timeout_ms)
    }

    /// How the startup ended, once it has: `[true, null]` or `[false, error]`.
    #[napi(ts_return_type = "[boolean, unknown] | null")]
    pub fn startup<'env>(&self, env: &'env Env) -> napi::Result<Either<Array<'env>, Null>> {
        let Some(result) = self.inner.startup() else {
            return Ok(Either::B(Null));
        };
        outcome(env, &result.map(|()| Value::Nil), false).map(Either::A)
    }

    /// Takes a command: its number if it waits, else how it ended.
    #[napi(
        ts_args_type = "args: unknown[], buffers: boolean",
        ts_return_type = "number | [boolean, unknown]"
    )]
    pub fn submit<'env>(
        &self,
        env: &'env Env,
        args: Array<'env>,
        buffers: bool,
    ) -> napi::Result<Either<f64, Array<'env>>> {
        let args = match convert::command(&args)? {
            Ok(args) => args,
            Err(message) => {
                let info = errors::type_error(env, &message)?.to_unknown();
                return pair(env, false, info).map(Either::B);
            }
        };
        self.submitted(env, self.inner.submit(args), buffers)
    }

    /// Takes what stands between MULTI and EXEC, likewise. Its replies are bytes.
    #[napi(ts_args_type = "commands: unknown[][]", ts_return_type = "number | [boolean, unknown]")]
    pub fn submit_transaction<'env>(
        &self,
        env: &'env Env,
        commands: Array<'env>,
    ) -> napi::Result<Either<f64, Array<'env>>> {
        let mut transaction = Vec::with_capacity(commands.len() as usize);
        for place in 0..commands.len() {
            let args = commands.get::<Array<'_>>(place)?;
            match args.as_ref().map(convert::command).transpose()? {
                Some(Ok(args)) => transaction.push(args),
                Some(Err(message)) => {
                    let info = errors::type_error(env, &message)?.to_unknown();
                    return pair(env, false, info).map(Either::B);
                }
                None => {}
            }
        }
        self.submitted(env, self.inner.submit_transaction(transaction), true)
    }

    /// Takes commands that follow one another: name and arguments of all, and how many each has. What
    /// `submit` says of each.
    #[napi(
        ts_args_type = "args: unknown[], lengths: number[], buffers: boolean[]",
        ts_return_type = "(number | [boolean, unknown])[]"
    )]
    pub fn submit_all<'env>(
        &self,
        env: &'env Env,
        args: Array<'env>,
        lengths: Vec<u32>,
        buffers: Vec<bool>,
    ) -> napi::Result<Array<'env>> {
        let mut told = Array::from_vec::<Object<'_>>(env, Vec::new())?;
        let mut begin = 0;
        for (length, buffers) in lengths.into_iter().zip(buffers) {
            let places = begin..begin + length;
            begin = places.end;
            let outcome = match convert::command_at(&args, places)? {
                Ok(args) => self.submitted(env, self.inner.submit(args), buffers)?,
                Err(message) => {
                    let info = errors::type_error(env, &message)?.to_unknown();
                    Either::B(pair(env, false, info)?)
                }
            };
            told.insert(outcome)?;
        }
        Ok(told)
    }

    fn submitted<'env>(
        &self,
        env: &'env Env,
        submission: Result<Submission, Error>,
        buffers: bool,
    ) -> napi::Result<Either<f64, Array<'env>>> {
        match submission {
            Ok(Submission::Pending(number)) => {
                if buffers {
                    self.as_buffers.borrow_mut().insert(number);
                }
                Ok(Either::A(as_number(number)))
            }
            Ok(Submission::Settled(result)) => outcome(env, &result, buffers).map(Either::B),
            Ok(_) => Err(napi::Error::from_reason("a submission that is not known here")),
            Err(error) => outcome(env, &Err(error), buffers).map(Either::B),
        }
    }

    /// What is to be written now, if anything; a string holds one byte a character.
    #[napi(ts_return_type = "string | Buffer | null")]
    pub fn take_output<'env>(&self, env: &'env Env) -> napi::Result<Either<Unknown<'env>, Null>> {
        let Some(output) = self.inner.take_output() else {
            return Ok(Either::B(Null));
        };
        Ok(Either::A(if output.len() <= STRING_BYTES_MAX {
            env.create_string_latin1(&output)?.to_unknown()
        } else {
            BufferSlice::from_data(env, output)?.to_unknown()
        }))
    }

    /// Takes what the socket read; the commands that it ends: of each run of replies the first
    /// number, how many they are, and they; of each error its number, -1, and it.
    #[napi(ts_args_type = "bytes: Uint8Array", ts_return_type = "unknown[]")]
    pub fn receive<'env>(&self, env: &'env Env, bytes: &[u8]) -> napi::Result<Array<'env>> {
        self.settled(env, &self.inner.receive(bytes))
    }

    /// The socket was closed; the commands that this ends, likewise.
    #[napi(ts_return_type = "unknown[]")]
    pub fn lost<'env>(&self, env: &'env Env, error: Option<String>) -> napi::Result<Array<'env>> {
        self.settled(env, &self.inner.lost(error.as_deref()))
    }

    /// Does what is due: commands that end, what to do with the socket (-1 nothing, -2 close it,
    /// else the number of the one to take over), milliseconds until the next turn (-1 none), and
    /// what happened since the last turn as JSON text.
    #[napi(ts_return_type = "[unknown[], number, number, string | null]")]
    pub fn turn<'env>(&self, env: &'env Env) -> napi::Result<Array<'env>> {
        // In this order: what happens after the queue was emptied wakes the loop again.
        self.waker.called.store(false, Ordering::Release);
        let events = self.queue.take();
        let turn = self.inner.turn();
        let socket = match turn.socket {
            Socket::Close => -2,
            Socket::Adopt(fd) => fd,
            _ => -1,
        };
        let mut told = Array::from_vec(env, vec![self.settled(env, &turn.settlements)?])?;
        told.insert(socket)?;
        told.insert(turn.next_in_ms.map_or(-1.0, as_number))?;
        if events.is_empty() {
            told.insert(Null)?;
        } else {
            let events: Vec<Told<'_>> = events.iter().map(Told::from).collect();
            told.insert(convert::text_of(&events).map_err(|error| reason(&error))?)?;
        }
        Ok(told)
    }

    /// Whether commands go to Redis at this moment.
    #[napi(getter)]
    pub fn connected(&self) -> bool {
        self.inner.is_connected()
    }

    /// The snapshot as JSON text.
    #[napi]
    pub fn status(&self) -> napi::Result<String> {
        convert::text_of(&self.inner.status()).map_err(|error| reason(&error))
    }

    /// Writes of outages that Redis refused for good: of each its key, its commands, what Redis said, and
    /// when, in milliseconds.
    #[napi(ts_return_type = "[Buffer, Buffer[][], Buffer, number][]")]
    pub fn dead_letters<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        let args = |args: Vec<Vec<u8>>| Value::Array(args.into_iter().map(Value::Bulk).collect());
        let told = |letter: outlast::DeadLetter| {
            let commands = Value::Array(letter.commands.into_iter().map(args).collect());
            let at = i64::try_from(letter.at.as_ms()).unwrap_or(i64::MAX);
            let error = Value::Bulk(letter.error.into_bytes());
            Value::Array(vec![Value::Bulk(letter.key), commands, error, Value::Integer(at)])
        };
        let letters = self.inner.dead_letters().into_iter().map(told).collect();
        convert::reply(env, &Value::Array(letters), true)
    }

    /// Where Redis is, without anything secret.
    #[napi(getter)]
    pub fn endpoint(&self) -> String {
        self.inner.config().endpoint.to_string()
    }

    /// Ends every waiting command and the background thread. Again does nothing.
    #[napi]
    pub fn close(&self) {
        self.inner.close();
    }

    /// Commands that ended: of each run of replies the first number, how many they are, and they;
    /// of each error its number, -1, and it.
    fn settled<'env>(
        &self,
        env: &'env Env,
        settlements: &[Settlement],
    ) -> napi::Result<Array<'env>> {
        let mut as_buffers = self.as_buffers.borrow_mut();
        let mut told = Array::from_vec::<Object<'_>>(env, Vec::new())?;
        let follows = |one: &Settlement, other: &Settlement| {
            one.result.is_ok() && other.result.is_ok() && one.command + 1 == other.command
        };
        for run in settlements.chunk_by(follows) {
            for (place, Settlement { command, result, .. }) in run.iter().enumerate() {
                if place == 0 {
                    told.insert(as_number(*command))?;
                    told.insert(result.as_ref().map_or(-1.0, |_| as_number(run.len() as u64)))?;
                }
                let buffers = !as_buffers.is_empty() && as_buffers.remove(command);
                told.insert(value(env, result, buffers)?)?;
            }
        }
        Ok(told)
    }
}

fn configure(url: &str, options: &Unknown<'_>) -> Result<Config, Error> {
    let mut builder = Config::builder(url).profile_variables(PROFILE_VARIABLES);
    let given = convert::options(options)?;
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        builder = match name.as_str() {
            "profile" => builder.profile(&convert::plain(value)),
            "rules" => builder.rules(RuleSpec::from_json(&value)?),
            _ => builder.option(&name, &convert::plain(value)),
        };
    }
    builder.build()
}

/// How a command ended: whether it went well, and its value or error.
fn outcome<'env>(
    env: &'env Env,
    result: &Result<Value, Error>,
    buffers: bool,
) -> napi::Result<Array<'env>> {
    pair(env, result.is_ok(), value(env, result, buffers)?)
}

fn pair<'env>(env: &'env Env, ok: bool, value: Unknown<'env>) -> napi::Result<Array<'env>> {
    let mut pair = Array::from_vec(env, vec![ok])?;
    pair.insert(value)?;
    Ok(pair)
}

fn value<'env>(
    env: &'env Env,
    result: &Result<Value, Error>,
    buffers: bool,
) -> napi::Result<Unknown<'env>> {
    match result {
        Ok(value) => convert::reply(env, value, buffers),
        Err(error) => Ok(errors::info(env, error)?.to_unknown()),
    }
}

/// An event as `lib/` reads it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told<'a> {
    Log { record: &'a Record },
    Mode { mode: Mode },
    Dialling { dial: u64 },
    DialFailed { failure: &'a Failure },
    Incident { incident: &'a Incident },
    Unknown,
}

impl<'a> From<&'a Event> for Told<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Log(record) => Self::Log { record },
            Event::Mode(mode) => Self::Mode { mode: *mode },
            Event::Dialling(dial) => Self::Dialling { dial: *dial },
            Event::DialFailed(failure) => Self::DialFailed { failure },
            Event::IncidentOpened(incident) | Event::IncidentClosed(incident) => {
                Self::Incident { incident }
            }
            _ => Self::Unknown,
        }
    }
}

fn reason(error: &Error) -> napi::Error {
    napi::Error::from_reason(error.message())
}

#[expect(clippy::cast_precision_loss, reason = "no client numbers 2^53 commands or waits as long")]
fn as_number(number: u64) -> f64 {
    number as f64
}
