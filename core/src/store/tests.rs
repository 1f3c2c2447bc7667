use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::command::Traits;
use crate::journal::ledger::{Entry, Ledger, Restored};
use crate::journal::{Batch, Outcome};
use crate::kind::FailureKind;

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

fn store() -> Store {
    Store::new(1 << 20)
}

fn run(store: &Store, line: &str) -> Value {
    run_at(store, NOW, line)
}

fn run_at(store: &Store, now: Timestamp, line: &str) -> Value {
    let args: Vec<&str> = line.split(' ').collect();
    store.execute(now, &args, true).unwrap()
}

fn error(text: &str) -> Value {
    Value::Error(text.to_string())
}

/// The commands of a batch as lines.
fn lines(batch: &Batch) -> Vec<String> {
    let words = |args: &Vec<Vec<u8>>| {
        let words: Vec<_> = args.iter().map(|arg| String::from_utf8_lossy(arg)).collect();
        words.join(" ")
    };
    batch.commands.iter().map(words).collect()
}

#[test]
fn every_listed_command_is_known_and_no_other() {
    // These need an engine for scripts, or a connection.
    let runs_scripts = |name: &&str| name.contains("EVAL") || Traits::of(&[*name]).stateful;
    for name in commands::supported().into_iter().filter(|name| !runs_scripts(name)) {
        assert_ne!(store().execute(NOW, &[name], false), Err(Refusal::Unsupported), "{name}");
    }
    for name in ["MIGRATE", "CLUSTER", "", "NOSUCH"] {
        assert_eq!(store().execute(NOW, &[name], true), Err(Refusal::Unsupported), "{name}");
    }
}

#[test]
fn strings_and_their_options() {
    let store = store();
    assert_eq!(run(&store, "SET k v"), Value::ok());
    assert_eq!(run(&store, "set k w NX"), Value::Nil);
    assert_eq!(run(&store, "SET k w XX GET"), Value::bulk("v"));
    assert_eq!(run(&store, "GET k"), Value::bulk("w"));
    assert_eq!(run(&store, "SET k v NX XX"), error("ERR syntax error"));
    assert_eq!(run(&store, "SET k v EX 0"), error("ERR invalid expire time in 'set' command"));
    assert_eq!(run(&store, "SET k v EX x"), error("ERR value is not an integer or out of range"));
    assert_eq!(run(&store, "GET"), error("ERR wrong number of arguments for 'get' command"));
    assert_eq!(run(&store, "SETNX n 1"), Value::Integer(1));
    assert_eq!(run(&store, "SETNX n 2"), Value::Integer(0));
    assert_eq!(
        run(&store, "MGET k no n"),
        Value::Array(vec![Value::bulk("w"), Value::Nil, Value::bulk("1")])
    );
    assert_eq!(run(&store, "DEL k n no"), Value::Integer(2));
    assert_eq!(run(&store, "EXISTS k n"), Value::Integer(0));
}

#[test]
fn counters_and_their_limits() {
    let store = store();
    assert_eq!(run(&store, "INCR c"), Value::Integer(1));
    assert_eq!(run(&store, "DECRBY c 5"), Value::Integer(-4));
    run(&store, "SET c 9223372036854775807");
    assert_eq!(run(&store, "INCR c"), error("ERR increment or decrement would overflow"));
    run(&store, "SET c 01");
    assert_eq!(run(&store, "INCR c"), error("ERR value is not an integer or out of range"));
    assert_eq!(run(&store, "DECRBY c -9223372036854775808"), error("ERR decrement would overflow"));
}

#[test]
fn expiry_is_absolute_and_survives_increments() {
    let store = store();
    run(&store, "INCR limit");
    assert_eq!(run(&store, "TTL limit"), Value::Integer(-1));
    assert_eq!(run(&store, "EXPIRE limit 60"), Value::Integer(1));
    assert_eq!(run_at(&store, NOW.plus_ms(20_000), "INCR limit"), Value::Integer(2));
    assert_eq!(run_at(&store, NOW.plus_ms(20_000), "TTL limit"), Value::Integer(40));
    assert_eq!(run_at(&store, NOW.plus_ms(60_001), "GET limit"), Value::Nil);
    assert_eq!(run_at(&store, NOW.plus_ms(60_001), "PTTL limit"), Value::Integer(-2));
    assert_eq!(run(&store, "EXPIRE no 5"), Value::Integer(0));
}

