//! What a word of a board says.

use crate::kind::FailureKind;
use crate::time::Timestamp;

/// One note. All of it is one word, so that a reader sees the whole of it or none, and a writer that
/// dies leaves nothing half done.
///
/// ```text
///   63 ............ 20  19 .. 18  17 ..... 12  11 ..... 4  3 ... 0
///   milliseconds        state     kind + 1     attempts    check
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) state: State,
    pub(super) at: Timestamp,
    /// How the last dial failed, where one did.
    pub(super) kind: Option<FailureKind>,
    /// Failures that count for the next delay; more than fit count as the most that fit.
    pub(super) attempts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Somebody dials, and is believed to until then.
    Dialling,
    /// The last dial failed; the next one is due then.
    Away,
    /// A dial succeeded then.
    Back,
}

const AT_SHIFT: u32 = 20;
const STATE_SHIFT: u32 = 18;
const KIND_SHIFT: u32 = 12;
const ATTEMPTS_SHIFT: u32 = 4;
const KIND_MASK: u64 = 0x3f;
const ATTEMPTS_MASK: u64 = 0xff;

// Six bits hold every kind and none.
const _: () = assert!(FailureKind::ALL.len() < 0x3f);

impl Note {
    pub(super) fn word(self) -> u64 {
        let state = match self.state {
            State::Dialling => 1,
            State::Away => 2,
            State::Back => 3,
        };
        let kind = self.kind.map_or(0, |kind| kind as u64 + 1);
        let attempts = u64::from(self.attempts).min(ATTEMPTS_MASK);
        let word = (self.at.as_ms() << AT_SHIFT)
            | (state << STATE_SHIFT)
            | (kind << KIND_SHIFT)
            | (attempts << ATTEMPTS_SHIFT);
        word | check(word)
    }

    /// Nothing for a word that no note makes.
    pub(super) fn read(word: u64) -> Option<Self> {
        let state = match (word >> STATE_SHIFT) & 0b11 {
            1 => State::Dialling,
            2 => State::Away,
            3 => State::Back,
            _ => return None,
        };
        if word & 0xf != check(word & !0xf) {
            return None;
        }
        let kind = match (word >> KIND_SHIFT) & KIND_MASK {
            0 => None,
            code => Some(*FailureKind::ALL.get(usize::try_from(code).ok()? - 1)?),
        };
        Some(Self {
            state,
            at: Timestamp::from_ms(word >> AT_SHIFT),
            kind,
            attempts: u32::try_from((word >> ATTEMPTS_SHIFT) & ATTEMPTS_MASK).ok()?,
        })
    }
}

/// Four bits over all the others; of no bits they are not 0.
const fn check(word: u64) -> u64 {
    let mixed = (word ^ 0x6f75_746c_6173_7421).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        for state in [State::Dialling, State::Away, State::Back] {
            for kind in FailureKind::ALL.iter().copied().map(Some).chain([None]) {
                for (at, attempts) in [(0, 0), (1, 7), ((1 << 44) - 1, 255)] {
                    let note = Note { state, at: Timestamp::from_ms(at), kind, attempts };
                    assert_eq!(Note::read(note.word()), Some(note));
                }
            }
        }
        let note = Note { state: State::Away, at: Timestamp::ZERO, kind: None, attempts: 1_000 };
        assert_eq!(Note::read(note.word()).unwrap().attempts, 255);
    }

    #[test]
    fn most_of_what_is_no_note_is_not_read() {
        assert_eq!(Note::read(0), None);
        assert_eq!(Note::read(u64::MAX), None);
        let mut rng = crate::rng::Rng::new(3);
        let read = (0..16_000).filter(|_| Note::read(rng.next_u64()).is_some()).count();
        // Three of four states, 26 of 64 kinds, one of 16 checks: 2 in 100.
        assert!(read < 480, "{read}");
    }
}
