//! Files of the host: what they are like, how they are changed, and how they come back.
//!
//! A text is replaced by a new file that is renamed into place; modes and owners are changed
//! through an open file that is no link, so that nobody can put another one in its way.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base::Fault;
use serde::{Deserialize, Serialize};

/// Bytes of a file whose text is changed.
const BYTES_MAX: u64 = 4 << 20;
/// `O_NOFOLLOW` and `O_NONBLOCK` of Linux: no link, and no waiting for a pipe's other end.
const FLAGS: i32 = 0o400_000 | 0o4000;

/// What a file is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLook {
    /// Octal digits
    pub mode: String,
    /// Number of its owner
    pub uid: u32,
    /// Number of its group
    pub gid: u32,
    /// SHA-256 of what is in it, in hex; absent for folders
    pub sha256: Option<String>,
    /// When it was changed, nanoseconds since 1970
    pub modified_ns: u64,
}

/// A file that was changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileRecord {
    /// Where it is
    pub path: PathBuf,
    /// Before; absent: it was not there
    pub before: Option<FileLook>,
    /// What was in it, in hex, where that was changed
    pub bytes: Option<String>,
    /// After
    pub after: Option<FileLook>,
    /// Folders that were made for it, the outermost first
    pub made: Vec<PathBuf>,
}

/// What a file should become; absent: as it is.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) text: Option<&'a str>,
    pub(super) mode: Option<u32>,
    pub(super) owner: Option<u32>,
    pub(super) group: Option<u32>,
}

/// Opens what is no link.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FLAGS).open(path)
}

/// What a file is like, and what is in it where it is one.
pub(super) fn look(path: &Path) -> Result<Option<(FileLook, Vec<u8>)>, Fault> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, &error)),
    };
    let about = file.metadata().map_err(|e| failed("read", path, &e))?;
    let mut bytes = Vec::new();
    if about.is_file() {
        let read = (&mut file).take(BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|e| failed("read", path, &e))?;
        if bytes.len() as u64 > BYTES_MAX {
            let message = format!("{} is longer than {BYTES_MAX} bytes", path.display());
            return Err(Fault::new("too_much", message));
        }
    } else if !about.is_dir() {
        let message = format!("{} is neither a file nor a folder", path.display());
        return Err(Fault::new("odd_file", message));
    }
    let modified = about.modified().map_err(|e| failed("read", path, &e))?;
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let look = FileLook {
        mode: format!("{:04o}", about.mode() & 0o7777),
        uid: about.uid(),
        gid: about.gid(),
        sha256: about.is_file().then(|| hex(&crypto::sha256(&bytes))),
        modified_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
    };
    Ok(Some((look, bytes)))
}

/// What is known of a file before it is changed.
pub(super) fn record(path: &Path, wanted: &Wanted<'_>) -> Result<FileRecord, Fault> {
    let found = look(path)?;
    if found.is_none() && wanted.text.is_none() {
        let message = format!("{} is not there any more", path.display());
        return Err(Fault::new("no_file", message));
    }
    let folders = path.ancestors().skip(1);
    let mut made: Vec<PathBuf> =
        folders.take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    made.reverse();
    let (before, bytes) = found.unzip();
    let bytes = bytes.filter(|_| wanted.text.is_some()).map(|bytes| hex(&bytes));
    Ok(FileRecord { path: path.to_owned(), before, bytes, after: None, made })
}

/// Changes a file, and notes what it is like then.
pub(super) fn change(record: &mut FileRecord, wanted: &Wanted<'_>) -> Result<(), Fault> {
    for folder in &record.made {
        let made = fs::DirBuilder::new().mode(0o755).create(folder);
        made.map_err(|e| failed("make", folder, &e))?;
    }
    if let Some(text) = wanted.text {
        let like = record.before.as_ref();
        write(&record.path, text.as_bytes(), like)
            .map_err(|e| failed("write", &record.path, &e))?;
    }
    own(&record.path, wanted.owner, wanted.group, wanted.mode)
        .map_err(|e| failed("change", &record.path, &e))?;
    record.after = look(&record.path)?.map(|(look, _)| look);
    Ok(())
}

