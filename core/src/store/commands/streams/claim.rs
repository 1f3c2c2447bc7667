//! XCLAIM and XAUTOCLAIM.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::stream::{Entries, Group, Id, Stream};
use super::super::super::number::parse_i64;
use super::super::super::stop::{SYNTAX, Stop};
use super::pending::idle_ms;
use super::{entry_value, id_at, id_value, no_group, start_at};
use crate::resp::Value;
use crate::time::Timestamp;

/// Pending entries that XAUTOCLAIM looks at for each that it may return.
const LOOKS_PER_ENTRY: usize = 10;
/// What Redis needs for each ID that it may return, and what it can have for all.
const ID_BYTES: i64 = 16;
const IDS_BYTES_MAX: i64 = 1 << 46;

/// The options of XCLAIM.
#[derive(Debug, Default)]
struct Options {
    is_forced: bool,
    only_ids: bool,
    delivered_at: Option<i64>,
    deliveries: Option<i64>,
    last_id: Id,
}

/// What is claimed, and for whom.
struct Claim<'a> {
    key: &'a [u8],
    group_name: &'a [u8],
    consumer: &'a [u8],
    idle_ms_min: i64,
    now: Timestamp,
    delivered_at: Timestamp,
    options: Options,
    effects: Vec<Vec<Vec<u8>>>,
}

/// What became of an entry.
enum Claimed {
    Yes(Value),
    /// It was pending, and is deleted.
    Deleted,
    No,
}

pub(super) fn xclaim(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, group_name, now) = (call.arg(1), call.arg(2), call.now);
    check_group(call)?;
    let idle_ms_min =
        parse_i64(call.arg(4)).ok_or("ERR Invalid min-idle-time argument for XCLAIM")?.max(0);
    let ids = (5..call.args.len()).map_while(|at| id_at(call, at).ok()).collect::<Vec<_>>();
    let options = options(call, 5 + ids.len())?;
    let name = call.arg(3);
    let stream = call.write::<Stream>(key)?.ok_or_else(|| no_group(key, group_name))?;
    let result = stream.with_group(group_name, |group, entries| {
        let moves_last_id = options.last_id > group.last_id;
        group.last_id = group.last_id.max(options.last_id);
        let mut claim = Claim::new(key, group_name, name, idle_ms_min, now, options);
        let claimed = ids.iter().filter_map(|id| match claim.run(group, entries, *id) {
            Claimed::Yes(value) => Some(value),
            Claimed::Deleted | Claimed::No => None,
        });
        let claimed = claimed.collect();
        if moves_last_id {
            claim.effects.push(set_id(key, group_name, group));
        }
        (Value::Array(claimed), claim.effects)
    });
    let (reply, effects) = result.ok_or_else(|| no_group(key, group_name))?;
    super::tell(call, key, &effects);
    Ok(reply)
}

pub(super) fn xautoclaim(call: &mut Call<'_>) -> Result<Value, Stop> {
    let idle_ms_min =
        parse_i64(call.arg(4)).ok_or("ERR Invalid min-idle-time argument for XAUTOCLAIM")?.max(0);
    let start = start_at(call, 5)?;
    let (limit, only_ids) = autoclaim_options(call)?;
    check_group(call)?;
    let limit = usize::try_from(limit).ok().filter(|_| limit <= IDS_BYTES_MAX / ID_BYTES);
    let limit = limit
        .ok_or("ERR Insufficient memory, failed allocating transient memory, COUNT too high.")?;
    let (key, group_name, name, now) = (call.arg(1), call.arg(2), call.arg(3), call.now);
    let stream = call.write::<Stream>(key)?.ok_or_else(|| no_group(key, group_name))?;
    let result = stream.with_group(group_name, |group, entries| {
        let options = Options { only_ids, ..Options::default() };
        let mut claim = Claim::new(key, group_name, name, idle_ms_min, now, options);
        let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
        let (mut next, mut looks) = (Some(start), limit.saturating_mul(LOOKS_PER_ENTRY));
        let mut id = first_pending(group, next);
        while looks > 0 && claimed.len() + deleted.len() < limit {
            let Some(current) = id else { break };
            match claim.run(group, entries, current) {
                Claimed::Yes(value) => claimed.push(value),
                Claimed::Deleted => deleted.push(id_value(current)),
                Claimed::No => {}
            }
            looks -= 1;
            next = current.next();
            id = first_pending(group, next);
        }
        let cursor = id_value(id.unwrap_or(Id::MIN));
        let reply = [cursor, Value::Array(claimed), Value::Array(deleted)];
        (Value::Array(reply.into()), claim.effects)
    });
    let (reply, effects) = result.ok_or_else(|| no_group(key, group_name))?;
    super::tell(call, key, &effects);
    Ok(reply)
}

/// The command that moves a group to where it is.
pub(super) fn set_id(key: &[u8], name: &[u8], group: &Group) -> Vec<Vec<u8>> {
    let read = format!("{}", group.entries_read.unwrap_or(-1)).into_bytes();
    let words: [&[u8]; 7] =
        [b"XGROUP", b"SETID", key, name, &group.last_id.text(), b"ENTRIESREAD", &read];
    words.iter().map(|word| word.to_vec()).collect()
}

