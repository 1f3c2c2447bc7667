//! The expected replies are those of a redis-server 7.0.15.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::resp::Value;
use crate::store::Store;
use crate::store::kinds::{Kind, SortedSet};
use crate::store::plan::Shards;
use crate::store::space::Locked;
use crate::time::Timestamp;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const UNIT: &str = "-ERR unsupported unit provided. please use M, KM, FT, MI";
const SYNTAX: &str = "-ERR syntax error";
const NOT_A_FLOAT: &str = "-ERR value is not a valid float";

/// A reply in one line.
fn text(value: &Value) -> String {
    match value {
        Value::Nil => "nil".into(),
        Value::NilArray => "nil-array".into(),
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Integer(number) => format!(":{number}"),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" "))
        }
        other @ (Value::Map(_)
        | Value::Set(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::BigNumber(_)
        | Value::Verbatim { .. }
        | Value::Push(_)) => format!("{other:?}"),
    }
}

fn run(store: &Store, command: &str) -> String {
    let args: Vec<&str> = command.split(' ').collect();
    text(&store.execute(Timestamp::ZERO, &args, true).unwrap())
}

/// Runs commands on what everyone's examples hold; each must have its reply.
fn check(dialogue: &[(&str, &str)]) -> Store {
    let store = Store::new(1 << 24);
    let places = "GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";
    assert_eq!(run(&store, places), ":2");
    assert_eq!(run(&store, "SET str x"), "+OK");
    for (command, expected) in dialogue {
        assert_eq!(run(&store, command), *expected, "{command}");
    }
    store
}

/// Members with their scores, which a rebuild tells exactly.
fn scores(store: &Store, key: &str) -> String {
    let mut session = crate::store::Session::default();
    let now = Timestamp::ZERO;
    let common = store.common.clone();
    let mut call = crate::store::call::Call {
        now,
        args: &[],
        session: &mut session,
        space: &mut Locked::new(store, Shards::all(1)),
        common: &common,
    };
    let copy = call.copy(key.as_bytes()).expect("a key");
    let set = SortedSet::of(&copy.data).expect("a sorted set");
    let line = |(member, score): (&[u8], f64)| {
        format!("{} {}", String::from_utf8_lossy(member), super::format_f64(score))
    };
    set.iter().map(line).collect::<Vec<_>>().join(" ")
}

#[test]
fn places_are_added_as_scores() {
    let wrong_pair = "-ERR invalid longitude,latitude pair 200.000000,1.000000";
    let store = check(&[
        ("GEOADD str 1 2 a 3", SYNTAX),
        ("GEOADD str 1 2 a", WRONG_TYPE),
        ("GEOADD str x 2 a", NOT_A_FLOAT),
        ("GEOADD g 1e400 2 a", NOT_A_FLOAT),
        ("GEOADD g 1e-400 2 a", NOT_A_FLOAT),
        ("GEOADD g nan 2 a", NOT_A_FLOAT),
        ("GEOADD g inf 2 a", "-ERR invalid longitude,latitude pair inf,2.000000"),
        ("GEOADD g 1 2 a 200 1 b", wrong_pair),
        ("GEOADD g NX XX 1 90 a", SYNTAX),
        ("GEOADD g NX CH NX", SYNTAX),
        ("GEOADD g FOO 1 2 3", SYNTAX),
        ("EXISTS g", ":0"),
        ("GEOADD g XX 1 4 b", ":0"),
        ("EXISTS g", ":0"),
        ("GEOADD g CH 1 2 a", ":1"),
        ("GEOADD g 1 2 a", ":0"),
        ("GEOADD g 1 3 a", ":0"),
        ("GEOADD g ch 1 2 a 1 2 b", ":2"),
        ("GEOADD g NX 1 4 a", ":0"),
        ("GEOADD g XX CH 1 4 a 1 4 c", ":1"),
        ("GEOPOS g a c", "[[0.99999994039535522 3.99999910393250957] nil-array]"),
    ]);
    assert_eq!(scores(&store, "Sicily"), "Palermo 3479099956230698 Catania 3479447370796909");
    let batch = store.next_batch(Timestamp::ZERO, 1).expect("the places");
    let command: Vec<_> =
        batch.commands[0].iter().map(|arg| String::from_utf8_lossy(arg)).collect();
    assert_eq!(command.join(" "), "ZADD Sicily 3479099956230698 Palermo 3479447370796909 Catania");
}

