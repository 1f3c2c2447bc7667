//! The answers of `COMMAND` and its subcommands, in the shapes of RESP 3.
//!
//! They tell of the commands that the server has which the table comes from, sorted by name; Redis
//! has them in no order. `COMMAND DOCS` leaves out `history` and `arguments`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::flags::{Categories, Flags, KeyFlags};
use super::{Begin, Command, Docs, Find, Key, KeySpec, NoKeys};
use crate::resp::Value;
use crate::store::glob;

/// Answers `COMMAND …`; the message of an error reply otherwise.
pub(crate) fn reply(args: &[&[u8]]) -> Result<Value, String> {
    let Some(subcommand) = args.get(1) else {
        return Ok(all(Command::info));
    };
    let command = Command::of(args).filter(|command| command.is_subcommand()).ok_or_else(|| {
        let shown = String::from_utf8_lossy(subcommand);
        format!("ERR unknown subcommand '{shown}'. Try COMMAND HELP.")
    })?;
    if !command.accepts(args.len()) {
        let name = command.full_name();
        return Err(format!("ERR wrong number of arguments for '{name}' command"));
    }
    let rest = args.get(2..).unwrap_or_default();
    match command.name {
        "COMMAND COUNT" => {
            let count = of_server().filter(|command| !command.is_subcommand()).count();
            Ok(Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
        }
        "COMMAND DOCS" => Ok(docs(rest)),
        "COMMAND GETKEYS" => keys(rest, |key, _| Value::bulk(key)),
        "COMMAND GETKEYSANDFLAGS" => keys(rest, |key, flags| {
            Value::Array(vec![Value::bulk(key), statuses(flags.names().map(ToOwned::to_owned))])
        }),
        "COMMAND INFO" if rest.is_empty() => Ok(all(Command::info)),
        "COMMAND INFO" => {
            let info = |name: &&[u8]| named(name).map_or(Value::NilArray, Command::info);
            Ok(Value::Array(rest.iter().map(info).collect()))
        }
        "COMMAND LIST" => list(rest),
        _ => Ok(Value::Array(HELP.lines().map(status).collect())),
    }
}

/// What `COMMAND HELP` says.
const HELP: &str = "\
COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
(no subcommand)
    Return details about all Redis commands.
COUNT
    Return the total number of commands in this Redis server.
LIST
    Return a list of all commands in this Redis server.
INFO [<command-name> ...]
    Return details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
DOCS [<command-name> ...]
    Return documentation details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
GETKEYS <full-command>
    Return the keys from a full Redis command.
GETKEYSANDFLAGS <full-command>
    Return the keys and the access flags from a full Redis command.
HELP
    Prints this help.";

fn of_server() -> impl Iterator<Item = &'static Command> {
    Command::all().iter().filter(|command| command.is_of_server())
}

fn all(told: fn(&Command) -> Value) -> Value {
    Value::Array(of_server().filter(|command| !command.is_subcommand()).map(told).collect())
}

/// The command of a name such as `get` or `client|list`.
fn named(name: &[u8]) -> Option<&'static Command> {
    let mut parts = name.split(|byte| *byte == b'|');
    let command = Command::find(parts.next()?)?;
    let command = match parts.next() {
        Some(subcommand) => command.find_sub(subcommand)?,
        None => command,
    };
    (parts.next().is_none() && command.is_of_server()).then_some(command)
}

fn docs(names: &[&[u8]]) -> Value {
    let pair = |command: &Command| (Value::bulk(command.full_name()), command.documentation());
    if names.is_empty() {
        let top_level = of_server().filter(|command| !command.is_subcommand());
        return Value::Map(top_level.map(pair).collect());
    }
    Value::Map(names.iter().filter_map(|name| named(name)).map(pair).collect())
}

fn list(filter: &[&[u8]]) -> Result<Value, String> {
    const SYNTAX: &str = "ERR syntax error";
    let names = |wanted: &dyn Fn(&Command) -> bool| {
        let wanted = of_server().filter(|command| wanted(command));
        Value::Array(wanted.map(|command| Value::bulk(command.full_name())).collect())
    };
    let (by, what) = match filter {
        [] => return Ok(names(&|_| true)),
        [word, by, what] if word.eq_ignore_ascii_case(b"FILTERBY") => (by, what),
        _ => return Err(SYNTAX.into()),
    };
    if by.eq_ignore_ascii_case(b"MODULE") {
        Ok(names(&|_| false))
    } else if by.eq_ignore_ascii_case(b"ACLCAT") {
        let category = Categories::parse(what);
        Ok(names(&|command| category.is_some_and(|wanted| command.categories.contains(wanted))))
    } else if by.eq_ignore_ascii_case(b"PATTERN") {
        let pattern = what.to_ascii_lowercase();
        Ok(names(&|command| glob::matches(&pattern, command.full_name().as_bytes())))
    } else {
        Err(SYNTAX.into())
    }
}