#[test]
fn a_million_increments_are_one_command() {
    let store = store();
    for _ in 0..1_000_000 {
        store.execute(NOW, &["INCR", "c"], true).unwrap();
    }
    let batch = store.next_batch(NOW, 100).unwrap();
    assert_eq!(lines(&batch), ["INCRBY c 1000000"]);
}

#[test]
fn elements_that_were_added_one_by_one_are_one_command() {
    let store = store();
    for line in ["RPUSH l a", "RPUSH l b c", "LPUSH l d", "LPUSH l e", "HSET h f v", "hset h g w"] {
        run(&store, line);
    }
    let batch = store.next_batch(NOW, 9).unwrap();
    assert_eq!(lines(&batch), ["HSET h f v g w", "RPUSH l a b c", "LPUSH l d e"]);
    store.batch_applied();
    assert_eq!(store.journal().bytes, 0);
}

#[test]
fn the_journal_keeps_the_final_state() {
    let store = store();
    for line in [
        "SET a 1",
        "SET a 2",
        "INCR a",
        "DEL b",
        "INCR c",
        "EXPIRE c 60",
        "SET d 1 PX 5",
        "DEL e",
        "INCR e",
        "INCR f",
        "SET f 9",
        "SET g 1",
        "DEL g",
    ] {
        run(&store, line);
    }
    let batch = store.next_batch(NOW.plus_ms(10), 100).unwrap();
    let expected = [
        "SET a 3",
        "DEL b",
        "INCRBY c 1",
        "PEXPIREAT c 1060000",
        "DEL d",
        "SET e 1",
        "SET f 9",
        "DEL g",
    ];
    assert_eq!(lines(&batch), expected);
    let sent: Vec<_> = batch.transaction("id").into_iter().map(|args| args.concat()).collect();
    assert_eq!(sent.first().unwrap(), b"MULTI");
    assert_eq!(sent[sent.len() - 2..], [b"EXEC".to_vec(), b"WATCHoutlast:{id}".to_vec()]);
    assert!(sent[sent.len() - 3].starts_with(b"SEToutlast:{id}1PX"));
}

#[test]
fn a_batch_that_returns_is_merged_with_what_came_after() {
    let store = store();
    for line in ["INCRBY a 5", "SET b 1", "INCR c", "DEL d"] {
        run(&store, line);
    }
    let batch = store.next_batch(NOW, 100).unwrap();
    assert_eq!(store.journal().in_doubt, None);
    store.batch_sent(&batch);
    assert_eq!(store.journal().in_doubt, Some(1));
    for line in ["INCR a", "INCR b", "SET c 7"] {
        run(&store, line);
    }
    store.batch_returned(NOW);
    let again = store.next_batch(NOW, 100).unwrap();
    assert_eq!(lines(&again), ["INCRBY a 6", "SET b 2", "SET c 7", "DEL d"]);
    run(&store, "INCR a");
    store.batch_applied();
    assert_eq!(lines(&store.next_batch(NOW, 100).unwrap()), ["INCRBY a 1"]);
    store.batch_applied();
    assert!(store.journal().keys == 0);
    assert_eq!(store.journal().bytes, 0);
}

