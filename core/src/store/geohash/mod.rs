//! Places on Earth as numbers: the bits of longitude and latitude in turns, 26 of each, so that
//! places in one cell are neighbours in a sorted set. The same cells, searched in the same order, as
//! in `geohash.c` and `geohash_helper.c` of Redis.

mod trigonometry;

use alloc::string::String;
use alloc::vec::Vec;
use core::f64::consts::PI;

use trigonometry::{asin, cos, sin};

/// A place in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Position {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

/// What a search covers, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
}

/// A search around a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Search {
    pub(crate) center: Position,
    pub(crate) shape: Shape,
}

/// Scores that a cell covers: the first is in it, the last is not.
pub(crate) type Scores = (f64, f64);

/// A square of the grid: the interleaved bits of its corner, `step` of each coordinate. Latitudes
/// have the even bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    bits: u64,
    step: u32,
}

/// Bounds in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bounds {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

const LONGITUDE_MAX: f64 = 180.0;
/// Where the Mercator projection of the web ends.
const LATITUDE_MAX: f64 = 85.051_128_78;
const STEP_MAX: u32 = 26;
const EARTH_RADIUS_M: f64 = 6_372_797.560_856;
/// Half of what the projection measures around the equator.
const MERCATOR_MAX_M: f64 = 20_037_726.37;
const RADIANS_PER_DEGREE: f64 = PI / 180.0;

/// The grid that scores count in.
const WORLD: Bounds =
    Bounds { west: -LONGITUDE_MAX, east: LONGITUDE_MAX, south: -LATITUDE_MAX, north: LATITUDE_MAX };
/// The grid of the geohashes that everyone else uses.
const WHOLE_GLOBE: Bounds = Bounds { south: -90.0, north: 90.0, ..WORLD };

const ODD_BITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const EVEN_BITS: u64 = 0x5555_5555_5555_5555;

impl Position {
    /// Whether the grid has it.
    pub(crate) fn is_valid(self) -> bool {
        (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&self.longitude)
            && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&self.latitude)
    }

    /// The score of a place in a sorted set.
    pub(crate) fn score(self) -> f64 {
        as_score(Cell::of(self, WORLD, STEP_MAX).aligned())
    }

    /// The place that a score stands for: the middle of its cell.
    pub(crate) fn of_score(score: f64) -> Self {
        let area = Cell { bits: bits_of_score(score), step: STEP_MAX }.bounds();
        let middle = |low: f64, high: f64| f64::midpoint(low, high);
        Self {
            longitude: middle(area.west, area.east).clamp(-LONGITUDE_MAX, LONGITUDE_MAX),
            latitude: middle(area.south, area.north).clamp(-LATITUDE_MAX, LATITUDE_MAX),
        }
    }

    /// The usual geohash of eleven letters. The bits suffice for ten.
    pub(crate) fn geohash(self) -> String {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = Cell::of(self, WHOLE_GLOBE, STEP_MAX).bits;
        let mut text = String::new();
        for shift in (2..=47).rev().step_by(5) {
            let letter = usize::try_from(bits >> shift & 31).unwrap_or(0);
            text.push(char::from(*LETTERS.get(letter).unwrap_or(&b'0')));
        }
        text.push('0');
        text
    }

    /// Metres between two places (the haversine formula on a sphere).
    pub(crate) fn distance_m(self, other: Self) -> f64 {
        let (from, to) = (radians(self.latitude), radians(other.latitude));
        let across = sin((radians(other.longitude) - radians(self.longitude)) / 2.0);
        if across == 0.0 {
            return meridian_distance_m(self.latitude, other.latitude);
        }
        let along = sin((to - from) / 2.0);
        let chord = along * along + cos(from) * cos(to) * across * across;
        2.0 * EARTH_RADIUS_M * asin(libm::sqrt(chord))
    }
}

impl Search {
    /// Metres from the centre to a place, where the shape covers it.
    pub(crate) fn distance_m(&self, to: Position) -> Option<f64> {
        match self.shape {
            Shape::Circle { radius } => {
                Some(self.center.distance_m(to)).filter(|distance| *distance <= radius)
            }
            Shape::Box { width, height } => {
                if meridian_distance_m(to.latitude, self.center.latitude) > height / 2.0 {
                    return None;
                }
                let level = Position { latitude: to.latitude, ..self.center };
                if to.distance_m(level) > width / 2.0 {
                    return None;
                }
                Some(self.center.distance_m(to))
            }
        }
    }

    /// The cells to look into: that of the centre first, then those around it. Large shapes may
    /// name a cell twice, as in Redis.
    pub(crate) fn areas(&self) -> Vec<Scores> {
        let bounds = self.bounds();
        let mut step = self.step();
        let mut cell = Cell::of(self.center, WORLD, step);
        if step > 1 && !cell.reaches(bounds) {
            step -= 1;
            cell = Cell::of(self.center, WORLD, step);
        }
        let area = cell.bounds();
        // In these directions the shape stays within the cell.
        let (skip_east, skip_west) = (area.east > bounds.east, area.west < bounds.west);
        let (skip_north, skip_south) = (area.north > bounds.north, area.south < bounds.south);
        let mut cells: Vec<Cell> = Vec::with_capacity(9);
        for (east, north) in AROUND {
            let is_useless = (east > 0 && skip_east)
                || (east < 0 && skip_west)
                || (north > 0 && skip_north)
                || (north < 0 && skip_south);
            if step >= 2 && is_useless {
                continue;
            }
            let next = cell.moved(east, north);
            // Around large cells the same may come twice in a row. Redis does not compare the first.
            if cells.len() > 1 && cells.last() == Some(&next) {
                continue;
            }
            cells.push(next);
        }
        cells.into_iter().map(Cell::scores).collect()
    }

