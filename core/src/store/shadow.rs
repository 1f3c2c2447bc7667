//! Last known values: what commands and their replies told of Redis while it was there, kept for the
//! time when it is not.
//!
//! A value is known when it was read whole (`GET`, `HGETALL`) or written whole (`SET`, `INCR`). From
//! then on every command on it is repeated here. Where the reply is another one than Redis gave, its
//! value was changed elsewhere, and is forgotten. When Redis lets a key expire is often not known;
//! such a key is served for a bounded time after it was last confirmed, and no longer.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::Store;
use super::call::Call;
use super::commands;
use super::locks::Locks;
use super::plan::{Shards, shard_of};
use super::session::Session;
use super::slot::Slot;
use super::space::Locked;
use crate::command::{Class, Command, Flags, KeyFlags, Keys};
use crate::resp::{Arguments, Value};
use crate::time::Timestamp;

/// A confirmation counts where it adds more than this part of the time that a value is served.
const CONFIRMATIONS: u64 = 16;

/// Words of a command.
type Words<'a> = Vec<&'a [u8]>;

/// What a command and its reply tell of keys.
enum Lesson<'a> {
    /// This is its value, a string; none where it is not there.
    Text(&'a [u8], Option<&'a [u8]>),
    /// These are all of their values: for each key the commands that make it, none where it is not
    /// there.
    Values(Vec<(&'a [u8], Vec<Words<'a>>)>),
    /// This is its value, a number.
    Counter(&'a [u8], i64),
    /// The command gives its keys a value that depends on nothing that was there before.
    RepeatAsIs,
    /// This command does so.
    Repeat(Words<'a>),
    /// The command depends on what was there: it shows whether that is known here.
    Check,
    /// When the key expires: never, at this moment, or after this span.
    Expires(&'a [u8], Option<Timestamp>),
    /// What the command did to its keys cannot be told.
    Forget,
    /// Every key may have changed.
    ForgetAll,
}

impl<L: Locks> Store<L> {
    /// Keeps what Redis' reply to a command tells of keys, where `condition` holds, which is asked
    /// while they are locked. A key whose expiry nobody knows is served for `stale_ms_max`
    /// milliseconds from `now` on. Keys that wait to be written back are left as they are.
    pub fn learn<A: AsRef<[u8]>>(
        &self,
        now: Timestamp,
        args: &[A],
        reply: &Value,
        stale_ms_max: u64,
        condition: impl FnOnce() -> bool,
    ) {
        let args = Arguments::of(args);
        if let Some(command) = Command::of(&args) {
            self.learn_of(command, now, &args, reply, stale_ms_max, condition);
        }
    }

    /// As [`learn`](Self::learn), where the command is known already.
    pub fn learn_of(
        &self,
        command: &Command,
        now: Timestamp,
        args: &[&[u8]],
        reply: &Value,
        stale_ms_max: u64,
        condition: impl FnOnce() -> bool,
    ) {
        let Some(lesson) = Lesson::of(command, args, reply) else {
            return;
        };
        let Ok(keys) = command.keys(args) else {
            return;
        };
        let all = matches!(lesson, Lesson::ForgetAll);
        let mut shards = if all { Shards::all(self.shards.len()) } else { Shards::NONE };
        for key in keys.clone() {
            let key = args.get(key.at).copied().unwrap_or_default();
            shards.add(shard_of(self.common.seed, key, self.shards.len()));
        }
        let mut space = Locked::new(self, shards);
        if shards.is_empty() || !condition() {
            return;
        }
        let stale_at = Some(now.plus_ms(stale_ms_max));
        let mut session = Session { stale_at, ..Session::default() };
        let common = &*self.common;
        let mut call = Call { now, args, session: &mut session, space: &mut space, common };
        for at in shards.iter() {
            call.space.shard(at).housekeep(now);
            if all {
                call.space.shard(at).clear_all();
            }
        }
        let keys = Touched { args, keys };
        if keys.names().any(|key| call.shard_of(key).journal().holds(key)) {
            return;
        }
        apply(&mut call, lesson, &keys, reply, stale_ms_max);
    }
}

/// The keys of a command, and what it does with each.
struct Touched<'a> {
    args: &'a [&'a [u8]],
    keys: Keys,
}

