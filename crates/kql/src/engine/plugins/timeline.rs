//! Periods of an analysis over time: what the plugins about users and windows share.

use std::collections::HashMap;

use super::Call;
use crate::engine::eval::Expr;
use crate::engine::step::{Axis, Point};
use crate::engine::{Key, Part, Result, Row};
use crate::functions;
use crate::value::{Type, Value};

/// Periods of one length from a start on, or those of the calendar.
pub(super) struct Timeline {
    axis: Axis,
    pub(super) start: Point,
    pub(super) end: Point,
    step: Step,
}

enum Step {
    Length(Point),
    /// `startofweek`, `startofmonth`, `startofyear`
    Calendar(functions::Scalar, functions::Context),
}

/// One row of the input as these plugins see it.
pub(super) struct Event {
    /// Key into `Events::dimensions`
    pub(super) group: usize,
    pub(super) id: Part,
    pub(super) id_value: Value,
    pub(super) at: Point,
    /// Position in the input
    pub(super) row: usize,
}

/// The rows of the input that have a time, and the values of their dimensions.
pub(super) struct Events {
    pub(super) list: Vec<Event>,
    pub(super) dimensions: Vec<Row>,
}

impl Timeline {
    /// The timeline from the parameters `Start` and `End` and a step; where these two are not
    /// given, from the first to the last event.
    pub(super) fn of(call: &Call<'_>, step: &Value, events: &Events) -> Result<Self> {
        let axis = axis(call)?;
        let bounds = events.list.iter().map(|event| event.at);
        let least = bounds.clone().fold(None, |a: Option<Point>, b| match a {
            Some(a) if a <= b => Some(a),
            _ => Some(b),
        });
        let most = bounds.fold(None, |a: Option<Point>, b| match a {
            Some(a) if a >= b => Some(a),
            _ => Some(b),
        });
        let given = |name: &str| -> Result<Option<Point>> {
            Ok(call.constant(name)?.as_ref().and_then(Point::of))
        };
        // A single length written in the place of a start is no start.
        let both = call.scalar("Start").is_some() && call.scalar("End").is_some();
        let start = if both { given("Start")? } else { None };
        let end = if both { given("End")? } else { None };
        let zero = Point::Whole(0);
        let step = match step {
            Value::String(name) => {
                let function = match &*name.to_lowercase() {
                    "week" => "startofweek",
                    "month" => "startofmonth",
                    "year" => "startofyear",
                    _ => return Err(call.invalid("a period is a length, week, month or year")),
                };
                let Some(function) = functions::scalar(function) else {
                    return Err(call.invalid("periods of the calendar are not supported"));
                };
                Step::Calendar(function, call.env.context)
            }
            other => match Point::of(other) {
                Some(step) if step.is_positive() => Step::Length(step),
                _ => return Err(call.invalid("a period must be longer than zero")),
            },
        };
        let start = start.or(least).unwrap_or(zero);
        Ok(Self { axis, start, end: end.or(most).unwrap_or(zero), step })
    }

    /// Whether a point is between start and end, both included.
    pub(super) fn holds(&self, at: Point) -> bool {
        at >= self.start && at <= self.end
    }

    /// The number of a period's start, which sorts by time; of consecutive periods of one
    /// length these are consecutive.
    pub(super) fn period(&self, at: Point) -> Option<i64> {
        match &self.step {
            Step::Length(step) => at.steps_from(self.start, *step),
            Step::Calendar(function, context) => {
                let start = function(&[self.axis.value(at)], context);
                match Point::of(&start) {
                    Some(Point::Whole(ticks)) => Some(ticks),
                    _ => None,
                }
            }
        }
    }

    /// The period before this one.
    pub(super) fn before(&self, period: i64) -> Option<i64> {
        match &self.step {
            Step::Length(_) => period.checked_sub(1),
            Step::Calendar(..) => self.period(Point::Whole(period.checked_sub(1)?)),
        }
    }

