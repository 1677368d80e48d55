//! The packages that end up in the binary, and under which licence each came.

use std::path::Path;

use super::spdx;
use crate::failure::{Failure, Outcome};
use crate::proc;
use crate::tidy::Finding;

/// The platform whose dependencies are listed: the list must not depend on who writes it.
pub(crate) const SHIPPED_TARGET: &str = "x86_64-unknown-linux-gnu";

/// A package from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    /// Name on the registry.
    pub(crate) name: String,
    /// Version, as locked.
    pub(crate) version: String,
    /// SPDX expression, as its authors wrote it.
    pub(crate) licence: String,
}

/// Reads the packages that the binary is built from, build scripts and macros among them.
pub(crate) fn packages(root: &Path) -> Outcome<Vec<Package>> {
    let words = [
        "tree",
        "--locked",
        "--package",
        "pgkeep",
        "--all-features",
        "--edges",
        "normal,build",
        "--target",
        SHIPPED_TARGET,
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ];
    let text = proc::capture(&mut proc::cargo(root, &words))?;
    let packages = read(&text);
    if packages.is_empty() {
        return Err(Failure::new("cargo tree named no package").detail(proc::tail(&text, 5)));
    }
    Ok(packages)
}

/// The packages that offer no licence we may ship under.
pub(crate) fn refused(packages: &[Package]) -> Vec<Finding> {
    packages
        .iter()
        .filter(|package| !spdx::is_allowed(&package.licence))
        .map(|package| Finding {
            path: "Cargo.lock".to_owned(),
            line: 0,
            what: format!("{} {} is under \"{}\"", package.name, package.version, package.licence),
        })
        .collect()
}

/// The text of docs/licences.md.
pub(super) fn document(root: &Path) -> Outcome<String> {
    Ok(render(&packages(root)?))
}

fn render(packages: &[Package]) -> String {
    let mut text = String::from(
        "# Licences of what pgkeep is built from\n\n\
         Written by `cargo xtask gen` from Cargo.lock; `cargo xtask tidy` refuses a package that \
         offers no permissive licence.\n\
         pgkeep itself is under Apache-2.0. PostgreSQL, FUSE and the other programs that it \
         starts are not part of it.\n\n\
         | package | version | licence |\n|---|---|---|\n",
    );
    for Package { name, version, licence } in packages {
        text += &format!("| {name} | {version} | {licence} |\n");
    }
    text
}

/// Reads lines of `name vVERSION (notes)|licence`; packages of ours carry a path and are left out.
fn read(text: &str) -> Vec<Package> {
    let mut found: Vec<Package> = text
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.split_once('|')?;
            let licence = licence.trim_end_matches("(*)").trim();
            let mut words = package.split_whitespace();
            let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
            let ours = words.any(|note| note.starts_with("(/"));
            (!ours).then(|| Package {
                name: name.to_owned(),
                version: version.to_owned(),
                licence: licence.to_owned(),
            })
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{Package, read, refused, render};

    fn package(name: &str, licence: &str) -> Package {
        let (name, licence) = (name.to_owned(), licence.to_owned());
        Package { name, version: "1.0.0".to_owned(), licence }
    }

    #[test]
    fn reads_the_words_of_cargo() {
        let text = "\
pgkeep v0.1.0 (/somewhere/pgkeep)|Apache-2.0
serde v1.0.0|MIT OR Apache-2.0
serde_derive v1.0.0 (proc-macro)|MIT OR Apache-2.0
serde v1.0.0|MIT OR Apache-2.0 (*)
";
        let want =
            [package("serde", "MIT OR Apache-2.0"), package("serde_derive", "MIT OR Apache-2.0")];
        assert_eq!(read(text), want);
    }

    #[test]
    fn refuses_what_we_may_not_ship() {
        assert!(refused(&[package("a", "MIT"), package("b", "GPL-3.0 OR MIT")]).is_empty());
        assert_eq!(refused(&[package("a", "GPL-3.0"), package("b", "")]).len(), 2);
    }

    #[test]
    fn renders_a_table() {
        assert!(render(&[package("a", "MIT")]).ends_with("|---|---|---|\n| a | 1.0.0 | MIT |\n"));
    }
}
