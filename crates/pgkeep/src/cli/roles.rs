//! Roles as they are typed and shown, for commands about who gets in.

use serde_json::{Value, json};

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
}