#[test]
fn what_changed_together_reaches_redis_together() {
    for shards in [1, 16] {
        let store: Store = Store::with_options(Options::new(1 << 20).with_shards(shards));
        for n in 0..50 {
            run(&store, &alloc::format!("SET a{n} v"));
        }
        run(&store, "MSET a7 1 x 2 z 3");
        run(&store, "RENAME z b");
        let mut session = Session { journalled: true, ..store.open(NOW) };
        for line in ["MULTI", "INCR x", "RPUSH list e", "EXEC", "MULTI", "SET single 1", "EXEC"] {
            let args: Vec<&str> = line.split(' ').collect();
            store.serve(NOW, &mut session, &args);
        }
        let together = ["a7", "x", "z", "b", "list"];
        let mut met = 0;
        while let Some(batch) = store.next_batch(NOW, 3) {
            let keys: Vec<String> = batch
                .commands
                .iter()
                .map(|args| String::from_utf8_lossy(&args[1]).into_owned())
                .collect();
            let found = together.iter().filter(|key| keys.iter().any(|other| other == *key));
            let found = found.count();
            assert!(found == 0 || found == together.len(), "{keys:?}");
            met += found / together.len();
            assert!(batch.keys() <= 3 + together.len());
            // Each batch is cut off once.
            if batch.sequence % 2 == 1 {
                store.batch_returned(NOW);
                met -= found / together.len();
            } else {
                store.batch_applied();
            }
        }
        assert_eq!((met, store.journal().keys, store.journal().bytes), (1, 0, 0));
    }
}

#[test]
fn batches_are_bounded_and_numbered() {
    let store = store();
    for n in 0..5 {
        run(&store, &alloc::format!("SET k{n} v"));
    }
    let sizes: Vec<(u64, usize)> = core::iter::from_fn(|| {
        let batch = store.next_batch(NOW, 2)?;
        store.batch_applied();
        Some((batch.sequence, batch.commands.len()))
    })
    .collect();
    assert_eq!(sizes, [(1, 2), (2, 2), (3, 1)]);
}

#[test]
fn a_local_answer_that_is_not_journalled_stays_here() {
    let store = store();
    store.execute(NOW, &["INCR", "c"], false).unwrap();
    assert!(store.journal().keys == 0);
    run(&store, "INCR c");
    assert_eq!(run(&store, "GET c"), Value::bulk("2"));
    assert_eq!(lines(&store.next_batch(NOW, 9).unwrap()), ["INCRBY c 1"]);
}

#[test]
fn outcomes_of_a_batch() {
    let store = store();
    run(&store, "SET a 1 PX 50");
    run(&store, "INCR b");
    let batch = store.next_batch(NOW, 9).unwrap();
    let ok = [Value::ok(), Value::Integer(1), error("WRONGTYPE Operation"), Value::ok()];
    let replies = vec![Value::ok(), Value::Array(ok.to_vec()), Value::ok()];
    let Outcome::Applied { replayed: 1, refused } = batch.outcome(NOW, &replies) else {
        panic!("not applied")
    };
    assert_eq!(refused[0].error, "WRONGTYPE Operation");
    assert_eq!(refused[0].commands[0].join(&b' '), b"INCRBY b 1");
    let replies = vec![Value::ok(), Value::Nil, Value::ok()];
    assert_eq!(batch.outcome(NOW, &replies), Outcome::Overtaken);
    let replies = vec![
        Value::ok(),
        error("OOM command not allowed when used memory > 'maxmemory'."),
        error("EXECABORT Transaction discarded because of previous errors."),
        Value::ok(),
    ];
    let Outcome::Rejected { failure } = batch.outcome(NOW, &replies) else { panic!("applied") };
    assert_eq!(failure.kind, FailureKind::OutOfMemory);
    // Redis came to refuse writes after it had queued them.
    let reason = "READONLY You can't write against a read only replica.";
    let aborted = alloc::format!("EXECABORT Transaction discarded because of: {reason}");
    let Outcome::Rejected { failure } =
        batch.outcome(NOW, &[Value::ok(), error(&aborted), Value::ok()])
    else {
        panic!("applied")
    };
    assert_eq!(failure.kind, FailureKind::ReadOnly);
    assert!(Batch::is_marked(&Value::bulk("1"), 1));
    assert!(!Batch::is_marked(&Value::Nil, 1));
}

#[test]
fn a_full_store_refuses_writes_and_keeps_what_it_has() {
    let store = Store::new(4_096);
    let mut written = 0;
    while store.execute(NOW, &["SET", &alloc::format!("k{written}"), "v"], true).is_ok() {
        written += 1;
        assert!(written < 100, "never full");
    }
    assert!(store.bytes() <= 4_096);
    assert_eq!(store.execute(NOW, &["DEL", &"x".repeat(4_096)], true), Err(Refusal::Full));
    for n in 0..written {
        assert_eq!(run(&store, &alloc::format!("GET k{n}")), Value::bulk("v"));
    }
    assert_eq!(store.len(), written);
}

