//! The documentation's examples: what they print is judged elsewhere, here both engines must
//! give the same.

use kql::engine::memory::Memory;
use kql::engine::{Cancel, Engine as _, Limits};
use kql::functions::Context;

use crate::plans::{Both, NOW, chain, text};

/// Names a folder with `docs-dev.jsonl`: lines of `{"id","query"}`.
const FOLDER: &str = "KQL_CORPUS";

#[test]
fn examples_of_the_documentation() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        eprintln!("{FOLDER} is not set: nothing compared");
        return;
    };
    let file = std::path::Path::new(&folder).join("docs-dev.jsonl");
    let lines = std::fs::read_to_string(file).unwrap();
    let both = Both::new(Vec::new());
    let (mut same, mut unbound) = (0, 0);
    let mut different = Vec::new();
    for line in lines.lines() {
        let example: serde_json::Value = serde_json::from_str(line).unwrap();
        let (id, query) = (example["id"].as_str().unwrap(), example["query"].as_str().unwrap());
        let discover = |query: &kql::plan::Query| both.lake.discover(NOW, query);
        let context = Context { now: NOW };
        let tables = both.lake.tables();
        let Some(query) = kql::bind::compile(query, tables, context, Some(&discover)).query else {
            unbound += 1;
            continue;
        };
        let limits = Limits::default();
        let memory = Memory::new(&both.memory, context).run(&query, &limits, &Cancel::new());
        let lake = both.lake.run_at(NOW, &query, &limits, &Cancel::new());
        match (memory, lake) {
            (Ok(memory), Ok(lake)) => {
                let (mut a, mut b) = (text(&memory.rows), text(&lake.rows));
                a.sort();
                b.sort();
                if a == b && memory.schema == lake.schema {
                    same += 1;
                } else {
                    different.push(format!("{id}: {a:?}\n    but {b:?}"));
                }
            }
            (Err(_), Err(_)) => same += 1,
            (Ok(_), Err(e)) => different.push(format!("{id}: {}", chain(&e))),
            (Err(e), Ok(_)) => different.push(format!("{id}: memory alone fails: {}", chain(&e))),
        }
    }
    eprintln!("same {same}, not bound {unbound}, different {}", different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}
