//! Members to columns, what is left out and said, and that a made table loses nothing.

use std::sync::Arc;

use kql::value::{Json, Type, UNIX_EPOCH, Value};
use proptest::prelude::*;

use super::forms::Member;
use super::number::{Number, instant, number, numbers_survive};
use super::*;
use crate::{Error, Reason, Table};

const DECLARED: &str = "-
TimeGenerated\tdatetime\tx
Type\tstring\tx
Name\tstring\tx
Count\tlong\tx
Small\tint\tx
Share\treal\tx
Ok\tbool\tx
More\tdynamic\tx
_ResourceId\tstring\tx
";

fn reader(extra: bool) -> ByName {
    let more = if extra { "AdditionalFields\tdynamic\tx\n" } else { "" };
    ByName::new(Arc::new(Table::parse("T_CL", &format!("{DECLARED}{more}")).unwrap()))
}

fn origin() -> Origin {
    let given = vec![("_ResourceId".to_owned(), Value::text("/servers/shop"))];
    Origin { source: "push".into(), given }
}

fn input<'a>(form: Form, bytes: &'a [u8], origin: &'a Origin) -> Input<'a> {
    Input { form, bytes, origin, offset: 1000, received_at: UNIX_EPOCH }
}

fn load(reader: &ByName, form: Form, text: &str) -> Loaded {
    reader.read(&input(form, text.as_bytes(), &origin()), &LoadLimits::FILE).unwrap()
}

