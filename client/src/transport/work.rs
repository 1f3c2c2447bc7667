//! What a caller hands in at once: a command, or a transaction.

use std::time::Instant;

use outlast_core::command::Traits;
use outlast_core::connection::Connection;
use outlast_core::{Error, Timestamp, Value};

use crate::gate::{Gate, Settled, Unanswered, into_result, name_of};

/// A command or a transaction.
#[derive(Debug)]
pub(crate) enum Work {
    /// Its name and arguments, and what is known of such a command.
    Command { args: Vec<Vec<u8>>, traits: Traits },
    /// What stands between MULTI and EXEC, and the replies that have come.
    Transaction { commands: Vec<Vec<Vec<u8>>>, replies: Vec<Value> },
}

impl Work {
    /// A command; refused if no shared connection can carry it.
    pub(crate) fn command(args: Vec<Vec<u8>>) -> Result<Self, Error> {
        let traits = Gate::check(&args)?;
        Ok(Self::Command { args, traits })
    }

    /// A transaction, likewise.
    pub(crate) fn transaction(commands: Vec<Vec<Vec<u8>>>) -> Result<Self, Error> {
        Gate::check_transaction(&commands)?;
        Ok(Self::Transaction { commands, replies: Vec::new() })
    }

    /// Its name, for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Command { args, .. } => name_of(args),
            Self::Transaction { .. } => "the transaction".to_owned(),
        }
    }

    /// Bytes of its names and arguments.
    pub(crate) fn bytes(&self) -> usize {
        let bytes_of = |args: &Vec<Vec<u8>>| args.iter().map(Vec::len).sum::<usize>();
        match self {
            Self::Command { args, .. } => bytes_of(args),
            Self::Transaction { commands, .. } => commands.iter().map(bytes_of).sum(),
        }
    }

    /// Sends it; the numbers of its first and its last command on the connection.
    pub(crate) fn send(&mut self, connection: &mut Connection, deadline: Timestamp) -> (u64, u64) {
        match self {
            Self::Command { args, .. } => {
                let number = connection.send(args, deadline);
                (number, number)
            }
            Self::Transaction { commands, replies } => {
                replies.clear();
                let first = connection.send(&["MULTI"], deadline);
                for args in commands {
                    connection.send(args, deadline);
                }
                (first, connection.send(&["EXEC"], deadline))
            }
        }
    }

    /// Takes a reply that is not the last one.
    pub(crate) fn keep(&mut self, reply: Value) {
        if let Self::Transaction { replies, .. } = self {
            replies.push(reply);
        }
    }

    /// The last reply came.
    pub(crate) fn replied(
        &mut self,
        gate: &Gate,
        epoch: u64,
        reply: Value,
        began: Instant,
    ) -> Result<Value, Box<Unanswered>> {
        match self {
            Self::Command { args, .. } => gate.replied(args, epoch, reply, began),
            Self::Transaction { commands, replies } => {
                let mut replies = std::mem::take(replies);
                replies.push(reply);
                gate.transacted(commands, epoch, replies, began)
            }
        }
    }

    /// Its answer from memory; none if Redis is back.
    pub(crate) fn serve(&self, gate: &Gate) -> Option<Result<Value, Error>> {
        let result = match self {
            Self::Command { args, traits } => gate.serve(args, *traits, true),
            Self::Transaction { commands, .. } => gate.serve_transaction(commands, true),
        };
        result.map(|result| result.and_then(into_result))
    }

    /// It was sent, and not answered.
    pub(crate) fn settle(&self, gate: &Gate, epoch: u64, unanswered: Unanswered) -> Settled {
        match self {
            Self::Command { args, .. } => gate.settle(args, epoch, unanswered),
            Self::Transaction { commands, .. } => {
                gate.settle_transaction(commands, epoch, unanswered)
            }
        }
    }

    /// It never got to Redis in time.
    pub(crate) fn overdue(&self, gate: &Gate) -> Result<Value, Error> {
        let result = match self {
            Self::Command { args, traits } => gate.overdue(args, *traits),
            Self::Transaction { commands, .. } => gate.overdue_transaction(commands),
        };
        result.and_then(into_result)
    }
}
