//! Patterns of KEYS, SCAN and PSUBSCRIBE, with the meaning of `stringmatchlen` in Redis' `util.c`.

/// Whether `text` matches `pattern`: `*`, `?`, `[abc]`, `[^a-c]`, and `\` before what stands for
/// itself. At worst as many steps as the product of both lengths, never more.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to go on when what follows the last star does not match here.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(at), text.get(read)) {
            (Some(b'*'), _) => {
                while pattern.get(at) == Some(&b'*') {
                    at += 1;
                }
                if at == pattern.len() {
                    return true;
                }
                retry = Some((at, read));
                continue;
            }
            (None, None) => return true,
            (Some(_), Some(byte)) => one(pattern, at, *byte),
            _ => None,
        };
        match (step, retry) {
            (Some(next), _) => {
                at = next;
                read += 1;
            }
            (None, Some((star, from))) if from < text.len() => {
                retry = Some((star, from + 1));
                (at, read) = (star, from + 1);
            }
            _ => return false,
        }
    }
}

/// The place behind the part of the pattern at `at`, if that part matches this byte.
pub(crate) fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => class(pattern, at + 1, byte),
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte).then_some(at + 2),
        literal => (*literal == byte).then_some(at + 1),
    }
}

fn class(pattern: &[u8], mut at: usize, byte: u8) -> Option<usize> {
    let negated = pattern.get(at) == Some(&b'^');
    if negated {
        at += 1;
    }
    let mut found = false;
    loop {
        match pattern.get(at..)? {
            [b'\\', escaped, ..] => {
                found |= *escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            // An unclosed class ends with the pattern.
            [] => break,
            [low, b'-', high, ..] => {
                let (low, high) = if low <= high { (low, high) } else { (high, low) };
                found |= (low..=high).contains(&&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= *literal == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_redis() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]*", "hbxyz", true),
            ("h[c-a]*", "hbxyz", true),
            ("a*b*c", "a__b__b__c", true),
            ("a*b*c", "a__b__b__", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[", "x", false),
            ("[abc", "b", true),
            ("**", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("x\\", "x\\", true),
            ("*?", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_no_work() {
        let text = alloc::vec![b'a'; 20_000];
        assert!(!matches(b"*a*a*a*a*a*a*a*a*a*a*b", &text));
    }
}
