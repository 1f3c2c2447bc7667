//! Replies are those of Redis 7.0.15.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::super::Store;
use crate::resp::Value;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nil".into(),
        Value::NilArray => "nilarray".into(),
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Integer(number) => format!(":{number}"),
        Value::Bulk(bytes) => format!("\"{}\"", String::from_utf8_lossy(bytes)),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::Map(_)
        | Value::Set(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::BigNumber(_)
        | Value::Verbatim { .. }
        | Value::Push(_) => format!("{value:?}"),
    }
}

fn run(store: &Store, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').collect();
    shown(&store.execute(NOW, &args, true).unwrap())
}

fn check(rows: &[(&str, &str)]) {
    let store = Store::new(1 << 20);
    for (line, expected) in rows {
        assert_eq!(run(&store, line), *expected, "{line}");
    }
}

#[test]
fn redis_gets_what_happened_without_chance_and_clock() {
    let store = Store::new(1 << 20);
    for line in [
        "XGROUP CREATE s g $ MKSTREAM",
        "XADD s * a b",
        "XADD s MAXLEN 9 * a b",
        "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
        "XREADGROUP GROUP g d NOACK STREAMS s >",
        "XCLAIM s g d 0 1000000-0 IDLE 10 LASTID 1000000-5",
        "XACK s g 7",
        "XACK s g 1000000-0",
    ] {
        run(&store, line);
    }
    let batch = store.next_batch(NOW, 100).unwrap();
    let words = |args: &Vec<Vec<u8>>| String::from_utf8(args.join(&b" "[..])).unwrap();
    assert_eq!(
        batch.commands.iter().map(words).collect::<Vec<_>>(),
        [
            "XGROUP CREATE s g 0-0 MKSTREAM",
            "XADD s 1000000-0 a b",
            "XADD s MAXLEN = 9 1000000-1 a b",
            "XGROUP CREATECONSUMER s g c",
            "XCLAIM s g c 0 1000000-0 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID",
            "XGROUP SETID s g 1000000-0 ENTRIESREAD 1",
            "XGROUP CREATECONSUMER s g d",
            "XGROUP SETID s g 1000000-1 ENTRIESREAD 2",
            "XCLAIM s g d 0 1000000-0 TIME 999990 RETRYCOUNT 2 FORCE JUSTID",
            "XGROUP SETID s g 1000000-5 ENTRIESREAD 2",
            "XACK s g 1000000-0",
        ]
    );
}

