//! One connection: its bytes, both ways, and what is done to them.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use outlast_core::resp::{RequestLimits, RequestParser, encode_command};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::fault::{Fault, Orders, Way};

/// How one way came to its end.
enum Ended {
    /// The sender had no more.
    Quietly,
    /// It was cut, perhaps by a reset.
    Cut { reset: bool },
}

impl Ended {
    const fn is_cut(&self) -> bool {
        matches!(self, Self::Cut { .. })
    }
}

/// Carries bytes until either side has enough, or the orders say so.
pub(crate) async fn carry(
    client: TcpStream,
    server: TcpStream,
    mut orders: Orders,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let client_socket = SockRef::from(&client).try_clone()?;
    orders.cuts.mark_unchanged();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = Pump::new(Way::Up, from_client, to_server, orders.clone());
    let down = Pump::new(Way::Down, from_server, to_client, orders.clone());
    let (mut up, mut down) = (pin!(up.run()), pin!(down.run()));
    // A side that has no more to say may still have to hear something.
    let both = async {
        tokio::select! {
            ended = &mut up => if ended.is_cut() { ended } else { down.await },
            ended = &mut down => if ended.is_cut() { ended } else { up.await },
        }
    };
    let ended = tokio::select! {
        reset = orders.cut() => Ended::Cut { reset },
        ended = both => ended,
    };
    if matches!(ended, Ended::Cut { reset: true }) {
        client_socket.set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}

/// One way of a connection.
struct Pump {
    way: Way,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    orders: Orders,
    /// Since the fault that stands: bytes, and texts put in.
    passed: usize,
    injected: usize,
    requests: RequestParser,
}

impl Pump {
    fn new(way: Way, from: OwnedReadHalf, to: OwnedWriteHalf, orders: Orders) -> Self {
        let requests = RequestParser::new(RequestLimits::default());
        Self { way, from, to, orders, passed: 0, injected: 0, requests }
    }

    async fn run(mut self) -> Ended {
        let mut bytes = vec![0; 16 * 1_024];
        loop {
            let fault = self.orders.fault();
            (self.passed, self.injected) = (0, 0);
            self.requests = RequestParser::new(RequestLimits::default());
            match *fault {
                Fault::Refuse => return Ended::Cut { reset: true },
                Fault::CloseAtAccept => return Ended::Cut { reset: false },
                Fault::HalfClose { way } if way == self.way => {
                    // A socket that is gone already tells so with the next bytes.
                    let _ = self.to.shutdown().await;
                }
                Fault::Stall { way } if way == self.way => self.orders.changed().await,
                _ => {}
            }
            if let Some(ended) = self.pump(&fault, &mut bytes).await {
                // The other way may have more to say, as with any half-closed connection.
                let _ = self.to.shutdown().await;
                return ended;
            }
        }
    }

    /// Carries bytes while this fault stands; how it ended, if it did.
    async fn pump(&mut self, fault: &Arc<Fault>, bytes: &mut [u8]) -> Option<Ended> {
        loop {
            let read = tokio::select! {
                biased;
                () = self.orders.changed() => return None,
                read = self.from.read(bytes) => read,
            };
            let piece = match read {
                Ok(0) => return Some(Ended::Quietly),
                Ok(read) => &bytes[..read],
                Err(_) => return Some(Ended::Cut { reset: true }),
            };
            match self.pass(fault, piece).await {
                Ok(None) => {}
                Ok(ended) => return ended,
                Err(_) => return Some(Ended::Cut { reset: false }),
            }
        }
    }

    /// Does to a piece what the fault says.
    async fn pass(&mut self, fault: &Fault, piece: &[u8]) -> io::Result<Option<Ended>> {
        match fault {
            Fault::Cut { way, at, reset } if *way == self.way => {
                let left = at.saturating_sub(self.passed);
                let taken = left.min(piece.len());
                self.to.write_all(&piece[..taken]).await?;
                self.passed += taken;
                return Ok((taken == left).then_some(Ended::Cut { reset: *reset }));
            }
            Fault::HalfClose { way } | Fault::Swallow { way } if *way == self.way => {}
            Fault::Delay { way, ms } if *way == self.way => {
                self.orders.pass_time(*ms).await;
                self.to.write_all(piece).await?;
            }
            Fault::Throttle { way, bytes_per_second } if *way == self.way => {
                for byte in piece {
                    self.orders.pass_time(1_000 / bytes_per_second).await;
                    self.to.write_all(&[*byte]).await?;
                }
            }
            Fault::Garble { way } if *way == self.way => {
                let garbled: Vec<u8> =
                    piece.iter().map(|byte| byte.wrapping_mul(171) ^ 0x5a).collect();
                self.to.write_all(&garbled).await?;
            }
            Fault::Fragment { way } if *way == self.way => {
                for byte in piece {
                    self.to.write_all(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
            }
            Fault::Inject { way, text, times } if *way == self.way && self.injected == 0 => {
                self.injected = 1;
                self.to.write_all(text.repeat(*times).as_bytes()).await?;
                self.to.write_all(piece).await?;
            }
            Fault::Repeat if self.way == Way::Down && self.injected == 0 => {
                self.injected = 1;
                self.to.write_all(&piece.repeat(2)).await?;
            }
            Fault::Refusal { only, error } if self.way == Way::Up => {
                let refused = self.refused(piece, only, error);
                self.to.write_all(&refused).await?;
            }
            _ => self.to.write_all(piece).await?,
        }
        Ok(None)
    }

    /// The whole commands that have come, with scripts in place of those that are refused.
    fn refused(&mut self, piece: &[u8], only: &[String], error: &str) -> Vec<u8> {
        let mut commands = Vec::new();
        self.requests.feed(piece);
        while let Ok(Some(args)) = self.requests.next_request(true) {
            let name = String::from_utf8_lossy(&args[0]).to_uppercase();
            if only.is_empty() || only.contains(&name) {
                let script = format!("return redis.error_reply('{error}')");
                encode_command(&["EVAL", &script, "0"], &mut commands);
            } else {
                encode_command(&args, &mut commands);
            }
        }
        commands
    }
}
