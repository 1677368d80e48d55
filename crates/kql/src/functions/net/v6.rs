//! Functions of version 6 addresses; they take version 4 ones as well.

use super::address::V6;
use super::{any_range, bool_or_null, prefix, sign, text};
use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("ipv6_compare", |a, _| pair(a).map_or(Value::Null, |(p, q)| sign(p.cmp(&q)))),
    ("ipv6_is_match", |a, _| bool_or_null(pair(a).map(|(p, q)| p == q))),
    ("ipv6_is_in_range", in_range),
    ("ipv6_is_in_any_range", |a, _| any_range(a, is_in)),
    ("parse_ipv6", parse),
    ("parse_ipv6_mask", parse_mask),
];

fn address(value: Option<&Value>) -> Option<V6> {
    V6::parse(&text(value)?)
}

/// Two networks under the shortest of their prefixes and the one given, which is one of version 4
/// where both are written so and it fits.
fn pair(arguments: &[Value]) -> Option<(u128, u128)> {
    let (p, q) = (address(arguments.first())?, address(arguments.get(1))?);
    let given = match prefix(arguments.get(2), 128).ok()?.unwrap_or(128) {
        given if given <= 32 && p.dotted && q.dotted => given + 96,
        given => given,
    };
    let least = p.prefix().min(q.prefix()).min(given);
    Some((p.at_most(least).network(), q.at_most(least).network()))
}

fn is_in(ip: &str, range: &str) -> Option<bool> {
    let (ip, range) = (V6::parse(ip)?, V6::parse(range)?);
    let least = ip.prefix().min(range.prefix());
    Some(ip.at_most(least).network() == range.at_most(least).network())
}

fn in_range(arguments: &[Value], _: &Context) -> Value {
    let (Some(ip), Some(range)) = (text(arguments.first()), text(arguments.get(1))) else {
        return Value::Null;
    };
    bool_or_null(is_in(&ip, &range))
}

/// All eight groups with four digits.
fn canonical(network: u128) -> Value {
    let hex = format!("{network:032x}");
    let groups: Vec<&str> = (0..8).map(|i| &hex[4 * i..4 * i + 4]).collect();
    Value::text(groups.join(":"))
}

fn parse(arguments: &[Value], _: &Context) -> Value {
    address(arguments.first()).map_or(Value::text(""), |ip| canonical(ip.network()))
}

fn parse_mask(arguments: &[Value], _: &Context) -> Value {
    let (Some(ip), Ok(Some(mask))) = (address(arguments.first()), prefix(arguments.get(1), 128))
    else {
        return Value::text("");
    };
    canonical(ip.at_most(mask).network())
}
