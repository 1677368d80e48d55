//! What starts the server: units of systemd with what their files set, and other supervisors.
//!
//! A unit belongs to the server where its files name the data directory, where Debian's cluster of
//! that name has it, or where the server's process is in it and its text speaks of PostgreSQL.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::files::names;
use super::processes::units as units_of;
use super::stat::{found, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Folders of units, the strongest first.
const FOLDERS: [&str; 6] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Files of Patroni.
const PATRONI: [&str; 4] =
    ["/etc/patroni", "/etc/patroni.yml", "/etc/patroni.yaml", "/opt/app/patroni/etc"];

/// A unit that starts the server.
#[derive(Debug, Default)]
struct Unit {
    name: String,
    /// Section, directive, value, file; in the order in which systemd reads them
    settings: Vec<(String, String, String, PathBuf)>,
    enabled: bool,
    has_drop_ins: bool,
}

/// Everything that a set of units is read from.
struct Reader<'a> {
    host: &'a Host,
    filled: &'a mut Filled,
}

impl Reader<'_> {
    fn names(&mut self, folder: &Path) -> Vec<String> {
        names(self.host, folder).unwrap_or_else(|error| {
            self.filled.lack(folder, &error);
            Vec::new()
        })
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        found(self.host.text(path)).unwrap_or_else(|error| {
            self.filled.lack(path, &error);
            None
        })
    }

    /// All services that have a file, by name; links of enabled units elsewhere are not files.
    fn services(&mut self) -> BTreeMap<String, PathBuf> {
        let mut all = BTreeMap::new();
        for folder in FOLDERS.map(Path::new) {
            for name in self.names(folder) {
                if name.ends_with(".service") {
                    all.entry(name.clone()).or_insert_with(|| folder.join(name));
                }
            }
        }
        all
    }

    /// Names of units that are started at boot.
    fn enabled(&mut self) -> BTreeSet<String> {
        let mut enabled = BTreeSet::new();
        for folder in FOLDERS.map(Path::new) {
            for name in self.names(folder) {
                if name.ends_with(".wants") || name.ends_with(".requires") {
                    enabled.extend(self.names(&folder.join(name)));
                } else if name.ends_with(".target.d") {
                    enabled.extend(self.wanted_by(&folder.join(name)));
                }
            }
        }
        enabled
    }

    /// What drop-ins of a target want.
    fn wanted_by(&mut self, folder: &Path) -> Vec<String> {
        let mut wanted = Vec::new();
        for name in self.names(folder).into_iter().filter(|name| name.ends_with(".conf")) {
            let text = self.text(&folder.join(name)).unwrap_or_default();
            let all = settings(&text);
            for (_, key, value) in all {
                if key == "Wants" || key == "Requires" {
                    wanted.extend(value.split_whitespace().map(str::to_owned));
                }
            }
        }
        wanted
    }

    /// The settings of a unit with its drop-ins.
    fn unit(&mut self, name: &str, file: &Path) -> Unit {
        let mut unit = Unit { name: name.to_owned(), ..Unit::default() };
        let mut files = vec![file.to_owned()];
        let mut folders = vec![format!("{name}.d")];
        if let Some((template, _)) = name.split_once('@') {
            folders.push(format!("{template}@.service.d"));
        }
        folders.push("service.d".to_owned());
        let mut drop_ins = BTreeMap::new();
        for folder in folders {
            for base in FOLDERS.map(Path::new) {
                let folder = base.join(&folder);
                for name in self.names(&folder).into_iter().filter(|n| n.ends_with(".conf")) {
                    drop_ins.entry(name.clone()).or_insert_with(|| folder.join(name));
                }
            }
        }
        unit.has_drop_ins = !drop_ins.is_empty();
        files.extend(drop_ins.into_values());
        for path in files {
            let Some(text) = self.text(&path) else { continue };
            for (section, key, value) in settings(&text) {
                unit.settings.push((section, key, value, path.clone()));
            }
        }
        unit
    }

    /// Whether a unit's settings name a folder, itself or in a file of its environment.
    fn names_folder(&mut self, unit: &Unit, folder: &str) -> bool {
        let mut files = Vec::new();
        for (_, key, value, _) in &unit.settings {
            let is_start = key.starts_with("Exec") || key == "Environment";
            if is_start && has_path(value, folder) {
                return true;
            }
            if key == "EnvironmentFile" {
                files.push(PathBuf::from(value.trim_start_matches('-')));
            }
        }
        let mut texts = files.iter().filter_map(|path| self.text(path));
        texts.any(|text| text.lines().any(|line| has_path(line, folder)))
    }

    /// The units of the server.
    fn of_server(&mut self) -> Vec<Unit> {
        let folder = self.host.pgdata().display().to_string();
        let folder = folder.trim_end_matches('/').to_owned();
        let process = self.host.postmaster().and_then(|pid| {
            let path = format!("/proc/{pid}/cgroup");
            fs::read_to_string(path)
        });
        let process = process.unwrap_or_else(|error| {
            self.filled.lack(Path::new("the server's process"), &error);
            String::new()
        });
        let inside = units_of(&process);
        let clusters = self.debian(&folder);
        let services = self.services();
        let enabled = self.enabled();
        let mut candidates: BTreeMap<String, PathBuf> = services.clone();
        for name in inside.iter().chain(clusters.iter().map(|(name, _)| name)) {
            let template = name.split_once('@').map(|(base, _)| format!("{base}@.service"));
            let file = template.and_then(|template| services.get(&template));
            if let Some(file) = file {
                candidates.entry(name.clone()).or_insert_with(|| file.clone());
            }
        }
        let mut units = Vec::new();
        for (name, file) in &candidates {
            // Reading all units with their drop-ins would be much for nothing.
            let Some(text) = self.text(file) else { continue };
            let speaks = ["postgres", "pg_ctl", "patroni", folder.as_str()];
            let cluster = clusters.iter().find(|(known, _)| known == name);
            if name.ends_with("@.service") || !speaks.iter().any(|word| text.contains(word)) {
                continue;
            }
            let mut unit = self.unit(name, file);
            if cluster.is_none() && !inside.contains(name) && !self.names_folder(&unit, &folder) {
                continue;
            }
            unit.enabled = enabled.contains(name)
                || cluster.is_some_and(|(_, auto)| *auto && enabled.contains("postgresql.service"));
            units.push(unit);
        }
        units
    }

    /// Clusters of Debian's tools that have this data directory: unit, started at boot.
    fn debian(&mut self, folder: &str) -> Vec<(String, bool)> {
        let base = Path::new("/etc/postgresql");
        let mut found = Vec::new();
        for version in self.names(base) {
            for cluster in self.names(&base.join(&version)) {
                let place = base.join(&version).join(&cluster);
                let Some(config) = self.text(&place.join("postgresql.conf")) else { continue };
                let is_it = config.lines().any(|line| {
                    line.trim_start().starts_with("data_directory") && has_path(line, folder)
                });
                if is_it {
                    let start = self.text(&place.join("start.conf")).unwrap_or_default();
                    let auto = start.lines().any(|line| line.trim() == "auto");
                    found.push((format!("postgresql@{version}-{cluster}.service"), auto));
                }
            }
        }
        found
    }

    /// Files of Patroni that name the data directory.
    fn patroni(&mut self) -> Vec<PathBuf> {
        let folder = self.host.pgdata().display().to_string();
        let mut files = Vec::new();
        for path in PATRONI.map(Path::new) {
            let inner = if path.extension().is_some() { Vec::new() } else { self.names(path) };
            let yaml = |name: &String| name.ends_with(".yml") || name.ends_with(".yaml");
            files.extend(inner.into_iter().filter(yaml).map(|name| path.join(name)));
            if path.extension().is_some() {
                files.push(path.to_owned());
            }
        }
        let mut named = files.into_iter().map(|path| (self.text(&path), path)).collect::<Vec<_>>();
        named.retain(|(text, _)| {
            let text = text.as_deref().unwrap_or_default();
            text.lines().any(|line| line.contains("data_dir") && has_path(line, &folder))
        });
        named.into_iter().map(|(_, path)| path).collect()
    }

    /// Tables of cron with a line that starts this data directory at boot.
    fn cron(&mut self) -> Vec<PathBuf> {
        let folder = self.host.pgdata().display().to_string();
        let mut files: Vec<PathBuf> = vec!["/etc/crontab".into(), "/etc/rc.local".into()];
        for tables in ["/etc/cron.d", "/var/spool/cron/crontabs"].map(Path::new) {
            files.extend(self.names(tables).into_iter().map(|name| tables.join(name)));
        }
        files.retain(|path| {
            self.text(path).is_some_and(|text| {
                text.lines().any(|line| {
                    let line = line.trim();
                    let at_boot = line.starts_with("@reboot") || path.ends_with("rc.local");
                    !line.starts_with('#') && at_boot && has_path(line, &folder)
                })
            })
        });
        files
    }
}

