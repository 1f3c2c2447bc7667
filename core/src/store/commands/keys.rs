//! Commands on keys of any type.

use super::super::call::{Call, count};
use super::super::stop::Stop;
use super::Handler;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] =
    &[("DEL", delete), ("EXISTS", exists), ("UNLINK", delete)];

fn delete(call: &mut Call<'_>) -> Result<Value, Stop> {
    let mut deleted = 0;
    for key in call.args.iter().skip(1) {
        deleted += usize::from(call.remove(key));
        // A tombstone, also for a key that only Redis knows.
        call.replaced(key);
    }
    Ok(count(deleted))
}

fn exists(call: &mut Call<'_>) -> Result<Value, Stop> {
    Ok(count(call.args.iter().skip(1).filter(|key| call.exists(key)).count()))
}
