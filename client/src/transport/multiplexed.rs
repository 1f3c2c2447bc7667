//! One connection for all tasks, run by the `redis` crate on tokio. Nothing else names its types.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use outlast_core::classify::classify_text;
use outlast_core::{Failure, FailureKind, Input, Value};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisError};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::Transport;
use crate::dial::Link;
use crate::gate::{Gate, Unanswered};

/// The connection of an epoch, once it runs.
type Running = Option<(u64, MultiplexedConnection)>;

pub(crate) struct Multiplexed {
    gate: Arc<Gate>,
    running: watch::Sender<Running>,
}

impl fmt::Debug for Multiplexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multiplexed").finish_non_exhaustive()
    }
}

impl Multiplexed {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate, running: watch::Sender::new(None) }
    }

    /// Sends a command and waits for its reply. An error reply is a value here.
    pub(crate) async fn call<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        epoch: u64,
        deadline: Instant,
    ) -> Result<Value, Unanswered> {
        let mut sent = false;
        let called = async {
            let mut connection = self.connection(epoch).await?;
            let mut command = Cmd::new();
            for arg in args {
                command.arg(arg.as_ref());
            }
            sent = true;
            match connection.send_packed_command(&command).await {
                Ok(value) => Ok(convert(value)),
                Err(error) => server_error(&error).ok_or_else(|| failure_of(&error)),
            }
        };
        let called = timeout_at(deadline.into(), called).await.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::ResponseTimeout, "no reply within the deadline"))
        });
        called.map_err(|failure| Unanswered { failure, maybe_done: sent })
    }

    /// The connection of this epoch; it is ready a moment after the mode is connected.
    async fn connection(&self, epoch: u64) -> Result<MultiplexedConnection, Failure> {
        let mut running = self.running.subscribe();
        let is_there = |running: &Running| running.as_ref().is_some_and(|(of, _)| *of >= epoch);
        let found = running.wait_for(is_there).await;
        match found.as_ref().map(|running| running.as_ref()) {
            Ok(Some((of, connection))) if *of == epoch => Ok(connection.clone()),
            _ => Err(Failure::new(FailureKind::ConnectionLost, "the connection was replaced")),
        }
    }
}

impl Transport for Multiplexed {
    fn install(&self, link: Link, epoch: u64) {
        let (gate, running) = (self.gate.clone(), self.running.clone());
        tokio::spawn(async move {
            // The link is logged in already: there is nothing left to set up.
            let info = RedisConnectionInfo::default().set_skip_set_lib_name();
            let in_flight_max = usize::try_from(gate.policy().in_flight_max).unwrap_or(usize::MAX);
            let config = AsyncConnectionConfig::new()
                .set_response_timeout(None)
                .set_concurrency_limit(in_flight_max);
            let made = MultiplexedConnection::new_with_config(&info, link.stream, config).await;
            let failure = match made {
                Ok((connection, work)) => {
                    running.send_replace(Some((epoch, connection)));
                    work.await;
                    crate::dial::closed_by_server()
                }
                Err(error) => failure_of(&error),
            };
            gate.tell(Input::ConnectionLost { epoch, failure });
        });
    }

    fn close(&self) {
        self.running.send_replace(None);
    }
}

/// An error reply, put together again as Redis worded it.
fn server_error(error: &RedisError) -> Option<Value> {
    if !matches!(error.kind(), redis::ErrorKind::Server(_) | redis::ErrorKind::Extension) {
        return None;
    }
    let code = error.code().unwrap_or("ERR");
    let message = error.detail().map_or_else(|| code.to_string(), |rest| format!("{code} {rest}"));
    Some(Value::Error(message))
}

fn failure_of(error: &RedisError) -> Failure {
    let text = error.to_string();
    let kind = if error.is_timeout() {
        FailureKind::ResponseTimeout
    } else if error.is_connection_dropped() {
        FailureKind::ConnectionLost
    } else if error.is_connection_refusal() {
        FailureKind::ConnectionRefused
    } else if error.kind() == redis::ErrorKind::Parse {
        FailureKind::ProtocolError
    } else {
        classify_text(&text)
    };
    Failure::new(kind, text)
}

fn convert(value: redis::Value) -> Value {
    let all = |values: Vec<redis::Value>| values.into_iter().map(convert).collect();
    match value {
        redis::Value::Nil => Value::Nil,
        redis::Value::Int(number) => Value::Integer(number),
        redis::Value::BulkString(bytes) => Value::Bulk(bytes),
        redis::Value::Array(values) => Value::Array(all(values)),
        redis::Value::SimpleString(text) => Value::Simple(text),
        redis::Value::Okay => Value::ok(),
        redis::Value::Map(pairs) => {
            let pairs = pairs.into_iter().map(|(key, value)| (convert(key), convert(value)));
            Value::Map(pairs.collect())
        }
        redis::Value::Attribute { data, .. } => convert(*data),
        redis::Value::Set(values) => Value::Set(all(values)),
        redis::Value::Double(number) => Value::Double(number),
        redis::Value::Boolean(truth) => Value::Boolean(truth),
        redis::Value::VerbatimString { format, text } => {
            Value::Verbatim { format: format.to_string(), text: text.into_bytes() }
        }
        redis::Value::BigNumber(digits) => {
            Value::BigNumber(String::from_utf8_lossy(&digits).into_owned())
        }
        redis::Value::Push { data, .. } => Value::Push(all(data)),
        redis::Value::ServerError(error) => {
            let code = error.code();
            let message =
                error.details().map_or_else(|| code.to_string(), |rest| format!("{code} {rest}"));
            Value::Error(message)
        }
        other => Value::Simple(format!("{other:?}")),
    }
}
