//! The expected replies are those of redis-server 7.0.15; those on the expiry of fields follow
//! what Redis 7.4 documents.

use alloc::format;
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
        Value::Simple(text) | Value::Error(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::Map(_)
        | Value::Set(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::BigNumber(_)
        | Value::Verbatim { .. }
        | Value::Push(_)
        | Value::NilArray => panic!("no list or hash command gives {value:?}"),
    }
}

fn run_at(store: &Store, now: Timestamp, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').collect();
    shown(&store.execute(now, &args, true).unwrap())
}

fn run(store: &Store, line: &str) -> String {
    run_at(store, NOW, line)
}

fn check(script: &[(&str, &str)]) {
    let store = Store::new(1 << 20);
    for (line, reply) in script {
        assert_eq!(run(&store, line), *reply, "{line}");
    }
}

/// The commands that Redis gets.
fn replayed(store: &Store) -> Vec<String> {
    let batch = store.next_batch(NOW, 100).unwrap();
    let words = |args: &Vec<Vec<u8>>| {
        args.iter().map(|arg| String::from_utf8_lossy(arg)).collect::<Vec<_>>().join(" ")
    };
    batch.commands.iter().map(words).collect()
}

const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

#[test]
fn fields_and_values() {
    check(&[
        ("HSET h a", "ERR wrong number of arguments for 'hset' command"),
        ("HSET h a 1 b", "ERR wrong number of arguments for 'hset' command"),
        ("HMSET h a 1 b", "ERR wrong number of arguments for 'hmset' command"),
        ("EXISTS h", "0"),
        ("HSET h a 1 b 2 a 3", "2"),
        ("HMSET h c 4", "OK"),
        ("HGETALL h", "[a 3 b 2 c 4]"),
        ("HKEYS h", "[a b c]"),
        ("HVALS h", "[3 2 4]"),
        ("HLEN h", "3"),
        ("HGET h zz", "nil"),
        ("HMGET h a zz c", "[3 nil 4]"),
        ("HMGET no a b", "[nil nil]"),
        ("HGETALL no", "[]"),
        ("HSETNX h a 9", "0"),
        ("HSETNX h d 99", "1"),
        ("HSTRLEN h d", "2"),
        ("HSTRLEN h zz", "0"),
        ("HEXISTS h d", "1"),
        ("HDEL h a zz b a", "2"),
        ("HDEL h c d", "2"),
        ("EXISTS h", "0"),
        ("SET s 1", "OK"),
        ("HSET s a 1", WRONG),
        ("HMGET s a", WRONG),
        ("HSCAN s 0", WRONG),
        ("HRANDFIELD s x", NO_INTEGER),
    ]);
}

#[test]
fn counters() {
    check(&[
        ("HSET h a x m 9223372036854775807 f 0.1 q 1.5e3", "4"),
        ("HINCRBY h a 1", "ERR hash value is not an integer"),
        ("HINCRBY h b x", NO_INTEGER),
        ("HINCRBY h b +1", NO_INTEGER),
        ("HINCRBY h m 1", "ERR increment or decrement would overflow"),
        ("HINCRBY h b -5", "-5"),
        ("HINCRBYFLOAT h a x", "ERR value is not a valid float"),
        ("HINCRBYFLOAT h a 1", "ERR hash value is not a float"),
        ("HINCRBYFLOAT h f nan", "ERR value is not a valid float"),
        ("HINCRBYFLOAT h f inf", "ERR value is NaN or Infinity"),
        ("HINCRBYFLOAT h f 0.2", "0.3"),
        ("HINCRBYFLOAT h f -1", "-0.7"),
        ("HINCRBYFLOAT h q 0.25", "1500.25"),
        ("HINCRBYFLOAT h new 3.0e3", "3000"),
        ("SET s 1", "OK"),
        ("HINCRBY s a 1", WRONG),
        ("HINCRBYFLOAT s a inf", "ERR value is NaN or Infinity"),
    ]);
}

#[test]
fn scans() {
    check(&[
        ("HSCAN no 0 FOO BAR", "[0 []]"),
        ("HSCAN no x", "ERR invalid cursor"),
        ("HSCAN no ", "[0 []]"),
        ("HSET h a 1 b 2 ab 3", "3"),
        ("HSCAN h 0 COUNT 1", "[0 [a 1 b 2 ab 3]]"),
        ("HSCAN h 77 MATCH a*", "[0 [a 1 ab 3]]"),
        ("HSCAN h 0 COUNT 0", SYNTAX),
        ("HSCAN h 0 COUNT x", NO_INTEGER),
        ("HSCAN h 0 MATCH", SYNTAX),
        ("HSCAN h 0 NOVALUES", SYNTAX),
        ("HSCAN h 99999999999999999999999", "ERR invalid cursor"),
    ]);
    let store = Store::new(1 << 20);
    for n in 0..500 {
        run(&store, &format!("HSET h f{n} {n}"));
    }
    let (mut cursor, mut seen, mut steps) = ("0".to_string(), 0, 0);
    loop {
        let reply = run(&store, &format!("HSCAN h {cursor} COUNT 20"));
        let (next, fields) = reply.trim_start_matches('[').split_once(" [").unwrap();
        seen += fields.split(' ').count() / 2;
        steps += 1;
        cursor = next.to_string();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen, 500);
    assert!(steps > 10);
}

