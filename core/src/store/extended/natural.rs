//! Natural numbers of any size, with what exact conversions of decimals need.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::Write;

/// A natural number: 32 bits an element, the lowest first, no zeros at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Natural(Vec<u32>);

const LIMB_BITS: usize = 32;
/// Decimals that are split off at once when printing.
const CHUNK: u32 = 1_000_000_000;

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        let mut natural = Self([low(number), low(number >> 32)].into());
        natural.trim();
        natural
    }
}

impl Natural {
    pub(super) const fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The bits up to the highest one that is set.
    pub(super) fn bits(&self) -> usize {
        let highest = self.0.last().map_or(0, |limb| limb.leading_zeros() as usize);
        self.0.len() * LIMB_BITS - highest
    }

    /// Multiplies by one number and adds another.
    pub(super) fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.0 {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            *limb = low(product);
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(low(carry));
        }
    }

    /// Multiplies by a power of five.
    pub(super) fn multiply_by_five_to(&mut self, exponent: usize) {
        const AT_ONCE: usize = 13;
        for _ in 0..exponent / AT_ONCE {
            self.multiply_add(1_220_703_125, 0);
        }
        for _ in 0..exponent % AT_ONCE {
            self.multiply_add(5, 0);
        }
    }

    /// Multiplies by a power of two.
    pub(super) fn shift_left(&mut self, bits: usize) {
        if self.is_zero() {
            return;
        }
        let mut carry = 0;
        if !bits.is_multiple_of(LIMB_BITS) {
            for limb in &mut self.0 {
                let shifted = (u64::from(*limb) << (bits % LIMB_BITS)) | carry;
                *limb = low(shifted);
                carry = shifted >> 32;
            }
        }
        if carry > 0 {
            self.0.push(low(carry));
        }
        self.0.splice(0..0, core::iter::repeat_n(0, bits / LIMB_BITS));
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        let mut carry = 0;
        let others = other.0.iter().copied().chain(core::iter::repeat(0));
        for (limb, other) in self.0.iter_mut().zip(others) {
            let sum = u64::from(*limb) + u64::from(other) + carry;
            *limb = low(sum);
            carry = sum >> 32;
        }
        if carry > 0 {
            self.0.push(low(carry));
        }
    }

    /// Subtracts a number that is not greater.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        let others = other.0.iter().copied().chain(core::iter::repeat(0));
        for (limb, other) in self.0.iter_mut().zip(others) {
            let taken = u64::from(other) + borrow;
            borrow = u64::from(u64::from(*limb) < taken);
            *limb = low((u64::from(*limb) + (borrow << 32)).wrapping_sub(taken));
        }
        self.trim();
    }

    /// In decimal.
    pub(super) fn to_decimal(&self) -> String {
        let mut rest = self.clone();
        let mut chunks = Vec::new();
        while !rest.is_zero() {
            chunks.push(rest.divide(CHUNK));
        }
        let mut digits = chunks.pop().unwrap_or(0).to_string();
        for chunk in chunks.iter().rev() {
            // Writing to a string does not fail.
            let _ = write!(digits, "{chunk:09}");
        }
        digits
    }

    /// Divides; the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0;
        for limb in self.0.iter_mut().rev() {
            let part = (remainder << 32) | u64::from(*limb);
            *limb = low(part / u64::from(divisor));
            remainder = part % u64::from(divisor);
        }
        self.trim();
        low(remainder)
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_len = self.0.len().cmp(&other.0.len());
        by_len.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
const fn low(number: u64) -> u32 {
    number as u32
}
