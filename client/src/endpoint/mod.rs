//! Where Redis is, and who logs in there.

mod cluster;
mod hosts;
mod sentinel;

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use outlast_core::connection::Credentials;
use outlast_core::{Error, ErrorKind};
use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

/// What a URL may look like, for error messages.
const ALLOWED: &str = "redis://[[user]:password@]host[:port][/database][?knob=value], the same \
                       with rediss:// for TLS, unix:///path[?db=database], \
                       redis-sentinel://[login@]host[:port],host[:port]/master[/database], or \
                       redis-cluster://[login@]host[:port],host[:port]";
const SCHEMES: &str = "one of redis, rediss, unix, redis+unix, redis+socket, redis-sentinel, \
                       rediss-sentinel, redis-cluster, rediss-cluster";
/// The ports of servers and of sentinels.
const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a place is a host and a port")]
pub struct Place {
    /// The name or address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A name or an address, and a port.
    Tcp {
        /// The name or address of the host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The same, behind TLS.
    Tls {
        /// The name or address of the host; its certificate must be for it.
        host: String,
        /// The port.
        port: u16,
    },
    /// A unix socket.
    Unix {
        /// The path of its file.
        path: PathBuf,
    },
    /// The master that sentinels name.
    Sentinel {
        /// The sentinels, in the order in which they are asked.
        sentinels: Vec<Place>,
        /// The name of the master.
        master: String,
        /// Whether sentinels and master speak TLS.
        tls: bool,
    },
    /// A Redis Cluster.
    Cluster {
        /// Nodes that tell who else there is, in the order in which they are asked.
        nodes: Vec<Place>,
        /// Whether its nodes speak TLS.
        tls: bool,
    },
}

/// A server, without anything secret in what it shows.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Where it listens.
    pub address: Address,
    pub(crate) credentials: Credentials,
    /// Who logs in at sentinels.
    pub(crate) sentinel_credentials: Credentials,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.to_string()).finish()
    }
}

/// The URL without user, password and parameters.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |host: &String, port: &u16| Place { host: host.clone(), port: *port };
        match &self.address {
            Address::Tcp { host, port } => write!(f, "redis://{}", place(host, port))?,
            Address::Tls { host, port } => write!(f, "rediss://{}", place(host, port))?,
            Address::Unix { path } => {
                write!(f, "unix://{}", path.display())?;
                return match self.credentials.database {
                    0 => Ok(()),
                    database => write!(f, "?db={database}"),
                };
            }
            Address::Sentinel { sentinels, master, tls } => {
                let places: Vec<_> = sentinels.iter().map(ToString::to_string).collect();
                let scheme = if *tls { "rediss-sentinel" } else { "redis-sentinel" };
                write!(f, "{scheme}://{}/{master}", places.join(","))?;
            }
            Address::Cluster { nodes, tls } => {
                let places: Vec<_> = nodes.iter().map(ToString::to_string).collect();
                let scheme = if *tls { "rediss-cluster" } else { "redis-cluster" };
                write!(f, "{scheme}://{}", places.join(","))?;
            }
        }
        match self.credentials.database {
            0 => Ok(()),
            database => write!(f, "/{database}"),
        }
    }
}

