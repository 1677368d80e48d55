//! Small plugins: `rows_near`, `narrow`, `dcount_intersect`, `schema_merge`, `preview`,
//! `estimate_rows_count`, `identity`.

use std::collections::HashMap;

use super::Call;
use super::timeline::long;
use crate::engine::eval::holds;
use crate::engine::{EngineError, Result, Row};
use crate::functions;
use crate::value::Value;

/// Sets whose intersections are counted.
const SETS_MAX: usize = 16;

/// The rows as they come.
pub(super) fn identity(call: &mut Call<'_>) -> Result<Vec<Row>> {
    Ok(std::mem::take(&mut call.input.rows))
}

/// How many rows come.
pub(super) fn estimate_rows_count(call: &mut Call<'_>) -> Result<Vec<Row>> {
    Ok(vec![vec![long(call.input.rows.len())]])
}

/// The first rows.
pub(super) fn preview(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let n = call.needed("NumberOfRows")?.as_integer().and_then(|n| usize::try_from(n).ok());
    let mut rows = std::mem::take(&mut call.input.rows);
    rows.truncate(n.ok_or_else(|| call.invalid("the number of rows must be 0 or more"))?);
    Ok(rows)
}

/// Rows around those that fulfil a condition.
pub(super) fn rows_near(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let condition = call.over("Condition")?;
    let number = |value: Value| value.as_integer().and_then(|n| usize::try_from(n).ok());
    let before = number(call.needed("NumRows")?);
    let after = match call.constant("NumRowsAfter")? {
        Some(after) => number(after),
        None => before,
    };
    let (Some(before), Some(after)) = (before, after) else {
        return Err(call.invalid("numbers of rows must be 0 or more"));
    };
    let mut tally = call.env.meter().tally();
    let mut hits = Vec::with_capacity(call.input.rows.len());
    for (at, row) in call.input.rows.iter().enumerate() {
        tally.work()?;
        hits.push(holds(&call.eval(&condition, row, at)));
    }
    let mut kept = vec![false; hits.len()];
    let mut left = 0;
    for (kept, hit) in kept.iter_mut().zip(&hits) {
        left = if *hit { after.saturating_add(1) } else { left };
        *kept |= left > 0;
        left = left.saturating_sub(1);
    }
    left = 0;
    for (kept, hit) in kept.iter_mut().zip(&hits).rev() {
        left = if *hit { before.saturating_add(1) } else { left };
        *kept |= left > 0;
        left = left.saturating_sub(1);
    }
    let rows = std::mem::take(&mut call.input.rows).into_iter().zip(kept);
    Ok(rows.filter(|(_, kept)| *kept).map(|(row, _)| row).collect())
}

/// A row for each cell: number of the row, name of the column, text of the value.
pub(super) fn narrow(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (at, row) in call.input.rows.iter().enumerate() {
        for (column, value) in call.input.schema.iter().zip(row) {
            let text = Value::String(value.to_text());
            tally.row(text.heap_bytes() + column.name.len())?;
            rows.push(vec![long(at), Value::text(&column.name), text]);
        }
    }
    Ok(rows)
}

/// Distinct counts of the first set, of what it shares with the second, with both, and so on.
/// Sketches cannot be intersected: sizes of unions tell it (inclusion and exclusion).
pub(super) fn dcount_intersect(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let sets = call.all_over("hll")?;
    if sets.len() > SETS_MAX {
        return Err(call.invalid("there may be 16 sets"));
    }
    let function = |name: &str| {
        functions::scalar(name)
            .ok_or_else(|| EngineError::Unsupported { kind: "function", name: name.to_owned() })
    };
    let (merge, count) = (function("hll_merge")?, function("dcount_hll")?);
    let context = &call.env.context;
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (at, row) in call.input.rows.iter().enumerate() {
        let values: Vec<Value> = sets.iter().map(|set| call.eval(set, row, at)).collect();
        let mut new = row.clone();
        // `unions[n]` is the union of the sets whose bits are in `n`.
        let mut unions = vec![Value::Null];
        let mut sizes = vec![0.0];
        for value in &values {
            for part in 0..unions.len() {
                tally.work()?;
                let union = match &unions[part] {
                    Value::Null => value.clone(),
                    other => merge(&[other.clone(), value.clone()], context),
                };
                tally.grow(union.heap_bytes())?;
                let size = count(std::slice::from_ref(&union), context);
                sizes.push(size.as_real().unwrap_or(0.0));
                unions.push(union);
            }
            let all = sizes.iter().enumerate().skip(1);
            let sum: f64 = all
                .map(|(part, size)| if part.count_ones() % 2 == 1 { *size } else { -size })
                .sum();
            new.push(Value::Long(sum.max(0.0).round() as i64));
        }
        tally.row(0)?;
        rows.push(new);
    }
    Ok(rows)
}

/// One schema from several, each as `getschema` prints it.
pub(super) fn schema_merge(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let keep_order = call.constant("PreserveOrder")? != Some(Value::Bool(false));
    let names = ["ColumnName", "ColumnOrdinal", "DataType", "ColumnType"];
    let places: Option<Vec<usize>> = names.iter().map(|name| call.input.position(name)).collect();
    let Some(places) = places else {
        return Err(call.invalid("the input must be what getschema gives"));
    };
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<Row> = Vec::new();
    for row in &call.input.rows {
        let row: Row = places.iter().map(|&at| row[at].clone()).collect();
        let name = row[0].to_text().to_string();
        let place = *index.entry(name).or_insert(found.len());
        if place == found.len() {
            found.push(row);
            continue;
        }
        let problem = if keep_order && found[place][1] != row[1] {
            "columns are out of order"
        } else if found[place][3] != row[3] {
            "column has several types"
        } else {
            continue;
        };
        found[place][1] = Value::Int(-1);
        found[place][2] = Value::text(format!("ERROR(unknown CSL type:ERROR({problem}))"));
        found[place][3] = Value::text(format!("ERROR({problem})"));
    }
    if !keep_order {
        for (at, row) in found.iter_mut().enumerate() {
            row[1] = Value::Int(i32::try_from(at).unwrap_or(i32::MAX));
        }
    }
    let types: Vec<_> = call.schema.iter().map(|column| column.ty).collect();
    let widened = |row: Row| row.into_iter().zip(&types).map(|(v, ty)| v.widen(*ty)).collect();
    Ok(found.into_iter().map(widened).collect())
}
