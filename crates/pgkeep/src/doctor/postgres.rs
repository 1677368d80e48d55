//! What PostgreSQL there is, and whether one runs beside pgkeep.

use std::path::{Path, PathBuf};

use pg::Binaries;

use super::Check;
use crate::home::Config;

const INSTALL: &str = "cargo xtask deps";

pub(super) async fn checks(config: Option<&Config>) -> Vec<Check> {
    let named = std::env::var_os("PGKEEP_PG_BINDIR").map(PathBuf::from);
    let named = named.or_else(|| config.and_then(|config| config.postgresql_bindir.clone()));
    let mut checks = Vec::new();
    match Binaries::find(named.as_deref()).await {
        Ok(found) => {
            let place = found.bin_dir.display();
            let version = &found.version;
            checks.push(Check::ok("postgresql", format!("PostgreSQL {version} in {place}")));
            checks.push(if found.pgaudit {
                Check::ok("pgaudit", "pgaudit is installed and will be loaded")
            } else {
                let package = format!("postgresql-{}-pgaudit", version.major);
                Check::warn(
                    "pgaudit",
                    "pgaudit is not installed: statements are not audited",
                    format!("install the package {package}: {INSTALL}"),
                )
            });
        }
        Err(e) => checks.push(Check::fail("postgresql", e.to_string(), INSTALL)),
    }
    checks.push(main_cluster());
    checks
}

/// Debian starts a cluster of its own when PostgreSQL is installed; it is not encrypted.
fn main_cluster() -> Check {
    const NAME: &str = "main-cluster";
    let Ok(folder) = std::fs::read_dir("/run/postgresql") else {
        return Check::ok(NAME, "no cluster of the distribution runs");
    };
    let running: Vec<String> = folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".pid").map(str::to_owned))
        .filter(|name| {
            let pid = std::fs::read_to_string(format!("/run/postgresql/{name}.pid"));
            pid.is_ok_and(|pid| Path::new("/proc").join(pid.trim()).is_dir())
        })
        .collect();
    match running.first() {
        None => Check::ok(NAME, "no cluster of the distribution runs"),
        Some(name) => Check::warn(
            NAME,
            format!(
                "the distribution's cluster {} runs; its data is not encrypted",
                running.join(", ")
            ),
            format!("if nobody uses it: pg_dropcluster --stop {}", name.replacen('-', " ", 1)),
        ),
    }
}
