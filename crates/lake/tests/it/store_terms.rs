//! Side-cars of terms skip what cannot be needed, and never anything else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafusion::parquet::file::reader::{FileReader as _, SerializedFileReader};
use kql::plan::Schema;
use kql::value::{Json, TICKS_PER_DAY, TICKS_PER_SECOND, Type, Value, datetime_text};
use lake::store::{Store, StoreLimits};

use crate::plans::{NOW, schema};
use crate::store::{ask, lake};
use crate::store_log::{SetClock, open};
use crate::store_tend::data_files;

const WORDS: [&str; 24] = [
    "alpha",
    "Beta",
    "GAMMA",
    "ÉCOLE",
    "école",
    "straße",
    "STRASSE",
    "İstanbul",
    "istanbul",
    "10.0.0.5",
    "user_name",
    "a1b2c3",
    "日本語",
    "ΟΔΟΣ",
    "οδος",
    "e\u{301}tude",
    "x",
    "ab",
    "abc",
    "abcd",
    "42",
    "4711",
    "²³¹",
    "Ⓐbc",
];
const JOINTS: [&str; 12] = [" ", "_", "-", ".", "/", "'", "\"", "\\", "\u{307}", "", "  ", "\n"];

/// Numbers that look random; a run's seed is printed, and taken from `LAKE_SEED`.
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new() -> Self {
        let seed = std::env::var("LAKE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::from(since.subsec_nanos()) | 1
        });
        #[expect(clippy::print_stdout, reason = "it is shown when the test fails")]
        {
            println!("LAKE_SEED={seed}");
        }
        Self(seed)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn text(&mut self, n_words: usize) -> String {
        let mut text = String::new();
        for _ in 0..n_words {
            text += self.of(&JOINTS);
            text += self.of(&WORDS);
        }
        text + self.of(&JOINTS)
    }

    /// Something that may be found: a part of one of the texts, or of none, in another case.
    fn needle(&mut self, texts: &[String]) -> String {
        let n = self.below(3);
        let text = match self.below(6) {
            0 => self.of(&["1E+20", "1e20", "100000000000000000000", "42", "42.0", "true"]).into(),
            1 => self.text(n),
            _ => texts[self.below(texts.len())].clone(),
        };
        let chars: Vec<char> = text.chars().collect();
        let from = self.below(chars.len().max(1));
        let (from, most) = if self.below(3) == 0 { (0, 40) } else { (from, 14) };
        let text: String = chars.iter().skip(from).take(1 + self.below(most)).collect();
        match self.below(4) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            _ => text,
        }
    }
}

fn columns() -> Schema {
    schema(&[
        ("TimeGenerated", Type::DateTime),
        ("N", Type::Long),
        ("Text", Type::String),
        ("Other", Type::String),
        ("D", Type::Dynamic),
    ])
}

