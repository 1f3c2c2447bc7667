//! Clients that share what they know of an outage (`outage_path`), in one process. Forked workers and
//! processes that know nothing of each other: `tests/python/test_sharing.py`.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use outlast::blocking::Client;
use outlast::{Config, Event, Sink};
use outlast_tests::{Folder, Recorder, Server, eventually};

const CLIENTS: usize = 16;

/// When dials began.
#[derive(Debug, Default)]
struct Dials(Mutex<Vec<Instant>>);

impl Dials {
    fn since(&self, since: Instant) -> Vec<Duration> {
        let dials = self.0.lock().expect("no panic");
        dials.iter().filter(|at| **at >= since).map(|at| at.duration_since(since)).collect()
    }
}

impl Sink for Dials {
    fn event(&self, event: Event) {
        if matches!(event, Event::Dialling(_)) {
            self.0.lock().expect("no panic").push(Instant::now());
        }
    }
}

fn clients(server: &Server, path: &Path, sink: &Arc<Dials>) -> Vec<Client> {
    let config = Config::builder(&server.url())
        .profile("development")
        .option("outage_path", &path.display().to_string())
        .build()
        .expect("valid options");
    let new = |_| Client::new(config.clone(), sink.clone());
    let clients: Vec<_> = (0..CLIENTS).map(new).collect();
    for client in &clients {
        client.call(&["SET", "k", "v"]).expect("an answer");
    }
    eventually("all connected", || connected(&clients) == CLIENTS);
    clients
}

fn connected(clients: &[Client]) -> usize {
    clients.iter().filter(|client| client.status().redis_connected).count()
}

/// Everybody writes until nobody is connected any more.
fn notice(clients: &[Client]) {
    for client in clients {
        client.call(&["SET", "k", "w"]).expect("an answer");
    }
    assert_eq!(connected(clients), 0);
}

#[test]
fn one_client_dials_for_all_and_all_follow() {
    let folder = Folder::new("sharing");
    let path = folder.file("outage");
    let mut server = Server::start();
    let sink = Arc::new(Dials::default());
    let clients = clients(&server, &path, &sink);
    server.kill();
    let killed = Instant::now();
    notice(&clients);
    eventually("five dials", || sink.since(killed).len() >= 5);
    let dials = sink.since(killed);
    let gaps: Vec<_> = dials.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    // After 250 ms the waits are 375, 562, 843 and 1,265 ms, each a fifth shorter at least.
    for (gap, least_ms) in gaps.iter().zip([300, 450, 675, 1_012]) {
        assert!(*gap > Duration::from_millis(least_ms - 50), "{gaps:?}");
    }
    let counted: u64 = clients.iter().map(|client| client.status().dials).sum();
    assert_eq!(counted, (CLIENTS + sink.since(killed).len()) as u64, "a dial held back is none");

    server.restart();
    let restarted = Instant::now();
    eventually("all are back", || connected(&clients) == CLIENTS);
    let back = sink.since(restarted);
    assert!((CLIENTS..CLIENTS + 2).contains(&back.len()), "{back:?}");
    let spread = back[back.len() - 1].saturating_sub(back[0]);
    assert!(spread > Duration::from_millis(20), "not all at once: {back:?}");
}

#[test]
fn another_endpoint_is_another_matter() {
    let folder = Folder::new("sharing-endpoints");
    let path = folder.file("outage");
    let (mut one, mut other) = (Server::start(), Server::start());
    let sinks = [Arc::<Dials>::default(), Arc::default()];
    let ones = clients(&one, &path, &sinks[0]);
    let others = clients(&other, &path, &sinks[1]);
    one.kill();
    notice(&ones);
    assert_eq!(connected(&others), CLIENTS);
    let killed = Instant::now();
    other.kill();
    notice(&others);
    eventually("both are dialled", || sinks.iter().all(|sink| sink.since(killed).len() >= 3));
    other.restart();
    eventually("the other is back", || connected(&others) == CLIENTS);
    assert_eq!(connected(&ones), 0);
    one.restart();
    eventually("the one is back", || connected(&ones) == CLIENTS);
}

#[test]
fn a_path_of_no_use_is_told_once_and_the_client_goes_on() {
    let folder = Folder::new("sharing-useless");
    let mut server = Server::start();
    for path in [folder.path().to_path_buf(), folder.file("missing/outage")] {
        let log = Arc::new(Recorder::default());
        let config = Config::builder(&server.url())
            .option("outage_path", &path.display().to_string())
            .build()
            .unwrap();
        let client = Client::new(config, log.clone());
        for _ in 0..2 {
            client.call(&["SET", "k", "v"]).unwrap();
            server.kill();
            client.call(&["SET", "k", "w"]).unwrap();
            server.restart();
            eventually("back on Redis", || client.status().redis_connected);
        }
        let lines = log.lines();
        let told: Vec<_> = lines.iter().filter(|line| line.contains("sharing_failed")).collect();
        assert_eq!(told.len(), 1, "{lines:#?}");
        assert!(told[0].contains(&path.display().to_string()), "{told:?}");
    }
}
