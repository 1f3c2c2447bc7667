//! Eight threads write while a real redis-server is killed and restarted with its data, and while every
//! way back to it is cut at random bytes. In the end Redis holds what the threads were told, once.
//!
//! `RECOVERY_ROUNDS` (50) and `RECOVERY_SEED` (1) make it longer, or another one.

use std::sync::{Arc, Condvar, Mutex};

use outlast::blocking::Client;
use outlast::{Config, ErrorKind, Mode, Value};
use outlast_tests::{Proxy, Recorder, Server, eventually};

const THREADS: usize = 8;
/// Bytes of the client after which a connection is cut, at most: logins and several batches.
const CUT_BYTES_MAX: u64 = 6_000;

fn number_from(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

/// What one thread was told.
#[derive(Debug, Default)]
struct Told {
    increments: u64,
    increments_in_doubt: u64,
    pushed: Vec<u64>,
    pushed_in_doubt: Vec<u64>,
    /// What its key holds, if anything.
    value: Option<u64>,
    /// What its hash holds in the one field and in the other, which are set together.
    pair: u64,
}

/// How often each thread writes all of its keys in one round.
const WRITES_BY_ROUND: u64 = 150;

/// The rounds as the threads know them.
#[derive(Debug)]
struct Rounds {
    begun: Mutex<Option<u64>>,
    changed: Condvar,
}

impl Rounds {
    fn begin(&self, round: Option<u64>) {
        *self.begun.lock().expect("no panic") = round;
        self.changed.notify_all();
    }

    /// Waits for the round after this one; none when there is none.
    fn after(&self, round: u64) -> Option<u64> {
        let begun = self.begun.lock().expect("no panic");
        let waited = self.changed.wait_while(begun, |begun| *begun == Some(round));
        *waited.expect("no panic")
    }
}

/// Ends the rounds, also where the test fails.
struct Ending<'a>(&'a Rounds);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.begin(None);
    }
}

fn write(rounds: &Rounds, client: &Client, thread: usize) -> Told {
    let mut told = Told::default();
    let name = |what: &str| format!("{what}:{thread}");
    let (counter, list, key) = (name("counter"), name("list"), name("key"));
    let (left, right) = (name("left"), name("right"));
    let (mut number, mut round) = (0, 0);
    loop {
        if number % WRITES_BY_ROUND == 0 {
            match rounds.after(round) {
                Some(next) => round = next,
                None => return told,
            }
        }
        number += 1;
        let text = number.to_string();
        if is_told(client.call(&["INCR", &counter])) {
            told.increments += 1;
        } else {
            told.increments_in_doubt += 1;
        }
        if is_told(client.call(&["LPUSH", &list, &text])) {
            told.pushed.push(number);
        } else {
            told.pushed_in_doubt.push(number);
        }
        // Twice is as good as once: these are never in doubt.
        if number % 3 == 0 {
            client.call(&["DEL", &key]).expect("a reply");
            told.value = None;
        } else {
            client.call(&["SET", &key, &text]).expect("a reply");
            told.value = Some(number);
        }
        client.call(&["MSET", &left, &text, &right, &text]).expect("a reply");
        told.pair = number;
    }
}

/// Whether it was done; otherwise it may have been.
fn is_told(result: Result<Value, outlast::Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::MaybeApplied, "{error}");
            false
        }
    }
}

/// Marsaglia's xorshift.
fn draw(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) % below
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_through_kills_and_cuts() {
    let rounds = number_from("RECOVERY_ROUNDS", 50);
    let mut state = number_from("RECOVERY_SEED", 1).max(1);
    let mut server = Server::start();
    let proxy = Proxy::start(server.port);
    let config = Config::builder(&proxy.url())
        .profile("production")
        .option("server_delay_ms", "20")
        .option("server_delay_ms_max", "50")
        .build()
        .expect("valid options");
    let client = Client::new(config, Arc::new(Recorder::default()));
    client.connect().expect("a server");
    let all = Rounds { begun: Mutex::new(Some(0)), changed: Condvar::new() };
    let told: Vec<Told> = std::thread::scope(|scope| {
        let ending = Ending(&all);
        let (all, client) = (&all, &client);
        let begin = |thread| scope.spawn(move || write(all, client, thread));
        let threads: Vec<_> = (0..THREADS).map(begin).collect();
        for round in 1..=rounds {
            all.begin(Some(round));
            server.kill();
            eventually("degraded", || client.status().mode == Mode::Degraded);
            let cuts = 1 + draw(&mut state, 4);
            let cuts = (0..cuts).map(|_| usize::try_from(draw(&mut state, CUT_BYTES_MAX)).unwrap());
            proxy.cut_next_after(cuts.collect::<Vec<_>>());
            server.restart();
            eventually("every cut was made", || proxy.cuts_left() == 0);
            eventually("back on Redis", || client.status().redis_connected);
        }
        drop(ending);
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    eventually("all is written back", || {
        let status = client.status();
        status.redis_connected && status.journal_keys == 0
    });
    for (thread, told) in told.iter().enumerate() {
        check(&server, thread, told);
    }
    let status = client.status();
    assert!(status.replayed > 0, "something was written back");
    assert_eq!(client.dead_letters(), []);
}

fn check(server: &Server, thread: usize, told: &Told) {
    let counter: u64 =
        server.cli(&["GET", &format!("counter:{thread}")]).parse().expect("a number");
    let most = told.increments + told.increments_in_doubt;
    assert!((told.increments..=most).contains(&counter), "{counter} of {told:?}");

    let list = server.cli(&["LRANGE", &format!("list:{thread}"), "0", "-1"]);
    let mut list: Vec<u64> =
        list.lines().map(|line| line.trim().parse().expect("a number")).collect();
    list.reverse();
    let in_doubt = |number: &u64| told.pushed_in_doubt.contains(number);
    let certain: Vec<u64> = list.iter().copied().filter(|number| !in_doubt(number)).collect();
    assert_eq!(certain, told.pushed, "thread {thread}: each once, and in their order");
    let doubtful = list.len() - certain.len();
    list.sort_unstable();
    list.dedup();
    assert_eq!(list.len() - certain.len(), doubtful, "thread {thread}: none twice");

    let value = server.cli(&["GET", &format!("key:{thread}")]);
    assert_eq!(value, told.value.map(|value| value.to_string()).unwrap_or_default());
    for side in ["left", "right"] {
        assert_eq!(server.cli(&["GET", &format!("{side}:{thread}")]), told.pair.to_string());
    }
}
