//! Paths and cuts against searching the small way.

use std::collections::{BTreeMap, BTreeSet};

use kql::plan::{Column, Schema};
use kql::value::{Json, Type};
use proptest::prelude::*;

use super::super::Given;
use super::paths::Goal;
use super::{Edge, Graph, Node, role_edges, role_paths, text};
use crate::bundle::TableEvidence;

const EDGES: &str = include_str!("../../../../../content/evidence/RoleEdges.toml");
const PATHS: &str = include_str!("../../../../../content/evidence/RolePaths.toml");

fn schema(file: &str) -> Schema {
    let evidence: crate::Evidence = toml::from_str(file).unwrap();
    evidence.schema().unwrap()
}

fn table(rows: Vec<Vec<(&'static str, Json)>>) -> TableEvidence {
    let first = rows.first().into_iter().flatten();
    let columns = first.map(|(name, _)| Column::new(*name, Type::Dynamic)).collect();
    let rows = rows.into_iter().map(|row| row.into_iter().map(|(_, cell)| cell).collect());
    TableEvidence::whole(columns, rows.collect(), "")
}

/// Roles by their names and words about them.
fn roles(all: &[(&str, &str)]) -> TableEvidence {
    let row = |(name, words): &(&str, &str)| {
        let is = |word: &str| Json::Bool(words.split(' ').any(|known| known == word));
        let of = ["login", "superuser", "bootstrap", "createrole", "replication"];
        let mut row = vec![("name", text(name)), ("ident", text(&format!("\"{name}\"")))];
        row.extend(of.map(|word| (word, is(word))));
        row
    };
    table(all.iter().map(row).collect())
}

/// Memberships: member, role, options.
fn members(all: &[(&str, &str, &str)]) -> TableEvidence {
    let row = |(member, role, options): &(&str, &str, &str)| {
        let is = |word: &str| Json::Bool(options.split(' ').any(|known| known == word));
        vec![
            ("member", text(member)),
            ("role", text(role)),
            ("admin", is("admin")),
            ("inherits", is("inherit")),
            ("can_set", is("set")),
            ("role_superuser", is("superuser")),
            ("revoke", text(&format!("REVOKE {role} FROM {member}"))),
            ("revoke_admin", text(&format!("REVOKE ADMIN OPTION FOR {role} FROM {member}"))),
            ("regrant", text(&format!("GRANT {role} TO {member}"))),
        ]
    };
    table(all.iter().map(row).collect())
}

/// Roles with their targets and cuts.
fn found(major: u32, roles: TableEvidence, members: TableEvidence) -> Vec<String> {
    let tables: BTreeMap<String, TableEvidence> =
        [("Roles".to_owned(), roles), ("Memberships".to_owned(), members)].into();
    let given = Given { tables: &tables, major };
    let (edges, schema_of_paths) = (schema(EDGES), schema(PATHS));
    assert!(!role_edges(&given, &edges).unwrap().is_empty());
    let rows = role_paths(&given, &schema_of_paths).unwrap();
    let at = |name: &str| schema_of_paths.iter().position(|c| c.name == name).unwrap();
    let said = |json: &Json| match json {
        Json::String(text) => text.to_string(),
        other => other.to_string(),
    };
    let line = |row: &Vec<Json>| {
        let names = ["role", "target", "length", "strong", "cut"];
        names.map(|name| said(&row[at(name)])).join(" | ")
    };
    rows.iter().map(line).collect()
}

const PROGRAM: (&str, &str) = ("pg_execute_server_program", "");

#[test]
fn a_role_that_makes_roles_has_a_path_up_to_15() {
    let make = || {
        roles(&[("ann", "login createrole"), ("postgres", "login superuser bootstrap"), PROGRAM])
    };
    assert_eq!(
        found(15, make(), members(&[])),
        [
            "ann | superuser | 3 | true | ALTER ROLE \"ann\" NOCREATEROLE",
            "ann | operating system | 2 | true | ALTER ROLE \"ann\" NOCREATEROLE",
        ]
    );
    assert!(found(16, make(), members(&[])).is_empty());
}

#[test]
fn options_of_memberships_count() {
    let make = || roles(&[("ann", "login"), ("boss", "superuser"), PROGRAM]);
    let of = |role, options| found(16, make(), members(&[("ann", role, options)]));
    // The attributes of a role are not inherited, its rights are.
    assert!(of("boss", "inherit superuser").is_empty());
    assert!(of("boss", "admin superuser").is_empty());
    assert_eq!(of("boss", "set superuser").len(), 2);
    assert_eq!(of("pg_execute_server_program", "inherit").len(), 2);
    assert!(of("pg_execute_server_program", "").is_empty());
    assert_eq!(
        of("pg_execute_server_program", "admin")[1],
        "ann | operating system | 2 | true | \
         REVOKE ADMIN OPTION FOR pg_execute_server_program FROM ann"
    );
    // To take the membership takes the option with it: one statement, not two.
    assert_eq!(
        of("pg_execute_server_program", "admin set inherit")[1],
        "ann | operating system | 2 | true | REVOKE pg_execute_server_program FROM ann"
    );
}

#[test]
fn the_cut_that_takes_most_off_is_preferred() {
    let roles = roles(&[("ann", "login"), ("bob", "login"), ("team", ""), ("etl", ""), PROGRAM]);
    let members = members(&[
        ("ann", "team", "set inherit"),
        ("bob", "team", "set inherit"),
        ("team", "etl", "set inherit"),
        ("etl", "pg_execute_server_program", "set inherit"),
    ]);
    let found = found(15, roles, members);
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|row| row.ends_with("REVOKE etl FROM team")), "{found:#?}");
}

