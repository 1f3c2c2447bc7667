//! The commands, with the replies and error texts of Redis 7.

use alloc::format;
use alloc::string::{String, ToString};

use super::{Refusal, Store};
use crate::command::{name_buffer, uppercase};
use crate::entry::ENTRY_OVERHEAD_BYTES;
use crate::resp::Value;
use crate::time::Timestamp;

const SYNTAX: &str = "ERR syntax error";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const OVERFLOW: &str = "ERR increment or decrement would overflow";

/// A command under way. Error replies travel as `Err` inside and become values at the end.
struct Call<'a> {
    store: &'a mut Store,
    now: Timestamp,
    args: &'a [&'a [u8]],
    journalled: bool,
}

/// Why a command ends early.
enum Stop {
    Reply(String),
    Refusal(Refusal),
}

impl From<&str> for Stop {
    fn from(reply: &str) -> Self {
        Self::Reply(reply.to_string())
    }
}

pub(super) fn execute(
    store: &mut Store,
    now: Timestamp,
    args: &[&[u8]],
    journalled: bool,
) -> Result<Value, Refusal> {
    let mut upper = name_buffer();
    let name = args.first().and_then(|name| uppercase(name, &mut upper));
    let name = name.ok_or(Refusal::Unsupported)?;
    let (least, most) = arity(name).ok_or(Refusal::Unsupported)?;
    if args.len() < least || args.len() > most {
        let name = String::from_utf8_lossy(name).to_lowercase();
        let message = format!("ERR wrong number of arguments for '{name}' command");
        return Ok(Value::Error(message));
    }
    match (Call { store, now, args, journalled }).run(name) {
        Ok(value) => Ok(value),
        Err(Stop::Reply(message)) => Ok(Value::Error(message)),
        Err(Stop::Refusal(refusal)) => Err(refusal),
    }
}

/// How many arguments each command takes, its name included.
fn arity(name: &[u8]) -> Option<(usize, usize)> {
    Some(match name {
        b"PING" => (1, 2),
        b"ECHO" | b"GET" | b"GETDEL" | b"STRLEN" | b"TTL" | b"PTTL" | b"PERSIST" | b"INCR"
        | b"DECR" => (2, 2),
        b"SETNX" | b"GETSET" | b"INCRBY" | b"DECRBY" => (3, 3),
        b"SETEX" | b"PSETEX" => (4, 4),
        b"SET" | b"EXPIRE" | b"PEXPIRE" | b"EXPIREAT" | b"PEXPIREAT" => (3, usize::MAX),
        b"MGET" | b"DEL" | b"UNLINK" | b"EXISTS" => (2, usize::MAX),
        _ => return None,
    })
}

/// Whether SET depends on what is there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    None,
    /// Only if the key is absent (`NX`).
    Absent,
    /// Only if the key is there (`XX`).
    Present,
}

/// The options of SET.
#[derive(Clone, Copy, Default)]
struct SetOptions {
    condition: Condition,
    get: bool,
    keep_ttl: bool,
    expires_at: Option<Timestamp>,
}

