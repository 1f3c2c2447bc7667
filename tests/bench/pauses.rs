//! How long the longest command takes while a store with a million keys keeps house. Times are the
//! thread's own processor time, so that other work of the machine counts for nobody.

use std::time::Duration;

use outlast_core::Timestamp;
use outlast_core::store::{Eviction, Options, Store};
use rustix::time::{ClockId, clock_gettime};

const KEYS: usize = 1_000_000;
const START: Timestamp = Timestamp::from_ms(1_700_000_000_000);

/// Runs one command after another and keeps how long each took.
struct Run {
    name: &'static str,
    micros: Vec<f64>,
}

fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().try_into().unwrap_or(0))
}

impl Run {
    fn of(
        name: &'static str,
        store: &Store,
        now: Timestamp,
        count: usize,
        args: impl Fn(usize) -> Vec<String>,
    ) -> Self {
        let mut micros = Vec::with_capacity(count);
        for n in 0..count {
            let args = args(n);
            let before = spent();
            let reply = store.execute(now, &args, false);
            micros.push(spent().saturating_sub(before).as_secs_f64() * 1e6);
            assert!(reply.is_ok_and(|reply| reply.as_error().is_none()), "{args:?}");
        }
        micros.sort_by(f64::total_cmp);
        Self { name, micros }
    }

    #[expect(clippy::print_stdout, reason = "the table")]
    fn print(&self) {
        let last = self.micros.len() - 1;
        let at = |per_million: usize| self.micros[last * per_million / 1_000_000];
        println!(
            "| {} | {} | {:.1} | {:.1} | {:.0} |",
            self.name,
            self.micros.len(),
            at(500_000),
            at(999_990),
            self.micros[last]
        );
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_string).collect()
}

fn set(n: usize) -> Vec<String> {
    words(&format!("SET key:{n} 0123456789abcdef"))
}

fn get(n: usize) -> Vec<String> {
    words(&format!("GET key:{n}"))
}

#[expect(clippy::print_stdout, reason = "the table")]
fn main() {
    println!("| what | commands | median, µs | 99.999 %, µs | longest, µs |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let store = Store::new(1 << 32);
    Run::of("keys come", &store, START, KEYS, set).print();
    Run::of("all are there", &store, START, KEYS, get).print();
    Run::of("FLUSHALL, then others come", &store, START, 1, |_| words("FLUSHALL")).print();
    Run::of("what FLUSHALL left is freed", &store, START, KEYS, set).print();

    let expiring = |n: usize| words(&format!("SET key:{n} 0123456789abcdef PX 50"));
    Run::of("keys come with an expiry", &store, START, KEYS, expiring).print();
    Run::of("a million expire at once", &store, START.plus_ms(60), KEYS, |n| get(n / 3)).print();

    let field = |n: usize| words(&format!("HSET hash field:{n} value"));
    Run::of("a hash gets a million fields", &store, START, KEYS, field).print();
    Run::of("it is deleted", &store, START, 1, |_| words("DEL hash")).print();
    Run::of("it is freed", &store, START, KEYS, set).print();

    let full = Options::new(store.bytes()).with_eviction(Eviction::AllKeysLru);
    let store = Store::with_options(full);
    Run::of("keys come", &store, START, KEYS, set).print();
    let more = |n: usize| set(n + KEYS);
    Run::of("others push them out (allkeys-lru)", &store, START, KEYS, more).print();
}
