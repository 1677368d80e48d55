//! Setting a server parameter: checked, written by ALTER SYSTEM, reloaded, proved.

use base::Changed;
use serde::Serialize;

use crate::guard::list_elements;
use crate::parameters::{REQUIRE_SECURE_TRANSPORT, parameter};
use crate::{Cluster, Connection, Error, Parameter, Policy, Result};

/// The longest value that is taken.
const VALUE_BYTES: usize = 8192;

/// Parameters that PostgreSQL keeps as lists of quoted names; one literal would be one name.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// What came of setting a parameter.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SetOutcome {
    /// The parameter's name, as PostgreSQL writes it.
    pub name: String,
    /// The value a new session gets now.
    pub value: String,
    /// Whether anything was done.
    pub changed: Changed,
    /// Whether the value waits for a restart.
    pub needs_restart: bool,
}

impl Cluster {
    /// Sets a parameter of the running server and proves that it took effect, or is waiting for a
    /// restart; a change without effect is taken back.
    ///
    /// Refuses what the guard rails forbid before anything is written.
    pub async fn set_parameter(
        &self,
        connection: &Connection,
        name: &str,
        value: &str,
    ) -> Result<SetOutcome> {
        let value = value.trim();
        if value.len() > VALUE_BYTES || value.contains(['\0', '\n', '\r']) {
            let message = format!("a value is one line of at most {VALUE_BYTES} bytes");
            return Err(rejected(name, message));
        }
        let before = parameter(self, connection, name).await?;
        if before.name == REQUIRE_SECURE_TRANSPORT {
            return self.set_secure_transport(connection, Some(value)).await;
        }
        if before.context == "internal" {
            return Err(Error::FixedParameter { name: before.name });
        }
        self.check_value(&before.name, value)?;
        let previous = stored(connection, &before.name).await?;
        if is_there(&before, previous.as_deref(), value) {
            return Ok(outcome(before, Changed::Unchanged));
        }
        self.change(connection, before, previous, Some(value)).await
    }

    /// What setting (or resetting, with `None`) would come to, without doing it.
    ///
    /// PostgreSQL itself judges the values of parameters that a session may set; of the others
    /// type, range and words are compared here, and sizes with units are let pass.
    pub async fn try_parameter(
        &self,
        connection: &Connection,
        name: &str,
        value: Option<&str>,
    ) -> Result<SetOutcome> {
        let before = parameter(self, connection, name).await?;
        let previous = match before.name == REQUIRE_SECURE_TRANSPORT {
            true => None,
            false => stored(connection, &before.name).await?,
        };
        let Some(value) = value.map(str::trim) else {
            let changed = match previous {
                Some(_) => Changed::Changed,
                None => Changed::Unchanged,
            };
            let value = before.default.clone().unwrap_or_default();
            return Ok(would_be(before, value, changed));
        };
        if value.len() > VALUE_BYTES || value.contains(['\0', '\n', '\r']) {
            let message = format!("a value is one line of at most {VALUE_BYTES} bytes");
            return Err(rejected(name, message));
        }
        if before.context == "internal" {
            return Err(Error::FixedParameter { name: before.name });
        }
        self.check_value(&before.name, value)?;
        if let Some(message) = before.objection(value) {
            return Err(rejected(&before.name, message));
        }
        if matches!(before.context.as_str(), "user" | "superuser") {
            let attempt = format!(
                "begin; set local {} = {}; rollback",
                quoted(&before.name),
                literals(&before.name, value)
            );
            let answer = connection.batch_raw("try a parameter", &attempt).await?;
            if let Err(source) = answer {
                connection.batch("end the try", "rollback").await?;
                return Err(refused(&before.name, source));
            }
        }
        let changed = match is_there(&before, previous.as_deref(), value) {
            true => Changed::Unchanged,
            false => Changed::Changed,
        };
        Ok(would_be(before, value.to_owned(), changed))
    }

    /// Takes back what was set: the parameter has the value of the configuration files again.
    pub async fn reset_parameter(&self, connection: &Connection, name: &str) -> Result<SetOutcome> {
        let before = parameter(self, connection, name).await?;
        if before.name == REQUIRE_SECURE_TRANSPORT {
            return self.set_secure_transport(connection, None).await;
        }
        let Some(previous) = stored(connection, &before.name).await? else {
            return Ok(outcome(before, Changed::Unchanged));
        };
        self.change(connection, before, Some(previous), None).await
    }

    async fn change(
        &self,
        connection: &Connection,
        before: Parameter,
        previous: Option<String>,
        value: Option<&str>,
    ) -> Result<SetOutcome> {
        alter_system(connection, &before.name, value).await?;
        match self.prove(connection, &before.name, value.is_some()).await {
            Ok(after) => Ok(outcome(after, Changed::Changed)),
            Err(error) => {
                tracing::warn!(parameter = before.name, %error, "setting is taken back");
                alter_system(connection, &before.name, previous.as_deref()).await?;
                connection.reload().await?;
                Err(error)
            }
        }
    }

    /// Reloads and compares what is stored with what is in force.
    async fn prove(&self, connection: &Connection, name: &str, is_set: bool) -> Result<Parameter> {
        connection.reload().await?;
        let after = parameter(self, connection, name).await?;
        let no_effect = |detail: String| Error::NoEffect { name: name.to_owned(), detail };
        if after.context == "postmaster" {
            return Ok(after);
        }
        let sql = "select error from pg_file_settings \
                   where lower(name) = lower($1) and error is not null";
        if let Some(row) =
            connection.query("read configuration errors", sql, &[&name]).await?.first()
        {
            return Err(no_effect(row.get(0)));
        }
        // A database or role may have a value of its own, which wins for its sessions.
        let decides = after.context == "sighup" || after.source == "configuration file";
        let from_us = after.source_file.as_deref().is_some_and(is_auto_conf);
        if is_set && decides && !from_us {
            return Err(no_effect(format!("the value comes from {}", after.source)));
        }
        Ok(after)
    }

