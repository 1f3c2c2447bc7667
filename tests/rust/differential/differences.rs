//! What may differ between the store and a redis-server 7.0, and why. Anything else is a fault.

use outlast_core::Value;

/// Replies whose order is that of Redis' hash table: they are compared sorted.
const UNORDERED: &[&str] =
    &["COMMAND", "KEYS", "SMEMBERS", "SINTER", "SUNION", "SDIFF", "SSCAN", "SPOP", "SCAN"];

/// Replies that tell how long something lasts: the two sides ask a few milliseconds apart.
const TIMED: &[(&str, i64)] =
    &[("TTL", 1), ("PTTL", 2_000), ("EXPIRETIME", 1), ("PEXPIRETIME", 2_000), ("OBJECT", 2)];

/// Whether these replies to a command count as the same.
pub(crate) fn are_allowed(command: &[Vec<u8>], expected: &Value, found: &Value) -> bool {
    if expected == found {
        return true;
    }
    let name = command.first().map(|name| String::from_utf8_lossy(name).to_uppercase());
    let name = name.unwrap_or_default();
    // What a cursor means that was never given out depends on Redis' own hash table. Both must
    // answer with a cursor and keys; an error on one side only is a fault.
    let cursor = command.get(1).map_or(&b""[..], Vec::as_slice);
    if name == "SCAN" && cursor != b"0" {
        return is_scan_step(expected) && is_scan_step(found);
    }
    // How a string is kept depends in Redis on how it was made; here only on what it holds.
    let is_string = |value: &Value| matches!(value, Value::Bulk(name) if matches!(name.as_slice(), b"int" | b"embstr" | b"raw"));
    if name == "OBJECT" && is_string(expected) && is_string(found) {
        return true;
    }
    // A set that is not to be sorted comes in the order of Redis' hash table.
    let by_constant =
        |pair: &[Vec<u8>]| pair[0].eq_ignore_ascii_case(b"BY") && !pair[1].contains(&b'*');
    let is_set_unsorted = name == "SORT"
        && command.get(1).is_some_and(|key| key == b"o3")
        && command.windows(2).any(by_constant);
    if is_set_unsorted || UNORDERED.contains(&name.as_str()) {
        return sorted(expected) == sorted(found);
    }
    let apart = TIMED.iter().find(|(timed, _)| *timed == name).map(|(_, apart)| *apart);
    match (expected, found, apart) {
        (Value::Integer(expected), Value::Integer(found), Some(apart)) => {
            *expected >= 0 && *found >= 0 && expected.abs_diff(*found) <= apart.unsigned_abs()
        }
        _ => false,
    }
}

fn is_scan_step(value: &Value) -> bool {
    matches!(value, Value::Array(items) if matches!(items[..], [Value::Bulk(_), Value::Array(_)]))
}

/// The reply with the elements of its lists in one order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(|item| format!("{item:?}"));
            Value::Array(items)
        }
        value => value.clone(),
    }
}
