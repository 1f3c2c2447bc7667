//! What the tests share: a real redis-server on a free port, a proxy that cuts, and patience with
//! a deadline.

mod proxy;
mod running;
pub mod writes;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use outlast::{Event, Sink};
pub use proxy::Proxy;
pub use running::{Peer, Running};

/// A redis-server of our own, stopped with its test.
#[derive(Debug)]
pub struct Server {
    /// Its port on the loopback address.
    pub port: u16,
    /// Its port for TLS, where it speaks TLS.
    tls_port: Option<u16>,
    dir: PathBuf,
    options: Vec<String>,
    child: Option<Child>,
}

/// A folder that goes with its test.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder of this name.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("outlast-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

static SERVERS: AtomicU32 = AtomicU32::new(0);

impl Server {
    /// Starts a server on a free port.
    ///
    /// # Panics
    ///
    /// Where there is no redis-server, or it does not answer within ten seconds.
    pub fn start() -> Self {
        Self::start_on(free_port(), None, &[])
    }

    /// Starts a server with these options.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_on(free_port(), None, options)
    }

    /// Starts a server that speaks TLS on a port of its own, with this one of the
    /// [certificates](certificate_file), and with these options.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_tls(certificate: &str, options: &[&str]) -> Self {
        let pem = certificate_file(&format!("{certificate}.pem"));
        let key = certificate_file(&format!("{certificate}.key"));
        let ca = certificate_file("ca.pem");
        let tls = ["--tls-cert-file", &pem, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
        Self::start_on(free_port(), Some(free_port()), &[&tls, options].concat())
    }

    /// Starts a server on these ports, or on free ones where another test was quicker.
    fn start_on(port: u16, tls_port: Option<u16>, options: &[&str]) -> Self {
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("outlast-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder for the server");
        let options = options.iter().map(ToString::to_string).collect();
        let mut server = Self { port, tls_port, dir, options, child: None };
        while !server.started() {
            server.port = free_port();
            server.tls_port = server.tls_port.map(|_| free_port());
        }
        server
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    /// Its URL for TLS.
    ///
    /// # Panics
    ///
    /// Where it speaks none.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls_port.expect("a server with TLS"))
    }

    /// Starts it again on the same port, with the data that it saved.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        assert!(self.started(), "port {} was taken while the server was down", self.port);
    }

    /// Starts the process and waits until it answers; not if somebody else has its port.
    fn started(&mut self) -> bool {
        let port = self.port.to_string();
        // A killed process keeps what it wrote to its file. With `everysec` Redis puts writes off
        // while the disk is slow, and a kill then loses commands that it had acknowledged.
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "no"])
            .arg("--dir")
            .arg(&self.dir)
            .arg("--unixsocket")
            .arg(self.socket())
            .args(self.tls_port.iter().flat_map(|port| ["--tls-port".into(), port.to_string()]))
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server must be installed");
        let own = format!("process_id:{}", child.id());
        self.child = Some(child);
        let mut ended = false;
        eventually("the server answers", || {
            let status = self.child.as_mut().map(Child::try_wait);
            ended = matches!(status, Some(Ok(Some(_))));
            let answers = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            let of_own = |info: &str| info.lines().any(|line| line.trim() == own);
            ended || answers && of_own(&self.cli(&["INFO", "server"]))
        });
        !ended
    }

    /// Kills it: its port refuses from now on.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it without closing anything: it swallows what is sent.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Runs a command on it, past every client, and gives what it prints.
    ///
    /// # Panics
    ///
    /// Where redis-cli does not run.
    pub fn cli(&self, args: &[&str]) -> String {
        let port = self.port.to_string();
        let password = self.options.iter().skip_while(|option| *option != "--requirepass").nth(1);
        let login = password.iter().flat_map(|password| ["--no-auth-warning", "-a", password]);
        let output = Command::new("redis-cli").args(["-p", &port]).args(login).args(args).output();
        let output = output.expect("redis-cli must be installed");
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().map(|child| child.id().to_string()).unwrap_or_default();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {pid}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A file of the certificates that `tests/certificates` makes. They are made once for the machine.
///
/// # Panics
///
/// Where they cannot be made.
pub fn certificate_file(name: &str) -> String {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(certificates).join(name).display().to_string()
}

/// The folder of the certificates. Another process may make them at the same time.
fn certificates() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    include_str!("../certificates").hash(&mut hasher);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tmp"));
    let folder = root.join(format!("certificates-{:x}", hasher.finish()));
    if !folder.exists() {
        let fresh = root.join(format!("certificates-of-{}", std::process::id()));
        fs::create_dir_all(&fresh).expect("a folder for the certificates");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/certificates");
        let made = Command::new(script).arg(&fresh).status().expect("bash must be installed");
        assert!(made.success(), "openssl must be installed");
        if fs::rename(&fresh, &folder).is_err() {
            let _ = fs::remove_dir_all(&fresh);
        }
    }
    folder
}

/// A port that nobody listens on.
///
/// # Panics
///
/// Where the machine has none left.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Waits until something holds, with a deadline of ten seconds.
///
/// # Panics
///
/// When the deadline passes.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "not within ten seconds: {what}");
        std::thread::yield_now();
    }
}

/// Keeps every event.
#[derive(Debug, Default)]
pub struct Recorder {
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    /// All events so far.
    ///
    /// # Panics
    ///
    /// If a test panicked while it was recorded.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().expect("no test panicked here").clone()
    }

    /// The log records so far, as "level code: message".
    ///
    /// # Panics
    ///
    /// If a test panicked while it was recorded.
    pub fn lines(&self) -> Vec<String> {
        let events = self.events.lock().expect("no test panicked here");
        let line = |event: &Event| match event {
            Event::Log(record) => {
                Some(format!("{:?} {}: {}", record.level, record.code.code(), record.message))
            }
            _ => None,
        };
        events.iter().filter_map(line).collect()
    }
}

impl Sink for Recorder {
    fn event(&self, event: Event) {
        self.events.lock().expect("no test panicked here").push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tests_never_share_a_server() {
        let first = Server::start();
        let second = Server::start_on(first.port, None, &[]);
        assert_ne!(first.port, second.port);
        first.cli(&["SET", "k", "first"]);
        assert_eq!(second.cli(&["GET", "k"]), "");
    }
}
