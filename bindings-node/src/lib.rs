//! What `lib/` builds the Node package on. Conversions are in `convert`, errors in `errors`; what
//! is decided is decided in the crates below.

#![expect(
    clippy::missing_errors_doc,
    clippy::needless_pass_by_value,
    reason = "these are no functions for Rust: napi calls them, and lib/ documents what people call"
)]

pub mod caching;
pub mod client;
pub mod command_line;
mod convert;
mod desk;
pub mod engine;
mod errors;
mod frames;
pub mod health;
mod host;
mod uv;

pub use errors::{Code, Result};
