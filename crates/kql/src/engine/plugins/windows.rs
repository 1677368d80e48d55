//! Plugins about windows that move along a timeline: `sliding_window_counts`,
//! `active_users_count`, `session_count`, `rolling_percentile`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Call;
use super::timeline::{Event, Events, Timeline, long, row, sort};
use crate::engine::step::Point;
use crate::engine::{Part, Result, Row};
use crate::value::Value;

/// Counts and distinct counts of ids in the window that ends with each period.
pub(super) fn sliding_window_counts(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let events = Events::of(call)?;
    let step = call.needed("Step")?;
    let line = Timeline::of(call, &step, &events)?;
    let n = periods_in(call, "LookBackWindow", &step)?;
    let last = line.period(line.end).unwrap_or(0);
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let mut by_period: BTreeMap<i64, Vec<&Part>> = BTreeMap::new();
        for event in events.iter().filter(|event| event.at <= line.end) {
            let Some(period) = line.period(event.at) else { continue };
            by_period.entry(period).or_default().push(&event.id);
        }
        for period in 0..=last {
            let from = period.saturating_sub(n - 1);
            let mut count = 0;
            let mut ids = HashSet::new();
            for found in by_period.range(from..=period).map(|(_, ids)| ids) {
                count += found.len();
                for id in found {
                    ids.insert(*id);
                    tally.work()?;
                }
            }
            tally.work()?;
            if count > 0 {
                let counts = [long(count), long(ids.len())];
                tally.row(0)?;
                rows.push(row(line.begins(period), &dimensions, counts));
            }
        }
    }
    Ok(rows)
}

/// So many periods are in a window.
fn periods_in(call: &Call<'_>, window: &str, step: &Value) -> Result<i64> {
    let window = Point::of(&call.needed(window)?);
    let step = Point::of(step).filter(|step| step.is_positive());
    let (Some(window), Some(step)) = (window, step) else {
        return Err(call.invalid("the window and the step must be lengths"));
    };
    let n = (window.real() / step.real()).ceil();
    if !(1.0..1e9).contains(&n) {
        return Err(call.invalid("the window must be as long as the step, or longer"));
    }
    Ok(n as i64)
}

/// Distinct ids that were seen in enough periods of the window before an appearance.
pub(super) fn active_users_count(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let events = Events::of(call)?;
    let line = Timeline::of(call, &call.needed("Step")?, &events)?;
    let window = Point::of(&call.needed("LookbackWindow")?);
    let period = Point::of(&call.needed("Period")?);
    let enough = call.needed("ActivePeriods")?.as_real();
    let (Some(window), Some(period), Some(enough)) = (window, period, enough) else {
        return Err(call.invalid("the window and the period must be lengths"));
    };
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let mut by_id: HashMap<&Part, Vec<&Event>> = HashMap::new();
        for event in &events {
            by_id.entry(&event.id).or_default().push(event);
        }
        let mut active: BTreeMap<i64, HashSet<&Part>> = BTreeMap::new();
        for (id, events) in by_id {
            let mut first = 0;
            for (at, event) in events.iter().enumerate() {
                // The window reaches up to the event, and not quite to its own beginning.
                while event.at.minus(events[first].at) >= window {
                    first += 1;
                }
                if !line.holds(event.at) {
                    continue;
                }
                let mut periods = HashSet::new();
                for seen in &events[first..=at] {
                    tally.work()?;
                    periods.extend(seen.at.steps_from(line.start, period));
                }
                if periods.len() as f64 >= enough
                    && let Some(bin) = line.period(event.at)
                {
                    active.entry(bin).or_default().insert(id);
                }
            }
        }
        for (bin, ids) in active {
            tally.row(0)?;
            rows.push(row(line.begins(bin), &dimensions, [long(ids.len())]));
        }
    }
    Ok(rows)
}

/// Sessions that are active in each period: an id's events belong to one session as long as they
/// are not further apart than the look-back window.
pub(super) fn session_count(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let events = Events::of(call)?;
    let line = Timeline::of(call, &call.needed("Bin")?, &events)?;
    let Some(window) = Point::of(&call.needed("LookBackWindow")?) else {
        return Err(call.invalid("the look-back window must be a length"));
    };
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let mut last: HashMap<&Part, (Point, u64)> = HashMap::new();
        let mut active: BTreeMap<i64, HashSet<(&Part, u64)>> = BTreeMap::new();
        for event in events.iter().filter(|event| line.holds(event.at)) {
            tally.work()?;
            let session = match last.get(&event.id) {
                Some((at, n)) if event.at.minus(*at) <= window => *n,
                Some((_, n)) => n + 1,
                None => 0,
            };
            last.insert(&event.id, (event.at, session));
            if let Some(period) = line.period(event.at) {
                active.entry(period).or_default().insert((&event.id, session));
            }
        }
        for (period, sessions) in active {
            tally.row(0)?;
            rows.push(row(line.begins(period), &dimensions, [long(sessions.len())]));
        }
    }
    Ok(rows)
}

/// A percentile, by nearest rank, of the values in the bins up to each one.
pub(super) fn rolling_percentile(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let value = call.over("ValueColumn")?;
    let index = call.over("IndexColumn")?;
    let mut events = Events::read(call, &value, &index, call.all_over("Dimension")?)?;
    let bin_size = call.needed("BinSize")?;
    let mut line = Timeline::of(call, &bin_size, &events)?;
    // Bins begin at multiples of their size.
    line.start = Point::Whole(0);
    let n = call.needed("BinsPerWindow")?.as_real().unwrap_or(0.0);
    let percentile = call.needed("Percentile")?.as_real().unwrap_or(f64::NAN);
    if !(1.0..1e9).contains(&n) || !(0.0..=100.0).contains(&percentile) {
        return Err(call.invalid("there must be one bin or more, and a percentile of 0 to 100"));
    }
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    sort(&mut events.list);
    for (dimensions, events) in events.by_group() {
        let mut bins: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
        for event in &events {
            if let Some(bin) = line.period(event.at).filter(|_| !event.id_value.is_null()) {
                bins.entry(bin).or_default().push(&event.id_value);
            }
        }
        for &bin in bins.keys() {
            let from = bin.saturating_sub(n as i64 - 1);
            let mut values = Vec::new();
            for found in bins.range(from..=bin).map(|(_, values)| values) {
                for value in found {
                    tally.work()?;
                    values.push(*value);
                }
            }
            values.sort_by(|a, b| a.order(b));
            let rank = (percentile / 100.0 * values.len() as f64).ceil().max(1.0) as usize;
            let value = values.get(rank - 1).copied().cloned().unwrap_or(Value::Null);
            tally.row(0)?;
            rows.push(row(line.begins(bin), &dimensions, [value]));
        }
    }
    let ty = call.schema.last().map(|column| column.ty);
    for row in &mut rows {
        if let (Some(value), Some(ty)) = (row.pop(), ty) {
            row.push(value.widen(ty));
        }
    }
    Ok(rows)
}
