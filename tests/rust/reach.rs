//! Every way to reach a real redis-server, and every way not to: each failure has its kind, within
//! the time of a dial, in words that say what to do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast::blocking::Client;
use outlast::{Config, FailureKind, Mode, Value};
use outlast_tests::{Recorder, Server, certificate_file, eventually, free_port};

fn client(url: &str, options: &[(&str, &str)]) -> (Client, Arc<Recorder>) {
    let mut builder = Config::builder(url).profile("production").option("jitter_percent", "0");
    for (name, value) in options {
        builder = builder.option(name, value);
    }
    let recorder = Arc::new(Recorder::default());
    (Client::new(builder.build().expect("valid options"), recorder.clone()), recorder)
}

/// The kind and the text of a dial that fails, within its time.
fn failure(url: &str, options: &[(&str, &str)]) -> (FailureKind, String) {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let quick = [("connect_timeout_ms", "1000"), ("startup_attempts_max", "1")];
    let (client, log) = client(url, &[&quick, options].concat());
    let began = Instant::now();
    let error = client.connect().expect_err("it cannot be reached");
    let took = began.elapsed();
    assert!(took < TIMEOUT + Duration::from_millis(500), "{took:?}");
    let shown = format!("{error} {error:?} {client:?} {:?} {:?}", client.status(), log.lines());
    assert!(!shown.contains("planted"), "{shown}");
    (error.failure().expect("Redis was the reason"), error.message().to_string())
}

fn build_error(url: &str, options: &[(&str, &str)]) -> String {
    let builder = Config::builder(url);
    let builder =
        options.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
    builder.build().expect_err("it is not allowed").message().to_string()
}

#[test]
fn tls_with_an_own_authority_outlasts_an_outage() {
    let mut server = Server::start_tls("server", &["--tls-auth-clients", "no"]);
    for protocol in ["2", "3"] {
        let ca = certificate_file("ca.pem");
        let options = [("tls_ca_file", ca.as_str()), ("protocol", protocol)];
        let (client, log) = client(&server.tls_url(), &options);
        client.connect().unwrap();
        let large = "x".repeat(1_000_000);
        client.call(&["SET", "large", &large]).unwrap();
        assert_eq!(client.call(&["GET", "large"]).unwrap(), Value::bulk(large));
        client.call(&["SET", "n", "1"]).unwrap();
        server.kill();
        assert_eq!(client.call(&["INCRBY", "m", "2"]).unwrap(), Value::Integer(2));
        assert_eq!(client.status().mode, Mode::Degraded);
        server.restart();
        eventually("back on Redis", || client.status().redis_connected);
        assert_eq!(client.call(&["GET", "n"]).unwrap(), Value::bulk("1"));
        assert_eq!(client.call(&["GETDEL", "m"]).unwrap(), Value::bulk("2"));
        assert!(!log.lines().iter().any(|line| line.contains("tls_insecure")));
    }
}

#[test]
fn threads_share_a_client_over_tls_and_an_idle_end_is_noticed() {
    let mut server = Server::start_tls("server", &["--tls-auth-clients", "no"]);
    let ca = certificate_file("ca.pem");
    let (client, log) = client(&server.tls_url(), &[("tls_ca_file", &ca)]);
    client.connect().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for n in 0..50 {
                    let (key, value) = (format!("k:{thread}"), n.to_string());
                    client.call(&["SET", &key, &value]).unwrap();
                    assert_eq!(client.call(&["GET", &key]).unwrap(), Value::bulk(value));
                    client.call(&["INCR", "all"]).unwrap();
                }
            });
        }
    });
    assert_eq!(server.cli(&["GET", "all"]), "400");
    // A connection that Redis closes in good order ends with a message of TLS, not with a reply.
    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    client.call(&["INCR", "all"]).unwrap();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["GET", "all"]), "401");
    server.kill();
    eventually("the outage is noticed", || client.status().mode == Mode::Degraded);
    assert!(!log.lines().is_empty());
}

#[test]
fn a_client_certificate_and_a_server_name_are_options() {
    let server = Server::start_tls("other", &[]);
    let (ca, certificate, key) = (
        certificate_file("ca.pem"),
        certificate_file("client.pem"),
        certificate_file("client.key"),
    );
    let options = [
        ("tls_ca_file", ca.as_str()),
        ("tls_certificate_file", certificate.as_str()),
        ("tls_key_file", key.as_str()),
        ("tls_server_name", "other.example"),
    ];
    let (by_files, _) = client(&server.tls_url(), &options);
    by_files.connect().unwrap();
    by_files.call(&["SET", "k", "v"]).unwrap();
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let (ca, certificate, key) = (read(&ca), read(&certificate), read(&key));
    let options = [
        ("tls_ca_pem", ca.as_str()),
        ("tls_certificate_pem", certificate.as_str()),
        ("tls_key_pem", key.as_str()),
        ("tls_server_name", "other.example"),
    ];
    let (by_text, _) = client(&server.tls_url(), &options);
    by_text.connect().unwrap();
    assert_eq!(by_text.call(&["GET", "k"]).unwrap(), Value::bulk("v"));
}

