//! Fixes: the agent plans, makes, proves and takes back; the plane asks the check again.

use std::sync::Arc;

use api::plane::backend::FixAction;
use base::{Fault, ServerName};
use serde_json::{Value, json};

use super::made::{Wish, declared_for, make};
use super::profiles;
use crate::plane::Plane;
use crate::plane::peers::Say;

/// The fixes of a server, newest first, as its agent keeps them.
pub(in crate::plane) async fn fixes(plane: &Plane, name: &ServerName) -> Result<Vec<Value>, Fault> {
    match ask(plane, name, "baseline-fixes", json!({}), &[], &|_: &str| {}).await? {
        Value::Array(all) => Ok(all),
        _ => Err(Fault::new("bad_answer", "the agent's fixes are no list")),
    }
}

/// Does it, and after a change reads the check again, so that what is shown is what is.
pub(in crate::plane) async fn act(
    plane: &Arc<Plane>,
    name: &ServerName,
    by: &str,
    action: FixAction,
    say: Say<'_>,
) -> Result<Value, Fault> {
    let (op, args, profile) = match action {
        FixAction::Preview(wish) => {
            let args = json!({ "checks": [wish.check], "profile": one(wish.profile.as_deref())? });
            ("baseline-fix-plan", args, wish.profile)
        }
        FixAction::Apply(wish) => {
            let args = json!({
                "checks": [wish.check],
                "profile": one(wish.profile.as_deref())?,
                "plan": wish.plan,
                "by": by,
            });
            ("baseline-fix-apply", args, wish.profile)
        }
        FixAction::Undo(fix) => ("baseline-fix-undo", json!({ "fix_id": fix }), None),
        FixAction::Prove(fix) => ("baseline-fix-prove", json!({ "fix_id": fix }), None),
    };
    let _alone = plane.alone(name).await;
    let declared = declared_for(plane, name, None)?.to_json();
    let done = ask(plane, name, op, args, declared.as_bytes(), say).await?;
    if let (true, Some(check)) = (done["fix_id"].is_string(), done["id"].as_str()) {
        say("reading the check again");
        let again = Wish::of(check, profiles(profile.as_deref())?);
        // The fix is made, whatever becomes of this reading.
        if let Err(fault) = make(plane, name, by, again, say).await {
            tracing::warn!(server = %name, fault.message, fault.detail, "could not read again");
        }
    }
    Ok(done)
}

/// The one profile that a fix goes by: of all of them the strictest.
fn one(word: Option<&str>) -> Result<Option<&str>, Fault> {
    let _ = profiles(word)?;
    Ok(word.map(|word| if word == "all" { baseline::Profile::Paranoid.name() } else { word }))
}

async fn ask(
    plane: &Plane,
    name: &ServerName,
    op: &str,
    args: Value,
    attached: &[u8],
    say: Say<'_>,
) -> Result<Value, Fault> {
    let (_, bytes) = plane.peers.agent_for_bytes(name, op, args, attached, say).await?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Fault::from_error("bad_answer", "the agent answered what is no JSON", &e))
}