impl<'a> Touched<'a> {
    fn iter(&self) -> impl Iterator<Item = (&'a [u8], KeyFlags)> {
        let args = self.args;
        self.keys.clone().filter_map(move |key| Some((*args.get(key.at)?, key.flags)))
    }

    fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.iter().map(|(name, _)| name)
    }
}

impl<'a> Lesson<'a> {
    fn of(command: &Command, args: &[&'a [u8]], reply: &'a Value) -> Option<Self> {
        let key = args.get(1).copied().unwrap_or_default();
        if reply.as_error().is_some() {
            return None;
        }
        let number = if let Value::Integer(number) = reply { Some(*number) } else { None };
        match command.name {
            "GET" => match reply.as_bulk() {
                Some(value) => Some(Self::Text(key, Some(value))),
                None => (*reply == Value::Nil).then_some(Self::Text(key, None)),
            },
            "MGET" => {
                let values = args.iter().skip(1).zip(items(reply)?);
                let values = values.map(|(key, value)| Some((*key, string(key, value)?)));
                values.collect::<Option<_>>().map(Self::Values)
            }
            "HGETALL" => Some(Self::Values(vec![(key, hash(key, reply)?)])),
            "SMEMBERS" => Some(Self::Values(vec![(key, collection(b"SADD", key, items(reply)?)?)])),
            "LRANGE" if args.get(2..) == Some(&[b"0", b"-1"]) => {
                Some(Self::Values(vec![(key, collection(b"RPUSH", key, items(reply)?)?)]))
            }
            "INCR" | "INCRBY" | "DECR" | "DECRBY" => Some(Self::Counter(key, number?)),
            "SET" => set(args, reply),
            "SETEX" | "PSETEX" | "MSET" | "GETSET" | "DEL" | "UNLINK" | "GETDEL" => {
                Some(Self::RepeatAsIs)
            }
            "SETNX" if number == Some(1) => Some(Self::Repeat(renamed(b"SET", args))),
            "MSETNX" if number == Some(1) => Some(Self::Repeat(renamed(b"MSET", args))),
            "TTL" | "PTTL" | "EXPIRETIME" | "PEXPIRETIME" => expires(command.name, key, number?),
            "FLUSHALL" | "FLUSHDB" | "SWAPDB" => Some(Self::ForgetAll),
            // Their replies are drawn, or in an order of the server's own.
            "HRANDFIELD" | "SRANDMEMBER" | "ZRANDMEMBER" | "HSCAN" | "SSCAN" | "ZSCAN"
            | "HKEYS" | "HVALS" | "SDIFF" | "SINTER" | "SUNION" | "SETNX" | "MSETNX" | "DUMP"
            | "SORT_RO" | "TOUCH" => None,
            _ if command.class(args) == Class::Script => Some(Self::Forget),
            _ if command.class(args) == Class::Inspect => None,
            _ => {
                let is_known =
                    command.flags.contains(Flags::WRITE) || command.flags.contains(Flags::READONLY);
                is_known.then_some(Self::Check)
            }
        }
    }
}

/// The commands that make a string, as GET tells it.
fn string<'a>(key: &'a [u8], reply: &'a Value) -> Option<Vec<Words<'a>>> {
    if let Value::Bulk(value) = reply {
        return Some(vec![vec![b"SET", key, value]]);
    }
    (*reply == Value::Nil).then(Vec::new)
}

fn items(reply: &Value) -> Option<&[Value]> {
    if let Value::Array(items) | Value::Set(items) = reply { Some(items) } else { None }
}

fn collection<'a>(
    command: &'static [u8],
    key: &'a [u8],
    items: &'a [Value],
) -> Option<Vec<Words<'a>>> {
    if items.is_empty() {
        return Some(vec![]);
    }
    let items = items.iter().map(Value::as_bulk).collect::<Option<Vec<_>>>()?;
    Some(vec![[command, key].into_iter().chain(items).collect()])
}

