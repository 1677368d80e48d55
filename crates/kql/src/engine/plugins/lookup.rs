//! Plugins that look rows up in a table: `ipv4_lookup`, `ipv6_lookup`, `geo_polygon_lookup`,
//! `geo_line_lookup`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Call;
use crate::engine::env::Tally;
use crate::engine::eval::{Expr, compile_over};
use crate::engine::rows::shell_bytes;
use crate::engine::{EngineError, Key, Part, Result, Row, Rows};
use crate::functions;
use crate::plan::Scalar;
use crate::value::Value;

/// What is put beside a row: the columns of the table that the output has.
struct Lookup<'c> {
    table: &'c Rows,
    /// For each column after the input's: its position in the table
    columns: Vec<Option<usize>>,
    unmatched: bool,
    rows: Vec<Row>,
    tally: Tally<'c>,
}

impl<'c> Lookup<'c> {
    /// `key` is the parameter with the table's column, `extra` with columns that both have.
    fn of(call: &'c Call<'_>, key: &str, extra: &[usize]) -> Result<Self> {
        let Some(table) = call.tables.first() else {
            return Err(call.invalid("the lookup table is missing"));
        };
        let n_new = call.schema.len().saturating_sub(call.input.schema.len());
        let rest: Vec<usize> = (0..table.schema.len()).filter(|at| !extra.contains(at)).collect();
        // The output may do without the key of the lookup.
        let columns = if n_new == rest.len() {
            rest
        } else {
            let key = call.scalar(key).and_then(column);
            rest.into_iter().filter(|at| Some(*at) != key).collect()
        };
        let columns = (0..n_new).map(|n| columns.get(n).copied()).collect();
        let unmatched = call.flag("return_unmatched")?;
        Ok(Self { table, columns, unmatched, rows: Vec::new(), tally: call.env.meter().tally() })
    }

    fn put(&mut self, call: &Call<'_>, row: &Row, found: &[usize]) -> Result<()> {
        let n_input = call.input.schema.len();
        for at in found {
            let mut new = row.clone();
            let other = &self.table.rows[*at];
            for (column, place) in call.schema[n_input..].iter().zip(&self.columns) {
                let value = place.and_then(|place| other.get(place)).cloned();
                new.push(value.unwrap_or(Value::Null).widen(column.ty));
            }
            self.tally.row(shell_bytes(new.len()))?;
            self.rows.push(new);
        }
        if found.is_empty() && self.unmatched {
            let mut new = row.clone();
            new.extend(call.schema[n_input..].iter().map(|column| Value::absent(column.ty)));
            self.tally.row(shell_bytes(new.len()))?;
            self.rows.push(new);
        }
        self.tally.work()
    }
}

fn column(scalar: &Scalar) -> Option<usize> {
    match scalar.kind {
        crate::plan::ScalarKind::Column(at) => Some(at),
        _ => None,
    }
}

/// An address as number, and how many of its bits count.
type Range = (u128, u32);

/// Reads `address` or `address/bits`.
fn range_v4(text: &str) -> Option<Range> {
    let (address, bits) = split(text, 32)?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some((u32::from(address).into(), bits))
}

/// An IPv4 address is one of IPv6 too.
fn range_v6(text: &str) -> Option<Range> {
    let is_v4 = !text.contains(':');
    let (address, bits) = split(text, if is_v4 { 32 } else { 128 })?;
    match address.parse().ok()? {
        IpAddr::V4(address) => Some((address.to_ipv6_mapped().to_bits(), bits + 96)),
        IpAddr::V6(address) => Some((Ipv6Addr::to_bits(address), bits)),
    }
}

fn split(text: &str, most: u32) -> Option<(&str, u32)> {
    let text = text.trim();
    match text.split_once('/') {
        None => Some((text, most)),
        Some((address, bits)) => {
            let bits = bits.trim().parse().ok().filter(|bits| *bits <= most)?;
            Some((address.trim(), bits))
        }
    }
}

fn masked(address: u128, bits: u32, width: u32) -> u128 {
    match width - bits {
        128.. => 0,
        low => address >> low << low,
    }
}

/// `ipv4_lookup`.
pub(super) fn ipv4(call: &mut Call<'_>) -> Result<Vec<Row>> {
    addresses(call, "SourceIPv4Key", "IPv4LookupKey", 32, range_v4)
}

/// `ipv6_lookup`.
pub(super) fn ipv6(call: &mut Call<'_>) -> Result<Vec<Row>> {
    addresses(call, "SourceIPv6Key", "IPv6LookupKey", 128, range_v6)
}

