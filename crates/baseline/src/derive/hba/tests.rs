//! The decision over sets against a judge that goes through the lines one by one.

mod naive;

use std::collections::BTreeMap;
use std::net::IpAddr;

use kql::plan::{Column, Schema};
use kql::value::{Json, Type};
use proptest::prelude::*;

use super::super::{Given, list};
use super::{File, Transport, reach, shadows};
use crate::bundle::TableEvidence;
use naive::{World, Written, judge, line};

/// Names of connections; some exist as nothing.
const ROLE_NAMES: &[&str] = &["ann", "bob", "boss", "staff", "shop", "all", "ghost", "zed", "alf"];
const BASE_NAMES: &[&str] = &[
    "shop",
    "ann",
    "bob",
    "boss",
    "postgres",
    "staff",
    "all",
    "replication",
    "ghost",
    "zed",
    "box",
    "alf",
    "",
];
const TRANSPORTS: [Transport; 4] = Transport::ALL;

fn table(rows: Vec<Vec<(&'static str, Json)>>) -> TableEvidence {
    let columns: Schema = rows
        .first()
        .into_iter()
        .flatten()
        .map(|(name, _)| Column::new(*name, Type::Dynamic))
        .collect();
    let rows = rows.into_iter().map(|row| row.into_iter().map(|(_, cell)| cell).collect());
    TableEvidence::whole(columns, rows.collect(), "")
}

fn text(text: &str) -> Json {
    Json::String(text.into())
}

fn tables(lines: &[Written], world: World) -> BTreeMap<String, TableEvidence> {
    let rules = lines.iter().enumerate().map(|(at, line)| {
        let (address, bits) = match line.address.split_once('/') {
            Some((address, bits)) => (address, Json::Long(bits.parse().unwrap())),
            None => (line.address.as_str(), Json::Null),
        };
        let n = Json::Long(i64::try_from(at).unwrap() + 1);
        let what = [
            line.kind,
            &line.databases.join(","),
            &line.roles.join(","),
            &line.address,
            line.method,
        ];
        vec![
            ("rule", n.clone()),
            ("line", n),
            ("file", text("pg_hba.conf")),
            ("item", text(&what.join(" "))),
            ("type", text(line.kind)),
            ("databases", list(&line.databases)),
            ("users", list(&line.roles)),
            ("address", text(address)),
            ("bits", bits),
            ("method", text(line.method)),
            ("error", text("")),
            ("warning", text("")),
        ]
    });
    let roles = world.roles().map(|(name, superuser, login, _)| {
        vec![
            ("name", text(name)),
            ("superuser", Json::Bool(*superuser)),
            ("login", Json::Bool(*login)),
        ]
    });
    let paths = world.roles().flat_map(|(name, _, _, groups)| {
        groups
            .iter()
            .filter(move |group| world.has_role(group))
            .map(move |group| vec![("member", text(name)), ("role", text(group))])
    });
    let databases =
        world.databases().map(|name| vec![("name", text(name)), ("allow_conn", Json::Bool(true))]);
    let all = [
        ("HbaRules", table(rules.collect())),
        ("Roles", table(roles.collect())),
        ("MembershipPaths", table(paths.collect())),
        ("Databases", table(databases.collect())),
    ];
    all.map(|(name, table)| (name.to_owned(), table)).into()
}

/// Roles, databases, networks, rule, unsure.
type Row = (Vec<String>, Vec<String>, Vec<(IpAddr, u32)>, i64, bool);

fn words(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(all), 1..3)
}

fn one_of(all: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(all).prop_map(str::to_owned)
}

