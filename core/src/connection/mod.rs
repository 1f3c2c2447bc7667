//! One connection without its socket: commands in, bytes out; bytes in, replies out.
//!
//! The thread that waits for the socket anyway drives it: it writes [`unsent`](Connection::unsent)
//! bytes, hands in what it read and takes [events](Connection::next_event).

mod handshake;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

pub use handshake::{Credentials, Handshake, Identity, Introduction, Protocol, Step};

use crate::resp::{Limits, Parser, ProtocolError, Value, encode_command};
use crate::time::Timestamp;

/// What came over the connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The reply to a command.
    Reply {
        /// The number that [`Connection::send`] gave.
        command: u64,
        /// The reply.
        value: Value,
    },
    /// A message that is no reply.
    Push {
        /// Its parts.
        parts: Vec<Value>,
    },
}

/// A command that ended without its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unanswered {
    /// The number that [`Connection::send`] gave.
    pub command: u64,
    /// Whether any of its bytes left: if not, Redis cannot have done it.
    pub sent: bool,
}

/// A command that waits for its reply.
#[derive(Debug)]
struct Slot {
    command: u64,
    deadline: Timestamp,
    /// Where its bytes begin in the stream.
    begin: u64,
    /// False once its caller was told that it takes too long or that it was cancelled: the reply
    /// is then read and dropped, so that no other caller gets it.
    awaited: bool,
}

/// RESP over a stream of bytes, with pipelining, deadlines and limits.
#[derive(Debug)]
pub struct Connection {
    parser: Parser,
    out: Vec<u8>,
    /// Bytes of the stream that the socket took.
    written: u64,
    /// Bytes of `out` that the socket took.
    taken: usize,
    in_flight: VecDeque<Slot>,
    /// Slots at the front that nobody awaits any more: looking for a deadline begins behind them.
    given_up: usize,
    next_command: u64,
}

impl Connection {
    /// A connection with these limits on replies.
    pub const fn new(limits: Limits) -> Self {
        Self {
            parser: Parser::new(limits),
            out: Vec::new(),
            written: 0,
            taken: 0,
            in_flight: VecDeque::new(),
            given_up: 0,
            next_command: 0,
        }
    }

