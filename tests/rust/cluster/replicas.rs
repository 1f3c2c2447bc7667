//! Reads from replicas, where that is wanted.

use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Config, Value};
use outlast_tests::{Recorder, eventually};

use super::nodes::{Cluster, in_time, one_in_each_third};
use super::{call, integer};

/// How many commands of this name a node has run.
fn calls(cluster: &Cluster, at: usize, name: &str) -> u64 {
    let stats = cluster.nodes[at].cli(&["INFO", "commandstats"]);
    let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:calls=")));
    let count = line.and_then(|line| line.split(['=', ',']).nth(1));
    count.map_or(0, |count| count.parse().expect("a count"))
}

#[test]
fn reads_go_to_replicas_and_to_the_master_when_they_are_away() {
    let mut cluster = Cluster::start(1, &[]);
    let config = Config::builder(&cluster.url(&[0]))
        .option("cluster_read_from", "replica")
        .option("server_delay_ms", "20")
        .option("server_delay_ms_max", "100")
        .build()
        .unwrap();
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(config, recorder.clone());
    client.connect().unwrap();
    let [key, ..] = one_in_each_third("r");
    assert_eq!(integer(&client, &format!("INCR {key}")), 1);
    cluster.nodes[0].cli(&["WAIT", "1", "5000"]);
    let read = || call(&client, &format!("GET {key}"));
    let by_replica = calls(&cluster, 3, "get");
    in_time("the replica is read from", || {
        assert_eq!(read(), Ok(Value::bulk("1")));
        calls(&cluster, 3, "get") >= by_replica + 10
    });
    let by_master = calls(&cluster, 0, "get");
    (0..20).for_each(|_| assert_eq!(read(), Ok(Value::bulk("1"))));
    assert_eq!(calls(&cluster, 0, "get"), by_master);

    // One that swallows what is sent is left after a part of the deadline.
    cluster.nodes[3].freeze();
    eventually("the master is read from", || {
        assert_eq!(read(), Ok(Value::bulk("1")));
        calls(&cluster, 0, "get") >= by_master + 10
    });
    cluster.nodes[3].thaw();
    cluster.nodes[3].kill();
    (0..20).for_each(|_| assert_eq!(read(), Ok(Value::bulk("1"))));
    // Nobody hears of it: the application lost nothing.
    assert!(client.is_connected());
    assert_eq!(client.status().failure_count, 0, "{:?}", recorder.lines());
    cluster.nodes[3].restart();
    let by_replica = calls(&cluster, 3, "get");
    in_time("the replica is read from again", || {
        assert_eq!(read(), Ok(Value::bulk("1")));
        calls(&cluster, 3, "get") > by_replica
    });

    // While the master is away, what was written meanwhile is read, and the replica does not know it.
    cluster.nodes[0].kill();
    eventually("the outage is noticed", || {
        let _ = call(&client, &format!("INCR {key}:other"));
        let _ = call(&client, &format!("INCR {key}"));
        !client.is_connected()
    });
    assert_eq!(call(&client, &format!("SET {key} local")), Ok(Value::ok()));
    assert_eq!(read(), Ok(Value::bulk("local")));
}
