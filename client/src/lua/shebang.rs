//! The first line of a script that begins with `#!`: <https://redis.io/docs/latest/develop/interact/programmability/lua-api/#script_flags>.

/// The flags of Redis 7.0.
const FLAGS: &[&[u8]] =
    &[b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys"];

/// A script without its shebang.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body<'a> {
    /// The source from the end of the first line on, so that lines keep their numbers.
    pub(super) source: &'a [u8],
    /// Whether the script promises to write nothing.
    pub(super) is_read_only: bool,
    /// Whether it may write though memory is full; none where it has no shebang.
    pub(super) allows_oom: Option<bool>,
}

/// Splits a script.
///
/// # Errors
///
/// The error reply, for a shebang that Redis refuses.
pub(super) fn split(source: &[u8]) -> Result<Body<'_>, String> {
    if !source.starts_with(b"#!") {
        return Ok(Body { source, is_read_only: false, allows_oom: None });
    }
    let end = source.iter().position(|byte| *byte == b'\n');
    let (line, rest) = source.split_at(end.ok_or("ERR Invalid script shebang")?);
    let words = words(line).ok_or("ERR Invalid engine in script shebang")?;
    let (engine, options) = words.split_first().ok_or("ERR Invalid engine in script shebang")?;
    if engine != b"#!lua" {
        return Err(format!("ERR Unexpected engine in script shebang: {}", text(engine)));
    }
    let (mut is_read_only, mut allows_oom) = (false, false);
    for option in options {
        let Some(flags) = option.strip_prefix(b"flags=") else {
            return Err(format!("ERR Unknown lua shebang option: {}", text(option)));
        };
        for flag in flags.split(|byte| *byte == b',').filter(|_| !flags.is_empty()) {
            if !FLAGS.contains(&flag) {
                return Err(format!("ERR Unexpected flag in script shebang: {}", text(flag)));
            }
            is_read_only |= flag == b"no-writes";
            allows_oom |= flag == b"allow-oom";
        }
    }
    Ok(Body { source: rest, is_read_only, allows_oom: Some(allows_oom) })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The words of a line; quotes hold words together. None if a quote has no end.
fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<Vec<u8>>, None);
    for &byte in line {
        if quote == Some(byte) {
            quote = None;
        } else if quote.is_none() && matches!(byte, b'"' | b'\'') {
            word.get_or_insert_default();
            quote = Some(byte);
        } else if quote.is_none() && byte.is_ascii_whitespace() {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(byte);
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shebang_is_taken_off_and_its_flags_are_read() {
        let body = |source: &'static str| split(source.as_bytes());
        let of = |source: &'static str, is_read_only, allows_oom| {
            Ok(Body { source: source.as_bytes(), is_read_only, allows_oom })
        };
        assert_eq!(body("return 1"), of("return 1", false, None));
        assert_eq!(body("#!lua\nreturn 1"), of("\nreturn 1", false, Some(false)));
        assert_eq!(body("#!lua flags=no-writes,allow-oom\r\nx"), of("\nx", true, Some(true)));
        assert_eq!(body("#!lua \"flags=no-writes\"\nx"), of("\nx", true, Some(false)));
        assert_eq!(body("#!lua flags=\nx"), of("\nx", false, Some(false)));
    }

    #[test]
    fn a_wrong_shebang_is_refused_as_redis_does() {
        for (source, error) in [
            ("#!lua", "ERR Invalid script shebang"),
            ("#!js\n", "ERR Unexpected engine in script shebang: #!js"),
            ("#! lua\n", "ERR Unexpected engine in script shebang: #!"),
            ("#!lua \"x\n", "ERR Invalid engine in script shebang"),
            ("#!lua bad\n", "ERR Unknown lua shebang option: bad"),
            ("#!lua flags=no-writes,foo\n", "ERR Unexpected flag in script shebang: foo"),
            ("#!lua flags=no-writes,\n", "ERR Unexpected flag in script shebang: "),
        ] {
            assert_eq!(split(source.as_bytes()), Err(error.to_owned()));
        }
    }
}
