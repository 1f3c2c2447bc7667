//! `math.random` as Redis has it: the generator of `drand48`, whose sequence goes on from script to
//! script and is the same after each start.

use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Lua, Result, Table};

use super::arguments::Arguments;
use super::number::to_i32;
use super::raise;

/// The generator, which all scripts share.
#[derive(Debug)]
struct Generator(Mutex<u64>);

impl Default for Generator {
    fn default() -> Self {
        Self(Mutex::new(0x1234_ABCD_330E))
    }
}

impl Generator {
    fn seed(&self, seed: i32) {
        let seed = u64::from(seed.cast_unsigned());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seed << 16 | 0x330E;
    }

    /// The next 31 bits.
    fn next(&self) -> i32 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & 0xFFFF_FFFF_FFFF;
        i32::try_from(*state >> 17).unwrap_or(i32::MAX)
    }
}

/// Replaces the functions of Lua.
pub(super) fn install(lua: &Lua, math: &Table) -> Result<()> {
    let generator = Arc::new(Generator::default());
    let shared = generator.clone();
    let random = lua.create_function(move |lua, args: Arguments| random(lua, &args, &shared))?;
    math.raw_set("random", random)?;
    let seed = lua.create_function(move |lua, args: Arguments| {
        generator.seed(to_i32(args.integer(lua, 1)?));
        Ok(())
    })?;
    math.raw_set("randomseed", seed)
}

fn random(lua: &Lua, args: &Arguments, generator: &Generator) -> Result<f64> {
    let part = f64::from(generator.next() % i32::MAX) / f64::from(i32::MAX);
    match args.len() {
        0 => Ok(part),
        1 => {
            let high = to_i32(args.integer(lua, 1)?);
            if high < 1 {
                return Err(raise::argument(lua, 1, "interval is empty"));
            }
            Ok((part * f64::from(high)).floor() + 1.0)
        }
        2 => {
            let (low, high) = (to_i32(args.integer(lua, 1)?), to_i32(args.integer(lua, 2)?));
            if low > high {
                return Err(raise::argument(lua, 2, "interval is empty"));
            }
            // The width overflows in Redis, too, and wraps there.
            let width = high.wrapping_sub(low).wrapping_add(1);
            Ok((part * f64::from(width)).floor() + f64::from(low))
        }
        _ => Err(raise::message(lua, "wrong number of arguments")),
    }
}
