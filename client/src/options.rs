//! How a connection is made, beyond what a URL says: TLS, sentinels, how the client introduces itself.
//! These options come from the same sources as the knobs, in the same order of precedence.

use std::path::PathBuf;

use outlast_core::connection::{Credentials, Introduction, Protocol};
use outlast_core::policy::Source;
use outlast_core::{Error, ErrorKind};

use crate::endpoint::{Address, Endpoint};
use crate::tls::{Material, Settings};

/// The names, for error messages.
const NAMES: &[&str] = &[
    "tls_ca_file",
    "tls_ca_pem",
    "tls_certificate_file",
    "tls_certificate_pem",
    "tls_key_file",
    "tls_key_pem",
    "tls_server_name",
    "tls_insecure",
    "client_name",
    "protocol",
    "sentinel_master",
    "sentinel_username",
    "sentinel_password",
    "journal_path",
];

/// Whether the value of an option may be secret.
pub(crate) fn is_secret(name: &str) -> bool {
    name.ends_with("_pem") || name.contains("password")
}

/// What the options of one client say.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) tls: Settings,
    pub(crate) introduction: Introduction,
    pub(crate) sentinel: Sentinel,
    /// Where the journal outlives the process.
    pub(crate) journal_path: Option<PathBuf>,
    /// An option of TLS that a caller gave for this very client.
    tls_named: Option<String>,
}

/// What the options say of sentinels.
#[derive(Default)]
pub(crate) struct Sentinel {
    /// The name of the master, instead of the URL's.
    master: Option<String>,
    credentials: Credentials,
    /// An option of these that a caller gave for this very client.
    named: Option<String>,
}

impl Sentinel {
    /// Puts it into the endpoint.
    pub(crate) fn apply(self, endpoint: &mut Endpoint) -> Result<(), Error> {
        let Address::Sentinel { master, .. } = &mut endpoint.address else {
            let Some(name) = self.named else {
                return Ok(());
            };
            let message = format!(
                "invalid {name}: allowed is only with sentinels, a URL with redis-sentinel://"
            );
            return Err(Error::new(ErrorKind::InvalidOption, message));
        };
        if let Some(named) = self.master {
            *master = named;
        }
        if master.is_empty() {
            let allowed = "a name, as in redis-sentinel://host/name";
            return Err(Error::invalid_option("name of the master", "", allowed));
        }
        if self.credentials.username.is_some() && self.credentials.password.is_none() {
            let message = "invalid sentinel_username: allowed is only with sentinel_password";
            return Err(Error::new(ErrorKind::InvalidOption, message));
        }
        endpoint.sentinel_credentials = self.credentials;
        Ok(())
    }

    fn take(&mut self, name: &str, value: &str, source: Source) {
        let value = Some(value.to_string());
        match name {
            "sentinel_master" => self.master = value,
            "sentinel_username" => self.credentials.username = value,
            _ => self.credentials.password = value,
        }
        if source != Source::Variable {
            self.named = Some(source.field(name));
        }
    }
}

impl Options {
    /// Takes an option, if it is one of these. What comes later goes before what came earlier.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`], with field, value and what is allowed.
    pub(crate) fn take(&mut self, name: &str, value: &str, source: Source) -> Result<bool, Error> {
        let field = source.field(name);
        let file = || Some(Material::File { field: field.clone(), path: PathBuf::from(value) });
        let pem = || Some(Material::Pem { field: field.clone(), text: value.to_string() });
        match name {
            // The names behind ours are redis-py's.
            "tls_ca_file" | "ssl_ca_certs" => self.tls.ca = file(),
            "tls_ca_pem" | "ssl_ca_data" => self.tls.ca = pem(),
            "tls_certificate_file" | "ssl_certfile" => self.tls.certificate = file(),
            "tls_certificate_pem" => self.tls.certificate = pem(),
            "tls_key_file" | "ssl_keyfile" => self.tls.key = file(),
            "tls_key_pem" => self.tls.key = pem(),
            "tls_server_name" => self.tls.server_name = Some((field, value.to_string())),
            "tls_insecure" => self.tls.insecure = flag(&field, value)?,
            "ssl_cert_reqs" => self.tls.insecure = !is_required(&field, value)?,
            "ssl_check_hostname" if flag(&field, value)? => {}
            "ssl_check_hostname" => {
                let allowed = "true; tls_server_name names the host that the certificate is for";
                return Err(Error::invalid_option(&field, value, allowed));
            }
            "client_name" => self.introduction.client_name = Some(client_name(&field, value)?),
            // Empty is none: so a variable can be overruled.
            "journal_path" => {
                self.journal_path = (!value.is_empty()).then(|| PathBuf::from(value));
            }
            "protocol" => self.introduction.protocol = protocol(&field, value)?,
            "sentinel_master" | "sentinel_username" | "sentinel_password" => {
                self.sentinel.take(name, value, source);
            }
            _ if name.starts_with("tls_") || name.starts_with("ssl_") => {
                let message =
                    format!("unknown option {field:?}: allowed is one of {}", NAMES.join(", "));
                return Err(Error::new(ErrorKind::InvalidOption, message));
            }
            _ => return Ok(false),
        }
        let is_tls = name.starts_with("tls_") || name.starts_with("ssl_");
        // A variable may be meant for another client of the process.
        if is_tls && source != Source::Variable {
            self.tls_named = Some(source.field(name));
        }
        Ok(true)
    }

    /// That an option of TLS was given where there is no TLS: whoever gave it believes that there
    /// is.
    pub(crate) fn refuse_tls(&self) -> Result<(), Error> {
        let Some(name) = &self.tls_named else {
            return Ok(());
        };
        let message = format!("invalid {name}: allowed is only with TLS, a URL with rediss://");
        Err(Error::new(ErrorKind::InvalidOption, message))
    }
}

fn flag(field: &str, value: &str) -> Result<bool, Error> {
    match value {
        "true" | "True" | "yes" | "on" | "1" => Ok(true),
        "false" | "False" | "no" | "off" | "0" => Ok(false),
        _ => Err(Error::invalid_option(field, value, "one of true, false")),
    }
}

/// redis-py takes words and the numbers of Python's `ssl`. For a client `optional` is as good as
/// `required`: a server always has a certificate.
fn is_required(field: &str, value: &str) -> Result<bool, Error> {
    let word = value.rsplit('.').next().unwrap_or(value);
    let word = word.strip_prefix("CERT_").unwrap_or(word).to_lowercase();
    match word.as_str() {
        "required" | "optional" | "1" | "2" => Ok(true),
        "none" | "0" => Ok(false),
        _ => Err(Error::invalid_option(field, value, "one of required, optional, none")),
    }
}

/// What Redis takes as a name.
fn client_name(field: &str, value: &str) -> Result<String, Error> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic());
    if value.is_empty() || !is_plain {
        let allowed = "printable ASCII characters without spaces, at least one";
        return Err(Error::invalid_option(field, value, allowed));
    }
    Ok(value.to_string())
}

fn protocol(field: &str, value: &str) -> Result<Protocol, Error> {
    match value {
        "2" => Ok(Protocol::Resp2),
        "3" => Ok(Protocol::Resp3),
        _ => Err(Error::invalid_option(field, value, "one of 2, 3 (the version of RESP)")),
    }
}