fn written() -> impl Strategy<Value = Written> {
    let kinds = ["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc", "host"];
    let four = (0..16_u8, 26..33_u32).prop_map(|(low, bits)| format!("10.0.0.{low}/{bits}"));
    let six = (0..4_u8, 124..129_u32).prop_map(|(low, bits)| format!("2001:db8::{low}/{bits}"));
    let address = prop_oneof![
        4 => four, 2 => six,
        2 => one_of(&["all", "0.0.0.0/0", "::/0", "127.0.0.0/8"]),
        1 => one_of(&["samenet", "db.example.com"]),
    ];
    (
        proptest::sample::select(kinds.to_vec()),
        words(&[
            "all",
            "all",
            "shop",
            "ann",
            "sameuser",
            "samerole",
            "replication",
            "ghost",
            "/^a",
            "/o",
            r"/\mx",
        ]),
        words(&["all", "ann", "bob", "+staff", "+boss", "+ghost", "ghost", "/^a", "shop", "+all"]),
        address,
        proptest::sample::select(vec!["trust", "scram-sha-256", "reject"]),
    )
        .prop_map(|(kind, databases, roles, address, method)| {
            let address = if kind == "local" { String::new() } else { address };
            Written { kind, databases, roles, address, method }
        })
}

fn froms() -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = ["127.0.0.1", "::1", "1.2.3.4", "10.0.0.63", "10.0.0.64", "fe80::1"]
        .map(|a| a.parse().unwrap())
        .to_vec();
    all.extend(
        [0, 1, 2, 3, 4, 7, 8, 11, 15, 16]
            .map(|low| format!("10.0.0.{low}").parse::<IpAddr>().unwrap()),
    );
    all.extend(
        [0, 1, 2, 3, 4, 15, 16].map(|low| format!("2001:db8::{low:x}").parse::<IpAddr>().unwrap()),
    );
    all
}

const REACH: &str = include_str!("../../../../../content/evidence/HbaReach.toml");
const SHADOWS: &str = include_str!("../../../../../content/evidence/HbaShadows.toml");

fn evidence(file: &str) -> Schema {
    let evidence: crate::Evidence = toml::from_str(file).unwrap();
    evidence.schema().unwrap()
}

fn cell<'a>(schema: &Schema, row: &'a [Json], name: &str) -> &'a Json {
    &row[schema.iter().position(|column| column.name == name).unwrap()]
}

fn texts(json: &Json) -> Vec<String> {
    let Json::Array(all) = json else { panic!("{json} is no list") };
    all.iter()
        .map(|item| match item {
            Json::String(text) => text.to_string(),
            other => panic!("{other} is no text"),
        })
        .collect()
}

fn long(json: &Json) -> i64 {
    let Json::Long(n) = json else { panic!("{json} is no number") };
    *n
}

