//! How long a key takes to find its rule among fifty, for patterns of each shape, also such as are made to
//! be slow. Prints Markdown: the least of many rounds, so that others on the machine count little.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]
#![expect(clippy::disallowed_types, reason = "a person is told how long it took")]

use std::hint::black_box;
use std::time::Instant;

use outlast_core::rules::Rules;

const RULES: usize = 50;
const ROUNDS: usize = 2_000;
const KEYS_PER_ROUND: u32 = 100;

/// A name, what each rule's pattern is, and the keys that are asked for.
type Shape = (&'static str, fn(usize) -> String, &'static [&'static str]);

const SHAPES: &[Shape] = &[
    ("other beginnings `svc7:*`", |n| format!("svc{n}:*"), &["svc49:user:1234567", "none:1"]),
    ("one beginning `app:t7:*`", |n| format!("app:t{n}:*"), &["app:t49:user:123", "app:x:1"]),
    ("other endings `*:t7`", |n| format!("*:t{n}"), &["user:1234567:t49", "user:1234567:t"]),
    (
        "one ending `*7:session`",
        |n| format!("*a{n}:session"),
        &["user:12:a49:session", "u:session"],
    ),
    (
        "beginning and ending `app:*:t7`",
        |n| format!("app:*:t{n}"),
        &["app:12345:t49", "app:12345:t"],
    ),
    (
        "in the middle `*:t7:*`",
        |n| format!("*:t{n}:*"),
        &["app:1234:t49:session", "app:1234:t:session"],
    ),
    (
        "two in the middle `*a*7*`",
        |n| format!("*:a*:t{n}:*"),
        &[":a:a:a:a:t49:a", ":a:a:a:a:a:a:a:t4:"],
    ),
    (
        "question marks `app:??7:*`",
        |n| format!("app:??{n}:*"),
        &["app:xy49:1234567", "app:xyz:1234567"],
    ),
    (
        "only question marks `????…`",
        |n| "?".repeat(n + 1),
        &["0123456789012345678901234567890123456789012345678", "x"],
    ),
    ("classes `[a-y]7:*`", |n| format!("[a-y]{n}:*"), &["b49:1234567", "z1:1234567"]),
    (
        "stars that fail late `*a*a*a7`",
        |n| format!("*a*a*a{n}b*c"),
        &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "aaaa1b2b3b4b5baaaaaaac"],
    ),
    (
        "all pairs alike `*aa7x*bb`",
        |n| format!("*aa{n}x*bb"),
        &["aa1aa2aa3aa4aa5aa6aa7aa8aa9aa49xbb", "0123456789aabb"],
    ),
];

/// The least nanoseconds that a key takes.
fn measured(rules: &Rules, key: &[u8]) -> f64 {
    let round = || {
        let began = Instant::now();
        for _ in 0..KEYS_PER_ROUND {
            black_box(rules.class_of(black_box(key)));
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(KEYS_PER_ROUND)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() {
    println!("| patterns of {RULES} rules | key | ns |\n| --- | --- | --- |");
    for (name, pattern, keys) in SHAPES {
        let rules = Rules::new((0..RULES).map(|n| (pattern(n), "session")));
        let rules = rules.expect("rules that may be there");
        for key in *keys {
            println!("| {name} | `{key}` | {:.0} |", measured(&rules, key.as_bytes()));
        }
    }
}