#[test]
fn insecure_is_named_and_logged_once() {
    let server = Server::start_tls("expired", &["--tls-auth-clients", "no"]);
    for option in [("tls_insecure", "true"), ("ssl_cert_reqs", "none")] {
        let (client, log) = client(&server.tls_url(), &[option]);
        client.connect().unwrap();
        client.call(&["SET", "k", "v"]).unwrap();
        let warned = || log.lines().iter().filter(|line| line.contains("tls_insecure")).count();
        assert_eq!(warned(), 1, "{:?}", log.lines());
        assert!(log.lines()[0].starts_with("Warning tls_insecure: the certificate of rediss://"));
        server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        eventually("the next dial", || client.status().dials > 1);
        assert_eq!(warned(), 1, "{:?}", log.lines());
    }
}

#[test]
fn certificates_that_are_not_accepted_say_why() {
    let ca = certificate_file("ca.pem");
    let trusting = [("tls_ca_file", ca.as_str())];
    let no_clients = ["--tls-auth-clients", "no"];
    for (certificate, options, says) in [
        ("server", &[][..], "name that authority's file with tls_ca_file"),
        ("self-signed", &trusting[..], "is self-signed or issued by an authority"),
        ("expired", &trusting[..], "the server's certificate has expired"),
        ("other", &trusting[..], "is for other.example, not for 127.0.0.1"),
    ] {
        let server = Server::start_tls(certificate, &no_clients);
        let (kind, text) = failure(&server.tls_url(), options);
        assert_eq!(kind, FailureKind::TlsError, "{certificate}: {text}");
        assert!(text.contains(says), "{certificate}: {text}");
    }
}

#[test]
fn a_missing_or_foreign_client_certificate_says_so() {
    let ca = certificate_file("ca.pem");
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let server = Server::start_tls("server", &["--tls-protocols", versions]);
        let (kind, text) = failure(&server.tls_url(), &[("tls_ca_file", &ca)]);
        assert_eq!(kind, FailureKind::TlsError, "{text}");
        assert!(text.contains("tls_certificate_file"), "{text}");
        let (pem, key) = (certificate_file("self-signed.pem"), certificate_file("self-signed.key"));
        let foreign =
            [("tls_ca_file", ca.as_str()), ("tls_certificate_file", &pem), ("tls_key_file", &key)];
        let (kind, text) = failure(&server.tls_url(), &foreign);
        assert_eq!(kind, FailureKind::TlsError, "{text}");
        assert!(text.contains("the client certificate"), "{text}");
    }
}

