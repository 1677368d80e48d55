//! Files of sections with `name = value` lines, as PgBouncer, pgBackRest and barman have them.

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) section: &'a str,
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// All values in their order; comments begin with `;` or `#`.
pub(super) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((name, value)) = line.split_once('=') {
            found.push(Entry { section, name: name.trim(), value: value.trim() });
        }
    }
    found
}

/// The last value of a name in a section.
pub(super) fn value<'a>(entries: &[Entry<'a>], section: &str, name: &str) -> Option<&'a str> {
    let mut found = entries.iter().rev();
    found.find(|entry| entry.section == section && entry.name == name).map(|entry| entry.value)
}
