//! Commands to bytes. Arguments are always length-prefixed: nothing in them can end a command.

use alloc::vec::Vec;

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

/// A marker, a number in decimal digits and the end of the line.
fn push_length(out: &mut Vec<u8>, marker: u8, mut length: usize) {
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
}