impl Endpoint {
    /// Reads a URL; the query parameters, but for those of the login, are returned as options.
    pub(crate) fn parse(text: &str) -> Result<(Self, Vec<(String, String)>), Error> {
        if is_cut_short(text) {
            return Err(Error::new(ErrorKind::InvalidOption, CUT_SHORT));
        }
        let (first, others) = hosts::with_one_host(text);
        let parsed = match with_a_host(&first) {
            Some(text) => Url::parse(&text),
            None => Url::parse(&first),
        };
        let url = parsed.map_err(|error| unreadable(&first, error))?;
        let mut credentials = login(&url)?;
        let address = match url.scheme() {
            "redis" => {
                let Place { host, port } = place(&url, PORT)?;
                Address::Tcp { host, port }
            }
            "rediss" => {
                let Place { host, port } = place(&url, PORT)?;
                Address::Tls { host, port }
            }
            "unix" | "redis+unix" | "redis+socket" => Address::Unix { path: socket_path(&url)? },
            "redis-sentinel" | "rediss-sentinel" => sentinel::address(&url, &others)?,
            "redis-cluster" | "rediss-cluster" => cluster::address(&url, &others)?,
            other => return Err(Error::invalid_option("URL scheme", other, SCHEMES)),
        };
        let is_unix = matches!(address, Address::Unix { .. });
        let path = match address {
            Address::Unix { .. } => "",
            Address::Sentinel { .. } => sentinel::path(&url).1,
            Address::Tcp { .. } | Address::Tls { .. } | Address::Cluster { .. } => {
                url.path().trim_matches('/')
            }
        };
        if !path.is_empty() {
            credentials.database = database(path)?;
        }
        let mut options = Vec::new();
        for (name, value) in url.query_pairs() {
            match &*name {
                // Celery's URLs of unix sockets name the database so.
                "virtual_host" if is_unix => credentials.database = database(&value)?,
                "db" => credentials.database = database(&value)?,
                "username" => credentials.username = Some(value.into_owned()),
                "password" => credentials.password = Some(value.into_owned()),
                _ => options.push((name.into_owned(), value.into_owned())),
            }
        }
        if matches!(address, Address::Cluster { .. }) {
            cluster::check_database(credentials.database)?;
        }
        if credentials.username.is_some() && credentials.password.is_none() {
            return Err(Error::new(
                ErrorKind::InvalidOption,
                "invalid URL: a user without a password; allowed is redis://user:password@host",
            ));
        }
        let sentinel_credentials = Credentials::default();
        Ok((Self { address, credentials, sentinel_credentials }, options))
    }

    /// The name of the master, where sentinels name its place.
    pub(crate) fn master(&self) -> Option<&str> {
        match &self.address {
            Address::Sentinel { master, .. } => Some(master),
            Address::Tcp { .. }
            | Address::Tls { .. }
            | Address::Unix { .. }
            | Address::Cluster { .. } => None,
        }
    }

    /// The name that the server's certificate must be for, where there is TLS.
    pub(crate) fn tls_host(&self) -> Option<&str> {
        match &self.address {
            Address::Tls { host, .. } => Some(host),
            Address::Sentinel { sentinels, tls: true, .. } => {
                sentinels.first().map(|place| place.host.as_str())
            }
            Address::Cluster { nodes, tls: true } => nodes.first().map(|place| place.host.as_str()),
            Address::Tcp { .. }
            | Address::Unix { .. }
            | Address::Sentinel { .. }
            | Address::Cluster { .. } => None,
        }
    }

