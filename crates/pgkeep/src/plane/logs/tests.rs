//! The lake as the plane uses it, on a real folder.

use std::sync::Arc;

use api::plane::model::{LogsIngestQuery, LogsQuery};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::{Logs, OwnLine, OwnLines, OwnRecord};

pub(super) fn opened(folder: &tempfile::TempDir) -> Arc<Logs> {
    Arc::new(Logs::open(folder.path(), None, None).unwrap())
}

pub(super) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

/// The rows that a query gives, as JSON.
pub(super) async fn rows(logs: &Arc<Logs>, query: &str) -> Vec<Value> {
    let wish = LogsQuery { query: query.to_owned(), ..LogsQuery::default() };
    let lines = Arc::clone(logs).query("anna", wish).await.unwrap();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(&line).unwrap()).collect().await;
    let rows = lines.iter().filter_map(|line| line["rows"].as_array());
    let rows: Vec<Value> = rows.flatten().cloned().collect();
    assert!(lines.iter().all(|line| line.get("error").is_none()), "{lines:?}");
    rows
}

const STATES: OwnRecord = OwnRecord { source: "pgkeep/servers", parser: "pgkeep-state" };

fn state(id: u64, concern: Option<&str>) -> OwnLine {
    let text =
        format!(r#"{{"id":{id},"at":"2026-11-27T13:59:05Z","server":"shop","state":"Ready"}}"#);
    OwnLine { text, end: id, concern: concern.map(str::to_owned) }
}

fn lines(lines: Vec<OwnLine>) -> OwnLines {
    OwnLines { lines, more: false }
}

#[test]
fn an_own_record_is_stored_once_and_its_place_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let logs = opened(&folder);
    assert_eq!(logs.own_position(STATES), 0);
    logs.take_own(STATES, OwnLines::default()).unwrap();
    logs.take_own(STATES, lines(vec![state(1, None), state(2, None)])).unwrap();
    drop(logs);
    let logs = opened(&folder);
    assert_eq!(logs.own_position(STATES), 2);
    // What is stored is not stored again, whoever tries it.
    logs.take_own(STATES, lines(vec![state(2, None)])).unwrap_err();
    logs.take_own(STATES, lines(vec![state(7, Some("4 lines before it are gone"))])).unwrap();
    let broken = OwnLine { text: "{".to_owned(), end: 8, concern: None };
    logs.take_own(STATES, lines(vec![broken])).unwrap();
    run(async {
        let found = rows(&logs, "PgkeepActivity | project Sequence | sort by Sequence asc").await;
        assert_eq!(found, [[1], [2], [7]].map(|row| serde_json::json!(row)));
        let query = "PgkeepDeadLetters | where Source == 'pgkeep/servers' | project Detail";
        let found = rows(&logs, query).await;
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(format!("{found:?}").contains("4 lines before it are gone"));
    });
    let known = logs.connectors();
    let known = known.iter().find(|connector| connector.name == STATES.source).unwrap();
    assert_eq!((known.kind.as_str(), known.health.as_str()), ("pgkeep", "ok"));
    assert_eq!((known.n_events, known.n_dead_letters), (1, 2));
}

#[test]
fn nobody_speaks_for_pgkeep_itself() {
    let folder = tempfile::tempdir().unwrap();
    let logs = opened(&folder);
    let push = |how: LogsIngestQuery| {
        let body =
            futures_util::stream::iter([Ok(b"{\"TimeGenerated\":\"2026-11-27\"}\n".to_vec())]);
        run(Arc::clone(&logs).ingest("anna", how, body.boxed()))
    };
    let how = |table: Option<&str>, format: &str, source: Option<&str>| LogsIngestQuery {
        format: format.to_owned(),
        table: table.map(str::to_owned),
        source: source.map(str::to_owned),
    };
    for source in ["pgkeep/plane", "server/shop/0123", "syslog/127.0.0.1:514"] {
        let refused = push(how(Some("A_CL"), "jsonl", Some(source))).unwrap_err();
        assert_eq!(refused.code, "bad_request", "{source}");
    }
    for (table, format) in [(Some("PgkeepActivity"), "jsonl"), (None, "pgkeep-activity")] {
        let refused = push(how(table, format, None)).unwrap_err();
        assert_eq!(refused.code, "bad_request", "{format}");
    }
    push(how(Some("A_CL"), "jsonl", Some("mine"))).unwrap();
}
