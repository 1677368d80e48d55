//! `stdev`, `variance` and `covariance`, of a sample (Bessel's correction) and of a population.

use super::condition::If;
use super::{Accumulator, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("stdev", |_| Box::new(Spread::new(true, true))),
    ("stdevif", |_| Box::new(If { at: 1, inner: Spread::new(true, true) })),
    ("stdevp", |_| Box::new(Spread::new(false, true))),
    ("variance", |_| Box::new(Spread::new(true, false))),
    ("varianceif", |_| Box::new(If { at: 1, inner: Spread::new(true, false) })),
    ("variancep", |_| Box::new(Spread::new(false, false))),
    ("variancepif", |_| Box::new(If { at: 1, inner: Spread::new(false, false) })),
    ("covariance", |_| Box::new(Spread::pair(true))),
    ("covarianceif", |_| Box::new(If { at: 2, inner: Spread::pair(true) })),
    ("covariancep", |_| Box::new(Spread::pair(false))),
    ("covariancepif", |_| Box::new(If { at: 2, inner: Spread::pair(false) })),
];

/// Σ (x - mean x) (y - mean y) kept without cancellation (Welford 1962, Chan et al. 1979); the
/// spread of one variable is that of x with itself.
#[derive(Debug)]
struct Spread {
    sample: bool,
    root: bool,
    pair: bool,
    n: i64,
    x: f64,
    y: f64,
    sum: f64,
}

impl Spread {
    fn new(sample: bool, root: bool) -> Self {
        Self { sample, root, pair: false, n: 0, x: 0.0, y: 0.0, sum: 0.0 }
    }

    fn pair(sample: bool) -> Self {
        Self { pair: true, ..Self::new(sample, false) }
    }
}

impl Accumulator for Spread {
    fn update(&mut self, arguments: &[Value]) {
        let Some(x) = arguments.first().and_then(number) else { return };
        let y = if self.pair { arguments.get(1).and_then(number) } else { Some(x) };
        let Some(y) = y else { return };
        self.n += 1;
        let n = self.n as f64;
        let dx = x - self.x;
        self.x += dx / n;
        self.y += (y - self.y) / n;
        self.sum += dx * (y - self.y);
    }

    fn state(&self) -> Vec<Value> {
        vec![Value::Long(self.n), Value::Real(self.x), Value::Real(self.y), Value::Real(self.sum)]
    }

    fn merge(&mut self, state: &[Value]) {
        let [Value::Long(n), Value::Real(x), Value::Real(y), Value::Real(sum)] = state else {
            return;
        };
        if *n <= 0 {
            return;
        }
        let (a, b) = (self.n as f64, *n as f64);
        let (dx, dy) = (x - self.x, y - self.y);
        self.sum += sum + dx * dy * a * b / (a + b);
        self.x += dx * b / (a + b);
        self.y += dy * b / (a + b);
        self.n = self.n.saturating_add(*n);
    }

    fn finish(&self) -> Vec<Value> {
        let over = if self.sample { self.n - 1 } else { self.n };
        if over <= 0 {
            // The table of defaults on the page "summarize" has 0 for these, null for pairs.
            return vec![if self.pair && self.n == 0 { Value::Null } else { Value::Real(0.0) }];
        }
        let spread = self.sum / over as f64;
        vec![Value::Real(if self.root { spread.max(0.0).sqrt() } else { spread })]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::TimeSpan(t) | Value::DateTime(t) => Some(*t as f64),
        Value::Dynamic(json) => match **json {
            Json::Long(n) => Some(n as f64),
            Json::Real(x) => Some(x),
            _ => None,
        },
        other => other.as_real(),
    }
}
