//! Answers queries that are named on standard input, whoever runs them.

use std::io::BufRead as _;
use std::path::Path;
use std::time::{Duration, Instant};

use datafusion::common::TableReference;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

use crate::shown::rows_of;
use crate::{Asked, Outcome};

/// A query that has no answer by then counts as one that hangs.
const LIMIT: Duration = Duration::from_secs(60);
/// The name that asks for the number of the process.
const PID: &str = ".pid";

/// Names of columns are written as they are, in capitals too.
pub(crate) fn config(config: SessionConfig, n_partitions: usize) -> SessionConfig {
    config
        .with_target_partitions(n_partitions)
        .set_bool("datafusion.sql_parser.enable_ident_normalization", false)
}

/// Reads names until there are no more.
///
/// # Errors
/// There is no file, no such query, or nobody who reads the answers.
pub(crate) async fn serve(context: &SessionContext, asked: &Asked<'_>) -> Outcome {
    let file = asked.data.join("events.parquet").display().to_string();
    // As text the name would be read as SQL, and lose its capital.
    let table = TableReference::bare("Events");
    context.register_parquet(table, &file, ParquetReadOptions::default()).await?;
    for name in std::io::stdin().lock().lines() {
        let name = name?;
        if name == PID {
            println!("{{\"name\":\"{PID}\",\"ms\":0,\"rows\":1}}\n{}", std::process::id());
            continue;
        }
        answer(context, asked.queries, &name).await?;
    }
    Ok(())
}

async fn answer(context: &SessionContext, queries: &Path, name: &str) -> Outcome {
    let text = std::fs::read_to_string(queries.join(format!("{name}.sql")))?;
    let started = Instant::now();
    let answer = tokio::time::timeout(LIMIT, async {
        let frame = context.sql(&text).await?;
        rows_of(&frame.collect().await?)
    })
    .await;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    let why = match answer {
        Ok(Ok(rows)) => {
            println!("{{\"name\":\"{name}\",\"ms\":{ms:.3},\"rows\":{}}}", rows.len());
            for row in rows {
                println!("{row}");
            }
            return Ok(());
        }
        Ok(Err(error)) => crate::chain(&error),
        Err(_) => format!("no answer within {} s", LIMIT.as_secs()),
    };
    println!("{{\"name\":\"{name}\",\"ms\":{ms:.3},\"error\":\"{}\"}}", in_one_line(&why));
    Ok(())
}

/// A text without what would end the line or the string that it stands in.
fn in_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('\\', "/").replace('"', "'")
}
