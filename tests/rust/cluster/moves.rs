//! Slots change hands: under load, and while their shard is away.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use outlast::Value;
use outlast::blocking::Client;
use outlast_core::cluster::slot_of;
use outlast_tests::eventually;

use super::nodes::{Cluster, in_time, one_in_each_third};
use super::{call, integer};

/// How many keys of one slot are counted.
const KEYS: usize = 40;

/// Keys of one slot.
fn keys(tag: &str) -> Vec<String> {
    (0..KEYS).map(|number| format!("{{{tag}}}:{number}")).collect()
}

/// Ends the load however the test ends.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Counts in pipelines and one by one, until it is told to end; what was acknowledged of
/// each key.
fn count(client: &Client, keys: &[String], ends: &AtomicBool, rounds: &AtomicU64) -> Vec<i64> {
    let _ending = Ending(ends);
    let mut acknowledged = vec![0; keys.len()];
    let interrupt = || Ok(());
    while !ends.load(Ordering::Relaxed) {
        for (key, acknowledged) in keys.iter().zip(&mut acknowledged) {
            assert!(matches!(client.call(&["INCR", key]), Ok(Value::Integer(_))), "{key}");
            *acknowledged += 1;
        }
        let commands: Vec<_> = keys.iter().map(|key| vec!["INCR", key]).collect();
        let replies = client.pipeline(&commands, &interrupt).expect("replies");
        for (reply, acknowledged) in replies.into_iter().zip(&mut acknowledged) {
            assert!(matches!(reply, Ok(Value::Integer(_))), "{reply:?}");
            *acknowledged += 1;
        }
        rounds.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

/// Reads all at once. Of several keys some may have arrived and some not: it is tried again for a while.
fn read(client: &Client, keys: &[String], ends: &AtomicBool) {
    let all = [&["MGET"], &keys.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat();
    while !ends.load(Ordering::Relaxed) {
        match client.call(&all) {
            Ok(Value::Array(values)) => assert_eq!(values.len(), keys.len()),
            other => {
                let message = other.map_err(|error| error.message().to_string());
                assert!(
                    message.is_err_and(|it| it.starts_with("TRYAGAIN")),
                    "a reason to try again"
                );
            }
        }
    }
}

#[test]
fn a_slot_moves_under_load_and_nothing_is_lost_or_doubled() {
    let cluster = Cluster::start(0, &[]);
    let (client, log) = cluster.client();
    client.connect().unwrap();
    let [_, second, _] = one_in_each_third("moving");
    let keys = keys(&second);
    let slot = slot_of(second.as_bytes());
    let (ends, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    let goes_on = |wanted: u64| {
        let begun = rounds.load(Ordering::Relaxed);
        eventually("the load goes on", || rounds.load(Ordering::Relaxed) >= begun + wanted);
    };
    let acknowledged = thread::scope(|scope| {
        let counts = scope.spawn(|| count(&client, &keys, &ends, &rounds));
        scope.spawn(|| read(&client, &keys, &ends));
        let ending = Ending(&ends);
        goes_on(2);
        for (from, to) in [(1, 2), (2, 0)] {
            cluster.begin_move(slot, from, to);
            // What is not there yet is asked for elsewhere.
            assert_eq!(cluster.move_keys(slot, from, to, KEYS / 2), KEYS / 2);
            let before = client.status().redirects;
            eventually("they are asked for", || client.status().redirects > before);
            while cluster.move_keys(slot, from, to, KEYS) > 0 {}
            goes_on(1);
            cluster.end_move(slot, to);
            goes_on(2);
        }
        drop(ending);
        counts.join().unwrap()
    });
    for (key, acknowledged) in keys.iter().zip(acknowledged) {
        assert_eq!(cluster.read(0, key), acknowledged.to_string(), "{key}");
    }
    let status = client.status();
    assert!(client.is_connected(), "{status:?}");
    assert_eq!((status.failure_count, status.served_by_store), (0, 0), "{:?}", log.events());
    in_time("the first shard has it", || {
        let shards = client.status().shards;
        shards[0].slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    });
    // A transaction goes there, too.
    let commands = vec![vec!["INCR", &keys[0]], vec!["GET", &keys[0]]];
    let replies = client.transaction(&commands, &|| Ok(())).unwrap();
    assert!(matches!(replies, Value::Array(replies) if replies.len() == 4));
}

#[test]
fn what_waits_is_written_back_where_its_slot_has_gone() {
    let mut cluster = Cluster::start(0, &[]);
    let (client, _) = cluster.client();
    client.connect().unwrap();
    let [_, second, _] = one_in_each_third("left");
    let key = |n: usize| format!("{{{second}}}:{n}");
    let slot = slot_of(second.as_bytes());
    for n in 0..20 {
        integer(&client, &format!("INCRBY {} 100", key(n)));
    }
    cluster.nodes[1].kill();
    eventually("the outage is noticed", || {
        let _ = call(&client, &format!("GET {}", key(0)));
        !client.is_connected()
    });
    for n in 0..20 {
        assert_eq!(integer(&client, &format!("INCRBY {} 7", key(n))), 107);
    }
    assert_eq!(client.status().journal_keys, 20);
    // Somebody gives the slot to another master, without what it held. The shard that is away keeps it
    // until what waits there is written back, and that goes where the slot is.
    in_time("the others know that it is away", || {
        cluster.nodes[2].cli(&["CLUSTER", "NODES"]).contains("fail")
    });
    cluster.end_move(slot, 2);
    in_time("the others know", || {
        let owner = cluster.nodes[0].cli(&["CLUSTER", "SLOTS"]);
        owner.contains(&format!("{slot}\n{slot}\n"))
            || cluster.nodes[0].cli(&["GET", &key(0)]).contains(&cluster.nodes[2].port.to_string())
    });
    let dials = client.status().dials;
    in_time("the client knows", || client.status().dials > dials + 1);
    assert_eq!(integer(&client, &format!("INCRBY {} 1", key(0))), 108);
    cluster.nodes[1].restart();
    in_time("it is back", || client.is_connected());
    assert_eq!(client.status().journal_keys, 0);
    assert_eq!(cluster.read(2, &key(0)), "8");
    for n in 1..20 {
        assert_eq!(cluster.read(2, &key(n)), "7");
    }
    assert_eq!(integer(&client, &format!("INCRBY {} 1", key(0))), 9);
}
