//! Feeds for examples, so that a verdict depends neither on today nor on the minor version that
//! happens to run: in `tests/feeds/NAME.json` the words `@today`, `@major` and `@minor`, each with
//! a sum behind it (`@today-20`, `@minor+1`), stand for what they are when the test runs.

use std::path::Path;

use base::{Clock as _, SystemClock};
use baseline::Feeds;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;

/// The feeds of these names.
pub(crate) fn feeds(names: &[String], (major, minor): (u32, u32)) -> Feeds {
    let texts: Vec<String> = names.iter().map(|name| text(name, major, minor)).collect();
    Feeds::of(&texts, SystemClock.now()).unwrap_or_else(|error| panic!("{:?}", error.fault()))
}

fn text(name: &str, major: u32, minor: u32) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feeds");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json")));
    let text = text.unwrap_or_else(|error| panic!("the feed {name}: {error}"));
    let mut parts = text.split('@');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        let n_sum = rest.strip_prefix(['+', '-']).map_or(0, |digits| {
            1 + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())
        });
        let (sum, rest) = rest.split_at(n_sum);
        let sum: i64 = if sum.is_empty() { 0 } else { sum.parse().expect("a sum") };
        match word {
            "today" => {
                let today = SystemClock.now().to_zoned(TimeZone::UTC).date();
                whole.push_str(&today.saturating_add(sum.days()).to_string());
            }
            "major" => whole.push_str(&(i64::from(major) + sum).to_string()),
            "minor" => whole.push_str(&(i64::from(minor) + sum).to_string()),
            other => panic!("the feed {name} has an odd word {other}"),
        }
        whole.push_str(rest);
    }
    whole
}
