//! Between JavaScript and the client: commands come in from shared memory, bytes go over the socket
//! that Node's loop watches, and what ends is told.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;

use napi::bindgen_prelude::{Array, JsValue, Null, Object, ToNapiValue};
use napi::{Env, Unknown};
use outlast::hosted::{self, Settlement, Submission};
use outlast::{Error, ErrorKind, Value};
use outlast_core::resp::Commands;

use crate::convert;
use crate::errors;
use crate::frames::{Frame, Frames, Memory, Outcome, Word};
use crate::host::{ARGUMENTS_MAX, Called, Entry, Host};
use crate::uv::{Ready, Watch};

/// Bytes of one read: what follows from them is done in a few milliseconds.
const READ_BYTES: usize = 64 * 1_024;

/// A client, and what it shares with JavaScript.
pub(crate) struct Desk {
    pub(crate) inner: hosted::Client,
    host: Host,
    memory: Memory,
    /// Pending commands whose replies are wanted as bytes.
    as_bytes: RefCell<HashSet<u64>>,
    /// Of pending pipelines that have such commands, of each whether it is one.
    parts_as_bytes: RefCell<HashMap<u64, Vec<bool>>>,
    /// Commands that were handed in so far: the number of the next one.
    handed_in: Cell<u64>,
    wire: RefCell<Option<Rc<Wire>>>,
    input: RefCell<Vec<u8>>,
}

/// The socket, whatever its family: what is asked of it here is the same for all.
struct Wire {
    /// Ends before the socket is closed.
    watch: Watch,
    socket: TcpStream,
    /// The socket took less than there was.
    is_full: Cell<bool>,
}

/// How a command or a pipeline ended.
struct Ended {
    number: u64,
    how: How,
}

enum How {
    /// And whether the reply is wanted as bytes.
    One(Result<Value, Error>, bool),
    /// And of which replies that is so; of none where there are none.
    Each(Vec<Result<Value, Error>>, Vec<bool>),
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Called for Desk {
    /// Takes the commands in the shared memory, and writes. The memory then says what became of them;
    /// the answer, or how some of them ended.
    fn called<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        let (count, ended) = self.take_frames();
        self.outcome(env, count, ended)
    }
}

impl Desk {
    pub(crate) fn new(inner: hosted::Client, host: Host, memory: Memory) -> Self {
        Self {
            inner,
            host,
            memory,
            as_bytes: RefCell::default(),
            parts_as_bytes: RefCell::default(),
            handed_in: Cell::new(0),
            wire: RefCell::default(),
            input: RefCell::new(vec![0; READ_BYTES]),
        }
    }