    async fn set_secure_transport(
        &self,
        connection: &Connection,
        value: Option<&str>,
    ) -> Result<SetOutcome> {
        let require = match value.map(str::to_ascii_lowercase).as_deref() {
            None | Some("on" | "true" | "yes" | "1") => true,
            Some("off" | "false" | "no" | "0") => false,
            Some(other) => {
                let message = format!("\"{other}\" is neither on nor off");
                return Err(rejected(REQUIRE_SECURE_TRANSPORT, message));
            }
        };
        let policy = Policy { require_secure_transport: require, ..self.policy()? };
        let changed = self.apply_policy(connection, &policy).await?;
        let after = parameter(self, connection, REQUIRE_SECURE_TRANSPORT).await?;
        Ok(outcome(after, changed))
    }
}

fn outcome(after: Parameter, changed: Changed) -> SetOutcome {
    let needs_restart = after.pending_restart;
    SetOutcome { name: after.name, value: after.value, changed, needs_restart }
}

fn would_be(before: Parameter, value: String, changed: Changed) -> SetOutcome {
    let needs_restart = !before.dynamic && changed == Changed::Changed;
    SetOutcome { name: before.name, value, changed, needs_restart }
}

impl Parameter {
    /// Why a value is not one of this parameter's, as far as its text tells.
    fn objection(&self, value: &str) -> Option<String> {
        let words = |allowed: &[&str]| {
            let known = allowed.iter().any(|word| word.eq_ignore_ascii_case(value));
            (!known).then(|| format!("\"{value}\" is none of {}", allowed.join(", ")))
        };
        match self.data_type.as_str() {
            // PostgreSQL takes unique beginnings of these words too.
            "bool" => words(&["on", "off", "true", "false", "yes", "no", "1", "0", "t", "f"]),
            "enum" => words(&self.allowed_values.iter().map(String::as_str).collect::<Vec<_>>()),
            "integer" | "real" => {
                let number = |text: &str| text.parse::<f64>().ok();
                let first = value.trim_start_matches(['-', '+']).chars().next();
                let Some(given) = number(value) else {
                    let is_size = first.is_some_and(|c| c.is_ascii_digit() || c == '.');
                    return (!is_size).then(|| format!("\"{value}\" is no number"));
                };
                let (min, max) = (self.min.as_deref()?, self.max.as_deref()?);
                let inside = number(min)? <= given && given <= number(max)?;
                (!inside).then(|| format!("{value} is outside {min} to {max}"))
            }
            _ => None,
        }
    }
}

fn rejected(name: &str, message: String) -> Error {
    let name = name.chars().take(128).collect();
    Error::Rejected { name, message, detail: None, hint: None }
}

/// Whether a value is there already, as far as its text tells.
fn is_there(now: &Parameter, stored: Option<&str>, value: &str) -> bool {
    let same = |text: &str| {
        text == value
            || LISTS.contains(&now.name.as_str()) && list_elements(text) == list_elements(value)
    };
    stored.is_some_and(same) || stored.is_none() && same(&now.value) && !now.pending_restart
}

/// The value in `postgresql.auto.conf`.
pub(crate) async fn stored(connection: &Connection, name: &str) -> Result<Option<String>> {
    let sql = "select setting, sourcefile from pg_file_settings \
               where lower(name) = lower($1) order by seqno desc";
    let rows = connection.query("read stored parameters", sql, &[&name]).await?;
    let row = rows.iter().find(|row| row.get::<_, Option<&str>>(1).is_some_and(is_auto_conf));
    Ok(row.and_then(|row| row.get(0)))
}

fn is_auto_conf(path: &str) -> bool {
    path.ends_with("/postgresql.auto.conf")
}

/// Writes a value into `postgresql.auto.conf`, or removes it.
pub(crate) async fn alter_system(
    connection: &Connection,
    name: &str,
    value: Option<&str>,
) -> Result<()> {
    let quoted = quoted(name);
    let sql = match value {
        None => format!("alter system reset {quoted}"),
        Some(value) => format!("alter system set {quoted} = {}", literals(name, value)),
    };
    let answer = connection.batch_raw("change a parameter", &sql).await?;
    answer.map_err(|source| refused(name, source))
}

/// The name of a parameter as SQL, with its prefix where it has one.
fn quoted(name: &str) -> String {
    let parts = name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}

/// What PostgreSQL said of a value.
fn refused(name: &str, source: tokio_postgres::Error) -> Error {
    match source.as_db_error() {
        Some(refusal) => Error::Rejected {
            name: name.to_owned(),
            message: refusal.message().to_owned(),
            detail: refusal.detail().map(str::to_owned),
            hint: refusal.hint().map(str::to_owned),
        },
        None => Error::Query { doing: "change a parameter", source },
    }
}

/// A value as SQL: one literal, or one for each element of a list.
fn literals(name: &str, value: &str) -> String {
    let elements = if LISTS.contains(&name) { list_elements(value) } else { vec![] };
    if elements.is_empty() {
        return literal(value);
    }
    elements.iter().map(|element| literal(element)).collect::<Vec<_>>().join(", ")
}

/// An escape string, which means the same whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::{literal, literals};

    #[test]
    fn quotes_values_for_sql() {
        assert_eq!(literal("a'b\\c"), "E'a''b\\\\c'");
        assert_eq!(literals("work_mem", "a, b"), "E'a, b'");
        assert_eq!(literals("shared_preload_libraries", "a, \"b\""), "E'a', E'b'");
        assert_eq!(literals("shared_preload_libraries", ""), "E''");
    }
}