    /// Adds a command to what is to be written; its number, for the events. Deadlines must not
    /// decrease from one command to the next: one policy gives all the same time.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A], deadline: Timestamp) -> u64 {
        let begin = self.stream_end();
        encode_command(args, &mut self.out);
        self.push_slot(begin, deadline)
    }

    /// As [`send`](Self::send), for a command that is encoded already.
    pub fn send_encoded(&mut self, command: &[u8], deadline: Timestamp) -> u64 {
        let begin = self.stream_end();
        self.out.extend_from_slice(command);
        self.push_slot(begin, deadline)
    }

    /// The bytes that the socket has not taken yet.
    pub fn unsent(&self) -> &[u8] {
        &self.out[self.taken..]
    }

    /// The socket took the first `bytes` of [`unsent`](Self::unsent).
    pub fn sent(&mut self, bytes: usize) {
        self.written += bytes as u64;
        self.taken = (self.taken + bytes).min(self.out.len());
        // A socket that never takes everything must not keep what it took.
        if self.taken > self.out.len() / 2 {
            self.out.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Takes bytes as they came.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.parser.feed(bytes);
    }

    /// The next reply or message, if its last byte has come.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`] for bytes that are no reply, or a reply that nobody asked for. Close the
    /// connection then: a shifted reply must never reach another caller.
    pub fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        while let Some(value) = self.parser.next_reply()? {
            if let Value::Push(parts) = value {
                return Ok(Some(Event::Push { parts }));
            }
            // A server answers no command of which it has seen nothing; it may say why it refuses us.
            let is_refusal = matches!(value, Value::Error(_));
            let is_asked = |slot: &Slot| slot.begin < self.written || is_refusal;
            if !self.in_flight.front().is_some_and(is_asked) {
                return Err(ProtocolError("the server sent a reply nobody asked for".into()));
            }
            let Some(slot) = self.in_flight.pop_front() else { continue };
            self.given_up = self.given_up.saturating_sub(1);
            if slot.awaited {
                return Ok(Some(Event::Reply { command: slot.command, value }));
            }
        }
        Ok(None)
    }

    /// Commands that were sent and not answered, those nobody awaits any more included.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether nothing is under way in either direction.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.out.is_empty() && self.parser.is_idle()
    }

    /// The deadline that comes first.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.in_flight
            .iter()
            .skip(self.given_up)
            .find(|slot| slot.awaited)
            .map(|slot| slot.deadline)
    }

    /// Nobody awaits the reply of this command any more; whether any of its bytes left. A command
    /// that has ended is not there to be cancelled: that is `false`.
    pub fn cancel(&mut self, command: u64) -> bool {
        let place = self.in_flight.binary_search_by_key(&command, |slot| slot.command);
        let Some(slot) = place.ok().and_then(|place| self.in_flight.get_mut(place)) else {
            return false;
        };
        slot.awaited = false;
        slot.begin < self.written
    }

    /// The next command whose deadline has passed. Its reply is dropped when it comes.
    pub fn next_expired(&mut self, now: Timestamp) -> Option<Unanswered> {
        let written = self.written;
        while self.in_flight.get(self.given_up).is_some_and(|slot| !slot.awaited) {
            self.given_up += 1;
        }
        let slot = self.in_flight.get_mut(self.given_up)?;
        if slot.deadline > now {
            return None;
        }
        slot.awaited = false;
        self.given_up += 1;
        Some(Unanswered { command: slot.command, sent: slot.begin < written })
    }

    /// The connection is gone: every command that still awaits its reply, in order.
    pub fn fail(&mut self) -> Vec<Unanswered> {
        let written = self.written;
        let slots = core::mem::take(&mut self.in_flight);
        self.given_up = 0;
        let awaited = slots.into_iter().filter(|slot| slot.awaited);
        awaited
            .map(|slot| Unanswered { command: slot.command, sent: slot.begin < written })
            .collect()
    }

    fn stream_end(&self) -> u64 {
        self.written + self.unsent().len() as u64
    }

    fn push_slot(&mut self, begin: u64, deadline: Timestamp) -> u64 {
        let command = self.next_command;
        self.next_command += 1;
        self.in_flight.push_back(Slot { command, deadline, begin, awaited: true });
        command
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn connection() -> Connection {
        Connection::new(Limits::new(1_000))
    }

    #[test]
    fn replies_reach_their_commands_in_order() {
        let mut link = connection();
        let get = link.send(&["GET", "a"], at(10));
        let ping = link.send_encoded(b"*1\r\n$4\r\nPING\r\n", at(10));
        assert!(link.unsent().ends_with(b"PING\r\n"));
        link.sent(link.unsent().len());
        link.receive(b"$1\r\nx\r\n+PO");
        assert_eq!(
            link.next_event().unwrap(),
            Some(Event::Reply { command: get, value: Value::bulk("x") })
        );
        assert_eq!(link.next_event().unwrap(), None);
        link.receive(b"NG\r\n");
        let value = Value::Simple("PONG".into());
        assert_eq!(link.next_event().unwrap(), Some(Event::Reply { command: ping, value }));
        assert!(link.is_idle());
    }

    #[test]
    fn a_late_reply_reaches_nobody() {
        let mut link = connection();
        let late = link.send(&["GET", "a"], at(10));
        let next = link.send(&["GET", "b"], at(20));
        link.sent(link.unsent().len());
        assert_eq!(link.next_expired(at(9)), None);
        assert_eq!(link.next_expired(at(10)), Some(Unanswered { command: late, sent: true }));
        assert_eq!(link.next_expired(at(10)), None);
        assert_eq!(link.next_deadline(), Some(at(20)));
        link.receive(b"$1\r\na\r\n$1\r\nb\r\n");
        let value = Value::bulk("b");
        assert_eq!(link.next_event().unwrap(), Some(Event::Reply { command: next, value }));
    }

    #[test]
    fn a_cancelled_command_keeps_its_place() {
        let mut link = connection();
        let first = link.send(&["GET", "a"], at(10));
        let second = link.send(&["GET", "b"], at(10));
        assert!(!link.cancel(99), "there is none");
        assert!(!link.cancel(first), "no byte of it left");
        link.sent(1);
        assert!(link.cancel(first));
        link.sent(link.unsent().len());
        link.receive(b"+a\r\n+b\r\n");
        let value = Value::Simple("b".into());
        assert_eq!(link.next_event().unwrap(), Some(Event::Reply { command: second, value }));
    }

    #[test]
    fn what_never_left_is_known_not_to_be_done() {
        let mut link = connection();
        let left = link.send(&["INCR", "a"], at(10));
        let cut = link.send(&["INCR", "a"], at(10));
        let kept = link.send(&["INCR", "a"], at(10));
        let one = link.unsent().len() / 3;
        link.sent(one + 1);
        assert_eq!(
            link.fail(),
            vec![
                Unanswered { command: left, sent: true },
                Unanswered { command: cut, sent: true },
                Unanswered { command: kept, sent: false },
            ]
        );
    }

    #[test]
    fn a_reply_nobody_asked_for_is_an_anomaly() {
        let mut link = connection();
        link.receive(b"+OK\r\n");
        assert!(link.next_event().is_err());
        // As little as one for a command that is still to be sent: it is that of another.
        let mut link = connection();
        let waits = link.send(&["GET", "a"], at(10));
        link.receive(b"$5\r\nother\r\n");
        assert!(link.next_event().is_err());
        assert_eq!(link.fail(), vec![Unanswered { command: waits, sent: false }]);
        // Who is refused is told so before it has said anything.
        let mut link = connection();
        let refused = link.send(&["HELLO", "3"], at(10));
        link.receive(b"-ERR max number of clients reached\r\n");
        let event = link.next_event().unwrap();
        assert!(matches!(event, Some(Event::Reply { command, .. }) if command == refused));
        let mut link = connection();
        link.receive(b">2\r\n+invalidate\r\n*0\r\n");
        assert!(matches!(link.next_event().unwrap(), Some(Event::Push { .. })));
    }
}
