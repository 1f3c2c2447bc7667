//! The files of the devtools page.

use std::fs;
use std::path::Path;

use outlast_core::Error;

use super::{Answer, POLICY};

/// Larger than any file of the page.
const FILE_BYTES_MAX: u64 = 16_777_216;

/// What the page itself may load; its own text says the same.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     connect-src 'self'; worker-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Says what is missing in the folder, if the page is not there.
pub(super) fn check(folder: &Path) -> Result<(), Error> {
    if folder.join("index.html").is_file() {
        return Ok(());
    }
    let allowed = "the folder that `make devtools` puts together, with an index.html";
    Err(Error::invalid_option("devtools", &folder.display().to_string(), allowed))
}

/// A file by its name, such as `/page.css`; none for what is no file of a page.
pub(super) fn file(folder: &Path, name: &str) -> Option<Answer> {
    let name = if name == "/" { "index.html" } else { name.strip_prefix('/')? };
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    let is_part =
        |part: &str| !part.starts_with('.') && !part.is_empty() && part.bytes().all(is_plain);
    if !name.split('/').all(is_part) {
        return None;
    }
    let kind = kind(name)?;
    let path = folder.join(name);
    let metadata = fs::metadata(&path).ok()?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return None;
    }
    let policy = if kind.starts_with("text/html") || kind.starts_with("text/javascript") {
        PAGE_POLICY
    } else {
        POLICY
    };
    Some(Answer::new(200, kind, fs::read(path).ok()?, policy))
}

fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next()? {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "png" => "image/png",
        _ => return None,
    })
}