#[test]
fn a_transaction_that_a_full_store_has_no_room_for_is_refused_whole() {
    let commands = |value: &str| {
        let set = |key: &str| ["SET", key, value].map(ToString::to_string).to_vec();
        vec![set("left"), set("right")]
    };
    for value_bytes in 1..3_000 {
        let store = Store::new(4_096);
        let value = "x".repeat(value_bytes);
        let replies = store.transact_if(NOW, &commands(&value), true, || true).unwrap();
        let both = [run(&store, "GET left"), run(&store, "GET right")];
        match replies {
            Ok(_) => assert!(both.iter().all(|one| *one == Value::bulk(value.as_str()))),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Full);
                assert_eq!(both, [Value::Nil, Value::Nil], "{value_bytes}");
            }
        }
    }
    let store = Store::new(4_096);
    let mut session = store.open(NOW);
    store.serve(NOW, &mut session, &["MULTI"]);
    for args in commands(&"x".repeat(3_000)) {
        store.serve(NOW, &mut session, &args);
    }
    let refused = store.serve(NOW, &mut session, &["EXEC"]);
    assert_eq!((refused, store.len()), (Answer::Refused(Refusal::Full), 0));
    // The transaction is over.
    let ping = store.serve(NOW, &mut session, &["PING"]);
    assert_eq!(ping, Answer::Replies(vec![Value::Simple("PONG".into())]));
}

fn evicting(policy: Eviction) -> Store {
    Store::with_options(Options::new(100_000).with_eviction(policy))
}

fn write(store: &Store, now: Timestamp, line: &str, journalled: bool) -> Result<Value, Refusal> {
    let args: Vec<&str> = line.split(' ').collect();
    store.execute(now, &args, journalled)
}

#[test]
fn every_policy_keeps_the_limit_and_takes_only_what_it_may() {
    for policy in Eviction::ALL.into_iter().filter(|policy| *policy != Eviction::NoEviction) {
        let store = evicting(policy);
        for n in 0..200 {
            write(&store, NOW, &alloc::format!("SET lasting:{n} v"), false).unwrap();
        }
        for n in 0..5_000_u64 {
            let now = NOW.plus_ms(n);
            let line = alloc::format!("SET passing:{n} v EX {}", 10_000 + n);
            write(&store, now, &line, false).unwrap();
            assert!(store.bytes() <= 100_000, "{policy:?}: {} bytes", store.bytes());
        }
        let lasting = |n: &i32| {
            let found = store.execute(NOW, &["EXISTS", &alloc::format!("lasting:{n}")], false);
            found == Ok(Value::Integer(1))
        };
        let lasting = (0..200).filter(lasting).count();
        if policy.is_volatile() {
            assert_eq!(lasting, 200, "{policy:?} takes no key without an expiry");
        } else {
            assert!(lasting < 200, "{policy:?} takes any key");
        }
        assert!(store.len() > 500, "{policy:?} evicts no more than it must");
    }
}

#[test]
fn what_waits_for_redis_is_never_evicted() {
    let store = evicting(Eviction::AllKeysLru);
    for n in 0..100 {
        write(&store, NOW, &alloc::format!("SET told:{n} v"), true).unwrap();
    }
    let later = NOW.plus_ms(3_600_000);
    for n in 0..3_000 {
        write(&store, later, &alloc::format!("SET cached:{n} v"), false).unwrap();
    }
    for n in 0..100 {
        let got = write(&store, later, &alloc::format!("GET told:{n}"), false);
        assert_eq!(got, Ok(Value::bulk("v")), "told:{n}");
    }
}

#[test]
fn the_least_recently_used_goes_before_what_is_used() {
    let store = evicting(Eviction::AllKeysLru);
    write(&store, NOW, "SET used v", false).unwrap();
    for n in 0..20_000_u64 {
        let now = NOW.plus_ms(n * 100);
        write(&store, now, &alloc::format!("SET k:{n} v"), false).unwrap();
        assert_eq!(write(&store, now, "GET used", false), Ok(Value::bulk("v")), "after {n}");
    }
}

