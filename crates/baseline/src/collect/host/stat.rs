//! What a file of the host is: kind, mode, owner, and who may do what with it.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kql::value::Json;

use super::Host;

/// Links that are followed one after the other.
const LINKS_MAX: usize = 16;

/// Accounts and groups by their numbers, as the host's own files name them. Accounts of a
/// directory service have none here and stay numbers.
#[derive(Debug, Default)]
pub(super) struct Names {
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Names {
    pub(super) fn of(host: &Host) -> Self {
        let read = |path: &str| {
            let text = host.text(path).unwrap_or_default();
            let mut names = BTreeMap::new();
            for line in text.lines() {
                let mut fields = line.split(':');
                let (name, id) = (fields.next(), fields.nth(1));
                if let Some((name, id)) = name.zip(id.and_then(|id| id.parse().ok())) {
                    names.entry(id).or_insert_with(|| name.to_owned());
                }
            }
            names
        };
        Self { users: read("/etc/passwd"), groups: read("/etc/group") }
    }

    pub(super) fn user(&self, uid: u32) -> String {
        self.known(uid).map_or_else(|| uid.to_string(), str::to_owned)
    }

    /// The name of an account; none where the file has none.
    pub(super) fn known(&self, uid: u32) -> Option<&str> {
        self.users.get(&uid).map(String::as_str)
    }

    fn group(&self, gid: u32) -> String {
        self.groups.get(&gid).cloned().unwrap_or_else(|| gid.to_string())
    }
}

/// Looks at files for one table.
#[derive(Debug)]
pub(super) struct Looker<'a> {
    host: &'a Host,
    pub(super) names: Names,
    account: (u32, u32),
    now: SystemTime,
}

/// A file that was looked at.
#[derive(Debug)]
pub(super) struct Looked {
    /// What is at the path, links not followed
    pub(super) itself: Metadata,
    /// What is behind the last link, and where; the file itself where it is none
    pub(super) behind: Option<(Metadata, PathBuf)>,
    /// Where the link points to
    pub(super) link: Option<PathBuf>,
}

impl<'a> Looker<'a> {
    /// # Errors
    /// The server's account is not known.
    pub(super) fn of(host: &'a Host) -> io::Result<Self> {
        let (names, account) = (Names::of(host), host.account()?);
        Ok(Self { host, names, account, now: SystemTime::now() })
    }

    /// Looks at a path of the host; none where nothing is there.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(super) fn look(&self, path: &Path) -> io::Result<Option<Looked>> {
        let Some(itself) = found(fs::symlink_metadata(self.host.path(path)))? else {
            return Ok(None);
        };
        if !itself.is_symlink() {
            let behind = Some((itself.clone(), path.to_owned()));
            return Ok(Some(Looked { itself, behind, link: None }));
        }
        let mut at = path.to_owned();
        let mut first = None;
        for _ in 0..LINKS_MAX {
            // Absolute targets are paths of the host, which may be mounted elsewhere.
            let target = fs::read_link(self.host.path(&at))?;
            at = at.parent().unwrap_or(Path::new("/")).join(&target);
            first.get_or_insert(target);
            match found(fs::symlink_metadata(self.host.path(&at)))? {
                Some(metadata) if metadata.is_symlink() => {}
                metadata => {
                    let behind = metadata.map(|metadata| (metadata, at));
                    return Ok(Some(Looked { itself, behind, link: first }));
                }
            }
        }
        Err(io::Error::other("too many links"))
    }

    /// Columns that every table of files has, of what is behind links: `path`, `real_path` (behind
    /// links), `kind` (`file`,
    /// `folder`, `link` where it leads nowhere, `socket`, `other`, `absent`), `link`, `mode` (four
    /// octal digits), `mode_private` (without rights of others), `mode_unshared` (without others'
    /// right to write), `owner`, `group`, `server_account`, `of_server`, `of_root`,
    /// `root_group`, `server_group`, `group_read`, `group_write`, `other_read`, `other_write`,
    /// `sticky`, `server_writes`, `size`, `age_hours` (since it was written), `modified_s`.
    pub(super) fn cells(&self, path: &Path, looked: Option<&Looked>) -> Vec<(&'static str, Json)> {
        let mut cells = vec![("path", text(path.display().to_string()))];
        let Some(looked) = looked else {
            cells.push(("kind", text("absent")));
            return cells;
        };
        let real = looked.behind.as_ref().map_or(path, |(_, at)| at.as_path());
        cells.push(("real_path", text(real.display().to_string())));
        let link = looked.link.as_ref().map(|link| link.display().to_string());
        cells.push(("link", text(link.unwrap_or_default())));
        let metadata = looked.behind.as_ref().map_or(&looked.itself, |(metadata, _)| metadata);
        let (mode, uid, gid) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
        let (server, servers_group) = self.account;
        let has = |bit: u32| Json::Bool(mode & bit != 0);
        let server_writes = match (uid == server, gid == servers_group) {
            (true, _) => mode & 0o200 != 0,
            (_, true) => mode & 0o020 != 0,
            _ => mode & 0o002 != 0,
        };
        let modified = metadata.modified().ok();
        let age = modified.and_then(|at| self.now.duration_since(at).ok());
        let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        cells.extend([
            ("kind", text(kind(metadata))),
            ("mode", text(format!("{mode:04o}"))),
            ("mode_private", text(format!("{:04o}", mode & 0o700))),
            ("mode_unshared", text(format!("{:04o}", mode & !0o022))),
            ("owner", text(self.names.user(uid))),
            ("group", text(self.names.group(gid))),
            ("server_account", text(self.names.user(server))),
            ("of_server", Json::Bool(uid == server)),
            ("of_root", Json::Bool(uid == 0)),
            ("root_group", Json::Bool(gid == 0)),
            ("server_group", Json::Bool(gid == servers_group)),
            ("group_read", has(0o040)),
            ("group_write", has(0o020)),
            ("other_read", has(0o004)),
            ("other_write", has(0o002)),
            ("sticky", has(0o1000)),
            ("server_writes", Json::Bool(server_writes)),
            ("size", number(metadata.size())),
            ("age_hours", Json::Real(age.map_or(0.0, |age| age.as_secs_f64() / 3600.0))),
            ("modified_s", since.map_or(Json::Null, |at| Json::Real(at.as_secs_f64()))),
        ]);
        cells
    }
}

/// An absence is an answer, not an error.
pub(super) fn found<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn kind(metadata: &Metadata) -> &'static str {
    let of = metadata.file_type();
    if of.is_file() {
        "file"
    } else if of.is_dir() {
        "folder"
    } else if of.is_symlink() {
        "link"
    } else if of.is_socket() {
        "socket"
    } else {
        "other"
    }
}

pub(super) fn text(text: impl AsRef<str>) -> Json {
    Json::String(text.as_ref().into())
}

pub(super) fn number(number: u64) -> Json {
    Json::Long(i64::try_from(number).unwrap_or(i64::MAX))
}
