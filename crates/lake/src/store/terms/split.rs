//! Text cut into terms, and which terms a text must have in which a needle is found.

use super::{HASH_START, hash, hash_byte};
use crate::scalar::folded;

/// Shorter runs are in nearly every text.
const CHARS_LEAST: usize = 3;

fn is_term(run: &str) -> bool {
    run.chars().nth(CHARS_LEAST - 1).is_some()
}

/// Hands on each term of a text.
pub(super) fn each_term(text: &str, take: &mut (impl FnMut(&str) + ?Sized)) {
    let text = folded(text, true);
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| is_term(run)).for_each(take);
}

/// Hands on the hash of each term of a text: what [`each_term`] gives, in one pass where the text
/// is ASCII, as nearly all are.
pub(super) fn each_hash(text: &str, take: &mut (impl FnMut(u64) + ?Sized)) {
    if !text.is_ascii() {
        return each_term(text, &mut |term: &str| take(hash(term)));
    }
    let (mut sum, mut n_chars) = (HASH_START, 0_usize);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            sum = hash_byte(sum, byte.to_ascii_lowercase());
            n_chars += 1;
            continue;
        }
        if n_chars >= CHARS_LEAST {
            take(sum);
        }
        (sum, n_chars) = (HASH_START, 0);
    }
    if n_chars >= CHARS_LEAST {
        take(sum);
    }
}

/// The hashes of terms that a text has for certain when the needle is found in it, with regard to
/// case or without. A run at an end of the needle is a whole term only where the test says that
/// nothing may join it there (`start`, `end`).
///
/// What is no letter or digit has no lower case that is one, so that folding a text leaves the
/// ends of its terms where they are.
pub(super) fn needed(needle: &str, start: bool, end: bool) -> Vec<u64> {
    let needle = folded(needle, true);
    let mut at = 0;
    let mut hashes = Vec::new();
    for run in needle.split(|c: char| !c.is_alphanumeric()) {
        let is_first = at == 0;
        at += run.len();
        let is_last = at == needle.len();
        let is_whole = (start || !is_first) && (end || !is_last);
        if is_whole && is_term(run) {
            hashes.push(hash(run));
        }
        at += needle[at..].chars().next().map_or(0, char::len_utf8);
    }
    hashes
}
