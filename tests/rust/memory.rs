//! What the store says it takes, beside what the allocator gives it and what Redis takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use outlast_core::Timestamp;
use outlast_core::store::Store;
use outlast_tests::Server;

/// The system's allocator, counting what it really hands out.
struct Counting;

static TAKEN: AtomicUsize = AtomicUsize::new(0);
/// What malloc keeps before each block.
const HEADER_BYTES: usize = 8;

#[expect(unsafe_code, reason = "an allocator cannot be written without; it only counts")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        let block = unsafe { System.alloc(layout) };
        TAKEN.fetch_add(size_of_block(block), Ordering::Relaxed);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(size_of_block(block), Ordering::Relaxed);
        // SAFETY: the block came from `alloc` with this layout.
        unsafe { System.dealloc(block, layout) };
    }
}

#[expect(unsafe_code, reason = "the size is malloc's to tell")]
fn size_of_block(block: *mut u8) -> usize {
    // SAFETY: the block is one of malloc's, and alive.
    unsafe { libc::malloc_usable_size(block.cast()) + HEADER_BYTES }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Commands = fn(usize) -> Vec<String>;

fn words(line: &str) -> Vec<String> {
    vec![line.to_string()]
}

/// What each case fills a store with, and how often.
const CASES: &[(&str, usize, Commands)] = &[
    ("small strings", 100_000, |n| words(&format!("SET key:{n:08} 0123456789abcdef"))),
    ("with an expiry", 100_000, |n| words(&format!("SET key:{n:08} 0123456789 EX {}", 1_000 + n))),
    ("strings of 1 KiB", 10_000, |n| words(&format!("SET key:{n} {}", "x".repeat(1_024)))),
    ("strings of 10 KiB", 1_000, |n| words(&format!("SET key:{n} {}", "x".repeat(10_240)))),
    ("small hashes", 20_000, |n| words(&format!("HSET h:{n} name Ada born 1815 field value"))),
    ("one large hash", 100_000, |n| words(&format!("HSET h field:{n:08} value:{n}"))),
    ("small sets", 20_000, |n| words(&format!("SADD s:{n} a b c d {n}"))),
    ("sets of numbers", 20_000, |n| words(&format!("SADD s:{n} 1 2 3 {n}"))),
    ("one large set", 100_000, |n| words(&format!("SADD s member:{n:08}"))),
    ("small sorted sets", 20_000, |n| words(&format!("ZADD z:{n} 1 a 2 b 3 c"))),
    ("one large sorted set", 100_000, |n| words(&format!("ZADD z {n} member:{n:08}"))),
    ("small lists", 20_000, |n| words(&format!("RPUSH l:{n} one two three four"))),
    ("one long list", 100_000, |n| words(&format!("RPUSH l element:{n:08}"))),
    ("one long stream", 100_000, |n| words(&format!("XADD x {}-0 field value:{n}", n + 1))),
    ("streams with a group", 2_000, |n| {
        [
            "XGROUP CREATE x:{} g 0 MKSTREAM",
            "XADD x:{} 1-0 f v",
            "XREADGROUP GROUP g me STREAMS x:{} >",
        ]
        .map(|line| line.replace("{}", &n.to_string()))
        .into()
    }),
    ("small streams", 5_000, |n| words(&format!("XADD x:{n} 1-0 field value"))),
];

/// Cases of small keys: none may take more than in Redis.
const SMALL_KEYS: [&str; 2] = ["small strings", "with an expiry"];

/// Bytes that a real server takes for the same.
fn taken_by_redis(count: usize, commands: Commands) -> usize {
    let server = Server::start();
    let used = || {
        let info = server.cli(&["INFO", "memory"]);
        let line = info.lines().find_map(|line| line.trim().strip_prefix("used_memory:"));
        line.and_then(|bytes| bytes.parse::<usize>().ok()).expect("used_memory")
    };
    let before = used();
    let mut socket = TcpStream::connect(("127.0.0.1", server.port)).expect("a server");
    let mut replies = BufReader::new(socket.try_clone().expect("a socket"));
    for line in (0..count).flat_map(commands) {
        socket.write_all(format!("{line}\r\n").as_bytes()).expect("a server");
        let mut reply = String::new();
        replies.read_line(&mut reply).expect("a server");
        assert!(!reply.starts_with('-'), "{reply}");
    }
    drop(socket);
    used() - before
}

/// The documented bound.
const PERCENT_APART_MAX: usize = 15;

#[test]
#[expect(clippy::print_stdout, reason = "the figures, to be read with --nocapture")]
fn the_store_counts_what_the_allocator_gives() {
    let now = Timestamp::from_ms(1_700_000_000_000);
    let mut faults = vec![];
    for (name, count, commands) in CASES {
        let store = Store::new(1 << 30);
        let before = TAKEN.load(Ordering::Relaxed);
        let counted_before = store.bytes();
        for line in (0..*count).flat_map(commands) {
            let args: Vec<&str> = line.split(' ').collect();
            store.execute(now, &args, false).expect("there is room");
        }
        let taken = TAKEN.load(Ordering::Relaxed) - before;
        let counted = store.bytes() - counted_before;
        let apart = counted.abs_diff(taken) * 100 / taken;
        println!("{name}: counted {counted}, taken {taken}, {apart} % apart");
        if apart > PERCENT_APART_MAX {
            faults.push(format!("{name}: counted {counted}, taken {taken}, {apart} % apart"));
        }
        drop(store);
        if SMALL_KEYS.contains(name) {
            let redis = taken_by_redis(*count, *commands);
            println!("{name}: Redis takes {redis}");
            if taken > redis {
                faults.push(format!("{name}: taken {taken}, by Redis {redis}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
