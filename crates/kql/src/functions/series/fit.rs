//! Least squares: a line, two lines that meet nowhere in particular, a polynomial.
//!
//! The first element of a series lies at x = 1 (the figures on Kusto's page "series_fit_line").

use super::{array, number, outputs, reals, reals_or_nan};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_fit_line", line),
    ("series_fit_line_dynamic", line_dynamic),
    ("series_fit_2lines", two_lines),
    ("series_fit_2lines_dynamic", two_lines_dynamic),
    ("series_fit_poly", polynomial),
];

/// The highest degree of a polynomial.
const DEGREE_MAX: usize = 32;

/// A line and how well it fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    n: f64,
    pub(super) slope: f64,
    pub(super) interception: f64,
    /// Σ (y - mean)²
    total: f64,
    /// Σ (y - fit)²
    rest: f64,
}

/// Running sums, from which a line follows in constant time.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    fn line(&self) -> Line {
        let (mx, my) = (self.x / self.n, self.y / self.n);
        let xx = self.xx - self.x * mx;
        let xy = self.xy - self.x * my;
        let slope = if xx > 0.0 { xy / xx } else { 0.0 };
        let total = (self.yy - self.y * my).max(0.0);
        let rest = (total - slope * xy).max(0.0);
        Line { n: self.n, slope, interception: my - slope * mx, total, rest }
    }
}

impl Line {
    /// Through the elements that are there, at x = 1, 2 …
    pub(super) fn through(series: &[Option<f64>]) -> Option<Self> {
        let known: Vec<(f64, f64)> = series
            .iter()
            .enumerate()
            .filter_map(|(i, y)| Some((i as f64 + 1.0, y.filter(|y| y.is_finite())?)))
            .collect();
        // Sums about the first value lose less.
        let base = known.first()?.1;
        let mut sums = Sums::default();
        known.iter().for_each(|(x, y)| sums.add(*x, y - base));
        let mut line = sums.line();
        line.interception += base;
        Some(line)
    }

    pub(super) fn at(&self, x: f64) -> f64 {
        self.slope * x + self.interception
    }

    fn fitted(&self, n: usize) -> Vec<f64> {
        (0..n).map(|i| self.at(i as f64 + 1.0)).collect()
    }

    fn rsquare(&self) -> f64 {
        rsquare(self.total, self.rest)
    }

