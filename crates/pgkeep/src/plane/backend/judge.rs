//! What is said on the first page, from what was seen; no calls, so that each rule has its test.
//!
//! Good is only what was seen to be good. What could not be read says so.

use api::plane::model::{Attention, HomePage, NextAction, Severity, Tile, Verdict};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::text;

/// A certificate or key that ends sooner is worth a word.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// No list on the page is longer.
const SHOWN_MAX: usize = 50;
/// Actions that are proposed.
const ACTIONS: usize = 3;

/// What was read.
pub(super) struct Seen {
    /// What the vault says of itself, or why it does not.
    pub(super) vault: Result<Value, String>,
    /// What the servers show that the reader may see.
    pub(super) servers: Vec<Value>,
    /// When.
    pub(super) looked_at: Timestamp,
}

/// The page.
pub(super) fn page(seen: &Seen) -> HomePage {
    let mut attention = attention(seen);
    attention.sort_by_key(|one| one.severity);
    attention.truncate(SHOWN_MAX);
    HomePage {
        tiles: vec![encryption(seen), keys(seen), tls(seen), vault(seen)],
        actions: actions(seen),
        attention,
    }
}

fn tile(
    id: &str,
    title: &str,
    link: &str,
    seen: &Seen,
    judged: (Verdict, String),
    rule: &str,
) -> Tile {
    Tile {
        id: id.to_owned(),
        title: title.to_owned(),
        verdict: judged.0,
        summary: judged.1,
        looked_at: seen.looked_at,
        rule: rule.to_owned(),
        link: link.to_owned(),
    }
}

fn encryption(seen: &Seen) -> Tile {
    let storage = |server: &Value| server["storage"].clone();
    let unread = names(seen, |server| server["storage"].is_null());
    let tampered = names(seen, |server| storage(server)["n_tampers"].as_u64().unwrap_or(0) > 0);
    let bare = names(seen, |server| {
        !server["storage"].is_null() && storage(server)["engine"] != "cryptfs"
    });
    let n = seen.servers.len();
    let judged = if n == 0 {
        (Verdict::Unknown, "There is no server yet, so nothing is encrypted.".to_owned())
    } else if !bare.is_empty() {
        (Verdict::Bad, format!("Not encrypted by pgkeep: {}.", bare.join(", ")))
    } else if !tampered.is_empty() {
        let names = tampered.join(", ");
        (Verdict::Bad, format!("Stored bytes were changed from outside: {names}."))
    } else if !unread.is_empty() {
        let names = unread.join(", ");
        (Verdict::Unknown, format!("Could not be read: {names}. The others are encrypted."))
    } else {
        let all = plural(n, "server");
        (Verdict::Good, format!("All data of {all} is encrypted on the disk (AES-256-XTS)."))
    };
    let rule = "storage.engine of every server is cryptfs and no unit failed its code";
    tile("encryption", "Data encryption", "/servers", seen, judged, rule)
}

fn keys(seen: &Seen) -> Tile {
    let with_health = |wanted: &'static str| {
        names(seen, move |server| server["data_encryption"]["health"] == wanted)
    };
    let (lost, doubtful) = (with_health("lost"), with_health("doubtful"));
    let unread = names(seen, |server| server["data_encryption"].is_null());
    let own = names(seen, |server| server["data_encryption"]["mode"] == "CustomerManaged").len();
    let n = seen.servers.len();
    let judged = if !lost.is_empty() {
        (Verdict::Bad, format!("The key is gone, the data inaccessible: {}.", lost.join(", ")))
    } else if !doubtful.is_empty() {
        let names = doubtful.join(", ");
        (Verdict::Warning, format!("Nothing is known of the key of {names} now."))
    } else if n == 0 {
        (Verdict::Unknown, "There is no server yet, so no key is in use.".to_owned())
    } else if !unread.is_empty() {
        (Verdict::Unknown, format!("Could not be read: {}.", unread.join(", ")))
    } else {
        let of_pgkeep = n - own;
        let said = format!(
            "{} under a key of its owner's, {of_pgkeep} under pgkeep's own.",
            plural(own, "server")
        );
        (Verdict::Good, said)
    };
    let rule = "data_encryption.health of every server with an owner's key is usable";
    tile("keys", "Keys", "/keyvaults", seen, judged, rule)
}

