//! How to connect to a server, for programs and languages.

use api::plane::model::{Connection, Snippet};
use base::{ExitCode, Fault, ServerName};
use serde_json::Value;

use super::{shell, text};

/// The longest name of a role in PostgreSQL.
const ROLE_MAX_BYTES: usize = 63;

/// The parts of a connection string of ours.
struct Parts<'d> {
    host: &'d str,
    port: u16,
    database: &'d str,
    ca_file: String,
    password_file: Option<String>,
}

/// How to connect to the server that `shown` shows, as its administrator or as `role`.
pub(super) fn connection(
    shown: &Value,
    name: &ServerName,
    role: Option<&str>,
) -> Result<Connection, Fault> {
    let Some(own) = shown["dsn"].as_str() else {
        let message = format!("server \"{name}\" does not say how to connect to it");
        return Err(Fault::new("not_running", message)
            .detail(text(shown, "state_reason"))
            .hint(format!("pgkeep server start -n {name}"))
            .exit(ExitCode::Conflict));
    };
    let bad_role =
        |role: &str| !(1..=ROLE_MAX_BYTES).contains(&role.len()) || role.contains(char::is_control);
    if role.is_some_and(bad_role) {
        return Err(Fault::new("bad_request", "that is no name of a role").exit(ExitCode::Usage));
    }
    let dsn = role.map_or_else(|| own.to_owned(), |role| as_role(own, role));
    let parts = parse(&dsn).ok_or_else(|| {
        Fault::new("bad_answer", "the server's connection string is not understood")
    })?;
    let ca_pem = std::fs::read_to_string(&parts.ca_file)
        .map_err(|e| Fault::from_error("ca", format!("could not read {}", parts.ca_file), &e))?;
    let role = role.unwrap_or("postgres");
    let snippets = snippets(&dsn, &parts, role, name);
    Ok(Connection {
        role: role.to_owned(),
        host: parts.host.to_owned(),
        port: parts.port,
        ca_pem,
        ca_file: parts.ca_file.clone(),
        password_file: parts.password_file.clone(),
        snippets,
        dsn,
    })
}

/// The same server for another role: its password is not in our password file.
pub(crate) fn as_role(dsn: &str, role: &str) -> String {
    let rest = dsn.split_once('@').map_or(dsn, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("passfile=")).collect();
    format!("postgresql://{}@{place}?{}", encode(role), kept.join("&"))
}

/// Percent-encoding of RFC 3986 for a part of a URI.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).filter(|_| *first == b'%');
        let byte = pair
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parse(dsn: &str) -> Option<Parts<'_>> {
    let (place, query) = dsn.split_once('@')?.1.split_once('?')?;
    let (address, database) = place.split_once('/')?;
    let (host, port) = address.rsplit_once(':')?;
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| decode(value))
    };
    Some(Parts {
        host,
        port: port.parse().ok()?,
        database,
        ca_file: value("sslrootcert")?,
        password_file: value("passfile"),
    })
}

