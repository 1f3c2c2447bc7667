//! An application that writes while Redis is away, for tests that kill it: `durable-writer URL PATH FSYNC
//! FIRST` tells each write on stdout once it was acknowledged, as `thread number`. `durable-writer URL PATH
//! FSYNC fork` writes nothing: it forks a child, which tells its number and lives until it reads the
//! end of its stdin; itself it lives until it is killed.

use std::io::Write;
use std::sync::Arc;

use outlast::blocking::Client;
use outlast::{Config, TracingSink};
use outlast_tests::writes;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, path, fsync, first] = args.as_slice() else {
        panic!("durable-writer URL PATH FSYNC FIRST");
    };
    let config = Config::builder(url)
        .profile("production")
        .option("startup", "optional")
        .option("startup_attempts_max", "1")
        .option("journal_path", path)
        .option("journal_fsync", fsync)
        .build()
        .expect("valid options");
    let client = Client::new(config, Arc::new(TracingSink::default()));
    client.usable().expect("the journal is free");
    client.connect().expect("Redis is optional");
    if first == "fork" {
        return fork();
    }
    let first: u64 = first.parse().expect("a number");
    std::thread::scope(|scope| {
        for thread in 0..writes::THREADS {
            let client = &client;
            scope.spawn(move || {
                for number in first.. {
                    client.call(&writes::write(thread, number)).expect("a reply");
                    let line = format!("{thread} {number}\n");
                    let mut out = std::io::stdout().lock();
                    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("a reader");
                }
            });
        }
    });
}

#[expect(unsafe_code, reason = "there is no fork without")]
fn fork() {
    // SAFETY: the child calls nothing that takes a lock which another thread may have had.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "a child");
    if child > 0 {
        loop {
            std::thread::park();
        }
    }
    outlast::after_fork();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", std::process::id()).and_then(|()| out.flush()).expect("a reader");
    let mut byte = 0_u8;
    // SAFETY: the byte is there to be written to.
    while unsafe { libc::read(0, (&raw mut byte).cast(), 1) } > 0 {}
}
