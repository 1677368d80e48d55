//! Forms that work on whole arrays, held against the functions by value: over memory and over
//! Parquet, as values and as conditions.

use kql::engine::Rows;
use kql::value::{Json, Type, Value};

use crate::plans::{Both, schema};

const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "powershell -enc AAA",
    "PowerShell.exe",
    "x_powershell_y",
    "xpowershell",
    "powershelly powershell",
    "Ärger über ÄRGER",
    "naïve café",
    "\u{212A}elvin kelvin \u{130}x",
    "user=ann code=17 end",
    "user=Bob code=x end",
    "10.0.0.1",
    "ip 10.0.0.1:80 and 110.0.0.1",
    "a;b;;c",
    "tab\tand\nnewline",
    "a long text that is longer than a block of the search, both of its loops turn, POWERSHELL",
    r#"{"a":{"b":[1,"two",3.5,null,true]},"c":"x"}"#,
    r#" { "a" : { "b" : 7 } , "a" : {"b": 8} } "#,
    r#"{"a":"\u00e4\"q\\","n":-0,"e":1e3,"big":12345678901234567890,"f":1.50}"#,
    r#"{"a":1} x"#,
    r#"[1,[2,3],{"k":"v"}]"#,
    "\"just text\"",
    "{bad json",
    "17",
    "-17.5",
    "true",
    "2020-01-02T03:04:05Z",
];

const COLUMNS: &[(&str, Type)] = &[
    ("s", Type::String),
    ("r", Type::String),
    ("n", Type::Long),
    ("i", Type::Int),
    ("x", Type::Real),
    ("d", Type::Dynamic),
    ("t", Type::DateTime),
    ("p", Type::TimeSpan),
    ("b", Type::Bool),
    ("g", Type::Guid),
    ("k", Type::Long),
];

/// Times as they are, or cut to microseconds or nanoseconds since 1970 that 64 bits hold.
#[derive(Clone, Copy, PartialEq)]
enum Times {
    All,
    Micros,
    Nanos,
}

fn table(cut: Times) -> Rows {
    let pick = |all: &[Value], at: usize| all[at % all.len()].clone();
    let longs = [
        Value::Null,
        Value::Long(0),
        Value::Long(-7),
        Value::Long(17),
        Value::Long(i64::MAX),
        Value::Long(i64::MIN),
        Value::Long(3),
    ];
    let ints = [Value::Int(5), Value::Null, Value::Int(-3), Value::Int(i32::MAX), Value::Int(0)];
    let reals = [
        Value::Real(1.5),
        Value::Real(f64::NAN),
        Value::Null,
        Value::Real(-0.0),
        Value::Real(0.0),
        Value::Real(f64::INFINITY),
        Value::Real(-2.75),
        Value::Real(17.0),
    ];
    let dynamics: Vec<Value> = TEXTS
        .iter()
        .map(|text| Json::parse(text).map_or_else(|| Value::Null, Value::json))
        .chain([
            Value::json(Json::String("".into())),
            Value::json(Json::String("powershell".into())),
            Value::json(Json::Bool(true)),
            Value::json(Json::Real(2.0)),
        ])
        .collect();
    let times = [
        Value::DateTime(637_000_000_000_000_000),
        Value::Null,
        Value::DateTime(0),
        Value::DateTime(637_000_000_123_456_789),
        Value::DateTime(3_155_378_975_999_999_999),
    ];
    let times = times.map(|time| match (time, cut) {
        (Value::DateTime(t), Times::Micros) => Value::DateTime(t / 10 * 10),
        (Value::DateTime(t), Times::Nanos) if t < 630_000_000_000_000_000 => Value::Null,
        (Value::DateTime(t), Times::Nanos) => Value::DateTime(t.min(650_000_000_000_000_001)),
        (time, _) => time,
    });
    let spans = [
        Value::TimeSpan(36_000_000_000),
        Value::Null,
        Value::TimeSpan(-1),
        Value::TimeSpan(864_000_000_000),
        Value::TimeSpan(0),
    ];
    let bools = [Value::Bool(true), Value::Bool(false), Value::Null];
    let guids = [Value::Guid(7), Value::Null, Value::Guid(u128::MAX)];
    let rows = (0..320)
        .map(|at| {
            vec![
                Value::text(TEXTS[at % TEXTS.len()]),
                Value::text(TEXTS[(at / 3) % TEXTS.len()]),
                pick(&longs, at),
                pick(&ints, at / 2),
                pick(&reals, at),
                pick(&dynamics, at / 5),
                pick(&times, at),
                pick(&spans, at / 3),
                pick(&bools, at),
                pick(&guids, at),
                Value::Long(at as i64),
            ]
        })
        .collect();
    Rows::new(schema(COLUMNS), rows)
}

