//! Why PostgreSQL did not start, told from its own words.
//!
//! The first words go to standard error, the later ones to the files that `current_logfiles`
//! names, because the logging collector starts before the sockets are opened.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::{Cluster, Error, Postmaster, file};

/// How much of a log's end is read.
const TAIL_BYTES: u64 = 64 << 10;
const N_LINES: usize = 12;

/// Why a start failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartCause {
    /// Another process has the port.
    PortTaken,
    /// A configuration file or value is wrong.
    BadConfiguration,
    /// Files of the data directory are missing or broken.
    DamagedData,
    /// The data directory belongs to another major version.
    WrongVersion,
    /// Owner or mode of files or folders do not fit.
    Permissions,
    /// The kernel has no memory for the server.
    SharedMemory,
    /// The disk is full.
    DiskFull,
    /// Certificate or key cannot be loaded.
    Tls,
    /// Another server works on the same data.
    InUse,
    /// None of those.
    Unknown,
}

/// Words that give a cause away; the first that is found wins.
const SIGNS: &[(&str, StartCause)] = &[
    ("Address already in use", StartCause::PortTaken),
    ("could not create any TCP/IP sockets", StartCause::PortTaken),
    ("No space left on device", StartCause::DiskFull),
    ("Disk quota exceeded", StartCause::DiskFull),
    ("could not load server certificate", StartCause::Tls),
    ("could not load private key", StartCause::Tls),
    ("private key file", StartCause::Tls),
    ("could not load root certificate", StartCause::Tls),
    ("could not set the cipher list", StartCause::Tls),
    ("could not map anonymous shared memory", StartCause::SharedMemory),
    ("could not create shared memory", StartCause::SharedMemory),
    ("could not resize shared memory", StartCause::SharedMemory),
    ("huge pages", StartCause::SharedMemory),
    ("could not create semaphores", StartCause::SharedMemory),
    ("is still in use", StartCause::InUse),
    ("lock file", StartCause::InUse),
    ("database files are incompatible with server", StartCause::WrongVersion),
    ("is not compatible with this version", StartCause::WrongVersion),
    ("has invalid permissions", StartCause::Permissions),
    ("has wrong ownership", StartCause::Permissions),
    ("Permission denied", StartCause::Permissions),
    ("unrecognized configuration parameter", StartCause::BadConfiguration),
    ("invalid value for parameter", StartCause::BadConfiguration),
    ("parameter \"", StartCause::BadConfiguration),
    ("contains errors", StartCause::BadConfiguration),
    ("syntax error in file", StartCause::BadConfiguration),
    ("could not load pg_hba.conf", StartCause::BadConfiguration),
    ("could not access file \"", StartCause::BadConfiguration),
    ("could not load library", StartCause::BadConfiguration),
    ("required WAL directory", StartCause::DamagedData),
    ("control file", StartCause::DamagedData),
    ("pg_control", StartCause::DamagedData),
    ("checkpoint record", StartCause::DamagedData),
    ("invalid data in file", StartCause::DamagedData),
    ("is not a valid data directory", StartCause::DamagedData),
    ("could not access directory", StartCause::DamagedData),
    ("could not open directory", StartCause::DamagedData),
    ("could not open file", StartCause::DamagedData),
    ("could not read file", StartCause::DamagedData),
    ("Input/output error", StartCause::DamagedData),
    ("PANIC", StartCause::DamagedData),
];

impl StartCause {
    /// The stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::PortTaken => "port_taken",
            Self::BadConfiguration => "bad_configuration",
            Self::DamagedData => "damaged_data",
            Self::WrongVersion => "wrong_version",
            Self::Permissions => "permissions",
            Self::SharedMemory => "shared_memory",
            Self::DiskFull => "disk_full",
            Self::Tls => "tls_files",
            Self::InUse => "data_in_use",
            Self::Unknown => "start_failed",
        }
    }

    pub(crate) fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::PortTaken => "stop the other program, or give the server another port",
            Self::BadConfiguration => {
                "correct the setting in postgresql.conf or postgresql.auto.conf"
            }
            Self::DamagedData => {
                "check the storage with \"pgkeep server storage verify\" before anything else; \
                 nothing was changed"
            }
            Self::WrongVersion => "use the programs of the major version that made the data",
            Self::Permissions => {
                "the data directory must belong to the server's user, with mode 0700"
            }
            Self::SharedMemory => "lower shared_buffers, or give the machine more memory",
            Self::DiskFull => "make room on the disk; nothing was changed",
            Self::Tls => "install the server's certificate and key again",
            Self::InUse => "stop the other server first",
            Self::Unknown => return None,
        })
    }

    fn from_words(words: &[String]) -> Self {
        let found = |sign: &str| words.iter().any(|line| line.contains(sign));
        let sign = SIGNS.iter().find(|(sign, _)| found(sign));
        sign.map_or(Self::Unknown, |(_, cause)| *cause)
    }
}

