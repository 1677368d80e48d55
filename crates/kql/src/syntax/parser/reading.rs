//! What literals say: from their text to values. No parsing of the language here.

use rust_decimal::Decimal;

use super::super::lexer::escape;
use super::super::tree::Literal;
use crate::value::{self, Type};

/// Decodes one text literal, with its quotes; the second part says whether it is hidden.
pub(super) fn string(literal: &str) -> (String, bool) {
    let body = literal.strip_prefix(['h', 'H']).unwrap_or(literal);
    let hidden = body.len() != literal.len();
    for fence in ["```", "~~~"] {
        if let Some(text) = body.strip_prefix(fence) {
            return (text.strip_suffix(fence).unwrap_or(text).to_owned(), hidden);
        }
    }
    let (verbatim, body) = match body.strip_prefix('@') {
        Some(body) => (true, body),
        None => (false, body),
    };
    let Some(quote) = body.chars().next() else { return (String::new(), hidden) };
    let text = &body[quote.len_utf8()..];
    if verbatim {
        let text = text.strip_suffix(quote).unwrap_or(text);
        let doubled: String = [quote, quote].iter().collect();
        return (text.replace(&doubled, &quote.to_string()), hidden);
    }
    (unescape(text, quote), hidden)
}

/// Replaces escapes up to the closing quote.
fn unescape(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == quote {
            break;
        }
        if c != '\\' {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else if let Some((c, length)) = surrogates(rest).or_else(|| escape(rest)) {
            out.push(c);
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[1..];
        }
    }
    out
}

/// Two `\u` escapes that are one character outside of the basic plane.
fn surrogates(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (high, low) = (unit(0)?, unit(6)?);
    let c = char::decode_utf16([high, low]).next()?.ok()?;
    (c.len_utf16() == 2).then_some((c, 12))
}

/// `12`, `0x1f`. Hexadecimal digits give the bits.
pub(super) fn long(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(u64::cast_signed),
        None => text.parse().ok(),
    }
}

/// `1.5`, `1e3`, `nan`, `+inf`.
pub(super) fn real(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

/// A decimal number with or without an exponent.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

/// 32 hexadecimal digits, with or without dashes and braces.
pub(super) fn guid(text: &str) -> Option<u128> {
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let dashes = [8, 13, 18, 23];
    let dashed = text.len() == 36 && dashes.iter().all(|i| text.as_bytes()[*i] == b'-');
    if !dashed && text.len() != 32 {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let all = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    u128::from_str_radix(&digits, 16).ok().filter(|_| all)
}

/// What stands in the parentheses of a typed literal, with one pair of quotes taken off.
pub(super) fn inner(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['\'', '"'].into_iter().find_map(|q| text.strip_prefix(q)?.strip_suffix(q));
    quoted.unwrap_or(text)
}

/// A time without a day, in ticks since midnight: `8:00:00 AM`.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    let midnight = value::from_civil(2000, 1, 1)?;
    let clock = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(':');
    let at = value::parse_datetime(&format!("2000-01-01 {text}")).filter(|_| clock)?;
    Some(at - midnight)
}

/// A typed literal from its word and what stands in its parentheses.
pub(super) fn typed(word: &str, text: &str) -> Option<Literal> {
    let ty = Type::parse(word)?;
    let text = inner(text);
    if text.is_empty() || text.eq_ignore_ascii_case("null") {
        return Some(Literal::Null(ty));
    }
    Some(match ty {
        Type::Bool => match text.to_ascii_lowercase().as_str() {
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            number => Literal::Bool(number.parse::<i64>().ok()? != 0),
        },
        Type::Int => Literal::Int(match long(text)? {
            // Hexadecimal digits give the bits of an int as well.
            bits @ 0x8000_0000..=0xffff_ffff if text.starts_with("0x") => {
                u32::try_from(bits).ok()?.cast_signed()
            }
            n => i32::try_from(n).ok()?,
        }),
        Type::Long => Literal::Long(long(text)?),
        Type::Real => Literal::Real(real(text)?),
        Type::Decimal => Literal::Decimal(decimal(text)?),
        Type::DateTime => Literal::DateTime(value::parse_datetime(text)?),
        Type::TimeSpan => Literal::TimeSpan(value::parse_timespan(text)?),
        Type::Guid => Literal::Guid(guid(text)?),
        Type::String | Type::Dynamic => return None,
    })
}
