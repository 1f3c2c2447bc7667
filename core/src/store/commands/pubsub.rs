//! Channels: <https://redis.io/docs/latest/commands/?group=pubsub>.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use super::super::call::{Call, count};
use super::super::glob;
use super::super::space::{Globals, Listening};
use super::super::stop::Stop;
use super::{Handler, unknown_subcommand};
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("PSUBSCRIBE", |call| Ok(subscribe(call, Listening::Pattern, "psubscribe"))),
    ("PUBLISH", |call| Ok(publish(call))),
    ("PUBSUB", pubsub),
    ("PUNSUBSCRIBE", |call| Ok(unsubscribe(call, Listening::Pattern, "punsubscribe"))),
    ("SPUBLISH", |call| Ok(spublish(call))),
    ("SSUBSCRIBE", |call| Ok(subscribe(call, Listening::Shard, "ssubscribe"))),
    ("SUBSCRIBE", |call| Ok(subscribe(call, Listening::Channel, "subscribe"))),
    ("SUNSUBSCRIBE", |call| Ok(unsubscribe(call, Listening::Shard, "sunsubscribe"))),
    ("UNSUBSCRIBE", |call| Ok(unsubscribe(call, Listening::Channel, "unsubscribe"))),
];

fn subscribe(call: &mut Call<'_>, how: Listening, word: &str) -> Value {
    let id = call.session.id;
    let mut replies = Vec::with_capacity(call.args.len());
    for name in call.args.iter().skip(1) {
        let channel = (how, name.to_vec());
        if call.session.listens.insert(channel.clone()) {
            call.space.globals().channels.entry(channel).or_default().insert(id);
        }
        replies.push(told(call, how, word, Value::bulk(*name)));
    }
    answer(call, replies)
}

/// Without names, ends all subscriptions of a kind.
fn unsubscribe(call: &mut Call<'_>, how: Listening, word: &str) -> Value {
    let names: Vec<Vec<u8>> = if call.args.len() > 1 {
        super::owned(call.args.get(1..).unwrap_or_default())
    } else {
        let of_kind = call.session.listens.iter().filter(|(kind, _)| *kind == how);
        of_kind.map(|(_, name)| name.clone()).collect()
    };
    let mut replies = Vec::with_capacity(names.len());
    for name in names {
        let channel = (how, name);
        if call.session.listens.remove(&channel) {
            forget(call.space.globals(), call.session.id, &channel);
        }
        replies.push(told(call, how, word, Value::Bulk(channel.1)));
    }
    if replies.is_empty() {
        replies.push(told(call, how, word, Value::Nil));
    }
    answer(call, replies)
}

fn forget(globals: &mut Globals, id: u64, channel: &(Listening, Vec<u8>)) {
    if let Some(sessions) = globals.channels.get_mut(channel) {
        sessions.remove(&id);
        if sessions.is_empty() {
            globals.channels.remove(channel);
        }
    }
}

/// The message about one channel, with how many are left: channels and patterns count together.
fn told(call: &Call<'_>, how: Listening, word: &str, name: Value) -> Value {
    let is_shard = how == Listening::Shard;
    let listens = call.session.listens.iter();
    let left = listens.filter(|(kind, _)| (*kind == Listening::Shard) == is_shard).count();
    Value::Push(vec![Value::bulk(word), name, count(left)])
}

/// The last message is the reply, the others come before it.
fn answer(call: &mut Call<'_>, mut replies: Vec<Value>) -> Value {
    let last = replies.pop().unwrap_or(Value::Nil);
    call.session.outbox.append(&mut replies);
    last
}

fn publish(call: &mut Call<'_>) -> Value {
    let (name, payload) = (call.arg(1), call.arg(2));
    let globals = call.space.globals();
    let message = [Value::bulk("message"), Value::bulk(name), Value::bulk(payload)];
    let mut receivers = deliver(globals, &(Listening::Channel, name.to_vec()), &message);
    let patterns = globals.channels.range((Listening::Pattern, Vec::new())..);
    let patterns = patterns.take_while(|((kind, _), _)| *kind == Listening::Pattern);
    let matching = patterns.filter(|((_, pattern), _)| glob::matches(pattern, name));
    let matching: Vec<_> = matching.map(|(channel, _)| channel.clone()).collect();
    for channel in matching {
        let message = [
            Value::bulk("pmessage"),
            Value::bulk(channel.1.clone()),
            Value::bulk(name),
            Value::bulk(payload),
        ];
        receivers += deliver(globals, &channel, &message);
    }
    count(receivers)
}

fn spublish(call: &mut Call<'_>) -> Value {
    let (name, payload) = (call.arg(1), call.arg(2));
    let message = [Value::bulk("smessage"), Value::bulk(name), Value::bulk(payload)];
    let channel = (Listening::Shard, name.to_vec());
    count(deliver(call.space.globals(), &channel, &message))
}

/// Sends a message to all who listen to a channel or pattern; how many they are.
fn deliver(globals: &mut Globals, channel: &(Listening, Vec<u8>), message: &[Value]) -> usize {
    let Globals { channels, deliveries, .. } = globals;
    let sessions = channels.get(channel).into_iter().flatten();
    deliveries.extend(sessions.map(|id| (*id, Value::Push(message.to_vec()))));
    channels.get(channel).map_or(0, BTreeSet::len)
}

fn pubsub(call: &mut Call<'_>) -> Result<Value, Stop> {
    let option = call.option(1);
    let how = if option.starts_with(b"SHARD") { Listening::Shard } else { Listening::Channel };
    match option.as_slice() {
        b"CHANNELS" | b"SHARDCHANNELS" => {
            if call.args.len() > 3 {
                let name = alloc::string::String::from_utf8_lossy(call.arg(1));
                return Err(alloc::format!(
                    "ERR unknown subcommand or wrong number of arguments for '{name}'. Try PUBSUB \
                     HELP."
                )
                .into());
            }
            let pattern = call.args.get(2).copied();
            let channels = call.space.globals().channels.keys();
            let names = channels.filter(|(kind, _)| *kind == how).map(|(_, name)| name);
            let matching = names.filter(|name| pattern.is_none_or(|p| glob::matches(p, name)));
            Ok(Value::Array(matching.map(|name| Value::bulk(name.clone())).collect()))
        }
        b"NUMSUB" | b"SHARDNUMSUB" => {
            let channels = &call.space.globals().channels;
            let of = |name: &&[u8]| {
                let sessions = channels.get(&(how, name.to_vec()));
                [Value::bulk(*name), count(sessions.map_or(0, BTreeSet::len))]
            };
            Ok(Value::Array(call.args.iter().skip(2).flat_map(of).collect()))
        }
        b"NUMPAT" => {
            let channels = call.space.globals().channels.keys();
            Ok(count(channels.filter(|(kind, _)| *kind == Listening::Pattern).count()))
        }
        _ => Err(unknown_subcommand(call)),
    }
}
