//! Commands as `lib/frames.ts` writes them into memory that both sides see: one crossing to this
//! side carries all that a program asks for in a tick.
//!
//! The memory begins with four words. From there, word by word: twice the number of arguments, plus
//! one where the reply is wanted as bytes; and of each argument its length, and its bytes, filled up
//! to a whole word. A pipeline is a word of ones, the number of its commands, and these. Words are
//! those of the machine.

use std::cell::RefCell;
use std::ops::Range;

use napi::bindgen_prelude::Uint8Array;
use outlast_core::command::Command;
use outlast_core::resp::Commands;

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

/// The word before a pipeline.
const PIPELINE: usize = u32::MAX as usize;

/// What is handed in at once.
pub(crate) enum Frame {
    /// Name and arguments, and whether the reply is wanted as bytes.
    Command { args: Vec<Vec<u8>>, as_bytes: bool },
    /// Commands that end together, and of each whether its reply is wanted as bytes.
    Pipeline { commands: Commands, as_bytes: Vec<bool> },
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

    fn argument(&mut self) -> Option<&'a [u8]> {
        let length = self.word()?;
        let places: Range<usize> = self.at..self.at.checked_add(length)?;
        let bytes = self.bytes.get(places)?;
        self.at += length.next_multiple_of(WORD);
        Some(bytes)
    }

    fn pipeline(&mut self) -> Option<Frame> {
        let count = self.word()?;
        let mut commands = Commands::with_capacity(count);
        let mut as_bytes = Vec::with_capacity(count);
        for _ in 0..count {
            let head = self.word()?;
            let name = self.argument()?;
            let known = Command::find(name).filter(|known| !known.is_container());
            commands.begin(head / 2, known);
            commands.push(name);
            for _ in 1..head / 2 {
                commands.push(self.argument()?);
            }
            as_bytes.push(head % 2 == 1);
        }
        Some(Frame::Pipeline { commands, as_bytes })
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let head = self.word()?;
        if head == PIPELINE {
            return self.pipeline();
        }
        let args: Option<Vec<_>> =
            (0..head / 2).map(|_| self.argument().map(<[u8]>::to_vec)).collect();
        Some(Frame::Command { args: args?, as_bytes: head % 2 == 1 })
    }
}
