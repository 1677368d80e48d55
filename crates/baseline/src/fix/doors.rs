//! Who is let in by `pg_hba.conf` before and after lines of it are changed: each session that is
//! open now is put to both.

use std::collections::BTreeSet;
use std::net::IpAddr;

use kql::value::Json;
use pg::Connection;

use super::plan::Edit;
use super::radius::{Login, Radius};
use crate::bundle::{Bundle, TableEvidence};
use crate::derive::{Answer, Simulated, simulate};
use crate::error::Result;

/// The tables that decide.
pub(super) const TABLES: [&str; 4] = ["HbaRules", "Roles", "MembershipPaths", "Databases"];
const RULES: &str = "HbaRules";
const SCRAM: &str = "scram-sha-256";

/// Who is refused by the changed lines, and who would need what they may not have.
pub(super) async fn by_lines(
    connection: &Connection,
    bundle: &Bundle,
    edits: &[&Edit],
    logins: &[Login],
) -> Result<Radius> {
    let mut after = bundle.clone();
    if let Some(rules) = after.tables.get_mut(RULES) {
        edit(rules, edits);
    }
    let sql = "select rolname::text from pg_authid where rolpassword like 'SCRAM-SHA-256$%'";
    let rows = connection.query("list roles with a SCRAM verifier", sql, &[]).await?;
    let with_scram: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut radius = Radius::default();
    for login in logins {
        let address: Option<IpAddr> = login.address.as_ref().and_then(|text| text.parse().ok());
        let ask = |bundle: &Bundle| -> Result<Simulated> {
            simulate(bundle, &login.role, Some(&login.database), address, login.tls.is_some())
        };
        let (old, new) = (ask(bundle)?, ask(&after)?);
        match (old.outcome, new.outcome) {
            (Answer::Reject | Answer::NoEntry, _) => {}
            (_, Answer::Reject | Answer::NoEntry) => {
                let why = match new.line {
                    Some(line) => format!("refused by line {line} of the new pg_hba.conf"),
                    None => "no line of the new pg_hba.conf lets it in".to_owned(),
                };
                radius.refused.push((login.clone(), why));
            }
            (_, Answer::Unsure) => radius.unsure.push(format!(
                "whether {} is still let into {}: names in pg_hba.conf that only PostgreSQL knows",
                login.role, login.database
            )),
            (_, Answer::Allow) => {
                let asks_more = old.method != new.method && new.method.as_deref() == Some(SCRAM);
                if asks_more && !with_scram.contains(&login.role) {
                    let why = "has no SCRAM verifier, which is asked for now".to_owned();
                    radius.refused.push((login.clone(), why));
                }
            }
        }
    }
    Ok(radius)
}

/// The rules as they will be.
fn edit(rules: &mut TableEvidence, edits: &[&Edit]) {
    let at = |name: &str| rules.columns.iter().position(|column| column.name == name);
    let (Some(line), Some(kind), Some(method), Some(rule)) =
        (at("line"), at("type"), at("method"), at("rule"))
    else {
        return;
    };
    let columns = rules.columns.clone();
    let mut rows = Vec::new();
    let mut left: Vec<&&Edit> = edits.iter().collect();
    for row in &rules.rows {
        let number = match row[line] {
            Json::Long(number) => number,
            _ => 0,
        };
        let mut row = row.clone();
        let mut is_gone = false;
        left.retain(|edit| {
            if edit.line != number {
                return true;
            }
            rows.extend(edit.insert.as_deref().and_then(|text| inserted(text, number, &columns)));
            is_gone |= edit.remove;
            if let Some(text) = &edit.connection {
                row[kind] = Json::String(text.as_str().into());
            }
            if let Some(text) = &edit.method {
                row[method] = Json::String(text.as_str().into());
            }
            false
        });
        if !is_gone {
            rows.push(row);
        }
    }
    rows.extend(
        left.iter().filter_map(|edit| inserted(edit.insert.as_deref()?, edit.line, &columns)),
    );
    for (n, row) in rows.iter_mut().enumerate() {
        row[rule] = Json::Long(i64::try_from(n + 1).unwrap_or(i64::MAX));
    }
    rules.rows = rows;
}

/// A line that a fix puts in, as a row: `TYPE DATABASES ROLES ADDRESS METHOD`.
fn inserted(text: &str, line: i64, columns: &[kql::plan::Column]) -> Option<Vec<Json>> {
    let mut words = text.split_whitespace();
    let (kind, databases, roles) = (words.next()?, words.next()?, words.next()?);
    let (address, method) = (words.next()?, words.next()?);
    let (address, bits) = address.split_once('/').unwrap_or((address, ""));
    let list = |words: &str| {
        let words = words.split(',').map(|word| Json::String(word.trim_matches('"').into()));
        Json::Array(words.collect())
    };
    let cell = |name: &str| match name {
        "line" => Json::Long(line),
        "type" => Json::String(kind.into()),
        "databases" => list(databases),
        "users" => list(roles),
        "address" => Json::String(address.into()),
        "bits" => bits.parse().map_or(Json::Null, Json::Long),
        "method" => Json::String(method.into()),
        "item" => Json::String(text.into()),
        "error" | "warning" | "file" => Json::String("".into()),
        _ => Json::Null,
    };
    Some(columns.iter().map(|column| cell(&column.name)).collect())
}
