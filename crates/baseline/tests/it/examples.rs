//! Every check has cases on a real cluster, and says of each what must be said.

use std::fmt::Write as _;

use base::{Clock as _, SystemClock};
use baseline::{
    Bundle, Check, Declared, Example, Library, LogSource, Outcome, Profile, Request, Sources,
    Verdict, assess, collect,
};

use crate::content::{is_wanted, library};
use crate::dates::dated_table;
use crate::feeds::feeds;
use crate::ground::{Ground, MONITOR};

/// The checks of one topic that are wanted.
fn chosen<'a>(library: &'a Library, topics: &[&str]) -> Vec<&'a Check> {
    let is_chosen = |check: &&Check| topics.contains(&check.topic.as_str()) && is_wanted(check);
    library.checks().filter(is_chosen).collect()
}

/// What is said of an example when this role reads it.
async fn said(
    ground: &Ground,
    library: &Library,
    check: &Check,
    example: &Example,
    role: &'static str,
) -> Result<Outcome, String> {
    let declared = Declared::of(dated_table(example.declare.clone())).expect("a declaration");
    let reader = ground.reader(role);
    let host = ground.host();
    let checks = [check];
    let mut request = Request::of(&checks, &declared);
    request.asked = &example.asked;
    let feeds = match example.feeds.as_slice() {
        [] => None,
        names => Some(feeds(names, ground.version().await)),
    };
    let log = LogSource::default();
    let (host, feeds, log) = (Some(&host), feeds.as_ref(), Some(&log));
    request.sources = Sources { host, feeds, log, wire: true };
    let bundle = collect(&reader, library, &request, &SystemClock, &|_| ()).await;
    let bundle = bundle.map_err(|error| format!("cannot be collected: {:?}", error.fault()))?;
    let profiles: Vec<Profile> = example.profile.into_iter().collect();
    let ids = [check.id.clone()];
    // Verdicts are given from the bundle alone: also after it was written and read.
    let bytes = bundle.to_json().expect("a bundle is JSON");
    let bundle = Bundle::from_json(&bytes).expect("it is read again");
    let now_ms = SystemClock.now().as_millisecond();
    let mut made = assess(library, &bundle, &ids, &profiles, now_ms).expect("an assessment");
    Ok(made.results.remove(0))
}

async fn judge(
    ground: &Ground,
    library: &Library,
    check: &Check,
    example: &Example,
) -> Result<String, String> {
    let role = if example.role.is_some() { MONITOR } else { "postgres" };
    let result = said(ground, library, check, example, role).await?;
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
    // Whoever may see less must not be told that all is well.
    if example.verdict == Verdict::Fail && example.role.is_none() {
        ground.monitor().await?;
        let result = said(ground, library, check, example, MONITOR).await?;
        if !matches!(result.verdict, Verdict::Fail | Verdict::CannotTell) {
            let _ = write!(wrong, " says {:?} to pg_monitor: {}", result.verdict, result.reason);
        }
    }
    Ok(wrong)
}

/// Runs the examples of some topics.
#[allow(clippy::print_stderr, reason = "what a test leaves out is said aloud")]
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
            if example.needs_root && testkit::server_user().is_current() {
                eprintln!("left out, as it needs root: {} example {}", check.id, n + 1);
                continue;
            }
            let made = ground.make(example).await.map_err(|e| format!("cannot be made: {e}"));
            let judged = match made {
                Ok(()) => judge(&ground, &library, check, example).await,
                Err(error) => Err(error),
            };
            let mut wrong = judged.unwrap_or_else(|error| error);
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
    let checks = [check];
    let request = Request::of(&checks, &declared);
    let bundle = collect(&reader, library, &request, &SystemClock, &|_| ()).await;
    bundle.expect("the cluster can be read").major
}

#[test]
fn every_check_has_a_case_that_fails_and_one_that_passes() {
    let library = library();
    let lack = |check: &&Check| {
        let has = |wanted| {
            check.examples.iter().any(|example| example.verdict == wanted)
                || check.unmade.get(&wanted).is_some_and(|why| !why.is_empty())
        };
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
        /// Their fixes.
        mod fixes {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    crate::fixes::run(&[$($topic),+]).await;
                }
            )*
        }
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
    at_rest: "at-rest";
    sensitive_data: "sensitive-data";
    threat: "threat";
    files: "files";
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
