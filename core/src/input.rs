//! Everything that a host may tell the engine.

use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::coded::read_by_code;
use crate::kind::Failure;

/// One input of [`Engine::handle`](crate::Engine::handle). `dial` and `epoch` are the numbers that
/// the engine gave out: what is told of an older dial or connection changes nothing but counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "Stated")]
#[non_exhaustive]
pub enum Input {
    /// The application wants Redis: `connect()`, or the first command of a lazy client.
    Start,
    /// The dial ended with an answered PING.
    DialSucceeded {
        /// The number of the dial.
        dial: u64,
    },
    /// The dial ended without.
    DialFailed {
        /// The number of the dial.
        dial: u64,
        /// Why.
        failure: Failure,
    },
    /// The dial did not go out: another process of the host dials, or has found that Redis is away. It
    /// counts as no dial.
    DialHeld {
        /// The number of the dial.
        dial: u64,
        /// When to ask for it again, in milliseconds; at least 1.
        in_ms: u64,
        /// Dials in a row that failed, of all processes together.
        attempts: u32,
        /// How the last one failed, where it is known.
        failure: Option<Failure>,
    },
    /// A connection that stood is gone.
    ConnectionLost {
        /// The connection.
        epoch: u64,
        /// Why.
        failure: Failure,
    },
    /// A command on a live connection ended with a failure, its deadline included.
    CommandFailed {
        /// The connection.
        epoch: u64,
        /// Why.
        failure: Failure,
        /// Whether it wrote. A write in doubt goes to the journal, and a journal that holds
        /// something means that commands may not go to Redis before it is written back.
        write: bool,
    },
    /// Redis answered, and took at least `breaker_slow_call_ms`. The command is told in a tally, too,
    /// before this.
    CommandSlow {
        /// The connection.
        epoch: u64,
        /// Milliseconds from the call to the reply.
        took_ms: u64,
    },
    /// Commands that ended since this was last told. Hosts count them without the engine and tell
    /// the sums when they have something else to tell, or a status is asked for.
    Tally {
        /// Answered by Redis, error replies included.
        finished: u64,
        /// Answered by the store.
        served_locally: u64,
        /// Refused.
        refused: u64,
    },
    /// A batch of the journal reached Redis.
    ReplayProgressed {
        /// The connection.
        epoch: u64,
        /// Keys written back.
        replayed: u64,
        /// Keys that had changed on Redis meanwhile.
        conflicts: u64,
        /// Keys that Redis refused for good.
        refused: u64,
    },
    /// The journal is empty.
    Reconciled {
        /// The connection.
        epoch: u64,
    },
    /// The time that [`Output::Timeout`](crate::Output::Timeout) named has come.
    Timer,
    /// The application has reason to believe that Redis is there: the next dial comes now, whatever
    /// was planned.
    Redial,
    /// Redis is elsewhere from now on, without anything secret in it: that is what logs and status show.
    Moved {
        /// Where.
        endpoint: String,
    },
    /// The application closes the client.
    Close {
        /// Keys that were never written back, and now never will be.
        journal_keys: u64,
    },
}

/// Which input is stated.
#[derive(Clone, Copy, Debug)]
enum Type {
    Start,
    DialSucceeded,
    DialFailed,
    DialHeld,
    ConnectionLost,
    CommandFailed,
    CommandSlow,
    Tally,
    ReplayProgressed,
    Reconciled,
    Timer,
    Redial,
    Moved,
    Close,
}

impl Type {
    const ALL: &'static [Self] = &[
        Self::Start,
        Self::DialSucceeded,
        Self::DialFailed,
        Self::DialHeld,
        Self::ConnectionLost,
        Self::CommandFailed,
        Self::CommandSlow,
        Self::Tally,
        Self::ReplayProgressed,
        Self::Reconciled,
        Self::Timer,
        Self::Redial,
        Self::Moved,
        Self::Close,
    ];

    const fn code(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::DialSucceeded => "dial_succeeded",
            Self::DialFailed => "dial_failed",
            Self::DialHeld => "dial_held",
            Self::ConnectionLost => "connection_lost",
            Self::CommandFailed => "command_failed",
            Self::CommandSlow => "command_slow",
            Self::Tally => "tally",
            Self::ReplayProgressed => "replay_progressed",
            Self::Reconciled => "reconciled",
            Self::Timer => "timer",
            Self::Redial => "redial",
            Self::Moved => "moved",
            Self::Close => "close",
        }
    }
}

read_by_code!(Type);

/// An input as JSON states it: all fields of all types. What serde derives for a tagged enumeration
/// is four times as large, and the core has to fit into a web page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    r#type: Type,
    dial: Option<u64>,
    epoch: Option<u64>,
    failure: Option<Failure>,
    write: Option<bool>,
    took_ms: Option<u64>,
    in_ms: Option<u64>,
    attempts: Option<u32>,
    finished: Option<u64>,
    served_locally: Option<u64>,
    refused: Option<u64>,
    replayed: Option<u64>,
    conflicts: Option<u64>,
    journal_keys: Option<u64>,
    endpoint: Option<String>,
}

