//! Many commands at once, transactions, scans, and what the whole says of itself.

use outlast::{Mode, Value};
use outlast_core::cluster::slot_of;
use outlast_tests::eventually;

use super::nodes::{Cluster, in_time, one_in_each_third};
use super::{call, integer};

const NEVER: &dyn Fn() -> Result<(), outlast::Error> = &|| Ok(());

#[test]
fn a_pipeline_goes_to_all_shards_and_comes_back_in_order() {
    let mut cluster = Cluster::start(0, &[]);
    let (client, _) = cluster.client();
    client.connect().unwrap();
    let keys = one_in_each_third("p");
    let words = |line: String| line.split(' ').map(str::to_string).collect::<Vec<_>>();
    let [a, b, c] = &keys;
    let mut lines: Vec<_> = (0..600).map(|n| words(format!("INCR {}", keys[n % 3]))).collect();
    // Each sees what came before it, and a divided one does too.
    lines.push(words(format!("MGET {c} {b} {a}")));
    lines.push(words(format!("RENAME {a} {b}")));
    lines.push(words(format!("LPUSH {a} x")));
    lines.push(words(format!("DEL {a} {b} {c}")));
    lines.push(words("DBSIZE".into()));
    let replies = client.pipeline(&lines, NEVER).unwrap();
    for (n, reply) in replies[..600].iter().enumerate() {
        assert_eq!(*reply, Ok(Value::Integer(i64::try_from(n / 3 + 1).unwrap())));
    }
    assert_eq!(replies[600], Ok(Value::Array(vec![Value::bulk("200"); 3])));
    let message = |at: usize| replies[at].as_ref().unwrap_err().message().to_string();
    assert!(message(601).starts_with("CROSSSLOT Keys in request"), "{}", message(601));
    assert!(message(602).starts_with("WRONGTYPE"), "{}", message(602));
    assert_eq!(replies[603..], [Ok(Value::Integer(3)), Ok(Value::Integer(0))]);

    // One shard is away: its entries are answered from memory, the others by Redis.
    cluster.nodes[1].kill();
    let lines: Vec<_> = (0..30).map(|n| words(format!("SET {} {n}", keys[n % 3]))).collect();
    eventually("every entry is answered", || {
        let replies = client.pipeline(&lines, NEVER).unwrap();
        replies.iter().all(|reply| *reply == Ok(Value::ok())) && !client.is_connected()
    });
    assert_eq!((cluster.read(0, a), cluster.read(2, c)), ("27".into(), "29".into()));
    assert_eq!(call(&client, &format!("GET {b}")), Ok(Value::bulk("28")));
    let status = client.status();
    assert_eq!((status.mode, status.journal_keys, status.shards.len()), (Mode::Degraded, 1, 3));
    let of_shard: Vec<_> =
        status.shards.iter().map(|shard| (shard.mode, shard.journal_keys)).collect();
    let wanted = [(Mode::Connected, 0), (Mode::Degraded, 1), (Mode::Connected, 0)];
    assert_eq!(of_shard, wanted);
    assert_eq!(status.shards[1].slots, [(5461, 10921)]);
    assert_eq!(status.shards[1].endpoint, format!("redis://127.0.0.1:{}", cluster.nodes[1].port));
    cluster.nodes[1].restart();
    in_time("it is back", || client.is_connected());
    assert_eq!(cluster.read(1, b), "28");
    let metrics = client.metrics();
    assert!(metrics.contains("outlast_replayed_keys_total{"), "{metrics}");
    let sum = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(sum("outlast_replayed_keys_total"), 1);
    assert!(sum("db_client_operation_duration_seconds_count") >= 630);
}

#[test]
fn transactions_lie_in_one_slot_and_scans_see_all_masters() {
    let mut cluster = Cluster::start(0, &[]);
    let (client, _) = cluster.client();
    client.connect().unwrap();
    let [a, b, _] = one_in_each_third("s");
    let (one, other) = (format!("{{{a}}}:1"), format!("{{{a}}}:2"));
    let commands = vec![vec!["INCR", &one], vec!["INCR", &other], vec!["MGET", &one, &other]];
    let Ok(Value::Array(replies)) = client.transaction(&commands, NEVER) else { panic!("a list") };
    let both = Value::Array(vec![Value::bulk("1"); 2]);
    let ones = Value::Array(vec![Value::Integer(1), Value::Integer(1), both]);
    assert_eq!(replies.last(), Some(&ones));
    let crossing = vec![vec!["INCR", &a], vec!["INCR", &b]];
    let refused = client.transaction(&crossing, NEVER).unwrap_err();
    assert_eq!(refused.message(), "CROSSSLOT Keys in request don't hash to the same slot");
    assert_eq!(cluster.read(0, &a), "");

    let mut names: Vec<String> = (0..500).map(|n| format!("scanned:{n}")).collect();
    let sets: Vec<_> = names.iter().map(|name| vec!["SET", name, "x"]).collect();
    client.pipeline(&sets, NEVER).unwrap();
    names.extend([one.clone(), other.clone()]);
    names.sort();
    let (mut cursor, mut found) = ("0".to_string(), Vec::new());
    loop {
        let Ok(Value::Array(parts)) = call(&client, &format!("SCAN {cursor} COUNT 50")) else {
            panic!("a list")
        };
        let [Value::Bulk(next), Value::Array(keys)] = &parts[..] else { panic!("{parts:?}") };
        found.extend(
            keys.iter().map(|key| String::from_utf8(key.as_bulk().unwrap().to_vec()).unwrap()),
        );
        cursor = String::from_utf8(next.clone()).unwrap();
        if cursor == "0" {
            break;
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found, names);
    assert!(names.iter().any(|name| slot_of(name.as_bytes()) > 10_922));
    assert_eq!(integer(&client, "DBSIZE"), 502);

    // In memory it is the same: what Redis would refuse is refused.
    cluster.nodes[0].kill();
    eventually("the outage is noticed", || {
        let _ = call(&client, &format!("GET {one}"));
        !client.is_connected()
    });
    assert!(client.transaction(&commands, NEVER).is_ok());
    let refused = client.transaction(&crossing, NEVER).unwrap_err();
    assert!(refused.message().starts_with("CROSSSLOT"), "{refused}");
    cluster.nodes[0].restart();
    in_time("it is back", || client.is_connected());
    assert_eq!((cluster.read(0, &one), cluster.read(0, &other)), ("2".into(), "2".into()));
}
