use super::super::strings::tests::check;
use super::*;

/// Commands, and what redis-server 7.0.15 answers.
const ANSWERS: &[(&str, &str)] = &[
    ("SETBIT a 7 1", "(integer) 0"),
    ("SETBIT a 7 1", "(integer) 1"),
    ("SETBIT a 20 1", "(integer) 0"),
    ("SETBIT a 4294967296 1", "ERR bit offset is not an integer or out of range"),
    ("SETBIT a 1 2", "ERR bit is not an integer or out of range"),
    ("GETBIT a 20", "(integer) 1"),
    ("GETBIT a 100", "(integer) 0"),
    ("STRLEN a", "(integer) 3"),
    ("BITCOUNT a", "(integer) 2"),
    ("BITCOUNT a 0", "ERR syntax error"),
    ("BITCOUNT a 0 0", "(integer) 1"),
    ("BITCOUNT a 7 20 BIT", "(integer) 2"),
    ("BITCOUNT a 8 -1 BIT", "(integer) 1"),
    ("BITCOUNT a -1 -2 nonsense", "(integer) 0"),
    ("BITCOUNT a 0 1 nonsense", "ERR syntax error"),
    ("BITPOS a 1", "(integer) 7"),
    ("BITPOS a 1 1", "(integer) 20"),
    ("BITPOS a 1 8 -1 BIT", "(integer) 20"),
    ("BITPOS a 1 1 1", "(integer) -1"),
    ("BITPOS a 0 0 -1 BIT", "(integer) 0"),
    ("BITPOS none 0", "(integer) 0"),
    ("BITPOS none 1", "(integer) -1"),
    ("BITPOS a 2", "ERR The bit argument must be 1 or 0."),
    ("BITOP NOT n a", "(integer) 3"),
    ("BITPOS n 0", "(integer) 7"),
    ("BITPOS n 1 0 0", "(integer) 0"),
    ("BITOP NOT n a b", "ERR BITOP NOT must be called with a single source key."),
    ("BITOP AND d a n", "(integer) 3"),
    ("BITOP XOR d a n", "(integer) 3"),
    ("BITPOS d 0", "(integer) 24"),
    ("BITPOS d 0 0 -1", "(integer) -1"),
    ("BITOP OR d none none2", "(integer) 0"),
    ("EXISTS d", "(integer) 0"),
    ("BITOP FOO d a", "ERR syntax error"),
    ("BITFIELD f SET u8 #1 255 GET u8 8 GET i8 8", "[(integer) 0, (integer) 255, (integer) -1]"),
    (
        "BITFIELD f INCRBY u8 8 10 OVERFLOW SAT INCRBY u8 8 300 OVERFLOW FAIL INCRBY u8 8 1",
        "[(integer) 9, (integer) 255, (nil)]",
    ),
    (
        "BITFIELD f SET i64 3 -9223372036854775808 GET i64 3 OVERFLOW SAT INCRBY i64 3 -1",
        "[(integer) 574208952489738240, (integer) -9223372036854775808, (integer) -9223372036854775808]",
    ),
    (
        "BITFIELD f SET u63 0 -1 GET u63 0",
        "[(integer) 576460752303423488, (integer) 9223372036854775807]",
    ),
    (
        "BITFIELD f OVERFLOW SAT SET i5 100 -100 SET i5 100 100 GET i5 100",
        "[(integer) 0, (integer) -16, (integer) 15]",
    ),
    (
        "BITFIELD f GET u64 0",
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    ),
    ("BITFIELD f GET u8 #-1", "ERR bit offset is not an integer or out of range"),
    ("BITFIELD f OVERFLOW nonsense", "ERR Invalid OVERFLOW type specified"),
    ("BITFIELD f SET u8 0", "ERR syntax error"),
    ("BITFIELD_RO f SET u8 0 1", "ERR BITFIELD_RO only supports the GET subcommand"),
    ("BITFIELD_RO f GET u8 8 GET u8 1000", "[(integer) 255, (integer) 0]"),
    ("BITFIELD g OVERFLOW FAIL INCRBY u8 0 300", "[(nil)]"),
    ("STRLEN g", "(integer) 1"),
];

#[test]
fn replies_are_those_of_redis() {
    check(ANSWERS);
}

#[test]
fn whole_bytes_and_single_bits_count_alike() {
    let bytes: Vec<u8> = (0..=255).collect();
    for start in 0..40 {
        for end in start..60 {
            let one_by_one = (start..end).filter(|at| is_set(&bytes, *at));
            assert_eq!(ones(&bytes, start..end), one_by_one.clone().count());
            assert_eq!(first(&bytes, start..end, true), one_by_one.clone().next());
        }
    }
}
