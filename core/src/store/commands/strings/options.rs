//! SET and GETEX, which share their options.

use alloc::string::ToString;

use super::super::super::call::{Call, Expiry, bulk_or_nil};
use super::super::super::stop::{SYNTAX, Stop};
use super::{get, set_as};
use crate::resp::Value;

/// What a command says of the expiry.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    None,
    /// It stays (`KEEPTTL` of SET) or goes (`PERSIST` of GETEX).
    Bare,
    /// This unit of time; the number is at this argument.
    Time(Unit, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Ex,
    Px,
    ExAt,
    PxAt,
}

/// The options of SET and GETEX.
#[derive(Clone, Copy, Default)]
struct Options {
    if_absent: bool,
    if_present: bool,
    get: bool,
    wish: Wish,
}

pub(super) fn set(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = options(call, 3, true)?;
    let key = call.arg(1);
    let expiry = match options.wish {
        Wish::None => Expiry::None,
        Wish::Bare => Expiry::Keep,
        Wish::Time(unit, at) => time(call, unit, at)?,
    };
    let old = if options.get { bulk_or_nil(call.string(key)?) } else { Value::Nil };
    if options.if_absent && call.exists(key) || options.if_present && !call.exists(key) {
        return Ok(old);
    }
    set_as(call, 2, expiry);
    Ok(if options.get { old } else { Value::ok() })
}

pub(super) fn getex(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = options(call, 2, false)?;
    let key = call.arg(1);
    let value = get(call)?;
    if value == Value::Nil {
        return Ok(value);
    }
    match options.wish {
        Wish::None => {}
        Wish::Bare => {
            if call.slot(key).is_some_and(|slot| slot.expires_at().is_some()) {
                call.set_expires_at(key, None);
                call.changed_by(key, &[b"PERSIST", key]);
            }
        }
        Wish::Time(unit, at) => match time(call, unit, at)? {
            Expiry::At(at) if at > call.now => {
                call.set_expires_at(key, Some(at));
                let at_ms = at.as_ms().to_string();
                call.changed_by(key, &[b"PEXPIREAT", key, at_ms.as_bytes()]);
            }
            Expiry::None | Expiry::Keep | Expiry::At(_) => {
                call.remove(key);
                call.replaced(key);
            }
        },
    }
    Ok(value)
}

/// The options from an argument on. As in Redis, one may be there twice; the last counts.
fn options(call: &Call<'_>, from: usize, is_set: bool) -> Result<Options, Stop> {
    let mut options = Options::default();
    let mut at = from;
    while at < call.args.len() {
        let option = call.option(at);
        match option.as_slice() {
            b"NX" if is_set && !options.if_present => options.if_absent = true,
            b"XX" if is_set && !options.if_absent => options.if_present = true,
            b"GET" if is_set => options.get = true,
            b"KEEPTTL" if is_set && matches!(options.wish, Wish::None | Wish::Bare) => {
                options.wish = Wish::Bare;
            }
            b"PERSIST" if !is_set && matches!(options.wish, Wish::None | Wish::Bare) => {
                options.wish = Wish::Bare;
            }
            name => {
                let unit = unit(name).ok_or(SYNTAX)?;
                at += 1;
                let fits = match options.wish {
                    Wish::None => true,
                    Wish::Bare => false,
                    Wish::Time(before, _) => before == unit,
                };
                if !fits || at >= call.args.len() {
                    return Err(SYNTAX.into());
                }
                options.wish = Wish::Time(unit, at);
            }
        }
        at += 1;
    }
    Ok(options)
}

fn unit(name: &[u8]) -> Option<Unit> {
    match name {
        b"EX" => Some(Unit::Ex),
        b"PX" => Some(Unit::Px),
        b"EXAT" => Some(Unit::ExAt),
        b"PXAT" => Some(Unit::PxAt),
        _ => None,
    }
}

fn time(call: &Call<'_>, unit: Unit, at: usize) -> Result<Expiry, Stop> {
    let factor = if matches!(unit, Unit::Ex | Unit::ExAt) { 1_000 } else { 1 };
    let is_relative = matches!(unit, Unit::Ex | Unit::Px);
    Ok(Expiry::At(call.expiry_from(call.integer(at)?, factor, is_relative)?))
}