/// Conditions; their values are looked at too.
const CONDITIONS: &[&str] = &[
    "s has 'powershell'",
    "s has 'POWERSHELL'",
    "s !has 'powershell'",
    "s has_cs 'powershell'",
    "s !has_cs 'PowerShell'",
    "s hasprefix 'power'",
    "s hasprefix_cs 'Power'",
    "s hassuffix 'shell'",
    "s !hassuffix 'shell'",
    "s has 'über'",
    "s has 'ÜBER'",
    "s has 'kelvin'",
    "s contains 'KELVIN'",
    "s has '10.0.0.1'",
    "s has '='",
    "s has ''",
    "s contains 'shell'",
    "s contains_cs 'Shell'",
    "s !contains 'SHELL'",
    "s contains 'ÄR'",
    "s contains ''",
    "s startswith 'POWER'",
    "s startswith_cs 'Power'",
    "s !startswith 'user'",
    "s endswith 'END'",
    "s endswith_cs 'END'",
    "s endswith 'ÄRGER'",
    "s =~ 'POWERSHELL.EXE'",
    "s !~ 'a'",
    "s == 'a'",
    "s == ''",
    "s != 'a'",
    "s != ''",
    "s == r",
    "s in ('a', 'A', '')",
    "s !in ('a', 'A')",
    "s in~ ('POWERSHELL.EXE', 'a')",
    "s !in~ ('a', 'ärger über ärger')",
    "s in (dynamic(['a', 17, true, null]))",
    "s has_any ('ann', 'KELVIN')",
    "s has_any (dynamic(['ann', 17]))",
    "s has_all ('user', 'code')",
    "s has_all ('user', 'bob', 'END')",
    "s matches regex 'code=[0-9]+'",
    "s matches regex '(?i)POWER.*exe$'",
    "s matches regex '('",
    "isempty(s)",
    "isnotempty(s)",
    "isnull(s)",
    "isempty(d)",
    "isnotempty(d.a)",
    "isnull(d)",
    "isnotnull(d.a.b)",
    "isempty(n)",
    "isnotempty(t)",
    "d has 'powershell'",
    "d !has 'powershell'",
    "d contains 'two'",
    "d.c == 'x'",
    "d.a.b == 'x'",
    "d == 'powershell'",
    "d.c has_any ('x', 'y')",
    "d.c in ('x', 'y')",
    "d.c !in ('x', 'y')",
    "d.c in~ ('X')",
    "n == 17",
    "n != 17",
    "n > 3",
    "n <= i",
    "n == i",
    "n != i",
    "i == 5",
    "i in (5, -3)",
    "n in (17, 0)",
    "n !in (17, 0)",
    "n in (dynamic([17, 0]))",
    "x == 0",
    "x == 0.0",
    "x != 1.5",
    "x > 1",
    "x >= n",
    "x < 0.0",
    "x <= -0.0",
    "n between (0 .. 17)",
    "n !between (0 .. 17)",
    "x between (-3.0 .. 2.0)",
    "t == datetime(2019-07-26T20:26:40Z)",
    "t > datetime(2019-07-26T20:26:40.0000001Z)",
    "t >= datetime(2019-07-26T20:26:40.0000001Z)",
    "t < datetime(2019-07-26T20:26:52.3456789Z)",
    "t <= datetime(2019-07-26T20:26:52.3456788Z)",
    "t != datetime(2019-07-26T20:26:40Z)",
    "t between (datetime(2019-01-01) .. 365d)",
    "t !between (datetime(2019-01-01) .. datetime(2020-01-01))",
    "p > 1h",
    "p == 1h",
    "b",
    "not(b)",
    "b == true",
    "b != false",
    "b and n > 3",
    "b or n > 3",
    "not(b and n > 3)",
    "not(s == 'a')",
    "not(s in ('a', 'b'))",
    "not(n > 3) and s has 'a'",
    "g == guid(00000000-0000-0000-0000-000000000007)",
    "g != guid(00000000-0000-0000-0000-000000000007)",
    "s has 'a' and (n > 3 or b)",
    "iff(b, n > 3, s == 'a')",
];

