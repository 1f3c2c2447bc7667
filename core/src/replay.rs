//! The way back to Redis, one exchange at a time: what to send over a fresh connection, and what the
//! replies mean. The host moves bytes and makes the switch.
//!
//! ```text
//!   WATCH, GET marker ──▶ look ──▶ batch, WATCH ──▶ look ──▶ batch, WATCH ──▶ … ──▶ UNWATCH ──▶ switch
//! ```
//!
//! A look asks for the values of keys that were known before the outage: what others changed there is
//! a conflict. It also asks for what has Redis refuse commands for good, as a key's type, and watches all
//! of these keys: should the reply to the batch be lost, what was refused is known nevertheless. Keys that
//! are replaced whole, and were not known, are not looked at.
//!
//! Batches are small at first and grow while Redis takes them, so that a server that has just come back
//! is not knocked over by those who waited for it.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::classify::classify_reply;
use crate::cluster::Redirect;
use crate::journal::{Batch, Outcome, words};
use crate::kind::{Failure, FailureKind, Verdict};
use crate::resp::Value;
use crate::store::{Locks, Store};
use crate::time::Timestamp;

/// Keys in the first batch.
const KEYS_FIRST: usize = 8;
/// Keys in a batch once Redis has taken several.
const KEYS_MAX: usize = 128;
/// How often a batch is put together anew because others change its keys at that very moment. Beyond it
/// they are looked at and not watched.
const CONTENDED_MAX: u32 = 3;

/// What the host does next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Sends these commands and hands in their replies.
    Exchange(Vec<Vec<Vec<u8>>>),
    /// Lets callers back on Redis, unless something was written meanwhile: see
    /// [`Store::when_written_back`]. Then it asks again.
    Switch,
}

/// Keys that reached Redis, or did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Keys that Redis took.
    pub replayed: u64,
    /// Keys that Redis refused for good, or must have where its reply was lost. They are among the store's dead letters.
    pub refused: u64,
    /// Keys whose last known value others changed on Redis.
    pub conflicts: u64,
}

/// The replay over one connection.
#[derive(Debug)]
pub struct Replay {
    client_id: String,
    state: State,
    /// The slot whose marker is watched, or asked for, where Redis is a cluster.
    slot: Option<u16>,
    keys_max: usize,
    /// Whether another connection may still carry the batch under way.
    is_doubled: bool,
    /// How often others changed what was looked at before the batch arrived.
    contended: u32,
    /// Conflicts of the batch under way.
    conflicts: u64,
}

#[derive(Debug)]
enum State {
    /// Nothing was sent yet, or another connection was quicker.
    Fresh,
    /// The marker was asked for.
    Asked,
    /// The marker is watched.
    Ready,
    /// The keys of this batch were asked for.
    Looking(Batch),
    /// They are what they are, and watched.
    Looked(Batch),
    /// A batch was sent.
    Sent(Batch),
    /// The end of the watch was sent.
    Ending,
    /// All is written back, and nothing is watched.
    Done,
}

impl Replay {
    /// The replay of a client over a fresh connection.
    pub const fn new(client_id: String) -> Self {
        Self {
            client_id,
            state: State::Fresh,
            slot: None,
            keys_max: KEYS_FIRST,
            is_doubled: false,
            contended: 0,
            conflicts: 0,
        }
    }

    /// What to do next.
    pub fn next<L: Locks>(&mut self, now: Timestamp, store: &Store<L>) -> Step {
        match core::mem::replace(&mut self.state, State::Fresh) {
            State::Fresh | State::Done if store.journal().keys == 0 => Step::Switch,
            State::Ready => {
                let Some(batch) = store.next_batch_near(now, self.keys_max, self.slot) else {
                    self.state = State::Ending;
                    return Step::Exchange(vec![words(&["UNWATCH"])]);
                };
                if batch.slot != self.slot {
                    return self.ask(batch.slot);
                }
                self.conflicts = 0;
                let looks = batch.looks(self.contended < CONTENDED_MAX, self.is_doubled);
                if looks.is_empty() {
                    return self.send(store, batch);
                }
                self.state = State::Looking(batch);
                Step::Exchange(looks)
            }
            State::Looked(batch) => self.send(store, batch),
            State::Fresh
            | State::Done
            | State::Asked
            | State::Looking(_)
            | State::Sent(_)
            | State::Ending => self.ask(store.next_slot()),
        }
    }

