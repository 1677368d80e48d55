//! Rules over Rust code without its comments and literals.

use super::Finding;
use super::source::Source;

/// The files that may contain `unsafe`.
const UNSAFE_PLACES: &[&str] = &["crates/crypto/src/sys", "crates/cryptfs/src/sys"];
/// Who may read the environment: the binary, and what never ships.
const ENV_READERS: &[&str] = &["pgkeep", "testkit", "xtask"];
/// How far above an unsafe line its reason may begin.
const SAFETY_WITHIN_LINES: usize = 8;
/// Parts of the name of a function that is allowed to sleep in a test.
const WAITING: &[&str] = &["wait", "poll", "until", "eventually", "retry"];

pub(super) fn env_only_in_pgkeep(sources: &[Source]) -> Vec<Finding> {
    find(sources, |source, number, line| {
        let reads = line.contains("env::var") || line.contains("env::set_var");
        // A build script hears from cargo in no other way.
        let is_build_script = source.path.ends_with("/build.rs");
        let is_reader = ENV_READERS.contains(&source.crate_name()) || is_build_script;
        let allowed = is_reader || source.is_test(number);
        (reads && !allowed).then(|| "reads the environment".to_owned())
    })
}

pub(super) fn unsafe_only_in_sys(sources: &[Source]) -> Vec<Finding> {
    find(sources, |source, _, line| {
        let allowed = UNSAFE_PLACES.iter().any(|place| source.path.starts_with(place));
        (!allowed && has_word(line, "unsafe")).then(|| "contains unsafe code".to_owned())
    })
}

pub(super) fn safety_comment(sources: &[Source]) -> Vec<Finding> {
    find(sources, |source, number, line| {
        if !has_word(line, "unsafe") {
            return None;
        }
        let from = number.saturating_sub(SAFETY_WITHIN_LINES + 1);
        let said = source
            .text_lines()
            .skip(from)
            .take(number - from)
            .any(|(_, text)| text.contains("SAFETY:") || text.contains("# Safety"));
        (!said).then(|| "has no `// SAFETY:` above it".to_owned())
    })
}

pub(super) fn unfinished(sources: &[Source]) -> Vec<Finding> {
    const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];
    find(sources, |_, _, line| {
        let called = |name: &&&str| line.contains(&format!("{name}!")) && has_word(line, name);
        MACROS.iter().find(called).map(|name| format!("calls {name}!"))
    })
}

pub(super) fn ignored_test(sources: &[Source]) -> Vec<Finding> {
    find(sources, |_, _, line| {
        let code = line.trim_start();
        let ignored = code.starts_with("#[ignore")
            || (code.starts_with("#[cfg_attr") && has_word(code, "ignore"));
        ignored.then(|| "is ignored".to_owned())
    })
}

pub(super) fn sleeping_test(sources: &[Source]) -> Vec<Finding> {
    // Tests of one folder share their simulation; on Tokio's paused clock a sleep takes no time.
    let folder = |source: &Source| source.path.rsplit_once('/').map(|(path, _)| path.to_owned());
    let paused: Vec<Option<String>> = sources
        .iter()
        .filter(|source| source.code.contains("start_paused = true"))
        .map(folder)
        .collect();
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let clock_is_paused = paused.contains(&folder(source));
        let mut function = "";
        for (number, line) in source.code_lines() {
            function = function_name(line).unwrap_or(function);
            let sleeps = line.contains("thread::sleep")
                || (line.contains("time::sleep") && !clock_is_paused);
            let waits = WAITING.iter().any(|part| function.contains(part));
            if sleeps && !waits && source.is_test(number) {
                let what = format!("sleeps in {function}");
                found.push(Finding::new(&source.path, number, what));
            }
        }
    }
    found
}

/// The name of the function that a line begins, if it begins one.
fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == "fn")?;
    words.next()?.split(['(', '<']).next()
}

