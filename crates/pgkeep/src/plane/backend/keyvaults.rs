//! Key vaults, their keys, roles and audit.

use api::access::Principal;
use api::plane::Reply;
use api::plane::backend::KeyVaults;
use api::plane::model::{
    AuditRecord, DeletedKey, Key, KeyCreate, KeyUpdate, KeyVault, KeyVaultCreate, KeyVaultUpdate,
    Page, RoleAssignment, RoleAssignmentCreate, RotationPolicy,
};
use base::{Changed, ExitCode, Fault};
use serde_json::{Value, json};

use super::encryption::OwnKey;
use super::{LIST_MAX, PlaneBackend, keys, read, text};

/// The vault answers no more lines of its audit at once.
const AUDIT_MAX: usize = 100;

impl PlaneBackend {
    async fn key_call(
        &self,
        by: &Principal,
        vault: &str,
        op: &str,
        mut args: Value,
    ) -> Result<Value, Fault> {
        args["vault"] = json!(vault);
        args["op"] = json!(op);
        self.vault_call(by, "key", args).await
    }

    /// All pages of a list of keys.
    async fn key_list(
        &self,
        by: &Principal,
        vault: &str,
        op: &str,
        args: Value,
    ) -> Result<Vec<Value>, Fault> {
        let (mut all, mut after) = (Vec::new(), Value::Null);
        while all.len() < LIST_MAX {
            let mut args = args.clone();
            args["after"] = after;
            let mut page = self.key_call(by, vault, op, args).await?;
            if let Value::Array(items) = page["value"].take() {
                all.extend(items);
            }
            after = page["next"].take();
            if after.is_null() {
                break;
            }
        }
        Ok(all)
    }

    /// Says of keys which servers use them, as far as `by` sees servers.
    async fn mark_users(&self, by: &Principal, vault: &str, keys: &mut [Key]) -> Result<(), Fault> {
        for server in self.all_shown().await? {
            let name = text(&server, "name");
            let uri = text(&server["data_encryption"], "key_uri");
            let Some(own) = OwnKey::parse(&uri) else { continue };
            if !own.vault.eq_ignore_ascii_case(vault) || !by.reaches(&format!("/servers/{name}")) {
                continue;
            }
            let same = |key: &&mut Key| key.name.eq_ignore_ascii_case(&own.key);
            if let Some(key) = keys.iter_mut().find(same) {
                key.used_by.push(name);
            }
        }
        Ok(())
    }
}

impl KeyVaults for PlaneBackend {
    fn keyvaults<'a>(&'a self, by: &'a Principal) -> Reply<'a, Vec<KeyVault>> {
        Box::pin(async { read(self.vault_call(by, "keyvault-list", Value::Null).await?) })
    }

