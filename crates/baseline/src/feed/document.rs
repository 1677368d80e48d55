//! A feed as its file says it: facts about PostgreSQL that are not in the server.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The form that is understood.
const FORMAT: u64 = 1;
/// Bytes of a file.
pub(super) const BYTES_MAX: usize = 16 << 20;
/// Advisories, or releases, of one feed.
const RECORDS_MAX: usize = 20_000;
/// Members of a list in a record.
const LIST_MAX: usize = 100;
/// Characters of a text.
const TEXT_MAX: usize = 2_000;
/// Characters of a name.
const NAME_MAX: usize = 60;
/// The first version with a major number of one part.
const MAJOR_MIN: u32 = 10;
const NUMBER_MAX: u32 = 999;

/// What a feed tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedKind {
    /// What is known to be vulnerable
    Advisories,
    /// Which versions there are
    Releases,
}

impl FeedKind {
    /// Its name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Advisories => "advisories",
            Self::Releases => "releases",
        }
    }
}

/// A file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "format")]
    _format: u64,
    pub(super) name: String,
    pub(super) kind: FeedKind,
    /// The day up to which its source was read
    pub(super) as_of: Date,
    pub(super) source: String,
    pub(super) licence: String,
    #[serde(default)]
    pub(super) note: String,
    /// The major versions that it is about
    pub(super) majors: Vec<u32>,
    #[serde(default)]
    pub(super) advisories: Vec<Advisory>,
    #[serde(default)]
    pub(super) releases: Vec<Release>,
}

/// Something that is vulnerable.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advisory {
    pub(super) id: String,
    /// `core server`, `contrib module`, `client`, `packaging`
    pub(super) components: Vec<Component>,
    /// Extensions and libraries of a contrib module, programs and libraries of a client
    #[serde(default)]
    pub(super) modules: Vec<String>,
    pub(super) title: String,
    /// CVSS 3.1, base score
    pub(super) cvss: Option<f64>,
    pub(super) vector: Option<String>,
    pub(super) published: Date,
    pub(super) affected: Vec<Affected>,
    /// All major versions before those named are affected too, without a correction
    #[serde(default)]
    pub(super) older: bool,
}

/// What of PostgreSQL it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Component {
    #[serde(rename = "core server")]
    CoreServer,
    #[serde(rename = "contrib module")]
    ContribModule,
    #[serde(rename = "client")]
    Client,
    #[serde(rename = "packaging")]
    Packaging,
}

impl Component {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CoreServer => "core server",
            Self::ContribModule => "contrib module",
            Self::Client => "client",
            Self::Packaging => "packaging",
        }
    }
}

/// Minor versions of one major version: from the first up to, and without, the one that corrects.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Affected {
    pub(super) major: u32,
    #[serde(default)]
    pub(super) from: u32,
    /// Absent: none corrects it
    pub(super) fixed: Option<u32>,
}

/// A major version.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    pub(super) major: u32,
    pub(super) released: Date,
    pub(super) end_of_life: Date,
    pub(super) latest: u32,
    pub(super) latest_released: Date,
}

