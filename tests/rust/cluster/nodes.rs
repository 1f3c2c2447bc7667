//! A real cluster on the loopback address.

use std::time::{Duration, Instant};

use outlast::Config;
use outlast::blocking::Client;
use outlast_core::cluster::{SLOTS, slot_of};
use outlast_tests::{Recorder, Server, certificate_file};
use std::sync::Arc;

/// Elections are held at random delays.
const PATIENCE: Duration = Duration::from_secs(25);

/// Waits with the patience that a failover takes.
pub(crate) fn in_time(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
}

/// Three masters, each with as many replicas.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
    pub(crate) ids: Vec<String>,
}

impl Cluster {
    /// The first three nodes are masters of a third of the slots each, the next three their replicas, if
    /// there are to be any.
    pub(crate) fn start(replicas: usize, options: &[&str]) -> Self {
        // What comes later counts.
        let options = [
            &["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"],
            &["--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"],
            options,
        ]
        .concat();
        Self::of((0..3 + 3 * replicas).map(|_| Server::start_with(&options)).collect())
    }

    /// Three masters behind TLS.
    pub(crate) fn start_tls() -> Self {
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        // Nodes show each other certificates of clients, whatever clients themselves must show.
        let (pem, key) = (certificate_file("client.pem"), certificate_file("client.key"));
        let shown = ["--tls-client-cert-file", &pem, "--tls-client-key-file", &key];
        let tls = ["--tls-cluster", "yes", "--tls-auth-clients", "no"];
        let options = [&options[..], &tls, &shown].concat();
        Self::of((0..3).map(|_| Server::start_tls("server", &options)).collect())
    }

    fn of(nodes: Vec<Server>) -> Self {
        let ids = nodes.iter().map(|node| node.cli(&["CLUSTER", "MYID"])).collect();
        let cluster = Self { nodes, ids };
        for (at, node) in cluster.nodes.iter().enumerate() {
            // Later epochs would be told apart by chance.
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        }
        let third = SLOTS / 3;
        for (at, first) in [0, third, 2 * third].into_iter().enumerate() {
            let last = if at == 2 { SLOTS - 1 } else { first + third - 1 };
            let range = [first.to_string(), last.to_string()];
            cluster.nodes[at].cli(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]]);
        }
        let first = cluster.nodes[0].cli(&["CONFIG", "GET", "tls-cluster"]);
        let first = if first.ends_with("yes") {
            cluster.nodes[0].tls_url().rsplit(':').next().expect("a port").to_string()
        } else {
            cluster.nodes[0].port.to_string()
        };
        for node in &cluster.nodes[1..] {
            node.cli(&["CLUSTER", "MEET", "127.0.0.1", &first]);
        }
        let all = cluster.nodes.len();
        in_time("every node knows every other", || {
            cluster.nodes.iter().all(|node| node.cli(&["CLUSTER", "NODES"]).lines().count() == all)
        });
        for at in 3..all {
            in_time("it becomes a replica", || {
                cluster.nodes[at].cli(&["CLUSTER", "REPLICATE", &cluster.ids[at % 3]]) == "OK"
            });
        }
        in_time("every node knows which are replicas", || {
            let replicas = |node: &Server| node.cli(&["CLUSTER", "NODES"]).matches("slave").count();
            cluster.nodes.iter().all(|node| replicas(node) == all - 3)
        });
        in_time("the cluster is whole", || cluster.nodes.iter().all(Self::is_whole));
        for at in 3..all {
            in_time("the replica is linked", || {
                cluster.nodes[at].cli(&["INFO", "replication"]).contains("master_link_status:up")
            });
            // One that nothing was replicated to yet is not told to clients.
            cluster.nodes[at % 3].cli(&["FLUSHALL"]);
            let port = cluster.nodes[at].port.to_string();
            in_time("every node tells of the replica", || {
                let tells = |node: &Server| node.cli(&["CLUSTER", "SLOTS"]).contains(&port);
                cluster.nodes.iter().all(tells)
            });
        }
        cluster
    }

    fn is_whole(node: &Server) -> bool {
        let info = node.cli(&["CLUSTER", "INFO"]);
        info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
    }

    /// Its URL, by way of these nodes.
    pub(crate) fn url(&self, nodes: &[usize]) -> String {
        let places: Vec<_> =
            nodes.iter().map(|at| format!("127.0.0.1:{}", self.nodes[*at].port)).collect();
        format!("redis-cluster://{}", places.join(","))
    }

    /// A client that dials often, and what it tells.
    pub(crate) fn client(&self) -> (Client, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::default());
        (Client::new(config(&self.url(&[0, 1])), recorder.clone()), recorder)
    }

    /// Has a slot be on its way from one master to another.
    pub(crate) fn begin_move(&self, slot: u16, from: usize, to: usize) {
        let slot = slot.to_string();
        let set = |at: usize, how: &str, other: usize| {
            let set = ["CLUSTER", "SETSLOT", &slot, how, &self.ids[other]];
            assert_eq!(self.nodes[at].cli(&set), "OK", "{set:?}");
        };
        set(to, "IMPORTING", from);
        set(from, "MIGRATING", to);
    }

    /// Moves so many keys of a slot; how many there were.
    pub(crate) fn move_keys(&self, slot: u16, from: usize, to: usize, count: usize) -> usize {
        let listed = ["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), &count.to_string()];
        let keys = self.nodes[from].cli(&listed);
        let keys: Vec<&str> = keys.lines().filter(|key| !key.is_empty()).collect();
        let port = self.nodes[to].port.to_string();
        for key in &keys {
            let migrate = ["MIGRATE", "127.0.0.1", &port, key, "0", "5000"];
            let moved = self.nodes[from].cli(&migrate);
            // It may have been counted for the first time at the other end.
            assert!(moved == "OK" || moved == "NOKEY", "{moved}");
        }
        keys.len()
    }

    /// Ends the move of a slot, as far as nodes are there to be told.
    pub(crate) fn end_move(&self, slot: u16, to: usize) {
        let set = ["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &self.ids[to]];
        self.nodes[to].cli(&set);
        for node in &self.nodes {
            node.cli(&set);
        }
    }

    /// The third of the slots that a key lies in, and so the place of its first master.
    pub(crate) fn third_of(key: &str) -> usize {
        usize::from(slot_of(key.as_bytes()) / (SLOTS / 3)).min(2)
    }

    /// What a master holds at a key, past every client.
    pub(crate) fn read(&self, at: usize, key: &str) -> String {
        self.nodes[at].cli(&["GET", key])
    }
}

/// Keys of this name, one in each third.
pub(crate) fn one_in_each_third(name: &str) -> [String; 3] {
    [0, 1, 2].map(|third| {
        let mut names = (0..).map(|number| format!("{name}:{number}"));
        names.find(|key| Cluster::third_of(key) == third).expect("some number will do")
    })
}

pub(crate) fn config(url: &str) -> Config {
    let quick =
        [("server_delay_ms", "20"), ("server_delay_ms_max", "100"), ("jitter_percent", "0")];
    let builder = Config::builder(url).profile("production").option("connect_timeout_ms", "1000");
    let builder = quick.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
    builder.build().expect("valid options")
}
