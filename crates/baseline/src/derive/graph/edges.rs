//! Edges of the graph, from the evidence. Sources: PostgreSQL's manual on CREATE ROLE, GRANT,
//! predefined roles, CREATE FUNCTION ("Writing SECURITY DEFINER Functions Safely"), and running it.

use std::collections::HashMap;

use super::super::{Cells, Fault, Given};
use super::usage::Usage;
use super::{EDGES_MAX, Edge, Graph, Node};

const PROGRAM: &str = "pg_execute_server_program";
/// Predefined roles that act as the server's account: what they do, whether at once.
const FILE_ROLES: &[(&str, &str, &str, bool)] = &[
    (PROGRAM, "runs programs of the host", "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'", true),
    ("pg_write_server_files", "writes files of the server", "", true),
    ("pg_read_server_files", "reads files of the server, verifiers among them", "", false),
];
/// Functions that PostgreSQL gives to superusers alone: what they do, whether that is enough.
const FILE_FUNCTIONS: &[(&str, &str, bool)] = &[
    ("lo_export", "writes files of the server", true),
    ("pg_file_write", "writes files of the server", true),
    ("lo_import", "reads files of the server", false),
    ("pg_read_file", "reads files of the server", false),
    ("pg_read_binary_file", "reads files of the server", false),
];
/// Settings that run programs, or load libraries, by the server's account.
const COMMANDS: &[&str] = &[
    "archive_command",
    "restore_command",
    "archive_cleanup_command",
    "recovery_end_command",
    "ssl_passphrase_command",
];
const LIBRARIES: &[&str] = &[
    "shared_preload_libraries",
    "session_preload_libraries",
    "local_preload_libraries",
    "dynamic_library_path",
    "archive_library",
    "jit_provider",
    "oauth_validator_libraries",
    "extension_control_path",
];
/// Languages whose functions are not held back.
const UNTRUSTED: &[&str] = &["c", "internal", "plperlu", "plpython3u", "plpythonu", "pltclu"];

/// What is known of roles.
struct Roles<'a> {
    by_name: HashMap<&'a str, Cells<'a>>,
}

impl Roles<'_> {
    fn ident(&self, name: &str) -> &str {
        self.by_name.get(name).map_or("", |role| role.text("ident"))
    }

    fn is_superuser(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|role| role.is("superuser"))
    }
}

fn grantee(name: &str) -> Node {
    if name == "PUBLIC" { Node::Public } else { Node::Rights(name.to_owned()) }
}

fn role(name: &str) -> Node {
    Node::Role(name.to_owned())
}

impl Graph {
    pub(super) fn read(given: &Given<'_>) -> Result<Self, Fault> {
        let by_name = given.rows("Roles").map(|row| (row.text("name"), row)).collect();
        let roles = Roles { by_name };
        let mut graph = Self::default();
        graph.attributes(given, &roles);
        graph.memberships(given, &roles);
        graph.functions(given, &roles);
        graph.grants(given);
        graph.schemas(given, &roles);
        if graph.edges.len() > EDGES_MAX {
            return Err(Fault::TooMuch(format!("the graph of roles has over {EDGES_MAX} edges")));
        }
        Ok(graph)
    }

