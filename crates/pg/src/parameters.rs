//! Server parameters as they are: PostgreSQL's own and `require_secure_transport`.

use serde::Serialize;
use tokio_postgres::Row;

use crate::connection::STATEMENT_TIMEOUT;
use crate::{Cluster, Connection, Error, Policy, Result, suggest};

/// Our own parameter, not one of PostgreSQL's: whether TCP without TLS is refused.
pub const REQUIRE_SECURE_TRANSPORT: &str = "require_secure_transport";
/// The longest name that is looked up.
const NAME_BYTES: usize = 128;

/// One server parameter.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The value that a new session gets, in `unit`.
    pub value: String,
    /// The unit of the value, for example `8kB`.
    pub unit: Option<String>,
    /// `bool`, `enum`, `integer`, `real` or `string`.
    pub data_type: String,
    /// The value it has when nobody sets it.
    pub default: Option<String>,
    /// The least number that is allowed.
    pub min: Option<String>,
    /// The greatest number that is allowed.
    pub max: Option<String>,
    /// The words that are allowed.
    pub allowed_values: Vec<String>,
    /// Whether a change takes effect without a restart.
    pub dynamic: bool,
    /// Whether nobody can change it: PostgreSQL fixes it, or pgkeep does.
    pub read_only: bool,
    /// When a change takes effect.
    pub effect: Effect,
    /// What pgkeep allows of it and why, where it does not allow everything.
    pub guard: Option<String>,
    /// Whether a change waits for a restart.
    pub pending_restart: bool,
    /// Where the value comes from, in PostgreSQL's words.
    pub source: String,
    /// The group it belongs to.
    pub category: String,
    /// What it does.
    pub description: String,
    /// PostgreSQL's word for when it can be set.
    #[serde(skip)]
    pub(crate) context: String,
    /// The file the value comes from.
    #[serde(skip)]
    pub(crate) source_file: Option<String>,
}

/// When a change of a parameter takes effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Never: the value was fixed when the cluster or the program was made.
    Never,
    /// With the next start.
    Restart,
    /// In sessions that begin after the change.
    NewSessions,
    /// At once, in the server and in sessions that have set no value of their own.
    Immediate,
}

impl Effect {
    /// By PostgreSQL's word for when it can be set.
    fn of(context: &str) -> Self {
        match context {
            "internal" => Self::Never,
            "postmaster" => Self::Restart,
            "backend" | "superuser-backend" => Self::NewSessions,
            _ => Self::Immediate,
        }
    }
}

const COLUMNS: &str = "select name, coalesce(case when source = 'client' then boot_val \
     else reset_val end, ''), unit, vartype, boot_val, min_val, max_val, enumvals, context, \
     pending_restart, case when source = 'client' then 'default' else source end, category, \
     short_desc, sourcefile from pg_settings";

/// All parameters of a running server, by name; with `require_secure_transport` among them.
pub async fn parameters(cluster: &Cluster, connection: &Connection) -> Result<Vec<Parameter>> {
    let mut all = read(connection, None).await?;
    all.iter_mut().for_each(|found| cluster.mark_guarded(found));
    all.push(own(&cluster.policy()?));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// One parameter of a running server; upper and lower case are the same.
pub async fn parameter(
    cluster: &Cluster,
    connection: &Connection,
    name: &str,
) -> Result<Parameter> {
    let name = name.trim();
    if name.eq_ignore_ascii_case(REQUIRE_SECURE_TRANSPORT) {
        return Ok(own(&cluster.policy()?));
    }
    if name.len() <= NAME_BYTES
        && let Some(mut found) = read(connection, Some(name)).await?.pop()
    {
        cluster.mark_guarded(&mut found);
        return Ok(found);
    }
    Err(unknown(connection, name).await?)
}

async fn unknown(connection: &Connection, name: &str) -> Result<Error> {
    let name: String = name.chars().take(NAME_BYTES).collect();
    let rows = connection.query("list parameters", "select name from pg_settings", &[]).await?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let known = names.iter().map(String::as_str).chain([REQUIRE_SECURE_TRANSPORT]);
    let nearest = suggest::nearest(&name.to_ascii_lowercase(), known);
    Ok(Error::UnknownParameter { name, nearest })
}

/// Reads `pg_settings` as a session without our own statement timeout sees it.
async fn read(connection: &Connection, name: Option<&str>) -> Result<Vec<Parameter>> {
    let doing = "read parameters";
    connection.batch(doing, "reset statement_timeout").await?;
    let rows = match name {
        Some(name) => {
            let sql = format!("{COLUMNS} where lower(name) = lower($1)");
            connection.query(doing, &sql, &[&name]).await
        }
        None => connection.query(doing, COLUMNS, &[]).await,
    };
    connection.batch(doing, &format!("set statement_timeout = '{STATEMENT_TIMEOUT}'")).await?;
    Ok(rows?.iter().map(from_row).collect())
}

fn from_row(row: &Row) -> Parameter {
    let context: String = row.get(8);
    Parameter {
        name: row.get(0),
        value: row.get(1),
        unit: row.get(2),
        data_type: row.get(3),
        default: row.get(4),
        min: row.get(5),
        max: row.get(6),
        allowed_values: row.get::<_, Option<Vec<String>>>(7).unwrap_or_default(),
        dynamic: context != "postmaster" && context != "internal",
        read_only: context == "internal",
        effect: Effect::of(&context),
        guard: None,
        pending_restart: row.get(9),
        source: row.get(10),
        category: row.get(11),
        description: row.get(12),
        context,
        source_file: row.get(13),
    }
}

fn own(policy: &Policy) -> Parameter {
    let on_off = |on: bool| if on { "on" } else { "off" }.to_owned();
    let is_default = policy.require_secure_transport;
    Parameter {
        name: REQUIRE_SECURE_TRANSPORT.to_owned(),
        value: on_off(policy.require_secure_transport),
        unit: None,
        data_type: "bool".to_owned(),
        default: Some(on_off(true)),
        min: None,
        max: None,
        allowed_values: Vec::new(),
        dynamic: true,
        read_only: false,
        effect: Effect::Immediate,
        guard: None,
        pending_restart: false,
        source: if is_default { "default" } else { "configuration file" }.to_owned(),
        category: "Connections and Authentication / SSL".to_owned(),
        description: "Refuses connections over TCP that are not encrypted.".to_owned(),
        context: "sighup".to_owned(),
        source_file: None,
    }
}
