//! Feeds for examples, so that a verdict depends neither on today nor on the minor version that
//! happens to run: in `tests/feeds/NAME.json` the words `@today`, `@major` and `@minor`, each with
//! a sum behind it (`@today-20`, `@minor+1`), stand for what they are when the test runs.

use std::path::Path;

use base::{Clock, SystemClock};
use baseline::{Assessment, Declared, Feeds, Request, Verdict, assess, collect};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::content::library;
use crate::ground::Ground;

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

/// A clock that stands.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// What the checks say that read feeds.
async fn assessment(ground: &Ground, feeds: Option<&Feeds>, at: Timestamp) -> Assessment {
    let (library, declared) = (library(), Declared::default());
    let ids = ["PATCH-01", "PATCH-02", "PATCH-03", "PATCH-04", "PATCH-12"].map(str::to_owned);
    let checks = library.chosen(&ids).expect("they are there");
    let mut request = Request::of(&checks, &declared);
    request.sources.feeds = feeds;
    let reader = ground.reader("postgres");
    let bundle = collect(&reader, &library, &request, &At(at), &|_| ()).await;
    let bundle = bundle.expect("the cluster can be read");
    assess(&library, &bundle, &ids, &[], at.as_millisecond()).expect("an assessment")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_feed_never_passes_and_says_so() {
    let ground = Ground::start().await;
    let shipped = Feeds::shipped().expect("sound feeds");
    let later: Timestamp = "2035-01-01T00:00:00Z".parse().expect("a moment");
    let made = assessment(&ground, Some(&shipped), later).await;
    assert_eq!(made.feeds.len(), 2, "{:?}", made.feeds);
    assert!(made.feeds.iter().all(|feed| feed.stale && feed.as_of.len() == 10));
    for result in &made.results {
        assert_ne!(result.verdict, Verdict::Pass, "{}: {}", result.id, result.reason);
    }

    let names = ["core-not-affected-stale".to_owned()];
    let feeds = feeds(&names, ground.version().await);
    let made = assessment(&ground, Some(&feeds), SystemClock.now()).await;
    let result = made.results.iter().find(|result| result.id == "PATCH-03").expect("a result");
    let said = serde_json::to_value(result).expect("JSON");
    assert_eq!(said["verdict"], "cannot-tell");
    let gap = said["evidence"].as_array().expect("evidence").iter().find(|e| e["what"] == "gap");
    assert_eq!(gap.expect("a gap")["reason"], "stale-feed", "{said}");

    let made = assessment(&ground, None, SystemClock.now()).await;
    assert!(made.feeds.is_empty());
    for result in &made.results {
        assert_eq!(result.verdict, Verdict::CannotTell, "{}: {}", result.id, result.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shipped_is_young_on_its_own_day() {
    let ground = Ground::start().await;
    let shipped = Feeds::shipped().expect("sound feeds");
    let day: Timestamp = "2026-11-13T12:00:00Z".parse().expect("a moment");
    let made = assessment(&ground, Some(&shipped), day).await;
    let stale: Vec<(&str, bool)> = made.feeds.iter().map(|f| (f.name.as_str(), f.stale)).collect();
    assert_eq!(stale, [("postgresql-cve", true), ("postgresql-versions", false)]);
}
