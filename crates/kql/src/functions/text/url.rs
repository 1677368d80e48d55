//! Percent encoding and the parts of addresses.

use std::sync::Arc;

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::text;
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("parse_url", parse_url),
    ("parseurl", parse_url),
    ("parse_urlquery", parse_urlquery),
    ("parseurlquery", parse_urlquery),
    ("url_decode", |a, _| Value::text(url_decode(&text(a, 0)))),
    ("url_encode", |a, _| Value::text(url_encode(&text(a, 0), "+"))),
    ("url_encode_component", |a, _| Value::text(url_encode(&text(a, 0), "%20"))),
];

/// Percent-encodes in lower case all but letters, digits and `-_.!*()`.
fn url_encode(source: &str, space: &str) -> String {
    if source.len() > TEXT_MAX_BYTES / 3 {
        return String::new();
    }
    let mut out = String::with_capacity(source.len());
    for byte in source.bytes() {
        match byte {
            b' ' => out.push_str(space),
            b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                out.push('%');
                out.push_str(&hex::encode([byte]));
            }
        }
    }
    out
}

fn url_decode(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let digits = |from: usize, count: usize| {
        let digits = bytes.get(from..from + count)?;
        let text = std::str::from_utf8(digits).ok()?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(text, 16).ok()
    };
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                if let Some(value) = digits(at + 1, 2) {
                    out.push(value as u8);
                    at += 2;
                } else if bytes.get(at + 1) == Some(&b'u')
                    && let Some(c) = digits(at + 2, 4).and_then(char::from_u32)
                {
                    out.extend(c.to_string().as_bytes());
                    at += 5;
                } else {
                    out.push(b'%');
                }
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// More parameters of one address are not read.
const PARAMETERS_MAX: usize = 1 << 16;

/// The parameters of a query as a bag; the first of a name counts.
fn query_bag(query: &str) -> Json {
    let mut members: Vec<(Arc<str>, Json)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for part in query.split('&').filter(|part| !part.is_empty()).take(PARAMETERS_MAX) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (url_decode(name), url_decode(value));
        if seen.insert(name.clone()) {
            members.push((name.into(), Json::String(value.into())));
        }
    }
    Json::Bag(members)
}

fn parse_urlquery(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.is_empty() {
        return Value::Null;
    }
    let query = source.strip_prefix('?').unwrap_or(&source);
    let query = query.split('#').next().unwrap_or(query);
    Value::json(Json::Bag(vec![("Query Parameters".into(), query_bag(query))]))
}

/// `scheme://user:password@host:port/path?query#fragment`; parts that are missing are `""`.
fn parse_url(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.is_empty() {
        return Value::Null;
    }
    let (rest, fragment) = source.split_once('#').unwrap_or((&source, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, authority, path) = match rest.split_once("://") {
        Some((scheme, rest)) => {
            let at = rest.find('/').unwrap_or(rest.len());
            // The printed example has the path without its first slash.
            (scheme, &rest[..at], rest.get(at + 1..).unwrap_or(""))
        }
        None => match rest.split_once(':') {
            // mailto:someone
            Some((scheme, path)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                (scheme, "", path)
            }
            _ => ("", "", rest),
        },
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = match host.rfind(':') {
        // A colon inside of brackets belongs to an IPv6 address.
        Some(at) if !host[at..].contains(']') => (&host[..at], &host[at + 1..]),
        _ => (host, ""),
    };
    let part = |name: &str, value: &str| (name.into(), Json::String(value.into()));
    Value::json(Json::Bag(vec![
        part("Scheme", scheme),
        part("Host", host),
        part("Port", port),
        part("Path", path),
        part("Username", user),
        part("Password", password),
        ("Query Parameters".into(), query_bag(query)),
        part("Fragment", fragment),
    ]))
}