    /// What roles are.
    fn attributes(&mut self, given: &Given<'_>, roles: &Roles<'_>) {
        let implied = |to: &mut Self, from: Node, node: Node| {
            to.edge(from, node, Edge { strong: true, ..Edge::default() });
        };
        for row in given.rows("Roles") {
            let (name, ident) = (row.text("name"), row.text("ident"));
            let rights = Node::Rights(name.to_owned());
            implied(self, role(name), rights.clone());
            implied(self, rights, Node::Public);
            let altered = |word: &str| {
                (format!("ALTER ROLE {ident} NO{word}"), format!("ALTER ROLE {ident} {word}"))
            };
            if row.is("superuser") {
                let (cut, undo) = altered("SUPERUSER");
                // The first superuser stays one.
                let (cut, undo) =
                    if row.is("bootstrap") { Default::default() } else { (cut, undo) };
                let why = "is a superuser".to_owned();
                let edge =
                    Edge { kind: "superuser", why, cut, undo, strong: true, ..Edge::default() };
                self.edge(role(name), Node::Superuser, edge);
                continue;
            }
            if row.is("login") {
                self.logins.push(name.to_owned());
            }
            if row.is("createrole") && given.major <= 15 && roles.by_name.contains_key(PROGRAM) {
                let (cut, undo) = altered("CREATEROLE");
                let why = "CREATEROLE gives any role that is no superuser".to_owned();
                let how = format!("GRANT {PROGRAM} TO {ident}");
                let edge = Edge {
                    kind: "createrole",
                    why,
                    how,
                    cut,
                    undo,
                    strong: true,
                    ..Edge::default()
                };
                self.edge(role(name), role(PROGRAM), edge);
            }
            if row.is("replication") {
                let (cut, undo) = altered("REPLICATION");
                let why = "REPLICATION copies the whole cluster, verifiers included".to_owned();
                let edge = Edge { kind: "replication", why, cut, undo, ..Edge::default() };
                self.edge(role(name), Node::Superuser, edge);
            }
        }
        self.logins.sort();
        for (name, what, how, strong) in FILE_ROLES {
            if roles.by_name.contains_key(name) {
                let (why, how) = ((*what).to_owned(), (*how).to_owned());
                let edge =
                    Edge { kind: "server-files", why, how, strong: *strong, ..Edge::default() };
                self.edge(Node::Rights((*name).to_owned()), Node::System, edge);
            }
        }
        let why = "the account owns the cluster's files".to_owned();
        let edge = Edge { kind: "server-account", why, strong: true, ..Edge::default() };
        self.edge(Node::System, Node::Superuser, edge);
        let why = "a superuser runs programs of the host".to_owned();
        let how = "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'".to_owned();
        let edge = Edge { kind: "programs", why, how, strong: true, ..Edge::default() };
        self.edge(Node::Superuser, Node::System, edge);
    }

    fn memberships(&mut self, given: &Given<'_>, roles: &Roles<'_>) {
        for row in given.rows("Memberships") {
            let (member, of) = (row.text("member"), row.text("role"));
            let ident = roles.ident(of);
            let grant = |kind, why: String, how: String| Edge {
                kind,
                why,
                how,
                cut: row.text("revoke").to_owned(),
                undo: row.text("regrant").to_owned(),
                strong: true,
                ..Edge::default()
            };
            if row.is("can_set") {
                let edge =
                    grant("set-role", format!("member of {of}"), format!("SET ROLE {ident}"));
                self.edge(role(member), role(of), edge);
            }
            if row.is("inherits") {
                let edge = grant("inherits", format!("inherits from {of}"), String::new());
                let rights = Node::Rights(of.to_owned());
                self.edge(Node::Rights(member.to_owned()), rights, edge);
            }
            // Membership in a superuser is a superuser's to give.
            if row.is("admin") && !row.is("role_superuser") {
                let how = format!("GRANT {ident} TO {}", roles.ident(member));
                let mut edge = grant("admin", format!("may give {of} to itself"), how);
                edge.cut = row.text("revoke_admin").to_owned();
                edge.also_cut = row.text("revoke").to_owned();
                self.edge(Node::Rights(member.to_owned()), role(of), edge);
            }
        }
    }

