//! What Redis will refuse for good of a batch, as far as its keys tell.
//!
//! A batch whose reply is lost is known to be done by its marker; what was refused in it stands in that
//! reply alone. So its keys are looked at before, and watched: what they hold then they hold when the
//! batch is done. A look costs Redis the same whatever the size of the value, but for `GET`, which is
//! asked of counters.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::str::FromStr;

use super::Args;
use crate::command::{Categories, Command};
use crate::resp::Value;

/// What asks whether a key has the type that commands of a category want.
const LOOKS: [(Categories, &[u8]); 9] = [
    (Categories::HYPERLOGLOG, b"PFCOUNT"),
    (Categories::BITMAP, b"STRLEN"),
    (Categories::STRING, b"STRLEN"),
    (Categories::HASH, b"HLEN"),
    (Categories::LIST, b"LLEN"),
    (Categories::SET, b"SCARD"),
    (Categories::GEO, b"ZCARD"),
    (Categories::SORTEDSET, b"ZCARD"),
    (Categories::STREAM, b"XLEN"),
];

/// The command that asks a key what the first of these commands depends on; none where nothing that a
/// key may hold has Redis refuse them, as an expiry.
pub(super) fn look(key: &[u8], commands: &[Args]) -> Option<Args> {
    let categories = |args: &Args| Some(Command::find(args.first()?)?.categories);
    let wanted = |args: &Args| {
        let categories = categories(args)?;
        LOOKS.iter().find(|(of, _)| categories.contains(*of)).map(|(_, name)| *name)
    };
    let name = commands.iter().find_map(wanted)?;
    let single = |name: &[u8]| Some(alloc::vec![name.to_vec(), key.to_vec()]);
    match steps(commands).next().map(|(step, _)| step) {
        Some(Step::Add(_) | Step::AddFloat) => single(b"GET"),
        Some(Step::AddToField) => {
            let mut args = alloc::vec![b"HMGET".to_vec(), key.to_vec()];
            args.extend(stepped_fields(commands).map(|(_, field)| field.clone()));
            Some(args)
        }
        Some(Step::Append) => {
            Some([b"XINFO", &b"STREAM"[..], key].iter().map(|it| it.to_vec()).collect())
        }
        None => single(name),
    }
}

/// What Redis will say to the first of these commands that it refuses, by its reply to [`look`].
pub(super) fn refusal(commands: &[Args], reply: &Value) -> Option<Cow<'static, str>> {
    if let Value::Error(message) = reply {
        // Who may not read a key cannot tell.
        return message.starts_with("WRONGTYPE").then(|| Cow::Owned(message.clone()));
    }
    let told = |error: &'static str| Some(Cow::Borrowed(error));
    match steps(commands).next()?.0 {
        Step::Add(amount) => refused_sum(reply, Some(amount)).and_then(told),
        Step::AddFloat => {
            let number = number::<f64>(reply.as_bulk()?);
            number.is_none().then_some(Cow::Borrowed("ERR value is not a valid float"))
        }
        Step::AddToField => {
            let Value::Array(values) = reply else { return None };
            let mut fields = stepped_fields(commands).zip(values);
            fields.find_map(|((args, _), value)| refused_step(args, value)).and_then(told)
        }
        Step::Append => {
            let top = last_id(reply)?;
            let first = steps(commands).find_map(|(_, args)| added_id(args))?;
            let error = "ERR The ID specified in XADD is equal or smaller than the target stream \
                         top item";
            (first <= top).then_some(Cow::Borrowed(error))
        }
    }
}

/// A command that depends on what its key holds, and not on its type alone.
enum Step {
    Add(i64),
    AddFloat,
    AddToField,
    Append,
}

/// The commands that come before any that makes of the value something else.
fn steps(commands: &[Args]) -> impl Iterator<Item = (Step, &Args)> {
    let lasting = commands.iter().filter(|args| !super::sets_expiry(args));
    lasting.map_while(|args| Some((step(args)?, args)))
}

fn step(args: &Args) -> Option<Step> {
    match args.first()?.as_slice() {
        b"INCRBY" => Some(Step::Add(number(args.get(2)?)?)),
        b"INCRBYFLOAT" => Some(Step::AddFloat),
        b"HINCRBY" | b"HINCRBYFLOAT" => Some(Step::AddToField),
        b"XADD" => Some(Step::Append),
        _ => None,
    }
}

fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

fn stepped_fields(commands: &[Args]) -> impl Iterator<Item = (&Args, &Vec<u8>)> {
    let steps = steps(commands).take_while(|(step, _)| matches!(step, Step::AddToField));
    steps.filter_map(|(_, args)| Some((args, args.get(2)?)))
}

fn refused_sum(held: &Value, amount: Option<i64>) -> Option<&'static str> {
    let text = held.as_bulk()?;
    let Some(value) = number::<i64>(text) else {
        return Some("ERR value is not an integer or out of range");
    };
    let is_beyond = amount.is_some_and(|amount| value.checked_add(amount).is_none());
    is_beyond.then_some("ERR increment or decrement would overflow")
}

fn refused_step(args: &Args, held: &Value) -> Option<&'static str> {
    let text = held.as_bulk()?;
    if args.first().is_some_and(|name| name == b"HINCRBYFLOAT") {
        return number::<f64>(text).is_none().then_some("ERR hash value is not a float");
    }
    let amount = args.get(3).and_then(|amount| number::<i64>(amount));
    refused_sum(held, amount).map(|error| {
        if number::<i64>(text).is_none() { "ERR hash value is not an integer" } else { error }
    })
}

/// The number of the last entry that a stream ever had, of a reply to `XINFO STREAM`.
fn last_id(reply: &Value) -> Option<(u64, u64)> {
    let is_it = |value: &Value| value.as_bulk().is_some_and(|it| it == b"last-generated-id");
    let found = if let Value::Map(pairs) = reply {
        &pairs.iter().find(|(name, _)| is_it(name))?.1
    } else if let Value::Array(parts) = reply {
        parts.chunks(2).find(|pair| pair.first().is_some_and(is_it))?.get(1)?
    } else {
        return None;
    };
    stream_id(found.as_bulk()?)
}

/// The number that an entry is added with.
fn added_id(args: &Args) -> Option<(u64, u64)> {
    if args.first()? != b"XADD" {
        return None;
    }
    // What stands before it are options, none of which looks like it: a limit has no hyphen.
    args.iter().skip(2).find_map(|arg| arg.contains(&b'-').then(|| stream_id(arg))?)
}

fn stream_id(text: &[u8]) -> Option<(u64, u64)> {
    let (ms, sequence) = core::str::from_utf8(text).ok()?.split_once('-')?;
    Some((ms.parse().ok()?, sequence.parse().ok()?))
}
