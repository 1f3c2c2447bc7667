//! Replies of a server: whatever the pieces in which the bytes come, the same values are read, and
//! what is written of a value is read as one that is written alike.

#![no_main]

use libfuzzer_sys::fuzz_target;
use outlast_core::Value;
use outlast_core::resp::{Limits, Parser, ProtocolError, encode_reply};

fn limits() -> Limits {
    let mut limits = Limits::new(4_096);
    limits.elements_max = 64;
    limits.depth_max = 8;
    limits.line_bytes_max = 128;
    limits
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Value>, Option<ProtocolError>) {
    let (mut parser, mut values) = (Parser::new(limits()), Vec::new());
    for piece in pieces {
        parser.feed(piece);
        loop {
            match parser.next_reply() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return (values, Some(error)),
            }
        }
    }
    (values, None)
}

fn written(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_reply(value, 3, &mut bytes);
    bytes
}

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let (values, error) = read(std::iter::once(bytes));
    let (pieces, error_of_pieces) = read(bytes.chunks(usize::from(*first) + 1));
    // What is no number is not equal to itself, but prints alike.
    assert_eq!(format!("{values:?}"), format!("{pieces:?}"));
    assert_eq!(error.is_some(), error_of_pieces.is_some());
    for value in values {
        let written = written(&value);
        let mut parser = Parser::new(Limits::new(1 << 20));
        parser.feed(&written);
        let again = parser.next_reply().expect("what was written is RESP");
        let again = again.expect("what was written is whole");
        // Not the same value: a lone carriage return is written as a space.
        assert_eq!(self::written(&again), written);
        assert!(parser.is_idle());
    }
});
