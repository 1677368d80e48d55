//! What fixes by SQL may touch, as rows that can be compared: before, after, and after the undo.
//!
//! Names identify rows, not oids: what is dropped and made again is the same to whoever looks. An
//! access list keeps the order of its elements, since "as it was" means the same text.

use std::collections::BTreeMap;

use base::Fault;
use pg::Connection;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Rows that are read.
const ROWS_MAX: usize = 300_000;

/// Something that can be touched: a kind and a name, and the database that it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thing {
    /// Where it is in one
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// `role`, `relation`, `function`, …
    pub kind: String,
    /// Its name, quoted where SQL would have it so
    pub name: String,
}

/// What it is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Its access list, or another list whose order counts; absent where there is none, which is
    /// not the same as an empty one
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<String>>,
    /// All else
    pub rest: String,
}

/// A row of what may be touched.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) look: Look,
    /// Catalog, oid and column of the list
    pub(super) place: Option<Place>,
}

/// Where a list stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) catalog: String,
    pub(super) oid: Option<u32>,
    pub(super) column: String,
}

/// Everything that may be touched, by name.
pub(super) type State = BTreeMap<Thing, Row>;

/// Something that was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// What
    #[serde(flatten)]
    pub thing: Thing,
    /// Before; absent: it was not there, or as PostgreSQL makes it
    pub before: Option<Look>,
    /// After
    pub after: Option<Look>,
}

/// Reads what may be touched through one connection: of the cluster and of its database.
pub(super) async fn read(connection: &Connection, database: &str) -> Result<State> {
    let sql = "select current_setting('server_version_num')::int";
    let version: i32 = connection.query_one("ask for the version", sql, &[]).await?.get(0);
    let cluster = include_str!("cluster.sql");
    let parameters = if version >= 150_000 { include_str!("parameters.sql") } else { "" };
    let mut state = State::new();
    let of_cluster = format!("{cluster}{parameters}");
    for (database, sql) in
        [(None, of_cluster.as_str()), (Some(database), include_str!("database.sql"))]
    {
        let rows = connection.query("read what a fix may touch", sql, &[]).await?;
        if rows.len() > ROWS_MAX {
            let message = format!("there are more than {ROWS_MAX} objects to look at");
            return Err(Fault::new("too_much", message).into());
        }
        for row in rows {
            let thing =
                Thing { database: database.map(str::to_owned), kind: row.get(0), name: row.get(1) };
            let (catalog, column): (Option<String>, Option<String>) = (row.get(2), row.get(4));
            let place = catalog.zip(column).map(|(catalog, column)| Place {
                catalog,
                oid: row.get(3),
                column,
            });
            let list: Option<Vec<String>> = row.get(5);
            let rest: Option<String> = row.get(6);
            let look = Look { list: hidden(&thing, list), rest: rest.unwrap_or_default() };
            state.insert(thing, Row { look, place });
        }
    }
    Ok(state)
}

/// Settings of roles may hold secrets: their values are hashed.
fn hidden(thing: &Thing, list: Option<Vec<String>>) -> Option<Vec<String>> {
    if thing.kind != "settings of" {
        return list;
    }
    let hide = |entry: String| {
        let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
        let hash = crypto::sha256(value.as_bytes());
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{name}={hash}")
    };
    list.map(|list| list.into_iter().map(hide).collect())
}

/// What differs between two states.
pub(super) fn touched(before: &State, after: &State) -> Vec<Touched> {
    let mut all: Vec<Touched> = Vec::new();
    for (thing, row) in after {
        let old = before.get(thing).map(|row| &row.look);
        if old != Some(&row.look) {
            let after = Some(row.look.clone());
            all.push(Touched { thing: thing.clone(), before: old.cloned(), after });
        }
    }
    let gone = before.iter().filter(|(thing, _)| !after.contains_key(*thing));
    all.extend(gone.map(|(thing, row)| Touched {
        thing: thing.clone(),
        before: Some(row.look.clone()),
        after: None,
    }));
    all
}

/// Puts lists back into the order that they had, after statements have given back what is in
/// them: PostgreSQL appends, and writes out the default where there was nothing. Only what is the
/// same in meaning is written, within the caller's transaction.
pub(super) async fn put_back_lists(
    connection: &Connection,
    now: &State,
    touched: &[Touched],
) -> Result<()> {
    for one in touched {
        let Some(row) = now.get(&one.thing) else { continue };
        if one.thing.kind == "role" {
            no_end(connection, one, row).await?;
        }
        let Some(place) = &row.place else { continue };
        let before = one.before.as_ref().and_then(|look| look.list.as_ref());
        let (Some(list), false) = (&row.look.list, row.look.list.as_ref() == before) else {
            continue;
        };
        match before {
            Some(before) if same_elements(before, list) => {
                order(connection, &one.thing, place, list, before).await?;
            }
            None => no_list(connection, &one.thing, place).await?,
            _ => {}
        }
    }
    Ok(())
}

