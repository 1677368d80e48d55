//! Where the log of a server is: its files on the host, or the same through SQL.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH as EPOCH;

use kql::value::{TICKS_PER_DAY, TICKS_PER_MINUTE, TICKS_PER_SECOND, UNIX_EPOCH};
use pg::Connection;
use regex::Regex;

use super::gap;
use crate::bundle::Gap;
use crate::collect::host::gap_of;
use crate::collect::{Host, sql};
use crate::derive::Given;

/// Files of one log.
const FILES_MAX: usize = 20_000;
/// What reading the log through SQL takes.
const NEEDS: &str = "GRANT EXECUTE ON FUNCTION \
     pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO {role}";
const ON_HOST: &str = "run it on the server's host with --pgdata DIRECTORY";

/// A log that can be read.
pub(super) struct Place<'a> {
    reach: Reach<'a>,
    folder: PathBuf,
    pattern: Regex,
    /// Name of the parser in `siem`
    pub(super) parser: &'static str,
    /// `log_line_prefix`
    pub(super) prefix: String,
    /// `log_timezone`
    pub(super) zone: String,
    /// Ticks after which another file is begun; 0: never by age
    rotation: i64,
}

enum Reach<'a> {
    Files,
    Sql(&'a Connection),
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    pub(super) name: String,
    pub(super) size: u64,
    /// When it was written last, in ticks
    pub(super) modified: i64,
    /// Device and number of the file that was listed, where that is known
    pub(super) id: Option<(u64, u64)>,
}

impl<'a> Place<'a> {
    /// Finds the log by the server's settings.
    pub(super) fn find(
        given: &Given<'_>,
        host: Option<&Host>,
        connection: &'a Connection,
    ) -> Result<Self, Gap> {
        let setting = |name: &str| {
            let mut rows = given.rows("Settings");
            rows.find(|row| row.text("name") == name).map_or("", |row| row.text("setting"))
        };
        let (prefix, zone) = (setting("log_line_prefix"), setting("log_timezone"));
        let mut place = Self {
            reach: Reach::Files,
            folder: PathBuf::new(),
            pattern: pattern(setting("log_filename"), ".log"),
            parser: "postgresql-stderr",
            prefix: prefix.to_owned(),
            zone: zone.to_owned(),
            rotation: setting("log_rotation_age").parse().unwrap_or(0) * TICKS_PER_MINUTE,
        };
        let destinations: Vec<&str> =
            setting("log_destination").split(',').map(str::trim).collect();
        let is_sent =
            |wanted: &str| destinations.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        if setting("logging_collector") != "on" {
            if !is_sent("stderr") {
                return Err(elsewhere(setting("log_destination")));
            }
            let Some(host) = host else {
                let message = "the server does not collect its log into files".to_owned();
                return Err(gap("no-collector", message, Some(ON_HOST.to_owned())));
            };
            let file = stderr_of(host)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            place.pattern = turned(&name);
            place.folder = file.parent().unwrap_or(Path::new("/")).to_owned();
            // Whoever turns these files around does so by rules of his own.
            place.rotation = 0;
            return Ok(place);
        }
        for (destination, parser, ending) in [
            ("jsonlog", "postgresql-jsonlog", ".json"),
            ("csvlog", "postgresql-csvlog", ".csv"),
            ("stderr", "postgresql-stderr", ".log"),
        ] {
            if !is_sent(destination) {
                continue;
            }
            place.parser = parser;
            place.pattern = pattern(setting("log_filename"), ending);
            let folder = setting("log_directory");
            match host {
                Some(host) => place.folder = host.path(folder),
                None => {
                    place.folder = PathBuf::from(folder);
                    place.reach = Reach::Sql(connection);
                }
            }
            return Ok(place);
        }
        Err(elsewhere(setting("log_destination")))
    }

    /// A log that lies nowhere, for lines that a test has.
    #[cfg(test)]
    pub(super) fn of(parser: &'static str, prefix: &str) -> Self {
        Self {
            reach: Reach::Files,
            folder: PathBuf::new(),
            pattern: pattern("", ""),
            parser,
            prefix: prefix.to_owned(),
            zone: "UTC".to_owned(),
            rotation: 0,
        }
    }

