//! The seam for scripts: the store knows when a script runs and what it may touch; what runs it is
//! handed in by the host. The crate `outlast` has an engine for Lua 5.1; in WASM there is none.

use alloc::string::String;

use crate::resp::Value;

/// A script about to run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Script<'a> {
    /// SHA-1 of the source, in lower-case hexadecimal digits: the script's name.
    pub sha1: &'a str,
    /// The source.
    pub source: &'a [u8],
    /// What the script sees as `KEYS`.
    pub keys: &'a [&'a [u8]],
    /// What the script sees as `ARGV`.
    pub args: &'a [&'a [u8]],
}

impl<'a> Script<'a> {
    /// A script with its keys and arguments.
    pub const fn new(
        sha1: &'a str,
        source: &'a [u8],
        keys: &'a [&'a [u8]],
        args: &'a [&'a [u8]],
    ) -> Self {
        Self { sha1, source, keys, args }
    }
}

/// Runs scripts for a store.
pub trait ScriptEngine: Send {
    /// Checks that a source compiles.
    ///
    /// # Errors
    ///
    /// The compiler's message, such as `user_script:1: '=' expected near 'is'`; or a whole error
    /// reply, which begins with `ERR `, for a first line such as `#!lua flags=unknown`.
    fn compile(&mut self, source: &[u8]) -> Result<(), String>;

    /// Runs a script to its end. Its error is an error reply.
    fn run(&mut self, script: Script<'_>, host: &mut dyn ScriptHost) -> Value;
}

/// What a running script may ask of the store.
pub trait ScriptHost {
    /// Runs a command, as `redis.call` does; an error is an error reply. Replies have the shapes of
    /// the protocol that the script chose, at first RESP 2.
    fn call(&mut self, args: &[&[u8]]) -> Value;

    /// The protocol that the script chose with `redis.setresp`: 2 or 3.
    fn set_protocol(&mut self, version: u8);

    /// The script promised with the flag `no-writes` to write nothing: commands that write fail
    /// from here on.
    fn forbid_writes(&mut self);

    /// Whether memory was full when the script began. Redis then refuses its first write, and runs none
    /// that has flags but neither `allow-oom` nor `no-writes`.
    fn is_short_of_memory(&self) -> bool {
        false
    }

    /// The script has the flag `allow-oom`: it may write though memory is full.
    fn allow_beyond_memory(&mut self) {}
}
