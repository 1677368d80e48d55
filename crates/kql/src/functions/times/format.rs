//! `format_datetime()` and `format_timespan()`.

use std::fmt::Write as _;

use super::point;
use crate::functions::{Context, Table};
use crate::value::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, Value, civil,
};

pub(super) const TABLE: Table =
    &[("format_datetime", format_datetime), ("format_timespan", format_timespan)];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Runs of the same letter, and everything else character by character.
fn runs(format: &str) -> impl Iterator<Item = (char, usize)> {
    let mut rest = format.chars().peekable();
    std::iter::from_fn(move || {
        let first = rest.next()?;
        let mut count = 1;
        while first.is_ascii_alphabetic() && rest.next_if_eq(&first).is_some() {
            count += 1;
        }
        Some((first, count))
    })
}

/// Digits of the fraction of a second, `None` where the letter is `F` and they are all zero.
fn fraction(letter: char, count: usize, ticks: u64) -> Option<String> {
    let digits = format!("{:07}", ticks % TICKS_PER_SECOND as u64);
    let digits = &digits[..count.min(7)];
    if letter == 'f' {
        return Some(digits.to_owned());
    }
    let digits = digits.trim_end_matches('0');
    (!digits.is_empty()).then(|| digits.to_owned())
}

/// Writes a run that means the same in both functions.
fn common(out: &mut String, letter: char, count: usize, ticks: u64) {
    let number = match letter {
        'H' => ticks / TICKS_PER_HOUR as u64 % 24,
        'h' => (ticks / TICKS_PER_HOUR as u64 + 11) % 12 + 1,
        'm' => ticks / TICKS_PER_MINUTE as u64 % 60,
        's' => ticks / TICKS_PER_SECOND as u64 % 60,
        'f' | 'F' => {
            match fraction(letter, count, ticks) {
                Some(digits) => out.push_str(&digits),
                // .NET drops the point before an empty fraction.
                None if out.ends_with('.') => {
                    out.pop();
                }
                None => {}
            }
            return;
        }
        other => {
            out.extend(std::iter::repeat_n(other, count));
            return;
        }
    };
    let _ = write!(out, "{number:0width$}", width = count.min(2));
}

fn format_of(arguments: &[Value]) -> Option<&str> {
    match arguments.get(1)? {
        Value::String(format) if format.len() <= 1000 => Some(format),
        _ => None,
    }
}

fn format_datetime(arguments: &[Value], _: &Context) -> Value {
    let (Some(ticks), Some(format)) = (point(arguments, 0), format_of(arguments)) else {
        return Value::text("");
    };
    let (year, month, day) = civil(ticks);
    let weekday = WEEKDAYS[((ticks / TICKS_PER_DAY + 1) % 7) as usize];
    let month_name = MONTHS[month as usize - 1];
    let mut out = String::new();
    for (letter, count) in runs(format) {
        let _ = match (letter, count) {
            ('y', 1) => write!(out, "{}", year % 100),
            ('y', 2) => write!(out, "{:02}", year % 100),
            ('y', n) => write!(out, "{year:0width$}", width = n.min(9)),
            ('M', 1) => write!(out, "{month}"),
            ('M', 2) => write!(out, "{month:02}"),
            ('M', 3) => write!(out, "{}", &month_name[..3]),
            ('M', _) => write!(out, "{month_name}"),
            ('d', 1) => write!(out, "{day}"),
            ('d', 2) => write!(out, "{day:02}"),
            ('d', 3) => write!(out, "{}", &weekday[..3]),
            ('d', _) => write!(out, "{weekday}"),
            ('t', n) => {
                let half =
                    if ticks.rem_euclid(TICKS_PER_DAY) < TICKS_PER_DAY / 2 { "AM" } else { "PM" };
                write!(out, "{}", &half[..n.min(2)])
            }
            (letter, count) => {
                common(&mut out, letter, count, ticks.unsigned_abs());
                Ok(())
            }
        };
    }
    Value::text(out)
}

fn format_timespan(arguments: &[Value], _: &Context) -> Value {
    let (Some(ticks), Some(format)) =
        (arguments.first().and_then(Value::to_timespan), format_of(arguments))
    else {
        return Value::text("");
    };
    let mut out = String::new();
    let size = ticks.unsigned_abs();
    for (letter, count) in runs(format) {
        match letter {
            'd' => {
                let days = size / TICKS_PER_DAY as u64;
                let _ = write!(out, "{days:0width$}", width = count.min(8));
            }
            // Hours of a span run from 0 to 23 in both spellings.
            'h' => common(&mut out, 'H', count, size),
            _ => common(&mut out, letter, count, size),
        }
    }
    Value::text(out)
}
