//! A journal on disk: an application is killed while Redis is away, and the next one writes back what it
//! had acknowledged, once.
//!
//! `DURABLE_ROUNDS` (50) and `DURABLE_SEED` (1) make it longer, or another one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use outlast::blocking::Client;
use outlast::{Config, ErrorKind, Mode, Value};
use outlast_tests::writes::{Held, THREADS};
use outlast_tests::{Recorder, Server, eventually, free_port};

fn number_from(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

/// Marsaglia's xorshift.
fn draw(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) % below
}

/// A folder of one test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("outlast-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn client(url: &str, journal: &Path, options: &[(&str, &str)]) -> (Client, Arc<Recorder>) {
    let path = journal.display().to_string();
    let mut builder = Config::builder(url)
        .profile("production")
        .option("startup", "optional")
        .option("startup_attempts_max", "1")
        .option("server_delay_ms", "20")
        .option("server_delay_ms_max", "50")
        .option("journal_path", &path);
    for (name, value) in options {
        builder = builder.option(name, value);
    }
    let recorder = Arc::new(Recorder::default());
    (Client::new(builder.build().expect("valid options"), recorder.clone()), recorder)
}

fn writer(url: &str, journal: &Path, fsync: &str, first: u64) -> Child {
    Command::new(env!("CARGO_BIN_EXE_durable-writer"))
        .args([url, &journal.display().to_string(), fsync, &first.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the writer was built")
}

/// Reads what a writer was told until `lines` lines came, kills it, and reads the rest: how many of its
/// writes each thread was told of.
fn killed_after(mut child: Child, lines: u64, first: u64) -> [u64; THREADS] {
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let mut told = [0; THREADS];
    for (count, line) in output.lines().enumerate() {
        let line = line.expect("text");
        let (thread, number) = line.split_once(' ').expect("two numbers");
        let thread: usize = thread.parse().expect("a number");
        assert_eq!(number.parse(), Ok(first + told[thread]));
        told[thread] += 1;
        if count as u64 == lines {
            child.kill().expect("it runs");
        }
    }
    child.wait().expect("its end");
    told
}

fn written_back(url: &str, journal: &Path, options: &[(&str, &str)]) -> (u64, Vec<String>) {
    let (client, log) = client(url, journal, options);
    client.connect().expect("Redis is optional");
    let mut last = client.status();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !(last.redis_connected && last.journal_keys == 0) {
        assert!(std::time::Instant::now() < deadline, "{last:#?} {:#?}", log.lines());
        std::thread::yield_now();
        last = client.status();
    }
    (client.status().replayed, log.lines())
}

/// What was acknowledged is there once; the one write that may have been acknowledged may be there.
fn check(server: &Server, held: &mut [Held; THREADS], told: [u64; THREADS], first: u64) {
    for (thread, (held, told)) in held.iter_mut().zip(told).enumerate() {
        let mut certain = held.clone();
        (first..first + told).for_each(|number| certain.apply(number));
        let mut possible = certain.clone();
        possible.apply(first + told);
        let found = Held::of(thread, |args| server.cli(args));
        assert!(
            found == certain || found == possible,
            "thread {thread} was told {told} from {first}:\n{found:?}\n{certain:?}\n{possible:?}"
        );
        *held = found;
    }
}

#[test]
fn what_was_acknowledged_survives_the_process_and_is_done_once() {
    let rounds = number_from("DURABLE_ROUNDS", 50);
    let mut state = number_from("DURABLE_SEED", 1).max(1);
    let folder = Folder::new("durable");
    let journal = folder.journal();
    let mut server = Server::start();
    let mut held: [Held; THREADS] = std::array::from_fn(|_| Held::default());
    let (mut all, mut cut) = (0, 0);
    for round in 0..rounds {
        let first = round * 100_000;
        server.kill();
        let child = writer(&server.url(), &journal, "always", first);
        let told = killed_after(child, draw(&mut state, 80), first);
        all += told.iter().sum::<u64>();
        server.restart();
        // Every other time whoever writes back is killed, too, anywhere on its way.
        if round % 2 == 1 {
            let mut child = writer(&server.url(), &journal, "always", first + 50_000);
            std::thread::sleep(Duration::from_micros(draw(&mut state, 40_000)));
            child.kill().expect("it runs");
            let output = BufReader::new(child.stdout.take().expect("its output"));
            child.wait().expect("its end");
            let mut more = [0; THREADS];
            for line in output.lines() {
                let line = line.expect("text");
                let thread: usize = line.split(' ').next().expect("a thread").parse().unwrap();
                more[thread] += 1;
            }
            cut += 1;
            written_back(&server.url(), &journal, &[]);
            check_twice(&server, &mut held, (told, first), (more, first + 50_000));
        } else {
            let (replayed, log) = written_back(&server.url(), &journal, &[]);
            assert!(replayed > 0 || told.iter().sum::<u64>() == 0);
            assert!(log.iter().any(|line| line.contains("journal_restored")), "{log:?}");
            check(&server, &mut held, told, first);
        }
    }
    assert!(all > 0 && cut == rounds / 2, "{all} writes, {cut} cuts");
    assert_eq!(folder.names(), ["journal"]);
}

/// As [`check`], where a second writer followed the first.
fn check_twice(
    server: &Server,
    held: &mut [Held; THREADS],
    first: ([u64; THREADS], u64),
    second: ([u64; THREADS], u64),
) {
    for (thread, held) in held.iter_mut().enumerate() {
        let found = Held::of(thread, |args| server.cli(args));
        let candidates = [0, 1].iter().flat_map(|a| [0, 1].map(|b| (*a, b))).map(|(a, b)| {
            let mut candidate = held.clone();
            (first.1..first.1 + first.0[thread] + a).for_each(|number| candidate.apply(number));
            (second.1..second.1 + second.0[thread] + b).for_each(|number| candidate.apply(number));
            candidate
        });
        let candidates: Vec<Held> = candidates.collect();
        assert!(
            candidates.contains(&found),
            "thread {thread}:\n{found:?}\nnone of {candidates:#?}"
        );
        *held = found;
    }
}

/// With `never` nothing waits for the disk; the process may still end at any moment.
#[test]
fn without_a_sync_it_survives_the_process_all_the_same() {
    let folder = Folder::new("unsynced");
    let journal = folder.journal();
    let mut server = Server::start();
    let mut held: [Held; THREADS] = std::array::from_fn(|_| Held::default());
    for round in 0..5 {
        let first = round * 100_000;
        server.kill();
        let child = writer(&server.url(), &journal, "never", first);
        let told = killed_after(child, 400, first);
        server.restart();
        written_back(&server.url(), &journal, &[]);
        check(&server, &mut held, told, first);
    }
}

/// A batch that Redis took without anybody being told is not done again by the next process, either.
#[test]
fn a_batch_in_doubt_is_asked_for_under_its_number_by_the_next_process() {
    let folder = Folder::new("doubt");
    let mut server = Server::start();
    let proxy = outlast_tests::Proxy::start(server.port);
    let journal = folder.journal();
    let (first, _) = client(&proxy.url(), &journal, &[]);
    server.kill();
    first.connect().unwrap();
    assert_eq!(first.call(&["INCRBY", "n", "5"]).unwrap(), Value::Integer(5));
    assert_eq!(first.call(&["RPUSH", "l", "a"]).unwrap(), Value::Integer(1));
    proxy.swallow_exec_replies(1);
    server.restart();
    eventually("Redis took a batch", || proxy.swallowed() == 1);
    proxy.close_new(true);
    first.call(&["INCRBY", "n", "2"]).unwrap();
    // What is on disk is as a kill would leave it.
    let copy = folder.0.join("copy");
    fs::copy(&journal, &copy).unwrap();
    drop(first);
    let (replayed, _) = written_back(&server.url(), &copy, &[]);
    assert!(replayed >= 3, "{replayed}");
    assert_eq!(
        (server.cli(&["GET", "n"]), server.cli(&["LRANGE", "l", "0", "-1"])),
        ("7".into(), "a".into())
    );
    let markers = server.cli(&["KEYS", "outlast:*"]);
    assert_eq!(markers.lines().count(), 1, "the client that is gone goes on: {markers}");
}

#[test]
fn a_journal_that_is_closed_in_order_goes_on_and_is_empty_in_the_end() {
    for fsync in ["always", "interval", "never"] {
        let folder = Folder::new("order");
        let mut server = Server::start();
        let options = [("journal_fsync", fsync), ("journal_fsync_interval_ms", "5")];
        let journal = folder.journal();
        let (first, log) = client(&server.url(), &journal, &options);
        server.kill();
        first.connect().unwrap();
        let value = "v".repeat(40_000);
        for n in 0..300 {
            first.call(&["SET", &format!("key:{n}"), &value]).unwrap();
        }
        first.call(&["DEL", "key:0"]).unwrap();
        first.call(&["SET", "gone", "1", "PX", "1"]).unwrap();
        first.close();
        assert!(!log.lines().iter().any(|line| line.contains("discarded")), "{:?}", log.lines());
        assert!(fs::metadata(&journal).unwrap().len() > 10_000_000);
        server.restart();
        let (replayed, _) = written_back(&server.url(), &journal, &options);
        assert_eq!((replayed, server.cli(&["DBSIZE"])), (301, "300".to_string()), "{fsync}");
        assert!(fs::metadata(&journal).unwrap().len() < 5_000_000, "its room is given back");
        let (again, log) = client(&server.url(), &journal, &options);
        assert_eq!(again.status().journal_keys, 0);
        assert_eq!(log.lines(), [""; 0]);
    }
}

/// A file with something in it, closed in order.
fn filled(folder: &Folder) -> PathBuf {
    let (client, _) = client("redis://127.0.0.1:1", &folder.journal(), &[]);
    client.connect().expect("Redis is optional");
    for n in 0..50 {
        client.call(&["SET", &format!("key:{n}"), "value"]).expect("a reply");
        client.call(&["INCR", "counter"]).expect("a reply");
    }
    folder.journal()
}

#[test]
fn a_damaged_file_is_told_set_aside_and_never_in_the_way() {
    let mut state = number_from("DURABLE_SEED", 1).max(1);
    let folder = Folder::new("damaged");
    let whole = fs::read(filled(&folder)).unwrap();
    let garbage: Vec<u8> =
        (0..50_000).map(|_| u8::try_from(draw(&mut state, 256)).unwrap()).collect();
    let mut damaged =
        vec![("garbage".to_string(), garbage), ("text".into(), b"no journal".to_vec())];
    for _ in 0..20 {
        let at = usize::try_from(draw(&mut state, whole.len() as u64)).unwrap();
        if at > 0 {
            damaged.push((format!("torn at {at}"), whole[..at].to_vec()));
        }
    }
    for (name, bytes) in damaged {
        for file in folder.names() {
            fs::remove_file(folder.0.join(file)).unwrap();
        }
        fs::write(folder.journal(), &bytes).unwrap();
        let (client, log) = client("redis://127.0.0.1:1", &folder.journal(), &[]);
        client.connect().unwrap();
        let status = client.status();
        let code = status.journal_file.code();
        assert_eq!((code, status.journal_keys), ("set_aside", 0), "{name}: {:?}", log.lines());
        let lines = log.lines();
        assert!(
            lines.iter().any(|line| line.starts_with("Error journal_set_aside: ")),
            "{lines:?}"
        );
        let names = folder.names();
        assert!(names.iter().any(|name| name.starts_with("journal.corrupt-")), "{names:?}");
        let aside = names.iter().find(|name| name.contains("corrupt")).unwrap();
        assert_eq!(fs::read(folder.0.join(aside)).unwrap(), bytes, "{name}: as it was");
        assert_eq!(client.call(&["INCR", "n"]).unwrap(), Value::Integer(1));
    }
}

/// Where bytes in the middle are others, all is there or all is set aside: nothing in between.
#[test]
fn what_is_wrong_inside_a_file_is_not_taken_for_a_journal() {
    let mut state = number_from("DURABLE_SEED", 1).max(1);
    let folder = Folder::new("flipped");
    let whole = fs::read(filled(&folder)).unwrap();
    // What is written in keys and values, and what is all around it.
    let is_text = |at: &usize| whole[*at..*at + 5] == *b"value" || whole[*at..*at + 4] == *b"key:";
    let used: Vec<usize> = (0..whole.len() - 32).filter(is_text).collect();
    let mut set_aside = 0;
    for _ in 0..60 {
        for file in folder.names() {
            fs::remove_file(folder.0.join(file)).unwrap();
        }
        let mut bytes = whole.clone();
        let at = used[usize::try_from(draw(&mut state, used.len() as u64)).unwrap()];
        bytes[at..at + 5].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(folder.journal(), &bytes).unwrap();
        let (client, log) = client("redis://127.0.0.1:1", &folder.journal(), &[]);
        let status = client.status();
        let found = (status.journal_file.code(), status.journal_keys);
        assert!(
            found == ("set_aside", 0) || found == ("open", 51),
            "{at}: {found:?} {:?}",
            log.lines()
        );
        set_aside += u64::from(found.1 == 0);
    }
    assert!(set_aside > 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_outlives_its_parent_does_not_keep_the_journal() {
    let folder = Folder::new("forked");
    let journal = folder.journal();
    let url = format!("redis://127.0.0.1:{}", free_port());
    let mut parent = Command::new(env!("CARGO_BIN_EXE_durable-writer"))
        .args([&url, &journal.display().to_string(), "always", "fork"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the writer was built");
    let input = parent.stdin.take().expect("its input");
    let mut output = BufReader::new(parent.stdout.take().expect("its output"));
    let mut child = String::new();
    output.read_line(&mut child).expect("the child's number");
    let is_alive = || Path::new(&format!("/proc/{}", child.trim())).exists();
    let error = client(&url, &journal, &[]).0.usable().expect_err("it is the parent's");
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
    parent.kill().expect("it runs");
    parent.wait().expect("its end");
    let (heir, _) = client(&url, &journal, &[]);
    heir.usable().expect("the parent is gone, and with it the lock");
    heir.call(&["SET", "k", "v"]).expect("an answer from memory");
    assert!(is_alive(), "the child lives on");
    // Its stdin ends, and with it the child.
    drop(input);
    assert_eq!(output.read_line(&mut child).expect("its end"), 0);
}

#[test]
fn a_journal_that_cannot_be_had_is_a_clear_error_from_the_start() {
    let folder = Folder::new("shared");
    let journal = folder.journal();
    let (first, _) = client("redis://127.0.0.1:1", &journal, &[]);
    first.usable().unwrap();
    let path = journal.display().to_string();
    let taken = format!(
        "invalid journal_path {path:?}: allowed is a file that no other process or client uses"
    );
    let (second, _) = client("redis://127.0.0.1:1", &journal, &[]);
    for error in [
        second.usable().unwrap_err(),
        second.connect().unwrap_err(),
        second.call(&["GET", "k"]).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidOption, taken.as_str()));
    }
    assert_eq!(second.status().mode, Mode::Closed);
    // Another process, too.
    let other = writer("redis://127.0.0.1:1", &journal, "always", 0).wait_with_output().unwrap();
    assert!(!other.status.success() && other.stdout.is_empty());
    drop(first);
    client("redis://127.0.0.1:1", &journal, &[]).0.usable().unwrap();

    for impossible in [folder.0.clone(), folder.0.join("no/such/folder"), "/proc/journal".into()] {
        let (client, _) = client("redis://127.0.0.1:1", &impossible, &[]);
        let error = client.usable().unwrap_err();
        let expected = format!(
            "invalid journal_path {:?}: allowed is a file to write to (",
            impossible.display().to_string()
        );
        assert!(error.message().starts_with(&expected), "{error}");
    }
}
