//! Bytes to replies, in any pieces, within limits.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Value;

/// What a server may send. A reply beyond a limit ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one whole reply.
    pub reply_bytes_max: usize,
    /// Elements of one aggregate.
    pub elements_max: usize,
    /// Aggregates inside aggregates.
    pub depth_max: usize,
    /// Bytes of one line: a status, an error, a number.
    pub line_bytes_max: usize,
}

impl Limits {
    /// The limits for replies of up to `reply_bytes_max` bytes: 16 Mi elements, depth 128 and
    /// lines of 64 KiB.
    pub const fn new(reply_bytes_max: usize) -> Self {
        Self {
            reply_bytes_max,
            elements_max: 16 * 1_024 * 1_024,
            depth_max: 128,
            line_bytes_max: 64 * 1_024,
        }
    }
}

/// The bytes are not RESP, or break a limit. The connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
#[non_exhaustive]
pub struct ProtocolError(pub String);

/// Parses replies from bytes that come in pieces. Nothing is parsed twice: an aggregate whose end
/// has not come yet is kept as far as it got.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are parsed already.
    parsed: usize,
    /// Bytes of the reply under way that left the buffer.
    reply_bytes: usize,
    open: Vec<Aggregate>,
    /// A long string whose end has not come yet.
    long: Option<Long>,
}

/// A long string. It gathers where it stays, so that it is not copied again as a whole.
#[derive(Debug)]
struct Long {
    bytes: Vec<u8>,
    /// What it has with the end of its line.
    length: usize,
    /// How many of its bytes came after it was begun.
    late: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Array,
    Map,
    Set,
    Push,
    /// Out-of-band attributes: read and dropped.
    Attribute,
}

/// An aggregate that waits for more elements.
#[derive(Debug)]
struct Aggregate {
    shape: Shape,
    missing: usize,
    items: Vec<Value>,
}

/// One step of the parser.
enum Step {
    Whole(Value),
    Opened(Aggregate),
    Incomplete,
}

/// A long aggregate is announced before it is sent: reserve no more than this ahead.
const RESERVED_ITEMS_MAX: usize = 1_024;

/// A string from this length on that comes in pieces gathers on its own.
const LONG_BYTES_MIN: usize = 16 * 1_024;