/// The command that makes a consumer.
pub(super) fn create_consumer(key: &[u8], group: &[u8], consumer: &[u8]) -> Vec<Vec<u8>> {
    let words = [b"XGROUP", &b"CREATECONSUMER"[..], key, group, consumer];
    words.iter().map(|word| word.to_vec()).collect()
}

impl<'a> Claim<'a> {
    fn new(
        key: &'a [u8],
        group_name: &'a [u8],
        consumer: &'a [u8],
        idle_ms_min: i64,
        now: Timestamp,
        options: Options,
    ) -> Self {
        // A time in the future or before the epoch is a slip of the caller's clock.
        let given = options.delivered_at.and_then(|ms| u64::try_from(ms).ok());
        let delivered_at = given.map(Timestamp::from_ms).filter(|at| *at <= now).unwrap_or(now);
        let effects = Vec::new();
        Self { key, group_name, consumer, idle_ms_min, now, delivered_at, options, effects }
    }

    fn run(&mut self, group: &mut Group, entries: &Entries, id: Id) -> Claimed {
        let pending = group.pending().get(&id).cloned();
        let Some(entry) = entries.get(id) else {
            let Some(pending) = pending else {
                return Claimed::No;
            };
            // XCLAIM of a deleted entry ends that it is pending, on Redis too.
            self.effects.push(pending.claim(self.key, self.group_name, id));
            group.acknowledge(id);
            return Claimed::Deleted;
        };
        // What XCLAIM makes pending counts as delivered once before.
        let before = match &pending {
            Some(pending) if self.idle_ms_min > 0 => {
                if idle_ms(self.now, pending) < self.idle_ms_min {
                    return Claimed::No;
                }
                pending.deliveries
            }
            Some(pending) => pending.deliveries,
            None if self.options.is_forced => 1,
            None => return Claimed::No,
        };
        let again = i64::from(!self.options.only_ids);
        let deliveries = self.options.deliveries.unwrap_or_else(|| before.saturating_add(again));
        // Only who gets something is made a consumer.
        let (consumer, is_new) = group.see(self.consumer, self.now);
        if is_new {
            self.effects.push(create_consumer(self.key, self.group_name, self.consumer));
        }
        group.assign(id, &consumer, self.delivered_at, deliveries);
        if let Some(pending) = group.pending().get(&id) {
            self.effects.push(pending.claim(self.key, self.group_name, id));
        }
        Claimed::Yes(if self.options.only_ids { id_value(id) } else { entry_value(&entry) })
    }
}

fn first_pending(group: &Group, from: Option<Id>) -> Option<Id> {
    group.pending().range(from?..).next().map(|(id, _)| *id)
}

fn check_group(call: &mut Call<'_>) -> Result<(), Stop> {
    let (key, name) = (call.arg(1), call.arg(2));
    let stream = call.read::<Stream>(key)?;
    if stream.is_some_and(|stream| stream.groups().contains_key(name)) {
        return Ok(());
    }
    Err(no_group(key, name))
}

fn options(call: &Call<'_>, first: usize) -> Result<Options, Stop> {
    let mut options = Options::default();
    let mut at = first;
    while at < call.args.len() {
        let has_value = at + 1 < call.args.len();
        let value = call.arg(at + 1);
        match call.option(at).as_slice() {
            b"FORCE" => options.is_forced = true,
            b"JUSTID" => options.only_ids = true,
            b"IDLE" if has_value => {
                let idle = parse_i64(value).ok_or("ERR Invalid IDLE option argument for XCLAIM")?;
                let now = i64::try_from(call.now.as_ms()).unwrap_or(i64::MAX);
                options.delivered_at = Some(now.wrapping_sub(idle));
                at += 1;
            }
            b"TIME" if has_value => {
                let time = parse_i64(value).ok_or("ERR Invalid TIME option argument for XCLAIM")?;
                options.delivered_at = Some(time);
                at += 1;
            }
            b"RETRYCOUNT" if has_value => {
                let deliveries =
                    parse_i64(value).ok_or("ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                options.deliveries = (deliveries >= 0).then_some(deliveries);
                at += 1;
            }
            b"LASTID" if has_value => {
                options.last_id = id_at(call, at + 1)?;
                at += 1;
            }
            _ => {
                let other = String::from_utf8_lossy(call.arg(at));
                return Err(format!("ERR Unrecognized XCLAIM option '{other}'").into());
            }
        }
        at += 1;
    }
    Ok(options)
}

fn autoclaim_options(call: &Call<'_>) -> Result<(i64, bool), Stop> {
    let (mut limit, mut only_ids) = (100, false);
    let mut at = 6;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"COUNT" if at + 1 < call.args.len() => {
                limit = parse_i64(call.arg(at + 1))
                    .filter(|limit| (1..=i64::MAX / ID_BYTES).contains(limit))
                    .ok_or("ERR COUNT must be > 0")?;
                at += 1;
            }
            b"JUSTID" => only_ids = true,
            _ => return Err(SYNTAX.into()),
        }
        at += 1;
    }
    Ok((limit, only_ids))
}
