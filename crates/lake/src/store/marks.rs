//! How far sources were read. A mark is stored with the rows that were read up to it, so that who
//! ships a source goes on behind them after any break.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::{StoreError, StoreResult};

/// Longest name of a source, in bytes.
pub(super) const SOURCE_BYTES: usize = 512;

/// How far a source was read: all before `position` is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Name of the source
    pub source: String,
    /// In what the source counts: bytes, a number of an entry
    pub position: u64,
}

#[derive(Debug, Default)]
struct Source {
    position: Option<u64>,
    /// Held by the one append of the source that is under way
    turn: Arc<Mutex<()>>,
}

/// The marks of all sources.
#[derive(Debug)]
pub(super) struct Marks {
    sources: Mutex<BTreeMap<String, Source>>,
    most: usize,
}

impl Marks {
    pub(super) fn new(found: BTreeMap<String, u64>, most: usize) -> Self {
        let source = |position| Source { position: Some(position), ..Source::default() };
        let sources = found.into_iter().map(|(name, position)| (name, source(position)));
        Self { sources: Mutex::new(sources.collect()), most }
    }

    /// Runs an append that moves a mark. Two of one source run one after the other: the second
    /// must not be stored when the first, whose rows come before its own, was not.
    pub(super) fn moving<T>(
        &self,
        mark: Option<&Mark>,
        append: impl FnOnce() -> StoreResult<T>,
    ) -> StoreResult<T> {
        let Some(mark) = mark else { return append() };
        let turn = self.turn(mark)?;
        let done = self.in_turn(&turn, mark, append);
        let mut sources = self.sources.lock();
        // A source of which nothing was ever stored takes no place, unless somebody waits for it.
        let is_alone = Arc::strong_count(&turn) == 2;
        if is_alone && sources.get(&mark.source).is_some_and(|known| known.position.is_none()) {
            sources.remove(&mark.source);
        }
        done
    }

    fn in_turn<T>(
        &self,
        turn: &Mutex<()>,
        mark: &Mark,
        append: impl FnOnce() -> StoreResult<T>,
    ) -> StoreResult<T> {
        let _turn = turn.lock();
        let known = self.position(&mark.source);
        if let Some(known) = known.filter(|known| *known >= mark.position) {
            let Mark { source, position } = mark.clone();
            return Err(StoreError::OldMark { source_name: source, position, known });
        }
        let done = append()?;
        if let Some(source) = self.sources.lock().get_mut(&mark.source) {
            source.position = Some(mark.position);
        }
        Ok(done)
    }

    fn turn(&self, mark: &Mark) -> StoreResult<Arc<Mutex<()>>> {
        let invalid = |what: String| Err(StoreError::Invalid(what));
        let len = mark.source.len();
        if len == 0 || len > SOURCE_BYTES {
            return invalid(format!("the name of a source has 1 to {SOURCE_BYTES} bytes"));
        }
        if i64::try_from(mark.position).is_err() {
            return invalid(format!("{} is no position of a source", mark.position));
        }
        let mut sources = self.sources.lock();
        if !sources.contains_key(&mark.source) && sources.len() >= self.most {
            return invalid(format!("there are {} sources already", sources.len()));
        }
        let source = sources.entry(mark.source.clone()).or_default();
        Ok(Arc::clone(&source.turn))
    }

    pub(super) fn position(&self, source: &str) -> Option<u64> {
        self.sources.lock().get(source)?.position
    }

    pub(super) fn all(&self) -> Vec<Mark> {
        let sources = self.sources.lock();
        let marks = sources.iter().filter_map(|(source, state)| {
            Some(Mark { source: source.clone(), position: state.position? })
        });
        marks.collect()
    }
}

/// Moves a mark that is kept to a greater one.
pub(super) fn advance(marks: &mut BTreeMap<String, u64>, mark: &Mark) {
    match marks.get_mut(&mark.source) {
        Some(known) => *known = mark.position.max(*known),
        None => {
            marks.insert(mark.source.clone(), mark.position);
        }
    }
}
