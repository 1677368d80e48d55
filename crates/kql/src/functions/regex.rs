//! Regular expressions of queries: compiled once a thread, limited in size.
//!
//! Kusto's syntax is that of the crate `regex`: no look-around, no back-references (Kusto page
//! "regex"). Matching takes time linear in the text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const SIZE_MAX_BYTES: usize = 4 << 20;
/// Expressions that a thread keeps.
const KEPT_MAX: usize = 64;

type Kept = HashMap<Box<str>, Option<Rc<Regex>>>;

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::new(HashMap::new());
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(SIZE_MAX_BYTES).dfa_size_limit(SIZE_MAX_BYTES).build()
}

/// The expression of this pattern; `None` where it is none.
pub(super) fn regex(pattern: &str) -> Option<Rc<Regex>> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(found) = kept.get(pattern) {
            return found.clone();
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let made = compile(pattern).ok().map(Rc::new);
        kept.insert(pattern.into(), made.clone());
        made
    })
}

/// Why a pattern is no regular expression; `None` where it is one.
pub fn regex_error(pattern: &str) -> Option<String> {
    let error = compile(pattern).err()?.to_string();
    Some(error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
}
