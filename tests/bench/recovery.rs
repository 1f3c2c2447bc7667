//! What the way back costs: a million commands of an outage written back, and a write of an outage with
//! each kind of journal. Prints Markdown. `--quick` does a hundredth of it.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast::blocking::Client;
use outlast::{Config, TracingSink};
use outlast_tests::Server;

const COMMANDS: usize = 1_000_000;
const KEYS: usize = 100_000;
/// How long each kind of journal is measured.
const MEASURED: Duration = Duration::from_secs(2);

fn client(url: &str, options: &[(&str, &str)]) -> Client {
    let mut builder = Config::builder(url)
        .profile("production")
        .option("startup", "optional")
        .option("startup_attempts_max", "1")
        .option("server_delay_ms", "20")
        .option("server_delay_ms_max", "50");
    for (name, value) in options {
        builder = builder.option(name, value);
    }
    let client =
        Client::new(builder.build().expect("valid options"), Arc::new(TracingSink::default()));
    client.connect().expect("Redis is optional");
    client
}

/// The most memory that this process ever had, in MB.
fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kb.unwrap_or_default() / 1_000
}

fn drained(commands: usize, keys: usize, journal: Option<&str>) {
    let mut server = Server::start();
    server.kill();
    let path = std::env::temp_dir().join(format!("outlast-bench-{}", std::process::id()));
    let path = path.display().to_string();
    let client = match journal {
        Some(fsync) => client(&server.url(), &[("journal_path", &path), ("journal_fsync", fsync)]),
        None => client(&server.url(), &[]),
    };
    let names: Vec<String> = (0..keys).map(|key| format!("counter:{key}")).collect();
    let began = Instant::now();
    for n in 0..commands {
        client.call(&["INCR", &names[n % keys]]).expect("an answer from memory");
    }
    let filled = began.elapsed();
    let journal_bytes = client.status().journal_bytes;
    server.restart();
    let began = Instant::now();
    while !client.status().redis_connected {
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed();
    assert_eq!(server.cli(&["GET", "counter:0"]), (commands / keys).to_string());
    assert_eq!(server.cli(&["DBSIZE"]), (keys + 1).to_string());
    let what = journal.map_or("in memory".to_string(), |fsync| format!("on disk, fsync {fsync}"));
    println!(
        "| {commands} commands on {keys} keys, journal {what} | {:.1} s | {:.2} s | {} MB | {} MB |",
        filled.as_secs_f64(),
        took.as_secs_f64(),
        journal_bytes / 1_000_000,
        peak_mb(),
    );
    drop(client);
    let _ = fs::remove_file(path);
}

fn written(options: &[(&str, &str)], threads: usize, measured: Duration) -> f64 {
    let path = std::env::temp_dir().join(format!("outlast-bench-{}", std::process::id()));
    let path = path.display().to_string();
    let on_disk: &[(&str, &str)] = &[("journal_path", &path)];
    let options = if options.is_empty() { Vec::new() } else { [on_disk, options].concat() };
    let client = client("redis://127.0.0.1:1", &options);
    let began = Instant::now();
    let count: usize = std::thread::scope(|scope| {
        let write = |thread: usize| {
            let client = &client;
            scope.spawn(move || {
                let mut count = 0;
                while began.elapsed() < measured {
                    let key = format!("key:{thread}:{}", count % 1_000);
                    client
                        .call(&["SET", &key, "a value of fifty bytes, as a session might have one"])
                        .expect("an answer from memory");
                    count += 1;
                }
                count
            })
        };
        let threads: Vec<_> = (0..threads).map(write).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    let took = began.elapsed();
    drop(client);
    let _ = fs::remove_file(path);
    count as f64 / took.as_secs_f64()
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let part = if quick { 100 } else { 1 };
    println!("| written back to a local server | outage | drain | journal | peak memory |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    drained(COMMANDS / part, KEYS / part, None);
    drained(COMMANDS / part, KEYS / part, Some("interval"));
    println!();
    println!("| a SET of an outage | threads | a second | µs |");
    println!("| --- | ---: | ---: | ---: |");
    let measured = MEASURED / part.try_into().unwrap_or(1);
    for threads in [1, 8] {
        for fsync in ["", "interval", "never", "always"] {
            let options = [("journal_fsync", fsync)];
            let options = if fsync.is_empty() { &options[..0] } else { &options[..] };
            let per_second = written(options, threads, measured);
            let name = if fsync.is_empty() {
                "journal in memory".into()
            } else {
                format!("fsync {fsync}")
            };
            println!(
                "| {name} | {threads} | {per_second:.0} | {:.1} |",
                1e6 * threads as f64 / per_second
            );
        }
    }
}
