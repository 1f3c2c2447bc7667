//! A proxy in front of a server, which cuts connections where it hurts.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes everything on, but for what it was told to cut.
#[derive(Debug)]
pub struct Proxy {
    /// Its port on the loopback address.
    pub port: u16,
    orders: Arc<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    /// Close connections as soon as they come.
    closed: AtomicBool,
    /// Replies to an EXEC to swallow; the connection dies with each.
    exec_replies_to_swallow: AtomicU32,
    /// How many were.
    swallowed: AtomicU32,
    /// After how many bytes of the client to cut the next connections, one each.
    cuts: Mutex<VecDeque<usize>>,
}

impl Proxy {
    /// Starts one in front of a local port. It ends with the test's process.
    ///
    /// # Panics
    ///
    /// Where it cannot listen.
    pub fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let orders = Arc::new(Orders::default());
        let theirs = orders.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if theirs.closed.load(Ordering::SeqCst) {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)) {
                    pass(client, server, &theirs);
                }
            }
        });
        Self { port, orders }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Whether it closes connections as soon as they come. Those that stand are not touched.
    pub fn close_new(&self, closed: bool) {
        self.orders.closed.store(closed, Ordering::SeqCst);
    }

    /// Has the next `count` replies to an EXEC vanish with their connections: the server did what
    /// was asked, and nobody is told.
    pub fn swallow_exec_replies(&self, count: u32) {
        self.orders.exec_replies_to_swallow.store(count, Ordering::SeqCst);
    }

    /// Has the next connections cut, each after so many bytes of the client reached the server.
    ///
    /// # Panics
    ///
    /// If a connection's thread panicked.
    pub fn cut_next_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.orders.cuts.lock().expect("no panic").extend(bytes);
    }

    /// How many connections wait to be cut.
    ///
    /// # Panics
    ///
    /// If a connection's thread panicked.
    pub fn cuts_left(&self) -> usize {
        self.orders.cuts.lock().expect("no panic").len()
    }

    /// How many replies to an EXEC vanished.
    pub fn swallowed(&self) -> u32 {
        self.orders.swallowed.load(Ordering::SeqCst)
    }
}

/// Moves the bytes of one connection, both ways.
fn pass(client: TcpStream, server: TcpStream, orders: &Arc<Orders>) {
    let cut = Arc::new(AtomicBool::new(false));
    let mut left = orders.cuts.lock().ok().and_then(|mut cuts| cuts.pop_front());
    let copies = (client.try_clone(), server.try_clone());
    let (Ok(mut from_client), Ok(mut to_server)) = copies else { return };
    let (cutting, asked) = (cut.clone(), orders.clone());
    thread::spawn(move || {
        let mut bytes = [0; 8 * 1_024];
        while let Ok(read @ 1..) = from_client.read(&mut bytes) {
            let is_exec = bytes[..read].windows(4).any(|window| window == b"EXEC");
            let take = |left: u32| left.checked_sub(1);
            let orders = &asked.exec_replies_to_swallow;
            if is_exec && orders.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                cutting.store(true, Ordering::SeqCst);
            }
            let passed = left.map_or(read, |left| left.min(read));
            if to_server.write_all(&bytes[..passed]).is_err() {
                break;
            }
            left = left.map(|left| left - passed);
            if left == Some(0) {
                let _ = from_client.shutdown(Shutdown::Both);
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let (mut from_server, mut to_client, orders) = (server, client, orders.clone());
    thread::spawn(move || {
        let mut bytes = [0; 8 * 1_024];
        while let Ok(read @ 1..) = from_server.read(&mut bytes) {
            if cut.load(Ordering::SeqCst) {
                orders.swallowed.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if to_client.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
}
