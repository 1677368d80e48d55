//! The manifest that `pg_basebackup` leaves (section "Backup Manifest Format" of PostgreSQL's
//! manual): whether it is whole, and whether the files that it names are there in their sizes.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path};

use serde::Deserialize;

const NAME: &str = "backup_manifest";
const BYTES_MAX: u64 = 256 << 20;
/// Files whose sizes are looked at, and faults that are named.
const FILES_MAX: usize = 1_000_000;
const FAULTS_MAX: usize = 20;

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "Files")]
    files: Vec<Listed>,
    #[serde(rename = "Manifest-Checksum")]
    checksum: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Path")]
    path: Option<String>,
    #[serde(rename = "Encoded-Path")]
    encoded: Option<String>,
    #[serde(rename = "Size")]
    size: u64,
    #[serde(rename = "Last-Modified")]
    modified: String,
}

/// What was found.
pub(super) struct Verified {
    /// `whole`, `broken` (see the faults), `packed` (as tar: the files cannot be looked at)
    pub(super) state: &'static str,
    pub(super) faults: Vec<String>,
    pub(super) n_files: usize,
}

fn read(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    if file.take(BYTES_MAX + 1).read_to_end(&mut bytes)? as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("{NAME} is longer than {BYTES_MAX} bytes")));
    }
    Ok(Some(bytes))
}

/// When a backup ended, as far as its manifest says: when the last of its files was written
/// (`pg_control` is). `None` where there is no manifest.
pub(super) fn ended_at(folder: &Path) -> io::Result<Option<String>> {
    let Some(bytes) = read(folder)? else { return Ok(None) };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else {
        // It is there, and verifying it says what is wrong.
        return Ok(Some(String::new()));
    };
    let last = manifest.files.iter().map(|file| file.modified.as_str()).max().unwrap_or("");
    // `2026-11-28 05:10:15 GMT`
    let moment = last.strip_suffix(" GMT").map(|text| text.replacen(' ', "T", 1) + "Z");
    Ok(Some(moment.unwrap_or_default()))
}

/// The system identifier of the server that a backup is of: the first field of `pg_control`.
/// `None` where that file is packed.
pub(super) fn system(folder: &Path) -> io::Result<Option<String>> {
    let mut bytes = [0; 8];
    match File::open(folder.join("global/pg_control")).and_then(|mut f| f.read_exact(&mut bytes)) {
        Ok(()) => Ok(Some(u64::from_ne_bytes(bytes).to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Verifies a backup.
pub(super) fn verify(folder: &Path) -> io::Result<Verified> {
    let broken = |fault: String| Verified { state: "broken", faults: vec![fault], n_files: 0 };
    let Some(bytes) = read(folder)? else { return Ok(broken(format!("{NAME} is not there"))) };
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(broken(format!("{NAME} is no manifest: {error}"))),
    };
    if checksum(&bytes).as_deref() != Some(&manifest.checksum) {
        return Ok(broken(format!("{NAME} was changed: its own checksum is another")));
    }
    if manifest.files.len() > FILES_MAX {
        return Err(io::Error::other(format!("more than {FILES_MAX} files")));
    }
    let is_packed = folder.join("base.tar").exists()
        || ["gz", "lz4", "zst"].iter().any(|end| folder.join(format!("base.tar.{end}")).exists());
    let mut verified = Verified {
        state: if is_packed { "packed" } else { "whole" },
        faults: Vec::new(),
        n_files: manifest.files.len(),
    };
    if is_packed {
        return Ok(verified);
    }
    for listed in &manifest.files {
        if let Some(fault) = fault(folder, listed)? {
            verified.state = "broken";
            if verified.faults.len() < FAULTS_MAX {
                verified.faults.push(fault);
            }
        }
    }
    Ok(verified)
}

/// SHA-256 over everything before the line of the checksum.
fn checksum(bytes: &[u8]) -> Option<String> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let end = body.iter().rposition(|byte| *byte == b'\n')? + 1;
    Some(crypto::sha256(&bytes[..end]).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn fault(folder: &Path, listed: &Listed) -> io::Result<Option<String>> {
    let Some(path) = &listed.path else {
        // A name that is no UTF-8 cannot be looked for by its text.
        return Ok(listed.encoded.is_none().then(|| "a file has no name".to_owned()));
    };
    let is_inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        return Ok(Some(format!("{path} leads elsewhere")));
    }
    match fs::metadata(folder.join(path)) {
        Ok(found) if found.len() == listed.size => Ok(None),
        Ok(found) => Ok(Some(format!("{path} has {} bytes, not {}", found.len(), listed.size))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Some(format!("{path} is missing")))
        }
        Err(error) => Err(error),
    }
}