#[test]
fn what_is_only_possible_is_not_strong() {
    let roles = roles(&[("ann", "login replication")]);
    let found = found(15, roles, members(&[]));
    assert_eq!(found[0], "ann | superuser | 1 | false | ALTER ROLE \"ann\" NOREPLICATION");
}

/// A graph of six roles and the two goals.
fn graph() -> impl Strategy<Value = Graph> {
    let edge = (0..8_usize, 0..8_usize, 0..7_usize, any::<bool>());
    proptest::collection::vec(edge, 0..24).prop_map(|edges| {
        let mut graph = Graph::default();
        let mut names: Vec<Node> = (0..6).map(|n| Node::Role(format!("r{n}"))).collect();
        names.extend([Node::Superuser, Node::System]);
        for node in &names {
            graph.node(node.clone());
        }
        graph.logins = (0..6).map(|n| format!("r{n}")).collect();
        for (from, to, cut, strong) in edges {
            let cut = if cut == 0 { String::new() } else { format!("cut {cut}") };
            let edge = Edge { kind: "some", cut, strong, ..Edge::default() };
            graph.edge(names[from].clone(), names[to].clone(), edge);
        }
        graph
    })
}

/// How far a goal is, going from edge to edge until nothing changes.
fn far(
    graph: &Graph,
    from: usize,
    to: usize,
    strong: bool,
    without: &BTreeSet<&str>,
) -> Option<usize> {
    let mut at: BTreeMap<usize, usize> = [(from, 0)].into();
    for _ in 0..graph.nodes.len() {
        for edge in &graph.edges {
            if let Some(n) = at.get(&edge.from).copied()
                && (edge.strong || !strong)
                && !without.contains(edge.cut.as_str())
            {
                let known = at.entry(edge.to).or_insert(n + 1);
                *known = (*known).min(n + 1);
            }
        }
    }
    at.get(&to).copied()
}

/// Every path and every cut of a graph.
fn judge(graph: &Graph, strong: bool) {
    let to = graph.numbers[&Node::Superuser];
    let goal = Goal::new(graph, to, strong);
    for from in 0..6 {
        let path = goal.path(from);
        let wanted = far(graph, from, to, strong, &BTreeSet::new());
        assert_eq!(path.as_ref().map(Vec::len), wanted);
        let Some(path) = path else { continue };
        let mut node = from;
        for at in &path {
            assert_eq!(graph.edges[*at].from, node);
            assert!(graph.edges[*at].strong || !strong);
            node = graph.edges[*at].to;
        }
        assert_eq!(node, to);

        let all: BTreeSet<&str> =
            graph.edges.iter().map(|e| e.cut.as_str()).filter(|cut| !cut.is_empty()).collect();
        let cuts = goal.cuts(from);
        let chosen: BTreeSet<&str> = cuts.iter().map(|at| graph.edges[*at].cut.as_str()).collect();
        assert_eq!(chosen.len(), cuts.len());
        if far(graph, from, to, strong, &all).is_some() {
            assert!(cuts.is_empty(), "nothing cuts it");
            continue;
        }
        assert_eq!(far(graph, from, to, strong, &chosen), None);
        for cut in &chosen {
            let mut fewer = chosen.clone();
            fewer.remove(cut);
            assert!(far(graph, from, to, strong, &fewer).is_some(), "{} is superfluous", cut);
        }
        let alone = |cut: &&str| far(graph, from, to, strong, &[*cut].into()).is_none();
        assert_eq!(chosen.len() == 1, all.iter().any(alone));
    }
}

proptest! {
    #[test]
    fn paths_are_shortest_and_cuts_cut(graph in graph(), strong in any::<bool>()) {
        judge(&graph, strong);
    }
}

#[test]
fn many_roles_are_done_at_once() {
    let names: Vec<String> = (0..500).map(|n| format!("role{n}")).collect();
    let mut all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "login")).collect();
    all.push(PROGRAM);
    let mut of: Vec<(&str, &str, &str)> = Vec::new();
    for n in 1..500 {
        of.push((&names[n], &names[n / 2], "set inherit admin"));
        of.push((&names[n], &names[n / 3], "set inherit"));
    }
    of.push((&names[0], PROGRAM.0, "set inherit"));
    let started = std::time::Instant::now();
    let found = found(15, roles(&all), members(&of));
    println!("{} paths in {:?}", found.len(), started.elapsed());
    assert_eq!(found.len(), 1000);
    assert!(found.iter().all(|row| row.ends_with("REVOKE pg_execute_server_program FROM role0")));
}
