//! A backend that answers from memory, plausibly.

use std::sync::Mutex;

use api::access::Principal;
use api::plane::backend::{
    Encryption, Identities, Installation, KeyVaults, Lines, Logs, Pieces, Progress, Reply,
    ServerAction, Servers,
};
use api::plane::model::*;
use base::{Changed, ExitCode, Fault, ServerName};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

/// One server, one vault with a key, one identity; the value of one parameter can be changed.
pub(crate) struct Sim {
    pub(crate) work_mem: Mutex<String>,
}

impl Default for Sim {
    fn default() -> Self {
        Self { work_mem: Mutex::new("4096".to_owned()) }
    }
}

pub(super) fn ready<'a, T: Send + 'a>(value: T) -> Reply<'a, T> {
    Box::pin(async move { Ok(value) })
}

fn fail<'a, T: Send + 'a>(fault: Fault) -> Reply<'a, T> {
    Box::pin(async move { Err(fault) })
}

fn missing(what: &str) -> Fault {
    Fault::new("not_found", format!("there is no {what}")).exit(ExitCode::NotFound)
}

pub(crate) fn server(name: &str) -> Server {
    Server {
        name: name.to_owned(),
        state: "Ready".to_owned(),
        port: 5432,
        dsn: Some("postgresql://localhost".to_owned()),
        data_encryption: Some(DataEncryption {
            mode: "SystemManaged".to_owned(),
            ..DataEncryption::default()
        }),
        ..Server::default()
    }
}

fn known(name: &ServerName) -> Result<(), Fault> {
    if name.as_str() == "demo" { Ok(()) } else { Err(missing("such server")) }
}

pub(super) fn if_known<'a, T: Send + 'a>(name: &ServerName, value: T) -> Reply<'a, T> {
    match known(name) {
        Ok(()) => ready(value),
        Err(fault) => fail(fault),
    }
}

impl Servers for Sim {
    fn servers(&self) -> Reply<'_, Vec<Server>> {
        ready(["a", "b", "c", "demo"].map(server).to_vec())
    }

    fn server<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Server> {
        if_known(name, server(name.as_str()))
    }

    fn server_create<'a>(
        &'a self,
        _: &'a Principal,
        wish: ServerCreate,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            progress.say("making it");
            tokio::task::yield_now().await;
            if wish.name == "bad" {
                return Err(Fault::new("no_room", "there is no room").exit(ExitCode::Conflict));
            }
            assert_ne!(wish.name, "panic", "a job that fails inside");
            progress.say("starting it");
            Ok(json!({ "name": wish.name, "state": "Ready" }))
        })
    }

    fn server_delete<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        _: Progress,
    ) -> Reply<'a, Value> {
        ready(json!({ "name": name, "deleted": true }))
    }

    fn server_act<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        _: ServerAction,
        _: Progress,
    ) -> Reply<'a, Value> {
        ready(json!({ "name": name, "changed": Changed::Changed }))
    }

    fn server_history<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<ServerEvent>> {
        if_known(name, vec![ServerEvent::default()])
    }

    fn server_connection<'a>(
        &'a self,
        name: &'a ServerName,
        _: Option<&'a str>,
    ) -> Reply<'a, Connection> {
        if_known(name, Connection::default())
    }

    fn parameters<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<Parameter>> {
        if_known(name, vec![Parameter::default()])
    }

    fn parameter<'a>(&'a self, name: &'a ServerName, parameter: &'a str) -> Reply<'a, Parameter> {
        let value = self.work_mem.lock().unwrap().clone();
        if_known(name, Parameter { name: parameter.to_owned(), value, ..Parameter::default() })
    }

    fn parameter_set<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        parameter: &'a str,
        value: Option<&'a str>,
        dry_run: bool,
    ) -> Reply<'a, ParameterChange> {
        let value = value.unwrap_or("4096").to_owned();
        if !dry_run {
            self.work_mem.lock().unwrap().clone_from(&value);
        }
        let (name_of, changed) = (parameter.to_owned(), Changed::Changed);
        let needs_restart = false;
        if_known(name, ParameterChange { name: name_of, value, changed, needs_restart, dry_run })
    }

    fn networking<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Networking> {
        if_known(name, Networking::default())
    }

    fn networking_preview<'a>(
        &'a self,
        name: &'a ServerName,
        _: NetworkingUpdate,
    ) -> Reply<'a, NetworkingPreview> {
        if_known(name, NetworkingPreview::default())
    }

    fn networking_set<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        _: NetworkingUpdate,
    ) -> Reply<'a, Networking> {
        if_known(name, Networking::default())
    }

    fn storage_verify<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a ServerName,
        _: VerifyOptions,
        _: Progress,
    ) -> Reply<'a, Value> {
        ready(json!({ "tampered": [] }))
    }

    fn certificate_rotate<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a ServerName,
        _: Progress,
    ) -> Reply<'a, Value> {
        ready(json!({ "changed": Changed::Changed }))
    }
}

