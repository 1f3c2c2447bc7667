//! SORT and `SORT_RO`: <https://redis.io/docs/latest/commands/sort/>. Texts are compared byte by byte,
//! as a server does whose locale is C.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use super::super::call::{Call, count};
use super::super::kinds::{Hash, Kind, List};
use super::super::number::parse_f64;
use super::super::session::Nesting;
use super::super::slot::{Data, Slot};
use super::super::stop::{SYNTAX, Stop, WRONG_TYPE};
use super::{Handler, hashes};
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] =
    &[("SORT", |call| sort(call, true)), ("SORT_RO", |call| sort(call, false))];

/// The options, in the words of the command.
#[derive(Default)]
struct Wanted<'a> {
    descending: bool,
    alphabetic: bool,
    /// Whether the elements stay in the order in which they are kept.
    unsorted: bool,
    by: Option<&'a [u8]>,
    /// The first element to answer, and how many; all where that is negative.
    limit: Option<(i64, i64)>,
    get: Vec<&'a [u8]>,
    store: Option<&'a [u8]>,
}

/// An element and what it is sorted by.
struct Entry {
    element: Vec<u8>,
    score: f64,
    text: Option<Vec<u8>>,
}

fn sort(call: &mut Call<'_>, may_store: bool) -> Result<Value, Stop> {
    let key = call.arg(1);
    let mut wanted = Wanted::parse(call, may_store)?;
    call.uses(key);
    let mut elements = Vec::new();
    let mut is_set = false;
    match call.slot(key) {
        None => {}
        Some(Slot::Packed(_)) => return Err(WRONG_TYPE.into()),
        Some(Slot::Object(object)) => match &object.data {
            Data::List(list) => elements.extend(list.iter().map(<[u8]>::to_vec)),
            Data::Set(set) => {
                is_set = true;
                elements.extend(set.iter().map(alloc::borrow::Cow::into_owned));
            }
            Data::SortedSet(set) => elements.extend(set.iter().map(|(member, _)| member.to_vec())),
            Data::String(_) | Data::Hash(_) | Data::Stream(_) => return Err(WRONG_TYPE.into()),
        },
    }
    let in_script = matches!(call.session.nesting, Nesting::Script { .. });
    if is_set && wanted.unsorted && (wanted.store.is_some() || in_script) {
        // A set has no order of its own, and what is kept must not depend on chance.
        wanted = Wanted { unsorted: false, alphabetic: true, by: None, ..wanted };
    }
    let range = wanted.range(elements.len());
    if wanted.unsorted {
        // A set does not know which way is up.
        if wanted.descending && !is_set {
            elements.reverse();
        }
    } else {
        elements = wanted.sorted(call, elements)?;
    }
    let elements = elements.get(range).unwrap_or_default();
    let found = wanted.fetch(call, elements);
    Ok(match wanted.store {
        Some(destination) => store(call, destination, &found),
        None => {
            Value::Array(found.into_iter().map(|v| v.map_or(Value::Nil, Value::Bulk)).collect())
        }
    })
}

/// Makes a key the list of these values, or removes it where there are none; their number.
fn store(call: &mut Call<'_>, key: &[u8], values: &[Option<Vec<u8>>]) -> Value {
    if values.is_empty() {
        if call.remove(key) {
            call.replaced(key);
        } else {
            call.forgotten(key);
        }
        return Value::Integer(0);
    }
    let mut list = List::new(call.seed());
    for value in values {
        list.push_back(value.as_deref().unwrap_or_default());
    }
    call.insert(key, list.into_data(), None);
    call.replaced(key);
    count(values.len())
}

impl<'a> Wanted<'a> {
    fn parse(call: &Call<'a>, may_store: bool) -> Result<Self, Stop> {
        let mut wanted = Self::default();
        let mut at = 2;
        while at < call.args.len() {
            let left = call.args.len() - at - 1;
            match call.option(at).as_slice() {
                b"ASC" => wanted.descending = false,
                b"DESC" => wanted.descending = true,
                b"ALPHA" => wanted.alphabetic = true,
                b"LIMIT" if left >= 2 => {
                    wanted.limit = Some((call.integer(at + 1)?, call.integer(at + 2)?));
                    at += 2;
                }
                b"STORE" if may_store && left >= 1 => {
                    wanted.store = Some(call.arg(at + 1));
                    at += 1;
                }
                b"BY" if left >= 1 => {
                    let pattern = call.arg(at + 1);
                    wanted.by = Some(pattern);
                    // One constant pattern is enough, whatever others there are.
                    wanted.unsorted |= !until_nul(pattern).contains(&b'*');
                    at += 1;
                }
                b"GET" if left >= 1 => {
                    wanted.get.push(call.arg(at + 1));
                    at += 1;
                }
                _ => return Err(SYNTAX.into()),
            }
            at += 1;
        }
        Ok(wanted)
    }

