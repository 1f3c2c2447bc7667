//! Bytes to requests, in any pieces, within limits: what `networking.c` and `sdssplitargs` of Redis
//! accept, with their error texts.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a client may send. A request beyond a limit ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// Bytes that wait to be parsed, an unfinished request included (`client-query-buffer-limit`).
    pub query_bytes_max: usize,
    /// Bytes of one argument (`proto-max-bulk-len`).
    pub argument_bytes_max: usize,
    /// Arguments of one request.
    pub arguments_max: usize,
    /// Bytes of one line: an inline request, or a length.
    pub line_bytes_max: usize,
}

impl Default for RequestLimits {
    /// Those of Redis: 1 GiB, 512 MiB, 1 Mi arguments and 64 KiB.
    fn default() -> Self {
        Self {
            query_bytes_max: 1 << 30,
            argument_bytes_max: 512 << 20,
            arguments_max: 1 << 20,
            line_bytes_max: 64 << 10,
        }
    }
}

/// The bytes are no request, or break a limit. The connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The peer is told so, in this error reply, before the connection ends.
    #[error("{0}")]
    Protocol(String),
    /// More bytes wait than are allowed. Redis ends such a connection without a word.
    #[error("the request has more bytes than are allowed")]
    TooLong,
}

/// Arguments that an unauthenticated peer may send (`authRequired` in `networking.c`).
const UNAUTHENTICATED_ARGUMENTS_MAX: usize = 10;
/// Bytes of each of them.
const UNAUTHENTICATED_ARGUMENT_BYTES_MAX: usize = 16_384;
/// Many arguments are announced before they are sent: reserve no more than this ahead.
const RESERVED_ARGUMENTS_MAX: usize = 1_024;

/// Parses requests from bytes that come in pieces.
#[derive(Debug)]
pub struct RequestParser {
    limits: RequestLimits,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are parsed already.
    parsed: usize,
    /// Arguments of the request under way that have not come.
    missing: usize,
    /// The length of the argument under way, if it is known.
    length: Option<usize>,
    args: Vec<Vec<u8>>,
    args_bytes: usize,
}

