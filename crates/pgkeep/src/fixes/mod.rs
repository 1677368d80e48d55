//! Records of fixes on disk, one JSON file each, for their owner alone: what `pgkeep baseline undo`
//! needs. Whoever makes fixes has a folder: a server's agent its own, the command line one in the
//! home.
//!
//! Beside a record of the command line lies how the server was reached, because an undo names the
//! fix alone; it may hold a password, and goes with the undo.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base::{ExitCode, Fault, Secret};
use baseline::Verdict;
use baseline::fix::{FixRecord, FixState, Keep, Plan};
use serde_json::{Value, json};

/// Bytes of a record.
const BYTES_MAX: u64 = 64 << 20;
/// Records that are listed.
const LISTED_MAX: usize = 10_000;
const ENDING: &str = "json";
const TARGET: &str = "target";

/// A folder of records.
#[derive(Clone, Debug)]
pub(crate) struct Fixes {
    folder: PathBuf,
}

impl Fixes {
    /// The records of a folder, which is made when the first is kept.
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// One record.
    pub(crate) fn read(&self, fix_id: &str) -> Result<FixRecord, Fault> {
        let bytes = self.bytes(fix_id, ENDING)?.ok_or_else(|| {
            Fault::new("no_such_fix", format!("no fix is called \"{fix_id}\""))
                .hint("`pgkeep baseline fixes` lists them")
                .exit(ExitCode::NotFound)
        })?;
        serde_json::from_slice(&bytes).map_err(|e| {
            Fault::from_error("damaged_record", format!("the record of {fix_id} is damaged"), &e)
        })
    }

    /// All records, the newest first.
    pub(crate) fn list(&self) -> Result<Vec<FixRecord>, Fault> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed("read", &self.folder, &e)),
        };
        let mut all = Vec::new();
        for entry in entries.take(LISTED_MAX) {
            let path = entry.map_err(|e| failed("read", &self.folder, &e))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|_| path.extension().is_some_and(|e| e == ENDING)) {
                all.push(self.read(name)?);
            }
        }
        all.sort_by(|a, b| b.applied_at.cmp(&a.applied_at).then_with(|| b.fix_id.cmp(&a.fix_id)));
        Ok(all)
    }

    /// Keeps how a server is reached.
    pub(crate) fn keep_target(&self, fix_id: &str, dsn: &Secret<String>) -> Result<(), Fault> {
        self.write(fix_id, TARGET, dsn.expose().as_bytes())
    }

    /// How the server of a fix is reached, where that was kept.
    pub(crate) fn target(&self, fix_id: &str) -> Result<Option<Secret<String>>, Fault> {
        let text = self.bytes(fix_id, TARGET)?.map(String::from_utf8).transpose();
        let odd = |_| Fault::new("damaged_record", "how the server is reached is damaged");
        Ok(text.map_err(odd)?.map(Secret::new))
    }

    /// Forgets how a server was reached, once nothing is left to take back.
    pub(crate) fn forget_target(&self, record: &FixRecord) -> Result<(), Fault> {
        if record.state != FixState::Undone {
            return Ok(());
        }
        let path = self.path(&record.fix_id, TARGET)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path, &e)),
            _ => Ok(()),
        }
    }

    fn path(&self, fix_id: &str, ending: &str) -> Result<PathBuf, Fault> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if fix_id.is_empty() || fix_id.len() > 64 || !fix_id.chars().all(is_name) {
            return Err(Fault::new("no_such_fix", "that is no name of a fix")
                .hint("`pgkeep baseline fixes` lists them")
                .exit(ExitCode::NotFound));
        }
        Ok(self.folder.join(format!("{fix_id}.{ending}")))
    }

    fn bytes(&self, fix_id: &str, ending: &str) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.path(fix_id, ending)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed("read", &path, &e)),
        };
        let mut bytes = Vec::new();
        let read = file.take(BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|e| failed("read", &path, &e))?;
        if bytes.len() as u64 > BYTES_MAX {
            let message = format!("{} is longer than {BYTES_MAX} bytes", path.display());
            return Err(Fault::new("damaged_record", message));
        }
        Ok(Some(bytes))
    }

    /// A new file that is renamed into place, both durable.
    fn write(&self, fix_id: &str, ending: &str, bytes: &[u8]) -> Result<(), Fault> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&self.folder);
        made.map_err(|e| failed("make", &self.folder, &e))?;
        let path = self.path(fix_id, ending)?;
        let temporary = path.with_extension("new");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()?;
                fs::rename(&temporary, &path)?;
                File::open(&self.folder)?.sync_all()
            });
        written.map_err(|e| failed("write", &path, &e))
    }
}

impl Keep for Fixes {
    fn save(&self, record: &FixRecord) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(record)
            .map_err(|e| Fault::from_error("internal", "the record is no JSON", &e))?;
        self.write(&record.fix_id, ENDING, &bytes)
    }
}

/// A record as it is told: without what only the undo needs.
pub(crate) fn told(record: &FixRecord) -> Result<Value, Fault> {
    let mut answer = value(record)?;
    answer["dry_run"] = json!(false);
    let waits = |proof: &Option<baseline::fix::Proof>| {
        proof.as_ref().is_some_and(|proof| proof.verdict.is_none())
    };
    if record.state == FixState::Undone && waits(&record.undo_proof) {
        answer["state"] = json!("needs-restart");
    }
    answer["proved"] =
        json!(record.proof.as_ref().is_some_and(|p| p.verdict == Some(Verdict::Pass)));
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("conf");
        answer.remove("format");
    }
    if let Some(files) = answer["files"].as_array_mut() {
        files.iter_mut().filter_map(Value::as_object_mut).for_each(|file| {
            file.remove("bytes");
        });
    }
    Ok(answer)
}

/// SHA-256 over what a plan would do, in hex: whoever saw a preview makes that, or nothing.
pub(crate) fn plan_hash(plan: &Plan) -> Result<String, Fault> {
    let hash = crypto::sha256(value(&plan.changes)?.to_string().as_bytes());
    Ok(hex::encode(hash))
}

fn value<T: serde::Serialize>(of: &T) -> Result<Value, Fault> {
    serde_json::to_value(of).map_err(|e| Fault::from_error("internal", "a fix is no JSON", &e))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Fault {
    let message = format!("could not {doing} {}", path.display());
    let fault = Fault::from_error("fix_records", message, error);
    if error.kind() == io::ErrorKind::PermissionDenied {
        return fault.hint("choose another home with --home, or run it as the home's owner");
    }
    fault
}
