//! Commands about the connection.

use super::Handler;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("ECHO", |call| Ok(Value::bulk(call.arg(1)))),
    ("PING", |call| match call.args {
        [_] => Ok(Value::Simple("PONG".into())),
        [_, message] => Ok(Value::bulk(*message)),
        _ => Err(super::wrong_arity("ping")),
    }),
];