/// Whether a line has a path as a whole word of its own.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let rest = line[at + path.len()..].trim_start_matches('/');
        let before = line[..at].chars().next_back();
        let ends = |c: char| c.is_whitespace() || "'\"=,;:".contains(c);
        rest.chars().next().is_none_or(ends) && before.is_none_or(ends)
    })
}

/// Section, key and value of a unit file's lines (systemd.syntax(7)).
fn settings(text: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut whole = String::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            whole.push_str(part);
            whole.push(' ');
            continue;
        }
        whole.push_str(line);
        let line = std::mem::take(&mut whole);
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            found.push((section.clone(), key, value));
        }
    }
    found
}

/// Whether a value is shown: environments and commands may hold secrets.
fn is_shown(key: &str) -> bool {
    key != "Environment" && !key.starts_with("Exec") && key != "SetCredential"
}

/// `UnitSettings`: one row for each directive that holds, and one without a directive for each
/// unit. Of a list all rows count; an empty value empties it.
pub(super) fn settings_table(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let units = Reader { host, filled: &mut filled }.of_server();
    for unit in units {
        let mut last: BTreeMap<(String, String), (String, PathBuf)> = BTreeMap::new();
        for (section, key, value, file) in &unit.settings {
            let entry = last.entry((section.clone(), key.clone()));
            let is_list = matches!(key.as_str(), "CapabilityBoundingSet" | "SystemCallFilter");
            match entry {
                Entry::Occupied(mut old) if is_list && !value.is_empty() => {
                    old.insert((format!("{} {value}", old.get().0), file.clone()));
                }
                entry => {
                    entry.insert_entry((value.clone(), file.clone()));
                }
            }
        }
        let mut push = |section: &str, key: &str, value: &str, file: &Path| {
            let cells = [
                ("unit", text(&unit.name)),
                ("enabled", Json::Bool(unit.enabled)),
                ("section", text(section)),
                ("directive", text(key)),
                ("value", text(value)),
                ("file", text(file.display().to_string())),
            ];
            filled.rows.push(row(schema, &cells));
        };
        push("", "", "", Path::new(""));
        for ((section, key), (value, file)) in last {
            let value = if is_shown(&key) { value.as_str() } else { "(hidden)" };
            push(&section, &key, value, &file);
        }
    }
    if filled.rows.is_empty() && filled.gaps.is_empty() {
        filled.rows.push(row(schema, &[("unit", text(""))]));
    }
    filled
}

