//! The library `struct`: values to bytes in the layouts of C and back, as the one of Roberto
//! Ierusalimschy does: <https://www.inf.puc-rio.br/~roberto/struct/>.

use mlua::{Lua, Result, Table, Value};

use super::arguments::{Arguments, as_number, function};
use super::number::{from_i64, from_u64, to_i64};
use super::raise;

/// Bytes of an integer.
const INTEGER_BYTES_MAX: usize = 32;
/// Values of one call, as in Redis: what fits on the stack of a C function.
const RESULTS_MAX: usize = 7_990;
/// The alignment of a bare `!`.
const ALIGNMENT: usize = 8;

/// The library's table.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", function(lua, pack)?)?;
    table.raw_set("unpack", function(lua, unpack)?)?;
    table.raw_set("size", function(lua, size)?)?;
    Ok(table)
}

/// A format as far as it was read.
struct Format<'a> {
    text: &'a [u8],
    is_big: bool,
    alignment: usize,
}

/// One option of a format and the bytes that it takes, if that is known.
#[derive(Clone, Copy)]
struct Item {
    option: u8,
    size: usize,
}

impl<'a> Format<'a> {
    /// A format ends at its first NUL, as strings of C do.
    fn new(text: &'a [u8]) -> Self {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        Self { text, is_big: false, alignment: 1 }
    }

    fn next(&mut self, lua: &Lua) -> Result<Option<Item>> {
        let Some((&option, rest)) = self.text.split_first() else {
            return Ok(None);
        };
        self.text = rest;
        let size = match option {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.number(lua, 1)?,
            b'i' | b'I' => {
                let size = self.number(lua, 4)?;
                if size > INTEGER_BYTES_MAX {
                    let limit = INTEGER_BYTES_MAX;
                    let text = format!("integral size {size} is larger than limit of {limit}");
                    return Err(raise::message(lua, &text));
                }
                size
            }
            _ => 0,
        };
        Ok(Some(Item { option, size }))
    }

    /// The number at the front, which fits into an `int` of C.
    fn number(&mut self, lua: &Lua, absent: usize) -> Result<usize> {
        let count = self.text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Ok(absent);
        }
        let (digits, rest) = self.text.split_at(count);
        self.text = rest;
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i32>().ok());
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| raise::message(lua, "integral size overflow"))
    }

    /// The padding before an item at a position.
    fn padding(&self, position: usize, item: Item) -> usize {
        if item.size == 0 || item.option == b'c' {
            return 0;
        }
        let size = item.size.min(self.alignment);
        (size - (position & (size - 1))) & (size - 1)
    }

    /// An option that stands for no value.
    fn control(&mut self, lua: &Lua, option: u8) -> Result<()> {
        match option {
            b' ' => {}
            b'>' => self.is_big = true,
            b'<' => self.is_big = false,
            b'!' => {
                let alignment = self.number(lua, ALIGNMENT)?;
                if !alignment.is_power_of_two() {
                    let text = format!("alignment {alignment} is not a power of 2");
                    return Err(raise::message(lua, &text));
                }
                self.alignment = alignment;
            }
            other => {
                let text = format!("invalid format option '{}'", char::from(other));
                return Err(raise::argument(lua, 1, &text));
            }
        }
        Ok(())
    }
}

fn pack(lua: &Lua, args: &Arguments) -> Result<mlua::LuaString> {
    let format = args.string(lua, 1)?;
    let format = format.as_bytes();
    let mut format = Format::new(&format);
    let (mut out, mut next) = (Vec::new(), 2);
    while let Some(item) = format.next(lua)? {
        out.resize(out.len() + format.padding(out.len(), item), 0);
        match item.option {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let bytes = to_bytes(number_to_pack(lua, args, next)?, item.size);
                push(&mut out, bytes.get(..item.size).unwrap_or_default(), format.is_big);
                next += 1;
            }
            b'x' => out.push(0),
            b'f' => {
                #[expect(clippy::cast_possible_truncation, reason = "C rounds, too")]
                let number = number_to_pack(lua, args, next)? as f32;
                push(&mut out, &number.to_le_bytes(), format.is_big);
                next += 1;
            }
            b'd' => {
                let number = number_to_pack(lua, args, next)?;
                push(&mut out, &number.to_le_bytes(), format.is_big);
                next += 1;
            }
            b'c' | b's' => {
                let nil = Value::Nil;
                if args.get(next).is_none() {
                    return Err(raise::mistyped(lua, next, "string", Some(&nil)));
                }
                let string = args.string(lua, next)?;
                next += 1;
                let bytes = string.as_bytes();
                let size = if item.size == 0 { bytes.len() } else { item.size };
                let bytes = bytes.get(..size);
                let short = || raise::argument(lua, next, "string too short");
                out.extend_from_slice(bytes.ok_or_else(short)?);
                if item.option == b's' {
                    out.push(0);
                }
            }
            option => format.control(lua, option)?,
        }
    }
    lua.create_string(out)
}

