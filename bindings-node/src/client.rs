//! The client: what `lib/link.ts` calls on Node's own thread. No command crosses to another one.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::{
    Array, BufferSlice, Either, Function, JsValue, Null, Object, Uint8Array,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, Unknown};
use napi_derive::napi;
use outlast::{Config, Error, Event, Failure, Mode, Queue, Record, RuleSpec, Value, hosted};
use outlast_core::incident::Incident;
use outlast_core::rate_limit::{Limit, Verdict};
use serde::Serialize;

use crate::convert;
use crate::desk::{Desk, as_number};
use crate::errors::{self, thrown};
use crate::frames::Memory;
use crate::host::{self, Host};

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
    desk: Rc<Desk>,
    queue: Arc<Queue>,
    waker: Arc<Waker>,
    /// Whether Node's loop watches the socket for this side.
    polls: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.desk.fmt(f)
    }
}

#[napi]
impl Client {
    /// A client that dials with its first command, or at once where the policy says so. Commands are
    /// written to `memory` as `lib/frames.ts` does. `wake` is called when `turn` has something to do;
    /// `replied` with the number of a command, its reply, and those of the commands that follow;
    /// `ended` with a list as the function of `flusher` gives it, and `answered` with one of commands that were answered
    /// from memory at once. Only where `polls` holds may the loop be asked to watch a socket.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        url: String,
        options: Unknown<'_>,
        memory: Uint8Array,
        wake: Function<'_, (), ()>,
        #[napi(ts_arg_type = "(number: number, ...replies: unknown[]) => void")] replied: Function<
            '_,
            (),
            (),
        >,
        #[napi(ts_arg_type = "(number: number, ...replies: unknown[]) => void")] piped: Function<
            '_,
            (),
            (),
        >,
        #[napi(ts_arg_type = "(ended: unknown[]) => void")] ended: Function<'_, (), ()>,
        #[napi(ts_arg_type = "(answers: unknown[]) => void")] answered: Function<'_, (), ()>,
        polls: bool,
    ) -> errors::Result<Self> {
        let config = configure(&url, &options).map_err(|error| thrown(&error))?;
        let unfit = |error: napi::Error| {
            thrown(&Error::new(outlast::ErrorKind::InvalidArgument, error.reason))
        };
        let callback = wake.build_threadsafe_function::<()>().weak::<true>().build();
        let callback = callback.map_err(unfit)?;
        let waker = Arc::new(Waker { callback, called: AtomicBool::new(false) });
        let host = Host::new(env, &replied, &piped, &ended, &answered, &wake).map_err(unfit)?;
        let wake = || {
            let waker = waker.clone();
            move || waker.wake()
        };
        let queue = Arc::new(Queue::new(wake()));
        let inner = hosted::Client::new(config, queue.clone(), wake());
        inner.usable().map_err(|error| thrown(&error))?;
        let desk = Rc::new(Desk::new(inner, host, Memory::new(memory)));
        Ok(Self { desk, queue, waker, polls })
    }

    /// Begins to dial.
    #[napi]
    pub fn start(&self) {
        self.desk.inner.start();
    }

    /// Whether the first dial waits for the first command.
    #[napi(getter)]
    pub fn lazy(&self) -> bool {
        self.desk.inner.config().policy.lazy_connect
    }

    /// Milliseconds that a command may take.
    #[napi(getter)]
    pub fn deadline_ms(&self) -> f64 {
        as_number(self.desk.inner.config().policy.command_timeout_ms)
    }

    /// How the startup ended, once it has: `[true, null]` or `[false, error]`.
    #[napi(ts_return_type = "[boolean, unknown] | null")]
    pub fn startup<'env>(&self, env: &'env Env) -> napi::Result<Either<Array<'env>, Null>> {
        let Some(result) = self.desk.inner.startup() else {
            return Ok(Either::B(Null));
        };
        let mut told = Array::from_vec(env, vec![result.is_ok()])?;
        match result {
            Ok(()) => told.insert(Null)?,
            Err(error) => told.insert(errors::info(env, &error)?)?,
        }
        Ok(Either::A(told))
    }

    /// A function that takes the commands in the memory. The memory then says what became of them: all
    /// wait; there was one, and the function returns its answer; or it returns how some ended, a
    /// number, whether it went well, and the reply or error of each.
    #[napi(ts_return_type = "() => unknown")]
    pub fn flusher<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        host::function(env, self.desk.clone())
    }

    /// Likewise takes commands in other memory.
    #[napi(ts_return_type = "unknown")]
    pub fn submit_frames<'env>(&self, env: &'env Env, bytes: &[u8]) -> napi::Result<Unknown<'env>> {
        self.desk.submit_frames(env, bytes)
    }

    /// Likewise takes what stands between MULTI and EXEC, as one command. Its replies are bytes.
    #[napi(ts_return_type = "unknown")]
    pub fn submit_transaction<'env>(
        &self,
        env: &'env Env,
        bytes: &[u8],
    ) -> napi::Result<Unknown<'env>> {
        self.desk.submit_transaction(env, bytes)
    }

    /// What is to be written now, if anything, where JavaScript has the socket; a string holds one byte
    /// a character.
    #[napi(ts_return_type = "string | Buffer | null")]
    pub fn take_output<'env>(&self, env: &'env Env) -> napi::Result<Either<Unknown<'env>, Null>> {
        let Some(output) = self.desk.inner.take_output() else {
            return Ok(Either::B(Null));
        };
        Ok(Either::A(if output.len() <= STRING_BYTES_MAX {
            env.create_string_latin1(&output)?.to_unknown()
        } else {
            BufferSlice::from_data(env, output)?.to_unknown()
        }))
    }

    /// Takes what a socket of JavaScript read; the commands that it ends, as the function of `flusher` has them.
    #[napi(ts_args_type = "bytes: Uint8Array", ts_return_type = "unknown[]")]
    pub fn receive<'env>(&self, env: &'env Env, bytes: &[u8]) -> napi::Result<Array<'env>> {
        self.desk.receive(env, bytes)
    }

    /// A socket of JavaScript was closed; the commands that this ends, likewise.
    #[napi(ts_return_type = "unknown[]")]
    pub fn lost<'env>(&self, env: &'env Env, error: Option<String>) -> napi::Result<Array<'env>> {
        self.desk.lost(env, error.as_deref())
    }

    /// Gives up the connection as if it were lost; the commands that this ends, likewise.
    #[napi(ts_return_type = "unknown[]")]
    pub fn give_up<'env>(&self, env: &'env Env, reason: String) -> napi::Result<Array<'env>> {
        self.desk.give_up(env, &reason)
    }

    /// Does what is due: commands that end, likewise; what to do with the socket of JavaScript (-1
    /// nothing, -2 close it, else the number of the one to take over), milliseconds until the next
    /// turn (-1 none), and what happened since the last turn as JSON text.
    #[napi(ts_return_type = "[unknown[], number, number, string | null]")]
    pub fn turn<'env>(&self, env: &'env Env) -> napi::Result<Array<'env>> {
        // In this order: what happens after the queue was emptied wakes the loop again.
        self.waker.called.store(false, Ordering::Release);
        let events = self.queue.take();
        let (settlements, socket, next_in_ms) = self.desk.turn(env, self.polls)?;
        let mut told = Array::from_vec(env, vec![settlements])?;
        told.insert(socket)?;
        told.insert(next_in_ms.map_or(-1.0, as_number))?;
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
        self.desk.inner.is_connected()
    }

    /// Whether commands for a key go to Redis at this moment.
    #[napi]
    pub fn connected_for(&self, key: &[u8]) -> bool {
        self.desk.inner.is_connected_for(key)
    }

    /// Has Redis be away for a test, with this failure.
    #[napi]
    pub fn cause_outage(&self, cause: String) -> errors::Result<()> {
        self.desk.inner.cause_outage(&cause).map_err(|error| thrown(&error))
    }

    /// Ends the outage of a test.
    #[napi]
    pub fn end_outage(&self) {
        self.desk.inner.end_outage();
    }

    /// The snapshot as JSON text.
    #[napi]
    pub fn status(&self) -> napi::Result<String> {
        convert::text_of(&self.desk.inner.status()).map_err(|error| reason(&error))
    }

    /// What the client counted, in Prometheus' text format.
    #[napi]
    pub fn metrics(&self) -> String {
        self.desk.inner.metrics()
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
        let letters = self.desk.inner.dead_letters().into_iter().map(told).collect();
        convert::reply(env, &Value::Array(letters), true)
    }

    /// The nodes of a cluster: of each its host, its port, whether it serves slots, and whether commands
    /// for them go there at this moment.
    #[napi(ts_return_type = "[string, number, boolean, boolean][]")]
    pub fn cluster_nodes<'env>(&self, env: &'env Env) -> napi::Result<Array<'env>> {
        let mut told = Array::from_vec::<Object<'_>>(env, Vec::new())?;
        for node in self.desk.inner.cluster_nodes() {
            let mut one = Array::from_vec(env, vec![node.host])?;
            one.insert(u32::from(node.port))?;
            one.insert(node.is_master)?;
            one.insert(node.is_connected)?;
            told.insert(one)?;
        }
        Ok(told)
    }

    /// Where Redis is, without anything secret.
    #[napi(getter)]
    pub fn endpoint(&self) -> String {
        self.desk.inner.config().endpoint.to_string()
    }

    /// Ends every waiting command and the background thread. Again does nothing.
    #[napi]
    pub fn close(&self) {
        self.desk.inner.close();
    }
}

impl Client {
    pub(crate) fn limit_locally(&self, key: &[u8], limit: &Limit) -> Verdict {
        self.desk.inner.limit_locally(key, limit)
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

/// An event as `lib/` reads it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told<'a> {
    Log {
        record: &'a Record,
    },
    Mode {
        mode: Mode,
    },
    Dialling {
        dial: u64,
    },
    DialFailed {
        failure: &'a Failure,
    },
    Incident {
        incident: &'a Incident,
        #[serde(skip_serializing_if = "Option::is_none")]
        entry: Option<&'a str>,
    },
    Unknown,
}

impl<'a> From<&'a Event> for Told<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Log(record) => Self::Log { record },
            Event::Mode(mode) => Self::Mode { mode: *mode },
            Event::Dialling(dial) => Self::Dialling { dial: *dial },
            Event::DialFailed(failure) => Self::DialFailed { failure },
            Event::IncidentOpened(incident) => Self::Incident { incident, entry: None },
            Event::IncidentClosed { incident, entry } => {
                Self::Incident { incident, entry: Some(entry) }
            }
            _ => Self::Unknown,
        }
    }
}

fn reason(error: &Error) -> napi::Error {
    napi::Error::from_reason(error.message())
}