#[test]
fn expired_keys_go_in_bounded_slices_and_all_of_them() {
    let store = Store::new(1 << 24);
    for n in 0..1_000 {
        write(&store, NOW, &alloc::format!("SET k:{n} v PX {}", 10 + n % 7), false).unwrap();
    }
    write(&store, NOW, "SET stays v", false).unwrap();
    let later = NOW.plus_ms(100);
    let mut slices = 0;
    loop {
        let before = store.len();
        let more = store.housekeep(later);
        assert!(before - store.len() <= 16);
        slices += 1;
        if !more {
            break;
        }
    }
    assert_eq!((store.len(), slices), (1, 1_000 / 16 + 1));
    assert_eq!(write(&store, later, "GET stays", false), Ok(Value::bulk("v")));
}

#[test]
fn what_is_large_is_freed_bit_by_bit() {
    let store = Store::new(1 << 28);
    for n in 0..20_000 {
        write(&store, NOW, &alloc::format!("HSET h field:{n} v"), false).unwrap();
    }
    let before = store.bytes();
    assert_eq!(write(&store, NOW, "UNLINK h", false), Ok(Value::Integer(1)));
    assert!(store.bytes() < before / 100, "it is no longer counted");
    let slices = core::iter::from_fn(|| store.housekeep(NOW).then_some(())).count();
    assert!(slices >= 20, "{slices} slices for 20,000 fields");
}

fn serve(store: &Store, session: &mut Session, line: &str) -> Value {
    let args: Vec<&str> = line.split(' ').collect();
    let answer = store.serve(NOW, session, &args);
    let Answer::Replies(mut replies) = answer else {
        panic!("{line}: {answer:?}");
    };
    assert_eq!(replies.len(), 1, "{line}");
    replies.remove(0)
}

#[test]
fn a_transaction_is_void_if_a_watched_key_changed() {
    for (other, is_void) in [
        ("SET k 2", true),
        ("DEL k", true),
        ("SADD s a", false),
        ("PEXPIRE k 1", true),
        ("FLUSHALL", true),
        ("SADD k a", false),
    ] {
        let store = store();
        let (mut ours, mut theirs) = (store.open(NOW), store.open(NOW));
        serve(&store, &mut theirs, "SET k 1");
        serve(&store, &mut ours, "WATCH k");
        serve(&store, &mut theirs, other);
        serve(&store, &mut ours, "MULTI");
        serve(&store, &mut ours, "SET done yes");
        let reply = serve(&store, &mut ours, "EXEC");
        let expected = if is_void { Value::NilArray } else { Value::Array(vec![Value::ok()]) };
        assert_eq!(reply, expected, "{other}");
        let done = serve(&store, &mut theirs, "EXISTS done");
        assert_eq!(done, Value::Integer(i64::from(!is_void)), "{other}");
    }
}

/// A language in which each argument is a line of a script, and a line is a command.
#[derive(Debug)]
struct Lines;

