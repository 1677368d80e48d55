//! Syslog: RFC 5424, and what RFC 3164 describes. Fields: `facility`, `severity`, `version`,
//! `timestamp` (RFC 3339) or `timestamp_bsd`, `hostname`, `app_name`, `proc_id`, `msg_id`,
//! `structured_data`, `message`.

use std::borrow::Cow;
use std::sync::Arc;

use kql::value::Json;

use super::Reading;
use crate::FIELDS_MAX;
use crate::event::{Cell, Event};
use crate::record::{Fault, Reason};

/// The message of a record that came over a stream with counted octets (RFC 6587 section 3.4.1).
pub(crate) fn without_count(text: &str) -> &str {
    match text.split_once(' ') {
        Some((n, rest)) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => text,
    }
}

pub(crate) fn read<'a>(
    text: &'a str,
    reading: Reading<'_>,
    out: &mut Vec<Event<'a>>,
) -> Result<(), Fault> {
    let mut event = Event::new(reading.names);
    let text = without_count(text);
    let rest = priority(text, reading, &mut event)?;
    match rest.strip_prefix("1 ") {
        Some(rest) => rfc5424(rest, reading, &mut event)?,
        None => rfc3164(rest, reading, &mut event),
    }
    out.push(event);
    Ok(())
}

/// `<N>`, N at most 191 (RFC 5424 section 6.2.1).
fn priority<'a>(
    text: &'a str,
    reading: Reading<'_>,
    event: &mut Event<'a>,
) -> Result<&'a str, Fault> {
    let wrong = || Fault::syntax("no priority at the beginning");
    let (digits, rest) =
        text.strip_prefix('<').and_then(|t| t.split_once('>')).ok_or_else(wrong)?;
    let number: Option<i64> = if digits.len() <= 3 { digits.parse().ok() } else { None };
    let number = number.filter(|n| (0..=191).contains(n)).ok_or_else(wrong)?;
    event.put(reading.names, "facility", Cell::Long(number / 8));
    event.put(reading.names, "severity", Cell::Long(number % 8));
    Ok(rest)
}

fn rfc5424<'a>(text: &'a str, reading: Reading<'_>, event: &mut Event<'a>) -> Result<(), Fault> {
    let mut rest = text;
    event.give(reading, "version", "1");
    for name in ["timestamp", "hostname", "app_name", "proc_id", "msg_id"] {
        let (word, behind) =
            rest.split_once(' ').ok_or_else(|| Fault::syntax(format!("nothing behind {name}")))?;
        if word != "-" && !word.is_empty() {
            event.give(reading, name, word);
        }
        rest = behind;
    }
    let rest = match rest.strip_prefix('-') {
        Some(rest) => rest,
        None => {
            let (data, rest) = structured(rest)?;
            event.put(reading.names, "structured_data", Cell::Json(data));
            rest
        }
    };
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    event.give(reading, "message", message.strip_prefix('\u{feff}').unwrap_or(message));
    Ok(())
}

/// `[id name="value" …]…` (RFC 5424 section 6.3) as a bag of bags.
fn structured(text: &str) -> Result<(Json, &str), Fault> {
    let wrong = || Fault::syntax("structured data is broken");
    let mut elements = Vec::new();
    let mut rest = text;
    let mut n_fields = 0;
    while let Some(inside) = rest.strip_prefix('[') {
        let end = inside.find([' ', ']']).ok_or_else(wrong)?;
        let id = &inside[..end];
        rest = &inside[end..];
        let mut members = Vec::new();
        while let Some(behind) = rest.strip_prefix(' ') {
            let behind = behind.trim_start_matches(' ');
            let (name, value) = behind.split_once("=\"").ok_or_else(wrong)?;
            let (value, behind) = quoted(value).ok_or_else(wrong)?;
            Json::put(&mut members, name.into(), Json::String(value));
            rest = behind;
            n_fields += 1;
            if n_fields > FIELDS_MAX {
                return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} fields")));
            }
        }
        rest = rest.strip_prefix(']').ok_or_else(wrong)?;
        Json::put(&mut elements, id.into(), Json::Bag(members));
        if elements.len() > FIELDS_MAX {
            return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} elements")));
        }
    }
    if elements.is_empty() {
        return Err(wrong());
    }
    Ok((Json::Bag(elements), rest))
}

/// A value up to its closing quote, with `\"`, `\\` and `\]` resolved.
fn quoted(text: &str) -> Option<(Arc<str>, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value.into(), &text[at + 1..])),
            '\\' => match chars.next()? {
                (_, c @ ('"' | '\\' | ']')) => value.push(c),
                (_, c) => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

/// `Mmm dd hh:mm:ss HOST TAG[PID]: text` (RFC 3164 section 4.1), or an RFC 3339 time in its place.
/// What does not look so is all message.
fn rfc3164<'a>(text: &'a str, reading: Reading<'_>, event: &mut Event<'a>) {
    let Some((name, time, rest)) = time_of(text) else {
        event.give(reading, "message", text);
        return;
    };
    event.give(reading, name, time);
    let (host, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    // A host's name holds no bracket and no colon at its end: that would be the tag.
    let (host, rest) = match host.ends_with(':') || host.contains('[') {
        true => ("", text[time.len()..].trim_start()),
        false => (host, rest),
    };
    if !host.is_empty() {
        event.give(reading, "hostname", host);
    }
    let tag_end = rest.find(|c: char| !(c.is_alphanumeric() || "-_./@".contains(c)));
    let message = match tag_end {
        Some(at) if at > 0 && at <= 48 => tagged(rest, at, reading, event),
        _ => None,
    };
    let message: Cow<'a, str> = message.unwrap_or(rest).into();
    event.put(reading.names, "message", Cell::Text(message));
}

fn tagged<'a>(
    rest: &'a str,
    at: usize,
    reading: Reading<'_>,
    event: &mut Event<'a>,
) -> Option<&'a str> {
    let (tag, behind) = rest.split_at(at);
    let (pid, message) = match behind.strip_prefix('[') {
        Some(inside) => {
            let (pid, behind) = inside.split_once(']')?;
            (Some(pid), behind.strip_prefix(':')?)
        }
        None => (None, behind.strip_prefix(':')?),
    };
    event.give(reading, "app_name", tag);
    if let Some(pid) = pid {
        event.give(reading, "proc_id", pid);
    }
    Some(message.strip_prefix(' ').unwrap_or(message))
}

/// The time at the beginning, the name of its form, and what follows the blank behind it.
fn time_of(text: &str) -> Option<(&'static str, &str, &str)> {
    let bytes = text.as_bytes();
    if bytes.len() >= 16 && bytes[15] == b' ' && bytes[6] == b' ' && bytes[9] == b':' {
        if bytes[..16].is_ascii() {
            return Some(("timestamp_bsd", &text[..15], &text[16..]));
        }
        return None;
    }
    let (word, rest) = text.split_once(' ')?;
    let looks = word.len() >= 19 && word.is_ascii() && word.as_bytes()[10] == b'T';
    looks.then_some(("timestamp", word, rest))
}
