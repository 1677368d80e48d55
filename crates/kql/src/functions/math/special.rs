//! Special functions: gamma, error, the beta distribution, Welch's test.

use super::elementary::one;
use crate::functions::arguments::{or_null, real};
use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("beta_cdf", beta_cdf),
    ("beta_inv", beta_inv),
    ("beta_pdf", beta_pdf),
    ("erf", |a, _| one(a, |x| Some(libm::erf(x)))),
    ("erfc", |a, _| one(a, |x| Some(libm::erfc(x)))),
    ("gamma", |a, _| one(a, |x| Some(libm::tgamma(x)))),
    ("loggamma", |a, _| one(a, |x| Some(libm::lgamma(x)))),
    ("welch_test", welch_test),
];

/// `ln B(a, b)`
fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// The continued fraction of the incomplete beta function by Lentz's method (Numerical Recipes,
/// third edition, section 6.4).
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guarded = |x: f64| if x.abs() < TINY { TINY } else { x };
    let mut c = 1.0;
    let mut d = 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..20_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guarded(1.0 + even * d);
        c = guarded(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guarded(1.0 + odd * d);
        c = guarded(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// The regularised incomplete beta function `I_x(a, b)`.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

/// Three numbers, or null.
fn three(arguments: &[Value], of: fn(f64, f64, f64) -> Option<f64>) -> Value {
    let result = || of(real(arguments, 0)?, real(arguments, 1)?, real(arguments, 2)?);
    or_null(result(), Value::Real)
}

const PARAMETER_MAX: f64 = 10_000.0;

fn beta_cdf(arguments: &[Value], _: &Context) -> Value {
    three(arguments, |x, a, b| {
        let valid =
            (0.0..=1.0).contains(&x) && [a, b].iter().all(|p| *p > 0.0 && *p <= PARAMETER_MAX);
        Some(if valid { incomplete_beta(x, a, b) } else { f64::NAN })
    })
}

fn beta_pdf(arguments: &[Value], _: &Context) -> Value {
    three(arguments, |x, a, b| {
        if !(x > 0.0 && x < 1.0 && a > 0.0 && b > 0.0) {
            return Some(f64::NAN);
        }
        Some(((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - ln_beta(a, b)).exp())
    })
}

/// The page's note and example disagree on which is null and which NaN; this is the example.
fn beta_inv(arguments: &[Value], _: &Context) -> Value {
    three(arguments, |p, a, b| {
        if !(a > 0.0 && b > 0.0 && a <= PARAMETER_MAX && b <= PARAMETER_MAX) {
            return Some(f64::NAN);
        }
        if !(p > 0.0 && p <= 1.0) {
            return None;
        }
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                break;
            }
            if incomplete_beta(middle, a, b) < p { low = middle } else { high = middle }
        }
        Some(f64::midpoint(low, high))
    })
}

/// The two-sided p-value of Welch's t-test of two means.
fn welch_test(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let (mean1, variance1, n1) =
            (real(arguments, 0)?, real(arguments, 1)?, real(arguments, 2)?);
        let (mean2, variance2, n2) =
            (real(arguments, 3)?, real(arguments, 4)?, real(arguments, 5)?);
        if n1 < 2.0 || n2 < 2.0 || variance1 < 0.0 || variance2 < 0.0 {
            return None;
        }
        let (s1, s2) = (variance1 / n1, variance2 / n2);
        let t_squared = (mean1 - mean2).powi(2) / (s1 + s2);
        let freedom = (s1 + s2).powi(2) / (s1 * s1 / (n1 - 1.0) + s2 * s2 / (n2 - 1.0));
        Some(incomplete_beta(freedom / (freedom + t_squared), freedom / 2.0, 0.5))
    };
    or_null(result(), Value::Real)
}
