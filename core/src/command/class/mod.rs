//! What a command does, as far as deciding where it runs and whether it may run twice.
//!
//! Every command of the table has its class here. Those that are not known count as the worst: a
//! write that accumulates.

use super::flags::Flags;
use super::rule::Rule;
use super::{COMMANDS, Command};

/// What kind of thing a call does. The same command may do different things: `SET … NX` is not
/// `SET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// It touches nothing (`PING`, `ECHO`, `TIME`).
    Neutral,
    /// It reads keys.
    Read,
    /// It writes keys, and doing it twice leaves what once would (`SET`, `HSET`, `DEL`, `EXPIRE`).
    Replace,
    /// It writes keys, and each time counts (`INCR`, `LPUSH`, `XADD`), or the reply of the first
    /// time is lost with it (`GETSET`).
    Accumulate,
    /// It hands out what nobody else may get again (`LPOP`, `SPOP`, `GETDEL`, `XREADGROUP`).
    Take,
    /// It writes only if nobody was first, and so protects something that processes share
    /// (`SET NX`, `RENAMENX`).
    Guard,
    /// It waits for what others do (`BLPOP`, `XREAD BLOCK`, `WAIT`).
    Block,
    /// It sends a message to who listens.
    Publish,
    /// It makes its connection one that listens, or one that no longer does.
    Subscribe,
    /// It runs a script, which may do anything, or with `_RO` read anything.
    Script,
    /// It is part of a transaction, which belongs to its connection.
    Transaction,
    /// It changes the state of its connection (`SELECT`, `AUTH`, `CLIENT REPLY`).
    Connection,
    /// It asks the server about itself (`INFO`, `COMMAND`, `CLIENT LIST`).
    Inspect,
    /// It tells the server what to do or to be (`CONFIG SET`, `SHUTDOWN`).
    Admin,
}

impl Class {
    /// What a call does.
    pub fn of<A: AsRef<[u8]>>(args: &[A]) -> Self {
        if args.is_empty() {
            return Self::Neutral;
        }
        Command::of_or_container(args).map_or(Self::Accumulate, |command| command.class(args))
    }
}

/// What a command touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Nothing of the data (`PING`, `INFO`).
    None,
    /// It reads keys.
    Read,
    /// It writes keys, or changes something else that lasts.
    Write,
}

/// What is known of a command from its name and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent answers to independent questions")]
#[non_exhaustive]
pub struct Traits {
    /// What it touches.
    pub access: Access,
    /// Whether doing it twice is as good as once.
    pub idempotent: bool,
    /// Whether it protects something that processes share, such as a lock, or needs them to meet at
    /// one server.
    pub guarded: bool,
    /// Whether it changes the state of its connection, which other callers share.
    pub stateful: bool,
    /// Whether it may wait for what others do.
    pub blocking: bool,
    /// Whether it takes away what only one caller may get.
    pub pops: bool,
}

impl Traits {
    const NEUTRAL: Self = Self {
        access: Access::None,
        idempotent: true,
        guarded: false,
        stateful: false,
        blocking: false,
        pops: false,
    };
    const READ: Self = Self { access: Access::Read, ..Self::NEUTRAL };
    const REPLACE: Self = Self { access: Access::Write, ..Self::NEUTRAL };
    const ACCUMULATE: Self = Self { idempotent: false, ..Self::REPLACE };
    const GUARD: Self = Self { guarded: true, ..Self::ACCUMULATE };
    const TAKE: Self = Self { pops: true, ..Self::ACCUMULATE };
    const STATEFUL: Self = Self { stateful: true, ..Self::ACCUMULATE };

    /// The traits of a command. `SET … NX` is not `SET`: arguments count.
    pub fn of<A: AsRef<[u8]>>(args: &[A]) -> Self {
        if args.is_empty() {
            return Self::NEUTRAL;
        }
        Command::of_or_container(args).map_or(Self::ACCUMULATE, |command| command.traits(args))
    }

    /// The traits of a command of this class.
    fn of_class(class: Class, command: &Command) -> Self {
        match class {
            Class::Neutral | Class::Inspect => Self::NEUTRAL,
            Class::Read => Self::READ,
            Class::Replace => Self::REPLACE,
            Class::Take => Self::TAKE,
            // Who listens elsewhere does not hear what is said here.
            Class::Guard | Class::Publish => Self::GUARD,
            Class::Block => command.blocking(),
            Class::Script if command.flags.contains(Flags::READONLY) => Self::READ,
            Class::Accumulate | Class::Admin | Class::Script => Self::ACCUMULATE,
            Class::Subscribe => Self { guarded: true, ..Self::STATEFUL },
            Class::Transaction | Class::Connection => Self::STATEFUL,
        }
    }
}

