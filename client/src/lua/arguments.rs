//! The arguments of a native function, checked as Lua's own library checks them.

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, LuaString, MultiValue, Result, Value};

use super::number::to_i64;
use super::raise;

/// Arguments, numbered from 1.
pub(super) struct Arguments(Vec<Value>);

impl FromLuaMulti for Arguments {
    fn from_lua_multi(values: MultiValue, _: &Lua) -> Result<Self> {
        Ok(Self(values.into_vec()))
    }
}

/// A function of Lua from one that only looks at its arguments.
pub(super) fn function<R: IntoLuaMulti + 'static>(
    lua: &Lua,
    act: fn(&Lua, &Arguments) -> Result<R>,
) -> Result<Function> {
    lua.create_function(move |lua, args: Arguments| act(lua, &args))
}

impl Arguments {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }

    pub(super) fn get(&self, number: usize) -> Option<&Value> {
        number.checked_sub(1).and_then(|index| self.0.get(index))
    }

    /// The number of an argument that is one or reads as one.
    pub(super) fn number_of(&self, lua: &Lua, number: usize) -> Option<f64> {
        as_number(lua, self.get(number)?)
    }

    /// As `luaL_checknumber`.
    pub(super) fn number(&self, lua: &Lua, number: usize) -> Result<f64> {
        let found = self.number_of(lua, number);
        found.ok_or_else(|| raise::mistyped(lua, number, "number", self.get(number)))
    }

    /// As `luaL_checkinteger`.
    pub(super) fn integer(&self, lua: &Lua, number: usize) -> Result<i64> {
        Ok(to_i64(self.number(lua, number)?))
    }

    /// As `luaL_optinteger`.
    pub(super) fn integer_or(&self, lua: &Lua, number: usize, absent: i64) -> Result<i64> {
        match self.get(number) {
            None | Some(Value::Nil) => Ok(absent),
            Some(_) => self.integer(lua, number),
        }
    }

    /// As `luaL_checklstring`.
    pub(super) fn string(&self, lua: &Lua, number: usize) -> Result<LuaString> {
        let found = self.get(number).and_then(|value| as_string(lua, value));
        found.ok_or_else(|| raise::mistyped(lua, number, "string", self.get(number)))
    }
}

/// A number, or a string that reads as one.
pub(super) fn as_number(lua: &Lua, value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "it was made from an f64")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        Value::String(_) => lua.coerce_number(value.clone()).ok().flatten(),
        _ => None,
    }
}

/// A string, or a number as Lua prints it.
pub(super) fn as_string(lua: &Lua, value: &Value) -> Option<LuaString> {
    match value {
        Value::String(string) => Some(string.clone()),
        Value::Integer(_) | Value::Number(_) => lua.coerce_string(value.clone()).ok().flatten(),
        _ => None,
    }
}
