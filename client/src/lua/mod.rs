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

impl ScriptEngine for Lua {
    fn compile(&mut self, source: &[u8]) -> Result<(), String> {
        let body = shebang::split(source)?;
        let compiled = self.machine().and_then(|machine| machine.compile(body.source));
        compiled.map(|_| ()).map_err(|error| message(&error))
    }

    fn run(&mut self, script: Script<'_>, host: &mut dyn ScriptHost) -> Value {
        let body = match shebang::split(script.source) {
            Ok(body) => body,
            Err(refusal) => return Value::Error(refusal),
        };
        let limits = self.limits;
        let Ok(machine) = self.machine() else {
            return out_of_memory(&limits);
        };
        let function = match machine.compiled(script.sha1) {
            Ok(Some(function)) => function,
            _ => match machine.compile(body.source) {
                Ok(function) => {
                    if let Err(error) = machine.keep(script.sha1, &function) {
                        return machine.refuse(&error, script.sha1);
                    }
                    function
                }
                Err(error) => {
                    let text = message(&error);
                    return Value::Error(format!(
                        "ERR Error compiling script (new function): {text}"
                    ));
                }
            },
        };
        if body.is_read_only {
            host.forbid_writes();
        }
        let reply = machine.run(&function, &script, host);
        reply.unwrap_or_else(|error| machine.refuse(&error, script.sha1))
    }
}

/// The compiler's message without what mlua puts around it.
fn message(error: &mlua::Error) -> String {
    match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => String::from_utf8_lossy(match &raise::unpack(other) {
            raise::Raised::Text(text) => text,
            _ => b"failed",
        })
        .into_owned(),
    }
}
