//! LCS: the longest common subsequence of two strings.

use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::stop::{STRING_BYTES_MAX, SYNTAX, Stop};
use crate::resp::Value;

#[derive(Default)]
struct Options {
    len: bool,
    matches: bool,
    with_match_len: bool,
    match_len_min: usize,
}

/// The lengths of the longest common subsequences of all pairs of beginnings.
struct Lengths {
    cells: Vec<u32>,
    width: usize,
}

/// A stretch that both strings have, by its first positions.
struct Match {
    first: usize,
    second: usize,
    len: usize,
}

pub(super) fn lcs(call: &mut Call<'_>) -> Result<Value, Stop> {
    const WRONG: &str = "ERR The specified keys must contain string values";
    let first = call.string(call.arg(1)).map_err(|_| WRONG)?.unwrap_or_default().to_vec();
    let second = call.string(call.arg(2)).map_err(|_| WRONG)?.unwrap_or_default().to_vec();
    let options = options(call)?;
    let lengths = Lengths::of(&first, &second)?;
    let len = lengths.at(first.len(), second.len());
    if options.len {
        return Ok(count(len));
    }
    let matches = lengths.matches(&first, &second);
    if options.matches {
        let shown = matches.iter().filter(|found| found.len >= options.match_len_min);
        let shown = shown.map(|found| found.reply(options.with_match_len)).collect();
        return Ok(Value::Map(
            [(Value::bulk("matches"), Value::Array(shown)), (Value::bulk("len"), count(len))]
                .into(),
        ));
    }
    let pieces = matches.iter().rev();
    let pieces = pieces.filter_map(|found| first.get(found.first..found.first + found.len));
    Ok(Value::Bulk(pieces.flatten().copied().collect()))
}

fn options(call: &Call<'_>) -> Result<Options, Stop> {
    let mut options = Options::default();
    let mut at = 3;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"IDX" => options.matches = true,
            b"LEN" => options.len = true,
            b"WITHMATCHLEN" => options.with_match_len = true,
            b"MINMATCHLEN" if at + 1 < call.args.len() => {
                at += 1;
                let len = call.integer(at)?.max(0);
                options.match_len_min = usize::try_from(len).unwrap_or(usize::MAX);
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 1;
    }
    if options.len && options.matches {
        return Err("ERR If you want both the length and indexes, please just use IDX.".into());
    }
    Ok(options)
}

impl Lengths {
    fn of(first: &[u8], second: &[u8]) -> Result<Self, Stop> {
        const TOO_MUCH: &str =
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        let width = second.len() + 1;
        let size = width.saturating_mul(first.len() + 1);
        if size.saturating_mul(size_of::<u32>()) > STRING_BYTES_MAX {
            return Err(TOO_MUCH.into());
        }
        let mut cells = Vec::new();
        cells
            .try_reserve_exact(size)
            .map_err(|_| "ERR Insufficient memory, failed allocating transient memory for LCS")?;
        cells.resize(width, 0);
        for one in first {
            let above = cells.len() - width;
            cells.push(0);
            for (at, other) in second.iter().enumerate() {
                let cell = |at: usize| cells.get(at).copied().unwrap_or(0);
                let len = if one == other {
                    cell(above + at) + 1
                } else {
                    cell(above + at + 1).max(cell(above + width + at))
                };
                cells.push(len);
            }
        }
        Ok(Self { cells, width })
    }

    /// The length for the beginnings of these lengths.
    fn at(&self, first: usize, second: usize) -> usize {
        let cell = self.cells.get(first * self.width + second).copied();
        cell.and_then(|len| usize::try_from(len).ok()).unwrap_or(0)
    }

    /// The stretches of one longest common subsequence, the last first: the one that Redis finds
    /// on its way back, which leaves the second string's end where both choices are as long.
    fn matches(&self, first: &[u8], second: &[u8]) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let (mut i, mut j) = (first.len(), second.len());
        while i > 0 && j > 0 {
            if first.get(i - 1) == second.get(j - 1) {
                match found.last_mut() {
                    Some(last) if last.first == i && last.second == j => {
                        last.first -= 1;
                        last.second -= 1;
                        last.len += 1;
                    }
                    _ => found.push(Match { first: i - 1, second: j - 1, len: 1 }),
                }
                i -= 1;
                j -= 1;
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        found
    }
}

impl Match {
    fn reply(&self, with_len: bool) -> Value {
        let range = |start| Value::Array([count(start), count(start + self.len - 1)].into());
        let mut parts = Vec::from([range(self.first), range(self.second)]);
        if with_len {
            parts.push(count(self.len));
        }
        Value::Array(parts)
    }
}
