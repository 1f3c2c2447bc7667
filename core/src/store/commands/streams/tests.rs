use alloc::string::String;
use alloc::vec::Vec;

use super::super::super::{Answer, Store};
use crate::resp::Value;
use crate::time::Timestamp;
extern crate std;

fn show(v: &Value, out: &mut String) {
    match v {
        Value::Nil | Value::NilArray => {
            out.push_str(if matches!(v, Value::Nil) { "nil" } else { "nilarray" })
        }
        Value::Simple(s) => {
            out.push('+');
            out.push_str(s);
        }
        Value::Error(s) => {
            out.push_str("-");
            out.push_str(s);
        }
        Value::Integer(n) => out.push_str(&std::format!(":{n}")),
        Value::Bulk(b) => {
            out.push('"');
            out.push_str(&String::from_utf8_lossy(b));
            out.push('"');
        }
        Value::Array(a) => {
            out.push('[');
            for (i, x) in a.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                show(x, out);
            }
            out.push(']');
        }
        other => out.push_str(&std::format!("{other:?}")),
    }
}

#[test]
fn differential() {
    let text = std::fs::read_to_string("/tmp/st_cmds.txt").unwrap();
    let mut store = Store::new(1 << 30);
    let now = Timestamp::from_ms(
        std::fs::read_to_string("/tmp/st_now.txt").unwrap().trim().parse().unwrap(),
    );
    let mut session = store.open(now);
    session.journalled = true;
    let mut out = String::new();
    for line in text.lines() {
        let args: Vec<&str> = line.split('\t').collect();
        match store.serve(now, &mut session, &args) {
            Answer::Replies(r) => {
                for v in &r {
                    show(v, &mut out);
                }
            }
            other => out.push_str(&std::format!("{other:?}")),
        }
        out.push('\n');
    }
    std::fs::write("/tmp/st_out.txt", out).unwrap();
    let mut out = String::new();
    if let Some(batch) = store.next_batch(now, 1000) {
        for c in &batch.commands {
            let w: Vec<_> = c.iter().map(|a| String::from_utf8_lossy(a)).collect();
            out.push_str(&w.join("\t"));
            out.push('\n');
        }
    }
    std::fs::write("/tmp/st_journal.txt", out).unwrap();
    let mut out = String::new();
    for key in ["s1", "s2", "s3"] {
        if let Some(cs) = store.parts.shard.rebuild(now, key.as_bytes()) {
            for c in &cs {
                let w: Vec<_> = c.iter().map(|a| String::from_utf8_lossy(a)).collect();
                out.push_str(&w.join("\t"));
                out.push('\n');
            }
        }
    }
    std::fs::write("/tmp/st_rebuild.txt", out).unwrap();
}
