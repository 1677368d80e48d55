//! What becomes of lines of a log, and of what is missing between them.

use std::collections::BTreeMap;
use std::slice::from_ref;

use kql::plan::{Column, Schema};
use kql::value::{Json, TICKS_PER_DAY, TICKS_PER_HOUR, Type, datetime_text, from_civil};

use super::coverage::Coverage;
use super::logins::Logins;
use super::place::{LogFile, Place};
use super::scan::Reader;
use crate::bundle::TableEvidence;
use crate::derive::Given;

const PREFIX: &str = "%m|%p|%e|%u|%d|%r|%a|";

fn now() -> i64 {
    from_civil(2026, 11, 28).expect("a day") + 12 * TICKS_PER_HOUR
}

/// A point of time so many days before now, as the log writes it.
fn ago(days: i64) -> String {
    let text = datetime_text(now() - days * TICKS_PER_DAY);
    format!("{} {}.000 UTC", &text[..10], &text[11..19])
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, TableEvidence> {
    let columns: Schema = ["name", "setting"].map(|name| Column::new(name, Type::String)).to_vec();
    let cell = |text: &str| Json::String(text.into());
    let rows = pairs.iter().map(|(name, value)| vec![cell(name), cell(value)]).collect();
    [("Settings".to_owned(), TableEvidence::whole(columns, rows, ""))].into()
}

/// Reads files, each a number of lines, and gives rows of a table as text by column.
fn read(files: &[String], table: &str, columns: &[&str], quiet: Option<i64>) -> Vec<Vec<String>> {
    read_with(PREFIX, files, table, columns, quiet)
}

fn read_with(
    prefix: &str,
    files: &[String],
    table: &str,
    columns: &[&str],
    quiet: Option<i64>,
) -> Vec<Vec<String>> {
    let tables = settings(&[("log_connections", "on")]);
    let given = Given { tables: &tables, major: 15 };
    let since = now() - 90 * TICKS_PER_DAY;
    let coverage = Coverage::new(&given, quiet, since, (now(), now()));
    let place = Place::of("postgresql-stderr", prefix);
    let logins = Logins::of(["ann".to_owned()].into());
    let mut reader = Reader::new(&place, since, coverage, logins).expect("a parser");
    for (n, text) in files.iter().enumerate() {
        let file =
            LogFile { name: n.to_string(), size: text.len() as u64, modified: now(), id: None };
        reader.begin(&file, 0);
        // Pieces end where they like.
        text.as_bytes().chunks(7).for_each(|piece| reader.feed(piece));
        reader.end();
    }
    let schema: Schema = columns.iter().map(|name| Column::new(*name, Type::String)).collect();
    reader.coverage.finish();
    let rows = match table {
        "LoginHistory" => reader.logins.history(&schema),
        "FailedLogins" => reader.logins.failed(&schema),
        "BulkReads" => reader.reads.bulk(&schema),
        "LogMarkers" => reader.reads.markers(&schema),
        _ => vec![reader.coverage.row(&schema)],
    };
    let cell = |json: Json| match json {
        Json::String(text) => text.to_string(),
        Json::Null => "-".to_owned(),
        json => json.to_string(),
    };
    rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect()
}

fn line(days: i64, pid: u32, who: &str, text: &str) -> String {
    format!("{}|{pid}|00000|{who}|{text}\n", ago(days))
}

/// A sign-in by TLS.
fn sign_in(days: i64, pid: u32, role: &str) -> String {
    let who = format!("{role}|shop|10.1.2.3(5000)|[unknown]");
    let proof = format!("identity=\"{role}\" method=scram-sha-256 (/etc/pg_hba.conf:7)");
    let terms = "SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)";
    [
        line(days, pid, "[unknown]|[unknown]|10.1.2.3(5000)|[unknown]",
            "LOG:  connection received: host=10.1.2.3 port=5000"),
        line(days, pid, &who, &format!("LOG:  connection authenticated: {proof}")),
        line(days, pid, &who, &format!(
            "LOG:  connection authorized: user={role} database=shop application_name=till {terms}"
        )),
    ]
    .concat()
}

#[test]
fn lines_of_a_sign_in_are_put_together() {
    let bad = format!(
        "{time}|9|28P01|eve|shop|10.9.9.9(1)|[unknown]|FATAL:  password authentication failed \
         for user \"eve\"\n\
         {time}|9|28P01|eve|shop|10.9.9.9(1)|[unknown]|DETAIL:  Role \"eve\" does not exist.\n\
         \tConnection matched pg_hba.conf line 8: \"host all all all scram-sha-256\"\n",
        time = ago(1)
    );
    let log = [sign_in(3, 5, "ann"), sign_in(2, 6, "ann"), bad].concat();
    let columns = [
        "role",
        "database",
        "network",
        "application",
        "method",
        "hba_line",
        "tls",
        "count",
        "failed",
    ];
    let rows = read(from_ref(&log), "LoginHistory", &columns, None);
    assert_eq!(
        rows,
        [
            // No name of a role: it may be a password.
            ["(no such role)", "shop", "10.9.9.0/24", "", "", "8", "", "0", "1"],
            ["ann", "shop", "10.1.2.0/24", "till", "scram-sha-256", "7", "TLSv1.3", "2", "0"],
        ]
    );
    let rows = read(&[log], "FailedLogins", &["role", "address", "reason", "count"], None);
    assert_eq!(rows, [["(no such role)", "10.9.9.9", "password", "1"]]);
}

#[test]
fn a_prefix_that_tells_next_to_nothing_is_enough_for_failures() {
    let line = |text: &str| format!("{} [42] {text}\n", ago(1));
    let log = [
        line("LOG:  connection received: host=10.9.9.9 port=1"),
        line("FATAL:  password authentication failed for user \"ann\""),
        line("DETAIL:  User \"ann\" has no password assigned."),
        "\tConnection matched pg_hba.conf line 2: \"host all all 127.0.0.1/32\"\n".to_owned(),
    ];
    let columns = ["role", "address", "reason", "count"];
    let rows = read_with("%m [%p] ", &[log.concat()], "FailedLogins", &columns, None);
    assert_eq!(rows, [["ann", "10.9.9.9", "password", "1"]]);
}

/// `unbroken_from` and `connections_from` in days before now, and the reason.
fn window(files: &[String], quiet: Option<i64>) -> (String, String, String) {
    let columns = ["unbroken_from", "connections_from", "why_connections"];
    let row = read(files, "LogWindow", &columns, quiet).remove(0);
    let days = |text: &str| {
        let day = |n: &i64| datetime_text(now() - n * TICKS_PER_DAY)[..19] == text[..19];
        if text == "-" { text.to_owned() } else { (0..100).find(day).expect("a day").to_string() }
    };
    (days(&row[0]), days(&row[1]), row[2].clone())
}

#[test]
fn a_log_speaks_for_the_time_behind_its_last_hole() {
    let quiet = Some(2 * TICKS_PER_DAY);
    let whole: String = (0..50).rev().map(|day| sign_in(day, 5, "ann")).collect();
    assert_eq!(window(from_ref(&whole), quiet).0, "49");
    assert_eq!(window(&[whole], quiet).1, "49");

    let hole: String =
        (0..50).rev().filter(|d| !(20..30).contains(d)).map(|d| sign_in(d, 5, "a")).collect();
    let (from, _, why) = window(from_ref(&hole), quiet);
    assert_eq!(from, "19");
    assert!(why.contains("nothing from"), "{why}");
    // Without a rule for new files nobody can say that something is missing in one.
    assert_eq!(window(&[hole], None).0, "49");

    // Between two files of which one ended long before the other began.
    let (old, new) = (sign_in(40, 5, "ann"), sign_in(0, 5, "ann"));
    assert_eq!(window(&[new.clone(), old.clone()], None).0, "0");
    let stop = line(40, 1, "|||", "LOG:  database system is shut down");
    assert_eq!(window(&[[old, stop].concat(), new], None).0, "40");

    let garbage = ["what is this\n".repeat(30), sign_in(0, 5, "ann")].concat();
    let (from, _, why) = window(&[[sign_in(9, 5, "ann"), garbage].concat()], None);
    assert_eq!(from, "0");
    assert!(why.contains("not understood"), "{why}");
    // What other programs write to standard error is none.
    let noise = [sign_in(9, 5, "ann"), "gzip: done\n".to_owned(), sign_in(0, 5, "ann")].concat();
    assert_eq!(window(&[noise], None).0, "9");
}

#[test]
fn sign_ins_that_were_not_logged_did_not_not_happen() {
    let change = |days, value: &str| {
        line(days, 1, "|||", &format!("LOG:  parameter \"log_connections\" changed to {value}"))
    };
    let now_on = sign_in(0, 5, "ann");
    let log = [sign_in(40, 5, "ann"), change(20, "\"off\""), change(10, "\"on\""), now_on.clone()];
    assert_eq!(window(&[log.concat()], None).1, "10");

    // A run of the server with no sign-in at all.
    let start = |days| line(days, 1, "|||", "LOG:  starting PostgreSQL 15.18 on x86_64");
    let log = [sign_in(40, 5, "ann"), start(30), start(5), sign_in(4, 5, "ann"), now_on.clone()];
    let (_, from, why) = window(&[log.concat()], None);
    assert_eq!(from, "5");
    assert!(why.contains("no sign-in"), "{why}");

    // The newest part is missing: not even our own sign-in is there.
    let (from, sign_ins, why) = window(&[sign_in(1, 5, "ann")], None);
    assert_eq!((from.as_str(), sign_ins.as_str()), ("0", "0"));
    assert!(why.contains("this assessment"), "{why}");
}

#[test]
fn reads_of_much_and_markers() {
    let who = "ann|shop|[local]|psql";
    let log = [
        line(3, 5, who, "LOG:  statement: /* all */ COPY care.people TO STDOUT"),
        line(3, 5, who, "LOG:  statement: copy care.people from stdin"),
        line(2, 5, who, "LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,\"select 1\",<none>,20000"),
        line(2, 5, who, "LOG:  AUDIT: SESSION,2,1,READ,SELECT,,,\"select 1\",<none>,20"),
        line(1, 5, who, "LOG:  pgkeep-canary-0123abcd"),
        line(1, 5, who, "LOG:  statement: do $$ raise log 'pgkeep-canary-0123abcd'; $$"),
    ];
    let rows = read(&[log.concat()], "BulkReads", &["role", "kind", "count", "most_rows"], None);
    assert_eq!(rows, [["ann", "copy", "1", "0"], ["ann", "rows", "1", "20000"]]);
    let rows = read(&[log.concat()], "LogMarkers", &["marker", "class"], None);
    assert_eq!(rows, [["pgkeep-canary-0123abcd", ""]]);
}
