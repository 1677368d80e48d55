//! Sign-in, sessions, tokens, links: what people and programs go through.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::{Answer, Bears, Stage};

const GOOD: &str = "horse battery staple";

async fn sign_in(stage: &Stage, name: &str, password: &str) -> Answer {
    let wish = json!({ "username": name, "password": password });
    stage.call(&Bears::Nothing, "POST", "/api/v1/session", Some(&wish)).await
}

async fn whose(stage: &Stage, bears: &Bears) -> StatusCode {
    stage.call(bears, "GET", "/api/v1/session", None).await.status
}

async fn create_anna(stage: &Stage, role: &str) {
    let wish = json!({
        "name": "anna", "password": GOOD, "assignments": [{ "role": role, "scope": "/" }],
    });
    let made = stage.call(&Bears::Local, "POST", "/api/v1/users", Some(&wish)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.body["has_password"], true);
    assert!(!made.body.to_string().contains("argon2"), "{}", made.body);
}

#[tokio::test]
async fn a_password_opens_a_session_that_ends() {
    let stage = Stage::new();
    create_anna(&stage, "reader").await;
    assert_eq!(whose(&stage, &Bears::Nothing).await, StatusCode::UNAUTHORIZED);
    let entered = sign_in(&stage, "anna", GOOD).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.body);
    assert_eq!((&entered.body["name"], &entered.body["kind"]), (&json!("anna"), &json!("user")));
    let line = entered.headers["set-cookie"].to_str().unwrap();
    for word in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(line.contains(word), "{line}");
    }
    assert!(!line.contains("Domain"), "{line}");
    let first = Bears::Cookie(entered.cookie().unwrap());
    assert_eq!(whose(&stage, &first).await, StatusCode::OK);
    // A sign-in with a session at hand takes another secret and ends that session.
    let wish = json!({ "username": "anna", "password": GOOD });
    let again = stage.call(&first, "POST", "/api/v1/session", Some(&wish)).await;
    let second = Bears::Cookie(again.cookie().unwrap());
    assert_eq!(whose(&stage, &first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(whose(&stage, &second).await, StatusCode::OK);
    let out = stage.call(&second, "DELETE", "/api/v1/session", None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(out.cookie().unwrap(), "", "the browser forgets it");
    assert_eq!(whose(&stage, &second).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sessions_end_unused_and_end_at_last() {
    let stage = Stage::new();
    create_anna(&stage, "reader").await;
    let unused = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    stage.scene.clock.forward(61 * 60);
    assert_eq!(whose(&stage, &unused).await, StatusCode::UNAUTHORIZED);
    let used = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    for _ in 0..23 {
        stage.scene.clock.forward(30 * 60);
        assert_eq!(whose(&stage, &used).await, StatusCode::OK);
    }
    stage.scene.clock.forward(31 * 60);
    assert_eq!(whose(&stage, &used).await, StatusCode::UNAUTHORIZED, "twelve hours are over");
}

#[tokio::test]
async fn guessing_locks_and_tells_nothing() {
    let stage = Stage::new();
    create_anna(&stage, "reader").await;
    let mut answers = Vec::new();
    for name in ["anna", "nobody-here"] {
        for _ in 0..5 {
            let refused = sign_in(&stage, name, "wrong wrong wrong").await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
        }
        let locked = sign_in(&stage, name, "wrong wrong wrong").await;
        assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "{}", locked.body);
        assert_eq!(locked.headers["retry-after"], "16");
        let error = &locked.body["error"];
        answers.push((error["message"].clone(), error["detail"].clone(), error["code"].clone()));
    }
    assert_eq!(answers[0], answers[1], "who is there is not to be found out");
    // The right password does not help while it is locked, and does afterwards.
    assert_eq!(sign_in(&stage, "anna", GOOD).await.status, StatusCode::TOO_MANY_REQUESTS);
    stage.scene.clock.forward(16);
    assert_eq!(sign_in(&stage, "anna", GOOD).await.status, StatusCode::OK);
    // Success begins anew.
    stage.scene.clock.forward(60);
    let refused = sign_in(&stage, "anna", "wrong wrong wrong").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn many_names_at_once_are_too_many() {
    let stage = Stage::new();
    let mut limited = 0;
    for n in 0..40 {
        let answer = sign_in(&stage, &format!("name{n}"), "wrong wrong wrong").await;
        limited += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(limited, 10);
}

#[tokio::test]
async fn a_link_opens_once() {
    let stage = Stage::new();
    let made = stage.call(&Bears::Local, "POST", "/api/v1/login-links", Some(&json!({}))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let url = made.body["url"].as_str().unwrap();
    let link = url.strip_prefix("https://localhost:8443/sign-in#link=").unwrap();
    let wish = json!({ "link": link });
    let path = "/api/v1/session/link";
    let entered = stage.call(&Bears::Nothing, "POST", path, Some(&wish)).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.body);
    assert_eq!(entered.body["name"], "admin");
    assert_eq!(entered.body["assignments"], json!([{ "role": "owner", "scope": "/" }]));
    let again = stage.call(&Bears::Nothing, "POST", path, Some(&wish)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    // Too late.
    let made = stage.call(&Bears::Local, "POST", "/api/v1/login-links", None).await;
    let link = made.body["url"].as_str().unwrap().split_once("#link=").unwrap().1;
    stage.scene.clock.forward(15 * 60);
    let late = stage.call(&Bears::Nothing, "POST", path, Some(&json!({ "link": link }))).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    // For somebody who is not there.
    let of = json!({ "user": "nobody-here" });
    let made = stage.call(&Bears::Local, "POST", "/api/v1/login-links", Some(&of)).await;
    assert_eq!(made.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_changes_holds_at_once() {
    let stage = Stage::new();
    create_anna(&stage, "owner").await;
    let anna = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    let wish = json!({ "assignments": [{ "role": "owner", "scope": "/" }], "name": "hers" });
    let token = stage.call(&anna, "POST", "/api/v1/tokens", Some(&wish)).await;
    let token = Bears::Token(token.body["token"].as_str().unwrap().to_owned());
    let users = async |bears: &Bears| stage.call(bears, "GET", "/api/v1/users", None).await.status;
    assert_eq!((users(&anna).await, users(&token).await), (StatusCode::OK, StatusCode::OK));
    // Roles.
    let roles = |role: &str| json!({ "assignments": [{ "role": role, "scope": "/" }] });
    let path = "/api/v1/users/anna/roles";
    assert_eq!(
        stage.call(&Bears::Local, "PUT", path, Some(&roles("reader"))).await.status,
        StatusCode::OK
    );
    assert_eq!(users(&anna).await, StatusCode::FORBIDDEN);
    assert_eq!(users(&token).await, StatusCode::FORBIDDEN, "a token has no more than its maker");
    stage.call(&Bears::Local, "PUT", path, Some(&roles("owner"))).await;
    assert_eq!((users(&anna).await, users(&token).await), (StatusCode::OK, StatusCode::OK));
    // Disabled.
    let enable = |enabled: bool| json!({ "enabled": enabled });
    let path = "/api/v1/users/anna";
    stage.call(&Bears::Local, "PATCH", path, Some(&enable(false))).await;
    let both = (users(&anna).await, users(&token).await);
    assert_eq!(both, (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(sign_in(&stage, "anna", GOOD).await.status, StatusCode::UNAUTHORIZED);
    stage.call(&Bears::Local, "PATCH", path, Some(&enable(true))).await;
    assert_eq!(users(&anna).await, StatusCode::UNAUTHORIZED, "her session had ended");
    assert_eq!(users(&token).await, StatusCode::OK);
    // Another password ends sessions.
    let anna = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    let wish = json!({ "password": "another battery staple" });
    let set = stage.call(&Bears::Local, "POST", "/api/v1/users/anna/password", Some(&wish)).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    assert_eq!(users(&anna).await, StatusCode::UNAUTHORIZED);
    // Deleted.
    let gone = stage.call(&Bears::Local, "DELETE", path, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(users(&token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn ones_own_password_needs_the_one_before() {
    let stage = Stage::new();
    create_anna(&stage, "reader").await;
    let anna = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    let path = "/api/v1/users/anna/password";
    let set = async |wish: Value| stage.call(&anna, "POST", path, Some(&wish)).await;
    let new = "another battery staple";
    assert_eq!(set(json!({ "password": new })).await.status, StatusCode::BAD_REQUEST);
    let wrong = json!({ "password": new, "current_password": "wrong wrong wrong" });
    assert_eq!(set(wrong).await.status, StatusCode::UNAUTHORIZED);
    let weak = json!({ "password": "short", "current_password": GOOD });
    let refused = set(weak).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "weak_password"));
    let done = set(json!({ "password": new, "current_password": GOOD })).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    assert_eq!(whose(&stage, &anna).await, StatusCode::UNAUTHORIZED);
    let now = Bears::Cookie(done.cookie().unwrap());
    assert_eq!(whose(&stage, &now).await, StatusCode::OK, "who has set it stays");
    let other = json!({ "password": new, "current_password": GOOD });
    let other = stage.call(&now, "POST", "/api/v1/users/admin/password", Some(&other)).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn tokens_are_shown_once_and_end() {
    let stage = Stage::new();
    create_anna(&stage, "security-reader").await;
    let anna = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    let make = async |wish: Value| stage.call(&anna, "POST", "/api/v1/tokens", Some(&wish)).await;
    let reader = json!([{ "role": "reader", "scope": "/servers/demo" }]);
    let made = make(json!({ "name": "ci", "assignments": reader })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let text = made.body["token"].as_str().unwrap().to_owned();
    let token = Bears::Token(text.clone());
    let shown = stage.call(&token, "GET", "/api/v1/session", None).await;
    assert_eq!((&shown.body["name"], &shown.body["kind"]), (&json!("token:ci"), &json!("token")));
    let listed = stage.call(&anna, "GET", "/api/v1/tokens", None).await;
    let secret = text.rsplit('_').next().unwrap();
    assert!(!listed.body.to_string().contains(secret), "{}", listed.body);
    assert_eq!(make(json!({ "name": "ci", "assignments": reader })).await.code(), "exists");
    let more = json!([{ "role": "owner", "scope": "/" }]);
    assert_eq!(make(json!({ "assignments": more })).await.status, StatusCode::FORBIDDEN);
    let unknown = json!([{ "role": "root", "scope": "/" }]);
    assert_eq!(make(json!({ "assignments": unknown })).await.status, StatusCode::BAD_REQUEST);
    let late = json!({ "assignments": reader, "expires_at": "2036-01-01T00:00:00Z" });
    assert_eq!(make(late).await.status, StatusCode::BAD_REQUEST);
    // A changed secret, another id: nobody.
    let last = text.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    for bad in [format!("{}{other}", &text[..text.len() - 1]), text.replacen("pgk_", "pgk_0", 1)] {
        assert_eq!(whose(&stage, &Bears::Token(bad)).await, StatusCode::UNAUTHORIZED);
    }
    stage.scene.clock.forward(91 * 24 * 3600);
    assert_eq!(whose(&stage, &token).await, StatusCode::UNAUTHORIZED, "ninety days are over");
    let id = made.body["id"].as_str().unwrap();
    let path = format!("/api/v1/tokens/{id}");
    let anna = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    let gone = stage.call(&anna, "DELETE", &path, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.call(&anna, "DELETE", &path, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_from_elsewhere_changes_nothing() {
    let stage = Stage::new();
    stage.user("anna", &[("owner", "/")]);
    let anna = stage.session("anna");
    let post = async |headers: &[(&str, &str)]| {
        let wish = json!({ "name": "evil" });
        stage.call_with(&anna, "POST", "/api/v1/users", Some(&wish), headers).await
    };
    for headers in [
        &[][..],
        &[("origin", "https://evil.example"), ("x-pgkeep-csrf", "1")],
        &[("sec-fetch-site", "cross-site"), ("x-pgkeep-csrf", "1")],
        &[("origin", "https://localhost:8443")],
    ] {
        let refused = post(headers).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "cross_site"));
    }
    let own = [("origin", "https://localhost:8443"), ("x-pgkeep-csrf", "1")];
    assert_eq!(post(&own).await.status, StatusCode::CREATED);
    let read = stage.call_with(&anna, "GET", "/api/v1/users", None, &[]).await;
    assert_eq!(read.status, StatusCode::OK, "reading needs no header");
}

#[tokio::test]
async fn what_was_done_and_what_was_refused_is_written_down() {
    let stage = Stage::new();
    create_anna(&stage, "reader").await;
    let anna = Bears::Cookie(sign_in(&stage, "anna", GOOD).await.cookie().unwrap());
    sign_in(&stage, "anna", "wrong wrong wrong").await;
    let refused = stage.call(&anna, "POST", "/api/v1/servers/demo/stop", None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let detail = refused.body["error"]["detail"].as_str().unwrap();
    assert_eq!(detail, "anna needs the role owner on /servers/demo");
    stage.call(&anna, "GET", "/api/v1/servers", None).await;
    let acts = stage.call(&Bears::Local, "GET", "/api/v1/activity?limit=10", None).await;
    let lines: Vec<(String, String, u64)> = acts.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| {
            assert!(!act["request_id"].as_str().unwrap().is_empty());
            let text = |name: &str| act[name].as_str().unwrap().to_owned();
            (text("principal"), text("operation"), act["status"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("anna", "server_stop", 403),
        ("", "session_create", 401),
        ("anna", "session_create", 200),
        ("local", "user_create", 201),
    ];
    let expected = expected.map(|(who, what, status)| (who.to_owned(), what.to_owned(), status));
    assert_eq!(lines, expected, "newest first, reading left out");
    assert!(!acts.body.to_string().contains(GOOD));
    let page = stage.call(&Bears::Local, "GET", "/api/v1/activity?limit=2", None).await;
    let next = page.body["next"].as_str().unwrap();
    let path = format!("/api/v1/activity?limit=2&after={next}");
    let page = stage.call(&Bears::Local, "GET", &path, None).await;
    assert_eq!(page.body["items"][1]["operation"], "user_create");
    assert_eq!(page.body["next"], Value::Null);
}

#[tokio::test]
async fn lists_hold_what_a_role_covers() {
    let stage = Stage::new();
    stage.user("anna", &[("reader", "/servers/a")]);
    let anna = stage.session("anna");
    let listed = stage.call(&anna, "GET", "/api/v1/servers", None).await;
    let names: Vec<_> =
        listed.body["items"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(listed.body["items"][0]["dsn"], Value::Null, "how to get in is not a reader's");
    let vaults = stage.call(&anna, "GET", "/api/v1/keyvaults", None).await;
    assert_eq!(vaults.body["items"], json!([]));
}

#[tokio::test]
async fn settings_keep_their_secret() {
    let stage = Stage::new();
    let path = "/api/v1/settings/sign-in";
    let oidc = json!({
        "label": "SSO", "issuer": "https://id.example.org", "client_id": "pgkeep",
        "client_secret": "swordfish", "groups_claim": "groups", "scopes": ["profile"],
        "groups": [{ "group": "dba", "role": "owner", "scope": "/" }],
    });
    let wish = json!({
        "session_idle_minutes": 30, "session_minutes": 480, "lock_after": 5,
        "lock_max_seconds": 600, "oidc": oidc,
    });
    let set = stage.call(&Bears::Local, "PUT", path, Some(&wish)).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    let shown = stage.call(&Bears::Local, "GET", path, None).await;
    assert_eq!(shown.body["oidc"]["has_client_secret"], true);
    assert!(!shown.body.to_string().contains("swordfish"), "{}", shown.body);
    // Left out it stays; at another issuer it does not go along.
    let mut same = wish.clone();
    same["oidc"].as_object_mut().unwrap().remove("client_secret");
    let kept = stage.call(&Bears::Local, "PUT", path, Some(&same)).await;
    assert_eq!(kept.body["oidc"]["has_client_secret"], true);
    same["oidc"]["issuer"] = json!("https://evil.example");
    let moved = stage.call(&Bears::Local, "PUT", path, Some(&same)).await;
    assert_eq!(moved.body["oidc"]["has_client_secret"], false);
    let ways = stage.call(&Bears::Nothing, "GET", "/api/v1/sign-in", None).await;
    assert_eq!(ways.body["oidc"][0]["title"], "SSO");
    for (name, value) in [
        ("lock_after", json!(1)),
        ("session_minutes", json!(0)),
        ("oidc", json!({ "issuer": "http://id.example.org" })),
    ] {
        let mut bad = wish.clone();
        bad[name] = value;
        let refused = stage.call(&Bears::Local, "PUT", path, Some(&bad)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}");
    }
}
