//! A whole cluster that is away, or that says it is down.

use std::sync::Arc;

use outlast::blocking::Client;
use outlast::doctor::examine;
use outlast::{Config, FailureKind, Mode, Value};
use outlast_tests::{Recorder, eventually};

use super::nodes::{Cluster, config, in_time, one_in_each_third};
use super::{call, integer};

#[test]
fn a_client_that_starts_without_its_cluster_writes_to_every_shard_later() {
    let mut cluster = Cluster::start(0, &[]);
    let url = cluster.url(&[0, 1, 2]);
    let keys = one_in_each_third("early");
    for (at, key) in keys.iter().enumerate() {
        cluster.nodes[at].cli(&["SET", key, "100"]);
    }
    for node in &mut cluster.nodes {
        node.kill();
    }
    let config = Config::builder(&url)
        .option("startup_attempts_max", "1")
        .option("server_delay_ms", "20")
        .option("server_delay_ms_max", "100")
        .build()
        .unwrap();
    let client = Client::new(config, Arc::new(Recorder::default()));
    client.connect().unwrap();
    for round in 1..=10 {
        for key in &keys {
            assert_eq!(integer(&client, &format!("INCR {key}")), round);
        }
    }
    assert_eq!(client.status().journal_keys, 3);
    for node in &mut cluster.nodes {
        node.restart();
    }
    in_time("every shard is back", || client.is_connected() && client.status().shards.len() == 3);
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(cluster.read(at, key), "110");
        assert_eq!(integer(&client, &format!("INCR {key}")), 111);
    }
    let required = super::nodes::config(&url);
    let other = Client::new(required, Arc::new(Recorder::default()));
    other.connect().unwrap();
}

/// Where every slot must be served, one dead master takes the cluster with it.
#[test]
fn a_cluster_that_says_it_is_down_is_answered_for_and_written_back_to() {
    let mut cluster = Cluster::start(0, &["--cluster-require-full-coverage", "yes"]);
    let (client, log) = cluster.client();
    client.connect().unwrap();
    let keys = one_in_each_third("down");
    let mut acknowledged = [0; 3];
    let mut count = || {
        for (key, acknowledged) in keys.iter().zip(&mut acknowledged) {
            *acknowledged += i64::from(client.call(&["INCR", key]).is_ok());
        }
        acknowledged
    };
    count();
    cluster.nodes[1].kill();
    let read =
        || keys.iter().all(|key| call(&client, &format!("GET {key}")) == Ok(Value::bulk("1")));
    let modes = || client.status().shards.iter().map(|shard| shard.mode).collect::<Vec<_>>();
    in_time("every shard is away", || {
        assert!(read(), "last known values are read");
        modes() == [Mode::Degraded; 3]
    });
    let kinds: Vec<_> =
        client.status().shards.iter().map(|shard| shard.last_failure_type).collect();
    assert_eq!(kinds[0], Some(FailureKind::ClusterDown), "{:?}", log.lines());
    // A dial that only finds the node alive is none: it would come and go.
    let begun = client.status().dials;
    in_time("it is dialled in vain", || {
        assert!(!modes().contains(&Mode::Connected), "{:?}", log.lines());
        assert!(read(), "last known values are read");
        client.status().dials > begun + 9
    });
    count();
    cluster.nodes[1].restart();
    in_time("all is back", || client.is_connected());
    let counts = count();
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(cluster.read(at, key), counts[at].to_string(), "{:?}", log.lines());
    }
    let place = format!("redis://127.0.0.1:{}", cluster.nodes[1].port);
    let lines = log.lines();
    assert!(
        lines.iter().any(|line| line.contains("unavailable") && line.contains(&place)),
        "{lines:?}"
    );
}

#[test]
fn the_doctor_tells_of_shards_slots_and_masters() {
    let mut cluster = Cluster::start(0, &["--requirepass", "planted", "--masterauth", "planted"]);
    let url = cluster.url(&[0]).replace("://", "://:planted@");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = |url: &str| runtime.block_on(examine(&config(url))).to_string();
    let told = report(&url);
    assert!(told.contains("with 5461 slots and 0 replicas"), "{told}");
    assert!(told.contains("all 16384 are served"), "{told}");
    assert!(told.contains("all 3 reached"), "{told}");
    // It logs in at every node.
    let client = Client::new(config(&url), Arc::new(Recorder::default()));
    client.connect().unwrap();
    let keys = one_in_each_third("login");
    for key in &keys {
        assert_eq!(call(&client, &format!("SET {key} v")), Ok(Value::ok()));
    }
    cluster.nodes[1].cli(&["CLUSTER", "DELSLOTS", "7000"]);
    for at in [0, 2] {
        cluster.nodes[at].cli(&["CLUSTER", "DELSLOTS", "7000"]);
    }
    let told = report(&url);
    assert!(told.contains("no node serves 1 of 16384 slots: 7000-7000"), "{told}");
    cluster.nodes[2].kill();
    eventually("the outage is noticed", || {
        let _ = call(&client, &format!("GET {}", keys[2]));
        !client.is_connected()
    });
    let other = report(&url.replace("planted", "wrong"));
    assert!(other.contains("auth_failed"), "{other}");
    assert!(!format!("{told} {other} {client:?} {:?}", client.status()).contains("planted"));
}