impl TryFrom<Stated> for Input {
    type Error = String;

    fn try_from(mut stated: Stated) -> Result<Self, String> {
        let kind = stated.r#type;
        let input = match kind {
            Type::Start => Self::Start,
            Type::DialSucceeded => {
                Self::DialSucceeded { dial: needed("dial", stated.dial.take())? }
            }
            Type::DialFailed => Self::DialFailed {
                dial: needed("dial", stated.dial.take())?,
                failure: needed("failure", stated.failure.take())?,
            },
            Type::DialHeld => Self::DialHeld {
                dial: needed("dial", stated.dial.take())?,
                in_ms: needed("in_ms", stated.in_ms.take())?,
                attempts: stated.attempts.take().unwrap_or_default(),
                failure: stated.failure.take(),
            },
            Type::ConnectionLost => Self::ConnectionLost {
                epoch: needed("epoch", stated.epoch.take())?,
                failure: needed("failure", stated.failure.take())?,
            },
            Type::CommandFailed => Self::CommandFailed {
                epoch: needed("epoch", stated.epoch.take())?,
                failure: needed("failure", stated.failure.take())?,
                write: stated.write.take().unwrap_or_default(),
            },
            Type::CommandSlow => Self::CommandSlow {
                epoch: needed("epoch", stated.epoch.take())?,
                took_ms: needed("took_ms", stated.took_ms.take())?,
            },
            Type::Tally => Self::Tally {
                finished: stated.finished.take().unwrap_or_default(),
                served_locally: stated.served_locally.take().unwrap_or_default(),
                refused: stated.refused.take().unwrap_or_default(),
            },
            Type::ReplayProgressed => Self::ReplayProgressed {
                epoch: needed("epoch", stated.epoch.take())?,
                replayed: needed("replayed", stated.replayed.take())?,
                conflicts: stated.conflicts.take().unwrap_or_default(),
                refused: stated.refused.take().unwrap_or_default(),
            },
            Type::Reconciled => Self::Reconciled { epoch: needed("epoch", stated.epoch.take())? },
            Type::Timer => Self::Timer,
            Type::Redial => Self::Redial,
            Type::Moved => Self::Moved { endpoint: needed("endpoint", stated.endpoint.take())? },
            Type::Close => {
                Self::Close { journal_keys: stated.journal_keys.take().unwrap_or_default() }
            }
        };
        match stated.left_over() {
            None => Ok(input),
            Some(field) => Err(format!("unknown field `{field}` of `{}`", kind.code())),
        }
    }
}

impl Stated {
    /// A field that its type does not have.
    fn left_over(&self) -> Option<&'static str> {
        let given = [
            ("dial", self.dial.is_some()),
            ("epoch", self.epoch.is_some()),
            ("failure", self.failure.is_some()),
            ("write", self.write.is_some()),
            ("took_ms", self.took_ms.is_some()),
            ("in_ms", self.in_ms.is_some()),
            ("attempts", self.attempts.is_some()),
            ("finished", self.finished.is_some()),
            ("served_locally", self.served_locally.is_some()),
            ("refused", self.refused.is_some()),
            ("replayed", self.replayed.is_some()),
            ("conflicts", self.conflicts.is_some()),
            ("journal_keys", self.journal_keys.is_some()),
            ("endpoint", self.endpoint.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(field, _)| field)
    }
}

fn needed<T>(field: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("missing field `{field}`"))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn read(json: &str) -> Result<Input, String> {
        serde_json::from_str(json).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn an_input_has_the_fields_of_its_type_and_no_others() {
        assert_eq!(read(r#"{"type": "timer"}"#), Ok(Input::Timer));
        assert_eq!(
            read(r#"{"dial": 3, "type": "dial_succeeded"}"#),
            Ok(Input::DialSucceeded { dial: 3 })
        );
        for (json, wanted) in [
            (r#"{"type": "dial_succeeded"}"#, "missing field `dial`"),
            (r#"{"type": "timer", "dial": 1}"#, "unknown field `dial` of `timer`"),
            (r#"{"type": "timer", "x": 1}"#, "unknown field `x`"),
            (r#"{"type": "boredom"}"#, "unknown variant `boredom`, expected one of `start`"),
            (r#"{"dial": 1}"#, "missing field `type`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(wanted), "{json}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let input = Input::ReplayProgressed { epoch: 1, replayed: 2, conflicts: 3, refused: 4 };
        assert_eq!(read(&serde_json::to_string(&input).unwrap()), Ok(input));
    }
}