#[test]
fn places_are_told_in_the_digits_of_redis() {
    check(&[
        ("GEOPOS Sicily Palermo nos", "[[13.36138933897018433 38.11555639549629859] nil-array]"),
        ("GEOPOS nos Palermo", "[nil-array]"),
        ("GEOPOS Sicily", "[]"),
        ("GEOPOS str a", WRONG_TYPE),
        ("GEOHASH Sicily Palermo nos Catania", "[sqc8b49rny0 nil sqdtr74hyu0]"),
        ("GEOHASH nos Palermo", "[nil]"),
        ("GEOHASH str a", WRONG_TYPE),
        ("GEODIST Sicily Palermo Catania", "166274.1516"),
        ("GEODIST Sicily Palermo Catania KM", "166.2742"),
        ("GEODIST Sicily Palermo Catania ft", "545518.8700"),
        ("GEODIST Sicily Palermo Catania mi", "103.3182"),
        ("GEODIST Sicily Palermo nos", "nil"),
        ("GEODIST nos a b", "nil"),
        ("GEODIST nos a b km m", SYNTAX),
        ("GEODIST str a b foo", UNIT),
        ("GEODIST str a b", WRONG_TYPE),
    ]);
    let store = Store::new(1 << 20);
    let mut session = store.open(Timestamp::ZERO);
    session.protocol = 3;
    let now = Timestamp::ZERO;
    store.serve(now, &mut session, &["GEOADD", "g", "13.361389", "38.115556", "a"]);
    let crate::store::Answer::Replies(replies) =
        store.serve(now, &mut session, &["GEOPOS", "g", "a"])
    else {
        panic!("no replies");
    };
    let place = [13.361_389_338_970_184, 38.115_556_395_496_3].map(Value::Double);
    assert_eq!(replies, [Value::Array([Value::Array(place.into())].into())]);
}

#[test]
fn a_radius_finds_places_in_the_order_of_redis() {
    check(&[
        ("GEORADIUS Sicily 15 37 200 km", "[Palermo Catania]"),
        ("GEORADIUS Sicily 15 37 inf km", "[Palermo Catania]"),
        ("GEORADIUS Sicily 15 37 0 km", "[]"),
        ("GEORADIUS Sicily 15 37 100 km", "[Catania]"),
        (
            "GEORADIUS Sicily 15 37 200 km WITHDIST WITHCOORD WITHHASH",
            "[[Palermo 190.4424 :3479099956230698 [13.36138933897018433 38.11555639549629859]] \
             [Catania 56.4413 :3479447370796909 [15.08726745843887329 37.50266842333162032]]]",
        ),
        ("GEORADIUS Sicily 15 37 200 km COUNT 1", "[Catania]"),
        ("GEORADIUS Sicily 15 37 200 km COUNT 1 ANY", "[Palermo]"),
        (
            "GEORADIUS Sicily 15 37 200 km WITHDIST DESC ASC",
            "[[Catania 56.4413] [Palermo 190.4424]]",
        ),
        ("GEORADIUS_RO Sicily 15 37 200 km DESC", "[Palermo Catania]"),
        ("GEORADIUSBYMEMBER Sicily Palermo 1 km", "[Palermo]"),
        ("GEORADIUSBYMEMBER_RO Sicily Palermo 200 km DESC", "[Catania Palermo]"),
        ("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km BYRADIUS 3 km", "[]"),
        (
            "GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
            "[[Catania 56.4413] [Palermo 190.4424]]",
        ),
        ("GEOSEARCH Sicily FROMMEMBER Catania BYBOX 200 400 km", "[Catania]"),
    ]);
}

