//! Prints how many megabytes of jsonlog a second become rows on one core: `parse_speed [MB]`.
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::sync::Arc;
use std::time::Instant;

use kql::value::UNIX_EPOCH;
use siem::{Intake, Library, Origin, Settings};

fn main() -> Result<(), siem::Error> {
    let n_mb: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200);
    let block = block();
    let parser = Arc::new(Library::new()?.parser("postgresql-jsonlog", &Settings::default())?);
    let mut splitter = parser.splitter(0);
    let mut intake = Intake::new(parser, Origin { source: "speed".into(), given: Vec::new() });
    let (mut n_bytes, mut n_rows, mut n_dead) = (0, 0, 0);
    let began = Instant::now();
    while n_bytes < n_mb << 20 {
        for piece in block.as_bytes().chunks(64 << 10) {
            splitter.feed(piece);
            while let Some(record) = splitter.next_record() {
                intake.parse(&record, UNIX_EPOCH);
            }
        }
        n_bytes += block.len();
        let output = intake.take();
        n_rows += output.batches.iter().map(siem::RowBatch::n_rows).sum::<usize>();
        n_dead += output.dead.len();
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = n_bytes as f64 / 1e6 / seconds;
    println!("{rate:.1} MB/s, {:.0} rows/s, {n_dead} dead letters", n_rows as f64 / seconds);
    Ok(())
}

/// About a megabyte: plain statements, audit lines, errors and connections in turn.
fn block() -> String {
    let mut out = String::new();
    for i in 0..2_000 {
        let (what, more) = match i % 4 {
            0 => {
                (format!("duration: 0.{i} ms  statement: select * from orders where id = {i}"), "")
            }
            1 => (
                format!(
                    "AUDIT: SESSION,{i},1,READ,SELECT,TABLE,public.orders,\\\"select a, b \
                     from orders where id = {i}\\\",<none>,{i}"
                ),
                "",
            ),
            2 => (
                "duplicate key value violates unique constraint".to_owned(),
                concat!(
                    r#""state_code":"23505","detail":"Key (a)=(1) already exists.","#,
                    r#""statement":"insert into t values (1)","#
                ),
            ),
            _ => ("connection received: host=10.0.0.5 port=51234".to_owned(), ""),
        };
        let severity = if more.is_empty() { "LOG" } else { "ERROR" };
        out.push_str(&format!(
            concat!(
                r#"{{"timestamp":"2026-11-27 13:59:05.{:03} UTC","user":"app","dbname":"shop","#,
                r#""pid":{},"remote_host":"10.0.0.5","remote_port":51234,"#,
                r#""session_id":"6b098ca9.{:x}","line_num":{},"ps":"SELECT","#,
                r#""session_start":"2026-11-27 13:59:05 UTC","vxid":"3/{}","txid":0,"#,
                r#""error_severity":"{}",{}"message":"{}","application_name":"web","#,
                r#""backend_type":"client backend","query_id":{}}}"#
            ),
            i % 1000,
            1000 + i % 50,
            i % 50,
            i,
            i,
            severity,
            more,
            what,
            i64::from(i) * 7_919_000_013,
        ));
        out.push('\n');
    }
    out
}
