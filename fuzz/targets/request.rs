//! Requests of a client of the front: whatever the pieces in which the bytes come, the same requests
//! are read, and no more is kept than the limits allow.

#![no_main]

use libfuzzer_sys::fuzz_target;
use outlast_core::resp::{RequestError, RequestLimits, RequestParser};

const QUERY_BYTES_MAX: usize = 512;

fn parser() -> RequestParser {
    let mut limits = RequestLimits::default();
    limits.query_bytes_max = QUERY_BYTES_MAX;
    limits.argument_bytes_max = 256;
    limits.arguments_max = 64;
    limits.line_bytes_max = 128;
    RequestParser::new(limits)
}

type Read = (Vec<Vec<Vec<u8>>>, Option<RequestError>);

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, authenticated: bool) -> Read {
    let (mut parser, mut requests) = (parser(), Vec::new());
    for piece in pieces {
        parser.feed(piece);
        loop {
            match parser.next_request(authenticated) {
                Ok(Some(request)) => {
                    assert!(!request.is_empty());
                    requests.push(request);
                }
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
        assert!(parser.waiting() <= QUERY_BYTES_MAX);
    }
    (requests, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let authenticated = first & 1 == 0;
    let whole = read(std::iter::once(bytes), authenticated);
    let pieces = read(bytes.chunks(usize::from(first >> 1) + 1), authenticated);
    // A request that is longer than may wait is read only where it comes at once.
    if ![&whole, &pieces].iter().any(|(_, error)| *error == Some(RequestError::TooLong)) {
        assert_eq!(whole, pieces);
    }
});