fn tls(seen: &Seen) -> Tile {
    let unread = names(seen, |server| server["tls"].is_null());
    let plain = names(seen, |server| server["tls"]["require_secure_transport"] == false);
    let ending = names(seen, |server| {
        ends_soon(&server["tls"]["not_after"], seen.looked_at)
            && server["tls"]["renew_at"].is_null()
    });
    let judged = if !plain.is_empty() {
        let names = plain.join(", ");
        (Verdict::Warning, format!("Connections without TLS are let in: {names}."))
    } else if !ending.is_empty() {
        (Verdict::Warning, format!("The certificate ends soon: {}.", ending.join(", ")))
    } else if seen.servers.is_empty() {
        (Verdict::Unknown, "There is no server yet.".to_owned())
    } else if !unread.is_empty() {
        (Verdict::Unknown, format!("Could not be read: {}.", unread.join(", ")))
    } else {
        let all = plural(seen.servers.len(), "server");
        (Verdict::Good, format!("TLS 1.2 or newer is required by {all}."))
    };
    let rule = "tls.require_secure_transport is on and no certificate ends within 30 days";
    tile("tls", "TLS", "/servers", seen, judged, rule)
}

fn vault(seen: &Seen) -> Tile {
    let judged = match &seen.vault {
        Err(why) => (Verdict::Bad, format!("The vault does not answer: {why}.")),
        Ok(vault) => {
            let warnings = vault["warnings"].as_array().map_or(0, Vec::len);
            match (vault["state"].as_str(), vault["seal"].as_str()) {
                (Some("unsealed"), Some("file")) => (
                    Verdict::Warning,
                    "Open, and sealed by a file that lies beside what it seals.".to_owned(),
                ),
                (Some("unsealed"), seal) if warnings == 0 => {
                    let seal = seal.unwrap_or("unknown");
                    (Verdict::Good, format!("Open; sealed by {seal}. Every request is audited."))
                }
                (Some("unsealed"), _) => {
                    let first = vault["warnings"][0].as_str().unwrap_or_default();
                    (Verdict::Warning, format!("Open, but: {first}."))
                }
                (Some(state), _) => {
                    (Verdict::Bad, format!("The vault is {state}: {}.", text(vault, "reason")))
                }
                (None, _) => (Verdict::Unknown, "The vault does not say how it is.".to_owned()),
            }
        }
    };
    let rule = "the vault is unsealed, without warnings, and its seal is not the file seal";
    tile("vault", "Vault and audit", "/keyvaults", seen, judged, rule)
}

