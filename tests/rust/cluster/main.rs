//! A real Redis Cluster of six nodes: commands reach the right shard, a shard that is away takes only
//! its own keys with it, and what was written meanwhile comes back once.

mod batches;
mod hosts;
mod moves;
mod nodes;
mod outages;
mod replicas;

use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Error, Value};
use outlast_tests::{Recorder, certificate_file, eventually};

use nodes::{Cluster, config, in_time, one_in_each_third};

fn call(client: &Client, line: &str) -> Result<Value, Error> {
    let args: Vec<&str> = line.split(' ').collect();
    client.call(&args)
}

fn integer(client: &Client, line: &str) -> i64 {
    match call(client, line) {
        Ok(Value::Integer(number)) => number,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn commands_go_where_their_keys_are() {
    let cluster = Cluster::start(0, &[]);
    let (client, _) = cluster.client();
    client.connect().unwrap();
    assert!(client.is_connected());
    let [a, b, c] = one_in_each_third("k");
    for (at, key) in [&a, &b, &c].into_iter().enumerate() {
        assert_eq!(call(&client, &format!("SET {key} {at}")), Ok(Value::ok()));
        assert_eq!(cluster.read(at, key), at.to_string());
    }
    let bulks = |values: &[&str]| Value::Array(values.iter().map(|it| Value::bulk(*it)).collect());
    assert_eq!(call(&client, &format!("MGET {c} {a} {b} {a}")), Ok(bulks(&["2", "0", "1", "0"])));
    assert_eq!(call(&client, &format!("MSET {a} x {b} y {c} z")), Ok(Value::ok()));
    assert_eq!(cluster.read(2, &c), "z");
    assert_eq!(integer(&client, &format!("EXISTS {a} {b} nosuch")), 2);
    assert_eq!(integer(&client, "DBSIZE"), 3);
    assert_eq!(integer(&client, &format!("DEL {a} {c}")), 2);
    assert_eq!(cluster.read(0, &a), "");
    let refused = call(&client, &format!("RENAME {a} {b}")).unwrap_err();
    assert_eq!(refused.message(), "CROSSSLOT Keys in request don't hash to the same slot");
    assert_eq!(call(&client, "PING"), Ok(Value::Simple("PONG".into())));
    assert_eq!(call(&client, "FLUSHALL"), Ok(Value::ok()));
    assert_eq!(integer(&client, "DBSIZE"), 0);
}

#[test]
fn nodes_behind_tls_are_reached_as_others_are() {
    let cluster = Cluster::start_tls();
    let url = cluster.nodes[0].tls_url().replace("rediss://", "rediss-cluster://");
    let url = format!("{url}?tls_ca_file={}", certificate_file("ca.pem"));
    let client = Client::new(config(&url), Arc::new(Recorder::default()));
    client.connect().unwrap();
    let [a, b, c] = one_in_each_third("tls");
    assert_eq!(call(&client, &format!("MSET {a} x {b} y {c} z")), Ok(Value::ok()));
    assert_eq!((cluster.read(1, &b), cluster.read(2, &c)), ("y".into(), "z".into()));
    let shards = client.status().shards;
    assert!(shards.iter().all(|shard| shard.endpoint.starts_with("rediss://127.0.0.1:")));
}

#[test]
fn a_dead_master_takes_only_its_own_keys_with_it_until_its_replica_is_promoted() {
    let mut cluster = Cluster::start(1, &[]);
    let (client, _) = cluster.client();
    client.connect().unwrap();
    let keys = one_in_each_third("n");
    let mut acknowledged = [0; 3];
    let mut count = |client: &Client| {
        for (key, acknowledged) in keys.iter().zip(&mut acknowledged) {
            if client.call(&["INCR", key]).is_ok() {
                *acknowledged += 1;
            }
        }
        acknowledged
    };
    for _ in 0..50 {
        count(&client);
    }
    cluster.nodes[1].cli(&["WAIT", "1", "5000"]);
    cluster.nodes[1].kill();
    eventually("the outage is noticed", || {
        count(&client);
        !client.is_connected()
    });
    // The others go on, on Redis itself.
    let counts = count(&client);
    assert_eq!(cluster.read(0, &keys[0]), counts[0].to_string());
    assert_eq!(cluster.read(2, &keys[2]), counts[2].to_string());
    in_time("the failover is followed", || {
        count(&client);
        client.is_connected()
    });
    let counts = count(&client);
    let promoted = 4;
    in_time("it is on Redis", || cluster.read(promoted, &keys[1]) == counts[1].to_string());
    assert_eq!(client.status().journal_keys, 0);
    assert!(client.status().replayed > 0);
}