    /// A box around the shape.
    fn bounds(&self) -> Bounds {
        let (half_width, half_height) = match self.shape {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let Position { longitude, latitude } = self.center;
        let up = degrees(half_height / EARTH_RADIUS_M);
        let across = |latitude: f64| degrees(half_width / EARTH_RADIUS_M / cos(radians(latitude)));
        // The side towards the pole covers more degrees.
        let across = if latitude < 0.0 { across(latitude - up) } else { across(latitude + up) };
        Bounds {
            west: longitude - across,
            east: longitude + across,
            south: latitude - up,
            north: latitude + up,
        }
    }

    /// How fine the grid can be so that nine cells still cover the shape.
    fn step(&self) -> u32 {
        let mut radius = match self.shape {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                libm::sqrt(width * width + height * height)
            }
        };
        if radius == 0.0 {
            return STEP_MAX;
        }
        let mut step = 1_u32;
        while radius < MERCATOR_MAX_M {
            radius *= 2.0;
            step += 1;
        }
        // Cells become narrow towards the poles.
        let latitude = self.center.latitude.abs();
        step.saturating_sub(2 + u32::from(latitude > 66.0) + u32::from(latitude > 80.0))
            .clamp(1, STEP_MAX)
    }
}

/// The cell itself and those around it, east and north of it, in the order that Redis takes.
const AROUND: [(i8, i8); 9] =
    [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

impl Cell {
    fn of(position: Position, grid: Bounds, step: u32) -> Self {
        let cells = f64::from(1_u32 << step);
        let share =
            |value: f64, low: f64, high: f64| as_index((value - low) / (high - low) * cells);
        let x = share(position.longitude, grid.west, grid.east);
        let y = share(position.latitude, grid.south, grid.north);
        Self { bits: spread(x) << 1 | spread(y), step }
    }

    fn bounds(self) -> Bounds {
        let cells = f64::from(1_u32 << self.step);
        let edge = |index: f64, low: f64, high: f64| low + index / cells * (high - low);
        let x = f64::from(gathered(self.bits >> 1));
        let y = f64::from(gathered(self.bits));
        Bounds {
            west: edge(x, WORLD.west, WORLD.east),
            east: edge(x + 1.0, WORLD.west, WORLD.east),
            south: edge(y, WORLD.south, WORLD.north),
            north: edge(y + 1.0, WORLD.south, WORLD.north),
        }
    }

    /// Whether the cells around it reach to all bounds.
    fn reaches(self, bounds: Bounds) -> bool {
        let falls_short = self.moved(0, 1).bounds().north < bounds.north
            || self.moved(0, -1).bounds().south > bounds.south
            || self.moved(1, 0).bounds().east < bounds.east
            || self.moved(-1, 0).bounds().west > bounds.west;
        !falls_short
    }

    /// The cell next to it; beyond an edge of the world that at the other edge.
    fn moved(self, east: i8, north: i8) -> Self {
        let unused = 64 - self.step * 2;
        let (odd, even) = (ODD_BITS >> unused, EVEN_BITS >> unused);
        // The bits between are all 1 before an addition and all 0 before a subtraction, so that
        // carries pass them.
        let step = |bits: u64, between: u64, by: i8| match by {
            1.. => bits.wrapping_add(between + 1),
            0 => bits,
            ..0 => (bits | between).wrapping_sub(between + 1),
        };
        let (x, y) = (self.bits & ODD_BITS, self.bits & EVEN_BITS);
        let x = if east == 0 { x } else { step(x, even, east) & odd };
        let y = if north == 0 { y } else { step(y, odd, north) & even };
        Self { bits: x | y, step: self.step }
    }

    /// Its bits at the finest step.
    const fn aligned(self) -> u64 {
        self.bits << (2 * (STEP_MAX - self.step))
    }

    fn scores(self) -> Scores {
        let next = Self { bits: self.bits + 1, ..self };
        (as_score(self.aligned()), as_score(next.aligned()))
    }
}

/// The bits of a number, each followed by a free one (in "Bit Twiddling Hacks", "Interleave bits by
/// Binary Magic Numbers").
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & EVEN_BITS
}

/// The even bits of a number.
fn gathered(bits: u64) -> u32 {
    let mut bits = bits & EVEN_BITS;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits >> 16) & 0x0000_0000_ffff_ffff;
    u32::try_from(bits).unwrap_or(0)
}

