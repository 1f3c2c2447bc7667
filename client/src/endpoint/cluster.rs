//! URLs of clusters: `redis-cluster://host:port,host:port`.

use outlast_core::Error;
use url::Url;

use super::{Address, Endpoint, PORT, hosts};
use crate::endpoint::Place;

/// The nodes of a URL, and of the URLs of its further hosts.
pub(super) fn address(url: &Url, others: &[String]) -> Result<Address, Error> {
    let nodes = hosts::places(url, others, PORT, "number of nodes")?;
    Ok(Address::Cluster { nodes, tls: url.scheme() == "rediss-cluster" })
}

/// A cluster has but one database.
pub(super) fn check_database(database: u32) -> Result<(), Error> {
    if database == 0 {
        return Ok(());
    }
    let allowed = "0, for a cluster has no other";
    Err(Error::invalid_option("database", &database.to_string(), allowed))
}

impl Endpoint {
    /// The nodes that a cluster is asked at first; none where it is no cluster.
    pub(crate) fn cluster(&self) -> Option<&[Place]> {
        match &self.address {
            Address::Cluster { nodes, .. } => Some(nodes),
            Address::Tcp { .. }
            | Address::Tls { .. }
            | Address::Unix { .. }
            | Address::Sentinel { .. } => None,
        }
    }

    /// The same login at one place of the cluster.
    pub(crate) fn at(&self, place: &Place) -> Self {
        let Place { host, port } = place.clone();
        let address = match &self.address {
            Address::Cluster { tls: true, .. } => Address::Tls { host, port },
            _ => Address::Tcp { host, port },
        };
        Self { address, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_login() {
        let parse = |text: &str| Endpoint::parse(text).unwrap().0;
        let endpoint = parse("redis-cluster://app:planted@one:1,[::1]:2,three/0?jitter_percent=0");
        assert_eq!(endpoint.to_string(), "redis-cluster://one:1,[::1]:2,three:6379");
        assert_eq!(endpoint.credentials.username.as_deref(), Some("app"));
        let place = Place { host: "four".into(), port: 4 };
        assert_eq!(endpoint.at(&place).to_string(), "redis://four:4");
        assert_eq!(endpoint.at(&place).credentials, endpoint.credentials);
        let secure = parse("rediss-cluster://one,two");
        assert_eq!(secure.tls_host(), Some("one"));
        assert_eq!(secure.at(&place).to_string(), "rediss://four:4");
        for text in ["redis-cluster://u:planted@h/3", "redis-cluster://u:planted@h?db=3"] {
            let message = Endpoint::parse(text).unwrap_err().message().to_string();
            assert_eq!(message, "invalid database \"3\": allowed is 0, for a cluster has no other");
        }
    }
}