impl Command {
    /// The traits of a call of this command.
    pub fn traits<A: AsRef<[u8]>>(&self, args: &[A]) -> Traits {
        Traits::of_class(self.class(args), self)
    }

    /// What a call of this command does.
    pub fn class<A: AsRef<[u8]>>(&self, args: &[A]) -> Class {
        match RULES.get(self.index()) {
            Some(Some(rule)) => rule.class(self, args),
            _ => Class::Accumulate,
        }
    }

    /// As [`of`](Self::of); an unknown subcommand counts as its container, whose class is that of
    /// the worst of its subcommands.
    fn of_or_container<A: AsRef<[u8]>>(args: &[A]) -> Option<&'static Self> {
        Self::of(args).or_else(|| Self::find(args.first()?.as_ref()))
    }

    /// What waits waits for other processes, and they are not here.
    fn blocking(&self) -> Traits {
        let after = if self.flags.contains(Flags::WRITE) {
            Traits::TAKE
        } else if self.flags.contains(Flags::READONLY) {
            Traits::READ
        } else {
            Traits::NEUTRAL
        };
        Traits { guarded: true, blocking: true, ..after }
    }
}

/// Each command's rule, in the order of the table.
static RULES: [Option<Rule>; Command::COUNT] = rules();

const fn rules() -> [Option<Rule>; Command::COUNT] {
    let mut rules = [None; Command::COUNT];
    let mut group = 0;
    while group < CLASSES.len() {
        let (rule, names) = CLASSES[group];
        let mut name = 0;
        while name < names.len() {
            rules[place(names[name].as_bytes())] = Some(rule);
            name += 1;
        }
        group += 1;
    }
    rules
}

/// Where a name stands in the table. It does not compile where it does not stand there.
const fn place(name: &[u8]) -> usize {
    let (mut low, mut high) = (0, COMMANDS.len());
    while low + 1 < high {
        let middle = low.midpoint(high);
        if is_before(name, COMMANDS[middle].name.as_bytes()) {
            high = middle;
        } else {
            low = middle;
        }
    }
    assert!(!is_before(COMMANDS[low].name.as_bytes(), name), "a class names no command");
    low
}

