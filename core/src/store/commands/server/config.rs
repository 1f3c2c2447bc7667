//! CONFIG: what clients ask for before they begin, and the two limits that can be set.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::eviction::Eviction;
use super::super::super::glob;
use super::super::super::number::parse_i64;
use super::super::super::stop::Stop;
use super::super::unknown_subcommand;
use crate::resp::Value;

pub(super) fn config(call: &mut Call<'_>) -> Result<Value, Stop> {
    match (call.option(1).as_slice(), call.args.len()) {
        (b"GET", 3..) => Ok(get(call)),
        (b"SET", 4..) if call.args.len().is_multiple_of(2) => set(call),
        (b"RESETSTAT", 2) => Ok(Value::ok()),
        (b"REWRITE", 2) => Err("ERR The server is running without a config file".into()),
        (name @ (b"GET" | b"SET"), _) => {
            let name = String::from_utf8_lossy(name);
            Err(super::super::wrong_arity(&format!("config|{name}")))
        }
        _ => Err(unknown_subcommand(call)),
    }
}

/// What is configured, with the names of Redis.
fn parameters(call: &Call<'_>) -> [(&'static str, String); 10] {
    [
        ("appendonly", "no".into()),
        ("databases", super::super::super::shard::DATABASES.to_string()),
        ("maxmemory", call.common.bytes_max().to_string()),
        ("maxmemory-policy", call.common.eviction().name().into()),
        ("maxmemory-samples", super::super::super::eviction::SAMPLES.to_string()),
        ("notify-keyspace-events", String::new()),
        ("proto-max-bulk-len", super::super::super::stop::STRING_BYTES_MAX.to_string()),
        ("save", String::new()),
        ("stream-node-max-entries", "100".into()),
        ("timeout", "0".into()),
    ]
}

fn get(call: &Call<'_>) -> Value {
    let patterns = call.args.get(2..).unwrap_or_default();
    let patterns: Vec<Vec<u8>> = patterns.iter().map(|one| one.to_ascii_lowercase()).collect();
    let wanted = |name: &str| patterns.iter().any(|one| glob::matches(one, name.as_bytes()));
    let found = parameters(call).into_iter().filter(|(name, _)| wanted(name));
    Value::Map(found.map(|(name, value)| (Value::bulk(name), Value::bulk(value))).collect())
}

fn set(call: &mut Call<'_>) -> Result<Value, Stop> {
    let pairs = call.args.get(2..).unwrap_or_default().chunks(2);
    let (mut bytes_max, mut eviction) = (None, None);
    for pair in pairs {
        let [name, value] = pair else {
            continue;
        };
        let shown = String::from_utf8_lossy(name).into_owned();
        let failed = |why: &str| {
            Stop::from(format!(
                "ERR CONFIG SET failed (possibly related to argument '{shown}') - {why}"
            ))
        };
        match name.to_ascii_lowercase().as_slice() {
            b"maxmemory" => {
                let bytes = parse_i64(value).and_then(|bytes| usize::try_from(bytes).ok());
                bytes_max = Some(bytes.ok_or_else(|| failed("argument must be a memory value"))?);
            }
            b"maxmemory-policy" => {
                let policy = core::str::from_utf8(value).ok().and_then(Eviction::parse);
                let allowed = Eviction::ALL.map(Eviction::name).join(", ");
                let why = format!("argument(s) must be one of the following: {allowed}");
                eviction = Some(policy.ok_or_else(|| failed(&why))?);
            }
            _ => {
                let why =
                    format!("ERR Unknown option or number of arguments for CONFIG SET - '{shown}'");
                return Err(why.into());
            }
        }
    }
    // Nothing is set unless all can be. As in Redis, 0 stands for no limit.
    if let Some(bytes) = bytes_max {
        call.common.set_bytes_max(if bytes == 0 { usize::MAX } else { bytes });
    }
    if let Some(policy) = eviction {
        call.common.set_eviction(policy);
    }
    Ok(Value::ok())
}
