//! Reading points and spans of time from text, in the forms that Kusto accepts.
//!
//! A point of time is ISO 8601 with its usual liberties, RFC 822, RFC 850, or the American order
//! of month, day, year; all as UTC unless an offset is given (Kusto page "datetime"). A span is
//! a number with a unit, or .NET's constant form (page "timespan").

use super::ticks::{
    DATETIME_MAX, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE,
    TICKS_PER_SECOND, from_civil,
};

/// Longer text is no time.
const LENGTH_MAX: usize = 100;

/// A piece of text: digits, letters, or one other character.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece<'a> {
    Digits(&'a str),
    Word(&'a str),
    Space,
    Sign(u8),
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    let run = |from: usize, of: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|b| of(b)).count()
    };
    while at < bytes.len() {
        let (piece, end) = match bytes[at] {
            b if b.is_ascii_digit() => {
                let end = run(at, u8::is_ascii_digit);
                (Piece::Digits(&text[at..end]), end)
            }
            b if b.is_ascii_alphabetic() => {
                let end = run(at, u8::is_ascii_alphabetic);
                (Piece::Word(&text[at..end]), end)
            }
            b if b.is_ascii_whitespace() => (Piece::Space, run(at, u8::is_ascii_whitespace)),
            b if b.is_ascii() => (Piece::Sign(b), at + 1),
            _ => return None,
        };
        out.push(piece);
        at = end;
    }
    Some(out)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Whether a word is a name or its first three letters (`Sept` too).
fn names(word: &str, name: &str) -> bool {
    word.len() >= 3
        && word.len() <= name.len()
        && name[..word.len()].eq_ignore_ascii_case(word)
        && (word.len() == 3 || word.len() == name.len() || word.len() == 4)
}

fn month(word: &str) -> Option<u32> {
    let at = MONTHS.iter().position(|name| names(word, name))?;
    u32::try_from(at + 1).ok()
}

fn number(digits: &str, length_max: usize) -> Option<u32> {
    if digits.len() > length_max { None } else { digits.parse().ok() }
}

/// A year; two digits are 1950 to 2049.
fn year(digits: &str) -> Option<i32> {
    let year = i32::try_from(number(digits, 4)?).ok()?;
    Some(match digits.len() {
        1 | 2 if year < 50 => year + 2000,
        1 | 2 => year + 1900,
        _ => year,
    })
}

/// What is left to read.
struct Reader<'p, 'a> {
    pieces: &'p [Piece<'a>],
}

