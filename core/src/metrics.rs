//! What a client counts, as Prometheus reads it: one table of names, and the text of them all.
//!
//! Where OpenTelemetry's semantic conventions for database clients have a name, it is theirs, put as
//! Prometheus wants it: units are seconds and bytes and stand in the name, counters end in `_total`.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::{self, Write};

use crate::kind::FailureKind;
use crate::latency::Histogram;
use crate::status::{Mode, Status};

/// How a metric changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricType {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by limits, with a sum.
    Histogram,
}

impl MetricType {
    /// The word in a `TYPE` line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// The name that Prometheus knows.
    pub name: &'static str,
    /// The name in OpenTelemetry's conventions, where they have one.
    pub convention: Option<&'static str>,
    /// How it changes.
    pub metric_type: MetricType,
    /// Its own label, beside those that every metric has.
    pub label: Option<&'static str>,
    /// What it says.
    pub help: &'static str,
}

/// Defines the metrics, each a constant, and the table of all.
macro_rules! metrics {
    ($($constant:ident: $name:literal, $convention:expr, $type:ident, $label:expr, $help:literal;)+) => {
        $(const $constant: Metric = Metric {
            name: $name,
            convention: $convention,
            metric_type: MetricType::$type,
            label: $label,
            help: $help,
        };)+

        /// Every metric, in the order of the text.
        pub const METRICS: &[Metric] = &[$($constant,)+];
    };
}

metrics! {
    OPERATION_DURATION: "db_client_operation_duration_seconds", Some("db.client.operation.duration"),
        Histogram, None, "How long commands took on Redis, those answered from memory left out.";
    CONNECTION_COUNT: "db_client_connection_count", Some("db.client.connection.count"),
        Gauge, Some("db_client_connection_state"), "Connections to Redis, by whether a command uses them.";
    CONNECTION_MAX: "db_client_connection_max", Some("db.client.connection.max"),
        Gauge, None, "Connections that the client opens at most where each thread uses its own.";
    CONNECTION_PENDING: "db_client_connection_pending_requests",
        Some("db.client.connection.pending_requests"),
        Gauge, None, "Callers that wait for a connection.";
    CONNECTION_CREATE_TIME: "db_client_connection_create_time_seconds",
        Some("db.client.connection.create_time"),
        Histogram, None, "How long dials took that succeeded, login and first PING included.";
    CONNECTED: "outlast_redis_connected", None,
        Gauge, None, "1 while commands go to Redis.";
    MODE: "outlast_mode", None,
        Gauge, Some("mode"), "1 for the mode that the application sees, 0 for the others.";
    COMMANDS: "outlast_commands_total", None,
        Counter, Some("answered_by"), "Commands that ended: answered by Redis, by the store in memory, or refused.";
    DIALS: "outlast_dials_total", None,
        Counter, None, "Dials begun.";
    FAILURES: "outlast_failures_total", None,
        Counter, Some("error_type"), "Failures of dials, connections and commands, by their kind.";
    JOURNAL_KEYS: "outlast_journal_keys", None,
        Gauge, None, "Keys that wait to be written back to Redis.";
    STORE_KEYS: "outlast_store_keys", None,
        Gauge, None, "Keys of the store in memory.";
    STORE_BYTES: "outlast_store_bytes", None,
        Gauge, None, "Memory of the store, in bytes.";
    REPLAYED: "outlast_replayed_keys_total", None,
        Counter, None, "Keys written back to Redis.";
    CONFLICTS: "outlast_replay_conflicts_total", None,
        Counter, None, "Keys written back that had changed on Redis meanwhile, as far as that is looked for.";
    REPLAY_REFUSED: "outlast_replay_refused_keys_total", None,
        Counter, None, "Keys that Redis refused to take back.";
    REDIRECTS: "outlast_redirects_total", None,
        Counter, None, "Commands that a node of a Redis Cluster sent elsewhere.";
}

/// The connections of a client at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a host fills it in")]
pub struct Connections {
    /// No command uses them.
    pub idle: u64,
    /// A command uses them.
    pub used: u64,
    /// Callers that wait for one.
    pub waiting: u64,
}

/// Where the server is, for the labels of every metric.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a host fills it in")]
pub struct Target<'a> {
    /// Host, path of a unix socket, or name of a master; without anything secret.
    pub server_address: &'a str,
    /// The port, where there is one.
    pub server_port: Option<u16>,
    /// The database.
    pub database: u32,
}

/// What a client counted until now.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a host fills it in")]
pub struct Snapshot<'a> {
    /// Where the server is.
    pub target: Target<'a>,
    /// The status.
    pub status: &'a Status,
    /// Failures by their kind.
    pub failures: &'a [(FailureKind, u64)],
    /// How long commands took on Redis.
    pub operations: &'a Histogram,
    /// How long dials took.
    pub dials: &'a Histogram,
    /// The connections.
    pub connections: Connections,
    /// How many there may be.
    pub connections_max: u64,
}

