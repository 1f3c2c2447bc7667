//! Who may ask.

use std::net::IpAddr;

use outlast_core::Error;

use super::Request;

/// What a proxy adds: the caller is then somebody else than the one who connects.
const FORWARDED: [&str; 3] = ["Forwarded", "X-Forwarded-For", "X-Real-IP"];

/// Addresses that may ask, and names that they may ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers {
    networks: Vec<Network>,
    hosts: Vec<String>,
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Callers {
    pub(super) fn new(allow: &[String], hosts: &[String]) -> Result<Self, Error> {
        let networks = allow.iter().map(|text| Network::parse(text));
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self { networks: networks.collect::<Result<_, _>>()?, hosts })
    }

    pub(super) fn allow(&self, request: &Request<'_>) -> bool {
        let Ok(address) = request.remote.parse::<IpAddr>() else {
            return false;
        };
        let address = address.to_canonical();
        let is_named = self.networks.iter().any(|network| network.holds(address));
        let is_proxied = FORWARDED.iter().any(|name| request.header(name).is_some());
        let is_here = address.is_loopback() && !is_proxied;
        (is_named || is_here) && self.knows(request.header("Host").unwrap_or_default())
    }

    /// Whether a page that was loaded from this host is of this service: a name that somebody else
    /// points here is none of its own, and an address can be pointed nowhere.
    fn knows(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let name = name.to_ascii_lowercase();
        name == "localhost" || name.parse::<IpAddr>().is_ok() || self.hosts.contains(&name)
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, Error> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: Option<IpAddr> = address.parse().ok();
        let longest = address.map_or(0, |address| if address.is_ipv4() { 32 } else { 128 });
        let bits = bits.map_or(Some(longest), |bits| bits.parse().ok());
        if let (Some(address), Some(bits)) = (address, bits.filter(|bits| *bits <= longest)) {
            return Ok(Self { address, bits });
        }
        let allowed = "an address or a network, such as 127.0.0.1 or 10.0.0.0/8";
        Err(Error::invalid_option("allow", text, allowed))
    }

    fn holds(self, address: IpAddr) -> bool {
        let (own, other, longest) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(own.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let rest = longest - u32::from(self.bits);
        // All 128 bits away leave nothing that could differ.
        (own ^ other).checked_shr(rest).unwrap_or(0) == 0
    }
}
