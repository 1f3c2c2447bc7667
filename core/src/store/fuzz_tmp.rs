use super::*;
extern crate std;
use serde_json::{Value as J, json};
use std::string::String;
use std::string::ToString;
fn lat(b: &[u8]) -> String {
    b.iter().map(|c| char::from(*c)).collect()
}
fn j(v: &Value) -> J {
    match v {
        Value::Nil | Value::NilArray => J::Null,
        Value::Simple(s) => json!({"s": s}),
        Value::Error(s) => json!({"e": s}),
        Value::Integer(i) => json!({"i": i}),
        Value::Bulk(b) => json!({"b": lat(b)}),
        Value::Array(a) => J::Array(a.iter().map(j).collect()),
        o => json!({"?": std::format!("{o:?}")}),
    }
}
#[test]
fn fuzz() {
    let text = std::fs::read_to_string("/tmp/fuzz.txt").unwrap();
    let mut store = Store::new(1 << 30);
    let mut bad = 0;
    for line in text.lines() {
        let row: J = serde_json::from_str(line).unwrap();
        let args: Vec<Vec<u8>> = row[0]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a.as_str().unwrap().chars().map(|c| c as u32 as u8).collect())
            .collect();
        let got = match store.execute(Timestamp::from_ms(1_000_000_000_000), &args, true) {
            Ok(v) => j(&v.into_resp2()),
            Err(e) => json!(std::format!("{e:?}")),
        };
        if got != row[1] {
            bad += 1;
            if bad < 25 {
                let cut = |s: String| s.chars().take(300).collect::<String>();
                std::println!(
                    "{} => {} got {}",
                    cut(row[0].to_string()),
                    cut(row[1].to_string()),
                    cut(got.to_string())
                );
            }
        }
    }
    assert_eq!(bad, 0);
}
