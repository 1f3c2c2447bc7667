//! Commands and replies to bytes. What may hold any bytes is length-prefixed: nothing in it can end
//! a command or a reply.

use alloc::vec::Vec;

use super::Value;
use crate::store::format_double;

/// Appends one command to `out`, as an array of bulk strings.
pub fn encode_command<A: AsRef<[u8]>>(args: &[A], out: &mut Vec<u8>) {
    let bytes: usize = args.iter().map(|arg| arg.as_ref().len() + 16).sum();
    out.reserve(bytes + 16);
    push_length(out, b'*', args.len());
    for arg in args {
        let arg = arg.as_ref();
        push_length(out, b'$', arg.len());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends one reply to `out`, in RESP 2 or 3, byte for byte as Redis writes it.
pub fn encode_reply(value: &Value, protocol: u8, out: &mut Vec<u8>) {
    let is_resp3 = protocol >= 3;
    match value {
        Value::Nil => out.extend_from_slice(if is_resp3 { b"_\r\n" } else { b"$-1\r\n" }),
        Value::NilArray => out.extend_from_slice(if is_resp3 { b"_\r\n" } else { b"*-1\r\n" }),
        Value::Simple(text) => push_line(out, b'+', text),
        Value::Error(message) => push_line(out, b'-', message),
        Value::Integer(number) => push_integer(out, *number),
        Value::Bulk(bytes) => push_bulk(out, bytes),
        Value::Array(items) => push_all(out, b'*', items, protocol),
        Value::Set(items) => push_all(out, if is_resp3 { b'~' } else { b'*' }, items, protocol),
        Value::Push(items) => push_all(out, if is_resp3 { b'>' } else { b'*' }, items, protocol),
        Value::Map(pairs) => {
            let (marker, length) =
                if is_resp3 { (b'%', pairs.len()) } else { (b'*', pairs.len() * 2) };
            push_length(out, marker, length);
            for (key, value) in pairs {
                encode_reply(key, protocol, out);
                encode_reply(value, protocol, out);
            }
        }
        Value::Double(number) if is_resp3 => push_line(out, b',', &format_double(*number)),
        Value::Double(number) => push_bulk(out, format_double(*number).as_bytes()),
        Value::Boolean(is_true) if is_resp3 => {
            out.extend_from_slice(if *is_true { b"#t\r\n" } else { b"#f\r\n" });
        }
        Value::Boolean(is_true) => push_integer(out, i64::from(*is_true)),
        Value::BigNumber(digits) if is_resp3 => push_line(out, b'(', digits),
        Value::BigNumber(digits) => push_bulk(out, digits.as_bytes()),
        Value::Verbatim { format, text } if is_resp3 => {
            push_length(out, b'=', format.len() + 1 + text.len());
            out.extend_from_slice(format.as_bytes());
            out.push(b':');
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
        Value::Verbatim { text, .. } => push_bulk(out, text),
    }
}

fn push_all(out: &mut Vec<u8>, marker: u8, items: &[Value], protocol: u8) {
    push_length(out, marker, items.len());
    for item in items {
        encode_reply(item, protocol, out);
    }
}

pub(super) fn push_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    push_length(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn push_integer(out: &mut Vec<u8>, number: i64) {
    match usize::try_from(number) {
        Ok(number) => push_length(out, b':', number),
        Err(_) => push_line(out, b':', &alloc::format!("{number}")),
    }
}

/// One line: an end of line within the text becomes a blank, as Redis has it.
fn push_line(out: &mut Vec<u8>, marker: u8, text: &str) {
    out.push(marker);
    out.extend(text.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

/// A marker, a number in decimal digits and the end of the line.
pub(super) fn push_length(out: &mut Vec<u8>, marker: u8, mut length: usize) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + u8::try_from(length % 10).unwrap_or(0);
        length /= 10;
        if length == 0 {
            break;
        }
    }
    out.push(marker);
    out.extend_from_slice(&digits[first..]);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        encode_command(&["SET".as_bytes(), b"a\r\nb", b""], &mut out);
        assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$0\r\n\r\n");
        out.clear();
        encode_command(&[std::vec![b'x'; 1_234]], &mut out);
        assert!(out.starts_with(b"*1\r\n$1234\r\nxxx"));
    }

    fn encoded(value: &Value, protocol: u8) -> std::string::String {
        let mut out = Vec::new();
        encode_reply(value, protocol, &mut out);
        std::string::String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_are_what_redis_writes() {
        let verbatim = Value::Verbatim { format: "txt".into(), text: b"a b".to_vec() };
        let pair = || std::vec![Value::bulk("a"), Value::Integer(-1)];
        for (value, resp2, resp3) in [
            (Value::ok(), "+OK\r\n", "+OK\r\n"),
            (Value::Error("ERR a\r\nb".into()), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (Value::Nil, "$-1\r\n", "_\r\n"),
            (Value::NilArray, "*-1\r\n", "_\r\n"),
            (Value::Integer(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
            (Value::Integer(70), ":70\r\n", ":70\r\n"),
            (Value::bulk("a\r\n"), "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"),
            (Value::Array(pair()), "*2\r\n$1\r\na\r\n:-1\r\n", "*2\r\n$1\r\na\r\n:-1\r\n"),
            (Value::Set(pair()), "*2\r\n$1\r\na\r\n:-1\r\n", "~2\r\n$1\r\na\r\n:-1\r\n"),
            (Value::Push(pair()), "*2\r\n$1\r\na\r\n:-1\r\n", ">2\r\n$1\r\na\r\n:-1\r\n"),
            (
                Value::Map(std::vec![(Value::bulk("a"), Value::NilArray)]),
                "*2\r\n$1\r\na\r\n*-1\r\n",
                "%1\r\n$1\r\na\r\n_\r\n",
            ),
            (Value::Double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"),
            (Value::Double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
            (Value::Boolean(true), ":1\r\n", "#t\r\n"),
            (Value::Boolean(false), ":0\r\n", "#f\r\n"),
            (Value::BigNumber("12".into()), "$2\r\n12\r\n", "(12\r\n"),
            (verbatim, "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n"),
        ] {
            assert_eq!(encoded(&value, 2), resp2, "{value:?}");
            assert_eq!(encoded(&value, 3), resp3, "{value:?}");
        }
    }
}
