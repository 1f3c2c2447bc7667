//! The bytes of a connection as its socket carries them: plain, or inside TLS. Whoever drives the
//! socket drives this; what it carries, the connection inside knows.

use std::fmt;
use std::io::{self, Read, Write};

use outlast_core::Failure;
use outlast_core::classify::Phase;
use outlast_core::connection::Connection;
use rustls::ClientConnection;

use crate::dial::{closed_by_server, failure_of};
use crate::tls::failure_of as tls_failure_of;

/// Plain bytes that are encrypted at once; more would only be copied more often.
const PLAIN_BYTES_MAX: usize = 64 * 1_024;

/// A connection, and TLS around it where there is any.
pub(crate) struct Channel {
    pub(crate) connection: Connection,
    tls: Option<Box<Seal>>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// A TLS session without its socket.
struct Seal {
    session: ClientConnection,
    /// What the socket is to take.
    out: Vec<u8>,
    /// Bytes of `out` that it took.
    taken: usize,
    /// Plain bytes inside `out` that the connection does not count as sent yet. As soon as any
    /// byte of `out` has left, all of them do: nobody can say what the server made of it.
    plain: usize,
}

impl Channel {
    pub(crate) fn new(connection: Connection, session: Option<ClientConnection>) -> Self {
        let seal = |mut session: ClientConnection| {
            // What is handed over at once is bounded here.
            session.set_buffer_limit(None);
            Box::new(Seal { session, out: Vec::new(), taken: 0, plain: 0 })
        };
        Self { connection, tls: session.map(seal) }
    }

    /// The bytes that the socket has not taken yet. Once they are taken there may be more.
    pub(crate) fn unsent(&mut self) -> &[u8] {
        match &mut self.tls {
            None => self.connection.unsent(),
            Some(seal) => seal.unsent(&self.connection),
        }
    }

    /// How many bytes the socket has still to take; what TLS adds to them apart.
    pub(crate) fn unsent_bytes(&self) -> usize {
        let sealed = self.tls.as_ref().map_or(0, |seal| seal.out.len() - seal.taken);
        self.connection.unsent().len() + sealed
    }

    /// The socket took the first `bytes` of [`unsent`](Self::unsent).
    pub(crate) fn sent(&mut self, bytes: usize) {
        match &mut self.tls {
            None => self.connection.sent(bytes),
            Some(seal) => seal.sent(bytes, &mut self.connection),
        }
    }

    /// Takes bytes as the socket gave them.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.tls {
            None => {
                self.connection.receive(bytes);
                Ok(())
            }
            Some(seal) => seal.receive(bytes, &mut self.connection),
        }
    }

    /// Whether nothing is under way in either direction.
    pub(crate) fn is_idle(&self) -> bool {
        self.connection.is_idle() && self.tls.as_ref().is_none_or(|seal| seal.out.is_empty())
    }

    /// Whether the server may send bytes that are part of no reply.
    pub(crate) const fn is_sealed(&self) -> bool {
        self.tls.is_some()
    }
}

impl Seal {
    fn unsent(&mut self, connection: &Connection) -> &[u8] {
        if self.out.is_empty() {
            let plain = connection.unsent();
            let plain = plain.get(..PLAIN_BYTES_MAX).unwrap_or(plain);
            // Neither fails: the session has no limit, and a vector takes everything.
            self.plain = self.session.writer().write(plain).unwrap_or_default();
            while self.session.wants_write() && self.session.write_tls(&mut self.out).is_ok() {}
        }
        self.out.get(self.taken..).unwrap_or_default()
    }

    fn sent(&mut self, bytes: usize, connection: &mut Connection) {
        if bytes == 0 {
            return;
        }
        connection.sent(std::mem::take(&mut self.plain));
        self.taken += bytes;
        if self.taken >= self.out.len() {
            self.out.clear();
            self.taken = 0;
        }
    }

    fn receive(&mut self, mut bytes: &[u8], connection: &mut Connection) -> Result<(), Failure> {
        let mut plain = [0; 16 * 1_024];
        while !bytes.is_empty() {
            let read = self.session.read_tls(&mut bytes);
            read.map_err(|error| failure_of(&error, Phase::Command))?;
            self.session
                .process_new_packets()
                .map_err(|error| tls_failure_of(&error, Phase::Command))?;
            loop {
                match self.session.reader().read(&mut plain) {
                    Ok(0) => return Err(closed_by_server()),
                    Ok(read) => connection.receive(plain.get(..read).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(failure_of(&error, Phase::Command)),
                }
            }
        }
        Ok(())
    }
}
