//! A proxy that breaks what passes through it, as it is told to.
//!
//! Orders come as JSON lines on stdin, each is answered by one on stdout; the end of stdin ends it.
//!
//! ```text
//! {"do": "listen", "target": 6379}                     ──▶ {"port": 40001}
//! {"do": "fault", "fault": {"kind": "swallow", "way": "down"}}  ──▶ {}
//! {"do": "cut", "reset": true}                         ──▶ {}        every connection, once
//! {"do": "count", "port": 40001}                       ──▶ {"accepted": 3}
//! ```
//!
//! A fault stands until the next, for every connection through every port. Ways are those of the
//! bytes: `up` to the server, `down` to the client.

mod connection;
mod fault;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use connection::carry;
use fault::{Cut, Fault, Orders};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    Listen { target: u16 },
    Fault { fault: Fault },
    Cut { reset: bool },
    Count { port: u16 },
}

#[derive(Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut lines: Lines<BufReader<Stdin>> = BufReader::new(tokio::io::stdin()).lines();
    let mut output = tokio::io::stdout();
    let (fault, faults) = watch::channel(Arc::new(Fault::Pass));
    let (cut, cuts) = watch::channel(Cut::default());
    let mut accepted: HashMap<u16, Arc<AtomicU64>> = HashMap::new();
    while let Some(line) = lines.next_line().await? {
        let mut answer = Answer::default();
        match serde_json::from_str(&line)? {
            Order::Listen { target } => {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                let port = listener.local_addr()?.port();
                let count = accepted.entry(port).or_default().clone();
                let orders = Orders { faults: faults.clone(), cuts: cuts.clone() };
                tokio::spawn(listen(listener, target, count, orders));
                answer.port = Some(port);
            }
            Order::Fault { fault: next } => {
                fault.send_replace(Arc::new(next));
            }
            Order::Cut { reset } => {
                cut.send_modify(|cut| *cut = Cut { number: cut.number + 1, reset });
            }
            Order::Count { port } => {
                answer.accepted = accepted.get(&port).map(|count| count.load(Ordering::Relaxed));
            }
        }
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        output.write_all(&text).await?;
        output.flush().await?;
    }
    Ok(())
}

/// Accepts connections for one target, but for the time in which the port is to refuse.
async fn listen(
    mut listener: TcpListener,
    target: u16,
    accepted: Arc<AtomicU64>,
    mut orders: Orders,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    loop {
        if matches!(*orders.fault(), Fault::Refuse) {
            drop(listener);
            orders.wait_for(|fault| !matches!(fault, Fault::Refuse)).await;
            listener = TcpListener::bind(address).await?;
        }
        tokio::select! {
            biased;
            () = orders.changed() => {}
            connection = listener.accept() => {
                let (client, _) = connection?;
                accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(client, target, orders.clone()));
            }
        }
    }
}

/// One connection, from its first byte to its last. How it ends is the order's affair.
async fn serve(client: TcpStream, target: u16, mut orders: Orders) -> io::Result<()> {
    match *orders.fault() {
        Fault::CloseAtAccept => return Ok(()),
        Fault::AnswerLate { ms } => orders.pass_time(ms).await,
        _ => {}
    }
    let server = TcpStream::connect(("127.0.0.1", target)).await?;
    carry(client, server, orders).await
}