fn hash<'a>(key: &'a [u8], reply: &'a Value) -> Option<Vec<Words<'a>>> {
    let Value::Map(pairs) = reply else {
        return collection(b"HSET", key, items(reply)?);
    };
    if pairs.is_empty() {
        return Some(vec![]);
    }
    let flat = pairs.iter().flat_map(|(field, value)| [field, value]);
    let flat = flat.map(Value::as_bulk).collect::<Option<Vec<_>>>()?;
    Some(vec![[&b"HSET"[..], key].into_iter().chain(flat).collect()])
}

/// What SET did. Under a condition that was not met it did nothing, and told nothing of the value.
fn set<'a>(args: &[&'a [u8]], reply: &Value) -> Option<Lesson<'a>> {
    let options = args.get(3..).unwrap_or_default();
    if options.is_empty() {
        return is_ok(reply).then_some(Lesson::RepeatAsIs);
    }
    let has = |name: &str| options.iter().any(|one| one.eq_ignore_ascii_case(name.as_bytes()));
    let (key, value) = (*args.get(1)?, *args.get(2)?);
    if has("GET") {
        return Some(Lesson::Forget);
    }
    if !is_ok(reply) {
        return None;
    }
    if has("KEEPTTL") {
        return Some(Lesson::Values(vec![(key, vec![vec![b"SET", key, value]])]));
    }
    let is_condition =
        |word: &&[u8]| word.eq_ignore_ascii_case(b"NX") || word.eq_ignore_ascii_case(b"XX");
    Some(Lesson::Repeat(args.iter().copied().filter(|word| !is_condition(word)).collect()))
}

fn is_ok(reply: &Value) -> bool {
    matches!(reply, Value::Simple(status) if status == "OK")
}

fn renamed<'a>(name: &'static [u8], args: &[&'a [u8]]) -> Words<'a> {
    core::iter::once(name).chain(args.iter().skip(1).copied()).collect()
}

/// What a command of the TTL family told: a span or a moment, in milliseconds.
fn expires<'a>(name: &str, key: &'a [u8], number: i64) -> Option<Lesson<'a>> {
    match number {
        -2 => Some(Lesson::Values(vec![(key, vec![])])),
        -1 => Some(Lesson::Expires(key, None)),
        _ => {
            let number = u64::try_from(number).ok()?;
            let ms = if name.starts_with('P') { number } else { number.saturating_mul(1_000) };
            Some(Lesson::Expires(key, Some(Timestamp::from_ms(ms))))
        }
    }
}

fn apply(
    call: &mut Call<'_>,
    lesson: Lesson<'_>,
    keys: &Touched<'_>,
    reply: &Value,
    stale_ms_max: u64,
) {
    match lesson {
        Lesson::Text(key, None) => become_value(call, key, &[], stale_ms_max),
        Lesson::Text(key, Some(value)) => become_text(call, key, value, stale_ms_max),
        Lesson::Values(values) => {
            for (key, commands) in &values {
                become_value(call, key, commands, stale_ms_max);
            }
        }
        Lesson::Counter(key, number) => {
            let number = number.to_string();
            become_text(call, key, number.as_bytes(), stale_ms_max);
        }
        Lesson::RepeatAsIs => repeat_or_forget(call, call.args, keys),
        Lesson::Repeat(command) => repeat_or_forget(call, &command, keys),
        Lesson::Check => check(call, keys, reply, stale_ms_max),
        Lesson::Expires(key, at) => learn_expiry(call, key, at),
        Lesson::Forget => forget(call, keys),
        Lesson::ForgetAll => {}
    }
}

/// Repeats a command all of whose keys are known, or overwritten without a look at them.
fn check(call: &mut Call<'_>, keys: &Touched<'_>, reply: &Value, stale_ms_max: u64) {
    let is_ready = |call: &mut Call<'_>, (name, flags): (&[u8], KeyFlags)| {
        flags.contains(KeyFlags::OW) || call.exists(name)
    };
    if !keys.iter().all(|key| is_ready(call, key)) {
        for (name, _) in keys.iter().filter(|(_, flags)| flags.writes()) {
            call.remove(name);
        }
        return;
    }
    let args = call.args;
    if repeat(call, args).is_some_and(|own| is_same(&own, reply)) {
        for name in keys.names() {
            confirm(call, name, stale_ms_max);
        }
    } else {
        forget(call, keys);
    }
}

