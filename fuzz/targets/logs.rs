//! Texts that people and files hand over: production logs, recordings, statuses, rules and policies. A log
//! that was corrected once has nothing more to correct, and a policy is read as it is written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use outlast_core::policy::{Builder, Source};
use outlast_core::rules::RuleSpec;
use outlast_core::{Policy, Profile, Rules, Status, inspect, production_log, recording};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match first % 4 {
        0 => {
            let checked = production_log::check(&text);
            let again = production_log::check(&checked.corrected);
            assert_eq!(again.corrected, checked.corrected);
            assert_eq!(again.statistics.entries, checked.statistics.entries);
        }
        1 => {
            // A recording that is nearly one: its first line is right.
            let _ = recording::replay(&text);
            let engine = outlast_core::Engine::new(Policy::of(Profile::Production), "redis://h", 1);
            let begin = recording::checkpoint(outlast_core::Timestamp::ZERO, &engine);
            let _ = recording::replay(&format!("{begin}\n{text}"));
        }
        2 => {
            if let Ok(rules) = RuleSpec::from_text(&text)
                && let Ok(rules) = Rules::new(rules)
            {
                let again = RuleSpec::from_text(&rules.to_string())
                    .expect("rules are shown as they are read");
                let again = Rules::new(again).expect("the same rules");
                assert_eq!(again.to_string(), rules.to_string());
            }
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            for source in [Source::Keyword, Source::Variable, Source::Url] {
                let _ = Builder::new(Profile::Test).option(name, value, source).build();
            }
        }
        _ => {
            let _ = Status::parse(&text);
            if let Ok(Value::Object(options)) = serde_json::from_str(&text)
                && let Ok(policy) = inspect::policy(&options)
            {
                let written = serde_json::to_string(&policy).expect("a policy is JSON");
                let again: Policy = serde_json::from_str(&written).expect("what was written");
                assert_eq!(again, policy);
            }
        }
    }
});
