//! Recordings of real outages, replayed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Config, Event, FailureKind, Mode, Replayed, replay};
use outlast_tests::{Folder, Recorder, Server, eventually};

fn client(server: &Server, path: &Path, bytes_max: u64) -> (Client, Arc<Recorder>) {
    let config = Config::builder(&server.url())
        .profile("production")
        .option("record_path", &path.display().to_string())
        .option("record_bytes_max", &bytes_max.to_string())
        .build()
        .expect("valid options");
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(config, recorder.clone());
    client.connect().expect("Redis is there");
    (client, recorder)
}

fn outage(server: &mut Server, client: &Client) {
    server.kill();
    client.call(&["SET", "a planted secret", "another"]).expect("served from memory");
    eventually("a dial failed", || client.status().dials > 2);
    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a recording")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn replayed(text: &str) -> Replayed {
    let replayed = replay(text).expect("a recording");
    assert_eq!((replayed.differs_at_line, replayed.is_cut), (None, false));
    replayed
}

#[test]
fn a_replay_shows_what_happened() {
    let folder = Folder::new("recording");
    let path = folder.file("outage.jsonl");
    let mut server = Server::start();
    let (client, recorder) = client(&server, &path, 16_777_216);
    outage(&mut server, &client);
    client.close();
    let text = read(&path);
    assert!(!text.contains("planted") && !text.contains("another"), "{text}");
    let replayed = replayed(&text);
    assert_eq!(replayed.endpoint, server.url());
    // The very lines, modes and incidents that the client told its sink.
    let events = recorder.events();
    let told = events.iter().filter_map(|event| match event {
        Event::Log(record) => Some(record),
        _ => None,
    });
    let lines: Vec<_> = replayed.trace.lines.iter().map(|line| &line.record).collect();
    assert_eq!(lines, told.collect::<Vec<_>>());
    let dials = events.iter().filter(|event| matches!(event, Event::Dialling(_))).count();
    assert_eq!(replayed.trace.dials.len(), dials);
    assert_eq!(replayed.trace.dials.last().and_then(|dial| dial.failure), None);
    let refused = Some(FailureKind::ConnectionRefused);
    assert!(replayed.trace.dials.iter().any(|dial| dial.failure == refused));
    let closed = events.iter().filter_map(|event| match event {
        Event::IncidentClosed { incident, .. } => Some(incident),
        _ => None,
    });
    assert_eq!(replayed.incidents.iter().collect::<Vec<_>>(), closed.collect::<Vec<_>>());
    let modes = events.iter().filter_map(|event| match event {
        Event::Mode(mode) => Some(*mode),
        _ => None,
    });
    let mut modes: Vec<Mode> = modes.collect();
    modes.dedup();
    let shown: Vec<_> = replayed.trace.status.iter().map(|shown| shown.status.mode).collect();
    // The first is before the start, and the last at the end.
    assert_eq!(shown[1..shown.len() - 1], modes);
}

#[test]
fn a_recording_keeps_its_bounds_and_its_neighbours_apart() {
    let folder = Folder::new("bounds");
    let path = folder.file("r.jsonl");
    let mut server = Server::start();
    let (client, _) = client(&server, &path, 65_536);
    let (neighbour, _) = self::client(&server, &path, 65_536);
    // Each status after a command is a step.
    let mut rotations = 0;
    let old = beside(&path, ".old");
    let mut before = None;
    eventually("the older half went twice", || {
        client.call(&["PING"]).expect("a reply");
        client.status();
        let now = fs::metadata(&old).ok().and_then(|metadata| metadata.modified().ok());
        rotations += usize::from(now != before);
        before = now;
        rotations == 2
    });
    outage(&mut server, &client);
    client.close();
    neighbour.close();
    for half in [&old, &path] {
        let bytes = fs::metadata(half).expect("a half").len();
        assert!(bytes <= 65_536, "{} holds {bytes} bytes", half.display());
        replayed(&read(half));
    }
    let whole = replayed(&(read(&old) + &read(&path)));
    assert_eq!(whole.incidents.len(), 1);
    let beside = replayed(&read(&beside(&path, ".2")));
    assert_eq!((beside.endpoint, beside.trace.dials.is_empty()), (server.url(), false));
}

#[test]
fn where_nothing_can_be_recorded_the_client_goes_on_and_says_so_once() {
    let folder = Folder::new("unrecorded");
    let path = folder.file("no such folder").join("r.jsonl");
    let mut server = Server::start();
    let (client, recorder) = client(&server, &path, 65_536);
    outage(&mut server, &client);
    client.close();
    let lines = recorder.lines();
    let told: Vec<_> = lines.iter().filter(|line| line.contains("recording_failed")).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    assert!(told[0].contains("no such folder"), "{told:?}");
}
