//! One reply out of those of several masters.

use alloc::vec;
use alloc::vec::Vec;

use super::Part;
use crate::command::Docs;
use crate::resp::Value;

/// How the replies to the parts of a command become one:
/// <https://redis.io/docs/latest/develop/reference/command-tips/>. An error reply to any part is the
/// reply to all, the first in their order, unless one success is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Join {
    /// Lists of which each item belongs to a key, in the order in which the caller named the keys.
    InOrder,
    /// Lists, one after the other.
    Lists,
    /// The sum of numbers.
    Sum,
    /// The smallest of numbers.
    Min,
    /// Lists of truths: true where all say so.
    And,
    /// Any one of them, for all are alike.
    AllSucceeded,
    /// The first that is no error.
    OneSucceeded,
}

impl Join {
    /// What the documentation of a command asks for; none where it says nothing that a client could do.
    pub(super) fn of(docs: Docs) -> Option<Self> {
        let policy = docs.tips().find_map(|tip| tip.strip_prefix("response_policy:"));
        match policy {
            None => Some(Self::Lists),
            Some("agg_sum") => Some(Self::Sum),
            Some("agg_min") => Some(Self::Min),
            Some("agg_logical_and") => Some(Self::And),
            Some("all_succeeded") => Some(Self::AllSucceeded),
            Some("one_succeeded") => Some(Self::OneSucceeded),
            Some(_) => None,
        }
    }

    /// The reply of all. `parts` are those that the replies are to, where the command was divided by
    /// its keys, and empty where each master had all of it.
    pub fn join(self, parts: &[Part], replies: Vec<Value>) -> Value {
        let is_error = |reply: &Value| reply.as_error().is_some();
        let wanted =
            replies.iter().position(|reply| is_error(reply) != (self == Self::OneSucceeded));
        match wanted {
            Some(at) => return replies.into_iter().nth(at).unwrap_or(Value::Nil),
            None if matches!(self, Self::OneSucceeded | Self::AllSucceeded) => {
                return replies.into_iter().next().unwrap_or(Value::Nil);
            }
            None => {}
        }
        match self {
            Self::Sum => Value::Integer(integers(&replies).sum()),
            Self::Min => Value::Integer(integers(&replies).min().unwrap_or_default()),
            Self::And => all_true(replies),
            Self::InOrder => in_order(parts, replies),
            Self::Lists => Value::Array(replies.into_iter().flat_map(items).collect()),
            Self::AllSucceeded | Self::OneSucceeded => Value::Nil,
        }
    }
}

fn integers(replies: &[Value]) -> impl Iterator<Item = i64> {
    replies.iter().map(|reply| if let Value::Integer(number) = reply { *number } else { 0 })
}

fn items(reply: Value) -> Vec<Value> {
    if let Value::Array(items) | Value::Set(items) = reply { items } else { Vec::new() }
}

fn all_true(replies: Vec<Value>) -> Value {
    let mut replies = replies.into_iter().map(items);
    let mut all = replies.next().unwrap_or_default();
    for other in replies {
        for (mine, theirs) in all.iter_mut().zip(other) {
            if matches!(theirs, Value::Integer(0) | Value::Boolean(false)) {
                *mine = theirs;
            }
        }
    }
    Value::Array(all)
}

fn in_order(parts: &[Part], replies: Vec<Value>) -> Value {
    let keys = parts.iter().map(|part| part.places.len()).sum();
    let mut all = vec![Value::Nil; keys];
    for (part, reply) in parts.iter().zip(replies) {
        for (place, item) in part.places.iter().zip(items(reply)) {
            if let Some(mine) = all.get_mut(*place) {
                *mine = item;
            }
        }
    }
    Value::Array(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: &[i64]) -> Value {
        Value::Array(numbers.iter().copied().map(Value::Integer).collect())
    }

    #[test]
    fn replies_become_one() {
        let both = |one, other| vec![one, other];
        let integer = Value::Integer;
        for (join, replies, wanted) in [
            (Join::Sum, both(integer(2), integer(3)), integer(5)),
            (Join::Min, both(integer(2), integer(1)), integer(1)),
            (Join::And, both(numbers(&[1, 0, 1]), numbers(&[1, 1, 0])), numbers(&[1, 0, 0])),
            (Join::Lists, both(numbers(&[1]), numbers(&[2, 3])), numbers(&[1, 2, 3])),
            (Join::AllSucceeded, both(Value::ok(), Value::ok()), Value::ok()),
            (Join::Sum, vec![], integer(0)),
        ] {
            assert_eq!(join.join(&[], replies), wanted, "{join:?}");
        }
        let part = |slot, places: &[usize]| Part { slot, places: places.to_vec(), step: 1 };
        let parts = [part(1, &[0, 2]), part(2, &[1])];
        let replies = both(numbers(&[10, 12]), numbers(&[11]));
        assert_eq!(Join::InOrder.join(&parts, replies), numbers(&[10, 11, 12]));
    }

    #[test]
    fn an_error_is_the_reply_unless_one_success_is_enough() {
        let error = || Value::Error("ERR no".into());
        for join in [Join::Sum, Join::InOrder, Join::Lists, Join::AllSucceeded, Join::And] {
            assert_eq!(join.join(&[], vec![Value::ok(), error()]), error(), "{join:?}");
        }
        assert_eq!(Join::OneSucceeded.join(&[], vec![error(), Value::ok()]), Value::ok());
        assert_eq!(Join::OneSucceeded.join(&[], vec![error(), error()]), error());
    }
}
