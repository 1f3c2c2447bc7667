//! XREAD and XREADGROUP (`xreadCommand` of `t_stream.c`).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::stream::{Entries, Group, Id, Stream};
use super::super::super::number::parse_i64;
use super::super::super::session::Nesting;
use super::super::super::stop::{Block, SYNTAX, Stop};
use super::claim::{create_consumer, set_id};
use super::{entry_value, id_at, id_value};
use crate::resp::Value;
use crate::time::Timestamp;

/// Redis 7.0 says the same of XREADGROUP.
const UNBALANCED: &str =
    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.";
const DOLLAR_IN_GROUP: &str = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.";

/// The options of both commands.
#[derive(Debug, Default)]
struct Options<'a> {
    waits: bool,
    /// Until when; for ever where there is none.
    until: Option<Timestamp>,
    /// Entries of each stream at most.
    limit: Option<usize>,
    /// Group and consumer.
    group: Option<(&'a [u8], &'a [u8])>,
    acknowledges: bool,
    /// Where the first key is.
    first_key: usize,
    streams: usize,
}

/// From where a stream is read.
#[derive(Clone, Copy, Debug)]
enum From {
    /// Behind this entry, or of what is pending with the consumer behind it.
    After(Id),
    /// What the group has not read yet.
    New,
}

type Effects = Vec<Vec<Vec<u8>>>;

pub(super) fn xread(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = options(call, false)?;
    let froms = froms(call, &options)?;
    let mut replies = Vec::new();
    for (at, from) in (options.first_key..).zip(&froms) {
        let From::After(after) = *from else { continue };
        let key = call.arg(at);
        let Some(stream) = call.read::<Stream>(key)? else { continue };
        let entries = stream.entries();
        if let Some(start) = after.next()
            && entries.last_entry_id().is_some_and(|last| last > after)
        {
            let range = entries.range(start, Id::MAX).take(options.limit.unwrap_or(usize::MAX));
            let found = range.map(|entry| entry_value(&entry)).collect();
            replies.push((Value::bulk(key), Value::Array(found)));
        }
    }
    finish(call, &options, &froms, replies)
}

pub(super) fn xreadgroup(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = options(call, true)?;
    let froms = froms(call, &options)?;
    let mut replies = Vec::new();
    for (at, from) in (options.first_key..).zip(&froms) {
        let key = call.arg(at);
        let Some((group_name, name)) = options.group else { continue };
        let now = call.now;
        let Some(stream) = call.write::<Stream>(key)? else { continue };
        let read = stream.with_group(group_name, |group, entries| {
            let mut read =
                Read { key, group_name, name, now, options: &options, effects: Vec::new() };
            (read.run(group, entries, *from), read.effects)
        });
        let Some((found, effects)) = read else { continue };
        super::tell(call, key, &effects);
        replies.extend(found.map(|found| (Value::bulk(key), Value::Array(found))));
    }
    finish(call, &options, &froms, replies)
}

/// One stream read for a consumer.
struct Read<'a> {
    key: &'a [u8],
    group_name: &'a [u8],
    name: &'a [u8],
    now: Timestamp,
    options: &'a Options<'a>,
    /// The commands that do the same.
    effects: Effects,
}

impl Read<'_> {
    fn run(&mut self, group: &mut Group, entries: &Entries, from: From) -> Option<Vec<Value>> {
        if matches!(from, From::New) {
            entries.last_entry_id().filter(|last| *last > group.last_id)?;
        }
        let (consumer, is_new) = group.see(self.name, self.now);
        if is_new {
            self.effects.push(create_consumer(self.key, self.group_name, self.name));
        }
        Some(match from {
            From::After(id) => self.history(group, entries, id, &consumer),
            From::New => self.new_entries(group, entries, &consumer),
        })
    }

    /// What is pending with the consumer, delivered once more.
    fn history(
        &mut self,
        group: &mut Group,
        entries: &Entries,
        after: Id,
        consumer: &Arc<[u8]>,
    ) -> Vec<Value> {
        // Redis wraps around behind the last ID.
        let start = after.next().unwrap_or(Id::MIN);
        let limit = self.options.limit.unwrap_or(usize::MAX);
        let own = group.consumers().get(consumer).into_iter();
        let own = own.flat_map(|own| own.pending().range(start..)).take(limit);
        let ids: Vec<Id> = own.copied().collect();
        let value = |id: Id| {
            let Some(entry) = entries.get(id) else {
                return Value::Array([id_value(id), Value::NilArray].into());
            };
            let before = group.pending().get(&id).map_or(0, |pending| pending.deliveries);
            group.assign(id, consumer, self.now, before.saturating_add(1));
            if let Some(pending) = group.pending().get(&id) {
                self.effects.push(pending.claim(self.key, self.group_name, id));
            }
            entry_value(&entry)
        };
        ids.into_iter().map(value).collect()
    }

    /// What the group has not read yet; it is pending then.
    fn new_entries(
        &mut self,
        group: &mut Group,
        entries: &Entries,
        consumer: &Arc<[u8]>,
    ) -> Vec<Value> {
        let Some(start) = group.last_id.next() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let limit = self.options.limit.unwrap_or(usize::MAX);
        for entry in entries.range(start, Id::MAX).take(limit) {
            group.entries_read = match group.entries_read {
                Some(read) if !entries.has_deleted_from(entry.id) => Some(read.saturating_add(1)),
                before if entries.added() == 0 => before,
                _ => entries.added_up_to(entry.id),
            };
            group.last_id = entry.id;
            if !self.options.acknowledges {
                group.assign(entry.id, consumer, self.now, 1);
                if let Some(pending) = group.pending().get(&entry.id) {
                    self.effects.push(pending.claim(self.key, self.group_name, entry.id));
                }
            }
            found.push(entry_value(&entry));
        }
        self.effects.push(set_id(self.key, self.group_name, group));
        found
    }
}