fn repeat_or_forget(call: &mut Call<'_>, args: &[&[u8]], keys: &Touched<'_>) {
    if repeat(call, args).is_none_or(|reply| reply.as_error().is_some()) {
        forget(call, keys);
    }
}

/// Runs a command here; its reply in the shapes of RESP 2.
fn repeat(call: &mut Call<'_>, args: &[&[u8]]) -> Option<Value> {
    let reply = commands::run(call.space, call.common, call.session, call.now, args);
    Some(match reply {
        Ok(reply) => reply.into_resp2(),
        Err(super::stop::Stop::Reply(message)) => Value::Error(message.into_owned()),
        Err(super::stop::Stop::Block(block)) => block.at_timeout,
        Err(super::stop::Stop::Refusal(_)) => return None,
    })
}

/// Whether a reply in the shapes of RESP 2 says what one of Redis says in either protocol.
fn is_same(own: &Value, theirs: &Value) -> bool {
    let is_nothing = *own == Value::NilArray && *theirs == Value::Nil;
    is_nothing || own == theirs || *own == theirs.clone().into_resp2()
}

fn forget(call: &mut Call<'_>, keys: &Touched<'_>) {
    for name in keys.names() {
        call.remove(name);
    }
}

/// Gives a key a string; where it has that already, nothing is done but to confirm it.
fn become_text(call: &mut Call<'_>, key: &[u8], value: &[u8], stale_ms_max: u64) {
    let enough = stale_enough(call.now, stale_ms_max);
    let Some(slot) = call.slot(key).filter(|slot| slot.as_string() == Some(value)) else {
        become_value(call, key, &[vec![b"SET", key, value]], stale_ms_max);
        return;
    };
    if slot.is_bound() && slot.expires_at().is_some_and(|bound| bound < enough) {
        call.bind(key);
    }
}

/// Gives a key a value; when it expires is known no better than before.
fn become_value(call: &mut Call<'_>, key: &[u8], commands: &[Words<'_>], stale_ms_max: u64) {
    let before = call.slot(key).map(|slot| (slot.is_bound(), slot.known_expiry()));
    if let [command] = commands
        && let [b"SET", _, value] = command.as_slice()
        && call.slot(key).and_then(Slot::as_string) == Some(value)
    {
        confirm(call, key, stale_ms_max);
        return;
    }
    call.remove(key);
    for command in commands {
        if repeat(call, command).is_none_or(|reply| reply.as_error().is_some()) {
            call.remove(key);
            return;
        }
    }
    match before {
        Some((false, known)) => call.set_expires_at(key, known),
        Some((true, _)) | None => call.bind(key),
    }
}

/// The value is what Redis has: it may be served for as long again.
fn confirm(call: &mut Call<'_>, key: &[u8], stale_ms_max: u64) {
    let bound = call.slot(key).filter(|slot| slot.is_bound()).and_then(Slot::expires_at);
    let enough = stale_enough(call.now, stale_ms_max);
    if bound.is_some_and(|bound| bound < enough) {
        call.bind(key);
    }
}

/// A value that is served until then need not be confirmed.
fn stale_enough(now: Timestamp, stale_ms_max: u64) -> Timestamp {
    now.plus_ms(stale_ms_max - stale_ms_max / CONFIRMATIONS)
}

