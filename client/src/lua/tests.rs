//! Limits, and what one script leaves for the next. What scripts answer is compared with a real
//! server in tests/rust/scripts.rs.

use std::time::Instant;

use outlast_core::store::Store;
use outlast_core::{Timestamp, Value};

use super::*;

/// Answers each command with what it was given.
struct Echo;

impl ScriptHost for Echo {
    fn call(&mut self, args: &[&[u8]]) -> Value {
        Value::Array(args.iter().map(|arg| Value::bulk(*arg)).collect())
    }

    fn set_protocol(&mut self, _: u8) {}

    fn forbid_writes(&mut self) {}
}

fn limited(time_ms_max: u64, memory_bytes_max: usize) -> Lua {
    Lua::new(LuaLimits { time_ms_max, memory_bytes_max })
}

fn run(lua: &mut Lua, source: &str) -> Value {
    lua.run(Script::new(source, source.as_bytes(), &[], &[]), &mut Echo)
}

fn error(lua: &mut Lua, source: &str) -> String {
    match run(lua, source) {
        Value::Error(text) => text,
        _ => panic!("{source} gives no error"),
    }
}

const EXPIRED: &str = "ERR outlast: script exceeded its time limit of 50 ms";

#[test]
fn no_script_runs_longer_than_it_may() {
    let mut lua = limited(50, 64 << 20);
    for source in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() pcall(f) f() end f()",
        "local function f() return f() end f()",
        "while true do xpcall(function() while true do end end, function(e) while true do end end) end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "while true do redis.call('echo', 'x') end",
        "while true do pcall(redis.call, 'echo', 'x') end",
        "while true do load(function() while true do end end) end",
        "setmetatable({}, {__index = function() while true do end end}).x = 1 \
         return setmetatable({}, {__index = function() while true do end end}).x",
        "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
        "while true do pcall(string.gsub, 'aaa', 'a', function() while true do end end) end",
        "while true do pcall(error) end",
        "while true do pcall(cjson.decode, '{') end",
    ] {
        let begin = Instant::now();
        assert_eq!(error(&mut lua, source), EXPIRED, "{source}");
        assert!(begin.elapsed().as_millis() < 2_000, "{source} took {:?}", begin.elapsed());
        assert_eq!(run(&mut lua, "return 1"), Value::Integer(1), "after {source}");
    }
}

#[test]
fn no_script_takes_more_memory_than_it_may() {
    let mut lua = limited(5_000, 4 << 20);
    let exceeded = "ERR outlast: script exceeded its memory limit of 4194304 bytes";
    for source in [
        "return string.rep('x', 1e8)",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local s = 'x' while true do s = s .. s end",
        "local s = string.rep('x', 1e6) return cjson.encode({s, s, s, s, s})",
        "local s = string.rep('x', 1e6) return cmsgpack.pack(s, s, s, s, s)",
        "local t = {1} for i = 1, 40 do t = {t, t} end return cjson.encode(t)",
        "return cjson.decode('[' .. string.rep('[],', 1e6) .. '[]]')",
    ] {
        let text = error(&mut lua, source);
        assert!(text.starts_with(exceeded), "{source}: {text}");
        assert_eq!(run(&mut lua, "return 1"), Value::Integer(1), "after {source}");
    }
    let caught = run(&mut lua, "local _, e = pcall(string.rep, 'x', 1e8) return e");
    assert_eq!(caught, Value::bulk("not enough memory"));
    let large = "ERR outlast: the reply of a script exceeded its limit of 4194304 bytes";
    let source = "local t = {1} for i = 1, 40 do t = {t, t} end return t";
    assert_eq!(error(&mut lua, source), large);
    // What is garbage does not count, even where Lua would let it grow past the limit.
    let source = "for i = 1, 100 do local s = string.rep('x', 1e6) end return 1";
    assert_eq!(run(&mut lua, source), Value::Integer(1));
    let source = "local k = string.rep('y', 1e6) for i = 1, 1e5 do local t = {i, {}} end return #k";
    assert_eq!(run(&mut lua, source), Value::Integer(1_000_000));
}

#[test]
fn a_tiny_limit_refuses_scripts_and_nothing_worse() {
    let mut lua = limited(1_000, 1);
    assert!(error(&mut lua, "return 1").contains("memory limit of 1 bytes"));
    let refused = lua.compile(b"return 1").expect_err("there is no memory");
    assert!(refused.contains("memory limit of 1 bytes"), "{refused}");
}