impl Snapshot<'_> {
    /// The text of all metrics, in Prometheus' text format 0.0.4.
    pub fn exposition(&self) -> String {
        let mut text = Text { out: String::new(), labels: self.target.labels() };
        let status = self.status;
        let connections = self.connections;
        text.histogram(&OPERATION_DURATION, self.operations);
        text.each(&CONNECTION_COUNT, [("idle", connections.idle), ("used", connections.used)]);
        text.one(&CONNECTION_MAX, self.connections_max);
        text.one(&CONNECTION_PENDING, connections.waiting);
        text.histogram(&CONNECTION_CREATE_TIME, self.dials);
        text.one(&CONNECTED, u64::from(status.redis_connected));
        let modes = Mode::ALL.iter().map(|mode| (mode.code(), u64::from(*mode == status.mode)));
        text.each(&MODE, modes);
        let ended = [
            ("redis", status.served_by_redis),
            ("store", status.served_by_store),
            ("nobody", status.refused),
        ];
        text.each(&COMMANDS, ended);
        text.one(&DIALS, status.dials);
        text.each(&FAILURES, self.failures.iter().map(|(kind, count)| (kind.code(), *count)));
        text.one(&JOURNAL_KEYS, status.journal_keys);
        text.one(&STORE_KEYS, status.store_keys);
        text.one(&STORE_BYTES, status.store_bytes);
        text.one(&REPLAYED, status.replayed);
        text.one(&CONFLICTS, status.conflicts);
        text.one(&REPLAY_REFUSED, status.replay_refused);
        text.one(&REDIRECTS, status.redirects);
        text.out
    }
}

impl Target<'_> {
    fn labels(&self) -> String {
        let port = self.server_port.map(|port| format!(",server_port=\"{port}\""));
        format!(
            "db_system_name=\"redis\",server_address=\"{}\"{},db_namespace=\"{}\"",
            Escaped(self.server_address),
            port.unwrap_or_default(),
            self.database,
        )
    }
}

/// The value of a label.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            _ => f.write_char(letter),
        })
    }
}

struct Text {
    out: String,
    /// The labels of every sample.
    labels: String,
}

impl Text {
    fn head(&mut self, metric: &Metric) {
        let Metric { name, help, .. } = metric;
        let word = metric.metric_type.word();
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {word}\n"));
    }

    fn one(&mut self, metric: &Metric, value: u64) {
        self.head(metric);
        self.sample(metric.name, "", &value.to_string());
    }

    fn each<'a>(&mut self, metric: &Metric, values: impl IntoIterator<Item = (&'a str, u64)>) {
        self.head(metric);
        let label = metric.label.unwrap_or_default();
        for (of, value) in values {
            self.sample(metric.name, &format!(",{label}=\"{of}\""), &value.to_string());
        }
    }

    fn histogram(&mut self, metric: &Metric, histogram: &Histogram) {
        self.head(metric);
        let name = metric.name;
        let (buckets, sum_us) = (histogram.buckets(), histogram.sum_us());
        let mut total = 0;
        for (below_us, count) in buckets {
            total = count;
            let limit = below_us.map_or_else(|| "+Inf".to_string(), seconds);
            let limit = format!(",le=\"{limit}\"");
            self.sample(&format!("{name}_bucket"), &limit, &count.to_string());
        }
        self.sample(&format!("{name}_sum"), "", &seconds(sum_us));
        self.sample(&format!("{name}_count"), "", &total.to_string());
    }

    fn sample(&mut self, name: &str, more: &str, value: &str) {
        let labels = core::mem::take(&mut self.labels);
        self.line(format_args!("{name}{{{labels}{more}}} {value}\n"));
        self.labels = labels;
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = self.out.write_fmt(line);
    }
}

/// Microseconds as seconds, exactly.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for metric in METRICS {
            let is_counter = metric.metric_type == MetricType::Counter;
            assert_eq!(metric.name.ends_with("_total"), is_counter, "{}", metric.name);
            let is_histogram = metric.metric_type == MetricType::Histogram;
            assert_eq!(metric.name.ends_with("_seconds"), is_histogram, "{}", metric.name);
            if let Some(convention) = metric.convention {
                assert!(metric.name.starts_with(&convention.replace('.', "_")), "{convention}");
            }
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(seconds(0), "0");
        assert_eq!(seconds(64), "0.000064");
        assert_eq!(seconds(8_388_608), "8.388608");
        assert_eq!(seconds(10_000_000), "10");
    }

    #[test]
    fn labels_are_escaped() {
        let target = Target { server_address: "/a\\b\"c\nd", server_port: None, database: 3 };
        let wanted =
            "db_system_name=\"redis\",server_address=\"/a\\\\b\\\"c\\nd\",db_namespace=\"3\"";
        assert_eq!(target.labels(), wanted);
    }
}
