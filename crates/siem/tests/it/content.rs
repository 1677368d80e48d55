//! Files of `content/` by themselves: lists, names of tables and columns, queries of collectors.

use std::collections::BTreeSet;

use kql::value::{Type, Value};
use siem::{Form, Input, Library, LoadLimits, Origin};
use siem::{collector_files, function_files, parser_files, query_files, shared_files, table_files};

use super::samples::stems;

/// Columns that whoever collects a sample adds to what the server says.
const AROUND: [&str; 11] = [
    "TimeGenerated",
    "TenantId",
    "Type",
    "SourceSystem",
    "_ResourceId",
    "_SubscriptionId",
    "_IsBillable",
    "_BilledSize",
    "LogicalServerName",
    "Location",
    "ReplicaRole",
];

#[test]
fn every_file_is_in_the_crate() {
    for (files, folder, ending) in [
        (parser_files(), "parsers", "toml"),
        (shared_files(), "parsers/shared", "toml"),
        (table_files(), "tables", "tsv"),
        (collector_files(), "collectors", "sql"),
        (function_files(), "functions", "kql"),
        (query_files(), "queries", "kql"),
    ] {
        let names: BTreeSet<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names, stems(folder, ending), "{folder}");
    }
}

#[test]
fn tables_are_such_as_the_store_takes() {
    let library = Library::new().unwrap();
    for table in library.tables() {
        let name = &table.name;
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{name}");
        let mut seen = BTreeSet::new();
        for column in &table.columns {
            let at = format!("{name}.{}", column.name);
            // Delta's names ignore case; `Day` is the store's own.
            let fresh = seen.insert(column.name.to_lowercase());
            assert!(fresh && !column.name.eq_ignore_ascii_case("Day"), "{at}");
            let plain = column.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            assert!(plain && !column.name.is_empty() && column.name.len() <= 128, "{at}");
            let meaning = column.meaning.trim();
            assert!(
                !meaning.is_empty() && meaning == column.meaning && meaning.len() < 140,
                "{at}"
            );
            assert!(!meaning.ends_with('.'), "{at}");
        }
        assert_eq!(&*table.columns[0].name, "TimeGenerated", "{name}");
        assert_eq!(table.columns[0].kind, Type::DateTime, "{name}");
        let kind = table.position("Type").map(|at| table.columns[at].kind);
        assert_eq!(kind, Some(Type::String), "{name}");
    }
}

#[test]
fn every_table_for_postgresql_has_what_azure_puts_around_rows() {
    let library = Library::new().unwrap();
    for table in library.tables().iter().filter(|table| table.name.starts_with("PGSQL")) {
        for column in AROUND {
            let bouncer = &*table.name == "PGSQLPgBouncer"
                && ["LogicalServerName", "ReplicaRole"].contains(&column);
            assert_eq!(table.position(column).is_some(), !bouncer, "{}.{column}", table.name);
        }
    }
}

#[test]
fn what_a_collector_gives_are_rows_of_its_table() {
    // As PostgreSQL 15 gave them, with row_to_json around the query.
    let sample = r#"[{"CollectionTime":"2026-11-27T18:30:08.919532+00:00","ProcessId":21296,
        "BackendType":"checkpointer","BackendStartTime":"2026-11-27T18:30:08.698113+00:00",
        "UserId":null,"DatabaseId":null,"DatabaseName":null,"ApplicationName":"",
        "ClientIpAddress":null,"State":null,"StateChangeTime":null,"TransactionStartTime":null,
        "QueryStartTime":null,"TransactionId":null,"OldestTransactionId":null,
        "WaitEventType":"Activity","WaitEvent":"CheckpointerMain"}]"#;
    let reader = Library::new().unwrap().by_name("PGSQLPgStatActivitySessions").unwrap();
    let given = vec![("LogicalServerName".to_owned(), Value::text("shop"))];
    let origin = Origin { source: "collector".into(), given };
    let bytes = sample.as_bytes();
    let input = Input { form: Form::Json, bytes, origin: &origin, offset: 0, received_at: 77 };
    let loaded = reader.read(&input, &LoadLimits::PUSH).unwrap();
    assert!(loaded.dead.is_empty() && loaded.dropped.count() == 0, "{loaded:?}");
    let value = |column| loaded.batch.value(0, column).unwrap().clone();
    assert_eq!(value("TimeGenerated"), Value::DateTime(77));
    assert_eq!(value("LogicalServerName"), Value::text("shop"));
    assert_eq!(value("ProcessId"), Value::Int(21296));
    assert_eq!(&*value("CollectionTime").to_text(), "2026-11-27T18:30:08.9195320Z");
    assert!(value("UserId").is_null());
}

#[test]
fn collectors_give_the_columns_of_their_tables() {
    let library = Library::new().unwrap();
    for (name, query) in collector_files() {
        let table = library.table(name).unwrap();
        let own = table.columns.iter().map(|column| column.name.to_string());
        let own: BTreeSet<String> = own.filter(|name| !AROUND.contains(&name.as_str())).collect();
        let mut given = Vec::new();
        for (at, _) in query.match_indices("AS \"") {
            let rest = &query[at + 4..];
            given.push(rest[..rest.find('"').unwrap()].to_owned());
        }
        assert_eq!(given.len(), own.len(), "{name}");
        assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), own, "{name}");
        // One statement, run as it is; no query of anybody's is read.
        assert!(!query.contains(';'), "{name}");
        let words: BTreeSet<&str> =
            query.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        assert!(!words.contains("query") && words.contains("pg_catalog"), "{name}");
    }
}

/// Each query of the gallery is right over the tables and functions that come with it.
#[test]
fn queries_of_the_gallery_are_right() {
    let library = Library::new().unwrap();
    let mut catalog = kql::bind::Tables::default();
    for table in library.tables() {
        let columns = table.columns.iter().map(|c| kql::plan::Column::new(&*c.name, c.kind));
        catalog.add(&*table.name, columns.collect());
    }
    let mut names = std::collections::BTreeSet::new();
    for example in library.examples() {
        assert!(names.insert(&example.name), "{} is there twice", example.name);
        let context = kql::functions::Context { now: kql::value::UNIX_EPOCH };
        let binding = kql::bind::compile(&example.query, &catalog, context, None);
        assert!(binding.diagnostics.is_empty(), "{}: {:?}", example.name, binding.diagnostics);
        assert!(binding.query.is_some(), "{}", example.name);
    }
    assert!(names.len() > 10);
}
