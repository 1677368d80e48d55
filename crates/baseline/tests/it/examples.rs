//! Every check has cases on a real cluster, and says of each what must be said.

use std::fmt::Write as _;

use base::SystemClock;
use baseline::{Check, Declared, Example, Library, Profile, Verdict, assess, collect};

use crate::content::{is_wanted, library};
use crate::ground::{Ground, MONITOR};

/// The checks of one topic that are wanted.
fn chosen<'a>(library: &'a Library, topics: &[&str]) -> Vec<&'a Check> {
    let is_chosen = |check: &&Check| topics.contains(&check.topic.as_str()) && is_wanted(check);
    library.checks().filter(is_chosen).collect()
}

async fn judge(ground: &Ground, library: &Library, check: &Check, example: &Example) -> String {
    let role = if example.role.is_some() { MONITOR } else { "postgres" };
    let declared = Declared::of(example.declare.clone()).expect("a declaration");
    let reader = ground.reader(role);
    let bundle = collect(&reader, library, &[check], &declared, &SystemClock, &|_| ()).await;
    let bundle = match bundle {
        Ok(bundle) => bundle,
        Err(error) => return format!("cannot be collected: {:?}", error.fault()),
    };
    let profiles: Vec<Profile> = example.profile.into_iter().collect();
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_millis();
    let now_ms = i64::try_from(now_ms).expect("it fits");
    let ids = [check.id.clone()];
    // Verdicts are given from the bundle alone: also after it was written and read.
    let bytes = bundle.to_json().expect("a bundle is JSON");
    let bundle = baseline::Bundle::from_json(&bytes).expect("it is read again");
    let outcome = assess(library, &bundle, &ids, &profiles, now_ms).expect("an assessment");
    let result = &outcome.results[0];
    let mut wrong = String::new();
    if result.verdict != example.verdict {
        let _ = write!(wrong, "says {:?}: {}", result.verdict, result.reason);
    }
    let mut found: Vec<&str> = result.findings.iter().map(|f| f.item.as_str()).collect();
    found.sort_unstable();
    if let Some(items) = &example.items {
        let mut items: Vec<&str> = items.iter().map(String::as_str).collect();
        items.sort_unstable();
        if items != found {
            let _ = write!(wrong, " finds {found:?}, not {items:?}");
        }
    }
    let needs_evidence = matches!(result.verdict, Verdict::Pass | Verdict::Fail);
    if needs_evidence && result.evidence.is_empty() {
        wrong.push_str(" has no evidence");
    }
    wrong
}

/// Runs the examples of some topics.
async fn run(topics: &[&str]) {
    let library = library();
    let checks = chosen(&library, topics);
    if checks.is_empty() {
        return;
    }
    let mut ground = Ground::start().await;
    let major = testkit_major(&ground, &library, checks[0]).await;
    let mut faults = String::new();
    for check in checks {
        for (n, example) in check.examples.iter().enumerate() {
            if example.majors.is_some_and(|majors| !majors.hold(major)) {
                continue;
            }
            let mut wrong = match ground.make(example).await {
                Ok(()) => judge(&ground, &library, check, example).await,
                Err(error) => format!("cannot be made: {error}"),
            };
            if let Err(error) = ground.clean(example).await {
                let _ = write!(wrong, " cannot be cleaned: {error}");
            }
            if !wrong.is_empty() {
                let verdict = example.verdict;
                let _ = writeln!(faults, "{} example {} ({verdict:?}): {wrong}", check.id, n + 1);
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

async fn testkit_major(ground: &Ground, library: &Library, check: &Check) -> u32 {
    let reader = ground.reader("postgres");
    let declared = Declared::default();
    let bundle = collect(&reader, library, &[check], &declared, &SystemClock, &|_| ()).await;
    bundle.expect("the cluster can be read").major
}

#[test]
fn every_check_has_a_case_that_fails_and_one_that_passes() {
    let library = library();
    let lack = |check: &&Check| {
        let has = |wanted| check.examples.iter().any(|example| example.verdict == wanted);
        !has(Verdict::Fail) || !has(Verdict::Pass)
    };
    let lacking: Vec<&str> = library.checks().filter(lack).map(|c| c.id.as_str()).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}

macro_rules! topics {
    ($($test:ident: $($topic:literal),+;)*) => {
        /// Folders whose examples a test runs.
        const TOPICS: &[&str] = &[$($($topic),+),*];
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                run(&[$($topic),+]).await;
            }
        )*
    };
}

topics! {
    logging: "logging";
    pgaudit: "pgaudit";
    settings: "settings", "network";
    tls: "tls", "patching", "backup";
    passwords: "passwords";
    roles: "roles";
    objects: "objects";
    row_security: "row-security";
    extensions: "extensions";
    hba: "hba";
}

#[test]
fn every_topic_is_run() {
    let library = library();
    let left: Vec<&str> = library
        .checks()
        .map(|check| check.topic.as_str())
        .filter(|topic| !TOPICS.contains(topic))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
