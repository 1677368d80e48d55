//! Queries over workers, held against the engine in memory.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use futures_util::stream;
use kql::engine::{Cancel, Limits, Rows};
use kql::plan::Schema;
use kql::value::{Json, Type, Value};
use lake::beyond::{Sockets, Wire, Workers, serve};
use lake::store::Place;
use lake::{Lake, Table, Tables};

use crate::plans::{Both, InMemory, NOW, chain, schema};

/// A worker in a thread of its own, at a socket; it stays until the process ends.
fn worker(socket: &Path) -> String {
    worker_with(socket, None)
}

/// A worker that reads tables of a place.
pub(crate) fn worker_with(socket: &Path, place: Option<Arc<dyn Place>>) -> String {
    let address = format!("unix://{}", socket.display());
    let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let limits = lake::Limits { threads: 2, memory_bytes: 256 << 20, ..lake::Limits::default() };
    std::thread::spawn(move || {
        let accept = || Ok(incoming(tokio::net::UnixListener::from_std(listener)?));
        let place = place.as_deref();
        serve(&limits, place, Arc::new(Sockets), accept, std::future::pending()).unwrap();
    });
    address
}

fn incoming(
    listener: tokio::net::UnixListener,
) -> impl futures_util::Stream<Item = io::Result<Box<dyn Wire>>> {
    stream::unfold(listener, |listener| async {
        let wire = listener.accept().await.map(|(wire, _)| Box::new(wire) as Box<dyn Wire>);
        Some((wire, listener))
    })
}

fn three() -> &'static [String] {
    static THREE: OnceLock<Vec<String>> = OnceLock::new();
    THREE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        (0..3).map(|n| worker(&folder.join(format!("{n}.sock")))).collect()
    })
}

pub(crate) fn workers(addresses: &[String]) -> Arc<Workers> {
    Arc::new(Workers::new(addresses, 1, Arc::new(Sockets)).unwrap())
}

fn columns() -> Schema {
    schema(&[
        ("n", Type::Long),
        ("s", Type::String),
        ("d", Type::Dynamic),
        ("t", Type::DateTime),
        ("x", Type::Real),
        ("g", Type::Guid),
        ("m", Type::Decimal),
    ])
}

