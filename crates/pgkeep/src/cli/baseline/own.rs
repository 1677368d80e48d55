//! Fixes on pgkeep's own servers: their agents make them, through the API.

use base::{ExitCode, Fault};
use serde_json::{Value, json};

use super::fix::{COLUMNS, FixCommand, confirmed};
use crate::cli::ask::{all, ask, part, print};
use crate::cli::output::{Format, say};
use crate::home::Home;

/// Plans, shows, makes.
pub(super) fn fix(
    home: &Home,
    server: &str,
    command: &FixCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    if command.declare.is_some() || !command.with.is_empty() {
        return Err(Fault::new(
            "usage",
            "--declare and --with are for servers that are not pgkeep's",
        )
        .hint(format!("say what is meant to be so with pgkeep baseline declare -s {server}"))
        .exit(ExitCode::Usage));
    }
    let path = format!("/servers/{}/baseline/fixes", part(server)?);
    let mut answers = Vec::new();
    for id in &command.id {
        let profile = command.profile.map(super::assess::Wanted::name);
        let mut wish = json!({ "check": id, "profile": profile });
        let mut plan = ask(home, "POST", &format!("{path}/preview"), Some(&wish))?;
        plan["dry_run"] = json!(command.dry_run);
        if plan["state"] != "planned" || command.dry_run {
            answers.push(plan);
            continue;
        }
        tell(&plan);
        if !command.yes && !confirmed()? {
            say("nothing was changed");
            plan["dry_run"] = json!(true);
            answers.push(plan);
            break;
        }
        wish["plan"] = plan["plan_hash"].clone();
        answers.push(ask(home, "POST", &path, Some(&wish))?);
    }
    let answer = match answers.len() {
        1 => answers.remove(0),
        _ => Value::Array(answers),
    };
    print(&answer, format, &COLUMNS)
}

/// Takes a fix back, or asks again whether it holds.
pub(super) fn again(
    home: &Home,
    server: &str,
    fix_id: &str,
    verb: &str,
    format: Format,
) -> Result<ExitCode, Fault> {
    let path = format!("/servers/{}/baseline/fixes/{}/{verb}", part(server)?, part(fix_id)?);
    print(&ask(home, "POST", &path, None)?, format, &COLUMNS)
}

/// The fixes of all servers that answer; none where there is no plane.
pub(super) fn list(home: &Home) -> Result<Vec<Value>, Fault> {
    let servers = match all(home, "/baseline/servers") {
        Ok(servers) => servers,
        Err(fault) if fault.code == "not_running" => return Ok(Vec::new()),
        Err(fault) => return Err(fault),
    };
    let mut fixes = Vec::new();
    for server in servers.as_array().into_iter().flatten() {
        let Some(name) = server["name"].as_str() else { continue };
        match all(home, &format!("/servers/{}/baseline/fixes", part(name)?)) {
            Ok(Value::Array(more)) => fixes.extend(more),
            Ok(_) => {}
            Err(fault) => say(&format!("the fixes of {name} are not known: {}", fault.message)),
        }
    }
    Ok(fixes)
}

/// Which server of pgkeep's own a fix was made on.
pub(super) fn server_of(home: &Home, fix_id: &str) -> Result<Option<String>, Fault> {
    let all = list(home)?;
    let found = all.iter().find(|fix| fix["fix_id"] == fix_id);
    Ok(found.and_then(|fix| fix["server"].as_str().map(str::to_owned)))
}

/// Says what will be done, for whoever decides.
fn tell(plan: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = |list: &Value, told: &dyn Fn(&Value) -> String| {
        list.as_array().into_iter().flatten().for_each(|one| say(&told(one)));
    };
    say(&format!("{}: {}", text(&plan["id"]), text(&plan["reason"])));
    each(&plan["changes"], &|change| format!("  {}", text(&change["what"])));
    each(&plan["notes"], &|note| format!("  {}", text(note)));
    let radius = &plan["radius"];
    let n = radius["refused"].as_array().map_or(0, Vec::len);
    say(&format!("would be refused, of {} ({}): {n}", radius["seen"], text(&radius["window"])));
    each(&radius["refused"], &|pair| {
        let who = &pair[0];
        let from = who["address"].as_str().unwrap_or("the socket");
        let (role, database) = (text(&who["role"]), text(&who["database"]));
        format!("  {role} in {database} from {from}: {}", text(&pair[1]))
    });
    each(&radius["unsure"], &|what| format!("  not known: {}", text(what)));
    if plan["restart"] == true {
        say("it takes effect when the server is started anew");
    }
}