/// Everything that is said of a file and a world, against the lines one by one.
fn agree(lines: &[Written], world: World) {
    let major = world.major;
    let tables = tables(lines, world);
    let given = Given { tables: &tables, major };
    let file = File::read(&given).unwrap();
    let schema = evidence(REACH);
    let rows = reach(&given, &schema).unwrap();
    let mut decide = vec![false; lines.len()];
    let mut could = vec![false; lines.len()];
    for how in TRANSPORTS {
        let froms = if how == Transport::Local {
            vec![None]
        } else {
            froms().into_iter().map(Some).collect()
        };
        let of_how: Vec<Row> = rows
            .iter()
            .filter(|row| *cell(&schema, row, "transport") == text(how.word()))
            .map(|row| {
                let nets = texts(cell(&schema, row, "addresses"))
                    .iter()
                    .map(|net| {
                        let (at, bits) = net.split_once('/').unwrap();
                        (at.parse().unwrap(), bits.parse().unwrap())
                    })
                    .collect();
                (
                    texts(cell(&schema, row, "roles")),
                    texts(cell(&schema, row, "databases")),
                    nets,
                    long(cell(&schema, row, "rule")),
                    *cell(&schema, row, "unsure") == Json::Bool(true),
                )
            })
            .collect();
        for role in ROLE_NAMES {
            for base in BASE_NAMES {
                let database = (!base.is_empty()).then_some(*base);
                // Names that rows say as such; others are in parentheses there.
                let shown = if base.is_empty() { "(replication)" } else { base };
                let is_said = world.has_role(role) && (base.is_empty() || world.has_database(base));
                let mine: Vec<_> = of_how
                    .iter()
                    .filter(|row| {
                        row.0.iter().any(|name| name == role)
                            && row.1.iter().any(|name| name == shown)
                    })
                    .collect();
                for from in &froms {
                    let wanted = judge(lines, role, base, *from, how, world);
                    let said = file.answer(role, database, *from, how);
                    assert_eq!(said.line, wanted.first().map(|(n, _)| *n));
                    let unsure = wanted.first().is_some_and(|(_, unsure)| *unsure);
                    assert_eq!(said.outcome == super::Answer::Unsure, unsure);
                    wanted
                        .iter()
                        .for_each(|(n, _)| decide[usize::try_from(*n).unwrap() - 1] = true);
                    for (at, written) in lines.iter().enumerate() {
                        could[at] |= line(written, role, base, *from, how, world) != Some(false);
                    }
                    if !is_said {
                        continue;
                    }
                    let mut found: Vec<(i64, bool)> = mine
                        .iter()
                        .filter(|row| match from {
                            None => true,
                            Some(from) => row.2.iter().any(|(net, bits)| {
                                crate::derive::prefix::Addresses::network(*net, *bits)
                                    .unwrap()
                                    .has(*from)
                            }),
                        })
                        .map(|row| (row.3, row.4))
                        .collect();
                    found.sort_unstable();
                    assert_eq!(&found, &wanted, "{} {} {:?} {:?}", role, base, from, how);
                }
            }
        }
    }
    let dead: Vec<i64> = {
        let schema = evidence(SHADOWS);
        let rows = shadows(&given, &schema).unwrap();
        rows.iter().map(|row| long(cell(&schema, row, "rule"))).collect()
    };
    // Patterns, which up to 15 are names, fit names that the small world does not have.
    let has_patterns = lines
        .iter()
        .any(|line| line.databases.iter().chain(&line.roles).any(|word| word.starts_with('/')));
    for at in 0..lines.len() {
        let is_dead = dead.contains(&(i64::try_from(at).unwrap() + 1));
        assert!(!(is_dead && decide[at]), "line {} decides something", at + 1);
        if !has_patterns {
            assert_eq!(is_dead, could[at] && !decide[at], "line {}", at + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn sets_decide_as_lines_do(
        lines in proptest::collection::vec(written(), 1..9),
        major in proptest::sample::select(vec![15_u32, 16]),
        odd in proptest::bool::weighted(0.3),
    ) {
        agree(&lines, World { major, odd });
    }
}

fn many(n_lines: usize) -> Vec<Written> {
    let bases = ["all", "shop", "ann", "postgres", "sameuser", "staff"];
    let roles = ["all", "+staff", "ann", "bob", "shop", "+boss"];
    let kinds = ["host", "hostssl", "hostgssenc", "hostnossl"];
    let line = |n: usize| Written {
        kind: kinds[n % 4],
        databases: vec![bases[n % 6]],
        roles: vec![roles[(n / 6) % 6]],
        address: format!("10.{}.{}.0/24", n % 200, n / 3),
        method: if n.is_multiple_of(9) { "reject" } else { "scram-sha-256" },
    };
    (0..n_lines).map(line).collect()
}

#[test]
fn a_large_file_gives_few_rows() {
    let lines = many(200);
    let mut tables = tables(&lines, World { major: 15, odd: false });
    let more = |name: &str,
                n: usize,
                cells: fn(usize) -> Vec<Json>,
                tables: &mut BTreeMap<String, TableEvidence>| {
        tables.get_mut(name).unwrap().rows.extend((0..n).map(cells));
    };
    more(
        "Roles",
        500,
        |n| vec![text(&format!("role{n}")), Json::Bool(false), Json::Bool(true)],
        &mut tables,
    );
    more("MembershipPaths", 250, |n| vec![text(&format!("role{n}")), text("staff")], &mut tables);
    more("Databases", 50, |n| vec![text(&format!("role{n}")), Json::Bool(true)], &mut tables);
    let given = Given { tables: &tables, major: 15 };
    let started = std::time::Instant::now();
    let rows = reach(&given, &evidence(REACH)).unwrap();
    println!("{} rows in {:?}", rows.len(), started.elapsed());
    assert!(rows.len() < 200 * 30, "{} rows", rows.len());
    assert!(shadows(&given, &evidence(SHADOWS)).unwrap().is_empty());
}
