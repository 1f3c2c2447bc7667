//! Patterns as rows of tokens, to see what they have in common.

use alloc::vec::Vec;
use core::ops::Range;

use super::parts::Parts;
use crate::store::glob;

/// A pattern, read once.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// The bytes that every match begins with.
    pub(super) beginning: Vec<u8>,
    /// The bytes that every match ends with.
    pub(super) ending: Vec<u8>,
    /// What comes after the beginning.
    pub(super) shape: Shape,
    /// The whole pattern; the star of each run of wildcards is last.
    tokens: Vec<Token>,
}

/// What follows the literal beginning of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Nothing,
    Anything,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Any bytes, also none.
    Star,
    /// This byte.
    Byte(u8),
    /// A byte of these.
    OneOf(Bytes),
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    const ALL: Self = Self([u64::MAX; 4]);

    fn has(&self, byte: u8) -> bool {
        let word = self.0.get(usize::from(byte >> 6)).copied().unwrap_or(0);
        word >> (byte & 63) & 1 == 1
    }

    fn includes(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(own, other)| own & other == other)
    }
}

impl FromIterator<u8> for Bytes {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self([0; 4]);
        for byte in bytes {
            if let Some(word) = set.0.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
        set
    }
}

impl Token {
    /// Any byte.
    pub(super) const ANY: Self = Self::OneOf(Bytes::ALL);

    /// Whether it stands for this byte alone.
    pub(super) fn has(&self, byte: u8) -> bool {
        match self {
            Self::Star => true,
            Self::Byte(own) => *own == byte,
            Self::OneOf(bytes) => bytes.has(byte),
        }
    }

    /// Whether it stands for all that the other one stands for.
    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Star, _) => true,
            // A set of one byte is read as that byte.
            (_, Self::Star) | (Self::Byte(_), Self::OneOf(_)) => false,
            (Self::Byte(own), Self::Byte(other)) => own == other,
            (Self::OneOf(own), Self::Byte(other)) => own.has(*other),
            (Self::OneOf(own), Self::OneOf(other)) => own.includes(other),
        }
    }
}

impl Glob {
    /// Reads a pattern; none where no key can match it.
    pub(super) fn parse(pattern: &[u8]) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(byte) = pattern.get(at) {
            let (token, next) = match (byte, pattern.get(at + 1)) {
                (b'*', _) => (Token::Star, at + 1),
                (b'?', _) => (Token::OneOf(Bytes::ALL), at + 1),
                (b'[', _) => set(pattern, at)?,
                (b'\\', Some(escaped)) => (Token::Byte(*escaped), at + 2),
                (literal, _) => (Token::Byte(*literal), at + 1),
            };
            tokens.push(token);
            at = next;
        }
        let beginning = literals(tokens.iter());
        let mut ending = literals(tokens.iter().rev());
        ending.reverse();
        let shape = match tokens.get(beginning.len()..) {
            None | Some([]) => Shape::Nothing,
            Some([Token::Star]) => Shape::Anything,
            Some(_) => Shape::Other,
        };
        Some(Self { beginning, ending, shape, tokens: ordered(&tokens) })
    }

    /// What comes after the beginning, taken apart.
    pub(super) fn parts(&self) -> Parts {
        Parts::of(self.tokens.get(self.beginning.len()..).unwrap_or_default())
    }

    /// Whether every key that the other pattern matches matches this one. It is never wrong when it
    /// says so; in rare cases, where several parts of this pattern share the work, it does not say
    /// so although it holds.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if !other.beginning.starts_with(&self.beginning) || !other.ending.ends_with(&self.ending) {
            return false;
        }
        let (own, other) = (&self.tokens, &other.tokens);
        let (mut at, mut read) = (0, 0);
        // Where to go on when what follows the last star does not fit here.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match (own.get(at), other.get(read)) {
                (Some(Token::Star), _) => {
                    at += 1;
                    retry = Some((at, read));
                }
                (None, None) => return true,
                (Some(token), Some(symbol)) if token.includes(symbol) => {
                    at += 1;
                    read += 1;
                }
                _ => match retry {
                    Some((star, from)) if from < other.len() => {
                        retry = Some((star, from + 1));
                        (at, read) = (star, from + 1);
                    }
                    _ => return false,
                },
            }
        }
    }
}

/// The class that begins at `at`, and where it ends; none where it has no byte.
fn set(pattern: &[u8], at: usize) -> Option<(Token, usize)> {
    const ALL: Range<u16> = 0..256;
    let bytes = || ALL.filter_map(|byte| u8::try_from(byte).ok());
    let end = bytes().find_map(|byte| glob::one(pattern, at, byte))?;
    let mut members = bytes().filter(|byte| glob::one(pattern, at, *byte).is_some());
    let token = match (members.next(), members.next()) {
        (Some(only), None) => Token::Byte(only),
        (first, second) => Token::OneOf(first.into_iter().chain(second).chain(members).collect()),
    };
    Some((token, end))
}

fn literals<'a>(tokens: impl Iterator<Item = &'a Token>) -> Vec<u8> {
    tokens
        .map_while(|token| match token {
            Token::Byte(byte) => Some(*byte),
            Token::Star | Token::OneOf(_) => None,
        })
        .collect()
}

/// The same pattern with the star of each run of wildcards last: `*?` is `?*`, and `**` is `*`.
fn ordered(tokens: &[Token]) -> Vec<Token> {
    let mut ordered = Vec::with_capacity(tokens.len());
    let mut has_star = false;
    for token in tokens {
        match token {
            Token::Star => has_star = true,
            Token::OneOf(Bytes::ALL) => ordered.push(*token),
            Token::Byte(_) | Token::OneOf(_) => {
                if core::mem::take(&mut has_star) {
                    ordered.push(Token::Star);
                }
                ordered.push(*token);
            }
        }
    }
    if has_star {
        ordered.push(Token::Star);
    }
    ordered
}
