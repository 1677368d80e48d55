//! The allowed edges between crates, and who may name a guarded package: deps.toml.

use super::Finding;
use super::manifest::{self, Kind};
use super::source::Source;

const RULES_FILE: &str = "deps.toml";

/// What deps.toml says.
#[derive(Debug, Default)]
struct Allowed {
    /// Crate → crates of ours that it may ship with.
    normal: Vec<(String, Vec<String>)>,
    /// Crate → crates of ours that its tests may use on top.
    dev: Vec<(String, Vec<String>)>,
    /// Package from outside → crates of ours that may name it.
    only: Vec<(String, Vec<String>)>,
}

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(rules) = sources.iter().find(|source| source.path == RULES_FILE) else {
        return vec![Finding::new(RULES_FILE, 0, "is missing")];
    };
    let allowed = Allowed::read(&rules.text);
    let manifests: Vec<(&str, &Source)> = sources
        .iter()
        .filter(|source| source.path.ends_with("/Cargo.toml"))
        .map(|source| (source.crate_name(), source))
        .collect();
    let ours: Vec<&str> = manifests.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for (name, _) in &allowed.normal {
        if !ours.contains(&name.as_str()) {
            found.push(Finding::new(RULES_FILE, 0, format!("names {name}, which is no crate")));
        }
    }
    for (name, source) in &manifests {
        if lookup(&allowed.normal, name).is_none() {
            found.push(Finding::new(RULES_FILE, 0, format!("does not say what {name} may use")));
        }
        for dependency in manifest::dependencies(&source.text) {
            let wanted = dependency.name.as_str();
            let refused = if ours.contains(&wanted) {
                !allowed.edge(name, wanted, dependency.kind)
            } else {
                lookup(&allowed.only, wanted).is_some_and(|who| !who.iter().any(|n| n == name))
            };
            if refused {
                let what = format!("{name} may not use {wanted}");
                found.push(Finding::new(&source.path, dependency.line, what));
            }
        }
    }
    found
}

impl Allowed {
    fn read(text: &str) -> Self {
        let mut allowed = Self::default();
        for entry in manifest::entries(text) {
            let item = (entry.key, manifest::strings(&entry.value));
            match entry.table.as_str() {
                "edges" => allowed.normal.push(item),
                "test-edges" => allowed.dev.push(item),
                "only" => allowed.only.push(item),
                _ => {}
            }
        }
        allowed
    }

    fn edge(&self, from: &str, to: &str, kind: Kind) -> bool {
        let may = |list| lookup(list, from).is_some_and(|names| names.iter().any(|n| n == to));
        may(&self.normal) || (kind == Kind::Dev && may(&self.dev))
    }
}

fn lookup<'a>(list: &'a [(String, Vec<String>)], name: &str) -> Option<&'a [String]> {
    list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::check;

    const RULES: &str = "\
[edges]
base = []
pg = [\"base\"]
[test-edges]
base = [\"pg\"]
[only]
clap = [\"pg\"]
";

    fn findings(base: &str, pg: &str) -> Vec<String> {
        let sources = [
            source("crates/base/Cargo.toml", base),
            source("crates/pg/Cargo.toml", pg),
            source("deps.toml", RULES),
        ];
        check(&sources).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn allowed_edges_pass() {
        let none: [&str; 0] = [];
        assert_eq!(findings("", "[dependencies]\nbase.workspace = true\nclap = \"4\"\n"), none);
        assert_eq!(findings("[dev-dependencies]\npg.workspace = true\n", ""), none);
        assert_eq!(findings("[dependencies]\nserde = \"1\"\n", ""), none);
    }

    #[test]
    fn other_edges_do_not() {
        let wanted = ["base may not use pg"];
        assert_eq!(findings("[dependencies]\npg.workspace = true\n", ""), wanted);
        assert_eq!(findings("[dependencies]\nclap = \"4\"\n", ""), ["base may not use clap"]);
        assert_eq!(
            findings("[dependencies]\nhidden = { package = \"clap\", version = \"4\" }\n", ""),
            ["base may not use clap"]
        );
    }

    #[test]
    fn a_crate_without_rules_is_seen() {
        let sources = [source("crates/new/Cargo.toml", ""), source("deps.toml", "[edges]\n")];
        assert_eq!(check(&sources)[0].what, "does not say what new may use");
        assert_eq!(check(&[])[0].what, "is missing");
    }
}
