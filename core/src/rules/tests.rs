use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::policy::{Builder, OnGuarded, Profile, Source};
use crate::store::glob;

/// Keys of every length, also beyond those that are told apart at once.
#[test]
fn patterns_are_told_apart_by_length() {
    let marks = |count: usize| "?".repeat(count);
    let patterns: Vec<String> = (1..=150)
        .map(|n| match n % 3 {
            0 => format!("{}*b", marks(n)),
            1 => format!("{}a", marks(n)),
            _ => format!("a{}b", marks(n)),
        })
        .collect();
    let globs: Vec<Glob> =
        patterns.iter().filter_map(|pattern| Glob::parse(pattern.as_bytes())).collect();
    let index = Index::new(&globs);
    for length in 0..300 {
        for (first, last) in [("a", "b"), ("b", "a"), ("c", "c")] {
            let key = format!("{first}{}{last}", "x".repeat(length));
            let matches = |pattern: &String| glob::matches(pattern.as_bytes(), key.as_bytes());
            let expected = patterns.iter().position(matches);
            assert_eq!(index.first_match(key.as_bytes()), expected, "{key}");
        }
    }
}

/// What the tree must find: the first rule whose pattern matches.
fn first_match<'a>(rules: &'a Rules, key: &[u8]) -> Option<&'a KeyRule> {
    rules.as_slice().iter().find(|rule| glob::matches(rule.pattern.as_bytes(), key))
}

/// Rules of these patterns; those that may not be there are left out.
fn rules_of(patterns: &[String]) -> Rules {
    let mut kept: Vec<(String, &str)> = Vec::new();
    for (pattern, class) in patterns.iter().zip(KeyClass::ALL.iter().cycle()) {
        kept.push((pattern.clone(), class.code()));
        if Rules::new(kept.clone()).is_err() {
            kept.pop();
        }
    }
    Rules::new(kept).unwrap()
}

/// Of so few letters that patterns and keys often meet.
fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => "[abc:]{1,3}",
        2 => Just("*".to_string()),
        1 => Just("?".to_string()),
        1 => "\\[\\^?[abc]{1,2}\\]",
        1 => Just("[a-c]".to_string()),
        1 => "\\\\[abc*?\\[]",
    ];
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat())
}

fn key() -> impl Strategy<Value = String> {
    "[abc:*]{0,7}"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn the_tree_finds_the_first_rule_that_matches(
        patterns in prop::collection::vec(pattern(), 0..20),
        keys in prop::collection::vec(key(), 30),
    ) {
        let rules = rules_of(&patterns);
        for key in keys {
            let expected = first_match(&rules, key.as_bytes());
            prop_assert_eq!(rules.class_of(key.as_bytes()).rule, expected, "{}", key);
        }
    }

    /// More patterns at one place than one sieve takes.
    #[test]
    fn many_patterns_are_told_apart(
        patterns in prop::collection::vec(pattern(), 20..90),
        keys in prop::collection::vec(key(), 30),
    ) {
        let known: Vec<(&String, Glob)> = patterns
            .iter()
            .filter_map(|pattern| Some((pattern, Glob::parse(pattern.as_bytes())?)))
            .collect();
        let globs: Vec<Glob> = known.iter().map(|(_, glob)| glob.clone()).collect();
        let index = Index::new(&globs);
        for key in keys {
            let matches = |(pattern, _): &(&String, Glob)| {
                glob::matches(pattern.as_bytes(), key.as_bytes())
            };
            let expected = known.iter().position(matches);
            prop_assert_eq!(index.first_match(key.as_bytes()), expected, "{}", key);
        }
    }

    #[test]
    fn a_covered_pattern_matches_no_key_of_its_own(
        wide in pattern(),
        narrow in pattern(),
        keys in prop::collection::vec(key(), 30),
    ) {
        let parse = |pattern: &str| Glob::parse(pattern.as_bytes());
        if let (Some(one), Some(other)) = (parse(&wide), parse(&narrow)) && one.covers(&other) {
            for key in keys {
                let matches = |pattern: &str| glob::matches(pattern.as_bytes(), key.as_bytes());
                prop_assert!(!matches(&narrow) || matches(&wide), "{} {} {}", wide, narrow, key);
            }
        }
    }

    #[test]
    fn every_pattern_covers_itself(pattern in pattern()) {
        if let Some(glob) = Glob::parse(pattern.as_bytes()) {
            prop_assert!(glob.covers(&glob));
        }
    }

    #[test]
    fn the_text_of_rules_is_read_back(patterns in prop::collection::vec("[ab ,=\\\\*\t]{1,5}", 0..8)) {
        let rules = rules_of(&patterns);
        let text = rules.to_string();
        let read = Rules::new(RuleSpec::from_text(&text).unwrap()).unwrap();
        prop_assert_eq!(read, rules);
    }
}

