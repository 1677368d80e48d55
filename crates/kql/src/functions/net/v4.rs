//! Functions of version 4 addresses.

use std::net::Ipv4Addr;

use super::address::V4;
use super::{any_range, bool_or_null, prefix, sign, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("ipv4_compare", |a, _| pair(a).map_or(Value::Null, |(p, q)| sign(p.cmp(&q)))),
    ("ipv4_is_match", |a, _| bool_or_null(pair(a).map(|(p, q)| p == q))),
    ("ipv4_is_in_range", in_range),
    ("ipv4_is_in_any_range", |a, _| any_range(a, is_in)),
    ("ipv4_is_private", is_private),
    ("ipv4_netmask_suffix", netmask_suffix),
    ("ipv4_range_to_cidr_list", range_to_cidr_list),
    ("parse_ipv4", parse),
    ("parse_ipv4_mask", parse_mask),
    ("format_ipv4", |a, _| format(a, false)),
    ("format_ipv4_mask", |a, _| format(a, true)),
];

fn address(value: Option<&Value>) -> Option<V4> {
    match value? {
        Value::Int(_) | Value::Long(_) => V4::of_long(value?.as_integer()?),
        _ => V4::parse(&text(value)?),
    }
}

/// Two networks under the shortest of their prefixes and the one given.
fn pair(arguments: &[Value]) -> Option<(u32, u32)> {
    let (p, q) = (address(arguments.first())?, address(arguments.get(1))?);
    let given = prefix(arguments.get(2), 32).ok()?.unwrap_or(32);
    let least = p.prefix.min(q.prefix).min(given);
    Some((p.at_most(least).network(), q.at_most(least).network()))
}

/// Whether an address lies in a range.
fn is_in(ip: &str, range: &str) -> Option<bool> {
    let (ip, range) = (V4::parse(ip)?, V4::parse(range)?);
    Some(ip.at_most(range.prefix).network() == range.at_most(ip.prefix).network())
}

fn in_range(arguments: &[Value], _: &Context) -> Value {
    let (Some(ip), Some(range)) = (text(arguments.first()), text(arguments.get(1))) else {
        return Value::Null;
    };
    bool_or_null(is_in(&ip, &range))
}

fn is_private(arguments: &[Value], _: &Context) -> Value {
    let ip = address(arguments.first());
    bool_or_null(ip.map(|ip| Ipv4Addr::from(ip.network()).is_private()))
}

fn netmask_suffix(arguments: &[Value], _: &Context) -> Value {
    address(arguments.first()).map_or(Value::Null, |ip| Value::Long(ip.prefix.into()))
}

fn parse(arguments: &[Value], _: &Context) -> Value {
    address(arguments.first()).map_or(Value::Null, |ip| Value::Long(ip.network().into()))
}

fn parse_mask(arguments: &[Value], _: &Context) -> Value {
    let (Some(ip), Ok(Some(mask))) = (address(arguments.first()), prefix(arguments.get(1), 32))
    else {
        return Value::Null;
    };
    Value::Long(ip.at_most(mask).network().into())
}

fn format(arguments: &[Value], mask: bool) -> Value {
    let (Some(ip), Ok(given)) = (address(arguments.first()), prefix(arguments.get(1), 32)) else {
        return Value::text("");
    };
    let ip = ip.at_most(given.unwrap_or(32));
    let address = Ipv4Addr::from(ip.network());
    Value::text(if mask { format!("{address}/{}", ip.prefix) } else { address.to_string() })
}

/// The fewest ranges that hold all addresses from one to another.
fn range_to_cidr_list(arguments: &[Value], _: &Context) -> Value {
    let (Some(from), Some(to)) = (address(arguments.first()), address(arguments.get(1))) else {
        return Value::Null;
    };
    let (mut at, end) = (u64::from(from.network()), u64::from(to.network()) + 1);
    if at >= end {
        return Value::Null;
    }
    let mut list = Vec::new();
    while at < end {
        let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let fits = (end - at).ilog2();
        let bits = aligned.min(fits);
        let range = format!("{}/{}", Ipv4Addr::from(at as u32), 32 - bits);
        list.push(Json::String(range.into()));
        at += 1 << bits;
    }
    Value::json(Json::Array(list))
}