#[test]
fn a_radius_is_checked_in_the_order_of_redis() {
    check(&[
        ("GEORADIUS str x 37 200 km", WRONG_TYPE),
        ("GEORADIUS nos 15 x 1 km", NOT_A_FLOAT),
        ("GEORADIUS nos 15 97 x km", "-ERR invalid longitude,latitude pair 15.000000,97.000000"),
        ("GEORADIUS nos 15 37 x foo", "-ERR need numeric radius"),
        ("GEORADIUS nos 15 37 -1 foo", "-ERR radius cannot be negative"),
        ("GEORADIUS nos 15 37 1 foo", UNIT),
        ("GEORADIUS nos 15 37 1 km COUNT 0", "-ERR COUNT must be > 0"),
        ("GEORADIUS nos 15 37 1 km COUNT x", "-ERR value is not an integer or out of range"),
        ("GEORADIUS nos 15 37 1 km COUNT", SYNTAX),
        ("GEORADIUS nos 15 37 1 km ANY", "-ERR the ANY argument requires COUNT argument"),
        (
            "GEORADIUS nos 15 37 1 km STORE d WITHDIST",
            "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD \
             options",
        ),
        ("GEORADIUS_RO Sicily 15 37 1 km STORE d", SYNTAX),
        ("GEORADIUS nos 15 37 1 km WITHDIST", "[]"),
        ("GEORADIUSBYMEMBER Sicily nos x km", "-ERR could not decode requested zset member"),
        ("GEORADIUSBYMEMBER nos nos x foo", "[]"),
        ("GEORADIUSBYMEMBER nos nos x foo COUNT", SYNTAX),
    ]);
}

#[test]
fn a_search_is_checked_in_the_order_of_redis() {
    let center = "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geoSearch";
    let shape = "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH";
    let member = "-ERR could not decode requested zset member";
    let lacks_with = "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD \
                      options";
    let negative = "-ERR height or width cannot be negative";
    check(&[
        ("geoSearch nos BYBOX 400 400 km ASC", center),
        ("GEOSEARCH nos FROMLONLAT 15 37 ASC WITHDIST", shape),
        ("GEOSEARCH Sicily FROMMEMBER nos BYBOX 4 4 foo", member),
        ("GEOSEARCH nos FROMMEMBER nos BYBOX 4 4 km", "[]"),
        ("GEOSEARCH nos FROMLONLAT 15 37 FROMMEMBER x BYBOX 4 4 km", SYNTAX),
        ("GEOSEARCH nos FROMMEMBER x FROMLONLAT 15 37 BYBOX 4 4 km", SYNTAX),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYBOX 4 4 km BYRADIUS 1 km", SYNTAX),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYRADIUS 1 km BYBOX 4 4 km", SYNTAX),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYBOX x -4 foo", "-ERR need numeric width"),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYBOX -4 x foo", "-ERR need numeric height"),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYBOX -4 4 foo", negative),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYBOX 4 -4 foo", negative),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYBOX 4 4 foo", UNIT),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYRADIUS 4 km STOREDIST", SYNTAX),
        ("GEOSEARCH nos FROMLONLAT 15 37 BYRADIUS 4 km STORE d", SYNTAX),
        ("GEOSEARCHSTORE d nos FROMLONLAT 15 37 BYBOX 4 4 km STORE f", SYNTAX),
        ("GEOSEARCHSTORE d nos FROMLONLAT 15 37 BYBOX 4 4 km WITHDIST", lacks_with),
    ]);
}

#[test]
fn what_was_found_is_stored() {
    let store = check(&[("GEORADIUS Sicily 15 37 200 km STORE d", ":2")]);
    assert_eq!(scores(&store, "d"), scores(&store, "Sicily"));
    assert_eq!(run(&store, "GEORADIUS Sicily 15 37 200 km STOREDIST str"), ":2");
    let distances = "Catania 56.441257870158204 Palermo 190.44242984775784";
    assert_eq!(scores(&store, "str"), distances);
    let search = "GEOSEARCHSTORE d Sicily FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST COUNT 1";
    assert_eq!(run(&store, search), ":1");
    assert_eq!(scores(&store, "d"), "Catania 56.441257870158204");
    assert_eq!(run(&store, "GEOSEARCHSTORE d nos FROMMEMBER q BYBOX 4 4 km"), ":0");
    assert_eq!(run(&store, "EXISTS d"), ":0");
    assert_eq!(run(&store, "GEORADIUS Sicily 0 0 1 km STORE str"), ":0");
    assert_eq!(run(&store, "EXISTS str"), ":0");
}
