//! Which command does what, and what holds for all of them: arity, room, transactions, protocol.

#![expect(clippy::unnecessary_wraps, reason = "all handlers have one signature")]

mod bitmaps;
mod connection;
mod expiry;
mod geo;
mod hashes;
mod hyperloglog;
mod keys;
mod lists;
mod pubsub;
mod scripting;
mod server;
mod sets;
mod sort;
mod sorted_sets;
mod streams;
mod strings;
mod transactions;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::call::Call;
use super::common::Common;
use super::locks::Locks;
use super::plan::{Reach, Shards, shard_of, shards_of};
use super::session::{Nesting, Queue, Replies, Session};
use super::space::{Locked, Space};
use super::stop::Stop;
use super::{Answer, Refusal, Store};
use crate::command::{Command, Flags};
use crate::resp::Value;
use crate::time::Timestamp;

pub(super) use transactions::close;

/// What runs a command.
type Handler = fn(&mut Call<'_>) -> Result<Value, Stop>;

/// What the store answers, by group.
const GROUPS: &[&[(&str, Handler)]] = &[
    bitmaps::COMMANDS,
    connection::COMMANDS,
    expiry::COMMANDS,
    geo::COMMANDS,
    hashes::COMMANDS,
    hyperloglog::COMMANDS,
    keys::COMMANDS,
    lists::COMMANDS,
    pubsub::COMMANDS,
    scripting::COMMANDS,
    server::COMMANDS,
    sets::COMMANDS,
    sort::COMMANDS,
    sorted_sets::COMMANDS,
    streams::COMMANDS,
    strings::COMMANDS,
    transactions::COMMANDS,
];

/// Bookkeeping that a write may need, beyond its arguments.
const WRITE_OVERHEAD_BYTES: usize = 256;
/// How often one command may go through the shards and evict a key of each, before it is refused.
const ROUNDS_BY_COMMAND_MAX: usize = 64;

/// Answers a command that stands alone; nothing where `condition`, asked while its keys are locked,
/// does not hold.
pub(super) fn execute<L: Locks>(
    store: &Store<L>,
    session: &mut Session,
    now: Timestamp,
    args: &[&[u8]],
    condition: impl FnOnce() -> bool,
) -> Option<Result<Value, Refusal>> {
    let run = |(command, handler): Found| {
        // There is no connection whose state could change.
        if command.traits(args).stateful {
            return Some(Err(Refusal::Unsupported.into()));
        }
        enter(store, session, now, command, handler, args, condition)
    };
    match find(&store.common, args).map_or_else(|stop| Some(Err(stop)), run)? {
        Ok(value) => Some(Ok(value)),
        Err(Stop::Reply(message)) => Some(Ok(Value::Error(message.into_owned()))),
        Err(Stop::Refusal(refusal)) => Some(Err(refusal)),
        // Who cannot wait is told what there is at once.
        Err(Stop::Block(block)) => Some(Ok(block.at_timeout)),
    }
}

/// Answers commands as one transaction; nothing where `condition` does not hold.
pub(super) fn transact<L: Locks, A: AsRef<[u8]>>(
    store: &Store<L>,
    session: &mut Session,
    now: Timestamp,
    commands: &[Vec<A>],
    condition: impl FnOnce() -> bool,
) -> Option<Result<Vec<Value>, Refusal>> {
    session.queue = Some(Queue::default());
    let mut replies = Vec::with_capacity(commands.len() + 2);
    replies.push(Value::ok());
    for command in commands {
        let args: Vec<&[u8]> = command.iter().map(AsRef::as_ref).collect();
        // What is not queued would end the transaction before its EXEC.
        let queued = transactions::queue(session, &store.common, &args)
            .unwrap_or_else(|| Err(Refusal::Unsupported.into()));
        match queued {
            Err(Stop::Refusal(refusal)) => return Some(Err(refusal)),
            Err(stop) => replies.push(transactions::error_of(stop, &args)),
            Ok(value) => replies.push(value),
        }
    }
    let exec: &[&[u8]] = &[b"EXEC"];
    let ended = match find(&store.common, exec) {
        Ok((command, handler)) => enter(store, session, now, command, handler, exec, condition)?,
        Err(stop) => Err(stop),
    };
    replies.push(match ended {
        Err(Stop::Refusal(refusal)) => return Some(Err(refusal)),
        ended => ended.unwrap_or_else(|stop| transactions::error_of(stop, exec)),
    });
    Some(Ok(replies))
}

/// Answers a command of a session.
pub(super) fn serve<L: Locks>(
    store: &Store<L>,
    session: &mut Session,
    now: Timestamp,
    args: &[&[u8]],
) -> Answer {
    let reply = if let Some(stop) = connection::forbidden(session, args) {
        Err(stop)
    } else if let Some(reply) = transactions::queue(session, &store.common, args) {
        reply
    } else {
        find(&store.common, args).and_then(|(command, handler)| {
            let reply = enter(store, session, now, command, handler, args, || true);
            reply.unwrap_or_else(|| Err(Refusal::Unsupported.into()))
        })
    };
    let mut replies = core::mem::take(&mut session.outbox);
    match reply {
        Ok(value) => replies.push(value),
        Err(Stop::Reply(message)) => replies.push(Value::Error(message.into_owned())),
        Err(Stop::Refusal(refusal)) if session.replies == Replies::On => {
            return Answer::Refused(refusal);
        }
        Err(Stop::Refusal(_)) => {}
        Err(Stop::Block(block)) => return Answer::Blocked(block),
    }
    replies = connection::wanted(session, replies);
    if session.protocol == 2 {
        replies = replies.into_iter().map(Value::into_resp2).collect();
    }
    Answer::Replies(replies)
}

/// Locks what a command needs and runs it.
fn enter<L: Locks>(
    store: &Store<L>,
    session: &mut Session,
    now: Timestamp,
    command: &Command,
    handler: Handler,
    args: &[&[u8]],
    condition: impl FnOnce() -> bool,
) -> Option<Result<Value, Stop>> {
    let common = &*store.common;
    // Room is made before, so that any key may go and not only those beside the command's own.
    let wanted = match &session.queue {
        Some(queue) => transactions::room_for(queue, session),
        None => room_for(command, session, args),
    };
    if let Err(stop) = make_room(&mut Locked::new(store, Shards::NONE), common, now, wanted) {
        // EXEC has its transaction end, whatever it comes to.
        if command.flags.contains(Flags::WRITE) {
            return condition().then_some(Err(stop));
        }
    }
    let needed = shards_of(common, store.shards.len(), session, command, args);
    let mut space = Locked::new(store, needed);
    if !condition() {
        return None;
    }
    common.commands.fetch_add(1, Ordering::Relaxed);
    for at in needed.iter() {
        space.shard(at).housekeep(now);
    }
    let is_journalled = session.journalled;
    let is_unit = is_journalled && is_unit(common, command, args);
    if is_unit || is_journalled && store.ledger.is_some() {
        space.begin_unit();
    }
    glimpse(&mut space, common, session, now, command, args);
    let reply = handler(&mut Call { now, args, session, space: &mut space, common });
    if is_journalled {
        store.end_unit(&mut space, now, is_unit);
        for at in needed.iter() {
            space.shard(at).forget_glimpses();
        }
    }
    Some(reply)
}

/// Notes what is known of keys before a command changes them whose changes are written back.
fn glimpse(
    space: &mut dyn Space,
    common: &Common,
    session: &Session,
    now: Timestamp,
    command: &Command,
    args: &[&[u8]],
) {
    if !session.journalled || session.database != 0 || !command.flags.contains(Flags::WRITE) {
        return;
    }
    for key in command.keys(args).into_iter().flatten() {
        let key = args.get(key.at).copied().unwrap_or_default();
        let at = shard_of(common.seed, key, space.shards());
        space.shard(at).glimpse(now, key);
    }
}

/// Whether a command may change several keys, which then reach Redis together.
fn is_unit(common: &Common, command: &Command, args: &[&[u8]]) -> bool {
    common.handlers.reach_of(command) != Reach::Keys
        || command.keys(args).is_ok_and(|mut keys| keys.nth(1).is_some())
}

/// Runs a command in a script or transaction, whose keys are locked.
pub(super) fn run(
    space: &mut dyn Space,
    common: &Common,
    session: &mut Session,
    now: Timestamp,
    args: &[&[u8]],
) -> Result<Value, Stop> {
    let (command, handler) = find(common, args)?;
    common.commands.fetch_add(1, Ordering::Relaxed);
    match session.nesting {
        Nesting::None => make_room(space, common, now, room_for(command, session, args))?,
        // A transaction has its room from its beginning, so that all of it is done or nothing.
        Nesting::Transaction => {}
        Nesting::Script { .. } => allow_write(session, command)?,
    }
    glimpse(space, common, session, now, command, args);
    handler(&mut Call { now, args, session, space, common })
}

/// A command and what runs it.
type Found = (&'static Command, Handler);

/// The command that arguments call, if their number fits.
fn find(common: &Common, args: &[&[u8]]) -> Result<Found, Stop> {
    let name = args.first().copied().unwrap_or_default();
    let command = Command::find(name).ok_or(Refusal::Unsupported)?;
    let handler = common.handlers.of(command).ok_or(Refusal::Unsupported)?;
    Ok((checked(command, args)?, handler))
}

/// Bytes of a command that are shown where nobody knows it.
const SHOWN_BYTES_MAX: usize = 128;

/// What a peer is told of a refused command; of an unknown one what `commandCheckExistence` in
/// `server.c` tells.
pub(super) fn refusal_reply(refusal: Refusal, args: &[&[u8]]) -> Value {
    let (name, rest) = args.split_first().map_or((&b""[..], args), |(name, rest)| (*name, rest));
    if matches!(refusal, Refusal::Full | Refusal::JournalFull) {
        let reason = "OOM command not allowed when used memory > 'maxmemory'.";
        return Value::Error(if name.eq_ignore_ascii_case(b"EXEC") {
            format!("EXECABORT Transaction discarded because of: {reason}")
        } else {
            reason.into()
        });
    }
    if let Some(command) = Command::find(name) {
        let name = Command::of(args).unwrap_or(command).name;
        return Value::Error(format!("ERR outlast: '{name}' is not served from memory"));
    }
    let shown = |bytes: &[u8], bytes_max: usize| {
        String::from_utf8_lossy(bytes.get(..bytes_max).unwrap_or(bytes)).into_owned()
    };
    let mut beginning = String::new();
    for arg in rest {
        let Some(left) = SHOWN_BYTES_MAX.checked_sub(beginning.len()).filter(|left| *left > 0)
        else {
            break;
        };
        beginning.extend(["'", &shown(arg, left), "' "]);
    }
    let name = shown(name, SHOWN_BYTES_MAX);
    Value::Error(format!("ERR unknown command '{name}', with args beginning with: {beginning}"))
}

/// What runs each command of the table and how far that reaches, in its order.
#[derive(Debug)]
pub(super) struct Handlers(Vec<Option<(Handler, Reach)>>);

impl Handlers {
    /// Finds each group's commands in the table, once for a store.
    pub(super) fn new() -> Self {
        let mut handlers = vec![None; Command::COUNT];
        for (name, handler) in GROUPS.iter().flat_map(|group| group.iter()) {
            let command = Command::find(name.as_bytes());
            let place = command.and_then(|command| handlers.get_mut(command.index()));
            if let Some(place) = place {
                *place = Some((*handler, Reach::of(name)));
            }
        }
        Self(handlers)
    }

    fn of(&self, command: &Command) -> Option<Handler> {
        self.0.get(command.index()).copied().flatten().map(|(handler, _)| handler)
    }

    /// How far a command reaches; a subcommand to its keys.
    pub(super) fn reach_of(&self, command: &Command) -> Reach {
        self.0.get(command.index()).copied().flatten().map_or(Reach::Keys, |(_, reach)| reach)
    }
}

/// The command, or the subcommand that the arguments call, if their number fits.
fn checked(command: &'static Command, args: &[&[u8]]) -> Result<&'static Command, Stop> {
    let called = match args.get(1) {
        Some(name) if command.is_container() => command.find_sub(name).ok_or_else(|| {
            let shown = String::from_utf8_lossy(name);
            Stop::from(format!("ERR unknown subcommand '{shown}'. Try {} HELP.", command.name))
        })?,
        _ => command,
    };
    if called.accepts(args.len()) { Ok(called) } else { Err(wrong_arity(&called.full_name())) }
}

/// The error of a call with too few or too many arguments.
fn wrong_arity(name: &str) -> Stop {
    format!("ERR wrong number of arguments for '{}' command", name.to_lowercase()).into()
}

/// Bytes that a write may need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Room {
    /// Of all that the limit of the values is about.
    values: usize,
    /// Of the journal alone.
    journal: usize,
}

impl Room {
    fn and(self, other: Self) -> Self {
        Self { values: self.values + other.values, journal: self.journal + other.journal }
    }
}

/// What a command may need; nothing where it does not write.
fn room_for<A: AsRef<[u8]>>(command: &Command, session: &Session, args: &[A]) -> Room {
    if !command.flags.contains(Flags::WRITE) {
        return Room::default();
    }
    let arguments: usize = args.iter().map(|arg| arg.as_ref().len()).sum();
    let once = arguments + WRITE_OVERHEAD_BYTES;
    if session.journalled {
        Room { values: once + arguments, journal: once }
    } else {
        Room { values: once, journal: 0 }
    }
}

/// What has no room, where what these arguments call is about to begin.
fn shortage(call: &mut Call<'_>) -> Option<Refusal> {
    let arguments: usize = call.args.iter().map(|arg| arg.len()).sum();
    let values = WRITE_OVERHEAD_BYTES + arguments;
    let journal = if call.session.journalled { values } else { 0 };
    match make_room(call.space, call.common, call.now, Room { values, journal }) {
        Err(Stop::Refusal(refusal)) => Some(refusal),
        _ => None,
    }
}

/// Refuses what a script writes first, where there was no room when it began: what frees memory is no
/// such write, unless it is the journal that is full.
fn allow_write(session: &mut Session, command: &Command) -> Result<(), Stop> {
    if !command.flags.contains(Flags::WRITE) {
        return Ok(());
    }
    match session.shortage {
        Some(Refusal::Full) if !command.flags.contains(Flags::DENYOOM) => {}
        Some(refusal) => return Err(refusal.into()),
        None => return Ok(()),
    }
    session.shortage = None;
    Ok(())
}

/// Clears away and evicts until so many bytes have room, or refuses what needs them.
fn make_room(
    space: &mut dyn Space,
    common: &Common,
    now: Timestamp,
    wanted: Room,
) -> Result<(), Stop> {
    if wanted == Room::default() {
        return Ok(());
    }
    if wanted.journal > 0 && !common.journal_has_room(wanted.journal) {
        return Err(Refusal::JournalFull.into());
    }
    let has_room = || common.has_room(wanted.values);
    if has_room() {
        return Ok(());
    }
    let policy = common.eviction();
    let shards = if space.held().is_empty() { Shards::all(space.shards()) } else { space.held() };
    for _ in 0..ROUNDS_BY_COMMAND_MAX {
        let mut found = false;
        for at in shards.iter() {
            let shard = space.shard(at);
            found |= shard.housekeep(now);
            if has_room() {
                return Ok(());
            }
            found |= shard.evict_one(now, policy);
            if has_room() {
                return Ok(());
            }
        }
        if !found {
            break;
        }
    }
    Err(Refusal::Full.into())
}

/// What a subcommand that Redis has and the store does not comes to.
fn unknown_subcommand(_call: &Call<'_>) -> Stop {
    Refusal::Unsupported.into()
}

/// Owned copies of arguments.
fn owned(args: &[&[u8]]) -> Vec<Vec<u8>> {
    args.iter().map(|arg| arg.to_vec()).collect()
}

/// The names of all commands that are answered.
#[cfg(test)]
pub(super) fn supported() -> Vec<&'static str> {
    let mut names = Vec::new();
    names.extend(GROUPS.iter().flat_map(|group| group.iter()).map(|(name, _)| *name));
    names
}
