//! Which files configuration includes: `include` lines of postgresql.conf, and from PostgreSQL 16
//! of pg_hba.conf and pg_ident.conf; `@file` in pg_hba.conf.
//!
//! `pg_file_settings` shows a file only where it sets something, and never a folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{clean, names};
use super::{Host, gap_of};
use crate::bundle::Gap;

/// How deep files include each other (PostgreSQL refuses more: `CONF_FILE_MAX_DEPTH`).
const DEPTH_MAX: usize = 10;
/// Files of one tree.
const FILES_MAX: usize = 1000;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// postgresql.conf
    Settings,
    /// pg_hba.conf, pg_ident.conf; this many fields in front may name `@file`s
    Lines { fields: usize },
}

/// A file that another one names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Included {
    pub(super) path: PathBuf,
    pub(super) is_folder: bool,
    /// File and line
    pub(super) by: String,
}

/// What a tree of files names.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<Included>,
    pub(super) gaps: Vec<Gap>,
}

/// One `include` of a file.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    target: String,
    is_folder: bool,
}

/// Reads what a file includes, and what that includes.
pub(super) fn of(host: &Host, file: &Path, syntax: Syntax, major: u32) -> Tree {
    let mut tree = Tree::default();
    let mut open = vec![(file.to_owned(), 0)];
    let mut seen = BTreeSet::new();
    while let Some((path, depth)) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if depth > DEPTH_MAX || seen.len() > FILES_MAX {
            tree.gaps.push(gap_of(&path, &io::Error::other("too many files are included")));
            break;
        }
        let text = match host.text(&path) {
            Ok(text) => text,
            // Whoever names a file that is not there is told so by its row.
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth > 0 => continue,
            Err(error) => {
                tree.gaps.push(gap_of(&path, &error));
                continue;
            }
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        for line in lines(&text, syntax, major) {
            let target = clean(&folder.join(&line.target));
            let by = format!("{}:{}", path.display(), line.number);
            if line.is_folder {
                match names(host, &target) {
                    Ok(names) => {
                        let used =
                            |name: &&String| name.ends_with(".conf") && !name.starts_with('.');
                        for name in names.iter().filter(used) {
                            let (path, by) = (target.join(name), by.clone());
                            open.push((path.clone(), depth + 1));
                            tree.files.push(Included { path, is_folder: false, by });
                        }
                    }
                    Err(error) => tree.gaps.push(gap_of(&target, &error)),
                }
            } else {
                open.push((target.clone(), depth + 1));
            }
            tree.files.push(Included { path: target, is_folder: line.is_folder, by });
        }
    }
    tree
}

fn lines(text: &str, syntax: Syntax, major: u32) -> Vec<Line> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let words = words(line, syntax);
        let Some(first) = words.first() else { continue };
        let line =
            |target: &str, is_folder| Line { number: n + 1, target: target.to_owned(), is_folder };
        let keyword = first.to_ascii_lowercase();
        let knows = syntax == Syntax::Settings || major >= 16;
        let is_include = ["include", "include_if_exists", "include_dir"].contains(&&*keyword);
        if is_include && knows {
            if let Some(target) = words.get(1) {
                found.push(line(target, keyword == "include_dir"));
            }
            continue;
        }
        let Syntax::Lines { fields } = syntax else { continue };
        let parts = words.iter().take(fields.max(1)).flat_map(|word| word.split(','));
        let lists = parts.filter_map(|part| part.strip_prefix('@')).filter(|name| !name.is_empty());
        found.extend(lists.map(|name| line(name, false)));
    }
    found
}

/// The words of a line without its comment. An equals sign between a setting and its value is
/// left out; a quoted `@` is put so that it names no file.
fn words(line: &str, syntax: Syntax) -> Vec<String> {
    let quote = if syntax == Syntax::Settings { '\'' } else { '"' };
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut in_quotes, mut is_word) = (false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => {
                if in_quotes && chars.peek() == Some(&quote) {
                    word.push(quote);
                    chars.next();
                } else {
                    in_quotes = !in_quotes;
                }
                is_word = true;
            }
            '\\' if in_quotes && syntax == Syntax::Settings => word.extend(chars.next()),
            '@' if in_quotes && syntax != Syntax::Settings && word.is_empty() => word.push('"'),
            c if in_quotes => word.push(c),
            '#' => break,
            c if c.is_whitespace() || (c == '=' && syntax == Syntax::Settings) => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str, syntax: Syntax, major: u32) -> Vec<String> {
        lines(text, syntax, major).into_iter().map(|line| line.target).collect()
    }

    #[test]
    fn includes_of_settings() {
        let text = "include 'a b.conf' # so\n#include 'no'\nInclude_dir='conf.d'\n\
                    include_if_exists = 'it''s'\nincluded = x\nport=1\n";
        assert_eq!(targets(text, Syntax::Settings, 13), ["a b.conf", "conf.d", "it's"]);
        let folders: Vec<bool> =
            lines(text, Syntax::Settings, 13).iter().map(|line| line.is_folder).collect();
        assert_eq!(folders, [false, true, false]);
    }

    #[test]
    fn includes_and_lists_of_hba() {
        let text = "include extra\nlocal @dbs,app @users md5\nhost \"@no\" all 0/0 md5 # @no\n";
        let syntax = Syntax::Lines { fields: 3 };
        assert_eq!(targets(text, syntax, 15), ["dbs", "users"]);
        assert_eq!(targets(text, syntax, 16), ["extra", "dbs", "users"]);
    }
}