fn drawn(n: i64, draw: &mut Draw) -> Vec<Value> {
    let (words, other) = (draw.below(4), draw.below(3));
    let member = Json::String(draw.text(2).into());
    let number = [Json::Long(4711), Json::Real(1e20), Json::Real(42.0), Json::Bool(true)];
    let bag = vec![
        ("a".into(), member.clone()),
        ("b".into(), number[draw.below(4)].clone()),
        ("c".into(), Json::Array(vec![member.clone(), Json::Null])),
    ];
    let dynamic = match draw.below(4) {
        0 => Value::Null,
        1 => Value::json(member),
        _ => Value::json(Json::Bag(bag)),
    };
    vec![
        Value::DateTime(NOW + n * TICKS_PER_SECOND),
        Value::Long(n),
        Value::text(draw.text(words)),
        Value::text(draw.text(other)),
        dynamic,
    ]
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

fn limits() -> StoreLimits {
    StoreLimits {
        term_rows: 1,
        group_rows: 4,
        merge_files: 2,
        tend_interval: Duration::ZERO,
        ..StoreLimits::default()
    }
}

fn condition(draw: &mut Draw, texts: &[String]) -> String {
    let column = draw.of(&["Text", "Text", "Other", "D", "D.a", "tostring(D.b)", "D.c[0]"]);
    let operator = draw.of(&[
        "has",
        "has",
        "has_cs",
        "hasprefix",
        "hasprefix_cs",
        "hassuffix",
        "hassuffix_cs",
        "contains",
        "contains_cs",
        "startswith",
        "startswith_cs",
        "endswith",
        "endswith_cs",
        "==",
        "=~",
        "in",
        "in~",
        "has_any",
        "has_all",
    ]);
    let one = quoted(&draw.needle(texts));
    if matches!(operator, "in" | "in~" | "has_any" | "has_all") {
        return format!("{column} {operator} ({one}, {})", quoted(&draw.needle(texts)));
    }
    format!("{column} {operator} {one}")
}

#[test]
fn what_is_found_is_what_a_full_scan_finds() {
    let mut draw = Draw::new();
    let (cold, hot) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = SetClock::at(NOW);
    let (cold, hot) = (open(cold.path(), &clock, limits()), open(hot.path(), &clock, limits()));
    for store in [&cold, &hot] {
        store.declare("Events", &columns()).unwrap();
    }
    let mut texts = Vec::new();
    for part in 0..5 {
        let rows: Vec<_> = (0..8).map(|n| drawn(part * 8 + n, &mut draw)).collect();
        for row in &rows {
            texts.extend(row[2..].iter().map(|value| value.to_text().to_string()));
            if let Value::Dynamic(json) = &row[4] {
                let parts = ["a", "b"].map(|name| json.member(name).map(Value::of_json));
                texts.extend(parts.iter().flatten().map(|value| value.to_text().to_string()));
            }
        }
        cold.append("Events", &rows).unwrap();
        cold.flush().unwrap();
        hot.append("Events", &rows).unwrap();
        if part == 2 {
            assert_eq!(cold.tend(), 1);
        }
    }
    assert_eq!(hot.status()[0].n_files, 0);
    let (cold, hot) = (lake(&cold), lake(&hot));
    let mut n_found = 0;
    for _ in 0..40 {
        let parts: Vec<String> = (0..25)
            .map(|at| {
                let mut condition = condition(&mut draw, &texts);
                if draw.below(4) == 0 {
                    let (joint, not) = (draw.of(&["and", "or"]), draw.of(&["", "", "not"]));
                    let other = self::condition(&mut draw, &texts);
                    condition = format!("({condition}) {joint} {not}({other})");
                }
                format!("(Events | where {condition} | project Q = {at}, N)")
            })
            .collect();
        let text = format!("union {} | sort by Q asc, N asc", parts.join(", "));
        let (found, all) = (ask(&cold, &text), ask(&hot, &text));
        n_found += all.len();
        let lost = all.iter().find(|row| !found.contains(row));
        let asked = lost.map(|row| &parts[row[0].as_integer().unwrap() as usize]);
        assert_eq!((lost, found.len()), (None, all.len()), "{asked:?}");
    }
    assert!(n_found > 2000, "{n_found} rows are found");
}

/// A store of three days, each with a word of its own.
fn of_days(folder: &Path, clock: &SetClock) -> Arc<Store> {
    let store = open(folder, clock, limits());
    store.declare("Events", &columns()).unwrap();
    for (day, word) in (0..).zip(["monday", "tuesday", "wednesday"]) {
        let row = |n: i64| {
            vec![
                Value::DateTime(NOW + day * TICKS_PER_DAY + n),
                Value::Long(n),
                Value::text(format!("it was {word}, user{}", 100 + n)),
                Value::text(""),
                Value::json(Json::parse(&format!(r#"{{"a":"of\n{word}"}}"#)).unwrap()),
            ]
        };
        store.append("Events", &(day * 10..day * 10 + 8).map(row).collect::<Vec<_>>()).unwrap();
    }
    store.flush().unwrap();
    store
}

fn count(store: &Arc<Store>, condition: &str) -> Result<i64, String> {
    let lake = lake(store);
    let text = format!("Events | where {condition} | count");
    let ask = || ask(&lake, &text)[0][0].as_integer().unwrap();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask)).map_err(|_| text.clone())
}

#[test]
fn files_without_the_term_or_the_time_are_not_opened() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = of_days(folder.path(), &clock);
    let spoilt = data_files(folder.path()).into_iter().nth(1).unwrap();
    let whole = std::fs::read(&spoilt).unwrap();
    std::fs::write(&spoilt, &whole[..whole.len() / 2]).unwrap();
    for condition in [
        "Text has 'Monday'",
        "Text has_any ('monday', 'wednesday') and N < 8",
        "Text == 'it was monday, user103' or Text startswith 'it was wednesday, '",
        "D.a has 'MONDAY'",
        "Text contains ' monday,'",
        &format!("TimeGenerated < datetime({}) and Text has 'was'", datetime_text(NOW + 100)),
    ] {
        let expected = if condition.contains(" or ") { 9 } else { 8 };
        assert_eq!(count(&store, condition), Ok(expected), "{condition}");
    }
    assert_eq!(count(&store, "Text has 'sunday'"), Ok(0));
    for condition in ["Text has 'Tuesday'", "Text contains 'monday'", "Text has 'was'"] {
        assert!(count(&store, condition).is_err(), "{condition} must read the spoilt file");
    }
    // A side-car that is damaged, of another version, short, or gone says nothing.
    let name = spoilt.strip_prefix(folder.path().join("tables/Events")).unwrap();
    let sidecar = folder.path().join("tables/Events/_terms").join(name);
    let sidecar =
        sidecar.with_file_name(format!("{}.terms", sidecar.file_name().unwrap().to_str().unwrap()));
    let good = std::fs::read(&sidecar).unwrap();
    drop(store);
    // They are read anew by each query where there is no room for them.
    let store = open(folder.path(), &clock, StoreLimits { sidecar_bytes: 0, ..limits() });
    assert_eq!(count(&store, "Text has 'monday'"), Ok(8));
    for at in [0, 7, 9, 20, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&sidecar, &bad).unwrap();
        assert!(count(&store, "Text has 'monday'").is_err(), "byte {at}");
    }
    std::fs::write(&sidecar, &good[..good.len() - 5]).unwrap();
    assert!(count(&store, "Text has 'monday'").is_err());
    std::fs::remove_file(&sidecar).unwrap();
    assert!(count(&store, "Text has 'monday'").is_err());
    std::fs::write(&spoilt, &whole).unwrap();
    assert_eq!(count(&store, "Text has 'tuesday'"), Ok(8));
}

