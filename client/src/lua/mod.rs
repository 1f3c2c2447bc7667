//! Lua 5.1 for the store's scripts, as Redis 7.0 has it: the same sandbox, libraries, conversions and
//! error texts.
//!
//! Where it differs: a script that takes too long or too much memory is ended, see [`LuaLimits`];
//! what a script sets in `cjson` does not outlast it; statuses, errors and big numbers that are not
//! UTF-8 lose the bytes that are not; and a reply nests at most 128 levels.

mod api;
mod arguments;
mod bits;
mod json;
mod limit;
mod machine;
mod msgpack;
mod number;
mod raise;
mod random;
mod reply;
mod shebang;
mod structs;
#[cfg(test)]
mod tests;

use outlast_core::Value;
use outlast_core::store::script::{Script, ScriptEngine, ScriptHost};

pub use limit::LuaLimits;
use machine::{Machine, out_of_memory};

/// Runs scripts in Lua 5.1.
///
/// The state of Lua is made when the first script comes, and takes some 200 KiB then.
#[derive(Debug, Default)]
pub struct Lua {
    limits: LuaLimits,
    machine: Option<Machine>,
}

impl Lua {
    /// An engine with these limits.
    pub const fn new(limits: LuaLimits) -> Self {
        Self { limits, machine: None }
    }

    fn machine(&mut self) -> mlua::Result<&mut Machine> {
        if self.machine.is_none() {
            self.machine = Some(Machine::new(self.limits)?);
        }
        self.machine.as_mut().ok_or_else(raise::out_of_memory)
    }
}

/// What Redis says of a script with flags that may write, where memory is full.
const SHORT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";

impl ScriptEngine for Lua {
    fn compile(&mut self, source: &[u8]) -> Result<(), String> {
        let body = shebang::split(source)?;
        let compiled = self.machine().and_then(|machine| machine.compile(body.source));
        compiled.map(|_| ()).map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            _ => out_of_memory(&self.limits),
        })
    }

    fn run(&mut self, script: Script<'_>, host: &mut dyn ScriptHost) -> Value {
        let body = match shebang::split(script.source) {
            Ok(body) => body,
            Err(refusal) => return Value::Error(refusal),
        };
        let limits = self.limits;
        let Ok(machine) = self.machine() else {
            return Value::Error(out_of_memory(&limits));
        };
        if body.is_read_only {
            host.forbid_writes();
        }
        if body.allows_oom == Some(true) {
            host.allow_beyond_memory();
        }
        if body.allows_oom.is_some() && !body.is_read_only && host.is_short_of_memory() {
            return Value::Error(SHORT_OF_MEMORY.into());
        }
        let function = machine.function(script.sha1, body.source);
        let reply = function.and_then(|function| machine.run(&function, &script, host));
        reply.unwrap_or_else(|error| match error {
            mlua::Error::SyntaxError { message, .. } => {
                Value::Error(format!("ERR Error compiling script (new function): {message}"))
            }
            error => machine.refuse(&error, script.sha1),
        })
    }
}
