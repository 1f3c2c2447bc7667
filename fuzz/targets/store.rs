//! Commands by chance on a store: none panics, memory stays in its bounds, and nothing is counted
//! any more once all is deleted.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use outlast_core::Timestamp;
use outlast_core::command::Command;
use outlast_core::store::{Eviction, Options, Session, Store};

const BYTES_MAX: usize = 1 << 20;
const COMMANDS_MAX: usize = 256;

/// Words that commands know, and few keys, so that commands meet. A pair of quotes is an empty one.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let words = r##"
        k1 k2 k3 a b c "" 0 1 2 -1 10 3.5 -inf inf nan * $ > + - [a (b (1 1-1 5-0 0-0 100 1000000
        -100 9223372036854775807 -9223372036854775808 9223372036854775808 4294967295 1e400 0x10 NX
        XX GT LT CH INCR EX PX EXAT PXAT KEEPTTL PERSIST GET SET COUNT LIMIT MATCH TYPE WITHSCORES
        WITHVALUES WEIGHTS AGGREGATE SUM MIN MAX BYSCORE BYLEX REV LEFT RIGHT BEFORE AFTER RANK
        MAXLEN MINID ~ = NOMKSTREAM STREAMS GROUP CREATE MKSTREAM NOACK BLOCK JUSTID FORCE IDLE TIME
        RETRYCOUNT LASTID ENTRIESREAD DESTROY SETID CREATECONSUMER DELCONSUMER FULL STREAM GROUPS
        CONSUMERS BY ALPHA DESC STORE k* k*->a nosort # FIELDS IDX LEN MINMATCHLEN WITHMATCHLEN
        OVERFLOW SAT FAIL WRAP INCRBY u8 i64 #1 AND OR XOR NOT BIT BYTE m km FROMMEMBER FROMLONLAT
        BYRADIUS BYBOX ASC ANY WITHDIST WITHHASH WITHCOORD STOREDIST REPLACE DB SYNC ENCODING FREQ
        IDLETIME maxmemory maxmemory-policy allkeys-lru noeviction allkeys-lfu volatile-ttl ON OFF
        SKIP 3 LIST INFO SETNAME ID
    "##;
    words.split_whitespace().map(|word| if word == "\"\"" { "" } else { word }).collect()
});

/// Bytes, one after the other; 0 where there are none left.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn next(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        self.0.split_off(..count.min(self.0.len())).unwrap_or_default()
    }

    fn argument(&mut self) -> &'a [u8] {
        match usize::from(self.next()) {
            word if word < WORDS.len() => WORDS[word].as_bytes(),
            // Any bytes, up to as many as there are numbers left.
            other => self.take(other - WORDS.len()),
        }
    }

    fn command(&mut self) -> Vec<&'a [u8]> {
        let all = Command::all();
        let at = usize::from(u16::from_le_bytes([self.next(), self.next()]));
        let mut args = vec![all[at % all.len()].name.as_bytes()];
        for _ in 0..self.next() % 10 {
            args.push(self.argument());
        }
        args
    }
}

/// Does all that waits until it is done.
fn idle(store: &mut Store, now: Timestamp) {
    while store.housekeep(now) {}
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let kind = bytes.next();
    let eviction = if kind & 1 == 0 { Eviction::NoEviction } else { Eviction::AllKeysLru };
    let mut store = Store::with_options(Options::new(BYTES_MAX).with_eviction(eviction));
    let mut now = Timestamp::from_ms(1_700_000_000_000);
    let mut sessions: Vec<Session> = (0..2).map(|_| store.open(now)).collect();
    if kind & 2 == 0 {
        sessions[0] = store.open(now).blocking();
        store.set_waiting(1);
    }
    for _ in 0..COMMANDS_MAX {
        if bytes.0.is_empty() {
            break;
        }
        let how = bytes.next();
        let args = bytes.command();
        now = now.plus_ms(u64::from(how >> 4) * 100);
        if how & 1 == 0 {
            let _ = store.serve(now, &mut sessions[usize::from(how >> 1 & 1)], &args);
        } else {
            let _ = store.execute(now, &args, how & 2 == 0);
        }
        let _ = store.take_deliveries();
        let _ = store.take_ready();
    }
    while store.next_batch(now, 16).is_some() {
        store.batch_applied();
    }
    for mut session in sessions {
        store.close(&mut session);
    }
    let mut last = store.open(now);
    let _ = store.serve(now, &mut last, &["FLUSHALL"]);
    idle(&mut store, now);
    assert!(store.is_empty());
    assert_eq!(store.bytes(), 0, "bytes that nothing takes");
});
