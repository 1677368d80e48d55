//! Points and spans of time in ticks of 100 ns, their calendar and their text.
//!
//! The calendar is the proleptic Gregorian one from 0001-01-01, as in Kusto's `datetime`
//! (page "the datetime data type"); spans print in .NET's constant form (page "timespan").

/// Ticks of a millisecond.
pub const TICKS_PER_MILLISECOND: i64 = 10_000;
/// Ticks of a second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks of a minute.
pub const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// Ticks of an hour.
pub const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
/// Ticks of a day.
pub const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;
/// 1970-01-01 in ticks.
pub const UNIX_EPOCH: i64 = 719_162 * TICKS_PER_DAY;
/// 9999-12-31T23:59:59.9999999Z, the last point of time.
pub const DATETIME_MAX: i64 = 3_652_059 * TICKS_PER_DAY - 1;

/// Year, month, day of a point of time.
pub fn civil(ticks: i64) -> (i32, u32, u32) {
    // Howard Hinnant's days-to-civil, in days since 0000-03-01.
    let z = ticks.div_euclid(TICKS_PER_DAY) + 306;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year as i32, month as u32, day as u32)
}

/// Midnight of a day in ticks; `None` where there is no such day between the years 1 and 9999.
pub fn from_civil(year: i32, month: u32, day: u32) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if day > days[month as usize - 1] {
        return None;
    }
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let m = i64::from(month);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    Some((era * 146_097 + doe - 306) * TICKS_PER_DAY)
}

/// `2020-01-02T03:04:05.6000000Z`: RFC 3339 in UTC with seven digits.
pub fn datetime_text(ticks: i64) -> String {
    let (year, month, day) = civil(ticks);
    let rest = ticks.rem_euclid(TICKS_PER_DAY);
    let (h, m) = (rest / TICKS_PER_HOUR, rest / TICKS_PER_MINUTE % 60);
    let (s, f) = (rest / TICKS_PER_SECOND % 60, rest % TICKS_PER_SECOND);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{f:07}Z")
}

/// .NET's constant form: `[-][d.]hh:mm:ss[.fffffff]`.
pub fn timespan_text(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let t = ticks.unsigned_abs();
    let per = |unit: i64| unit.unsigned_abs();
    let (d, rest) = (t / per(TICKS_PER_DAY), t % per(TICKS_PER_DAY));
    let (h, m) = (rest / per(TICKS_PER_HOUR), rest / per(TICKS_PER_MINUTE) % 60);
    let (s, f) = (rest / per(TICKS_PER_SECOND) % 60, rest % per(TICKS_PER_SECOND));
    let days = if d > 0 { format!("{d}.") } else { String::new() };
    let fraction = if f > 0 { format!(".{f:07}") } else { String::new() };
    format!("{sign}{days}{h:02}:{m:02}:{s:02}{fraction}")
}

/// Reads a datetime in the forms that Kusto accepts; `None` for anything else.
pub fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let mut parts = date.split('-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next().map_or(Some(1), |p| p.parse().ok())?;
    let day = parts.next().map_or(Some(1), |p| p.parse().ok())?;
    let midnight = from_civil(year, month, day)?;
    if time.is_empty() {
        return Some(midnight);
    }
    let time = time.strip_suffix('Z').unwrap_or(time);
    Some(midnight + parse_timespan(time)?)
}

/// Reads a timespan: `1d`, `2.5h`, `30m`, `10s`, `100ms`, `10microsecond`, `3tick`, a bare
/// number of days, or `[-][d.]hh:mm[:ss[.fffffff]]`; `None` for anything else.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('-') {
        return parse_timespan(rest).map(|t| -t);
    }
    if text.contains(':') {
        let (days, clock) = match text.split_once('.') {
            Some((d, rest)) if rest.contains(':') => (d.parse().ok()?, rest),
            _ => (0_i64, text),
        };
        let mut parts = clock.split(':');
        let h: i64 = parts.next()?.parse().ok()?;
        let m: i64 = parts.next()?.parse().ok()?;
        let seconds = parts.next().unwrap_or("0");
        if parts.next().is_some() || m > 59 {
            return None;
        }
        let (s, f) = seconds.split_once('.').unwrap_or((seconds, ""));
        let s: i64 = s.parse().ok()?;
        if s > 59 || f.len() > 9 || !f.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let fraction: i64 = format!("{:0<7}", &f[..f.len().min(7)]).parse().ok()?;
        return days.checked_mul(TICKS_PER_DAY)?.checked_add(
            h * TICKS_PER_HOUR + m * TICKS_PER_MINUTE + s * TICKS_PER_SECOND + fraction,
        );
    }
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..at].parse().ok()?;
    let unit = match &text[at..] {
        "d" | "day" | "days" | "" => TICKS_PER_DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => TICKS_PER_HOUR,
        "m" | "min" | "minute" | "minutes" => TICKS_PER_MINUTE,
        "s" | "sec" | "second" | "seconds" => TICKS_PER_SECOND,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => {
            TICKS_PER_MILLISECOND
        }
        "micro" | "micros" | "microsec" | "microsecond" | "microseconds" => 10,
        "nano" | "nanos" | "nanosec" | "nanosecond" | "nanoseconds" => {
            return Some((number / 100.0) as i64);
        }
        "tick" | "ticks" => 1,
        _ => return None,
    };
    let ticks = number * unit as f64;
    (ticks.abs() < i64::MAX as f64).then_some(ticks.round() as i64)
}