/// Redis rounds and its clock is its own: what it tells of an expiry bounds how long a value is served
/// here, and is never written back.
fn learn_expiry(call: &mut Call<'_>, key: &[u8], at: Option<Timestamp>) {
    match at {
        None => call.set_expires_at(key, None),
        Some(at) => {
            let is_moment = call.arg(0).to_ascii_uppercase().ends_with(b"EXPIRETIME");
            let at = if is_moment { at } else { call.now.plus_ms(at.as_ms()) };
            let before = call.session.stale_at.replace(at);
            call.bind(key);
            call.session.stale_at = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::store::Options;

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);
    const STALE_MS_MAX: u64 = 10_000;

    /// A store that learns, beside one that plays Redis.
    struct Pair {
        shadow: Store,
        redis: Store,
    }

    impl Pair {
        fn new() -> Self {
            let options = Options::new(1 << 20).with_shards(4);
            Self { shadow: Store::with_options(options), redis: Store::new(1 << 20) }
        }

        /// A command on Redis, from whose reply the shadow learns.
        fn own_at(&self, now: Timestamp, line: &str) -> Value {
            let args: Vec<&str> = line.split(' ').collect();
            let reply = self.redis.execute(now, &args, false).unwrap();
            self.shadow.learn(now, &args, &reply, STALE_MS_MAX, || true);
            reply
        }

        fn own(&self, line: &str) -> Value {
            self.own_at(NOW, line)
        }

        /// A command of another process on Redis.
        fn other(&self, line: &str) {
            let args: Vec<&str> = line.split(' ').collect();
            self.redis.execute(NOW, &args, false).unwrap();
        }

        /// What the shadow answers.
        fn known_at(&self, now: Timestamp, line: &str) -> Value {
            let args: Vec<&str> = line.split(' ').collect();
            self.shadow.execute(now, &args, true).unwrap()
        }

        fn known(&self, line: &str) -> Value {
            self.known_at(NOW, line)
        }
    }

    #[test]
    fn what_was_read_or_written_whole_is_known() {
        let pair = Pair::new();
        for line in [
            "SET written 1",
            "MSET m1 a m2 b",
            "INCRBY counter 5",
            "SETEX expiring 100 v",
            "SET conditional v NX",
        ] {
            pair.own(line);
        }
        pair.other("SET read 2");
        pair.other("HSET hash f v g w");
        pair.other("SADD set a b c");
        pair.other("RPUSH list x y z");
        for line in
            ["GET read", "HGETALL hash", "SMEMBERS set", "LRANGE list 0 -1", "MGET m1 no m2"]
        {
            pair.own(line);
        }
        for line in [
            "GET written",
            "GET m2",
            "GET counter",
            "GET expiring",
            "TTL expiring",
            "GET conditional",
            "GET read",
            "HGET hash g",
            "HLEN hash",
            "SCARD set",
            "SISMEMBER set b",
            "LRANGE list 0 -1",
            "EXISTS no",
        ] {
            let args: Vec<&str> = line.split(' ').collect();
            assert_eq!(pair.known(line), pair.redis.execute(NOW, &args, false).unwrap(), "{line}");
        }
        assert_eq!(pair.shadow.journal().keys, 0);
    }

    #[test]
    fn what_is_known_follows_each_further_command() {
        let pair = Pair::new();
        for line in [
            "SET s ab",
            "APPEND s cd",
            "SETRANGE s 1 XX",
            "GETEX s EX 50",
            "SET n 1",
            "INCRBYFLOAT n 1.5",
            "RPUSH l a b",
            "LRANGE l 0 -1",
            "RPUSH l c",
            "LPOP l",
            "RENAME l moved",
            "DEL s",
        ] {
            pair.own(line);
        }
        assert_eq!(pair.known("LRANGE moved 0 -1"), pair.own("LRANGE moved 0 -1"));
        assert_eq!(pair.known("EXISTS s l"), Value::Integer(0));
        assert_eq!(pair.known("GET n"), Value::bulk("2.5"));
    }

    #[test]
    fn what_another_changed_is_forgotten_as_soon_as_it_shows() {
        let pair = Pair::new();
        pair.own("SET s ab");
        pair.other("SET s other");
        pair.own("APPEND s c");
        assert_eq!(pair.known("GET s"), Value::Nil);
        pair.other("HSET h f 1");
        pair.own("HGETALL h");
        pair.other("HSET h f 2");
        pair.own("HGET h f");
        assert_eq!(pair.known("EXISTS h"), Value::Integer(0));
        pair.own("SET gone 1");
        pair.other("DEL gone");
        pair.own("GET gone");
        assert_eq!(pair.known("GET gone"), Value::Nil);
    }

    #[test]
    fn what_is_not_known_whole_is_not_known() {
        let pair = Pair::new();
        for line in [
            "HSET h f v",
            "RPUSH l a",
            "SADD s a",
            "ZADD z 1 a",
            "APPEND a x",
            "SET n 1 XX",
            "GETRANGE a 0 0",
            "HGET h f",
            "SUNIONSTORE d s z2",
        ] {
            pair.own(line);
        }
        assert_eq!(pair.known("DBSIZE"), Value::Integer(0));
    }

    #[test]
    fn an_unknown_expiry_bounds_how_long_a_value_is_served() {
        let pair = Pair::new();
        pair.other("SET k v");
        pair.own("GET k");
        let (last, after) = (NOW.plus_ms(STALE_MS_MAX), NOW.plus_ms(STALE_MS_MAX + 1));
        assert_eq!(pair.known_at(last, "GET k"), Value::bulk("v"));
        assert_eq!(pair.known_at(last, "TTL k"), Value::Integer(-1));
        assert_eq!(pair.known_at(after, "GET k"), Value::Nil);
        // Each confirmation counts anew.
        pair.own("GET k");
        pair.own_at(NOW.plus_ms(5_000), "GET k");
        assert_eq!(pair.known_at(after, "GET k"), Value::bulk("v"));
        assert_eq!(pair.known_at(NOW.plus_ms(5_000 + STALE_MS_MAX + 1), "GET k"), Value::Nil);
        // Who asks for it knows.
        for (line, served) in [("PERSIST k", true), ("PEXPIRE k 3000", false)] {
            pair.other(line);
            pair.own("GET k");
            pair.own("PTTL k");
            assert_eq!(
                pair.known_at(NOW.plus_ms(3_001), "EXISTS k"),
                Value::Integer(served.into())
            );
        }
    }

    #[test]
    fn what_the_application_changes_in_an_outage_is_its_own() {
        let pair = Pair::new();
        pair.other("SET counter 10");
        pair.other("SET other v");
        pair.own("GET counter");
        pair.own("GET other");
        assert_eq!(pair.known("INCR counter"), Value::Integer(11));
        pair.known("RENAME other renamed");
        let later = NOW.plus_ms(10 * STALE_MS_MAX);
        assert_eq!(pair.known_at(later, "INCR counter"), Value::Integer(12));
        // Redis gets the difference, and no expiry that only this store knew.
        let batch = pair.shadow.next_batch(later, 9).unwrap();
        let line = |args: &Vec<Vec<u8>>| String::from_utf8_lossy(&args.join(&b' ')).into_owned();
        let mut lines: Vec<String> = batch.commands.iter().map(line).collect();
        lines.sort();
        assert_eq!(lines, ["DEL other", "INCRBY counter 2", "SET renamed v"]);
    }

    #[test]
    fn nothing_is_learned_of_what_waits_to_be_written_back_or_too_late() {
        let pair = Pair::new();
        pair.known("SET k own");
        pair.other("SET k redis");
        pair.own("GET k");
        assert_eq!(pair.known("GET k"), Value::bulk("own"));
        pair.known("DEL gone");
        pair.other("SET gone 1");
        pair.own("GET gone");
        assert_eq!(pair.known("GET gone"), Value::Nil);
        pair.shadow.learn(NOW, &["GET", "late"], &Value::bulk("v"), STALE_MS_MAX, || false);
        assert_eq!(pair.known("GET late"), Value::Nil);
    }

    #[test]
    fn scripts_and_flushes_leave_nothing_known() {
        let pair = Pair::new();
        pair.own("SET k v");
        pair.own("SET other v");
        pair.shadow.learn(NOW, &["EVAL", "x", "1", "k"], &Value::Nil, STALE_MS_MAX, || true);
        assert_eq!(pair.known("EXISTS k other"), Value::Integer(1));
        pair.own("FLUSHALL");
        assert_eq!(pair.known("EXISTS k other"), Value::Integer(0));
    }

    #[test]
    fn a_full_store_forgets_what_was_used_least() {
        let options = Options::new(20_000).with_eviction(crate::store::Eviction::AllKeysLru);
        let store: Store = Store::with_options(options);
        for n in 0..1_000 {
            let key = format!("key:{n}");
            store.learn(NOW, &["GET", &key], &Value::bulk("v"), STALE_MS_MAX, || true);
            assert!(store.bytes() <= 20_000);
        }
        assert_eq!(store.execute(NOW, &["EXISTS", "key:999"], true), Ok(Value::Integer(1)));
    }
}