/// The columns of a row that hold something, but `Type`.
fn row(loaded: &Loaded, row: usize) -> String {
    let columns = loaded.batch.table.columns.iter().filter(|c| &*c.name != "Type");
    let texts = columns.filter_map(|c| {
        let value = loaded.batch.value(row, &c.name).unwrap();
        assert!(value.kind().is_none_or(|kind| kind == c.kind), "{value:?} in {}", c.name);
        let text = value.to_text();
        (!text.is_empty()).then(|| format!("{}={text}", c.name))
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn members_go_to_columns_by_name_and_type() {
    let loaded = load(
        &reader(false),
        Form::Json,
        r#"[
            {"TimeGenerated":"2026-11-27T13:59:05+01:00","Name":"a\n","Count":"12","Small":2.0,
             "Share":1,"Ok":"TRUE","More":{"a":[1]},"_ResourceId":"forged"},
            {"timegenerated":"yesterday","NAME":12345678901234567890,"count":null,"Type":"T_CL"},
            7, null,
            {"name":true,"Name":"exact","Nobody":1,"Type":"Other"}
        ]"#,
    );
    assert_eq!(
        row(&loaded, 0),
        "TimeGenerated=2026-11-27T12:59:05.0000000Z Name=a\n Count=12 Small=2 Share=1.0 Ok=True \
         More={\"a\":[1]} _ResourceId=/servers/shop"
    );
    let received = "TimeGenerated=1970-01-01T00:00:00.0000000Z";
    assert_eq!(
        row(&loaded, 1),
        format!("{received} Name=12345678901234567890 _ResourceId=/servers/shop")
    );
    assert_eq!(row(&loaded, 2), format!("{received} Name=exact _ResourceId=/servers/shop"));
    assert!(loaded.batch.value(2, "Type") == Some(&Value::text("T_CL")));
    let dead: Vec<_> = loaded.dead.iter().map(|d| (d.at.part, d.reason)).collect();
    assert_eq!(dead, [(1, Reason::Unfit), (2, Reason::Syntax), (3, Reason::Syntax)]);
    let dropped: Vec<_> = loaded.dropped.names.iter().map(|(n, i)| (n.as_str(), *i)).collect();
    assert_eq!(dropped, [("Nobody", 1), ("Type", 1), ("_ResourceId", 1), ("name", 1)]);
    assert_eq!(loaded.batch.positions[2].part, 4);
    assert_eq!(loaded.batch.positions[2].offset, 1000);
}

#[test]
fn additional_fields_keep_what_has_no_column() {
    let text = r#"{"Count":"many","Nobody":{"x":1},"AdditionalFields":{"a":1,"Count":2}}"#;
    let loaded = load(&reader(true), Form::Json, text);
    let extra = loaded.batch.value(0, "AdditionalFields").unwrap().to_text();
    assert_eq!(&*extra, r#"{"a":1,"Count":2,"Nobody":{"x":1},"Count_1":"many"}"#);
    assert_eq!((loaded.dead.len(), loaded.dropped.count()), (0, 0));
}

#[test]
fn a_value_of_another_type_is_absent_and_its_object_a_dead_letter() {
    for object in [
        r#"{"Count":1.5}"#,
        r#"{"Count":"x"}"#,
        r#"{"Count":9223372036854775808}"#,
        r#"{"Count":{}}"#,
        r#"{"Small":2147483648}"#,
        r#"{"Share":1e400}"#,
        r#"{"Ok":"perhaps"}"#,
    ] {
        let loaded = load(&reader(false), Form::Json, object);
        let without = "TimeGenerated=1970-01-01T00:00:00.0000000Z _ResourceId=/servers/shop";
        assert_eq!(row(&loaded, 0), without, "{object}");
        assert_eq!(loaded.dead.len(), 1, "{object}");
        assert_eq!(loaded.dead[0].reason, Reason::Unfit);
        assert_eq!(loaded.dead[0].raw, crate::Raw::Text(object.to_owned()));
    }
}

#[test]
fn half_a_character_is_kept_as_it_is_written() {
    let loaded = load(&reader(false), Form::Json, r#"{"Name":"\ud800"}"#);
    assert_eq!(loaded.batch.value(0, "Name"), Some(&Value::text(r#""\ud800""#)));
    let (columns, loaded) = inferred(Form::Json, r#"[{"a":"\ud800"},{"a":true}]"#, None);
    assert_eq!(columns, "a:string");
    assert_eq!(loaded.batch.value(0, "a"), Some(&Value::text(r#""\ud800""#)));
}

#[test]
fn lines_and_cells_stand_for_themselves() {
    let text = "\u{feff}{\"Count\":1}\r\n\n{\"Count\":\nnull\n{\"Count\":2}";
    let loaded = load(&reader(false), Form::JsonLines, text);
    let counts: Vec<_> = (0..2).map(|i| loaded.batch.value(i, "Count").unwrap()).collect();
    assert_eq!(counts, [&Value::Long(1), &Value::Long(2)]);
    assert_eq!(loaded.dead.len(), 2);
    assert_eq!(loaded.batch.positions[0].offset, 1003);
    let csv = "Count,Name,More,Extra\n1,\"a,\"\"b\"\"\",\"{\"\"a\"\":1}\",x\n2,,\n3,c,plain,\n";
    let loaded = load(&reader(false), Form::Csv, csv);
    let at = "TimeGenerated=1970-01-01T00:00:00.0000000Z";
    let of = "_ResourceId=/servers/shop";
    assert_eq!(row(&loaded, 0), format!("{at} Name=a,\"b\" Count=1 More={{\"a\":1}} {of}"));
    assert_eq!(row(&loaded, 1), format!("{at} Name=c Count=3 More=plain {of}"));
    assert_eq!(loaded.dead.len(), 1);
    assert_eq!(loaded.dropped.names.get("Extra"), Some(&1));
}

#[test]
fn nothing_is_taken_of_what_is_broken_or_too_much() {
    let read = |form, text: &str, limits: &LoadLimits| {
        let got = reader(false).read(&input(form, text.as_bytes(), &origin()), limits);
        got.map(|loaded| loaded.batch.n_rows())
    };
    let few = LoadLimits { bytes: 100, rows: 2, columns: 3 };
    for (form, text) in [
        (Form::Json, "[{\"Count\":1},{\"Count\":"),
        (Form::Json, "[{\"Count\":1}] ]"),
        (Form::Csv, "a,\"b\nc,d\n"),
        (Form::Csv, "a,a\n1,2\n"),
        (Form::Csv, "a,\n1,2\n"),
    ] {
        assert!(matches!(read(form, text, &few), Err(Error::Input { .. })), "{text}");
    }
    for (form, text) in [
        (Form::Json, "[{},{},{}]"),
        (Form::Json, "{}{}{}"),
        (Form::JsonLines, "{}\n{}\n{}"),
        (Form::Csv, "a\n1\n2\n3\n"),
    ] {
        assert!(matches!(read(form, text, &few), Err(Error::TooMuch { what: "rows", .. })));
    }
    let long = " ".repeat(101);
    assert!(matches!(read(Form::Json, &long, &few), Err(Error::TooMuch { what: "bytes", .. })));
    assert_eq!(read(Form::Json, "[{},{}]", &few).unwrap(), 2);
    let origin = origin();
    let wide = input(Form::Json, b"{\"a\":1,\"b\":2}", &origin);
    assert!(matches!(infer("T", &wide, None, &few), Err(Error::TooMuch { what: "columns", .. })));
    assert!(matches!(infer("1T", &wide, None, &few), Err(Error::Table { .. })));
    let not_text = input(Form::Json, b"\xff", &origin);
    assert!(matches!(reader(false).read(&not_text, &few), Err(Error::Input { .. })));
}

fn inferred(form: Form, text: &str, time: Option<&str>) -> (String, Loaded) {
    let origin = Origin { source: "file".into(), given: Vec::new() };
    let input = input(form, text.as_bytes(), &origin);
    let reader = infer("Made_CL", &input, time, &LoadLimits::FILE).unwrap();
    let columns = reader.table().columns.iter().skip(2).map(|c| format!("{}:{}", c.name, c.kind));
    let columns = columns.collect::<Vec<_>>().join(" ");
    let loaded = reader.read(&input, &LoadLimits::FILE).unwrap();
    (columns, loaded)
}

#[test]
fn types_are_as_narrow_as_all_values_allow() {
    for (text, columns) in [
        (r#"[{"a":1},{"a":2}]"#, "a:long"),
        (r#"[{"a":1},{"a":2.5}]"#, "a:real"),
        (r#"[{"a":9007199254740993},{"a":2.5}]"#, "a:string"),
        (r#"[{"a":1},{"a":12345678901234567890}]"#, "a:string"),
        (r#"[{"a":true},{"a":null}]"#, "a:bool"),
        (r#"[{"a":true},{"a":1}]"#, "a:string"),
        (r#"[{"a":"2026-11-27T13:59:05Z"}]"#, "a:datetime"),
        (r#"[{"a":"2026-11-27T13:59:05Z"},{"a":"later"}]"#, "a:string"),
        (r#"[{"a":"2026-11-27T13:59:05.123456789Z"}]"#, "a:string"),
        (r#"[{"a":{"b":1}},{"a":"x"}]"#, "a:dynamic"),
        (r#"[{"a":{"b":12345678901234567890}}]"#, "a:string"),
        (r#"[{"a":"1"}]"#, "a:string"),
        (r#"[{"a":null}]"#, "a:string"),
        (
            r#"[{"a b":1,"1":2,"A_B":3,"":4,"day":5,"Type":6}]"#,
            "a_b:long _1:long A_B_1:long Column:long day_1:long Type_1:long",
        ),
    ] {
        let (got, loaded) = inferred(Form::Json, text, None);
        assert_eq!(got, columns, "{text}");
        assert!(loaded.dead.is_empty() && loaded.dropped.count() == 0, "{text}");
    }
    for (text, columns) in [
        ("a\n1\n-2\n", "a:long"),
        ("a\n1\n007\n", "a:string"),
        ("a\n1\n2.5\n", "a:real"),
        ("a\nTrue\nfalse\n", "a:bool"),
        ("a,b\n2026-11-27 13:59:05,x\n", "a:datetime b:string"),
        ("a\n\"[1,2]\"\n", "a:dynamic"),
        ("a\n\"[1,2]\"\n3\n", "a:string"),
        ("a\n+1\n", "a:string"),
        ("a\n 1\n", "a:string"),
    ] {
        let (got, loaded) = inferred(Form::Csv, text, None);
        assert_eq!(got, columns, "{text}");
        assert!(loaded.dead.is_empty(), "{text}");
    }
}

#[test]
fn another_member_may_say_when() {
    let text =
        r#"[{"at":"2026-11-27T13:59:05Z"},{"at":"soon"},{"TimeGenerated":"2026-01-01T00:00:00Z"}]"#;
    let (columns, loaded) = inferred(Form::Json, text, Some("at"));
    assert_eq!(columns, "at:string");
    let times: Vec<String> =
        (0..3).map(|i| loaded.batch.value(i, TIME).unwrap().to_text()[..10].to_owned()).collect();
    assert_eq!(times, ["2026-11-27", "1970-01-01", "2026-01-01"]);
    // A TimeGenerated that is no time everywhere is kept beside it.
    let text = r#"[{"TimeGenerated":"2026-11-27T13:59:05Z"},{"TimeGenerated":"soon"}]"#;
    let (columns, loaded) = inferred(Form::Json, text, None);
    assert_eq!(columns, "TimeGenerated_1:string");
    assert_eq!(&*loaded.batch.value(1, "TimeGenerated_1").unwrap().to_text(), "soon");
    assert_eq!(&loaded.batch.value(0, TIME).unwrap().to_text()[..10], "2026-11-27");
}

fn json_value() -> impl Strategy<Value = String> {
    let scalars = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        (-1000i64..1000).prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("JSON", |x| x.is_finite()).prop_map(|x| format!("{x:e}")),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?",
        "[a-z\"\\\\ ]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[0-9T:ä-]{19,24}".prop_map(|text| format!("\"{text}\"")),
        "2026-11-[0-3][0-9]T1[0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|\\+01:00)?"
            .prop_map(|text| format!("\"{text}\"")),
    ];
    scalars.prop_recursive(2, 8, 3, |inner| {
        prop::collection::vec(inner, 0..3).prop_map(|all| format!("[{}]", all.join(",")))
    })
}

/// Whether a column's value says the same as what was written.
fn says_same(value: &Value, written: &str) -> bool {
    if written == "null" {
        return value.to_text().is_empty();
    }
    let text = Member::Json(written).text().map(|text| text.into_owned());
    match value {
        Value::String(got) => **got == *text.as_deref().unwrap_or(written),
        Value::Bool(b) => written == b.to_string(),
        Value::Long(n) => written == n.to_string(),
        Value::Real(x) => match number(written) {
            Some(Number::Real(y)) => y == *x,
            Some(Number::Long(n, exact)) => exact && n as f64 == *x,
            _ => false,
        },
        Value::DateTime(t) => text.and_then(|text| instant(&text)) == Some(*t),
        Value::Dynamic(json) => {
            numbers_survive(written) && Json::parse(written).as_ref() == Some(&**json)
        }
        _ => false,
    }
}

/// What the three forms are made of, and any byte now and then.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\"",
        "{\"a\":1}",
        "{\"Count\":\"x\"}",
        "\"Name\":",
        "a,Count\n",
        "1,2\n",
        "\"q\"",
        "null",
        "1e999",
        "\u{feff}",
        "{\"a\":[{}]}",
        "ä",
        "\0",
    ]);
    prop_oneof![
        9 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

proptest! {
    #[test]
    fn inference_loses_nothing(
        rows in prop::collection::vec(prop::collection::vec(json_value(), 3), 1..6),
    ) {
        let objects: Vec<String> = rows.iter()
            .map(|row| {
                let (a, b, time) = (&row[0], &row[1], &row[2]);
                format!("{{\"a\":{a},\"B c\":{b},\"TimeGenerated\":{time}}}")
            })
            .collect();
        let text = format!("[{}]", objects.join(","));
        let (_, loaded) = inferred(Form::Json, &text, None);
        prop_assert!(loaded.dead.is_empty() && loaded.dropped.count() == 0, "{:?}", loaded.dead);
        prop_assert_eq!(loaded.batch.n_rows(), rows.len());
        let table = Arc::clone(&loaded.batch.table);
        let beside = table.position("TimeGenerated_1").is_some();
        let time = if beside { "TimeGenerated_1" } else { TIME };
        for (i, row) in rows.iter().enumerate() {
            for (column, written) in ["a", "B_c", time].into_iter().zip(row) {
                if column == TIME && written == "null" {
                    continue;
                }
                let value = loaded.batch.value(i, column).unwrap();
                prop_assert!(says_same(value, written), "{column}: {value:?} was {written}");
            }
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused(
        pieces in prop::collection::vec(piece(), 0..24),
        form in 0..3,
    ) {
        let bytes = pieces.concat();
        let form = [Form::Json, Form::JsonLines, Form::Csv][form as usize];
        let origin = origin();
        let input = input(form, &bytes, &origin);
        if let Ok(loaded) = reader(true).read(&input, &LoadLimits::PUSH) {
            let n_rows = loaded.batch.n_rows();
            prop_assert!(loaded.batch.columns.iter().all(|column| column.len() == n_rows));
        }
        if let Ok(made) = infer("T", &input, None, &LoadLimits::PUSH) {
            let loaded = made.read(&input, &LoadLimits::PUSH).unwrap();
            prop_assert!(loaded.dead.iter().all(|dead| dead.reason != Reason::Unfit));
            prop_assert_eq!(loaded.dropped.count(), 0);
        }
    }
}

#[test]
fn the_made_table_is_one_that_the_store_takes() {
    let (_, loaded) = inferred(Form::Json, r#"{"Ä":1,"ä":2,"x":3}"#, None);
    let names: Vec<String> =
        loaded.batch.table.columns.iter().map(|c| c.name.to_lowercase()).collect();
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert_eq!(loaded.batch.table.columns[0].kind, Type::DateTime);
}
