//! What is on this machine.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Need;
use crate::proc;

/// The oldest major version of PostgreSQL that pgkeep supports.
pub(crate) const OLDEST_MAJOR: u32 = 13;
/// The newest one.
pub(crate) const NEWEST_MAJOR: u32 = 18;

/// The facts that decide what to install and how.
#[derive(Debug)]
pub(crate) struct Host {
    /// Where the system's files lie; another folder in tests.
    root: PathBuf,
    /// Newest supported PostgreSQL found.
    pub(crate) major: Option<u32>,
    /// Whether apt-get is there.
    pub(crate) is_debian: bool,
    /// Whether we are root.
    pub(crate) is_root: bool,
    /// Whether sudo is there.
    pub(crate) has_sudo: bool,
}

impl Host {
    /// Looks at the machine we run on.
    pub(crate) fn look() -> Self {
        Self::at(Path::new("/"))
    }

    /// Looks at a machine whose files lie below `root`.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            major: newest_major(root),
            is_debian: root.join("usr/bin/apt-get").exists(),
            is_root: is_root(),
            has_sudo: root.join("usr/bin/sudo").exists(),
            root: root.to_path_buf(),
        }
    }

    /// Whether a need is met, judged by the files that would be used.
    pub(crate) fn has(&self, need: Need) -> bool {
        let extension = |name: &str| {
            self.major.is_some_and(|major| {
                let path = format!("usr/share/postgresql/{major}/extension/{name}.control");
                self.root.join(path).exists()
            })
        };
        match need {
            Need::Postgres => self.major.is_some(),
            Need::Contrib => extension("amcheck"),
            Need::PgAudit => extension("pgaudit"),
            Need::Fuse => self.program("fusermount3"),
            Need::PgBackRest => self.program("pgbackrest"),
            Need::Node => self.program("node") && self.program("npm"),
            Need::Chromium => self.program("chromium"),
            Need::MyHostname => self.library("libnss_myhostname.so.2"),
            Need::Python => self.python(),
            Need::SoftHsm => self.program("softhsm2-util"),
            Need::SoftTpm => {
                self.program("swtpm")
                    && self.program("pkcs11-tool")
                    && self.library("libtpm2_pkcs11.so.1")
                    && self.library("libtss2-tcti-swtpm.so.0")
            }
            Need::Gocryptfs => self.program("gocryptfs"),
            Need::Wrk => self.program("wrk"),
            Need::Acl => self.root.join("usr/include/sys/acl.h").exists(),
            Need::Peers => {
                extension("plpgsql_check")
                    && super::PEERS.iter().all(|(_, file)| self.root.join(file).exists())
            }
        }
    }

    /// Python, and what virtual environments are made with (Debian keeps that apart).
    fn python(&self) -> bool {
        let lib = std::fs::read_dir(self.root.join("usr/lib")).into_iter().flatten().flatten();
        let own = self.root.join("usr/bin/python3").exists()
            && lib.map(|entry| entry.path().join("ensurepip")).any(|path| path.exists());
        // As with programs: one from elsewhere counts on the real machine only.
        let elsewhere = || {
            let mut python = std::process::Command::new(proc::find("python3")?);
            proc::capture(python.args(["-c", "import ensurepip, venv"])).ok()
        };
        own || (self.root == Path::new("/") && elsewhere().is_some())
    }

    /// Looks in the folders of libraries, those of one architecture (multiarch) included.
    fn library(&self, name: &str) -> bool {
        ["usr/lib", "lib", "usr/lib64", "lib64"].iter().any(|folder| {
            let folder = self.root.join(folder);
            let below = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            folder.join(name).exists() || below.map(|e| e.path().join(name)).any(|p| p.exists())
        })
    }

    fn program(&self, name: &str) -> bool {
        let own = ["usr/bin", "usr/sbin", "bin", "sbin"]
            .iter()
            .any(|folder| self.root.join(folder).join(name).exists());
        // A program from elsewhere (a Node.js of one's own, say) counts on the real machine only.
        own || (self.root == Path::new("/") && proc::find(name).is_some())
    }
}

/// The folder of PostgreSQL's programs, newest supported major version first.
pub(crate) fn postgres_bin() -> Option<(u32, PathBuf)> {
    let major = newest_major(Path::new("/"))?;
    Some((major, PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"))))
}

fn newest_major(root: &Path) -> Option<u32> {
    (OLDEST_MAJOR..=NEWEST_MAJOR).rev().find(|major| {
        let bin = root.join(format!("usr/lib/postgresql/{major}/bin"));
        bin.join("initdb").exists() && bin.join("postgres").exists()
    })
}

/// Whether this process is root: the owner of its own entry in /proc is its effective user.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
