//! Reading sketches that the aggregates made.

use super::*;

const NOW: Context = Context { now: 0 };

fn digest_of(values: impl Iterator<Item = i64>) -> Value {
    let mut digest = Digest::default();
    values.for_each(|n| digest.add(&Value::Long(n), 1));
    Value::json(digest.to_json())
}

#[test]
fn ranks_and_percentiles_of_a_digest() {
    let digest = digest_of(1..=1000);
    let arguments = [digest.clone(), Value::Long(123)];
    assert_eq!(rank_tdigest(&arguments, &NOW), Value::Real(123.0));
    assert_eq!(percentrank_tdigest(&arguments, &NOW), Value::Real(12.3));
    let arguments = [digest.clone(), Value::Real(50.0), Value::text("long")];
    assert_eq!(percentile_tdigest(&arguments, &NOW), Value::Long(500));
    let merged = merge_tdigest(&[digest, digest_of(1001..=2000)], &NOW);
    let found = percentiles_array_tdigest(&[merged, Value::Long(50), Value::Long(100)], &NOW);
    assert_eq!(found.to_text().as_ref(), "[1000,2000]");
}

#[test]
fn counts_of_merged_sketches() {
    let sketch = |values: std::ops::Range<i64>| {
        let mut hll = Hll::new(None);
        values.for_each(|n| hll.add(&Value::Long(n)));
        Value::json(hll.to_json())
    };
    let merged = hll_merge(&[sketch(1..11), sketch(11..21)], &NOW);
    assert_eq!(dcount_hll(&[merged], &NOW), Value::Long(20));
}

#[test]
fn what_is_no_sketch_gives_null() {
    let strange = [
        Value::Null,
        Value::text("x"),
        Value::json(Json::parse("[[1024,60],[],[]]").unwrap()),
        Value::json(Json::parse(r#"[[1024,14],["x"],["AA=="]]"#).unwrap()),
        Value::json(Json::parse(r#"[["long"],["x"],[1]]"#).unwrap()),
    ];
    for value in strange {
        for (_, function) in TABLE.iter().filter(|(name, _)| !name.ends_with("isvalid")) {
            assert_eq!(function(&[value.clone(), Value::Long(1)], &NOW), Value::Null);
        }
    }
}
