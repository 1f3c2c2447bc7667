use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::super::Store;
use super::*;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

/// Commands, and what redis-server 7.0.15 answers.
const ANSWERS: &[(&str, &str)] = &[
    ("APPEND a Hello", "(integer) 5"),
    ("APPEND a !", "(integer) 6"),
    ("STRLEN a", "(integer) 6"),
    ("GETRANGE a 0 -100", "\"H\""),
    ("GETRANGE a -100 -5", "\"He\""),
    ("GETRANGE a -2 -3", "\"\""),
    ("SUBSTR a 1 2", "\"el\""),
    ("GETRANGE a x 1", "ERR value is not an integer or out of range"),
    ("SETRANGE a 7 x", "(integer) 8"),
    ("GET a", "\"Hello!\0x\""),
    ("SETRANGE b 5 ", "(integer) 0"),
    ("EXISTS b", "(integer) 0"),
    ("SETRANGE b 536870912 x", "ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
    ("SETRANGE b -1 x", "ERR offset is out of range"),
    ("MSET k1 ohmytext k2 mynewtext", "OK"),
    ("MSET k1", "ERR wrong number of arguments for 'mset' command"),
    ("MSETNX k1 a k9 b", "(integer) 0"),
    ("MSETNX k8 a k9 b", "(integer) 1"),
    ("MSETNX k8 a k9", "ERR wrong number of arguments for 'msetnx' command"),
    ("MGET k1 k8 none", "[\"ohmytext\", \"a\", (nil)]"),
    ("LCS k1 k2", "\"mytext\""),
    ("LCS k1 k2 LEN", "(integer) 6"),
    (
        "LCS k1 k2 IDX",
        "[\"matches\", [[[(integer) 4, (integer) 7], [(integer) 5, (integer) 8]], [[(integer) 2, (integer) 3], [(integer) 0, (integer) 1]]], \"len\", (integer) 6]",
    ),
    (
        "LCS k1 k2 IDX MINMATCHLEN 4 WITHMATCHLEN",
        "[\"matches\", [[[(integer) 4, (integer) 7], [(integer) 5, (integer) 8], (integer) 4]], \"len\", (integer) 6]",
    ),
    ("LCS k1 k2 IDX LEN", "ERR If you want both the length and indexes, please just use IDX."),
    ("LCS k1 k2 MINMATCHLEN", "ERR syntax error"),
    ("INCRBYFLOAT f 3.0e3", "\"3000\""),
    ("INCRBYFLOAT f 0.1", "\"3000.10000000000000009\""),
    ("INCRBYFLOAT f -3000.1", "\"0\""),
    ("INCRBYFLOAT k1 1", "ERR value is not a valid float"),
    ("INCRBYFLOAT f inf", "ERR increment would produce NaN or Infinity"),
    ("GETEX k1 EX 100", "\"ohmytext\""),
    ("TTL k1", "(integer) 100"),
    ("GETEX k1 EX 100 PERSIST", "ERR syntax error"),
    ("GETEX k1 PERSIST", "\"ohmytext\""),
    ("TTL k1", "(integer) -1"),
    ("GETEX k1 EX 0", "ERR invalid expire time in 'getex' command"),
    ("GETEX none EX 0", "(nil)"),
    ("GETEX k1 EXAT 1", "\"ohmytext\""),
    ("EXISTS k1", "(integer) 0"),
    ("SET s 1 EX 10 EX 20", "OK"),
    ("TTL s", "(integer) 20"),
    ("SET s 2 KEEPTTL GET", "\"1\""),
    ("TTL s", "(integer) 20"),
    ("SET s 3 KEEPTTL EX 1", "ERR syntax error"),
    ("SET s 3 NX GET", "\"2\""),
    ("SETEX s 0 v", "ERR invalid expire time in 'setex' command"),
    ("PSETEX s x v", "ERR value is not an integer or out of range"),
    ("DECRBY s -9223372036854775808", "ERR decrement would overflow"),
    ("GETDEL s", "\"2\""),
    ("GETDEL s", "(nil)"),
    ("GETSET n 9223372036854775807", "(nil)"),
    ("INCR n", "ERR increment or decrement would overflow"),
];

/// Runs commands in turn and compares each reply.
pub(in super::super) fn check(answers: &[(&str, &str)]) {
    let store = Store::new(1 << 20);
    for (line, expected) in answers {
        let args: Vec<&str> = line.split(' ').collect();
        let reply = store.execute(NOW, &args, true).unwrap();
        assert_eq!(shown(&reply.into_resp2()), *expected, "{line}");
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "these are all that strings reply")]
fn shown(value: &Value) -> String {
    match value {
        Value::Nil => String::from("(nil)"),
        Value::Simple(text) | Value::Error(text) => text.clone(),
        Value::Integer(number) => format!("(integer) {number}"),
        Value::Bulk(bytes) => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            format!("\"{text}\"")
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn replies_are_those_of_redis() {
    check(ANSWERS);
}

#[test]
fn growth_beyond_the_limit_is_refused_before_it_takes_memory() {
    let store = Store::new(1 << 20);
    for line in ["SETRANGE k 536870911 x", "SETBIT k 4294967295 1", "BITFIELD k SET u8 #9999999 1"]
    {
        let args: Vec<&str> = line.split(' ').collect();
        assert_eq!(store.execute(NOW, &args, true), Err(Refusal::Full), "{line}");
    }
    assert_eq!(store.execute(NOW, &["EXISTS", "k"], true), Ok(Value::Integer(0)));
}

#[test]
fn large_strings_are_changed_in_place() {
    let store = Store::new(1 << 20);
    let piece = "x".repeat(3_000);
    let run = |args: &[&str]| store.execute(NOW, args, true).unwrap();
    assert_eq!(run(&["APPEND", "k", &piece]), Value::Integer(3_000));
    assert_eq!(run(&["EXPIRE", "k", "100"]), Value::Integer(1));
    assert_eq!(run(&["APPEND", "k", &piece]), Value::Integer(6_000));
    assert_eq!(run(&["SETRANGE", "k", "1", "yz"]), Value::Integer(6_000));
    assert_eq!(run(&["GETRANGE", "k", "0", "3"]), Value::bulk("xyzx"));
    assert_eq!(run(&["TTL", "k"]), Value::Integer(100));
}

#[test]
fn what_changes_nothing_is_not_journalled() {
    let store = Store::new(1 << 20);
    let journalled = |line: &str| {
        let before = store.journal().keys;
        let args: Vec<&str> = line.split(' ').collect();
        store.execute(NOW, &args, true).unwrap();
        store.journal().keys > before
    };
    assert!(journalled("SETBIT b 3 1"));
    assert!(!journalled("SETBIT b 3 1"));
    assert!(!journalled("BITFIELD b GET u8 0"));
    assert!(!journalled("SETRANGE none 3 "));
    assert!(journalled("PFADD h a"));
    assert!(!journalled("PFADD h a"));
}
