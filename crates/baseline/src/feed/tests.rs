//! What is refused, what counts, and how old it is.

use std::path::PathBuf;

use jiff::Timestamp;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-03-10T12:00:00Z")
}

fn feed(as_of: &str, advisories: &str) -> String {
    format!(
        r#"{{"format":1,"name":"postgresql-cve","kind":"advisories","as_of":"{as_of}",
        "source":"a test","licence":"none","majors":[15],"advisories":[{advisories}]}}"#
    )
}

fn advisory(id: &str, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","components":["core server"],"title":"It is wrong.","published":
        "2026-03-01","affected":[{{"major":15,"fixed":20}}]{more}}}"#
    )
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgkeep-feeds-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_is_shipped_is_sound_and_not_of_the_future() {
    let feeds = Feeds::shipped().unwrap();
    let about = feeds.about(now());
    let names: Vec<&str> = about.iter().map(|about| about.name.as_str()).collect();
    assert_eq!(names, ["postgresql-cve", "postgresql-versions"]);
    for (name, text) in content::FEEDS {
        let read = Document::parse(text.as_bytes(), Some(day(Timestamp::now())));
        assert!(read.is_ok(), "{name}: {:?}", read.err());
        assert_eq!(read.unwrap().name, *name);
    }
}

#[test]
fn odd_files_are_refused() {
    let one = advisory("CVE-1", "");
    let twice = format!("{one},{one}");
    let cases = [
        ("", "EOF"),
        (&*feed("2026-03-01", &one).replace("\"format\":1", "\"format\":2"), "of form 2"),
        (&*feed("2026-03-11", &one), "in the future"),
        (&*feed("2026-03-01", &one.replace("2026-03-01", "2026-03-11")), "in the future"),
        (&*feed("2026-03-01", ""), "has no advisories"),
        (&*feed("2026-03-01", &twice), "there twice"),
        (&*feed("2026-03-01", &one.replace("20}", "0}")), "no version of 15"),
        (&*feed("2026-03-01", &one.replace("20}", "15.20}")), "invalid type"),
        (&*feed("2026-03-01", &one.replace("core server", "kernel")), "unknown variant"),
        (&*feed("2026-03-01", &one.replace("core server", "contrib module")), "names no module"),
        (&*feed("2026-03-01", &advisory("CVE-1", ",\"cvss\":11")), "between 0 and 10"),
        (&*feed("2026-03-01", &advisory("CVE-1", ",\"fix\":1")), "unknown field"),
        (&*feed("2026-03-01", &advisory("CVE 1", "")), "is no name"),
        (&*feed("2026-03-01", &one.replace("wrong.", "wrong.\\n")), "more than one line"),
        (&*feed("2026-03-01", &one).replace("postgresql-cve", "../cve"), "is no name"),
        (&*feed("2026-03-01", &one).replace("postgresql-cve", "a.b"), "other characters"),
    ];
    for (text, wanted) in cases {
        let found = Document::parse(text.as_bytes(), Some(day(now()))).map(|_| ());
        assert!(found.as_ref().is_err_and(|e| e.contains(wanted)), "{wanted}: {found:?}\n{text}");
    }
}

#[test]
fn the_newest_counts_and_nothing_older_is_imported() {
    let shipped = Feeds::shipped().unwrap();
    let (now, before) = (at("2030-01-20T00:00:00Z"), at("2030-01-01T00:00:00Z"));
    let (home, from) = (Folder::new("home"), Folder::new("from"));
    let into = home.0.join("baseline/feeds");
    assert_eq!(shipped.clone().with(&into, now).unwrap().about(now), shipped.about(now));

    let text = feed("2030-01-10", &advisory("CVE-1", ""));
    let file = from.put("one.json", &text);
    let sum = checksum(text.as_bytes());
    let wrong = import(&file, &into, Some(&sum.replace(['a', '1'], "0")), now);
    assert!(matches!(wrong, Err(Error::FeedChecksum { .. })), "{wrong:?}");
    assert!(!into.exists());
    let future = import(&file, &into, None, before);
    assert!(matches!(future, Err(Error::Feed { .. })), "{future:?}");

    let done = import(&file, &into, Some(&sum.to_uppercase()), now).unwrap();
    assert!(done.changed && done.feed.imported && !done.feed.stale);
    assert_eq!((done.feed.age_days, done.added.as_slice()), (10, ["CVE-1".to_owned()].as_slice()));
    assert!(done.gone.contains(&"CVE-2025-1094".to_owned()));
    assert!(!import(&file, &into, None, now).unwrap().changed);

    let older = from.put("two.json", &feed("2030-01-09", &advisory("CVE-2", "")));
    let refused = import(&older, &into, None, now);
    assert!(matches!(refused, Err(Error::FeedOlder { .. })), "{refused:?}");
    // A file that came there in another way takes nothing's place either.
    fs::copy(&older, into.join("z.json")).unwrap();
    let about = Feeds::shipped().unwrap().with(&into, now).unwrap().about(now);
    assert_eq!(about[0].as_of, "2030-01-10");
    assert_eq!((about[0].imported, about[1].imported, about[1].stale), (true, false, true));

    let odd = from.put("odd.json", "{}");
    assert!(import(&odd, &into, None, now).is_err());
    fs::copy(&odd, into.join("odd.json")).unwrap();
    assert!(Feeds::default().with(&into, now).is_err());
}

#[test]
fn a_feed_of_the_future_is_stale() {
    let feeds = Feeds::of(&[feed("2026-03-01", &advisory("CVE-1", ""))], now()).unwrap();
    let stale = |text| feeds.about(at(text))[0].stale;
    assert!(stale("2026-02-28T23:59:59Z"));
    assert!(!stale("2026-03-01T00:00:00Z"));
    assert!(!stale("2026-03-15T23:59:59Z"));
    assert!(stale("2026-03-16T00:00:00Z"));
}

#[test]
fn versions_before_those_named_are_affected_where_it_says_so() {
    let text = feed("2026-03-01", &advisory("CVE-1", ",\"older\":true"));
    let document = Document::parse(text.as_bytes(), None).unwrap();
    let affected = document.advisories[0].affected();
    let majors: Vec<(u32, Option<u32>)> = affected.iter().map(|a| (a.major, a.fixed)).collect();
    let older = (10..15).map(|major| (major, None));
    assert_eq!(majors, older.chain([(15, Some(20))]).collect::<Vec<_>>());
}
