//! Debian's source package of PostgreSQL, fetched without touching the system's package lists.
//!
//! A system seldom has source entries. Instead of adding any, the entries that serve the installed
//! server are copied into a list of our own, turned into source entries, and apt is pointed there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure, Outcome};
use crate::{proc, say};

/// Fetches the source of the installed server into `folder`; answers the archive and a remark.
pub(super) fn fetch(major: u32, folder: &Path) -> Outcome<(PathBuf, String)> {
    std::fs::create_dir_all(folder).doing(|| format!("make \"{}\"", folder.display()))?;
    let package = format!("postgresql-{major}");
    let installed = installed_version(&package)?;
    let upstream = installed.split('-').next().unwrap_or_default().to_owned();
    if let Some(archive) = archive_in(folder, &upstream) {
        return Ok((archive, format!("Suite and server are both {upstream}.")));
    }
    write_lists(&package, folder)?;
    say::step("apt-get update, into a list of its own");
    proc::run(apt(folder).args(["update", "-q"]))?;
    say::step(&format!("apt-get source {package}"));
    let exact = format!("{package}={installed}");
    let words = ["source", "-q", "--download-only"];
    let same = proc::run(apt(folder).args(words).arg(&exact).current_dir(folder));
    if same.is_err() {
        say::note(&format!("the source of {installed} is gone; taking the newest instead"));
        proc::run(apt(folder).args(words).arg(&package).current_dir(folder))?;
    }
    let archive = archive_in(folder, "").ok_or_else(|| {
        Failure::new("apt-get source brought no archive of PostgreSQL")
            .detail(folder.display().to_string())
    })?;
    let version = version_of(&archive).unwrap_or_default();
    let remark = if version == upstream {
        format!("Suite and server are both {version}.")
    } else {
        format!("Suite {version}, server {upstream}: answers that changed in between fail.")
    };
    Ok((archive, remark))
}

/// Unpacks the server's C headers below `folder`, installing nothing; answers their folder.
///
/// The package that brings them depends on a whole compiler, which the suite has no use for.
pub(super) fn headers(major: u32, folder: &Path) -> Outcome<PathBuf> {
    let unpacked = folder.join("headers");
    let include = unpacked.join(format!("usr/include/postgresql/{major}/server"));
    if include.join("postgres.h").is_file() {
        return Ok(include);
    }
    let version = installed_version(&format!("postgresql-{major}"))?;
    let package = format!("postgresql-server-dev-{major}");
    say::step(&format!("apt-get download {package}"));
    let download = |package: &str| {
        let mut apt = Command::new("apt-get");
        apt.args(["-o", "APT::Sandbox::User=root", "download", "-q", package]);
        proc::run(apt.current_dir(folder))
    };
    download(&format!("{package}={version}")).or_else(|_| download(&package))?;
    let archive = std::fs::read_dir(folder)
        .doing(|| format!("read \"{}\"", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .ok_or_else(|| Failure::new(format!("apt-get download brought no {package}")))?;
    proc::capture(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&unpacked))?;
    Ok(include)
}

/// apt-get that keeps its lists and its sources below `folder`.
fn apt(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let below = |name: &str| folder.join(name).display().to_string();
    for (key, value) in [
        ("Dir::Etc::SourceList", below("none.list")),
        ("Dir::Etc::SourceParts", below("sources")),
        ("Dir::State::Lists", below("lists")),
        ("APT::Sandbox::User", "root".to_owned()),
    ] {
        command.arg("-o").arg(format!("{key}={value}"));
    }
    command
}

fn installed_version(package: &str) -> Outcome<String> {
    let mut query = Command::new("dpkg-query");
    let version = proc::capture(query.args(["-W", "-f", "${Version}", package]))
        .map_err(|failure| failure.hint("the suite needs the server from a Debian package"))?;
    Ok(version.trim().to_owned())
}

/// Writes the source entries of every archive that offers the package.
fn write_lists(package: &str, folder: &Path) -> Outcome {
    let policy = proc::capture(Command::new("apt-cache").args(["policy", package]))?;
    let archives = archives(&policy);
    let sources = folder.join("sources");
    for made in [&sources, &folder.join("lists").join("partial")] {
        std::fs::create_dir_all(made).doing(|| format!("make \"{}\"", made.display()))?;
    }
    let mut n_entries = 0;
    for file in configured_lists() {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let is_stanza = file.extension().is_some_and(|ending| ending == "sources");
        let entries =
            if is_stanza { stanzas(&text, &archives) } else { one_liners(&text, &archives) };
        if let (false, Some(name)) = (entries.is_empty(), file.file_name()) {
            n_entries += 1;
            std::fs::write(sources.join(name), entries).doing(|| "write a list".to_owned())?;
        }
    }
    match n_entries {
        0 => Err(Failure::new(format!("no package list offers {package}"))
            .hint("run `apt-get update` once, then try again")),
        _ => Ok(()),
    }
}

fn configured_lists() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files
}

