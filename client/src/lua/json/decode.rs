//! JSON to values of Lua.

use mlua::{Lua, Result, Table, Value};

use super::super::number;
use super::super::raise;
use super::{Invalid, Settings};

/// Tables inside tables, whatever a script sets: each holds a reference, which mlua has few of.
const DEPTH_MAX: i64 = 7_000;

/// Decodes a text. Tables are not read by recursion, so that no nesting exhausts the stack.
pub(super) fn decode(lua: &Lua, text: &[u8], settings: &Settings) -> Result<Value> {
    if let [first, second, ..] = text
        && (*first == 0 || *second == 0)
    {
        return Err(raise::message(lua, "JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut decoder = Decoder { lua, text, settings, position: 0, open: Vec::new() };
    let value = decoder.value()?;
    let token = decoder.token();
    match token.kind {
        Kind::End => Ok(value),
        _ => Err(decoder.expected("the end", &token)),
    }
}

/// A piece of the text and where it begins, or where it is wrong.
struct Token {
    kind: Kind,
    at: usize,
}

enum Kind {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    End,
    String(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    Wrong(&'static str),
}

impl Kind {
    /// The name by which lua-cjson calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::String(_) => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Wrong(what) => what,
        }
    }
}

/// A table that is being read.
struct Open {
    table: Table,
    /// The key of the next value of an object.
    key: Option<Vec<u8>>,
    /// Elements of an array so far.
    length: usize,
}

struct Decoder<'a> {
    lua: &'a Lua,
    text: &'a [u8],
    settings: &'a Settings,
    position: usize,
    open: Vec<Open>,
}

impl Decoder<'_> {
    fn value(&mut self) -> Result<Value> {
        let mut token = self.token();
        loop {
            let value = match token.kind {
                Kind::String(bytes) => Value::String(self.lua.create_string(bytes)?),
                Kind::Number(number) => Value::Number(number),
                Kind::Boolean(truth) => Value::Boolean(truth),
                Kind::Null => Value::NULL,
                Kind::ObjectBegin => {
                    self.descend()?;
                    let table = self.lua.create_table()?;
                    let next = self.token();
                    if let Kind::ObjectEnd = next.kind {
                        Value::Table(table)
                    } else {
                        self.open.push(Open { table, key: None, length: 0 });
                        self.key(next)?;
                        token = self.token();
                        continue;
                    }
                }
                Kind::ArrayBegin => {
                    self.descend()?;
                    let table = self.lua.create_table()?;
                    let next = self.token();
                    if let Kind::ArrayEnd = next.kind {
                        Value::Table(table)
                    } else {
                        self.open.push(Open { table, key: None, length: 0 });
                        token = next;
                        continue;
                    }
                }
                _ => return Err(self.expected("value", &token)),
            };
            if let Some(value) = self.close(value)? {
                return Ok(value);
            }
            token = self.token();
        }
    }

    /// Puts a value where it belongs, and reads to where the next one begins; gives it if it is in
    /// no table.
    fn close(&mut self, mut value: Value) -> Result<Option<Value>> {
        loop {
            let Some(top) = self.open.last_mut() else {
                return Ok(Some(value));
            };
            let is_object = top.key.is_some();
            if let Some(key) = top.key.take() {
                top.table.raw_set(self.lua.create_string(key)?, value)?;
            } else {
                top.length += 1;
                top.table.raw_set(top.length, value)?;
            }
            let token = self.token();
            match (token.kind, is_object) {
                (Kind::Comma, true) => {
                    let next = self.token();
                    self.key(next)?;
                    return Ok(None);
                }
                (Kind::Comma, false) => return Ok(None),
                (Kind::ObjectEnd, true) | (Kind::ArrayEnd, false) => {
                    value = self.open.pop().map_or(Value::Nil, |done| Value::Table(done.table));
                }
                (kind, is_object) => {
                    let wanted =
                        if is_object { "comma or object end" } else { "comma or array end" };
                    return Err(self.expected(wanted, &Token { kind, at: token.at }));
                }
            }
        }
    }

    /// Takes a key and its colon.
    fn key(&mut self, token: Token) -> Result<()> {
        let Kind::String(key) = token.kind else {
            return Err(self.expected("object key string", &token));
        };
        let colon = self.token();
        let Kind::Colon = colon.kind else {
            return Err(self.expected("colon", &colon));
        };
        if let Some(top) = self.open.last_mut() {
            top.key = Some(key);
        }
        Ok(())
    }

    fn descend(&self) -> Result<()> {
        let depth = i64::try_from(self.open.len()).unwrap_or(i64::MAX) + 1;
        if depth <= self.settings.decode_depth_max.min(DEPTH_MAX) {
            return Ok(());
        }
        let at = self.position;
        let text = format!("Found too many nested data structures ({depth}) at character {at}");
        Err(raise::message(self.lua, &text))
    }

    fn expected(&self, wanted: &str, found: &Token) -> mlua::Error {
        let (name, at) = (found.kind.name(), found.at + 1);
        raise::message(self.lua, &format!("Expected {wanted} but found {name} at character {at}"))
    }

    /// A byte from here; NUL behind the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.position + ahead).copied().unwrap_or(0)
    }

    fn token(&mut self) -> Token {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.position += 1;
        }
        let at = self.position;
        let kind = match self.peek(0) {
            0 => return Token { kind: Kind::End, at },
            b'{' => Kind::ObjectBegin,
            b'}' => Kind::ObjectEnd,
            b'[' => Kind::ArrayBegin,
            b']' => Kind::ArrayEnd,
            b',' => Kind::Comma,
            b':' => Kind::Colon,
            b'"' => return self.string(),
            _ => return Token { kind: self.word(), at },
        };
        self.position += 1;
        Token { kind, at }
    }

    fn word(&mut self) -> Kind {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let allows_invalid = self.settings.decode_invalid != Invalid::Refused;
        match rest.first() {
            Some(b'-' | b'0'..=b'9') if !allows_invalid && is_invalid(rest) => {
                return Kind::Wrong("invalid number");
            }
            Some(b'-' | b'0'..=b'9') => return self.number(),
            _ => {}
        }
        let words =
            [("true", Kind::Boolean(true)), ("false", Kind::Boolean(false)), ("null", Kind::Null)];
        for (word, kind) in words {
            if rest.starts_with(word.as_bytes()) {
                self.position += word.len();
                return kind;
            }
        }
        let is_number = matches!(rest.first(), Some(b'+' | b'i' | b'I' | b'n' | b'N'));
        if is_number && allows_invalid && is_invalid(rest) {
            return self.number();
        }
        Kind::Wrong("invalid token")
    }

    fn number(&mut self) -> Kind {
        let rest = self.text.get(self.position..).unwrap_or_default();
        match number::read(rest) {
            Some((number, length)) => {
                self.position += length;
                Kind::Number(number)
            }
            None => Kind::Wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Token {
        let at = self.position;
        self.position += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek(0) {
                b'"' => break,
                0 => return self.wrong("unexpected end of string"),
                b'\\' => match self.peek(1) {
                    b'u' => match self.unicode() {
                        Some(character) => {
                            // Half a surrogate pair is refused, so this is a character.
                            let mut buffer = [0; 4];
                            bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                            continue;
                        }
                        None => return self.wrong("invalid unicode escape code"),
                    },
                    escaped => match unescaped(escaped) {
                        Some(byte) => {
                            bytes.push(byte);
                            self.position += 1;
                        }
                        None => return self.wrong("invalid escape code"),
                    },
                },
                byte => bytes.push(byte),
            }
            self.position += 1;
        }
        self.position += 1;
        Token { kind: Kind::String(bytes), at }
    }

    fn wrong(&self, what: &'static str) -> Token {
        Token { kind: Kind::Wrong(what), at: self.position }
    }

    /// The character of an escape such as `\u00e9`, or of two for a surrogate pair.
    fn unicode(&mut self) -> Option<char> {
        let high = self.hexadecimal(2)?;
        if !(0xD800..0xE000).contains(&high) {
            self.position += 6;
            return char::from_u32(high);
        }
        if high & 0x400 != 0 || (self.peek(6), self.peek(7)) != (b'\\', b'u') {
            return None;
        }
        let low = self.hexadecimal(8).filter(|low| low & 0xFC00 == 0xDC00)?;
        self.position += 12;
        char::from_u32(((high & 0x3FF) << 10 | low & 0x3FF) + 0x1_0000)
    }

    fn hexadecimal(&self, ahead: usize) -> Option<u32> {
        (ahead..ahead + 4).try_fold(0, |value, place| {
            Some(value << 4 | char::from(self.peek(place)).to_digit(16)?)
        })
    }
}

fn unescaped(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        _ => return None,
    })
}

/// Whether a number is one for C that is none in JSON.
fn is_invalid(text: &[u8]) -> bool {
    if text.first() == Some(&b'+') {
        return true;
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0', b'x' | b'X' | b'0'..=b'9', ..] => true,
        [first, ..] if *first <= b'9' => false,
        [first, second, third, ..] => {
            let word = [first, second, third].map(u8::to_ascii_lowercase);
            &word == b"inf" || &word == b"nan"
        }
        _ => false,
    }
}