    /// The figures in Kusto's order, without the fitted line.
    fn figures(&self) -> [(&'static str, f64); 5] {
        [
            ("rsquare", self.rsquare()),
            ("slope", self.slope),
            ("interception", self.interception),
            ("variance", variance(self.total, self.n)),
            ("rvariance", variance(self.rest, self.n)),
        ]
    }
}

fn rsquare(total: f64, rest: f64) -> f64 {
    if total > 0.0 { 1.0 - rest / total } else { 0.0 }
}

fn variance(squares: f64, n: f64) -> f64 {
    if n > 1.0 { squares / (n - 1.0) } else { 0.0 }
}

fn bag(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// Figures of a line: rsquare, slope, variance, rvariance, interception, line_fit.
fn line_figures(value: Option<&Value>) -> Option<[(&'static str, Json); 6]> {
    let series = reals(value)?;
    let line = Line::through(&series)?;
    let [rsquare, slope, interception, variance, rvariance] =
        line.figures().map(|(key, x)| (key, Json::Real(x)));
    let fitted = ("line_fit", array(line.fitted(series.len())));
    Some([rsquare, slope, variance, rvariance, interception, fitted])
}

fn line(arguments: &[Value], _: &Context) -> Value {
    let Some(figures) = line_figures(arguments.first()) else { return Value::Null };
    outputs(figures.into_iter().map(|(_, value)| value).collect())
}

fn line_dynamic(arguments: &[Value], _: &Context) -> Value {
    let Some(figures) = line_figures(arguments.first()) else { return Value::Null };
    Value::json(bag(figures))
}

struct TwoLines {
    split: usize,
    n: usize,
    total: f64,
    left: Line,
    right: Line,
}

impl TwoLines {
    /// The split with the least rest; `None` with fewer than two elements a side.
    fn through(value: Option<&Value>) -> Option<Self> {
        let series = reals(value)?.into_iter().collect::<Option<Vec<f64>>>()?;
        let n = series.len();
        if n < 4 || series.iter().any(|y| !y.is_finite()) {
            return None;
        }
        let base = series[0];
        let mut prefix = vec![Sums::default()];
        let mut suffix = vec![Sums::default()];
        for i in 0..n {
            let mut sums = prefix[i];
            sums.add(i as f64 + 1.0, series[i] - base);
            prefix.push(sums);
            let mut sums = suffix[i];
            sums.add((n - i) as f64, series[n - 1 - i] - base);
            suffix.push(sums);
        }
        let rest = |split: usize| prefix[split].line().rest + suffix[n - split].line().rest;
        let split = (2..=n - 2).min_by(|a, b| rest(*a).total_cmp(&rest(*b)))?;
        let some: Vec<Option<f64>> = series.iter().copied().map(Some).collect();
        Some(Self {
            split,
            n,
            total: Line::through(&some)?.total,
            left: Line::through(&some[..split])?,
            right: Line::through(&some[split..])?,
        })
    }

    /// rsquare, split_idx, variance, rvariance, line_fit.
    fn figures(&self) -> [(&'static str, Json); 5] {
        let rest = self.left.rest + self.right.rest;
        let n = self.n as f64;
        let mut fitted = self.left.fitted(self.split);
        fitted.extend(self.right.fitted(self.n - self.split));
        [
            ("rsquare", Json::Real(rsquare(self.total, rest))),
            ("split_idx", Json::Long(self.split as i64)),
            ("variance", Json::Real(variance(self.total, n))),
            ("rvariance", Json::Real(variance(rest, n))),
            ("line_fit", array(fitted)),
        ]
    }
}

fn two_lines(arguments: &[Value], _: &Context) -> Value {
    let Some(lines) = TwoLines::through(arguments.first()) else { return Value::Null };
    let sides = [lines.right, lines.left].into_iter().flat_map(|line| line.figures());
    let all = lines.figures().into_iter().map(|(_, value)| value);
    outputs(all.chain(sides.map(|(_, x)| Json::Real(x))).collect())
}

fn two_lines_dynamic(arguments: &[Value], _: &Context) -> Value {
    let Some(lines) = TwoLines::through(arguments.first()) else { return Value::Null };
    let side = |line: &Line| bag(line.figures().map(|(key, x)| (key, Json::Real(x))));
    let sides = [("right", side(&lines.right)), ("left", side(&lines.left))];
    Value::json(bag(lines.figures().into_iter().chain(sides)))
}

/// Outputs: rsquare, coefficients from the highest power down, variance, rvariance, poly_fit.
fn polynomial(arguments: &[Value], _: &Context) -> Value {
    fit_polynomial(arguments).unwrap_or(Value::Null)
}

fn fit_polynomial(arguments: &[Value]) -> Option<Value> {
    let y = reals_or_nan(arguments.first())?;
    let x = match arguments.get(1) {
        None | Some(Value::Null) => (0..y.len()).map(|i| i as f64 + 1.0).collect(),
        given => reals_or_nan(given)?,
    };
    let degree = number(arguments.get(2)).unwrap_or(1.0);
    if !(0.0..=DEGREE_MAX as f64).contains(&degree) || x.len() != y.len() {
        return None;
    }
    let degree = degree as usize;
    let finite = |x: &f64, y: &f64| x.is_finite() && y.is_finite();
    let points: Vec<(f64, f64)> =
        x.iter().zip(&y).filter(|(x, y)| finite(x, y)).map(|(x, y)| (*x, *y)).collect();
    if points.len() <= degree {
        return None;
    }
    // On -1 to 1 the powers are tame.
    let low = points.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    let (centre, half) = ((low + high) / 2.0, ((high - low) / 2.0).max(f64::MIN_POSITIVE));
    let scaled: Vec<(f64, f64)> = points.iter().map(|(x, y)| ((x - centre) / half, *y)).collect();
    let inner = least_squares(&scaled, degree)?;
    let value = |c: &[f64], x: f64| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
    let n = points.len() as f64;
    let mean = points.iter().map(|p| p.1).sum::<f64>() / n;
    let total: f64 = points.iter().map(|p| (p.1 - mean).powi(2)).sum();
    let rest: f64 = scaled.iter().map(|(x, y)| (y - value(&inner, *x)).powi(2)).sum();
    let mut coefficients = shifted(&inner, centre, half);
    coefficients.reverse();
    let fitted = x.iter().map(|x| value(&inner, (x - centre) / half));
    Some(outputs(vec![
        Json::Real(rsquare(total, rest)),
        array(coefficients),
        Json::Real(variance(total, n)),
        Json::Real(variance(rest, n)),
        array(fitted),
    ]))
}

/// Coefficients from the constant up, by Householder reflections.
fn least_squares(points: &[(f64, f64)], degree: usize) -> Option<Vec<f64>> {
    let columns = degree + 1;
    let mut rows: Vec<Vec<f64>> = points
        .iter()
        .map(|(x, y)| {
            let mut row: Vec<f64> = Vec::with_capacity(columns + 1);
            let mut power = 1.0;
            for _ in 0..columns {
                row.push(power);
                power *= x;
            }
            row.push(*y);
            row
        })
        .collect();
    for k in 0..columns {
        let norm = rows[k..].iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt();
        if norm < 1e-12 {
            return None;
        }
        let alpha = if rows[k][k] > 0.0 { -norm } else { norm };
        let mut v: Vec<f64> = rows[k..].iter().map(|row| row[k]).collect();
        v[0] -= alpha;
        let vv: f64 = v.iter().map(|x| x * x).sum();
        for j in k..=columns {
            let dot: f64 = v.iter().zip(&rows[k..]).map(|(v, row)| v * row[j]).sum();
            let scale = 2.0 * dot / vv;
            for (v, row) in v.iter().zip(&mut rows[k..]) {
                row[j] -= scale * v;
            }
        }
    }
    let mut result = vec![0.0; columns];
    for k in (0..columns).rev() {
        let known: f64 = (k + 1..columns).map(|j| rows[k][j] * result[j]).sum();
        result[k] = (rows[k][columns] - known) / rows[k][k];
    }
    Some(result)
}

/// The coefficients of p((x - centre) / half) in powers of x.
fn shifted(inner: &[f64], centre: f64, half: f64) -> Vec<f64> {
    let mut result = vec![0.0; inner.len()];
    for c in inner.iter().rev() {
        let mut next = vec![0.0; inner.len()];
        for (i, held) in result.iter().enumerate() {
            next[i] -= held * centre / half;
            if i + 1 < next.len() {
                next[i + 1] += held / half;
            }
        }
        next[0] += c;
        result = next;
    }
    result
}
