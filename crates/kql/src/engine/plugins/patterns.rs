//! Frequent patterns: sets of values of columns that occur together.
//!
//! Closed sets are enumerated (no set that can be made larger without losing rows), after the
//! method of T. Uno, "An efficient algorithm for enumerating closed patterns in transaction
//! databases" (2004), over bitmaps of rows.

use std::collections::HashMap;

use super::Call;
use crate::engine::env::Tally;
use crate::engine::{EngineError, Part, Result, Rows};
use crate::value::Value;

/// So many patterns are looked at.
const PATTERNS_MAX: usize = 50_000;

/// So many values of a column, the most frequent ones, are looked at.
const VALUES_MAX: usize = 1000;

/// Rows, a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn none(n_rows: usize) -> Self {
        Self(vec![0; n_rows.div_ceil(64)])
    }

    pub(super) fn all(n_rows: usize) -> Self {
        let mut bits = Self::none(n_rows);
        (0..n_rows).for_each(|at| bits.set(at));
        bits
    }

    pub(super) fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & !b).collect())
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    fn ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let at = left.trailing_zeros() as usize;
                (left != 0).then(|| {
                    left &= left - 1;
                    word * 64 + at
                })
            })
        })
    }
}

/// A value of a column, and the rows that have it.
struct Item {
    column: usize,
    value: Value,
    rows: Bits,
}

/// A pattern: some columns have one value each.
pub(super) struct Pattern {
    /// Column of the input and its value
    pub(super) values: Vec<(usize, Value)>,
    pub(super) rows: Bits,
}

/// How much rows count.
pub(super) struct Weights(Option<Vec<f64>>);

impl Weights {
    /// Reads the parameter `WeightColumn`.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        if call.scalar("WeightColumn").is_none() {
            return Ok(Self(None));
        }
        let weight = call.over("WeightColumn")?;
        let weights = call.input.rows.iter().enumerate();
        let weight = |(at, row): (usize, &crate::engine::Row)| {
            call.eval(&weight, row, at).as_real().filter(|w| *w > 0.0).unwrap_or(0.0)
        };
        Ok(Self(Some(weights.map(weight).collect())))
    }

    /// The weight of some rows.
    pub(super) fn sum(&self, rows: &Bits) -> f64 {
        match &self.0 {
            None => rows.0.iter().map(|word| word.count_ones()).sum::<u32>().into(),
            Some(weights) => rows.ones().map(|at| weights[at]).sum(),
        }
    }
}

/// What is looked for.
pub(super) struct Search<'a> {
    /// Columns of the input that patterns are made of
    pub(super) columns: Vec<usize>,
    /// So many independent values at most
    pub(super) dimensions: usize,
    /// Whether rows are enough to be looked at
    pub(super) frequent: &'a dyn Fn(&Bits) -> bool,
}

impl Search<'_> {
    /// All closed patterns that are frequent, with at least one value.
    pub(super) fn run(&self, input: &Rows, tally: &mut Tally<'_>) -> Result<Vec<Pattern>> {
        let items = self.items(input, tally)?;
        let all = Bits::all(input.rows.len());
        let mut found = Vec::new();
        let first = closure(&items, &all);
        if !first.is_empty() {
            found.push(pattern(&items, &first, all.clone()));
        }
        self.extend(&items, &first, &all, None, self.dimensions, &mut found, tally)?;
        Ok(found)
    }

    /// Values that are frequent by themselves. Null and empty ones are none: a pattern shows
    /// these where a column may have any value.
    fn items(&self, input: &Rows, tally: &mut Tally<'_>) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for &column in &self.columns {
            let mut places: HashMap<Part, Vec<usize>> = HashMap::new();
            for (at, row) in input.rows.iter().enumerate() {
                tally.work()?;
                let value = &row[column];
                if !value.to_text().is_empty() {
                    places.entry(Part::of(value)).or_default().push(at);
                }
            }
            let mut frequent: Vec<Vec<usize>> = places.into_values().collect();
            frequent.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
            for places in frequent.into_iter().take(VALUES_MAX) {
                tally.work()?;
                let value = input.rows[places[0]][column].clone();
                let mut rows = Bits::none(input.rows.len());
                places.into_iter().for_each(|at| rows.set(at));
                if !(self.frequent)(&rows) {
                    continue;
                }
                tally.grow(rows.0.len() * 8)?;
                items.push(Item { column, value, rows });
            }
        }
        Ok(items)
    }

    #[allow(clippy::too_many_arguments, reason = "the state of one level of the search")]
    fn extend(
        &self,
        items: &[Item],
        closed: &[usize],
        rows: &Bits,
        core: Option<usize>,
        left: usize,
        found: &mut Vec<Pattern>,
        tally: &mut Tally<'_>,
    ) -> Result<()> {
        if left == 0 {
            return Ok(());
        }
        for item in core.map_or(0, |core| core + 1)..items.len() {
            tally.work()?;
            if closed.contains(&item) {
                continue;
            }
            let rows = rows.and(&items[item].rows);
            if !(self.frequent)(&rows) {
                continue;
            }
            let larger = closure(items, &rows);
            // Each closed set is reached once: by the item after which nothing before changes.
            let same = larger.iter().filter(|at| **at < item).all(|at| closed.contains(at));
            if !same {
                continue;
            }
            if found.len() >= PATTERNS_MAX {
                let limit = PATTERNS_MAX as u64;
                return Err(EngineError::Limit { what: "patterns", limit });
            }
            tally.grow(rows.0.len() * 8)?;
            found.push(pattern(items, &larger, rows.clone()));
            self.extend(items, &larger, &rows, Some(item), left - 1, found, tally)?;
        }
        Ok(())
    }
}

/// The items that all of these rows have.
fn closure(items: &[Item], rows: &Bits) -> Vec<usize> {
    (0..items.len()).filter(|at| rows.is_within(&items[*at].rows)).collect()
}

fn pattern(items: &[Item], of: &[usize], rows: Bits) -> Pattern {
    let values = of.iter().map(|at| (items[*at].column, items[*at].value.clone())).collect();
    Pattern { values, rows }
}