/// `Supervisors`: what would start this data directory.
pub(super) fn supervisors(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let mut reader = Reader { host, filled: &mut filled };
    let units = reader.of_server();
    let (patroni, cron) = (reader.patroni(), reader.cron());
    let enabled = reader.enabled();
    let mut rows = Vec::new();
    for unit in units {
        rows.push((unit.name, "unit", unit.enabled, String::new()));
    }
    // A unit of Patroni's is that supervisor already.
    let is_listed = rows.iter().any(|(name, ..)| name.contains("patroni"));
    for path in patroni.into_iter().filter(|_| !is_listed) {
        let runs = enabled.iter().any(|name| name.contains("patroni"));
        rows.push(("patroni".to_owned(), "patroni", runs, path.display().to_string()));
    }
    for path in cron {
        rows.push((path.display().to_string(), "boot script", true, path.display().to_string()));
    }
    rows.push((String::new(), "none", false, String::new()));
    for (name, kind, enabled, file) in rows {
        let cells = [
            ("name", text(name)),
            ("kind", text(kind)),
            ("enabled", Json::Bool(enabled)),
            ("file", text(file)),
        ];
        filled.rows.push(row(schema, &cells));
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_units() {
        let text = "# c\n[Service]\nUMask = 0027\nExecStart=/bin/x \\\n  -D /srv\n;no=1\n";
        let service =
            |key: &str, value: &str| ("Service".to_owned(), key.to_owned(), value.to_owned());
        let wanted = [service("UMask", "0027"), service("ExecStart", "/bin/x  -D /srv")];
        assert_eq!(settings(text), wanted);
    }

    #[test]
    fn a_path_is_a_whole_word() {
        assert!(has_path("Environment=PGDATA=/srv/pg/", "/srv/pg"));
        assert!(has_path("-D '/srv/pg' -w", "/srv/pg"));
        assert!(!has_path("-D /srv/pg2", "/srv/pg"));
        assert!(!has_path("-D /mnt/srv/pg", "/srv/pg"));
    }
}
