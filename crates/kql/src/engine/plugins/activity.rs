//! Plugins about who was active when: `activity_counts_metrics`, `activity_engagement`,
//! `activity_metrics`, `new_activity_metrics`. All counts are exact.

use std::collections::{BTreeMap, HashSet};

use super::Call;
use super::timeline::{Event, Events, Timeline, long, row};
use crate::engine::eval::compile_over;
use crate::engine::step::Point;
use crate::engine::{Part, Result, Row};
use crate::plan::ScalarKind;
use crate::value::Value;

type Ids<'e> = HashSet<&'e Part>;

/// The ids of each period that has any.
fn by_period<'e>(line: &Timeline, events: &'e [Event]) -> BTreeMap<i64, Ids<'e>> {
    let mut periods: BTreeMap<i64, Ids<'e>> = BTreeMap::new();
    for event in events.iter().filter(|event| line.holds(event.at)) {
        if let Some(period) = line.period(event.at) {
            periods.entry(period).or_default().insert(&event.id);
        }
    }
    periods
}

fn rate(part: usize, whole: usize) -> Value {
    Value::Real(part as f64 / whole as f64)
}

/// For each period: events, ids, ids not seen in any period before, ids seen so far.
pub(super) fn counts_metrics(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let events = Events::of(call)?;
    let line = Timeline::of(call, &call.needed("Step")?, &events)?;
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for event in events.iter().filter(|event| line.holds(event.at)) {
            if let Some(period) = line.period(event.at) {
                *counts.entry(period).or_default() += 1;
            }
        }
        let mut seen = Ids::new();
        for (period, ids) in by_period(&line, &events) {
            let before = seen.len();
            seen.extend(&ids);
            let count = counts.get(&period).copied().unwrap_or(0);
            let results = [count, ids.len(), seen.len() - before, seen.len()];
            tally.row(0)?;
            rows.push(row(line.begins(period), &dimensions, results.map(long)));
        }
    }
    Ok(rows)
}

/// For each inner window: its ids, those of the outer window that ends with it, their ratio.
pub(super) fn engagement(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let events = Events::of(call)?;
    let inner = call.needed("InnerActivityWindow")?;
    let line = Timeline::of(call, &inner, &events)?;
    let outer = Point::of(&call.needed("OuterActivityWindow")?);
    let (Some(inner), Some(outer)) = (Point::of(&inner), outer) else {
        return Err(call.invalid("both windows must be lengths"));
    };
    let n = (outer.real() / inner.real()).ceil();
    if !(1.0..1e9).contains(&n) {
        return Err(call.invalid("the outer window must be as long as the inner one, or longer"));
    }
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let periods = by_period(&line, &events);
        for (&period, ids) in &periods {
            let mut around = Ids::new();
            for (_, ids) in periods.range(period.saturating_sub(n as i64 - 1)..=period) {
                for id in ids {
                    tally.work()?;
                    around.insert(id);
                }
            }
            let (few, all) = (ids.len(), around.len());
            tally.row(0)?;
            let results = [long(few), long(all), rate(few, all)];
            rows.push(row(line.begins(period), &dimensions, results));
        }
    }
    Ok(rows)
}

/// For each period: ids, ids not in the period before, and what part of that one's came back or
/// stayed away.
pub(super) fn metrics(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let events = Events::of(call)?;
    // Without start and end the third argument is the step.
    let step = match call.constant("Step")?.or(call.constant("Window")?) {
        Some(step) => step,
        None => call.needed("Start")?,
    };
    let line = Timeline::of(call, &step, &events)?;
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let periods = by_period(&line, &events);
        let nobody = Ids::new();
        for (&period, ids) in &periods {
            let before = line.before(period).and_then(|before| periods.get(&before));
            let before = before.unwrap_or(&nobody);
            let returned = ids.intersection(before).count();
            let lost = before.len() - returned;
            let results = [
                long(ids.len()),
                long(ids.len() - returned),
                rate(returned, before.len()),
                rate(lost, before.len()),
            ];
            tally.row(ids.len())?;
            rows.push(row(line.begins(period), &dimensions, results));
        }
    }
    Ok(rows)
}

/// For each cohort of ids that were new in one period and each period from then on: who is new
/// since, who came back and who stayed away.
pub(super) fn new_metrics(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let cohort = call.scalar("Cohort");
    // A column in the cohort's place is the first dimension.
    let is_column = cohort.is_some_and(|scalar| matches!(scalar.kind, ScalarKind::Column(_)));
    let mut dimensions = call.all_over("Dimension")?;
    let mut chosen = None;
    if let Some(scalar) = cohort {
        if is_column {
            dimensions.insert(0, compile_over(scalar, &call.input.rows, call.env)?);
        } else {
            chosen = call.constant("Cohort")?.as_ref().and_then(Point::of);
        }
    }
    let id = call.over("IdColumn")?;
    let time = call.over("TimelineColumn")?;
    let events = Events::read(call, &id, &time, dimensions)?;
    let step = match call.constant("Window")? {
        Some(step) => step,
        None => call.needed("Step")?,
    };
    let line = Timeline::of(call, &step, &events)?;
    let chosen = chosen.map(|at| line.period(at));
    let known = looked_back(call, &id);
    let periods = line.periods(call)?;
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let by_period = by_period(&line, &events);
        let nobody = Ids::new();
        let mut seen: Ids<'_> = known.iter().collect();
        for (at, &from) in periods.iter().enumerate() {
            let ids = by_period.get(&from).unwrap_or(&nobody);
            let new: Ids<'_> = ids.difference(&seen).copied().collect();
            seen.extend(ids);
            if new.is_empty() || chosen.is_some_and(|chosen| chosen != Some(from)) {
                continue;
            }
            for &to in &periods[at..] {
                let ids = by_period.get(&to).unwrap_or(&nobody);
                tally.row(ids.len())?;
                for _ in ids {
                    tally.work()?;
                }
                let later = if to == from { new.len() } else { ids.difference(&seen).count() };
                let back = ids.intersection(&new).count();
                let away = new.len() - back;
                let mut results = vec![line.begins(to)];
                results.extend(dimensions.iter().cloned());
                results.extend([later, back, away].map(long));
                results.extend([rate(back, new.len()), rate(away, new.len())]);
                rows.push(row(line.begins(from), &Row::new(), results));
            }
        }
    }
    Ok(rows)
}

/// Ids of the look-back table: its column of the same name as the id, or else its last.
fn looked_back(call: &Call<'_>, id: &crate::engine::Expr) -> Vec<Part> {
    let Some(table) = call.tables.first() else { return Vec::new() };
    let name = id.column().and_then(|at| call.input.schema.get(at)).map(|column| &column.name);
    let at = name.and_then(|name| table.position(name));
    let at = at.or_else(|| table.schema.len().checked_sub(1));
    let Some(at) = at else { return Vec::new() };
    table.rows.iter().filter_map(|row| row.get(at)).map(Part::of).collect()
}
