//! A master, its replica and three sentinels, all real: the client finds the master, and goes where
//! a failover goes.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlast::blocking::Client;
use outlast::doctor::{Report, examine};
use outlast::{Config, FailureKind, Mode, Value};
use outlast_tests::{Recorder, Server, certificate_file, free_port};

const MASTER_PASSWORD: &str = "planted-master";
const SENTINEL_PASSWORD: &str = "planted-sentinel";
/// Sentinels elect a leader at random delays.
const FAILOVER: Duration = Duration::from_secs(25);

/// Waits with the patience that a failover takes.
fn in_time(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + FAILOVER;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {FAILOVER:?}: {what}");
        std::thread::yield_now();
    }
}

struct Sentinel {
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Sentinel {
    /// One that watches this server as `cache`; so many must agree that it is down.
    fn start(server: u16, quorum: u32) -> Self {
        Self::start_with(server, quorum, free_port(), "")
    }

    /// The same behind TLS, and with TLS to the server.
    fn start_tls(server: u16) -> Self {
        let (tls_port, port) = (free_port(), free_port());
        let tls = format!(
            "tls-port {tls_port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n\
             tls-auth-clients no\ntls-replication yes\n",
            certificate_file("server.pem"),
            certificate_file("server.key"),
            certificate_file("ca.pem"),
        );
        let mut sentinel = Self::start_with(server, 1, port, &tls);
        sentinel.port = tls_port;
        sentinel
    }

    fn start_with(server: u16, quorum: u32, port: u16, more: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("outlast-sentinel-{port}"));
        fs::create_dir_all(&folder).expect("a folder for the sentinel");
        let file = folder.join("sentinel.conf");
        let text = format!(
            "bind 127.0.0.1\nport {port}\ndir {}\nrequirepass {SENTINEL_PASSWORD}\n\
             sentinel sentinel-pass {SENTINEL_PASSWORD}\n\
             sentinel monitor cache 127.0.0.1 {server} {quorum}\n\
             sentinel auth-pass cache {MASTER_PASSWORD}\n\
             sentinel down-after-milliseconds cache 400\nsentinel failover-timeout cache 3000\n\
             {more}",
            folder.display(),
        );
        fs::write(&file, text).expect("a file for the sentinel");
        let child = Command::new("redis-server")
            .args([file.as_os_str(), "--sentinel".as_ref()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server must be installed");
        let sentinel = Self { port, folder, child };
        in_time("the sentinel answers", || sentinel.cli(&["PING"]) == "PONG");
        sentinel
    }

    fn cli(&self, args: &[&str]) -> String {
        let port = self.port.to_string();
        let login = ["-p", &port, "--no-auth-warning", "-a", SENTINEL_PASSWORD];
        let output = Command::new("redis-cli").args(login).args(args).output();
        let output = output.expect("redis-cli must be installed");
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    }

    /// How many others of its kind, and replicas, it knows.
    fn knows(&self, what: &str) -> usize {
        self.cli(&["SENTINEL", what, "cache"]).lines().filter(|line| *line == "name").count()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A server of the group; a replica of the other, where there is one.
fn server(master: Option<&Server>) -> Server {
    let login = ["--requirepass", MASTER_PASSWORD, "--masterauth", MASTER_PASSWORD];
    let port = master.map(|master| master.port.to_string());
    let replica: Vec<&str> =
        port.iter().flat_map(|port| ["--replicaof", "127.0.0.1", port.as_str()]).collect();
    let quick = ["--repl-diskless-sync-delay", "0"];
    Server::start_with(&[&login[..], &quick[..], &replica].concat())
}

fn is_linked(replica: &Server) -> bool {
    replica.cli(&["INFO", "replication"]).contains("master_link_status:up")
}

fn url(sentinels: &[u16]) -> String {
    let places: Vec<_> = sentinels.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!(
        "redis-sentinel://:{MASTER_PASSWORD}@{}/cache?sentinel_password={SENTINEL_PASSWORD}",
        places.join(",")
    )
}

fn config(url: &str) -> Config {
    let quick =
        [("server_delay_ms", "20"), ("server_delay_ms_max", "100"), ("jitter_percent", "0")];
    let builder = Config::builder(url).profile("production").option("connect_timeout_ms", "1000");
    let builder = quick.iter().fold(builder, |builder, (name, value)| builder.option(name, value));
    builder.build().expect("valid options")
}

fn client(url: &str) -> (Client, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    (Client::new(config(url), recorder.clone()), recorder)
}

fn report(url: &str) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(examine(&config(url)))
}

/// The figures are counted with a command that is repeated by nobody.
fn count(client: &Client, acknowledged: &mut i64) {
    if client.call(&["INCR", "n"]).is_ok() {
        *acknowledged += 1;
    }
}

#[test]
fn a_failover_is_followed_and_nothing_is_lost() {
    let mut master = server(None);
    let replica = server(Some(&master));
    in_time("the replica is linked", || is_linked(&replica));
    let sentinels = [(); 3].map(|()| Sentinel::start(master.port, 2));
    for sentinel in &sentinels {
        in_time("sentinels know each other", || sentinel.knows("SENTINELS") == 2);
        in_time("sentinels know the replica", || sentinel.knows("REPLICAS") == 1);
    }
    // The first that is named is not there: the next is asked.
    let url = url(&[free_port(), sentinels[0].port, sentinels[1].port, sentinels[2].port]);
    let (client, log) = client(&url);
    client.connect().unwrap();
    let mut acknowledged = 0;
    (0..100).for_each(|_| count(&client, &mut acknowledged));
    assert_eq!(master.cli(&["GET", "n"]), acknowledged.to_string());
    master.cli(&["WAIT", "1", "5000"]);

    master.kill();
    in_time("the outage is noticed", || {
        count(&client, &mut acknowledged);
        client.status().mode == Mode::Degraded
    });
    in_time("the failover is followed", || {
        count(&client, &mut acknowledged);
        client.status().redis_connected
    });
    count(&client, &mut acknowledged);
    assert_eq!(replica.cli(&["GET", "n"]), acknowledged.to_string());
    // Another sentinel than the one that the client believed may still lag behind.
    let named = format!("cache is 127.0.0.1:{}, says", replica.port);
    in_time("every sentinel names the new master", || {
        let told = report(&url);
        told.to_string().contains(&named) && told.exit_code() == 0
    });
    let told = report(&url);

    // It comes back as what it was, and is made a replica.
    master.restart();
    in_time("the old master follows the new one", || is_linked(&master));
    in_time("a failover without an outage begins", || {
        sentinels[0].cli(&["SENTINEL", "FAILOVER", "cache"]) == "OK"
    });
    in_time("the old master is one again", || master.cli(&["ROLE"]).starts_with("master"));
    // What the other one acknowledged in between may be gone with it: that is Redis' affair.
    in_time("that is followed, too", || {
        let written = client.call(&["INCR", "back"]).is_ok();
        written && master.cli(&["GET", "back"]).parse().is_ok_and(|count: i64| count > 3)
    });
    let shown = format!("{client:?} {:?} {:?} {told} {told:?}", client.status(), log.lines());
    assert!(!shown.contains("planted"), "{shown}");
}

#[test]
fn a_sentinel_that_names_a_replica_is_not_believed() {
    let master = server(None);
    let replica = server(Some(&master));
    in_time("the replica is linked", || is_linked(&replica));
    // Alone it can never have the two that must agree, so it goes on naming what it was told.
    let lagging = Sentinel::start(replica.port, 2);
    let (alone, _) = client(&url(&[lagging.port]));
    let error = alone.connect().unwrap_err();
    assert_eq!(error.failure(), Some(FailureKind::ReadOnly), "{error}");
    assert!(error.message().contains("its role is slave"), "{error}");
    let knowing = Sentinel::start(master.port, 2);
    let (client, _) = client(&url(&[lagging.port, knowing.port]));
    client.connect().unwrap();
    client.call(&["SET", "k", "v"]).unwrap();
    assert_eq!(client.call(&["GET", "k"]).unwrap(), Value::bulk("v"));
    assert_eq!(master.cli(&["GET", "k"]), "v");
}

/// Keeps the server busy for so many milliseconds.
const BUSY: &str = "local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 \
                    end local till = now() + ARGV[1] while now() < till do end return 'done'";

/// In a failover the sentinels name the new master while connections to the old one still stand.
#[test]
fn a_pool_never_has_connections_to_two_masters() {
    let (old, new) = (server(None), server(None));
    let sentinel = Sentinel::start(old.port, 1);
    let (client, log) = client(&url(&[sentinel.port]));
    client.connect().unwrap();
    client.call(&["SET", "k", "old"]).unwrap();
    new.cli(&["SET", "k", "new"]);
    let told = |args: &[&str]| assert_eq!(sentinel.cli(args), "OK", "{args:?}");
    told(&["SENTINEL", "REMOVE", "cache"]);
    told(&["SENTINEL", "MONITOR", "cache", "127.0.0.1", &new.port.to_string(), "1"]);
    told(&["SENTINEL", "SET", "cache", "auth-pass", MASTER_PASSWORD]);
    std::thread::scope(|threads| {
        // The one connection is in use, so that a further one is asked for.
        let busy = threads.spawn(|| client.call(&["EVAL", BUSY, "0", "700"]));
        in_time("the old master is busy", || client.metrics().contains("state=\"used\"} 1"));
        client.call(&["SET", "other", "1"]).unwrap();
        assert_eq!(busy.join().unwrap(), Ok(Value::bulk("done")));
    });
    in_time("the new master is followed", || {
        client.status().redis_connected && new.cli(&["GET", "other"]) == "1"
    });
    // The connection that was used last goes first.
    for _ in 0..3 {
        assert_eq!(client.call(&["GET", "k"]).unwrap(), Value::bulk("new"));
    }
    assert_eq!(old.cli(&["EXISTS", "other"]), "0");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("redis_recovered")), "{lines:#?}");
}

#[test]
fn sentinels_and_master_behind_tls() {
    let master = Server::start_tls("server", &["--tls-auth-clients", "no"]);
    let port = master.tls_url().rsplit(':').next().unwrap().parse().unwrap();
    let sentinel = Sentinel::start_tls(port);
    let (ca, port) = (certificate_file("ca.pem"), sentinel.port);
    let login = format!("sentinel_password={SENTINEL_PASSWORD}");
    let url = format!("rediss-sentinel://127.0.0.1:{port}/cache?{login}&tls_ca_file={ca}");
    let (client, _) = client(&url);
    client.connect().unwrap();
    client.call(&["SET", "k", "v"]).unwrap();
    assert_eq!(master.cli(&["GET", "k"]), "v");
    let steps: Vec<_> = report(&url).steps.iter().map(|step| step.name).collect();
    assert_eq!(steps[..5], ["sentinel", "resolve", "connect", "tls", "login"]);
}

#[test]
fn what_is_wrong_is_told_by_its_name() {
    let master = server(None);
    let sentinel = Sentinel::start(master.port, 1);
    let place = format!("the sentinel 127.0.0.1:{}", sentinel.port);
    let right = url(&[sentinel.port]);
    let (unknown, _) = client(&right.replace("/cache", "/cash"));
    let error = unknown.connect().unwrap_err();
    assert!(
        error.message().contains(&format!("{place}: it knows no master named \"cash\"")),
        "{error}"
    );
    let (stranger, _) = client(&right.replace(SENTINEL_PASSWORD, "planted-wrong"));
    let error = stranger.connect().unwrap_err();
    assert_eq!(error.failure(), Some(FailureKind::AuthFailed), "{error}");
    assert!(error.message().contains(&place), "{error}");
    let (stranger, _) = client(&right.replace(MASTER_PASSWORD, "planted-wrong"));
    let error = stranger.connect().unwrap_err();
    assert_eq!(error.failure(), Some(FailureKind::AuthFailed), "{error}");
    assert!(error.message().contains(&format!("the master 127.0.0.1:{}", master.port)), "{error}");
    assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
    let told = report(&right.replace(&sentinel.port.to_string(), &free_port().to_string()));
    assert_eq!(
        told.failure.as_ref().map(|failure| failure.kind),
        Some(FailureKind::ConnectionRefused)
    );
    assert!(told.to_string().contains("FAILED       sentinel"), "{told}");
    let refused = |url: &str| Config::builder(url).build().unwrap_err().message().to_string();
    assert_eq!(
        refused("redis://host?sentinel_password=planted"),
        "invalid URL parameter sentinel_password: allowed is only with sentinels, a URL with redis-sentinel://"
    );
    assert!(refused("redis-sentinel://host").starts_with("invalid name of the master"));
    let named = Config::builder("redis-sentinel://host").option("sentinel_master", "cache");
    assert_eq!(named.build().unwrap().endpoint.to_string(), "redis-sentinel://host:26379/cache");
}
