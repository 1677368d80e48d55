//! An assessment with all five verdicts, odd characters and gaps, judged as any other: checks,
//! evidence and bundle are made here.

use std::collections::BTreeMap;

use baseline::{Assessment, Bundle, Gap, Library, State, TableEvidence, assess};
use kql::plan::Column;
use kql::value::{Json, Type};

/// 2026-01-02T03:04:05Z
const NOW_MS: i64 = 1_767_323_045_000;

const OBJECTS: &str = r#"
columns = { item = "string", found = "string", wanted = "string" }
scope = "database"
sql = "select 1"
"#;
const FACTS: &str = r#"
columns = { item = "string", found = "string" }
sql = "select 1"
"#;

/// Check, topic, severity, title, identifiers, rules.
const CHECKS: [(&str, &str, &str, &str, &str, &str); 8] = [
    (
        "DEMO-01",
        "objects <&\"'>",
        "high",
        "Nothing is called <b>\"odd\" & 'bad'</b> {0} [x](y)",
        "mcsb = ['PV-3']\ncis = ['4.7']\nstig = ['SV-261916']\nnist = ['AC-6(10)', 'AC-3']",
        "fail = 'Objects | where wanted != found'\nshow = 'Objects'",
    ),
    (
        "DEMO-02",
        "settings",
        "critical",
        "What was read is as it should be",
        "nist = ['AU-12']",
        "fail = 'Facts | where item == \"nothing\"'\nshow = 'Facts'",
    ),
    (
        "DEMO-03",
        "settings",
        "medium",
        "A standby follows",
        "cis = ['7.1']",
        "not_applicable = 'Facts | project reason = \"no <standby> & none wanted\"'\n\
         fail = 'Facts'\nshow = 'Facts'",
    ),
    (
        "DEMO-04",
        "files",
        "high",
        "Files belong to the server's account",
        "stig = ['SV-261893']",
        "fail = 'Managed'\nshow = 'Managed'",
    ),
    (
        "DEMO-05",
        "files",
        "critical",
        "No verifier is weak",
        "nist = ['IA-5(1)']",
        "fail = 'Denied'\nshow = 'Denied'",
    ),
    (
        "DEMO-06",
        "settings",
        "info",
        "A thing worth knowing",
        "",
        "fail = 'Facts | project item, found, wanted = \"\"'\nshow = 'Facts'",
    ),
    (
        "DEMO-07",
        "settings",
        "low",
        "The feed is young enough",
        "",
        "cannot_tell = 'Facts | project reason = \"the feed is old\", cure = \"fetch it\"'\n\
         fail = 'Facts | where item == \"nothing\"'\nshow = 'Facts'",
    ),
    (
        "DEMO-08",
        "settings",
        "medium",
        "A setting that this server does not have is on",
        "",
        "fail = 'Facts | where item == \"nothing\"'\nshow = 'Facts | where item == \"nothing\"'",
    ),
];

/// The assessment.
pub(crate) fn assessment() -> Assessment {
    let checks = CHECKS.map(|(id, topic, severity, title, ids, rules)| {
        // A text of JSON is one of TOML.
        let title = Json::String(title.into());
        let text = format!(
            "id = '{id}'\ntitle = {title}\nseverity = '{severity}'\naccess = 'S'\n\
             why = '''What goes wrong: <script>alert(1)</script> & \"more\",\nin two lines.'''\n\
             {ids}\n[rules]\n{rules}\n[fix]\nclass = 'guided'\nwhy = '''DROP \"<it>\" & look.'''\n"
        );
        (format!("{topic}/{id}"), text)
    });
    let evidence = [("Denied", FACTS), ("Facts", FACTS), ("Managed", FACTS), ("Objects", OBJECTS)];
    let evidence = evidence.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let library = Library::of(&checks, &[], &evidence).expect("sound checks");
    assess(&library, &bundle(), &[], &[], NOW_MS).expect("an assessment")
}

fn bundle() -> Bundle {
    let facts = columns(&["item", "found"]);
    let odd = [
        ("app", "public.\"a<b>&'c'\"", "]]> --> </td>", "none"),
        ("app", "{0} [x](https://example.org) `y`", "line\nand\ttab\r\n", "none"),
        ("d\"b&", "\u{1}\u{7f}\u{85} \u{202e}rtl \u{1f418} \u{fffe}", "\\u0000 \u{fffe}", "none"),
        ("app", "kept", "none", "none"),
    ];
    let rows = odd.map(|(database, item, found, wanted)| texts(&[database, item, found, wanted]));
    let of = columns(&["database", "item", "found", "wanted"]);
    let mut objects = TableEvidence::whole(of, rows.to_vec(), "select '<odd>' & \"more\" -- ]]>");
    objects.state = State::Partial;
    objects.gaps = vec![gap("unreachable", Some("other <db>"), None)];
    let tables = [
        ("Facts", TableEvidence::whole(facts.clone(), vec![texts(&["a", "b"])], "select 'facts'")),
        ("Managed", TableEvidence::unread(facts.clone(), gap("provider", None, None), "")),
        (
            "Denied",
            TableEvidence::unread(
                facts,
                gap("missing-right", None, Some("GRANT SELECT ON pg_authid TO \"<reader>\"")),
                "select rolname from pg_authid",
            ),
        ),
        ("Objects", objects),
    ];
    Bundle {
        format: 1,
        collected_at: "2026-01-02T03:04:05Z".to_owned(),
        pgkeep: "0".to_owned(),
        target: "db.example.org:5432 <\"&'>".to_owned(),
        role: "reader & co".to_owned(),
        major: 17,
        provider: None,
        declared: TableEvidence::whole(Vec::new(), Vec::new(), ""),
        tables: tables
            .map(|(name, table)| (name.to_owned(), table))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    }
}

fn gap(reason: &str, database: Option<&str>, cure: Option<&str>) -> Gap {
    Gap {
        database: database.map(str::to_owned),
        reason: reason.to_owned(),
        message: format!("it is <{reason}> & \"not\" read"),
        cure: cure.map(str::to_owned),
    }
}

fn columns(names: &[&str]) -> Vec<Column> {
    names.iter().map(|name| Column::new((*name).to_owned(), Type::String)).collect()
}

fn texts(texts: &[&str]) -> Vec<Json> {
    texts.iter().map(|text| Json::String((*text).into())).collect()
}
