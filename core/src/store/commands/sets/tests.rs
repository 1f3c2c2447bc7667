use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::resp::Value;
use crate::store::{Answer, Store};
use crate::time::Timestamp;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

/// A reply in one line.
fn text(value: &Value) -> String {
    let all = |items: &[Value]| items.iter().map(text).collect::<Vec<_>>().join(" ");
    match value {
        Value::Nil => "nil".into(),
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Integer(number) => number.to_string(),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(items) => format!("[{}]", all(items)),
        Value::Set(items) => format!("~[{}]", all(items)),
        other @ (Value::Map(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::BigNumber(_)
        | Value::NilArray
        | Value::Verbatim { .. }
        | Value::Push(_)) => format!("{other:?}"),
    }
}

/// Runs commands in RESP 3; each must have its reply.
fn check(dialogue: &[(&str, &str)]) {
    let store = Store::new(1 << 24);
    let mut session = store.open(Timestamp::ZERO);
    session.protocol = 3;
    for (command, expected) in dialogue {
        let args: Vec<&str> = command.split(' ').collect();
        let Answer::Replies(replies) = store.serve(Timestamp::ZERO, &mut session, &args) else {
            panic!("no reply to {command}");
        };
        assert_eq!(replies.iter().map(text).collect::<Vec<_>>(), [*expected], "{command}");
    }
}

fn run(store: &Store, command: &str) -> Value {
    let args: Vec<&str> = command.split(' ').collect();
    store.execute(Timestamp::ZERO, &args, true).unwrap()
}

fn journal(store: &Store) -> Vec<String> {
    let batch = store.next_batch(Timestamp::ZERO, 100).expect("something is journalled");
    let line = |command: &Vec<Vec<u8>>| {
        command.iter().map(|arg| String::from_utf8_lossy(arg)).collect::<Vec<_>>().join(" ")
    };
    let lines = batch.commands.iter().map(line).collect();
    store.batch_applied();
    lines
}

#[test]
fn members_are_added_found_and_removed() {
    check(&[
        ("SADD s 3 1 2 1", "3"),
        ("SADD s 1", "0"),
        ("SMEMBERS s", "~[1 2 3]"),
        ("SCARD s", "3"),
        ("SISMEMBER s 1", "1"),
        ("SISMEMBER s 01", "0"),
        ("SMISMEMBER s 1 9", "[1 0]"),
        ("SMISMEMBER nos 1 9", "[0 0]"),
        ("OBJECT ENCODING s", "intset"),
        ("SREM s 9", "0"),
        ("SREM s 1 2 2", "2"),
        ("SADD s a", "1"),
        ("OBJECT ENCODING s", "hashtable"),
        ("SREM s 3 a", "2"),
        ("EXISTS s", "0"),
        ("SREM s 3", "0"),
        ("SCARD s", "0"),
        ("SMEMBERS s", "~[]"),
        ("SET str x", "+OK"),
        ("SADD str 1", WRONG_TYPE),
        ("SREM str 1", WRONG_TYPE),
        ("SISMEMBER str 1", WRONG_TYPE),
        ("SMISMEMBER str 1", WRONG_TYPE),
        ("SCARD str", WRONG_TYPE),
    ]);
}

#[test]
fn members_move() {
    check(&[
        ("SET str x", "+OK"),
        ("SADD s 1 2", "2"),
        ("SMOVE nos str 1", "0"),
        ("SMOVE s str 9", WRONG_TYPE),
        ("SMOVE str s 9", WRONG_TYPE),
        ("SMOVE s t 9", "0"),
        ("EXISTS t", "0"),
        ("SMOVE s s 1", "1"),
        ("SMOVE s s 9", "0"),
        ("SMOVE s t 1", "1"),
        ("SMOVE s t 2", "1"),
        ("EXISTS s", "0"),
        ("SMEMBERS t", "~[1 2]"),
    ]);
}

#[test]
fn members_are_drawn_with_the_errors_of_redis() {
    let positive = "-ERR value is out of range, must be positive";
    check(&[
        ("SADD s 1 2 3", "3"),
        ("SET str x", "+OK"),
        ("SPOP str", WRONG_TYPE),
        ("SPOP str -1", positive),
        ("SPOP s x", positive),
        ("SPOP s 1 2", "-ERR syntax error"),
        ("SPOP nos", "nil"),
        ("SPOP nos 2", "~[]"),
        ("SPOP s 0", "~[]"),
        ("SRANDMEMBER str x", "-ERR value is not an integer or out of range"),
        (
            "SRANDMEMBER str -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ),
        ("SRANDMEMBER str 1 2", "-ERR syntax error"),
        ("SRANDMEMBER str 1", WRONG_TYPE),
        ("SRANDMEMBER nos", "nil"),
        ("SRANDMEMBER nos 2", "[]"),
        ("SRANDMEMBER nos -9223372036854775807", "[]"),
        ("SRANDMEMBER s 0", "[]"),
        ("SRANDMEMBER s 9223372036854775807", "[1 2 3]"),
        ("SPOP s 9223372036854775807", "~[1 2 3]"),
        ("EXISTS s", "0"),
        ("SADD s a", "1"),
        ("SRANDMEMBER s -3", "[a a a]"),
        ("SRANDMEMBER s", "a"),
        ("SPOP s", "a"),
        ("EXISTS s", "0"),
    ]);
}

#[test]
fn sets_are_joined_met_and_taken_apart() {
    check(&[
        ("SADD a 1 2 3 4", "4"),
        ("SADD b 3 4 5", "3"),
        ("SADD c 4 x", "2"),
        ("SET str x", "+OK"),
        ("SINTER a b", "~[3 4]"),
        ("SINTER a b c", "~[4]"),
        ("SINTER a nos", "~[]"),
        ("SINTER nos str", WRONG_TYPE),
        ("SUNION a b nos", "~[1 2 3 4 5]"),
        ("SUNION a str", WRONG_TYPE),
        ("SDIFF a c b", "~[1 2]"),
        ("SDIFF a a", "~[]"),
        ("SDIFF nos a", "~[]"),
        ("SDIFF nos str", WRONG_TYPE),
        ("SINTERSTORE str a b", "2"),
        ("SMEMBERS str", "~[3 4]"),
        ("SDIFFSTORE a a b", "2"),
        ("SMEMBERS a", "~[1 2]"),
        ("SUNIONSTORE a a b", "5"),
        ("OBJECT ENCODING a", "intset"),
        ("SINTERSTORE a a nos", "0"),
        ("EXISTS a", "0"),
    ]);
}

#[test]
fn a_cardinality_may_be_limited() {
    let numkeys = "-ERR numkeys should be greater than 0";
    let limit = "-ERR LIMIT can't be negative";
    check(&[
        ("SADD s 1 2 3", "3"),
        ("SET str x", "+OK"),
        ("SINTERCARD 0 s", numkeys),
        ("SINTERCARD x s", numkeys),
        ("SINTERCARD 3 s", "-ERR Number of keys can't be greater than number of args"),
        ("SINTERCARD 1 s LIMIT -1", limit),
        ("SINTERCARD 1 s LIMIT x", limit),
        ("SINTERCARD 1 s LIMIT", "-ERR syntax error"),
        ("SINTERCARD 1 s s", "-ERR syntax error"),
        ("SINTERCARD 1 s LIMIT 2", "2"),
        ("SINTERCARD 1 s LIMIT 2 limit 0", "3"),
        ("SINTERCARD 2 s nos", "0"),
        ("SINTERCARD 2 nos str", WRONG_TYPE),
    ]);
}

#[test]
fn a_scan_takes_its_options_where_there_is_a_set() {
    check(&[
        ("SADD s 1 20 21", "3"),
        ("SET str x", "+OK"),
        ("SSCAN nos 0 FOO", "[0 []]"),
        ("SSCAN str x", "-ERR invalid cursor"),
        ("SSCAN str 0", WRONG_TYPE),
        ("SSCAN s 0", "[0 [1 20 21]]"),
        ("SSCAN s 5 COUNT 1", "[0 [1 20 21]]"),
        ("SSCAN s 0 MATCH 2*", "[0 [20 21]]"),
        ("SSCAN s 0 COUNT 0", "-ERR syntax error"),
        ("SSCAN s 0 COUNT x", "-ERR value is not an integer or out of range"),
        ("SSCAN s 0 COUNT", "-ERR syntax error"),
        ("SSCAN s 0 TYPE set", "-ERR syntax error"),
    ]);
}

#[test]
fn a_scan_of_a_large_set_meets_all_members() {
    let store = Store::new(1 << 24);
    for n in 0..1_000 {
        run(&store, &format!("SADD s m{n}"));
    }
    let (mut cursor, mut seen, mut steps) = (String::from("0"), BTreeSet::new(), 0);
    loop {
        let Value::Array(reply) = run(&store, &format!("SSCAN s {cursor} COUNT 100")) else {
            panic!("no cursor and members");
        };
        let [Value::Bulk(next), Value::Array(members)] = &reply[..] else {
            panic!("no cursor and members: {reply:?}");
        };
        seen.extend(members.iter().map(text));
        steps += 1;
        cursor = String::from_utf8(next.clone()).unwrap();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 1_000);
    assert!((9..=10).contains(&steps));
}

#[test]
fn chance_reaches_redis_as_what_it_came_to() {
    let store = Store::new(1 << 24);
    run(&store, "SADD s a b c");
    assert_eq!(journal(&store), ["SADD s a b c"]);
    let popped = text(&run(&store, "SPOP s"));
    assert_eq!(journal(&store), [format!("SREM s {popped}")]);
    let Value::Array(popped) = run(&store, "SPOP s 2") else {
        panic!("no members");
    };
    let [first, second] = popped.iter().map(text).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(journal(&store), [format!("SREM s {first} {second}")]);
    run(&store, "SADD s a");
    run(&store, "SMOVE s t a");
    assert_eq!(journal(&store), ["SADD s a", "SREM s a", "SADD t a"]);
    run(&store, "SADD s 7");
    journal(&store);
    run(&store, "SUNIONSTORE u s t");
    let replaced = journal(&store);
    assert_eq!(replaced.len(), 2);
    assert_eq!((&*replaced[0], replaced[1].len()), ("DEL u", "SADD u 7 a".len()));
    // Redis may have what is not known here.
    run(&store, "SINTERSTORE unknown s t");
    assert_eq!(journal(&store), ["DEL unknown"]);
}
