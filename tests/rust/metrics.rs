//! What a client counts is what happened, under the names of `tests/vectors/metrics.json`; and each
//! command has a span.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use outlast::blocking::Client;
use outlast::{Config, ErrorKind};
use outlast_core::metrics::METRICS;
use outlast_tests::{Recorder, Server, eventually};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};

fn client(url: &str) -> Client {
    let quick = [("server_delay_ms", "20"), ("server_delay_ms_max", "50"), ("jitter_percent", "0")];
    let builder = Config::builder(url).profile("production");
    let builder = quick.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
    Client::new(builder.build().expect("valid options"), Arc::new(Recorder::default()))
}

/// The value of a sample, by its name and the label that it has of its own.
fn sample(text: &str, name: &str, label: &str) -> u64 {
    let line =
        text.lines().find(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
    let line = line.unwrap_or_else(|| panic!("no {name} {label} in {text}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

#[test]
fn the_table_is_that_of_the_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/metrics.json")).expect("valid JSON");
    let table: Vec<Value> = METRICS
        .iter()
        .map(|metric| {
            json!({
                "name": metric.name, "type": metric.metric_type.word(), "label": metric.label,
                "convention": metric.convention,
            })
        })
        .collect();
    assert_eq!(vectors["metrics"], Value::Array(table));
}

#[test]
fn counts_are_what_happened() {
    let mut server = Server::start();
    let client = client(&format!("{}/2", server.url()));
    client.connect().unwrap();
    for _ in 0..10 {
        client.call(&["INCR", "n"]).unwrap();
    }
    assert!(client.call(&["LPUSH", "n", "x"]).is_err());
    let text = client.metrics();
    let port = format!("server_port=\"{}\",db_namespace=\"2\"", server.port);
    assert!(text.lines().filter(|line| !line.starts_with('#')).all(|line| line.contains(&port)));
    let duration = "db_client_operation_duration_seconds";
    assert_eq!(sample(&text, &format!("{duration}_count"), ""), 11);
    assert_eq!(sample(&text, &format!("{duration}_bucket"), "le=\"+Inf\""), 11);
    assert_eq!(sample(&text, "db_client_connection_create_time_seconds_count", ""), 1);
    assert_eq!(sample(&text, "db_client_connection_count", "state=\"idle\""), 1);
    assert_eq!(sample(&text, "db_client_connection_max", ""), 20);
    assert_eq!(sample(&text, "outlast_commands_total", "answered_by=\"redis\""), 11);
    assert_eq!(sample(&text, "outlast_redis_connected", ""), 1);

    server.kill();
    client.call(&["SET", "k", "v"]).unwrap();
    client.call(&["SETNX", "lock", "v"]).unwrap_err();
    eventually("a dial fails", || client.status().dials > 1);
    let text = client.metrics();
    assert_eq!(sample(&text, "outlast_redis_connected", ""), 0);
    assert_eq!(sample(&text, "outlast_mode", "mode=\"degraded\""), 1);
    assert_eq!(sample(&text, "outlast_mode", "mode=\"connected\""), 0);
    assert_eq!(sample(&text, "outlast_journal_keys", ""), 1);
    assert_eq!(sample(&text, "outlast_commands_total", "answered_by=\"store\""), 1);
    assert_eq!(sample(&text, "outlast_commands_total", "answered_by=\"nobody\""), 1);
    assert_eq!(sample(&text, "outlast_failures_total", "error_type=\"connection_lost\""), 1);

    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
    let text = client.metrics();
    assert_eq!(sample(&text, "outlast_replayed_keys_total", ""), 1);
    assert!(sample(&text, "outlast_failures_total", "error_type=\"connection_refused\"") > 0);
    assert_eq!(sample(&text, "outlast_dials_total", ""), client.status().dials);
}

/// Keeps the fields of each span of ours.
#[derive(Default)]
struct Spans(Mutex<Vec<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.extend([field.name(), "=", &format!("{value:?}"), " "]);
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "outlast"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = String::new();
        span.record(&mut Fields(&mut fields));
        let mut spans = self.0.lock().expect("no panic");
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &tracing::span::Record<'_>) {
        let place = usize::try_from(span.into_u64()).expect("few spans") - 1;
        values.record(&mut Fields(&mut self.0.lock().expect("no panic")[place]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn each_command_has_a_span_without_its_arguments() {
    let mut server = Server::start();
    let client = client(&server.url());
    client.connect().unwrap();
    let spans = Arc::new(Spans::default());
    tracing::subscriber::with_default(spans.clone(), || {
        client.call(&["SET", "planted", "planted"]).unwrap();
        server.kill();
        let error = client.call(&["SETNX", "planted", "planted"]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::RedisUnavailable | ErrorKind::MaybeApplied));
    });
    let spans = spans.0.lock().unwrap();
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert!(spans[0].contains("db.operation.name=\"SET\""), "{spans:?}");
    assert!(spans[0].contains("db.system.name=\"redis\"") && !spans[0].contains("error.type"));
    assert!(spans[1].contains("error.type=\"connection_lost\""), "{spans:?}");
    assert!(!spans.concat().contains("planted"), "{spans:?}");
}
