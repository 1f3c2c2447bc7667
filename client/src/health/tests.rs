use super::*;

const STATUS: &str = r#"{"redis_connected":false,"fallback_mode":true,"circuit_breaker_state":"open","connection_failure_count":0,"last_failure_type":null,"time_since_last_attempt":null,"next_retry_in":null,"time_since_last_recovery":null,"failures_since_log":0,"failure_count":0,"status":"degraded","mode":"degraded","profile":"production","endpoint":"redis://h","incident":null,"served_by_redis":0,"served_by_store":0,"refused":0,"dials":0,"journal_keys":0,"store_keys":0,"store_bytes":0,"replayed":0,"conflicts":0,"replay_refused":0,"latency":{},"rules":[],"ready":false}"#;

fn header(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect()
}

fn allowed(health: &Health, remote: &str, pairs: &[(&str, &str)]) -> bool {
    let headers = header(pairs);
    health.allows(&Request::new("GET", "", "/status", remote, &headers))
}

fn health(allow: &[&str], hosts: &[&str]) -> Health {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    Health::new(&owned(allow), &owned(hosts), None).unwrap()
}

fn asked(method: &str, path: &str, report: &Report<'_>) -> Answer {
    let headers = header(&[("host", "localhost:8000")]);
    Health::default().answer(&Request::new(method, "/outlast", path, "::1", &headers), report)
}

#[test]
fn callers_on_this_machine_may_ask_and_no_others() {
    let health = health(&[], &[]);
    for (remote, host) in [
        ("127.0.0.1", "localhost:8000"),
        ("127.8.8.8", "127.0.0.1"),
        ("::1", "[::1]:8000"),
        ("::ffff:127.0.0.1", "LOCALHOST"),
    ] {
        assert!(allowed(&health, remote, &[("Host", host)]), "{remote} {host}");
    }
    for (remote, pairs) in [
        ("10.0.0.1", &[("Host", "localhost")][..]),
        ("", &[("Host", "localhost")]),
        ("unix:", &[("Host", "localhost")]),
        // Somebody else's page that points a name of its own here.
        ("127.0.0.1", &[("Host", "attacker.example")]),
        ("127.0.0.1", &[("Host", "localhost.attacker.example")]),
        ("127.0.0.1", &[]),
        // A proxy on this machine, for anybody.
        ("127.0.0.1", &[("Host", "localhost"), ("x-forwarded-for", "10.0.0.1")]),
        ("127.0.0.1", &[("Host", "localhost"), ("FORWARDED", "for=10.0.0.1")]),
    ] {
        assert!(!allowed(&health, remote, pairs), "{remote} {pairs:?}");
    }
}

#[test]
fn networks_and_names_that_are_given_may_ask_as_well() {
    let health = health(&["10.0.0.0/8", "2001:db8::/33", "192.168.1.7"], &["App.internal"]);
    let by_name = [("Host", "app.internal:8000")];
    for remote in ["10.255.0.1", "192.168.1.7", "2001:db8:7fff::1", "::ffff:10.1.1.1", "127.0.0.1"]
    {
        assert!(allowed(&health, remote, &by_name), "{remote}");
        assert!(allowed(&health, remote, &[("Host", "10.0.0.1")]), "{remote}");
        assert!(!allowed(&health, remote, &[("Host", "attacker.example")]), "{remote}");
    }
    for remote in ["11.0.0.1", "192.168.1.8", "2001:db8:8000::1", "::2"] {
        assert!(!allowed(&health, remote, &by_name), "{remote}");
    }
    let all = self::health(&["0.0.0.0/0", "::/0"], &[]);
    assert!(allowed(&all, "8.8.8.8", &[("Host", "8.8.4.4")]));
    assert!(allowed(&all, "2001:db8::1", &[("Host", "[2001:db8::2]")]));
    for wrong in ["10.0.0.0/33", "example.com", "", "10.0.0.0/", "::/129"] {
        let error = Health::new(&[wrong.to_string()], &[], None).unwrap_err();
        assert!(error.message().starts_with(&format!("invalid allow {wrong:?}: ")), "{error}");
    }
}

#[test]
fn each_path_has_its_answer() {
    let report = Report::new(STATUS, "[]", None);
    let codes = |method, path| asked(method, path, &report).code;
    assert_eq!(codes("GET", "/livez"), 200);
    assert_eq!(codes("GET", "/readyz"), 503);
    assert_eq!(codes("GET", "/metrics"), 404);
    assert_eq!(codes("GET", "/devtools/"), 404);
    assert_eq!(codes("GET", "/"), 404);
    assert_eq!(codes("POST", "/status"), 405);
    let ready = STATUS.replace("\"ready\":false", "\"ready\":true");
    let report = Report::new(&ready, "[{\"at_ms\":1}]", Some("a 1\n"));
    assert_eq!(asked("GET", "/readyz", &report).body, b"ok\n");
    assert_eq!(asked("GET", "/metrics", &report).body, b"a 1\n");
    let told = asked("GET", "/status", &report);
    let wanted = format!("{{\"status\":{ready},\"lines\":[{{\"at_ms\":1}}]}}");
    assert_eq!(String::from_utf8(told.body.clone()).unwrap(), wanted);
    assert!(told.headers.contains(&(STATUS_HEADER, "/outlast/status".to_string())));
    let head = asked("HEAD", "/status", &report);
    assert_eq!((head.headers, head.body), (told.headers, Vec::new()));
    let outsider = header(&[("host", "localhost")]);
    let outsider = Request::new("GET", "", "/livez", "10.0.0.1", &outsider);
    let refused = Health::default().answer(&outsider, &report);
    assert_eq!(refused.code, 404);
    assert!(refused.headers.iter().all(|(name, _)| *name != STATUS_HEADER));
}

#[test]
fn only_files_of_the_page_are_handed_out() {
    let folder = std::env::temp_dir().join(format!("outlast-page-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("vendor")).unwrap();
    let missing = Health::new(&[], &[], Some(folder.clone())).unwrap_err();
    assert!(missing.message().contains("the folder that `make devtools` puts together"));
    for name in ["index.html", "vendor/x.wasm", ".secret.js", "notes.txt"] {
        std::fs::write(folder.join(name), name).unwrap();
    }
    let health = Health::new(&[], &[], Some(folder.join("."))).unwrap();
    let headers = header(&[("host", "localhost")]);
    let report = Report::new(STATUS, "[]", None);
    let ask = |path| health.answer(&Request::new("GET", "/o", path, "::1", &headers), &report);
    assert_eq!(ask("/devtools/").body, b"index.html");
    assert_eq!(ask("/devtools/vendor/x.wasm").body, b"vendor/x.wasm");
    let redirect = ask("/devtools");
    assert!(redirect.headers.contains(&("Location", "/o/devtools/".to_string())), "{redirect:?}");
    for path in [
        "/devtools/../devtools/index.html",
        "/devtools//etc/passwd.js",
        "/devtools/vendor",
        "/devtools/.secret.js",
        "/devtools/notes.txt",
        "/devtools/none.js",
        "/devtoolsindex.html",
        "/devtools/vendor\\x.wasm",
    ] {
        assert_eq!(ask(path).code, 404, "{path}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
