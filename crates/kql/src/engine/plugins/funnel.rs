//! Plugins about sequences of states or conditions: `funnel_sequence`,
//! `funnel_sequence_completion`, `sequence_detect`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::Call;
use super::timeline::{Event, Events, Timeline, long, sort};
use crate::engine::env::Tally;
use crate::engine::eval::holds;
use crate::engine::step::Point;
use crate::engine::{Part, Result, Row};
use crate::value::{Json, Value};

/// So many ids are shown as samples.
const SAMPLES_MAX: usize = 128;

type Text = Arc<str>;

/// Times and states of each id.
struct Histories {
    line: Timeline,
    by_id: Vec<(Value, Vec<(Point, Text)>)>,
}

impl Histories {
    fn of(call: &Call<'_>, step: &Value) -> Result<Self> {
        let mut events = Events::of(call)?;
        let line = Timeline::of(call, step, &events)?;
        let state = call.over("StateColumn")?;
        sort(&mut events.list);
        let mut index: HashMap<&Part, usize> = HashMap::new();
        let mut by_id: Vec<(Value, Vec<(Point, Text)>)> = Vec::new();
        for event in events.list.iter().filter(|event| line.holds(event.at)) {
            let text = call.eval(&state, &call.input.rows[event.row], event.row).to_text();
            let place = *index.entry(&event.id).or_insert(by_id.len());
            if place == by_id.len() {
                by_id.push((event.id_value.clone(), Vec::new()));
            }
            by_id[place].1.push((event.at, text));
        }
        Ok(Self { line, by_id })
    }
}

fn texts(call: &Call<'_>, parameter: &str) -> Result<Vec<Text>> {
    let value = call.needed(parameter)?;
    let list = match &value {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => elements.iter().map(|e| Value::of_json(e).to_text()).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    if list.is_empty() {
        return Err(call.invalid(format!("{parameter} must be an array with elements")));
    }
    Ok(list)
}

/// Ids that went through a sequence of states, by the states just before and after it.
pub(super) fn sequence(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let histories = Histories::of(call, &call.needed("Step")?)?;
    let sequence = texts(call, "Sequence")?;
    let Some(gap) = Point::of(&call.needed("MaxWindowSizeBetweenSteps")?) else {
        return Err(call.invalid("the window between steps must be a length"));
    };
    let near = |a: Point, b: Point| b.minus(a) <= gap;
    let mut found: BTreeMap<(i64, Text, Text), Vec<&Value>> = BTreeMap::new();
    let mut tally = call.env.meter().tally();
    for (id, history) in &histories.by_id {
        let mut of_id = HashSet::new();
        for first in 0..history.len() {
            tally.work()?;
            let Some(part) = history.get(first..first + sequence.len()) else { break };
            let same = part.iter().zip(&sequence).all(|((_, state), wanted)| state == wanted);
            if !same || !part.windows(2).all(|pair| near(pair[0].0, pair[1].0)) {
                continue;
            }
            let (begin, end) = (part[0].0, part[part.len() - 1].0);
            let before = first.checked_sub(1).and_then(|at| history.get(at));
            let before = before.filter(|(at, _)| near(*at, begin)).map(|(_, state)| state);
            let after = history.get(first + sequence.len());
            let after = after.filter(|(at, _)| near(end, *at)).map(|(_, state)| state);
            let Some(period) = histories.line.period(begin) else { continue };
            let text = |state: Option<&Text>| state.map_or_else(|| "".into(), Arc::clone);
            of_id.insert((period, text(before), text(after)));
        }
        for key in of_id {
            tally.row(0)?;
            found.entry(key).or_default().push(id);
        }
    }
    let row = |((period, before, after), ids): ((i64, Text, Text), Vec<&Value>)| {
        let samples = ids.iter().take(SAMPLES_MAX).map(|id| id.to_json()).collect();
        vec![
            histories.line.begins(period),
            Value::String(before),
            Value::String(after),
            long(ids.len()),
            Value::json(Json::Array(samples)),
        ]
    };
    Ok(found.into_iter().map(row).collect())
}

/// For each period of time and each state of a sequence: ids that got as far as this state
/// within the time from the first one on.
pub(super) fn completion(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let histories = Histories::of(call, &call.needed("BinSize")?)?;
    let sequence = texts(call, "Sequence")?;
    let spans = texts(call, "MaxSequencePeriods")?;
    let mut periods = Vec::new();
    for span in spans {
        match Value::String(span).to_timespan() {
            Some(ticks) => periods.push(ticks),
            None => return Err(call.invalid("the periods must be an array of timespans")),
        }
    }
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    let mut bins: BTreeMap<i64, Vec<Vec<usize>>> = BTreeMap::new();
    for (_, history) in &histories.by_id {
        let mut best: HashMap<i64, Vec<usize>> = HashMap::new();
        for (first, (begin, state)) in history.iter().enumerate() {
            tally.work()?;
            if *state != sequence[0] {
                continue;
            }
            let Some(bin) = histories.line.period(*begin) else { continue };
            let best = best.entry(bin).or_insert_with(|| vec![0; periods.len()]);
            for (best, period) in best.iter_mut().zip(&periods) {
                let mut reached = 1;
                for (at, state) in &history[first + 1..] {
                    tally.work()?;
                    if reached == sequence.len() || at.minus(*begin) > Point::Whole(*period) {
                        break;
                    }
                    reached += usize::from(*state == sequence[reached]);
                }
                *best = reached.max(*best);
            }
        }
        for (bin, reached) in best {
            let counts =
                bins.entry(bin).or_insert_with(|| vec![vec![0; sequence.len()]; periods.len()]);
            for (counts, reached) in counts.iter_mut().zip(reached) {
                counts.iter_mut().take(reached).for_each(|count| *count += 1);
            }
        }
    }
    for (bin, counts) in bins {
        for (period, counts) in periods.iter().zip(counts) {
            for (state, count) in sequence.iter().zip(counts) {
                let state = Value::String(Arc::clone(state));
                let begins = histories.line.begins(bin);
                rows.push(vec![begins, state, Value::TimeSpan(*period), long(count)]);
            }
        }
    }
    let ty = call.schema.get(1).map(|column| column.ty);
    if let Some(ty) = ty {
        for row in &mut rows {
            row[1] = row[1].convert(ty);
        }
    }
    Ok(rows)
}

/// What `detect` looks for.
struct Detection<'a> {
    /// For each condition the events that fulfil it, in the order of time
    hits: Vec<Vec<&'a Event>>,
    gap: Point,
    span: Point,
}

