//! One answer for each operation of the supervisor's socket.

use std::sync::Arc;

use base::{ExitCode, Fault, ServerName};
use serde_json::{Value, json};

use super::Supervisor;
use super::tune::tune;
use crate::home::{adopt_password_file, agent_process, remove_server};
use crate::rpc::Request;

/// Does what `request` asks. An agent may do no more than have its mount tuned.
pub(super) async fn answer(supervisor: Arc<Supervisor>, request: Request) -> Result<Value, Fault> {
    let accounts = &supervisor.accounts;
    let only_agent = request.uid == accounts.agent.uid
        && ![0, accounts.starter.uid, accounts.plane.uid].contains(&request.uid);
    if only_agent && request.op != "tune" {
        let message = format!("an agent may not ask for \"{}\"", request.op);
        return Err(Fault::new("forbidden", message).exit(ExitCode::Forbidden));
    }
    match request.op.as_str() {
        "status" => Ok(json!({
            "pid": std::process::id(),
            "separate_users": accounts.separate(),
            "processes": supervisor.children.status(),
        })),
        "agent-start" => {
            let changed = supervisor.start_agent(&name(&request)?)?;
            Ok(json!({ "changed": changed }))
        }
        "agent-stop" => {
            supervisor.children.stop_all(&[&agent_process(&name(&request)?)]).await?;
            Ok(Value::Null)
        }
        "agent-forget" => {
            let name = name(&request)?;
            supervisor.children.stop_all(&[&agent_process(&name)]).await?;
            remove_server(&supervisor.home, &name).map(|changed| json!({ "changed": changed }))
        }
        "adopt-pgpass" => {
            let changed = adopt_password_file(&supervisor.home, accounts, &name(&request)?)?;
            Ok(json!({ "changed": changed }))
        }
        "tune" => tune(&supervisor.home, &name(&request)?, request.text("device")?),
        "down" => {
            let progress = request.progress.clone();
            let outcome = supervisor.end(&|message| progress.say(message)).await;
            // The process ends only after whoever asked has heard so.
            let progress = request.progress.clone();
            let ending = Arc::clone(&supervisor);
            tokio::spawn(async move {
                progress.delivered().await;
                ending.ending.notify_one();
            });
            outcome.map(|()| Value::Null)
        }
        _ => Err(request.unknown()),
    }
}

fn name(request: &Request) -> Result<ServerName, Fault> {
    request.text("name")?.parse().map_err(|e: base::NameError| {
        Fault::new("bad_request", e.to_string()).exit(ExitCode::Usage)
    })
}
