//! The store behind a socket, beside a real redis-server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use outlast::server::{Password, Server as Front, ServerOptions};
use outlast_tests::{Peer, Running, Server, eventually};

/// Without the numbers that only one server gives.
fn masked(reply: &str) -> String {
    let mut lines: Vec<&str> = reply.split("\r\n").collect();
    let is_id = |line: &str| line == "id";
    for at in 1..lines.len() {
        if is_id(lines[at - 1]) {
            lines[at] = ":id";
        }
    }
    lines.join("\r\n")
}

const ASKED: &[&str] = &[
    "SELECT 16",
    "SELECT x",
    "SELECT -1",
    "SELECT 99999999999",
    "SELECT 1\r\nSET a b\r\nSELECT 0\r\nGET a\r\nSELECT 1\r\nGET a",
    "AUTH x",
    "AUTH default x",
    "AUTH bob x",
    "AUTH a b c",
    "HELLO x",
    "HELLO 4",
    "HELLO 2 FOO",
    "HELLO 3 SETNAME 'a b'",
    "HELLO 3 SETNAME ab\r\nCLIENT GETNAME",
    "HELLO 2",
    "HELLO 3",
    "HELLO",
    "HELLO 3 AUTH default",
    "HELLO 3 AUTH bob x",
    "CLIENT",
    "CLIENT FOO",
    "CLIENT SETNAME",
    "CLIENT SETNAME 'a b'",
    "CLIENT GETNAME",
    "CLIENT GETNAME x",
    "CLIENT SETNAME abc\r\nCLIENT GETNAME\r\nCLIENT SETNAME ''\r\nCLIENT GETNAME",
    "CLIENT LIST TYPE foo",
    "CLIENT LIST TYPE pubsub",
    "CLIENT LIST ID x",
    "CLIENT LIST ID 99999",
    "CLIENT LIST FOO",
    "CLIENT NO-EVICT x",
    "CLIENT NO-EVICT on",
    "CLIENT TRACKING off",
    "CLIENT TRACKING foo",
    "CLIENT TRACKINGINFO",
    "HELLO 3\r\nCLIENT TRACKINGINFO",
    "CLIENT GETREDIR",
    "CLIENT REPLY foo",
    "CLIENT REPLY ON",
    "CLIENT REPLY SKIP\r\nGET a\r\nPING",
    "CLIENT REPLY SKIP\r\nFOO\r\nPING",
    "CLIENT REPLY OFF\r\nGET a\r\nFOO\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON",
    "CLIENT REPLY OFF\r\nSUBSCRIBE a\r\nGET",
    "CLIENT REPLY OFF\r\nRESET\r\nPING",
    "CLIENT UNPAUSE",
    "CLIENT CACHING yes",
    "READONLY",
    "READWRITE",
    "ASKING",
    "RESET",
    "QUIT a b",
    "PING a b",
    "PING a",
    "ECHO",
    "PUBSUB",
    "PUBSUB FOO",
    "PUBSUB NUMPAT a",
    "PUBSUB NUMPAT",
    "PUBSUB NUMSUB a b",
    "PUBSUB NUMSUB",
    "PUBSUB CHANNELS a b",
    "PUBSUB CHANNELS",
    "PUBSUB SHARDCHANNELS",
    "SUBSCRIBE a b\r\nPING\r\nPING x\r\nGET a\r\nCLIENT INFO\r\nFOO\r\nGET\r\nHELLO 3\r\nPUBLISH a x",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE x",
    "SUNSUBSCRIBE",
    "SSUBSCRIBE a b\r\nSUBSCRIBE a\r\nPUBSUB NUMPAT\r\nUNSUBSCRIBE a q\r\nSUNSUBSCRIBE a b\r\nGET a",
    "HELLO 3\r\nSUBSCRIBE a\r\nPUBLISH a x\r\nPING\r\nPING z\r\nUNSUBSCRIBE",
    "HELLO 3\r\nPSUBSCRIBE a* b\r\nSUBSCRIBE ab\r\nPUBLISH ab x\r\nPUBSUB NUMPAT\r\nPUBSUB NUMSUB ab",
    "HELLO 3\r\nSSUBSCRIBE s\r\nSPUBLISH s x\r\nPUBLISH s x\r\nPUBSUB SHARDNUMSUB s\r\nPUBSUB SHARDCHANNELS",
    "SUBSCRIBE a a\r\nRESET\r\nPING",
    "FOO a b 'c d'",
    "FOO",
    "FOO aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b \
     cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc d",
    "GET",
    "foo\"bar\"x y",
    "'a",
    "\"a\"b",
    "\"\\x50ING\"",
    "   ",
    "*0",
    "*-1",
    "*x",
    "*1\r\nx",
    "*1\r\n$-1",
    "*1\r\n$x",
    "*1\r\n$999999999999",
    "*2147483648",
    "*1\r\n$4\r\nPINGxx",
    "*2\r\n$4\r\nECHO\r\n$3\r\na\0b",
    "POST / HTTP",
    "Host: x",
    "MULTI\r\nFOO\r\nEXEC",
    "MULTI\r\nPING\r\nSELECT 1\r\nECHO x\r\nEXEC",
    "MULTI\r\nRESET\r\nEXEC",
    "MULTI\r\nSUBSCRIBE a\r\nEXEC\r\nGET x",
    "HELLO 3\r\nGET nokey\r\nCLIENT GETNAME",
];

