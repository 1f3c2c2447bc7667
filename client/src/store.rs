//! The Redis in memory, as the threads of this process share it: also without any Redis, such as in
//! tests.
//!
//! ```
//! use outlast::{Rules, Value};
//! use outlast::store::{Options, new_store, now};
//!
//! let store = new_store(Options::new(1 << 20), Rules::NONE);
//! let added = store.execute(now(), &["ZADD", "board", "7", "ada"], false);
//! assert_eq!(added, Ok(Value::Integer(1)));
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

pub use outlast_core::store::{Answer, Block, Eviction, Options, Password, Refusal, Session};
use outlast_core::store::{Locks, Store};
use outlast_core::{Rules, Timestamp};

use crate::host::{Clock, entropy};

/// A store behind the locks of the standard library, one for each shard.
pub type SharedStore = Store<Mutexes>;

/// Shards for each processor: enough that two threads seldom meet at one.
const SHARDS_BY_PROCESSOR: usize = 8;

/// Locks of the standard library. A thread that panics while it holds one leaves the others going.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Mutexes;

impl Locks for Mutexes {
    type Lock<T> = Mutex<T>;
    type Guard<'a, T: 'a> = MutexGuard<'a, T>;

    fn wrap<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of this machine's clock, for a store on its own.
pub fn now() -> Timestamp {
    Clock::new().now()
}

/// A store that knows these keyspace rules, and runs scripts where Lua is built in. Seed and shards are those of this machine.
pub fn new_store(options: Options, rules: Rules) -> SharedStore {
    let processors = available_parallelism().map_or(1, usize::from);
    let options = options.with_seed(entropy()).with_shards(processors * SHARDS_BY_PROCESSOR);
    let store = Store::with_rules(options, rules);
    #[cfg(feature = "lua")]
    store.set_script_engine(Box::new(crate::lua::Lua::new(crate::lua::LuaLimits::default())));
    store
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread;

    use outlast_core::store::{Answer, Eviction};
    use outlast_core::{Timestamp, Value};

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);
    const THREADS: usize = 4;
    const ROUNDS: usize = 5_000;

    fn shared(bytes_max: usize) -> SharedStore {
        let store = new_store(Options::new(bytes_max), Rules::NONE);
        assert_eq!(store.execute(NOW, &["DBSIZE"], true), Ok(Value::Integer(0)));
        store
    }

    fn run(store: &SharedStore, line: &str) -> Value {
        let args: Vec<&str> = line.split(' ').collect();
        store.execute(NOW, &args, true).expect("an answer")
    }

    fn integer(value: Value) -> i64 {
        match value {
            Value::Integer(number) => number,
            Value::Bulk(bytes) => String::from_utf8_lossy(&bytes).parse().expect("a number"),
            other => panic!("{other:?} is no number"),
        }
    }

    #[test]
    fn each_increment_of_a_key_is_seen_once_and_in_order() {
        let store = shared(1 << 24);
        let seen: Vec<Vec<Vec<i64>>> = thread::scope(|scope| {
            let count = || {
                let mut seen = vec![Vec::new(); 3];
                for round in 0..ROUNDS {
                    let key = round % 3;
                    seen[key].push(integer(run(&store, &format!("INCR counter:{key}"))));
                    run(&store, &format!("SET other:{round} x"));
                }
                seen
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        for key in 0..3 {
            assert!(seen.iter().all(|thread| thread[key].is_sorted()));
            let all: BTreeSet<i64> = seen.iter().flat_map(|thread| thread[key].clone()).collect();
            let (count, last) = (all.len(), integer(run(&store, &format!("GETDEL counter:{key}"))));
            assert_eq!((count, all.last().copied()), (usize::try_from(last).unwrap(), Some(last)));
        }
    }

    /// Every thread moves money between accounts, in one of three ways that are atomic; whoever
    /// counts it finds all of it.
    #[test]
    fn transactions_and_scripts_are_seen_whole_or_not_at_all() {
        const ACCOUNTS: usize = 8;
        let store = shared(1 << 24);
        for account in 0..ACCOUNTS {
            run(&store, &format!("SET account:{account} 100"));
        }
        let accounts: Vec<String> = (0..ACCOUNTS).map(|at| format!("account:{at}")).collect();
        let read_all = format!("MGET {}", accounts.join(" "));
        let transfer = |thread: usize| {
            let mut session = store.open(NOW);
            let mut serve = |line: String| {
                let args: Vec<&str> = line.split(' ').collect();
                match store.serve(NOW, &mut session, &args) {
                    Answer::Replies(replies) => replies.into_iter().next().expect("a reply"),
                    other => panic!("{other:?}"),
                }
            };
            for round in 0..ROUNDS / 5 {
                let (from, to) = ((thread + round) % ACCOUNTS, (3 * thread + 5 * round) % ACCOUNTS);
                if round % 2 == 0 {
                    serve("MULTI".into());
                    serve(format!("DECRBY account:{from} 7"));
                    serve(format!("INCRBY account:{to} 7"));
                    serve("EXEC".into());
                } else if cfg!(feature = "lua") {
                    let script = "redis.call('DECR',KEYS[1])redis.call('INCR',KEYS[2])";
                    serve(format!("EVAL {script} 2 account:{from} account:{to}"));
                }
                let Value::Array(balances) = serve(read_all.clone()) else {
                    panic!("a list");
                };
                let sum: i64 = balances.into_iter().map(integer).sum();
                assert_eq!(sum, 100 * i64::try_from(ACCOUNTS).unwrap());
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || transfer(thread));
            }
        });
    }

    #[test]
    fn commands_on_many_keys_and_on_all_keys_never_wait_for_each_other() {
        let store = shared(200_000);
        let full = Options::new(200_000).with_eviction(Eviction::AllKeysLru).with_shards(16);
        let evicting = SharedStore::with_options(full.with_seed(1));
        let lines = [
            "MSET a 1 b 2 c 3 d 4 e 5",
            "DEL e d c b a",
            "RENAME a z",
            "SUNIONSTORE s t u v",
            "LMOVE l1 l2 LEFT RIGHT",
            "RPUSH l1 x y z",
            "KEYS *",
            "SCAN 0 COUNT 5",
            "FLUSHALL",
            "RANDOMKEY",
            "INFO",
            "DBSIZE",
            "PUBLISH channel message",
        ];
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (store, evicting) = (&store, &evicting);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let line = lines[(round * 7 + thread * 3) % lines.len()];
                        let args: Vec<&str> = line.split(' ').collect();
                        for store in [store, evicting] {
                            store.execute(NOW, &args, false).expect("an answer");
                        }
                        let (key, value) = (format!("k{round}"), "v".repeat(200));
                        let set = evicting.execute(NOW, &["SET", &key, &value], false);
                        assert_eq!(set, Ok(Value::ok()));
                        if round % 100 == 0 {
                            store.next_batch(NOW, 8);
                            store.batch_returned(NOW);
                            store.when_written_back(|| ());
                        }
                    }
                });
            }
        });
        assert!(evicting.bytes() <= 200_000 + THREADS * 1_000);
    }
}
