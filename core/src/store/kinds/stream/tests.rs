use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::rng::Rng;
use crate::time::Timestamp;

const AT: Timestamp = Timestamp::from_ms(5_000);

type Model = BTreeMap<Id, Vec<Vec<u8>>>;

fn id(ms: u64, seq: u64) -> Id {
    Id { ms, seq }
}

fn pairs(rng: &mut Rng) -> Vec<Vec<u8>> {
    let names: [&[&[u8]]; 3] = [&[b"name", b"n"], &[b"other"], &[b"", b"1", b"a"]];
    let mut pairs = Vec::new();
    for name in names[usize::try_from(rng.between(0, 2)).unwrap()] {
        let len = [0, 3, 130][usize::try_from(rng.between(0, 2)).unwrap()];
        pairs.push(name.to_vec());
        pairs.push(vec![u8::try_from(rng.between(0, 255)).unwrap(); len]);
    }
    pairs
}

fn contents<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<(Id, Vec<Vec<u8>>)> {
    entries.map(|entry| (entry.id, entry.pairs().flatten().map(<[u8]>::to_vec).collect())).collect()
}

fn random_trim(rng: &mut Rng, last: u64) -> Trim {
    let keep = if rng.between(0, 1) == 0 {
        Keep::Newest(rng.between(100, 900))
    } else {
        Keep::From(id(last.saturating_sub(rng.between(50, 1_000)), 1))
    };
    Trim { keep, is_approximate: rng.between(0, 1) == 0, limit: 0 }
}

fn check_trim(stream: &Stream, model: &mut Model, trim: Trim, deleted: usize) {
    let may_go = match trim.keep {
        Keep::Newest(max) => model.len().saturating_sub(usize::try_from(max).unwrap()),
        Keep::From(from) => model.range(..from).count(),
    };
    if trim.is_approximate {
        assert!(deleted <= may_go && may_go - deleted <= 100, "{deleted} of {may_go}");
    } else {
        assert_eq!(deleted, may_go);
    }
    for _ in 0..deleted {
        model.pop_first();
    }
    assert_eq!(stream.entries().len(), model.len());
}

#[test]
fn entries_agree_with_a_map() {
    let (mut stream, mut model, mut rng) = (Stream::new(0), Model::new(), Rng::new(11));
    let (mut last, mut added) = (Id::MIN, 0);
    for _ in 0..20_000 {
        match rng.between(0, 99) {
            0..=69 => {
                last = id(last.ms + rng.between(0, 2), last.seq + rng.between(1, 3));
                let pairs = pairs(&mut rng);
                let words: Vec<&[u8]> = pairs.iter().map(Vec::as_slice).collect();
                stream.entries_mut().add(last, &words);
                model.insert(last, pairs);
                added += 1;
            }
            70..=97 => {
                let near = id(rng.between(last.ms.saturating_sub(600), last.ms), 0);
                let found = model.range(near..).next().map_or(near, |(id, _)| *id);
                assert_eq!(stream.entries_mut().delete(found), model.remove(&found).is_some());
            }
            98 => {
                let trim = random_trim(&mut rng, last.ms);
                let deleted = stream.entries_mut().trim(trim);
                check_trim(&stream, &mut model, trim, deleted);
            }
            _ => {
                let start = id(rng.between(0, last.ms), rng.between(0, last.seq));
                let end = id(rng.between(0, last.ms + 5), rng.between(0, last.seq));
                let mut expected = Vec::new();
                if start <= end {
                    expected.extend(model.range(start..=end).map(|(id, all)| (*id, all.clone())));
                }
                assert_eq!(contents(stream.entries().range(start, end)), expected);
                expected.reverse();
                assert_eq!(contents(stream.entries().range_back(start, end)), expected);
            }
        }
    }
    let entries = stream.entries();
    assert!(model.len() > 100);
    assert_eq!((entries.len(), entries.last_id(), entries.added()), (model.len(), last, added));
    assert_eq!(Some(&entries.first_id()), model.keys().next());
    assert_eq!(entries.last_entry_id().as_ref(), model.keys().next_back());
    stream.entries_mut().trim(Trim { keep: Keep::Newest(0), is_approximate: false, limit: 0 });
    assert_eq!((stream.entries().chunks(), stream.bytes()), (0, 0));
}

#[test]
fn a_chunk_has_a_hundred_entries_or_four_kilobytes() {
    let mut stream = Stream::new(0);
    for ms in 1..=1_000 {
        stream.entries_mut().add(id(ms, 0), &[b"f", b"v"]);
    }
    assert_eq!(stream.entries().chunks(), 10);
    let mut stream = Stream::new(0);
    for ms in 1..=8 {
        stream.entries_mut().add(id(ms, 0), &[b"f", &[b'x'; 1_500]]);
    }
    assert_eq!(stream.entries().chunks(), 4);
}

#[test]
fn bytes_are_those_of_the_values_and_little_more() {
    let mut stream = Stream::new(0);
    for ms in 1..=10_000 {
        stream.entries_mut().add(id(1_700_000_000_000 + ms, 0), &[b"field", b"value"]);
    }
    let by_entry = stream.bytes() / 10_000;
    assert!((8..24).contains(&by_entry), "{by_entry}");
}