fn snippets(dsn: &str, parts: &Parts<'_>, role: &str, name: &ServerName) -> Vec<Snippet> {
    let Parts { host, port, database, ca_file, password_file } = parts;
    let snippet = |id: &str, title: &str, language: &str, text: String| Snippet {
        id: id.to_owned(),
        title: title.to_owned(),
        language: language.to_owned(),
        text,
    };
    let password = match password_file {
        Some(file) => format!("the password is the last field of {file}"),
        None => format!("the password of role {role}"),
    };
    let fields = |ca_label: &str| {
        format!(
            "Host: {host}\nPort: {port}\nDatabase: {database}\nUser: {role}\n\
             Password: {password}\nSSL mode: verify-full\n{ca_label}: {ca_file}\n"
        )
    };
    let pass_line =
        password_file.as_ref().map(|file| format!("passfile={file}\n")).unwrap_or_default();
    let quoted = |text: &str| Value::from(text).to_string();
    let (url, ca, user) = (quoted(dsn), quoted(ca_file), quoted(role));
    let jdbc = format!(
        "jdbc:postgresql://{host}:{port}/{database}?user={}&sslmode=verify-full&sslrootcert={}",
        encode(role),
        encode(ca_file)
    );
    vec![
        snippet("psql", "psql", "shell", format!("psql {}\n", shell_quoted(dsn))),
        snippet("pgadmin", "pgAdmin", "text", fields("Parameters, root certificate")),
        snippet("dbeaver", "DBeaver", "text", fields("SSL, CA certificate")),
        snippet("jdbc", "JDBC", "text", format!("{jdbc}\n# {password}\n")),
        snippet(
            "python",
            "Python (psycopg)",
            "python",
            format!(
                "import psycopg\n\nwith psycopg.connect({url}) as connection:\n    \
                 print(connection.execute(\"select version()\").fetchone())\n"
            ),
        ),
        snippet(
            "node",
            "Node.js (pg)",
            "javascript",
            format!(
                "// {password}\nimport fs from \"node:fs\";\nimport pg from \"pg\";\n\n\
                 const client = new pg.Client({{\n  host: {host:?},\n  port: {port},\n  \
                 database: {database:?},\n  user: {user},\n  \
                 password: process.env.PGPASSWORD,\n  \
                 ssl: {{ ca: fs.readFileSync({ca}, \"utf8\") }},\n}});\nawait client.connect();\n\
                 console.log((await client.query(\"select version()\")).rows[0]);\n\
                 await client.end();\n"
            ),
        ),
        snippet(
            "libpq-service",
            "libpq service file (~/.pg_service.conf)",
            "ini",
            format!(
                "[{name}]\nhost={host}\nport={port}\ndbname={database}\nuser={role}\n\
                 sslmode=verify-full\nsslrootcert={ca_file}\n{pass_line}"
            ),
        ),
    ]
}

/// A connection string as one word of a shell: its `&` and `?` mean something there.
fn shell_quoted(dsn: &str) -> String {
    match shell(dsn) {
        plain if plain == dsn => format!("'{dsn}'"),
        quoted => quoted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn another_role_brings_its_own_password() {
        let dsn = "postgresql://postgres@localhost:5432/postgres?sslmode=verify-full\
                   &sslrootcert=/h/ca.pem&passfile=/h/servers/a/pgpass";
        assert_eq!(
            as_role(dsn, "a b@c"),
            "postgresql://a%20b%40c@localhost:5432/postgres?sslmode=verify-full\
             &sslrootcert=/h/ca.pem"
        );
    }

    #[test]
    fn every_snippet_verifies_the_server_and_holds_no_password() {
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("a ca.pem");
        std::fs::write(&ca, "PEM").unwrap();
        let ca_in_uri = ca.to_str().unwrap().replace(' ', "%20");
        let dsn = format!(
            "postgresql://postgres@localhost:5433/postgres?sslmode=verify-full\
             &sslrootcert={ca_in_uri}&passfile=/h/pgpass"
        );
        let name: ServerName = "demo".parse().unwrap();
        let shown = json!({ "dsn": dsn });
        let own = connection(&shown, &name, None).unwrap();
        assert_eq!((own.port, own.host.as_str(), own.ca_pem.as_str()), (5433, "localhost", "PEM"));
        assert_eq!(own.password_file.as_deref(), Some("/h/pgpass"));
        assert_eq!(own.snippets.len(), 7);
        for snippet in &own.snippets {
            let verifies = snippet.text.contains("verify-full") || snippet.text.contains("ssl: {");
            assert!(verifies, "{snippet:?}");
            assert!(snippet.text.contains("5433"), "{snippet:?}");
        }
        let other = connection(&shown, &name, Some("anna")).unwrap();
        assert!(other.password_file.is_none() && !other.dsn.contains("pgpass"));
        assert!(connection(&shown, &name, Some("a\nb")).is_err());
        let silent = json!({ "dsn": null, "state_reason": "stopped by its owner" });
        assert_eq!(connection(&silent, &name, None).unwrap_err().exit, ExitCode::Conflict);
    }
}