    fn functions(&mut self, given: &Given<'_>, roles: &Roles<'_>) {
        let key = |row: Cells<'_>, item: &str| (row.text("database").to_owned(), item.to_owned());
        let known: HashMap<(String, String), Cells<'_>> =
            given.rows("Functions").map(|row| (key(row, row.text("item")), row)).collect();
        let usage = Usage::read(given);
        for row in given.rows("FunctionGrants") {
            let Some(function) = known.get(&key(row, row.text("item"))) else { continue };
            let owner = function.text("owner");
            let is_shipped = !function.text("extension").is_empty();
            if !function.is("security_definer") || is_shipped {
                continue;
            }
            let is_open =
                function.text("search_path").is_empty() && function.text("body") == "text";
            let how_bound =
                if is_open { "without a search_path of its own" } else { "whose names are bound" };
            let item = row.text("item");
            let edge = Edge {
                kind: "definer",
                why: format!("runs {item} as {owner}, {how_bound}"),
                cut: row.text("revoke").to_owned(),
                undo: row.text("regrant").to_owned(),
                database: row.text("database").to_owned(),
                strong: is_open,
                ..Edge::default()
            };
            let (database, schema) = (row.text("database"), row.text("schema"));
            for caller in usage.callers(database, schema, row.text("grantee")) {
                if caller != owner && !roles.is_superuser(caller) {
                    self.edge(grantee(caller), role(owner), edge.clone());
                }
            }
        }
        let triggers = given.rows("Triggers").filter(|row| row.is("relation_owner_superuser"));
        let triggers = triggers.map(|row| (row, "trigger", row.text("relation_owner")));
        let events =
            given.rows("EventTriggers").map(|row| (row, "event-trigger", row.text("owner")));
        for (row, kind, runs) in triggers.chain(events) {
            let function = known.get(&key(row, &format!("{}()", row.text("function"))));
            let Some(function) = function else { continue };
            let owner = function.text("owner");
            // A definer's function runs as its owner, whoever fires it.
            let is_idle = row.text("enabled") == "D" || function.is("security_definer");
            if is_idle || roles.is_superuser(owner) {
                continue;
            }
            let ident = function.text("ident");
            let given_to =
                |name: &str| format!("ALTER FUNCTION {ident} OWNER TO {}", roles.ident(name));
            let edge = Edge {
                kind,
                why: format!("owns {}, which {} runs", function.text("item"), row.text("item")),
                cut: given_to(runs),
                undo: given_to(owner),
                database: row.text("database").to_owned(),
                strong: true,
                ..Edge::default()
            };
            self.edge(Node::Rights(owner.to_owned()), Node::Superuser, edge);
        }
        for row in given.rows("Languages") {
            let language = row.text("item");
            if row.is("trusted") && row.is("public_usage") && UNTRUSTED.contains(&language) {
                let edge = Edge {
                    kind: "language",
                    why: format!("writes functions in {language}, which is marked as trusted"),
                    database: row.text("database").to_owned(),
                    strong: true,
                    ..Edge::default()
                };
                self.edge(Node::Public, Node::System, edge);
            }
        }
    }

    /// Rights on settings and on functions that PostgreSQL keeps to superusers.
    fn grants(&mut self, given: &Given<'_>) {
        let revoked = |row: Cells<'_>, kind, why: String, strong| Edge {
            kind,
            why,
            strong,
            cut: row.text("revoke").to_owned(),
            undo: row.text("regrant").to_owned(),
            database: row.text("database").to_owned(),
            ..Edge::default()
        };
        for row in given.rows("ParameterGrants") {
            let (name, privilege) = (row.text("name"), row.text("privilege"));
            let is_command = COMMANDS.contains(&name) && privilege == "ALTER SYSTEM";
            if is_command || LIBRARIES.contains(&name) {
                let edge = revoked(row, "parameter", format!("{privilege} of {name}"), is_command);
                self.edge(grantee(row.text("grantee")), Node::System, edge);
            }
        }
        for row in given.rows("SystemGrants").filter(|row| row.text("change") == "added") {
            let function = row.text("name");
            let found = FILE_FUNCTIONS.iter().find(|(name, ..)| *name == function);
            if let Some((name, what, strong)) = found.filter(|_| row.text("kind") == "function") {
                let edge = revoked(row, "system-function", format!("{name} {what}"), *strong);
                self.edge(grantee(row.text("grantee")), Node::System, edge);
            }
        }
    }

    /// Schemas that superusers look into without saying so, and that others may fill.
    fn schemas(&mut self, given: &Given<'_>, roles: &Roles<'_>) {
        let setting = given.rows("Settings").find(|row| row.text("name") == "search_path");
        let path = setting.map(|row| row.text("setting")).unwrap_or_default();
        let names: Vec<&str> = path.split(',').map(|name| name.trim().trim_matches('"')).collect();
        for row in given.rows("SchemaGrants") {
            let (schema, who) = (row.text("schema"), row.text("grantee"));
            if row.text("privilege") != "CREATE"
                || !names.contains(&schema)
                || roles.is_superuser(who)
            {
                continue;
            }
            let edge = Edge {
                kind: "schema",
                why: format!("makes objects in {schema}, which a superuser's search_path holds"),
                cut: row.text("revoke").to_owned(),
                undo: row.text("regrant").to_owned(),
                database: row.text("database").to_owned(),
                ..Edge::default()
            };
            self.edge(grantee(who), Node::Superuser, edge);
        }
    }
}
