//! A pattern without its literal beginning, taken apart at its stars.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::cover::Token;

/// What must follow the literal beginning.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// What comes first.
    front: Box<[Token]>,
    /// What comes in between, in this order, with anything around it.
    pub(super) middle: Vec<Segment>,
    /// What comes last.
    back: Box<[Token]>,
    /// Whether there is any star; if not, the front is all.
    has_star: bool,
}

/// What stands between two stars.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    Literal(Box<[u8]>),
    Tokens(Box<[Token]>),
}

impl Segment {
    fn of(tokens: &[Token]) -> Self {
        let byte = |token: &Token| if let Token::Byte(byte) = token { Some(*byte) } else { None };
        match tokens.iter().map(byte).collect::<Option<Vec<u8>>>() {
            Some(bytes) => Self::Literal(bytes.into()),
            None => Self::Tokens(tokens.into()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Literal(bytes) => bytes.len(),
            Self::Tokens(tokens) => tokens.len(),
        }
    }

    /// What comes after the first place where it fits.
    fn after<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let last = text.len().checked_sub(self.len())?;
        let fits = |text: &[u8]| match self {
            Self::Literal(bytes) => text.starts_with(bytes),
            Self::Tokens(tokens) => fit(tokens, text),
        };
        let first = match self {
            Self::Literal(bytes) => bytes.first(),
            Self::Tokens(_) => None,
        };
        let mut places = text.iter().enumerate().take(last + 1);
        let (at, _) = places.find(|(at, byte)| {
            first.is_none_or(|first| first == *byte) && text.get(*at..).is_some_and(fits)
        })?;
        text.get(at + self.len()..)
    }
}

/// Whether the tokens, none of which is a star, fit the beginning of a text.
fn fit(tokens: &[Token], text: &[u8]) -> bool {
    tokens.len() <= text.len() && tokens.iter().zip(text).all(|(token, byte)| token.has(*byte))
}

impl Parts {
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut parts = tokens.split(|token| *token == Token::Star);
        let front = parts.next().unwrap_or_default();
        let mut middle: Vec<&[Token]> = parts.collect();
        let has_star = !middle.is_empty();
        let back = middle.pop().unwrap_or_default();
        let middle = middle.into_iter().filter(|tokens| !tokens.is_empty());
        let middle = middle.map(Segment::of).collect();
        Self { front: front.into(), middle, back: back.into(), has_star }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        if !self.has_star && text.len() != self.front.len() || !fit(&self.front, text) {
            return false;
        }
        let rest = text.get(self.front.len()..).unwrap_or_default();
        let Some(end) = rest.len().checked_sub(self.back.len()) else {
            return false;
        };
        let (mut between, end) = rest.split_at_checked(end).unwrap_or_default();
        // What fits early leaves more to those that come after.
        fit(&self.back, end)
            && self.middle.iter().all(|segment| {
                let after = segment.after(between);
                between = after.unwrap_or_default();
                after.is_some()
            })
    }

    /// Whether a text may be so long; `most` is `most` or more.
    pub(super) fn takes_length(&self, length: usize, most: usize) -> bool {
        let middle: usize = self.middle.iter().map(Segment::len).sum();
        let least = self.front.len() + middle + self.back.len();
        if self.has_star {
            length >= least || length == most
        } else {
            length == least || length == most && least >= most
        }
    }

    /// What it has at a place from the beginning.
    pub(super) fn at_front(&self, at: usize) -> Option<&Token> {
        self.front.get(at)
    }

    /// What it has at a place from the end.
    pub(super) fn at_back(&self, at: usize) -> Option<&Token> {
        self.back.len().checked_sub(at + 1).and_then(|at| self.back.get(at))
    }

    /// How long front and back are.
    pub(super) fn lengths(&self) -> (usize, usize) {
        (self.front.len(), self.back.len())
    }
}
