//! Sine, cosine and arcsine, rounded to the nearest double as that of the C library is in nearly all
//! cases. `libm` is off by the last bit now and then, which stored distances would show.
//!
//! Sums of two doubles (Dekker: "A floating-point technique for extending the available precision",
//! 1971) carry the first terms of the series; the others are too small to matter.

use core::f64::consts::FRAC_2_PI;

/// The sum of two doubles, the second less than the last bit of the first.
#[derive(Clone, Copy)]
struct Pair {
    high: f64,
    low: f64,
}

const HALF_PI: Pair = Pair { high: core::f64::consts::FRAC_PI_2, low: 6.123_233_995_736_766e-17 };
const MINUS_SIXTH: Pair = Pair { high: -1.0 / 6.0, low: -9.251_858_538_542_97e-18 };
const ONE_120TH: Pair = Pair { high: 1.0 / 120.0, low: 1.156_482_317_317_871_3e-19 };
const ONE_24TH: Pair = Pair { high: 1.0 / 24.0, low: 2.312_964_634_635_742_6e-18 };
/// The further terms of the sine: -1/7! and so on.
const SIN_TAIL: [f64; 7] = [
    -1.0 / 5_040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
    -1.0 / 121_645_100_408_832_000.0,
];
/// The further terms of the cosine: -1/6! and so on.
const COS_TAIL: [f64; 8] = [
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
    -1.0 / 6_402_373_705_728_000.0,
    1.0 / 2_432_902_008_176_640_000.0,
];

/// The sine of an angle of a few turns at most.
pub(super) fn sin(angle: f64) -> f64 {
    sin_pair(angle).high
}

/// The cosine of an angle of a few turns at most.
pub(super) fn cos(angle: f64) -> f64 {
    let (rest, quarter) = reduced(angle);
    match quarter {
        0 => cos_of_rest(rest).high,
        1 => -sin_of_rest(rest).high,
        2 => -cos_of_rest(rest).high,
        _ => sin_of_rest(rest).high,
    }
}

/// The arcsine: that of `libm` with one step of Newton.
pub(super) fn asin(sine: f64) -> f64 {
    let angle = libm::asin(sine);
    let slope = libm::sqrt((1.0 - sine) * (1.0 + sine));
    if !angle.is_finite() || slope == 0.0 {
        return angle;
    }
    let reached = sin_pair(angle);
    angle + (sine - reached.high - reached.low) / slope
}

fn sin_pair(angle: f64) -> Pair {
    let (rest, quarter) = reduced(angle);
    match quarter {
        0 => sin_of_rest(rest),
        1 => cos_of_rest(rest),
        2 => sin_of_rest(rest).negated(),
        _ => cos_of_rest(rest).negated(),
    }
}

/// What an angle has beyond the nearest quarter of a turn, and the number of that quarter.
fn reduced(angle: f64) -> (Pair, i32) {
    let quarters = libm::rint(angle * FRAC_2_PI);
    let rest = Pair::from(angle).plus(HALF_PI.times(Pair::from(-quarters)));
    #[expect(clippy::cast_possible_truncation, reason = "angles are a few turns; casts saturate")]
    (rest, (quarters as i32).rem_euclid(4))
}

/// The sine of an angle up to an eighth of a turn.
fn sin_of_rest(angle: Pair) -> Pair {
    let square = angle.times(angle);
    let z = square.high;
    let tail = series(z, &SIN_TAIL);
    let factor = ONE_120TH.plus(Pair::from(tail)).times(square).plus(MINUS_SIXTH).times(square);
    angle.plus(angle.times(factor))
}

/// The cosine of an angle up to an eighth of a turn.
fn cos_of_rest(angle: Pair) -> Pair {
    let square = angle.times(angle);
    let z = square.high;
    let tail = series(z, &COS_TAIL);
    let factor = ONE_24TH.plus(Pair::from(tail)).times(square).plus(Pair::from(-0.5)).times(square);
    Pair::from(1.0).plus(factor)
}

/// A power series without its constant term.
fn series(z: f64, terms: &[f64]) -> f64 {
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) * z)
}

impl From<f64> for Pair {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Pair {
    fn negated(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }

    /// The exact sum of two doubles.
    fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self { high, low: (a - (high - part)) + (b - part) }
    }

    /// The exact product of two doubles.
    fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
        let low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low;
        Self { high, low }
    }

    fn plus(self, other: Self) -> Self {
        let sum = Self::sum(self.high, other.high);
        Self::sum(sum.high, sum.low + (self.low + other.low))
    }

    fn times(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        let crossed = self.high * other.low + self.low * other.high;
        Self::sum(product.high, product.low + crossed)
    }
}

/// A double in two parts whose products are exact.
fn halves(number: f64) -> (f64, f64) {
    let scaled = number * 134_217_729.0;
    let high = scaled - (scaled - number);
    (high, number - high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_the_nearest_doubles() {
        // Where `libm` rounds the other way for at least one of them; computed with 50 digits.
        for (angle, sine, cosine) in [
            (0.687_771_725_379_838_1, 0.634_817_055_453_974_7, 0.772_662_478_773_717_3),
            (2.123_841_511_257_886, 0.850_928_892_700_786_3, -0.525_280_895_870_974_7),
            (0.964_867_734_017_862, 0.821_973_594_737_018_8, 0.569_525_600_438_736_2),
            (0.181_711_447_952_896_32, 0.180_713_107_684_238_95, 0.983_535_852_275_403_6),
            (0.754_757_591_323_674_9, 0.685_112_109_183_941, 0.728_437_641_702_796_5),
            (0.665_828_064_256_684_8, 0.617_710_538_760_615, 0.786_405_550_784_117_2),
        ] {
            assert_eq!(
                [sin(angle), cos(angle)].map(f64::to_bits),
                [sine, cosine].map(f64::to_bits)
            );
            assert_eq!(sin(-angle).to_bits(), (-sine).to_bits());
        }
        for (sine, angle) in [
            (0.983_548_527_654_335, 1.389_155_033_129_096_7),
            (0.589_737_736_801_091_1, 0.630_734_056_245_536_7),
            (0.565_286_020_083_918_7, 0.600_779_947_555_459_5),
            (0.607_086_166_031_533_5, 0.652_388_553_135_644),
            (0.667_747_575_205_486_6, 0.731_178_789_455_118_6),
            (0.702_449_200_888_663_2, 0.778_832_854_570_633_2),
        ] {
            assert_eq!(asin(sine).to_bits(), f64::to_bits(angle));
        }
    }

    #[test]
    fn the_edges_have_values() {
        let edges = [sin(0.0), cos(0.0), asin(0.0), asin(1.0), sin(core::f64::consts::FRAC_PI_2)];
        let expected = [0.0, 1.0, 0.0, core::f64::consts::FRAC_PI_2, 1.0];
        assert_eq!(edges.map(f64::to_bits), expected.map(f64::to_bits));
        assert!(asin(1.1).is_nan() && cos(f64::INFINITY).is_nan() && sin(f64::NAN).is_nan());
    }
}