    /// The slot of what it does next, where Redis is a cluster: whoever serves it is sent the next
    /// exchange.
    pub const fn slot(&self) -> Option<u16> {
        self.slot
    }

    /// Watches the marker and asks for it. On a cluster each slot has its own, and that of the slot
    /// before is watched no longer.
    fn ask(&mut self, slot: Option<u16>) -> Step {
        self.state = State::Asked;
        self.slot = slot;
        let marker = Batch::marker_key(&self.client_id, slot);
        let mut commands = vec![words(&["WATCH", &marker]), words(&["GET", &marker])];
        if slot.is_some() {
            commands.insert(0, words(&["UNWATCH"]));
        }
        Step::Exchange(commands)
    }

    fn send<L: Locks>(&mut self, store: &Store<L>, batch: Batch) -> Step {
        store.batch_sent(&batch);
        let commands = batch.transaction(&self.client_id);
        self.state = State::Sent(batch);
        Step::Exchange(commands)
    }

    /// Takes the replies of an exchange.
    ///
    /// # Errors
    ///
    /// Why Redis takes nothing for now. The connection is then of no further use.
    pub fn handle<L: Locks>(
        &mut self,
        now: Timestamp,
        store: &Store<L>,
        replies: &[Value],
    ) -> Result<Progress, Failure> {
        match core::mem::replace(&mut self.state, State::Fresh) {
            State::Asked => {
                let progress = resolve(store, replies)?;
                self.is_doubled = store.journal().in_doubt.is_some();
                self.state = State::Ready;
                Ok(progress)
            }
            State::Looking(mut batch) => {
                if let Some(failure) = refusal(replies) {
                    store.batch_returned(now);
                    return Err(failure);
                }
                self.conflicts = batch.resolve(now, replies, store.rules(), self.is_doubled);
                self.state = State::Looked(batch);
                Ok(Progress::default())
            }
            State::Sent(batch) => match batch.outcome(now, replies) {
                Outcome::Applied { replayed, refused } => {
                    store.batch_applied();
                    self.is_doubled = false;
                    self.contended = 0;
                    self.keys_max = (self.keys_max * 2).min(KEYS_MAX);
                    self.state = State::Ready;
                    let (refused_keys, conflicts) = (refused.len() as u64, self.conflicts);
                    let progress = Progress { replayed, refused: refused_keys, conflicts };
                    store.keep_dead_letters(refused);
                    Ok(progress)
                }
                Outcome::Overtaken => {
                    self.contended += 1;
                    // Nobody else carries it, so others changed what was looked at.
                    if !self.is_doubled {
                        store.batch_returned(now);
                    }
                    Ok(Progress::default())
                }
                Outcome::Rejected { failure } => {
                    // What nobody else carries may be put together anew.
                    if !self.is_doubled {
                        store.batch_returned(now);
                    }
                    Err(failure)
                }
            },
            State::Ending => {
                self.state = State::Done;
                Ok(Progress::default())
            }
            State::Fresh | State::Ready | State::Looked(_) | State::Done => {
                Err(Failure::new(FailureKind::ProtocolError, "replies that nobody asked for"))
            }
        }
    }
}

