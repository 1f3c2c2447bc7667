//! Commands on streams: <https://redis.io/docs/latest/commands/?group=stream>.

mod claim;
mod entries;
mod groups;
mod info;
mod pending;
mod read;
#[cfg(test)]
mod tests;
mod trim;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::call::Call;
use super::super::kinds::stream::{Entry, Id};
use super::super::stop::Stop;
use super::Handler;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("XACK", pending::xack),
    ("XADD", entries::xadd),
    ("XAUTOCLAIM", claim::xautoclaim),
    ("XCLAIM", claim::xclaim),
    ("XDEL", entries::xdel),
    ("XGROUP", groups::xgroup),
    ("XINFO", info::xinfo),
    ("XLEN", entries::xlen),
    ("XPENDING", pending::xpending),
    ("XRANGE", |call| entries::xrange(call, false)),
    ("XREAD", read::xread),
    ("XREADGROUP", read::xreadgroup),
    ("XREVRANGE", |call| entries::xrange(call, true)),
    ("XSETID", entries::xsetid),
    ("XTRIM", trim::xtrim),
];

const INVALID_ID: &str = "ERR Invalid stream ID specified as stream command argument";

/// The argument at an index as an ID.
fn id_at(call: &Call<'_>, at: usize) -> Result<Id, Stop> {
    Id::parse(call.arg(at), 0).ok_or_else(|| INVALID_ID.into())
}

/// The start of a range: an ID, `-` or `+`; behind it where it begins with a parenthesis.
fn start_at(call: &Call<'_>, at: usize) -> Result<Id, Stop> {
    match interval(call.arg(at), 0)? {
        (id, false) => Ok(id),
        (id, true) => id.next().ok_or_else(|| "ERR invalid start ID for the interval".into()),
    }
}

/// The end of a range, like its start.
fn end_at(call: &Call<'_>, at: usize) -> Result<Id, Stop> {
    match interval(call.arg(at), u64::MAX)? {
        (id, false) => Ok(id),
        (id, true) => id.previous().ok_or_else(|| "ERR invalid end ID for the interval".into()),
    }
}

/// An ID of a range, and whether it is excluded.
fn interval(text: &[u8], missing_seq: u64) -> Result<(Id, bool), Stop> {
    let parsed = match text {
        b"-" => Some((Id::MIN, false)),
        b"+" => Some((Id::MAX, false)),
        [b'(', id @ ..] if !id.is_empty() => Id::parse(id, missing_seq).map(|id| (id, true)),
        id => Id::parse(id, missing_seq).map(|id| (id, false)),
    };
    parsed.ok_or_else(|| INVALID_ID.into())
}

fn id_value(id: Id) -> Value {
    Value::Bulk(id.text())
}

/// An entry as a reply: its ID, and its fields and values.
fn entry_value(entry: &Entry<'_>) -> Value {
    let pairs = entry.pairs().flatten().map(Value::bulk).collect();
    Value::Array([id_value(entry.id), Value::Array(pairs)].into())
}

/// Tells each of the commands that change a key as it was changed.
fn tell(call: &mut Call<'_>, key: &[u8], effects: &[Vec<Vec<u8>>]) {
    for effect in effects {
        let words: Vec<&[u8]> = effect.iter().map(Vec::as_slice).collect();
        call.changed_by(key, &words);
    }
}

fn no_group(key: &[u8], group: &[u8]) -> Stop {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    format!("NOGROUP No such key '{key}' or consumer group '{group}'").into()
}

fn no_such_consumer_group(key: &[u8], group: &[u8]) -> Stop {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    format!("NOGROUP No such consumer group '{group}' for key name '{key}'").into()
}

/// The error for a subcommand whose arguments make no sense.
fn subcommand_syntax(call: &Call<'_>) -> Stop {
    let container = String::from_utf8_lossy(call.arg(0)).to_uppercase();
    let name = String::from_utf8_lossy(call.arg(1)).into_owned();
    format!(
        "ERR unknown subcommand or wrong number of arguments for '{name}'. Try {container} HELP."
    )
    .into()
}

/// Checks the number of arguments of a subcommand, which Redis does first.
fn check_subcommand(
    call: &Call<'_>,
    known: &[(&str, core::ops::RangeInclusive<usize>)],
) -> Result<(), Stop> {
    let name = call.arg(1);
    let found = known.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    let (name, range) = found.ok_or_else(|| super::unknown_subcommand(call))?;
    if range.contains(&call.args.len()) {
        return Ok(());
    }
    Err(super::wrong_arity(&format!("{}|{name}", call.name())))
}