impl Encryption for Sim {
    fn encryption_set<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a ServerName,
        _: EncryptionUpdate,
        _: Progress,
    ) -> Reply<'a, Value> {
        ready(json!({}))
    }

    fn encryption_check<'a>(&'a self, name: &'a ServerName) -> Reply<'a, KeyCheck> {
        if_known(name, KeyCheck::default())
    }

    fn encryption_rotate<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a ServerName,
        _: Progress,
    ) -> Reply<'a, Value> {
        ready(json!({}))
    }

    fn encryption_history<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<EncryptionEvent>> {
        if_known(name, vec![EncryptionEvent::default()])
    }

    fn encryption_proof<'a>(&'a self, name: &'a ServerName) -> Reply<'a, EncryptionProof> {
        if_known(name, EncryptionProof::default())
    }
}

impl KeyVaults for Sim {
    fn keyvaults<'a>(&'a self, _: &'a Principal) -> Reply<'a, Vec<KeyVault>> {
        ready(vec![KeyVault::default()])
    }

    fn keyvault_create<'a>(
        &'a self,
        _: &'a Principal,
        wish: KeyVaultCreate,
    ) -> Reply<'a, (KeyVault, Changed)> {
        ready((KeyVault { name: wish.name, ..KeyVault::default() }, Changed::Changed))
    }

    fn keyvault<'a>(&'a self, _: &'a Principal, vault: &'a str) -> Reply<'a, KeyVault> {
        ready(KeyVault { name: vault.to_owned(), ..KeyVault::default() })
    }

    fn keyvault_update<'a>(
        &'a self,
        _: &'a Principal,
        vault: &'a str,
        _: KeyVaultUpdate,
    ) -> Reply<'a, KeyVault> {
        ready(KeyVault { name: vault.to_owned(), ..KeyVault::default() })
    }

    fn keys<'a>(&'a self, _: &'a Principal, _: &'a str) -> Reply<'a, Vec<Key>> {
        ready(vec![Key::default()])
    }

    fn key_create<'a>(&'a self, _: &'a Principal, _: &'a str, wish: KeyCreate) -> Reply<'a, Key> {
        ready(Key { name: wish.name, ..Key::default() })
    }

    fn key<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, Key> {
        let sealed = Fault::new("sealed", "the vault is sealed").exit(ExitCode::Sealed);
        fail(sealed)
    }

    fn key_update<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: &'a str,
        _: KeyUpdate,
    ) -> Reply<'a, Key> {
        ready(Key::default())
    }

    fn key_delete<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, DeletedKey> {
        ready(DeletedKey::default())
    }

    fn key_versions<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, Vec<Key>> {
        ready(vec![Key::default()])
    }

    fn key_rotate<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, Key> {
        ready(Key::default())
    }

    fn rotation_policy<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: &'a str,
    ) -> Reply<'a, RotationPolicy> {
        ready(RotationPolicy::default())
    }

    fn rotation_policy_set<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: &'a str,
        policy: RotationPolicy,
    ) -> Reply<'a, RotationPolicy> {
        ready(policy)
    }

    fn deleted_keys<'a>(&'a self, _: &'a Principal, _: &'a str) -> Reply<'a, Vec<DeletedKey>> {
        ready(vec![DeletedKey::default()])
    }

    fn key_recover<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, Key> {
        ready(Key::default())
    }

    fn key_purge<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, ()> {
        ready(())
    }

    fn role_assignments<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
    ) -> Reply<'a, Vec<RoleAssignment>> {
        ready(vec![RoleAssignment::default()])
    }

    fn role_assign<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: RoleAssignmentCreate,
    ) -> Reply<'a, (RoleAssignment, Changed)> {
        ready((RoleAssignment::default(), Changed::Unchanged))
    }

    fn role_unassign<'a>(&'a self, _: &'a Principal, _: &'a str, _: &'a str) -> Reply<'a, Changed> {
        ready(Changed::Changed)
    }

    fn audit<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: usize,
        _: Option<&'a str>,
    ) -> Reply<'a, Page<AuditRecord>> {
        ready(Page { items: vec![AuditRecord::default()], next: None })
    }
}

impl Identities for Sim {
    fn identities<'a>(&'a self, _: &'a Principal) -> Reply<'a, Vec<Identity>> {
        ready(vec![Identity::default()])
    }

