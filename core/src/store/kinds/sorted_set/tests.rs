use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::rng::Rng;

fn number(rng: &mut Rng, below: u64) -> usize {
    usize::try_from(rng.between(0, below - 1)).unwrap()
}

/// Scores as whole numbers, so that the model can order them.
fn sorted(model: &BTreeMap<Vec<u8>, i32>) -> BTreeSet<(i32, Vec<u8>)> {
    model.iter().map(|(member, score)| (*score, member.clone())).collect()
}

fn check(set: &SortedSet, model: &BTreeMap<Vec<u8>, i32>, rng: &mut Rng) {
    let sorted: Vec<_> = sorted(model).into_iter().collect();
    let expected = || sorted.iter().map(|(score, member)| (member.as_slice(), f64::from(*score)));
    assert!(set.iter().eq(expected()));
    assert!(set.iter().rev().eq(expected().rev()));
    let at = number(rng, sorted.len() as u64 + 1);
    assert!(set.iter_from_rank(at).eq(expected().skip(at)));
    let until = at + number(rng, 300);
    assert!(set.range(at..until).eq(expected().skip(at).take(until - at)));
    let mut both = set.range(at..until);
    assert_eq!(
        (both.next(), both.len()),
        (expected().skip(at).take(until - at).next(), both.len())
    );
    let [min, max] = [0, 0].map(|_| f64::from(u32::try_from(rng.between(0, 500)).unwrap()));
    let within = |(_, score): &(&[u8], f64)| *score >= min && *score <= max;
    assert!(set.range_by_score(min, max).eq(expected().filter(within)));
    for (rank, (_, member)) in sorted.iter().enumerate().step_by(7) {
        assert_eq!(set.rank(member), Some(rank));
    }
    assert_eq!(set.rank(b"nobody"), None);
}

#[test]
fn agrees_with_ordered_collections_of_std() {
    for (members, rounds, is_small) in [(60, 4_000, true), (3_000, 40_000, false)] {
        let (mut set, mut model, mut rng) =
            (SortedSet::new(1), BTreeMap::<Vec<u8>, i32>::new(), Rng::new(members));
        for round in 0..rounds {
            let member = format!("m{}", rng.between(0, members)).into_bytes();
            let score = i32::try_from(rng.between(0, 500)).unwrap();
            // Grow, then shrink.
            let grows = rng.between(0, 9) < if round < rounds / 2 { 7 } else { 1 };
            if grows {
                let is_new = model.insert(member.clone(), score).is_none();
                assert_eq!(set.insert(&member, f64::from(score)), is_new);
            } else {
                let gone = model.remove(&member).map(f64::from);
                assert_eq!(set.remove(&member), gone);
            }
            let asked = format!("m{}", rng.between(0, members)).into_bytes();
            assert_eq!(set.score(&asked), model.get(&asked).copied().map(f64::from));
            assert_eq!(set.len(), model.len());
            if round % 500 == 0 {
                check(&set, &model, &mut rng);
            }
        }
        check(&set, &model, &mut rng);
        assert_eq!(set.is_small(), is_small);
        for member in model.keys() {
            set.remove(member);
        }
        assert!(set.is_empty() && set.iter().next().is_none());
    }
}

#[test]
fn ascending_and_descending_insertions_keep_order_and_bytes_in_bounds() {
    for ascending in [true, false] {
        let mut set = SortedSet::new(1);
        for n in 0..20_000_u32 {
            let n = if ascending { n } else { 20_000 - n };
            set.insert(format!("member:{n:08}").as_bytes(), f64::from(n));
        }
        assert!(set.iter().map(|(_, score)| score).is_sorted());
        // A member's block 48, its score and order 24 + 28, and room.
        let each = set.bytes() / set.len();
        assert!((100..160).contains(&each), "{each}");
        assert_eq!(set.iter_from_rank(19_999).count(), 1);
    }
}

#[test]
fn thresholds_are_those_of_redis() {
    let mut set = SortedSet::new(1);
    for n in 0..128_u32 {
        set.insert(format!("{n}").as_bytes(), f64::from(n));
    }
    assert!(set.is_small());
    set.insert(b"one more", 0.0);
    assert!(!set.is_small());
    let mut set = SortedSet::new(1);
    set.insert(&[b'x'; 64], 1.0);
    assert!(set.is_small());
    set.insert(&[b'x'; 65], 1.0);
    assert!(!set.is_small());
    assert_eq!(set.len(), 2);
}

#[test]
fn a_rebuild_is_in_bounded_commands_and_a_value_can_be_given_up_bit_by_bit() {
    let mut set = SortedSet::new(1);
    for n in 0..1_100_u32 {
        set.insert(format!("{n}").as_bytes(), f64::from(n) + 0.5);
    }
    let commands = set.rebuild(b"k");
    let sizes: Vec<usize> = commands.iter().map(Vec::len).collect();
    assert_eq!(sizes, [1_026, 1_026, 154]);
    assert_eq!(commands[0][..4], [&b"ZADD"[..], b"k", b"0.5", b"0"]);
    let mut steps = 0;
    while !set.drop_some(256) {
        steps += 1;
    }
    assert!((4..40).contains(&steps), "{steps}");
}
