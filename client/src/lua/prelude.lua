-- The sandbox of Redis, as far as Lua itself can build it: what scripts see as globals, tables that
-- cannot be changed, and functions that pass errors on in the shape that Redis gives them.
--
-- Lua 5.1 has no read-only tables. A script gets an empty table in the place of each, whose
-- metatable reads from the real one; the functions that look past metatables know the real one.
-- Errors of functions that are not written in Lua arrive here as userdata; `plain` unpacks them.
--
-- Functions of this file are functions of Lua to a tail call: where `return pairs(nil)` fails, no one
-- knows the line any more.

local native, libraries = ...
local error, select, type, tostring, byte = error, select, type, tostring, string.byte
local raw_pcall, raw_xpcall, raw_next, raw_get, raw_set = pcall, xpcall, next, rawget, rawset
local raw_getmetatable, raw_setmetatable = getmetatable, setmetatable
local raw_load, raw_loadstring, raw_collectgarbage = load, loadstring, collectgarbage
local create, resume = coroutine.create, coroutine.resume
local plain, argument, mistyped = native.plain, native.argument, native.mistyped
local origin, position = native.origin, native.position

local READONLY = 'Attempt to modify a readonly table'

-- From what a script sees to the table behind it, and to the metatable that it is shown.
local real, shown = {}, {}

local function protect(contents, metatable)
  local seen = {}
  raw_setmetatable(seen, { __index = contents, __newindex = native.readonly, __metatable = false })
  real[seen] = contents
  shown[seen] = metatable
  return seen
end

-- An error as a script may see it. One that must end the script goes on.
local function caught(reason)
  if type(reason) ~= 'userdata' then
    return reason
  end
  local value, is_final = plain(reason)
  if is_final then
    error(reason, 0)
  end
  return value
end

local function handler(reason)
  if type(reason) == 'userdata' then
    local value, is_final = plain(reason)
    if is_final then
      return reason
    end
    reason = value
  end
  local source, line = origin()
  if type(reason) ~= 'table' then
    reason = { err = 'ERR ' .. tostring(reason) }
  end
  if source then
    reason.source = source
    reason.line = line
  end
  return reason
end

local function after_pcall(ok, ...)
  if ok then
    return ok, ...
  end
  local reason = caught((...))
  if type(reason) == 'table' then
    local text = reason.err
    if type(text) == 'string' or type(text) == 'number' then
      reason = text
    end
  end
  return false, reason
end

local function safe_pcall(...)
  if select('#', ...) == 0 then
    return false, 'attempt to call a boolean value'
  end
  return after_pcall(raw_pcall(...))
end

local function after_call(ok, ...)
  if ok then
    return ok, ...
  end
  return false, caught((...))
end

local function safe_xpcall(...)
  local run, handle = ...
  if select('#', ...) < 2 then
    argument(2, 'value expected')
  end
  return after_call(raw_xpcall(run, function(reason)
    if type(reason) == 'userdata' then
      local value, is_final = plain(reason)
      if is_final then
        return reason
      end
      reason = value
    end
    return handle(reason)
  end))
end

local function safe_resume(...)
  if type((...)) ~= 'thread' then
    argument(1, 'coroutine expected')
  end
  return after_call(resume(...))
end

local function after_wrapped(ok, ...)
  if ok then
    return ...
  end
  local reason = caught((...))
  if type(reason) == 'string' then
    reason = position() .. reason
  end
  error(reason, 0)
end

local function safe_wrap(run)
  if type(run) ~= 'function' then
    argument(1, 'Lua function expected')
  end
  local routine = create(run)
  return function(...)
    return after_wrapped(resume(routine, ...))
  end
end

local function safe_pairs(...)
  local table = ...
  local contents = real[table]
  if not contents and type(table) ~= 'table' then
    mistyped(1, 'table', ...)
  end
  return raw_next, contents or table, nil
end

local function safe_next(...)
  local table, key = ...
  local contents = real[table]
  if not contents and type(table) ~= 'table' then
    mistyped(1, 'table', ...)
  end
  return raw_next(contents or table, key)
end

local function safe_rawget(...)
  local table, key = ...
  if type(table) ~= 'table' then
    mistyped(1, 'table', ...)
  elseif select('#', ...) < 2 then
    argument(2, 'value expected')
  end
  return raw_get(real[table] or table, key)