    /// The places to answer, of so many.
    fn range(&self, len: usize) -> Range<usize> {
        let (start, limit) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(start.max(0)).unwrap_or(usize::MAX).min(len);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        start..start.saturating_add(limit).min(len)
    }

    /// The elements in the order that is asked for; what compares equal stays in its order.
    fn sorted(&self, call: &mut Call<'_>, elements: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Stop> {
        let mut entries = Vec::with_capacity(elements.len());
        let mut is_number = true;
        for element in elements {
            let mut entry = Entry { element, score: 0.0, text: None };
            match (self.by, self.alphabetic) {
                (None, true) => {}
                (Some(pattern), true) => entry.text = looked_up(call, pattern, &entry.element),
                (None, false) => match score(&entry.element) {
                    Some(number) => entry.score = number,
                    None => is_number = false,
                },
                (Some(pattern), false) => {
                    if let Some(text) = looked_up(call, pattern, &entry.element) {
                        match score(&text) {
                            Some(number) => entry.score = number,
                            None => is_number = false,
                        }
                    }
                }
            }
            entries.push(entry);
        }
        if !is_number {
            return Err("ERR One or more scores can't be converted into double".into());
        }
        entries.sort_by(|one, other| {
            let order = self.compare(one, other);
            if self.descending { order.reverse() } else { order }
        });
        Ok(entries.into_iter().map(|entry| entry.element).collect())
    }

    fn compare(&self, one: &Entry, other: &Entry) -> Ordering {
        match (self.alphabetic, self.by) {
            (true, Some(_)) => self.collate(one.text.as_deref(), other.text.as_deref()),
            (true, None) => self.collate(Some(&one.element), Some(&other.element)),
            (false, _) => {
                let scores = one.score.partial_cmp(&other.score).unwrap_or(Ordering::Equal);
                scores.then_with(|| one.element.cmp(&other.element))
            }
        }
    }

    /// The order of two texts, none before any: up to where C sees their end, but to their real end
    /// where the result is kept.
    fn collate(&self, one: Option<&[u8]>, other: Option<&[u8]>) -> Ordering {
        if self.store.is_some() {
            one.cmp(&other)
        } else {
            one.map(until_nul).cmp(&other.map(until_nul))
        }
    }

    /// What GET names for each element, or the elements themselves.
    fn fetch(&self, call: &mut Call<'_>, elements: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        if self.get.is_empty() {
            return elements.iter().cloned().map(Some).collect();
        }
        let mut found = Vec::with_capacity(elements.len().saturating_mul(self.get.len()));
        for element in elements {
            for pattern in &self.get {
                found.push(looked_up(call, pattern, element));
            }
        }
        found
    }
}