impl<'a> Reader<'_, 'a> {
    fn eat(&mut self, piece: Piece<'_>) -> bool {
        let found = self.pieces.first() == Some(&piece);
        if found {
            self.pieces = &self.pieces[1..];
        }
        found
    }

    fn digits(&mut self) -> Option<&'a str> {
        let Some(Piece::Digits(digits)) = self.pieces.first() else { return None };
        self.pieces = &self.pieces[1..];
        Some(digits)
    }

    fn word(&mut self) -> Option<&'a str> {
        let Some(Piece::Word(word)) = self.pieces.first() else { return None };
        self.pieces = &self.pieces[1..];
        Some(word)
    }

    /// One of the signs between the parts of a date, spaces around it allowed.
    fn between(&mut self) -> Option<u8> {
        let spaced = self.eat(Piece::Space);
        for sign in [b'-', b'/', b'.', b','] {
            if self.eat(Piece::Sign(sign)) {
                self.eat(Piece::Space);
                return Some(sign);
            }
        }
        spaced.then_some(b' ')
    }

    /// Midnight of the date at the start.
    fn date(&mut self) -> Option<i64> {
        if let Some(Piece::Word(word)) = self.pieces.first()
            && WEEKDAYS.iter().any(|name| names(word, name))
        {
            self.word();
            self.between();
        }
        if let Some(word) = self.word() {
            // Nov 8, 2014
            let month = month(word)?;
            self.between();
            let day = number(self.digits()?, 2)?;
            self.between();
            return from_civil(year(self.digits()?)?, month, day);
        }
        let first = self.digits()?;
        match first.len() {
            8 => {
                let (y, rest) = first.split_at(4);
                return from_civil(year(y)?, number(&rest[..2], 2)?, number(&rest[2..], 2)?);
            }
            4 => return self.year_first(year(first)?),
            _ => {}
        }
        let first = number(first, 2)?;
        let sign = self.between()?;
        if let Some(word) = self.word() {
            // 8 Nov 14, 08-Nov-14
            let month = month(word)?;
            self.between();
            return from_civil(year(self.digits()?)?, month, first);
        }
        // 11/8/2014
        let day = number(self.digits()?, 2)?;
        if self.between()? != sign {
            return None;
        }
        let last = self.digits()?;
        if last.len() != 4 && sign != b'/' {
            return None;
        }
        from_civil(year(last)?, first, day)
    }

    /// The rest of a date after its year: `-11-08`, `-11`, `-Nov-08` or nothing.
    fn year_first(&mut self, year: i32) -> Option<i64> {
        let rest = self.pieces;
        let named = |piece: Option<&Piece<'_>>| match piece {
            Some(Piece::Word(word)) => month(word).is_some(),
            _ => false,
        };
        let part_follows = match self.between() {
            Some(b'-' | b'/' | b'.' | b',') => true,
            Some(b' ') => named(self.pieces.first()),
            _ => false,
        };
        if !part_follows {
            self.pieces = rest;
            return from_civil(year, 1, 1);
        }
        let month = match self.word() {
            Some(word) => month(word)?,
            None => number(self.digits()?, 2)?,
        };
        let rest = self.pieces;
        if matches!(self.between(), Some(b'-' | b'/' | b'.' | b',' | b' '))
            && let Some(day) = self.digits()
            && self.pieces.first() != Some(&Piece::Sign(b':'))
        {
            return from_civil(year, month, number(day, 2)?);
        }
        self.pieces = rest;
        from_civil(year, month, 1)
    }

    /// Ticks since midnight, and the offset from UTC in ticks.
    fn time(&mut self) -> Option<(i64, i64)> {
        let mut hour = i64::from(number(self.digits()?, 2)?);
        let (mut minute, mut second, mut fraction) = (0, 0, 0);
        let mut parts = 1;
        if self.eat(Piece::Sign(b':')) {
            parts += 1;
            minute = i64::from(number(self.digits()?, 2)?);
            if self.eat(Piece::Sign(b':')) {
                second = i64::from(number(self.digits()?, 2)?);
                if self.eat(Piece::Sign(b'.')) || self.eat(Piece::Sign(b',')) {
                    let digits = self.digits()?;
                    fraction = fraction_ticks(digits)?;
                }
            }
        }
        self.eat(Piece::Space);
        if let Some(Piece::Word(word)) = self.pieces.first() {
            let afternoon = word.eq_ignore_ascii_case("pm");
            if afternoon || word.eq_ignore_ascii_case("am") {
                if !(1..=12).contains(&hour) {
                    return None;
                }
                hour = hour % 12 + if afternoon { 12 } else { 0 };
                parts += 1;
                self.word();
                self.eat(Piece::Space);
            }
        }
        if hour > 23 || minute > 59 || second > 59 || parts < 2 {
            return None;
        }
        let ticks = hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE + second * TICKS_PER_SECOND;
        Some((ticks + fraction, self.offset()?))
    }

    /// `Z`, `GMT`, `+01:00`, `+0100`, `+01`, or nothing.
    fn offset(&mut self) -> Option<i64> {
        if let Some(word) = self.word() {
            let hours = match word.to_ascii_uppercase().as_str() {
                "Z" | "UTC" | "GMT" | "UT" => 0,
                "EDT" => -4,
                "EST" | "CDT" => -5,
                "CST" | "MDT" => -6,
                "MST" | "PDT" => -7,
                "PST" => -8,
                _ => return None,
            };
            if self.pieces.is_empty() {
                return Some(hours * TICKS_PER_HOUR);
            }
        }
        let sign = match self.pieces.first() {
            None => return Some(0),
            Some(Piece::Sign(b'+')) => 1,
            Some(Piece::Sign(b'-')) => -1,
            _ => return None,
        };
        self.pieces = &self.pieces[1..];
        let digits = self.digits()?;
        let (hours, minutes) = match digits.len() {
            4 => (number(&digits[..2], 2)?, number(&digits[2..], 2)?),
            _ if self.eat(Piece::Sign(b':')) => (number(digits, 2)?, number(self.digits()?, 2)?),
            _ => (number(digits, 2)?, 0),
        };
        if hours > 14 || minutes > 59 {
            return None;
        }
        let ticks = i64::from(hours) * TICKS_PER_HOUR + i64::from(minutes) * TICKS_PER_MINUTE;
        Some(sign * ticks)
    }
}

