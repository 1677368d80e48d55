//! What leads out of the encrypted mount: places where a running server keeps or sends plain text.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio_postgres::Row;

use crate::{Cluster, Connection, Error, Result};

/// What kind of thing leads outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideKind {
    /// A tablespace in another place.
    Tablespace,
    /// `temp_tablespaces` names such a tablespace.
    TemporaryFiles,
    /// The server log, or a part of it.
    Log,
    /// A symbolic link in the data directory, for example `pg_wal`.
    SymbolicLink,
    /// A command or library that carries WAL away.
    Archive,
    /// A directory or file that a parameter names.
    Parameter,
}

/// One thing that leads outside.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize)]
pub struct Outside {
    /// What kind of thing.
    pub kind: OutsideKind,
    /// Its name: of the tablespace, the parameter, or the link.
    pub name: String,
    /// Where it leads: a path, or a word like `syslog`.
    pub target: String,
}

const N_LINKS: usize = 10_000;

impl Cluster {
    /// Lists what leads out of `mount_dir`, the encrypted mount that holds the data directory.
    ///
    /// A path that cannot be resolved counts as outside.
    pub async fn find_outside_mount(
        &self,
        connection: &Connection,
        mount_dir: &Path,
    ) -> Result<Vec<Outside>> {
        let boundary = Boundary::new(mount_dir)?;
        let mut found = tablespaces(connection, &boundary).await?;
        let names: Vec<String> = found.iter().map(|space| space.name.clone()).collect();
        found.extend(self.settings(connection, &boundary, &names).await?);
        for folder in [self.data_dir.clone(), self.data_dir.join("pg_tblspc")] {
            found.extend(links(&folder, &boundary)?);
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn settings(
        &self,
        connection: &Connection,
        boundary: &Boundary,
        outside_tablespaces: &[String],
    ) -> Result<Vec<Outside>> {
        let sql = "select name, reset_val from pg_settings where coalesce(reset_val, '') <> ''";
        let rows = connection.query("read parameters", sql, &[]).await?;
        let archives = rows.iter().any(|row| key(row) == ("archive_mode", "on"))
            || rows.iter().any(|row| key(row) == ("archive_mode", "always"));
        let mut found = Vec::new();
        for (name, value) in rows.iter().map(key) {
            let kind = match name {
                "log_directory" if !boundary.holds(&self.data_dir.join(value)) => OutsideKind::Log,
                "log_destination" if value.contains("syslog") || value.contains("eventlog") => {
                    OutsideKind::Log
                }
                "data_directory"
                | "hba_file"
                | "ident_file"
                | "config_file"
                | "ssl_cert_file"
                | "ssl_key_file"
                | "stats_temp_directory"
                    if !boundary.holds(&self.data_dir.join(value)) =>
                {
                    OutsideKind::Parameter
                }
                "archive_command" if archives && value != "(disabled)" => OutsideKind::Archive,
                "archive_library" if archives => OutsideKind::Archive,
                "temp_tablespaces"
                    if crate::guard::list_elements(value)
                        .iter()
                        .any(|name| outside_tablespaces.contains(name)) =>
                {
                    OutsideKind::TemporaryFiles
                }
                _ => continue,
            };
            found.push(Outside { kind, name: name.to_owned(), target: value.to_owned() });
        }
        Ok(found)
    }
}

fn key(row: &Row) -> (&str, &str) {
    (row.get(0), row.get(1))
}

async fn tablespaces(connection: &Connection, boundary: &Boundary) -> Result<Vec<Outside>> {
    let sql = "select spcname::text, pg_tablespace_location(oid) from pg_tablespace \
               where pg_tablespace_location(oid) <> ''";
    let rows = connection.query("read tablespaces", sql, &[]).await?;
    let places = rows.iter().map(key).filter(|(_, place)| {
        // In-place tablespaces have a path relative to the data directory.
        Path::new(place).is_absolute() && !boundary.holds(Path::new(place))
    });
    let kind = OutsideKind::Tablespace;
    Ok(places
        .map(|(name, place)| Outside { kind, name: name.to_owned(), target: place.to_owned() })
        .collect())
}

/// Symbolic links in one folder that lead outside.
fn links(folder: &Path, boundary: &Boundary) -> Result<Vec<Outside>> {
    let entries = std::fs::read_dir(folder).map_err(Error::file("read directory", folder))?;
    let mut found = Vec::new();
    for entry in entries.take(N_LINKS) {
        let entry = entry.map_err(Error::file("read directory", folder))?;
        let path = entry.path();
        if path.is_symlink() && !boundary.holds(&path) {
            let target = std::fs::read_link(&path).map_err(Error::file("read link", &path))?;
            found.push(Outside {
                kind: OutsideKind::SymbolicLink,
                name: entry.file_name().to_string_lossy().into_owned(),
                target: target.display().to_string(),
            });
        }
    }
    Ok(found)
}

/// A mounted folder: what lies under it and on the same file system is inside.
struct Boundary {
    path: PathBuf,
    device: u64,
}

impl Boundary {
    fn new(mount_dir: &Path) -> Result<Self> {
        let path = mount_dir.canonicalize().map_err(Error::file("resolve", mount_dir))?;
        let device = path.metadata().map_err(Error::file("look at", &path))?.dev();
        Ok(Self { path, device })
    }

    fn holds(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        path.starts_with(&self.path)
            && path.metadata().is_ok_and(|metadata| metadata.dev() == self.device)
    }
}