/// Rows with those of the table whose range the address is in. Two ranges meet if they are equal
/// in as many bits as the wider one has.
fn addresses(
    call: &Call<'_>,
    source: &str,
    key: &str,
    width: u32,
    read: fn(&str) -> Option<Range>,
) -> Result<Vec<Row>> {
    let source = call.over(source)?;
    // Extra keys are columns of the same name on both sides; the plan has their place here.
    let extra: Vec<usize> = call.scalars("ExtraKey").filter_map(column).collect();
    let Some(table) = call.tables.first() else {
        return Err(call.invalid("the lookup table is missing"));
    };
    let names = extra.iter().filter_map(|at| call.input.schema.get(*at));
    let there: Vec<usize> = names.filter_map(|column| table.position(&column.name)).collect();
    let mut lookup = Lookup::of(call, key, &there)?;
    let key = lookup_key(call, key)?;
    let mut by_bits: Vec<(u32, HashMap<u128, Vec<usize>>)> = Vec::new();
    for (at, row) in table.rows.iter().enumerate() {
        lookup.tally.row(size_of::<usize>() * 4)?;
        let Some((address, bits)) = read(&call.eval(&key, row, at).to_text()) else { continue };
        let place = match by_bits.iter().position(|(known, _)| *known == bits) {
            Some(place) => place,
            None => {
                by_bits.push((bits, HashMap::new()));
                by_bits.len() - 1
            }
        };
        by_bits[place].1.entry(masked(address, bits, width)).or_default().push(at);
    }
    lookup.tally = call.env.meter().tally();
    by_bits.sort_by_key(|(bits, _)| std::cmp::Reverse(*bits));
    let keys = |row: &Row, places: &[usize]| -> Key {
        places.iter().filter_map(|at| row.get(*at)).map(Part::of).collect()
    };
    for (at, row) in call.input.rows.iter().enumerate() {
        let mut found: Vec<&usize> = Vec::new();
        if let Some((address, bits)) = read(&call.eval(&source, row, at).to_text()) {
            for (known, ranges) in &by_bits {
                if *known <= bits {
                    found.extend(ranges.get(&masked(address, *known, width)).into_iter().flatten());
                    continue;
                }
                for (range, rows) in ranges {
                    lookup.tally.work()?;
                    if masked(*range, bits, width) == masked(address, bits, width) {
                        found.extend(rows);
                    }
                }
            }
        }
        if !extra.is_empty() {
            let wanted = keys(row, &extra);
            found.retain(|at| keys(&table.rows[**at], &there) == wanted);
        }
        let found: Vec<usize> = found.into_iter().copied().collect();
        lookup.put(call, row, &found)?;
    }
    Ok(lookup.rows)
}

/// The key of the lookup, over rows of the table.
fn lookup_key(call: &Call<'_>, key: &str) -> Result<Expr> {
    match call.scalar(key) {
        Some(scalar) => compile_over(scalar, &[], call.env),
        None => Err(call.invalid(format!("{key} is missing"))),
    }
}

/// `geo_polygon_lookup`.
pub(super) fn geo_polygon(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let radius = call.constant("radius")?;
    let name =
        if radius.is_some() { "geo_distance_point_to_polygon" } else { "geo_point_in_polygon" };
    shapes(call, "LookupPolygonKey", name, radius)
}

/// `geo_line_lookup`.
pub(super) fn geo_line(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let radius = call.needed("radius")?;
    shapes(call, "LookupLineKey", "geo_distance_point_to_line", Some(radius))
}

/// Rows with those of the table whose shape the point is in, or within a radius in metres of.
fn shapes(
    call: &Call<'_>,
    key: &str,
    function: &'static str,
    radius: Option<Value>,
) -> Result<Vec<Row>> {
    let longitude = call.over("SourceLongitude")?;
    let latitude = call.over("SourceLatitude")?;
    let mut lookup = Lookup::of(call, key, &[])?;
    let key = lookup_key(call, key)?;
    let table = lookup.table;
    let shapes: Vec<Value> =
        table.rows.iter().enumerate().map(|(at, row)| call.eval(&key, row, at)).collect();
    let Some(scalar) = functions::scalar(function) else {
        return Err(EngineError::Unsupported { kind: "function", name: function.to_owned() });
    };
    let radius = radius.and_then(|radius| radius.as_real());
    for (at, row) in call.input.rows.iter().enumerate() {
        let point = [call.eval(&longitude, row, at), call.eval(&latitude, row, at)];
        let mut found = Vec::new();
        for (at, shape) in shapes.iter().enumerate() {
            lookup.tally.work()?;
            let [x, y] = point.clone();
            let answer = scalar(&[x, y, shape.clone()], &call.env.context);
            let inside = match radius {
                Some(radius) => answer.as_real().is_some_and(|distance| distance <= radius),
                None => answer == Value::Bool(true),
            };
            if inside {
                found.push(at);
            }
        }
        lookup.put(call, row, &found)?;
    }
    Ok(lookup.rows)
}
