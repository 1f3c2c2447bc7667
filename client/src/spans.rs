//! A span for each command, by OpenTelemetry's conventions for database clients: level `DEBUG`, target
//! `outlast`. It holds the command's name and none of its arguments.

use outlast_core::{Error, Value};
use tracing::field::Empty;
use tracing::{Level, Span};

use crate::config::Config;
use crate::gate::name_of;

/// The span of a command; none where nobody listens.
pub(crate) fn of<A: AsRef<[u8]>>(config: &Config, args: &[A]) -> Span {
    if !tracing::enabled!(target: "outlast", Level::DEBUG) {
        return Span::none();
    }
    let name = name_of(args);
    tracing::debug_span!(
        target: "outlast",
        "redis",
        "otel.kind" = "client",
        "otel.name" = name,
        "db.system.name" = "redis",
        "db.operation.name" = name,
        "db.namespace" = config.endpoint.credentials.database,
        "server.address" = %config.endpoint,
        "error.type" = Empty,
    )
}

/// The command has ended.
pub(crate) fn ended(span: &Span, result: &Result<Value, Error>) {
    if let Err(error) = result {
        let code = error.failure().map_or_else(|| error.code(), |failure| failure.code());
        span.record("error.type", code);
    }
}
