//! The portal's files inside the binary: which file answers a path, in which encoding, with which
//! tag. No HTTP: the crate `api` speaks it.
//!
//! `cargo xtask build` makes them into `web/dist` before it compiles; each lies there as it is and,
//! where that is smaller, as `.br` and `.gz`. Without them the crate compiles just as well and
//! answers one page, which says how to build the portal.

mod encoding;

use std::borrow::Cow;
use std::fmt::Write as _;

use encoding::Encoding;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// The page of the portal itself; every address that is no file is one of its own.
const INDEX: &str = "index.html";
/// Files below have a hash of their content in their name, so they never change.
const HASHED: &str = "assets/";
const HOW_TO: &str = include_str!("how_to.html");
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// What is answered to a `GET` or `HEAD` outside the API.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// This file, in the best encoding that the client takes.
    File(File),
    /// The client has it already.
    NotModified {
        /// Entity tag, with its quotation marks.
        etag: String,
        /// Value of `Cache-Control`.
        cache_control: &'static str,
    },
    /// There is no such file, and the path is no page of the portal's either.
    NotFound,
}

/// A file as it goes out.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// The bytes, already encoded.
    pub body: Cow<'static, [u8]>,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Value of `Content-Encoding`, if it is encoded.
    pub content_encoding: Option<&'static str>,
    /// Entity tag of these bytes, with its quotation marks.
    pub etag: String,
    /// Value of `Cache-Control`.
    pub cache_control: &'static str,
}

/// Whether the portal was built before this crate was compiled.
pub fn is_built() -> bool {
    Dist::get(INDEX).is_some()
}

/// Answers a path, given the values of the headers `Accept-Encoding` and `If-None-Match`.
///
/// The answer depends on `Accept-Encoding`: say so with `Vary`.
pub fn answer(path: &str, accept_encoding: &str, if_none_match: Option<&str>) -> Answer {
    respond(&|name| Dist::get(name).map(Stored::from), path, accept_encoding, if_none_match)
}

/// A file as it is stored, with the hash of its bytes.
struct Stored {
    body: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

impl From<rust_embed::EmbeddedFile> for Stored {
    fn from(file: rust_embed::EmbeddedFile) -> Self {
        Self { sha256: file.metadata.sha256_hash(), body: file.data }
    }
}

type Files<'a> = &'a dyn Fn(&str) -> Option<Stored>;

fn respond(files: Files<'_>, path: &str, accept: &str, if_none_match: Option<&str>) -> Answer {
    let path = path.trim_start_matches('/');
    let Some((name, file)) = choose(files, path) else {
        return if path.starts_with(HASHED) { Answer::NotFound } else { how_to() };
    };
    let accepted = encoding::accepted(accept);
    let encoded = accepted.iter().find_map(|encoding| {
        files(&format!("{name}{}", encoding.ending())).map(|stored| (Some(*encoding), stored))
    });
    let (encoding, stored) = encoded.unwrap_or((None, file));
    let etag = tag(&stored.sha256);
    let cache_control = if name.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN };
    if if_none_match.is_some_and(|known| names(known, &etag)) {
        return Answer::NotModified { etag, cache_control };
    }
    Answer::File(File {
        body: stored.body,
        content_type: content_type(name),
        content_encoding: encoding.map(Encoding::name),
        etag,
        cache_control,
    })
}

/// The file of this name, or the portal's page for what is none.
fn choose<'a>(files: Files<'_>, path: &'a str) -> Option<(&'a str, Stored)> {
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    let is_variant = Encoding::ALL.iter().any(|encoding| path.ends_with(encoding.ending()));
    let may_be_file = !path.is_empty() && !is_hidden && !is_variant;
    if let Some(file) = may_be_file.then(|| files(path)).flatten() {
        return Some((path, file));
    }
    // A missing file with a hash in its name belongs to another build: a page would only confuse
    // who asked for a script.
    if path.starts_with(HASHED) { None } else { files(INDEX).map(|file| (INDEX, file)) }
}

fn how_to() -> Answer {
    Answer::File(File {
        body: Cow::Borrowed(HOW_TO.as_bytes()),
        content_type: content_type(INDEX),
        content_encoding: None,
        etag: "\"not-built\"".to_owned(),
        cache_control: "no-store",
    })
}

/// Half of the hash is plenty to tell two builds apart.
fn tag(sha256: &[u8; 32]) -> String {
    let mut text = String::from("\"");
    for byte in &sha256[..16] {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

/// Whether a list of entity tags names this one (RFC 9110, section 13.1.2: compared weakly).
fn names(if_none_match: &str, etag: &str) -> bool {
    let known = if_none_match.split(',').map(str::trim);
    known.map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).any(|tag| tag == "*" || tag == etag)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
