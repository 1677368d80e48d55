//! The files of `content/` as tests see them: read when the test runs, so that `PGKEEP_CONTENT` can
//! name another folder (whoever writes checks tries them without compiling).

use std::path::{Path, PathBuf};

use baseline::{Check, Library};

pub(crate) fn folder() -> PathBuf {
    let given = std::env::var_os("PGKEEP_CONTENT").map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content"))
}

fn files(folder: &Path, below: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    let entries = std::fs::read_dir(folder).expect("a folder of content");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, below, ending, found);
        } else if path.extension().is_some_and(|of| of == ending) {
            let name = path.strip_prefix(below).expect("it is below").with_extension("");
            let text = std::fs::read_to_string(&path).expect("it can be read");
            found.push((name.display().to_string(), text));
        }
    }
    found.sort();
}

/// All content.
pub(crate) fn library() -> Library {
    let of = |name: &str, ending: &str| {
        let folder = folder().join(name);
        let mut found = Vec::new();
        files(&folder, &folder, ending, &mut found);
        found
    };
    let (checks, evidence) = (of("checks", "toml"), of("evidence", "toml"));
    Library::of(&checks, &of("checks/functions", "kql"), &evidence).expect("sound content")
}

/// Whether `PGKEEP_CHECKS` is set.
pub(crate) fn names_checks() -> bool {
    std::env::var_os("PGKEEP_CHECKS").is_some_and(|names| !names.is_empty())
}

/// Whether `PGKEEP_CHECKS`, topics and identifiers separated by commas, names a check; all where it
/// is not set.
pub(crate) fn is_wanted(check: &Check) -> bool {
    let only = std::env::var("PGKEEP_CHECKS").unwrap_or_default();
    let mut words = only.split(',').filter(|word| !word.is_empty()).peekable();
    words.peek().is_none() || words.any(|word| word == check.id || word == check.topic)
}

#[test]
fn every_rule_binds() {
    let library = library();
    let faults: Vec<String> = library
        .checks()
        .filter(|check| is_wanted(check))
        .filter_map(|check| Some(format!("{}: {}", check.id, library.bind(check).err()?)))
        .collect();
    assert!(faults.is_empty(), "{} checks:\n{}", faults.len(), faults.join("\n\n"));
    assert!(library.checks().len() > 0);
}

#[test]
fn what_is_shipped_is_what_is_in_the_folder() {
    if std::env::var_os("PGKEEP_CONTENT").is_some() {
        return;
    }
    let ids = |library: &Library| -> Vec<String> {
        library.checks().map(|check| check.id.clone()).collect()
    };
    assert_eq!(ids(&Library::shipped().expect("sound content")), ids(&library()));
}

/// What is not in the log did not happen only as far as the log goes: a check that reads one of its
/// tables has to ask that before it passes.
#[test]
fn checks_that_read_the_log_ask_how_far_it_goes() {
    let library = library();
    let is_of_log = |name: &String| {
        let evidence = library.evidence(name);
        name != "LogWindow" && evidence.is_some_and(|e| e.source.as_deref() == Some("log"))
    };
    let asks = |rule: &Option<String>| {
        rule.as_ref()
            .is_some_and(|rule| rule.contains("LogTooShort(") || rule.contains("LogWindow"))
    };
    let forgetful: Vec<&str> = library
        .checks()
        .filter(|check| library.tables_read(check).expect("it binds").iter().any(is_of_log))
        .filter(|check| !asks(&check.rules.cannot_tell))
        .map(|check| check.id.as_str())
        .collect();
    assert!(forgetful.is_empty(), "{forgetful:?}");
}
