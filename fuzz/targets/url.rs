//! URLs and options by chance: whatever they say, no password of theirs is shown, and what is shown of an
//! endpoint is one line, and a URL of the same endpoint.

#![no_main]

use libfuzzer_sys::fuzz_target;
use outlast::Config;

/// Planted as the password. No other text by chance holds it.
const SECRET: &str = "pL4nTeDsEcReT";

/// Options that name files, or make a client look for the machine's authorities, are tested elsewhere: they
/// would be the slowest part by far.
fn is_of_files(text: &str) -> bool {
    ["tls", "ssl", "rediss"].iter().any(|part| text.contains(part))
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.lines();
    let (Some(login), Some(rest)) = (lines.next(), lines.next()) else { return };
    // A login ends with the first of these: what follows is no password.
    if login.contains(['/', '?', '#', '@', '\\']) || is_of_files(&text) {
        return;
    }
    for scheme in ["redis", "redis-sentinel", "unix"] {
        let url = format!("{scheme}://{login}:{SECRET}@{rest}");
        let mut builder = Config::builder(&url);
        for option in lines.clone().take(8) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            builder = builder.option(name, value);
        }
        let shown = format!("{builder:?}");
        assert!(!shown.contains(SECRET), "{shown}");
        match builder.build() {
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains(SECRET), "{shown}");
            }
            Ok(config) => {
                let shown = format!("{config:?} {}", config.endpoint);
                assert!(!shown.contains(SECRET), "{shown}");
                let shown = config.endpoint.to_string();
                assert!(!shown.contains(char::is_control), "{shown:?}");
                // Names of masters and paths are shown as they are, not as a URL writes them.
                if scheme == "redis" {
                    let again = Config::builder(&shown).build();
                    let again = again.expect("what is shown of an endpoint is a URL");
                    assert_eq!(again.endpoint.to_string(), shown);
                }
            }
        }
    }
});