fn finish(
    call: &Call<'_>,
    options: &Options<'_>,
    froms: &[From],
    replies: Vec<(Value, Value)>,
) -> Result<Value, Stop> {
    if !replies.is_empty() {
        return Ok(if call.is_resp3() {
            Value::Map(replies)
        } else {
            let pair = |(key, entries)| Value::Array([key, entries].into());
            Value::Array(replies.into_iter().map(pair).collect())
        });
    }
    if !options.waits || !call.may_block() {
        return Ok(Value::NilArray);
    }
    let keys = call.args.iter().skip(options.first_key).take(options.streams);
    let keys = keys.map(|key| (call.session.database, key.to_vec())).collect();
    let mut retry = super::super::owned(call.args);
    for (arg, from) in retry.iter_mut().skip(options.first_key + options.streams).zip(froms) {
        if let From::After(id) = from {
            *arg = id.text();
        }
    }
    Err(Stop::Block(Box::new(Block {
        keys,
        until: options.until,
        retry,
        at_timeout: Value::NilArray,
    })))
}

fn options<'a>(call: &Call<'a>, is_group: bool) -> Result<Options<'a>, Stop> {
    let mut options = Options::default();
    let mut at = 1;
    while at < call.args.len() {
        let more = call.args.len() - at - 1;
        match call.option(at).as_slice() {
            b"BLOCK" if more > 0 => {
                if matches!(call.session.nesting, Nesting::Script { .. }) {
                    let name = String::from_utf8_lossy(call.arg(0));
                    return Err(format!(
                        "ERR {name} command is not allowed with BLOCK option from scripts"
                    )
                    .into());
                }
                options.until = wait_until(call, at + 1)?;
                options.waits = true;
                at += 1;
            }
            b"COUNT" if more > 0 => {
                let count = usize::try_from(call.integer(at + 1)?.max(0)).unwrap_or(usize::MAX);
                options.limit = (count > 0).then_some(count);
                at += 1;
            }
            b"STREAMS" if more > 0 => {
                if more % 2 == 1 {
                    return Err(UNBALANCED.into());
                }
                options.first_key = at + 1;
                options.streams = more / 2;
                break;
            }
            b"GROUP" if more > 1 => {
                if !is_group {
                    return Err("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.".into());
                }
                options.group = Some((call.arg(at + 1), call.arg(at + 2)));
                at += 2;
            }
            b"NOACK" => {
                if !is_group {
                    return Err("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.".into());
                }
                options.acknowledges = true;
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 1;
    }
    if options.first_key == 0 {
        return Err(SYNTAX.into());
    }
    if is_group && options.group.is_none() {
        return Err("ERR Missing GROUP option for XREADGROUP".into());
    }
    Ok(options)
}

/// When a wait of so many milliseconds ends; never for 0.
fn wait_until(call: &Call<'_>, at: usize) -> Result<Option<Timestamp>, Stop> {
    let ms = parse_i64(call.arg(at)).ok_or("ERR timeout is not an integer or out of range")?;
    let ms = u64::try_from(ms).map_err(|_| "ERR timeout is negative")?;
    let now = i64::try_from(call.now.as_ms()).unwrap_or(i64::MAX);
    if i64::try_from(ms).unwrap_or(i64::MAX).checked_add(now).is_none() {
        return Err("ERR timeout is out of range".into());
    }
    Ok((ms > 0).then(|| call.now.plus_ms(ms)))
}

/// From where each stream is read, its type and group checked.
fn froms(call: &mut Call<'_>, options: &Options<'_>) -> Result<Vec<From>, Stop> {
    let keys = options.first_key..options.first_key + options.streams;
    keys.map(|at| {
        let (key, text) = (call.arg(at), call.arg(at + options.streams));
        let stream = call.read::<Stream>(key)?;
        if let Some((name, _)) = options.group
            && !stream.is_some_and(|stream| stream.groups().contains_key(name))
        {
            let (key, name) = (String::from_utf8_lossy(key), String::from_utf8_lossy(name));
            return Err(format!("NOGROUP No such key '{key}' or consumer group '{name}' in XREADGROUP with GROUP option").into());
        }
        match (text, options.group.is_some()) {
            (b"$", true) => Err(DOLLAR_IN_GROUP.into()),
            (b"$", false) => {
                Ok(From::After(stream.map_or(Id::MIN, |stream| stream.entries().last_id())))
            }
            (b">", true) => Ok(From::New),
            (b">", false) => Err("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.".into()),
            // Redis marks `>` by the last ID there can be.
            _ => match id_at(call, at + options.streams)? {
                Id::MAX if options.group.is_some() => Ok(From::New),
                id => Ok(From::After(id)),
            },
        }
    })
    .collect()
}
