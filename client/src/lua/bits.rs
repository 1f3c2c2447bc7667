//! The library `bit`: operations on 32 bits, as <https://bitop.luajit.org/> defines them.

use mlua::{Lua, Result, Table};

use super::arguments::{Arguments, function};

/// The library's table.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    unary(lua, &table, "tobit", |bits| bits)?;
    unary(lua, &table, "bnot", |bits| !bits)?;
    unary(lua, &table, "bswap", u32::swap_bytes)?;
    fold(lua, &table, "band", |left, right| left & right)?;
    fold(lua, &table, "bor", |left, right| left | right)?;
    fold(lua, &table, "bxor", |left, right| left ^ right)?;
    shift(lua, &table, "lshift", |bits, by| bits << by)?;
    shift(lua, &table, "rshift", |bits, by| bits >> by)?;
    shift(lua, &table, "arshift", |bits, by| (bits.cast_signed() >> by).cast_unsigned())?;
    shift(lua, &table, "rol", u32::rotate_left)?;
    shift(lua, &table, "ror", u32::rotate_right)?;
    table.raw_set("tohex", function(lua, to_hexadecimal)?)?;
    Ok(table)
}

fn unary(lua: &Lua, table: &Table, name: &str, operation: fn(u32) -> u32) -> Result<()> {
    let function = lua.create_function(move |lua, args: Arguments| {
        Ok(operation(bits(lua, &args, 1)?).cast_signed())
    })?;
    table.raw_set(name, function)
}

fn fold(lua: &Lua, table: &Table, name: &str, operation: fn(u32, u32) -> u32) -> Result<()> {
    let function = lua.create_function(move |lua, args: Arguments| {
        let mut result = bits(lua, &args, 1)?;
        for number in (2..=args.len()).rev() {
            result = operation(result, bits(lua, &args, number)?);
        }
        Ok(result.cast_signed())
    })?;
    table.raw_set(name, function)
}

fn shift(lua: &Lua, table: &Table, name: &str, operation: fn(u32, u32) -> u32) -> Result<()> {
    let function = lua.create_function(move |lua, args: Arguments| {
        let (value, by) = (bits(lua, &args, 1)?, bits(lua, &args, 2)? & 31);
        Ok(operation(value, by).cast_signed())
    })?;
    table.raw_set(name, function)
}

fn to_hexadecimal(lua: &Lua, args: &Arguments) -> Result<String> {
    let value = bits(lua, args, 1)?;
    let digits = if args.len() < 2 { 8 } else { bits(lua, args, 2)?.cast_signed() };
    let text = if digits < 0 { format!("{value:08X}") } else { format!("{value:08x}") };
    let count = usize::try_from(digits.unsigned_abs()).unwrap_or(8).min(8);
    Ok(text[8 - count..].to_owned())
}

/// The low 32 bits of a number rounded to an integer. They are where they are in a sum with 2^52 +
/// 2^51, for any number that has them at all.
fn bits(lua: &Lua, args: &Arguments, number: usize) -> Result<u32> {
    let value = args.number(lua, number)?;
    let sum = (value + 6_755_399_441_055_744.0).to_bits();
    Ok(u32::try_from(sum & 0xFFFF_FFFF).unwrap_or(0))
}