impl Parser {
    /// A parser with these limits.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), parsed: 0, reply_bytes: 0, open: Vec::new(), long: None }
    }

    /// Takes bytes as they came.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        if let Some(long) = &mut self.long {
            let missing = long.length - long.bytes.len();
            let (head, rest) = bytes.split_at(missing.min(bytes.len()));
            long.bytes.extend_from_slice(head);
            bytes = rest;
        }
        if self.parsed > 0 {
            self.buffer.drain(..self.parsed);
            self.parsed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether bytes of an unfinished reply wait here.
    pub fn is_idle(&self) -> bool {
        self.parsed == self.buffer.len() && self.open.is_empty() && self.long.is_none()
    }

    /// The next whole reply, if its last byte has come.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`] for anything that is not RESP or breaks a limit. The parser must not be
    /// used after that.
    pub fn next_reply(&mut self) -> Result<Option<Value>, ProtocolError> {
        loop {
            let before = self.parsed;
            let step = self.step()?;
            self.reply_bytes += self.parsed - before;
            if self.reply_bytes > self.limits.reply_bytes_max {
                return Err(over("reply", self.limits.reply_bytes_max, "bytes"));
            }
            match step {
                Step::Incomplete => return Ok(None),
                Step::Opened(aggregate) if aggregate.missing > 0 => {
                    if self.open.len() >= self.limits.depth_max {
                        return Err(over("reply", self.limits.depth_max, "levels"));
                    }
                    self.open.push(aggregate);
                }
                Step::Opened(aggregate) => {
                    if let Some(reply) = self.close(aggregate.finish()) {
                        return Ok(Some(reply));
                    }
                }
                Step::Whole(value) => {
                    if let Some(reply) = self.close(Some(value)) {
                        return Ok(Some(reply));
                    }
                }
            }
        }
    }

    /// Puts a finished value where it belongs; the reply, if that was its last part.
    fn close(&mut self, mut finished: Option<Value>) -> Option<Value> {
        while let Some(value) = finished {
            let Some(top) = self.open.last_mut() else {
                self.reply_bytes = 0;
                return Some(value);
            };
            top.items.push(value);
            top.missing -= 1;
            if top.missing > 0 {
                return None;
            }
            finished = self.open.pop().and_then(Aggregate::finish);
        }
        None
    }

    fn step(&mut self) -> Result<Step, ProtocolError> {
        if let Some(long) = self.long.take() {
            return self.long_step(long);
        }
        let Some((line, next)) = self.line()? else {
            return Ok(Step::Incomplete);
        };
        let (&marker, rest) = line.split_first().ok_or_else(|| malformed("an empty line"))?;
        let step = match marker {
            b'+' => Step::Whole(Value::Simple(text(rest))),
            b'-' => Step::Whole(Value::Error(text(rest))),
            b':' => Step::Whole(Value::Integer(number(rest)?)),
            b'_' if rest.is_empty() => Step::Whole(Value::Nil),
            b'_' => return Err(malformed("a null that is more than its marker")),
            b',' => Step::Whole(Value::Double(double(rest)?)),
            b'#' => Step::Whole(Value::Boolean(boolean(rest)?)),
            b'(' => Step::Whole(Value::BigNumber(text(rest))),
            b'$' | b'=' | b'!' => return self.blob(marker, number(rest)?, next),
            b'*' => self.aggregate(Shape::Array, 1, number(rest)?)?,
            b'~' => self.aggregate(Shape::Set, 1, number(rest)?)?,
            b'>' => self.aggregate(Shape::Push, 1, number(rest)?)?,
            b'%' => self.aggregate(Shape::Map, 2, number(rest)?)?,
            b'|' => self.aggregate(Shape::Attribute, 2, number(rest)?)?,
            other => return Err(malformed(&format!("a reply that begins with byte {other}"))),
        };
        self.parsed = next;
        Ok(step)
    }

    /// The line at the front without its end, and where the next one begins.
    fn line(&self) -> Result<Option<(&[u8], usize)>, ProtocolError> {
        let waiting = &self.buffer[self.parsed..];
        let window = &waiting[..waiting.len().min(self.limits.line_bytes_max + 2)];
        match window.iter().position(|byte| *byte == b'\n') {
            Some(0) => Err(malformed("a line without its carriage return")),
            Some(end) if window[end - 1] != b'\r' => {
                Err(malformed("a line without its carriage return"))
            }
            Some(end) => Ok(Some((&window[..end - 1], self.parsed + end + 1))),
            // The carriage return may have come without the newline.
            None if window.len() > self.limits.line_bytes_max + 1 => {
                Err(over("line", self.limits.line_bytes_max, "bytes"))
            }
            None => Ok(None),
        }
    }

    fn blob(&mut self, marker: u8, length: i64, begin: usize) -> Result<Step, ProtocolError> {
        if length == -1 && marker == b'$' {
            self.parsed = begin;
            return Ok(Step::Whole(Value::Nil));
        }
        let length = usize::try_from(length).map_err(|_| malformed("a negative length"))?;
        if length > self.limits.reply_bytes_max {
            return Err(over("string", self.limits.reply_bytes_max, "bytes"));
        }
        let end = begin + length;
        if self.buffer.len() < end + 2 {
            if marker == b'$' && length >= LONG_BYTES_MIN {
                let bytes = self.buffer.split_off(begin);
                let late = length + 2 - bytes.len();
                self.parsed = self.buffer.len();
                self.reply_bytes += bytes.len();
                self.long = Some(Long { bytes, length: length + 2, late });
            }
            return Ok(Step::Incomplete);
        }
        if &self.buffer[end..end + 2] != b"\r\n" {
            return Err(malformed("a string longer than announced"));
        }
        let bytes = &self.buffer[begin..end];
        let value = match marker {
            b'!' => Value::Error(text(bytes)),
            b'=' => match (bytes.get(..3), bytes.get(3), bytes.get(4..)) {
                (Some(format), Some(b':'), Some(body)) => {
                    Value::Verbatim { format: text(format), text: body.to_vec() }
                }
                _ => return Err(malformed("a verbatim string without a format")),
            },
            _ => Value::Bulk(bytes.to_vec()),
        };
        self.parsed = end + 2;
        Ok(Step::Whole(value))
    }

    fn long_step(&mut self, mut long: Long) -> Result<Step, ProtocolError> {
        if long.bytes.len() < long.length {
            self.long = Some(long);
            return Ok(Step::Incomplete);
        }
        if !long.bytes.ends_with(b"\r\n") {
            return Err(malformed("a string longer than announced"));
        }
        long.bytes.truncate(long.length - 2);
        self.reply_bytes += long.late;
        Ok(Step::Whole(Value::Bulk(long.bytes)))
    }

    fn aggregate(&self, shape: Shape, each: usize, length: i64) -> Result<Step, ProtocolError> {
        if length == -1 && shape == Shape::Array {
            return Ok(Step::Whole(Value::Nil));
        }
        let length = usize::try_from(length).map_err(|_| malformed("a negative length"))?;
        if length > self.limits.elements_max {
            return Err(over("aggregate", self.limits.elements_max, "elements"));
        }
        let missing = length * each;
        let items = Vec::with_capacity(missing.min(RESERVED_ITEMS_MAX));
        Ok(Step::Opened(Aggregate { shape, missing, items }))
    }
}

