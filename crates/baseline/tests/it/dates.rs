//! Dates of examples that are so many days before now.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};

/// One now for all that an example says.
static NOW: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{-(?<days>[0-9]+)d(?:\+(?<seconds>[0-9]+)s)?(?<rfc>Z)?\}").expect("it was tried")
});

static DAY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{today(?<days>[+-][0-9]+)?\}").expect("it was tried"));

/// The text with `{today}`, `{today-30}` and `{today+30}` as RFC 3339 writes these moments,
/// `{-20d}` as the log of PostgreSQL writes the moment 20 days ago, `{-20dZ}` as RFC
/// 3339 does, and `{-20d+5s}` five seconds later.
pub(crate) fn dated(text: &str) -> String {
    let date = |found: &Captures<'_>| {
        let number = |name: &str| {
            let digits = found.name(name).map_or("0", |digits| digits.as_str());
            digits.parse::<i64>().expect("a small number")
        };
        let back = number("seconds") - 86_400 * number("days");
        let at = *NOW + SignedDuration::from_secs(back);
        let form = if found.name("rfc").is_some() { "%FT%TZ" } else { "%F %T.000 UTC" };
        at.strftime(form).to_string()
    };
    let day = |found: &Captures<'_>| {
        let days = found.name("days").map_or("0", |days| days.as_str());
        let days: i64 = days.parse().expect("a small number");
        (*NOW + SignedDuration::from_secs(86_400 * days)).to_string()
    };
    let text = DATE.replace_all(text, date);
    DAY.replace_all(&text, day).into_owned()
}

/// The same for every text of a declaration.
pub(crate) fn dated_table(mut table: toml::Table) -> toml::Table {
    fn walk(value: &mut toml::Value) {
        match value {
            toml::Value::String(text) => *text = dated(text),
            toml::Value::Array(all) => all.iter_mut().for_each(walk),
            toml::Value::Table(all) => all.iter_mut().for_each(|(_, value)| walk(value)),
            _ => {}
        }
    }
    table.iter_mut().for_each(|(_, value)| walk(value));
    table
}
