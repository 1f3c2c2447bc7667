//! TLS: whom we trust, who we are, and what a failed handshake means.
//!
//! By default a server's certificate must lead to one of the authorities that this machine trusts,
//! and be for the host of the URL. The machine's own list is taken, not one that is compiled in:
//! an administrator who adds or removes an authority there is obeyed, and it is kept up to date
//! without a release of ours.

mod failure;
mod unverified;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use outlast_core::ErrorKind::InvalidOption;
use outlast_core::{Error, Failure, FailureKind};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

pub(crate) use failure::{failure_in, failure_of};

/// What a file with certificates or a key may hold.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Certificates or a key, and the option that named them.
pub(crate) enum Material {
    File { field: String, path: PathBuf },
    Pem { field: String, text: String },
}

/// What the options say of TLS.
#[derive(Default)]
pub(crate) struct Settings {
    /// Whom to trust instead of the machine's authorities.
    pub(crate) ca: Option<Material>,
    pub(crate) certificate: Option<Material>,
    pub(crate) key: Option<Material>,
    /// The option, and the name that the certificate must be for instead of the URL's host.
    pub(crate) server_name: Option<(String, String)>,
    pub(crate) insecure: bool,
}

/// Everything a handshake needs, read and checked.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
    /// Whether an option names it, whatever the host is.
    is_named: bool,
    /// Whether the server's certificate is not checked.
    pub(crate) insecure: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, insecure) = (&self.server_name, self.insecure);
        f.debug_struct("Tls")
            .field("server_name", name)
            .field("insecure", &insecure)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files and checks them.
    pub(crate) fn new(settings: &Settings, host: &str) -> Result<Self, Error> {
        let (field, name) = match &settings.server_name {
            Some((field, name)) => (field.as_str(), name.as_str()),
            None => ("host", host),
        };
        let server_name = ServerName::try_from(name.to_string()).map_err(|_| {
            Error::invalid_option(field, name, "a DNS name or an IP address, for TLS")
        })?;
        let provider = Arc::new(ring::default_provider());
        let mut config = Self::client_config(settings, provider)?;
        // Each dial proves the server's certificate anew, and a process that is forked meanwhile
        // inherits no lock of a cache.
        config.resumption = Resumption::disabled();
        config.enable_sni = true;
        let (is_named, insecure) = (settings.server_name.is_some(), settings.insecure);
        Ok(Self { config: Arc::new(config), server_name, is_named, insecure })
    }

    /// The same for another host, as sentinels name it.
    pub(crate) fn for_host(&self, host: &str) -> Result<Self, Failure> {
        let mut own = self.clone();
        if !self.is_named {
            own.server_name = ServerName::try_from(host.to_string()).map_err(|_| {
                let text = format!("{host} is neither a DNS name nor an IP address, for TLS");
                Failure::new(FailureKind::TlsError, text)
            })?;
        }
        Ok(own)
    }

    fn client_config(
        settings: &Settings,
        provider: Arc<CryptoProvider>,
    ) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| {
            Error::new(InvalidOption, format!("TLS cannot be used on this machine: {error}"))
        })?;
        let builder = if settings.insecure {
            let verifier = Arc::new(unverified::Unverified::new(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else {
            let roots = Arc::new(roots(settings.ca.as_ref())?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|error| no_authority(&error.to_string()))?;
            builder.with_webpki_verifier(verifier)
        };
        let (certificate, key) = match (&settings.certificate, &settings.key) {
            (None, None) => return Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => (certificate, key),
            // A file may hold both, as with OpenSSL.
            (Some(both), None) => (both, both),
            (None, Some(key)) => {
                let message = format!(
                    "invalid {}: allowed is only with tls_certificate_file, whose key it is",
                    key.field()
                );
                return Err(Error::new(InvalidOption, message));
            }
        };
        let chain = certificate.certificates()?;
        builder.with_client_auth_cert(chain, key.key()?).map_err(|error| {
            let allowed = "a certificate and the key that belongs to it";
            certificate.refused(&format!("{allowed} ({error})"))
        })
    }
}

/// The authorities that are trusted.
fn roots(ca: Option<&Material>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            let why = native.errors.first().map(ToString::to_string).unwrap_or_default();
            return Err(no_authority(&why));
        }
        return Ok(roots);
    };
    for certificate in ca.certificates()? {
        roots
            .add(certificate)
            .map_err(|error| ca.refused(&format!("certificates of authorities ({error})")))?;
    }
    Ok(roots)
}

fn no_authority(why: &str) -> Error {
    let message = format!(
        "this machine trusts no certificate authority: install its ca-certificates, or name a \
         file with tls_ca_file; {why}"
    );
    Error::new(InvalidOption, message.trim_end_matches("; ").to_string())
}

impl Material {
    fn field(&self) -> &str {
        match self {
            Self::File { field, .. } | Self::Pem { field, .. } => field,
        }
    }

    /// What is wrong, without the content: it may be a key.
    fn refused(&self, allowed: &str) -> Error {
        match self {
            Self::File { field, path } => {
                Error::invalid_option(field, &path.display().to_string(), allowed)
            }
            Self::Pem { field, .. } => {
                Error::new(InvalidOption, format!("invalid {field}: allowed is {allowed}"))
            }
        }
    }

    fn read(&self, what: &str) -> Result<Vec<u8>, Error> {
        use std::io::Read;

        let path = match self {
            Self::Pem { text, .. } => return Ok(text.clone().into_bytes()),
            Self::File { path, .. } => path,
        };
        let mut content = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut content))
            .map_err(|error| self.refused(&format!("a readable file with {what} ({error})")))?;
        Ok(content)
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let what = "certificates in PEM format";
        let content = self.read(what)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
        match found {
            Ok(found) if found.is_empty() => Err(self.refused(&format!("{what} (it has none)"))),
            Ok(found) => Ok(found),
            Err(error) => Err(self.refused(&format!("{what} ({})", words_of(&error)))),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        let what = "a private key in PEM format";
        let content = self.read(what)?;
        let encrypted = content.windows(9).any(|window| window == b"ENCRYPTED");
        PrivateKeyDer::from_pem_slice(&content).map_err(|error| {
            let why = if encrypted { "it is encrypted" } else { words_of(&error) };
            self.refused(&format!("{what} without a password ({why})"))
        })
    }
}

/// What is wrong with a PEM text, without any of it.
const fn words_of(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it is cut off: an END line is missing",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "it is not valid Base64",
        pem::Error::NoItemsFound => "it has none",
        _ => "it cannot be read",
    }
}
