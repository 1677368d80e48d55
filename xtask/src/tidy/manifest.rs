//! The little of TOML that Cargo manifests and deps.toml use: tables, keys, strings, lists.

/// One `key = value` of a TOML file, with the table it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The table, without brackets; empty at the top.
    pub(super) table: String,
    /// The key, as written (`serde.workspace` keeps its dot).
    pub(super) key: String,
    /// The value, as written, lists over several lines joined.
    pub(super) value: String,
    /// Line of the key, from 1.
    pub(super) line: usize,
}

/// Reads the entries of a file. Not a TOML parser: multi-line strings are unknown to it.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut table = String::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        if open {
            let last = found.last_mut().expect("because a list is open");
            last.value += line;
            open = !balanced(&last.value);
        } else if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().trim_matches('"'), value.trim());
            open = !balanced(value);
            found.push(Entry {
                table: table.clone(),
                key: key.to_owned(),
                value: value.to_owned(),
                line: at + 1,
            });
        }
    }
    found
}

/// The strings of a list.
pub(super) fn strings(list: &str) -> Vec<String> {
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Which kind of dependency a table of a Cargo manifest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Part of what ships.
    Normal,
    /// For tests only.
    Dev,
    /// For build scripts only.
    Build,
}

/// A dependency named by a Cargo manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) line: usize,
}

/// The dependencies of a Cargo manifest, also those of `[target.….dependencies]`.
pub(super) fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    for entry in entries(text) {
        let Some((kind, inside)) = kind_of(&entry.table) else { continue };
        // `[dependencies.serde]` puts the name into the table, `serde.workspace` into the key.
        let name = inside.unwrap_or(&entry.key).split('.').next().unwrap_or_default();
        // `other = { package = "serde" }` is a dependency on serde.
        let package = match (inside, entry.key.as_str()) {
            (Some(_), "package") => strings(&entry.value).into_iter().next(),
            _ => entry
                .value
                .split_once("package")
                .filter(|_| entry.value.starts_with('{'))
                .and_then(|(_, rest)| strings(rest).into_iter().next()),
        };
        let name = package.unwrap_or_else(|| name.to_owned());
        if !found.iter().any(|known| known.name == name && known.kind == kind) {
            found.push(Dependency { name, kind, line: entry.line });
        }
    }
    found
}

/// The kind of a dependency table, and the dependency's name when the table is about one.
fn kind_of(table: &str) -> Option<(Kind, Option<&str>)> {
    let table = match table.strip_prefix("target.") {
        Some(rest) => &rest[rest.rfind("dependencies").map(|at| start_of(rest, at))?..],
        None => table,
    };
    [
        ("dependencies", Kind::Normal),
        ("dev-dependencies", Kind::Dev),
        ("build-dependencies", Kind::Build),
    ]
    .into_iter()
    .find_map(|(name, kind)| {
        let rest = table.strip_prefix(name)?;
        match rest.strip_prefix('.') {
            Some(inside) => Some((kind, Some(inside))),
            None => rest.is_empty().then_some((kind, None)),
        }
    })
}

/// Where the word that holds position `at` begins, taking `dev-` and `build-` with it.
fn start_of(text: &str, at: usize) -> usize {
    text[..at].rfind('.').map_or(0, |dot| dot + 1)
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

fn balanced(value: &str) -> bool {
    let count = |wanted: char| value.chars().filter(|c| *c == wanted).count();
    count('[') == count(']') && count('{') == count('}')
}

#[cfg(test)]
mod tests {
    use super::{Kind, dependencies, entries, strings};

    fn names(text: &str) -> Vec<(String, Kind)> {
        dependencies(text).into_iter().map(|found| (found.name, found.kind)).collect()
    }

    #[test]
    fn reads_every_way_to_name_a_dependency() {
        let text = "\
[package]
name = \"x\" # not a dependency
[dependencies]
serde.workspace = true
hex = \"1\"
other = { package = \"real\", version = \"1\" }
[dependencies.tokio]
version = \"1\"
features = [
  \"net\", # a comment
]
[dev-dependencies]
tempfile = \"3\"
[target.'cfg(unix)'.dependencies]
rustix = \"1\"
[build-dependencies]
cc = \"1\"
";
        let want = [
            ("serde", Kind::Normal),
            ("hex", Kind::Normal),
            ("real", Kind::Normal),
            ("tokio", Kind::Normal),
            ("tempfile", Kind::Dev),
            ("rustix", Kind::Normal),
            ("cc", Kind::Build),
        ];
        assert_eq!(names(text), want.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn joins_lists_over_lines() {
        let found = entries("[a]\nb = [\n  \"c\",\n  \"d\"\n]\ne = \"f\"\n");
        assert_eq!(strings(&found[0].value), ["c", "d"]);
        assert_eq!(found[1].key, "e");
    }
}
