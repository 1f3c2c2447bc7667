//! The slot of a key, and a short tag for each slot.

use alloc::string::String;

/// How many slots a cluster has.
pub const SLOTS: u16 = 16_384;

/// CRC-16 of XMODEM, a byte at a time.
const CRC: [u16; 256] = crc_table();

const fn crc_table() -> [u16; 256] {
    let mut table = [0; 256];
    let (mut at, mut byte) = (0, 0_u16);
    while at < 256 {
        let mut crc = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[at] = crc;
        (at, byte) = (at + 1, byte + 1);
    }
    table
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let at = (crc >> 8) ^ u16::from(*byte);
        crc << 8 ^ CRC.get(usize::from(at)).copied().unwrap_or_default()
    })
}

/// The slot of a key: that of the part between its first `{` and the next `}`, where there is one that
/// is not empty, else that of the whole.
pub fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}').filter(|close| *close > 0)?;
        rest.get(..close)
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// Where in [`CRC`] the value with each low byte stands; no two have the same.
const PLACES: [u8; 256] = places();

const fn places() -> [u8; 256] {
    let mut places = [0; 256];
    let (mut at, mut place) = (0, 0_u8);
    while at < 256 {
        places[(CRC[at] & 0xff) as usize] = place;
        (at, place) = (at + 1, place.wrapping_add(1));
    }
    places
}

/// A short text of the letters a to z whose slot this is. The same in every process: what one writes
/// under it another finds.
pub fn tag_of(slot: u16) -> String {
    // What the last two letters must be follows from those before: so few have to be tried, and as a
    // test tells no slot needs more than three before.
    let mut number = 0;
    loop {
        let mut tag = letters(number);
        let state = crc16(tag.as_bytes());
        for quarter in 0..4 {
            let [one, other] = last_two(state, slot % SLOTS + quarter * SLOTS);
            if one.is_ascii_lowercase() && other.is_ascii_lowercase() {
                tag.extend([char::from(one), char::from(other)]);
                return tag;
            }
        }
        number += 1;
    }
}

/// The two bytes after which the sum is `wanted`, where it is `state` before them.
fn last_two(state: u16, wanted: u16) -> [u8; 2] {
    let value = |at: u8| CRC.get(usize::from(at)).copied().unwrap_or_default();
    let place = |low: u8| PLACES.get(usize::from(low)).copied().unwrap_or_default();
    let [high, low] = wanted.to_be_bytes();
    let second = place(low);
    let first = place(high ^ value(second).to_be_bytes()[0]);
    let between = state << 8 ^ value(first);
    [first ^ state.to_be_bytes()[0], second ^ between.to_be_bytes()[0]]
}

/// The text with this number: a, b, … z, aa, ab …
fn letters(mut number: u32) -> String {
    let mut backwards = String::new();
    loop {
        let letter = u8::try_from(number % 26).unwrap_or_default();
        backwards.push(char::from(b'a' + letter));
        if number < 26 {
            return backwards.chars().rev().collect();
        }
        number = number / 26 - 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, slot) in [("foo", 12_182), ("bar", 5_061), ("", 0), ("user1000", 3_443)] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn only_the_first_tag_that_is_not_empty_counts() {
        for (key, tag) in [
            ("{user1000}.following", "user1000"),
            ("foo{bar}{zap}", "bar"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{bar", "foo{bar"),
            ("foo}bar{", "foo}bar{"),
            ("{}", "{}"),
        ] {
            assert_eq!(slot_of(key.as_bytes()), crc16(tag.as_bytes()) % SLOTS, "{key}");
        }
    }

    #[test]
    fn each_slot_has_a_short_tag_of_its_own() {
        let texts: BTreeSet<String> = (0..800).map(letters).collect();
        assert_eq!((texts.len(), letters(26), letters(701)), (800, "aa".into(), "zz".into()));
        let tags: BTreeSet<String> = (0..SLOTS).map(tag_of).collect();
        assert_eq!(tags.len(), usize::from(SLOTS));
        for slot in 0..SLOTS {
            let tag = tag_of(slot);
            assert_eq!(slot_of(tag.as_bytes()), slot);
            assert!(tag.len() <= 5, "{slot} {tag}");
        }
    }
}
