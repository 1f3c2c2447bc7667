//! Commands that count different elements approximately.

use super::super::call::{Call, count, flag};
use super::super::hyperloglog::{self, Corrupted, DENSE_BYTES, REGISTERS, Registers};
use super::super::stop::Stop;
use super::Handler;
use super::strings::edit;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] =
    &[("PFADD", pfadd), ("PFCOUNT", pfcount), ("PFMERGE", pfmerge)];

impl From<Corrupted> for Stop {
    fn from(_: Corrupted) -> Self {
        "INVALIDOBJ Corrupted HLL object detected".into()
    }
}

/// The bytes of a `HyperLogLog`, or nothing.
fn registers_of<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Result<Option<&'c [u8]>, Stop> {
    match call.string(key)? {
        Some(bytes) if !hyperloglog::is_valid(bytes) => {
            Err("WRONGTYPE Key is not a valid HyperLogLog string value.".into())
        }
        found => Ok(found),
    }
}

/// Bytes by which a string may grow when registers are raised.
fn growth(bytes: Option<&[u8]>) -> usize {
    DENSE_BYTES.saturating_sub(bytes.map_or(0, <[u8]>::len))
}

fn pfadd(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let elements = call.args.get(2..).unwrap_or_default();
    let growth = growth(registers_of(call, key)?);
    let is_changed = edit(call, key, growth, |bytes| {
        let mut is_changed = bytes.is_empty();
        if is_changed {
            *bytes = hyperloglog::new();
        }
        for element in elements {
            is_changed |= hyperloglog::add(bytes, element)?;
        }
        if is_changed {
            hyperloglog::outdate_count(bytes);
        }
        Ok::<_, Corrupted>(is_changed)
    })??;
    if is_changed {
        call.changed(key);
    }
    Ok(flag(is_changed))
}

fn pfcount(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let mut registers = [0; REGISTERS];
    if call.args.len() > 2 {
        merge_all(call, 1, &mut registers)?;
        return Ok(shown(hyperloglog::estimate(&registers)));
    }
    let Some(bytes) = registers_of(call, key)? else {
        return Ok(count(0));
    };
    if let Some(cached) = hyperloglog::cached_count(bytes) {
        return Ok(shown(cached));
    }
    hyperloglog::merge(&mut registers, bytes)?;
    let estimate = hyperloglog::estimate(&registers);
    // Redis keeps the count in the string and takes that for a change of the key.
    edit(call, key, 0, |bytes| hyperloglog::cache_count(bytes, estimate))?;
    call.changed(key);
    Ok(shown(estimate))
}

fn pfmerge(call: &mut Call<'_>) -> Result<Value, Stop> {
    let target = call.arg(1);
    let mut registers = [0; REGISTERS];
    let is_dense = merge_all(call, 1, &mut registers)?;
    let growth = growth(registers_of(call, target)?);
    edit(call, target, growth, |bytes| {
        if bytes.is_empty() {
            *bytes = hyperloglog::new();
        }
        if is_dense {
            hyperloglog::make_dense(bytes)?;
        }
        for (index, value) in registers.iter().enumerate().filter(|(_, value)| **value > 0) {
            hyperloglog::raise(bytes, index, *value)?;
        }
        hyperloglog::outdate_count(bytes);
        Ok::<_, Corrupted>(())
    })??;
    call.replaced(target);
    Ok(Value::ok())
}

/// Merges the keys from an argument on; whether one of them is dense.
fn merge_all(call: &mut Call<'_>, from: usize, registers: &mut Registers) -> Result<bool, Stop> {
    let mut is_dense = false;
    for key in call.args.get(from..).unwrap_or_default() {
        if let Some(bytes) = registers_of(call, key)? {
            is_dense |= hyperloglog::is_dense(bytes);
            hyperloglog::merge(registers, bytes)?;
        }
    }
    Ok(is_dense)
}

fn shown(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