    /// A text of the server without our credentials: servers quote what they do not understand.
    pub(crate) fn conceal(&self, text: &str) -> String {
        let secrets = [&self.credentials, &self.sentinel_credentials]
            .into_iter()
            .flat_map(|credentials| [&credentials.password, &credentials.username]);
        let secrets = secrets.flatten().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// Who logs in, as the URL says it before its host.
fn login(url: &Url) -> Result<Credentials, Error> {
    let mut credentials = Credentials::default();
    if !url.username().is_empty() {
        credentials.username = Some(decode(url.username(), "user")?);
    }
    credentials.password =
        url.password().map(|password| decode(password, "password")).transpose()?;
    Ok(credentials)
}

fn place(url: &Url, default_port: u16) -> Result<Place, Error> {
    let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
    let host = decode(host.trim_start_matches('[').trim_end_matches(']'), "host")?;
    if !is_host(&host) {
        let allowed =
            "a name or an address: no blank, no control character, none of # / : ? @ \\ %";
        return Err(Error::invalid_option("host", &host, allowed));
    }
    let port = url.port().unwrap_or(default_port);
    if port == 0 {
        return Err(Error::invalid_option("port", "0", PORTS));
    }
    Ok(Place { host, port })
}

/// Whether it can be a host, and what is shown of the endpoint says the same again.
fn is_host(host: &str) -> bool {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || "#/:<>?@[\\]^|%,".contains(c);
    host.parse::<Ipv6Addr>().is_ok() || !host.contains(is_odd)
}

/// The URL of a unix socket with the host that a login needs before it: `unix://user:password@/path`
/// has none.
fn with_a_host(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let (login, path) = rest.split_once('/').filter(|(login, _)| login.ends_with('@'))?;
    matches!(scheme, "unix" | "redis+unix" | "redis+socket")
        .then(|| format!("{scheme}://{login}localhost/{path}"))
}

/// The path of a unix socket. One that is relative would be read as a host.
fn socket_path(url: &Url) -> Result<PathBuf, Error> {
    if !cfg!(unix) {
        return Err(Error::invalid_option("URL scheme", url.scheme(), "one of redis, rediss"));
    }
    let allowed = "an absolute path, as in unix:///run/redis.sock";
    let host = url.host_str().filter(|host| !matches!(*host, "" | "localhost"));
    if let Some(host) = host {
        let shown = format!("{host}{}", url.path());
        return Err(Error::invalid_option("path of the unix socket", &shown, allowed));
    }
    let path = decode(url.path(), "path of the unix socket")?;
    if path.ends_with('/') || path.is_empty() || path.contains(char::is_control) {
        return Err(Error::invalid_option("path of the unix socket", &path, allowed));
    }
    Ok(path.into())
}

const PORTS: &str = "a whole number from 1 to 65535";

fn database(text: &str) -> Result<u32, Error> {
    let number = text.parse().ok().filter(|number| *number <= 65_535);
    number.ok_or_else(|| Error::invalid_option("database", text, "a whole number from 0 to 65535"))
}

/// Whether an `@` stands behind the place where the host would end. What is before it then is a part
/// of a password, whatever it is read as, and no message may show it.
fn is_cut_short(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.find(['/', '?', '#']).is_some_and(|end| rest[end..].contains('@'))
}

const CUT_SHORT: &str = "invalid URL: an @ behind the host; allowed are / ? # @ in a user or \
                         password only as %2F %3F %23 %40";

fn unreadable(text: &str, error: ParseError) -> Error {
    let shown = redact(text);
    if error == ParseError::InvalidPort {
        let authority = shown.split("://").nth(1).unwrap_or_default();
        let authority = authority.split('/').next().unwrap_or_default();
        let port = authority.rsplit(':').next().unwrap_or_default();
        return Error::invalid_option("port", port, PORTS);
    }
    let message = format!("invalid URL {shown:?}: {error}; allowed is {ALLOWED}");
    Error::new(ErrorKind::InvalidOption, message)
}

/// A text that was meant to be a URL, without what may be secret in it.
fn redact(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        (None, Some((_, rest))) => format!("***@{rest}"),
        (_, None) => text.to_string(),
    }
}

fn decode(text: &str, field: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| {
        let message = format!("invalid {field} in the URL: it is not UTF-8 once decoded");
        Error::new(ErrorKind::InvalidOption, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap().0
    }

    fn message(text: &str) -> String {
        Endpoint::parse(text).unwrap_err().message().to_string()
    }

    #[test]
    fn the_parts_of_a_url() {
        let full = parse("redis://app:p%40ss%2Fw@db.example:6380/3");
        let place = Address::Tcp { host: "db.example".into(), port: 6380 };
        assert_eq!(full.address, place);
        assert_eq!(full.credentials.username.as_deref(), Some("app"));
        assert_eq!(full.credentials.password.as_deref(), Some("p@ss/w"));
        assert_eq!(full.to_string(), "redis://db.example:6380/3");
        let bare = parse("redis://");
        assert_eq!(bare.to_string(), "redis://localhost:6379");
        assert_eq!(parse("redis://[::1]:7000").to_string(), "redis://[::1]:7000");
        assert_eq!(parse("redis://h?db=2").credentials.database, 2);
        assert_eq!(parse("redis://:secret@h").credentials.username, None);
        let (_, options) = Endpoint::parse("redis://h?command_timeout_ms=5").unwrap();
        assert_eq!(options, [("command_timeout_ms".to_string(), "5".to_string())]);
    }

    #[test]
    fn tls_has_a_scheme_of_its_own() {
        let endpoint = parse("rediss://:planted@db.example/1");
        assert_eq!(endpoint.to_string(), "rediss://db.example:6379/1");
        assert_eq!(endpoint.tls_host(), Some("db.example"));
        assert_eq!(parse("redis://db.example").tls_host(), None);
    }

    #[cfg(unix)]
    #[test]
    fn unix_sockets_as_other_clients_write_them() {
        for text in [
            "unix:///run/my%20redis.sock?db=2",
            "redis+unix:///run/my%20redis.sock?db=2",
            "redis+socket:///run/my%20redis.sock?virtual_host=2",
        ] {
            let endpoint = parse(text);
            assert_eq!(endpoint.to_string(), "unix:///run/my redis.sock?db=2");
            assert_eq!(endpoint.address, Address::Unix { path: "/run/my redis.sock".into() });
        }
        for text in ["unix://app:planted@/r", "unix:///r?username=app&password=planted"] {
            let endpoint = parse(text);
            assert_eq!(endpoint.credentials.username.as_deref(), Some("app"));
            assert_eq!(endpoint.credentials.password.as_deref(), Some("planted"));
            assert!(!format!("{endpoint} {endpoint:?}").contains("planted"));
        }
        assert_eq!(
            message("unix://run/redis.sock"),
            "invalid path of the unix socket \"run/redis.sock\": allowed is an absolute path, as \
             in unix:///run/redis.sock"
        );
        assert!(message("unix://").contains("an absolute path"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            message("http://h"),
            "invalid URL scheme \"http\": allowed is one of redis, rediss, unix, redis+unix, \
             redis+socket, redis-sentinel, rediss-sentinel, redis-cluster, rediss-cluster"
        );
        assert_eq!(
            message("redis://h:99999"),
            "invalid port \"99999\": allowed is a whole number from 1 to 65535"
        );
        assert_eq!(
            message("redis://u:planted@h:port/1"),
            "invalid port \"port\": allowed is a whole number from 1 to 65535"
        );
        for host in ["a%0Ab", "a%20b", "a%2Fb", "a%3Ab", "a%40b", "a%25b", "%00"] {
            let message = message(&format!("redis://{host}:1"));
            assert!(message.starts_with("invalid host"), "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
        }
        assert!(message("redis://h/abc").starts_with("invalid database \"abc\""));
        assert!(message("localhost").contains("allowed is redis://"));
        assert!(message("redis://user@h").contains("without a password"));
    }

    #[test]
    fn what_a_server_quotes_is_concealed() {
        let quoted = "ERR unknown command 'AUTH', with args beginning with: 'app' 'planted'";
        let concealed = parse("redis://app:planted@h").conceal(quoted);
        assert_eq!(concealed, "ERR unknown command 'AUTH', with args beginning with: '***' '***'");
    }

    #[test]
    fn nothing_shows_the_password() {
        for text in ["redis://u:planted@h:1", "redis://:planted@h"] {
            let endpoint = parse(text);
            assert!(!format!("{endpoint} {endpoint:?}").contains("planted"));
        }
        for text in [
            "redis://u:planted@h:port",
            "u:planted@h",
            "://x:planted@",
            "redis://u:planted@[::1",
            "redis://h:1:planted@h:2:3",
            "redis://:planted/x@h",
            "redis://:1/planted@h",
            "redis://:1?planted@h",
            "redis://u:planted#x@h",
        ] {
            assert!(!message(text).contains("planted"), "{}", message(text));
        }
    }
}
