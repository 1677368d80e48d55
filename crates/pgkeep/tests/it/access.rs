//! Accounts, tokens and one-time links of a running installation, from the command line.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::api::Api;
use crate::installation::{Installation, assert_code};

#[test]
fn people_and_programs_get_in_by_the_command_line() {
    let it = Installation::new();
    let up = it.up();
    assert_code(&up, 0);
    let printed = String::from_utf8(up.stdout).unwrap();
    assert!(!printed.contains("#link="), "a link is for terminals only: {printed}");

    // A token may what its role may, until it is revoked.
    let made = it.json(&["token", "create", "--role", "reader", "--name", "ci"]);
    let token = made["token"].as_str().unwrap().to_owned();
    let reader = Api::with_token(&it, &token);
    let who = reader.call("GET", "/session", None).expect(200);
    assert_eq!((&who["name"], &who["kind"]), (&json!("token:ci"), &json!("token")));
    reader.call("GET", "/servers", None).expect(200);
    reader.call("POST", "/vault/seal", None).expect(403);
    let listed = it.json(&["token", "list"]);
    assert_eq!(listed[0]["name"], "ci");
    assert!(!listed.to_string().contains(&token));
    assert_code(&it.run(&["token", "revoke", "--id", "ci"]), 0);
    reader.call("GET", "/servers", None).expect(401);
    assert_code(&it.run(&["token", "revoke", "--id", "ci"]), 3);
    assert_code(&it.run(&["token", "create", "--role", "root"]), 2);

    // A person: the password comes by standard input.
    let mut command = it.command(&["user", "create", "-n", "anna", "--role=owner", "-o", "json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"horse battery staple\n").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_code(&ended, 0);
    let nobody = Api::with_token(&it, "");
    let wish = json!({ "username": "anna", "password": "horse battery staple" });
    let entered = nobody.call("POST", "/session", Some(&wish));
    assert!(entered.header("set-cookie").unwrap().starts_with("__Host-pgkeep="));
    assert_eq!(entered.expect(200)["name"], "anna");
    assert_code(&it.run(&["user", "disable", "-n", "anna"]), 0);
    nobody.call("POST", "/session", Some(&wish)).expect(401);
    assert_code(&it.run(&["user", "delete", "-n", "anna"]), 0);
    assert_code(&it.run(&["user", "show", "-n", "anna"]), 3);

    // A link opens once.
    let link = it.json(&["portal", "login-link"]);
    let url = link["url"].as_str().unwrap();
    let (address, secret) = url.split_once("#link=").unwrap();
    assert!(address.starts_with("https://localhost:") && address.ends_with("/sign-in"), "{url}");
    let wish = json!({ "link": secret });
    assert_eq!(nobody.call("POST", "/session/link", Some(&wish)).expect(200)["name"], "admin");
    nobody.call("POST", "/session/link", Some(&wish)).expect(401);
    assert_code(&it.run(&["down"]), 0);
}
