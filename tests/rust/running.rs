//! The store behind a socket, and a connection byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use outlast::server::{Server as Front, ServerOptions};
use tokio::sync::oneshot;

/// A front of our own, stopped with its test.
#[derive(Debug)]
pub struct Running {
    /// Its port on the loopback address.
    pub port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a front on a free port.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// Starts a front with other options.
    ///
    /// # Panics
    ///
    /// Where it cannot be bound.
    pub fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let mut options = ServerOptions::new(0);
        change(&mut options);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let front = runtime.block_on(Front::bind(options)).expect("a free port");
        let port = front.port().unwrap_or_default();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            runtime.block_on(front.run(async {
                let _ = stopped.await;
            }));
        };
        Self { port, stop: Some(stop), thread: Some(std::thread::spawn(serve)) }
    }

    /// Stops it, and waits for its end.
    ///
    /// # Panics
    ///
    /// If it panicked.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the front did not panic");
        }
    }

    /// A connection to it.
    pub fn connect(&self) -> Peer {
        Peer::connect(self.port)
    }

    /// Runs a tool of Redis on it, and gives what it prints.
    ///
    /// # Panics
    ///
    /// Where the tool is missing or fails.
    pub fn tool(&self, name: &str, args: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new(name).args(["-p", &port]).args(args).output();
        let output = output.expect("the tools of Redis must be installed");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection, byte by byte.
#[derive(Debug)]
#[non_exhaustive]
pub struct Peer(pub TcpStream);

impl Peer {
    /// Connects to a port; nothing takes longer than ten seconds.
    ///
    /// # Panics
    ///
    /// Where nobody listens.
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        Self(stream)
    }

    /// Sends.
    ///
    /// # Panics
    ///
    /// Where the peer is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the peer reads");
    }

    /// Sends, and reads as many bytes as are expected.
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>, expected: &str) {
        self.send(bytes);
        self.expect(expected);
    }

    /// Reads as many bytes as are expected.
    ///
    /// # Panics
    ///
    /// Where others come, or too few.
    pub fn expect(&mut self, expected: &str) {
        let mut got = vec![0; expected.len()];
        let read = self.0.read_exact(&mut got);
        let got = String::from_utf8_lossy(&got);
        assert_eq!(got.trim_end_matches('\0'), expected, "{read:?}");
    }

    /// Reads to the end of the connection.
    ///
    /// # Panics
    ///
    /// Where anything comes before.
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => assert_eq!(String::from_utf8_lossy(&rest), ""),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }

    /// All that comes until QUIT ends the connection.
    pub fn all(&mut self, bytes: &str) -> String {
        self.send(bytes);
        self.send("\r\nQUIT\r\n");
        let mut got = Vec::new();
        let _ = self.0.read_to_end(&mut got);
        String::from_utf8_lossy(&got).into_owned()
    }
}
