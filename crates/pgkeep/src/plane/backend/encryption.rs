//! Keys of servers: change, check, rotation, history, and the proof from the disk.

use std::time::Duration;

use api::access::Principal;
use api::plane::backend::Encryption;
use api::plane::model::{EncryptionEvent, EncryptionProof, EncryptionUpdate, KeyCheck};
use api::plane::{Progress, Reply};
use base::{ExitCode, Fault, ServerName};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{PlaneBackend, read, text};
use crate::plane::history;

/// A server follows a new version within its next check, which is asked for; wrapping and proving
/// take a second.
const FOLLOW_MAX: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Host names of this installation's key vaults end so.
const OWN_VAULTS: &str = ".vault.localhost";

/// A key of one of this installation's own vaults.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnKey {
    pub(super) vault: String,
    pub(super) key: String,
    pub(super) pinned: bool,
}

impl OwnKey {
    /// Reads `https://VAULT.vault.localhost:PORT/keys/KEY[/VERSION]`; `None` for other keys.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let (place, path) = uri.strip_prefix("https://")?.split_once('/')?;
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host).to_ascii_lowercase();
        let vault = host.trim_end_matches('.').strip_suffix(OWN_VAULTS)?.to_owned();
        let mut parts = path.strip_prefix("keys/")?.split('/').filter(|part| !part.is_empty());
        let key = parts.next()?.to_ascii_lowercase();
        let plain = !vault.is_empty() && !vault.contains('.');
        plain.then(|| Self { vault, key, pinned: parts.next().is_some() })
    }
}

impl PlaneBackend {
    async fn rotate(
        &self,
        by: &Principal,
        name: &ServerName,
        progress: &Progress,
    ) -> Result<Value, Fault> {
        let shown = self.shown(name).await?;
        let encryption = &shown["data_encryption"];
        let own = match encryption["mode"].as_str() {
            Some("CustomerManaged") => {
                OwnKey::parse(&text(encryption, "key_uri")).ok_or_else(elsewhere)?
            }
            Some(_) => return Err(of_pgkeep(name)),
            None => {
                return Err(Fault::new("not_running", "the server's agent does not answer")
                    .detail(text(&shown, "state_reason"))
                    .exit(ExitCode::Conflict));
            }
        };
        let scope = format!("/keyvaults/{}", own.vault);
        if !by.reaches(&scope) {
            let message = format!("the key lies in key vault \"{}\"", own.vault);
            return Err(Fault::new("forbidden", message)
                .detail(format!("a new version of it needs a role at {scope}"))
                .exit(ExitCode::Forbidden));
        }
        progress.say(format!("making a new version of key {} in {}", own.key, own.vault));
        let args = json!({ "vault": own.vault, "op": "rotate", "name": own.key });
        let bundle = self.vault_call(by, "key", args).await?;
        let kid = bundle["key"]["kid"].as_str().unwrap_or_default().to_owned();
        let version = kid.rsplit('/').next().unwrap_or_default().to_owned();
        progress.say("wrapping the data key by the new version");
        if own.pinned {
            let say = |step: &str| progress.say(step);
            let args = json!({ "key": kid });
            return self.plane.peers.agent(name, "key-change", args, &say).await;
        }
        let _ = self.agent(name, "key-check", Value::Null).await?;
        self.followed(name, &version).await
    }

