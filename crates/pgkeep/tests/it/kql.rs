//! `pgkeep kql` on files, with nothing running.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What a command printed and how it ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn pgkeep(args: &[&str], input: &str) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgkeep"))
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("because the binary was built");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().expect("because no signal ended it"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn file(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

const SCHEMA: &str = r#"{"Logons":{"TimeGenerated":"datetime","User":"string","Ok":"bool",
    "Port":"int","More":"dynamic"}}"#;

#[test]
fn check_says_what_is_right_and_which_columns_come_out() {
    let dir = TempDir::new().unwrap();
    let schema = file(&dir, "schema.json", SCHEMA);
    let queries = file(
        &dir,
        "q.jsonl",
        concat!(
            r#"{"id":"a","query":"Logons | where not(Ok) | summarize n=count(), dcount(User) "#,
            r#"by bin(TimeGenerated, 1h), tostring(More.host)"}"#,
            "\n\n",
            r#"{"id":"b","query":"Logons | sumarize count()","kind":"x"}"#,
            "\n",
            r#"{"id":"c","query":"Logons | where Usr == 'x'"}"#,
            "\n",
        ),
    );
    let ended =
        pgkeep(&["kql", "check", "--schema", word(&schema), word(&queries), "-o", "json"], "");
    assert_eq!(ended.code, 6, "{}", ended.err);
    let [a, b, c] = &lines(&ended.out)[..] else { panic!("{}", ended.out) };
    let columns = json!([
        {"name": "TimeGenerated", "type": "datetime"},
        {"name": "More_host", "type": "string"},
        {"name": "n", "type": "long"},
        {"name": "dcount_User", "type": "long"},
    ]);
    assert_eq!((&a["id"], &a["ok"], &a["columns"]), (&json!("a"), &json!(true), &columns));
    assert_eq!((&b["ok"], &b["columns"]), (&json!(false), &json!([])));
    let found = &b["diagnostics"][0];
    assert_eq!(found["severity"], "error");
    assert!(found["hint"].as_str().unwrap().contains("summarize"), "{found}");
    assert_eq!((found["start"].as_u64(), found["end"].as_u64()), (Some(9), Some(17)), "{found}");
    assert!(c["diagnostics"][0]["hint"].as_str().unwrap().contains("`User`"), "{c}");
}

#[test]
fn a_person_sees_the_place() {
    let dir = TempDir::new().unwrap();
    let schema = file(&dir, "schema.json", SCHEMA);
    let ended =
        pgkeep(&["kql", "check", "--schema", word(&schema), "-"], "Logons\n| where Usr == 'x'\n");
    assert_eq!(ended.code, 6);
    assert!(ended.err.contains("| where Usr == 'x'"), "{}", ended.err);
    assert!(ended.err.contains("did you mean `User`?"), "{}", ended.err);
}

#[test]
fn run_reads_csv_and_prints_the_conventions() {
    let dir = TempDir::new().unwrap();
    let csv = file(
        &dir,
        "logons.csv",
        "When,User,Port,Took\n\
         2026-01-02T03:04:05.1234567Z,ann,22,1.5\n\
         2026-01-02T03:14:05Z,\"bob, jr\",22,2.5\n\
         2026-01-02T04:00:00Z,ann,,3\n",
    );
    let table = format!("Logons={}", csv.display());
    let query = "Logons | summarize n=count(), users=make_set(User), took=avg(Took), \
                 late=max(When), span=max(When)-min(When), p=dcount(Port) by h=bin(When, 1h) \
                 | extend nothing=toint('x'), nan=real(nan), d=dynamic({'a':[1,2.5]}) \
                 | sort by h asc";
    let ended = pgkeep(&["kql", "run", "--table", &table, "-", "-o", "json"], query);
    assert_eq!(ended.code, 0, "{} {}", ended.out, ended.err);
    let answer = &lines(&ended.out)[0];
    assert_eq!((&answer["ok"], &answer["error"]), (&json!(true), &Value::Null), "{answer}");
    assert_eq!(
        answer["rows"],
        json!([
            ["2026-01-02T03:00:00.0000000Z", 2, ["ann", "bob, jr"], 2.0,
             "2026-01-02T03:14:05.0000000Z", "00:09:59.8765433", 1, null, "NaN", {"a": [1, 2.5]}],
            ["2026-01-02T04:00:00.0000000Z", 1, ["ann"], 3.0,
             "2026-01-02T04:00:00.0000000Z", "00:00:00", 0, null, "NaN", {"a": [1, 2.5]}],
        ])
    );
}

#[test]
fn a_query_that_fails_says_why_and_the_others_run() {
    let dir = TempDir::new().unwrap();
    let queries = file(
        &dir,
        "q.jsonl",
        concat!(
            r#"{"id":"a","query":"print x=1 | take 5"}"#,
            "\n",
            r#"{"id":"b","query":"Absent | take 1"}"#,
            "\n",
            r#"{"id":"c","query":"range i from 1 to 9 step 1 | where i % 2 == 0 | count"}"#,
            "\n",
        ),
    );
    let ended = pgkeep(&["kql", "run", word(&queries), "-o", "json"], "");
    assert_eq!(ended.code, 1, "{}", ended.err);
    let [a, b, c] = &lines(&ended.out)[..] else { panic!("{}", ended.out) };
    assert_eq!(a["rows"], json!([[1]]));
    assert_eq!((&b["ok"], &b["rows"]), (&json!(false), &json!([])));
    assert!(b["error"].as_str().unwrap().contains("Absent"), "{b}");
    assert_eq!(c["rows"], json!([[4]]));
}