impl RequestParser {
    /// A parser with these limits.
    pub const fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            buffer: Vec::new(),
            parsed: 0,
            missing: 0,
            length: None,
            args: Vec::new(),
            args_bytes: 0,
        }
    }

    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.parsed > 0 {
            self.buffer.drain(..self.parsed);
            self.buffer.shrink_to(self.limits.line_bytes_max);
            self.parsed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that wait here, those of an unfinished request included.
    pub fn waiting(&self) -> usize {
        self.buffer.len() - self.parsed + self.args_bytes
    }

    /// The arguments of the next whole request, if its last byte has come; never none. Who is not
    /// `authenticated` may send little.
    ///
    /// # Errors
    ///
    /// [`RequestError`] for anything that is no request or breaks a limit. The parser must not be
    /// used after that.
    pub fn next_request(
        &mut self,
        authenticated: bool,
    ) -> Result<Option<Vec<Vec<u8>>>, RequestError> {
        let request = self.parse(authenticated)?;
        if request.is_none() && self.waiting() > self.limits.query_bytes_max {
            return Err(RequestError::TooLong);
        }
        Ok(request)
    }

    fn parse(&mut self, authenticated: bool) -> Result<Option<Vec<Vec<u8>>>, RequestError> {
        loop {
            let args = if self.missing > 0 {
                self.arguments(authenticated)?
            } else {
                match self.unparsed().first() {
                    None => return Ok(None),
                    Some(b'*') => {
                        if !self.begin(authenticated)? {
                            return Ok(None);
                        }
                        continue;
                    }
                    Some(_) => self.inline()?,
                }
            };
            match args {
                Some(args) if args.is_empty() => {}
                args => return Ok(args),
            }
        }
    }

    /// Reads how many arguments come; false where the line is not whole. None at all is no request.
    fn begin(&mut self, authenticated: bool) -> Result<bool, RequestError> {
        let Some((line, next)) = self.line("too big mbulk count string")? else {
            return Ok(false);
        };
        let count = line.get(1..).and_then(number);
        let count = count.ok_or_else(|| protocol("invalid multibulk length"))?;
        let count = usize::try_from(count).unwrap_or(0);
        if count > self.limits.arguments_max {
            return Err(protocol("invalid multibulk length"));
        }
        if count > UNAUTHENTICATED_ARGUMENTS_MAX && !authenticated {
            return Err(protocol("unauthenticated multibulk length"));
        }
        self.parsed = next;
        self.missing = count;
        self.args = Vec::with_capacity(count.min(RESERVED_ARGUMENTS_MAX));
        self.args_bytes = 0;
        Ok(true)
    }

    /// Reads arguments; all of them, if the last has come.
    fn arguments(&mut self, authenticated: bool) -> Result<Option<Vec<Vec<u8>>>, RequestError> {
        while self.missing > 0 {
            let length = match self.length {
                Some(length) => length,
                None => match self.argument_length(authenticated)? {
                    Some(length) => length,
                    None => return Ok(None),
                },
            };
            self.length = Some(length);
            let unparsed = self.unparsed();
            // As Redis does, the two bytes at the end are not looked at.
            let Some(argument) = unparsed.get(..length).filter(|_| unparsed.len() >= length + 2)
            else {
                let so_far = self.args_bytes.saturating_add(length);
                let over = so_far > self.limits.query_bytes_max;
                return if over { Err(RequestError::TooLong) } else { Ok(None) };
            };
            let argument = argument.to_vec();
            self.args.push(argument);
            self.args_bytes = self.args_bytes.saturating_add(length);
            self.parsed += length + 2;
            self.length = None;
            self.missing -= 1;
        }
        self.args_bytes = 0;
        Ok(Some(core::mem::take(&mut self.args)))
    }

    fn argument_length(&mut self, authenticated: bool) -> Result<Option<usize>, RequestError> {
        let Some((line, next)) = self.line("too big bulk count string")? else {
            return Ok(None);
        };
        let (&marker, digits) = line.split_first().unwrap_or((&b'\r', &[]));
        if marker != b'$' {
            // One byte of it only, and no line end: the reply is one line.
            let shown = if marker.is_ascii_graphic() { char::from(marker) } else { ' ' };
            return Err(protocol(&format!("expected '$', got '{shown}'")));
        }
        let length = number(digits).and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= self.limits.argument_bytes_max);
        let length = length.ok_or_else(|| protocol("invalid bulk length"))?;
        if length > UNAUTHENTICATED_ARGUMENT_BYTES_MAX && !authenticated {
            return Err(protocol("unauthenticated bulk length"));
        }
        self.parsed = next;
        Ok(Some(length))
    }

    /// The line at the front without its end, and where the next one begins, if both bytes of its
    /// end have come.
    fn line(&self, too_long: &str) -> Result<Option<(&[u8], usize)>, RequestError> {
        let unparsed = self.unparsed();
        let window = unparsed.get(..self.limits.line_bytes_max + 1).unwrap_or(unparsed);
        match window.iter().position(|byte| *byte == b'\r') {
            Some(end) if end + 1 < unparsed.len() => {
                Ok(window.get(..end).map(|line| (line, self.parsed + end + 2)))
            }
            None if window.len() > self.limits.line_bytes_max => Err(protocol(too_long)),
            Some(_) | None => Ok(None),
        }
    }

    /// A request as people type it.
    fn inline(&mut self) -> Result<Option<Vec<Vec<u8>>>, RequestError> {
        let unparsed = self.unparsed();
        let window = unparsed.get(..self.limits.line_bytes_max + 1).unwrap_or(unparsed);
        let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
            let over = window.len() > self.limits.line_bytes_max;
            return if over { Err(protocol("too big inline request")) } else { Ok(None) };
        };
        let line = window.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let args = split_arguments(line);
        self.parsed += end + 1;
        args.map(Some).ok_or_else(|| protocol("unbalanced quotes in request"))
    }

    fn unparsed(&self) -> &[u8] {
        self.buffer.get(self.parsed..).unwrap_or_default()
    }
}