    /// All periods from start to end.
    pub(super) fn periods(&self, call: &Call<'_>) -> Result<Vec<i64>> {
        let (Some(first), Some(last)) = (self.period(self.start), self.period(self.end)) else {
            return Ok(Vec::new());
        };
        let mut periods = Vec::new();
        let mut at = last;
        let mut tally = call.env.meter().tally();
        while at >= first {
            tally.row(size_of::<i64>())?;
            periods.push(at);
            let Some(before) = self.before(at) else { break };
            at = before;
        }
        periods.reverse();
        Ok(periods)
    }

    /// The time at which a period begins.
    pub(super) fn begins(&self, period: i64) -> Value {
        match &self.step {
            Step::Length(step) => {
                let point = Point::at(self.start, *step, period);
                point.map_or(Value::Null, |point| self.axis.value(point))
            }
            Step::Calendar(..) => self.axis.value(Point::Whole(period)),
        }
    }
}

fn axis(call: &Call<'_>) -> Result<Axis> {
    let column = call.scalar("TimelineColumn").or_else(|| call.scalar("IndexColumn"));
    Ok(match column.map(|column| column.ty) {
        Some(Type::DateTime) => Axis::DateTime,
        Some(Type::TimeSpan) => Axis::TimeSpan,
        Some(Type::Int) => Axis::Int,
        Some(Type::Long) => Axis::Long,
        Some(Type::Real) => Axis::Real,
        Some(Type::Decimal) => Axis::Decimal,
        _ => return Err(call.invalid("the timeline must be of times or numbers")),
    })
}

impl Events {
    /// Reads the parameters `IdColumn`, `TimelineColumn` and `Dimension`.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        let id = call.over("IdColumn")?;
        let time = call.over("TimelineColumn")?;
        Self::read(call, &id, &time, call.all_over("Dimension")?)
    }

    /// Reads the rows; `value` is what takes the place of the id.
    pub(super) fn read(
        call: &Call<'_>,
        value: &Expr,
        time: &Expr,
        dimensions: Vec<Expr>,
    ) -> Result<Self> {
        let mut index: HashMap<Key, usize> = HashMap::new();
        let mut events = Self { list: Vec::new(), dimensions: Vec::new() };
        let mut tally = call.env.meter().tally();
        for (at, row) in call.input.rows.iter().enumerate() {
            let Some(point) = Point::of(&call.eval(time, row, at)) else { continue };
            let key: Row = dimensions.iter().map(|d| call.eval(d, row, at)).collect();
            let group = *index.entry(Part::key(&key)).or_insert(events.dimensions.len());
            if group == events.dimensions.len() {
                events.dimensions.push(key);
            }
            let id_value = call.eval(value, row, at);
            tally.row(size_of::<Event>())?;
            let id = Part::of(&id_value);
            events.list.push(Event { group, id, id_value, at: point, row: at });
        }
        Ok(events)
    }

    /// The events of each group of dimensions, in the order of time.
    pub(super) fn by_group(self) -> Vec<(Row, Vec<Event>)> {
        let mut groups: Vec<(Row, Vec<Event>)> =
            self.dimensions.into_iter().map(|dimensions| (dimensions, Vec::new())).collect();
        for event in self.list {
            groups[event.group].1.push(event);
        }
        for (_, events) in &mut groups {
            sort(events);
        }
        groups
    }
}

/// Sorts events by time, and those of one time as they came.
pub(super) fn sort(events: &mut [Event]) {
    events.sort_by(|a, b| {
        a.at.partial_cmp(&b.at).unwrap_or(std::cmp::Ordering::Equal).then(a.row.cmp(&b.row))
    });
}

/// A row: time, dimensions, results.
pub(super) fn row(time: Value, dimensions: &Row, results: impl IntoIterator<Item = Value>) -> Row {
    let mut row = vec![time];
    row.extend(dimensions.iter().cloned());
    row.extend(results);
    row
}

/// A number of things.
pub(super) fn long(n: usize) -> Value {
    Value::Long(i64::try_from(n).unwrap_or(i64::MAX))
}
