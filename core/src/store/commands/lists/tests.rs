//! The expected replies are those of redis-server 7.0.15.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::resp::Value;
use crate::store::{Answer, Store};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

/// A reply as short text.
fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_string(),
        Value::NilArray => "nil array".to_string(),
        Value::Simple(text) | Value::Error(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(items) => {
            alloc::format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::Map(_)
        | Value::Set(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::BigNumber(_)
        | Value::Verbatim { .. }
        | Value::Push(_) => panic!("no list or hash command gives {value:?}"),
    }
}

fn run(store: &Store, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').collect();
    shown(&store.execute(NOW, &args, true).unwrap())
}

fn check(script: &[(&str, &str)]) {
    let store = Store::new(1 << 20);
    for (line, reply) in script {
        assert_eq!(run(&store, line), *reply, "{line}");
    }
}

const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";
const NOT_POSITIVE: &str = "ERR value is out of range, must be positive";

#[test]
fn pushes_pops_and_ranges() {
    check(&[
        ("LPUSHX l a", "0"),
        ("LPOP l", "nil"),
        ("LPOP l 0", "nil array"),
        ("RPUSH l a b c", "3"),
        ("LPUSH l z y", "5"),
        ("LRANGE l 0 -1", "[y z a b c]"),
        ("LRANGE l -100 1", "[y z]"),
        ("LRANGE l 3 100", "[b c]"),
        ("LRANGE l 5 9", "[]"),
        ("LRANGE no x 1", NO_INTEGER),
        ("LRANGE no 0 1", "[]"),
        ("LPOP l 0", "[]"),
        ("LPOP l -1", NOT_POSITIVE),
        ("LPOP no x", NOT_POSITIVE),
        ("LPOP l 1 2", "ERR wrong number of arguments for 'lpop' command"),
        ("LPOP l 2", "[y z]"),
        ("RPOP l", "c"),
        ("RPUSHX l d", "3"),
        ("LLEN l", "3"),
        ("RPOP l 9", "[d b a]"),
        ("EXISTS l", "0"),
        ("SET s 1", "OK"),
        ("LPUSH s a", WRONG),
        ("LPOP s", WRONG),
        ("LPOP s -1", NOT_POSITIVE),
        ("LLEN s", WRONG),
    ]);
}

#[test]
fn elements_by_index_and_value() {
    check(&[
        ("LINDEX no x", "nil"),
        ("LSET no x v", "ERR no such key"),
        ("LREM no x a", NO_INTEGER),
        ("LINSERT no foo b v", SYNTAX),
        ("LINSERT no BEFORE b v", "0"),
        ("LTRIM no x 1", NO_INTEGER),
        ("LTRIM no 0 1", "OK"),
        ("RPUSH l a b a c a", "5"),
        ("LINDEX l x", NO_INTEGER),
        ("LINDEX l -1", "a"),
        ("LINDEX l 5", "nil"),
        ("LINDEX l -6", "nil"),
        ("LSET l x v", NO_INTEGER),
        ("LSET l 9 v", "ERR index out of range"),
        ("LSET l -2 C", "OK"),
        ("LINSERT l before z v", "-1"),
        ("LINSERT l before b B", "6"),
        ("LINSERT l AFTER C D", "7"),
        ("LRANGE l 0 -1", "[a B b a C D a]"),
        ("LREM l -2 a", "2"),
        ("LREM l 0 zz", "0"),
        ("LRANGE l 0 -1", "[a B b C D]"),
        ("LTRIM l 1 -2", "OK"),
        ("LRANGE l 0 -1", "[B b C]"),
        ("LTRIM l 2 1", "OK"),
        ("EXISTS l", "0"),
        ("SET s 1", "OK"),
        ("LINSERT s before a b", WRONG),
        ("LINDEX s x", WRONG),
    ]);
}

#[test]
fn positions() {
    check(&[
        ("LPOS no a", "nil"),
        ("LPOS no a COUNT 0", "[]"),
        ("RPUSH l a b c a b c a", "7"),
        ("LPOS l a", "0"),
        ("LPOS l zz", "nil"),
        ("LPOS l zz COUNT 0", "[]"),
        ("LPOS l a RANK 2", "3"),
        ("LPOS l a RANK -1", "6"),
        ("LPOS l a RANK -2 COUNT 0", "[3 0]"),
        ("LPOS l a RANK 4", "nil"),
        ("LPOS l a COUNT 2 MAXLEN 3", "[0]"),
        ("LPOS l a RANK -9223372036854775808", "6"),
        ("LPOS l a RANK x", NO_INTEGER),
        (
            "LPOS l a RANK 0",
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
             or use negative to start from the end of the list",
        ),
        ("LPOS l a COUNT x", "ERR COUNT can't be negative"),
        ("LPOS l a MAXLEN -1", "ERR MAXLEN can't be negative"),
        ("LPOS l a FOO 1", SYNTAX),
        ("LPOS l a RANK", SYNTAX),
    ]);
}

#[test]
fn moves_and_pops_from_many() {
    check(&[
        ("SET s 1", "OK"),
        ("LMOVE no s LEFT FOO", SYNTAX),
        ("LMOVE no s LEFT RIGHT", "nil"),
        ("RPUSH l a b c", "3"),
        ("LMOVE l s LEFT RIGHT", WRONG),
        ("LMOVE s l LEFT RIGHT", WRONG),
        ("LMOVE l m LEFT RIGHT", "a"),
        ("RPOPLPUSH l m", "c"),
        ("RPOPLPUSH m m", "a"),
        ("LRANGE m 0 -1", "[a c]"),
        ("LMPOP 0 l LEFT", "ERR numkeys should be greater than 0"),
        ("LMPOP 2 l LEFT", SYNTAX),
        ("LMPOP 1 l FOO", SYNTAX),
        ("LMPOP 1 l LEFT COUNT 0", "ERR count should be greater than 0"),
        ("LMPOP 1 l LEFT COUNT 1 COUNT 1", SYNTAX),
        ("LMPOP 1 l LEFT FOO", SYNTAX),
        ("LMPOP 1 no LEFT", "nil array"),
        ("LMPOP 2 s m LEFT", WRONG),
        ("LMPOP 3 no m l RIGHT COUNT 5", "[m [c a]]"),
        ("BLPOP no s 0", WRONG),
        ("BLPOP l x", "ERR timeout is not a float or out of range"),
        ("BLPOP l -1", "ERR timeout is negative"),
        ("BLPOP l inf", "ERR timeout is negative"),
        ("BLPOP l 1e30", "ERR timeout is negative"),
        ("BLPOP l 9007199254740", "[l b]"),
        ("BLPOP l 1", "nil array"),
        ("BLMOVE l s FOO LEFT x", SYNTAX),
        ("BLMOVE l s LEFT LEFT x", "ERR timeout is not a float or out of range"),
        ("BRPOPLPUSH s l 1", WRONG),
        ("BLMPOP x 0 l LEFT", "ERR numkeys should be greater than 0"),
        ("BLMPOP x 1 l LEFT", "ERR timeout is not a float or out of range"),
    ]);
}

#[test]
fn a_session_waits_for_elements() {
    let store = Store::new(1 << 20);
    let mut session = store.open(NOW);
    session.may_block = true;
    let Answer::Blocked(block) =
        store.serve(NOW, &mut session, &["BLMOVE", "a", "b", "LEFT", "RIGHT", "2.5"])
    else {
        panic!("it did not wait");
    };
    assert_eq!(block.keys, [(0, b"a".to_vec())]);
    assert_eq!(block.until, Some(NOW.plus_ms(2_500)));
    assert_eq!(block.at_timeout, Value::NilArray);
    run(&store, "RPUSH a 1 2");
    let answer = store.serve(NOW, &mut session, &block.retry);
    assert_eq!(answer, Answer::Replies([Value::bulk("1")].into()));
}

#[test]
fn redis_gets_the_effect_on_each_list() {
    let store = Store::new(1 << 20);
    for line in ["RPUSH a 1 2 3", "RPOPLPUSH a b", "LPOP b", "LMOVE a a LEFT RIGHT"] {
        run(&store, line);
    }
    let batch = store.next_batch(NOW, 100).unwrap();
    let lines: Vec<String> = batch
        .commands
        .iter()
        .map(|args| {
            args.iter().map(|arg| String::from_utf8_lossy(arg)).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(
        lines,
        ["RPUSH a 1 2 3", "LREM a -1 3", "LMOVE a a LEFT RIGHT", "LPUSH b 3", "LREM b 1 3"]
    );
}