#[test]
fn it_answers_byte_for_byte_as_redis() {
    let (redis, front) = (Server::start(), Running::start());
    for asked in ASKED {
        let expected = masked(&Peer::connect(redis.port).all(asked));
        assert_eq!(masked(&front.connect().all(asked)), expected, "{asked}");
    }
}

#[test]
fn a_password_is_asked_for_as_redis_asks() {
    let redis = Server::start();
    assert_eq!(redis.cli(&["CONFIG", "SET", "requirepass", "sekret"]), "OK");
    let front = Running::with(|options| options.password = Some(Password::new("sekret")));
    for asked in [
        "GET a",
        "GET",
        "FOO",
        "PING",
        "HELLO 3",
        "HELLO",
        "HELLO 9",
        "AUTH x",
        "AUTH default x",
        "AUTH bob sekret",
        "AUTH sekret\r\nGET a",
        "AUTH default sekret\r\nGET a",
        "HELLO 3 AUTH default sekret\r\nGET a",
        "HELLO 3 AUTH default x",
        "*11\r\n",
        "*1\r\n$16385",
        "RESET",
        "AUTH sekret\r\nRESET\r\nGET a",
        "MULTI\r\nGET a\r\nEXEC",
        "SUBSCRIBE x",
        "CLIENT FOO",
        "CLIENT ID",
        "AUTH sekret\r\nAUTH x\r\nPING",
    ] {
        let expected = masked(&Peer::connect(redis.port).all(asked));
        assert_eq!(masked(&front.connect().all(asked)), expected, "{asked}");
    }
}

#[test]
fn what_the_store_does_not_do_is_named() {
    let front = Running::start();
    let mut peer = front.connect();
    peer.ask(
        "MONITOR\r\nclient kill id 3\r\n",
        "-ERR outlast: 'MONITOR' is not served from memory\r\n\
         -ERR outlast: 'CLIENT KILL' is not served from memory\r\n",
    );
}

#[test]
fn the_tools_of_redis_work_with_it() {
    let front = Running::start();
    assert_eq!(front.tool("redis-cli", &["SET", "k", "v"]), "OK");
    assert_eq!(front.tool("redis-cli", &["-3", "GET", "k"]), "v");
    assert_eq!(front.tool("redis-cli", &["CLIENT", "LIST"]).lines().count(), 1);
    for pipeline in ["1", "16"] {
        let args = ["-q", "-n", "2000", "-t", "ping,set,get,incr", "-P", pipeline];
        let told = front.tool("redis-benchmark", &args);
        assert_eq!(told.matches("requests per second").count(), 5, "{told}");
    }
    assert_eq!(front.tool("redis-cli", &["GET", "counter:__rand_int__"]), "4000");
}

#[test]
fn requests_may_come_in_any_pieces_and_many_at_once() {
    let front = Running::start();
    let mut peer = front.connect();
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n" {
        peer.send([*byte]);
    }
    peer.expect("+OK\r\n");
    let requests = "INCR n\r\n".repeat(5_000);
    let replies: Vec<String> = (1..=5_000).map(|n| format!(":{n}\r\n")).collect();
    peer.ask(requests, &replies.concat());
    let long = vec![b'x'; 3_000_000];
    let request = [b"*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$3000000\r\n".as_slice(), &long, b"\r\n"];
    peer.ask(request.concat(), "+OK\r\n");
    peer.send("GET long\r\nPING\r\n");
    peer.expect("$3000000\r\n");
    peer.expect(&String::from_utf8(long).unwrap());
    peer.expect("\r\n+PONG\r\n");
}