    /// What was read, in words.
    pub(super) fn label(&self) -> String {
        let way = match self.reach {
            Reach::Files => "files",
            Reach::Sql(_) => "pg_ls_logdir, pg_read_binary_file",
        };
        format!("log in {} ({way}, {})", self.folder.display(), self.parser)
    }

    /// After so many ticks without a word something is missing: `None` where nobody can say.
    pub(super) fn quiet(&self) -> Option<i64> {
        (self.rotation > 0).then(|| (2 * self.rotation).max(TICKS_PER_DAY))
    }

    /// The files of the log.
    pub(super) async fn files(&self) -> Result<Vec<LogFile>, Gap> {
        let mut files = match self.reach {
            Reach::Files => self.listed().map_err(|error| gap_of(&self.folder, &error))?,
            Reach::Sql(connection) => listed_by(connection).await?,
        };
        // A pattern without an ending of its own fits the other forms, too.
        let of_other = |name: &str| {
            self.parser == "postgresql-stderr"
                && (name.ends_with(".csv") || name.ends_with(".json"))
        };
        files.retain(|file| self.pattern.is_match(&file.name) && !of_other(&file.name));
        if files.is_empty() {
            let message = format!("there is no log in {}", self.folder.display());
            return Err(gap("not-found", message, None));
        }
        if files.len() > FILES_MAX {
            let message = format!("the log has more than {FILES_MAX} files");
            return Err(gap("limit", message, None));
        }
        Ok(files)
    }

    fn listed(&self) -> io::Result<Vec<LogFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Not through links: whoever may write here must not choose what is read.
            let found = match fs::symlink_metadata(entry.path()) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if !found.is_file() {
                continue;
            }
            let seconds = found.modified()?.duration_since(EPOCH).map_or(0, |age| age.as_secs());
            let ticks = i64::try_from(seconds).unwrap_or(0).saturating_mul(TICKS_PER_SECOND);
            files.push(LogFile {
                name: entry.file_name().to_string_lossy().into_owned(),
                size: found.len(),
                modified: UNIX_EPOCH.saturating_add(ticks),
                id: Some((found.dev(), found.ino())),
            });
        }
        Ok(files)
    }

    /// Bytes of a file; none where it has ended or is gone.
    pub(super) async fn piece(
        &self,
        file: &LogFile,
        from: u64,
        n_bytes: u64,
    ) -> Result<Vec<u8>, Gap> {
        let path = self.folder.join(&file.name);
        match self.reach {
            Reach::Files => {
                let read = || -> io::Result<Vec<u8>> {
                    let mut open = File::open(&path)?;
                    let found = open.metadata()?;
                    if file.id.is_some_and(|id| id != (found.dev(), found.ino())) {
                        return Err(io::Error::other("it is another file than the one listed"));
                    }
                    open.seek(SeekFrom::Start(from))?;
                    let mut bytes = Vec::new();
                    open.take(n_bytes).read_to_end(&mut bytes)?;
                    Ok(bytes)
                };
                read().map_err(|error| gap_of(&path, &error))
            }
            Reach::Sql(connection) => {
                let path = path.display().to_string();
                piece_by(connection, &path, from, n_bytes).await
            }
        }
    }
}

fn elsewhere(destination: &str) -> Gap {
    let message = format!("the log goes to {destination} and is not kept in files of the server");
    gap("no-collector", message, Some("add jsonlog or csvlog to log_destination".to_owned()))
}

async fn listed_by(connection: &Connection) -> Result<Vec<LogFile>, Gap> {
    let sql = "select name, size, extract(epoch from modification)::bigint \
               from pg_catalog.pg_ls_logdir()";
    let rows = connection.query("list the log's files", sql, &[]).await;
    let needs = Some("GRANT pg_monitor TO {role}");
    let rows = rows.map_err(|error| sql::gap_of(&error, None, needs))?;
    let files = rows.iter().map(|row| LogFile {
        name: row.get(0),
        size: u64::try_from(row.get::<_, i64>(1)).unwrap_or(0),
        modified: UNIX_EPOCH.saturating_add(row.get::<_, i64>(2).saturating_mul(TICKS_PER_SECOND)),
        id: None,
    });
    Ok(files.collect())
}