impl Call<'_> {
    fn run(&mut self, name: &[u8]) -> Result<Value, Stop> {
        match name {
            b"PING" if self.args.len() == 1 => Ok(Value::Simple("PONG".into())),
            b"PING" | b"ECHO" => Ok(Value::bulk(self.args[1])),
            b"GET" => Ok(self.get(1)),
            b"MGET" => Ok(Value::Array((1..self.args.len()).map(|at| self.get(at)).collect())),
            b"STRLEN" => {
                let entry = self.store.entry(self.now, self.args[1]);
                Ok(integer(entry.map_or(0, |entry| entry.value.len())))
            }
            b"SET" => self.set_with_options(),
            b"SETNX" => {
                let options = SetOptions { condition: Condition::Absent, ..SetOptions::default() };
                Ok(Value::Integer(i64::from(self.set(2, options)? != Value::Nil)))
            }
            b"GETSET" => self.set(2, SetOptions { get: true, ..SetOptions::default() }),
            b"SETEX" => self.set_expiring(1_000, "setex"),
            b"PSETEX" => self.set_expiring(1, "psetex"),
            b"GETDEL" => {
                let value = self.get(1);
                self.delete()?;
                Ok(value)
            }
            b"DEL" | b"UNLINK" => self.delete(),
            b"EXISTS" => {
                let is_there = |at: &usize| self.store.entry(self.now, self.args[*at]).is_some();
                Ok(integer((1..self.args.len()).filter(is_there).count()))
            }
            b"INCR" => self.add(1),
            b"DECR" => self.add(-1),
            b"INCRBY" => self.add(parse(self.args[2]).ok_or(NOT_AN_INTEGER)?),
            b"DECRBY" => {
                let amount = parse(self.args[2]).ok_or(NOT_AN_INTEGER)?;
                self.add(amount.checked_neg().ok_or("ERR decrement would overflow")?)
            }
            b"EXPIRE" => self.expire(1_000, true, "expire"),
            b"PEXPIRE" => self.expire(1, true, "pexpire"),
            b"EXPIREAT" => self.expire(1_000, false, "expireat"),
            b"PEXPIREAT" => self.expire(1, false, "pexpireat"),
            b"TTL" => Ok(self.time_to_live(1_000)),
            b"PTTL" => Ok(self.time_to_live(1)),
            b"PERSIST" => Ok(self.persist()),
            _ => Err(Stop::Refusal(Refusal::Unsupported)),
        }
    }

    fn get(&mut self, at: usize) -> Value {
        let entry = self.store.entry(self.now, self.args[at]);
        entry.map_or(Value::Nil, |entry| Value::bulk(entry.value.clone()))
    }

    fn set_with_options(&mut self) -> Result<Value, Stop> {
        let mut options = SetOptions::default();
        let mut at = 3;
        while let Some(option) = self.args.get(at) {
            let next = self.args.get(at + 1).copied();
            match option.to_ascii_uppercase().as_slice() {
                b"NX" if options.condition != Condition::Present => {
                    options.condition = Condition::Absent;
                }
                b"XX" if options.condition != Condition::Absent => {
                    options.condition = Condition::Present;
                }
                b"GET" => options.get = true,
                b"KEEPTTL" if options.expires_at.is_none() => options.keep_ttl = true,
                unit @ (b"EX" | b"PX" | b"EXAT" | b"PXAT")
                    if options.expires_at.is_none() && !options.keep_ttl =>
                {
                    let number = parse(next.ok_or(SYNTAX)?).ok_or(NOT_AN_INTEGER)?;
                    let factor = if unit.starts_with(b"EX") { 1_000 } else { 1 };
                    let relative = unit.len() == 2;
                    options.expires_at =
                        Some(self.expiry(number, factor, relative).ok_or_else(|| {
                            Stop::Reply("ERR invalid expire time in 'set' command".into())
                        })?);
                    at += 1;
                }
                _ => return Err(SYNTAX.into()),
            }
            at += 1;
        }
        self.set(2, options)
    }

    /// An absolute expiry from what the command says; none where Redis calls it invalid.
    fn expiry(&self, number: i64, factor: i64, relative: bool) -> Option<Timestamp> {
        let ms = u64::try_from(number.checked_mul(factor)?).ok().filter(|ms| *ms > 0)?;
        let at = if relative { self.now.as_ms().checked_add(ms)? } else { ms };
        i64::try_from(at).ok().map(|_| Timestamp::from_ms(at))
    }

    fn set_expiring(&mut self, factor: i64, name: &str) -> Result<Value, Stop> {
        let number = parse(self.args[2]).ok_or(NOT_AN_INTEGER)?;
        let expires_at = self
            .expiry(number, factor, true)
            .ok_or_else(|| Stop::Reply(format!("ERR invalid expire time in '{name}' command")))?;
        self.set(3, SetOptions { expires_at: Some(expires_at), ..SetOptions::default() })
    }

    fn set(&mut self, value_at: usize, options: SetOptions) -> Result<Value, Stop> {
        let (key, value) = (self.args[1], self.args[value_at]);
        let old = self.store.entry(self.now, key).cloned();
        let blocked = match options.condition {
            Condition::None => false,
            Condition::Absent => old.is_some(),
            Condition::Present => old.is_none(),
        };
        let shown = |reply: Value| match (options.get, &old) {
            (true, Some(old)) => Value::bulk(old.value.clone()),
            (true, None) => Value::Nil,
            (false, _) => reply,
        };
        if blocked {
            return Ok(shown(Value::Nil));
        }
        self.reserve(key.len() + value.len())?;
        let kept = old.as_ref().filter(|_| options.keep_ttl).and_then(|old| old.expires_at);
        self.store.insert(key, value.to_vec(), options.expires_at.or(kept));
        if self.journalled {
            self.store.journal.replaced(key);
        }
        Ok(shown(Value::ok()))
    }

    fn delete(&mut self) -> Result<Value, Stop> {
        let keys = &self.args[1..];
        if self.journalled {
            self.reserve(keys.iter().map(|key| key.len()).sum())?;
        }
        let mut deleted = 0;
        for key in keys {
            let live = self.store.entry(self.now, key).is_some();
            deleted += i64::from(live);
            self.store.remove(key);
            if self.journalled {
                // A tombstone, also for a key that only Redis knows.
                self.store.journal.replaced(key);
            }
        }
        Ok(Value::Integer(deleted))
    }

    fn add(&mut self, amount: i64) -> Result<Value, Stop> {
        let key = self.args[1];
        let entry = self.store.entry(self.now, key);
        let (old, expires_at) = match &entry {
            Some(entry) => (parse(&entry.value).ok_or(NOT_AN_INTEGER)?, entry.expires_at),
            None => (0, None),
        };
        let is_known_absent = entry.is_none() && self.store.journal.contains(key);
        let new = old.checked_add(amount).ok_or(OVERFLOW)?;
        self.reserve(key.len() + 20)?;
        self.store.insert(key, new.to_string().into_bytes(), expires_at);
        if self.journalled {
            if is_known_absent {
                self.store.journal.replaced(key);
            } else {
                self.store.journal.added(key, amount);
            }
        }
        Ok(Value::Integer(new))
    }

    fn expire(&mut self, factor: i64, relative: bool, name: &str) -> Result<Value, Stop> {
        let number = parse(self.args[2]).ok_or(NOT_AN_INTEGER)?;
        let condition = match self.args.get(3..).unwrap_or_default() {
            [] => None,
            [one] => Some(one.to_ascii_uppercase()),
            _ => return Err(Stop::Refusal(Refusal::Unsupported)),
        };
        // As Redis does, before it looks whether the key is there.
        if let Some(other) = condition.as_deref()
            && !matches!(other, b"NX" | b"XX" | b"GT" | b"LT")
        {
            let other = String::from_utf8_lossy(self.args[3]);
            return Err(Stop::Reply(format!("ERR Unsupported option {other}")));
        }
        let invalid = || Stop::Reply(format!("ERR invalid expire time in '{name}' command"));
        let ms = number.checked_mul(factor).ok_or_else(invalid)?;
        let base = if relative { i64::try_from(self.now.as_ms()).unwrap_or(i64::MAX) } else { 0 };
        let at_ms = ms.checked_add(base).ok_or_else(invalid)?;
        let key = self.args[1];
        let Some(entry) = self.store.entry(self.now, key) else {
            return Ok(Value::Integer(0));
        };
        let old_ms = entry.expires_at.map(|at| i64::try_from(at.as_ms()).unwrap_or(i64::MAX));
        let applies = match condition.as_deref() {
            None => true,
            Some(b"NX") => old_ms.is_none(),
            Some(b"XX") => old_ms.is_some(),
            Some(b"GT") => old_ms.is_some_and(|old_ms| at_ms > old_ms),
            Some(_) => old_ms.is_none_or(|old_ms| at_ms < old_ms),
        };
        if !applies {
            return Ok(Value::Integer(0));
        }
        match u64::try_from(at_ms).map(Timestamp::from_ms) {
            Ok(at) if at > self.now => {
                entry.expires_at = Some(at);
                self.journal_expiry(key);
            }
            _ => {
                self.store.remove(key);
                if self.journalled {
                    self.store.journal.replaced(key);
                }
            }
        }
        Ok(Value::Integer(1))
    }

    fn persist(&mut self) -> Value {
        let key = self.args[1];
        let entry = self.store.entry(self.now, key);
        if entry.and_then(|entry| entry.expires_at.take()).is_none() {
            return Value::Integer(0);
        }
        self.journal_expiry(key);
        Value::Integer(1)
    }

    fn journal_expiry(&mut self, key: &[u8]) {
        if self.journalled {
            self.store.journal.expiry_changed(key);
        }
    }

    fn time_to_live(&mut self, unit_ms: u64) -> Value {
        let now = self.now;
        match self.store.entry(now, self.args[1]).map(|entry| entry.expires_at) {
            None => Value::Integer(-2),
            Some(None) => Value::Integer(-1),
            // Redis rounds to the nearest second.
            Some(Some(at)) => {
                let left = (at.since_ms(now) + unit_ms / 2) / unit_ms;
                Value::Integer(i64::try_from(left).unwrap_or(i64::MAX))
            }
        }
    }

    /// Refuses a write that would pass the limit, with room for its bookkeeping.
    fn reserve(&self, bytes: usize) -> Result<(), Stop> {
        if self.store.is_full_for(bytes + 2 * ENTRY_OVERHEAD_BYTES) {
            return Err(Stop::Refusal(Refusal::Full));
        }
        Ok(())
    }
}

/// A whole number as Redis reads one: no sign but a minus, no leading zero, no space.
fn parse(bytes: &[u8]) -> Option<i64> {
    let number: i64 = core::str::from_utf8(bytes).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == bytes).then_some(number)
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(super) fn supported() -> alloc::vec::Vec<&'static str> {
    "PING ECHO GET GETDEL STRLEN TTL PTTL PERSIST INCR DECR SET SETNX GETSET INCRBY DECRBY SETEX \
     PSETEX EXPIRE PEXPIRE EXPIREAT PEXPIREAT MGET DEL UNLINK EXISTS"
        .split(' ')
        .collect()
}