#[test]
fn columns_that_depend_on_rows_are_found() {
    let query = "datatable(d:dynamic) [dynamic({'a':1,'b':'x'}), dynamic({'b':'y','c':true})] \
                 | evaluate bag_unpack(d) | project-reorder * asc";
    let ended = pgkeep(&["kql", "run", "-", "-o", "json"], query);
    assert_eq!(ended.code, 0, "{} {}", ended.out, ended.err);
    let answer = &lines(&ended.out)[0];
    let names: Vec<&str> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "c"], "{answer}");
}

#[test]
fn limits_end_a_query_and_not_the_process() {
    let long = "range i from 1 to 100000000000 step 1 | where i % 7 == 9 | count";
    let ended = pgkeep(&["kql", "run", "--timeout", "2", "-", "-o", "json"], long);
    assert_eq!(ended.code, 1, "{}", ended.out);
    let answer = &lines(&ended.out)[0];
    assert!(answer["error"].as_str().unwrap().contains("2 s"), "{answer}");

    let many = "range i from 1 to 1000 step 1";
    let ended = pgkeep(&["kql", "run", "--max-rows", "10", "-", "-o", "json"], many);
    let answer = &lines(&ended.out)[0];
    assert_eq!(answer["rows"].as_array().unwrap().len(), 10);
    assert_eq!(answer["truncated"], true);
}

#[test]
fn fmt_prints_writes_and_compares() {
    let dir = TempDir::new().unwrap();
    let messy = "Logons|where Ok==false  // why\n|summarize   n=count()by User";
    let path = file(&dir, "q.kql", messy);
    let printed = pgkeep(&["kql", "fmt", word(&path)], "");
    assert_eq!(printed.code, 0, "{}", printed.err);
    assert!(printed.out.contains("\n| where Ok == false"), "{}", printed.out);
    assert!(printed.out.contains("// why"), "{}", printed.out);
    assert_eq!(pgkeep(&["kql", "fmt", "--check", word(&path)], "").code, 6);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), messy, "--check changed the file");
    assert_eq!(pgkeep(&["kql", "fmt", "--write", word(&path)], "").code, 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), printed.out);
    assert_eq!(pgkeep(&["kql", "fmt", "--check", word(&path)], "").code, 0);
    let wrong = pgkeep(&["kql", "fmt", "-"], "Logons | where (");
    assert_eq!((wrong.code, wrong.out.as_str()), (6, ""));
}

#[test]
fn explain_shows_both_plans() {
    let ended = pgkeep(&["kql", "explain", "-", "-o", "json"], "print x=1 | where x > 0");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let explained = &lines(&ended.out)[0];
    assert!(!explained["plan"].as_str().unwrap().is_empty());
    assert_eq!(explained["query"]["rel"]["schema"], json!([{"name": "x", "type": "long"}]));
}

#[test]
fn what_is_absent_or_unreadable_is_said() {
    let dir = TempDir::new().unwrap();
    let absent = dir.path().join("absent.kql");
    assert_eq!(pgkeep(&["kql", "check", word(&absent)], "").code, 3);
    let bad = file(&dir, "bad.jsonl", "{\"id\":1}\n");
    let ended = pgkeep(&["kql", "check", word(&bad)], "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("line 1"), "{}", ended.err);
    let table = file(&dir, "t.txt", "x");
    let named = format!("T={}", table.display());
    assert_eq!(pgkeep(&["kql", "run", "--table", &named, "-"], "T").code, 2);
    assert_eq!(pgkeep(&["kql", "run", "--table", "nonsense", "-"], "T").code, 2);
}

#[test]
fn external_data_is_read_from_allowed_files_only() {
    let dir = TempDir::new().unwrap();
    let list = file(&dir, "list.csv", "name,n\nann,1\nbob,2\n");
    let query = "externaldata(name:string, n:long) ['https://lists.example/a.csv?v=1'] \
                 with (format='csv', ignoreFirstRecord=true) | summarize total=sum(n)";
    let refused = pgkeep(&["kql", "run", "-", "-o", "json"], query);
    assert_eq!(refused.code, 1);
    let answer = &lines(&refused.out)[0];
    assert!(answer["error"].as_str().unwrap().contains("not allowed"), "{answer}");
    let inside = format!("let names = materialize({query}); names | where total in (names)");
    assert_eq!(pgkeep(&["kql", "check", "-"], &inside).code, 0, "a plan fetches nothing");
    let external = format!("https://lists.example/a.csv?v=1={}", list.display());
    let read = pgkeep(&["kql", "run", "--external", &external, "-", "-o", "json"], query);
    assert_eq!(lines(&read.out)[0]["rows"], json!([[3]]), "{}", read.out);
}

#[test]
fn a_column_that_is_made_of_itself_many_times_does_not_explode() {
    let mut query = "datatable(p:string, found:dynamic) ['x one', dynamic([])]\n".to_owned();
    for i in 0..40 {
        let more = format!("array_concat(found, pack_array({i}))");
        query += &format!("| extend found = iff(p has 'one', {more}, found)\n");
    }
    query += "| where array_length(found) > 3 | project n = array_length(found)";
    let ended = pgkeep(&["kql", "run", "--timeout", "60", "-", "-o", "json"], &query);
    assert_eq!(lines(&ended.out)[0]["rows"], json!([[40]]), "{} {}", ended.out, ended.err);
}
