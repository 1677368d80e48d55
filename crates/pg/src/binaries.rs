//! Where the programs of a PostgreSQL server are, and what came with them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::{Error, Result, Version};

/// The major versions that pgkeep knows.
pub const SUPPORTED_MAJORS: std::ops::RangeInclusive<u32> = 13..=18;

const DEBIAN_ROOT: &str = "/usr/lib/postgresql";
const PROGRAM_DEADLINE: Duration = Duration::from_secs(20);

/// The programs of one PostgreSQL installation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binaries {
    /// The folder of `postgres`, `initdb` and the rest.
    pub bin_dir: PathBuf,
    /// The folder of the server's loadable modules.
    pub library_dir: PathBuf,
    /// The version of `postgres`.
    pub version: Version,
    /// Whether pgaudit is installed for this version, its library and its control file.
    pub pgaudit: bool,
}

impl Binaries {
    /// Finds an installation: the folder named by the operator, else the one `pg_config` names,
    /// else the newest supported one in Debian's layout.
    ///
    /// A folder named by the operator is not replaced by another one when it does not fit.
    pub async fn find(explicit: Option<&Path>) -> Result<Self> {
        if let Some(bin_dir) = explicit {
            return Self::at(bin_dir).await;
        }
        let mut tried = Vec::new();
        for bin_dir in candidates().await {
            match Self::at(&bin_dir).await {
                Ok(found) => return Ok(found),
                Err(error) => tried.push(format!("{}: {error}", bin_dir.display())),
            }
        }
        if tried.is_empty() {
            tried.push(format!("neither pg_config nor {DEBIAN_ROOT} names one"));
        }
        Err(Error::NoBinaries { detail: tried.join("; ") })
    }

    /// Takes the installation whose programs are in `bin_dir`.
    pub async fn at(bin_dir: &Path) -> Result<Self> {
        for program in ["postgres", "initdb"] {
            if !bin_dir.join(program).is_file() {
                let detail = format!("{} has no program \"{program}\"", bin_dir.display());
                return Err(Error::NoBinaries { detail });
            }
        }
        let text = output(&bin_dir.join("postgres"), "--version").await?;
        let version = Version::parse(&text)
            .filter(|version| SUPPORTED_MAJORS.contains(&version.major))
            .ok_or_else(|| Error::UnsupportedVersion { found: text.trim().to_owned() })?;
        let pg_config = bin_dir.join("pg_config");
        let (library_dir, share_dir) = if pg_config.is_file() {
            let library = output(&pg_config, "--pkglibdir").await?;
            let share = output(&pg_config, "--sharedir").await?;
            (PathBuf::from(library.trim()), PathBuf::from(share.trim()))
        } else {
            let base = bin_dir.parent().unwrap_or(bin_dir);
            (base.join("lib"), Path::new("/usr/share/postgresql").join(version.major.to_string()))
        };
        let pgaudit = library_dir.join("pgaudit.so").is_file()
            && share_dir.join("extension/pgaudit.control").is_file();
        Ok(Self { bin_dir: bin_dir.to_owned(), library_dir, version, pgaudit })
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// Whether a loadable module of this name is installed.
    pub fn has_library(&self, name: &str) -> bool {
        self.library_dir.join(name).with_extension("so").is_file()
    }
}

async fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(text) = output(Path::new("pg_config"), "--bindir").await {
        let bin_dir = PathBuf::from(text.trim());
        // A client-only installation has pg_config too.
        if bin_dir.join("postgres").is_file() {
            found.push(bin_dir);
        }
    }
    for major in SUPPORTED_MAJORS.rev() {
        let bin_dir = Path::new(DEBIAN_ROOT).join(major.to_string()).join("bin");
        if bin_dir.is_dir() && !found.contains(&bin_dir) {
            found.push(bin_dir);
        }
    }
    found
}

async fn output(program: &Path, argument: &str) -> Result<String> {
    let spawn_error = |source| Error::Spawn { program: program.to_owned(), source };
    let run = Command::new(program)
        .arg(argument)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PROGRAM_DEADLINE, run)
        .await
        .map_err(|_| spawn_error(std::io::ErrorKind::TimedOut.into()))?
        .map_err(spawn_error)?;
    if !output.status.success() {
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Program { program: program.to_owned(), detail });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
