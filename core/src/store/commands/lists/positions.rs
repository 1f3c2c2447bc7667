//! LPOS.

use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::List;
use super::super::super::number::parse_i64;
use super::super::super::stop::{SYNTAX, Stop};
use crate::resp::Value;

/// What LPOS looks for.
struct Wanted {
    from_back: bool,
    /// Matches that are passed over.
    skipped: usize,
    /// How many are told, all where it is 0; one by itself where nothing was said.
    most: Option<usize>,
    /// Elements that are looked at, all where it is 0.
    looked_at: usize,
}

pub(super) fn lpos(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = wanted(call)?;
    let (key, element) = (call.arg(1), call.arg(2));
    let found = call.read::<List>(key)?.map(|list| positions(list, element, &wanted));
    let found = found.unwrap_or_default();
    if wanted.most.is_some() {
        return Ok(Value::Array(found.into_iter().map(count).collect()));
    }
    Ok(found.first().map_or(Value::Nil, |at| count(*at)))
}

fn wanted(call: &Call<'_>) -> Result<Wanted, Stop> {
    let mut wanted = Wanted { from_back: false, skipped: 0, most: None, looked_at: 0 };
    let natural = |at: usize, error: &'static str| {
        let number = parse_i64(call.arg(at)).and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| Stop::from(error))
    };
    let mut at = 3;
    while at < call.args.len() {
        if at + 1 >= call.args.len() {
            return Err(SYNTAX.into());
        }
        match call.option(at).as_slice() {
            b"RANK" => {
                let rank = call.integer(at + 1)?;
                if rank == 0 {
                    return Err("ERR RANK can't be zero: use 1 to start from the first match, \
                                2 from the second ... or use negative to start from the end of \
                                the list"
                        .into());
                }
                wanted.from_back = rank < 0;
                // Redis overflows at the least rank and then takes the first match.
                let rank = rank.checked_abs().unwrap_or(1);
                wanted.skipped = usize::try_from(rank - 1).unwrap_or(usize::MAX);
            }
            b"COUNT" => wanted.most = Some(natural(at + 1, "ERR COUNT can't be negative")?),
            b"MAXLEN" => wanted.looked_at = natural(at + 1, "ERR MAXLEN can't be negative")?,
            _ => return Err(SYNTAX.into()),
        }
        at += 2;
    }
    Ok(wanted)
}

fn positions(list: &List, element: &[u8], wanted: &Wanted) -> Vec<usize> {
    let or_all = |number: usize| if number == 0 { usize::MAX } else { number };
    let (looked_at, most) = (or_all(wanted.looked_at), or_all(wanted.most.unwrap_or(1)));
    let len = list.len();
    let equal = |(at, other): (usize, &[u8])| (other == element).then_some(at);
    if wanted.from_back {
        let found = list.iter().rev().enumerate().take(looked_at).filter_map(equal);
        found.skip(wanted.skipped).take(most).map(|at| len - 1 - at).collect()
    } else {
        let found = list.iter().enumerate().take(looked_at).filter_map(equal);
        found.skip(wanted.skipped).take(most).collect()
    }
}
