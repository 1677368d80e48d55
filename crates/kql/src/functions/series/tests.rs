//! Series: small ones worked out by hand, and properties of larger ones.

use crate::functions::{Context, scalar};
use crate::value::{Json, Value};

fn json(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap())
}

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap()(arguments, &Context { now: 0 })
}

fn text(name: &str, arguments: &[Value]) -> String {
    call(name, arguments).to_text().to_string()
}

fn list(value: &Value) -> Vec<f64> {
    super::reals_or_nan(Some(value)).unwrap()
}

fn part(value: &Value, at: i64) -> Value {
    let Value::Dynamic(json) = value else { panic!("{value:?}") };
    Value::of_json(json.element(at).unwrap())
}

fn near(a: &[f64], b: &[f64], by: f64) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= by, "{a:?} is not {b:?}");
    }
}

#[test]
fn every_series_function_of_the_signatures_is_there() {
    let signatures = include_str!("../../../../../content/kql/functions.tsv");
    for line in signatures.lines().filter(|line| line.starts_with("series_")) {
        let name = line.split('\t').next().unwrap();
        assert!(scalar(name).is_some(), "{name}");
        for strange in [Value::Null, json("[]"), json("{}"), Value::text("x")] {
            call(name, &[strange.clone(), strange.clone(), strange.clone(), strange]);
        }
        call(name, &[]);
    }
}