    /// Takes commands that are in other memory than the shared one, as `called` does.
    pub(crate) fn submit_frames<'env>(
        &self,
        env: &'env Env,
        bytes: &[u8],
    ) -> napi::Result<Unknown<'env>> {
        let (count, ended) = self.submit_all(Frames::new(bytes));
        self.outcome(env, count, ended)
    }

    /// The same of commands that stand between MULTI and EXEC.
    pub(crate) fn submit_transaction<'env>(
        &self,
        env: &'env Env,
        bytes: &[u8],
    ) -> napi::Result<Unknown<'env>> {
        let commands = Frames::new(bytes).filter_map(|frame| match frame {
            Frame::Command { args, .. } => Some(args),
            Frame::Pipeline { .. } => None,
        });
        let commands = commands.collect();
        let ended = self.handed(true, || self.inner.submit_transaction(commands));
        self.outcome(env, 1, ended.into_iter().collect())
    }

    /// Does what is due: how commands ended, what to do with the socket (-1 nothing, -2 close it, else
    /// the number of the one to take over), and milliseconds until the next turn.
    pub(crate) fn turn<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        polls: bool,
    ) -> napi::Result<(Array<'env>, i32, Option<u64>)> {
        let turn = self.inner.turn();
        let socket = match turn.socket {
            hosted::Socket::Close => {
                self.drop_wire();
                -2
            }
            hosted::Socket::Adopt(socket) => {
                self.drop_wire();
                if polls { self.adopt(socket) } else { socket.into_raw_fd() }
            }
            _ => -1,
        };
        let told = self.told(env, turn.settlements)?;
        self.write();
        Ok((told, socket, turn.next_in_ms))
    }

    /// Takes what a socket of JavaScript read; how commands ended.
    pub(crate) fn receive<'env>(&self, env: &'env Env, bytes: &[u8]) -> napi::Result<Array<'env>> {
        self.told(env, self.inner.receive(bytes))
    }

    /// A socket of JavaScript was closed; how commands ended.
    pub(crate) fn lost<'env>(
        &self,
        env: &'env Env,
        error: Option<&str>,
    ) -> napi::Result<Array<'env>> {
        self.told(env, self.inner.lost(error))
    }

    /// Gives up the connection as if it were lost; how commands ended.
    pub(crate) fn give_up<'env>(&self, env: &'env Env, reason: &str) -> napi::Result<Array<'env>> {
        self.drop_wire();
        self.lost(env, Some(reason))
    }

    /// What Redis has not been sent yet is written. A failure shows when the socket is read.
    pub(crate) fn write(&self) {
        let wire = self.wire.borrow();
        let Some(wire) = wire.as_ref().filter(|wire| !wire.is_full.get()) else {
            return;
        };
        if let Ok(true) = self.inner.write_into(&wire.socket) {
            wire.is_full.set(true);
            wire.watch.set_writable_wanted(true);
        }
    }

    fn drop_wire(&self) {
        let wire = self.wire.borrow_mut().take();
        drop(wire);
    }

    /// Has the loop watch this socket: -1, or its number where that is not to be had.
    fn adopt(self: &Rc<Self>, socket: OwnedFd) -> i32 {
        let socket = TcpStream::from(socket);
        let desk = Rc::downgrade(self);
        let told = move |ready| {
            if let Some(desk) = desk.upgrade() {
                desk.ready(ready);
            }
        };
        let Some(watch) = Watch::new(self.host.env(), socket.as_raw_fd(), told) else {
            return socket.into_raw_fd();
        };
        let wire = Wire { watch, socket, is_full: Cell::new(false) };
        *self.wire.borrow_mut() = Some(Rc::new(wire));
        -1
    }

    /// The loop tells that something can be read, or written.
    fn ready(&self, ready: Ready) {
        let Some(wire) = self.wire.borrow().clone() else {
            return;
        };
        if ready.writable && wire.is_full.replace(false) {
            wire.watch.set_writable_wanted(false);
        }
        let mut input = self.input.take();
        let is_watched = || self.wire.borrow().as_ref().is_some_and(|now| Rc::ptr_eq(now, &wire));
        loop {
            match (&wire.socket).read(&mut input) {
                Ok(0) => self.end(None),
                Ok(bytes) => {
                    self.tell_replies(self.inner.receive(input.get(..bytes).unwrap_or_default()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !ready.broken => {}
                Err(error) => self.end(Some(&error.to_string())),
            }
            // Nobody tells of a broken socket a second time.
            if !ready.broken || !is_watched() {
                break;
            }
        }
        self.input.replace(input);
        self.follow();
    }

    /// The connection ended.
    fn end(&self, error: Option<&str>) {
        self.drop_wire();
        let settlements = self.inner.lost(error);
        self.enter(|entry| {
            entry.ended(&self.told(&entry.env, settlements)?.to_unknown())?;
            entry.wake()
        });
    }

    /// Takes what was asked for while replies were told, until nothing more is.
    fn follow(&self) {
        loop {
            let (count, ended) = self.take_frames();
            if count == 0 {
                break;
            }
            if !ended.is_empty() {
                self.enter(|entry| entry.answered(&Self::list(&entry.env, &ended)?.to_unknown()));
            }
        }
        self.write();
    }

    fn enter(&self, call: impl FnOnce(&Entry<'_>) -> napi::Result<()>) {
        self.memory.set(Word::Telling, 1);
        self.host.enter(call);
        self.memory.set(Word::Telling, 0);
    }

    /// Tells how commands ended, all in one entry.
    fn tell_replies(&self, settlements: Vec<Settlement>) {
        if settlements.is_empty() {
            return;
        }
        self.enter(|entry| {
            let mut run = Run { entry, arguments: Vec::with_capacity(ARGUMENTS_MAX), next: 0 };
            for settlement in settlements {
                let Ended { number, how } = self.ended(settlement);
                match how {
                    How::One(Ok(value), as_bytes) => {
                        match convert::reply(&entry.env, &value, as_bytes) {
                            Ok(reply) => run.add(number, &reply)?,
                            Err(_) => run.tell_ended(number, How::One(Ok(value), as_bytes))?,
                        }
                    }
                    How::Each(parts, as_bytes) if parts.iter().all(Result::is_ok) => {
                        run.tell()?;
                        Self::tell_parts(entry, number, &parts, &as_bytes)?;
                    }
                    how => run.tell_ended(number, how)?,
                }
            }
            run.tell()
        });
    }

    fn take_frames(&self) -> (usize, Vec<Ended>) {
        let taken = self.memory.with_commands(|bytes| self.submit_all(Frames::new(bytes)));
        self.memory.clear();
        taken
    }

    fn submit_all(&self, frames: Frames<'_>) -> (usize, Vec<Ended>) {
        let (mut count, mut all_ended) = (0, Vec::new());
        for frame in frames {
            count += 1;
            all_ended.extend(match frame {
                Frame::Command { args, as_bytes } => {
                    self.handed(as_bytes, || self.inner.submit(args))
                }
                Frame::Pipeline { commands, as_bytes } => self.handed_pipeline(commands, as_bytes),
            });
        }
        (count, all_ended)
    }

    fn handed_pipeline(&self, commands: Commands, as_bytes: Vec<bool>) -> Option<Ended> {
        let number = self.next_number();
        let as_bytes = if as_bytes.contains(&true) { as_bytes } else { Vec::new() };
        if let Submission::SettledEach(parts) = self.inner.submit_pipeline(commands) {
            return Some(Ended { number, how: How::Each(parts, as_bytes) });
        }
        if !as_bytes.is_empty() {
            self.parts_as_bytes.borrow_mut().insert(number, as_bytes);
        }
        None
    }

    fn next_number(&self) -> u64 {
        self.handed_in.replace(self.handed_in.get() + 1)
    }

    /// Tells the replies of a pipeline, all of which went well.
    fn tell_parts(
        entry: &Entry<'_>,
        number: u64,
        parts: &[Result<Value, Error>],
        as_bytes: &[bool],
    ) -> napi::Result<()> {
        let number = as_number(number).into_unknown(&entry.env)?.raw();
        let mut arguments = Vec::with_capacity(ARGUMENTS_MAX);
        for (nth, value) in parts.iter().flatten().enumerate() {
            if arguments.is_empty() {
                arguments.push(number);
            }
            let as_bytes = as_bytes.get(nth).is_some_and(|as_bytes| *as_bytes);
            arguments.push(convert::reply(&entry.env, value, as_bytes)?.raw());
            if arguments.len() == ARGUMENTS_MAX || nth + 1 == parts.len() {
                entry.piped(&arguments)?;
                arguments.clear();
            }
        }
        Ok(())
    }

    fn handed(
        &self,
        as_bytes: bool,
        submit: impl FnOnce() -> Result<Submission, Error>,
    ) -> Option<Ended> {
        let number = self.next_number();
        let result = match submit() {
            Ok(Submission::Pending(pending)) => {
                debug_assert_eq!(pending, number, "both sides count alike");
                if as_bytes {
                    self.as_bytes.borrow_mut().insert(number);
                }
                return None;
            }
            Ok(Submission::Settled(result)) => result,
            Ok(_) => Err(Error::new(ErrorKind::InvalidArgument, "an unknown submission")),
            Err(error) => Err(error),
        };
        Some(Ended { number, how: How::One(result, as_bytes) })
    }

    /// Writes, and says in the memory what became of so many commands; the answer, or how they ended.
    fn outcome<'env>(
        &self,
        env: &'env Env,
        count: usize,
        ended: Vec<Ended>,
    ) -> napi::Result<Unknown<'env>> {
        let (outcome, told) = match ended.as_slice() {
            [] => (Outcome::Pending, Null.into_unknown(env)?),
            [Ended { how: How::One(Ok(value), as_bytes), .. }] if count == 1 => {
                (Outcome::Answered, convert::reply(env, value, *as_bytes)?)
            }
            ended => (Outcome::Ended, Self::list(env, ended)?.to_unknown()),
        };
        self.memory.set(Word::Outcome, outcome as u32);
        if ended.len() < count {
            self.write();
        }
        Ok(told)
    }

    fn ended(&self, settlement: Settlement) -> Ended {
        let number = settlement.command;
        if !settlement.parts.is_empty() {
            let mut pending = self.parts_as_bytes.borrow_mut();
            let as_bytes = if pending.is_empty() { None } else { pending.remove(&number) };
            let how = How::Each(settlement.parts, as_bytes.unwrap_or_default());
            return Ended { number, how };
        }
        let mut pending = self.as_bytes.borrow_mut();
        let as_bytes = !pending.is_empty() && pending.remove(&number);
        Ended { number, how: How::One(settlement.result, as_bytes) }
    }

    fn told<'env>(
        &self,
        env: &'env Env,
        settlements: Vec<Settlement>,
    ) -> napi::Result<Array<'env>> {
        let ended: Vec<Ended> = settlements.into_iter().map(|one| self.ended(one)).collect();
        Self::list(env, &ended)
    }

    /// Of each its number, whether it went well, and its reply or error. The reply of a pipeline is a
    /// list of this for each of its commands, without the numbers.
    fn list<'env>(env: &'env Env, ended: &[Ended]) -> napi::Result<Array<'env>> {
        let mut told = Array::from_vec::<Object<'_>>(env, Vec::new())?;
        for Ended { number, how } in ended {
            told.insert(as_number(*number))?;
            match how {
                How::One(result, as_bytes) => Self::put(env, &mut told, result, *as_bytes)?,
                How::Each(parts, as_bytes) => {
                    let mut list = Array::from_vec::<Object<'_>>(env, Vec::new())?;
                    for (nth, result) in parts.iter().enumerate() {
                        let as_bytes = as_bytes.get(nth).is_some_and(|as_bytes| *as_bytes);
                        Self::put(env, &mut list, result, as_bytes)?;
                    }
                    told.insert(true)?;
                    told.insert(list)?;
                }
            }
        }
        Ok(told)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what is put there lives as long")]
    fn put<'env>(
        env: &'env Env,
        told: &mut Array<'env>,
        result: &Result<Value, Error>,
        as_bytes: bool,
    ) -> napi::Result<()> {
        let reply = result.as_ref().map(|value| convert::reply(env, value, as_bytes));
        let (is_reply, value) = match reply {
            Ok(Ok(reply)) => (true, reply),
            Ok(Err(error)) => {
                let error = Error::new(ErrorKind::InvalidArgument, &*error.reason);
                (false, errors::info(env, &error)?.to_unknown())
            }
            Err(error) => (false, errors::info(env, error)?.to_unknown()),
        };
        told.insert(is_reply)?;
        told.insert(value)
    }
}