/// A batch may have been cut off: the marker tells whether Redis took it. If not, it is sent once more
/// under the same number: the copy that was cut off may still be read.
fn resolve<L: Locks>(store: &Store<L>, replies: &[Value]) -> Result<Progress, Failure> {
    if let Some(message) = replies.iter().find_map(Value::as_error) {
        return Err(
            redirection(message).unwrap_or_else(|| Failure::new(classify_reply(message), message))
        );
    }
    let Some(sequence) = store.journal().in_doubt else {
        return Ok(Progress::default());
    };
    if Batch::is_marked(replies.last().unwrap_or(&Value::Nil), sequence) {
        let letters = store.foreseen_refusals();
        let (keys, refused) = (store.batch_applied() as u64, letters.len() as u64);
        store.keep_dead_letters(letters);
        return Ok(Progress { replayed: keys.saturating_sub(refused), refused, conflicts: 0 });
    }
    Ok(Progress::default())
}

/// Why Redis does not show what it holds. That a key has another type by now is an answer.
fn refusal(replies: &[Value]) -> Option<Failure> {
    let errors = replies.iter().filter_map(Value::as_error);
    let mut failures = errors.map(|message| {
        redirection(message).unwrap_or_else(|| Failure::new(classify_reply(message), message))
    });
    failures.find(|failure| failure.verdict() != Verdict::Command)
}

