//! Others change keys on Redis while this client is away from it: what is written back then, what is
//! counted, and what a cut connection carries.

use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Config, ErrorKind, Event, Value};
use outlast_tests::{Proxy, Recorder, Server, eventually};

fn client(url: &str, rules: &str, options: &[(&str, &str)]) -> (Client, Arc<Recorder>) {
    let mut builder = Config::builder(url)
        .profile("production")
        .option("server_delay_ms", "20")
        .option("server_delay_ms_max", "50")
        .option("incident_merge_ms", "0")
        .option("rules", rules);
    for (name, value) in options {
        builder = builder.option(name, value);
    }
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(builder.build().expect("valid options"), recorder.clone());
    client.connect().expect("a server");
    (client, recorder)
}

fn run(client: &Client, lines: &[&str]) {
    for line in lines {
        let args: Vec<&str> = line.split(' ').collect();
        client.call(&args).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

fn on(server: &Server, lines: &[&str]) {
    for line in lines {
        server.cli(&line.split(' ').collect::<Vec<_>>());
    }
}

/// Keeps the client from a server that everybody else reaches, while `meanwhile` runs.
fn cut_off(proxy: &Proxy, client: &Client, meanwhile: impl FnOnce()) {
    proxy.close_new(true);
    proxy.cut_all();
    eventually("degraded", || !client.status().redis_connected);
    meanwhile();
    proxy.close_new(false);
    eventually("back on Redis", || client.status().redis_connected);
}

/// Of each key: what makes it, how it is read, what we do in the outage, what others do meanwhile, and how it
/// is read afterwards with what is there then. Of `board` nothing is known: `ZRANGE` tells of a part.
const FATES: &[[&str; 6]] = &[
    ["SET plain 1", "GET plain", "SET plain ours", "SET plain theirs", "GET plain", "ours"],
    ["SET same 1", "GET same", "SET same ours", "EXPIRE same 1000", "GET same", "ours"],
    [
        "SET count:a 10",
        "GET count:a",
        "INCRBY count:a 5",
        "INCRBY count:a 100",
        "GET count:a",
        "115",
    ],
    ["SET gone:a 1", "GET gone:a", "SET gone:a ours", "DEL gone:a", "EXISTS gone:a", "0"],
    ["SET gone:b 1", "GET gone:b", "SET gone:b ours", "SET gone:b theirs", "GET gone:b", "ours"],
    ["SET gone:c 1", "GET gone:c", "SET gone:c ours", "PING", "GET gone:c", "ours"],
    ["PING", "PING", "SET gone:new ours", "PING", "GET gone:new", "ours"],
    ["SET none:a 1", "GET none:a", "SET none:a ours", "PING", "GET none:a", "1"],
    ["PING", "PING", "SET none:new ours", "PING", "EXISTS none:new", "0"],
    ["HSET h f 1", "HGETALL h", "HSET h g ours", "HSET h f theirs", "HMGET h f g", "theirs ours"],
    ["SADD set a", "SMEMBERS set", "SADD set ours", "SADD set theirs", "SCARD set", "3"],
    ["RPUSH list a", "LRANGE list 0 -1", "RPUSH list ours", "DEL list", "LRANGE list 0 -1", "ours"],
    ["ZADD board 1 a", "ZRANGE board 0 -1", "ZADD board 2 b", "ZADD board 3 c", "ZCARD board", "3"],
];

#[test]
fn each_policy_decides_what_goes_where_others_changed_a_key() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let rules = "count:*=counter,gone:*=session/delete_wins,none:*=cache/discard";
    let (client, log) = client(&proxy.url(), rules, &[]);
    for [make, ..] in FATES {
        on(&server, &[make]);
    }
    for [_, know, ..] in FATES {
        run(&client, &[know]);
    }
    cut_off(&proxy, &client, || {
        for [_, _, ours, ..] in FATES {
            run(&client, &[ours]);
        }
        for [_, _, _, theirs, ..] in FATES {
            on(&server, &[theirs]);
        }
    });
    for [.., read, held] in FATES {
        let found = server.cli(&read.split(' ').collect::<Vec<_>>()).replace('\n', " ");
        assert_eq!(found, *held, "{read}");
    }
    let status = client.status();
    let counted = (status.conflicts, status.replayed, status.replay_refused);
    assert_eq!(counted, (7, 10, 0), "{status:#?}");
    let told = |line: &String| line.contains("10 keys written back, 7 conflicts.");
    eventually("the recovery is told", || log.lines().iter().any(told));
    let is_over = |event: &Event| matches!(event, Event::IncidentClosed { incident, .. } if incident.conflicts == 7);
    eventually("the incident is over", || log.events().iter().any(is_over));
}

/// What was not known before the outage cannot be compared: no conflict is told, and nothing is looked at.
#[test]
fn where_nothing_was_known_no_conflict_is_told() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    for (shadow, conflicts) in [("false", 0), ("true", 1)] {
        let (client, _) = client(&proxy.url(), "", &[("shadow", shadow)]);
        on(&server, &["SET known 1", "SET unknown 1"]);
        run(&client, &["GET known"]);
        cut_off(&proxy, &client, || {
            run(&client, &["SET known ours", "SET unknown ours"]);
            on(&server, &["SET known theirs", "SET unknown theirs"]);
        });
        assert_eq!(client.status().conflicts, conflicts, "shadow {shadow}");
        assert_eq!(server.cli(&["MGET", "known", "unknown"]).replace('\n', " "), "ours ours");
    }
}