impl ScriptEngine for Lines {
    fn compile(&mut self, _source: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn run(&mut self, script: script::Script<'_>, host: &mut dyn script::ScriptHost) -> Value {
        let words = |line: &[u8]| line.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect();
        let run = |line: &&[u8]| {
            let words: Vec<Vec<u8>> = words(line);
            host.call(&words.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        Value::Array(script.args.iter().map(run).collect())
    }
}

#[test]
fn scripts_run_again_and_may_not_run_everything() {
    let store = store();
    store.set_script_engine(Box::new(Lines));
    for round in 1..=2 {
        let lines = ["EVAL", "x", "0", "INCR n", "MULTI", "EVAL y 0", "NOSUCH", "GET"];
        let Ok(Value::Array(replies)) = store.execute(NOW, &lines, false) else {
            panic!("the engine is there in round {round}");
        };
        let forbidden = error("ERR This Redis command is not allowed from script");
        let expected = [
            Value::Integer(round),
            forbidden.clone(),
            forbidden,
            error("ERR Unknown Redis command called from script"),
            error("ERR Wrong number of args calling Redis command from script"),
        ];
        assert_eq!(replies, expected);
    }
    let lines = ["EVAL_RO", "x", "0", "GET n", "SET n 7"];
    let expected =
        [Value::bulk("2"), error("ERR Write commands are not allowed from read-only scripts.")];
    assert_eq!(store.execute(NOW, &lines, false), Ok(Value::Array(expected.to_vec())));
}

/// As in Redis: what has begun with room is not stopped half-way, and what begins without any writes
/// nothing first but what frees memory.
#[test]
fn a_script_is_done_whole_or_refused_where_it_begins() {
    let scripted = |store: &Store, args: &[&str]| {
        let args = [&["EVAL", "x", "0"], args].concat();
        match store.execute(NOW, &args, true) {
            Ok(Value::Array(replies)) => replies,
            other => panic!("{other:?}"),
        }
    };
    let limited = || {
        let store = Store::new(8_192);
        store.set_script_engine(Box::new(Lines));
        store
    };
    let filled = || {
        let store = limited();
        let set = |n: i32| store.execute(NOW, &["SET", &alloc::format!("k{n}"), "v"], true);
        assert!((0..200).any(|n| set(n).is_err()), "never full");
        store
    };
    let oom = error("OOM command not allowed when used memory > 'maxmemory'.");
    let large = "x".repeat(6_000);
    let (left, right) = (alloc::format!("SET left {large}"), alloc::format!("SET right {large}"));
    let store = Store::new(12_000);
    store.set_script_engine(Box::new(Lines));
    assert_eq!(scripted(&store, &[&left, &right]), vec![oom.clone(); 2], "no room to begin");
    let store = limited();
    let lines: Vec<String> = (0..100).map(|n| alloc::format!("SET s{n} v")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(scripted(&store, &lines), vec![Value::ok(); 100]);
    assert!(store.bytes() > 8_192, "beyond the limit, for it had begun");
    let store = filled();
    assert_eq!(
        scripted(&store, &["SET a 1", "GET k0", "SET b 1"]),
        [oom.clone(), Value::bulk("v"), oom.clone()]
    );
    assert_eq!(scripted(&store, &["DEL k0", "SET a 1"]), [Value::Integer(1), Value::ok()]);
    // A transaction of nothing but a script is no way around it.
    let commands = [["EVAL", "x", "0", "SET c 1"].map(ToString::to_string).to_vec()];
    let replies = filled().transact_if(NOW, &commands, true, || true).unwrap().unwrap();
    let ended = Value::Array(vec![Value::Array(vec![oom.clone()])]);
    assert_eq!(replies.last(), Some(&ended));
    // A full journal takes no deletion either.
    let options = Options::new(1 << 20).with_journal_bytes_max(4_096);
    let store = Store::with_options(options);
    store.set_script_engine(Box::new(Lines));
    assert_eq!(scripted(&store, &lines), vec![Value::ok(); 100]);
    assert_eq!(scripted(&store, &["DEL s0", "SET a 1"]), vec![oom; 2]);
    assert_eq!(run(&store, "EXISTS s0"), Value::Integer(1));
}

#[test]
fn the_journal_takes_nothing_when_all_is_written_back() {
    let lines = ["HSET h f v", "HSET h g w", "INCR n", "PEXPIRE n 9000", "INCR n", "RPUSH l a b"];
    let replacing = ["SET h now", "DEL l", "SET n 1"];
    for later in [&lines[..], &replacing[..], &[]] {
        let store = store();
        for line in lines.iter().chain(later) {
            run(&store, line);
        }
        let full = store.journal().bytes;
        assert!(full > 0);
        // A batch that comes back is merged with what was written meanwhile.
        store.next_batch(NOW, 2).unwrap();
        for line in later {
            run(&store, line);
        }
        store.batch_returned(NOW);
        while store.next_batch(NOW, 2).is_some() {
            store.batch_applied();
        }
        assert_eq!((store.journal().keys, store.journal().bytes), (0, 0), "{later:?}");
    }
}

#[test]
fn a_command_waits_for_the_shards_of_its_keys_only() {
    let store: Store = Store::with_options(Options::new(1 << 20).with_shards(8));
    let key_in = |shard: usize| {
        let mut keys = (0..).map(|n| alloc::format!("key:{n}"));
        keys.find(|key| plan::shard_of(store.common.seed, key.as_bytes(), 8) == shard).unwrap()
    };
    let keys: Vec<String> = (0..8).map(key_in).collect();
    // What is borrowed here cannot be borrowed by a command: it would panic.
    let held = store.shards[3].borrow_mut();
    for (at, key) in keys.iter().enumerate().filter(|(at, _)| *at != 3) {
        run(&store, &alloc::format!("SET {key} 1"));
        run(&store, &alloc::format!("MGET {key} {}", keys[(at + 4) % 3]));
        run(&store, &alloc::format!("INCR {key}"));
    }
    run(&store, "PING");
    run(&store, "PUBLISH channel message");
    drop(held);
    assert_eq!(run(&store, "DBSIZE"), Value::Integer(7));
    // And what it needs is held until its end.
    let args: [&[u8]; 5] = [b"MSET", keys[1].as_bytes(), b"x", keys[6].as_bytes(), b"x"];
    let command = crate::command::Command::of(&args).unwrap();
    let needed = plan::shards_of(&store.common, 8, &Session::default(), command, &args);
    let space = Locked::new(&store, needed);
    assert!(store.shards[1].try_borrow().is_err() && store.shards[6].try_borrow().is_err());
    assert!(store.shards[0].try_borrow().is_ok());
    drop(space);
}

#[test]
fn a_transaction_is_done_as_a_whole_or_not_at_all() {
    let store = Store::new(1 << 20);
    let now = Timestamp::ZERO;
    let transact = |commands: &[&[&str]], condition: bool| {
        let commands: Vec<Vec<&str>> = commands.iter().map(|args| args.to_vec()).collect();
        store.transact_if(now, &commands, true, || condition)
    };
    let counter = || store.execute(now, &["GET", "n"], true).unwrap();
    let queued = Value::Simple("QUEUED".into());
    let incr: &[&str] = &["INCR", "n"];

    let done = transact(&[incr, &["SET", "k", "v"]], true).unwrap().unwrap();
    let ended = Value::Array(vec![Value::Integer(1), Value::ok()]);
    assert_eq!(done, [Value::ok(), queued.clone(), queued, ended]);
    assert_eq!(store.journal().keys, 2);

    // Redis is back; a command is wrong; the store does not know one; one ends the transaction.
    assert_eq!(transact(&[incr], false), None);
    let broken = transact(&[incr, &["SET", "k"]], true).unwrap().unwrap();
    assert!(matches!(broken.last(), Some(Value::Error(text)) if text.starts_with("EXECABORT")));
    for refused in [&["CLUSTER", "INFO"][..], &["EXEC"], &["MULTI"]] {
        assert_eq!(
            transact(&[incr, refused], true),
            Some(Err(Refusal::Unsupported)),
            "{refused:?}"
        );
    }
    assert_eq!(counter(), Value::bulk("1"));
}

/// Keeps what it is told, as one that writes it down would.
#[derive(Clone, Debug, Default)]
struct Book {
    groups: Arc<std::sync::Mutex<Restored>>,
    told: Arc<AtomicUsize>,
}

impl Ledger for Book {
    fn keep(&self, entries: Vec<Entry>) {
        let mut kept = self.groups.lock().unwrap();
        for entry in entries {
            self.told.fetch_add(1, Ordering::Relaxed);
            match entry {
                Entry::Whole { key, state } => {
                    kept.keys.retain(|(other, ..)| *other != key);
                    kept.keys.push((key, state, Vec::new()));
                }
                Entry::Further { key, at, command } => {
                    let known = kept.keys.iter_mut().find(|(other, ..)| *other == key);
                    known.expect("a state before").2.push((at, command));
                }
                Entry::Unit { number, keys, merged } => {
                    kept.units.retain(|(other, _)| !merged.contains(other));
                    kept.units.push((number, keys));
                }
                Entry::Sent(batch) => {
                    let is_in = |key: &Vec<u8>| batch.keys.iter().any(|sent| sent.key == *key);
                    kept.keys.retain(|(key, ..)| !is_in(key));
                    kept.units.retain(|(number, _)| !batch.units.contains(number));
                    kept.sequence = batch.sequence;
                    kept.sent = Some(batch);
                }
                Entry::Amended(batch) => kept.sent = Some(batch),
                Entry::Applied | Entry::Returned => kept.sent = None,
            }
        }
    }
}

/// What a Redis without anything comes to hold.
fn drained(store: &Store, now: Timestamp) -> [Option<Vec<Vec<Vec<u8>>>>; 13] {
    let redis = Store::new(1 << 20);
    while let Some(batch) = store.next_batch(now, 2) {
        for args in &batch.commands {
            redis.execute(now, args, false).unwrap();
        }
        store.batch_applied();
    }
    ["s", "l", "n", "h", "t", "u", "m", "z", "k", "x", "d", "e", "gone"]
        .map(|key| redis.each(|shard| shard.rebuild(now, key.as_bytes())).next().flatten())
}

/// A store after a crash at any moment holds, and writes back, what the one before it would have.
#[test]
fn what_a_ledger_keeps_makes_the_same_store_again() {
    let lines = [
        "SET s 1",
        "APPEND s 2",
        "RPUSH l a b",
        "LPUSH l z",
        "LPOP l",
        "INCRBY n 5",
        "INCR n",
        "DEL gone",
        "HSET h f v",
        "HDEL h f",
        "HSET h g w",
        "SADD t a b",
        "SREM t a",
        "MSET s 3 m 4",
        "EXPIRE m 100",
        "ZADD z 1 a 2 b",
        "INCR s",
        "RENAME t u",
        "SETEX e 1 v",
        "APPEND e x",
        "MSET m 5 k 6",
        "XADD x 1-1 f v",
        "INCRBYFLOAT n 0.5",
        "SINTERSTORE d u u",
        "PEXPIRE n 5000",
        "SET s 9 KEEPTTL",
    ];
    for crash in (0..3 * lines.len()).step_by(5) {
        for fate in ["none", "applied", "returned", "in doubt"] {
            let book = Book::default();
            let mut store: Store = Store::with_options(Options::new(1 << 20).with_shards(4));
            store.set_ledger(Box::new(book.clone()));
            for (at, line) in lines.iter().cycle().enumerate().take(crash) {
                let now = NOW.plus_ms(at as u64);
                run_at(&store, now, line);
                if at % 7 == 3 && fate != "none" {
                    let Some(batch) = store.next_batch(now, 3) else { continue };
                    store.batch_sent(&batch);
                    run_at(&store, now, "INCR n");
                    match fate {
                        "applied" => assert!(store.batch_applied() > 0),
                        "returned" => store.batch_returned(now),
                        _ => {}
                    }
                }
            }
            let later = NOW.plus_ms(500);
            let again: Store = Store::with_options(Options::new(1 << 20).with_shards(2));
            let kept = book.groups.lock().unwrap().clone();
            again.restore(&kept);
            assert_eq!(again.journal().keys, store.journal().keys, "{crash} {fate}");
            assert_eq!(again.journal().in_doubt, store.journal().in_doubt, "{crash} {fate}");
            assert_eq!(drained(&again, later), drained(&store, later), "{crash} {fate}");
            assert_eq!(again.journal().bytes, 0);
            let kept = book.groups.lock().unwrap();
            assert!(kept.is_empty() && kept.units.is_empty(), "{kept:?}");
        }
    }
}

#[test]
fn a_ledger_is_told_bit_by_bit_and_now_and_then_of_all() {
    let book = Book::default();
    let mut store: Store = Store::new(1 << 24);
    store.set_ledger(Box::new(book.clone()));
    for n in 0..10_000 {
        run(&store, "INCR n");
        run(&store, &alloc::format!("RPUSH list {n}"));
    }
    let kept = book.groups.lock().unwrap();
    let further: usize = kept.keys.iter().map(|(_, _, further)| further.len()).sum();
    assert!(further < 20_000 && kept.keys.len() == 2, "{further}");
    let (_, counter, after) = kept.keys.iter().find(|(key, ..)| key == b"n").unwrap();
    assert!(counter.commands.len() == 1 && after.len() < 200, "{}", after.len());
    assert_eq!(book.told.load(Ordering::Relaxed), 20_000);
}
