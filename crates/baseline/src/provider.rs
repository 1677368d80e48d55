//! Services that run PostgreSQL for their customers (`content/providers/README.md`): how one is
//! known, and what its operator keeps to itself.

use pg::Connection;
use serde::{Deserialize, Serialize};

use crate::bundle::Gap;
use crate::content;
use crate::error::{Error, Result};

/// The reason of what an operator keeps to itself.
pub(crate) const PROVIDER: &str = "provider";

/// A service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    name: String,
    admin: String,
    customer: String,
    databases: Vec<String>,
    rights: Vec<String>,
    statement: String,
    read_at: toml::value::Datetime,
}

/// A service as a bundle names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSaid {
    /// Its name
    pub name: String,
    /// Where it says what it keeps
    pub statement: String,
    /// The day on which that was read
    pub read_at: String,
    /// Its own databases, which were left out
    pub databases: Vec<String>,
}

/// The services that are part of the program.
pub(crate) fn shipped() -> Result<Vec<Provider>> {
    let read = |(file, text): &(&str, &str)| {
        toml::from_str(text)
            .map_err(|e| Error::Content { file: format!("providers/{file}"), what: e.to_string() })
    };
    content::PROVIDERS.iter().map(read).collect()
}

/// The service that a server belongs to; none for whoever is a superuser.
pub(crate) async fn of(connection: &Connection) -> Result<Option<Provider>> {
    let sql = "select rolname::text, rolsuper from pg_catalog.pg_roles";
    let rows = connection.query("list roles", sql, &[]).await?;
    let me = "select rolsuper from pg_catalog.pg_roles where rolname = current_user";
    let me = connection.query("ask who is asking", me, &[]).await?;
    if me.first().is_none_or(|row| row.get(0)) {
        return Ok(None);
    }
    let has = |name: &str, as_superuser: bool| {
        rows.iter()
            .any(|row| row.get::<_, &str>(0) == name && (!as_superuser || row.get::<_, bool>(1)))
    };
    let is_it = |service: &Provider| has(&service.admin, true) && has(&service.customer, false);
    Ok(shipped()?.into_iter().find(is_it))
}

impl Provider {
    /// Whether a database is its own.
    pub(crate) fn owns(&self, database: &str) -> bool {
        self.databases.iter().any(|name| name == database)
    }

    /// Makes a gap its own where only its operator could close it.
    pub(crate) fn claim(&self, gap: &mut Gap) {
        let needs = gap.cure.as_deref().unwrap_or_default();
        let is_kept = match gap.reason.as_str() {
            "missing-right" => self.rights.iter().any(|right| needs.contains(right.as_str())),
            "no-collector" => true,
            _ => false,
        };
        if is_kept {
            let was = std::mem::take(&mut gap.message);
            gap.message = format!(
                "{} keeps it to itself ({}, read on {}): {was}",
                self.name, self.statement, self.read_at
            );
            gap.reason = PROVIDER.to_owned();
            gap.cure = None;
        }
    }

    /// As a bundle names it; `left_out` are the databases that were there.
    pub(crate) fn said(&self, left_out: Vec<String>) -> ProviderSaid {
        let (name, statement) = (self.name.clone(), self.statement.clone());
        let read_at = self.read_at.to_string();
        ProviderSaid { name, statement, read_at, databases: left_out }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_shipped_is_read() {
        let all = super::shipped().unwrap();
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|one| one.statement.starts_with("https://")));
    }
}
