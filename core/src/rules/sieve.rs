//! Which of many patterns may match a key, by a look at its length, at a few bytes of it, and at its
//! pairs of neighbouring bytes: each look drops all patterns at once that it speaks against.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::cover::Token;
use super::parts::{Parts, Segment};

/// Patterns in one sieve: each has a bit.
pub(super) const PATTERNS_MAX: usize = 64;
/// Fewer patterns than this are tried one by one.
const PATTERNS_MIN: usize = 4;
/// Places from each end that may be looked at.
const PLACES_MAX: usize = 64;
/// Of these, how many that tell patterns apart are looked at, and how many that are alike in all.
const TELLING_MAX: usize = 8;
const ALIKE_MAX: usize = 2;
/// What pairs of bytes are told apart by.
const PAIRS: usize = 1_024;
/// The longest length that is told; what is longer counts as so long.
pub(super) const LENGTH_MAX: usize = 128;

/// Of each byte, the patterns that take it.
type ByByte = Box<[u64; 256]>;

/// What tells patterns apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    /// Of each length, the patterns that take it; nothing where all are to be tried.
    lengths: Vec<u64>,
    /// By places from the beginning.
    front: Vec<(usize, ByByte)>,
    /// By places from the end.
    back: Vec<(usize, ByByte)>,
    /// Patterns that need a pair of bytes somewhere, by the pair.
    pairs: Option<Box<[u64; PAIRS]>>,
    paired: u64,
    /// Patterns of which the looks tell all.
    certain: u64,
}

impl Sieve {
    /// Of patterns in the order of their bits.
    pub(super) fn new(patterns: &[&Parts]) -> Self {
        if patterns.len() < PATTERNS_MIN {
            return Self::default();
        }
        let mut sieve = Self { lengths: lengths(patterns), ..Self::default() };
        sieve.front = looks(patterns, Parts::at_front);
        sieve.back = looks(patterns, Parts::at_back);
        sieve.certain = bits(patterns, |parts| sieve.tells_all(parts));
        sieve.pair(patterns);
        sieve
    }

    fn tells_all(&self, parts: &Parts) -> bool {
        let has = |looks: &[(usize, ByByte)], at| looks.iter().any(|(place, _)| *place == at);
        let (front, back) = parts.lengths();
        let is_told = |looks, token: Option<&Token>, at| {
            token.is_none_or(|token| *token == Token::ANY) || has(looks, at)
        };
        parts.middle.is_empty()
            && front + back < LENGTH_MAX
            && (0..front).all(|at| is_told(&self.front, parts.at_front(at), at))
            && (0..back).all(|at| is_told(&self.back, parts.at_back(at), at))
    }

    /// Has each pattern stand under the pair of its own that fewest others have.
    fn pair(&mut self, patterns: &[&Parts]) {
        let mut counts = [0_usize; PAIRS];
        for pair in patterns.iter().flat_map(|parts| pairs_of(parts)) {
            counts[pair] += 1;
        }
        let mut pairs = Box::new([0; PAIRS]);
        for (at, parts) in patterns.iter().enumerate() {
            if let Some(rarest) = pairs_of(parts).min_by_key(|pair| counts[*pair]) {
                pairs[rarest] |= 1 << at;
                self.paired |= 1 << at;
            }
        }
        self.pairs = (self.paired != 0).then_some(pairs);
    }

    /// The patterns that may match.
    pub(super) fn left(&self, key: &[u8]) -> u64 {
        let Some(&of_length) = self.lengths.get(key.len().min(LENGTH_MAX)) else {
            return u64::MAX;
        };
        let mut left = of_length;
        for (at, takes) in &self.front {
            if let Some(byte) = key.get(*at) {
                left &= takes[usize::from(*byte)];
            }
        }
        for (at, takes) in &self.back {
            if let Some(byte) = key.len().checked_sub(at + 1).and_then(|at| key.get(at)) {
                left &= takes[usize::from(*byte)];
            }
        }
        let Some(pairs) = self.pairs.as_ref().filter(|_| left & self.paired != 0) else {
            return left;
        };
        let mut found = !self.paired;
        for pair in key.windows(2) {
            if let [one, other] = pair {
                found |= pairs[number(*one, *other)];
            }
        }
        left & found
    }

    /// Whether the pattern matches whenever it is left.
    pub(super) const fn is_certain(&self, at: usize) -> bool {
        self.certain >> at & 1 == 1
    }
}

fn bits(patterns: &[&Parts], holds: impl Fn(&Parts) -> bool) -> u64 {
    let bit = |(at, parts): (usize, &&Parts)| u64::from(holds(parts)) << at;
    patterns.iter().enumerate().map(bit).fold(0, |all, bit| all | bit)
}

fn lengths(patterns: &[&Parts]) -> Vec<u64> {
    let takes = |length| bits(patterns, |parts| parts.takes_length(length, LENGTH_MAX));
    (0..=LENGTH_MAX).map(takes).collect()
}

/// The places to look at from one end, where `token` gives what a pattern has there.
fn looks(
    patterns: &[&Parts],
    token: impl Fn(&Parts, usize) -> Option<&Token>,
) -> Vec<(usize, ByByte)> {
    let everyone = bits(patterns, |_| true);
    let (mut telling, mut alike) = (TELLING_MAX, ALIKE_MAX);
    let mut looks = Vec::new();
    for at in 0..PLACES_MAX {
        if patterns.iter().all(|parts| token(parts, at).is_none()) {
            break;
        }
        let mut takers: ByByte = Box::new([0; 256]);
        for (place, byte) in takers.iter_mut().zip(0..=u8::MAX) {
            *place = bits(patterns, |parts| token(parts, at).is_none_or(|it| it.has(byte)));
        }
        let tells = takers.iter().any(|takers| *takers != everyone && *takers != 0);
        let drops = takers.contains(&0);
        let left = if tells { &mut telling } else { &mut alike };
        if (tells || drops) && *left > 0 {
            *left -= 1;
            looks.push((at, takers));
        }
    }
    looks
}

fn pairs_of(parts: &Parts) -> impl Iterator<Item = usize> {
    let literals = parts.middle.iter().filter_map(|segment| match segment {
        Segment::Literal(bytes) => Some(bytes),
        Segment::Tokens(_) => None,
    });
    literals.flat_map(|bytes| bytes.windows(2)).filter_map(|pair| match pair {
        [one, other] => Some(number(*one, *other)),
        _ => None,
    })
}

/// Of a pair of bytes. Some share one.
fn number(one: u8, other: u8) -> usize {
    (usize::from(one) * 31 + usize::from(other)) % PAIRS
}