#[test]
fn element_by_element() {
    let (a, b) = (json("[3,6,9]"), json("[6,6,2]"));
    let both = |name: &str| text(name, &[a.clone(), b.clone()]);
    assert_eq!(both("series_add"), "[9,12,11]");
    assert_eq!(both("series_divide"), "[0.5,1.0,4.5]");
    assert_eq!(both("series_greater_equals"), "[false,true,true]");
    assert_eq!(text("series_multiply", &[a.clone(), Value::Real(0.5)]), "[1.5,3.0,4.5]");
    assert_eq!(text("series_subtract", &[Value::Long(1), json(r#"[1,"x",2]"#)]), "[0,null,-1]");
    assert_eq!(text("series_add", &[a, json("[1]")]), "[4,null,null]");
    assert_eq!(text("series_floor", &[json("[-0.5,7,3.2]")]), "[-1.0,7.0,3.0]");
    assert_eq!(text("series_abs", &[json("[-2.5,0,4]")]), "[2.5,0,4]");
    assert_eq!(text("series_sign", &[json("[-3,0,9]")]), "[-1,0,1]");
    let times = json(r#"["0001-01-01T00:00:00.0000003Z"]"#);
    assert_eq!(text("series_add", &[times, Value::Long(0)]), "[3]");
}

#[test]
fn one_number_from_series() {
    let (a, b) = (json("[3,6,9]"), json("[6,6,2]"));
    assert_eq!(text("series_dot_product", &[a.clone(), b]), "72.0");
    assert_eq!(text("series_dot_product", &[a, Value::Long(2)]), "36.0");
    assert_eq!(text("series_product", &[json("[2,3,7]")]), "42.0");
    let similar = [json("[3,4]"), json("[4,3]")];
    near(&[call("series_cosine_similarity", &similar).as_real().unwrap()], &[0.96], 1e-12);
    let pair = [json("[5,6,8]"), json("[50,60,80]")];
    near(&[call("series_pearson_correlation", &pair).as_real().unwrap()], &[1.0], 1e-12);
    let stats = call("series_stats", &[json("[4,9,2,9,1,2,8]")]);
    let expected = [1.0, 4.0, 9.0, 1.0, 5.0, (76_f64 / 6.0).sqrt(), 76.0 / 6.0];
    near(&list(&stats), &expected, 1e-9);
}

#[test]
fn gaps_are_filled() {
    let gaps = json("[null,10,null,null,0,5,null]");
    let one = std::slice::from_ref(&gaps);
    assert_eq!(text("series_fill_linear", one), "[10,10,6,3,0,5,5]");
    let edges = [gaps.clone(), Value::Null, Value::Bool(false)];
    assert_eq!(text("series_fill_linear", &edges), "[null,10,6,3,0,5,null]");
    assert_eq!(text("series_fill_linear", &[json("[1.5,null,2.5]")]), "[1.5,2.0,2.5]");
    assert_eq!(text("series_fill_linear", &[json("[null,null]")]), "[0.0,0.0]");
    assert_eq!(text("series_fill_forward", one), "[null,10,10,10,0,5,5]");
    assert_eq!(text("series_fill_backward", one), "[10,10,0,0,0,5,null]");
    let constant = [json("[0,1,0]"), Value::Real(0.5), Value::Long(0)];
    assert_eq!(text("series_fill_const", &constant), "[0.5,1,0.5]");
}

#[test]
fn filters_and_transforms() {
    let sums = [json("[1.0,2.0,3.0,4.0]"), json("[1]"), json("[1,-1]")];
    assert_eq!(text("series_iir", &sums), "[1.0,3.0,6.0,10.0]");
    let spike = json("[0,0,10,0,0]");
    assert_eq!(text("series_fir", &[spike.clone(), json("[1,1]")]), "[0.0,0.0,5.0,5.0,0.0]");
    let centred = [spike, json("[1,1,1,1,1]"), Value::Bool(true), Value::Bool(true)];
    assert_eq!(text("series_fir", &centred), "[2.0,2.0,2.0,2.0,2.0]");
    let steps = [json("[0,0,2,2,3]"), json("[1,-1]"), Value::Bool(false), Value::Bool(false)];
    assert_eq!(text("series_fir", &steps), "[0.0,0.0,2.0,0.0,1.0]");
    for n in [1, 2, 7, 8, 12, 30] {
        let x: Vec<f64> = (0..n).map(|i| f64::from(i * i % 7)).collect();
        let found = call("series_fft", &[Value::json(super::array(x.iter().copied()))]);
        let back = call("series_ifft", &[part(&found, 0), part(&found, 1)]);
        near(&list(&part(&back, 0)), &x, 1e-9);
        near(&list(&part(&back, 1)), &vec![0.0; x.len()], 1e-9);
        near(&list(&part(&found, 0))[..1], &[x.iter().sum()], 1e-9);
    }
}

#[test]
fn lines_and_polynomials_fit() {
    // On 3 x + 2, the first element at x = 1, but for deviations of 1.
    let y = json("[6,7,10,15,18,19]");
    let found = call("series_fit_line", std::slice::from_ref(&y));
    let figures: Vec<f64> =
        (0..5).map(|at| super::number(Some(&part(&found, at))).unwrap()).collect();
    let slope = 51.5 / 17.5;
    let rest = 157.5 - slope * 51.5;
    let expected = [1.0 - rest / 157.5, slope, 31.5, rest / 5.0, 12.5 - slope * 3.5];
    near(&figures, &expected, 1e-12);
    let poly = call("series_fit_poly", &[y]);
    near(&list(&part(&poly, 1)), &[slope, 12.5 - slope * 3.5], 1e-12);
    let cubic = Value::json(super::array((1..9).map(|x| f64::from(x * x * x - 4 * x * x + 7))));
    let found = call("series_fit_poly", &[cubic, Value::Null, Value::Long(3)]);
    near(&list(&part(&found, 1)), &[1.0, -4.0, 0.0, 7.0], 1e-8);
    let broken = json("[1,2,3,4,20,18,16,14]");
    let found = call("series_fit_2lines", &[broken]);
    let figures = list(&found);
    near(&figures[..2], &[1.0, 4.0], 1e-12);
    // Right before left: rsquare, slope, interception.
    near(&figures[5..8], &[1.0, -2.0, 22.0], 1e-9);
    near(&figures[10..13], &[1.0, 1.0, 0.0], 1e-9);
}

/// `n` elements that repeat every `period`.
fn periodic(period: usize, n: usize) -> Value {
    Value::json(super::array((0..n).map(|i| (i % period * 7 % period) as f64)))
}

#[test]
fn periods_are_found() {
    let real = Value::Real;
    let detect = [periodic(9, 60), real(0.0), real(50.0), Value::Long(2)];
    let found = call("series_periods_detect", &detect);
    assert_eq!(list(&part(&found, 0)), [9.0, 0.0]);
    assert!(list(&part(&found, 1))[0] > 0.9);
    let found = call("series_periods_validate", &[periodic(9, 60), real(9.0), real(7.0)]);
    assert!(list(&part(&found, 1))[0] > 0.9);
    assert_eq!(list(&part(&found, 1))[1], 0.0);
    // Outliers do not move the medians.
    let found = text("series_seasonal", &[json("[2,5,1,0,2,1,5,1,0,2,1,5,1,0,2,1,5,1,0,2,1,5]")]);
    assert!(found.starts_with("[1.0,5.0,1.0,0.0,2.0,1.0,5.0,"), "{found}");
    let short = json("[1,8,8,2,5,3,1,8,8,2,5,3]");
    assert!(text("series_seasonal", std::slice::from_ref(&short)).starts_with("[0.0,0.0,0.0,"));
    let forced = text("series_seasonal", &[short, Value::Long(6)]);
    assert!(forced.starts_with("[1.0,8.0,8.0,2.0,"), "{forced}");
}

/// Five weeks of hours: a pattern of the week, some noise that repeats with no period, a trend.
fn weeks(slope: f64) -> Vec<f64> {
    let mut seed = 7_u64;
    (1..=840)
        .map(|t| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = (seed >> 33) as f64 / f64::from(1_u32 << 31);
            let week = if t / 24 % 7 >= 5 { 5.0 } else { 15.0 };
            let hour = f64::from(t % 24) / 10.0;
            2.0 * noise + week - hour * hour + slope * f64::from(t)
        })
        .collect()
}

#[test]
fn anomalies_stand_out() {
    for (slope, trend) in [(0.0, "avg"), (1.0 / 72.0, "linefit")] {
        let mut series = weeks(slope);
        for at in [149, 199, 779] {
            series[at] -= 8.0;
        }
        for at in [299, 399, 599] {
            series[at] += 8.0;
        }
        let series = Value::json(super::array(series));
        let arguments = [series, Value::Real(2.5), Value::Long(-1), Value::text(trend)];
        let found = call("series_decompose_anomalies", &arguments);
        let flags = list(&part(&found, 0));
        let flagged: Vec<usize> = (0..840).filter(|i| flags[*i] != 0.0).collect();
        assert_eq!(flagged, [149, 199, 299, 399, 599, 779]);
        assert_eq!((flags[149], flags[299]), (-1.0, 1.0));
    }
}

#[test]
fn a_forecast_goes_on_with_season_and_trend() {
    let mut series = weeks(0.02);
    let truth: Vec<f64> = series[672..].to_vec();
    series[672..].fill(0.0);
    let series = Value::json(super::array(series));
    let arguments = [series, Value::Long(168), Value::Long(-1), Value::text("linefit")];
    let found = call("series_decompose_forecast", &arguments);
    near(&list(&part(&found, 0))[672..], &truth, 5.0);
}

#[test]
fn outliers_of_a_flat_series() {
    let flat = json("[1,1,1,1,1,1,1,1,9,1,null]");
    let scores = list(&call("series_outliers", &[flat]));
    assert!(scores[8] > 1.5);
    assert!(scores.iter().enumerate().all(|(i, score)| i == 8 || *score == 0.0));
}