async fn piece_by(
    connection: &Connection,
    path: &str,
    from: u64,
    n_bytes: u64,
) -> Result<Vec<u8>, Gap> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let sql = "select pg_catalog.pg_read_binary_file($1, $2, $3, true)";
    let (from, n_bytes) = (number(from), number(n_bytes));
    let row = connection.query_one("read the log", sql, &[&path, &from, &n_bytes]).await;
    let row = row.map_err(|error| sql::gap_of(&error, None, Some(NEEDS)))?;
    Ok(row.get::<_, Option<Vec<u8>>>(0).unwrap_or_default())
}

/// Names that `log_filename` (strftime) gives, with the ending of a form of the log.
fn pattern(filename: &str, ending: &str) -> Regex {
    let stem = filename.strip_suffix(".log");
    let ending = if ending == ".log" && stem.is_none() { "" } else { ending };
    let stem = stem.unwrap_or(filename);
    let mut pattern = String::from("^");
    let mut letters = stem.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            pattern.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
            continue;
        }
        // Modifiers stand between the sign and the letter.
        match letters.find(|letter| !"-_0^#EO".contains(*letter)) {
            Some('%') => pattern.push('%'),
            _ => pattern.push_str(".+"),
        }
    }
    pattern.push_str(&format!("{}$", regex::escape(ending)));
    Regex::new(&pattern).expect("because all but what we wrote is escaped")
}

/// A file and what it was called when it was turned away: `NAME.1`, `NAME-20260102`.
fn turned(name: &str) -> Regex {
    let pattern = format!(r"^{}(?:[.-][0-9]+)*$", regex::escape(name));
    Regex::new(&pattern).expect("because all but what we wrote is escaped")
}

/// The file that the server's standard error goes to.
fn stderr_of(host: &Host) -> Result<PathBuf, Gap> {
    let path = host.pgdata().join("postmaster.pid");
    let text = fs::read_to_string(&path).map_err(|error| gap_of(&path, &error))?;
    let pid: u32 =
        text.lines().next().and_then(|line| line.trim().parse().ok()).ok_or_else(|| {
            gap("read-error", format!("{}: the first line is no process", path.display()), None)
        })?;
    // Numbers of a container's processes are others here.
    let link = PathBuf::from(format!("/proc/{pid}/cwd"));
    let folder = fs::read_link(&link).map_err(|error| gap_of(&link, &error))?;
    if fs::canonicalize(host.pgdata()).ok() != Some(folder) {
        let message = format!("process {pid} of {} is not of this machine", path.display());
        return Err(gap("not-found", message, None));
    }
    let link = PathBuf::from(format!("/proc/{pid}/fd/2"));
    let file = fs::read_link(&link).map_err(|error| gap_of(&link, &error))?;
    let is_file = fs::symlink_metadata(&file).is_ok_and(|found| found.is_file());
    if is_file {
        return Ok(file);
    }
    let message = format!("the log goes to {}, which is no file", file.display());
    Err(gap("no-collector", message, Some("set logging_collector = on".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (filename, ending, name, is) in [
            ("postgresql-%Y-%m-%d_%H%M%S.log", ".csv", "postgresql-2026-11-28_000000.csv", true),
            ("postgresql-%Y-%m-%d_%H%M%S.log", ".log", "postgresql-2026-11-28_000000.csv", false),
            ("postgresql-%a.log", ".json", "postgresql-Mon.json", true),
            ("pg%%.log", ".log", "pg%.log", true),
            ("server", ".log", "server", true),
            ("server", ".csv", "server.csv", true),
            ("server", ".log", "other", false),
        ] {
            assert_eq!(pattern(filename, ending).is_match(name), is, "{filename} {name}");
        }
        assert!(turned("main.log").is_match("main.log.1"));
        assert!(turned("main.log").is_match("main.log-20260102"));
        assert!(!turned("main.log").is_match("main.log.2.gz"));
        assert!(!turned("main.log").is_match("xmain.log"));
    }
}