const fn is_before(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

const NEUTRAL: Rule = Rule::Always(Class::Neutral);
const READ: Rule = Rule::Always(Class::Read);
const REPLACE: Rule = Rule::Always(Class::Replace);
const ACCUMULATE: Rule = Rule::Always(Class::Accumulate);
const TAKE: Rule = Rule::Always(Class::Take);
const GUARD: Rule = Rule::Always(Class::Guard);
const BLOCK: Rule = Rule::Always(Class::Block);
const PUBLISH: Rule = Rule::Always(Class::Publish);
const SUBSCRIBE: Rule = Rule::Always(Class::Subscribe);
const SCRIPT: Rule = Rule::Always(Class::Script);
const TRANSACTION: Rule = Rule::Always(Class::Transaction);
const CONNECTION: Rule = Rule::Always(Class::Connection);
const INSPECT: Rule = Rule::Always(Class::Inspect);
const ADMIN: Rule = Rule::Always(Class::Admin);

/// Our judgement of every command and subcommand. Each stands here once.
#[rustfmt::skip]
const CLASSES: &[(Rule, &[&str])] = &[
    (NEUTRAL, &["ECHO", "LOLWUT", "PING", "TIME"]),
    (READ, &[
        "BITCOUNT", "BITFIELD_RO", "BITPOS", "CLUSTER COUNTKEYSINSLOT", "CLUSTER GETKEYSINSLOT",
        "DBSIZE", "DUMP", "EXISTS", "EXPIRETIME", "GEODIST", "GEOHASH", "GEOPOS",
        "GEORADIUSBYMEMBER_RO", "GEORADIUS_RO", "GEOSEARCH", "GET", "GETBIT", "GETRANGE",
        "HEXISTS", "HEXPIRETIME", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "HPEXPIRETIME",
        "HPTTL", "HRANDFIELD", "HSCAN", "HSTRLEN", "HTTL", "HVALS", "KEYS", "LCS", "LINDEX", "LLEN",
        "LPOS", "LRANGE", "MEMORY USAGE", "MGET", "OBJECT", "OBJECT ENCODING", "OBJECT FREQ",
        "OBJECT IDLETIME", "OBJECT REFCOUNT", "PEXPIRETIME", "PFCOUNT", "PTTL", "RANDOMKEY", "SCAN",
        "SCARD", "SDIFF", "SINTER", "SINTERCARD", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SORT_RO",
        "SRANDMEMBER", "SSCAN", "STRLEN", "SUBSTR", "SUNION", "TOUCH", "TTL", "TYPE", "XINFO",
        "XINFO CONSUMERS", "XINFO GROUPS", "XINFO STREAM", "XLEN", "XPENDING", "XRANGE",
        "XREVRANGE", "ZCARD", "ZCOUNT", "ZDIFF", "ZINTER", "ZINTERCARD", "ZLEXCOUNT", "ZMSCORE",
        "ZRANDMEMBER", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZRANK", "ZREVRANGE",
        "ZREVRANGEBYLEX", "ZREVRANGEBYSCORE", "ZREVRANK", "ZSCAN", "ZSCORE", "ZUNION",
    ]),
    (REPLACE, &[
        "DEL", "FLUSHALL", "FLUSHDB", "FUNCTION DELETE", "FUNCTION FLUSH", "GEOADD", "HDEL",
        "HMSET", "HPERSIST", "HSET", "LSET", "MSET", "PERSIST", "PFADD", "PFMERGE", "PSETEX",
        "SADD", "SCRIPT FLUSH", "SCRIPT LOAD", "SETBIT", "SETEX", "SETRANGE", "SMOVE", "SREM",
        "UNLINK", "XACK", "XDEL", "XGROUP CREATE", "XGROUP CREATECONSUMER", "XGROUP DELCONSUMER",
        "XGROUP DESTROY", "XSETID", "XTRIM", "ZREM", "ZREMRANGEBYLEX", "ZREMRANGEBYSCORE",
    ]),
    // A relative expiry done again later ends later; that is no harm to a cache, and the journal
    // keeps the absolute time.
    (REPLACE, &[
        "EXPIRE", "EXPIREAT", "HEXPIRE", "HEXPIREAT", "HPEXPIRE", "HPEXPIREAT", "PEXPIRE",
        "PEXPIREAT",
    ]),
    (ACCUMULATE, &[
        "APPEND", "DECR", "DECRBY", "FUNCTION", "HINCRBY", "HINCRBYFLOAT", "INCR", "INCRBY",
        "INCRBYFLOAT", "LINSERT", "LPUSH", "LPUSHX", "RPUSH", "RPUSHX", "XGROUP", "ZINCRBY",
    ]),
    // Not even an equal second time: the old value is gone, the source is, or both are as before.
    (ACCUMULATE, &["GETSET", "MIGRATE", "RENAME", "SWAPDB"]),
    (TAKE, &[
        "LMOVE", "LMPOP", "LPOP", "RPOP", "RPOPLPUSH", "SPOP", "ZMPOP", "ZPOPMAX", "ZPOPMIN",
    ]),
    // A one-time token must not be handed out twice, nor a message of a group to two consumers.
    (TAKE, &["GETDEL", "XAUTOCLAIM", "XCLAIM"]),
    (GUARD, &["HSETNX", "MOVE", "MSETNX", "RENAMENX", "SETNX"]),
    (BLOCK, &[
        "BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN",
        "WAIT", "WAITAOF",
    ]),
    (PUBLISH, &["PUBLISH", "SPUBLISH"]),
    (SUBSCRIBE, &[
        "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUBSCRIBE", "SUNSUBSCRIBE", "UNSUBSCRIBE",
    ]),
    (SCRIPT, &["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO"]),
    (TRANSACTION, &["DISCARD", "EXEC", "MULTI", "UNWATCH", "WATCH"]),
    (CONNECTION, &[
        "ASKING", "AUTH", "CLIENT", "CLIENT CACHING", "CLIENT NO-EVICT", "CLIENT NO-TOUCH",
        "CLIENT REPLY", "CLIENT SETINFO", "CLIENT SETNAME", "CLIENT TRACKING", "HELLO", "MONITOR",
        "PSYNC", "QUIT", "READONLY", "READWRITE", "REPLCONF", "RESET", "SCRIPT", "SCRIPT DEBUG",
        "SELECT", "SYNC",
    ]),
    (INSPECT, &[
        "ACL CAT", "ACL DRYRUN", "ACL GENPASS", "ACL GETUSER", "ACL HELP", "ACL LIST", "ACL USERS",
        "ACL WHOAMI", "CLIENT GETNAME", "CLIENT GETREDIR", "CLIENT HELP", "CLIENT ID",
        "CLIENT INFO", "CLIENT LIST", "CLIENT TRACKINGINFO", "CLUSTER COUNT-FAILURE-REPORTS",
        "CLUSTER HELP", "CLUSTER INFO", "CLUSTER KEYSLOT", "CLUSTER LINKS", "CLUSTER MYID",
        "CLUSTER MYSHARDID", "CLUSTER NODES", "CLUSTER REPLICAS", "CLUSTER SHARDS",
        "CLUSTER SLAVES", "CLUSTER SLOTS", "COMMAND", "COMMAND COUNT", "COMMAND DOCS",
        "COMMAND GETKEYS", "COMMAND GETKEYSANDFLAGS", "COMMAND HELP", "COMMAND INFO",
        "COMMAND LIST", "CONFIG GET", "CONFIG HELP", "FUNCTION DUMP", "FUNCTION HELP",
        "FUNCTION LIST", "FUNCTION STATS", "INFO", "LASTSAVE", "LATENCY DOCTOR", "LATENCY GRAPH",
        "LATENCY HELP", "LATENCY HISTOGRAM", "LATENCY HISTORY", "LATENCY LATEST", "MEMORY DOCTOR",
        "MEMORY HELP", "MEMORY MALLOC-STATS", "MEMORY STATS", "MODULE HELP", "MODULE LIST",
        "OBJECT HELP", "PUBSUB", "PUBSUB CHANNELS", "PUBSUB HELP", "PUBSUB NUMPAT",
        "PUBSUB NUMSUB", "PUBSUB SHARDCHANNELS", "PUBSUB SHARDNUMSUB", "ROLE", "SCRIPT EXISTS",
        "SCRIPT HELP", "SLOWLOG GET", "SLOWLOG HELP", "SLOWLOG LEN", "XGROUP HELP", "XINFO HELP",
    ]),
    (ADMIN, &[
        "ACL", "ACL DELUSER", "ACL LOAD", "ACL SAVE", "ACL SETUSER", "BGREWRITEAOF", "BGSAVE",
        "CLIENT KILL", "CLIENT PAUSE", "CLIENT UNBLOCK", "CLIENT UNPAUSE", "CLUSTER",
        "CLUSTER ADDSLOTS", "CLUSTER ADDSLOTSRANGE", "CLUSTER BUMPEPOCH", "CLUSTER DELSLOTS",
        "CLUSTER DELSLOTSRANGE", "CLUSTER FAILOVER", "CLUSTER FLUSHSLOTS", "CLUSTER FORGET",
        "CLUSTER MEET", "CLUSTER REPLICATE", "CLUSTER RESET", "CLUSTER SAVECONFIG",
        "CLUSTER SET-CONFIG-EPOCH", "CLUSTER SETSLOT", "CONFIG", "CONFIG RESETSTAT",
        "CONFIG REWRITE", "CONFIG SET", "DEBUG", "FAILOVER", "FUNCTION KILL", "LATENCY",
        "LATENCY RESET", "MEMORY", "MEMORY PURGE", "MODULE", "MODULE LOAD", "MODULE LOADEX",
        "MODULE UNLOAD", "PFDEBUG", "PFSELFTEST", "REPLICAOF", "SAVE", "SCRIPT KILL", "SHUTDOWN",
        "SLAVEOF", "SLOWLOG", "SLOWLOG RESET",
    ]),
    (Rule::AclLog, &["ACL LOG"]),
    (Rule::BitField, &["BITFIELD"]),
    (Rule::BitOp, &["BITOP"]),
    (Rule::GetEx, &["GETEX"]),
    (Rule::GroupPosition, &["XGROUP SETID"]),
    (Rule::IfAbsent { since: 3 }, &["COPY"]),
    (Rule::IfAbsent { since: 4 }, &["RESTORE", "RESTORE-ASKING"]),
    (Rule::Function, &["FUNCTION LOAD", "FUNCTION RESTORE"]),
    (Rule::KeepRanks, &["LTRIM"]),
    (Rule::RemoveRanks, &["ZREMRANGEBYRANK"]),
    (Rule::RemoveSome, &["LREM"]),
    (Rule::Set, &["SET"]),
    (Rule::Store, &[
        "GEORADIUS", "GEORADIUSBYMEMBER", "GEOSEARCHSTORE", "SDIFFSTORE", "SINTERSTORE", "SORT",
        "SUNIONSTORE", "ZDIFFSTORE", "ZINTERSTORE", "ZRANGESTORE", "ZUNIONSTORE",
    ]),
    (Rule::XAdd, &["XADD"]),
    (Rule::XRead, &["XREAD"]),
    (Rule::XReadGroup, &["XREADGROUP"]),
    (Rule::ZAdd, &["ZADD"]),
];

#[cfg(test)]
mod tests;
