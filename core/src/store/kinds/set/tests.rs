use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::rng::Rng;

fn below(rng: &mut Rng) -> impl FnMut(usize) -> usize {
    |end| usize::try_from(rng.between(0, (end as u64).max(1) - 1)).unwrap()
}

fn agrees(name: impl Fn(u64) -> Vec<u8>, members: u64, encoding: &str) {
    let (mut set, mut model, mut rng) = (Set::new(7), BTreeSet::new(), Rng::new(3));
    for round in 0..20_000 {
        let member = name(rng.between(0, members));
        assert_eq!(set.contains(&member), model.contains(&member));
        if rng.between(0, 99) < if round < 10_000 { 70 } else { 30 } {
            assert_eq!(set.insert(&member), model.insert(member.clone()));
        } else {
            assert_eq!(set.remove(&member), model.remove(&member));
        }
        assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
        if round % 1_000 == 0 {
            let all: BTreeSet<Vec<u8>> = set.iter().map(Cow::into_owned).collect();
            assert_eq!(all, model);
            let mut scanned = BTreeSet::new();
            let mut cursor = 0;
            loop {
                cursor = set.scan(cursor, 10, |member| assert!(scanned.insert(member.to_vec())));
                if cursor == 0 {
                    break;
                }
            }
            assert_eq!(scanned, model);
        }
    }
    assert_eq!(set.encoding(), encoding);
}

#[test]
fn agrees_with_a_model_in_each_form() {
    agrees(|n| n.to_string().into_bytes(), 300, "intset");
    let wide = |n: u64| format!("{}", i64::MIN.wrapping_add_unsigned(n << 56)).into_bytes();
    agrees(wide, 255, "intset");
    agrees(|n| n.to_string().into_bytes(), 2_000, "hashtable");
    agrees(|n| format!("member:{n}").into_bytes(), 3_000, "hashtable");
}

#[test]
fn whole_numbers_come_in_ascending_order() {
    let mut set = Set::new(7);
    let mut numbers =
        [5, -1, 70_000, 0, i64::MAX, 32_767, 32_768, i64::MIN, -32_769, 2_147_483_648, 1 << 40];
    for number in numbers {
        assert!(set.insert(number.to_string().as_bytes()));
    }
    numbers.sort_unstable();
    let found: Vec<i64> = set.iter().map(|member| parse_i64(&member).unwrap()).collect();
    assert_eq!(found, numbers);
    assert!(!set.contains(b"+5") && !set.contains(b"05") && !set.contains(b""));
}

#[test]
fn the_form_changes_where_that_of_redis_does() {
    let mut set = Set::new(7);
    for number in 0..512 {
        set.insert(number.to_string().as_bytes());
    }
    assert_eq!(set.encoding(), "intset");
    set.insert(b"512");
    assert_eq!((set.encoding(), set.len()), ("hashtable", 513));
    set.remove(b"512");
    assert_eq!(set.encoding(), "hashtable");
    let mut set = Set::new(7);
    set.insert(b"1");
    set.insert(b"01");
    assert_eq!((set.encoding(), set.len()), ("hashtable", 2));
}

#[test]
fn every_member_has_the_same_chance() {
    for (name, len) in [("", 40), ("member:", 40), ("member:", 200)] {
        let mut set = Set::new(7);
        (0..len).for_each(|n| assert!(set.insert(format!("{name}{n}").as_bytes())));
        let mut rng = Rng::new(1);
        let mut random = below(&mut rng);
        for count in [1, 10, 19, 30] {
            let mut drawn: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
            for _ in 0..300 * len / count {
                let distinct = set.random_distinct(count, &mut random);
                assert_eq!(distinct.iter().collect::<BTreeSet<_>>().len(), count);
                for member in distinct.into_iter().chain(set.random_repeated(count, &mut random)) {
                    *drawn.entry(member).or_default() += 1;
                }
            }
            // 600 expected each; 6 standard deviations of 24.5.
            assert_eq!(drawn.len(), len);
            assert!(drawn.values().all(|n| (440..=760).contains(n)), "{drawn:?}");
        }
        assert_eq!(set.random_distinct(500, &mut random).len(), len);
        for left in (0..len).rev() {
            let member = set.pop_random(&mut random).unwrap();
            assert!(!set.contains(&member));
            assert_eq!(set.len(), left);
        }
        assert_eq!(set.pop_random(&mut random), None);
    }
}

#[test]
fn a_rebuild_makes_the_same_set_in_commands_of_bounded_size() {
    let mut set = Set::new(7);
    (0..1_100).for_each(|n| assert!(set.insert(format!("member:{n}").as_bytes())));
    let commands = set.rebuild(b"key");
    assert_eq!(commands.iter().map(Vec::len).collect::<Vec<_>>(), [514, 514, 78]);
    let mut again = Set::new(1);
    for command in &commands {
        assert_eq!(command[..2], [b"SADD".to_vec(), b"key".to_vec()]);
        command[2..].iter().for_each(|member| assert!(again.insert(member)));
    }
    assert_eq!(again.len(), 1_100);
}

#[test]
fn its_bytes_follow_what_it_holds() {
    let mut set = Set::new(7);
    assert_eq!(set.bytes(), 0);
    (0..2_000).for_each(|n| assert!(set.insert(format!("a member of some length:{n}").as_bytes())));
    let full = set.bytes();
    assert!(full > 2_000 * 48, "{full}");
    (0..2_000).for_each(|n| assert!(set.remove(format!("a member of some length:{n}").as_bytes())));
    assert!(set.bytes() < 2_000, "{}", set.bytes());
}