fn row(n: i64) -> Vec<Value> {
    let number = |modulo: i64| Value::Long(n % modulo);
    vec![
        if n % 11 == 0 { Value::Null } else { number(50) },
        Value::text(["alpha", "beta", "", "Ärger mit Wörtern"][usize::try_from(n % 4).unwrap()]),
        Value::json(Json::parse(&format!(r#"{{"a":[{n},2],"b":"k{}"}}"#, n % 3)).unwrap()),
        Value::DateTime(NOW + n * 10_000_000),
        if n % 5 == 0 { Value::Null } else { Value::Real(n as f64 / 4.0) },
        Value::Guid(u128::from(n.unsigned_abs()) << 64),
        Value::Long(n).widen(Type::Decimal),
    ]
}

/// Both engines over a table of twelve files, of which workers read some each.
fn both(folder: &Path, addresses: &[String]) -> Both {
    let all: Vec<Vec<Value>> = (0..2_400).map(row).collect();
    for (at, rows) in all.chunks(200).enumerate() {
        lake::write_parquet(&folder.join(format!("{at}.parquet")), &columns(), rows, 50).unwrap();
    }
    let mut tables = Tables::new();
    tables.add("T", Table::parquet("T", &[folder.to_owned()], Some(&columns())).unwrap());
    let small = vec![vec![Value::Long(3), Value::text("three")]];
    let small = Rows { schema: schema(&[("n", Type::Long), ("name", Type::String)]), rows: small };
    tables.add("Small", Table::rows(small.schema.clone(), &small.rows).unwrap());
    let limits = lake::Limits { threads: 2, ..lake::Limits::default() };
    let mut lake = Lake::new(tables, limits).unwrap();
    lake.spread(workers(addresses)).unwrap();
    let all = Rows { schema: columns(), rows: all };
    let memory =
        InMemory(vec![("T".to_owned(), Arc::new(all)), ("Small".to_owned(), Arc::new(small))]);
    Both { lake, memory }
}

/// In any order; the last ones have one.
const ANY: &[&str] = &[
    "T | where n == 7 and s startswith 'be' | project n, s, d.b, g, m",
    "T | summarize count(), sum(x), dcount(n), array_sort_asc(make_set(s)) by tostring(d.b)",
    "T | summarize count()",
    "T | summarize max(t), take_anyif(g, false), avg(m) by s, n",
    "T | where s has 'wörtern' | extend k = strcat(s, '-', n), day = bin(t, 1m) | project k, day",
    "T | join kind=inner (T | where n < 3 | project n, other = s | distinct *) on n \
     | summarize count() by s, other",
    "T | join kind=leftanti Small on n | summarize count()",
    "T | join kind=fullouter Small on n | summarize count() by name",
    "T | lookup Small on n | where isnotempty(name) | count",
    "union T, Small | summarize count() by s, name",
    "union T, (range n from 1 to 100 step 1) | summarize sum(n)",
    "T | mv-expand e = d.a to typeof(long) | summarize sum(e) by s",
    "T | parse s with first 'lph' rest | summarize count() by first, rest",
    "T | extend c = case(x > 100, 'high', isnull(x), 'none', 'low') | summarize count() by c",
    "let most = toscalar(T | summarize max(n)); T | where n == most | count",
    "T | summarize arg_max(t, s, d) by n | project n, t, s, b = d.b",
    "T | distinct s, n",
    "T | where d.b in ('k1', 'k2') and t between (ago(0s) .. ago(-10m)) | count",
    "T | make-series c = count() default = 0 on t from ago(0s) to ago(-40m) step 10m by s",
    "T | where n > 10 | take 0",
    "T | summarize percentile(x, 50), round(stdev(x), 6), dcountif(n, x > 3) by s",
    "T | top-nested 2 of s by count()",
    "materialize(T | where n < 5) | as M | union M | count",
];
const ORDERED: &[&str] = &[
    "T | sort by n asc, t desc | project n, t, s",
    "T | sort by x desc, t asc | take 25 | project x, s",
    "T | sort by t asc | serialize r = row_number(), p = prev(n) | where r % 100 == 0",
    "T | summarize c = count() by s, n | sort by s asc, n asc, c desc",
    "T | where n < 20 | sort by t desc | take 40 | project t",
];

#[test]
fn workers_answer_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let both = both(folder.path(), three());
    let plan = both.lake.explain(NOW, &both.bound(ANY[1])).unwrap();
    assert!(plan.contains("DistributedExec") && plan.contains("NetworkShuffleExec"), "{plan}");
    let wrong: Vec<String> = ANY
        .iter()
        .map(|text| (text, false))
        .chain(ORDERED.iter().map(|text| (text, true)))
        .filter_map(|(text, ordered)| {
            let why = both.compared(&both.bound(text), ordered).err()?;
            Some(format!("{text}: {why}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_is_not_there_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut addresses = three().to_vec();
    addresses.push("unix:///nowhere/at/all.sock".to_owned());
    let both = both(folder.path(), &addresses);
    for _ in 0..8 {
        both.kql(ANY[1]);
    }
    let folder = tempfile::tempdir().unwrap();
    let none = self::both(folder.path(), &addresses[3..]);
    none.kql(ANY[1]);
}

#[test]
fn what_a_query_may_use_holds_on_workers() {
    let folder = tempfile::tempdir().unwrap();
    let both = both(folder.path(), three());
    // By batch, on a worker: more rows than an operator may give.
    let query = both
        .bound("T | mv-apply e = d.a on (top 1 by tolong(e)) | summarize count() by tostring(e)");
    let limits = Limits { working_rows: 10, ..Limits::default() };
    let why = both.lake.run_at(NOW, &query, &limits, &Cancel::new()).unwrap_err();
    assert!(chain(&why).contains("10"), "{}", chain(&why));
}

#[test]
fn addresses() {
    for wrong in ["", "worker", "http://w:1", "https://u:p@w:1", "https://w:1/x", "unix://h/x"] {
        let made = Workers::new(&[wrong.to_owned()], 1, Arc::new(Sockets));
        assert!(made.is_err(), "{wrong}");
    }
}
