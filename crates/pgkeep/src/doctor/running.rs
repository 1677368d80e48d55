//! What runs now: ports, vault, servers and their certificates.

use api::client::Client;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::Check;
use crate::home::{Config, Home};
use crate::plane::{API_SOCKET, is_free};
use crate::supervisor;

/// A certificate is renewed 30 days before its end; later means that renewal fails.
const EXPIRY_WARN_DAYS: i64 = 20;
const POSTGRESQL_PORT: u16 = 5432;
const PAGE_PORT: u16 = 8443;

pub(super) async fn checks(home: &Home, config: Option<&Config>) -> Vec<Check> {
    let Ok(status) = supervisor::status_of(home).await else {
        let configured = |port: fn(&Config) -> Option<u16>| config.and_then(port);
        let page = configured(|config| config.https_port).unwrap_or(PAGE_PORT);
        let mut wanted = vec![POSTGRESQL_PORT, page];
        // Before the first start any free port will do.
        wanted.extend(configured(|config| config.vault_port));
        wanted.extend(configured(|config| config.identity_port));
        return vec![
            ports(&wanted),
            Check::cannot_tell("certificates", "pgkeep is not running: no certificate to look at"),
        ];
    };
    let mut checks = vec![vault(&status)];
    for server in status["servers"].as_array().into_iter().flatten() {
        let name = server["name"].as_str().unwrap_or_default();
        let plane = Client::new(&home.socket(API_SOCKET));
        let shown = plane.call("GET", &format!("/servers/{name}"), None, |_| {}).await;
        match shown {
            Ok(shown) => checks.push(certificate(name, &shown)),
            Err(fault) => checks.push(Check::cannot_tell("certificates", fault.message)),
        }
    }
    checks
}

fn ports(wanted: &[u16]) -> Check {
    let taken: Vec<String> =
        wanted.iter().filter(|port| !is_free(**port)).map(u16::to_string).collect();
    if taken.is_empty() {
        return Check::ok("ports", "the usual ports are free");
    }
    Check::warn(
        "ports",
        format!("port {} is in use by another program", taken.join(", ")),
        "free it, or choose others: pgkeep up --port --https-port --vault-port --identity-port",
    )
}

fn vault(status: &Value) -> Check {
    match status["vault"]["state"].as_str() {
        Some("unsealed") => Check::ok("vault", "the vault is unsealed"),
        state => {
            let reason = status["vault"]["reason"].as_str().unwrap_or_default();
            let state = state.unwrap_or("not known");
            Check::fail("vault", format!("the vault is {state}: {reason}"), "pgkeep vault unseal")
        }
    }
}

fn certificate(name: &str, shown: &Value) -> Check {
    const NAME: &str = "certificates";
    let end = shown["tls"]["not_after"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let Some(end) = end else {
        return Check::cannot_tell(NAME, format!("server {name} shows no certificate"));
    };
    let day = end.strftime("%Y-%m-%d");
    let fix = format!("pgkeep server certificate rotate -s {name}");
    let now = Timestamp::now();
    let soon = now + (24 * EXPIRY_WARN_DAYS).hours();
    if end <= now {
        Check::fail(NAME, format!("the certificate of server {name} ended on {day}"), fix)
    } else if end <= soon {
        Check::warn(NAME, format!("the certificate of server {name} ends on {day}"), fix)
    } else {
        Check::ok(NAME, format!("the certificate of server {name} is good until {day}"))
    }
}
