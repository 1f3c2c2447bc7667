//! Moving an element from one list to another.

use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::List;
use super::super::super::stop::Stop;
use super::pops::wait;
use super::{End, bulk_or_none};
use crate::resp::Value;

pub(super) fn lmove(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (from, to) = (End::at(call, 3)?, End::at(call, 4)?);
    shift(call, from, to).map(bulk_or_none)
}

pub(super) fn blmove(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (from, to) = (End::at(call, 3)?, End::at(call, 4)?);
    blocking_shift(call, from, to, 5)
}

pub(super) fn brpoplpush(call: &mut Call<'_>) -> Result<Value, Stop> {
    blocking_shift(call, End::Right, End::Left, 3)
}

fn blocking_shift(
    call: &mut Call<'_>,
    from: End,
    to: End,
    timeout_at: usize,
) -> Result<Value, Stop> {
    let until = call.wait_until(timeout_at)?;
    match shift(call, from, to)? {
        Some(element) => Ok(Value::Bulk(element)),
        None => wait(call, &[call.arg(1)], until, Value::Nil),
    }
}

/// Moves an element from the list at the first argument to the one at the second.
pub(super) fn shift(call: &mut Call<'_>, from: End, to: End) -> Result<Option<Vec<u8>>, Stop> {
    let (source, target) = (call.arg(1), call.arg(2));
    if call.read::<List>(source)?.is_none() {
        return Ok(None);
    }
    call.read::<List>(target)?;
    let Some(list) = call.write::<List>(source)? else {
        return Ok(None);
    };
    let Some(element) = from.pop(list) else {
        return Ok(None);
    };
    if source == target {
        to.push(list, &element);
        // The rotation itself has one key only. LREM and a push would lose the key's expiry
        // where this is the only element.
        let name = |end| if end == End::Left { &b"LEFT"[..] } else { b"RIGHT" };
        call.changed_by(source, &[b"LMOVE", source, source, name(from), name(to)]);
        return Ok(Some(element));
    }
    to.push(call.write_or_new::<List>(target)?, &element);
    call.changed_by(target, &[to.push_name(), target, &element]);
    call.changed_by(source, &[b"LREM", source, from.one(), &element]);
    Ok(Some(element))
}