/// The text up to where C sees its end.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number as SORT reads one: with `strtod`, which skips white space and takes nothing for 0, up to
/// where C sees the end.
fn score(text: &[u8]) -> Option<f64> {
    let text = until_nul(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let begin = text.iter().position(|byte| !is_space(byte))?;
    parse_f64(text.get(begin..)?).filter(|number| !number.is_subnormal())
}

/// What a pattern names for an element (`lookupKeyByPattern` of `sort.c`): the element itself, the
/// string at the key that has it in place of the first star, or the field behind `->` of the hash there.
fn looked_up(call: &mut Call<'_>, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    let shown = until_nul(pattern);
    if shown == b"#" {
        return Some(element.to_vec());
    }
    let star = shown.iter().position(|byte| *byte == b'*')?;
    let behind = star + 1;
    let arrow = shown.get(behind..)?.windows(2).position(|pair| pair == b"->");
    let arrow = arrow.map(|at| behind + at).filter(|at| at + 2 < shown.len());
    let prefix = pattern.get(..star)?;
    let postfix = pattern.get(behind..arrow.unwrap_or(pattern.len()))?;
    let key = [prefix, element, postfix].concat();
    if !call.uses(&key) {
        return None;
    }
    let Some(arrow) = arrow else {
        return call.slot(&key)?.as_string().map(<[u8]>::to_vec);
    };
    let is_hash =
        |slot: &Slot| matches!(slot, Slot::Object(object) if Hash::of(&object.data).is_some());
    if !call.slot(&key).is_some_and(is_hash) {
        return None;
    }
    let field = pattern.get(arrow + 2..)?;
    hashes::field(call, &key, field).ok()?
}

#[cfg(test)]
mod tests {
    use super::super::super::{Answer, Session, Store};
    use super::*;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);

    fn run(store: &mut Store, session: &mut Session, args: &[&str]) -> Value {
        match store.serve(NOW, session, args) {
            Answer::Replies(mut replies) => replies.pop().unwrap(),
            other @ (Answer::Blocked(_) | Answer::Refused(_)) => panic!("{args:?}: {other:?}"),
        }
    }

    fn list(elements: &[&str]) -> Value {
        Value::Array(elements.iter().map(|element| Value::bulk(*element)).collect())
    }

    /// As redis-server 7.0.15 has it.
    #[test]
    fn numbers_are_read_as_strtod_reads_them() {
        let mut store = Store::new(1 << 20);
        let mut session = store.open(NOW);
        let mut sort = |elements: &[&str]| {
            run(&mut store, &mut session, &["DEL", "l"]);
            run(&mut store, &mut session, &[&["RPUSH", "l"], elements].concat());
            run(&mut store, &mut session, &["SORT", "l"])
        };
        assert_eq!(
            sort(&["", "3", " 2", "1\0abc", "inf", "-inf", "0x10"]),
            list(&["-inf", "", "1\0abc", " 2", "3", "0x10", "inf"])
        );
        for none in ["4 ", "nan", "1e-310", "1e400", " ", "a"] {
            let expected = "ERR One or more scores can't be converted into double";
            assert_eq!(sort(&["1", none]), Value::Error(expected.into()), "{none:?}");
        }
    }

    #[test]
    fn texts_end_where_c_sees_their_end_until_they_are_stored() {
        let mut store = Store::new(1 << 20);
        let mut session = store.open(NOW);
        let mut run = |args: &[&str]| run(&mut store, &mut session, args);
        run(&["RPUSH", "l", "b\0z", "b\0a", "a"]);
        assert_eq!(run(&["SORT", "l", "ALPHA"]), list(&["a", "b\0z", "b\0a"]));
        assert_eq!(run(&["SORT", "l", "ALPHA", "STORE", "d"]), Value::Integer(3));
        assert_eq!(run(&["LRANGE", "d", "0", "-1"]), list(&["a", "b\0a", "b\0z"]));
        // The star of this pattern is behind its end, so that it is constant.
        assert_eq!(run(&["SORT", "l", "BY", "p\0*"]), list(&["b\0z", "b\0a", "a"]));
        run(&["HSET", "h_a", "f", "1", "f\0g", "2"]);
        let get = ["SORT", "l", "ALPHA", "LIMIT", "0", "1", "GET", "h_*->f\0g", "GET", "h_*->"];
        assert_eq!(run(&get), Value::Array([Value::bulk("2"), Value::Nil].into()));
    }

    #[test]
    fn a_set_that_is_not_to_be_sorted_is_where_chance_would_be_kept() {
        let mut store = Store::new(1 << 20);
        let mut session = store.open(NOW);
        run(&mut store, &mut session, &["SADD", "s", "3", "b", "a"]);
        let call = ["SORT", "s", "BY", "nosort", "DESC"];
        let stored = [&call[..], &["STORE", "d"]].concat();
        assert_eq!(run(&mut store, &mut session, &stored), Value::Integer(3));
        let kept = run(&mut store, &mut session, &["LRANGE", "d", "0", "-1"]);
        assert_eq!(kept, list(&["b", "a", "3"]));
        session.nesting = Nesting::Script { read_only: false };
        assert_eq!(run(&mut store, &mut session, &call), list(&["b", "a", "3"]));
    }

    #[test]
    fn a_field_that_expired_is_none() {
        let mut store = Store::new(1 << 20);
        let mut session = store.open(NOW);
        run(&mut store, &mut session, &["RPUSH", "l", "a"]);
        run(&mut store, &mut session, &["HSET", "h_a", "f", "1", "g", "2"]);
        run(&mut store, &mut session, &["HPEXPIRE", "h_a", "5", "FIELDS", "1", "f"]);
        let call = ["SORT", "l", "ALPHA", "GET", "h_*->f"];
        assert_eq!(run(&mut store, &mut session, &call), list(&["1"]));
        let answer = store.serve(NOW.plus_ms(6), &mut session, &call);
        assert_eq!(answer, Answer::Replies([Value::Array([Value::Nil].into())].into()));
    }

    #[test]
    fn redis_is_told_the_list_that_is_stored() {
        let store = Store::new(1 << 20);
        for (elements, expected) in
            [(Some("2"), "DEL d|RPUSH d 1 2"), (None, "DEL d"), (Some("x"), "")]
        {
            store.execute(NOW, &["DEL", "l", "d"], false).unwrap();
            if let Some(element) = elements {
                store.execute(NOW, &["RPUSH", "l", element, "1"], false).unwrap();
            }
            store.execute(NOW, &["SORT", "l", "STORE", "d"], true).unwrap();
            let batch = store.next_batch(NOW, 10).map(|batch| batch.commands).unwrap_or_default();
            store.batch_applied();
            let lines: Vec<Vec<u8>> = batch.iter().map(|args| args.join(&b' ')).collect();
            assert_eq!(lines.join(&b'|'), expected.as_bytes());
        }
    }
}
