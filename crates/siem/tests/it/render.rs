//! What a parser makes of a file, as JSON: the form of the files of expected rows.

use std::sync::Arc;

use kql::value::{UNIX_EPOCH, Value};
use serde_json::{Map, json};
use siem::{Intake, Library, Origin, Settings};

/// Splits and parses `bytes`. Columns that are empty are left out.
pub(crate) fn render(parser: &str, prefix: Option<&str>, bytes: &[u8]) -> Result<String, String> {
    let library = Library::new().map_err(|e| e.to_string())?;
    let log_line_prefix = prefix.map(str::to_owned);
    let settings = Settings { log_line_prefix, ..Settings::default() };
    let parser = library.parser(parser, &settings).map_err(|e| format!("{e:?}"))?;
    let mut splitter = parser.splitter(0);
    let given = vec![("server_name".to_owned(), Value::text("shop"))];
    let mut intake = Intake::new(Arc::new(parser), Origin { source: "sample".into(), given });
    splitter.feed(bytes);
    splitter.finish();
    while let Some(record) = splitter.next_record() {
        intake.parse(&record, UNIX_EPOCH);
    }
    let output = intake.take();
    let mut rows = Vec::new();
    for batch in &output.batches {
        for (i, at) in batch.positions.iter().enumerate() {
            let mut values = Map::new();
            for (place, column) in batch.table.columns.iter().enumerate() {
                let value = batch.at(i, place).ok_or("a column is too short")?;
                if value.kind().is_some_and(|kind| kind != column.kind) {
                    return Err(format!("{}.{} has another type", batch.table.name, column.name));
                }
                let text = value.to_text();
                if !text.is_empty() {
                    values.insert(column.name.to_string(), json!(&*text));
                }
            }
            let (offset, part) = (at.offset, at.part);
            let table = &*batch.table.name;
            rows.push(json!({"table": table, "offset": offset, "part": part, "values": values}));
        }
    }
    rows.sort_by_key(|row| row["offset"].as_u64());
    let dead: Vec<_> = output
        .dead
        .iter()
        .map(|d| json!({"offset": d.at.offset, "part": d.at.part, "reason": d.reason.word()}))
        .collect();
    let all = json!({"log_line_prefix": prefix, "rows": rows, "dead": dead});
    serde_json::to_string_pretty(&all).map(|text| text + "\n").map_err(|e| e.to_string())
}