    fn keyvault_create<'a>(
        &'a self,
        by: &'a Principal,
        wish: KeyVaultCreate,
    ) -> Reply<'a, (KeyVault, Changed)> {
        Box::pin(async move {
            let args = json!({
                "name": wish.name,
                "retention_days": wish.retention_days,
                "purge_protection": wish.purge_protection,
            });
            let made = self.vault_call(by, "keyvault-create", args).await?;
            let changed = read(made["changed"].clone())?;
            Ok((read(made)?, changed))
        })
    }

    fn keyvault<'a>(&'a self, by: &'a Principal, vault: &'a str) -> Reply<'a, KeyVault> {
        Box::pin(async move {
            read(self.vault_call(by, "keyvault-show", json!({ "name": vault })).await?)
        })
    }

    fn keyvault_update<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        update: KeyVaultUpdate,
    ) -> Reply<'a, KeyVault> {
        Box::pin(async move {
            match update.purge_protection {
                None => self.keyvault(by, vault).await,
                Some(true) => {
                    let args = json!({ "name": vault, "purge_protection": true });
                    read(self.vault_call(by, "keyvault-update", args).await?)
                }
                Some(false) => Err(Fault::new("bad_request", "purge protection stays on for good")
                    .exit(ExitCode::Usage)),
            }
        })
    }

    fn keys<'a>(&'a self, by: &'a Principal, vault: &'a str) -> Reply<'a, Vec<Key>> {
        Box::pin(async move {
            let listed = self.key_list(by, vault, "list", json!({})).await?;
            let mut all: Vec<Key> = listed.iter().map(keys::key).collect();
            self.mark_users(by, vault, &mut all).await?;
            Ok(all)
        })
    }

    fn key_create<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        wish: KeyCreate,
    ) -> Reply<'a, Key> {
        Box::pin(async move {
            let args = json!({ "name": wish.name, "body": keys::to_create(&wish) });
            Ok(keys::key(&self.key_call(by, vault, "create", args).await?))
        })
    }

    fn key<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str) -> Reply<'a, Key> {
        Box::pin(async move {
            let bundle = self.key_call(by, vault, "get", json!({ "name": key })).await?;
            let mut one = [keys::key(&bundle)];
            self.mark_users(by, vault, &mut one).await?;
            let [one] = one;
            Ok(one)
        })
    }

    fn key_update<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
        update: KeyUpdate,
    ) -> Reply<'a, Key> {
        Box::pin(async move {
            let body = keys::to_update(&update);
            let args = json!({ "name": key, "version": update.version, "body": body });
            Ok(keys::key(&self.key_call(by, vault, "update", args).await?))
        })
    }

    fn key_delete<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, DeletedKey> {
        Box::pin(async move {
            let args = json!({ "name": key });
            Ok(keys::deleted(&self.key_call(by, vault, "delete", args).await?))
        })
    }

    fn key_versions<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, Vec<Key>> {
        Box::pin(async move {
            let args = json!({ "name": key });
            let listed = self.key_list(by, vault, "list-versions", args).await?;
            let mut all: Vec<Key> = listed.iter().map(keys::key).collect();
            all.sort_by_key(|key| std::cmp::Reverse(key.created_at));
            Ok(all)
        })
    }

    fn key_rotate<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str) -> Reply<'a, Key> {
        Box::pin(async move {
            Ok(keys::key(&self.key_call(by, vault, "rotate", json!({ "name": key })).await?))
        })
    }

    fn rotation_policy<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, RotationPolicy> {
        Box::pin(async move {
            let args = json!({ "name": key });
            Ok(keys::policy(&self.key_call(by, vault, "policy-get", args).await?))
        })
    }

    fn rotation_policy_set<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
        policy: RotationPolicy,
    ) -> Reply<'a, RotationPolicy> {
        Box::pin(async move {
            let args = json!({ "name": key, "body": keys::to_policy(&policy) });
            Ok(keys::policy(&self.key_call(by, vault, "policy-set", args).await?))
        })
    }

    fn deleted_keys<'a>(&'a self, by: &'a Principal, vault: &'a str) -> Reply<'a, Vec<DeletedKey>> {
        Box::pin(async move {
            let listed = self.key_list(by, vault, "list-deleted", json!({})).await?;
            Ok(listed.iter().map(keys::deleted).collect())
        })
    }

    fn key_recover<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, Key> {
        Box::pin(async move {
            Ok(keys::key(&self.key_call(by, vault, "recover", json!({ "name": key })).await?))
        })
    }

    fn key_purge<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            self.key_call(by, vault, "purge", json!({ "name": key })).await.map(drop)
        })
    }

    fn role_assignments<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
    ) -> Reply<'a, Vec<RoleAssignment>> {
        Box::pin(async move {
            let args = json!({ "vault": vault });
            read(self.vault_call(by, "role-assignment-list", args).await?)
        })
    }

    fn role_assign<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        wish: RoleAssignmentCreate,
    ) -> Reply<'a, (RoleAssignment, Changed)> {
        Box::pin(async move {
            let args = json!({
                "vault": vault,
                "key": wish.key,
                "role": wish.role,
                "assignee": wish.assignee,
            });
            let made = self.vault_call(by, "role-assignment-create", args).await?;
            let changed = read(made["changed"].clone())?;
            Ok((read(made)?, changed))
        })
    }

    fn role_unassign<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        id: &'a str,
    ) -> Reply<'a, Changed> {
        Box::pin(async move {
            // The vault finds assignments by their id alone; the right is one for this vault.
            let known: Vec<RoleAssignment> = self.role_assignments(by, vault).await?;
            if !known.iter().any(|known| known.id.eq_ignore_ascii_case(id)) {
                return Ok(Changed::Unchanged);
            }
            let gone = self.vault_call(by, "role-assignment-delete", json!({ "id": id })).await?;
            read(gone["changed"].clone())
        })
    }

    fn audit<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        limit: usize,
        after: Option<&'a str>,
    ) -> Reply<'a, Page<AuditRecord>> {
        Box::pin(async move {
            let limit = limit.min(AUDIT_MAX);
            let args = json!({ "vault": vault, "limit": limit, "after": after });
            let page = self.vault_call(by, "audit-list", args).await?;
            let records = page["records"].as_array().map(Vec::as_slice).unwrap_or_default();
            let items = records.iter().map(record).collect();
            Ok(Page { items, next: page["next"].as_str().map(str::to_owned) })
        })
    }
}

/// A line of the audit. One whose bytes were changed says so and nothing else can be believed.
fn record(line: &Value) -> AuditRecord {
    let (claim, properties) = (&line["identity"]["claim"], &line["properties"]);
    let upn = claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"].as_str();
    let acting = claim["acting"].as_str();
    let principal = match (upn.or(acting), claim["uid"].as_u64()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(uid)) => format!("OS user {uid}"),
        (None, None) => "nobody".to_owned(),
    };
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let mut description = text(line, "resultDescription");
    if line["intact"] != true {
        description = format!("THIS RECORD WAS CHANGED AFTER IT WAS WRITTEN. {description}");
    }
    AuditRecord {
        seq: number(&line["seq"]),
        at: line["time"].as_str().and_then(|at| at.parse().ok()).unwrap_or_default(),
        operation: text(line, "operationName"),
        principal,
        acting: acting.map(str::to_owned),
        object: text(properties, "id"),
        status: u16::try_from(number(&properties["httpStatusCode"])).unwrap_or_default(),
        success: line["resultType"] == "Success",
        description,
        caller_address: text(line, "callerIpAddress"),
        correlation_id: text(line, "correlationId"),
        duration_ms: number(&line["durationMs"]),
        hash: text(line, "hash"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_asked_and_whether_it_is_whole() {
        let line = json!({
            "seq": 7, "time": "2026-11-27T07:00:00Z", "operationName": "KeyRotate",
            "resultType": "Success", "resultDescription": "", "durationMs": 3,
            "identity": { "claim": { "uid": 990, "acting": "anna" } },
            "properties": { "id": "https://v/keys/k", "httpStatusCode": 200 },
            "hash": "ab", "intact": true,
        });
        let whole = record(&line);
        assert_eq!((whole.principal.as_str(), whole.acting.as_deref()), ("anna", Some("anna")));
        assert!(whole.success && whole.description.is_empty());
        let mut changed = line.clone();
        changed["intact"] = json!(false);
        assert!(record(&changed).description.contains("WAS CHANGED"));
        let mut local = line;
        local["identity"]["claim"] = json!({ "uid": 0 });
        assert_eq!(record(&local).principal, "OS user 0");
    }
}