fn attention(seen: &Seen) -> Vec<Attention> {
    let mut all = Vec::new();
    let mut say = |severity, title: String, detail: String, link: String, cli: Option<String>| {
        all.push(Attention { severity, title, detail, link, cli });
    };
    match &seen.vault {
        Err(why) => say(
            Severity::Critical,
            "The vault does not answer".to_owned(),
            why.clone(),
            "/keyvaults".to_owned(),
            Some("pgkeep vault status".to_owned()),
        ),
        Ok(vault) if vault["state"] != "unsealed" => say(
            Severity::Critical,
            format!("The vault is {}", text(vault, "state")),
            text(vault, "reason"),
            "/keyvaults".to_owned(),
            Some("pgkeep vault unseal".to_owned()),
        ),
        Ok(vault) => {
            if vault["seal"] == "file" {
                say(
                    Severity::Warning,
                    "The vault's seal key lies on the same disk".to_owned(),
                    "Whoever takes the disk has the key too. A passphrase or shares close that."
                        .to_owned(),
                    "/keyvaults".to_owned(),
                    Some("pgkeep vault rekey --seal passphrase".to_owned()),
                );
            }
            for warning in vault["warnings"].as_array().into_iter().flatten() {
                let warning = warning.as_str().unwrap_or_default().to_owned();
                let (title, link) = ("The vault noticed something", "/keyvaults".to_owned());
                let cli = Some("pgkeep vault status".to_owned());
                say(Severity::Warning, title.to_owned(), warning, link, cli);
            }
        }
    }
    for server in &seen.servers {
        let name = text(server, "name");
        let (link, show) = (format!("/servers/{name}"), format!("pgkeep server show -n {name}"));
        let wants = server["desired_state"] == "running";
        match server["state"].as_str().unwrap_or_default() {
            "Inaccessible" => say(
                Severity::Critical,
                format!("{name} is inaccessible"),
                text(server, "state_reason"),
                format!("{link}/encryption"),
                Some(format!("pgkeep server key show -n {name}")),
            ),
            "Stopped" if wants || server["desired_state"].is_null() => say(
                Severity::Critical,
                format!("{name} does not run although it should"),
                text(server, "state_reason"),
                link.clone(),
                Some(format!("pgkeep server start -n {name}")),
            ),
            _ => {}
        }
        let encryption = &server["data_encryption"];
        if ends_soon(&encryption["key_expires_at"], seen.looked_at) {
            say(
                Severity::Warning,
                format!("The key of {name} expires soon"),
                format!("at {}; then the server stops", text(encryption, "key_expires_at")),
                format!("{link}/encryption"),
                Some(format!("pgkeep server key show -n {name}")),
            );
        }
        let tls = &server["tls"];
        if ends_soon(&tls["not_after"], seen.looked_at) && tls["renew_at"].is_null() {
            say(
                Severity::Warning,
                format!("The certificate of {name} ends soon"),
                format!("at {}; nobody renews it", text(tls, "not_after")),
                link.clone(),
                Some(format!("pgkeep server certificate rotate -s {name}")),
            );
        }
        if tls["require_secure_transport"] == false {
            say(
                Severity::Warning,
                format!("{name} lets connections in without TLS"),
                "Passwords are safe (SCRAM), rows are not.".to_owned(),
                format!("{link}/networking"),
                Some(format!(
                    "pgkeep server parameter set -s {name} -n require_secure_transport -v on"
                )),
            );
        }
        for warning in server["warnings"].as_array().into_iter().flatten() {
            let warning = warning.as_str().unwrap_or_default().to_owned();
            let title = format!("{name} noticed something");
            say(Severity::Warning, title, warning, link.clone(), Some(show.clone()));
        }
    }
    all
}

/// The best next steps, the gravest need first.
fn actions(seen: &Seen) -> Vec<NextAction> {
    let mut all = Vec::new();
    let mut propose = |title: &str, why: &str, link: &str, cli: &str| {
        all.push(NextAction {
            title: title.to_owned(),
            why: why.to_owned(),
            link: link.to_owned(),
            cli: Some(cli.to_owned()),
        });
    };
    let vault = seen.vault.as_ref().ok();
    if vault.is_some_and(|vault| vault["state"] != "unsealed") {
        let why = "Servers cannot start and keys cannot be used while it is sealed.";
        propose("Unseal the vault", why, "/keyvaults", "pgkeep vault unseal");
    }
    if seen.servers.is_empty() {
        let why = "It is encrypted and reachable over TLS from its first second.";
        propose("Create a server", why, "/servers", "pgkeep server create -n web");
    }
    if vault.is_some_and(|vault| vault["state"] == "unsealed" && vault["seal"] == "file") {
        let why = "With the seal key beside the data, a stolen disk opens itself.";
        let cli = "pgkeep vault rekey --seal passphrase";
        propose("Seal the vault by a passphrase or shares", why, "/keyvaults", cli);
    }
    for server in &seen.servers {
        if server["tls"]["require_secure_transport"] == false {
            let name = text(server, "name");
            let why = format!("{name} lets connections in that anybody on the way can read.");
            let cli =
                format!("pgkeep server parameter set -s {name} -n require_secure_transport -v on");
            propose("Require TLS", &why, &format!("/servers/{name}/networking"), &cli);
        }
    }
    let of_pgkeep = |server: &&Value| server["data_encryption"]["mode"] == "SystemManaged";
    if seen.servers.iter().find(of_pgkeep).is_some() {
        let why = "Whoever holds the key can take the data away from everybody, pgkeep included.";
        let cli = "pgkeep server create -n NAME --key KEY_URI --identity IDENTITY";
        propose("Hold a server's key yourself", why, "/keyvaults", cli);
    }
    if let Some(server) = seen.servers.iter().find(|server| server["state"] == "Ready") {
        let name = text(server, "name");
        let why = "See for yourself that the disk holds noise.";
        let link = format!("/servers/{name}/encryption");
        let cli = format!("pgkeep server storage proof -s {name}");
        propose("Look at the ciphertext", why, &link, &cli);
    }
    all.truncate(ACTIONS);
    all
}

