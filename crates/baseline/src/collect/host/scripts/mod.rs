//! `ExtensionScripts`: what the scripts of extensions leave open to others.

mod lint;
mod tokens;

use std::path::{Path, PathBuf};
use std::{fs, io};

use kql::plan::Schema;
use kql::value::Json;

use super::libraries::folder;
use super::postmaster::Postmaster;
use super::{Filled, Host};
use crate::derive::{Given, list, row};

const SCRIPTS_MAX: usize = 20_000;
const BYTES_MAX: u64 = 512 << 20;
/// Extensions of PostgreSQL 13 to 18 itself.
const SHIPPED: &[&str] = &[
    "adminpack",
    "amcheck",
    "autoinc",
    "bloom",
    "bool_plperl",
    "bool_plperlu",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "hstore_plperl",
    "hstore_plperlu",
    "hstore_plpython3u",
    "hstore_plpythonu",
    "hstore_plpython2u",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "jsonb_plperl",
    "jsonb_plperlu",
    "jsonb_plpython3u",
    "jsonb_plpythonu",
    "jsonb_plpython2u",
    "lo",
    "ltree",
    "ltree_plpython3u",
    "ltree_plpythonu",
    "ltree_plpython2u",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_logicalinspect",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "plperl",
    "plperlu",
    "plpgsql",
    "plpython3u",
    "plpythonu",
    "plpython2u",
    "pltcl",
    "pltclu",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "xml2",
];

/// Fills the table.
pub(super) fn scripts(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let first = match Postmaster::find(host) {
        Ok(first) => first,
        Err(error) => {
            filled.lack(&host.pgdata().join("postmaster.pid"), &error);
            return filled;
        }
    };
    let beside = [
        "/usr/share/postgresql/MAJOR/extension",
        "share/extension",
        "share/postgresql/extension",
        "share/pgsql/extension",
        "/usr/share/pgsql/extension",
    ];
    let Some(own) = folder(host, &first.program, &beside, "") else {
        let error =
            io::Error::other("the folder of PostgreSQL's extensions is not where it is used");
        filled.lack(&first.program, &error);
        return filled;
    };
    let mut folders = vec![own];
    // From PostgreSQL 18 on there may be more.
    let settings = given.rows("Settings");
    for row in settings.filter(|row| row.text("name") == "extension_control_path") {
        let others = row.text("setting").split(':').filter(|part| part.starts_with('/'));
        folders.extend(others.map(|part| Path::new(part).join("extension")));
    }
    let mut left = BYTES_MAX;
    for folder in folders {
        let found = match of_folder(host, &folder) {
            Ok(found) => found,
            Err(error) => {
                filled.lack(&folder, &error);
                continue;
            }
        };
        for path in found {
            if filled.rows.len() >= SCRIPTS_MAX {
                let error = io::Error::other(format!("more than {SCRIPTS_MAX} scripts"));
                filled.lack(&folder, &error);
                break;
            }
            match read(host, &path, &mut left, schema) {
                Ok(row) => filled.rows.push(row),
                Err(error) => filled.lack(&path, &error),
            }
        }
    }
    filled
}

fn of_folder(host: &Host, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(host.path(folder))? {
        let name = entry?.file_name();
        if name.to_str().is_none_or(|name| name.ends_with(".sql") && name.contains("--")) {
            found.push(folder.join(name));
        }
    }
    found.sort();
    Ok(found)
}

fn read(host: &Host, path: &Path, left: &mut u64, schema: &Schema) -> io::Result<Vec<Json>> {
    let name = path.file_stem().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("its name is no text"))?;
    let (extension, versions) = name.split_once("--").unwrap_or((name, ""));
    let is_shipped = SHIPPED.contains(&extension);
    let is_update = versions.contains("--");
    let found = if is_shipped {
        Vec::new()
    } else {
        let text = host.text(path)?;
        *left = left
            .checked_sub(text.len() as u64)
            .ok_or_else(|| io::Error::other(format!("more than {BYTES_MAX} bytes of scripts")))?;
        lint::lint(&text)
    };
    let bags = found.into_iter().map(|finding| {
        let text = |text: &str| Json::String(text.into());
        let bag = vec![
            ("rule".into(), text(finding.rule)),
            ("what".into(), text(&finding.what)),
            ("line".into(), Json::Long(i64::try_from(finding.line).unwrap_or(i64::MAX))),
        ];
        Json::Bag(bag)
    });
    let file = path.file_name().map(|name| name.to_string_lossy());
    Ok(row(
        schema,
        &[
            ("extension", Json::String(extension.into())),
            ("file", Json::String(file.unwrap_or_default().into())),
            ("folder", list(path.parent().map(|p| p.display().to_string()))),
            ("update", Json::Bool(is_update)),
            ("third_party", Json::Bool(!is_shipped)),
            ("findings", Json::Array(bags.collect())),
        ],
    ))
}
