//! Which groups of a file are dirty: their codes on disk may lag behind their data.

/// No upper end: every group of the file from some number on.
pub(crate) const END: u32 = u32::MAX;

/// The dirty groups of one file: a set of numbers, and all from `tail` on.
///
/// A group is put in only after the dirty log says so durably, and taken out only after its data
/// and codes are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirtySet {
    words: Vec<u64>,
    tail: u32,
}

impl Default for DirtySet {
    fn default() -> Self {
        Self { words: Vec::new(), tail: END }
    }
}

impl DirtySet {
    pub(crate) fn contains(&self, group: u32) -> bool {
        group >= self.tail
            || self.words.get(group as usize / 64).is_some_and(|word| word >> (group % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tail == END && self.words.iter().all(|word| *word == 0)
    }

    /// Adds `from..to`; `to` may be [`END`].
    pub(crate) fn insert(&mut self, from: u32, to: u32) {
        if to == END {
            self.tail = self.tail.min(from);
            return;
        }
        let to = to.min(self.tail);
        for group in from..to {
            let at = group as usize / 64;
            if at >= self.words.len() {
                self.words.resize(at + 1, 0);
            }
            self.words[at] |= 1 << (group % 64);
        }
    }

    /// Takes out `from..to`; `to` may be [`END`].
    pub(crate) fn remove(&mut self, from: u32, to: u32) {
        if to == END {
            // Groups of the tail below `from` stay dirty one by one.
            if self.tail < from {
                let tail = self.tail;
                self.tail = END;
                self.insert(tail, from);
            }
            self.tail = END;
        } else if self.tail < to {
            // A piece of the tail becomes clean: what is left of it is kept one by one below
            // `from`, and as a tail above `to`.
            let tail = self.tail;
            self.tail = END;
            self.insert(tail, from.max(tail));
            self.tail = to;
        }
        let stop = if to == END { self.words.len() as u32 * 64 } else { to };
        for group in from..stop.min(self.words.len() as u32 * 64) {
            self.words[group as usize / 64] &= !(1 << (group % 64));
        }
    }

    /// The dirty groups below `n_groups`, ascending.
    pub(crate) fn below(&self, n_groups: u32) -> impl Iterator<Item = u32> + '_ {
        (0..n_groups).filter(|group| self.contains(*group))
    }

    /// The set as ranges, each to become one record of the log.
    pub(crate) fn ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let limit = (self.words.len() as u32 * 64).min(self.tail);
        for group in 0..limit {
            if self.contains(group) {
                match ranges.last_mut() {
                    Some((_, to)) if *to == group => *to = group + 1,
                    _ => ranges.push((group, group + 1)),
                }
            }
        }
        if self.tail != END {
            ranges.push((self.tail, END));
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const N: u32 = 200;

    proptest! {
        /// The compact set behaves like a plain one over the first N numbers and beyond.
        #[test]
        fn behaves_like_a_set(
            ops in proptest::collection::vec((any::<bool>(), 0..N, 0..N, any::<bool>()), 0..40)
        ) {
            let mut set = DirtySet::default();
            let mut model: BTreeSet<u32> = BTreeSet::new();
            for (insert, a, b, to_end) in ops {
                let from = a.min(b);
                let to = if to_end { END } else { a.max(b) };
                let range = from..to.min(2 * N);
                if insert {
                    set.insert(from, to);
                    model.extend(range);
                } else {
                    set.remove(from, to);
                    model.retain(|n| !range.contains(n));
                }
                let got: BTreeSet<u32> = set.below(2 * N).collect();
                prop_assert_eq!(&got, &model);
                let mut again = DirtySet::default();
                for (from, to) in set.ranges() {
                    again.insert(from, to);
                }
                prop_assert_eq!(again.below(2 * N).collect::<BTreeSet<_>>(), got);
                prop_assert_eq!(set.is_empty(), model.is_empty());
            }
        }
    }
}
