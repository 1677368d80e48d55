//! A path that was predicted is taken on a real cluster; after its cut it cannot be, after the
//! undo it can again.

use base::Secret;
use baseline::{Bundle, Example};
use kql::value::Json;
use pg::Connection;

use crate::ground::Ground;

const PASSWORD: &str = "climbs";

/// A cell of the path of a role to the operating system.
fn predicted(bundle: &Bundle, role: &str, name: &str) -> Option<Json> {
    let table = &bundle.tables["RolePaths"];
    assert!(table.gaps.is_empty(), "{:?}", table.gaps);
    let at =
        |name: &str| table.columns.iter().position(|column| column.name == name).expect("a column");
    let is = |cell: &Json, wanted: &str| matches!(cell, Json::String(text) if &**text == wanted);
    let row = table
        .rows
        .iter()
        .find(|row| is(&row[at("role")], role) && is(&row[at("target")], "operating system"));
    row.map(|row| row[at(name)].clone())
}

fn text(json: Option<&Json>) -> String {
    match json {
        Some(Json::String(text)) => text.to_string(),
        other => panic!("{other:?} is no text"),
    }
}

/// Takes the steps as the role, and then runs a program that says who runs it.
async fn climb(ground: &Ground, steps: &[String]) -> Result<String, String> {
    let (dir, port) = ground.place();
    let password = Secret::new(PASSWORD.to_owned());
    let made = Connection::local_as(dir, port, "climber", Some(&password), "postgres").await;
    let connection = made.map_err(|error| format!("{:?}", error.fault()))?;
    for sql in steps {
        let done = connection.batch("take a step", sql).await;
        done.map_err(|error| format!("{sql}: {}", error.fault().detail.unwrap_or_default()))?;
    }
    let path = dir.join("who");
    // A program that does not read what it is given breaks the pipe.
    let command = format!("cat >/dev/null; id -u > {}", path.display());
    let program = format!("COPY (SELECT 1) TO PROGRAM '{command}'");
    let done = connection.batch("run a program", &program).await;
    done.map_err(|error| format!("{program}: {}", error.fault().detail.unwrap_or_default()))?;
    let said = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    std::fs::remove_file(&path).map_err(|error| error.to_string())?;
    Ok(said.trim().to_owned())
}

/// Makes a cluster by `make`, takes the path and cuts it.
async fn walk(make: &[&str]) {
    let mut ground = Ground::start().await;
    let mut example: Example = toml::from_str("verdict = \"fail\"").expect("an example");
    example.sql = vec![format!("CREATE ROLE climber LOGIN PASSWORD '{PASSWORD}'")];
    example.sql.extend(make.iter().map(|sql| (*sql).to_owned()));
    ground.make(&example).await.expect("it can be made");

    let bundle = ground.evidence("ROLE-02").await;
    let Some(Json::Array(steps)) = predicted(&bundle, "climber", "steps") else {
        panic!("no path was predicted");
    };
    assert_eq!(predicted(&bundle, "climber", "strong"), Some(Json::Bool(true)));
    let how: Vec<String> = steps.iter().map(|step| text(step.member("how"))).collect();
    let how: Vec<String> = how.into_iter().filter(|how| !how.is_empty()).collect();
    let who = climb(&ground, &how).await.expect("the path can be taken");
    assert_eq!(who, testkit::server_user().uid.to_string());

    // What was taken on the way is given back: the cut is for the path as it was found.
    let said = |name| text(predicted(&bundle, "climber", name).as_ref());
    let (cut, undo) = (said("cut"), said("undo"));
    let admin = ground.admin("postgres").await;
    for sql in how.iter().filter(|sql| sql.starts_with("GRANT")) {
        let back = sql.replacen("GRANT", "REVOKE", 1).replacen(" TO ", " FROM ", 1);
        admin.batch("give it back", &back).await.expect("it was given");
    }
    admin.batch("cut the path", &cut).await.expect("the cut is a statement");
    let refused = climb(&ground, &how).await.expect_err("the path is cut");
    assert!(
        refused.contains("42501") || refused.contains("permission") || refused.contains("must"),
        "{refused}"
    );
    let bundle = ground.evidence("ROLE-02").await;
    assert_eq!(predicted(&bundle, "climber", "path"), None);

    admin.batch("undo the cut", &undo).await.expect("the undo is a statement");
    climb(&ground, &how).await.expect("the path is there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_makes_roles_runs_programs_up_to_15() {
    let ground = Ground::start().await;
    let major = ground.evidence("ROLE-02").await.major;
    drop(ground);
    if major > 15 {
        println!("PostgreSQL {major} asks for ADMIN OPTION");
        walk(&[
            "GRANT pg_execute_server_program TO climber WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
        ])
        .await;
    } else {
        walk(&["ALTER ROLE climber CREATEROLE"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_lead_to_a_superuser() {
    walk(&[
        "CREATE ROLE boss SUPERUSER",
        "CREATE ROLE \"odd \"\"team\" NOLOGIN",
        "GRANT boss TO \"odd \"\"team\"",
        "GRANT \"odd \"\"team\" TO climber",
    ])
    .await;
}
