//! The packages of Debian and its kin, as dpkg's and apt's own files say them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::Host;

const STATUS: &str = "/var/lib/dpkg/status";
const INFO: &str = "/var/lib/dpkg/info";
const LISTS: &str = "/var/lib/apt/lists";
/// Bytes of dpkg's status, and of one list of files.
const STATUS_MAX: u64 = 64 << 20;
/// Bytes of apt's lists, all together.
const LISTS_MAX: u64 = 2 << 30;

/// An installed package.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

/// Where a package is offered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    pub(super) version: String,
    /// What the archive calls itself
    pub(super) origin: String,
    /// Its index came with a signature
    pub(super) is_signed: bool,
    /// What apt calls the list
    pub(super) list: String,
}

/// Lines of a file that may be long as a whole.
fn lines(path: &Path, most: u64) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > most {
        return Err(io::Error::other(format!("longer than {most} bytes")));
    }
    Ok(BufReader::with_capacity(1 << 16, file).lines())
}

/// Installed packages of which `wanted` says so.
///
/// # Errors
/// The host keeps no such list (another kind of package), or it cannot be read.
pub(super) fn installed(host: &Host, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Package>> {
    let mut found = Vec::new();
    let mut now: Option<Package> = None;
    let mut is_installed = false;
    let mut finish = |now: &mut Option<Package>, is_installed: &mut bool| {
        let package = now.take().filter(|_| std::mem::take(is_installed));
        found.extend(package);
    };
    for line in lines(&host.path(STATUS), STATUS_MAX)? {
        let line = line?;
        if line.is_empty() {
            finish(&mut now, &mut is_installed);
        } else if let Some(name) = line.strip_prefix("Package: ") {
            finish(&mut now, &mut is_installed);
            now = wanted(name).then(|| Package {
                name: name.to_owned(),
                version: String::new(),
                architecture: String::new(),
            });
        } else if let Some(package) = &mut now {
            if let Some(version) = line.strip_prefix("Version: ") {
                version.clone_into(&mut package.version);
            } else if let Some(architecture) = line.strip_prefix("Architecture: ") {
                architecture.clone_into(&mut package.architecture);
            } else if let Some(status) = line.strip_prefix("Status: ") {
                is_installed = status.ends_with(" installed");
            }
        }
    }
    finish(&mut now, &mut is_installed);
    Ok(found)
}

/// Files that packages own below some folders, each with its package.
///
/// # Errors
/// A list cannot be read.
pub(super) fn owners(host: &Host, folders: &[PathBuf]) -> io::Result<BTreeMap<PathBuf, String>> {
    let mut owners = BTreeMap::new();
    for (package, path) in info(host, "list")? {
        for line in lines(&path, STATUS_MAX)? {
            let file = PathBuf::from(line?);
            if folders.iter().any(|folder| file.starts_with(folder)) {
                owners.insert(file, package.clone());
            }
        }
    }
    Ok(owners)
}

/// MD5 of the files of some packages, as the packages brought them.
///
/// # Errors
/// A list cannot be read.
pub(super) fn sums(
    host: &Host,
    packages: &BTreeSet<String>,
) -> io::Result<BTreeMap<PathBuf, String>> {
    let mut sums = BTreeMap::new();
    for (package, path) in info(host, "md5sums")? {
        if !packages.contains(&package) {
            continue;
        }
        for line in lines(&path, STATUS_MAX)? {
            if let Some((sum, file)) = line?.split_once("  ") {
                sums.insert(Path::new("/").join(file), sum.to_owned());
            }
        }
    }
    Ok(sums)
}

/// Files of dpkg about packages, with the package's name without its architecture.
fn info(host: &Host, ending: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(host.path(INFO))? {
        let path = entry?.path();
        if path.extension().is_some_and(|of| of == ending)
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            let name = name.split(':').next().unwrap_or(name);
            found.push((name.to_owned(), path.clone()));
        }
    }
    if found.is_empty() {
        // Else every file would be one of no package.
        return Err(io::Error::other(format!("it holds no {ending} of any package")));
    }
    Ok(found)
}

/// Where packages are offered, by their name.
///
/// # Errors
/// A list cannot be read; also one that is compressed, since a package may be in it.
pub(super) fn offers(
    host: &Host,
    names: &BTreeSet<String>,
) -> io::Result<BTreeMap<String, BTreeSet<Offer>>> {
    let mut offers: BTreeMap<String, BTreeSet<Offer>> = BTreeMap::new();
    let mut left = LISTS_MAX;
    for entry in fs::read_dir(host.path(LISTS))? {
        let entry = entry?;
        let list = entry.file_name().to_string_lossy().into_owned();
        let plain = [".lz4", ".gz", ".xz", ".zst", ".bz2"]
            .iter()
            .find_map(|ending| list.strip_suffix(ending));
        if plain.unwrap_or(&list).ends_with("_Packages") {
            if plain.is_some() {
                let what = format!("{list} is compressed, set Acquire::GzipIndexes to false");
                return Err(io::Error::other(what));
            }
            let size = entry.metadata()?.len();
            let Some(rest) = left.checked_sub(size) else {
                return Err(io::Error::other(format!("more than {LISTS_MAX} bytes of lists")));
            };
            left = rest;
            let (origin, is_signed) = release(host, &list)?;
            for (name, version) in offered(&entry.path(), names)? {
                let list = list.clone();
                let origin = origin.clone();
                let offer = Offer { version, origin, is_signed, list };
                offers.entry(name).or_default().insert(offer);
            }
        }
    }
    Ok(offers)
}

/// Packages and their versions in a list.
fn offered(path: &Path, names: &BTreeSet<String>) -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut now: Option<String> = None;
    let mut line = Vec::new();
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    // As bytes: most lines are of no interest, and there are millions of them.
    while file.read_until(b'\n', &mut line)? > 0 {
        if let Some(name) = line.strip_prefix(b"Package: ") {
            let name = String::from_utf8_lossy(name.trim_ascii());
            now = names.contains(&*name).then(|| name.into_owned());
        } else if let Some(name) = &now
            && let Some(version) = line.strip_prefix(b"Version: ")
        {
            let version = String::from_utf8_lossy(version.trim_ascii()).into_owned();
            found.push((name.clone(), version));
        }
        line.clear();
    }
    Ok(found)
}

/// What the archive of a list calls itself, and whether it signed that.
fn release(host: &Host, list: &str) -> io::Result<(String, bool)> {
    // The archive's own file lies beside its lists: SITE_dists_SUITE_InRelease for
    // SITE_dists_SUITE_COMPONENT_binary-ARCHITECTURE_Packages.
    let head = list.split("_binary-").next().unwrap_or(list);
    let suite = head.rsplit_once('_').map_or(head, |(suite, _)| suite);
    let origin = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("Origin: "));
        line.unwrap_or("").trim().to_owned()
    };
    let read = |ending: &str| host.text(format!("{LISTS}/{suite}_{ending}"));
    match read("InRelease") {
        Ok(text) => return Ok((origin(&text), text.contains("-----BEGIN PGP SIGNATURE-----"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    match read("Release") {
        Ok(text) => {
            let signature = host.path(format!("{LISTS}/{suite}_Release.gpg"));
            Ok((origin(&text), signature.try_exists()?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((String::new(), false)),
        Err(error) => Err(error),
    }
}
