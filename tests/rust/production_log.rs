//! The production log that clients write by themselves, through outages of a real redis-server.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Config, Event, Value};
use outlast_core::production_log::{Checked, State, check};
use outlast_tests::{Folder, Recorder, Server, eventually};

fn client(server: &Server, path: &Path, merge_ms: u64) -> (Client, Arc<Recorder>) {
    let path = path.display().to_string();
    let config = Config::builder(&server.url())
        .profile("production")
        .option("log_path", &path)
        .option("incident_merge_ms", &merge_ms.to_string())
        .option("client_name", "shop")
        .build()
        .expect("valid options");
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(config, recorder.clone());
    client.connect().expect("Redis is there");
    (client, recorder)
}

fn outage(server: &mut Server, client: &Client) {
    server.kill();
    client.call(&["SET", "k", "v"]).expect("served from memory");
    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
}

fn read(path: &Path) -> (String, Checked) {
    let text = fs::read_to_string(path).expect("a log");
    let checked = check(&text);
    (text, checked)
}

fn entries(recorder: &Recorder) -> Vec<String> {
    let entry = |event: Event| match event {
        Event::IncidentClosed { entry, .. } => Some(entry),
        _ => None,
    };
    recorder.events().into_iter().filter_map(entry).collect()
}

#[test]
fn each_outage_that_is_over_is_appended() {
    let folder = Folder::new("log-appended");
    let mut server = Server::start();
    let (client, recorder) = client(&server, &folder.file("production log.md"), 0);
    for number in 1..=2 {
        outage(&mut server, &client);
        // Told, and then written by the thread that writes.
        eventually("the entry is written", || {
            fs::read_to_string(folder.file("production log.md"))
                .is_ok_and(|text| check(&text).entries.len() == number)
        });
    }
    client.close();
    let (text, checked) = read(&folder.file("production log.md"));
    assert_eq!(checked.faults, []);
    assert_eq!(checked.corrected, text);
    assert_eq!(text, entries(&recorder).join("\n"), "the file holds what the sink was told");
    assert!(checked.entries.iter().all(|entry| entry.state == State::Resolved), "{text}");
    assert!(text.contains(&format!("at {}, seen by shop, from ", server.url())), "{text}");
    // Redis may be back before the first dial, and then only the connection was lost.
    let told = checked.statistics.kinds.iter().filter(|of_kind| of_kind.kind.is_some());
    assert_eq!(told.map(|of_kind| of_kind.entries).sum::<usize>(), 2, "{text}");
}

#[test]
fn flaps_are_one_entry_and_an_outage_that_goes_on_is_open() {
    let folder = Folder::new("log-flaps");
    let mut server = Server::start();
    let (client, recorder) = client(&server, &folder.file("production log.md"), 60_000);
    outage(&mut server, &client);
    outage(&mut server, &client);
    assert!(!folder.file("production log.md").exists(), "a failure may still continue it");
    server.kill();
    client.call(&["GET", "k"]).expect("served from memory");
    client.close();
    let (text, checked) = read(&folder.file("production log.md"));
    assert_eq!((checked.faults.as_slice(), checked.entries.len()), ([].as_slice(), 1));
    assert_eq!(checked.entries[0].state, State::Open);
    assert!(text.contains("- Redis came back and went away again 2 times."), "{text}");
    assert_eq!(text, entries(&recorder).concat());
}

#[test]
fn what_others_wrote_stays_and_a_file_that_cannot_be_written_is_told() {
    let folder = Folder::new("log-others");
    fs::write(folder.file("production log.md"), "# Our log\n\nNo end of line").expect("a log");
    let mut server = Server::start();
    let (client, _) = client(&server, &folder.file("production log.md"), 60_000);
    outage(&mut server, &client);
    client.close();
    let (text, checked) = read(&folder.file("production log.md"));
    assert!(text.starts_with("# Our log\n\nNo end of line\n\n## ["), "{text}");
    assert_eq!((checked.faults.len(), checked.entries.len()), (0, 1));

    // A folder is no file.
    let (client, recorder) = self::client(&server, folder.path(), 60_000);
    outage(&mut server, &client);
    assert_eq!(client.call(&["GET", "k"]).expect("it goes on"), Value::bulk("v"));
    client.close();
    let told = recorder.lines();
    let told: Vec<_> = told.iter().filter(|line| line.contains("log_unwritable")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&folder.path().display().to_string()), "{told:?}");
}
