use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::rng::Rng;

fn below(rng: &mut Rng, end: usize) -> usize {
    usize::try_from(rng.between(0, (end as u64).saturating_sub(1))).unwrap()
}

fn element(rng: &mut Rng) -> Vec<u8> {
    let len = [0, 1, 3, 40, 300, 5_000][below(rng, 6)];
    vec![b'a' + u8::try_from(rng.between(0, 3)).unwrap(); len]
}

fn check(list: &List, model: &[Vec<u8>]) {
    assert_eq!(list.len(), model.len());
    assert!(list.iter().eq(model.iter().map(Vec::as_slice)));
    assert!(list.iter().rev().eq(model.iter().rev().map(Vec::as_slice)));
    assert_eq!(list.bytes, list.chunks.iter().map(Pack::bytes).sum::<usize>());
    assert!(list.chunks.iter().all(|chunk| {
        !chunk.is_empty() && (chunk.size() <= CHUNK_BYTES_MAX || chunk.len() == 1)
    }));
}

fn remove_from_model(model: &mut Vec<Vec<u8>>, element: &[u8], count: i64) -> usize {
    let most = if count == 0 { usize::MAX } else { usize::try_from(count.abs()).unwrap() };
    let equal = |at: &usize| model[*at] == element;
    let mut places: Vec<usize> = if count < 0 {
        (0..model.len()).rev().filter(equal).take(most).collect()
    } else {
        (0..model.len()).filter(equal).take(most).collect()
    };
    places.sort_unstable();
    for at in places.iter().rev() {
        model.remove(*at);
    }
    places.len()
}

#[test]
fn agrees_with_a_vector_under_random_operations() {
    for seed in 0..8 {
        let (mut list, mut model, mut rng) = (List::new(0), Vec::<Vec<u8>>::new(), Rng::new(seed));
        for round in 0..3_000 {
            let (new, at) = (element(&mut rng), below(&mut rng, model.len()));
            match rng.between(0, 19) {
                0..=3 => {
                    list.push_front(&new);
                    model.insert(0, new);
                }
                4..=7 => {
                    list.push_back(&new);
                    model.push(new);
                }
                8..=12 => {
                    list.insert(at, &new);
                    model.insert(at, new);
                }
                13 => assert_eq!(list.pop_back(), model.pop()),
                14 => {
                    let first = (!model.is_empty()).then(|| model.remove(0));
                    assert_eq!(list.pop_front(), first);
                }
                15 | 16 if at < model.len() => {
                    list.set(at, &new);
                    model[at] = new;
                }
                17 => {
                    let count = i64::try_from(rng.between(0, 8)).unwrap() - 4;
                    let count = if count == 0 && round % 9 > 0 { 1 } else { count };
                    let removed = remove_from_model(&mut model, &new, count);
                    assert_eq!(list.remove_equal(&new, count), removed);
                }
                18 if rng.between(0, 40) == 0 => {
                    let end = at + below(&mut rng, model.len() - at + 1);
                    list.trim(at..end);
                    model = model.get(at..end).unwrap().to_vec();
                }
                _ => {
                    assert_eq!(list.get(at), model.get(at).map(Vec::as_slice));
                    let end = at + below(&mut rng, 200).min(model.len() - at);
                    let range = model.get(at..end).unwrap().iter().map(Vec::as_slice);
                    assert!(list.range(at..end).eq(range));
                }
            }
            if round % 16 < 1 {
                check(&list, &model);
            }
        }
        check(&list, &model);
        assert!(list.chunks.len() > 3);
    }
}

#[test]
fn it_is_made_again_by_bounded_commands() {
    let mut list = List::new(0);
    for n in 0..1_300 {
        list.push_back(alloc::format!("{n}").as_bytes());
    }
    let commands = list.rebuild(b"k");
    assert_eq!(commands.iter().map(Vec::len).collect::<Vec<_>>(), [514, 514, 278]);
    let elements = commands.iter().flat_map(|command| &command[2..]).map(Vec::as_slice);
    assert!(list.iter().eq(elements));
    assert!(list.bytes() < 16_000);
    let mut steps = 1;
    while !list.drop_some(100) {
        steps += 1;
    }
    assert!(steps > 5);
}