fn names(seen: &Seen, which: impl Fn(&Value) -> bool) -> Vec<String> {
    seen.servers.iter().filter(|server| which(server)).map(|server| text(server, "name")).collect()
}

/// Whether a moment lies within [`SOON`] of now, or behind it.
fn ends_soon(value: &Value, now: Timestamp) -> bool {
    let end: Option<Timestamp> = value.as_str().and_then(|text| text.parse().ok());
    end.is_some_and(|end| end.duration_since(now) < SOON)
}

fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server(change: impl Fn(&mut Value)) -> Value {
        let mut server = json!({
            "name": "web", "state": "Ready", "state_reason": "", "desired_state": "running",
            "storage": { "engine": "cryptfs", "n_tampers": 0 },
            "data_encryption": { "mode": "SystemManaged" },
            "tls": { "require_secure_transport": true, "not_after": "2027-06-01T00:00:00Z",
                "renew_at": "2027-05-01T00:00:00Z" },
            "warnings": [],
        });
        change(&mut server);
        server
    }

    fn seen(servers: Vec<Value>) -> Seen {
        Seen {
            vault: Ok(json!({ "state": "unsealed", "seal": "passphrase", "warnings": [] })),
            servers,
            looked_at: "2027-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn verdict(page: &HomePage, id: &str) -> Verdict {
        page.tiles.iter().find(|tile| tile.id == id).unwrap().verdict
    }

    #[test]
    fn a_sound_installation_is_good_and_calm() {
        let page = page(&seen(vec![server(|_| {})]));
        for id in ["encryption", "keys", "tls", "vault"] {
            assert_eq!(verdict(&page, id), Verdict::Good, "{id}");
        }
        assert!(page.attention.is_empty(), "{:?}", page.attention);
        assert!(page.actions.iter().all(|action| action.cli.is_some()));
    }

    #[test]
    fn what_could_not_be_read_is_never_good() {
        let silent = json!({ "name": "web", "state": "Stopped", "state_reason": "no answer" });
        let mut seen = seen(vec![silent]);
        seen.vault = Err("gone".to_owned());
        let page = page(&seen);
        assert!(page.tiles.iter().all(|tile| tile.verdict != Verdict::Good), "{:?}", page.tiles);
        assert_eq!(page.attention[0].severity, Severity::Critical);
        assert_eq!(page.attention.len(), 2);
    }

    #[test]
    fn each_trouble_is_named_the_gravest_first() {
        let lost = server(|s| {
            s["state"] = json!("Inaccessible");
            s["data_encryption"] = json!({ "mode": "CustomerManaged", "health": "lost" });
        });
        let plain = server(|s| {
            s["name"] = json!("old");
            s["tls"]["require_secure_transport"] = json!(false);
            s["storage"]["n_tampers"] = json!(2);
            s["data_encryption"]["key_expires_at"] = json!("2027-01-05T00:00:00Z");
            s["warnings"] = json!(["swap is on"]);
        });
        let mut seen = seen(vec![plain, lost]);
        seen.vault = Ok(json!({ "state": "unsealed", "seal": "file", "warnings": [] }));
        let page = page(&seen);
        let of = |id| verdict(&page, id);
        assert_eq!((of("encryption"), of("keys")), (Verdict::Bad, Verdict::Bad));
        assert_eq!((of("tls"), of("vault")), (Verdict::Warning, Verdict::Warning));
        assert_eq!(page.attention[0].title, "web is inaccessible");
        assert_eq!(page.attention.len(), 5, "{:?}", page.attention);
        assert_eq!(page.actions.len(), 3);
        assert!(page.actions[0].title.contains("Seal"));
    }
}
