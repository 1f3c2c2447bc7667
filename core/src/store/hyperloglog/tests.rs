use alloc::string::ToString;

use super::*;

/// After this many numbers from 1 on, what redis-server 7.0.15 counts, how long its string then
/// is, and the FNV-1a hash of that.
const SNAPSHOTS: &[(u32, u64, usize, u64)] = &[
    (1, 1, 21, 0x446d_e56f_d33c_5174),
    (10, 10, 47, 0x5cde_536f_74ba_0a91),
    (100, 100, 287, 0x3770_f1dc_7181_58cb),
    (500, 503, 1061, 0xce01_3b15_17aa_bf57),
    (1000, 1001, 1922, 0x0a0d_d3e8_4971_cee9),
    (1500, 1512, 2766, 0xace7_91cd_419b_7f39),
    (2000, 2006, 12304, 0x0884_2a2e_8b28_d8d8),
    (5000, 4985, 12304, 0x5cc5_827a_adaf_9e3f),
    (10000, 9988, 12304, 0x9078_d254_4925_87b6),
];

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn counted(bytes: &[u8]) -> u64 {
    let mut registers = [0; REGISTERS];
    merge(&mut registers, bytes).unwrap();
    estimate(&registers)
}

#[test]
fn strings_are_those_of_redis() {
    let mut bytes = new();
    let mut added = 0;
    for (upto, count, len, hash) in SNAPSHOTS {
        while added < *upto {
            added += 1;
            if add(&mut bytes, added.to_string().as_bytes()).unwrap() {
                outdate_count(&mut bytes);
            }
        }
        // A count that is still right stays in the header.
        let cached = cached_count(&bytes).unwrap_or_else(|| counted(&bytes));
        cache_count(&mut bytes, cached);
        assert_eq!((cached, bytes.len(), fnv(&bytes)), (*count, *len, *hash), "{upto}");
    }
}

#[test]
fn what_does_not_have_all_registers_is_corrupted() {
    let mut short = new();
    short.pop();
    short.pop();
    assert!(is_valid(&short));
    assert_eq!(add(&mut short, b"a"), Err(Corrupted));
    assert_eq!(make_dense(&mut short), Err(Corrupted));
    let mut long = new();
    long.push(0);
    assert_eq!(merge(&mut [0; REGISTERS], &long), Err(Corrupted));
}

#[test]
fn other_strings_are_told_apart() {
    assert!(is_valid(&new()));
    for bytes in
        [b"".as_slice(), b"HYLL", b"HYLX............", b"HYLL\x02...........", b"HYLL\0..........."]
    {
        assert!(!is_valid(bytes));
    }
}
