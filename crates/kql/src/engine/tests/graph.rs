//! Graphs made of tables, and what is asked of them.

use super::check;

const GRAPH: &str = "let people = datatable(name:string, age:long)['ann', 40, 'bob', 30, 'cyd',
    20, 'zoe', 9];
    let knows = datatable(a:string, b:string, w:long)['ann', 'bob', 1, 'bob', 'cyd', 2, 'cyd',
        'ann', 3, 'bob', 'dan', 4];
    knows | make-graph a --> b with people on name ";

#[track_caller]
fn graph(query: &str, expected: &[&str]) {
    check(&format!("{GRAPH} | {query}"), expected);
}

#[test]
fn patterns_of_one_edge_each() {
    graph(
        "graph-match (x)-[e]->(y) where x.age > 25 project x.name, y.name, y.age, w = e.w",
        &["x_name, y_name, y_age, w", "ann, bob, 30, 1", "bob, cyd, 20, 2", "bob, dan, , 4"],
    );
    graph(
        "graph-match (x)<--(y)-->(z) where x.name == 'cyd' project y.name, z.name",
        &["y_name, z_name", "bob, dan"],
    );
    graph(
        "graph-match cycles=all (x)-->(y)<--(z) where x.name == 'ann' project z.name",
        &["z_name", "ann"],
    );
    graph(
        "graph-match (x)-->(y)-->(z)-->(x) where x.name == 'bob' project y.name, z.name",
        &["y_name, z_name", "cyd, ann"],
    );
    graph("graph-match (x)--(y) where x.name == 'cyd' project y.name", &["y_name", "ann", "bob"]);
    graph("graph-match (x) where x.name == 'zoe' project x", &["x", r#"{"name":"zoe","age":9}"#]);
}

#[test]
fn patterns_of_several_edges() {
    graph(
        "graph-match (x)-[p*1..3]->(y) where x.name == 'ann' and all(p, w < 4)
         project y.name, ws = map(p, w), through = map(inner_nodes(p), name)",
        &[
            "y_name, ws, through",
            "bob, [1], []",
            "cyd, [1,2], [\"bob\"]",
            "ann, [1,2,3], [\"bob\",\"cyd\"]",
        ],
    );
    graph(
        "graph-match (x)-[p*0..1]->(y) where y.name == 'dan' project x.name, p",
        &["x_name, p", "dan, []", r#"bob, [{"a":"bob","b":"dan","w":4}]"#],
    );
    graph(
        "graph-match cycles=none (x)-[p*1..5]->(y) where x.name == 'ann' and any(p, w == 4)
            project y.name",
        &["y_name", "dan"],
    );
    graph(
        "graph-match (x)-[p*1..2]->(y)-->(z) where z.name == 'dan' and x.name != 'bob' project
            x.name, p.w",
        &["x_name, p_w", "ann, [1]", "cyd, [3,1]"],
    );
}

#[test]
fn shortest_paths() {
    graph(
        "graph-shortest-paths (x)-[p*1..9]->(y) where x.name == 'cyd' project y.name, n =
            array_length(p)",
        &["y_name, n", "ann, 1", "bob, 2", "dan, 3"],
    );
    let two = "datatable(a:long, b:long)[1, 2, 1, 3, 2, 4, 3, 4, 1, 4]
        | make-graph a --> b with_node_id=n";
    check(
        &format!(
            "{two} | graph-shortest-paths output=all (x)-[p*2..4]->(y) where x.n == 1 and y.n ==
                4 project v = map(inner_nodes(p), n)"
        ),
        &["v", "[2]", "[3]"],
    );
    check(
        &format!(
            "{two} | graph-shortest-paths (x)-[p*1..4]->(y) where x.n == 1 and y.n == 4 project n
                = array_length(p)"
        ),
        &["n", "1"],
    );
}

#[test]
fn graphs_are_changed_and_become_tables() {
    graph(
        "graph-where-edges w != 3 | graph-where-nodes name != 'dan' | graph-to-table edges",
        &["a, b, w", "ann, bob, 1", "bob, cyd, 2"],
    );
    graph(
        "graph-mark-components with_component_id=c | graph-to-table nodes | project name, c",
        &["name, c", "ann, 0", "bob, 0", "cyd, 0", "zoe, 1", "dan, 0"],
    );
    graph(
        "graph-mark-components kind=strong | graph-to-table nodes | project name, ComponentId",
        &["name, ComponentId", "ann, 0", "bob, 0", "cyd, 0", "zoe, 1", "dan, 2"],
    );
    graph(
        "graph-to-table nodes as n with_node_id=id, edges as e with_source_id=s; e
            | join kind=inner n on $left.s == $right.id | project name, b | sort by b asc | take 2",
        &["name, b", "cyd, ann", "ann, bob"],
    );
    graph(
        "graph-match (x) where node_degree_out(x) == 2 project i = node_id(x), n =
            node_degree_in(x)",
        &["i, n", "bob, 1"],
    );
    graph("count", &["error: this operator takes no graph"]);
}

#[test]
fn each_partition_is_a_graph_of_its_own() {
    check(
        "datatable(t:string, a:long, b:long)['x', 1, 2, 'y', 2, 3, 'x', 2, 4]
         | make-graph a --> b with_node_id=n partitioned-by t (
             graph-match (p)-->(q)-->(r) project p.n, r.n)",
        &["p_n, r_n", "1, 4"],
    );
}
