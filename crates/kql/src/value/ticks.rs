//! Points and spans of time in ticks of 100 ns, their calendar and how they print.
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
