//! The options that trim a stream, shared by XADD and XTRIM (`streamParseAddOrTrimArgsOrReply` of
//! `t_stream.c`).

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::stream::{Entries, Id, Keep, Stream, Trim};
use super::super::super::stop::{SYNTAX, Stop};
use super::{INVALID_ID, id_at};
use crate::resp::Value;

/// Entries that `~` trims at most, where no other limit is given: a hundred chunks.
const APPROXIMATE_LIMIT: u64 = 10_000;

const LIMIT_OF_EXACT: &str = "ERR syntax error, LIMIT cannot be used without the special ~ option";

/// What ID an entry gets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum NewId {
    /// The next one of the time.
    #[default]
    Automatic,
    /// The next one of this millisecond.
    Within(u64),
    Exact(Id),
}

#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) id: NewId,
    pub(super) trim: Option<Trim>,
    pub(super) only_existing: bool,
    /// Where the ID is, or the end.
    pub(super) end: usize,
}

/// Reads the options of XADD or XTRIM.
pub(super) fn options(call: &Call<'_>, is_add: bool) -> Result<Options, Stop> {
    let mut options = Options::default();
    let (mut keep, mut is_approximate, mut limit) = (None, false, None);
    let mut at = 2;
    while at < call.args.len() {
        let more = call.args.len() - at - 1;
        match call.option(at).as_slice() {
            b"*" if is_add => break,
            name @ (b"MAXLEN" | b"MINID") if more > 0 => {
                if keep.is_some() {
                    return Err("ERR syntax error, MAXLEN and MINID options at the same time are not compatible".into());
                }
                is_approximate = more > 1 && call.arg(at + 1) == b"~";
                at += 1 + usize::from(is_approximate || more > 1 && call.arg(at + 1) == b"=");
                keep = Some(threshold(call, at, name == b"MAXLEN")?);
            }
            b"LIMIT" if more > 0 => {
                at += 1;
                let number = u64::try_from(call.integer(at)?);
                limit = Some(number.map_err(|_| "ERR The LIMIT argument must be >= 0.")?);
            }
            b"NOMKSTREAM" if is_add => options.only_existing = true,
            _ if is_add => {
                options.id = new_id(call.arg(at))?;
                break;
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 1;
    }
    options.end = at;
    match keep {
        Some(keep) => options.trim = Some(trim(keep, is_approximate, limit)?),
        None => without_trim(limit, is_add)?,
    }
    Ok(options)
}

/// The options that trim exactly what was trimmed, for a stream of which Redis may hold more: what
/// the caller wanted to stay stays there too.
pub(super) fn exact(trim: Trim, entries: &Entries) -> Vec<Vec<u8>> {
    let (name, threshold) = match trim.keep {
        Keep::Newest(max) if trim.is_approximate => {
            (&b"MAXLEN"[..], max.max(entries.len() as u64).to_string().into_bytes())
        }
        Keep::Newest(max) => (&b"MAXLEN"[..], max.to_string().into_bytes()),
        Keep::From(id) if trim.is_approximate && entries.len() > 0 => {
            (&b"MINID"[..], id.min(entries.first_id()).text())
        }
        Keep::From(id) => (&b"MINID"[..], id.text()),
    };
    vec![name.to_vec(), b"=".to_vec(), threshold]
}

pub(super) fn xtrim(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = options(call, false)?;
    let key = call.arg(1);
    let (Some(stream), Some(trim)) = (call.write::<Stream>(key)?, options.trim) else {
        return Ok(Value::Integer(0));
    };
    let deleted = stream.entries_mut().trim(trim);
    if deleted > 0 {
        let mut command = vec![b"XTRIM".to_vec(), key.to_vec()];
        command.extend(exact(trim, stream.entries()));
        super::tell(call, key, &[command]);
    }
    Ok(count(deleted))
}

fn threshold(call: &Call<'_>, at: usize, is_length: bool) -> Result<Keep, Stop> {
    if !is_length {
        return id_at(call, at).map(Keep::From);
    }
    let max = u64::try_from(call.integer(at)?);
    max.map(Keep::Newest).map_err(|_| "ERR The MAXLEN argument must be >= 0.".into())
}

fn new_id(text: &[u8]) -> Result<NewId, Stop> {
    if let Some(ms) = Id::parse_open(text) {
        return Ok(NewId::Within(ms));
    }
    Id::parse(text, 0).map(NewId::Exact).ok_or_else(|| INVALID_ID.into())
}

fn trim(keep: Keep, is_approximate: bool, limit: Option<u64>) -> Result<Trim, Stop> {
    let limit = match limit {
        Some(_) if !is_approximate => return Err(LIMIT_OF_EXACT.into()),
        None if is_approximate => APPROXIMATE_LIMIT,
        limit => limit.unwrap_or(0),
    };
    Ok(Trim { keep, is_approximate, limit })
}

fn without_trim(limit: Option<u64>, is_add: bool) -> Result<(), Stop> {
    match limit {
        Some(1..) => {
            Err("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
                .into())
        }
        _ if !is_add => {
            Err("ERR syntax error, XTRIM must be called with a trimming strategy".into())
        }
        Some(0) => Err(LIMIT_OF_EXACT.into()),
        None => Ok(()),
    }
}