impl fmt::Display for StartCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PortTaken => "the port is taken",
            Self::BadConfiguration => "the configuration is wrong",
            Self::DamagedData => "the data directory is damaged",
            Self::WrongVersion => "the data belongs to another major version",
            Self::Permissions => "owner or permissions of its files do not fit",
            Self::SharedMemory => "there is not enough memory",
            Self::DiskFull => "the disk is full",
            Self::Tls => "certificate or key cannot be loaded",
            Self::InUse => "another server works on the same data",
            Self::Unknown => "it ended without a known cause",
        })
    }
}

/// The error of a postmaster that ended before it was ready.
pub(crate) fn failed_start(cluster: &Cluster, postmaster: &Postmaster) -> Error {
    let words = words(cluster, postmaster);
    let telling: Vec<String> = words.iter().filter(|line| is_telling(line)).cloned().collect();
    let cause = match StartCause::from_words(&telling) {
        StartCause::Unknown => StartCause::from_words(&words),
        cause => cause,
    };
    Error::Start { cause, detail: last(if telling.is_empty() { &words } else { &telling }) }
}

/// The last lines that PostgreSQL wrote.
pub(crate) fn last_words(cluster: &Cluster, postmaster: &Postmaster) -> String {
    last(&words(cluster, postmaster))
}

/// Set when the server listens on some of its addresses only: another program has the port.
pub(crate) fn half_bound(cluster: &Cluster, postmaster: &Postmaster) -> Option<String> {
    let words = words(cluster, postmaster);
    words
        .into_iter()
        .find(|line| line.contains("could not bind") && line.contains("Address already in use"))
}

fn last(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(N_LINES)..].join("; ")
}

fn is_telling(line: &str) -> bool {
    !line.contains("Future log output")
        && ["FATAL", "PANIC", "ERROR", "HINT", "DETAIL", "could not", "error:"]
            .iter()
            .any(|word| line.contains(word))
}

/// Standard error, then what the logs hold since the last start.
fn words(cluster: &Cluster, postmaster: &Postmaster) -> Vec<String> {
    let mut words = postmaster.stderr();
    let current = cluster.data_dir.join("current_logfiles");
    let current = file::read_text(&current).ok().flatten().unwrap_or_default();
    for (kind, path) in current.lines().filter_map(|line| line.split_once(' ')) {
        let text = tail(&cluster.data_dir.join(path)).unwrap_or_default();
        let lines = text
            .lines()
            .map(|line| if kind == "jsonlog" { from_json(line) } else { line.to_owned() });
        let mut lines: Vec<String> = lines.collect();
        if let Some(begin) = lines.iter().rposition(|line| line.contains("starting PostgreSQL")) {
            lines.drain(..begin);
        }
        words.append(&mut lines);
    }
    words
}

/// Severity, message, detail and hint of one line of a jsonlog.
fn from_json(line: &str) -> String {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else {
        return line.to_owned();
    };
    let field = |name: &str| value.get(name).and_then(serde_json::Value::as_str);
    let mut text = field("error_severity").unwrap_or("LOG").to_owned();
    for name in ["message", "detail", "hint"] {
        if let Some(part) = field(name) {
            text.push_str(": ");
            text.push_str(part);
        }
    }
    text
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{StartCause, from_json};

    #[test]
    fn tells_causes_from_words() {
        let cases = [
            (
                "LOG: could not bind IPv4 address \"127.0.0.1\": Address already in use",
                "port_taken",
            ),
            ("FATAL: unrecognized configuration parameter \"x\"", "bad_configuration"),
            ("PANIC: could not locate a valid checkpoint record", "damaged_data"),
            ("FATAL: data directory \"/d\" has invalid permissions", "permissions"),
            (
                "FATAL: could not map anonymous shared memory: Cannot allocate memory",
                "shared_memory",
            ),
            ("FATAL: could not write lock file: No space left on device", "disk_full"),
            ("FATAL: database files are incompatible with server", "wrong_version"),
            ("FATAL: could not load private key file \"k\": key values mismatch", "tls_files"),
            ("something else", "start_failed"),
        ];
        for (line, code) in cases {
            assert_eq!(StartCause::from_words(&[line.to_owned()]).code(), code, "{line}");
        }
    }

    #[test]
    fn reads_json_lines_and_keeps_others() {
        let line = r#"{"error_severity":"FATAL","message":"no","detail":"because","hint":"try"}"#;
        assert_eq!(from_json(line), "FATAL: no: because: try");
        assert_eq!(from_json("plain"), "plain");
    }
}
