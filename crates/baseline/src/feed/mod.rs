//! Feeds: what is known of PostgreSQL's vulnerabilities and versions, and up to which day.
//!
//! `content/feeds` is part of the program; newer files are imported by hand into a folder
//! ([`import`]). Nothing is fetched. A feed that is too old can show a vulnerability, but never
//! that there is none: the checks judge its age.

mod document;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::content;
use crate::error::{Error, Result};
pub use document::FeedKind;
use document::{BYTES_MAX, Document};
pub(crate) use tables::{read, states};

/// Days after which a feed is called stale; checks have values of their own.
pub(crate) const STALE_DAYS: i32 = 14;
/// Files of a folder.
const FILES_MAX: usize = 100;

/// Feeds by name, the newest of each.
#[derive(Debug, Clone, Default)]
pub struct Feeds {
    feeds: BTreeMap<String, Feed>,
}

#[derive(Debug, Clone)]
struct Feed {
    document: Document,
    checksum: String,
    is_imported: bool,
}

/// What is said of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedAbout {
    /// Its name
    pub name: String,
    /// What it tells
    pub kind: FeedKind,
    /// The day up to which its source was read, `YYYY-MM-DD`
    pub as_of: String,
    /// How many days ago that is; less than 0 where the clock is behind
    pub age_days: i32,
    /// Whether it is too old to say that there is nothing
    pub stale: bool,
    /// How many records it has
    pub records: usize,
    /// The major versions that it is about
    pub majors: Vec<u32>,
    /// SHA-256 of its file, in hex
    pub checksum: String,
    /// Whether it was imported; else it is part of the program
    pub imported: bool,
    /// Where its facts are from
    pub source: String,
    /// Under which terms
    pub licence: String,
    /// What is to know of it
    pub note: String,
}

/// What an import did.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// The feed
    #[serde(flatten)]
    pub feed: FeedAbout,
    /// Whether it was not there already
    pub changed: bool,
    /// Records that the one before did not have
    pub added: Vec<String>,
    /// Records that the one before had, and this one has not
    pub gone: Vec<String>,
}

impl Feeds {
    /// The files that are part of the program.
    ///
    /// # Errors
    /// None that the tests of this crate let through.
    pub fn shipped() -> Result<Self> {
        let mut feeds = Self::default();
        for (name, text) in content::FEEDS {
            feeds.put(&format!("feeds/{name}"), text.as_bytes(), None, false)?;
        }
        Ok(feeds)
    }

    /// From texts, for tests and for whoever has them elsewhere. `at`: now.
    ///
    /// # Errors
    /// One is not understood, or dated in the future.
    pub fn of(texts: &[impl AsRef<str>], at: Timestamp) -> Result<Self> {
        let mut feeds = Self::default();
        for text in texts {
            feeds.put("feed", text.as_ref().as_bytes(), Some(day(at)), true)?;
        }
        Ok(feeds)
    }

    /// Adds the files of a folder; of each feed the newest counts, of two of one day the file. A
    /// folder that is not there holds none. `at`: now.
    ///
    /// # Errors
    /// A file cannot be read, is not understood, or is dated in the future.
    pub fn with(mut self, folder: &Path, at: Timestamp) -> Result<Self> {
        for file in files(folder)? {
            let bytes = bytes(&file)?;
            self.put(&file.display().to_string(), &bytes, Some(day(at)), true)?;
        }
        Ok(self)
    }

    fn put(&mut self, file: &str, bytes: &[u8], today: Option<Date>, imported: bool) -> Result<()> {
        let feed = Feed::parse(file, bytes, today, imported)?;
        let name = feed.document.name.clone();
        if let Some(known) = self.feeds.get(&name) {
            known.is_alike(&feed, file)?;
            if known.document.as_of > feed.document.as_of {
                return Ok(());
            }
        }
        self.feeds.insert(name, feed);
        Ok(())
    }

    /// What is said of each. `at`: now.
    pub fn about(&self, at: Timestamp) -> Vec<FeedAbout> {
        self.feeds.values().map(|feed| feed.about(at)).collect()
    }
}

