//! Common Event Format (ArcSight, "CEF Implementation Standard"): seven fields between bars, then
//! `key=value` pairs. A syslog header before `CEF:` is read as RFC 3164 and 5424 would.
//!
//! Fields: `version`, `device_vendor`, `device_product`, `device_version`, `signature_id`, `name`,
//! `cef_severity`, every extension under its key, and those of the header.

use std::borrow::Cow;

use super::{Reading, syslog};
use crate::FIELDS_MAX;
use crate::event::{Cell, Event};
use crate::record::{Fault, Reason};

const HEADER: [&str; 7] = [
    "version",
    "device_vendor",
    "device_product",
    "device_version",
    "signature_id",
    "name",
    "cef_severity",
];

pub(crate) fn read<'a>(
    text: &'a str,
    reading: Reading<'_>,
    out: &mut Vec<Event<'a>>,
) -> Result<(), Fault> {
    let at = text.find("CEF:").ok_or_else(|| Fault::syntax("no CEF: in the record"))?;
    let mut event = match syslog::without_count(&text[..at]) {
        "" => Event::new(reading.names),
        header => {
            // A header that is none costs nothing: the event itself is whole.
            let mut events = Vec::new();
            let known = Reading { rest: false, ..reading };
            let _ = syslog::read(header, known, &mut events);
            events.pop().unwrap_or_else(|| Event::new(reading.names))
        }
    };
    let mut rest = &text[at + 4..];
    for name in HEADER {
        let (value, behind) =
            until_bar(rest).ok_or_else(|| Fault::syntax(format!("no bar behind {name}")))?;
        event.put(reading.names, name, Cell::Text(value));
        rest = behind;
    }
    extensions(rest, reading, &mut event)?;
    out.push(event);
    Ok(())
}

/// A header field, with `\|` and `\\` resolved, and what follows its bar.
fn until_bar(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut escaped = false;
    loop {
        match bytes.get(at)? {
            b'|' => break,
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
    let field = text.get(..at)?;
    Some((if escaped { resolve(field) } else { Cow::Borrowed(field) }, &text[at + 1..]))
}

/// Escapes of header and extension: bar, equals sign, backslash, end of line.
fn resolve(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(c @ ('|' | '=' | '\\')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Pairs. A value ends where the next ` key=` begins, so it may hold blanks.
fn extensions<'a>(text: &'a str, reading: Reading<'_>, event: &mut Event<'a>) -> Result<(), Fault> {
    let bytes = text.as_bytes();
    let mut keys: Vec<(usize, usize)> = Vec::new();
    for equals in memchr::memchr_iter(b'=', bytes) {
        let n_key = bytes[..equals].iter().rev().take_while(|b| is_key(**b)).count();
        let from = equals - n_key;
        let free = from == 0 || bytes[from - 1] == b' ';
        if n_key > 0 && free {
            keys.push((from, equals));
        }
        if keys.len() > FIELDS_MAX {
            return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} fields")));
        }
    }
    if keys.is_empty() && !text.trim().is_empty() {
        return Err(Fault::syntax("the extension has no key"));
    }
    for (i, &(from, equals)) in keys.iter().enumerate() {
        let end = keys.get(i + 1).map_or(text.len(), |(next, _)| *next);
        let value = resolve(text[equals + 1..end].trim_end());
        let key = &text[from..equals];
        let cell = Cell::Text(value);
        match reading.names.find(key) {
            Some(slot) => event.set(slot, cell),
            None if reading.rest => event.rest.push((key.into(), cell)),
            None => {}
        }
    }
    Ok(())
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']')
}
