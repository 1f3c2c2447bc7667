//! Commands as `lib/frames.ts` writes them into memory that both sides see: one crossing to this
//! side carries all that a program asks for in a tick.
//!
//! The memory begins with four words. From there, word by word: twice the number of arguments, plus
//! one where the reply is wanted as bytes; and of each argument its length, and its bytes, filled up
//! to a whole word. Words are those of the machine.

use std::cell::RefCell;
use std::ops::Range;

use napi::bindgen_prelude::Uint8Array;

/// Bytes before the first command.
const HEAD: usize = 16;
/// The same, as it stands in the head.
const HEAD_WORD: u32 = 16;

const WORD: usize = 4;

/// Words of the head, by their places.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    /// Where the commands end.
    End = 0,
    /// What became of them: an [`Outcome`].
    Outcome = 1,
    /// Whether replies are being told, so that what is written meanwhile will be taken at the end.
    Telling = 2,
}

/// What became of the commands of one crossing.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    /// All wait.
    Pending = 0,
    /// There was one, and its answer is what the call returns.
    Answered = 1,
    /// Some have ended: the call returns how.
    Ended = 2,
}

/// The memory that both sides see.
pub(crate) struct Memory(RefCell<Uint8Array>);

impl Memory {
    pub(crate) const fn new(bytes: Uint8Array) -> Self {
        Self(RefCell::new(bytes))
    }

    /// The commands in it. The function must not come back to JavaScript, which writes here.
    pub(crate) fn with_commands<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        let bytes = self.0.borrow();
        let end = bytes.get(..WORD).and_then(word_of).unwrap_or(HEAD);
        take(bytes.get(HEAD..end).unwrap_or_default())
    }

    /// The commands in it were taken.
    pub(crate) fn clear(&self) {
        self.set(Word::End, HEAD_WORD);
    }

    #[expect(unsafe_code, reason = "JavaScript may write to the same memory, at other times")]
    pub(crate) fn set(&self, word: Word, value: u32) {
        let mut bytes = self.0.borrow_mut();
        let begin = word as usize * WORD;
        // SAFETY: this is the thread of JavaScript, which does not run meanwhile.
        if let Some(place) = unsafe { bytes.as_mut() }.get_mut(begin..begin + WORD) {
            place.copy_from_slice(&value.to_ne_bytes());
        }
    }
}

fn word_of(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_ne_bytes(bytes.try_into().ok()?)).ok()
}

/// A command: name and arguments, and whether its reply is wanted as bytes.
pub(crate) struct Frame {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) as_bytes: bool,
}

/// The commands in these bytes, which are all that they hold.
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn word(&mut self) -> Option<usize> {
        let word = self.bytes.get(self.at..self.at + WORD).and_then(word_of)?;
        self.at += WORD;
        Some(word)
    }

    fn argument(&mut self) -> Option<Vec<u8>> {
        let length = self.word()?;
        let places: Range<usize> = self.at..self.at.checked_add(length)?;
        let bytes = self.bytes.get(places)?.to_vec();
        self.at += length.next_multiple_of(WORD);
        Some(bytes)
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let head = self.word()?;
        let args: Option<Vec<_>> = (0..head / 2).map(|_| self.argument()).collect();
        Some(Frame { args: args?, as_bytes: head % 2 == 1 })
    }
}