/// Splits a line into arguments at blanks. `"…"` may hold `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH` and
/// `\` before what stands for itself, `'…'` only `\'`. Nothing where a quote has no end or is
/// followed by anything but a blank.
fn split_arguments(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    // Redis works on a C string here.
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut args = Vec::new();
    let mut rest = without_blanks(line);
    while !rest.is_empty() {
        let mut arg = Vec::new();
        loop {
            rest = match rest {
                [] => break,
                [b' ' | b'\n' | b'\r' | b'\t', after @ ..] => {
                    rest = after;
                    break;
                }
                [b'"', after @ ..] => double_quoted(after, &mut arg)?,
                [b'\'', after @ ..] => single_quoted(after, &mut arg)?,
                [byte, after @ ..] => {
                    arg.push(*byte);
                    after
                }
            };
        }
        args.push(arg);
        rest = without_blanks(rest);
    }
    Some(args)
}

fn without_blanks(line: &[u8]) -> &[u8] {
    let begin = line.iter().position(|byte| !is_blank(*byte)).unwrap_or(line.len());
    line.get(begin..).unwrap_or_default()
}

/// Blanks as C's `isspace` has them: the vertical tab too.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn double_quoted<'a>(mut rest: &'a [u8], arg: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'x', high, low, after @ ..] if is_hex(*high) && is_hex(*low) => {
                arg.push(hex(*high) << 4 | hex(*low));
                after
            }
            [b'\\', escaped, after @ ..] => {
                arg.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                after
            }
            [b'"', after @ ..] => {
                return after.first().is_none_or(|b| is_blank(*b)).then_some(after);
            }
            [byte, after @ ..] => {
                arg.push(*byte);
                after
            }
        };
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], arg: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'\'', after @ ..] => {
                arg.push(b'\'');
                after
            }
            [b'\'', after @ ..] => {
                return after.first().is_none_or(|b| is_blank(*b)).then_some(after);
            }
            [byte, after @ ..] => {
                arg.push(*byte);
                after
            }
        };
    }
}

const fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// A number as `string2ll` of Redis reads it: no plus, no zero in front.
fn number(digits: &[u8]) -> Option<i64> {
    let plain = digits.strip_prefix(b"-").unwrap_or(digits);
    let is_plain = match plain {
        [b'0'] => plain.len() == digits.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !is_plain {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn protocol(what: &str) -> RequestError {
    RequestError::Protocol(format!("ERR Protocol error: {what}"))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::rng::Rng;

    fn parse(bytes: &[u8], authenticated: bool) -> Result<Vec<Vec<Vec<u8>>>, RequestError> {
        let mut parser = RequestParser::new(RequestLimits::default());
        parser.feed(bytes);
        let mut requests = Vec::new();
        while let Some(request) = parser.next_request(authenticated)? {
            requests.push(request);
        }
        Ok(requests)
    }

    const MIXED: &[u8] =
        b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\nPING\r\n\r\n*0\r\n*-1\r\n  set k \"a\\x41\\n\\q\" \
        'it\\'s' \x0b x\n*1\r\n$0\r\n\r\n*3\r\n$1\r\nm\r\n$10\r\n0123456789\r\n$2\r\n\r\n\r\n";

    fn mixed() -> Vec<Vec<Vec<u8>>> {
        let args = |args: &[&[u8]]| args.iter().map(|arg| arg.to_vec()).collect::<Vec<_>>();
        vec![
            args(&[b"GET", b"a\r\nb"]),
            args(&[b"PING"]),
            args(&[b"set", b"k", b"aA\nq", b"it's", b"x"]),
            args(&[b""]),
            args(&[b"m", b"0123456789", b"\r\n"]),
        ]
    }

    #[test]
    fn requests_are_the_same_however_the_bytes_are_cut() {
        assert_eq!(parse(MIXED, true), Ok(mixed()));
        let mut rng = Rng::new(7);
        for _ in 0..500 {
            let mut parser = RequestParser::new(RequestLimits::default());
            let (mut rest, mut requests) = (MIXED, Vec::new());
            while !rest.is_empty() {
                let cut = usize::try_from(rng.next_u64() % 9).unwrap().min(rest.len());
                parser.feed(&rest[..cut]);
                rest = &rest[cut..];
                while let Some(request) = parser.next_request(true).unwrap() {
                    requests.push(request);
                }
            }
            assert_eq!(requests, mixed());
            assert_eq!(parser.waiting(), 0);
        }
    }

    #[test]
    fn what_is_no_request_is_told_as_redis_tells_it() {
        let long = vec![b'x'; 70_000];
        let long_length = [b"*".as_slice(), &vec![b'1'; 70_000]].concat();
        for (bytes, says) in [
            (&b"*x\r\n"[..], "invalid multibulk length"),
            (b"*01\r\n", "invalid multibulk length"),
            (b"*1048577\r\n", "invalid multibulk length"),
            (b"*99999999999999999999\r\n", "invalid multibulk length"),
            (b"*1\r\nx\r\n", "expected '$', got 'x'"),
            (b"*1\r\n\r\n", "expected '$', got ' '"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$536870913\r\n", "invalid bulk length"),
            (b"*1\r\n$+1\r\n", "invalid bulk length"),
            (b"'a\r\n", "unbalanced quotes in request"),
            (b"\"a\"b\r\n", "unbalanced quotes in request"),
            (b"a \"\\\r\n", "unbalanced quotes in request"),
            (&long, "too big inline request"),
            (&long_length, "too big mbulk count string"),
        ] {
            let error = Err(RequestError::Protocol(format!("ERR Protocol error: {says}")));
            assert_eq!(parse(bytes, true), error, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn who_is_not_authenticated_may_send_little() {
        for (bytes, says) in [
            (&b"*11\r\n"[..], "unauthenticated multibulk length"),
            (b"*1\r\n$16385\r\n", "unauthenticated bulk length"),
        ] {
            let error = Err(RequestError::Protocol(format!("ERR Protocol error: {says}")));
            assert_eq!(parse(bytes, false), error);
            assert_eq!(parse(bytes, true), Ok(vec![]));
        }
    }

    #[test]
    fn a_request_of_too_many_bytes_ends_it() {
        let limits = RequestLimits { query_bytes_max: 1_000, ..RequestLimits::default() };
        let mut parser = RequestParser::new(limits);
        parser.feed(b"*1\r\n$1001\r\n");
        assert_eq!(parser.next_request(true), Err(RequestError::TooLong));
        let mut parser = RequestParser::new(limits);
        parser.feed(b"*9999\r\n");
        let mut result = parser.next_request(true);
        for _ in 0..20 {
            parser.feed(&[b"$100\r\n".as_slice(), &[b'x'; 100], b"\r\n"].concat());
            result = result.and_then(|_| parser.next_request(true));
        }
        assert_eq!(result, Err(RequestError::TooLong));
    }

    #[test]
    fn hostile_bytes_never_panic() {
        let mut rng = Rng::new(11);
        let alphabet = b"*$-0129\r\n\r\n\"'\\x a\0\xff";
        for _ in 0..20_000 {
            let mut parser = RequestParser::new(RequestLimits::default());
            for _ in 0..4 {
                let piece: Vec<u8> = (0..rng.next_u64() % 16)
                    .map(|_| alphabet[usize::try_from(rng.next_u64()).unwrap() % alphabet.len()])
                    .collect();
                parser.feed(&piece);
                match parser.next_request(true) {
                    Ok(Some(args)) => assert!(!args.is_empty()),
                    Ok(None) => {}
                    Err(_) => break,
                }
            }
        }
    }
}
