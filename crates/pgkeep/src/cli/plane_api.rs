//! Calls of the plane's API over its unix socket, for commands about who gets in.

use api::client::Client;
use base::{ExitCode, Fault};
use serde_json::{Value, json};

use super::one_thread;
use crate::home::Home;

/// The socket of the API.
const SOCKET: &str = "api";

/// The plane's API, by its socket.
pub(super) fn client(home: &Home) -> Client {
    Client::new(&home.socket(SOCKET))
}

/// Asks the plane.
pub(super) fn ask(
    home: &Home,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Fault> {
    one_thread()?.block_on(client(home).call(method, path, body, |_| {}))
}

/// All entries of a list, whatever the pages.
pub(super) fn all(home: &Home, path: &str) -> Result<Value, Fault> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let mut page = ask(home, "GET", &format!("{path}?limit=1000{after}"), None)?;
        if let Value::Array(more) = page["items"].take() {
            items.extend(more);
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", part(next)?),
            None => return Ok(Value::Array(items)),
        }
    }
}

/// A name as a part of a path; what would have to be written otherwise names nothing.
pub(super) fn part(name: &str) -> Result<&str, Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !name.is_empty() && name.bytes().all(plain) && !name.bytes().all(|b| b == b'.') {
        return Ok(name);
    }
    Err(Fault::new("not_found", format!("there is nothing of the name \"{name}\""))
        .exit(ExitCode::NotFound))
}

/// Roles as `ROLE` or `ROLE@SCOPE`, those without a scope at `scope`.
pub(super) fn assignments(roles: &[String], scope: &str) -> Value {
    let one = |text: &String| match text.split_once('@') {
        Some((role, scope)) => json!({ "role": role, "scope": scope }),
        None => json!({ "role": text, "scope": scope }),
    };
    roles.iter().map(one).collect()
}

/// Roles as a person reads them.
pub(super) fn roles_text(shown: &Value) -> String {
    let all = shown["assignments"].as_array().into_iter().flatten();
    let text = |given: &Value| {
        let word = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        match word("scope").as_str() {
            "/" => word("role"),
            scope => format!("{}@{scope}", word("role")),
        }
    };
    all.map(text).collect::<Vec<_>>().join(", ")
}

/// Adds a column with the roles to each entry.
pub(super) fn with_roles(mut list: Value) -> Value {
    for entry in list.as_array_mut().into_iter().flatten() {
        entry["roles"] = json!(roles_text(entry));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_a_scope_of_their_own_or_the_common_one() {
        let roles = ["reader".to_owned(), "owner@/servers/demo".to_owned()];
        let expected = json!([
            { "role": "reader", "scope": "/" }, { "role": "owner", "scope": "/servers/demo" },
        ]);
        assert_eq!(assignments(&roles, "/"), expected);
        let shown = json!({ "assignments": expected });
        assert_eq!(roles_text(&shown), "reader, owner@/servers/demo");
    }

    #[test]
    fn parts_of_paths_are_plain() {
        assert_eq!(part("anna.b").unwrap(), "anna.b");
        for bad in ["", "..", ".", "a/b", "a?b", "a%62", "ä"] {
            assert!(part(bad).is_err(), "{bad}");
        }
    }
}
