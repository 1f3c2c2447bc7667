//! Errors as scripts see them. Lua throws any value; a function in Rust throws one of these, which
//! the prelude unpacks wherever a script can catch it.

use std::fmt;

use mlua::{Error, Lua, Value};

/// The name of the prelude's chunk. Its functions stand for functions of Lua, so no position and
/// no name is taken from them.
pub(super) const PRELUDE: &str = "=outlast";

/// The name of a script's chunk.
pub(super) const SCRIPT: &str = "@user_script";

/// What a function throws.
#[derive(Clone, Debug)]
pub(super) enum Raised {
    /// A string.
    Text(Vec<u8>),
    /// The table of an error reply. `is_counted` says that a command caused it.
    Reply {
        /// The reply.
        text: String,
        /// Whether the table has the field by which Redis avoids to count an error twice.
        is_counted: bool,
    },
    /// The time is up. No script may catch it.
    Expired,
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Reply { text, .. } => f.write_str(text),
            Self::Expired => f.write_str("the time is up"),
        }
    }
}

impl std::error::Error for Raised {}

impl From<Raised> for Error {
    fn from(raised: Raised) -> Self {
        Self::external(raised)
    }
}

/// A message behind the position of the caller, as `luaL_error` throws it.
pub(super) fn message(lua: &Lua, text: &str) -> Error {
    bare(&(position(lua) + text))
}

/// A message without a position.
pub(super) fn bare(text: &str) -> Error {
    Raised::Text(text.as_bytes().to_vec()).into()
}

/// An error reply of a function in `redis`.
pub(super) fn reply(text: &str) -> Error {
    Raised::Reply { text: format!("ERR {text}"), is_counted: false }.into()
}

/// What Lua says where memory runs out.
pub(super) fn out_of_memory() -> Error {
    Error::MemoryError("not enough memory".into())
}

/// A wrong argument, as `luaL_argerror` throws it.
pub(super) fn argument(lua: &Lua, number: usize, text: &str) -> Error {
    // A native function that the prelude calls complains in the prelude's place.
    let level = usize::from(is_prelude(lua, 1));
    let name = lua.inspect_stack(level, |frame| {
        let names = frame.names();
        let is_method = names.name_what == Some("method");
        (is_method, names.name.map(std::borrow::Cow::into_owned))
    });
    let (is_method, name) = name.unwrap_or((false, None));
    let name = name.unwrap_or_else(|| "?".into());
    if is_method && number == 1 {
        return message(lua, &format!("calling '{name}' on bad self ({text})"));
    }
    let number = number - usize::from(is_method && number > 0);
    message(lua, &format!("bad argument #{number} to '{name}' ({text})"))
}

/// An argument of a wrong type, as `luaL_typerror` throws it.
pub(super) fn mistyped(lua: &Lua, number: usize, wanted: &str, got: Option<&Value>) -> Error {
    let got = got.map_or("no value", type_name);
    argument(lua, number, &format!("{wanted} expected, got {got}"))
}

/// The name of a value's type in Lua 5.1.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) | Value::Number(_) => "number",
        Value::LightUserData(_) | Value::Error(_) => "userdata",
        other => other.type_name(),
    }
}

/// Unpacks an error of any function.
pub(super) fn unpack(error: &Error) -> Raised {
    match error {
        Error::CallbackError { cause, .. } | Error::WithContext { cause, .. } => unpack(cause),
        Error::MemoryError(_) => Raised::Text(b"not enough memory".to_vec()),
        Error::RuntimeError(text) => {
            let text = text.split("\nstack traceback:").next().unwrap_or_default();
            Raised::Text(text.as_bytes().to_vec())
        }
        other => match other.downcast_ref::<Raised>() {
            Some(raised) => raised.clone(),
            None => Raised::Text(other.to_string().into_bytes()),
        },
    }
}

/// Where the caller is, as `luaL_where` puts it before a message.
pub(super) fn position(lua: &Lua) -> String {
    let Some(level) = next_caller(lua, 1) else {
        return String::new();
    };
    let position = lua.inspect_stack(level, |frame| {
        let line = frame.current_line()?;
        let source = frame.source();
        Some(format!("{}: ", source.short_src.as_deref().map(|name| format!("{name}:{line}"))?))
    });
    position.flatten().unwrap_or_default()
}

/// Source and line of the function that failed, for the handler of errors.
pub(super) fn origin(lua: &Lua) -> Option<(String, Option<usize>)> {
    let mut level = next_caller(lua, 1)?;
    let is_native = lua.inspect_stack(level, |frame| frame.source().what == "C")?;
    if is_native {
        level = next_caller(lua, level + 1)?;
    }
    lua.inspect_stack(level, |frame| {
        let source = frame.source();
        if source.what == "C" {
            // A tail call of the script took its place, so that no one knows the line.
            return (SCRIPT.to_owned(), None);
        }
        (source.source.as_deref().unwrap_or_default().to_owned(), frame.current_line())
    })
}

fn is_prelude(lua: &Lua, level: usize) -> bool {
    let source = |frame: &mlua::debug::Debug<'_>| frame.source().source.as_deref() == Some(PRELUDE);
    lua.inspect_stack(level, source) == Some(true)
}

/// The first level from here whose function is neither of the prelude nor lost to a tail call.
fn next_caller(lua: &Lua, mut level: usize) -> Option<usize> {
    loop {
        let is_skipped = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            source.what == "tail" || source.source.as_deref() == Some(PRELUDE)
        })?;
        if !is_skipped {
            return Some(level);
        }
        level += 1;
    }
}
