//! The journal's entries as bytes. Lengths and numbers are little-endian; a list is its length and its
//! parts.

use outlast_core::Timestamp;
use outlast_core::journal::known::Known;
use outlast_core::journal::ledger::{Entry, KeyState, SentBatch, SentKey};

/// A command with its arguments.
type Args = Vec<Vec<u8>>;

/// A row of a key.
pub(super) enum Row {
    Whole(KeyState),
    Further(Timestamp, Args),
}

const FURTHER: u8 = 0;
const DELTA: u8 = 1;
const REPLACED: u8 = 2;

/// About how many bytes an entry takes.
pub(super) fn size_of(entry: &Entry) -> usize {
    let args = |args: &Args| args.iter().map(|arg| arg.len() + 4).sum::<usize>();
    let commands = |commands: &[Args]| commands.iter().map(args).sum::<usize>();
    let rest = match entry {
        Entry::Whole { key, state } => key.len() + commands(&state.commands),
        Entry::Further { key, command, .. } => key.len() + args(command),
        Entry::Unit { keys, .. } => args(keys),
        Entry::Sent(batch) | Entry::Amended(batch) => {
            batch.keys.iter().map(|sent| sent.key.len() + commands(&sent.commands)).sum()
        }
        _ => 0,
    };
    rest + 32
}

pub(super) fn whole(state: &KeyState) -> Vec<u8> {
    let mut out = vec![if state.is_replaced { REPLACED } else { DELTA }];
    put_u64(&mut out, state.at.as_ms());
    let (number, digest) = state.known.map_or((u8::MAX, 0), Known::parts);
    out.push(number);
    put_u64(&mut out, digest);
    put_commands(&mut out, &state.commands);
    out
}

pub(super) fn further(at: Timestamp, command: &Args) -> Vec<u8> {
    let mut out = vec![FURTHER];
    put_u64(&mut out, at.as_ms());
    put_args(&mut out, command);
    out
}

pub(super) fn row(bytes: &[u8]) -> Option<Row> {
    let mut input = Input(bytes);
    let tag = input.u8()?;
    let at = Timestamp::from_ms(input.u64()?);
    if tag == FURTHER {
        return Some(Row::Further(at, input.args()?)).filter(|_| input.0.is_empty());
    }
    let known = Known::from_parts(input.u8()?, input.u64()?);
    let state = KeyState::new(tag == REPLACED, known, at, input.commands()?);
    Some(Row::Whole(state)).filter(|_| input.0.is_empty())
}

pub(super) fn keys(keys: &Args) -> Vec<u8> {
    let mut out = Vec::new();
    put_args(&mut out, keys);
    out
}

pub(super) fn read_keys(bytes: &[u8]) -> Option<Args> {
    let mut input = Input(bytes);
    input.args().filter(|_| input.0.is_empty())
}

pub(super) fn batch(batch: &SentBatch) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, batch.at.as_ms());
    put_len(&mut out, batch.keys.len());
    for SentKey { key, unit, is_replaced, commands, .. } in &batch.keys {
        put_bytes(&mut out, key);
        put_u64(&mut out, *unit);
        out.push(u8::from(*is_replaced));
        put_commands(&mut out, commands);
    }
    out
}

pub(super) fn read_batch(sequence: u64, bytes: &[u8]) -> Option<SentBatch> {
    let mut input = Input(bytes);
    let at = Timestamp::from_ms(input.u64()?);
    let mut keys = Vec::new();
    for _ in 0..input.len()? {
        let (key, unit, replaced) = (input.bytes()?, input.u64()?, input.u8()?);
        keys.push(SentKey::new(key, unit, replaced == 1, input.commands()?));
    }
    Some(SentBatch::new(sequence, at, keys, Vec::new())).filter(|_| input.0.is_empty())
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_le_bytes());
}

/// Of what is in memory: no list here has 2^32 parts.
fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend(bytes);
}

fn put_args(out: &mut Vec<u8>, args: &Args) {
    put_len(out, args.len());
    for arg in args {
        put_bytes(out, arg);
    }
}

fn put_commands(out: &mut Vec<u8>, commands: &[Args]) {
    put_len(out, commands.len());
    for args in commands {
        put_args(out, args);
    }
}

/// Bytes that are left to read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn len(&mut self) -> Option<usize> {
        let len = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        usize::try_from(len).ok()
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let len = self.len()?;
        self.take(len).map(<[u8]>::to_vec)
    }

    fn args(&mut self) -> Option<Args> {
        (0..self.len()?).map(|_| self.bytes()).collect()
    }

    fn commands(&mut self) -> Option<Vec<Args>> {
        (0..self.len()?).map(|_| self.args()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Args {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_less() {
        let at = Timestamp::from_ms(7);
        let commands = vec![words("DEL k"), words("HSET k f ")];
        for known in [None, Known::from_parts(2, 99)] {
            for is_replaced in [false, true] {
                let state = KeyState::new(is_replaced, known, at, commands.clone());
                let bytes = whole(&state);
                assert!(matches!(row(&bytes), Some(Row::Whole(read)) if read == state));
                assert!((0..bytes.len()).all(|cut| row(&bytes[..cut]).is_none()));
            }
        }
        let bytes = further(at, &commands[1]);
        let read = row(&bytes);
        assert!(
            matches!(read, Some(Row::Further(then, args)) if (then, &args) == (at, &commands[1]))
        );
        assert!((0..bytes.len()).all(|cut| row(&bytes[..cut]).is_none()));

        let sent = SentKey::new(b"k".to_vec(), 3, true, commands.clone());
        let sent = SentBatch::new(8, at, vec![sent.clone(), sent], Vec::new());
        let bytes = batch(&sent);
        assert_eq!(read_batch(8, &bytes), Some(sent));
        assert!((0..bytes.len()).all(|cut| read_batch(8, &bytes[..cut]).is_none()));
        assert_eq!(read_keys(&keys(&commands[0])), Some(commands[0].clone()));
    }
}
