//! The store beside a real redis-server: the same commands on the same keys, in batches of 100. Redis
//! gets each batch as one pipeline over a unix socket, and its client reads and writes bytes only.
//! `store_table.py` makes a table of what criterion measured.

#![expect(missing_docs, reason = "criterion's macro writes a function without")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use outlast::store::{Options, SharedStore, new_store, now};
use outlast_core::{Rules, Timestamp};
use outlast_tests::Server;

const BATCH: u64 = 100;
const VALUE: &str = "0123456789abcdef";

/// A command on the key of a number.
#[derive(Clone, Copy)]
struct Workload {
    name: &'static str,
    /// The key stands where `KEY` does.
    words: &'static [&'static str],
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "get", words: &["GET", "KEY"] },
    Workload { name: "set", words: &["SET", "KEY", VALUE] },
    Workload { name: "incr", words: &["INCR", "KEY"] },
    Workload { name: "hset", words: &["HSET", "KEY", "field", VALUE] },
    Workload { name: "zadd", words: &["ZADD", "KEY", "1", "member"] },
    Workload { name: "lpush", words: &["LPUSH", "KEY", "x"] },
];

/// Numbers below a limit, at random or one after another, without a list of them in memory.
enum Numbers {
    Random { state: u64, below: u64 },
    InOrder { next: u64 },
}

impl Numbers {
    fn next(&mut self) -> u64 {
        match self {
            Self::InOrder { next } => {
                *next += 1;
                *next - 1
            }
            // Marsaglia's xorshift.
            Self::Random { state, below } => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                (*state >> 11) % *below
            }
        }
    }
}

/// Writes the key of a number over the one before.
fn write_key(key: &mut [u8; 16], mut number: u64) {
    for digit in key.iter_mut().skip(4).rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

/// Somebody who runs batches.
trait Subject: Sync {
    fn runs(&self, workload: Workload, numbers: Numbers, batches: u64);
}

struct Ours {
    store: SharedStore,
    now: Timestamp,
}

impl Subject for Ours {
    fn runs(&self, workload: Workload, mut numbers: Numbers, batches: u64) {
        let mut key = *b"key:000000000000";
        let words: Vec<&[u8]> = workload.words.iter().map(|word| word.as_bytes()).collect();
        for _ in 0..batches * BATCH {
            write_key(&mut key, numbers.next());
            let mut args = [&b""[..]; 4];
            args[..words.len()].copy_from_slice(&words);
            args[1] = &key;
            let reply = self.store.execute(self.now, &args[..words.len()], false);
            std::hint::black_box(reply.expect("an answer"));
        }
    }
}

struct Theirs {
    server: Server,
}

impl Subject for Theirs {
    fn runs(&self, workload: Workload, mut numbers: Numbers, batches: u64) {
        let mut socket = UnixStream::connect(self.server.socket()).expect("the server's socket");
        let mut key = *b"key:000000000000";
        let mut replies = vec![0; 64 * 1_024];
        let mut pipeline = Vec::new();
        for _ in 0..batches {
            pipeline.clear();
            for _ in 0..BATCH {
                write_key(&mut key, numbers.next());
                write!(pipeline, "*{}\r\n", workload.words.len()).expect("room");
                for (at, word) in workload.words.iter().enumerate() {
                    let word = if at == 1 { &key } else { word.as_bytes() };
                    write!(pipeline, "${}\r\n", word.len()).expect("room");
                    pipeline.extend_from_slice(word);
                    pipeline.extend_from_slice(b"\r\n");
                }
            }
            socket.write_all(&pipeline).expect("a server");
            // A reply is one line, but for a string: a line with its length and one with its bytes.
            let mut lines_left = BATCH;
            while lines_left > 0 {
                let count = socket.read(&mut replies).expect("a server");
                assert!(count > 0, "the server closed the connection");
                let text = &replies[..count];
                for byte in text {
                    match byte {
                        b'$' => lines_left += 1,
                        b'\n' => lines_left -= 1,
                        b'-' => panic!("{}", String::from_utf8_lossy(text)),
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Runs batches on some threads at once; how long all of them took.
fn time(
    subject: &dyn Subject,
    workload: Workload,
    keys: u64,
    threads: u64,
    batches: u64,
) -> Duration {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 1..=threads {
            let state = thread * 0x9E37_79B9_7F4A_7C15;
            let numbers = Numbers::Random { state, below: keys };
            scope.spawn(move || subject.runs(workload, numbers, batches.div_ceil(threads)));
        }
    });
    began.elapsed()
}

fn compare(criterion: &mut Criterion) {
    for keys in [10_000, 1_000_000] {
        for workload in WORKLOADS {
            let ours = Ours { store: new_store(Options::new(1 << 32), Rules::NONE), now: now() };
            let theirs = Theirs { server: Server::start() };
            // It answers from memory, too.
            theirs.server.cli(&["CONFIG", "SET", "appendonly", "no"]);
            let subjects: [(&str, &dyn Subject); 2] = [("outlast", &ours), ("redis", &theirs)];
            for (_, subject) in subjects {
                fill(subject, *workload, keys);
            }
            for threads in [1, 2] {
                let mut group =
                    criterion.benchmark_group(format!("{}_{keys}_t{threads}", workload.name));
                group.throughput(Throughput::Elements(BATCH));
                for (name, subject) in subjects {
                    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                        bencher.iter_custom(|batches| {
                            time(subject, *workload, keys, threads, batches)
                        });
                    });
                }
                group.finish();
            }
        }
    }
}

/// Gives every key its value, so that what is measured is not the making of keys.
fn fill(subject: &dyn Subject, workload: Workload, keys: u64) {
    let workload = if workload.name == "get" { WORKLOADS[1] } else { workload };
    subject.runs(workload, Numbers::InOrder { next: 0 }, keys / BATCH);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500));
    targets = compare
}
criterion_main!(benches);
