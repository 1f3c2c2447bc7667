//! A proxy in front of a server, which cuts connections where it hurts.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
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
    /// The clients' sockets.
    standing: Mutex<Vec<TcpStream>>,
    /// How many connections came.
    connections: AtomicU64,
    /// Up to which connection what clients send is held back.
    held: Mutex<u64>,
    released: Condvar,
    /// Connections whose bytes came late, or were not wanted any more.
    late: AtomicU32,
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

    /// Cuts every connection that stands.
    ///
    /// # Panics
    ///
    /// If a connection's thread panicked.
    pub fn cut_all(&self) {
        for socket in self.orders.standing.lock().expect("no panic").drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
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

    /// Holds back what clients send over the connections that stand: it comes late, even where the client
    /// has closed its side. New connections are not held.
    ///
    /// # Panics
    ///
    /// If a connection's thread panicked.
    pub fn hold(&self) {
        *self.orders.held.lock().expect("no panic") =
            self.orders.connections.load(Ordering::SeqCst);
    }

    /// Delivers what was held back.
    ///
    /// # Panics
    ///
    /// If a connection's thread panicked.
    pub fn release(&self) {
        *self.orders.held.lock().expect("no panic") = 0;
        self.orders.released.notify_all();
    }

    /// How many connections delivered late, or found the server not listening any more.
    pub fn late(&self) -> u32 {
        self.orders.late.load(Ordering::SeqCst)
    }

    /// How many replies to an EXEC vanished.
    pub fn swallowed(&self) -> u32 {
        self.orders.swallowed.load(Ordering::SeqCst)
    }
}

impl Orders {
    /// Waits while this connection is held; whether it was.
    fn hold_back(&self, number: u64) -> bool {
        let Ok(mut held) = self.held.lock() else { return false };
        let is_held = number <= *held;
        while number <= *held {
            let Ok(next) = self.released.wait(held) else { return true };
            held = next;
        }
        is_held
    }
}

/// Moves the bytes of one connection, both ways.
fn pass(client: TcpStream, server: TcpStream, orders: &Arc<Orders>) {
    let number = orders.connections.fetch_add(1, Ordering::SeqCst) + 1;
    let cut = Arc::new(AtomicBool::new(false));
    let mut left = orders.cuts.lock().ok().and_then(|mut cuts| cuts.pop_front());
    let copies = (client.try_clone(), server.try_clone());
    let (Ok(mut from_client), Ok(mut to_server)) = copies else { return };
    if let (Ok(socket), Ok(mut standing)) = (client.try_clone(), orders.standing.lock()) {
        standing.push(socket);
    }
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
            let is_late = asked.hold_back(number);
            let passed = left.map_or(read, |left| left.min(read));
            let written = to_server.write_all(&bytes[..passed]);
            if is_late {
                asked.late.fetch_add(1, Ordering::SeqCst);
            }
            if written.is_err() {
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
