//! `outlast doctor` on real servers: what each step finds, and what it says when one fails.

use std::time::{Duration, Instant};

use outlast::doctor::{Outcome, Report, examine, exit_code};
use outlast::{Config, FailureKind};
use outlast_tests::{Server, certificate_file, free_port};
use serde_json::Value;

async fn report(url: &str) -> Report {
    let config = Config::builder(url).option("connect_timeout_ms", "1000").build();
    let report = examine(&config.expect("valid options")).await;
    let shown = format!("{report} {report:?} {}", report.to_json());
    assert!(!shown.contains("planted"), "{shown}");
    report
}

/// Each step as `name outcome`.
fn steps(report: &Report) -> Vec<String> {
    let outcome = |outcome| match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
        _ => "not reached",
    };
    report.steps.iter().map(|step| format!("{} {}", step.name, outcome(step.outcome))).collect()
}

fn detail<'a>(report: &'a Report, name: &str) -> &'a str {
    report.steps.iter().find(|step| step.name == name).map_or("no such step", |step| &step.detail)
}

fn json(report: &Report) -> Value {
    serde_json::from_str(&report.to_json()).expect("valid JSON")
}

#[tokio::test]
async fn a_healthy_server_over_tls_is_told_in_full() {
    let server = Server::start_tls("server", &["--tls-auth-clients", "no"]);
    let ca = certificate_file("ca.pem");
    for protocol in ["2", "3"] {
        let url = format!("{}/2?tls_ca_file={ca}&protocol={protocol}", server.tls_url());
        let report = report(&url).await;
        let all = ["resolve", "connect", "tls", "login", "ping", "version", "role", "clock"];
        let expected: Vec<String> =
            all.iter().chain(&["latency"]).map(|name| format!("{name} ok")).collect();
        assert_eq!(steps(&report), expected, "{report}");
        assert!(report.steps.iter().all(|step| step.took_ms.is_some()));
        assert_eq!(report.exit_code(), 0);
        let told = &report.server;
        let version = told.version.as_deref().expect("a version");
        assert!(server.cli(&["INFO", "server"]).contains(version));
        assert_eq!(told.role.as_deref(), Some("master"));
        let skew_ms = told.clock_skew_ms.expect("a skew");
        assert!(skew_ms.abs() < 500, "it is this machine's clock: {skew_ms}");
        assert!(told.latency_ms_min <= told.latency_ms_median);
        assert!(told.latency_ms_median <= told.latency_ms_max);
        assert_eq!(detail(&report, "tls"), "TLS 1.3, the certificate is for 127.0.0.1 and trusted");
        assert!(report.to_string().ends_with("Redis can be used.\n"), "{report}");
        let json = json(&report);
        assert_eq!(json["ok"], true);
        assert_eq!(json["steps"][2]["name"], "tls");
        assert_eq!(json["server"]["version"], version);
    }
}

#[tokio::test]
async fn a_unix_socket_and_a_replica() {
    let server = Server::start();
    server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let report = report(&format!("unix://{}", server.socket().display())).await;
    assert_eq!(report.exit_code(), 0, "{report}");
    assert_eq!(steps(&report)[0], "connect ok");
    assert!(detail(&report, "role").starts_with("replica of 127.0.0.1:1, link"), "{report}");
}

#[tokio::test]
async fn what_a_user_may_not_ask_is_unknown_and_no_failure() {
    let server = Server::start();
    server.cli(&["ACL", "SETUSER", "app", "on", ">planted", "~*", "+ping", "+get"]);
    let report = report(&format!("redis://app:planted@127.0.0.1:{}", server.port)).await;
    assert_eq!(report.exit_code(), 0, "{report}");
    let expected = ["ping ok", "version unknown", "role unknown", "clock unknown", "latency ok"];
    assert_eq!(steps(&report)[3..], expected, "{report}");
    assert!(detail(&report, "role").contains("NOPERM"), "{report}");
}

#[tokio::test]
async fn each_failure_stops_at_its_step_with_kind_words_and_remedy() {
    let server = Server::start_tls("expired", &["--tls-auth-clients", "no"]);
    server.cli(&["CONFIG", "SET", "requirepass", "secret"]);
    let refused = format!("redis://:planted@127.0.0.1:{}", free_port());
    let wrong = format!("redis://:planted@127.0.0.1:{}", server.port);
    let expired = format!("{}?tls_ca_file={}", server.tls_url(), certificate_file("ca.pem"));
    for (url, step, kind) in [
        ("redis://no-such-host.invalid", "resolve", FailureKind::DnsError),
        (&refused, "connect", FailureKind::ConnectionRefused),
        (&expired, "tls", FailureKind::TlsError),
        (&wrong, "login", FailureKind::AuthFailed),
    ] {
        let report = report(url).await;
        let names: Vec<_> = report.steps.iter().map(|step| step.name).collect();
        let place = names.iter().position(|name| *name == step).expect("the step");
        for (at, found) in steps(&report).iter().enumerate() {
            let expected = match at {
                _ if at < place => "ok",
                _ if at == place => "failed",
                _ => "not reached",
            };
            assert_eq!(*found, format!("{} {expected}", names[at]), "{report}");
        }
        assert_eq!(report.exit_code(), exit_code(kind));
        let json = json(&report);
        assert_eq!(json["kind"], kind.code());
        assert_eq!(json["remedy"], kind.remedy());
        assert_eq!(json["exit_code"], exit_code(kind));
        assert!(report.to_string().contains(kind.remedy()), "{report}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_timeout_at_most() {
    let server = Server::start();
    server.freeze();
    let began = Instant::now();
    let report = report(&server.url()).await;
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
    server.thaw();
    assert_eq!(steps(&report)[2], "login failed", "{report}");
    assert_eq!(report.exit_code(), exit_code(FailureKind::ConnectTimeout));
}
