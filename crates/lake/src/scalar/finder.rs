//! Finds an ASCII text in others, with or without regard to case.
//!
//! Two rare bytes of the needle are looked for at their distance, a block of text at a time, in
//! a loop that compilers turn into vector instructions; what they find is then compared whole.

/// Bytes that one turn of the loop looks at.
const BLOCK: usize = 32;

/// How often a byte stands in text, roughly: the smaller the rarer.
fn frequency(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 9,
        b'l' | b'd' | b'c' | b'h' | b'u' | b'm' | b'0' | b'1' | b'.' | b'/' => 7,
        b'p' | b'f' | b'g' | b'2' | b'3' | b'"' | b'=' | b':' | b'-' | b'_' | b',' => 5,
        b'4'..=b'9' | b'b' | b'w' | b'y' | b'v' => 4,
        b'k' => 3,
        b'x' | b'j' | b'q' | b'z' => 1,
        _ => 2,
    }
}

/// A needle ready to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    needle: Vec<u8>,
    fold: bool,
    /// Places of two rare bytes in the needle, the smaller first
    places: (usize, usize),
    /// What is or-ed to a byte of text before it is compared
    masks: (u8, u8),
    bytes: (u8, u8),
}

impl Finder {
    /// For a needle that is not empty and, with `fold`, is ASCII.
    pub(crate) fn new(needle: &str, fold: bool) -> Self {
        let needle = if fold {
            needle.to_ascii_lowercase().into_bytes()
        } else {
            needle.as_bytes().to_vec()
        };
        let mut order: Vec<usize> = (0..needle.len()).collect();
        order.sort_by_key(|at| frequency(needle[*at]));
        let first = order.first().copied().unwrap_or(0);
        let second = order.get(1).copied().unwrap_or(first);
        let places = (first.min(second), first.max(second));
        // The bit that tells upper case from lower.
        let mask = |at: usize| {
            if fold && needle.get(at).is_some_and(u8::is_ascii_alphabetic) { 0x20 } else { 0 }
        };
        let masks = (mask(places.0), mask(places.1));
        let byte = |at: usize| needle.get(at).copied().unwrap_or(0);
        let bytes = (byte(places.0), byte(places.1));
        Self { needle, fold, places, masks, bytes }
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.needle.len()
    }

    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let Some(there) = text.get(at..at + self.needle.len()) else { return false };
        if self.fold { there.eq_ignore_ascii_case(&self.needle) } else { there == self.needle }
    }

    /// The first place at or after `from` where the needle begins.
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let last = text.len().checked_sub(self.needle.len())?;
        let mut at = from;
        // Blocks are read at both places, so that the later one must be inside too.
        while at + self.places.1 + BLOCK <= text.len() {
            let a = text.get(at + self.places.0..at + self.places.0 + BLOCK)?;
            let b = text.get(at + self.places.1..at + self.places.1 + BLOCK)?;
            if self.any(a, b) {
                for within in 0..BLOCK {
                    let candidate = a[within] | self.masks.0 == self.bytes.0
                        && b[within] | self.masks.1 == self.bytes.1;
                    if candidate && self.is_at(text, at + within) {
                        return Some(at + within);
                    }
                }
            }
            at += BLOCK;
        }
        while at <= last {
            let candidate = text[at + self.places.0] | self.masks.0 == self.bytes.0
                && text[at + self.places.1] | self.masks.1 == self.bytes.1;
            if candidate && self.is_at(text, at) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Whether both rare bytes stand at the same place of two blocks.
    #[inline]
    fn any(&self, a: &[u8], b: &[u8]) -> bool {
        let mut found = 0_u8;
        for (a, b) in a.iter().zip(b) {
            found |= u8::from(a | self.masks.0 == self.bytes.0)
                & u8::from(b | self.masks.1 == self.bytes.1);
        }
        found != 0
    }
}