end

local function safe_rawset(...)
  local table, key, value = ...
  local count = select('#', ...)
  if type(table) ~= 'table' then
    mistyped(1, 'table', ...)
  elseif count < 3 then
    argument(count + 1, 'value expected')
  elseif real[table] then
    error(READONLY, 0)
  end
  return raw_set(table, key, value)
end

local function safe_getmetatable(...)
  local value = ...
  if select('#', ...) == 0 then
    argument(1, 'value expected')
  elseif real[value] then
    return shown[value]
  end
  return raw_getmetatable(value)
end

local function safe_setmetatable(...)
  local table, metatable = ...
  if type(table) ~= 'table' then
    mistyped(1, 'table', ...)
  elseif select('#', ...) < 2 or metatable ~= nil and type(metatable) ~= 'table' then
    argument(2, 'nil or table expected')
  elseif real[table] then
    error(READONLY, 0)
  elseif raw_getmetatable(table) ~= nil then
    local ok = raw_pcall(raw_setmetatable, table, metatable)
    if not ok then
      error(position() .. 'cannot change a protected metatable', 0)
    end
    return table
  end
  return raw_setmetatable(table, metatable)
end

-- Compiled chunks are not checked by Lua and could break it: they are read as text, and refused as
-- text that is none.
local function safe_loadstring(...)
  local text, name = ...
  if type(text) == 'string' and byte(text) == 27 then
    return raw_loadstring(' ' .. text, name or text)
  elseif type(text) ~= 'string' and type(text) ~= 'number' then
    mistyped(1, 'string', ...)
  end
  return raw_loadstring(...)
end

local function safe_load(...)
  local read, name = ...
  if type(read) ~= 'function' then
    mistyped(1, 'function', ...)
  end
  local is_first = true
  local chunk, reason = raw_load(function()
    local piece = read()
    if is_first and type(piece) == 'string' and piece ~= '' then
      is_first = false
      if byte(piece) == 27 then
        piece = ' ' .. piece
      end
    end
    return piece
  end, name)
  if chunk then
    return chunk
  end
  return nil, caught(reason)
end

-- The collector belongs to all scripts: none may stop it for the others.
local function safe_collectgarbage(option, ...)
  if option == 'stop' or option == 'restart' then
    return 0
  elseif option == 'setpause' or option == 'setstepmul' then
    return 200
  elseif option ~= nil and option ~= 'collect' and option ~= 'count' and option ~= 'step' then
    argument(1, "invalid option '" .. tostring(option) .. "'")
  end
  return raw_collectgarbage(option, ...)
end

local string_metatable = raw_getmetatable('')
coroutine.resume = safe_resume
coroutine.wrap = safe_wrap

local globals = {
  _VERSION = _VERSION,
  __redis__err__handler = handler,
  assert = assert,
  collectgarbage = safe_collectgarbage,
  error = error,
  gcinfo = gcinfo,
  getmetatable = safe_getmetatable,
  ipairs = ipairs,
  load = safe_load,
  loadstring = safe_loadstring,
  next = safe_next,
  pairs = safe_pairs,
  pcall = safe_pcall,
  rawequal = rawequal,
  rawget = safe_rawget,
  rawset = safe_rawset,
  select = select,
  setmetatable = safe_setmetatable,
  tonumber = tonumber,
  tostring = tostring,
  type = type,
  unpack = unpack,
  xpcall = safe_xpcall,
  coroutine = protect(coroutine),
  math = protect(math),
  string = protect(string),
  table = protect(table),
}
for name, library in raw_next, libraries do
  globals[name] = protect(library)
end
raw_setmetatable(globals, { __index = native.missing })
globals._G = protect(globals, protect({ __index = native.missing }))
string_metatable.__metatable = protect({ __index = globals.string })

-- Runs a script, after taking away what the one before pushed into the empty tables.
local function start(run)
  for seen in raw_next, real do
    local key = raw_next(seen)
    while key ~= nil do
      raw_set(seen, key, nil)
      key = raw_next(seen)
    end
  end
  return raw_xpcall(run, handler)
end

return globals, globals._G, start