#[test]
fn no_nesting_exhausts_the_stack() {
    let mut lua = limited(5_000, 64 << 20);
    for source in [
        "local t = {} t[1] = t return t",
        "local t = {} t.map = t return t",
        "local t = {} t[1] = t return cjson.encode(t)",
        "local c = cjson.new() c.encode_max_depth(2^30) local t = {} t[1] = t return c.encode(t)",
        "local c = cjson.new() c.decode_max_depth(2^30) return c.decode(string.rep('[', 1e6))",
        "return cmsgpack.unpack(string.rep('\\145', 1e6))",
        "local function f(n) return pcall(f, n + 1) end return f(1)",
        "local function f() return 1 + f() end return f()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
        "return string.rep('(', 1e5) .. loadstring('return ' .. string.rep('(', 1e5))",
        "error(setmetatable({}, {__index = function(t, k) return t[k] end}))",
        "local f = coroutine.wrap(function(f) return f(f) end) return f(f)",
        "local function f() return coroutine.wrap(f)() end return f()",
    ] {
        let _ = run(&mut lua, source);
        assert_eq!(run(&mut lua, "return 1"), Value::Integer(1), "after {source}");
    }
}

#[test]
fn as_many_arguments_go_to_a_command_as_fit_on_the_stack() {
    let mut lua = Lua::default();
    for (count, works) in [(7_000, true), (7_900, true), (7_999, false)] {
        let source = format!(
            "local t = {{}} for i = 1, {count} do t[i] = 'v' .. i end return #redis.call(unpack(t))"
        );
        let reply = run(&mut lua, &source);
        assert_eq!(reply == Value::Integer(count), works, "{count}: {reply:?}");
    }
    assert_eq!(run(&mut lua, "return 1"), Value::Integer(1));
}

#[test]
fn nothing_is_left_for_the_next_script() {
    let mut lua = Lua::default();
    for (source, then) in [
        ("table.insert(_G, 1)", "return tostring(rawget(_G, 1))"),
        ("table.insert(string, 1)", "return tostring(string[1])"),
        ("cjson.encode_max_depth(1)", "return cjson.encode({{}}) == '[{}]' and 'nil'"),
        ("collectgarbage('stop')", "return 'nil'"),
        ("redis.setresp(3)", "return tostring(true and nil)"),
        ("KEYS[1] = 'x'", "return tostring(KEYS[1])"),
    ] {
        let _ = run(&mut lua, source);
        assert_eq!(run(&mut lua, then), Value::bulk("nil"), "after {source}");
    }
    let _ = run(&mut lua, "saved = redis.call");
    let kept = "local c = redis.call return function() return c('x') end";
    assert_eq!(run(&mut lua, kept), Value::Nil);
}

#[test]
fn errors_that_end_redis_itself_end_the_script_only() {
    let mut lua = Lua::default();
    let text = error(&mut lua, "error({})");
    assert!(text.starts_with("ERR unknown error script: error({}), on @user_script:1."), "{text}");
}

#[test]
fn more_scripts_than_are_kept_run() {
    let mut lua = Lua::default();
    for number in 0..2_500 {
        let source = format!("return {number}");
        assert_eq!(run(&mut lua, &source), Value::Integer(number));
    }
    assert_eq!(run(&mut lua, "return 7"), Value::Integer(7));
}

#[test]
fn a_store_runs_scripts_with_the_engine() {
    let store = Store::new(1 << 20);
    store.set_script_engine(Box::new(Lua::default()));
    let eval = |source: &str, args: &[&str]| {
        let args: Vec<&[u8]> =
            ["EVAL", source].iter().chain(args).map(|arg| arg.as_bytes()).collect();
        store.execute(Timestamp::from_ms(1), &args, true).expect("the store knows EVAL")
    };
    assert_eq!(eval("return redis.call('SET', KEYS[1], ARGV[1])", &["1", "k", "v"]), Value::ok());
    assert_eq!(eval("return redis.call('GET', KEYS[1])", &["1", "k"]), Value::bulk("v"));
    for (source, text) in [
        (
            "return x y",
            "ERR Error compiling script (new function): user_script:1: '<eof>' expected near 'y'",
        ),
        ("#!lua flags=foo\nreturn 1", "ERR Unexpected flag in script shebang: foo"),
        (
            "#!lua flags=no-writes\nreturn redis.pcall('SET', 'k', 'v')",
            "ERR Write commands are not allowed from read-only scripts.",
        ),
    ] {
        assert_eq!(eval(source, &["0"]), Value::Error(text.into()));
    }
}
