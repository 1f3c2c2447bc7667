//! A cluster for an event loop and for tasks.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use outlast::hosted::{self, Submission, Turn};
use outlast::{Error, Value};
use outlast_tests::Recorder;

use super::nodes::{Cluster, config, in_time, one_in_each_third};

/// A loop that only turns when it was woken.
struct Loop {
    client: hosted::Client,
    woken: Mutex<Receiver<()>>,
    settled: Mutex<BTreeMap<u64, Result<Value, Error>>>,
}

impl Loop {
    fn new(cluster: &Cluster) -> Self {
        let (wake, woken) = channel();
        let recorder = Arc::new(Recorder::default());
        let wake = move || {
            let _ = wake.send(());
        };
        let client = hosted::Client::new(config(&cluster.url(&[0])), recorder, wake);
        Self { client, woken: Mutex::new(woken), settled: Mutex::default() }
    }

    /// Waits to be woken, and takes a turn.
    fn turn(&self) {
        let woken = self.woken.lock().expect("one thread");
        woken.recv_timeout(Duration::from_secs(10)).expect("somebody wakes the loop");
        let Turn { settlements, .. } = self.client.turn();
        let mut settled = self.settled.lock().expect("one thread");
        settled.extend(settlements.into_iter().map(|it| (it.command, it.result)));
    }

    fn submit(&self, line: &str) -> Submission {
        let args = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        self.client.submit(args).expect("there is room")
    }

    fn wait(&self, submission: Submission) -> Result<Value, Error> {
        let number = match submission {
            Submission::Settled(result) => return result,
            Submission::Pending(number) => number,
            other => panic!("{other:?}"),
        };
        loop {
            if let Some(result) = self.settled.lock().expect("one thread").remove(&number) {
                return result;
            }
            self.turn();
        }
    }

    fn call(&self, line: &str) -> Result<Value, Error> {
        let submission = self.submit(line);
        self.wait(submission)
    }

    fn connect(&self) -> Result<(), Error> {
        self.client.start();
        loop {
            if let Some(result) = self.client.startup() {
                return result;
            }
            self.turn();
        }
    }
}

#[test]
fn a_host_submits_and_is_told_in_batches() {
    let mut cluster = Cluster::start(0, &[]);
    let host = Loop::new(&cluster);
    host.connect().unwrap();
    in_time("every shard is reached", || host.client.is_connected());
    let keys = one_in_each_third("k");
    let [a, b, c] = &keys;
    let lines = (0..300).map(|n| format!("INCR {}", keys[n % 3]));
    let submitted: Vec<Submission> = lines.map(|line| host.submit(&line)).collect();
    for (n, submission) in submitted.into_iter().enumerate() {
        let count = i64::try_from(n / 3 + 1).unwrap();
        assert_eq!(host.wait(submission), Ok(Value::Integer(count)));
    }
    let hundreds = Value::Array(vec![Value::bulk("100"); 3]);
    assert_eq!(host.call(&format!("MGET {c} {a} {b}")), Ok(hundreds));
    let crossing = host.call(&format!("RENAME {a} {b}")).unwrap_err();
    assert!(crossing.message().starts_with("CROSSSLOT"), "{crossing}");
    let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    let transaction = vec![words(&format!("INCR {a}")), words(&format!("GET {a}"))];
    let replies = host.wait(host.client.submit_transaction(transaction).unwrap()).unwrap();
    let Value::Array(replies) = replies else { panic!("{replies:?}") };
    let done = Value::Array(vec![Value::Integer(101), Value::bulk("101")]);
    assert_eq!(replies.last(), Some(&done));
    let crossing = vec![words(&format!("INCR {a}")), words(&format!("GET {b}"))];
    let refused = host.wait(host.client.submit_transaction(crossing).unwrap()).unwrap_err();
    assert!(refused.message().starts_with("CROSSSLOT"), "{refused}");

    cluster.nodes[1].kill();
    in_time("the outage is noticed", || {
        let _ = host.call(&format!("GET {b}"));
        !host.client.is_connected()
    });
    // In the same tick, for that shard alone.
    let local = host.submit(&format!("SET {b} local"));
    assert!(matches!(local, Submission::Settled(Ok(_))), "{local:?}");
    assert!(matches!(host.submit(&format!("INCR {a}")), Submission::Pending(_)));
    assert_eq!(host.call(&format!("GET {b}")), Ok(Value::bulk("local")));
    cluster.nodes[1].restart();
    in_time("it is back", || host.client.is_connected());
    assert_eq!(cluster.read(1, b), "local");
    // Whoever waits when the client is closed is told.
    let pending = host.submit(&format!("INCR {a}"));
    host.client.close();
    let began = Instant::now();
    let _ = host.wait(pending);
    assert!(began.elapsed() < Duration::from_secs(2));
    let late = host.submit("PING");
    assert!(matches!(late, Submission::Settled(Err(_))), "{late:?}");
}

#[test]
fn tasks_share_a_cluster() {
    let mut cluster = Cluster::start(0, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = one_in_each_third("t");
    let client = runtime.block_on(async {
        let recorder = Arc::new(Recorder::default());
        let client = outlast::Client::new(config(&cluster.url(&[2])), recorder);
        client.connect().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..300 {
            let (client, key) = (client.clone(), keys[n % 3].clone());
            tasks.spawn(async move { client.call(&["INCR", &key]).await.unwrap() });
        }
        tasks.join_all().await;
        let all = [&["MGET".to_string()], &keys[..]].concat();
        let hundreds = Value::Array(vec![Value::bulk("100"); 3]);
        assert_eq!(client.call(&all).await, Ok(hundreds));
        client
    });
    cluster.nodes[0].kill();
    let acknowledged = runtime.block_on(async {
        let mut acknowledged = 100;
        while client.status().redis_connected {
            acknowledged += i64::from(client.call(&["INCR", &keys[0]]).await.is_ok());
        }
        for _ in 0..10 {
            client.call(&["INCR", &keys[0]]).await.unwrap();
            client.call(&["INCR", &keys[1]]).await.unwrap();
        }
        acknowledged + 10
    });
    assert_eq!(cluster.read(1, &keys[1]), "110");
    cluster.nodes[0].restart();
    runtime.block_on(async {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !client.status().redis_connected {
            assert!(Instant::now() < deadline, "{:?}", client.status());
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(cluster.read(0, &keys[0]), acknowledged.to_string());
}
