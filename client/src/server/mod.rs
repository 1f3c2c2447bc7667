//! The store behind a socket: a Redis of this process, for whatever speaks RESP 2 or 3.
//!
//! ```no_run
//! # async fn serve() -> Result<(), outlast::Error> {
//! use outlast::server::{Server, ServerOptions};
//!
//! let server = Server::bind(ServerOptions::new(6380)).await?;
//! println!("{}", server.address());
//! server.run(async { std::future::pending().await }).await;
//! # Ok(())
//! # }
//! ```
//!
//! It holds what it is told in memory only, and all of it is gone when it ends.

mod connection;
mod options;
mod waiting;
mod world;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use outlast_core::{Error, ErrorKind};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub use crate::store::{Eviction, Password};
pub use options::ServerOptions;

use world::World;

/// How often expired keys are looked for while nobody sends anything (`hz` of Redis is 10).
const HOUSEKEEPING_EVERY: Duration = Duration::from_millis(100);
/// How much is cleared away each time: Redis' own cycle is bounded too.
const HOUSEKEEPING_ROUNDS_MAX: usize = 64;
/// How long replies under way may take at the end.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);
/// The pause after the system had no descriptor or memory left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening server.
#[derive(Debug)]
pub struct Server {
    world: Arc<World>,
    tcp: Option<TcpListener>,
    #[cfg(unix)]
    unix: Option<UnixSocket>,
    address: String,
}

impl Server {
    /// Listens, but answers nobody until [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`]: the options contradict each other, or the address cannot be
    /// listened on.
    pub async fn bind(options: ServerOptions) -> Result<Self, Error> {
        options.check()?;
        #[cfg(unix)]
        if let Some(path) = options.unix_path.clone() {
            let unix = UnixSocket::bind(&path)
                .map_err(|error| cannot_listen(&path.display().to_string(), &error))?;
            let address = path.display().to_string();
            let world = Arc::new(World::new(options));
            return Ok(Self { world, tcp: None, unix: Some(unix), address });
        }
        let listener = TcpListener::bind(options.address).await;
        let tcp = listener.map_err(|error| cannot_listen(&options.address.to_string(), &error))?;
        let address = tcp.local_addr().unwrap_or(options.address).to_string();
        let world = Arc::new(World::new(options));
        Ok(Self {
            world,
            tcp: Some(tcp),
            #[cfg(unix)]
            unix: None,
            address,
        })
    }

    /// What it listens on: address and port, or the path of a socket.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port that it listens on, which the system chose where the options said 0.
    pub fn port(&self) -> Option<u16> {
        let address = self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok());
        address.map(|address: SocketAddr| address.port())
    }

    /// Serves until `shutdown` comes; then ends all connections and gives the address back.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (ending, ended) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut housekeeping = interval(HOUSEKEEPING_EVERY);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                _ = housekeeping.tick() => self.world.housekeep(HOUSEKEEPING_ROUNDS_MAX),
                Some(_) = connections.join_next() => {}
                accepted = self.accept(&ended) => match accepted {
                    Some(connection) => drop(connections.spawn(connection)),
                    None => sleep(ACCEPT_PAUSE).await,
                },
            }
        }
        drop(self.tcp);
        ending.send_replace(true);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_MAX, all_ended).await.is_err() {
            connections.shutdown().await;
        }
    }

    /// The next connection, to be run; none where the system has no room for it.
    async fn accept(
        &self,
        ended: &watch::Receiver<bool>,
    ) -> Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>> {
        let (world, ended) = (self.world.clone(), ended.clone());
        #[cfg(unix)]
        if let Some(unix) = &self.unix {
            let (stream, _) = unix.listener.accept().await.ok()?;
            let addresses = (format!("{}:0", self.address), format!("{}:0", self.address));
            let (reader, writer) = stream.into_split();
            return Some(Box::pin(connection::run(world, reader, writer, addresses, ended)));
        }
        let Some(tcp) = &self.tcp else {
            return std::future::pending().await;
        };
        let (stream, peer) = tcp.accept().await.ok()?;
        let _ = stream.set_nodelay(true);
        let addresses = (peer.to_string(), self.address.clone());
        let (reader, writer) = stream.into_split();
        Some(Box::pin(connection::run(world, reader, writer, addresses, ended)))
    }
}

/// A listening unix socket, whose path goes with it.
#[cfg(unix)]
#[derive(Debug)]
struct UnixSocket {
    listener: UnixListener,
    path: std::path::PathBuf,
}

#[cfg(unix)]
impl UnixSocket {
    /// Only this user may connect. A path that a server left behind is taken over.
    fn bind(path: &std::path::Path) -> std::io::Result<Self> {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt};
        use std::os::unix::net::UnixStream;

        let is_socket = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket && UnixStream::connect(path).is_err() {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        Ok(Self { listener, path: path.to_path_buf() })
    }
}

#[cfg(unix)]
impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn cannot_listen(address: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::InvalidOption, format!("cannot listen on {address}: {error}"))
}
