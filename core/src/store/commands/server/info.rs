//! INFO: the sections and fields that clients read.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use core::sync::atomic::Ordering;

use super::super::super::call::Call;
use super::super::super::shard::{DATABASES, Tally};
use super::super::super::stop::Stop;
use crate::resp::Value;

/// The version of Redis whose answers the store gives.
pub(in crate::store) const REDIS_VERSION: &str = "7.0.15";

const SECTIONS: [&str; 7] =
    ["server", "clients", "memory", "persistence", "stats", "replication", "keyspace"];

pub(super) fn info(call: &mut Call<'_>) -> Result<Value, Stop> {
    let asked = call.args.get(1..).unwrap_or_default();
    let asked_for = |name: &str| asked.iter().any(|one| one.eq_ignore_ascii_case(name.as_bytes()));
    let all = asked.is_empty() || ["all", "default", "everything"].into_iter().any(asked_for);
    let mut text = String::new();
    for name in SECTIONS {
        if all || asked_for(name) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            let fields = fields(call, name);
            let mut title = name.chars();
            let first = title.next().map(|letter| letter.to_ascii_uppercase());
            let title: String = first.into_iter().chain(title).collect();
            // Writing to a string never fails.
            let _ = write!(text, "# {title}\r\n{fields}");
        }
    }
    Ok(Value::Verbatim { format: "txt".into(), text: text.into_bytes() })
}

fn fields(call: &mut Call<'_>, section: &str) -> String {
    let common = call.common;
    match section {
        "server" => format!(
            "redis_version:{REDIS_VERSION}\r\nredis_mode:standalone\r\nos:outlast\r\narch_bits:64\r\n\
             server_time_usec:{}\r\n",
            call.now.as_ms().saturating_mul(1_000)
        ),
        "clients" => {
            let waiting = common.waiting.load(Ordering::Relaxed);
            format!("connected_clients:1\r\nblocked_clients:{waiting}\r\n")
        }
        "memory" => format!(
            "used_memory:{}\r\nmaxmemory:{}\r\nmaxmemory_policy:{}\r\n",
            common.bytes_in_all(),
            common.bytes_max(),
            common.eviction().name()
        ),
        "persistence" => "loading:0\r\nrdb_bgsave_in_progress:0\r\naof_enabled:0\r\n".into(),
        "stats" => stats(call),
        "replication" => "role:master\r\nconnected_slaves:0\r\n".into(),
        _ => keyspace(call),
    }
}

fn stats(call: &mut Call<'_>) -> String {
    let commands = call.common.commands.load(Ordering::Relaxed);
    let mut sum = Tally::default();
    call.each_shard(|shard| {
        sum.hits += shard.tally.hits;
        sum.misses += shard.tally.misses;
        sum.expired += shard.tally.expired;
        sum.evicted += shard.tally.evicted;
    });
    let Tally { hits, misses, expired, evicted } = sum;
    format!(
        "total_commands_processed:{commands}\r\nexpired_keys:{expired}\r\n\
         evicted_keys:{evicted}\r\nkeyspace_hits:{hits}\r\nkeyspace_misses:{misses}\r\n"
    )
}

fn keyspace(call: &mut Call<'_>) -> String {
    let mut text = String::new();
    for number in 0..DATABASES {
        let (mut keys, mut expires) = (0, 0);
        call.each_shard(|shard| {
            if let Some(database) = shard.databases.get(number) {
                keys += database.keys.len();
                expires += database.expiries.len();
            }
        });
        if keys > 0 {
            // Writing to a string never fails.
            let _ = write!(text, "db{number}:keys={keys},expires={expires},avg_ttl=0\r\n");
        }
    }
    text
}
