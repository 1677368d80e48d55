//! Regular expressions of queries: compiled once a thread, limited in size.
//!
//! Kusto's syntax is that of the crate `regex`: no look-around, no back-references, octal escapes
//! (Kusto page "regex"). Queries of older days were written for RE2, which takes a brace that
//! repeats nothing and a bracket inside of a class for themselves; such are understood too.
//! Matching takes time linear in the text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const SIZE_MAX_BYTES: usize = 8 << 20;
/// Expressions that a thread keeps.
const KEPT_MAX: usize = 32;

type Kept = HashMap<Box<str>, Option<Rc<Regex>>>;

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::new(HashMap::new());
}

fn build(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .octal(true)
        .size_limit(SIZE_MAX_BYTES)
        .dfa_size_limit(SIZE_MAX_BYTES)
        .build()
}

/// Compiles a regular expression of a query.
///
/// # Errors
/// Why the pattern is none, or is too large.
pub fn compile_regex(pattern: &str) -> Result<Regex, regex::Error> {
    build(pattern).or_else(|error| build(&escaped(pattern)).map_err(|_| error))
}

/// Whether a brace begins `{2}`, `{2,}` or `{2,3}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

/// The pattern with escapes before what RE2 takes for itself: a brace that repeats nothing, and
/// inside of a class `[`, `&&` and `~~`.
fn escaped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut in_class = false;
    // Nothing that could be repeated stands before.
    let mut start = true;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\\' => {
                taken += rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..taken]);
            }
            '[' if !in_class => {
                in_class = true;
                taken += usize::from(rest[taken..].starts_with('^'));
                taken += usize::from(rest[taken..].starts_with(']'));
                out.push_str(&rest[..taken]);
            }
            '[' if rest.starts_with("[:") && rest.contains(":]") => {
                taken = rest.find(":]").map_or(taken, |at| at + 2);
                out.push_str(&rest[..taken]);
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', c]),
            ']' if in_class => {
                in_class = false;
                out.push(c);
            }
            '{' if !in_class && (start || !is_repetition(rest)) => out.push_str("\\{"),
            _ => out.push(c),
        }
        start = !in_class && matches!(c, '(' | '|');
        rest = &rest[taken..];
    }
    out
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
        let made = compile_regex(pattern).ok().map(Rc::new);
        kept.insert(pattern.into(), made.clone());
        made
    })
}

/// Why a pattern is no regular expression; `None` where it is one.
pub fn regex_error(pattern: &str) -> Option<String> {
    let error = compile_regex(pattern).err()?.to_string();
    Some(error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
}
