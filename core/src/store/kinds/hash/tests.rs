use alloc::collections::BTreeMap;
use alloc::format;

use super::*;
use crate::rng::Rng;

#[test]
fn agrees_with_a_map_under_random_operations() {
    for (seed, fields) in [(1, 20), (2, 128), (3, 400), (4, 3_000)] {
        let (mut hash, mut rng) = (Hash::new(seed), Rng::new(seed));
        let mut model: BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)> = BTreeMap::new();
        let mut now = 0;
        for _ in 0..20_000 {
            let field = format!("field:{}", rng.between(0, fields)).into_bytes();
            let value = vec![b'v'; usize::try_from(rng.between(0, 64)).unwrap()];
            match rng.between(0, 9) {
                0..=3 => {
                    let is_new = model.insert(field.clone(), (value.clone(), None)).is_none();
                    assert_eq!(hash.set(&field, &value), is_new);
                }
                4 if model.contains_key(&field) => {
                    model.get_mut(&field).unwrap().0 = value.clone();
                    assert!(!hash.set_keeping_expiry(&field, &value));
                }
                5 | 6 => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                7 if model.contains_key(&field) => {
                    let at = (rng.between(0, 3) > 0).then(|| now + rng.between(1, 500));
                    model.get_mut(&field).unwrap().1 = at;
                    hash.set_expires_at(&field, at.map(Timestamp::from_ms));
                }
                8 => {
                    now += 1;
                    let before = model.len();
                    model.retain(|_, (_, at)| at.is_none_or(|at| at >= now));
                    let taken = hash.take_expired(Timestamp::from_ms(now));
                    assert_eq!(taken.len(), before - model.len());
                }
                _ => {
                    let entry = model.get(&field);
                    assert_eq!(hash.get(&field), entry.map(|(value, _)| value.as_slice()));
                    let at = entry.and_then(|(_, at)| *at).map(Timestamp::from_ms);
                    assert_eq!(hash.expires_at(&field), at);
                }
            }
            assert_eq!(hash.len(), model.len());
        }
        let all: BTreeMap<&[u8], &[u8]> = hash.iter().collect();
        assert!(
            all.into_iter().eq(model.iter().map(|(field, (value, _))| (&field[..], &value[..])))
        );
        assert_eq!(hash.is_small(), fields <= 128);
        if let Form::Large { table, bytes } = &hash.form {
            assert_eq!(*bytes, table.iter().map(Field::bytes).sum::<usize>());
        }
        assert_eq!(hash.expiries.is_some(), model.values().any(|(_, at)| at.is_some()));
    }
}

#[test]
fn a_long_value_makes_it_a_table() {
    let mut hash = Hash::new(1);
    hash.set(b"a", &[b'x'; 64]);
    assert!(hash.is_small());
    hash.set(b"b", &[b'x'; 65]);
    assert!(!hash.is_small());
    hash.set_expires_at(b"b", Some(Timestamp::from_ms(7)));
    assert_eq!(hash.rebuild(b"k").len(), 2);
    while !hash.drop_some(1) {}
    assert!(hash.is_empty());
}