/// The addresses in the version table of `apt-cache policy`.
fn archives(policy: &str) -> Vec<String> {
    let addresses = policy.split_whitespace().filter(|word| word.contains("://"));
    let mut found: Vec<String> =
        addresses.map(|word| word.trim_end_matches('/').to_owned()).collect();
    found.sort();
    found.dedup();
    found
}

fn names_one_of(text: &str, archives: &[String]) -> bool {
    text.split_whitespace().any(|word| archives.iter().any(|a| word.trim_end_matches('/') == a))
}

/// deb822 stanzas of the archives, with their type changed to source.
fn stanzas(text: &str, archives: &[String]) -> String {
    let wanted = text.split("\n\n").filter(|stanza| names_one_of(stanza, archives));
    let mut out = String::new();
    for stanza in wanted {
        for line in stanza.lines() {
            let line = if line.starts_with("Types:") { "Types: deb-src" } else { line };
            out += &format!("{line}\n");
        }
        out.push('\n');
    }
    out
}

/// One-line entries of the archives, as source entries.
fn one_liners(text: &str, archives: &[String]) -> String {
    let entries = text.lines().filter_map(|line| line.trim().strip_prefix("deb "));
    let wanted = entries.filter(|entry| names_one_of(entry, archives));
    wanted.map(|entry| format!("deb-src {entry}\n")).collect()
}

fn archive_in(folder: &Path, version: &str) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| version_of(path).is_some_and(|v| version.is_empty() || v == version))
        .collect();
    found.sort();
    found.pop()
}

/// The upstream version in `postgresql-NN_VERSION.orig.tar.…`.
fn version_of(archive: &Path) -> Option<String> {
    let name = archive.file_name()?.to_str()?;
    let (package, rest) = name.split_once('_')?;
    let (version, ending) = rest.split_once(".orig.tar.")?;
    (package.starts_with("postgresql-") && !ending.ends_with("asc")).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{archives, one_liners, stanzas, version_of};

    #[test]
    fn finds_the_archives_of_a_package() {
        let policy = "p:\n  Candidate: 2\n     2 500\n        500 http://a.example/debian x/main\n";
        assert_eq!(archives(policy), ["http://a.example/debian"]);
    }

    #[test]
    fn turns_entries_into_source_entries() {
        let wanted = ["http://a.example/debian".to_owned()];
        let text = "Types: deb\nURIs: http://a.example/debian/\nSuites: x\n\n\
                    Types: deb\nURIs: http://b.example\nSuites: y\n";
        let source = stanzas(text, &wanted);
        assert!(source.starts_with("Types: deb-src\nURIs: http://a.example"), "{source}");
        assert!(!source.contains("b.example"));
        let line = "deb [signed-by=/k] http://a.example/debian x main\ndeb http://b.example y z\n";
        let source = one_liners(line, &wanted);
        assert_eq!(source, "deb-src [signed-by=/k] http://a.example/debian x main\n");
    }

    #[test]
    fn reads_the_version_of_an_archive() {
        let version = |name: &str| version_of(Path::new(name));
        assert_eq!(version("postgresql-15_15.9.orig.tar.bz2").as_deref(), Some("15.9"));
        assert_eq!(version("postgresql-15_15.9.orig.tar.bz2.asc"), None);
        assert_eq!(version("postgresql-15_15.9-1.dsc"), None);
    }
}
