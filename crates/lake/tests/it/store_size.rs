//! What is stored is small: an event that stands in two tables takes less than a tenth of its line
//! in the log.

use std::time::Duration;

use kql::value::{TICKS_PER_DAY, TICKS_PER_MILLISECOND, Type, Value};
use lake::store::{Rows, StoreLimits};

use crate::plans::{NOW, schema};
use crate::store_log::{SetClock, open};

/// Numbers that look random; each run has the same.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// An event: its line in PostgreSQL's log as JSON, and its values in both tables.
fn event(n: u64, draw: &mut Draw) -> (String, Vec<Value>, Vec<Value>) {
    let at = NOW + i64::try_from(n / 3).unwrap() * TICKS_PER_MILLISECOND;
    let pid = 4000 + draw.below(40);
    let session = format!("6b09cde2.{pid:x}");
    let (line, transaction) = (n / 40 + draw.below(3), 30_000 + n / 6);
    let (account, amount) = (draw.below(500_000), draw.below(10_000));
    let statement = match n % 4 {
        0 => "BEGIN;".to_owned(),
        1 => format!("SELECT abalance FROM pgbench_accounts WHERE aid = {account};"),
        2 => format!(
            "UPDATE pgbench_accounts SET abalance = abalance + {amount} WHERE aid = {account};"
        ),
        _ => "END;".to_owned(),
    };
    let tag = ["BEGIN", "SELECT", "UPDATE", "COMMIT"][(n % 4) as usize];
    let micros = draw.below(900);
    let message = format!("duration: 0.{micros:03} ms  statement: {statement}");
    let query = [0x1234_5678_9abc, 77_777_777_777_i64, -5_555_555_555_555, 1][(n % 4) as usize];
    let raw = format!(
        concat!(
            r#"{{"timestamp":"{} UTC","user":"app","dbname":"shop","pid":{},"#,
            r#""remote_host":"10.0.0.5","remote_port":{},"session_id":"{}","line_num":{},"#,
            r#""ps":"{}","session_start":"2026-11-27 18:37:22 UTC","vxid":"5/{}","txid":{},"#,
            r#""error_severity":"LOG","message":"{}","application_name":"web","#,
            r#""backend_type":"client backend","query_id":{}}}"#
        ),
        &kql::value::datetime_text(at)[..23],
        pid,
        40_000 + pid,
        session,
        line,
        tag,
        n / 6,
        transaction,
        message,
        query,
    );
    let pid = Value::Int(i32::try_from(pid).unwrap());
    let server = vec![
        Value::DateTime(at),
        Value::text("client backend"),
        Value::text("LOG"),
        Value::text(&message),
        pid.clone(),
    ];
    let statements = vec![
        Value::DateTime(at),
        pid,
        Value::text(&session),
        Value::Long(i64::try_from(line).unwrap()),
        Value::text(format!("5/{}", n / 6)),
        Value::Long(i64::try_from(transaction).unwrap()),
        Value::Long(query),
        Value::text(tag),
        Value::text(&message),
        Value::text(&statement),
        Value::Real(micros as f64 / 1000.0),
    ];
    (raw, server, statements)
}

fn rows(table: &str, rows: &[Vec<Value>]) -> Rows {
    let column = |at: usize| rows.iter().map(|row| row[at].clone()).collect();
    Rows { table: table.to_owned(), columns: (0..rows[0].len()).map(column).collect() }
}

#[test]
fn events_take_less_than_a_tenth_of_their_log() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let limits = StoreLimits { tend_interval: Duration::ZERO, ..StoreLimits::default() };
    let store = open(folder.path(), &clock, limits);
    let server = [
        ("TimeGenerated", Type::DateTime),
        ("BackendType", Type::String),
        ("ErrorLevel", Type::String),
        ("Message", Type::String),
        ("ProcessId", Type::Int),
    ];
    let statements = [
        ("TimeGenerated", Type::DateTime),
        ("ProcessId", Type::Int),
        ("SessionId", Type::String),
        ("LineNumber", Type::Long),
        ("VirtualTransactionId", Type::String),
        ("TransactionId", Type::Long),
        ("QueryId", Type::Long),
        ("CommandTag", Type::String),
        ("Message", Type::String),
        ("Statement", Type::String),
        ("DurationMs", Type::Real),
    ];
    store.declare("Server", &schema(&server)).unwrap();
    store.declare("Statements", &schema(&statements)).unwrap();
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut n_raw = 0;
    for part in 0..6 {
        let events: Vec<_> = (0..5000).map(|n| event(part * 5000 + n, &mut draw)).collect();
        n_raw += events.iter().map(|(raw, ..)| raw.len() as u64 + 1).sum::<u64>();
        let (one, other): (Vec<_>, Vec<_>) =
            events.into_iter().map(|(_, one, other)| (one, other)).unzip();
        let all = vec![rows("Server", &one), rows("Statements", &other)];
        store.append_all(all, None).unwrap();
        store.flush().unwrap();
    }
    let stored = || store.status().iter().map(|table| table.file_bytes).sum::<u64>();
    let before = stored();
    assert!(before * 10 < n_raw, "{before} bytes of {n_raw}");
    clock.pass(2 * TICKS_PER_DAY);
    assert_eq!(store.tend(), 2);
    let after = stored();
    assert!(after < before && after * 12 < n_raw, "{after} bytes of {n_raw}, {before} before");
}