#[test]
fn the_wrong_port_says_so() {
    let server = Server::start_tls("server", &["--tls-auth-clients", "no"]);
    let plain = server.tls_url().replace("rediss://", "redis://");
    // OpenSSL drops the connection without a word; others answer with an alert.
    let (kind, text) = failure(&plain, &[]);
    assert_eq!(kind, FailureKind::ConnectionLost, "{text}");
    assert!(text.contains("does this port want TLS, rediss://?"), "{text}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let alerting = format!("redis://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).unwrap();
        // Until the client is gone.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (kind, text) = failure(&alerting, &[]);
    assert_eq!(kind, FailureKind::TlsError, "{text}");
    assert!(text.contains("use rediss://"), "{text}");
    // A plain Redis waits for the rest of what it takes for a command.
    let server = Server::start();
    let (kind, text) = failure(&server.url().replace("redis://", "rediss://"), &[]);
    assert_eq!(kind, FailureKind::ConnectTimeout, "{text}");
    assert!(text.contains("does this port speak TLS?"), "{text}");
}

#[test]
fn wrong_logins_have_their_kind() {
    let server = Server::start();
    server.cli(&["ACL", "SETUSER", "app", "on", ">planted", "~*", "+@all"]);
    server.cli(&["CONFIG", "SET", "requirepass", "secret"]);
    let port = server.port;
    for login in ["", "app:planted-wrong@", ":planted-wrong@"] {
        let (kind, text) = failure(&format!("redis://{login}127.0.0.1:{port}"), &[]);
        assert_eq!(kind, FailureKind::AuthFailed, "{text}");
    }
    for (login, protocol) in [("app:planted@", "2"), ("app:planted@", "3"), (":secret@", "3")] {
        let name = format!("web-{protocol}-{}", login.len());
        let options = [("protocol", protocol), ("client_name", name.as_str())];
        let (client, _) = client(&format!("redis://{login}127.0.0.1:{port}/3"), &options);
        client.connect().unwrap();
        let list = server.cli(&["-a", "secret", "CLIENT", "LIST"]);
        let ours = list.lines().find(|line| line.contains(&name)).expect("our connection");
        assert!(ours.contains("db=3") && ours.contains(&format!("resp={protocol}")), "{ours}");
    }
}

#[test]
fn replies_have_the_types_of_their_protocol_from_redis_and_from_memory() {
    let pair = (Value::bulk("f"), Value::bulk("1"));
    for (protocol, reply) in
        [("2", Value::Array(vec![pair.0.clone(), pair.1.clone()])), ("3", Value::Map(vec![pair]))]
    {
        let mut server = Server::start();
        let (client, _) = client(&server.url(), &[("protocol", protocol)]);
        client.connect().unwrap();
        client.call(&["HSET", "h", "f", "1"]).unwrap();
        assert_eq!(client.call(&["HGETALL", "h"]).unwrap(), reply);
        assert_eq!(client.call(&["GET", "none"]).unwrap(), Value::Nil);
        server.kill();
        client.call(&["HSET", "h", "f", "1"]).unwrap();
        assert_eq!(client.status().mode, Mode::Degraded);
        assert_eq!(client.call(&["HGETALL", "h"]).unwrap(), reply);
        assert_eq!(client.call(&["GET", "none"]).unwrap(), Value::Nil);
    }
}

#[test]
fn what_is_not_there_has_its_kind() {
    let (kind, text) = failure(&format!("redis://127.0.0.1:{}", free_port()), &[]);
    assert_eq!(kind, FailureKind::ConnectionRefused, "{text}");
    let (kind, text) = failure("rediss://no-such-host.invalid", &[]);
    assert_eq!(kind, FailureKind::DnsError, "{text}");
    let (kind, text) = failure("unix:///no/such/redis.sock", &[]);
    assert_eq!(kind, FailureKind::ConnectionRefused, "{text}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    for scheme in ["redis", "rediss"] {
        let (kind, text) = failure(&format!("{scheme}://:planted@{address}"), &[]);
        assert_eq!(kind, FailureKind::ConnectTimeout, "{text}");
        assert!(text.contains("did not answer") && text.contains("within 1000 ms"), "{text}");
    }
}

#[test]
fn a_unix_socket_outlasts_an_outage() {
    let mut server = Server::start();
    let path = server.socket().display().to_string();
    let (client, _) = client(&format!("unix://{path}?db=1"), &[]);
    client.connect().unwrap();
    client.call(&["SET", "k", "1"]).unwrap();
    assert_eq!(server.cli(&["-n", "1", "GET", "k"]), "1");
    server.kill();
    assert_eq!(client.call(&["SET", "k", "2"]).unwrap(), Value::ok());
    assert_eq!(client.status().mode, Mode::Degraded);
    server.restart();
    eventually("back on Redis", || client.status().redis_connected);
    assert_eq!(server.cli(&["-n", "1", "GET", "k"]), "2");
    assert_eq!(client.status().endpoint, format!("unix://{path}?db=1"));
}

#[test]
fn options_that_are_wrong_are_told_before_anything_is_dialled() {
    type Options<'a> = &'a [(&'a str, &'a str)];
    let (ca, key) = (certificate_file("ca.pem"), certificate_file("server.key"));
    let expected: [(&str, Options<'_>, &str); 9] = [
        ("rediss://h", &[("tls_ca_file", "/none.pem")], "invalid tls_ca_file \"/none.pem\""),
        ("rediss://h", &[("tls_ca_file", &key)], "certificates in PEM format (it has none)"),
        ("rediss://h?tls_ca_file=/none.pem", &[], "invalid URL parameter tls_ca_file"),
        ("rediss://h", &[("tls_key_file", &key)], "only with tls_certificate_file"),
        (
            "rediss://h",
            &[("tls_certificate_file", &ca), ("tls_key_file", &key)],
            "a certificate and the key that belongs to it",
        ),
        ("rediss://h", &[("tls_server_name", "a b")], "a DNS name or an IP address"),
        ("rediss://h", &[("tls_insecure", "maybe")], "one of true, false"),
        (
            "rediss://h",
            &[("tls_ca", "x")],
            "unknown option \"tls_ca\": allowed is one of tls_ca_file",
        ),
        ("redis://h", &[("tls_ca_file", &ca)], "only with TLS, a URL with rediss://"),
    ];
    for (url, options, says) in expected {
        let message = build_error(url, options);
        assert!(message.contains(says), "{message}");
    }
    let message = build_error("redis://h", &[("client_name", "my app")]);
    assert!(message.contains("printable ASCII characters without spaces"), "{message}");
    assert!(build_error("redis://h?protocol=4", &[]).contains("one of 2, 3"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_tokio_use_tls_and_unix_sockets() {
    let mut server = Server::start_tls("server", &["--tls-auth-clients", "no"]);
    let path = server.socket().display().to_string();
    let ca = certificate_file("ca.pem");
    for url in [format!("{}?tls_ca_file={ca}", server.tls_url()), format!("unix://{path}")] {
        let config = Config::builder(&url).profile("production").build().unwrap();
        let client = outlast::Client::new(config, Arc::new(Recorder::default()));
        client.connect().await.unwrap();
        client.call(&["SET", "k", "1"]).await.unwrap();
        server.kill();
        assert_eq!(client.call(&["SET", "k", "2"]).await.unwrap(), Value::ok());
        server.restart();
        let waiting = client.clone();
        let wait = move || eventually("back on Redis", || waiting.status().redis_connected);
        tokio::task::spawn_blocking(wait).await.unwrap();
        assert_eq!(client.call(&["GET", "k"]).await.unwrap(), Value::bulk("2"));
    }
}
