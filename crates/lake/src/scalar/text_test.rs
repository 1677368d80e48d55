//! Tests of text: `has`, `contains`, `startswith`, `in`, `matches regex` and their kin, with
//! constants on the right.

use std::borrow::Cow;
use std::collections::HashSet;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, StringViewArray};
use datafusion::arrow::buffer::BooleanBuffer;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::finder::Finder;

/// What is asked of a text; `fold` means without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Test {
    /// Whole terms, or terms that begin or end so
    Term { start: bool, end: bool, fold: bool },
    /// Anywhere
    Contains { fold: bool },
    /// At the start
    Starts { fold: bool },
    /// At the end
    Ends { fold: bool },
    /// The whole text is one of several
    In { fold: bool },
    /// At least one of several is a term
    HasAny,
    /// All of several are terms
    HasAll,
    /// A regular expression
    Regex,
}

/// A test with its needles ready.
#[derive(Debug)]
pub(crate) enum Matcher {
    Terms { needles: Vec<Needle>, all: bool },
    Contains(Needle),
    Starts(String, bool),
    Ends(String, bool),
    In(HashSet<String>, bool),
    Regex(Regex),
}

/// One needle of a search for terms.
#[derive(Debug)]
pub(crate) struct Needle {
    /// As it is compared: folded where case does not count
    text: String,
    fold: bool,
    /// For ASCII needles
    finder: Option<Finder>,
    /// Whether a term must begin and end with it
    start: bool,
    end: bool,
}

impl Test {
    /// Makes needles ready; `None` where one is no regular expression.
    pub(crate) fn matcher(self, needles: &[String]) -> Option<Matcher> {
        let term = |needle: &String, start, end, fold| Needle::new(needle, start, end, fold);
        let one = needles.first();
        Some(match self {
            Self::Term { start, end, fold } => {
                Matcher::Terms { needles: vec![term(one?, start, end, fold)], all: true }
            }
            Self::HasAny | Self::HasAll => Matcher::Terms {
                needles: needles.iter().map(|n| term(n, true, true, true)).collect(),
                all: self == Self::HasAll,
            },
            Self::Contains { fold } => Matcher::Contains(Needle::new(one?, false, false, fold)),
            Self::Starts { fold } => Matcher::Starts(folded(one?, fold).into_owned(), fold),
            Self::Ends { fold } => Matcher::Ends(folded(one?, fold).into_owned(), fold),
            Self::In { fold } => {
                let all = needles.iter().map(|n| folded(n, fold).into_owned());
                Matcher::In(all.collect(), fold)
            }
            Self::Regex => Matcher::Regex(kql::functions::compile_regex(one?).ok()?),
        })
    }
}

/// Text as it is compared: the fold of the language's functions.
pub(crate) fn folded(text: &str, fold: bool) -> Cow<'_, str> {
    if !fold {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

impl Needle {
    fn new(needle: &str, start: bool, end: bool, fold: bool) -> Self {
        let text = folded(needle, fold).into_owned();
        let first = text.chars().next();
        let last = text.chars().next_back();
        let finder = (!text.is_empty() && text.is_ascii()).then(|| Finder::new(&text, fold));
        Self {
            start: start && first.is_some_and(char::is_alphanumeric),
            end: end && last.is_some_and(char::is_alphanumeric),
            text,
            fold,
            finder,
        }
    }

    fn is_in(&self, text: &str) -> bool {
        if self.text.is_empty() {
            return true;
        }
        // An ASCII needle in ASCII text, or one that is compared as it is, needs no folded copy.
        if let Some(finder) = &self.finder
            && (!self.fold || text.is_ascii())
        {
            return self.found(text, finder);
        }
        let text = folded(text, self.fold);
        let mut from = 0;
        while let Some(at) = text[from..].find(&self.text) {
            let left = from + at;
            if self.stands_free(&text, left) {
                return true;
            }
            from = left + text[left..].chars().next().map_or(1, char::len_utf8);
        }
        false
    }

    fn found(&self, text: &str, finder: &Finder) -> bool {
        let mut from = 0;
        while let Some(at) = finder.find(text.as_bytes(), from) {
            if self.stands_free(text, at) {
                return true;
            }
            from = at + 1;
        }
        false
    }

    /// Whether no letter or digit joins the needle where a term must begin or end.
    fn stands_free(&self, text: &str, left: usize) -> bool {
        let right = left + self.finder.as_ref().map_or(self.text.len(), Finder::len);
        let joined_left =
            self.start && text[..left].chars().next_back().is_some_and(char::is_alphanumeric);
        let joined_right =
            self.end && text[right..].chars().next().is_some_and(char::is_alphanumeric);
        !joined_left && !joined_right
    }
}

impl Matcher {
    /// Whether the test holds for a text.
    pub(crate) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Terms { needles, all: true } => needles.iter().all(|n| n.is_in(text)),
            Self::Terms { needles, all: false } => needles.iter().any(|n| n.is_in(text)),
            Self::Contains(needle) => needle.is_in(text),
            Self::Starts(needle, fold) => affix(text, needle, *fold, true),
            Self::Ends(needle, fold) => affix(text, needle, *fold, false),
            Self::In(all, fold) => all.contains(&*folded(text, *fold)),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// The test of each text, negated or not; a null text is `""`.
    pub(crate) fn all(&self, texts: &ArrayRef, negated: bool) -> BooleanArray {
        let texts: &StringViewArray = texts.as_string_view();
        let test = |at: usize| {
            let text = if texts.is_null(at) { "" } else { texts.value(at) };
            self.holds(text) != negated
        };
        BooleanArray::new(BooleanBuffer::collect_bool(texts.len(), test), None)
    }
}

fn affix(text: &str, needle: &str, fold: bool, start: bool) -> bool {
    if fold && text.is_ascii() && needle.is_ascii() {
        let Some(rest) = text.len().checked_sub(needle.len()) else { return false };
        let there = if start { &text[..needle.len()] } else { &text[rest..] };
        return there.eq_ignore_ascii_case(needle);
    }
    let text = folded(text, fold);
    if start { text.starts_with(needle) } else { text.ends_with(needle) }
}