fn keys(args: &[&[u8]], told: fn(&[u8], KeyFlags) -> Value) -> Result<Value, String> {
    let command = Command::of(args)
        .filter(|command| command.is_of_server())
        .ok_or("ERR Invalid command specified")?;
    if !command.has_keys() {
        return Err("ERR The command has no key arguments".into());
    }
    let keys = super::keys(args);
    if keys.as_ref().err() == Some(&NoKeys::WrongArity) {
        return Err("ERR Invalid number of arguments specified for command".into());
    }
    let told = |key: Key| Some(told(args.get(key.at)?, key.flags));
    let keys: Vec<_> = keys.unwrap_or_default().filter_map(told).collect();
    if keys.is_empty() && !command.flags.contains(Flags::NO_MANDATORY_KEYS) {
        return Err("ERR Invalid arguments specified for command".into());
    }
    Ok(Value::Array(keys))
}

impl Command {
    /// Its name as Redis prints it: `xgroup|create`.
    pub(crate) fn full_name(&self) -> String {
        self.name.to_ascii_lowercase().replace(' ', "|")
    }

    fn info(&self) -> Value {
        let docs = self.docs();
        let note = |at: usize| docs.key_notes().nth(at).unwrap_or_default();
        let specs = self.key_specs.iter().enumerate().map(|(at, spec)| spec.info(note(at)));
        let subcommands: Vec<_> = self.subcommands_of_server().map(Self::info).collect();
        Value::Array(vec![
            Value::bulk(self.full_name()),
            Value::Integer(self.arity.into()),
            statuses(self.flags.names().map(ToOwned::to_owned)),
            Value::Integer(self.first_key.into()),
            Value::Integer(self.last_key.into()),
            Value::Integer(self.step.into()),
            statuses(self.categories.names().map(|name| format!("@{name}"))),
            Value::Set(docs.tips().map(Value::bulk).collect()),
            Value::Set(specs.collect()),
            // Redis has an empty set where there is nothing to list.
            if subcommands.is_empty() {
                Value::Set(subcommands)
            } else {
                Value::Array(subcommands)
            },
        ])
    }

    fn documentation(&self) -> Value {
        let docs = self.docs();
        let Docs { summary, since, group, complexity, deprecated, .. } = docs;
        let mut pairs = vec![text("summary", summary), text("since", since), text("group", group)];
        pairs.extend(complexity.map(|complexity| text("complexity", complexity)));
        if docs.flags().next().is_some() {
            let flags = docs.flags().map(ToOwned::to_owned);
            pairs.push((Value::bulk("doc_flags"), statuses(flags)));
        }
        if let Some((since, instead)) = deprecated {
            pairs.extend([text("deprecated_since", since), text("replaced_by", instead)]);
        }
        if self.is_container() {
            let pair = |command: &Self| (Value::bulk(command.full_name()), command.documentation());
            let subcommands = self.subcommands_of_server().map(pair).collect();
            pairs.push((Value::bulk("subcommands"), Value::Map(subcommands)));
        }
        Value::Map(pairs)
    }

    fn subcommands_of_server(&self) -> impl Iterator<Item = &'static Self> {
        self.subcommands().iter().filter(|command| command.is_of_server())
    }
}

impl KeySpec {
    fn info(&self, note: &str) -> Value {
        let (begin, begin_spec) = match self.begin {
            Begin::Index(at) => ("index", vec![number("index", at)]),
            Begin::Keyword { word, from } => {
                ("keyword", vec![text("keyword", word), number("startfrom", from)])
            }
            Begin::Unknown => ("unknown", vec![]),
        };
        let (find, find_spec) = match self.find {
            Find::Range { last, step, limit } => {
                let (last, step) = (number("lastkey", last), number("keystep", step));
                ("range", vec![last, step, number("limit", limit)])
            }
            Find::KeyNum { count, first, step } => {
                let (count, first) = (number("keynumidx", count), number("firstkey", first));
                ("keynum", vec![count, first, number("keystep", step)])
            }
            Find::Unknown => ("unknown", vec![]),
        };
        let part = |name: &str, kind: &str, spec| {
            let pairs = vec![text("type", kind), (Value::bulk("spec"), Value::Map(spec))];
            (Value::bulk(name), Value::Map(pairs))
        };
        let mut pairs = Vec::new();
        if !note.is_empty() {
            pairs.push(text("notes", note));
        }
        pairs.push((Value::bulk("flags"), statuses(self.flags.names().map(ToOwned::to_owned))));
        pairs.extend([part("begin_search", begin, begin_spec), part("find_keys", find, find_spec)]);
        Value::Map(pairs)
    }
}

fn text(name: &str, text: &str) -> (Value, Value) {
    (Value::bulk(name), Value::bulk(text))
}

fn number(name: &str, number: i8) -> (Value, Value) {
    (Value::bulk(name), Value::Integer(number.into()))
}

