//! A connected stream of bytes, whatever carries it: for tokio until a transport takes it apart.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ClientConnection;
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The socket, which does not block, and the TLS session on it. Tokio has no part in them any
    /// more.
    pub(crate) fn into_parts(self) -> io::Result<(Socket, Option<ClientConnection>)> {
        match self {
            Self::Tcp(stream) => Ok((stream.into_std()?.into(), None)),
            #[cfg(unix)]
            Self::Unix(stream) => Ok((stream.into_std()?.into(), None)),
            Self::Tls(stream) => {
                let (stream, mut session) = stream.into_inner();
                refuse_unread(&mut session)?;
                Ok((stream.into_std()?.into(), Some(session)))
            }
        }
    }

    /// The TLS session, where there is one.
    #[cfg(feature = "doctor")]
    pub(crate) fn session(&self) -> Option<&ClientConnection> {
        match self {
            Self::Tls(stream) => Some(stream.get_ref().1),
            _ => None,
        }
    }

    fn inner(self: Pin<&mut Self>) -> Inner<'_> {
        match self.get_mut() {
            Self::Tcp(stream) => Inner::Tcp(Pin::new(stream)),
            #[cfg(unix)]
            Self::Unix(stream) => Inner::Unix(Pin::new(stream)),
            Self::Tls(stream) => Inner::Tls(Pin::new(stream)),
        }
    }
}

/// Every reply of the login was read: what else came is not asked for, and is refused.
fn refuse_unread(session: &mut ClientConnection) -> io::Result<()> {
    match session.reader().read(&mut [0]) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

enum Inner<'a> {
    Tcp(Pin<&'a mut TcpStream>),
    #[cfg(unix)]
    Unix(Pin<&'a mut UnixStream>),
    Tls(Pin<&'a mut TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.inner() {
            Inner::Tcp(stream) => stream.poll_read(context, buffer),
            #[cfg(unix)]
            Inner::Unix(stream) => stream.poll_read(context, buffer),
            Inner::Tls(stream) => stream.poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.inner() {
            Inner::Tcp(stream) => stream.poll_write(context, bytes),
            #[cfg(unix)]
            Inner::Unix(stream) => stream.poll_write(context, bytes),
            Inner::Tls(stream) => stream.poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.inner() {
            Inner::Tcp(stream) => stream.poll_flush(context),
            #[cfg(unix)]
            Inner::Unix(stream) => stream.poll_flush(context),
            Inner::Tls(stream) => stream.poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.inner() {
            Inner::Tcp(stream) => stream.poll_shutdown(context),
            #[cfg(unix)]
            Inner::Unix(stream) => stream.poll_shutdown(context),
            Inner::Tls(stream) => stream.poll_shutdown(context),
        }
    }
}