/// `VALID UNTIL` cannot be taken away again by a statement; `infinity` says the same.
async fn no_end(connection: &Connection, touched: &Touched, now: &Row) -> Result<()> {
    const NONE: &str = "\"rolvaliduntil\": null";
    let had_none = touched.before.as_ref().is_some_and(|look| look.rest.contains(NONE));
    if had_none && now.look.rest.contains("\"rolvaliduntil\": \"infinity\"") {
        let sql = "update pg_catalog.pg_authid set rolvaliduntil = null \
                   where rolname = $1 and rolvaliduntil = 'infinity'";
        connection.execute("take the end of a password away", sql, &[&touched.thing.name]).await?;
    }
    Ok(())
}

fn same_elements(a: &[String], b: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    sorted(a) == sorted(b)
}

/// The condition that finds a row of a catalog.
fn found(thing: &Thing, place: &Place) -> Option<String> {
    match (place.catalog.as_str(), place.oid) {
        ("pg_attribute", Some(oid)) => {
            let column = thing.name.rsplit_once('.').map(|(_, column)| column)?;
            Some(format!("attrelid = {oid} and quote_ident(attname) = {}", literal(column)))
        }
        (_, Some(oid)) => Some(format!("oid = {oid}")),
        // Settings of roles have no oid: the row says which it is.
        _ => None,
    }
}

async fn order(
    connection: &Connection,
    thing: &Thing,
    place: &Place,
    now: &[String],
    before: &[String],
) -> Result<()> {
    // By places instead of values: values may be hashed here.
    let mut left: Vec<Option<&String>> = now.iter().map(Some).collect();
    let places = before.iter().filter_map(|element| {
        let at = left.iter().position(|found| *found == Some(element))?;
        left[at] = None;
        Some((at + 1).to_string())
    });
    let places: Vec<String> = places.collect();
    let Place { catalog, column, .. } = place;
    let condition = match found(thing, place) {
        Some(condition) => condition,
        None => settings_of(thing),
    };
    let sql = format!(
        "update pg_catalog.{catalog} set {column} = (select array_agg({column}[n] order by place) \
         from unnest(array[{}]) with ordinality as ordered(n, place)) where {condition}",
        places.join(",")
    );
    connection.execute("put an access list into its order", &sql, &[]).await?;
    Ok(())
}

/// The condition that finds the settings of a role or a database.
fn settings_of(thing: &Thing) -> String {
    format!(
        "concat_ws(' in database ', (select 'role ' || rolname from pg_catalog.pg_roles \
         where oid = setrole), (select quote_ident(datname) from pg_catalog.pg_database \
         where oid = setdatabase)) = {}",
        literal(&thing.name)
    )
}

/// Takes away a list that says what holds without it.
async fn no_list(connection: &Connection, thing: &Thing, place: &Place) -> Result<()> {
    let kind = match place.catalog.as_str() {
        "pg_class" => "case relkind when 'S' then 's' else 'r' end::\"char\"",
        "pg_proc" => "'f'",
        "pg_namespace" => "'n'",
        "pg_database" => "'d'",
        "pg_type" => "'T'",
        "pg_language" => "'l'",
        "pg_largeobject_metadata" => "'L'",
        "pg_tablespace" => "'t'",
        "pg_foreign_data_wrapper" => "'F'",
        "pg_foreign_server" => "'S'",
        "pg_attribute" => "'c'",
        _ => return Ok(()),
    };
    let Some(condition) = found(thing, place) else { return Ok(()) };
    let Place { catalog, column, .. } = place;
    // A list of a column is empty by default, and then not there at all.
    let owner = match catalog.as_str() {
        "pg_attribute" => "(select relowner from pg_catalog.pg_class where oid = attrelid)",
        "pg_class" => "relowner",
        "pg_proc" => "proowner",
        "pg_namespace" => "nspowner",
        "pg_database" => "datdba",
        "pg_type" => "typowner",
        "pg_language" => "lanowner",
        "pg_largeobject_metadata" => "lomowner",
        "pg_tablespace" => "spcowner",
        "pg_foreign_data_wrapper" => "fdwowner",
        _ => "srvowner",
    };
    let sql = format!(
        "update pg_catalog.{catalog} set {column} = null where {condition} and \
         (select coalesce(array_agg(item::text order by item::text), '{{}}') from \
         unnest({column}) as item) = (select coalesce(array_agg(item::text order by item::text), \
         '{{}}') from unnest(pg_catalog.acldefault({kind}, {owner})) as item)"
    );
    connection.execute("take away a default access list", &sql, &[]).await?;
    Ok(())
}

/// A text as a literal of SQL, whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        return format!(" E'{}'", quoted.replace('\\', "\\\\"));
    }
    format!("'{quoted}'")
}
