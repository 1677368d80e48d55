//! Finds a part of JSON text without making a tree of it.
//!
//! The whole text is checked, because text that is no JSON has no parts; what is JSON is what
//! `Json::parse` takes (RFC 8259, nested less than 128 deep, numbers within the range of real).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Deeper text is no JSON.
const DEPTH_MAX: usize = 127;

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Of a bag
    Member(String),
    /// Of an array; a negative one counts from the end
    Element(i64),
}

/// What is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

type Result<T> = std::result::Result<T, NotJson>;

/// The text of the part at a path; `None` where the path leads nowhere.
pub(crate) fn find<'t>(text: &'t str, path: &[Step]) -> Result<Option<&'t str>> {
    let mut scan = Scan { text, bytes: text.as_bytes(), at: 0, depth: 0 };
    scan.space();
    let found = scan.value(path)?;
    scan.space();
    if scan.at == scan.bytes.len() { Ok(found) } else { Err(NotJson) }
}

struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    depth: usize,
}

impl<'t> Scan<'t> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() == byte && self.at < self.bytes.len() {
            self.at += 1;
            return Ok(());
        }
        Err(NotJson)
    }

    /// Reads a value and gives the text of its part at the path.
    fn value(&mut self, path: &[Step]) -> Result<Option<&'t str>> {
        let Some((step, rest)) = path.split_first() else {
            let from = self.at;
            self.skip()?;
            return Ok(Some(&self.text[from..self.at]));
        };
        match (self.peek(), step) {
            (b'{', Step::Member(name)) => self.member(name, rest),
            (b'[', Step::Element(at)) => self.element(*at, rest),
            _ => {
                self.skip()?;
                Ok(None)
            }
        }
    }

    /// The last member of that name counts.
    fn member(&mut self, name: &str, rest: &[Step]) -> Result<Option<&'t str>> {
        let mut found = None;
        self.open()?;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            self.depth -= 1;
            return Ok(None);
        }
        loop {
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            if key == name || key.contains('\\') && unescaped(key) == name {
                found = self.value(rest)?;
            } else {
                self.skip()?;
            }
            if self.ends(b'}')? {
                return Ok(found);
            }
        }
    }

    fn element(&mut self, wanted: i64, rest: &[Step]) -> Result<Option<&'t str>> {
        let mut found = None;
        let mut all = Vec::new();
        self.open()?;
        self.space();
        if self.peek() == b']' {
            self.at += 1;
            self.depth -= 1;
            return Ok(None);
        }
        for n in 0_i64.. {
            if n == wanted {
                found = self.value(rest)?;
            } else if wanted < 0 {
                all.push(self.value(rest)?);
            } else {
                self.skip()?;
            }
            if self.ends(b']')? {
                break;
            }
        }
        if wanted < 0 {
            let at = i64::try_from(all.len()).map_err(|_| NotJson)? + wanted;
            return Ok(usize::try_from(at).ok().and_then(|at| all.get(at).copied().flatten()));
        }
        Ok(found)
    }

    fn open(&mut self) -> Result<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(NotJson) } else { Ok(()) }
    }

    /// Whether the bag or array ends here; else a comma has been read.
    fn ends(&mut self, close: u8) -> Result<bool> {
        self.space();
        if self.peek() == close {
            self.at += 1;
            self.depth -= 1;
            return Ok(true);
        }
        self.expect(b',')?;
        self.space();
        Ok(false)
    }

    /// Reads over a value.
    fn skip(&mut self) -> Result<()> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b'{' => {
                self.open()?;
                self.space();
                if self.peek() == b'}' {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                loop {
                    self.string()?;
                    self.space();
                    self.expect(b':')?;
                    self.space();
                    self.skip()?;
                    if self.ends(b'}')? {
                        return Ok(());
                    }
                }
            }
            b'[' => {
                self.open()?;
                self.space();
                if self.peek() == b']' {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                loop {
                    self.skip()?;
                    if self.ends(b']')? {
                        return Ok(());
                    }
                }
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(NotJson)
    }

    fn digits(&mut self) -> Result<usize> {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at > from { Ok(self.at - from) } else { Err(NotJson) }
    }

    fn number(&mut self) -> Result<()> {
        let from = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        let mut long = false;
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            long = self.digits()? > 300;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
            long = true;
        }
        // Numbers beyond the range of real are none.
        if long && !self.text[from..self.at].parse().is_ok_and(f64::is_finite) {
            return Err(NotJson);
        }
        Ok(())
    }

    /// Reads a string and gives what stands between its quotes, escapes and all.
    fn string(&mut self) -> Result<&'t str> {
        self.expect(b'"')?;
        let from = self.at;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.bytes.get(self.at).ok_or(NotJson)? {
                b'"' => {
                    self.at += 1;
                    return Ok(&self.text[from..self.at - 1]);
                }
                b'\\' => self.escape()?,
                _ => return Err(NotJson),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let kind = self.peek();
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let first = self.hex()?;
                match first {
                    // A pair of surrogates; one alone is nothing.
                    0xD800..=0xDBFF => {
                        self.expect(b'\\')?;
                        self.expect(b'u')?;
                        let second = self.hex()?;
                        if (0xDC00..=0xDFFF).contains(&second) { Ok(()) } else { Err(NotJson) }
                    }
                    0xDC00..=0xDFFF => Err(NotJson),
                    _ => Ok(()),
                }
            }
            _ => Err(NotJson),
        }
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotJson)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotJson);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| NotJson)
    }
}

/// How many bytes stand before the first quote, backslash or control character.
///
/// Eight at a time: a byte less than `n` has its highest bit set in `(w - n) & !w`, and so has
/// none below the first such byte.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut n = 0;
    while let Some(eight) = bytes[n..].first_chunk::<8>() {
        let w = u64::from_le_bytes(*eight);
        let quote = w ^ (ONES * u64::from(b'"'));
        let backslash = w ^ (ONES * u64::from(b'\\'));
        let stops = quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | w.wrapping_sub(ONES * 0x20) & !w;
        let stops = stops & HIGH;
        if stops != 0 {
            return n + stops.trailing_zeros() as usize / 8;
        }
        n += 8;
    }
    let stop = |b: &u8| *b == b'"' || *b == b'\\' || *b < 0x20;
    n + bytes[n..].iter().position(stop).unwrap_or(bytes.len() - n)
}

/// The text of a string of which this stands between the quotes.
pub(crate) fn unescaped(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(&format!("\"{inner}\"")) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(inner),
    }
}