/// Digits after the point of a second, as ticks; those after the seventh are dropped.
fn fraction_ticks(digits: &str) -> Option<i64> {
    let kept = &digits[..digits.len().min(7)];
    let value: i64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    Some(value * 10_i64.pow(7 - u32::try_from(kept.len()).ok()?))
}

/// Reads a datetime in the forms that Kusto accepts; `None` for anything else.
pub fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > LENGTH_MAX {
        return None;
    }
    let pieces = pieces(text)?;
    let mut reader = Reader { pieces: &pieces };
    let midnight = reader.date()?;
    if let [Piece::Word("T" | "t"), ..] | [Piece::Space, ..] | [Piece::Sign(b':'), ..] =
        reader.pieces
    {
        reader.pieces = &reader.pieces[1..];
        let (time, offset) = reader.time()?;
        let ticks = midnight + time - offset;
        return (reader.pieces.is_empty() && (0..=DATETIME_MAX).contains(&ticks)).then_some(ticks);
    }
    let ticks = midnight - reader.offset()?;
    (reader.pieces.is_empty() && (0..=DATETIME_MAX).contains(&ticks)).then_some(ticks)
}

/// Reads a timespan: `1d`, `2.5h`, `30m`, `10 seconds`, `100ms`, `10microsecond`, `3tick`, a bare
/// number of days, or `[-][d.]hh:mm[:ss[.fffffff]]`; `None` for anything else.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > LENGTH_MAX {
        return None;
    }
    match text.strip_prefix('-') {
        Some(rest) => unsigned_timespan(rest.trim_start())?.checked_neg(),
        None => unsigned_timespan(text),
    }
}

fn unsigned_timespan(text: &str) -> Option<i64> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if text.contains(':') {
        return clock(text);
    }
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, unit) = (text[..at].trim_end(), &text[at..]);
    let unit = unit_ticks(unit)?;
    if let (Ok(whole), true) = (digits.parse::<i64>(), unit >= 1.0) {
        return whole.checked_mul(unit as i64);
    }
    let ticks = digits.parse::<f64>().ok()? * unit;
    (ticks.abs() < i64::MAX as f64).then_some(ticks.round() as i64)
}

/// Ticks of a unit by its name.
fn unit_ticks(name: &str) -> Option<f64> {
    let ticks = match name {
        "d" | "day" | "days" | "" => TICKS_PER_DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => TICKS_PER_HOUR,
        "m" | "min" | "mins" | "minute" | "minutes" => TICKS_PER_MINUTE,
        "s" | "sec" | "secs" | "second" | "seconds" => TICKS_PER_SECOND,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => {
            TICKS_PER_MILLISECOND
        }
        "micro" | "micros" | "microsec" | "microsecond" | "microseconds" => 10,
        "nano" | "nanos" | "nanosec" | "nanosecond" | "nanoseconds" => return Some(0.01),
        "tick" | "ticks" => 1,
        _ => return None,
    };
    Some(ticks as f64)
}

/// `[d.]hh:mm[:ss[.fffffff]]`, or `d:hh:mm:ss`.
fn clock(text: &str) -> Option<i64> {
    let (days, clock) = match (text.find('.'), text.find(':')) {
        (Some(point), Some(colon)) if point < colon => (&text[..point], &text[point + 1..]),
        _ => ("0", text),
    };
    let mut days: i64 = days.parse().ok()?;
    let mut parts: Vec<&str> = clock.split(':').collect();
    if parts.len() == 4 && days == 0 {
        days = parts.remove(0).parse().ok()?;
    }
    let (hours, minutes, seconds) = match parts[..] {
        [h, m] => (h, m, "0"),
        [h, m, s] => (h, m, s),
        _ => return None,
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    if [hours, minutes, seconds, fraction].iter().any(|p| !p.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let h: i64 = hours.parse().ok()?;
    let (m, s): (i64, i64) = (minutes.parse().ok()?, seconds.parse().ok()?);
    if m > 59 || s > 59 || fraction.len() > 9 {
        return None;
    }
    let rest = m * TICKS_PER_MINUTE + s * TICKS_PER_SECOND + fraction_ticks(fraction)?;
    days.checked_mul(TICKS_PER_DAY)?.checked_add(h.checked_mul(TICKS_PER_HOUR)?)?.checked_add(rest)
}