/// A number to pack. Behind the last argument the library has put a nil.
fn number_to_pack(lua: &Lua, args: &Arguments, number: usize) -> Result<f64> {
    let nil = Value::Nil;
    let found = args.number_of(lua, number);
    found.ok_or_else(|| {
        raise::mistyped(lua, number, "number", Some(args.get(number).unwrap_or(&nil)))
    })
}

/// An integer of up to 64 bits in an integer of any size, low byte first.
fn to_bytes(number: f64, size: usize) -> [u8; INTEGER_BYTES_MAX] {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    let value = if number < BOUND { to_i64(number) } else { to_i64(number - BOUND) ^ i64::MIN };
    let mut bytes = [0; INTEGER_BYTES_MAX];
    for (byte, source) in bytes.iter_mut().zip(value.to_le_bytes()).take(size) {
        *byte = source;
    }
    bytes
}

fn push(out: &mut Vec<u8>, low_first: &[u8], is_big: bool) {
    if is_big {
        out.extend(low_first.iter().rev());
    } else {
        out.extend_from_slice(low_first);
    }
}

fn unpack(lua: &Lua, args: &Arguments) -> Result<mlua::MultiValue> {
    let (format, data) = (args.string(lua, 1)?, args.string(lua, 2)?);
    let (format, data) = (format.as_bytes(), data.as_bytes());
    let mut format = Format::new(&format);
    let first = args.integer_or(lua, 3, 1)?;
    if first == 0 {
        return Err(raise::argument(lua, 3, "offset must be 1 or greater"));
    }
    // A negative offset is a huge one.
    let mut position = usize::try_from(first - 1).unwrap_or(usize::MAX / 2);
    let short = || raise::argument(lua, 2, "data string too short");
    let mut results = Vec::new();
    while let Some(item) = format.next(lua)? {
        position += format.padding(position, item);
        let rest = data.get(position..).ok_or_else(short)?;
        let bytes = rest.get(..item.size).ok_or_else(short)?;
        if results.len() >= RESULTS_MAX {
            return Err(raise::message(lua, "stack overflow (too many results)"));
        }
        let mut size = item.size;
        match item.option {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let is_signed = item.option.is_ascii_lowercase();
                results.push(Value::Number(integer(bytes, format.is_big, is_signed)));
            }
            b'x' => {}
            b'f' => {
                let number = f32::from_le_bytes(ordered(bytes, format.is_big));
                results.push(Value::Number(f64::from(number)));
            }
            b'd' => {
                let number = f64::from_le_bytes(ordered(bytes, format.is_big));
                results.push(Value::Number(number));
            }
            b'c' => {
                if size == 0 {
                    let previous = results.pop().and_then(|value| as_number(lua, &value));
                    let needs = || raise::message(lua, "format 'c0' needs a previous size");
                    size = usize::try_from(to_i64(previous.ok_or_else(needs)?))
                        .map_err(|_| short())?;
                }
                let bytes = rest.get(..size).ok_or_else(short)?;
                results.push(Value::String(lua.create_string(bytes)?));
            }
            b's' => {
                let end = rest.iter().position(|byte| *byte == 0);
                let end = end.ok_or_else(|| raise::message(lua, "unfinished string in data"))?;
                results.push(Value::String(lua.create_string(&rest[..end])?));
                size = end + 1;
            }
            option => format.control(lua, option)?,
        }
        position += size;
    }
    results.push(Value::Number(from_i64(i64::try_from(position + 1).unwrap_or(i64::MAX))));
    Ok(mlua::MultiValue::from_vec(results))
}

/// The low 64 bits of an integer.
fn integer(bytes: &[u8], is_big: bool, is_signed: bool) -> f64 {
    let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value = if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) };
    if !is_signed {
        return from_u64(value);
    }
    let bits = u32::try_from(bytes.len() * 8).unwrap_or(0);
    let mask = u64::MAX.wrapping_shl(bits.wrapping_sub(1));
    let value = if value & mask == 0 { value } else { value | mask };
    from_i64(value.cast_signed())
}

fn ordered<const N: usize>(bytes: &[u8], is_big: bool) -> [u8; N] {
    let mut array = [0; N];
    for (byte, source) in array.iter_mut().zip(bytes) {
        *byte = *source;
    }
    if is_big {
        array.reverse();
    }
    array
}

fn size(lua: &Lua, args: &Arguments) -> Result<f64> {
    let format = args.string(lua, 1)?;
    let format = format.as_bytes();
    let mut format = Format::new(&format);
    let mut position = 0_usize;
    while let Some(item) = format.next(lua)? {
        position += format.padding(position, item);
        match item.option {
            b's' => return Err(raise::argument(lua, 1, "option 's' has no fixed size")),
            b'c' if item.size == 0 => {
                return Err(raise::argument(lua, 1, "option 'c0' has no fixed size"));
            }
            option if !option.is_ascii_alphanumeric() => format.control(lua, option)?,
            _ => {}
        }
        position += item.size;
    }
    Ok(from_i64(i64::try_from(position).unwrap_or(i64::MAX)))
}
