//! `parse_path()`.

use crate::functions::arguments::text;
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[("parse_path", parse_path)];

const SEPARATORS: [char; 2] = ['/', '\\'];

/// The drive that a path begins with, behind `\\?\` too.
fn root(path: &str) -> &str {
    let skipped = path.strip_prefix(r"\\?\").unwrap_or(path);
    match skipped.as_bytes() {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => &skipped[..2],
        _ => "",
    }
}

fn parse_path(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.is_empty() {
        return Value::Null;
    }
    let (scheme, path) = match source.split_once("://") {
        Some((scheme, path)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            // file:///C:/a has an empty host.
            let local = path.strip_prefix('/').filter(|local| !root(local).is_empty());
            (scheme, local.unwrap_or(path))
        }
        _ => ("", &*source),
    };
    let (directory, last) = match path.rfind(SEPARATORS) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => ("", path),
    };
    let (file, stream) = match last.split_once(':') {
        Some((file, stream)) if !file.is_empty() && last != root(path) => (file, stream),
        _ => (last, ""),
    };
    let directory_name = match directory.rfind(SEPARATORS) {
        Some(at) => &directory[at + 1..],
        None if directory == root(path) => "",
        None => directory,
    };
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    let part = |name: &str, value: &str| (name.into(), Json::String(value.into()));
    Value::json(Json::Bag(vec![
        part("Scheme", scheme),
        part("RootPath", root(path)),
        part("DirectoryPath", directory),
        part("DirectoryName", directory_name),
        part("Filename", file),
        part("Extension", extension),
        part("AlternateDataStreamName", stream),
    ]))
}
