//! Failures by chance, as texts, replies and error objects: each has a kind, and the same one however it is
//! asked for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use outlast_core::classify::{Phase, classify_errno, classify_reply, classify_text};
use outlast_core::{FailureKind, inspect};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let kind = classify_text(&text);
    let asked = inspect::classify(text.as_ref().into()).expect("a text is evidence");
    assert_eq!(asked.kind, kind);
    assert!(FailureKind::ALL.contains(&classify_reply(&text)));
    if let Ok(evidence) = serde_json::from_slice(data)
        && let Ok(found) = inspect::classify(evidence)
    {
        assert!(FailureKind::ALL.contains(&found.kind));
    }
    if let Some((number, _)) = data.split_first_chunk() {
        let number = i32::from_le_bytes(*number);
        for phase in [Phase::Dial, Phase::Command] {
            let _ = classify_errno(number, phase);
        }
    }
});