/// A slot that is on its way elsewhere: what is to go there may be done later, or there.
fn redirection(message: &str) -> Option<Failure> {
    Redirect::parse(message).map(|_| Failure::new(FailureKind::TryAgain, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::slot_of;
    use crate::store::{Answer, Options, Session};

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);

    fn run(store: &Store, line: &str) -> Value {
        let args: Vec<&str> = line.split(' ').collect();
        store.execute(NOW, &args, true).unwrap()
    }

    /// A connection of the model server, which is a store too.
    struct Connection<'a> {
        server: &'a Store,
        session: Session,
    }

    impl<'a> Connection<'a> {
        fn to(server: &'a Store) -> Self {
            Self { server, session: server.open(NOW) }
        }

        fn exchange(&mut self, commands: &[Vec<Vec<u8>>]) -> Vec<Value> {
            let mut replies = Vec::new();
            for args in commands {
                let answer = self.server.serve(NOW, &mut self.session, args);
                let Answer::Replies(more) = answer else { panic!("{answer:?}") };
                replies.extend(more);
            }
            // A parser does not tell no list from no value.
            let parsed = |value| if value == Value::NilArray { Value::Nil } else { value };
            replies.into_iter().map(parsed).collect()
        }
    }

    /// Goes on until the switch; the keys in each batch.
    fn to_the_end(store: &Store, replay: &mut Replay, connection: &mut Connection<'_>) -> Vec<u64> {
        let mut sizes = Vec::new();
        loop {
            match replay.next(NOW, store) {
                Step::Switch => return sizes,
                Step::Exchange(commands) => {
                    let replies = connection.exchange(&commands);
                    let progress = replay.handle(NOW, store, &replies).unwrap();
                    sizes.extend((progress.replayed > 0).then_some(progress.replayed));
                }
            }
        }
    }

    fn server_reads(server: &Store, line: &str) -> Value {
        let args: Vec<&str> = line.split(' ').collect();
        server.execute(NOW, &args, false).unwrap()
    }

    #[test]
    fn where_nothing_waits_nothing_is_asked() {
        let mut replay = Replay::new("id".into());
        assert_eq!(replay.next(NOW, &Store::new(1 << 20)), Step::Switch);
    }

    #[test]
    fn batches_grow_while_redis_takes_them() {
        let (store, server) = (Store::new(1 << 24), Store::new(1 << 24));
        for n in 0..1_000 {
            run(&store, &alloc::format!("INCR n{n}"));
        }
        let mut replay = Replay::new("id".into());
        let sizes = to_the_end(&store, &mut replay, &mut Connection::to(&server));
        assert_eq!(sizes[..6], [8, 16, 32, 64, 128, 128]);
        assert_eq!(server_reads(&server, "DBSIZE"), Value::Integer(1_001));
    }

    /// A cut after each step of the way: before Redis read it, or before its reply came back.
    #[test]
    fn a_cut_anywhere_loses_nothing_and_does_nothing_twice() {
        for cut in 0..8 {
            for is_read in [false, true] {
                let (store, server) = (Store::new(1 << 24), Store::new(1 << 24));
                for n in 0..20 {
                    run(&store, &alloc::format!("INCRBY n{n} 5"));
                }
                let mut exchanges = 0;
                let mut replay = Replay::new("id".into());
                let mut connection = Connection::to(&server);
                while let Step::Exchange(commands) = replay.next(NOW, &store) {
                    exchanges += 1;
                    if exchanges == cut + 1 {
                        if is_read {
                            connection.exchange(&commands);
                        }
                        run(&store, "INCRBY n0 1");
                        replay = Replay::new("id".into());
                        connection = Connection::to(&server);
                        continue;
                    }
                    let replies = connection.exchange(&commands);
                    replay.handle(NOW, &store, &replies).unwrap();
                }
                let expected = if cut < exchanges - 1 { "6" } else { "5" };
                assert_eq!(server_reads(&server, "GET n0"), Value::bulk(expected), "{cut}");
                assert_eq!(server_reads(&server, "GET n19"), Value::bulk("5"), "{cut}");
                assert_eq!(store.journal().keys, 0);
            }
        }
    }

    /// What a cut connection carried may be read by the server after the next one has begun.
    #[test]
    fn a_batch_that_is_read_late_is_not_done_twice() {
        for late_before_batch in [true, false] {
            let (store, server) = (Store::new(1 << 24), Store::new(1 << 24));
            run(&store, "INCRBY n 5");
            let mut first = Connection::to(&server);
            let mut replay = Replay::new("id".into());
            let Step::Exchange(commands) = replay.next(NOW, &store) else { panic!("a start") };
            replay.handle(NOW, &store, &first.exchange(&commands)).unwrap();
            let Step::Exchange(late) = replay.next(NOW, &store) else { panic!("a batch") };
            // The reply never comes. The next connection asks for the marker before it is read.
            let mut second = Connection::to(&server);
            let mut replay = Replay::new("id".into());
            let Step::Exchange(commands) = replay.next(NOW, &store) else { panic!("a start") };
            replay.handle(NOW, &store, &second.exchange(&commands)).unwrap();
            if late_before_batch {
                first.exchange(&late);
            }
            to_the_end(&store, &mut replay, &mut second);
            if !late_before_batch {
                first.exchange(&late);
            }
            assert_eq!(server_reads(&server, "GET n"), Value::bulk("5"));
        }
    }

    #[test]
    fn what_redis_refuses_for_good_is_kept_and_stops_nothing() {
        let (store, server) = (Store::new(1 << 24), Store::new(1 << 24));
        server_reads(&server, "RPUSH list x");
        run(&store, "INCR list");
        run(&store, "INCR n");
        to_the_end(&store, &mut Replay::new("id".into()), &mut Connection::to(&server));
        assert_eq!(server_reads(&server, "GET n"), Value::bulk("1"));
        let letters = store.dead_letters();
        assert_eq!((letters.len(), &letters[0].key[..], letters[0].at), (1, &b"list"[..], NOW));
        assert_eq!(letters[0].commands[0].join(&b' '), b"INCRBY list 1");
        assert!(letters[0].error.starts_with("WRONGTYPE"), "{}", letters[0].error);
    }

    /// What a batch had refused stands in its reply. Where that is lost, the look before it tells.
    #[test]
    fn what_was_refused_in_a_batch_whose_reply_was_lost_is_kept() {
        for (theirs, ours, error) in [
            ("RPUSH k x", "INCR k", "WRONGTYPE"),
            ("SET k text", "INCRBY k 2", "ERR value is not an integer"),
            ("SET k 9223372036854775807", "INCR k", "ERR increment or decrement would overflow"),
            ("SET k text", "INCRBYFLOAT k 1.5", "ERR value is not a valid float"),
            ("SET k text", "RPUSH k x", "WRONGTYPE"),
            ("RPUSH k x", "APPEND k x", "WRONGTYPE"),
            ("RPUSH k x", "SETBIT k 7 1", "WRONGTYPE"),
            ("SET k text", "PFADD k x", "WRONGTYPE"),
            ("SET k text", "HSET k f v", "WRONGTYPE"),
            ("HSET k f text", "HINCRBY k f 1", "ERR hash value is not an integer"),
            ("HSET k f text", "HINCRBYFLOAT k f 1.5", "ERR hash value is not a float"),
            ("SET k text", "SADD k x", "WRONGTYPE"),
            ("SET k text", "ZADD k 1 x", "WRONGTYPE"),
            ("SET k text", "GEOADD k 1 1 x", "WRONGTYPE"),
            ("SET k text", "XADD k 5-1 f v", "WRONGTYPE"),
            ("XADD k 5-1 f v", "XADD k 4-1 f v", "ERR The ID specified in XADD is equal"),
        ] {
            let (store, server) = (Store::new(1 << 24), Store::new(1 << 24));
            server_reads(&server, theirs);
            run(&store, ours);
            run(&store, "INCR n");
            let told = |store: &Store, is_lost: bool| {
                let mut replay = Replay::new("id".into());
                let mut connection = Connection::to(&server);
                while let Step::Exchange(commands) = replay.next(NOW, store) {
                    let replies = connection.exchange(&commands);
                    if is_lost && commands.contains(&words(&["EXEC"])) {
                        break;
                    }
                    replay.handle(NOW, store, &replies).unwrap();
                }
            };
            told(&store, true);
            assert_eq!(store.dead_letters(), []);
            told(&store, false);
            let letters = store.dead_letters();
            let [letter] = letters.as_slice() else { panic!("{ours}: {letters:?}") };
            assert!(letter.error.starts_with(error), "{ours}: {}", letter.error);
            assert_eq!(server_reads(&server, "GET n"), Value::bulk("1"), "once");
            // Redis itself says the same where its reply comes.
            let (store, answered) = (Store::new(1 << 24), letter);
            run(&store, ours);
            told(&store, false);
            let letters = store.dead_letters();
            let [letter] = letters.as_slice() else { panic!("{ours}: {letters:?}") };
            assert_eq!(letter.error, answered.error, "{ours}");
        }
    }

    #[test]
    fn what_redis_takes_is_no_dead_letter_where_its_reply_was_lost() {
        for (theirs, ours) in [
            ("SET k 5", "INCR k"),
            ("SET k 5", "INCRBYFLOAT k 1.5"),
            ("HSET k f 5", "HINCRBY k f 1"),
            ("HSET k f text", "HSET k f 5|HINCRBY k f 1"),
            ("SET k text", "SET k 5|INCR k"),
            ("XADD k 5-1 f v", "XADD k 5-2 f v"),
            ("RPUSH k x", "RPUSH k y|PEXPIRE k 100000"),
            ("RPUSH k x", "DEL k|SADD k y"),
        ] {
            let (store, server) = (Store::new(1 << 24), Store::new(1 << 24));
            server_reads(&server, theirs);
            ours.split('|').for_each(|line| drop(run(&store, line)));
            let mut replay = Replay::new("id".into());
            let mut connection = Connection::to(&server);
            while let Step::Exchange(commands) = replay.next(NOW, &store) {
                let replies = connection.exchange(&commands);
                if commands.contains(&words(&["EXEC"])) {
                    replay = Replay::new("id".into());
                    connection = Connection::to(&server);
                    continue;
                }
                replay.handle(NOW, &store, &replies).unwrap();
            }
            assert_eq!(store.dead_letters(), [], "{ours}");
            assert_eq!(store.journal().keys, 0, "{ours}");
        }
    }

    #[test]
    fn what_redis_refuses_for_now_waits() {
        let store = Store::new(1 << 24);
        run(&store, "INCR n");
        let mut replay = Replay::new("id".into());
        replay.next(NOW, &store);
        replay.handle(NOW, &store, &[Value::ok(), Value::Nil]).unwrap();
        replay.next(NOW, &store);
        let error = || Value::Error("READONLY You can't write against a read only replica.".into());
        let aborted =
            Value::Error("EXECABORT Transaction discarded because of previous errors.".into());
        let replies = [Value::ok(), error(), error(), aborted, Value::ok()];
        let failure = replay.handle(NOW, &store, &replies).unwrap_err();
        assert_eq!(failure.kind, FailureKind::ReadOnly);
        assert_eq!((store.journal().keys, store.journal().in_doubt), (1, None));
    }

    fn of_a_cluster() -> Store {
        Store::with_options(Options::new(1 << 24).with_slots())
    }

    /// The slots that the keys of an exchange lie in.
    fn slots_of(commands: &[Vec<Vec<u8>>]) -> Vec<u16> {
        let mut slots: Vec<u16> =
            commands.iter().filter_map(|args| args.get(1)).map(|key| slot_of(key)).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    #[test]
    fn on_a_cluster_a_batch_and_its_marker_lie_in_one_slot() {
        let (store, server) = (of_a_cluster(), Store::new(1 << 24));
        for n in 0..300 {
            run(&store, &alloc::format!("INCR n{}", n % 100));
            run(&store, &alloc::format!("INCR {{n{}}}:more", n % 100));
        }
        let mut replay = Replay::new("id".into());
        let mut connection = Connection::to(&server);
        let mut replayed = 0;
        while let Step::Exchange(commands) = replay.next(NOW, &store) {
            let slots = slots_of(&commands);
            assert!(slots.len() <= 1, "{commands:?}");
            assert!(slots.is_empty() || slots == [replay.slot().unwrap()], "{commands:?}");
            let replies = connection.exchange(&commands);
            replayed += replay.handle(NOW, &store, &replies).unwrap().replayed;
        }
        assert_eq!((replayed, store.journal().keys), (200, 0));
        for n in 0..100 {
            assert_eq!(server_reads(&server, &alloc::format!("GET n{n}")), Value::bulk("3"));
            assert_eq!(
                server_reads(&server, &alloc::format!("GET {{n{n}}}:more")),
                Value::bulk("3")
            );
        }
    }

    /// At each exchange the node says that the slot is elsewhere: nothing is lost, nothing done twice.
    #[test]
    fn a_slot_that_moved_is_written_back_where_it_is() {
        for moved_at in 0..6 {
            let (store, server) = (of_a_cluster(), Store::new(1 << 24));
            run(&store, "INCRBY a 5");
            run(&store, "INCRBY b 7");
            let mut connection = Connection::to(&server);
            let mut replay = Replay::new("id".into());
            let mut exchanges = 0;
            while let Step::Exchange(commands) = replay.next(NOW, &store) {
                exchanges += 1;
                if exchanges == moved_at + 1 && commands.len() > 1 {
                    let moved = Value::Error("MOVED 1 h:1".into());
                    let replies = vec![moved; commands.len()];
                    let failure = replay.handle(NOW, &store, &replies).unwrap_err();
                    assert_eq!(
                        (failure.kind, &failure.text[..]),
                        (FailureKind::TryAgain, "MOVED 1 h:1")
                    );
                    connection = Connection::to(&server);
                    continue;
                }
                let replies = connection.exchange(&commands);
                replay.handle(NOW, &store, &replies).unwrap();
            }
            assert_eq!(server_reads(&server, "GET a"), Value::bulk("5"), "{moved_at}");
            assert_eq!(server_reads(&server, "GET b"), Value::bulk("7"), "{moved_at}");
        }
    }
}
