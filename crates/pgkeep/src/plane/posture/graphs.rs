//! What the newest evidence says of connections and of roles.

use std::net::IpAddr;

use api::plane::model::{
    BaselineHbaAnswer, BaselineHbaQuery, BaselineRoleEdge, BaselineRoleGraph, BaselineRolePath,
};
use base::{ExitCode, Fault, ServerName};
use baseline::{Answer, Bundle, Simulated, simulate};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::plane::store::SqliteStore;

/// What a bundle must hold for the simulator.
const OF_HBA: [&str; 4] = ["HbaRules", "Roles", "MembershipPaths", "Databases"];
const EDGES: &str = "RoleEdges";
const PATHS: &str = "RolePaths";

fn read_at(bundle: &Bundle) -> Result<Timestamp, Fault> {
    bundle.collected_at.parse().map_err(|e: jiff::Error| {
        Fault::from_error("plane_store", "a bundle of evidence has no moment", &e)
    })
}

/// The rows of a table as objects.
fn rows(bundle: &Bundle, table: &str) -> Result<Vec<Value>, Fault> {
    let Some(table) = bundle.tables.get(table) else { return Ok(Vec::new()) };
    let row = |row: &Vec<kql::value::Json>| -> Result<Value, serde_json::Error> {
        let mut object = Map::new();
        for (column, cell) in table.columns.iter().zip(row) {
            object.insert(column.name.clone(), serde_json::to_value(cell)?);
        }
        Ok(Value::Object(object))
    };
    let rows: Result<Vec<Value>, _> = table.rows.iter().map(row).collect();
    rows.map_err(|e| Fault::from_error("plane_store", "evidence is no JSON", &e))
}

fn typed<T: DeserializeOwned>(rows: Vec<Value>) -> Result<Vec<T>, Fault> {
    let typed: Result<Vec<T>, _> = rows.into_iter().map(serde_json::from_value).collect();
    typed.map_err(|e| Fault::from_error("plane_store", "evidence has another shape", &e))
}

/// What pg_hba.conf would say to a connection.
pub(in crate::plane) fn hba(
    store: &SqliteStore,
    name: &ServerName,
    query: &BaselineHbaQuery,
) -> Result<BaselineHbaAnswer, Fault> {
    let bad = |message: &str| Fault::new("bad_request", message).exit(ExitCode::Usage);
    let address: Option<IpAddr> = match query.address.as_deref() {
        None | Some("") => None,
        Some(text) => Some(text.parse().map_err(|_| bad("that is no address"))?),
    };
    if query.role.is_empty() {
        return Err(bad("as which role?"));
    }
    let database = query.database.as_deref().filter(|name| !name.is_empty());
    let bundle = store.newest_bundle(name, &OF_HBA)?;
    let said = simulate(&bundle, &query.role, database, address, query.tls)
        .map_err(|error| error.fault().exit(ExitCode::Conflict))?;
    let text = rows(&bundle, "HbaRules")?.into_iter().find(|row| {
        said.line.is_some_and(|line| row["line"] == line)
            && said.file.as_deref().is_none_or(|file| row["file"] == file)
    });
    Ok(BaselineHbaAnswer {
        outcome: word(said.outcome).to_owned(),
        line: said.line,
        text: text.and_then(|row| row["item"].as_str().map(str::to_owned)),
        reason: reason(&said),
        file: said.file,
        method: said.method,
        read_at: read_at(&bundle)?,
    })
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Allow => "allow",
        Answer::Reject => "reject",
        Answer::NoEntry => "no-entry",
        Answer::Unsure => "unsure",
    }
}

/// The answer in words.
fn reason(said: &Simulated) -> String {
    let line = said.line.map_or_else(|| "a line".to_owned(), |line| format!("line {line}"));
    let method = said.method.as_deref().unwrap_or("its method");
    match said.outcome {
        Answer::Allow if method == "trust" => format!("{line} lets it in without any proof"),
        Answer::Allow => format!("{line} lets it in once {method} is satisfied"),
        Answer::Reject => format!("{line} refuses it"),
        Answer::NoEntry => "no line is about it, so it is refused".to_owned(),
        Answer::Unsure => {
            format!("{line} may be about it: it holds what PostgreSQL does not show in whole")
        }
    }
}

/// Who may become whom.
pub(in crate::plane) fn roles(
    store: &SqliteStore,
    name: &ServerName,
) -> Result<BaselineRoleGraph, Fault> {
    let bundle = store.newest_bundle(name, &[EDGES, PATHS])?;
    let edges: Vec<BaselineRoleEdge> = typed(rows(&bundle, EDGES)?)?;
    let paths: Vec<BaselineRolePath> = typed(rows(&bundle, PATHS)?)?;
    let tables = [EDGES, PATHS].into_iter().filter_map(|name| bundle.tables.get(name));
    let mut gaps: Vec<String> = tables
        .flat_map(|table| &table.gaps)
        .map(|gap| match &gap.database {
            Some(database) => format!("{database}: {}", gap.message),
            None => gap.message.clone(),
        })
        .collect();
    gaps.sort();
    gaps.dedup();
    Ok(BaselineRoleGraph { read_at: read_at(&bundle)?, edges, paths, gaps })
}
