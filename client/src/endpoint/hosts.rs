//! URLs that name several hosts: those of sentinels and of clusters.

use std::borrow::Cow;

use outlast_core::Error;
use url::Url;

use super::{Place, place, unreadable};

/// More are not asked.
const HOSTS_MAX: usize = 32;

/// The URL with the first of its hosts, which is a URL as others are, and the further hosts.
pub(super) fn with_one_host(text: &str) -> (Cow<'_, str>, Vec<String>) {
    let whole = || (Cow::Borrowed(text), Vec::new());
    let Some((scheme, rest)) = text.split_once("://") else {
        return whole();
    };
    if !scheme.ends_with("-sentinel") && !scheme.ends_with("-cluster") {
        return whole();
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (format!("{login}@"), hosts),
        None => (String::new(), authority),
    };
    let mut hosts = hosts.split(',').map(str::trim);
    let first = hosts.next().unwrap_or_default();
    let others = hosts.map(|host| format!("{scheme}://{host}")).collect();
    (Cow::Owned(format!("{scheme}://{login}{first}{path}")), others)
}

/// The places of a URL, and of the URLs of its further hosts.
pub(super) fn places(
    url: &Url,
    others: &[String],
    default_port: u16,
    field: &str,
) -> Result<Vec<Place>, Error> {
    let mut places = vec![place(url, default_port)?];
    for text in others {
        let other = Url::parse(text).map_err(|error| unreadable(text, error))?;
        places.push(place(&other, default_port)?);
    }
    if places.len() > HOSTS_MAX {
        let given = places.len().to_string();
        let allowed = "one to 32 hosts, with commas between";
        return Err(Error::invalid_option(field, &given, allowed));
    }
    Ok(places)
}