impl Feed {
    fn parse(file: &str, bytes: &[u8], today: Option<Date>, is_imported: bool) -> Result<Self> {
        let odd = |what| Error::Feed { file: file.to_owned(), what };
        let document = Document::parse(bytes, today).map_err(odd)?;
        Ok(Self { document, checksum: checksum(bytes), is_imported })
    }

    /// Two feeds of one name tell of the same.
    fn is_alike(&self, other: &Self, file: &str) -> Result<()> {
        let (here, there) = (self.document.kind, other.document.kind);
        if here == there {
            return Ok(());
        }
        let what = format!("{} is a feed of {} here", self.document.name, here.name());
        Err(Error::Feed { file: file.to_owned(), what })
    }

    fn about(&self, at: Timestamp) -> FeedAbout {
        let document = &self.document;
        let age_days = (day(at) - document.as_of).get_days();
        FeedAbout {
            name: document.name.clone(),
            kind: document.kind,
            as_of: document.as_of.to_string(),
            age_days,
            stale: !(0..=STALE_DAYS).contains(&age_days),
            records: document.advisories.len() + document.releases.len(),
            majors: document.majors.clone(),
            checksum: self.checksum.clone(),
            imported: self.is_imported,
            source: document.source.clone(),
            licence: document.licence.clone(),
            note: document.note.clone(),
        }
    }

    /// The names of its records.
    fn records(&self) -> BTreeSet<String> {
        let advisories = self.document.advisories.iter().map(|advisory| advisory.id.clone());
        let releases = self.document.releases.iter().map(|release| release.major.to_string());
        advisories.chain(releases).collect()
    }
}

/// Puts a file into the folder of imported feeds. `expected`: its SHA-256 in hex, from whoever made
/// it. `at`: now.
///
/// # Errors
/// It has another checksum, is not understood, is dated in the future, or is older than what is
/// there; or the folder cannot be written.
pub fn import(
    file: &Path,
    folder: &Path,
    expected: Option<&str>,
    at: Timestamp,
) -> Result<Imported> {
    let shown = file.display().to_string();
    let bytes = bytes(file)?;
    let found = checksum(&bytes);
    if let Some(expected) = expected
        && !found.eq_ignore_ascii_case(expected.trim())
    {
        return Err(Error::FeedChecksum { file: shown, found });
    }
    let feed = Feed::parse(&shown, &bytes, Some(day(at)), true)?;
    let there = Feeds::shipped()?.with(folder, at)?;
    let name = &feed.document.name;
    let known = there.feeds.get(name);
    if let Some(known) = known {
        known.is_alike(&feed, &shown)?;
        let (there, this) = (known.document.as_of, feed.document.as_of);
        if this < there {
            let (there, this) = (there.to_string(), this.to_string());
            return Err(Error::FeedOlder { name: name.clone(), this, there });
        }
    }
    let before = known.map(Feed::records).unwrap_or_default();
    let after = feed.records();
    let changed = known.is_none_or(|known| known.checksum != feed.checksum);
    if changed {
        keep(folder, name, &bytes)
            .map_err(|source| Error::FeedFile { file: folder.display().to_string(), source })?;
    }
    Ok(Imported {
        feed: feed.about(at),
        changed,
        added: after.difference(&before).cloned().collect(),
        gone: before.difference(&after).cloned().collect(),
    })
}

/// Writes a file so that it is there whole or not at all.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}.json"));
    let beside = folder.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o644);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    File::open(folder)?.sync_all()
}

/// The files of a folder that end in `.json`, in the order of their names.
fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let failed = |source| Error::FeedFile { file: folder.display().to_string(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            found.push(path);
        }
        if found.len() > FILES_MAX {
            let what = format!("more than {FILES_MAX} feeds");
            return Err(Error::Feed { file: folder.display().to_string(), what });
        }
    }
    found.sort();
    Ok(found)
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::FeedFile { file: file.display().to_string(), source };
    let mut bytes = Vec::new();
    let most = BYTES_MAX as u64 + 1;
    File::open(file).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// SHA-256 in hex.
fn checksum(bytes: &[u8]) -> String {
    crypto::sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The day of a moment, UTC.
fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
