//! Exit codes, for scripts.

use outlast_core::FailureKind;

/// The exit code for a failure of this kind. It never changes. 0 is success, 1 a failure that is
/// not known here, 2 a wrong call or option.
pub const fn exit_code(kind: FailureKind) -> i32 {
    match kind {
        FailureKind::DnsError => 10,
        FailureKind::NetworkUnreachable => 11,
        FailureKind::HostUnreachable => 12,
        FailureKind::ConnectionRefused => 13,
        FailureKind::ConnectTimeout => 14,
        FailureKind::TlsError => 15,
        FailureKind::AuthFailed => 16,
        FailureKind::ConnectionLost => 17,
        FailureKind::ResponseTimeout => 18,
        FailureKind::ProtocolError => 19,
        FailureKind::Loading => 20,
        FailureKind::MasterDown => 21,
        FailureKind::ClusterDown => 22,
        FailureKind::MaxClients => 23,
        FailureKind::ReadOnly => 24,
        FailureKind::OutOfMemory => 25,
        FailureKind::DiskError => 26,
        FailureKind::NoReplicas => 27,
        FailureKind::QuotaExceeded => 28,
        FailureKind::BusyScript => 29,
        FailureKind::TryAgain => 30,
        FailureKind::CommandError => 31,
        FailureKind::NoScript => 32,
        FailureKind::PermissionDenied => 33,
        FailureKind::UnknownError => 34,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let mut codes: Vec<i32> = FailureKind::ALL.iter().map(|kind| exit_code(*kind)).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), FailureKind::ALL.len());
        assert!(codes.iter().all(|code| (10..=255).contains(code)), "{codes:?}");
    }
}