fn status(line: &str) -> Value {
    Value::Simple(line.into())
}

fn statuses(names: impl Iterator<Item = String>) -> Value {
    Value::Set(names.map(Value::Simple).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(call: &str) -> Result<Value, String> {
        reply(&call.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    fn bulks(names: &[&str]) -> Value {
        Value::Array(names.iter().copied().map(Value::bulk).collect())
    }

    fn set(names: &[&str]) -> Value {
        Value::Set(names.iter().copied().map(status).collect())
    }

    #[test]
    fn info_has_the_shape_of_redis() {
        let Ok(Value::Array(told)) = ask("COMMAND INFO memory|usage hexpire nosuch get|x") else {
            panic!("no list");
        };
        let index = Value::Map(vec![number("index", 2)]);
        let range = vec![number("lastkey", 0), number("keystep", 1), number("limit", 0)];
        let part =
            |kind: &str, spec| Value::Map(vec![text("type", kind), (Value::bulk("spec"), spec)]);
        let spec = Value::Map(vec![
            (Value::bulk("flags"), set(&["RO"])),
            (Value::bulk("begin_search"), part("index", index)),
            (Value::bulk("find_keys"), part("range", Value::Map(range))),
        ]);
        let info = Value::Array(vec![
            Value::bulk("memory|usage"),
            Value::Integer(-3),
            set(&["readonly"]),
            Value::Integer(2),
            Value::Integer(2),
            Value::Integer(1),
            set(&["@read", "@slow"]),
            set(&[]),
            Value::Set(vec![spec]),
            set(&[]),
        ]);
        // What later versions brought, the server of the table does not have.
        assert_eq!(told, [info, Value::NilArray, Value::NilArray, Value::NilArray]);
    }

    #[test]
    fn docs_leave_out_what_is_not_known() {
        let wanted = Value::Map(vec![
            text("summary", "Set the string value of a key and return its old value"),
            text("since", "1.0.0"),
            text("group", "string"),
            text("complexity", "O(1)"),
            (Value::bulk("doc_flags"), set(&["deprecated"])),
            text("deprecated_since", "6.2.0"),
            text("replaced_by", "`SET` with the `!GET` argument"),
        ]);
        let wanted = Value::Map(vec![(Value::bulk("getset"), wanted)]);
        assert_eq!(ask("COMMAND DOCS GETSET nosuch"), Ok(wanted));
        assert_eq!(ask("COMMAND DOCS nosuch"), Ok(Value::Map(vec![])));
    }

    #[test]
    fn commands_are_counted_and_listed() {
        assert_eq!(ask("COMMAND COUNT"), Ok(Value::Integer(240)));
        let Ok(Value::Array(infos)) = ask("command") else { panic!("no list") };
        assert_eq!(infos.len(), 240);
        for (filter, wanted) in [
            (
                "pattern CONFIG|?E*",
                &["config|get", "config|help", "config|resetstat", "config|rewrite", "config|set"]
                    [..],
            ),
            ("pattern hexpire*", &[]),
            ("ACLCAT Transaction", &["discard", "exec", "multi", "unwatch", "watch"]),
            ("ACLCAT nosuch", &[]),
            ("module x", &[]),
        ] {
            let told = ask(&format!("COMMAND LIST FILTERBY {filter}"));
            assert_eq!(told, Ok(bulks(wanted)), "{filter}");
        }
    }

    #[test]
    fn keys_are_told() {
        assert_eq!(ask("COMMAND GETKEYS MSET a 1 b 2"), Ok(bulks(&["a", "b"])));
        assert_eq!(ask("COMMAND GETKEYS EVAL s 9 a"), Ok(bulks(&[])));
        let told = Value::Array(vec![Value::bulk("a"), set(&["OW", "update"])]);
        assert_eq!(ask("COMMAND GETKEYSANDFLAGS SET a b"), Ok(Value::Array(vec![told])));
    }

    #[test]
    fn mistakes_are_told_as_redis_tells_them() {
        for (call, wanted) in [
            ("COMMAND FOO", "ERR unknown subcommand 'FOO'. Try COMMAND HELP."),
            ("COMMAND COUNT x", "ERR wrong number of arguments for 'command|count' command"),
            ("COMMAND LIST x", "ERR syntax error"),
            ("COMMAND LIST FILTERBY x x", "ERR syntax error"),
            ("COMMAND GETKEYS GET", "ERR wrong number of arguments for 'command|getkeys' command"),
            ("COMMAND GETKEYS XGROUP FOO", "ERR Invalid command specified"),
            ("COMMAND GETKEYS SSUBSCRIBE x", "ERR The command has no key arguments"),
            ("COMMAND GETKEYS GET a b", "ERR Invalid number of arguments specified for command"),
            ("COMMAND GETKEYS ZUNION 0 a", "ERR Invalid arguments specified for command"),
        ] {
            assert_eq!(ask(call), Err(wanted.into()), "{call}");
        }
    }
}
