//! Medians and spreads of a few measurements.

/// The median and the extremes of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// Median.
    pub(crate) median: f64,
    /// Smallest.
    pub(crate) min: f64,
    /// Largest.
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one finite number; `None` for none.
    pub(crate) fn of(numbers: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.iter().copied().filter(|n| n.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min: first, max: last })
    }

    /// `0.93 (0.90–0.97)`.
    pub(crate) fn ratio(self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median, self.min, self.max)
    }

    /// The median with as many digits as its size deserves.
    pub(crate) fn figure(self) -> String {
        if self.median >= 100.0 {
            format!("{:.0}", self.median)
        } else {
            format!("{:.2}", self.median)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn median_of_odd_and_even() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).unwrap().median, 2.0);
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert!(Spread::of(&[]).is_none());
        assert!(Spread::of(&[f64::NAN]).is_none());
    }

    #[test]
    fn prints_the_spread() {
        assert_eq!(Spread::of(&[0.9, 0.93, 0.97]).unwrap().ratio(), "0.93 (0.90–0.97)");
        assert_eq!(Spread::of(&[1234.4]).unwrap().figure(), "1234");
    }
}
