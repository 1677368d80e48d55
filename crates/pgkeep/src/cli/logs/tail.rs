//! `pgkeep logs tail`.

use std::collections::VecDeque;
use std::time::Duration;

use base::{ExitCode, Fault};
use serde_json::{Value, json};

use super::super::output::{self, Format};
use super::query::{Answer, ask, text};
use crate::home::Home;

/// What is followed where nothing is said.
const QUERY: &str = "PGSQLServerLogs \
                     | project TimeGenerated, LogicalServerName, ErrorLevel, Message";
/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);
/// Events may come so much later than they happened and are still shown.
const LATE: &str = "PT2M";
/// So many events of that time are known to be shown already.
const SHOWN_MAX: usize = 100_000;

/// Arguments of `pgkeep logs tail`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct TailCommand {
    /// A table, or a query whose answer has TimeGenerated
    #[arg(default_value = QUERY)]
    query: String,
    /// Events of the time before that are shown first, as an ISO 8601 duration
    #[arg(long, value_name = "DURATION", default_value = "PT1M")]
    since: String,
    /// Show what is there and end
    #[arg(long)]
    once: bool,
}

pub(super) fn run(home: &Home, command: &TailCommand, format: Format) -> Result<ExitCode, Fault> {
    let query = format!("{}\n| sort by TimeGenerated asc", command.query);
    let mut shown: VecDeque<String> = VecDeque::new();
    let mut timespan = command.since.clone();
    loop {
        let answer = ask(home, &json!({ "query": query, "timespan": timespan }))?;
        for row in &answer.rows {
            let line = json!(row).to_string();
            if shown.contains(&line) {
                continue;
            }
            print(&answer, row, format)?;
            shown.push_back(line);
        }
        while shown.len() > SHOWN_MAX {
            shown.pop_front();
        }
        if command.once {
            return Ok(ExitCode::Ok);
        }
        LATE.clone_into(&mut timespan);
        std::thread::sleep(PERIOD);
    }
}

fn print(answer: &Answer, row: &[Value], format: Format) -> Result<(), Fault> {
    if format == Format::None {
        return Ok(());
    }
    if matches!(format, Format::Json | Format::Jsonc) {
        let columns = answer.columns.iter().map(|column| column.name.clone());
        let event: serde_json::Map<String, Value> = columns.zip(row.iter().cloned()).collect();
        return output::print(&format!("{}\n", Value::Object(event)));
    }
    let cells: Vec<String> =
        row.iter().map(|value| text(value).replace(['\t', '\n', '\r'], " ")).collect();
    output::print(&format!("{}\n", cells.join("\t")))
}
