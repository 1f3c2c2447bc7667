//! MULTI, EXEC, DISCARD, WATCH: <https://redis.io/docs/latest/commands/?group=transactions>.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::call::Call;
use super::super::common::Common;
use super::super::plan::shard_of;
use super::super::session::{Nesting, Queue, Session, Watch};
use super::super::space::Space;
use super::super::stop::Stop;
use super::{Handler, Room, checked, owned};
use crate::command::Command;
use crate::resp::Value;
use crate::store::Refusal;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("DISCARD", discard),
    ("EXEC", exec),
    ("MULTI", multi),
    ("UNWATCH", |call| {
        unwatch_all(call);
        Ok(Value::ok())
    }),
    ("WATCH", watch),
];

/// Commands that a transaction may hold.
const QUEUED_MAX: usize = 1 << 20;
/// Bytes of their arguments.
const QUEUED_BYTES_MAX: usize = 256 << 20;

/// Queues a command between MULTI and EXEC; nothing for those that are run there.
pub(super) fn queue(
    session: &mut Session,
    common: &Common,
    args: &[&[u8]],
) -> Option<Result<Value, Stop>> {
    let queue = session.queue.as_mut()?;
    let name = args.first().copied().unwrap_or_default().to_ascii_uppercase();
    if matches!(name.as_slice(), b"EXEC" | b"DISCARD" | b"MULTI" | b"WATCH" | b"QUIT" | b"RESET") {
        return None;
    }
    let known = Command::find(&name).filter(|command| common.handlers.of(command).is_some());
    let known = known.ok_or(Refusal::Unsupported).map_err(Stop::from);
    let known = known.and_then(|command| checked(command, args));
    let bytes: usize = args.iter().map(|arg| arg.len()).sum();
    let fits = queue.commands.len() < QUEUED_MAX && queue.bytes + bytes <= QUEUED_BYTES_MAX;
    let queued = known.and_then(|_| if fits { Ok(()) } else { Err(Refusal::Full.into()) });
    if let Err(stop) = queued {
        queue.broken = true;
        return Some(Err(stop));
    }
    queue.bytes += bytes;
    queue.commands.push(owned(args));
    Some(Ok(Value::Simple("QUEUED".into())))
}

/// What all commands of a transaction may need.
pub(super) fn room_for(queue: &Queue, session: &Session) -> Room {
    let room = |args: &Vec<Vec<u8>>| {
        Command::of(args)
            .map_or_else(Room::default, |command| super::room_for(command, session, args))
    };
    queue.commands.iter().map(room).fold(Room::default(), Room::and)
}

fn multi(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.session.nesting != Nesting::None {
        return Err("ERR MULTI calls can not be nested".into());
    }
    if call.session.queue.is_some() {
        return Err("ERR MULTI calls can not be nested".into());
    }
    call.session.queue = Some(Queue::default());
    Ok(Value::ok())
}

fn discard(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.session.queue.take().is_none() {
        return Err("ERR DISCARD without MULTI".into());
    }
    unwatch_all(call);
    Ok(Value::ok())
}

fn exec(call: &mut Call<'_>) -> Result<Value, Stop> {
    let queue = call.session.queue.take().ok_or("ERR EXEC without MULTI")?;
    let as_watched = unwatch_all(call);
    if queue.broken {
        return Err("EXECABORT Transaction discarded because of previous errors.".into());
    }
    if !as_watched {
        return Ok(Value::NilArray);
    }
    let wanted = room_for(&queue, call.session);
    super::make_room(call.space, call.common, call.now, wanted)?;
    // Where nothing but scripts may write, they are told as if each came by itself.
    if wanted == Room::default() {
        call.session.shortage = super::shortage(call);
    }
    let before = core::mem::replace(&mut call.session.nesting, Nesting::Transaction);
    let mut replies = Vec::with_capacity(queue.commands.len());
    for command in &queue.commands {
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let reply = super::run(call.space, call.common, call.session, call.now, &args);
        replies.push(reply.unwrap_or_else(|stop| error_of(stop, &args)));
    }
    call.session.nesting = before;
    call.session.shortage = None;
    Ok(Value::Array(replies))
}

/// A command that ended early, as a reply inside another one.
pub(super) fn error_of(stop: Stop, args: &[&[u8]]) -> Value {
    match stop {
        Stop::Reply(message) => Value::Error(message.into_owned()),
        Stop::Block(block) => block.at_timeout,
        Stop::Refusal(Refusal::Full | Refusal::JournalFull) => {
            Value::Error("OOM command not allowed when used memory > 'maxmemory'.".into())
        }
        Stop::Refusal(Refusal::Unsupported) => {
            let name = String::from_utf8_lossy(args.first().copied().unwrap_or_default());
            Value::Error(format!(
                "ERR outlast: '{}' is not served from memory",
                name.to_uppercase()
            ))
        }
    }
}

fn watch(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.session.queue.is_some() {
        return Err("ERR WATCH inside MULTI is not allowed".into());
    }
    let database = call.session.database;
    for key in call.args.iter().skip(1) {
        let known = |watch: &Watch| watch.database == database && watch.key == *key;
        if call.session.watched.iter().any(known) {
            continue;
        }
        // Clears an expired key away, so that its end is no change.
        call.exists(key);
        let version = call.shard_of(key).watch(database, key);
        call.session.watched.push(Watch { database, key: key.to_vec(), version });
    }
    Ok(Value::ok())
}

/// Ends all watches; whether every key is as it was.
fn unwatch_all(call: &mut Call<'_>) -> bool {
    let mut same = true;
    for Watch { database, key, version } in core::mem::take(&mut call.session.watched) {
        // A key that expired meanwhile changed, too.
        call.in_database(database, |call| call.exists(&key));
        same &= call.shard_of(&key).unwatch(database, &key, version);
    }
    same
}

/// Ends a session: its watches and subscriptions.
pub(in crate::store) fn close(space: &mut dyn Space, seed: u64, session: &mut Session) {
    for Watch { database, key, version } in core::mem::take(&mut session.watched) {
        let at = shard_of(seed, &key, space.shards());
        space.shard(at).unwatch(database, &key, version);
    }
    let id = session.id;
    for channel in core::mem::take(&mut session.listens) {
        let channels = &mut space.globals().channels;
        if let Some(sessions) = channels.get_mut(&channel) {
            sessions.remove(&id);
            if sessions.is_empty() {
                channels.remove(&channel);
            }
        }
    }
    space.globals().deliveries.retain(|(to, _)| *to != id);
}
