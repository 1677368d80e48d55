//! PostgreSQL's stderr log: `log_line_prefix`, severity, message, then the lines that belong to it
//! (PostgreSQL manual, "Error Reporting and Logging", `log_line_prefix`).
//!
//! A line that begins with a tab continues the one before; an event's DETAIL, HINT and so on come
//! as lines of their own with the same prefix. Which words stand for them, and for severities, is
//! said by the parser's file, because `lc_messages` translates them.

use std::borrow::Cow;

use regex::{Captures, Regex};

use super::Reading;
use crate::FIELDS_MAX;
use crate::event::{Cell, Event, Map};
use crate::record::{Fault, Reason};

/// A `log_line_prefix`, ready to match, and the words behind it.
#[derive(Debug)]
pub struct Prefix {
    /// Prefix, `word:  `.
    pattern: Regex,
    fields: Vec<(usize, &'static str)>,
    /// Word → name of the field its text fills; severities have none.
    words: Map<Box<str>, Option<Box<str>>>,
}

/// What an escape is called and how it looks.
fn escape(letter: char) -> Option<(&'static str, &'static str)> {
    const TIME: &str = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Za-z0-9+:-]+";
    const TIME_MS: &str = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]+";
    Some(match letter {
        'a' => ("application_name", ".*?"),
        'u' => ("user", ".*?"),
        'd' => ("dbname", ".*?"),
        'r' => ("remote", r"\S*?"),
        'h' => ("remote_host", r"\S*?"),
        'L' => ("local_host", r"\S*?"),
        'b' => ("backend_type", ".*?"),
        'p' => ("pid", r"\d+"),
        'P' => ("leader_pid", r"\d*"),
        't' => ("timestamp", TIME),
        'm' => ("timestamp", TIME_MS),
        'n' => ("timestamp_epoch", r"\d+\.\d{3}"),
        'i' => ("ps", ".*?"),
        'e' => ("state_code", "[0-9A-Z]{5}"),
        'c' => ("session_id", r"[0-9a-f]+\.[0-9a-f]+"),
        'l' => ("line_num", r"\d+"),
        's' => ("session_start", TIME),
        'v' => ("vxid", r"(?:-?\d+/\d+)?"),
        'x' => ("txid", r"\d+"),
        'Q' => ("query_id", r"-?\d+"),
        _ => return None,
    })
}

impl Prefix {
    /// Reads a `log_line_prefix`. What is wrong with it comes back as a sentence.
    pub(crate) fn new(
        prefix: &str,
        severities: &[String],
        parts: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let mut pattern = String::from("(?s)^");
        let mut fields = Vec::new();
        let mut optional = false;
        let mut chars = prefix.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                continue;
            }
            let mut padded = false;
            while chars.next_if(|c| *c == '-' || c.is_ascii_digit()).is_some() {
                padded = true;
            }
            match chars.next() {
                Some('%') => pattern.push('%'),
                Some('q') if !optional => {
                    optional = true;
                    pattern.push_str("(?:");
                }
                Some('q') => {}
                Some(letter) => {
                    let (name, look) =
                        escape(letter).ok_or_else(|| format!("no escape %{letter}"))?;
                    let pad = if padded { " *" } else { "" };
                    pattern.push_str(&format!("{pad}({look}){pad}"));
                    fields.push((fields.len() + 1, name));
                }
                None => return Err("a % at the end".to_owned()),
            }
        }
        if optional {
            pattern.push_str(")?");
        }
        let mut words: Map<Box<str>, Option<Box<str>>> = Map::default();
        words.extend(severities.iter().map(|word| (word.as_str().into(), None)));
        words.extend(parts.map(|(word, field)| (word.into(), Some(field.into()))));
        let any: Vec<String> = words.keys().map(|word| regex::escape(word)).collect();
        pattern.push_str(&format!("(?<word>{}):  ", any.join("|")));
        let pattern = Regex::new(&pattern).map_err(|e| e.to_string())?;
        Ok(Self { pattern, fields, words })
    }

    /// Whether a line belongs to the event of the lines before it.
    pub(crate) fn continues(&self, line: &[u8]) -> bool {
        if line.first() == Some(&b'\t') {
            return true;
        }
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            Err(e) => std::str::from_utf8(&line[..e.valid_up_to()]).unwrap_or_default(),
        };
        self.pattern.captures(text).is_some_and(|found| self.part(&found).is_some())
    }

    fn part(&self, found: &Captures<'_>) -> Option<&str> {
        self.words.get(&found["word"])?.as_deref()
    }

    pub(crate) fn read<'a>(
        &self,
        text: &'a str,
        reading: Reading<'_>,
        out: &mut Vec<Event<'a>>,
    ) -> Result<(), Fault> {
        let (first, mut rest) = paragraph(text);
        let found = self.captures(first)?;
        if self.part(&found).is_some() {
            return Err(Fault::syntax("a line that belongs to another, which is not there"));
        }
        let mut event = Event::new(reading.names);
        for &(group, name) in &self.fields {
            if let Some(field) = found.get(group).filter(|field| !field.is_empty()) {
                event.give(reading, name, field.as_str());
            }
        }
        let word = found.name("word").map_or("", |word| word.as_str());
        event.give(reading, "error_severity", word);
        event.put(reading.names, "message", joined(&first[found[0].len()..]));
        let pid = self.pid(&found);
        let mut n_parts = 0;
        while !rest.is_empty() {
            let (line, behind) = paragraph(rest);
            let found = self.captures(line)?;
            let part = self.part(&found).unwrap_or_default();
            if self.pid(&found) != pid {
                return Err(Fault::syntax("lines of two processes are mixed"));
            }
            event.put(reading.names, part, joined(&line[found[0].len()..]));
            rest = behind;
            n_parts += 1;
            if n_parts > FIELDS_MAX {
                return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} parts")));
            }
        }
        out.push(event);
        Ok(())
    }

    fn pid<'a>(&self, found: &Captures<'a>) -> Option<&'a str> {
        let (group, _) = self.fields.iter().find(|(_, name)| *name == "pid")?;
        Some(found.get(*group)?.as_str())
    }

    fn captures<'a>(&self, line: &'a str) -> Result<Captures<'a>, Fault> {
        let message = "the line does not begin with log_line_prefix and a severity";
        self.pattern.captures(line).ok_or_else(|| Fault::syntax(message))
    }
}

/// A line with those behind it that begin with a tab, and what follows.
fn paragraph(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let next = memchr::memchr_iter(b'\n', bytes).find(|at| bytes.get(at + 1) != Some(&b'\t'));
    match next {
        Some(at) => (text[..at].trim_end_matches('\r'), &text[at + 1..]),
        None => (text.trim_end_matches('\r'), ""),
    }
}

/// The text of a paragraph, without the tabs that the log put in.
fn joined(text: &str) -> Cell<'_> {
    Cell::Text(match text.contains("\n\t") {
        true => Cow::Owned(text.replace("\n\t", "\n")),
        false => Cow::Borrowed(text),
    })
}
