//! Works through the Rust client and tells of each operation: see the README of this folder's parent.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast::{Client, Config, Error};
use outlast_tests::Recorder;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

/// What the runner is told, a line each.
#[expect(clippy::print_stdout, reason = "it is a program that talks by its output")]
fn tell(value: &Value) {
    println!("{value}");
    let _ = io::stdout().flush();
}

/// Nanoseconds for which each thread of this process could have run, and had no processor.
fn waits() -> HashMap<OsString, u64> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let waits = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        Some((task.file_name(), text.split(' ').nth(1)?.parse().ok()?))
    });
    waits.collect()
}

/// Milliseconds of that since then, of the threads that are still there.
fn waited_ms(before: &HashMap<OsString, u64>) -> f64 {
    let since = |(task, waited)| waited - before.get(&task).copied().unwrap_or(0);
    Duration::from_nanos(waits().into_iter().map(since).sum()).as_secs_f64() * 1e3
}

struct Work {
    client: Client,
    recorder: Arc<Recorder>,
    stop: Rc<RefCell<bool>>,
    workers: JoinSet<()>,
}

/// Whether this is what such a command answers. A value is the one that was set before it, where
/// that is known.
fn fits(args: &[&str], number: Option<u64>, value: &outlast::Value) -> bool {
    match args[0] {
        "INCR" => matches!(value, outlast::Value::Integer(1..)),
        "SET" => *value == outlast::Value::Simple("OK".into()),
        _ => number.is_none_or(|number| *value == outlast::Value::bulk(number.to_string())),
    }
}

/// Whether the operation went well.
async fn timed(client: &Client, worker: usize, number: Option<u64>, args: &[&str]) -> bool {
    let before = waits();
    let began = Instant::now();
    let outcome = client.call(args).await;
    let took_ms = began.elapsed().as_secs_f64() * 1e3;
    let waited_ms = waited_ms(&before);
    let outcome = match &outcome {
        Ok(value) if fits(args, number, value) => "ok",
        Ok(_) => "wrong_reply",
        Err(error) => error.code(),
    };
    tell(&json!({
        "op": args[0], "worker": worker, "took_ms": took_ms, "waited_ms": waited_ms,
        "outcome": outcome,
    }));
    outcome == "ok"
}

async fn work(
    client: Client,
    worker: usize,
    prefix: String,
    pause_ms: u64,
    stop: Rc<RefCell<bool>>,
) {
    let (counter, key) = (format!("{prefix}:n:{worker}"), format!("{prefix}:k:{worker}"));
    let mut number = 0_u64;
    while !*stop.borrow() {
        number += 1;
        timed(&client, worker, None, &["INCR", &counter]).await;
        let is_set = timed(&client, worker, None, &["SET", &key, &number.to_string()]).await;
        timed(&client, worker, is_set.then_some(number), &["GET", &key]).await;
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

async fn open(order: &Value) -> Result<Work, Error> {
    let text = |name: &str| order[name].as_str().unwrap_or_default().to_string();
    let config = Config::builder(&text("url")).build()?;
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(config, recorder.clone());
    client.connect().await?;
    let stop = Rc::new(RefCell::new(false));
    let mut workers = JoinSet::new();
    let pause_ms = order["pause_ms"].as_u64().unwrap_or(5);
    for worker in 0..usize::try_from(order["workers"].as_u64().unwrap_or(1)).unwrap_or(1) {
        workers.spawn_local(work(client.clone(), worker, text("prefix"), pause_ms, stop.clone()));
    }
    Ok(Work { client, recorder, stop, workers })
}

/// Carries an order out; what it answers.
async fn obey(order: &Value, current: &mut Option<Work>) -> Value {
    match (order["do"].as_str().unwrap_or_default(), current.as_mut()) {
        ("open", _) => match open(order).await {
            Ok(work) => {
                *current = Some(work);
                json!({"answer": "open"})
            }
            Err(error) => json!({"answer": "open", "error": error.message()}),
        },
        ("status", Some(work)) => {
            let status = serde_json::to_value(work.client.status()).unwrap_or_default();
            json!({"answer": "status", "status": status})
        }
        ("stop", Some(work)) => {
            *work.stop.borrow_mut() = true;
            while work.workers.join_next().await.is_some() {}
            json!({"answer": "stop"})
        }
        ("close", Some(work)) => {
            work.client.close();
            json!({"answer": "close", "log": work.recorder.lines()})
        }
        (other, _) => json!({"answer": other, "error": "not now"}),
    }
}

fn main() {
    let (send, mut orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let everything = async {
        let mut current = None;
        while let Some(line) = orders.recv().await {
            let order = serde_json::from_str(&line).expect("an order is JSON");
            tell(&obey(&order, &mut current).await);
        }
    };
    LocalSet::new().block_on(&runtime, everything);
}
