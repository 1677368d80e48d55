//! Version 4 addresses inside text, set off by what is neither letter nor digit.

use std::net::Ipv4Addr;

use super::{text, texts};
use crate::functions::Table;
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("has_ipv4", |a, _| search(a, has_address)),
    ("has_any_ipv4", |a, _| search(a, has_address)),
    ("has_ipv4_prefix", |a, _| search(a, has_prefix)),
    ("has_any_ipv4_prefix", |a, _| search(a, has_prefix)),
];

fn search(arguments: &[Value], test: fn(&str, &str) -> bool) -> Value {
    let Some(source) = text(arguments.first()) else { return Value::Bool(false) };
    Value::Bool(texts(&arguments[1..]).iter().any(|needle| test(&source, needle)))
}

/// Whether `end` is followed by nothing that would belong to it.
fn ends(text: &str, end: usize) -> bool {
    !text[end..].chars().next().is_some_and(char::is_alphanumeric)
}

/// Where `needle` begins in `text` behind nothing that would belong to it.
fn starts<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(needle)
        .map(|(at, _)| at)
        .filter(|at| !text[..*at].chars().next_back().is_some_and(char::is_alphanumeric))
}

fn has_address(text: &str, address: &str) -> bool {
    address.parse::<Ipv4Addr>().is_ok()
        && starts(text, address).any(|at| ends(text, at + address.len()))
}

/// A prefix is an address, or its first parts with a dot behind them.
fn has_prefix(text: &str, prefix: &str) -> bool {
    if !prefix.ends_with('.') {
        return has_address(text, prefix);
    }
    let parts: Vec<&str> = prefix[..prefix.len() - 1].split('.').collect();
    if parts.len() > 3 || parts.iter().any(|part| part.parse::<u8>().is_err()) {
        return false;
    }
    starts(text, prefix).any(|at| {
        let rest = &text[at + prefix.len()..];
        // The missing parts: digits and dots, as many as an address has.
        let mut dots = 3 - parts.len();
        let length = rest
            .bytes()
            .take_while(|b| match b {
                b'.' if dots > 0 => {
                    dots -= 1;
                    true
                }
                b => b.is_ascii_digit(),
            })
            .count();
        let end = at + prefix.len() + length;
        text[at..end].parse::<Ipv4Addr>().is_ok() && ends(text, end)
    })
}
