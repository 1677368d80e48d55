//! The error of both sketches.

use super::digest::Digest;
use super::hll::Hll;
use crate::value::Value;

#[test]
fn few_values_are_counted_exactly_many_nearly() {
    let mut hll = Hll::new(None);
    for n in 0..1000 {
        hll.add(&Value::Long(n));
        hll.add(&Value::Long(n));
    }
    assert_eq!(hll.count(), 1000);
    for n in 0..200_000 {
        hll.add(&Value::Long(n));
    }
    let error = (hll.count() as f64 / 200_000.0 - 1.0).abs();
    assert!(error < 0.024, "{error}");
    let again = Hll::of_json(&hll.to_json()).unwrap();
    assert_eq!(again.count(), hll.count());
    let again = Hll::of_bytes(&hll.to_bytes()).unwrap();
    assert_eq!(again.count(), hll.count());
    assert!(Hll::of_bytes(&hll.to_bytes()[..100]).is_none());
}

#[test]
fn sketches_of_other_precision_merge() {
    let mut fine = Hll::new(Some(4));
    let mut coarse = Hll::new(Some(0));
    for n in 0..50_000 {
        fine.add(&Value::Long(n));
        coarse.add(&Value::Long(n + 25_000));
    }
    let mut same = Hll::new(Some(0));
    for n in 0..75_000 {
        same.add(&Value::Long(n));
    }
    fine.merge(&coarse);
    assert_eq!(fine.count(), same.count());
}

#[test]
fn percentiles_are_nearest_ranks() {
    let mut digest = Digest::default();
    for (value, weight) in [(1, 5), (2, 4), (3, 2), (4, 1)] {
        digest.add(&Value::Long(value), weight);
    }
    let found = digest.percentiles(&[0.0, 50.0, 75.0, 99.9, 100.0, 101.0]);
    let long = Value::Long;
    assert_eq!(found, [long(1), long(2), long(2), long(4), long(4), Value::Null]);
}

#[test]
fn many_values_keep_their_ranks_nearly() {
    let mut digest = Digest::default();
    let n = 300_000_u64;
    for i in 0..n {
        digest.add(&Value::Long((i * 7919 % n) as i64), 1);
    }
    for share in [0.0, 0.1, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.9, 100.0] {
        let Value::Long(found) = digest.percentiles(&[share])[0] else { panic!() };
        let error = (found as f64 / n as f64 * 100.0 - share).abs();
        assert!(error < 0.2, "{share}: {error}");
    }
    let again = Digest::of_json(&digest.to_json()).unwrap();
    assert_eq!(again.percentiles(&[50.0]), digest.percentiles(&[50.0]));
    assert_eq!(again.rank(&Value::Long(1_000_000)).0, n);
    assert!(digest.bytes() < 2_000_000);
}