impl Aggregate {
    /// The value; none for attributes, which belong to no command.
    fn finish(self) -> Option<Value> {
        match self.shape {
            Shape::Array => Some(Value::Array(self.items)),
            Shape::Set => Some(Value::Set(self.items)),
            Shape::Push => Some(Value::Push(self.items)),
            Shape::Map => {
                let mut items = self.items.into_iter();
                let mut pairs = Vec::with_capacity(items.len() / 2);
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    pairs.push((key, value));
                }
                Some(Value::Map(pairs))
            }
            Shape::Attribute => None,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(bytes: &[u8]) -> Result<i64, ProtocolError> {
    let parsed = core::str::from_utf8(bytes).ok().and_then(|digits| digits.parse().ok());
    parsed.ok_or_else(|| malformed("a number that is none"))
}

fn double(bytes: &[u8]) -> Result<f64, ProtocolError> {
    let parsed = core::str::from_utf8(bytes).ok().and_then(|digits| digits.parse().ok());
    parsed.ok_or_else(|| malformed("a floating-point number that is none"))
}

fn boolean(bytes: &[u8]) -> Result<bool, ProtocolError> {
    match bytes {
        b"t" => Ok(true),
        b"f" => Ok(false),
        _ => Err(malformed("a truth value that is none")),
    }
}

fn malformed(what: &str) -> ProtocolError {
    ProtocolError(format!("the server sent {what}"))
}

fn over(what: &str, limit: usize, unit: &str) -> ProtocolError {
    ProtocolError(format!("the server sent a {what} of more than {limit} {unit}"))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn all(parser: &mut Parser, bytes: &[u8]) -> Vec<Value> {
        parser.feed(bytes);
        core::iter::from_fn(|| parser.next_reply().unwrap()).collect()
    }

    const MIXED: &[u8] = b"+OK\r\n$5\r\na\r\nbc\r\n*2\r\n:1\r\n*1\r\n$-1\r\n%1\r\n+k\r\n~1\r\n#t\r\n\
        |1\r\n+ttl\r\n:9\r\n,1.5\r\n>1\r\n+message\r\n=7\r\ntxt:abc\r\n-ERR no\r\n*0\r\n(12\r\n_\r\n*-1\r\n";

    fn mixed() -> Vec<Value> {
        vec![
            Value::ok(),
            Value::bulk("a\r\nbc"),
            Value::Array(vec![Value::Integer(1), Value::Array(vec![Value::Nil])]),
            Value::Map(vec![(Value::Simple("k".into()), Value::Set(vec![Value::Boolean(true)]))]),
            Value::Double(1.5),
            Value::Push(vec![Value::Simple("message".into())]),
            Value::Verbatim { format: "txt".into(), text: b"abc".to_vec() },
            Value::Error("ERR no".into()),
            Value::Array(vec![]),
            Value::BigNumber("12".into()),
            Value::Nil,
            Value::Nil,
        ]
    }

    #[test]
    fn replies_are_the_same_however_the_bytes_are_cut() {
        for size in 1..MIXED.len() {
            let mut parser = Parser::new(Limits::new(1_000));
            let pieces = MIXED.chunks(size);
            let replies: Vec<Value> = pieces.flat_map(|piece| all(&mut parser, piece)).collect();
            assert_eq!(replies, mixed(), "in pieces of {size}");
            assert!(parser.is_idle());
        }
    }

    #[test]
    fn long_strings_are_the_same_however_the_bytes_are_cut() {
        let body: Vec<u8> = (0..40_000_u32).map(|at| (at % 251) as u8).collect();
        let head = format!("*2\r\n${}\r\n", body.len());
        let bytes = [head.as_bytes(), &body, b"\r\n:1\r\n+OK\r\n"].concat();
        let expected = vec![Value::Array(vec![Value::bulk(body), Value::Integer(1)]), Value::ok()];
        for size in [1, 7, 16_383, 20_000, 40_005, 40_013, bytes.len()] {
            let mut parser = Parser::new(Limits::new(50_000));
            let pieces = bytes.chunks(size);
            let replies: Vec<Value> = pieces.flat_map(|piece| all(&mut parser, piece)).collect();
            assert_eq!(replies, expected, "in pieces of {size}");
            assert!(parser.is_idle());
        }
    }

    #[test]
    fn a_long_string_ends_where_it_says() {
        let begun = || {
            let mut parser = Parser::new(Limits::new(50_000));
            parser.feed(b"$20000\r\nab");
            assert_eq!(parser.next_reply(), Ok(None));
            assert!(!parser.is_idle());
            parser
        };
        let mut longer = begun();
        longer.feed(&vec![b'x'; 20_000]);
        assert!(longer.next_reply().unwrap_err().0.contains("longer than announced"));
        let mut parser = begun();
        // Its bytes count for the reply that it is part of.
        parser.feed(&vec![b'x'; 19_998]);
        assert_eq!(parser.next_reply(), Ok(None));
        parser.feed(b"\r\n");
        assert!(
            matches!(parser.next_reply(), Ok(Some(Value::Bulk(bytes))) if bytes.len() == 20_000)
        );
        let mut parser = Parser::new(Limits::new(30_000));
        parser.feed(b"*2\r\n$20000\r\n");
        assert_eq!(parser.next_reply(), Ok(None));
        parser.feed(&vec![b'x'; 20_000]);
        parser.feed(b"\r\n$20000\r\n");
        assert_eq!(parser.next_reply(), Ok(None));
        parser.feed(&vec![b'x'; 20_000]);
        parser.feed(b"\r\n");
        assert!(parser.next_reply().unwrap_err().0.contains("reply of more than 30000 bytes"));
    }

    #[test]
    fn hostile_bytes_are_refused_without_memory() {
        let deep = b"*1\r\n".repeat(200);
        let long = vec![b'+'; 70_000];
        for (bytes, says) in [
            (&b"$-7\r\n"[..], "negative length"),
            (b"$9999999999999\r\n", "more than 1000 bytes"),
            (b"*99999999\r\n", "elements"),
            (&deep, "128 levels"),
            (&long, "line of more than 65536 bytes"),
            (b"HTTP/1.1 400 Bad Request\r\n", "begins with byte 72"),
            (b":12a\r\n", "number"),
            (b"_a\r\n", "a null that is more"),
            (b"$1\r\nab\r\n", "longer than announced"),
            (b"+OK\n", "carriage return"),
            (b"\r\n", "empty line"),
            (b"%-1\r\n", "negative length"),
        ] {
            let mut parser = Parser::new(Limits::new(1_000));
            parser.feed(bytes);
            let error = parser.next_reply().unwrap_err();
            assert!(error.0.contains(says), "{error}");
        }
    }

    #[test]
    fn the_longest_line_may_come_without_its_last_byte() {
        let parser = || Parser::new(Limits { line_bytes_max: 5, ..Limits::new(1_000) });
        let mut fits = parser();
        fits.feed(b"+pong\r");
        assert_eq!(fits.next_reply(), Ok(None));
        fits.feed(b"\n");
        assert_eq!(fits.next_reply(), Ok(Some(Value::Simple("pong".into()))));
        for too_long in [&b"+pongs\r"[..], b"+pongs\r\n"] {
            let mut parser = parser();
            parser.feed(too_long);
            assert_eq!(parser.next_reply(), Err(over("line", 5, "bytes")));
        }
    }

    #[test]
    fn many_small_elements_add_up_to_the_limit() {
        let mut parser = Parser::new(Limits::new(1_000));
        parser.feed(b"*1000\r\n");
        let mut result = parser.next_reply();
        for _ in 0..300 {
            parser.feed(b":1\r\n");
            result = result.and_then(|_| parser.next_reply());
        }
        assert!(result.unwrap_err().0.contains("reply of more than 1000 bytes"));
    }
}