#[test]
fn random_fields() {
    check(&[
        ("HRANDFIELD no", "nil"),
        ("HRANDFIELD no 3", "[]"),
        ("HSET h a 1 b 2 c 3", "3"),
        ("HRANDFIELD h 0", "[]"),
        ("HRANDFIELD h 0 x", SYNTAX),
        ("HRANDFIELD h x", NO_INTEGER),
        ("HRANDFIELD h 9", "[a b c]"),
        ("HRANDFIELD h 3 withvalues", "[a 1 b 2 c 3]"),
        ("HRANDFIELD h 3 withvalues x", SYNTAX),
        (
            "HRANDFIELD h -9223372036854775808",
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ),
        ("HRANDFIELD h 4611686018427387904 withvalues", "ERR value is out of range"),
    ]);
    let store = Store::new(1 << 20);
    for n in 0..300 {
        run(&store, &format!("HSET h f{n} {n}"));
    }
    for (wanted, got) in [(5, 5), (200, 200), (400, 300), (-400, 400)] {
        let reply = run(&store, &format!("HRANDFIELD h {wanted}"));
        let mut fields: Vec<&str> = reply.trim_matches(['[', ']']).split(' ').collect();
        assert_eq!(fields.len(), got);
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len() == got, wanted > 0);
    }
    let mut session = store.open(NOW);
    session.protocol = 3;
    run(&store, "HSET small a 1");
    let pair = Value::Array([Value::bulk("a"), Value::bulk("1")].into());
    let answer = store.serve(NOW, &mut session, &["HRANDFIELD", "small", "1", "WITHVALUES"]);
    assert_eq!(answer, Answer::Replies([Value::Array([pair].into())].into()));
    let map = Value::Map([(Value::bulk("a"), Value::bulk("1"))].into());
    let answer = store.serve(NOW, &mut session, &["HGETALL", "small"]);
    assert_eq!(answer, Answer::Replies([map].into()));
}

#[test]
fn expiry_of_fields() {
    check(&[
        ("HEXPIRE no 5 FIELDS 2 a b", "[-2 -2]"),
        ("HTTL no FIELDS 1 a", "[-2]"),
        ("HSET h a 1 b 2 c 3", "3"),
        ("HEXPIRE h x FIELDS 1 a", NO_INTEGER),
        ("HEXPIRE h -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0"),
        (
            "HEXPIRE h 9223372036854775807 FIELDS 1 a",
            "ERR invalid expire time in 'hexpire' command",
        ),
        (
            "HEXPIRE h 5 FOO 1 a",
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HEXPIRE h 5 FIELDS 0 a", "ERR Parameter `numFields` should be greater than 0"),
        (
            "HEXPIRE h 5 FIELDS 2 a",
            "ERR The `numfields` parameter must match the number of arguments",
        ),
        ("HTTL h FIELDS 0 a", "ERR Number of fields must be a positive integer"),
        ("HEXPIRE h 5 XX FIELDS 1 a", "[0]"),
        ("HEXPIRE h 5 GT FIELDS 1 a", "[0]"),
        ("HEXPIRE h 5 NX FIELDS 2 a zz", "[1 -2]"),
        ("HEXPIRE h 6 NX FIELDS 1 a", "[0]"),
        ("HPEXPIRE h 5001 GT FIELDS 1 a", "[1]"),
        ("HPEXPIRE h 5001 LT FIELDS 2 a b", "[0 1]"),
        ("HTTL h FIELDS 3 a b c", "[6 6 -1]"),
        ("HPTTL h FIELDS 1 a", "[5001]"),
        ("HEXPIRETIME h FIELDS 1 a", "[1006]"),
        ("HPEXPIRETIME h FIELDS 1 a", "[1005001]"),
        ("HPERSIST h FIELDS 3 a c zz", "[1 -1 -2]"),
        ("HSET h b 9", "0"),
        ("HTTL h FIELDS 2 a b", "[-1 -1]"),
        ("HPEXPIREAT h 1500000 FIELDS 1 a", "[1]"),
        ("HINCRBY h a 1", "2"),
        ("HPTTL h FIELDS 1 a", "[500000]"),
        ("HEXPIREAT h 1000 FIELDS 1 a", "[2]"),
        ("HGETALL h", "[b 9 c 3]"),
        ("HEXPIRE h 0 FIELDS 2 b c", "[2 2]"),
        ("EXISTS h", "0"),
        ("SET s 1", "OK"),
        ("HEXPIRE s x FIELDS 1 a", WRONG),
        ("HTTL s FOO 1 a", WRONG),
    ]);
}

#[test]
fn expired_fields_are_gone_and_the_hash_with_the_last() {
    let store = Store::new(1 << 20);
    run(&store, "HSET h a 1 b 2");
    run(&store, "HPEXPIRE h 10 FIELDS 1 a");
    run(&store, "HPEXPIRE h 20 FIELDS 1 b");
    assert_eq!(run_at(&store, NOW.plus_ms(10), "HGET h a"), "1");
    assert_eq!(run_at(&store, NOW.plus_ms(11), "HGET h a"), "nil");
    assert_eq!(run_at(&store, NOW.plus_ms(11), "HLEN h"), "1");
    assert_eq!(run_at(&store, NOW.plus_ms(21), "HGETALL h"), "[]");
    assert_eq!(run_at(&store, NOW.plus_ms(21), "EXISTS h"), "0");
}

#[test]
fn redis_gets_the_effect_on_each_field() {
    let store = Store::new(1 << 20);
    for line in ["HSET h a 1", "HSETNX h b 2", "HEXPIRE h 5 FIELDS 2 a zz", "HDEL h zz"] {
        run(&store, line);
    }
    let lines = replayed(&store);
    assert_eq!(lines, ["HSET h a 1 b 2", "HPEXPIREAT h 1005000 FIELDS 1 a"]);
}
