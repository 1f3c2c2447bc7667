//! Where Redis is, and who logs in there.

use std::borrow::Cow;
use std::fmt;

use outlast_core::connection::Credentials;
use outlast_core::{Error, ErrorKind};
use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

/// What a URL may look like, for error messages.
const ALLOWED: &str = "redis://[[user]:password@]host[:port][/database][?knob=value]";

/// A server, without anything secret in what it shows.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The name or address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
    pub(crate) credentials: Credentials,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.to_string()).finish()
    }
}

/// The URL without user, password and parameters.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "redis://{open}{}{close}:{}", self.host, self.port)?;
        match self.credentials.database {
            0 => Ok(()),
            database => write!(f, "/{database}"),
        }
    }
}

impl Endpoint {
    /// Reads a URL; the query parameters, but for `db`, are returned as options.
    pub(crate) fn parse(text: &str) -> Result<(Self, Vec<(String, String)>), Error> {
        if is_cut_short(text) {
            return Err(Error::new(ErrorKind::InvalidOption, CUT_SHORT));
        }
        let url = Url::parse(text).map_err(|error| unreadable(text, error))?;
        if url.scheme() != "redis" {
            return Err(Error::invalid_option("URL scheme", url.scheme(), "redis"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
        let host = decode(host.trim_start_matches('[').trim_end_matches(']'), "host")?;
        let port = url.port().unwrap_or(6379);
        if port == 0 {
            return Err(Error::invalid_option("port", "0", PORTS));
        }
        let mut credentials = Credentials::default();
        if !url.username().is_empty() {
            credentials.username = Some(decode(url.username(), "user")?);
        }
        credentials.password =
            url.password().map(|password| decode(password, "password")).transpose()?;
        if credentials.username.is_some() && credentials.password.is_none() {
            return Err(Error::new(
                ErrorKind::InvalidOption,
                "invalid URL: a user without a password; allowed is redis://user:password@host",
            ));
        }
        let path = url.path().trim_matches('/');
        if !path.is_empty() {
            credentials.database = database(path)?;
        }
        let mut options = Vec::new();
        for (name, value) in url.query_pairs() {
            if name == "db" {
                credentials.database = database(&value)?;
            } else {
                options.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok((Self { host, port, credentials }, options))
    }

    /// A text of the server without our credentials: servers quote what they do not understand.
    pub(crate) fn conceal(&self, text: &str) -> String {
        let secrets = [&self.credentials.password, &self.credentials.username];
        let secrets = secrets.into_iter().flatten().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "***"))
    }
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
        assert_eq!((full.host.as_str(), full.port), ("db.example", 6380));
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
    fn what_is_wrong_is_named() {
        assert_eq!(message("http://h"), "invalid URL scheme \"http\": allowed is redis");
        assert_eq!(
            message("redis://h:99999"),
            "invalid port \"99999\": allowed is a whole number from 1 to 65535"
        );
        assert_eq!(
            message("redis://u:planted@h:port/1"),
            "invalid port \"port\": allowed is a whole number from 1 to 65535"
        );
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
