//! URLs of masters that sentinels name: `redis-sentinel://host:port,host:port/master/database`.

use outlast_core::Error;
use url::Url;

use super::{Address, SENTINEL_PORT, decode, hosts};

/// The sentinels and the master of a URL, and of the URLs of its further hosts.
pub(super) fn address(url: &Url, others: &[String]) -> Result<Address, Error> {
    let sentinels = hosts::places(url, others, SENTINEL_PORT, "number of sentinels")?;
    let master = decode(path(url).0, "name of the master")?;
    if master.contains(char::is_control) {
        let allowed = "a name without control characters";
        return Err(Error::invalid_option("name of the master", &master, allowed));
    }
    Ok(Address::Sentinel { sentinels, master, tls: url.scheme() == "rediss-sentinel" })
}

/// The name of the master and the database, as the path has them.
pub(super) fn path(url: &Url) -> (&str, &str) {
    let path = url.path().trim_matches('/');
    path.split_once('/').unwrap_or((path, ""))
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, Place};
    use super::*;

    fn parse(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap().0
    }

    #[test]
    fn hosts_master_and_database() {
        let endpoint =
            parse("redis-sentinel://app:p%40ss@one:1,[::1]:2,three/my%20master/3?jitter_percent=0");
        let place = |host: &str, port| Place { host: host.into(), port };
        let Address::Sentinel { sentinels, master, tls } = &endpoint.address else {
            panic!("{endpoint}")
        };
        assert_eq!(*sentinels, [place("one", 1), place("::1", 2), place("three", 26379)]);
        assert_eq!((master.as_str(), *tls), ("my master", false));
        assert_eq!(endpoint.credentials.username.as_deref(), Some("app"));
        assert_eq!(endpoint.credentials.password.as_deref(), Some("p@ss"));
        assert_eq!(endpoint.credentials.database, 3);
        let shown = "redis-sentinel://one:1,[::1]:2,three:26379/my master/3";
        assert_eq!(endpoint.to_string(), shown);
        let secure = parse("rediss-sentinel://one,two/m");
        assert_eq!(secure.tls_host(), Some("one"));
        assert_eq!(secure.to_string(), "rediss-sentinel://one:26379,two:26379/m");
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        let message = |text: &str| Endpoint::parse(text).unwrap_err().message().to_string();
        for text in [
            "redis-sentinel://u:planted@one:1,two:port/m",
            "redis-sentinel://u:planted@one:x,two/m",
            "redis-sentinel://u:planted@one,two:0/m",
        ] {
            let message = message(text);
            assert!(message.starts_with("invalid port"), "{message}");
            assert!(!message.contains("planted"), "{message}");
        }
        assert!(message("redis-sentinel://one/a%0Ab").starts_with("invalid name of the master"));
        assert!(message("redis-sentinel://one/m/x").starts_with("invalid database \"x\""));
        let many = format!("redis-sentinel://{}/m", vec!["h"; 33].join(","));
        assert!(message(&many).starts_with("invalid number of sentinels \"33\""));
    }
}