/// Values of all types.
const VALUES: &[&str] = &[
    "tolower(s)",
    "toupper(s)",
    "strlen(s)",
    "strcat(s, '-', r)",
    "strcat(s, n, x, t, b)",
    "strcat(d, i)",
    "substring(s, 2)",
    "substring(s, 0, 3)",
    "substring(s, -4)",
    "substring(s, -4, 2)",
    "substring(s, 3, -1)",
    "substring(s, 100)",
    "extract('code=([0-9]+)', 1, s)",
    "extract('code=([0-9]+)', 0, s)",
    "extract('code=([0-9]+)', 1, s, typeof(long))",
    "extract('code=([0-9]+)', 1, s, typeof(int))",
    "extract('(a)|(b)', 2, s)",
    "extract('code=([0-9]+)', 7, s)",
    "tostring(split(s, ';')[1])",
    "split(s, ';')[1]",
    "tostring(split(s, ';')[-1])",
    "tostring(split(s, ' ')[2])",
    "split(s, ';')",
    "tostring(n)",
    "tostring(i)",
    "tostring(x)",
    "tostring(d)",
    "tostring(t)",
    "tostring(b)",
    "tostring(g)",
    "tolong(i)",
    "toreal(n)",
    "tolong(s)",
    "todatetime(s)",
    "d.a",
    "d.a.b",
    "d.a.b[1]",
    "d.a.b[-1]",
    "d['a']['b'][0]",
    "d[0]",
    "d[1][1]",
    "d[-1].k",
    "tostring(d.a.b)",
    "tostring(d.a)",
    "tostring(d.c)",
    "tostring(d.f)",
    "tostring(d.big)",
    "tostring(d.e)",
    "tolong(d.a.b)",
    "tolong(d.a.b[0])",
    "toint(d.a.b[0])",
    "toreal(d.a.b[2])",
    "tobool(d.a.b[4])",
    "todatetime(d)",
    "parse_json(s)",
    "parse_json(s).a",
    "parse_json(s).a.b",
    "parse_json(s)[1]",
    "tostring(parse_json(s).a.b)",
    "tostring(parse_json(s).a)",
    "tostring(parse_json(s))",
    "tolong(parse_json(s).a.b)",
    "tostring(parse_json(s).n)",
    "tostring(parse_json(s).e)",
    "tostring(parse_json(s).big)",
    "tostring(parse_json(s).f)",
    "parse_json(tostring(d.a)).b",
    "todynamic(s).a.b[1]",
    "n + i",
    "n - 1",
    "n * 3",
    "n / i",
    "n % 5",
    "n / 0",
    "i + i",
    "x + n",
    "x / 0",
    "x % 2.0",
    "n / 2.0",
    "t + p",
    "t - p",
    "p + t",
    "t - datetime(2019-01-01)",
    "p + 1h",
    "p - p",
    "p / 1h",
    "p * 2",
    "bin(n, 5)",
    "bin(i, 5)",
    "bin(x, 0.5)",
    "bin(n, 0.5)",
    "bin(x, 2)",
    "bin(t, 1h)",
    "bin(t, 7d)",
    "bin(p, 7s)",
    "bin(n, 0)",
    "floor(x, 1)",
    "iff(b, 'y', 'n')",
    "iff(n > 3, s, r)",
    "iff(b, n, i)",
    "iff(b, n, x)",
    "iff(b, s, n)",
    "iff(b, t, datetime(null))",
    "case(n > 3, 'high', b, s, 'low')",
    "case(n > 3, 1, b, 2, 3)",
    "coalesce(s, r)",
    "coalesce(s, r, 'z')",
    "coalesce(n, 5)",
    "coalesce(d.a, d)",
    "coalesce(x, 1.0)",
    "isnotempty(s) and isnotempty(r)",
    "replace_string(s, 'a', 'b')",
    "trim(@'\\s+', s)",
    "indexof(s, 'power')",
    "hourofday(t)",
    "startofday(t)",
    "format_datetime(t, 'yyyy-MM-dd')",
    "toupper(tostring(d.c))",
    "strlen(tostring(d.a))",
    "extract('x(.)', 1, tostring(d))",
    "tostring(split(tostring(d.c), 'x')[0])",
];

fn run(both: &Both) {
    let mut texts = Vec::new();
    for condition in CONDITIONS {
        texts.push(format!("T | where {condition} | project k"));
        texts.push(format!("T | where not({condition}) | project k"));
        texts.push(format!("T | project k, v = {condition}"));
    }
    for value in VALUES {
        texts.push(format!("T | project k, v = {value}"));
    }
    let differences: Vec<String> = texts.iter().filter_map(|text| both.difference(text)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn in_memory() {
    run(&Both::new(vec![("T", table(Times::All))]));
}

#[test]
fn in_parquet() {
    for times in [Times::All, Times::Micros, Times::Nanos] {
        let folder = tempfile::tempdir().unwrap();
        run(&Both::in_parquet("T", table(times), folder.path()));
    }
}

#[test]
fn groups_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let both = Both::in_parquet("T", table(Times::All), folder.path());
    let differences: Vec<String> = [
        "T | count",
        "T | summarize count(), sum(n), max(s), min(t)",
        "T | summarize count() by s, bin(t, 1h)",
        "T | where n > 3 | summarize dcount(s) by i",
        "T | distinct s",
        "T | join kind=inner (T | summarize c = count() by n) on n | summarize sum(c) by s",
        "union T, (T | where b) | summarize count() by s",
        "T | sort by k asc | take 3 | summarize make_list(k)",
    ]
    .into_iter()
    .filter_map(|text| both.difference(text))
    .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
