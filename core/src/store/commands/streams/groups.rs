//! XGROUP.

use super::super::super::call::{Call, count, flag};
use super::super::super::kinds::stream::{Id, Stream};
use super::super::super::stop::Stop;
use super::{check_subcommand, id_at, interval, no_such_consumer_group, subcommand_syntax};
use crate::resp::Value;
use crate::store::Refusal;

const NO_KEY: &str = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.";

#[derive(Debug, Default)]
struct Options {
    makes_stream: bool,
    entries_read: Option<i64>,
}

pub(super) fn xgroup(call: &mut Call<'_>) -> Result<Value, Stop> {
    check_subcommand(
        call,
        &[
            ("create", 5..=usize::MAX),
            ("setid", 5..=usize::MAX),
            ("destroy", 4..=4),
            ("createconsumer", 5..=5),
            ("delconsumer", 5..=5),
            ("help", 2..=2),
        ],
    )?;
    let subcommand = call.option(1);
    if subcommand == b"HELP" {
        return Err(Refusal::Unsupported.into());
    }
    let options = options(call, &subcommand)?;
    let (key, name) = (call.arg(2), call.arg(3));
    let stream = call.read::<Stream>(key)?;
    if !options.makes_stream {
        let stream = stream.ok_or(NO_KEY)?;
        let needs_group = matches!(&*subcommand, b"SETID" | b"CREATECONSUMER" | b"DELCONSUMER");
        if needs_group && !stream.groups().contains_key(name) {
            return Err(no_such_consumer_group(key, name));
        }
    }
    match subcommand.as_slice() {
        b"CREATE" if call.args.len() <= 8 => create(call, &options),
        b"SETID" if matches!(call.args.len(), 5 | 7) => set_id(call, &options),
        b"DESTROY" => {
            let is_gone = write(call)?.destroy_group(name);
            Ok(done(call, is_gone))
        }
        b"CREATECONSUMER" => {
            let now = call.now;
            let consumer = call.arg(4);
            let stream = write(call)?;
            let is_new = stream.with_group(name, |group, _| group.create_consumer(consumer, now));
            Ok(done(call, is_new == Some(true)))
        }
        b"DELCONSUMER" => {
            let consumer = call.arg(4);
            let stream = write(call)?;
            let pending = stream.with_group(name, |group, _| group.delete_consumer(consumer));
            done(call, pending.flatten().is_some());
            Ok(count(pending.flatten().unwrap_or(0)))
        }
        _ => Err(subcommand_syntax(call)),
    }
}

fn options(call: &Call<'_>, subcommand: &[u8]) -> Result<Options, Stop> {
    let mut options = Options::default();
    let mut at = 5;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"MKSTREAM" if subcommand == b"CREATE" => options.makes_stream = true,
            b"ENTRIESREAD"
                if matches!(subcommand, b"CREATE" | b"SETID") && at + 1 < call.args.len() =>
            {
                let number = call.integer(at + 1)?;
                if number < -1 {
                    return Err("ERR value for ENTRIESREAD must be positive or -1".into());
                }
                options.entries_read = (number >= 0).then_some(number);
                at += 1;
            }
            _ => return Err(subcommand_syntax(call)),
        }
        at += 1;
    }
    Ok(options)
}

fn create(call: &mut Call<'_>, options: &Options) -> Result<Value, Stop> {
    let (key, name) = (call.arg(2), call.arg(3));
    let id = if call.arg(4) == b"$" {
        call.read::<Stream>(key)?.map_or(Id::MIN, |stream| stream.entries().last_id())
    } else {
        id_at(call, 4)?
    };
    let stream = call.write_or_new::<Stream>(key)?;
    if !stream.create_group(name, id, options.entries_read) {
        return Err("BUSYGROUP Consumer Group name already exists".into());
    }
    tell_with_id(call, id);
    Ok(Value::ok())
}

fn set_id(call: &mut Call<'_>, options: &Options) -> Result<Value, Stop> {
    let name = call.arg(3);
    let id = match call.arg(4) {
        b"$" => write(call)?.entries().last_id(),
        // Redis takes a parenthesis here for a bad ID, unlike in ranges.
        text if text.starts_with(b"(") => id_at(call, 4)?,
        text => interval(text, 0)?.0,
    };
    write(call)?.with_group(name, |group, _| {
        group.last_id = id;
        group.entries_read = options.entries_read;
    });
    tell_with_id(call, id);
    Ok(Value::ok())
}

/// Tells this command with the ID that `$` meant.
fn tell_with_id(call: &mut Call<'_>, id: Id) {
    let (key, text) = (call.arg(2), id.text());
    let mut args = call.args.to_vec();
    if let Some(arg) = args.get_mut(4) {
        *arg = &text;
    }
    call.changed_by(key, &args);
}

fn write<'c>(call: &'c mut Call<'_>) -> Result<&'c mut Stream, Stop> {
    let key = call.arg(2);
    call.write::<Stream>(key)?.ok_or_else(|| NO_KEY.into())
}

fn done(call: &mut Call<'_>, is_changed: bool) -> Value {
    if is_changed {
        call.changed(call.arg(2));
    }
    flag(is_changed)
}
