//! What a command does, as far as deciding where it runs and whether it may run twice.
//!
//! Names that are not listed count as the worst: a write that accumulates and that the store does
//! not know.

/// What a command touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Nothing (`PING`, `ECHO`).
    None,
    /// It reads keys.
    Read,
    /// It writes keys.
    Write,
}

/// What is known of a command from its name and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traits {
    /// What it touches.
    pub access: Access,
    /// Whether doing it twice is as good as once.
    pub idempotent: bool,
    /// Whether it protects something that processes share, such as a lock.
    pub guarded: bool,
    /// Whether it changes the state of its connection, which other callers share.
    pub stateful: bool,
}

impl Traits {
    const NEUTRAL: Self =
        Self { access: Access::None, idempotent: true, guarded: false, stateful: false };
    const READ: Self =
        Self { access: Access::Read, idempotent: true, guarded: false, stateful: false };
    const REPLACE: Self =
        Self { access: Access::Write, idempotent: true, guarded: false, stateful: false };
    const ACCUMULATE: Self =
        Self { access: Access::Write, idempotent: false, guarded: false, stateful: false };
    const GUARD: Self =
        Self { access: Access::Write, idempotent: false, guarded: true, stateful: false };

    const STATEFUL: Self =
        Self { access: Access::Write, idempotent: false, guarded: false, stateful: true };

    /// The traits of a command. `SET … NX` is not `SET`: arguments count.
    pub fn of<A: AsRef<[u8]>>(args: &[A]) -> Self {
        let Some(name) = args.first() else {
            return Self::NEUTRAL;
        };
        let mut upper = [0_u8; NAME_BYTES_MAX];
        let Some(name) = uppercase(name.as_ref(), &mut upper) else {
            return Self::ACCUMULATE;
        };
        match name {
            b"PING" | b"ECHO" => Self::NEUTRAL,
            b"GET" | b"MGET" | b"EXISTS" | b"TTL" | b"PTTL" | b"STRLEN" => Self::READ,
            b"SET" => Self::of_set(args),
            // A relative expiry done again later ends later; that is no harm to a cache, and the
            // journal keeps the absolute time.
            b"EXPIRE" | b"PEXPIRE" | b"EXPIREAT" | b"PEXPIREAT" | b"PERSIST" | b"SETEX"
            | b"PSETEX" | b"MSET" | b"DEL" | b"UNLINK" => Self::REPLACE,
            b"SETNX" => Self::GUARD,
            b"MULTI" | b"EXEC" | b"DISCARD" | b"WATCH" | b"UNWATCH" | b"SUBSCRIBE"
            | b"PSUBSCRIBE" | b"SSUBSCRIBE" | b"UNSUBSCRIBE" | b"PUNSUBSCRIBE"
            | b"SUNSUBSCRIBE" | b"MONITOR" | b"SELECT" | b"AUTH" | b"HELLO" | b"RESET"
            | b"QUIT" | b"CLIENT" | b"SYNC" | b"PSYNC" | b"READONLY" | b"READWRITE" | b"ASKING" => {
                Self::STATEFUL
            }
            _ => Self::ACCUMULATE,
        }
    }

    fn of_set<A: AsRef<[u8]>>(args: &[A]) -> Self {
        let has = |option: &[u8]| {
            args.iter().skip(3).any(|arg| arg.as_ref().eq_ignore_ascii_case(option))
        };
        match (has(b"NX"), has(b"GET") || has(b"XX")) {
            (true, _) => Self::GUARD,
            (false, true) => Self::ACCUMULATE,
            (false, false) => Self::REPLACE,
        }
    }
}

/// No command of Redis has a longer name.
const NAME_BYTES_MAX: usize = 32;

/// The name in capitals, unless it is longer than any name.
pub(crate) fn uppercase<'a>(name: &[u8], upper: &'a mut [u8; NAME_BYTES_MAX]) -> Option<&'a [u8]> {
    let upper = upper.get_mut(..name.len())?;
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    Some(upper)
}

/// A buffer for [`uppercase`].
pub(crate) const fn name_buffer() -> [u8; NAME_BYTES_MAX] {
    [0; NAME_BYTES_MAX]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_count() {
        assert_eq!(Traits::of(&["set", "k", "v"]), Traits::REPLACE);
        assert_eq!(Traits::of(&["SET", "NX", "GET"]), Traits::REPLACE);
        assert_eq!(Traits::of(&["SET", "k", "v", "px", "5", "nx"]), Traits::GUARD);
        assert_eq!(Traits::of(&["SET", "k", "v", "GET"]), Traits::ACCUMULATE);
        assert_eq!(Traits::of(&["INCR", "k"]), Traits::ACCUMULATE);
        assert_eq!(Traits::of(&["get", "k"]), Traits::READ);
        assert_eq!(Traits::of(&["NOSUCHCOMMAND"]), Traits::ACCUMULATE);
        assert_eq!(Traits::of(&["X".repeat(100)]), Traits::ACCUMULATE);
        assert_eq!(Traits::of::<&str>(&[]), Traits::NEUTRAL);
    }
}