    /// Waits until the data key is wrapped by `version` and nothing else.
    async fn followed(&self, name: &ServerName, version: &str) -> Result<Value, Fault> {
        let deadline = Instant::now() + FOLLOW_MAX;
        loop {
            let mut shown = self.shown(name).await?;
            let encryption = &shown["data_encryption"];
            if encryption["key_version"] == version && encryption["rewrap"].is_null() {
                shown["changed"] = json!("changed");
                return Ok(shown);
            }
            if Instant::now() >= deadline {
                let failure = text(&encryption["rewrap"]["failure"], "message");
                return Err(Fault::new(
                    "timeout",
                    "the new version is made, but the data key is not wrapped by it yet",
                )
                .detail(match failure.as_str() {
                    "" => "the server goes on under the version before and tries again".to_owned(),
                    why => format!("the server goes on under the version before: {why}"),
                })
                .hint(format!("pgkeep server key show -n {name}"))
                .exit(ExitCode::Timeout));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn elsewhere() -> Fault {
    Fault::new("key_elsewhere", "the server's key lies in a vault that is not pgkeep's")
        .hint("make a new version there; a server whose key names no version follows it by itself")
        .exit(ExitCode::Conflict)
}

fn of_pgkeep(name: &ServerName) -> Fault {
    Fault::new("key_of_pgkeep", "this server's data key is wrapped by pgkeep's own key")
        .detail("that key has one version for all servers, and stays in the vault")
        .hint(format!(
            "for a key that you rotate, make a server with --key and --identity and move the data; \
             pgkeep vault rekey seals the vault of {name}'s key anew"
        ))
        .exit(ExitCode::Conflict)
}

impl Encryption for PlaneBackend {
    fn encryption_set<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        update: EncryptionUpdate,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let row = self.row(name)?;
            let args = json!({
                "key": update.key_uri,
                "identity": update.identity,
                "policy": update.policy,
            });
            let say = |step: &str| progress.say(step);
            self.plane.peers.agent(&row.name, "key-change", args, &say).await
        })
    }

    fn encryption_check<'a>(&'a self, name: &'a ServerName) -> Reply<'a, KeyCheck> {
        Box::pin(async { read(self.agent(name, "key-check", Value::Null).await?) })
    }

    fn encryption_rotate<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move { self.rotate(by, name, &progress).await })
    }

    fn encryption_history<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<EncryptionEvent>> {
        Box::pin(async { read(history::of_key(&self.plane, &self.row(name)?).await?) })
    }

    fn encryption_proof<'a>(&'a self, name: &'a ServerName) -> Reply<'a, EncryptionProof> {
        Box::pin(async {
            let mut proof = self.agent(name, "storage-proof", Value::Null).await?;
            let shown = self.shown(name).await?;
            proof["explanation"] =
                json!(explained(&proof, &text(&shown["storage"], "backing_dir")));
            read(proof)
        })
    }
}

/// What a proof shows, in a few sentences, with the command to see it without us.
fn explained(proof: &Value, backing: &str) -> String {
    let (file, relation) = (text(proof, "file"), text(proof, "relation"));
    let (offset, unit) = (&proof["offset"], &proof["unit"]);
    let noise = proof["entropy_bits_per_byte"].as_f64().unwrap_or_default();
    let verdict = match proof["differs"] == true && noise > 7.5 {
        true => "The disk holds noise where PostgreSQL reads its catalogue",
        false => "The two sides do NOT differ as they should",
    };
    format!(
        "{verdict}: unit {unit} of the file of {relation}, which holds what PostgreSQL ships and \
         no data of yours. Its 4096 bytes on the disk have {noise} bits of entropy a byte; random \
         bytes have about 7.95. Look for yourself: \
         xxd -s {offset} -l 256 {}",
        super::shell(&format!("{backing}/{file}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_this_installation_are_known_by_their_address() {
        let own = |uri: &str| OwnKey::parse(uri);
        let key = |pinned| Some(OwnKey { vault: "pay".to_owned(), key: "tde".to_owned(), pinned });
        assert_eq!(own("https://pay.vault.localhost:8200/keys/tde"), key(false));
        assert_eq!(own("https://PAY.vault.localhost:8200/keys/TDE/abc"), key(true));
        for other in [
            "https://pay.vault.azure.net/keys/tde",
            "https://vault.localhost:8200/keys/tde",
            "https://a.b.vault.localhost/keys/tde",
            "pkcs11:token=a;object=b",
            "https://pay.vault.localhost:8200/secrets/tde",
            "",
        ] {
            assert_eq!(own(other), None, "{other}");
        }
    }

    #[test]
    fn a_proof_that_proves_nothing_says_so() {
        let proof = |noise: f64| {
            json!({ "file": "tree/x", "relation": "pg_am", "offset": 16128, "unit": 1,
                "entropy_bits_per_byte": noise, "differs": true })
        };
        let good = explained(&proof(7.95), "/h/servers/a/data");
        assert!(good.contains("xxd -s 16128 -l 256 /h/servers/a/data/tree/x"), "{good}");
        assert!(explained(&proof(3.0), "/h").contains("NOT"));
    }
}
