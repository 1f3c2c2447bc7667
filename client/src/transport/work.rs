//! What a caller hands in at once: a command, or a transaction.

use outlast_core::command::Traits;
use outlast_core::connection::Connection;
use outlast_core::{Error, Failure, Timestamp, Value};

use super::batch::Batch;
use super::told::{Settlement, Submission};
use crate::gate::{Came, Gate, Settled, Unanswered, doubted, into_result, name_of};

/// What is handed in at once.
#[derive(Debug)]
pub(crate) enum Work {
    /// Its name and arguments, what is known of such a command, and whether it is a write that an
    /// earlier connection may have carried.
    Command { args: Vec<Vec<u8>>, traits: Traits, in_doubt: bool },
    /// What stands between MULTI and EXEC, the replies that have come, and the same.
    Transaction { commands: Vec<Vec<Vec<u8>>>, replies: Vec<Value>, in_doubt: bool },
    /// Commands, each on its own.
    Pipeline(Box<Batch>),
}

/// How work ended.
#[derive(Debug)]
pub(crate) enum Ended {
    One(Result<Value, Error>),
    Each(Vec<Result<Value, Error>>),
}

/// The connection of work is gone, or its time is over.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) failure: Failure,
    /// Whether its last command had left, or begun to.
    pub(crate) maybe_done: bool,
    /// How many of its commands without a reply had.
    pub(crate) sent: usize,
}

impl Work {
    /// A command; refused if no shared connection can carry it.
    pub(crate) fn command(args: Vec<Vec<u8>>) -> Result<Self, Error> {
        let traits = Gate::check(&args)?;
        Ok(Self::Command { args, traits, in_doubt: false })
    }

    /// A transaction, likewise.
    pub(crate) fn transaction(commands: Vec<Vec<Vec<u8>>>) -> Result<Self, Error> {
        Gate::check_transaction(&commands)?;
        Ok(Self::Transaction { commands, replies: Vec::new(), in_doubt: false })
    }

    /// Bytes of its names and arguments.
    pub(crate) fn bytes(&self) -> usize {
        let bytes_of = |args: &Vec<Vec<u8>>| args.iter().map(Vec::len).sum::<usize>();
        match self {
            Self::Command { args, .. } => bytes_of(args),
            Self::Transaction { commands, .. } => commands.iter().map(bytes_of).sum(),
            Self::Pipeline(batch) => batch.bytes(),
        }
    }

    /// For how many it counts of those that may wait at once.
    pub(crate) fn weight(&self) -> usize {
        if let Self::Pipeline(batch) = self { batch.open() } else { 1 }
    }

    /// Sends it; the numbers of its first and its last command on the connection.
    pub(crate) fn send(&mut self, connection: &mut Connection, deadline: Timestamp) -> (u64, u64) {
        match self {
            Self::Command { args, .. } => {
                let number = connection.send(args, deadline);
                (number, number)
            }
            Self::Transaction { commands, replies, .. } => {
                replies.clear();
                let first = connection.send(&["MULTI"], deadline);
                for args in commands {
                    connection.send(args, deadline);
                }
                (first, connection.send(&["EXEC"], deadline))
            }
            Self::Pipeline(batch) => batch.send(connection, deadline),
        }
    }

    /// Takes a reply that is not the last one.
    pub(crate) fn keep(&mut self, gate: &Gate, came: &Came, reply: Value) {
        match self {
            Self::Command { .. } => {}
            Self::Transaction { replies, .. } => replies.push(reply),
            Self::Pipeline(batch) => batch.keep(gate, came, reply),
        }
    }

    /// The last reply came. How it ended; none where it has to be sent once more.
    pub(crate) fn replied(&mut self, gate: &Gate, came: &Came, reply: Value) -> Option<Ended> {
        let replied = match self {
            Self::Command { args, .. } => gate.replied_so(args, came, reply),
            Self::Transaction { commands, replies, .. } => {
                let mut replies = std::mem::take(replies);
                replies.push(reply);
                gate.transacted(commands, came, replies)
            }
            Self::Pipeline(batch) => {
                batch.keep(gate, came, reply);
                return batch.replied(gate, came).map(Ended::Each);
            }
        };
        match replied {
            Ok(value) => Some(self.one(Ok(value))),
            Err(unanswered) => self.settle(gate, came, *unanswered),
        }
    }

    /// Its answer from memory; none if Redis is back.
    pub(crate) fn serve(&mut self, gate: &Gate) -> Option<Ended> {
        let result = match self {
            Self::Command { args, traits, .. } => gate.serve(args, *traits, true),
            Self::Transaction { commands, .. } => gate.serve_transaction(commands, true),
            Self::Pipeline(batch) => return batch.serve(gate).map(Ended::Each),
        };
        result.map(|result| self.one(result))
    }

    /// It was sent, and not answered. How it ended; none where it has to be sent once more.
    pub(crate) fn lost(&mut self, gate: &Gate, came: &Came, lost: Lost) -> Option<Ended> {
        if let Self::Pipeline(batch) = self {
            return batch.lost(gate, came, &lost).map(Ended::Each);
        }
        let Lost { failure, maybe_done, .. } = lost;
        self.settle(gate, came, Unanswered { failure, maybe_done })
    }

    fn settle(&mut self, gate: &Gate, came: &Came, unanswered: Unanswered) -> Option<Ended> {
        let settled = match self {
            Self::Command { args, .. } => gate.settle(args, came.epoch, unanswered),
            Self::Transaction { commands, .. } => {
                gate.settle_transaction(commands, came.epoch, unanswered)
            }
            Self::Pipeline(_) => return None,
        };
        match settled {
            Settled::Ended(result) => Some(self.one(result)),
            Settled::Again { in_doubt: again } => {
                if let Self::Command { in_doubt, .. } | Self::Transaction { in_doubt, .. } = self {
                    *in_doubt |= again;
                }
                None
            }
        }
    }

    /// It never got to Redis in time.
    pub(crate) fn overdue(&mut self, gate: &Gate) -> Ended {
        let result = match self {
            Self::Command { args, traits, .. } => gate.overdue(args, *traits),
            Self::Transaction { commands, .. } => gate.overdue_transaction(commands),
            Self::Pipeline(batch) => return Ended::Each(batch.overdue(gate)),
        };
        self.one(result)
    }

    /// It ends with this error.
    pub(crate) fn fail(&mut self, error: Error) -> Ended {
        match self {
            Self::Pipeline(batch) => Ended::Each(batch.fail(&error)),
            Self::Command { .. } | Self::Transaction { .. } => self.one(Err(error)),
        }
    }

    /// The end of what is one.
    fn one(&self, result: Result<Value, Error>) -> Ended {
        let (name, in_doubt) = match self {
            Self::Command { args, in_doubt, .. } => (args.as_slice(), *in_doubt),
            Self::Transaction { in_doubt, .. } => ([].as_slice(), *in_doubt),
            Self::Pipeline(_) => ([].as_slice(), false),
        };
        let what = || match name {
            [] => "the transaction".to_owned(),
            args => name_of(args),
        };
        Ended::One(doubted(what, in_doubt, result.and_then(into_result)))
    }
}

impl Ended {
    pub(crate) fn settlement(self, command: u64) -> Settlement {
        match self {
            Self::One(result) => Settlement { command, result, parts: Vec::new() },
            Self::Each(parts) => Settlement { command, result: Ok(Value::Nil), parts },
        }
    }

    pub(crate) fn submission(self) -> Submission {
        match self {
            Self::One(result) => Submission::Settled(result),
            Self::Each(parts) => Submission::SettledEach(parts),
        }
    }
}
