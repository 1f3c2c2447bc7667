//! A thousand tasks on one client at once: each is answered, with what is its own, while Redis is
//! there and while it is killed and started again among them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outlast::{Client, Config, ErrorKind, Value};
use outlast_tests::{Recorder, Server};
use tokio::task::JoinSet;

const TASKS: usize = 1_000;
const ROUNDS: u64 = 20;

fn client(server: &Server) -> Client {
    // What is measured is whose reply it is, not how long a crowded machine takes for it.
    let patient = [("command_timeout_ms", "30000"), ("breaker_slow_call_ms", "0")];
    let quick = [("server_delay_ms", "20"), ("server_delay_ms_max", "50")];
    let builder = Config::builder(&server.url()).profile("production");
    let builder = builder.rules([("n", "counter")]);
    let all = [patient, quick].concat();
    let builder = all.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
    Client::new(builder.build().expect("valid options"), Arc::new(Recorder::default()))
}

#[derive(Debug, Default)]
struct Told {
    acknowledged: AtomicU64,
    in_doubt: AtomicU64,
}

async fn work(client: Client, task: usize, told: Arc<Told>) {
    let key = format!("task:{task}");
    for round in 0..ROUNDS {
        let value = format!("{task}:{round}");
        client.call(&["SET", &key, &value]).await.expect("it is served, wherever");
        let read = client.call(&["GET", &key]).await.expect("it is served, wherever");
        assert_eq!(read, Value::bulk(value), "what another task wrote");
        match client.call(&["INCR", "n"]).await {
            Ok(_) => told.acknowledged.fetch_add(1, Ordering::Relaxed),
            Err(error) if error.kind() == ErrorKind::MaybeApplied => {
                told.in_doubt.fetch_add(1, Ordering::Relaxed)
            }
            Err(error) => panic!("{error}"),
        };
    }
}

async fn ended(mut tasks: JoinSet<()>) {
    while let Some(task) = tasks.join_next().await {
        task.expect("no task panics");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_share_one_connection() {
    let server = Server::start();
    let client = client(&server);
    client.connect().await.unwrap();
    let told = Arc::new(Told::default());
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(work(client.clone(), task, told.clone()));
    }
    ended(tasks).await;
    assert_eq!(told.acknowledged.load(Ordering::Relaxed), TASKS as u64 * ROUNDS);
    assert_eq!(server.cli(&["GET", "n"]), (TASKS as u64 * ROUNDS).to_string());
    let status = client.status();
    assert_eq!((status.dials, status.served_by_store), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_outlast_a_restart() {
    let mut server = Server::start();
    let client = client(&server);
    client.connect().await.unwrap();
    let told = Arc::new(Told::default());
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(work(client.clone(), task, told.clone()));
    }
    let answered = || told.acknowledged.load(Ordering::Relaxed);
    while answered() < TASKS as u64 {
        tokio::task::yield_now().await;
    }
    server.kill();
    while client.status().served_by_store < TASKS as u64 {
        tokio::task::yield_now().await;
    }
    tokio::task::block_in_place(|| server.restart());
    ended(tasks).await;
    while client.status().journal_keys > 0 || !client.status().redis_connected {
        tokio::task::yield_now().await;
    }
    let acknowledged = answered();
    let in_doubt = told.in_doubt.load(Ordering::Relaxed);
    let counted: u64 = server.cli(&["GET", "n"]).parse().expect("a number");
    assert!((acknowledged..=acknowledged + in_doubt).contains(&counted), "{counted} {told:?}");
}