    fn identity_create<'a>(
        &'a self,
        _: &'a Principal,
        wish: IdentityCreate,
    ) -> Reply<'a, (Identity, Changed)> {
        ready((Identity { name: wish.name, ..Identity::default() }, Changed::Changed))
    }

    fn identity<'a>(&'a self, _: &'a Principal, name: &'a str) -> Reply<'a, Identity> {
        ready(Identity { name: name.to_owned(), ..Identity::default() })
    }

    fn identity_update<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: IdentityUpdate,
    ) -> Reply<'a, Identity> {
        ready(Identity::default())
    }

    fn identity_delete<'a>(&'a self, _: &'a Principal, _: &'a str) -> Reply<'a, Changed> {
        ready(Changed::Changed)
    }

    fn identity_env<'a>(&'a self, _: &'a Principal, _: &'a str) -> Reply<'a, IdentityEnv> {
        ready(IdentityEnv::default())
    }
}

impl Installation for Sim {
    fn vault(&self) -> Reply<'_, Vault> {
        ready(Vault::default())
    }

    fn vault_seal<'a>(&'a self, _: &'a Principal) -> Reply<'a, Changed> {
        ready(Changed::Changed)
    }

    fn vault_unseal<'a>(&'a self, _: &'a Principal, _: Unseal) -> Reply<'a, Vault> {
        ready(Vault::default())
    }

    fn about(&self) -> Reply<'_, About> {
        ready(About::default())
    }

    fn ca(&self) -> Reply<'_, Ca> {
        fail(Fault::new("broken", "the authority is not there").detail("/a/secret/path"))
    }

    fn status(&self) -> Reply<'_, Status> {
        let demo =
            StatusServer { name: "demo".into(), state: "Ready".into(), ..Default::default() };
        ready(Status { servers: vec![demo], ..Status::default() })
    }

    fn home<'a>(&'a self, _: &'a Principal) -> Reply<'a, HomePage> {
        ready(HomePage::default())
    }
}

impl Logs for Sim {
    fn logs_query<'a>(&'a self, by: &'a Principal, query: LogsQuery) -> Reply<'a, Lines> {
        let begin = LogsBegin { id: query.id.unwrap_or_default(), ..LogsBegin::default() };
        let lines = [
            LogsLine { begin: Some(begin), ..LogsLine::default() },
            LogsLine { rows: Some(vec![vec![json!(by.name)]]), ..LogsLine::default() },
            LogsLine { end: Some(LogsEnd::default()), ..LogsLine::default() },
        ];
        let lines = lines.map(|line| serde_json::to_string(&line).unwrap() + "\n");
        ready(futures_util::stream::iter(lines).boxed())
    }

    fn logs_check<'a>(&'a self, _: &'a str) -> Reply<'a, LogsCheck> {
        ready(LogsCheck::default())
    }

    fn logs_runs(&self) -> Reply<'_, Vec<LogsRun>> {
        ready(Vec::new())
    }

    fn logs_cancel<'a>(&'a self, _: &'a str) -> Reply<'a, Changed> {
        ready(Changed::Unchanged)
    }

    fn logs_tables(&self) -> Reply<'_, Vec<LogsTable>> {
        ready(Vec::new())
    }

    fn logs_retention_set<'a>(&'a self, _: &'a str, _: Option<u32>) -> Reply<'a, Changed> {
        ready(Changed::Changed)
    }

    fn logs_erase<'a>(&'a self, _: &'a str, _: LogsErase) -> Reply<'a, LogsErased> {
        ready(LogsErased::default())
    }

    fn logs_ingest<'a>(
        &'a self,
        _: &'a Principal,
        _: LogsIngestQuery,
        mut body: Pieces,
    ) -> Reply<'a, LogsIngested> {
        Box::pin(async move {
            let mut n_bytes = 0;
            while let Some(piece) = body.next().await {
                n_bytes += piece?.len() as u64;
            }
            Ok(LogsIngested { n_bytes, ..LogsIngested::default() })
        })
    }

    fn logs_otlp<'a>(&'a self, _: &'a str, request: OtlpLogs) -> Reply<'a, OtlpTaken> {
        let (OtlpLogs::Json(bytes) | OtlpLogs::Protobuf(bytes)) = request;
        ready(OtlpTaken { n_records: bytes.len() as u64, n_rejected: 0 })
    }

    fn connectors(&self) -> Reply<'_, Vec<Connector>> {
        ready(Vec::new())
    }

    fn logs_workers(&self) -> Reply<'_, Vec<LogsWorker>> {
        ready(Vec::new())
    }

    fn saved_queries(&self) -> Reply<'_, Vec<SavedQuery>> {
        ready(Vec::new())
    }

    fn saved_query_set<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a str,
        update: SavedQueryUpdate,
    ) -> Reply<'a, SavedQuery> {
        let (name, saved_by) = (name.to_owned(), by.name.clone());
        ready(SavedQuery { name, saved_by, query: update.query, ..SavedQuery::default() })
    }

    fn saved_query_delete<'a>(&'a self, _: &'a str) -> Reply<'a, Changed> {
        ready(Changed::Changed)
    }
}
