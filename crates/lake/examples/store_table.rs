//! Writes a store whose tables others are to read, as `cargo xtask conform lake` asks for:
//! `store_table FOLDER [PLACE]`, where the file PLACE (JSON) says in which object store tables lie
//! and with which keys: `url`, `endpoint`, and those of [`Keys`]. There are commits, checkpoints
//! with the commits before them gone, merged files, erased rows and a column that came later.
//! Prints what the tables hold, a line of JSON each.

#![allow(clippy::print_stdout, reason = "a program that writes its answers")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use kql::engine::{Cancel, Limits};
use kql::functions::Context;
use kql::plan::{Column, Schema};
use kql::value::{
    Json, TICKS_PER_DAY, TICKS_PER_SECOND, Type, UNIX_EPOCH, Value, datetime_text, parse_datetime,
};
use lake::objects::{Access, Bucket, Credentials};
use lake::store::{Clock, Doors, Mark, Place, Rows, Store, StoreLimits};
use lake::{Lake, Tables};

/// A clock that goes on by itself at each look.
#[derive(Debug)]
struct Ticking(std::sync::atomic::AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> i64 {
        self.0.fetch_add(TICKS_PER_SECOND, std::sync::atomic::Ordering::SeqCst)
    }
}

const N_COMMITS: i64 = 27;
const ROWS: i64 = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: store_table FOLDER [PLACE]")?;
    let place = std::env::args().nth(2).map(|path| place(&path)).transpose()?;
    let start = parse_datetime("2026-11-24T08:00:00Z").unwrap_or(UNIX_EPOCH);
    let clock = Arc::new(Ticking(start.into()));
    let doors = Doors { clock, place, ..Doors::of_folder(&folder)? };
    let limits = StoreLimits {
        log_retention: Duration::ZERO,
        file_retention: Duration::ZERO,
        tend_interval: Duration::ZERO,
        merge_files: 6,
        term_rows: 100,
        group_rows: 1000,
        ..StoreLimits::default()
    };
    let store = Arc::new(Store::open(doors, limits)?);
    let mut columns = columns();
    store.declare("Events", &columns)?;
    store.declare("Few", &columns)?;
    store.set_retention("Events", Some(3650))?;
    for commit in 0..N_COMMITS {
        if commit == 20 {
            columns.push(Column::new("Later", Type::String));
            store.declare("Events", &columns)?;
        }
        let events = rows("Events", &columns, start, commit * ROWS..(commit + 1) * ROWS);
        let few = rows("Few", &columns[..9], start, commit..commit + 1);
        let mark = Mark { source: "the judge".to_owned(), position: commit as u64 + 1 };
        store.append_all(vec![events, few], Some(mark))?;
        store.flush()?;
        if commit == 17 {
            store.tend();
        }
    }
    store.erase("Events", "N % 100 == 7 or Text has 'person_12'", true)?;
    for status in store.status() {
        if let Some(error) = status.trouble.or(status.untended) {
            return Err(error.into());
        }
    }
    let mut lake = Lake::new(Tables::new(), lake::Limits::default())?;
    lake.attach(Arc::clone(&store));
    for table in ["Events", "Few"] {
        println!("{}", facts(&lake, table)?);
    }
    Ok(())
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Keys {
    S3 { access_key_id: String, secret_access_key: String },
    Azure { account_name: String, account_key: String },
}

#[derive(serde::Deserialize)]
struct Described {
    url: String,
    endpoint: String,
    #[serde(flatten)]
    keys: Keys,
}

/// The place that a file describes.
fn place(path: &str) -> Result<Arc<dyn Place>, Box<dyn Error>> {
    let Described { url, endpoint, keys } = serde_json::from_slice(&std::fs::read(path)?)?;
    let credentials = match keys {
        Keys::S3 { access_key_id: id, secret_access_key: secret } => {
            Credentials::AccessKey { id, secret, token: None }
        }
        Keys::Azure { account_name, account_key: key } => {
            Credentials::AccountKey { account: Some(account_name), key }
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
    let (endpoint, region) = (Some(endpoint), None);
    let access = Access { endpoint, region, allow_http: true, credentials, client };
    Ok(Arc::new(Bucket::open(&url, &access)?))
}

fn columns() -> Schema {
    let columns = [
        ("TimeGenerated", Type::DateTime),
        ("N", Type::Long),
        ("Small", Type::Int),
        ("Ratio", Type::Real),
        ("Flag", Type::Bool),
        ("Text", Type::String),
        ("Span", Type::TimeSpan),
        ("Id", Type::Guid),
        ("Bag", Type::Dynamic),
    ];
    columns.map(|(name, ty)| Column::new(name, ty)).into()
}

fn rows(table: &str, columns: &[Column], start: i64, numbers: std::ops::Range<i64>) -> Rows {
    let value = |n: i64, column: &Column| match &*column.name {
        "TimeGenerated" => {
            let shuffled = n * 7919 % 86_400;
            Value::DateTime(
                start + n % 3 * TICKS_PER_DAY / 2 + shuffled * TICKS_PER_SECOND + n * 10,
            )
        }
        "N" => Value::Long(n),
        "Small" if n % 11 == 0 => Value::Null,
        "Small" => Value::Int(i32::try_from(n % 1000).unwrap_or(0) - 500),
        "Ratio" => Value::Real(n as f64 / 8.0),
        "Flag" => Value::Bool(n % 3 == 0),
        "Text" if n % 5 == 0 => Value::text(""),
        "Text" => Value::text(format!("Zeile {n} of person_{}: größer", n % 50)),
        "Span" => Value::TimeSpan(n * TICKS_PER_SECOND),
        "Id" => Value::Guid(n as u128),
        "Bag" => Json::parse(&format!(r#"{{"n":{n}}}"#)).map_or(Value::Null, Value::json),
        _ => Value::text(format!("later {n}")),
    };
    let column = |column: &Column| numbers.clone().map(|n| value(n, column)).collect();
    Rows { table: table.to_owned(), columns: columns.iter().map(column).collect() }
}

/// What a table holds, as pgkeep's own engine sees it.
fn facts(lake: &Lake, table: &str) -> Result<String, Box<dyn Error>> {
    let text = format!(
        "{table} | summarize n=count(), sum_n=sum(N), sum_small=sum(Small), n_small=\
         countif(isnotnull(Small)), sum_ratio=sum(Ratio), n_flag=countif(Flag), n_empty=\
         countif(Text == ''), chars=sum(strlen(Text)), sum_span=sum(tolong(Span)), \
         sum_bag=sum(tolong(Bag.n)), first=min(TimeGenerated), last=max(TimeGenerated)"
    );
    let tables = lake.snapshot();
    let binding = kql::bind::compile(&text, &tables, Context { now: UNIX_EPOCH }, None);
    let query = binding.query.ok_or("the question does not bind")?;
    let answer = lake.run_at(UNIX_EPOCH, &query, &Limits::default(), &Cancel::new())?;
    let row = answer.rows.first().ok_or("no answer")?;
    let mut facts = serde_json::Map::new();
    facts.insert("table".to_owned(), table.into());
    for (column, value) in answer.schema.iter().zip(row) {
        let value = match value {
            Value::DateTime(at) => datetime_text(*at).chars().take(26).collect::<String>().into(),
            Value::Real(x) => (*x).into(),
            value => value.as_integer().into(),
        };
        facts.insert(column.name.clone(), value);
    }
    Ok(serde_json::Value::from(facts).to_string())
}