/// Replies of commands that follow one another, to be told in one call.
struct Run<'a> {
    entry: &'a Entry<'a>,
    /// The first number, and the replies.
    arguments: Vec<napi::sys::napi_value>,
    /// The number of the next one.
    next: u64,
}

impl Run<'_> {
    fn add(&mut self, number: u64, reply: &Unknown<'_>) -> napi::Result<()> {
        if number != self.next || self.arguments.len() == ARGUMENTS_MAX {
            self.tell()?;
        }
        if self.arguments.is_empty() {
            self.arguments.push(as_number(number).into_unknown(&self.entry.env)?.raw());
        }
        self.arguments.push(reply.raw());
        self.next = number + 1;
        Ok(())
    }

    /// Tells of one that is no plain reply, after those before it.
    fn tell_ended(&mut self, number: u64, how: How) -> napi::Result<()> {
        self.tell()?;
        let ended = Desk::list(&self.entry.env, &[Ended { number, how }])?;
        self.entry.ended(&ended.to_unknown())
    }

    fn tell(&mut self) -> napi::Result<()> {
        if self.arguments.is_empty() {
            return Ok(());
        }
        let told = self.entry.replied(&self.arguments);
        self.arguments.clear();
        told
    }
}

#[expect(clippy::cast_precision_loss, reason = "no client numbers 2^53 commands or waits as long")]
pub(crate) fn as_number(number: u64) -> f64 {
    number as f64
}
