//! Rules over plain text.

use super::Finding;
use super::source::Source;

const MAX_LINES: usize = 500;
const MAX_COLUMNS: usize = 100;

/// First parts of paths that belong to one machine or one user.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "farm", "tmp", "home"];
/// Hosts of package registries, in two parts so that this file does not name one.
const REGISTRY_HOSTS: &[(&str, &str)] = &[
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("deb.debian", ".org"),
    ("security.debian", ".org"),
    ("registry.npmjs", ".org"),
    ("files.pythonhosted", ".org"),
];

pub(super) fn module_doc(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter(|source| source.is_rust() && !source.text.trim_start().starts_with("//!"))
        .map(|source| Finding::new(&source.path, 1, "does not open with `//!`"))
        .collect()
}

pub(super) fn file_length(sources: &[Source]) -> Vec<Finding> {
    let long = |source: &&Source| source.is_rust() || source.path.ends_with(".sql");
    sources
        .iter()
        .filter(long)
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, n_lines)| *n_lines > MAX_LINES)
        .map(|(source, n_lines)| Finding::new(&source.path, 0, format!("{n_lines} lines")))
        .collect()
}

pub(super) fn line_length(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (number, line) in source.text_lines() {
            let n_columns = line.chars().count();
            if n_columns > MAX_COLUMNS {
                found.push(Finding::new(&source.path, number, format!("{n_columns} columns")));
            }
        }
    }
    found
}

pub(super) fn machine_path(sources: &[Source]) -> Vec<Finding> {
    find_lines(sources, |line| {
        let found = MACHINE_FOLDERS.iter().map(|folder| format!("/{folder}/"));
        found
            .into_iter()
            .find(|folder| starts_a_path(line, folder))
            .map(|folder| format!("names a path below {folder}"))
    })
}

pub(super) fn registry_host(sources: &[Source]) -> Vec<Finding> {
    find_lines(sources, |line| {
        let mut hosts = REGISTRY_HOSTS.iter().map(|(name, end)| format!("{name}{end}"));
        hosts.find(|host| line.contains(host.as_str())).map(|host| format!("names {host}"))
    })
}

fn find_lines(sources: &[Source], judge: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in source.text_lines() {
            if let Some(what) = judge(line) {
                found.push(Finding::new(&source.path, number, what));
            }
        }
    }
    found
}

/// Whether `folder` occurs at the beginning of an absolute path, not inside a longer one.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        let inside = |c: char| c.is_alphanumeric() || "_./-~}$*".contains(c);
        !before.is_some_and(inside) && after.is_some_and(|c| c.is_alphanumeric() || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::{file_length, line_length, machine_path, module_doc, registry_host};

    #[test]
    fn module_doc_wants_the_first_line() {
        assert!(module_doc(&[source("a.rs", "//! What.\n")]).is_empty());
        assert!(module_doc(&[source("a.md", "# What\n")]).is_empty());
        assert_eq!(module_doc(&[source("a.rs", "use x;\n//! What.\n")]).len(), 1);
    }

    #[test]
    fn file_length_counts_lines() {
        assert!(file_length(&[source("a.rs", &"x\n".repeat(500))]).is_empty());
        assert_eq!(file_length(&[source("a.rs", &"x\n".repeat(501))]).len(), 1);
        assert!(file_length(&[source("a.md", &"x\n".repeat(501))]).is_empty());
    }

    #[test]
    fn line_length_counts_characters_not_bytes() {
        assert!(line_length(&[source("a.rs", &"é".repeat(100))]).is_empty());
        let long = line_length(&[source("a.rs", &format!("x\n{}", "e".repeat(101)))]);
        assert_eq!(long[0].line, 2);
    }

    #[test]
    fn machine_paths_are_seen_and_others_are_not() {
        for folder in ["work", "root", "tmp"] {
            let text = format!("let x = \"/{folder}/x\";");
            assert_eq!(machine_path(&[source("a.rs", &text)]).len(), 1, "{text}");
        }
        for text in ["/var/lib/pgkeep", "/var/tmp/x", "target/tmp/x", "https://a.b/work/c", "/tmp"]
        {
            assert!(machine_path(&[source("a.md", text)]).is_empty(), "{text}");
        }
    }

    #[test]
    fn registry_hosts_are_seen() {
        let text = format!("\"resolved\": \"https://{}{}/x\"", "registry.npmjs", ".org");
        assert_eq!(registry_host(&[source("a.json", &text)]).len(), 1);
        assert!(registry_host(&[source("a.md", "install it from crates.io")]).is_empty());
    }
}
