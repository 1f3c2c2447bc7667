use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::super::{Answer, Session, Store};
use super::*;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

fn shown(value: Value, protocol: u8) -> String {
    match value {
        Value::Nil => "_".to_string(),
        Value::NilArray => if protocol == 3 { "_" } else { "*-1" }.to_string(),
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Integer(number) => format!(":{number}"),
        Value::Double(number) => format!(",{}", crate::store::format_double(number)),
        Value::Bulk(bytes) => format!("\"{}\"", String::from_utf8(bytes).unwrap()),
        Value::Array(items) => {
            let items: Vec<String> = items.into_iter().map(|item| shown(item, protocol)).collect();
            format!("[{}]", items.join(" "))
        }
        other @ (Value::Map(_)
        | Value::Set(_)
        | Value::Boolean(_)
        | Value::BigNumber(_)
        | Value::Verbatim { .. }
        | Value::Push(_)) => panic!("{other:?}"),
    }
}

fn run(store: &Store, session: &mut Session, line: &str) -> Value {
    let words = line.split(' ').map(|word| if word == "\"\"" { "" } else { word });
    let args: Vec<String> = words.map(|word| word.replace('~', " ")).collect();
    match store.serve(NOW, session, &args) {
        Answer::Replies(mut replies) => replies.pop().unwrap(),
        other @ (Answer::Blocked(_) | Answer::Refused(_)) => panic!("{line}: {other:?}"),
    }
}

#[test]
fn replies_are_those_of_redis() {
    let store = Store::new(1 << 24);
    let mut session = store.open(NOW);
    let mut compared = 0;
    for line in include_str!("replies.txt").lines() {
        if let Some(protocol) = line.strip_prefix('@') {
            session.protocol = protocol.parse().unwrap();
        } else if !line.is_empty() && !line.starts_with('#') {
            let (command, expected) = line.split_once(" => ").unwrap();
            let reply = run(&store, &mut session, command);
            assert_eq!(shown(reply, session.protocol), expected, "{command}");
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

/// What a batch for Redis holds after some commands.
fn journal(lines: &[&str]) -> Vec<String> {
    let store = Store::new(1 << 24);
    let mut session = store.open(NOW);
    for line in lines {
        session.journalled = !line.starts_with('!');
        run(&store, &mut session, line.trim_start_matches('!'));
    }
    let Some(batch) = store.next_batch(NOW, 100) else {
        return Vec::new();
    };
    let commands = batch.commands.iter();
    commands.map(|args| String::from_utf8(args.join(&b' ')).unwrap()).collect()
}

#[test]
fn what_redis_is_told_does_not_depend_on_what_it_holds() {
    let told = |line: &str| journal(&["!ZADD k 1 a 2 b 3 c", line]);
    assert_eq!(told("ZADD k CH 5 a 6 x"), ["ZADD k CH 5 a 6 x"]);
    assert_eq!(told("ZADD k NX 5 a 6 x"), ["ZADD k 6 x"]);
    assert_eq!(told("ZADD k GT 5 a 1 b"), ["ZADD k 5 a"]);
    assert_eq!(told("ZADD k INCR 0.1 a"), ["ZINCRBY k 0.1 a"]);
    assert_eq!(told("ZADD k XX INCR 0.1 a"), ["ZADD k 1.1000000000000001 a"]);
    assert_eq!(told("ZINCRBY k 2 a"), ["ZINCRBY k 2 a"]);
    assert_eq!(told("ZREM k a no"), ["ZREM k a no"]);
    assert_eq!(told("ZPOPMAX k 2"), ["ZREM k c b"]);
    assert_eq!(told("BZMPOP 0 2 no k MIN"), ["ZREM k a"]);
    assert_eq!(told("ZREMRANGEBYRANK k 0 1"), ["ZREM k a b"]);
    assert_eq!(told("ZREMRANGEBYSCORE k 2 3"), ["ZREMRANGEBYSCORE k 2 3"]);
    assert_eq!(told("ZRANGESTORE d k 0 0"), ["DEL d", "ZADD d 1 a"]);
    assert_eq!(told("ZDIFFSTORE d 2 k k"), ["DEL d"]);
    for line in ["ZADD k 1 a", "ZADD k NX 5 a", "ZREM k no", "ZINCRBY k 0 a", "ZPOPMIN no"] {
        assert_eq!(told(line), [""; 0], "{line}");
    }
}

#[test]
fn who_can_wait_waits_for_all_keys() {
    let store = Store::new(1 << 24);
    let mut session = store.open(NOW).blocking();
    let answer = store.serve(NOW, &mut session, &["BZPOPMIN", "a", "b", "1.5"]);
    let Answer::Blocked(block) = answer else { panic!("{answer:?}") };
    assert_eq!(block.keys, [(0, b"a".to_vec()), (0, b"b".to_vec())]);
    assert_eq!(block.until, Some(NOW.plus_ms(1_500)));
    run(&store, &mut session, "ZADD b 1 x");
    let again = store.serve(NOW, &mut session, &block.retry);
    let Answer::Replies(replies) = again else { panic!("{again:?}") };
    assert_eq!(shown(replies[0].clone(), 2), r#"["b" "x" "1"]"#);
}

#[test]
fn random_members_are_distinct_or_not_as_asked() {
    let store = Store::new(1 << 24);
    let mut session = store.open(NOW);
    for n in 0..200 {
        run(&store, &mut session, &format!("ZADD k {n} m{n}"));
    }
    for (asked, len, distinct) in [("150", 150, 150), ("300", 200, 200), ("-300", 300, 1)] {
        let reply = run(&store, &mut session, &format!("ZRANDMEMBER k {asked}"));
        let Value::Array(mut found) = reply else { panic!("{reply:?}") };
        assert_eq!(found.len(), len);
        found.sort_by_key(|member| shown(member.clone(), 2));
        found.dedup();
        assert!(found.len() >= distinct && found.len() <= 200);
    }
}