/// Occurrences of conditions one after the other, all combinations of them.
pub(super) fn detect(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let time = call.over("TimelineColumn")?;
    let conditions = call.all_over("Expr")?;
    let events = Events::read(call, &time, &time, call.all_over("Dimension")?)?;
    // The name is written so in the list of plugins.
    let gap = match call.constant("MaxSeqeunceStepWindow")? {
        Some(gap) => gap,
        None => call.needed("MaxSequenceStepWindow")?,
    };
    let span = call.needed("MaxSequenceSpan")?;
    let (Some(gap), Some(span)) = (Point::of(&gap), Point::of(&span)) else {
        return Err(call.invalid("both windows must be lengths"));
    };
    let mut tally = call.env.meter().tally();
    let mut rows = Vec::new();
    for (dimensions, events) in events.by_group() {
        let mut hits = vec![Vec::new(); conditions.len()];
        for event in &events {
            tally.work()?;
            let row = &call.input.rows[event.row];
            for (condition, hits) in conditions.iter().zip(&mut hits) {
                if holds(&call.eval(condition, row, event.row)) {
                    hits.push(event);
                }
            }
        }
        let detection = Detection { hits, gap, span };
        let mut seen = HashSet::new();
        detection.descend(&mut Vec::new(), &mut tally, &mut |path: &[&Event], tally| {
            if !seen.insert(Part::key(path.iter().map(|event| &event.id_value))) {
                return Ok(());
            }
            tally.row(path.len() * size_of::<Value>())?;
            let mut row = dimensions.clone();
            row.extend(path.iter().map(|event| event.id_value.clone()));
            let length = path[path.len() - 1].at.minus(path[0].at);
            row.push(Value::TimeSpan(length.real() as i64));
            rows.push(row);
            Ok(())
        })?;
    }
    let types: Vec<_> = call.schema.iter().map(|column| column.ty).collect();
    for row in &mut rows {
        *row = row.drain(..).zip(&types).map(|(value, ty)| value.widen(*ty)).collect();
    }
    Ok(rows)
}

/// Takes one occurrence.
type Found<'f, 'e> = &'f mut dyn FnMut(&[&'e Event], &mut Tally<'_>) -> Result<()>;

impl<'a> Detection<'a> {
    fn descend(
        &self,
        path: &mut Vec<&'a Event>,
        tally: &mut Tally<'_>,
        found: Found<'_, 'a>,
    ) -> Result<()> {
        let Some(hits) = self.hits.get(path.len()) else {
            return if path.is_empty() { Ok(()) } else { found(path, tally) };
        };
        let from = match path.last() {
            Some(last) => hits.partition_point(|hit| hit.at < last.at),
            None => 0,
        };
        for hit in &hits[from..] {
            tally.work()?;
            if let (Some(first), Some(last)) = (path.first(), path.last()) {
                if hit.at.minus(last.at) > self.gap || hit.at.minus(first.at) > self.span {
                    break;
                }
                if path.iter().any(|event| event.row == hit.row) {
                    continue;
                }
            }
            path.push(hit);
            self.descend(path, tally, found)?;
            path.pop();
        }
        Ok(())
    }
}
