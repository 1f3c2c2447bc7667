//! What went wrong in TLS, in words that say what to do.

use std::io;

use outlast_core::classify::Phase;
use outlast_core::{Failure, FailureKind};
use rustls::{AlertDescription, CertificateError, Error};

/// The failure inside an I/O error, if it is one of TLS.
pub(crate) fn failure_in(error: &io::Error, phase: Phase) -> Option<Failure> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(failure_of(error, phase))
}

/// The failure that an error of TLS is. On a connection that stood, what is not about certificates
/// is the end of a connection and no reason to dial seldom.
pub(crate) fn failure_of(error: &Error, phase: Phase) -> Failure {
    let text = words(error);
    let kind = match error {
        Error::InvalidCertificate(_) => FailureKind::TlsError,
        Error::AlertReceived(alert) if is_about_certificates(*alert) => FailureKind::TlsError,
        _ if phase != Phase::Command => FailureKind::TlsError,
        Error::AlertReceived(_) => FailureKind::ConnectionLost,
        _ => FailureKind::ProtocolError,
    };
    Failure::new(kind, text)
}

const fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => of_certificate(why),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => "the server's answer is not TLS: does this port speak plain \
                                     Redis (redis://)?"
            .to_string(),
        Error::PeerIncompatible(_) => {
            format!("the server has no TLS version or cipher in common with this client: {error}")
        }
        other => other.to_string(),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    let words = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is the clock of this machine right?"
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate is self-signed or issued by an authority that is not \
             trusted here: name that authority's file with tls_ca_file"
        }
        CertificateError::Revoked => "the server's certificate was revoked",
        CertificateError::NotValidForNameContext { expected, presented } => {
            return format!(
                "the server's certificate is for {}, not for {}: connect by that name, or give \
                 it with tls_server_name",
                listed(presented),
                expected.to_str()
            );
        }
        CertificateError::NotValidForName => {
            "the server's certificate is for another name: connect by that name, or give it with \
             tls_server_name"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not meant for servers"
        }
        CertificateError::BadEncoding => "the server's certificate is malformed",
        other => return format!("the server's certificate is not accepted: {other}"),
    };
    words.to_string()
}

/// The names of a certificate; rustls words them as `DnsName("db.example")`.
fn listed(presented: &[String]) -> String {
    const NAMES_MAX: usize = 5;
    let plain = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_string()
    };
    let names: Vec<String> = presented.iter().take(NAMES_MAX).map(plain).collect();
    match (names.is_empty(), presented.len() > NAMES_MAX) {
        (true, _) => "no name".to_string(),
        (false, false) => names.join(", "),
        (false, true) => format!("{}, …", names.join(", ")),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    let words = match alert {
        AlertDescription::CertificateRequired => {
            "the server wants a client certificate: give tls_certificate_file and tls_key_file"
        }
        AlertDescription::HandshakeFailure => {
            "the server refused the handshake: it wants a client certificate (tls_certificate_file \
             and tls_key_file), or has no cipher in common"
        }
        AlertDescription::UnknownCA => {
            "the server does not trust the authority of the client certificate"
        }
        AlertDescription::CertificateExpired => "the client certificate has expired",
        AlertDescription::CertificateRevoked => "the client certificate was revoked",
        AlertDescription::ProtocolVersion => {
            "the server has no TLS version in common with this client (1.2 and 1.3)"
        }
        AlertDescription::UnrecognisedName => {
            "the server does not know the name that it was asked for: see tls_server_name"
        }
        other if is_about_certificates(other) => {
            return format!("the server refused the client certificate ({other:?})");
        }
        other => return format!("the server ended TLS ({other:?})"),
    };
    words.to_string()
}