/// Metres between two latitudes.
fn meridian_distance_m(from: f64, to: f64) -> f64 {
    EARTH_RADIUS_M * (radians(to) - radians(from)).abs()
}

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS_PER_DEGREE
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cell's index is whole and not below 0; casts saturate"
)]
const fn as_index(share: f64) -> u32 {
    share as u32
}

#[expect(
    clippy::cast_precision_loss,
    reason = "at most 52 bits, one more at the edge of the world"
)]
const fn as_score(bits: u64) -> f64 {
    bits as f64
}

/// The bits of any score. Who gave a member a score of no place gets what a 64-bit Redis makes of it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts saturate; the sign is a bit"
)]
fn bits_of_score(score: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if score < HALF {
        score as i64 as u64
    } else if score < 2.0 * HALF {
        score as u64
    } else {
        0
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is compared is meant to be the same to the last bit")]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn place(rng: &mut Rng) -> Position {
        let mut degrees = |max: f64| {
            let share = f64::from(u32::try_from(rng.between(0, 1 << 30)).unwrap());
            let share = share / f64::from(1 << 30);
            (share * 2.0 - 1.0) * max
        };
        Position { longitude: degrees(LONGITUDE_MAX), latitude: degrees(LATITUDE_MAX) }
    }

    #[test]
    fn a_score_gives_back_its_place() {
        let mut rng = Rng::new(1);
        for _ in 0..2_000 {
            let place = place(&mut rng);
            let again = Position::of_score(place.score());
            // A cell has 360 / 2²⁶ degrees.
            assert!((place.longitude - again.longitude).abs() < 2.7e-6, "{place:?}");
            assert!((place.latitude - again.latitude).abs() < 1.3e-6, "{place:?}");
            assert_eq!(again.score(), place.score());
        }
    }

    #[test]
    fn neighbours_meet_and_wrap() {
        let cell = Cell::of(Position { longitude: 179.9, latitude: 10.0 }, WORLD, 8);
        let (bounds, east) = (cell.bounds(), cell.moved(1, 0).bounds());
        assert_eq!((bounds.east, east.west), (180.0, -180.0));
        assert_eq!(cell.moved(0, 1).bounds().south, bounds.north);
        assert_eq!(cell.moved(0, -1).bounds().north, bounds.south);
        assert_eq!(cell.moved(-1, 0).bounds().east, bounds.west);
        assert_eq!(cell.moved(-1, -1).moved(1, 1), cell);
    }

    #[test]
    fn areas_cover_all_that_the_shape_covers() {
        let (mut rng, mut covered) = (Rng::new(2), 0);
        for _ in 0..4_000 {
            // Nearer to the poles, as in Redis, not all is looked at.
            let center = Position { latitude: place(&mut rng).latitude / 2.0, ..place(&mut rng) };
            let near = |rng: &mut Rng| {
                let apart = place(rng);
                Position {
                    longitude: center.longitude + apart.longitude / 20.0,
                    latitude: center.latitude + apart.latitude / 20.0,
                }
            };
            let mut metres = |most| f64::from(u32::try_from(rng.between(1, most)).unwrap());
            let radius = metres(500_000);
            let height = metres(1_000_000);
            let shape = if rng.between(0, 1) == 0 {
                Shape::Circle { radius }
            } else {
                Shape::Box { width: radius * 2.0, height }
            };
            let search = Search { center, shape };
            for _ in 0..20 {
                let other = near(&mut rng);
                if !other.is_valid() || search.distance_m(other).is_none() {
                    continue;
                }
                covered += 1;
                let score = other.score();
                let areas = search.areas();
                let is_in = |(first, end): &Scores| (*first..*end).contains(&score);
                assert!(areas.iter().any(is_in), "{search:?} {other:?}");
            }
        }
        assert!(covered > 5_000, "{covered}");
    }

    #[test]
    fn the_grid_is_coarser_for_large_shapes_and_near_the_poles() {
        let step = |latitude: f64, radius: f64| {
            let center = Position { longitude: 0.0, latitude };
            Search { center, shape: Shape::Circle { radius } }.step()
        };
        assert_eq!([0.0, 1.0, 1e3, 2e3, 1e9].map(|radius| step(0.0, radius)), [26, 24, 14, 13, 1]);
        assert_eq!([66.0, -67.0, 80.0, 81.0].map(|at| step(at, 1e3)), [14, 13, 13, 12]);
    }

    #[test]
    fn distances_are_those_of_a_sphere() {
        let at = |longitude, latitude| Position { longitude, latitude };
        let quarter = EARTH_RADIUS_M * PI / 2.0;
        for (from, to) in [(at(0.0, 0.0), at(90.0, 0.0)), (at(-30.0, 0.0), at(-30.0, 90.0))] {
            assert!((from.distance_m(to) - quarter).abs() < 1e-3);
        }
        assert_eq!(at(5.0, 5.0).distance_m(at(5.0, 5.0)), 0.0);
    }

    #[test]
    fn scores_of_no_place_do_no_harm() {
        for score in [-1.0, -1e300, f64::NEG_INFINITY, f64::INFINITY, 1e19, 1e300, 0.5] {
            assert!(Position::of_score(score).is_valid(), "{score}");
        }
    }
}
