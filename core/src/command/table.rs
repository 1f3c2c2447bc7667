//! Written by scripts/generate-commands from redis-server 7.0.15; do not edit.

use super::{Begin, Command, Find, KeySpec, command};

const KEYS_1: &[KeySpec] =
    &[KeySpec::new("RW insert", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_2: &[KeySpec] =
    &[KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_3: &[KeySpec] = &[KeySpec::new(
    "RW access update variable_flags",
    Begin::Index(1),
    Find::Range { last: 0, step: 1, limit: 0 },
)];
const KEYS_4: &[KeySpec] = &[
    KeySpec::new("OW update", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Index(3), Find::Range { last: -1, step: 1, limit: 0 }),
];
const KEYS_5: &[KeySpec] = &[
    KeySpec::new("RW access delete", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RW insert", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 }),
];
const KEYS_6: &[KeySpec] = &[KeySpec::new(
    "RW access delete",
    Begin::Index(2),
    Find::KeyNum { count: 0, first: 1, step: 1 },
)];
const KEYS_7: &[KeySpec] = &[KeySpec::new(
    "RW access delete",
    Begin::Index(1),
    Find::Range { last: -2, step: 1, limit: 0 },
)];
const KEYS_8: &[KeySpec] = &[
    KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("OW update", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 }),
];
const KEYS_9: &[KeySpec] = &[KeySpec::new(
    "RW access update",
    Begin::Index(1),
    Find::Range { last: 0, step: 1, limit: 0 },
)];
const KEYS_10: &[KeySpec] =
    &[KeySpec::new("RM delete", Begin::Index(1), Find::Range { last: -1, step: 1, limit: 0 })];
const KEYS_11: &[KeySpec] = &[KeySpec::new(
    "RW access update",
    Begin::Index(2),
    Find::KeyNum { count: 0, first: 1, step: 1 },
)];
const KEYS_12: &[KeySpec] =
    &[KeySpec::new("RO access", Begin::Index(2), Find::KeyNum { count: 0, first: 1, step: 1 })];
const KEYS_13: &[KeySpec] =
    &[KeySpec::new("RO", Begin::Index(1), Find::Range { last: -1, step: 1, limit: 0 })];
const KEYS_14: &[KeySpec] =
    &[KeySpec::new("RW update", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_15: &[KeySpec] = &[
    KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new(
        "OW update",
        Begin::Keyword { word: "STORE", from: 6 },
        Find::Range { last: 0, step: 1, limit: 0 },
    ),
    KeySpec::new(
        "OW update",
        Begin::Keyword { word: "STOREDIST", from: 6 },
        Find::Range { last: 0, step: 1, limit: 0 },
    ),
];
const KEYS_16: &[KeySpec] = &[
    KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new(
        "OW update",
        Begin::Keyword { word: "STORE", from: 5 },
        Find::Range { last: 0, step: 1, limit: 0 },
    ),
    KeySpec::new(
        "OW update",
        Begin::Keyword { word: "STOREDIST", from: 5 },
        Find::Range { last: 0, step: 1, limit: 0 },
    ),
];
const KEYS_17: &[KeySpec] = &[
    KeySpec::new("OW update", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 }),
];
const KEYS_18: &[KeySpec] = &[KeySpec::new(
    "RW access delete",
    Begin::Index(1),
    Find::Range { last: 0, step: 1, limit: 0 },
)];
const KEYS_19: &[KeySpec] =
    &[KeySpec::new("RW delete", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_20: &[KeySpec] =
    &[KeySpec::new("RO", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_21: &[KeySpec] =
    &[KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 1, step: 1, limit: 0 })];
const KEYS_22: &[KeySpec] = &[KeySpec::new(
    "RW access delete",
    Begin::Index(1),
    Find::KeyNum { count: 0, first: 1, step: 1 },
)];
const KEYS_23: &[KeySpec] =
    &[KeySpec::new("RO", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_24: &[KeySpec] =
    &[KeySpec::new("RO access", Begin::Index(1), Find::Range { last: -1, step: 1, limit: 0 })];
const KEYS_25: &[KeySpec] = &[
    KeySpec::new("RW access delete", Begin::Index(3), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new(
        "RW access delete incomplete",
        Begin::Keyword { word: "KEYS", from: -2 },
        Find::Range { last: -1, step: 1, limit: 0 },
    ),
];
const KEYS_26: &[KeySpec] =
    &[KeySpec::new("OW update", Begin::Index(1), Find::Range { last: -1, step: 2, limit: 0 })];
const KEYS_27: &[KeySpec] =
    &[KeySpec::new("OW insert", Begin::Index(1), Find::Range { last: -1, step: 2, limit: 0 })];
const KEYS_28: &[KeySpec] =
    &[KeySpec::new("RW access", Begin::Index(1), Find::Range { last: -1, step: 1, limit: 0 })];
const KEYS_29: &[KeySpec] =
    &[KeySpec::new("RW access", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_30: &[KeySpec] = &[
    KeySpec::new("RW access insert", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Index(2), Find::Range { last: -1, step: 1, limit: 0 }),
];
const KEYS_31: &[KeySpec] =
    &[KeySpec::new("OW update", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_32: &[KeySpec] = &[
    KeySpec::new("RW access delete", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("OW update", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 }),
];
const KEYS_33: &[KeySpec] = &[
    KeySpec::new("RW access delete", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("OW insert", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 }),
];
const KEYS_34: &[KeySpec] = &[
    KeySpec::new("OW update", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Index(2), Find::Range { last: -1, step: 1, limit: 0 }),
];
const KEYS_35: &[KeySpec] =
    &[KeySpec::new("OW insert", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_36: &[KeySpec] =
    &[KeySpec::new("RO access", Begin::Index(1), Find::KeyNum { count: 0, first: 1, step: 1 })];
const KEYS_37: &[KeySpec] = &[
    KeySpec::new("RW update", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Index(2), Find::Range { last: -1, step: 1, limit: 0 }),
];
const KEYS_38: &[KeySpec] = &[
    KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Unknown, Find::Unknown),
    KeySpec::new("OW update", Begin::Unknown, Find::Unknown),
];
const KEYS_39: &[KeySpec] = &[
    KeySpec::new("RO access", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Unknown, Find::Unknown),
];
const KEYS_40: &[KeySpec] =
    &[KeySpec::new("not_key", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_41: &[KeySpec] =
    &[KeySpec::new("not_key", Begin::Index(1), Find::Range { last: -1, step: 1, limit: 0 })];
const KEYS_42: &[KeySpec] =
    &[KeySpec::new("RW insert", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_43: &[KeySpec] =
    &[KeySpec::new("RW delete", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_44: &[KeySpec] =
    &[KeySpec::new("RW update", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_45: &[KeySpec] =
    &[KeySpec::new("RO access", Begin::Index(2), Find::Range { last: 0, step: 1, limit: 0 })];
const KEYS_46: &[KeySpec] = &[KeySpec::new(
    "RO access",
    Begin::Keyword { word: "STREAMS", from: 1 },
    Find::Range { last: -1, step: 1, limit: 2 },
)];
const KEYS_47: &[KeySpec] = &[KeySpec::new(
    "RO access",
    Begin::Keyword { word: "STREAMS", from: 4 },
    Find::Range { last: -1, step: 1, limit: 2 },
)];
const KEYS_48: &[KeySpec] = &[
    KeySpec::new("OW update", Begin::Index(1), Find::Range { last: 0, step: 1, limit: 0 }),
    KeySpec::new("RO access", Begin::Index(2), Find::KeyNum { count: 0, first: 1, step: 1 }),
];
pub(super) const COUNT: usize = 379;
pub(super) static COMMANDS: [Command; COUNT] = [
    command("ACL", -2, "", "slow", (0, 0, 0), &[]),
    command("ACL CAT", -2, "noscript loading stale", "slow", (0, 0, 0), &[]),
    command(
        "ACL DELUSER",
        -3,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "ACL DRYRUN",
        -4,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("ACL GENPASS", -2, "noscript loading stale", "slow", (0, 0, 0), &[]),
    command(
        "ACL GETUSER",
        3,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("ACL HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command("ACL LIST", 2, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("ACL LOAD", 2, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("ACL LOG", -2, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("ACL SAVE", 2, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command(
        "ACL SETUSER",
        -3,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("ACL USERS", 2, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("ACL WHOAMI", 2, "noscript loading stale", "slow", (0, 0, 0), &[]),
    command("APPEND", 3, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_1),
    command("ASKING", 1, "fast", "fast connection", (0, 0, 0), &[]),
    command(
        "AUTH",
        -2,
        "noscript loading stale fast no_auth allow_busy",
        "fast connection",
        (0, 0, 0),
        &[],
    ),
    command(
        "BGREWRITEAOF",
        1,
        "admin noscript no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "BGSAVE",
        -1,
        "admin noscript no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("BITCOUNT", -2, "readonly", "read bitmap slow", (1, 1, 1), KEYS_2),
    command("BITFIELD", -2, "write denyoom", "write bitmap slow", (1, 1, 1), KEYS_3),
    command("BITFIELD_RO", -2, "readonly fast", "read bitmap fast", (1, 1, 1), KEYS_2),
    command("BITOP", -4, "write denyoom", "write bitmap slow", (2, -1, 1), KEYS_4),
    command("BITPOS", -3, "readonly", "read bitmap slow", (1, 1, 1), KEYS_2),
    command(
        "BLMOVE",
        6,
        "write denyoom noscript blocking",
        "write list slow blocking",
        (1, 2, 1),
        KEYS_5,
    ),
    command(
        "BLMPOP",
        -5,
        "write blocking movablekeys",
        "write list slow blocking",
        (0, 0, 0),
        KEYS_6,
    ),
    command("BLPOP", -3, "write noscript blocking", "write list slow blocking", (1, -2, 1), KEYS_7),
    command("BRPOP", -3, "write noscript blocking", "write list slow blocking", (1, -2, 1), KEYS_7),
    command(
        "BRPOPLPUSH",
        4,
        "write denyoom noscript blocking",
        "write list slow blocking",
        (1, 2, 1),
        KEYS_5,
    ),
    command(
        "BZMPOP",
        -5,
        "write blocking movablekeys",
        "write sortedset slow blocking",
        (0, 0, 0),
        KEYS_6,
    ),
    command(
        "BZPOPMAX",
        -3,
        "write noscript blocking fast",
        "write sortedset fast blocking",
        (1, -2, 1),
        KEYS_7,
    ),
    command(
        "BZPOPMIN",
        -3,
        "write noscript blocking fast",
        "write sortedset fast blocking",
        (1, -2, 1),
        KEYS_7,
    ),
    command("CLIENT", -2, "", "slow", (0, 0, 0), &[]),
    command("CLIENT CACHING", 3, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT GETNAME", 2, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT GETREDIR", 2, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT HELP", 2, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT ID", 2, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT INFO", 2, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command(
        "CLIENT KILL",
        -3,
        "admin noscript loading stale",
        "admin slow dangerous connection",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLIENT LIST",
        -2,
        "admin noscript loading stale",
        "admin slow dangerous connection",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLIENT NO-EVICT",
        3,
        "admin noscript loading stale",
        "admin slow dangerous connection",
        (0, 0, 0),
        &[],
    ),
    command("CLIENT NO-TOUCH", 3, "noscript loading stale", "slow connection", (0, 0, 0), &[])
        .newer(),
    command(
        "CLIENT PAUSE",
        -3,
        "admin noscript loading stale",
        "admin slow dangerous connection",
        (0, 0, 0),
        &[],
    ),
    command("CLIENT REPLY", 3, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT SETINFO", 4, "noscript loading stale", "slow connection", (0, 0, 0), &[])
        .newer(),
    command("CLIENT SETNAME", 3, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT TRACKING", -3, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command("CLIENT TRACKINGINFO", 2, "noscript loading stale", "slow connection", (0, 0, 0), &[]),
    command(
        "CLIENT UNBLOCK",
        -3,
        "admin noscript loading stale",
        "admin slow dangerous connection",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLIENT UNPAUSE",
        2,
        "admin noscript loading stale",
        "admin slow dangerous connection",
        (0, 0, 0),
        &[],
    ),
    command("CLUSTER", -2, "", "slow", (0, 0, 0), &[]),
    command(
        "CLUSTER ADDSLOTS",
        -3,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER ADDSLOTSRANGE",
        -4,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER BUMPEPOCH",
        2,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER COUNT-FAILURE-REPORTS",
        3,
        "admin stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("CLUSTER COUNTKEYSINSLOT", 3, "stale", "slow", (0, 0, 0), &[]),
    command(
        "CLUSTER DELSLOTS",
        -3,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER DELSLOTSRANGE",
        -4,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER FAILOVER",
        -2,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER FLUSHSLOTS",
        2,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER FORGET",
        3,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("CLUSTER GETKEYSINSLOT", 4, "stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER INFO", 2, "stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER KEYSLOT", 3, "stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER LINKS", 2, "stale", "slow", (0, 0, 0), &[]),
    command(
        "CLUSTER MEET",
        -4,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("CLUSTER MYID", 2, "stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER MYSHARDID", 2, "stale", "slow", (0, 0, 0), &[]).newer(),
    command("CLUSTER NODES", 2, "stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER REPLICAS", 3, "admin stale", "admin slow dangerous", (0, 0, 0), &[]),
    command(
        "CLUSTER REPLICATE",
        3,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("CLUSTER RESET", -2, "admin noscript stale", "admin slow dangerous", (0, 0, 0), &[]),
    command(
        "CLUSTER SAVECONFIG",
        2,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER SET-CONFIG-EPOCH",
        3,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CLUSTER SETSLOT",
        -4,
        "admin stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("CLUSTER SHARDS", 2, "stale", "slow", (0, 0, 0), &[]),
    command("CLUSTER SLAVES", 3, "admin stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("CLUSTER SLOTS", 2, "stale", "slow", (0, 0, 0), &[]),
    command("COMMAND", -1, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND COUNT", 2, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND DOCS", -2, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND GETKEYS", -4, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND GETKEYSANDFLAGS", -4, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND HELP", 2, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND INFO", -2, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("COMMAND LIST", -2, "loading stale", "slow connection", (0, 0, 0), &[]),
    command("CONFIG", -2, "", "slow", (0, 0, 0), &[]),
    command(
        "CONFIG GET",
        -3,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("CONFIG HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command(
        "CONFIG RESETSTAT",
        2,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CONFIG REWRITE",
        2,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "CONFIG SET",
        -4,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("COPY", -3, "write denyoom", "keyspace write slow", (1, 2, 1), KEYS_8),
    command("DBSIZE", 1, "readonly fast", "keyspace read fast", (0, 0, 0), &[]),
    command("DEBUG", -2, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("DECR", 2, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_9),
    command("DECRBY", 3, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_9),
    command("DEL", -2, "write", "keyspace write slow", (1, -1, 1), KEYS_10),
    command(
        "DISCARD",
        1,
        "noscript loading stale fast allow_busy",
        "fast transaction",
        (0, 0, 0),
        &[],
    ),
    command("DUMP", 2, "readonly", "keyspace read slow", (1, 1, 1), KEYS_2),
    command("ECHO", 2, "loading stale fast", "fast connection", (0, 0, 0), &[]),
    command(
        "EVAL",
        -3,
        "noscript stale skip_monitor no_mandatory_keys movablekeys",
        "slow scripting",
        (0, 0, 0),
        KEYS_11,
    ),
    command(
        "EVALSHA",
        -3,
        "noscript stale skip_monitor no_mandatory_keys movablekeys",
        "slow scripting",
        (0, 0, 0),
        KEYS_11,
    ),
    command(
        "EVALSHA_RO",
        -3,
        "readonly noscript stale skip_monitor no_mandatory_keys movablekeys",
        "slow scripting",
        (0, 0, 0),
        KEYS_12,
    ),
    command(
        "EVAL_RO",
        -3,
        "readonly noscript stale skip_monitor no_mandatory_keys movablekeys",
        "slow scripting",
        (0, 0, 0),
        KEYS_12,
    ),
    command("EXEC", 1, "noscript loading stale skip_slowlog", "slow transaction", (0, 0, 0), &[]),
    command("EXISTS", -2, "readonly fast", "keyspace read fast", (1, -1, 1), KEYS_13),
    command("EXPIRE", -3, "write fast", "keyspace write fast", (1, 1, 1), KEYS_14),
    command("EXPIREAT", -3, "write fast", "keyspace write fast", (1, 1, 1), KEYS_14),
    command("EXPIRETIME", 2, "readonly fast", "keyspace read fast", (1, 1, 1), KEYS_2),
    command("FAILOVER", -1, "admin noscript stale", "admin slow dangerous", (0, 0, 0), &[]),
    command(
        "FCALL",
        -3,
        "noscript stale skip_monitor no_mandatory_keys movablekeys",
        "slow scripting",
        (0, 0, 0),
        KEYS_11,
    ),
    command(
        "FCALL_RO",
        -3,
        "readonly noscript stale skip_monitor no_mandatory_keys movablekeys",
        "slow scripting",
        (0, 0, 0),
        KEYS_12,
    ),
    command("FLUSHALL", -1, "write", "keyspace write slow dangerous", (0, 0, 0), &[]),
    command("FLUSHDB", -1, "write", "keyspace write slow dangerous", (0, 0, 0), &[]),
    command("FUNCTION", -2, "", "slow", (0, 0, 0), &[]),
    command("FUNCTION DELETE", 3, "write noscript", "write slow scripting", (0, 0, 0), &[]),
    command("FUNCTION DUMP", 2, "noscript", "slow scripting", (0, 0, 0), &[]),
    command("FUNCTION FLUSH", -2, "write noscript", "write slow scripting", (0, 0, 0), &[]),
    command("FUNCTION HELP", 2, "loading stale", "slow scripting", (0, 0, 0), &[]),
    command("FUNCTION KILL", 2, "noscript allow_busy", "slow scripting", (0, 0, 0), &[]),
    command("FUNCTION LIST", -2, "noscript", "slow scripting", (0, 0, 0), &[]),
    command("FUNCTION LOAD", -3, "write denyoom noscript", "write slow scripting", (0, 0, 0), &[]),
    command(
        "FUNCTION RESTORE",
        -3,
        "write denyoom noscript",
        "write slow scripting",
        (0, 0, 0),
        &[],
    ),
    command("FUNCTION STATS", 2, "noscript allow_busy", "slow scripting", (0, 0, 0), &[]),
    command("GEOADD", -5, "write denyoom", "write geo slow", (1, 1, 1), KEYS_14),
    command("GEODIST", -4, "readonly", "read geo slow", (1, 1, 1), KEYS_2),
    command("GEOHASH", -2, "readonly", "read geo slow", (1, 1, 1), KEYS_2),
    command("GEOPOS", -2, "readonly", "read geo slow", (1, 1, 1), KEYS_2),
    command("GEORADIUS", -6, "write denyoom movablekeys", "write geo slow", (1, 1, 1), KEYS_15),
    command(
        "GEORADIUSBYMEMBER",
        -5,
        "write denyoom movablekeys",
        "write geo slow",
        (1, 1, 1),
        KEYS_16,
    ),
    command("GEORADIUSBYMEMBER_RO", -5, "readonly", "read geo slow", (1, 1, 1), KEYS_2),
    command("GEORADIUS_RO", -6, "readonly", "read geo slow", (1, 1, 1), KEYS_2),
    command("GEOSEARCH", -7, "readonly", "read geo slow", (1, 1, 1), KEYS_2),
    command("GEOSEARCHSTORE", -8, "write denyoom", "write geo slow", (1, 2, 1), KEYS_17),
    command("GET", 2, "readonly fast", "read string fast", (1, 1, 1), KEYS_2),
    command("GETBIT", 3, "readonly fast", "read bitmap fast", (1, 1, 1), KEYS_2),
    command("GETDEL", 2, "write fast", "write string fast", (1, 1, 1), KEYS_18),
    command("GETEX", -2, "write fast", "write string fast", (1, 1, 1), KEYS_9),
    command("GETRANGE", 4, "readonly", "read string slow", (1, 1, 1), KEYS_2),
    command("GETSET", 3, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_9),
    command("HDEL", -3, "write fast", "write hash fast", (1, 1, 1), KEYS_19),
    command(
        "HELLO",
        -1,
        "noscript loading stale fast no_auth allow_busy",
        "fast connection",
        (0, 0, 0),
        &[],
    ),
    command("HEXISTS", 3, "readonly fast", "read hash fast", (1, 1, 1), KEYS_20),
    command("HEXPIRE", -6, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_14).newer(),
    command("HEXPIREAT", -6, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_14).newer(),
    command("HEXPIRETIME", -5, "readonly fast", "read hash fast", (1, 1, 1), KEYS_2).newer(),
    command("HGET", 3, "readonly fast", "read hash fast", (1, 1, 1), KEYS_2),
    command("HGETALL", 2, "readonly", "read hash slow", (1, 1, 1), KEYS_2),
    command("HINCRBY", 4, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_9),
    command("HINCRBYFLOAT", 4, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_9),
    command("HKEYS", 2, "readonly", "read hash slow", (1, 1, 1), KEYS_2),
    command("HLEN", 2, "readonly fast", "read hash fast", (1, 1, 1), KEYS_20),
    command("HMGET", -3, "readonly fast", "read hash fast", (1, 1, 1), KEYS_2),
    command("HMSET", -4, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_14),
    command("HPERSIST", -5, "write fast", "write hash fast", (1, 1, 1), KEYS_14).newer(),
    command("HPEXPIRE", -6, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_14).newer(),
    command("HPEXPIREAT", -6, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_14).newer(),
    command("HPEXPIRETIME", -5, "readonly fast", "read hash fast", (1, 1, 1), KEYS_2).newer(),
    command("HPTTL", -5, "readonly fast", "read hash fast", (1, 1, 1), KEYS_2).newer(),
    command("HRANDFIELD", -2, "readonly", "read hash slow", (1, 1, 1), KEYS_2),
    command("HSCAN", -3, "readonly", "read hash slow", (1, 1, 1), KEYS_2),
    command("HSET", -4, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_14),
    command("HSETNX", 4, "write denyoom fast", "write hash fast", (1, 1, 1), KEYS_1),
    command("HSTRLEN", 3, "readonly fast", "read hash fast", (1, 1, 1), KEYS_20),
    command("HTTL", -5, "readonly fast", "read hash fast", (1, 1, 1), KEYS_2).newer(),
    command("HVALS", 2, "readonly", "read hash slow", (1, 1, 1), KEYS_2),
    command("INCR", 2, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_9),
    command("INCRBY", 3, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_9),
    command("INCRBYFLOAT", 3, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_9),
    command("INFO", -1, "loading stale", "slow dangerous", (0, 0, 0), &[]),
    command("KEYS", 2, "readonly", "keyspace read slow dangerous", (0, 0, 0), &[]),
    command("LASTSAVE", 1, "loading stale fast", "admin fast dangerous", (0, 0, 0), &[]),
    command("LATENCY", -2, "", "slow", (0, 0, 0), &[]),
    command(
        "LATENCY DOCTOR",
        2,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "LATENCY GRAPH",
        3,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("LATENCY HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command(
        "LATENCY HISTOGRAM",
        -2,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "LATENCY HISTORY",
        3,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "LATENCY LATEST",
        2,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "LATENCY RESET",
        -2,
        "admin noscript loading stale",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("LCS", -3, "readonly", "read string slow", (1, 2, 1), KEYS_21),
    command("LINDEX", 3, "readonly", "read list slow", (1, 1, 1), KEYS_2),
    command("LINSERT", 5, "write denyoom", "write list slow", (1, 1, 1), KEYS_1),
    command("LLEN", 2, "readonly fast", "read list fast", (1, 1, 1), KEYS_20),
    command("LMOVE", 5, "write denyoom", "write list slow", (1, 2, 1), KEYS_5),
    command("LMPOP", -4, "write movablekeys", "write list slow", (0, 0, 0), KEYS_22),
    command("LOLWUT", -1, "readonly fast", "read fast", (0, 0, 0), &[]),
    command("LPOP", -2, "write fast", "write list fast", (1, 1, 1), KEYS_18),
    command("LPOS", -3, "readonly", "read list slow", (1, 1, 1), KEYS_2),
    command("LPUSH", -3, "write denyoom fast", "write list fast", (1, 1, 1), KEYS_1),
    command("LPUSHX", -3, "write denyoom fast", "write list fast", (1, 1, 1), KEYS_1),
    command("LRANGE", 4, "readonly", "read list slow", (1, 1, 1), KEYS_2),
    command("LREM", 4, "write", "write list slow", (1, 1, 1), KEYS_19),
    command("LSET", 4, "write denyoom", "write list slow", (1, 1, 1), KEYS_14),
    command("LTRIM", 4, "write", "write list slow", (1, 1, 1), KEYS_19),
    command("MEMORY", -2, "", "slow", (0, 0, 0), &[]),
    command("MEMORY DOCTOR", 2, "", "slow", (0, 0, 0), &[]),
    command("MEMORY HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command("MEMORY MALLOC-STATS", 2, "", "slow", (0, 0, 0), &[]),
    command("MEMORY PURGE", 2, "", "slow", (0, 0, 0), &[]),
    command("MEMORY STATS", 2, "", "slow", (0, 0, 0), &[]),
    command("MEMORY USAGE", -3, "readonly", "read slow", (2, 2, 1), KEYS_23),
    command("MGET", -2, "readonly fast", "read string fast", (1, -1, 1), KEYS_24),
    command(
        "MIGRATE",
        -6,
        "write movablekeys",
        "keyspace write slow dangerous",
        (3, 3, 1),
        KEYS_25,
    ),
    command("MODULE", -2, "", "slow", (0, 0, 0), &[]),
    command("MODULE HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command("MODULE LIST", 2, "admin noscript", "admin slow dangerous", (0, 0, 0), &[]),
    command(
        "MODULE LOAD",
        -3,
        "admin noscript no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "MODULE LOADEX",
        -3,
        "admin noscript no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "MODULE UNLOAD",
        3,
        "admin noscript no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("MONITOR", 1, "admin noscript loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("MOVE", 3, "write fast", "keyspace write fast", (1, 1, 1), KEYS_9),
    command("MSET", -3, "write denyoom", "write string slow", (1, -1, 2), KEYS_26),
    command("MSETNX", -3, "write denyoom", "write string slow", (1, -1, 2), KEYS_27),
    command(
        "MULTI",
        1,
        "noscript loading stale fast allow_busy",
        "fast transaction",
        (0, 0, 0),
        &[],
    ),
    command("OBJECT", -2, "", "slow", (0, 0, 0), &[]),
    command("OBJECT ENCODING", 3, "readonly", "keyspace read slow", (2, 2, 1), KEYS_23),
    command("OBJECT FREQ", 3, "readonly", "keyspace read slow", (2, 2, 1), KEYS_23),
    command("OBJECT HELP", 2, "loading stale", "keyspace slow", (0, 0, 0), &[]),
    command("OBJECT IDLETIME", 3, "readonly", "keyspace read slow", (2, 2, 1), KEYS_23),
    command("OBJECT REFCOUNT", 3, "readonly", "keyspace read slow", (2, 2, 1), KEYS_23),
    command("PERSIST", 2, "write fast", "keyspace write fast", (1, 1, 1), KEYS_14),
    command("PEXPIRE", -3, "write fast", "keyspace write fast", (1, 1, 1), KEYS_14),
    command("PEXPIREAT", -3, "write fast", "keyspace write fast", (1, 1, 1), KEYS_14),
    command("PEXPIRETIME", 2, "readonly fast", "keyspace read fast", (1, 1, 1), KEYS_2),
    command("PFADD", -2, "write denyoom fast", "write hyperloglog fast", (1, 1, 1), KEYS_1),
    command("PFCOUNT", -2, "readonly", "read hyperloglog slow", (1, -1, 1), KEYS_28),
    command(
        "PFDEBUG",
        3,
        "write denyoom admin",
        "write hyperloglog admin slow dangerous",
        (2, 2, 1),
        KEYS_29,
    ),
    command("PFMERGE", -2, "write denyoom", "write hyperloglog slow", (1, -1, 1), KEYS_30),
    command("PFSELFTEST", 1, "admin", "hyperloglog admin slow dangerous", (0, 0, 0), &[]),
    command("PING", -1, "fast", "fast connection", (0, 0, 0), &[]),
    command("PSETEX", 4, "write denyoom", "write string slow", (1, 1, 1), KEYS_31),
    command("PSUBSCRIBE", -2, "pubsub noscript loading stale", "pubsub slow", (0, 0, 0), &[]),
    command(
        "PSYNC",
        -3,
        "admin noscript no_async_loading no_multi",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("PTTL", 2, "readonly fast", "keyspace read fast", (1, 1, 1), KEYS_2),
    command("PUBLISH", 3, "pubsub loading stale fast", "pubsub fast", (0, 0, 0), &[]),
    command("PUBSUB", -2, "", "slow", (0, 0, 0), &[]),
    command("PUBSUB CHANNELS", -2, "pubsub loading stale", "pubsub slow", (0, 0, 0), &[]),
    command("PUBSUB HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command("PUBSUB NUMPAT", 2, "pubsub loading stale", "pubsub slow", (0, 0, 0), &[]),
    command("PUBSUB NUMSUB", -2, "pubsub loading stale", "pubsub slow", (0, 0, 0), &[]),
    command("PUBSUB SHARDCHANNELS", -2, "pubsub loading stale", "pubsub slow", (0, 0, 0), &[]),
    command("PUBSUB SHARDNUMSUB", -2, "pubsub loading stale", "pubsub slow", (0, 0, 0), &[]),
    command("PUNSUBSCRIBE", -1, "pubsub noscript loading stale", "pubsub slow", (0, 0, 0), &[]),
    command(
        "QUIT",
        -1,
        "noscript loading stale fast no_auth allow_busy",
        "fast connection",
        (0, 0, 0),
        &[],
    ),
    command("RANDOMKEY", 1, "readonly", "keyspace read slow", (0, 0, 0), &[]),
    command("READONLY", 1, "loading stale fast", "fast connection", (0, 0, 0), &[]),
    command("READWRITE", 1, "loading stale fast", "fast connection", (0, 0, 0), &[]),
    command("RENAME", 3, "write", "keyspace write slow", (1, 2, 1), KEYS_32),
    command("RENAMENX", 3, "write fast", "keyspace write fast", (1, 2, 1), KEYS_33),
    command(
        "REPLCONF",
        -1,
        "admin noscript loading stale allow_busy",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "REPLICAOF",
        3,
        "admin noscript stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command(
        "RESET",
        1,
        "noscript loading stale fast no_auth allow_busy",
        "fast connection",
        (0, 0, 0),
        &[],
    ),
    command("RESTORE", -4, "write denyoom", "keyspace write slow dangerous", (1, 1, 1), KEYS_31),
    command(
        "RESTORE-ASKING",
        -4,
        "write denyoom asking",
        "keyspace write slow dangerous",
        (1, 1, 1),
        KEYS_31,
    ),
    command("ROLE", 1, "noscript loading stale fast", "admin fast dangerous", (0, 0, 0), &[]),
    command("RPOP", -2, "write fast", "write list fast", (1, 1, 1), KEYS_18),
    command("RPOPLPUSH", 3, "write denyoom", "write list slow", (1, 2, 1), KEYS_5),
    command("RPUSH", -3, "write denyoom fast", "write list fast", (1, 1, 1), KEYS_1),
    command("RPUSHX", -3, "write denyoom fast", "write list fast", (1, 1, 1), KEYS_1),
    command("SADD", -3, "write denyoom fast", "write set fast", (1, 1, 1), KEYS_1),
    command(
        "SAVE",
        1,
        "admin noscript no_async_loading no_multi",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("SCAN", -2, "readonly", "keyspace read slow", (0, 0, 0), &[]),
    command("SCARD", 2, "readonly fast", "read set fast", (1, 1, 1), KEYS_20),
    command("SCRIPT", -2, "", "slow", (0, 0, 0), &[]),
    command("SCRIPT DEBUG", 3, "noscript", "slow scripting", (0, 0, 0), &[]),
    command("SCRIPT EXISTS", -3, "noscript", "slow scripting", (0, 0, 0), &[]),
    command("SCRIPT FLUSH", -2, "noscript", "slow scripting", (0, 0, 0), &[]),
    command("SCRIPT HELP", 2, "loading stale", "slow scripting", (0, 0, 0), &[]),
    command("SCRIPT KILL", 2, "noscript allow_busy", "slow scripting", (0, 0, 0), &[]),
    command("SCRIPT LOAD", 3, "noscript stale", "slow scripting", (0, 0, 0), &[]),
    command("SDIFF", -2, "readonly", "read set slow", (1, -1, 1), KEYS_24),
    command("SDIFFSTORE", -3, "write denyoom", "write set slow", (1, -1, 1), KEYS_34),
    command("SELECT", 2, "loading stale fast", "fast connection", (0, 0, 0), &[]),
    command("SET", -3, "write denyoom", "write string slow", (1, 1, 1), KEYS_3),
    command("SETBIT", 4, "write denyoom", "write bitmap slow", (1, 1, 1), KEYS_9),
    command("SETEX", 4, "write denyoom", "write string slow", (1, 1, 1), KEYS_31),
    command("SETNX", 3, "write denyoom fast", "write string fast", (1, 1, 1), KEYS_35),
    command("SETRANGE", 4, "write denyoom", "write string slow", (1, 1, 1), KEYS_14),
    command(
        "SHUTDOWN",
        -1,
        "admin noscript loading stale no_multi allow_busy",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("SINTER", -2, "readonly", "read set slow", (1, -1, 1), KEYS_24),
    command("SINTERCARD", -3, "readonly movablekeys", "read set slow", (0, 0, 0), KEYS_36),
    command("SINTERSTORE", -3, "write denyoom", "write set slow", (1, -1, 1), KEYS_37),
    command("SISMEMBER", 3, "readonly fast", "read set fast", (1, 1, 1), KEYS_20),
    command(
        "SLAVEOF",
        3,
        "admin noscript stale no_async_loading",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("SLOWLOG", -2, "", "slow", (0, 0, 0), &[]),
    command("SLOWLOG GET", -2, "admin loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("SLOWLOG HELP", 2, "loading stale", "slow", (0, 0, 0), &[]),
    command("SLOWLOG LEN", 2, "admin loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("SLOWLOG RESET", 2, "admin loading stale", "admin slow dangerous", (0, 0, 0), &[]),
    command("SMEMBERS", 2, "readonly", "read set slow", (1, 1, 1), KEYS_2),
    command("SMISMEMBER", -3, "readonly fast", "read set fast", (1, 1, 1), KEYS_2),
    command("SMOVE", 4, "write fast", "write set fast", (1, 2, 1), KEYS_5),
    command(
        "SORT",
        -2,
        "write denyoom movablekeys",
        "write set sortedset list slow dangerous",
        (1, 1, 1),
        KEYS_38,
    ),
    command(
        "SORT_RO",
        -2,
        "readonly movablekeys",
        "read set sortedset list slow dangerous",
        (1, 1, 1),
        KEYS_39,
    ),
    command("SPOP", -2, "write fast", "write set fast", (1, 1, 1), KEYS_18),
    command("SPUBLISH", 3, "pubsub loading stale fast", "pubsub fast", (1, 1, 1), KEYS_40),
    command("SRANDMEMBER", -2, "readonly", "read set slow", (1, 1, 1), KEYS_2),
    command("SREM", -3, "write fast", "write set fast", (1, 1, 1), KEYS_19),
    command("SSCAN", -3, "readonly", "read set slow", (1, 1, 1), KEYS_2),
    command("SSUBSCRIBE", -2, "pubsub noscript loading stale", "pubsub slow", (1, -1, 1), KEYS_41),
    command("STRLEN", 2, "readonly fast", "read string fast", (1, 1, 1), KEYS_20),
    command("SUBSCRIBE", -2, "pubsub noscript loading stale", "pubsub slow", (0, 0, 0), &[]),
    command("SUBSTR", 4, "readonly", "read string slow", (1, 1, 1), KEYS_2),
    command("SUNION", -2, "readonly", "read set slow", (1, -1, 1), KEYS_24),
    command("SUNIONSTORE", -3, "write denyoom", "write set slow", (1, -1, 1), KEYS_34),
    command(
        "SUNSUBSCRIBE",
        -1,
        "pubsub noscript loading stale",
        "pubsub slow",
        (1, -1, 1),
        KEYS_41,
    ),
    command("SWAPDB", 3, "write fast", "keyspace write fast dangerous", (0, 0, 0), &[]),
    command(
        "SYNC",
        1,
        "admin noscript no_async_loading no_multi",
        "admin slow dangerous",
        (0, 0, 0),
        &[],
    ),
    command("TIME", 1, "loading stale fast", "fast", (0, 0, 0), &[]),
    command("TOUCH", -2, "readonly fast", "keyspace read fast", (1, -1, 1), KEYS_13),
    command("TTL", 2, "readonly fast", "keyspace read fast", (1, 1, 1), KEYS_2),
    command("TYPE", 2, "readonly fast", "keyspace read fast", (1, 1, 1), KEYS_20),
    command("UNLINK", -2, "write fast", "keyspace write fast", (1, -1, 1), KEYS_10),
    command("UNSUBSCRIBE", -1, "pubsub noscript loading stale", "pubsub slow", (0, 0, 0), &[]),
    command(
        "UNWATCH",
        1,
        "noscript loading stale fast allow_busy",
        "fast transaction",
        (0, 0, 0),
        &[],
    ),
    command("WAIT", 3, "noscript", "slow connection", (0, 0, 0), &[]),
    command("WAITAOF", 4, "blocking", "slow blocking connection", (0, 0, 0), &[]).newer(),
    command(
        "WATCH",
        -2,
        "noscript loading stale fast allow_busy",
        "fast transaction",
        (1, -1, 1),
        KEYS_13,
    ),
    command("XACK", -4, "write fast", "write stream fast", (1, 1, 1), KEYS_14),
    command("XADD", -5, "write denyoom fast", "write stream fast", (1, 1, 1), KEYS_14),
    command("XAUTOCLAIM", -6, "write fast", "write stream fast", (1, 1, 1), KEYS_19),
    command("XCLAIM", -6, "write fast", "write stream fast", (1, 1, 1), KEYS_14),
    command("XDEL", -3, "write fast", "write stream fast", (1, 1, 1), KEYS_19),
    command("XGROUP", -2, "", "slow", (0, 0, 0), &[]),
    command("XGROUP CREATE", -5, "write denyoom", "write stream slow", (2, 2, 1), KEYS_42),
    command("XGROUP CREATECONSUMER", 5, "write denyoom", "write stream slow", (2, 2, 1), KEYS_42),
    command("XGROUP DELCONSUMER", 5, "write", "write stream slow", (2, 2, 1), KEYS_43),
    command("XGROUP DESTROY", 4, "write", "write stream slow", (2, 2, 1), KEYS_43),
    command("XGROUP HELP", 2, "loading stale", "stream slow", (0, 0, 0), &[]),
    command("XGROUP SETID", -5, "write", "write stream slow", (2, 2, 1), KEYS_44),
    command("XINFO", -2, "", "slow", (0, 0, 0), &[]),
    command("XINFO CONSUMERS", 4, "readonly", "read stream slow", (2, 2, 1), KEYS_45),
    command("XINFO GROUPS", 3, "readonly", "read stream slow", (2, 2, 1), KEYS_45),
    command("XINFO HELP", 2, "loading stale", "stream slow", (0, 0, 0), &[]),
    command("XINFO STREAM", -3, "readonly", "read stream slow", (2, 2, 1), KEYS_45),
    command("XLEN", 2, "readonly fast", "read stream fast", (1, 1, 1), KEYS_20),
    command("XPENDING", -3, "readonly", "read stream slow", (1, 1, 1), KEYS_2),
    command("XRANGE", -4, "readonly", "read stream slow", (1, 1, 1), KEYS_2),
    command(
        "XREAD",
        -4,
        "readonly blocking movablekeys",
        "read stream slow blocking",
        (0, 0, 0),
        KEYS_46,
    ),
    command(
        "XREADGROUP",
        -7,
        "write blocking movablekeys",
        "write stream slow blocking",
        (0, 0, 0),
        KEYS_47,
    ),
    command("XREVRANGE", -4, "readonly", "read stream slow", (1, 1, 1), KEYS_2),
    command("XSETID", -3, "write denyoom fast", "write stream fast", (1, 1, 1), KEYS_14),
    command("XTRIM", -4, "write", "write stream slow", (1, 1, 1), KEYS_19),
    command("ZADD", -4, "write denyoom fast", "write sortedset fast", (1, 1, 1), KEYS_14),
    command("ZCARD", 2, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_20),
    command("ZCOUNT", 4, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_2),
    command("ZDIFF", -3, "readonly movablekeys", "read sortedset slow", (0, 0, 0), KEYS_36),
    command(
        "ZDIFFSTORE",
        -4,
        "write denyoom movablekeys",
        "write sortedset slow",
        (1, 1, 1),
        KEYS_48,
    ),
    command("ZINCRBY", 4, "write denyoom fast", "write sortedset fast", (1, 1, 1), KEYS_9),
    command("ZINTER", -3, "readonly movablekeys", "read sortedset slow", (0, 0, 0), KEYS_36),
    command("ZINTERCARD", -3, "readonly movablekeys", "read sortedset slow", (0, 0, 0), KEYS_36),
    command(
        "ZINTERSTORE",
        -4,
        "write denyoom movablekeys",
        "write sortedset slow",
        (1, 1, 1),
        KEYS_48,
    ),
    command("ZLEXCOUNT", 4, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_2),
    command("ZMPOP", -4, "write movablekeys", "write sortedset slow", (0, 0, 0), KEYS_22),
    command("ZMSCORE", -3, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_2),
    command("ZPOPMAX", -2, "write fast", "write sortedset fast", (1, 1, 1), KEYS_18),
    command("ZPOPMIN", -2, "write fast", "write sortedset fast", (1, 1, 1), KEYS_18),
    command("ZRANDMEMBER", -2, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZRANGE", -4, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZRANGEBYLEX", -4, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZRANGEBYSCORE", -4, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZRANGESTORE", -5, "write denyoom", "write sortedset slow", (1, 2, 1), KEYS_17),
    command("ZRANK", 3, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_2),
    command("ZREM", -3, "write fast", "write sortedset fast", (1, 1, 1), KEYS_19),
    command("ZREMRANGEBYLEX", 4, "write", "write sortedset slow", (1, 1, 1), KEYS_19),
    command("ZREMRANGEBYRANK", 4, "write", "write sortedset slow", (1, 1, 1), KEYS_19),
    command("ZREMRANGEBYSCORE", 4, "write", "write sortedset slow", (1, 1, 1), KEYS_19),
    command("ZREVRANGE", -4, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZREVRANGEBYLEX", -4, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZREVRANGEBYSCORE", -4, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZREVRANK", 3, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_2),
    command("ZSCAN", -3, "readonly", "read sortedset slow", (1, 1, 1), KEYS_2),
    command("ZSCORE", 3, "readonly fast", "read sortedset fast", (1, 1, 1), KEYS_2),
    command("ZUNION", -3, "readonly movablekeys", "read sortedset slow", (0, 0, 0), KEYS_36),
    command(
        "ZUNIONSTORE",
        -4,
        "write denyoom movablekeys",
        "write sortedset slow",
        (1, 1, 1),
        KEYS_48,
    ),
];
pub(super) static DOCS: &str = r"A container for Access List Control commands 	6.0.0	server	Depends on subcommand.
List the ACL categories or the commands inside a category	6.0.0	server	O(1) since the categories and commands are a fixed set.
Remove the specified ACL users and the associated rules	6.0.0	server	O(1) amortized time considering the typical user.
Returns whether the user can execute the given command without executing the command.	7.0.0	server	O(1).
Generate a pseudorandom secure password to use for ACL users	6.0.0	server	O(1)
Get the rules for a specific ACL user	6.0.0	server	O(N). Where N is the number of password, command and pattern rules that the user has.
Show helpful text about the different subcommands	6.0.0	server	O(1)
List the current ACL rules in ACL config file format	6.0.0	server	O(N). Where N is the number of configured users.
Reload the ACLs from the configured ACL file	6.0.0	server	O(N). Where N is the number of configured users.
List latest events denied because of ACLs in place	6.0.0	server	O(N) with N being the number of entries shown.
Save the current ACL rules in the configured ACL file	6.0.0	server	O(N). Where N is the number of configured users.
Modify or create the rules for a specific ACL user	6.0.0	server	O(N). Where N is the number of rules provided.
List the username of all the configured ACL rules	6.0.0	server	O(N). Where N is the number of configured users.
Return the name of the user associated to the current connection	6.0.0	server	O(1)
Append a value to a key	2.0.0	string	O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.
Sent by cluster clients after an -ASK redirect	3.0.0	cluster	O(1)
Authenticate to the server	1.0.0	connection	O(N) where N is the number of passwords defined for the user
Asynchronously rewrite the append-only file	1.0.0	server	O(1)
Asynchronously save the dataset to disk	1.0.0	server	O(1)
Count set bits in a string	2.6.0	bitmap	O(N)
Perform arbitrary bitfield integer operations on strings	3.2.0	bitmap	O(1) for each subcommand specified					This command allows both access and modification of the key
Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD	6.0.0	bitmap	O(1) for each subcommand specified
Perform bitwise operations between strings	2.6.0	bitmap	O(N)
Find first bit set or clear in a string	2.8.7	bitmap	O(N)
Pop an element from a list, push it to another list and return it; or block until one is available	6.2.0	list	O(1)
Pop elements from a list, or block until one is available	7.0.0	list	O(N+M) where N is the number of provided keys and M is the number of elements returned.
Remove and get the first element in a list, or block until one is available	2.0.0	list	O(N) where N is the number of provided keys.
Remove and get the last element in a list, or block until one is available	2.0.0	list	O(N) where N is the number of provided keys.
Pop an element from a list, push it to another list and return it; or block until one is available	2.2.0	list	O(1)	deprecated	6.2.0	`BLMOVE` with the `RIGHT` and `LEFT` arguments
Remove and return members with scores in a sorted set or block until one is available	7.0.0	sorted-set	O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.
Remove and return the member with the highest score from one or more sorted sets, or block until one is available	5.0.0	sorted-set	O(log(N)) with N being the number of elements in the sorted set.
Remove and return the member with the lowest score from one or more sorted sets, or block until one is available	5.0.0	sorted-set	O(log(N)) with N being the number of elements in the sorted set.
A container for client connection commands	2.4.0	connection	Depends on subcommand.
Instruct the server about tracking or not keys in the next request	6.0.0	connection	O(1)
Get the current connection name	2.6.9	connection	O(1)
Get tracking notifications redirection client ID if any	6.0.0	connection	O(1)
Show helpful text about the different subcommands	5.0.0	connection	O(1)
Returns the client ID for the current connection	5.0.0	connection	O(1)
Returns information about the current client connection.	6.2.0	connection	O(1)				nondeterministic_output
Kill the connection of a client	2.4.0	connection	O(N) where N is the number of client connections
Get the list of client connections	2.4.0	connection	O(N) where N is the number of client connections				nondeterministic_output
Set client eviction mode for the current connection	7.0.0	connection	O(1)
Set whether the commands of this connection count as uses of their keys	7.2.0	connection	O(1)
Stop processing commands from clients for some time	2.9.50	connection	O(1)
Instruct the server whether to reply to commands	3.2.0	connection	O(1)
Set the name or version of the client library	7.2.0	connection	O(1)
Set the current connection name	2.6.9	connection	O(1)
Enable or disable server assisted client side caching support	6.0.0	connection	O(1). Some options may introduce additional complexity.
Return information about server assisted client side caching for the current connection	6.2.0	connection	O(1)
Unblock a client blocked in a blocking command from a different connection	5.0.0	connection	O(log N) where N is the number of client connections
Resume processing of clients that were paused	6.2.0	connection	O(N) Where N is the number of paused clients
A container for cluster commands	3.0.0	cluster	Depends on subcommand.
Assign new hash slots to receiving node	3.0.0	cluster	O(N) where N is the total number of hash slot arguments
Assign new hash slots to receiving node	7.0.0	cluster	O(N) where N is the total number of the slots between the start slot and end slot arguments.
Advance the cluster config epoch	3.0.0	cluster	O(1)				nondeterministic_output
Return the number of failure reports active for a given node	3.0.0	cluster	O(N) where N is the number of failure reports				nondeterministic_output
Return the number of local keys in the specified hash slot	3.0.0	cluster	O(1)
Set hash slots as unbound in receiving node	3.0.0	cluster	O(N) where N is the total number of hash slot arguments
Set hash slots as unbound in receiving node	7.0.0	cluster	O(N) where N is the total number of the slots between the start slot and end slot arguments.
Forces a replica to perform a manual failover of its master.	3.0.0	cluster	O(1)
Delete a node's own slots information	3.0.0	cluster	O(1)
Remove a node from the nodes table	3.0.0	cluster	O(1)
Return local key names in the specified hash slot	3.0.0	cluster	O(log(N)) where N is the number of requested keys				nondeterministic_output
Show helpful text about the different subcommands	5.0.0	cluster	O(1)
Provides info about Redis Cluster node state	3.0.0	cluster	O(1)				nondeterministic_output
Returns the hash slot of the specified key	3.0.0	cluster	O(N) where N is the number of bytes in the key
Returns a list of all TCP links to and from peer nodes in cluster	7.0.0	cluster	O(N) where N is the total number of Cluster nodes				nondeterministic_output
Force a node cluster to handshake with another node	3.0.0	cluster	O(1)
Return the node id	3.0.0	cluster	O(1)
Return the ID of the node's shard	7.2.0	cluster	O(1)				nondeterministic_output
Get Cluster config for the node	3.0.0	cluster	O(N) where N is the total number of Cluster nodes				nondeterministic_output
List replica nodes of the specified master node	5.0.0	cluster	O(1)				nondeterministic_output
Reconfigure a node as a replica of the specified master node	3.0.0	cluster	O(1)
Reset a Redis Cluster node	3.0.0	cluster	O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.
Forces the node to save cluster state on disk	3.0.0	cluster	O(1)
Set the configuration epoch in a new node	3.0.0	cluster	O(1)
Bind a hash slot to a specific node	3.0.0	cluster	O(1)
Get array of cluster slots to node mappings	7.0.0	cluster	O(N) where N is the total number of cluster nodes				nondeterministic_output
List replica nodes of the specified master node	3.0.0	cluster	O(1)	deprecated	5.0.0	`CLUSTER REPLICAS`	nondeterministic_output
Get array of Cluster slot to node mappings	3.0.0	cluster	O(N) where N is the total number of Cluster nodes	deprecated	7.0.0	`CLUSTER SHARDS`	nondeterministic_output
Get array of Redis command details	2.8.13	server	O(N) where N is the total number of Redis commands				nondeterministic_output_order
Get total number of Redis commands	2.8.13	server	O(1)
Get array of specific Redis command documentation	7.0.0	server	O(N) where N is the number of commands to look up				nondeterministic_output_order
Extract keys given a full Redis command	2.8.13	server	O(N) where N is the number of arguments to the command
Extract keys and access flags given a full Redis command	7.0.0	server	O(N) where N is the number of arguments to the command
Show helpful text about the different subcommands	5.0.0	server	O(1)
Get array of specific Redis command details, or all when no argument is given.	2.8.13	server	O(N) where N is the number of commands to look up				nondeterministic_output_order
Get an array of Redis command names	7.0.0	server	O(N) where N is the total number of Redis commands				nondeterministic_output_order
A container for server configuration commands	2.0.0	server	Depends on subcommand.
Get the values of configuration parameters	2.0.0	server	O(N) when N is the number of configuration parameters provided
Show helpful text about the different subcommands	5.0.0	server	O(1)
Reset the stats returned by INFO	2.0.0	server	O(1)
Rewrite the configuration file with the in memory configuration	2.8.0	server	O(1)
Set configuration parameters to the given values	2.0.0	server	O(N) when N is the number of configuration parameters provided				request_policy:all_nodes response_policy:all_succeeded
Copy a key	6.2.0	generic	O(N) worst case for collections, where N is the number of nested items. O(1) for string values.
Return the number of keys in the selected database	1.0.0	server	O(1)				request_policy:all_shards response_policy:agg_sum
A container for debugging commands	1.0.0	server	Depends on subcommand.	syscmd
Decrement the integer value of a key by one	1.0.0	string	O(1)
Decrement the integer value of a key by the given number	1.0.0	string	O(1)
Delete a key	1.0.0	generic	O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).				request_policy:multi_shard response_policy:agg_sum
Discard all commands issued after MULTI	2.0.0	transactions	O(N), when N is the number of queued commands
Return a serialized version of the value stored at the specified key.	2.6.0	generic	O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).				nondeterministic_output
Echo the given string	1.0.0	connection	O(1)
Execute a Lua script server side	2.6.0	scripting	Depends on the script that is executed.					We cannot tell how the keys will be used so we assume the worst, RW and UPDATE
Execute a Lua script server side	2.6.0	scripting	Depends on the script that is executed.
Execute a read-only Lua script server side	7.0.0	scripting	Depends on the script that is executed.
Execute a read-only Lua script server side	7.0.0	scripting	Depends on the script that is executed.					We cannot tell how the keys will be used so we assume the worst, RO and ACCESS
Execute all commands issued after MULTI	1.2.0	transactions	Depends on commands in the transaction
Determine if a key exists	1.0.0	generic	O(N) where N is the number of keys to check.				request_policy:multi_shard response_policy:agg_sum
Set a key's time to live in seconds	1.0.0	generic	O(1)
Set the expiration for a key as a UNIX timestamp	1.2.0	generic	O(1)
Get the expiration Unix timestamp for a key	7.0.0	generic	O(1)
Start a coordinated failover between this server and one of its replicas.	6.2.0	server	O(1)
Invoke a function	7.0.0	scripting	Depends on the function that is executed.					We cannot tell how the keys will be used so we assume the worst, RW and UPDATE
Invoke a read-only function	7.0.0	scripting	Depends on the function that is executed.					We cannot tell how the keys will be used so we assume the worst, RO and ACCESS
Remove all keys from all databases	1.0.0	server	O(N) where N is the total number of keys in all databases				request_policy:all_shards response_policy:all_succeeded
Remove all keys from the current database	1.0.0	server	O(N) where N is the number of keys in the selected database				request_policy:all_shards response_policy:all_succeeded
A container for function commands	7.0.0	scripting	Depends on subcommand.
Delete a function by name	7.0.0	scripting	O(1)				request_policy:all_shards response_policy:all_succeeded
Dump all functions into a serialized binary payload	7.0.0	scripting	O(N) where N is the number of functions
Deleting all functions	7.0.0	scripting	O(N) where N is the number of functions deleted				request_policy:all_shards response_policy:all_succeeded
Show helpful text about the different subcommands	7.0.0	scripting	O(1)
Kill the function currently in execution.	7.0.0	scripting	O(1)				request_policy:all_shards response_policy:one_succeeded
List information about all the functions	7.0.0	scripting	O(N) where N is the number of functions				nondeterministic_output_order
Create a function with the given arguments (name, code, description)	7.0.0	scripting	O(1) (considering compilation time is redundant)				request_policy:all_shards response_policy:all_succeeded
Restore all the functions on the given payload	7.0.0	scripting	O(N) where N is the number of functions on the payload				request_policy:all_shards response_policy:all_succeeded
Return information about the function currently running (name, description, duration)	7.0.0	scripting	O(1)				nondeterministic_output request_policy:all_shards response_policy:special
Add one or more geospatial items in the geospatial index represented using a sorted set	3.2.0	geo	O(log(N)) for each item added, where N is the number of elements in the sorted set.
Returns the distance between two members of a geospatial index	3.2.0	geo	O(log(N))
Returns members of a geospatial index as standard geohash strings	3.2.0	geo	O(log(N)) for each member requested, where N is the number of elements in the sorted set.
Returns longitude and latitude of members of a geospatial index	3.2.0	geo	O(N) where N is the number of members requested.
Query a sorted set representing a geospatial index to fetch members matching a given maximum distance from a point	3.2.0	geo	O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.	deprecated	6.2.0	`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument
Query a sorted set representing a geospatial index to fetch members matching a given maximum distance from a member	3.2.0	geo	O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.	deprecated	6.2.0	`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments
A read-only variant for GEORADIUSBYMEMBER	3.2.10	geo	O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.	deprecated	6.2.0	`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments
A read-only variant for GEORADIUS	3.2.10	geo	O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.	deprecated	6.2.0	`GEOSEARCH` with the `BYRADIUS` argument
Query a sorted set representing a geospatial index to fetch members inside an area of a box or a circle.	6.2.0	geo	O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape
Query a sorted set representing a geospatial index to fetch members inside an area of a box or a circle, and store the result in another key.	6.2.0	geo	O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape
Get the value of a key	1.0.0	string	O(1)
Returns the bit value at offset in the string value stored at key	2.2.0	bitmap	O(1)
Get the value of a key and delete the key	6.2.0	string	O(1)
Get the value of a key and optionally set its expiration	6.2.0	string	O(1)					RW and UPDATE because it changes the TTL
Get a substring of the string stored at a key	2.4.0	string	O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.
Set the string value of a key and return its old value	1.0.0	string	O(1)	deprecated	6.2.0	`SET` with the `!GET` argument
Delete one or more hash fields	2.0.0	hash	O(N) where N is the number of fields to be removed.
Handshake with Redis	6.0.0	connection	O(1)
Determine if a hash field exists	2.0.0	hash	O(1)
Set a hash field's time to live in seconds	7.4.0	hash	O(N) where N is the number of specified fields
Set the expiration of a hash field as a UNIX timestamp	7.4.0	hash	O(N) where N is the number of specified fields
Get the expiration of a hash field as a UNIX timestamp	7.4.0	hash	O(N) where N is the number of specified fields
Get the value of a hash field	2.0.0	hash	O(1)
Get all the fields and values in a hash	2.0.0	hash	O(N) where N is the size of the hash.				nondeterministic_output_order
Increment the integer value of a hash field by the given number	2.0.0	hash	O(1)
Increment the float value of a hash field by the given amount	2.6.0	hash	O(1)
Get all the fields in a hash	2.0.0	hash	O(N) where N is the size of the hash.				nondeterministic_output_order
Get the number of fields in a hash	2.0.0	hash	O(1)
Get the values of all the given hash fields	2.0.0	hash	O(N) where N is the number of fields being requested.
Set multiple hash fields to multiple values	2.0.0	hash	O(N) where N is the number of fields being set.	deprecated	4.0.0	`HSET` with multiple field-value pairs
Remove the expiration from hash fields	7.4.0	hash	O(N) where N is the number of specified fields
Set a hash field's time to live in milliseconds	7.4.0	hash	O(N) where N is the number of specified fields
Set the expiration of a hash field as a UNIX timestamp in milliseconds	7.4.0	hash	O(N) where N is the number of specified fields
Get the expiration of a hash field as a UNIX timestamp in milliseconds	7.4.0	hash	O(N) where N is the number of specified fields
Get a hash field's time to live in milliseconds	7.4.0	hash	O(N) where N is the number of specified fields				nondeterministic_output
Get one or multiple random fields from a hash	6.2.0	hash	O(N) where N is the number of fields returned				nondeterministic_output
Incrementally iterate hash fields and associated values	2.8.0	hash	O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..				nondeterministic_output
Set the string value of a hash field	2.0.0	hash	O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.
Set the value of a hash field, only if the field does not exist	2.0.0	hash	O(1)
Get the length of the value of a hash field	3.2.0	hash	O(1)
Get a hash field's time to live in seconds	7.4.0	hash	O(N) where N is the number of specified fields				nondeterministic_output
Get all the values in a hash	2.0.0	hash	O(N) where N is the size of the hash.				nondeterministic_output_order
Increment the integer value of a key by one	1.0.0	string	O(1)
Increment the integer value of a key by the given amount	1.0.0	string	O(1)
Increment the float value of a key by the given amount	2.6.0	string	O(1)
Get information and statistics about the server	1.0.0	server	O(1)				nondeterministic_output request_policy:all_shards response_policy:special
Find all keys matching the given pattern	1.0.0	generic	O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.				request_policy:all_shards nondeterministic_output_order
Get the UNIX time stamp of the last successful save to disk	1.0.0	server	O(1)				nondeterministic_output
A container for latency diagnostics commands	2.8.13	server	Depends on subcommand.
Return a human readable latency analysis report.	2.8.13	server	O(1)				nondeterministic_output request_policy:all_nodes response_policy:special
Return a latency graph for the event.	2.8.13	server	O(1)				nondeterministic_output request_policy:all_nodes response_policy:special
Show helpful text about the different subcommands.	2.8.13	server	O(1)
Return the cumulative distribution of latencies of a subset of commands or all.	7.0.0	server	O(N) where N is the number of commands with latency information being retrieved.				nondeterministic_output request_policy:all_nodes response_policy:special
Return timestamp-latency samples for the event.	2.8.13	server	O(1)				nondeterministic_output request_policy:all_nodes response_policy:special
Return the latest latency samples for all events.	2.8.13	server	O(1)				nondeterministic_output request_policy:all_nodes response_policy:special
Reset latency data for one or more events.	2.8.13	server	O(1)				request_policy:all_nodes response_policy:all_succeeded
Find longest common substring	7.0.0	string	O(N*M) where N and M are the lengths of s1 and s2, respectively
Get an element from a list by its index	1.0.0	list	O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).
Insert an element before or after another element in a list	2.2.0	list	O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).
Get the length of a list	1.0.0	list	O(1)
Pop an element from a list, push it to another list and return it	6.2.0	list	O(1)
Pop elements from a list	7.0.0	list	O(N+M) where N is the number of provided keys and M is the number of elements returned.
Display some computer art and the Redis version	5.0.0	server
Remove and get the first elements in a list	1.0.0	list	O(N) where N is the number of elements returned
Return the index of matching elements on a list	6.0.6	list	O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.
Prepend one or multiple elements to a list	1.0.0	list	O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.
Prepend an element to a list, only if the list exists	2.2.0	list	O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.
Get a range of elements from a list	1.0.0	list	O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.
Remove elements from a list	1.0.0	list	O(N+M) where N is the length of the list and M is the number of elements removed.
Set the value of an element in a list by its index	1.0.0	list	O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).
Trim a list to the specified range	1.0.0	list	O(N) where N is the number of elements to be removed by the operation.
A container for memory diagnostics commands	4.0.0	server	Depends on subcommand.
Outputs memory problems report	4.0.0	server	O(1)				nondeterministic_output request_policy:all_shards response_policy:special
Show helpful text about the different subcommands	4.0.0	server	O(1)
Show allocator internal stats	4.0.0	server	Depends on how much memory is allocated, could be slow				nondeterministic_output request_policy:all_shards response_policy:special
Ask the allocator to release memory	4.0.0	server	Depends on how much memory is allocated, could be slow				request_policy:all_shards response_policy:all_succeeded
Show memory usage details	4.0.0	server	O(1)				nondeterministic_output request_policy:all_shards response_policy:special
Estimate the memory usage of a key	4.0.0	server	O(N) where N is the number of samples.
Get the values of all the given keys	1.0.0	string	O(N) where N is the number of keys to retrieve.				request_policy:multi_shard
Atomically transfer a key from a Redis instance to another one.	2.6.0	generic	This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.				nondeterministic_output
A container for module commands	4.0.0	server	Depends on subcommand.
Show helpful text about the different subcommands	5.0.0	server	O(1)
List all modules loaded by the server	4.0.0	server	O(N) where N is the number of loaded modules.				nondeterministic_output_order
Load a module	4.0.0	server	O(1)
Load a module with extended parameters	7.0.0	server	O(1)
Unload a module	4.0.0	server	O(1)
Listen for all requests received by the server in real time	1.0.0	server
Move a key to another database	1.0.0	generic	O(1)
Set multiple keys to multiple values	1.0.1	string	O(N) where N is the number of keys to set.				request_policy:multi_shard response_policy:all_succeeded
Set multiple keys to multiple values, only if none of the keys exist	1.0.1	string	O(N) where N is the number of keys to set.				request_policy:multi_shard response_policy:agg_min
Mark the start of a transaction block	1.2.0	transactions	O(1)
A container for object introspection commands	2.2.3	generic	Depends on subcommand.
Inspect the internal encoding of a Redis object	2.2.3	generic	O(1)				nondeterministic_output
Get the logarithmic access frequency counter of a Redis object	4.0.0	generic	O(1)				nondeterministic_output
Show helpful text about the different subcommands	6.2.0	generic	O(1)
Get the time since a Redis object was last accessed	2.2.3	generic	O(1)				nondeterministic_output
Get the number of references to the value of the key	2.2.3	generic	O(1)				nondeterministic_output
Remove the expiration from a key	2.2.0	generic	O(1)
Set a key's time to live in milliseconds	2.6.0	generic	O(1)
Set the expiration for a key as a UNIX timestamp specified in milliseconds	2.6.0	generic	O(1)
Get the expiration Unix timestamp for a key in milliseconds	7.0.0	generic	O(1)
Adds the specified elements to the specified HyperLogLog.	2.8.9	hyperloglog	O(1) to add every element.
Return the approximated cardinality of the set(s) observed by the HyperLogLog at key(s).	2.8.9	hyperloglog	O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.					RW because it may change the internal representation of the key, and propagate to replicas
Internal commands for debugging HyperLogLog values	2.8.9	hyperloglog	N/A	syscmd
Merge N different HyperLogLogs into a single one.	2.8.9	hyperloglog	O(N) to merge N HyperLogLogs, but with high constant times.
An internal command for testing HyperLogLog values	2.8.9	hyperloglog	N/A	syscmd
Ping the server	1.0.0	connection	O(1)				request_policy:all_shards response_policy:all_succeeded
Set the value and expiration in milliseconds of a key	2.6.0	string	O(1)
Listen for messages published to channels matching the given patterns	2.0.0	pubsub	O(N) where N is the number of patterns the client is already subscribed to.
Internal command used for replication	2.8.0	server
Get the time to live for a key in milliseconds	2.6.0	generic	O(1)				nondeterministic_output
Post a message to a channel	2.0.0	pubsub	O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client).
A container for Pub/Sub commands	2.8.0	pubsub	Depends on subcommand.
List active channels	2.8.0	pubsub	O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels and patterns)
Show helpful text about the different subcommands	6.2.0	pubsub	O(1)
Get the count of unique patterns pattern subscriptions	2.8.0	pubsub	O(1)
Get the count of subscribers for channels	2.8.0	pubsub	O(N) for the NUMSUB subcommand, where N is the number of requested channels
List active shard channels	7.0.0	pubsub	O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively short shard channels).
Get the count of subscribers for shard channels	7.0.0	pubsub	O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels
Stop listening for messages posted to channels matching the given patterns	2.0.0	pubsub	O(N+M) where N is the number of patterns the client is already subscribed and M is the number of total patterns subscribed in the system (by any client).
Close the connection	1.0.0	connection	O(1)
Return a random key from the keyspace	1.0.0	generic	O(1)				request_policy:all_shards nondeterministic_output
Enables read queries for a connection to a cluster replica node	3.0.0	cluster	O(1)
Disables read queries for a connection to a cluster replica node	3.0.0	cluster	O(1)
Rename a key	1.0.0	generic	O(1)
Rename a key, only if the new key does not exist	1.0.0	generic	O(1)
An internal command for configuring the replication stream	3.0.0	server	O(1)	syscmd
Make the server a replica of another instance, or promote it as master.	5.0.0	server	O(1)
Reset the connection	6.2.0	connection	O(1)
Create a key using the provided serialized value, previously obtained using DUMP.	2.6.0	generic	O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).
An internal command for migrating keys in a cluster	3.0.0	server	O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).	syscmd
Return the role of the instance in the context of replication	2.8.12	server	O(1)
Remove and get the last elements in a list	1.0.0	list	O(N) where N is the number of elements returned
Remove the last element in a list, prepend it to another list and return it	1.2.0	list	O(1)	deprecated	6.2.0	`LMOVE` with the `RIGHT` and `LEFT` arguments
Append one or multiple elements to a list	1.0.0	list	O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.
Append an element to a list, only if the list exists	2.2.0	list	O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.
Add one or more members to a set	1.0.0	set	O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.
Synchronously save the dataset to disk	1.0.0	server	O(N) where N is the total number of keys in all databases
Incrementally iterate the keys space	2.8.0	generic	O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.				nondeterministic_output request_policy:special
Get the number of members in a set	1.0.0	set	O(1)
A container for Lua scripts management commands	2.6.0	scripting	Depends on subcommand.
Set the debug mode for executed scripts.	3.2.0	scripting	O(1)
Check existence of scripts in the script cache.	2.6.0	scripting	O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).				request_policy:all_shards response_policy:agg_logical_and
Remove all the scripts from the script cache.	2.6.0	scripting	O(N) with N being the number of scripts in cache				request_policy:all_nodes response_policy:all_succeeded
Show helpful text about the different subcommands	5.0.0	scripting	O(1)
Kill the script currently in execution.	2.6.0	scripting	O(1)				request_policy:all_shards response_policy:one_succeeded
Load the specified Lua script into the script cache.	2.6.0	scripting	O(N) with N being the length in bytes of the script body.				request_policy:all_nodes response_policy:all_succeeded
Subtract multiple sets	1.0.0	set	O(N) where N is the total number of elements in all given sets.				nondeterministic_output_order
Subtract multiple sets and store the resulting set in a key	1.0.0	set	O(N) where N is the total number of elements in all given sets.
Change the selected database for the current connection	1.0.0	connection	O(1)
Set the string value of a key	1.0.0	string	O(1)					RW and ACCESS due to the optional `GET` argument
Sets or clears the bit at offset in the string value stored at key	2.2.0	bitmap	O(1)
Set the value and expiration of a key	2.0.0	string	O(1)
Set the value of a key, only if the key does not exist	1.0.0	string	O(1)
Overwrite part of a string at key starting at the specified offset	2.2.0	string	O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.
Synchronously save the dataset to disk and then shut down the server	1.0.0	server	O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)
Intersect multiple sets	1.0.0	set	O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.				nondeterministic_output_order
Intersect multiple sets and return the cardinality of the result	7.0.0	set	O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.
Intersect multiple sets and store the resulting set in a key	1.0.0	set	O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.
Determine if a given value is a member of a set	1.0.0	set	O(1)
Make the server a replica of another instance, or promote it as master.	1.0.0	server	O(1)	deprecated	5.0.0	`REPLICAOF`
A container for slow log commands	2.2.12	server	Depends on subcommand.
Get the slow log's entries	2.2.12	server	O(N) where N is the number of entries returned				request_policy:all_nodes nondeterministic_output
Show helpful text about the different subcommands	6.2.0	server	O(1)
Get the slow log's length	2.2.12	server	O(1)				request_policy:all_nodes response_policy:agg_sum nondeterministic_output
Clear all entries from the slow log	2.2.12	server	O(N) where N is the number of entries in the slowlog				request_policy:all_nodes response_policy:all_succeeded
Get all the members in a set	1.0.0	set	O(N) where N is the set cardinality.				nondeterministic_output_order
Returns the membership associated with the given elements for a set	6.2.0	set	O(N) where N is the number of elements being checked for membership
Move a member from one set to another	1.0.0	set	O(1)
Sort the elements in a list, set or sorted set	1.0.0	generic	O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).					|For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort|For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array
Sort the elements in a list, set or sorted set. Read-only variant of SORT.	7.0.0	generic	O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).					|For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort
Remove and return one or multiple random members from a set	1.0.0	set	Without the count argument O(1), otherwise O(N) where N is the value of the passed count.				nondeterministic_output
Post a message to a shard channel	7.0.0	pubsub	O(N) where N is the number of clients subscribed to the receiving shard channel.
Get one or multiple random members from a set	1.0.0	set	Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.				nondeterministic_output
Remove one or more members from a set	1.0.0	set	O(N) where N is the number of members to be removed.
Incrementally iterate Set elements	2.8.0	set	O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..				nondeterministic_output
Listen for messages published to the given shard channels	7.0.0	pubsub	O(N) where N is the number of shard channels to subscribe to.
Get the length of the value stored in a key	2.2.0	string	O(1)
Listen for messages published to the given channels	2.0.0	pubsub	O(N) where N is the number of channels to subscribe to.
Get a substring of the string stored at a key	1.0.0	string	O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.	deprecated	2.0.0	`GETRANGE`
Add multiple sets	1.0.0	set	O(N) where N is the total number of elements in all given sets.				nondeterministic_output_order
Add multiple sets and store the resulting set in a key	1.0.0	set	O(N) where N is the total number of elements in all given sets.
Stop listening for messages posted to the given shard channels	7.0.0	pubsub	O(N) where N is the number of clients already subscribed to a shard channel.
Swaps two Redis databases	4.0.0	server	O(N) where N is the count of clients watching or blocking on keys from both databases.
Internal command used for replication	1.0.0	server
Return the current server time	2.6.0	server	O(1)				nondeterministic_output
Alters the last access time of a key(s). Returns the number of existing keys specified.	3.2.1	generic	O(N) where N is the number of keys that will be touched.				request_policy:multi_shard response_policy:agg_sum
Get the time to live for a key in seconds	1.0.0	generic	O(1)				nondeterministic_output
Determine the type stored at key	1.0.0	generic	O(1)
Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.	4.0.0	generic	O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.				request_policy:multi_shard response_policy:agg_sum
Stop listening for messages posted to the given channels	2.0.0	pubsub	O(N) where N is the number of clients already subscribed to a channel.
Forget about all watched keys	2.2.0	transactions	O(1)
Wait for the synchronous replication of all the write commands sent in the context of the current connection	3.0.0	generic	O(1)				request_policy:all_shards response_policy:agg_min
Wait until the writes of this connection are in the append-only files	7.2.0	generic	O(1)				request_policy:all_shards response_policy:agg_min
Watch the given keys to determine execution of the MULTI/EXEC block	2.2.0	transactions	O(1) for every key.
Marks a pending message as correctly processed, effectively removing it from the pending entries list of the consumer group. Return value of the command is the number of messages successfully acknowledged, that is, the IDs we were actually able to resolve in the PEL.	5.0.0	stream	O(1) for each message ID processed.
Appends a new entry to a stream	5.0.0	stream	O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.				nondeterministic_output	UPDATE instead of INSERT because of the optional trimming feature
Changes (or acquires) ownership of messages in a consumer group, as if the messages were delivered to the specified consumer.	6.2.0	stream	O(1) if COUNT is small.				nondeterministic_output
Changes (or acquires) ownership of a message in a consumer group, as if the message was delivered to the specified consumer.	5.0.0	stream	O(log N) with N being the number of messages in the PEL of the consumer group.				nondeterministic_output
Removes the specified entries from the stream. Returns the number of items actually deleted, that may be different from the number of IDs passed in case certain IDs do not exist.	5.0.0	stream	O(1) for each single item to delete in the stream, regardless of the stream size.
A container for consumer groups commands	5.0.0	stream	Depends on subcommand.
Create a consumer group.	5.0.0	stream	O(1)
Create a consumer in a consumer group.	6.2.0	stream	O(1)
Delete a consumer from a consumer group.	5.0.0	stream	O(1)
Destroy a consumer group.	5.0.0	stream	O(N) where N is the number of entries in the group's pending entries list (PEL).
Show helpful text about the different subcommands	5.0.0	stream	O(1)
Set a consumer group to an arbitrary last delivered ID value.	5.0.0	stream	O(1)
A container for stream introspection commands	5.0.0	stream	Depends on subcommand.
List the consumers in a consumer group	5.0.0	stream	O(1)				nondeterministic_output
List the consumer groups of a stream	5.0.0	stream	O(1)
Show helpful text about the different subcommands	5.0.0	stream	O(1)
Get information about a stream	5.0.0	stream	O(1)
Return the number of entries in a stream	5.0.0	stream	O(1)
Return information and entries from a stream consumer group pending entries list, that are messages fetched but never acknowledged.	5.0.0	stream	O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.				nondeterministic_output
Return a range of elements in a stream, with IDs matching the specified IDs interval	5.0.0	stream	O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).
Return never seen elements in multiple streams, with IDs greater than the ones reported by the caller for each stream. Can block.	5.0.0	stream	For each stream mentioned: O(N) with N being the number of elements being returned, it means that XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) time in order to serve the M clients blocked on the stream getting new data.
Return new entries from a stream using a consumer group, or access the history of the pending entries for a given consumer. Can block.	5.0.0	stream	For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.
Return a range of elements in a stream, with IDs matching the specified IDs interval, in reverse order (from greater to smaller IDs) compared to XRANGE	5.0.0	stream	O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).
An internal command for replicating stream values	5.0.0	stream	O(1)
Trims the stream to (approximately if '~' is passed) a certain size	5.0.0	stream	O(N), with N being the number of evicted entries. Constant times are very small however, since entries are organized in macro nodes containing multiple entries that can be released with a single deallocation.				nondeterministic_output
Add one or more members to a sorted set, or update its score if it already exists	1.2.0	sorted-set	O(log(N)) for each item added, where N is the number of elements in the sorted set.
Get the number of members in a sorted set	1.2.0	sorted-set	O(1)
Count the members in a sorted set with scores within the given values	2.0.0	sorted-set	O(log(N)) with N being the number of elements in the sorted set.
Subtract multiple sorted sets	6.2.0	sorted-set	O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.
Subtract multiple sorted sets and store the resulting sorted set in a new key	6.2.0	sorted-set	O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.
Increment the score of a member in a sorted set	1.2.0	sorted-set	O(log(N)) where N is the number of elements in the sorted set.
Intersect multiple sorted sets	6.2.0	sorted-set	O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.
Intersect multiple sorted sets and return the cardinality of the result	7.0.0	sorted-set	O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.
Intersect multiple sorted sets and store the resulting sorted set in a new key	2.0.0	sorted-set	O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.
Count the number of members in a sorted set between a given lexicographical range	2.8.9	sorted-set	O(log(N)) with N being the number of elements in the sorted set.
Remove and return members with scores in a sorted set	7.0.0	sorted-set	O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.
Get the score associated with the given members in a sorted set	6.2.0	sorted-set	O(N) where N is the number of members being requested.
Remove and return members with the highest scores in a sorted set	5.0.0	sorted-set	O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.
Remove and return members with the lowest scores in a sorted set	5.0.0	sorted-set	O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.
Get one or multiple random elements from a sorted set	6.2.0	sorted-set	O(N) where N is the number of elements returned				nondeterministic_output
Return a range of members in a sorted set	1.2.0	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.
Return a range of members in a sorted set, by lexicographical range	2.8.9	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).	deprecated	6.2.0	`ZRANGE` with the `BYLEX` argument
Return a range of members in a sorted set, by score	1.0.5	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).	deprecated	6.2.0	`ZRANGE` with the `BYSCORE` argument
Store a range of members from sorted set into another key	6.2.0	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.
Determine the index of a member in a sorted set	2.0.0	sorted-set	O(log(N))
Remove one or more members from a sorted set	1.2.0	sorted-set	O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.
Remove all members in a sorted set between the given lexicographical range	2.8.9	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.
Remove all members in a sorted set within the given indexes	2.0.0	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.
Remove all members in a sorted set within the given scores	1.2.0	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.
Return a range of members in a sorted set, by index, with scores ordered from high to low	1.2.0	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.	deprecated	6.2.0	`ZRANGE` with the `REV` argument
Return a range of members in a sorted set, by lexicographical range, ordered from higher to lower strings.	2.8.9	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).	deprecated	6.2.0	`ZRANGE` with the `REV` and `BYLEX` arguments
Return a range of members in a sorted set, by score, with scores ordered from high to low	2.2.0	sorted-set	O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).	deprecated	6.2.0	`ZRANGE` with the `REV` and `BYSCORE` arguments
Determine the index of a member in a sorted set, with scores ordered from high to low	2.0.0	sorted-set	O(log(N))
Incrementally iterate sorted sets elements and associated scores	2.8.0	sorted-set	O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..				nondeterministic_output
Get the score associated with the given member in a sorted set	1.2.0	sorted-set	O(1)
Add multiple sorted sets	6.2.0	sorted-set	O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.
Add multiple sorted sets and store the resulting sorted set in a new key	2.0.0	sorted-set	O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.
";
