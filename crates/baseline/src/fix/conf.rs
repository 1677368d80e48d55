//! `postgresql.auto.conf`: what `ALTER SYSTEM` wrote, in which order, and how to bring both back.
//!
//! `ALTER SYSTEM SET` takes a setting's line away and appends a new one; `RESET` takes it away
//! (PostgreSQL manual, "ALTER SYSTEM"). So the file as it was comes back by setting anew, in their
//! order, all that stood behind the first line that was changed.

use serde::{Deserialize, Serialize};

use super::state::literal;

/// Settings whose value is a list of names in quotes; PostgreSQL marks them in its program only
/// (`GUC_LIST_QUOTE`), and pg_dump has to know them as well.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
}

/// What is kept of a file: enough to see what became of it, no values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// SHA-256 of the file, in hex
    pub sha256: String,
    /// Its settings in their order, each with the SHA-256 of its value
    pub lines: Vec<(String, String)>,
}

impl Kept {
    pub(super) fn of(text: &str) -> Self {
        let lines = lines(text).into_iter().map(|line| (line.name, hash(&line.value)));
        Self { sha256: hash(text), lines: lines.collect() }
    }

    /// The hash of a setting's value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.lines.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, hash)| hash.as_str())
    }
}

pub(super) fn hash(text: &str) -> String {
    crypto::sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The settings of a file, in their order.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (name, value) = line.split_once('=')?;
        Some(Line { name: name.trim().to_owned(), value: unquoted(value.trim()) })
    };
    text.lines().filter_map(line).collect()
}

/// What is in quotes: `''` is a quote, `\x` is x but for the escapes of C.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\'' => {
                characters.next();
                text.push('\'');
            }
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some(other) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    text
}

/// The statement that sets a setting; an empty value takes it out of the file.
pub(super) fn set(name: &str, value: Option<&str>) -> String {
    let name = quoted_name(name);
    match value {
        None => format!("ALTER SYSTEM RESET {name}"),
        Some(value) => format!("ALTER SYSTEM SET {name} = {}", given(&name, value)),
    }
}

fn quoted_name(name: &str) -> String {
    let part = |part: &str| {
        let is_plain =
            part.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
        if is_plain { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

fn given(name: &str, value: &str) -> String {
    if !LISTS.contains(&name) {
        return literal(value);
    }
    let elements = elements(value);
    if elements.is_empty() {
        return "''".to_owned();
    }
    elements.iter().map(|element| literal(element)).collect::<Vec<_>>().join(", ")
}

/// The names of a list: divided by commas, in double quotes where they hold one.
pub(super) fn elements(list: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut one = String::new();
    let mut is_quoted = false;
    let mut characters = list.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                one.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => all.push(std::mem::take(&mut one)),
            c => one.push(c),
        }
    }
    all.push(one);
    let trimmed = all.into_iter().map(|one| one.trim().to_owned());
    trimmed.filter(|one| !one.is_empty()).collect()
}

/// The statements that bring a file back, given what it holds now and what is known of it before:
/// the old values of what was changed (absent: it had no line), and the order of all.
pub(super) fn way_back(
    now: &[Line],
    before: &Kept,
    changed: &[(String, Option<String>)],
) -> Vec<String> {
    let is_changed = |name: &str| changed.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let mut statements = Vec::new();
    for (name, value) in changed {
        if value.is_none() {
            statements.push(set(name, None));
        }
    }
    let had_line =
        |name: &str| changed.iter().any(|(known, value)| known == name && value.is_some());
    let Some(first) = before.lines.iter().position(|(name, _)| had_line(name)) else {
        return statements;
    };
    for (name, _) in &before.lines[first..] {
        let value = if is_changed(name) {
            changed.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_deref())
        } else {
            now.iter().find(|line| line.name == *name).map(|line| line.value.as_str())
        };
        if let Some(value) = value {
            statements.push(set(name, Some(value)));
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_alter_system_writes() {
        let text = "# Do not edit\nwork_mem = '8MB'\na.b = 'it''s \\\\ so'\n\n";
        let read: Vec<(String, String)> =
            lines(text).into_iter().map(|line| (line.name, line.value)).collect();
        let expected = [("work_mem", "8MB"), ("a.b", "it's \\ so")];
        assert_eq!(read, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn statements_are_quoted() {
        for (name, value, expected) in [
            ("work_mem", Some("8MB"), "ALTER SYSTEM SET work_mem = '8MB'"),
            ("pgaudit.log", Some("ddl, role"), "ALTER SYSTEM SET pgaudit.log = 'ddl, role'"),
            ("TimeZone", Some("x'y"), "ALTER SYSTEM SET \"TimeZone\" = 'x''y'"),
            ("a\";b", None, "ALTER SYSTEM RESET \"a\"\";b\""),
            ("log_line_prefix", Some("%m \\ "), "ALTER SYSTEM SET log_line_prefix =  E'%m \\\\ '"),
            (
                "shared_preload_libraries",
                Some(""),
                "ALTER SYSTEM SET shared_preload_libraries = ''",
            ),
            (
                "shared_preload_libraries",
                Some("pgaudit,\"a,b\", c"),
                "ALTER SYSTEM SET shared_preload_libraries = 'pgaudit', 'a,b', 'c'",
            ),
        ] {
            assert_eq!(set(name, value), expected);
        }
    }

    #[test]
    fn the_order_comes_back() {
        let before = Kept::of("a = '1'\nb = '2'\nc = '3'\n");
        let now = lines("a = '1'\nc = '3'\nb = '9'\nd = '4'\n");
        let changed = [("b".to_owned(), Some("2".to_owned())), ("d".to_owned(), None)];
        let expected =
            ["ALTER SYSTEM RESET d", "ALTER SYSTEM SET b = '2'", "ALTER SYSTEM SET c = '3'"];
        assert_eq!(way_back(&now, &before, &changed), expected);
    }
}