fn find(
    sources: &[Source],
    judge: impl Fn(&Source, usize, &str) -> Option<String>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (number, line) in source.code_lines() {
            if let Some(what) = judge(source, number, line) {
                found.push(Finding::new(&source.path, number, what));
            }
        }
    }
    found
}

/// Whether `word` stands in `line` as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::{
        Finding, Source, env_only_in_pgkeep, ignored_test, safety_comment, sleeping_test,
        unfinished, unsafe_only_in_sys,
    };

    /// The number of findings in one file.
    fn check(rule: fn(&[Source]) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&[source(path, text)]).len()
    }

    #[test]
    fn environment() {
        let text = "let x = std::env::var(\"X\");";
        assert_eq!(check(env_only_in_pgkeep, "crates/pg/src/lib.rs", text), 1);
        assert_eq!(check(env_only_in_pgkeep, "crates/pgkeep/src/main.rs", text), 0);
        assert_eq!(check(env_only_in_pgkeep, "crates/pg/tests/it/main.rs", text), 0);
        assert_eq!(check(env_only_in_pgkeep, "crates/pg/src/lib.rs", "// std::env::var"), 0);
    }

    #[test]
    fn unsafe_code() {
        let text = "// SAFETY: the pointer is valid\nunsafe { f() }";
        assert_eq!(check(unsafe_only_in_sys, "crates/pg/src/lib.rs", text), 1);
        assert_eq!(check(unsafe_only_in_sys, "crates/crypto/src/sys/xts.rs", text), 0);
        assert_eq!(check(unsafe_only_in_sys, "crates/pg/src/lib.rs", "#![deny(unsafe_code)]"), 0);
    }

    #[test]
    fn reasons_for_unsafe_code() {
        let path = "crates/crypto/src/sys.rs";
        assert_eq!(check(safety_comment, path, "// SAFETY: fine\nunsafe { f() }"), 0);
        assert_eq!(check(safety_comment, path, "// it is fine\nunsafe { f() }"), 1);
        let far = format!("// SAFETY: fine\n{}unsafe {{ f() }}", "x();\n".repeat(20));
        assert_eq!(check(safety_comment, path, &far), 1);
    }

    #[test]
    fn unfinished_code() {
        let path = "crates/a/src/lib.rs";
        for name in ["todo", "unimplemented", "dbg"] {
            assert_eq!(check(unfinished, path, &format!("fn f() {{ {name}!() }}")), 1);
        }
        assert_eq!(check(unfinished, path, "// todo!() is forbidden\nlet s = \"dbg!\";"), 0);
    }

    #[test]
    fn ignored_tests() {
        let path = "crates/a/src/lib.rs";
        assert_eq!(check(ignored_test, path, "#[test]\n#[ignore]\nfn f() {}"), 1);
        assert_eq!(check(ignored_test, path, "#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
        assert_eq!(check(ignored_test, path, "#[cfg_attr(miri, ignore)]\nfn f() {}"), 1);
        assert_eq!(check(ignored_test, path, "#[test]\nfn f() { g(a, ignored); }"), 0);
    }

    #[test]
    fn sleeping_tests() {
        let path = "crates/a/tests/it/x.rs";
        let sleep = "std::thread::sleep(d);";
        assert_eq!(check(sleeping_test, path, &format!("fn f() {{\n{sleep}\n}}")), 1);
        assert_eq!(check(sleeping_test, path, &format!("fn wait_for() {{\n{sleep}\n}}")), 0);
        let paused =
            "#[tokio::test(start_paused = true)]\nasync fn f() {\ntokio::time::sleep(d)\n}";
        assert_eq!(check(sleeping_test, path, paused), 0);
        let awake = "#[tokio::test]\nasync fn f() {\ntokio::time::sleep(d)\n}";
        assert_eq!(check(sleeping_test, path, awake), 1);
        let source_path = "crates/a/src/x.rs";
        assert_eq!(check(sleeping_test, source_path, &format!("fn f() {{\n{sleep}\n}}")), 0);
    }
}