/// Somebody changes the very keys at the very moment: it ends all the same, and counters are exact.
#[test]
fn others_who_go_on_writing_do_not_keep_it_away() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (client, _) = client(&proxy.url(), "n*=counter", &[]);
    for n in 0..50 {
        run(&client, &[&format!("SET n{n} 0")]);
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    let theirs = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let config = Config::builder(&server.url()).profile("production").build().unwrap();
            let other = Client::new(config, Arc::new(Recorder::default()));
            let mut rounds = 0;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                (0..50).for_each(|n| drop(other.call(&["INCR", &format!("n{n}")]).unwrap()));
                rounds += 1;
            }
            rounds
        });
        cut_off(&proxy, &client, || {
            (0..50).for_each(|n| run(&client, &[&format!("INCRBY n{n} 1000000")]));
        });
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        writer.join().unwrap()
    });
    for n in 0..50 {
        assert_eq!(server.cli(&["GET", &format!("n{n}")]), (1_000_000 + theirs).to_string());
    }
    assert!(client.status().conflicts > 0);
}

/// A command whose connection was given up may reach Redis late. It must not go over a newer one.
#[test]
fn what_a_cut_connection_carries_never_goes_over_what_came_later() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (client, _) = client(&proxy.url(), "", &[("command_timeout_ms", "200")]);
    run(&client, &["SET k first", "SET gone 1"]);
    proxy.hold();
    // No reply comes: it is answered from memory, and may still be on its way.
    run(&client, &["SET k old"]);
    run(&client, &["SET k new", "SET gone 2"]);
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "k"]), "new");
    proxy.release();
    eventually("it came late", || proxy.late() > 0);
    assert_eq!(server.cli(&["GET", "k"]), "new");
    run(&client, &["SET k newest"]);
    assert_eq!(server.cli(&["GET", "k"]), "newest");
}

/// A user that may not end connections is served all the same.
#[test]
fn a_user_without_client_commands_recovers_too() {
    let server = Server::start();
    on(&server, &["ACL SETUSER app on >pw ~* &* +@all -client"]);
    let proxy = Proxy::start(server.port);
    let url = proxy.url().replace("//", "//app:pw@");
    let (client, _) = client(&url, "", &[]);
    run(&client, &["SET k 1"]);
    cut_off(&proxy, &client, || run(&client, &["SET k 2"]));
    assert_eq!(server.cli(&["GET", "k"]), "2");
}

#[test]
fn a_full_journal_refuses_and_loses_nothing() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (client, _) = client(&proxy.url(), "", &[("journal_bytes_max", "100000")]);
    let mut told = 0;
    cut_off(&proxy, &client, || {
        let refused = (0..10_000).find_map(|n| {
            let result = client.call(&["RPUSH", &format!("list:{n}"), "element"]);
            told += u32::from(result.is_ok());
            result.err()
        });
        let error = refused.expect("it is full");
        assert_eq!(error.kind(), ErrorKind::LimitReached);
        assert_eq!(
            error.message(),
            "the journal of what Redis must get is full (journal_bytes_max 100000): nothing was written"
        );
        let status = client.status();
        assert!((90_000..=100_000).contains(&status.journal_bytes), "{}", status.journal_bytes);
        assert!(status.store_bytes > status.journal_bytes);
        // Reads go on.
        assert_eq!(client.call(&["LLEN", "list:0"]).unwrap(), Value::Integer(1));
    });
    assert!(told > 100, "{told}");
    assert_eq!(server.cli(&["DBSIZE"]), (told + 1).to_string(), "all, and the marker");
    assert_eq!(client.status().journal_bytes, 0);
}

