//! Commands by chance: few keys, so that they meet; few members; sometimes an argument that is odd.

use std::sync::LazyLock;

use outlast_core::rng::Rng;

/// What commands look like. `{…}` is drawn from [`word`], `(a|b|)` is one of several, and
/// `<…>` is repeated one to three times.
static RULES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("rules.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// Arguments that commands trip over.
const ODD: &[&str] = &[
    "",
    "-1",
    "0",
    "1.5",
    "abc",
    "nan",
    "inf",
    "-inf",
    "+5",
    "007",
    " 1",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e400",
    "(1",
    "[a",
    "*",
    "-",
    "+",
    "$",
    ">",
    "0x10",
    "\u{e9}",
    "NX",
    "COUNT",
    "LIMIT",
    "WITHSCORES",
];

/// The command that a rule gives with a seed.
pub(crate) fn command(rule: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut rng = Rng::new(seed);
    let mut args = vec![];
    expand(RULES[rule % RULES.len()], &mut rng, &mut args);
    if rng.between(0, 19) == 0 {
        spoil(&mut args, &mut rng);
    }
    args
}

fn below(rng: &mut Rng, end: usize) -> usize {
    usize::try_from(rng.between(0, end.max(1) as u64 - 1)).unwrap_or(0)
}

fn spoil(args: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    let at = below(rng, args.len());
    let odd = ODD[below(rng, ODD.len())].as_bytes().to_vec();
    // The ID of `XADD key *` is the time, which the two sides do not share.
    if args.first().is_some_and(|name| name == b"XADD") && odd == b"*" {
        return;
    }
    match rng.between(0, 3) {
        0 if args.len() > 1 && at > 0 => {
            args.remove(at);
        }
        1 => args.push(odd),
        _ if at > 0 => args[at] = odd,
        _ => {}
    }
}

/// Expands words, choices and repetitions; brackets do not nest within their own kind.
fn expand(rule: &str, rng: &mut Rng, args: &mut Vec<Vec<u8>>) {
    let mut rest = rule.trim_start();
    while let Some(first) = rest.chars().next() {
        let (part, behind) = match first {
            '(' => rest[1..].split_once(')').expect("a closing bracket"),
            '<' => rest[1..].split_once('>').expect("a closing bracket"),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        match first {
            '(' => {
                let choices: Vec<&str> = part.split('|').collect();
                expand(choices[below(rng, choices.len())], rng, args);
            }
            '<' => {
                for _ in 0..=rng.between(0, 2) {
                    expand(part, rng, args);
                }
            }
            _ => args.push(word(part, rng)),
        }
        rest = behind.trim_start();
    }
}

fn word(part: &str, rng: &mut Rng) -> Vec<u8> {
    if let "{lon}" | "{lat}" = part {
        // All apart from each other, so that no two distances are the same.
        let micros = i64::try_from(rng.between(0, 160_000_000)).unwrap_or(0) - 80_000_000;
        let (whole, rest) = (micros.abs() / 1_000_000, micros.abs() % 1_000_000);
        let sign = if micros < 0 { "-" } else { "" };
        return format!("{sign}{whole}.{rest:06}").into_bytes();
    }
    let mut choose = |words: &[&str]| words[below(rng, words.len())].as_bytes().to_vec();
    match part {
        "{key}" => choose(&["k1", "k2", "k3", "k4", "k5"]),
        "{value}" => choose(&["", "a", "hello", "10", "-3", "1.5", "foobar", "\u{0}\r\n", "3.0e3"]),
        "{member}" => choose(&["a", "b", "c", "d", "1", "2", "30", "xyz"]),
        "{number}" => choose(&["0", "1", "2", "5", "-1", "-3", "100", "7"]),
        "{count}" => choose(&["1", "2", "3", "10"]),
        "{float}" => choose(&["0.1", "1", "-2.5", "3e2", "0.3333333333", "100", "1e-5"]),
        "{score}" => choose(&["1", "2", "2.5", "-1", "0.1", "3", "inf", "-inf", "1e20"]),
        "{bound}" => choose(&["-inf", "+inf", "1", "(1", "2.5", "(2", "0", "100"]),
        "{lex}" => choose(&["-", "+", "[a", "(a", "[b", "(c", "[xyz", "[1"]),
        "{index}" => choose(&["0", "1", "2", "-1", "-2", "5", "-100", "100"]),
        "{bit}" => choose(&["0", "1"]),
        "{offset}" => choose(&["0", "1", "7", "8", "15", "100", "-1"]),
        "{seconds}" => choose(&["100", "1000", "-1", "0", "100000"]),
        "{pattern}" => choose(&["*", "k*", "?1", "[ab]", "a*", "*z"]),
        "{place}" => choose(&["p1", "p2"]),
        "{dist}" => choose(&["100", "200.5", "1000", "5000", "0"]),
        "{id}" => choose(&["1-1", "2-0", "3", "5-5", "7-1", "0", "0-1"]),
        "{weight}" => choose(&["w_a", "w_b", "w_c", "w_1", "w_2", "w_30"]),
        "{sortable}" => choose(&["o1", "o2", "o3"]),
        "{group}" => choose(&["g1", "g2"]),
        "{consumer}" => choose(&["alice", "bob"]),
        literal => literal.as_bytes().to_vec(),
    }
}