#[test]
fn a_thousand_long_rules_are_allowed_and_found() {
    let pattern = |n: usize| alloc::format!("{}{n:03}*", "x".repeat(508));
    let specs: Vec<_> = (0..RULES_MAX).map(|n| (pattern(n), "lock")).collect();
    assert!(specs.iter().all(|(pattern, _)| pattern.len() == PATTERN_BYTES_MAX));
    let rules = Rules::new(specs).unwrap();
    for n in [0, 7, 999] {
        let found = rules.class_of(alloc::format!("{}y", &pattern(n)[..511]).as_bytes()).rule;
        assert_eq!(found.map(|rule| rule.pattern.as_str()), Some(pattern(n).as_str()));
    }
    assert_eq!(rules.class_of("x".repeat(508).as_bytes()).rule, None);
}

#[test]
fn rules_come_from_the_nearest_source_and_are_named_after_it() {
    let builder = Builder::new(Profile::Production)
        .option("rules", "url:*=lock", Source::Url)
        .option("rules", "variable:*=lock", Source::Variable);
    let first = |builder: Builder| {
        builder.build().map(|policy| policy.rules.as_slice().first().map(ToString::to_string))
    };
    assert_eq!(first(builder.clone()).unwrap().as_deref(), Some("variable:*=lock"));
    let keyword = builder.clone().rules(Vec::from([("keyword:*", "lock").into()]));
    assert_eq!(first(keyword).unwrap().as_deref(), Some("keyword:*=lock"));
    assert_eq!(first(builder.rules(Vec::new())).unwrap(), None);
    let message = |source| {
        let builder = Builder::new(Profile::Test).option("rules", "a=b", source);
        builder.build().unwrap_err().message().to_string()
    };
    assert!(message(Source::Url).starts_with("invalid URL parameter rules[0].class \"b\""));
    assert!(message(Source::Variable).starts_with("invalid OUTLAST_RULES[0].class \"b\""));
    assert!(message(Source::Keyword).starts_with("invalid rules[0].class \"b\""));
}

#[test]
fn a_policy_keeps_its_rules_through_json_and_shows_them() {
    let builder = Builder::new(Profile::Production).option("rules", "a:*=lock", Source::Keyword);
    let policy = builder.build().unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert!(text.contains(r#""rules":[{"pattern":"a:*","class":"lock","policy":"discard"}]"#));
    let read: crate::Policy = serde_json::from_str(&text).unwrap();
    assert_eq!(read, policy);
    assert_eq!(read.rules.class_of(b"a:1").class, KeyClass::Lock);
    assert!(alloc::format!("{policy:?}").contains("pattern: \"a:*\", class: Lock"));
    let broken = text.replace("\"discard\"", "\"merge\"");
    let error = serde_json::from_str::<crate::Policy>(&broken).unwrap_err().to_string();
    assert!(error.starts_with("invalid rules[0].policy \"merge\""), "{error}");
}

#[test]
fn every_default_policy_makes_sense_for_its_class() {
    for class in KeyClass::ALL {
        assert_eq!(class.policies().first(), Some(&class.default_policy()));
    }
}

#[test]
fn no_key_is_in_a_reason() {
    let rules = Rules::new([("lock:*", "lock")]).unwrap();
    let args = ["GET", "lock:secret"];
    let traits = crate::command::Traits::of(&args);
    let Decision::Refuse(reason) = decide(traits, &args, &rules, OnGuarded::Refuse) else {
        panic!("a lock is refused");
    };
    assert!(!reason.describe("GET").contains("secret"));
}