#[test]
fn groups_agree_with_a_map() {
    let (mut stream, mut rng) = (Stream::new(0), Rng::new(3));
    let mut model: BTreeMap<Id, (u64, i64)> = BTreeMap::new();
    stream.create_group(b"g", Id::MIN, None);
    let empty = stream.bytes();
    for _ in 0..5_000 {
        let (at, who) = (id(rng.between(1, 300), 0), rng.between(0, 3));
        let name = alloc::format!("consumer-{who}");
        match rng.between(0, 20) {
            0..=12 => {
                let deliveries = i64::try_from(rng.between(1, 9)).unwrap();
                stream.with_group(b"g", |group, _| {
                    let (name, _) = group.see(name.as_bytes(), AT);
                    group.assign(at, &name, AT, deliveries);
                });
                model.insert(at, (who, deliveries));
            }
            13..=19 => {
                let was = stream.with_group(b"g", |group, _| group.acknowledge(at));
                assert_eq!(was, Some(model.remove(&at).is_some()));
            }
            _ => {
                let before = model.len();
                model.retain(|_, (owner, _)| *owner != who);
                let gone =
                    stream.with_group(b"g", |group, _| group.delete_consumer(name.as_bytes()));
                assert_eq!(gone.flatten().unwrap_or(0), before - model.len());
            }
        }
        let group = &stream.groups()[&b"g"[..]];
        let by_consumer: usize =
            group.consumers().values().map(|consumer| consumer.pending().len()).sum();
        assert_eq!((group.pending().len(), by_consumer), (model.len(), model.len()));
    }
    let group = &stream.groups()[&b"g"[..]];
    for (id, pending) in group.pending() {
        let (who, deliveries) = model[id];
        let name = alloc::format!("consumer-{who}");
        assert_eq!((&*pending.consumer, pending.deliveries), (name.as_bytes(), deliveries));
    }
    for who in 0..4 {
        let name = alloc::format!("consumer-{who}");
        stream.with_group(b"g", |group, _| group.delete_consumer(name.as_bytes()));
    }
    assert_eq!(stream.bytes(), empty);
    stream.destroy_group(b"g");
    assert_eq!(stream.bytes(), 0);
}

#[test]
fn a_large_stream_is_freed_bit_by_bit() {
    let mut stream = Stream::new(0);
    for ms in 1..=50_000 {
        stream.entries_mut().add(id(ms, 0), &[b"f", b"v"]);
    }
    stream.create_group(b"g", Id::MIN, None);
    stream.with_group(b"g", |group, entries| {
        let (name, _) = group.see(b"c", AT);
        for entry in entries.range(Id::MIN, id(5_000, 0)) {
            group.assign(entry.id, &name, AT, 1);
        }
    });
    let mut steps = 1;
    while !stream.drop_some(256) {
        steps += 1;
    }
    assert!((20..40).contains(&steps), "{steps}");
}

#[test]
fn rebuilding_keeps_what_is_pending_and_deleted() {
    let mut stream = Stream::new(0);
    stream.create_group(b"g", id(3, 0), Some(3));
    for ms in 1..=4 {
        stream.entries_mut().add(id(ms, 0), &[b"f", b"v"]);
    }
    stream.with_group(b"g", |group, _| {
        let (name, _) = group.see(b"c", AT);
        group.assign(id(1, 0), &name, AT, 2);
        group.assign(id(3, 0), &name, AT, 1);
    });
    stream.entries_mut().trim(Trim { keep: Keep::From(id(2, 0)), is_approximate: false, limit: 0 });
    stream.entries_mut().delete(id(3, 0));
    let commands = stream.rebuild(b"k");
    let lines: Vec<String> = commands
        .iter()
        .map(|command| String::from_utf8(command.join(&b" "[..])).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "XADD k 1-0 x y",
            "XADD k 2-0 f v",
            "XADD k 3-0 x y",
            "XADD k 4-0 f v",
            "XGROUP CREATE k g 3-0 ENTRIESREAD 3",
            "XGROUP CREATECONSUMER k g c",
            "XCLAIM k g c 0 1-0 TIME 5000 RETRYCOUNT 2 FORCE JUSTID",
            "XCLAIM k g c 0 3-0 TIME 5000 RETRYCOUNT 1 FORCE JUSTID",
            "XTRIM k MINID = 2-0",
            "XDEL k 3-0",
            "XSETID k 4-0 ENTRIESADDED 4 MAXDELETEDID 3-0",
        ]
    );
}

#[test]
fn ids_are_read_as_redis_reads_them() {
    for (text, expected) in [
        ("1-2", Some(id(1, 2))),
        ("7", Some(id(7, 9))),
        ("007-01", Some(id(7, 1))),
        ("18446744073709551615-18446744073709551615", Some(Id::MAX)),
        ("1-0", Some(id(1, 0))),
        ("1--01", Some(id(1, u64::MAX))),
        ("18446744073709551616", None),
        ("1-", None),
        ("-1", None),
        ("1--1", None),
        ("1-x", None),
        ("1-*", None),
        ("", None),
        ("-", None),
    ] {
        assert_eq!(Id::parse(text.as_bytes(), 9), expected, "{text}");
    }
    assert_eq!((Id::parse_open(b"5-*"), Id::parse_open(b"5-1")), (Some(5), None));
    assert_eq!((Id::MAX.next(), Id::MIN.previous()), (None, None));
    assert_eq!(id(1, u64::MAX).next(), Some(id(2, 0)));
}