#[test]
fn row_groups_without_the_term_are_not_read() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = of_days(folder.path(), &clock);
    let file = data_files(folder.path()).into_iter().next().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    let groups = reader.metadata().row_groups();
    assert_eq!(groups.len(), 2);
    // The texts of the second group, users 4 to 7.
    let (start, len) = groups[1].column(2).byte_range();
    bytes[start as usize..(start + len) as usize].fill(0);
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(count(&store, "Text has 'user102' and Text contains ' monday, user'"), Ok(1));
    assert!(count(&store, "Text has 'monday'").is_err());
}

#[test]
fn side_cars_go_with_their_files() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = of_days(folder.path(), &clock);
    let sidecars = || {
        let folder = folder.path().join("tables/Events/_terms");
        let days = std::fs::read_dir(folder).unwrap().map(|day| day.unwrap().path());
        days.map(|day| std::fs::read_dir(day).unwrap().count()).sum::<usize>()
    };
    assert_eq!(sidecars(), 3);
    store.append("Events", &[vec![Value::DateTime(NOW), Value::Long(99)]]).unwrap();
    store.flush().unwrap();
    assert_eq!((store.tend(), sidecars()), (1, 5));
    clock.pass(8 * TICKS_PER_DAY);
    store.tend();
    assert_eq!((sidecars(), data_files(folder.path()).len()), (3, 3));
    drop(store);
    // One whose data file was never committed goes when the store is opened.
    let day = std::fs::read_dir(folder.path().join("tables/Events/_terms")).unwrap();
    let day = day.map(|day| day.unwrap().path()).next().unwrap();
    std::fs::write(day.join("part-00000000000000000009-x.parquet.terms"), b"left").unwrap();
    assert_eq!(sidecars(), 4);
    let store = open(folder.path(), &clock, limits());
    assert_eq!((sidecars(), count(&store, "true")), (3, Ok(25)));
}