const ADDING_AND_TRIMMING: &[(&str, &str)] = &[
    ("SET str v", "+OK"),
    ("XADD str 1-1 a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("XADD s 1-1 a", "-ERR wrong number of arguments for 'xadd' command"),
    ("XADD s 1-1 a b c", "-ERR wrong number of arguments for 'xadd' command"),
    ("XADD s 0-0 a b", "-ERR The ID specified in XADD must be greater than 0-0"),
    ("XADD s NOMKSTREAM 1-1 a b", "nil"),
    ("XADD s 0-* a b", r#""0-1""#),
    (
        "XADD s 0-1 a b",
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ),
    ("XADD s 1-1 a b c d", r#""1-1""#),
    (
        "XADD s 1-1 a b",
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ),
    ("XADD s 1-* a b", r#""1-2""#),
    (
        "XADD s 1 a b",
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ),
    ("XADD s - a b", "-ERR Invalid stream ID specified as stream command argument"),
    ("XADD s 1-x a b", "-ERR Invalid stream ID specified as stream command argument"),
    ("XADD s MAXLEN x * a b", "-ERR value is not an integer or out of range"),
    ("XADD s MAXLEN -1 * a b", "-ERR The MAXLEN argument must be >= 0."),
    (
        "XADD s MAXLEN 1 MINID 1 * a b",
        "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
    ),
    (
        "XADD s LIMIT 5 * a b",
        "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
    ),
    (
        "XADD s LIMIT 0 * a b",
        "-ERR syntax error, LIMIT cannot be used without the special ~ option",
    ),
    (
        "XADD s MAXLEN 5 LIMIT 5 * a b",
        "-ERR syntax error, LIMIT cannot be used without the special ~ option",
    ),
    ("XADD s MAXLEN ~ 5 LIMIT -1 * a b", "-ERR The LIMIT argument must be >= 0."),
    ("XADD s MAXLEN = 2 5-5 e f", r#""5-5""#),
    ("XLEN s", ":2"),
    ("XRANGE s - +", r#"[["1-2" ["a" "b"]] ["5-5" ["e" "f"]]]"#),
    ("XADD s MINID 6 6-1 a b", r#""6-1""#),
    ("XLEN s", ":1"),
    (
        "XADD s 18446744073709551615-18446744073709551615 a b",
        r#""18446744073709551615-18446744073709551615""#,
    ),
    (
        "XADD s 18446744073709551615-* a b",
        "-ERR The stream has exhausted the last possible ID, unable to add more items",
    ),
    ("XTRIM s MAXLEN 1", ":1"),
    ("XTRIM s MAXLEN ~ 0", ":1"),
    ("XTRIM s LIMIT 0", "-ERR syntax error, XTRIM must be called with a trimming strategy"),
    ("XTRIM s", "-ERR wrong number of arguments for 'xtrim' command"),
    ("XTRIM s FOO 1", "-ERR syntax error"),
    ("XTRIM s MAXLEN", "-ERR wrong number of arguments for 'xtrim' command"),
    ("XTRIM s MAXLEN 0 NOMKSTREAM", "-ERR syntax error"),
    ("XTRIM str MAXLEN 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("XTRIM none MAXLEN 0", ":0"),
    ("XLEN str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("XLEN none", ":0"),
];

#[test]
fn adding_and_trimming() {
    check(ADDING_AND_TRIMMING);
}

const READING_RANGES: &[(&str, &str)] = &[
    ("SET str v", "+OK"),
    ("XADD s 1-1 a 1", r#""1-1""#),
    ("XADD s 2-1 a 2", r#""2-1""#),
    ("XADD s 2-2 a 3", r#""2-2""#),
    ("XADD s 3-1 a 4", r#""3-1""#),
    ("XRANGE s 2 2", r#"[["2-1" ["a" "2"]] ["2-2" ["a" "3"]]]"#),
    ("XRANGE s (2-1 +", r#"[["2-2" ["a" "3"]] ["3-1" ["a" "4"]]]"#),
    ("XRANGE s (- +", "-ERR Invalid stream ID specified as stream command argument"),
    ("XRANGE s ( +", "-ERR Invalid stream ID specified as stream command argument"),
    ("XRANGE s - (3-1", r#"[["1-1" ["a" "1"]] ["2-1" ["a" "2"]] ["2-2" ["a" "3"]]]"#),
    ("XREVRANGE s + - COUNT 2", r#"[["3-1" ["a" "4"]] ["2-2" ["a" "3"]]]"#),
    ("XREVRANGE s 2 3", "[]"),
    ("XRANGE s - + COUNT 0", "nilarray"),
    ("XRANGE none - + COUNT 0", "[]"),
    ("XRANGE s - + COUNT -1", "nilarray"),
    ("XRANGE s - + COUNT x", "-ERR value is not an integer or out of range"),
    ("XRANGE s - + COUNT", "-ERR syntax error"),
    ("XRANGE s - + FOO", "-ERR syntax error"),
    (
        "XRANGE s (18446744073709551615-18446744073709551615 +",
        "-ERR invalid start ID for the interval",
    ),
    ("XRANGE s - (0-0", "-ERR invalid end ID for the interval"),
    ("XRANGE str x +", "-ERR Invalid stream ID specified as stream command argument"),
    ("XRANGE str - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("XRANGE none - +", "[]"),
    ("XDEL s 2-1 2-1 9-9", ":1"),
    ("XDEL s 1-1 x", "-ERR Invalid stream ID specified as stream command argument"),
    ("XDEL none x", ":0"),
    ("XDEL str 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("XRANGE s - + COUNT 1", r#"[["1-1" ["a" "1"]]]"#),
    ("XREAD STREAMS s 2", r#"[["s" [["2-2" ["a" "3"]] ["3-1" ["a" "4"]]]]]"#),
    ("XREAD COUNT 1 STREAMS s none 0 0", r#"[["s" [["1-1" ["a" "1"]]]]]"#),
    ("XREAD STREAMS s none $ $", "nilarray"),
    ("XREAD BLOCK x STREAMS s $", "-ERR timeout is not an integer or out of range"),
    ("XREAD BLOCK -1 STREAMS s $", "-ERR timeout is negative"),
    ("XREAD STREAMS s", "-ERR wrong number of arguments for 'xread' command"),
    (
        "XREAD COUNT 1 STREAMS s 1 2",
        "-ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
    ),
    ("XREAD COUNT 1 s 1", "-ERR syntax error"),
    (
        "XREAD STREAMS s >",
        "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
    ),
    ("XREAD STREAMS str $", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    (
        "XREAD GROUP g c STREAMS s 0",
        "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
    ),
    (
        "XREAD NOACK STREAMS s 0",
        "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
    ),
    ("XSETID s 1-1", "-ERR The ID specified in XSETID is smaller than the target stream top item"),
    (
        "XSETID s 9-1 ENTRIESADDED 1",
        "-ERR The entries_added specified in XSETID is smaller than the target stream length",
    ),
    ("XSETID s 9-1 ENTRIESADDED -1", "-ERR entries_added must be positive"),
    (
        "XSETID s 9-1 MAXDELETEDID 10-1",
        "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
    ),
    ("XSETID s 9-1 FOO", "-ERR syntax error"),
    ("XSETID none 9-1", "-ERR no such key"),
    ("XSETID s 9-1 ENTRIESADDED 9 MAXDELETEDID 2-1", "+OK"),
    (
        "XADD s 9-1 a b",
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ),
    ("XINFO STREAM none", "-ERR no such key"),
    (
        "XINFO STREAM s FOO",
        "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
    ),
    (
        "XINFO STREAM s FULL COUNT",
        "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
    ),
    ("XINFO FOO s", "-ERR unknown subcommand 'FOO'. Try XINFO HELP."),
    ("XINFO GROUPS", "-ERR wrong number of arguments for 'xinfo|groups' command"),
    ("XINFO GROUPS s x", "-ERR wrong number of arguments for 'xinfo|groups' command"),
    ("XINFO STREAM str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
];

#[test]
fn reading_ranges() {
    check(READING_RANGES);
}

const GROUPS_AND_WHAT_IS_PENDING: &[(&str, &str)] = &[
    ("SET str v", "+OK"),
    (
        "XGROUP CREATE s g 0",
        "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
    ),
    ("XGROUP CREATE s g $ MKSTREAM", "+OK"),
    ("XGROUP CREATE s g $ MKSTREAM", "-BUSYGROUP Consumer Group name already exists"),
    ("XGROUP CREATE s h 0 ENTRIESREAD -2", "-ERR value for ENTRIESREAD must be positive or -1"),
    (
        "XGROUP CREATE s h 0 FOO",
        "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
    ),
    ("XGROUP CREATE s h x", "-ERR Invalid stream ID specified as stream command argument"),
    ("XGROUP CREATE s h", "-ERR wrong number of arguments for 'xgroup|create' command"),
    ("XGROUP SETID s h 0", "-NOGROUP No such consumer group 'h' for key name 's'"),
    ("XGROUP FOO s h", "-ERR unknown subcommand 'FOO'. Try XGROUP HELP."),
    ("XGROUP DESTROY s h", ":0"),
    ("XGROUP CREATE str h 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("XADD s 1-1 a 1", r#""1-1""#),
    ("XADD s 2-1 a 2", r#""2-1""#),
    ("XADD s 3-1 a 3", r#""3-1""#),
    (
        "XREADGROUP GROUP g c STREAMS s $",
        "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
    ),
    (
        "XREADGROUP GROUP h c STREAMS s >",
        "-NOGROUP No such key 's' or consumer group 'h' in XREADGROUP with GROUP option",
    ),
    (
        "XREADGROUP GROUP g c STREAMS none >",
        "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
    ),
    ("XREADGROUP COUNT 1 NOACK STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"),
    ("XREADGROUP GROUP g c STREAMS s", "-ERR wrong number of arguments for 'xreadgroup' command"),
    (
        "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
        r#"[["s" [["1-1" ["a" "1"]] ["2-1" ["a" "2"]]]]]"#,
    ),
    ("XREADGROUP GROUP g c STREAMS s 0", r#"[["s" [["1-1" ["a" "1"]] ["2-1" ["a" "2"]]]]]"#),
    ("XREADGROUP GROUP g c2 NOACK STREAMS s >", r#"[["s" [["3-1" ["a" "3"]]]]]"#),
    ("XREADGROUP GROUP g c3 STREAMS s >", "nilarray"),
    (
        "XINFO GROUPS s",
        r#"[["name" "g" "consumers" :2 "pending" :2 "last-delivered-id" "3-1" "entries-read" :3 "lag" :0]]"#,
    ),
    ("XPENDING s g", r#"[:2 "1-1" "2-1" [["c" "2"]]]"#),
    ("XPENDING s h", "-NOGROUP No such key 's' or consumer group 'h'"),
    ("XPENDING s g - + 10 c2", "[]"),
    ("XPENDING s g - + x", "-ERR value is not an integer or out of range"),
    ("XPENDING s g - +", "-ERR syntax error"),
    ("XPENDING s g IDLE 0 - +", "-ERR syntax error"),
    ("XPENDING s g IDLE x - + 1", "-ERR value is not an integer or out of range"),
    ("XCLAIM s g c2 x 1-1", "-ERR Invalid min-idle-time argument for XCLAIM"),
    ("XCLAIM s h c2 0 1-1", "-NOGROUP No such key 's' or consumer group 'h'"),
    ("XCLAIM s g c2 0 1-1 FOO", "-ERR Unrecognized XCLAIM option 'FOO'"),
    ("XCLAIM s g c2 0 1-1 IDLE x", "-ERR Invalid IDLE option argument for XCLAIM"),
    ("XCLAIM s g c2 0 1-1 TIME x", "-ERR Invalid TIME option argument for XCLAIM"),
    ("XCLAIM s g c2 0 1-1 RETRYCOUNT x", "-ERR Invalid RETRYCOUNT option argument for XCLAIM"),
    ("XCLAIM s g c2 0 1-1 LASTID x", "-ERR Invalid stream ID specified as stream command argument"),
    ("XCLAIM s g c2 0 1-1 3-1 JUSTID", r#"["1-1"]"#),
    ("XCLAIM s g c2 0 3-1 FORCE", r#"[["3-1" ["a" "3"]]]"#),
    ("XCLAIM s g c2 1000000 3-1", "[]"),
    ("XPENDING s g", r#"[:3 "1-1" "3-1" [["c" "1"] ["c2" "2"]]]"#),
    ("XDEL s 2-1", ":1"),
    ("XREADGROUP GROUP g c STREAMS s 0", r#"[["s" [["2-1" nilarray]]]]"#),
    ("XAUTOCLAIM s g c3 0 - COUNT 2", r#"["3-1" [["1-1" ["a" "1"]]] ["2-1"]]"#),
    ("XAUTOCLAIM s g c3 0 3-1 COUNT 0", "-ERR COUNT must be > 0"),
    ("XAUTOCLAIM s g c3 x -", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"),
    ("XAUTOCLAIM s h c3 0 -", "-NOGROUP No such key 's' or consumer group 'h'"),
    ("XAUTOCLAIM s g c3 0 - JUSTID", r#"["0-0" ["1-1" "3-1"] []]"#),
    ("XACK s g 1-1 1-1 9-9", ":1"),
    ("XACK s g x", "-ERR Invalid stream ID specified as stream command argument"),
    ("XACK s h x", ":0"),
    ("XACK none g x", ":0"),
    ("XPENDING s g", r#"[:1 "3-1" "3-1" [["c3" "1"]]]"#),
    ("XGROUP CREATECONSUMER s g n", ":1"),
    ("XGROUP CREATECONSUMER s g n", ":0"),
    ("XGROUP DELCONSUMER s g c3", ":1"),
    ("XGROUP DELCONSUMER s h c3", "-NOGROUP No such consumer group 'h' for key name 's'"),
    ("XGROUP DELCONSUMER s g no", ":0"),
    ("XPENDING s g", "[:0 nil nil nilarray]"),
    ("XGROUP SETID s g -", "+OK"),
    (
        "XGROUP SETID s g 0 ENTRIESREAD",
        "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.",
    ),
    (
        "XINFO GROUPS s",
        r#"[["name" "g" "consumers" :3 "pending" :0 "last-delivered-id" "0-0" "entries-read" nil "lag" nil]]"#,
    ),
    ("XINFO CONSUMERS s no", "-NOGROUP No such consumer group 'no' for key name 's'"),
    ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", r#"[["s" [["1-1" ["a" "1"]]]]]"#),
    ("XGROUP DESTROY s g", ":1"),
    ("XGROUP DESTROY s g", ":0"),
    ("XINFO GROUPS s", "[]"),
];

#[test]
fn groups_and_what_is_pending() {
    check(GROUPS_AND_WHAT_IS_PENDING);
}