/// Brings a file back; it must be as the change left it.
pub(super) fn undo(record: &FileRecord) -> Result<(), Fault> {
    let path = &record.path;
    let Some(before) = &record.before else {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", path, &error));
            }
            _ => {}
        }
        for folder in record.made.iter().rev() {
            match fs::remove_dir(folder) {
                // Somebody put something there meanwhile: it stays.
                Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => break,
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", folder, &e));
                }
                _ => {}
            }
        }
        // The folder itself may be one that was made for it.
        let left = path.ancestors().skip(1).find(|folder| folder.exists());
        let synced = left.map_or(Ok(()), |folder| File::open(folder)?.sync_all());
        return synced.map_err(|e| failed("flush the folder of", path, &e));
    };
    if let Some(bytes) = &record.bytes {
        let bytes =
            unhex(bytes).ok_or_else(|| Fault::new("damaged_record", "the kept text is damaged"))?;
        write(path, &bytes, Some(before)).map_err(|e| failed("write", path, &e))?;
    }
    let mode = u32::from_str_radix(&before.mode, 8)
        .map_err(|_| Fault::new("damaged_record", "the kept mode is damaged"))?;
    own(path, Some(before.uid), Some(before.gid), Some(mode))
        .map_err(|e| failed("change", path, &e))?;
    let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(before.modified_ns);
    let times = FileTimes::new().set_modified(modified);
    let set = open(path).and_then(|file| file.set_times(times));
    set.map_err(|e| failed("set the time of", path, &e))
}

/// Whether a file is as it was after the change; otherwise what differs.
pub(super) fn differs(
    record: &FileRecord,
    wanted: Option<&FileLook>,
) -> Result<Option<String>, Fault> {
    let now = look(&record.path)?.map(|(look, _)| look);
    let said = |look: &Option<FileLook>| {
        look.as_ref().map(|l| (l.mode.clone(), l.uid, l.gid, l.sha256.clone()))
    };
    if said(&now) == said(&wanted.cloned()) {
        return Ok(None);
    }
    Ok(Some(match now {
        None => format!("{} is gone", record.path.display()),
        Some(now) => format!(
            "{} has mode {}, owner {}, group {}{}",
            record.path.display(),
            now.mode,
            now.uid,
            now.gid,
            if now.sha256 == wanted.and_then(|l| l.sha256.clone()) {
                ""
            } else {
                " and other text"
            }
        ),
    }))
}

fn own(path: &Path, uid: Option<u32>, gid: Option<u32>, mode: Option<u32>) -> io::Result<()> {
    let file = open(path)?;
    let about = file.metadata()?;
    let is_new = |wanted: Option<u32>, has: u32| wanted.filter(|wanted| *wanted != has);
    let (uid, gid) = (is_new(uid, about.uid()), is_new(gid, about.gid()));
    if uid.is_some() || gid.is_some() {
        fchown(&file, uid, gid)?;
    }
    // After the owner: a new owner takes the special bits away.
    if let Some(mode) = mode
        && file.metadata()?.mode() & 0o7777 != mode
    {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    if about.is_file() {
        file.sync_all()?;
    }
    Ok(())
}

/// Replaces a file by a new one that is like the old one, durably.
fn write(path: &Path, bytes: &[u8], like: Option<&FileLook>) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".pgkeep-new");
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let made = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let (uid, gid, mode) = match like {
            Some(like) => {
                let mode = u32::from_str_radix(&like.mode, 8).unwrap_or(0o600);
                (like.uid, like.gid, mode)
            }
            None => {
                let about = fs::metadata(folder)?;
                (about.uid(), about.gid(), 0o644)
            }
        };
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (uid, gid) {
            fchown(&file, Some(uid), Some(gid))?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    if let Err(error) = made() {
        // It is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_parent(path)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent)?.sync_all()
}

/// The number of an account or a group, by its name or number.
pub(super) fn number(file: &str, name: &str) -> Result<u32, Fault> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(file).map_err(|e| failed("read", Path::new(file), &e))?;
    let line = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    };
    text.lines()
        .find_map(line)
        .ok_or_else(|| Fault::new("no_account", format!("{file} knows no \"{name}\"")))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Fault {
    let fault = Fault::from_error("file", format!("could not {doing} {}", path.display()), error);
    if error.kind() == io::ErrorKind::PermissionDenied {
        return fault.hint("run it as root or as the server's account");
    }
    fault
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