#[test]
fn a_dead_letter_tells_key_commands_error_and_time() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (client, _) = client(&proxy.url(), "", &[]);
    cut_off(&proxy, &client, || {
        run(&client, &["LPUSH text a", "LPUSH text b", "EXPIRE text 1000", "SET other 1"]);
        on(&server, &["SET text x"]);
    });
    let letters = client.dead_letters();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    let commands: Vec<String> = letter
        .commands
        .iter()
        .map(|args| String::from_utf8_lossy(&args.join(&b' ')).into_owned())
        .collect();
    assert_eq!(letter.key, b"text");
    assert_eq!(commands[0], "LPUSH text a b");
    assert!(commands[1].starts_with("PEXPIREAT text ") && commands.len() == 2, "{commands:?}");
    assert!(letter.error.starts_with("WRONGTYPE"), "{}", letter.error);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(letter.at.as_ms().abs_diff(u64::try_from(now.as_millis()).unwrap()) < 60_000);
}

/// A command of a vector.
fn words(args: &serde_json::Value) -> Vec<String> {
    let args = args.as_array().into_iter().flatten();
    args.map(|arg| arg.as_str().expect("text").to_owned()).collect()
}

fn commands(list: &serde_json::Value) -> Vec<Vec<String>> {
    list.as_array().expect("commands").iter().map(words).collect()
}

/// The vectors of `conflicts.json`, on a real server.
#[test]
fn the_vectors_of_conflicts_hold() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/conflicts.json");
    let text = std::fs::read_to_string(file).expect("the vectors");
    let vectors: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let server = Server::start();
    let cli = |args: &[String]| server.cli(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let outages = vectors["outages"].as_array().expect("outages");
    assert!(!outages.is_empty());
    for case in outages {
        let name = case["name"].as_str().expect("a name");
        server.cli(&["FLUSHALL"]);
        let rules = case["options"]["rules"].as_str().unwrap_or_default();
        let shadow = case["options"]["shadow"].as_bool().unwrap_or(true).to_string();
        let (client, _) = client(&server.url(), rules, &[("shadow", &shadow)]);
        for args in &commands(&case["held"]) {
            cli(args);
        }
        let run = |args: &Vec<String>| {
            client.call(args).unwrap_or_else(|error| panic!("{name}: {args:?}: {error}"))
        };
        for args in &commands(&case["known"]) {
            run(args);
        }
        client.cause_outage("lost").expect("a cause");
        eventually("degraded", || !client.status().redis_connected);
        for args in &commands(&case["ours"]) {
            run(args);
        }
        for args in &commands(&case["theirs"]) {
            cli(args);
        }
        client.end_outage();
        eventually("back on Redis", || client.status().redis_connected);
        for held in case["holds"].as_array().expect("what Redis holds") {
            let lines = words(&held["lines"]).join("\n");
            assert_eq!(cli(&words(&held["args"])), lines, "{name}: {}", held["args"]);
        }
        let (status, letters) = (client.status(), client.dead_letters());
        let expected = case["dead_letters"].as_array().expect("dead letters");
        let counted = (status.conflicts, status.replayed, status.replay_refused);
        let figures = (case["conflicts"].as_u64(), case["replayed"].as_u64());
        let figures = (figures.0.unwrap(), figures.1.unwrap(), expected.len() as u64);
        assert_eq!(counted, figures, "{name}: conflicts, keys written back, keys refused");
        assert_eq!(letters.len(), expected.len(), "{name}: {letters:?}");
        for (letter, expected) in letters.iter().zip(expected) {
            assert_eq!(letter.key, expected["key"].as_str().unwrap().as_bytes(), "{name}");
            let of = |args: &Vec<String>| args.iter().map(|arg| arg.clone().into_bytes()).collect();
            let wanted: Vec<Vec<Vec<u8>>> =
                commands(&expected["commands"]).iter().map(of).collect();
            assert_eq!(letter.commands, wanted, "{name}");
            let error = expected["error"].as_str().unwrap();
            assert!(letter.error.starts_with(error), "{name}: {}", letter.error);
        }
    }
}