#[test]
fn a_client_that_sends_much_before_it_reads_is_answered() {
    let front = Running::with(|options| options.output_bytes_max = 100_000);
    let mut peer = front.connect();
    let value = "v".repeat(10_000);
    peer.ask(format!("SET k {value}\r\n"), "+OK\r\n");
    let mut writer = peer.0.try_clone().unwrap();
    let sends = std::thread::spawn(move || {
        writer.write_all("GET k\r\n".repeat(10_000).as_bytes()).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut replies = 0;
    let expected = format!("$10000\r\n{value}\r\n");
    while replies < 10_000 {
        peer.expect(&expected);
        replies += 1;
    }
    sends.join().unwrap();
    peer.expect_end();
}

#[test]
fn messages_reach_all_who_listen() {
    let front = Running::start();
    let (mut old, mut new, mut sender) = (front.connect(), front.connect(), front.connect());
    old.ask("SUBSCRIBE news\r\n", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    new.send("HELLO 3\r\n");
    new.send("PSUBSCRIBE n*\r\n");
    eventually("both listen", || front.tool("redis-cli", &["PUBSUB", "NUMPAT"]) == "1");
    sender.ask("PUBLISH news hello\r\n", ":2\r\n");
    old.expect("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    let mut got = vec![0; 4_096];
    let mut text = String::new();
    while !text.ends_with("hello\r\n") {
        let bytes = new.0.read(&mut got).unwrap();
        text += &String::from_utf8_lossy(&got[..bytes]);
    }
    let message = ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    assert!(text.ends_with(message), "{text}");
    drop((old, new));
    eventually("both are gone", || front.tool("redis-cli", &["PUBLISH", "news", "x"]) == "0");
}

#[test]
fn a_subscriber_that_does_not_read_is_disconnected() {
    let front = Running::with(|options| options.output_bytes_max = 1 << 20);
    let (mut slow, mut sender) = (front.connect(), front.connect());
    slow.ask("SUBSCRIBE c\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    let message = format!("PUBLISH c {}\r\n", "m".repeat(50_000));
    eventually("it is gone", || {
        sender.send(&message);
        let mut reply = [0; 4];
        sender.0.read_exact(&mut reply).unwrap();
        &reply == b":0\r\n"
    });
    sender.ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn who_waits_for_a_list_is_served_in_order() {
    let front = Running::start();
    let (mut first, mut second, mut pusher) = (front.connect(), front.connect(), front.connect());
    let blocked = |count: usize| {
        eventually("they wait", || {
            front
                .tool("redis-cli", &["INFO", "clients"])
                .contains(&format!("blocked_clients:{count}"))
        });
    };
    first.send("BLPOP k 0\r\nPING\r\n");
    blocked(1);
    second.send("BLPOP other k 0\r\n");
    blocked(2);
    pusher.ask("RPUSH k a b c\r\n", ":3\r\n");
    first.expect("*2\r\n$1\r\nk\r\n$1\r\na\r\n+PONG\r\n");
    second.expect("*2\r\n$1\r\nk\r\n$1\r\nb\r\n");
    pusher.ask("LLEN k\r\n", ":1\r\n");
    first.ask("BLPOP k 0\r\n", "*2\r\n$1\r\nk\r\n$1\r\nc\r\n");
    // One who is gone takes nothing.
    second.send("BLPOP k 0\r\n");
    blocked(1);
    drop(second);
    blocked(0);
    pusher.ask("RPUSH k d\r\nLLEN k\r\n", ":1\r\n:1\r\n");
    pusher.ask("DEL k\r\n", ":1\r\n");
    let began = Instant::now();
    first.ask("BLPOP k 0.05\r\n", "*-1\r\n");
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
}

#[test]
fn bounds_are_kept() {
    let front = Running::with(|options| {
        options.clients_max = 3;
        options.query_bytes_max = 10_000;
        options.bytes_max = 100_000;
    });
    let mut peers: Vec<Peer> = (0..3).map(|_| front.connect()).collect();
    for peer in &mut peers {
        peer.ask("PING\r\n", "+PONG\r\n");
    }
    for _ in 0..50 {
        let mut refused = front.connect();
        refused.expect("-ERR max number of clients reached\r\n");
        refused.expect_end();
    }
    let mut greedy = peers.remove(0);
    greedy.send("*2\r\n$4\r\nECHO\r\n$20000\r\n");
    greedy.expect_end();
    eventually("there is room again", || {
        let mut peer = front.connect();
        peer.send("PING\r\n");
        let mut reply = [0; 7];
        peer.0.read_exact(&mut reply).is_ok() && &reply == b"+PONG\r\n"
    });
    let full = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    let value = "v".repeat(9_000);
    for n in 0..9 {
        peers[0].ask(format!("SET k{n} {value}\r\n"), "+OK\r\n");
    }
    peers[0].send(format!("SET a {value}\r\nSET b {value}\r\nSET c {value}\r\nPING\r\n"));
    let mut told = String::new();
    let mut bytes = [0; 1_024];
    while !told.ends_with("+PONG\r\n") {
        let read = peers[0].0.read(&mut bytes).unwrap();
        told += &String::from_utf8_lossy(&bytes[..read]);
    }
    assert!(told.contains(full), "{told}");
}

/// What scripts may write where memory is full; each after what came before it.
const SHORT_OF_MEMORY: &[&str] = &[
    "return redis.call('SET', 'a', '1')",
    "local told = redis.pcall('SET', 'a', '1') return {told.err, redis.call('GET', 'old')}",
    "#!lua\nreturn 1",
    "#!lua flags=no-writes\nreturn redis.call('GET', 'old')",
    "#!lua flags=allow-oom\nreturn redis.call('SET', 'b', '1')",
    "redis.call('DEL', 'old') return redis.call('SET', 'c', '1')",
    "return redis.call('MGET', 'a', 'b', 'c', 'old')",
];

#[test]
fn a_script_without_memory_does_what_it_does_on_redis() {
    let front = Running::with(|options| options.bytes_max = 100_000);
    let server = Server::start();
    let both =
        |bytes: &str| [front.connect(), Peer::connect(server.port)].map(|mut it| it.all(bytes));
    both("SET old 1");
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let is_full = |n: i32| front.connect().all(&format!("SET filler{n} x")).starts_with("-OOM");
    assert!((0..10_000).any(is_full), "never full");
    for script in SHORT_OF_MEMORY {
        let length = script.len();
        let eval = format!("*3\r\n$4\r\nEVAL\r\n${length}\r\n{script}\r\n$1\r\n0");
        let [ours, theirs] = both(&eval);
        assert_eq!(ours, theirs, "{script}");
    }
}

#[test]
fn hostile_bytes_end_one_connection_only() {
    let front = Running::start();
    let mut calm = front.connect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..300 {
        let mut hostile = front.connect();
        let alphabet = b"*$-0129\r\n\r\n\"'\\x a\0\xffPINGETS";
        let length = random() % 200;
        let index = |random: u64| usize::try_from(random).unwrap() % alphabet.len();
        let bytes: Vec<u8> = (0..length).map(|_| alphabet[index(random())]).collect();
        let _ = hostile.0.write_all(&bytes);
        drop(hostile);
    }
    calm.ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn other_addresses_need_a_password() {
    let mut options = ServerOptions::new(0);
    options.address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(Front::bind(options.clone())).unwrap_err();
    assert!(error.to_string().contains("any other needs a password"), "{error}");
    options.password = Some(Password::new("sekret"));
    assert!(!format!("{options:?}").contains("sekret"));
    runtime.block_on(Front::bind(options)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_served_and_removed() {
    let path = std::env::temp_dir().join(format!("outlast-front-{}.sock", std::process::id()));
    let mut front = Running::with(|options| options.unix_path = Some(path.clone()));
    let path_text = path.display().to_string();
    let output = Command::new("redis-cli").args(["-s", &path_text, "ECHO", "hi"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "hi");
    front.stop();
    assert!(!path.exists());
}

#[test]
fn its_end_answers_what_came_and_frees_the_port() {
    let mut front = Running::start();
    let mut peers: Vec<Peer> = (0..20).map(|_| front.connect()).collect();
    for peer in &mut peers {
        peer.ask("PING\r\n", "+PONG\r\n");
    }
    peers[0].ask("SUBSCRIBE c\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    let began = Instant::now();
    front.stop();
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    for peer in &mut peers {
        peer.expect_end();
    }
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, front.port)).is_err());
}
