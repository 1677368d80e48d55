//! Whether a type keeps what a text says: numbers that survive as doubles, points of time that
//! survive as ticks.

use jiff::tz::TimeZone;

use crate::time::{self, Zones};

/// A number in JSON's spelling, by what holds it without loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// A `long`; whether a double would hold it too.
    Long(i64, bool),
    /// A double.
    Real(f64),
    /// Only its own text.
    Text,
}

/// Reads a number of RFC 8259 section 6; `None` where the text is none.
pub(super) fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let n_whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    if n_whole == 0 || n_whole > 1 && digits.starts_with('0') {
        return None;
    }
    let mut rest = &digits[n_whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let n = fraction.bytes().take_while(u8::is_ascii_digit).count();
        rest = (n > 0).then(|| &fraction[n..])?;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let n = exponent.bytes().take_while(u8::is_ascii_digit).count();
        rest = (n > 0).then(|| &exponent[n..])?;
    }
    if !rest.is_empty() {
        return None;
    }
    let whole = n_whole == digits.len() && text != "-0";
    let real: f64 = text.parse().ok()?;
    let exact = real.is_finite()
        && match text.parse::<i128>() {
            Ok(n) if whole => real as i128 == n,
            _ => plain(text) == plain(&format!("{real:e}")),
        };
    Some(match text.parse::<i64>() {
        Ok(n) if whole => Number::Long(n, exact),
        _ if exact => Number::Real(real),
        _ => Number::Text,
    })
}

/// Sign, digits without zeros at the ends, and the power of ten of the last digit; `None` where
/// the exponent is out of reach.
fn plain(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return Some((negative, String::new(), 0));
    }
    let power = i64::from(exponent) - fraction.len() as i64 + (digits.len() - kept.len()) as i64;
    Some((negative, kept.trim_start_matches('0').to_owned(), power))
}

/// Whether every number within JSON text survives as `long` or double.
pub(super) fn numbers_survive(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |b: &&u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let n = bytes[at..].iter().take_while(is_part).count();
                if matches!(number(&json[at..at + n]), None | Some(Number::Text)) {
                    return false;
                }
                at += n;
            }
            _ => at += 1,
        }
    }
    true
}

/// A point of time of which nothing is lost: date and time with `T` or a blank between, at most
/// seven digits of a second, `Z`, an offset or nothing (UTC) behind.
pub(super) fn instant(text: &str) -> Option<i64> {
    let behind = text.get(19..)?;
    let fraction = behind.strip_prefix('.').unwrap_or("");
    let n = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let zone = if behind.starts_with('.') { &fraction[n..] } else { behind };
    let kept = fraction[..n].trim_end_matches('0').len() <= 7 && text.get(17..19) != Some("60");
    let plain = zone.is_empty() || zone == "Z" || zone.starts_with(['+', '-']);
    let digits = text.bytes().take(4).all(|b| b.is_ascii_digit());
    (kept && plain && digits && (n > 0 || !behind.starts_with('.')))
        .then(|| time::stamp(text, &utc()))
        .flatten()
}

/// Zones of what is pushed: what has no zone is UTC.
pub(super) fn utc() -> Zones {
    Zones { own: Some(TimeZone::UTC), ..Zones::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_type_that_keeps_it() {
        for (text, expected) in [
            ("0", Some(Number::Long(0, true))),
            ("-17", Some(Number::Long(-17, true))),
            ("9007199254740992", Some(Number::Long(1 << 53, true))),
            ("9007199254740993", Some(Number::Long((1 << 53) + 1, false))),
            ("9223372036854775807", Some(Number::Long(i64::MAX, false))),
            ("9223372036854775808", Some(Number::Real(9_223_372_036_854_775_808.0))),
            ("12345678901234567890", Some(Number::Text)),
            ("0.1", Some(Number::Real(0.1))),
            ("1.50", Some(Number::Real(1.5))),
            ("-0", Some(Number::Real(-0.0))),
            ("1e3", Some(Number::Real(1000.0))),
            ("1E+20", Some(Number::Real(1e20))),
            ("5e-324", Some(Number::Real(5e-324))),
            ("1e400", Some(Number::Text)),
            ("1e-400", Some(Number::Text)),
            ("1e99999999999", Some(Number::Text)),
            ("3.14159265358979323846", Some(Number::Text)),
            ("007", None),
            ("+1", None),
            ("1.", None),
            (".5", None),
            ("1e", None),
            ("0x10", None),
            ("NaN", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        assert!(numbers_survive(
            r#"{"a":[1,-2.5e3,"12345678901234567890\"3.14159265358979323846"]}"#
        ));
        assert!(!numbers_survive(r#"{"a":[1,12345678901234567890]}"#));
    }

    #[test]
    fn an_instant_is_kept_to_the_tick() {
        let at = |text| instant(text).map(kql::value::datetime_text);
        for (text, expected) in [
            ("2026-11-27T13:59:05Z", Some("2026-11-27T13:59:05.0000000Z")),
            ("2026-11-27 13:59:05.1234567+01:00", Some("2026-11-27T12:59:05.1234567Z")),
            ("2026-11-27T13:59:05.123456700", Some("2026-11-27T13:59:05.1234567Z")),
            ("2026-11-27T13:59:05.123456789Z", None),
            ("2026-11-27T13:59:60Z", None),
            ("2026-11-27T13:59:05 CET", None),
            ("2026-11-27T13:59:05.", None),
            ("2026-11-27", None),
            ("2026-13-27T13:59:05Z", None),
            ("äääääääääääääääääääää", None),
            ("2026-11-27T13:59ä5Z", None),
            ("2026-11-27T13:5äö05Z", None),
            ("2026-11-27T13:59:ä5Z", None),
        ] {
            assert_eq!(at(text).as_deref(), expected, "{text}");
        }
    }
}