impl Document {
    /// Reads a file. `today`: no date may lie behind it, where it is given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(bytes: &[u8], today: Option<Date>) -> Result<Self, String> {
        /// Another form has other members: this is asked first.
        #[derive(Deserialize)]
        struct Form {
            format: u64,
        }
        if bytes.len() > BYTES_MAX {
            return Err(format!("longer than {BYTES_MAX} bytes"));
        }
        let form: Form = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if form.format != FORMAT {
            return Err(format!("of form {}, not {FORMAT}", form.format));
        }
        let document: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        document.check()?;
        if let Some(today) = today {
            document.check_dates(today)?;
        }
        Ok(document)
    }

    fn check(&self) -> Result<(), String> {
        name(&self.name)?;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !self.name.chars().all(is_plain) {
            return Err("its name has other characters than a to z, 0 to 9 and -".to_owned());
        }
        for said in [&self.source, &self.licence] {
            text(said)?;
        }
        if !self.note.is_empty() {
            text(&self.note)?;
        }
        distinct("major version", self.majors.iter().copied().map(major))?;
        let (mine, others) = match self.kind {
            FeedKind::Advisories => (self.advisories.len(), self.releases.len()),
            FeedKind::Releases => (self.releases.len(), self.advisories.len()),
        };
        if mine == 0 || others > 0 || self.majors.is_empty() {
            return Err(format!("has no {}, no majors, or other records", self.kind.name()));
        }
        if mine > RECORDS_MAX {
            return Err(format!("more than {RECORDS_MAX} records"));
        }
        distinct("advisory", self.advisories.iter().map(|a| name(&a.id).map(|()| &a.id)))?;
        for advisory in &self.advisories {
            advisory.check().map_err(|what| format!("{}: {what}", advisory.id))?;
        }
        distinct("release", self.releases.iter().map(|release| major(release.major)))?;
        for release in &self.releases {
            number(release.latest)?;
            if release.released > release.end_of_life || release.released > release.latest_released
            {
                return Err(format!("{}: its dates are out of order", release.major));
            }
        }
        Ok(())
    }

    fn check_dates(&self, today: Date) -> Result<(), String> {
        let of_advisories = self.advisories.iter().map(|advisory| advisory.published);
        let of_releases = self.releases.iter().flat_map(|r| [r.released, r.latest_released]);
        let latest = of_advisories.chain(of_releases).chain([self.as_of]).max();
        match latest.filter(|latest| *latest > today) {
            Some(latest) => Err(format!("it is dated {latest}, which is in the future")),
            None => Ok(()),
        }
    }
}

impl Advisory {
    fn check(&self) -> Result<(), String> {
        text(&self.title)?;
        let lists = [self.modules.len(), self.affected.len(), self.components.len()];
        if lists.iter().any(|n| *n > LIST_MAX) {
            return Err(format!("a list of more than {LIST_MAX}"));
        }
        if self.affected.is_empty() || self.components.is_empty() {
            return Err("says neither what is affected nor of what component it is".to_owned());
        }
        let needs_modules = self.components.contains(&Component::ContribModule);
        if needs_modules && self.modules.is_empty() {
            return Err("names no module".to_owned());
        }
        self.modules.iter().try_for_each(|module| name(module))?;
        if let Some(vector) = &self.vector {
            text(vector)?;
        }
        if self.cvss.is_some_and(|score| !(0.0..=10.0).contains(&score)) {
            return Err("its score is not between 0 and 10".to_owned());
        }
        distinct("major version", self.affected.iter().map(|affected| major(affected.major)))?;
        for affected in &self.affected {
            number(affected.from)?;
            if affected.fixed.is_some_and(|fixed| fixed <= affected.from || fixed > NUMBER_MAX) {
                return Err(format!("no version of {} is affected", affected.major));
            }
        }
        Ok(())
    }

    /// What is affected, one entry a major version, with those that `older` stands for.
    pub(super) fn affected(&self) -> Vec<Affected> {
        let lowest = self.affected.iter().map(|affected| affected.major).min();
        let below = MAJOR_MIN..lowest.filter(|_| self.older).unwrap_or(MAJOR_MIN);
        let older = below.map(|major| Affected { major, from: 0, fixed: None });
        older.chain(self.affected.iter().copied()).collect()
    }
}

fn text(said: &str) -> Result<(), String> {
    if said.trim().is_empty() || said.len() > TEXT_MAX || said.chars().any(char::is_control) {
        return Err("a text is empty, too long, or of more than one line".to_owned());
    }
    Ok(())
}

fn name(said: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if said.is_empty() || said.len() > NAME_MAX || !said.chars().all(is_plain) {
        return Err(format!("\"{}\" is no name", said.escape_debug()));
    }
    Ok(())
}

fn number(n: u32) -> Result<(), String> {
    if n > NUMBER_MAX { Err(format!("{n} is no minor version")) } else { Ok(()) }
}

fn major(n: u32) -> Result<u32, String> {
    let is_one = (MAJOR_MIN..=NUMBER_MAX).contains(&n);
    if is_one { Ok(n) } else { Err(format!("{n} is no major version")) }
}

/// Whether each is there once.
fn distinct<T: Ord + std::fmt::Display>(
    what: &str,
    all: impl Iterator<Item = Result<T, String>>,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for one in all {
        let one = one?;
        let shown = one.to_string();
        if !seen.insert(one) {
            return Err(format!("{what} {shown} is there twice"));
        }
    }
    Ok(())
}
