//! From a request to its answer: authorise, act, record, answer.

use super::KeyVaults;
use super::backup::Restored;
use super::create::NewKey;
use super::model::{Answer, Call, Op, Principal, Refusal, Reply, RotationPolicy, UpdateParameters};
use super::refusals;
use super::roles::Action;
use crate::audit::{Claim, Event};
use crate::core::Planned;
use crate::world::World;

/// Whom a request is for and who asks.
pub(super) struct Request<'a> {
    /// The vault, lower case.
    pub(super) vault: &'a str,
    pub(super) principal: &'a Principal,
    pub(super) now: i64,
}

/// What an operation is, before it is looked at closely.
struct Facts {
    /// Azure's word for the audit.
    operation: &'static str,
    action: Option<Action>,
    /// The key, as it was written.
    name: Option<String>,
    version: Option<String>,
}

/// What comes of the first look: an answer, or a change that needs the lock of a name.
enum Step {
    Done(Reply),
    Write(String, Write),
}

/// A change; what takes long was done before.
pub(super) enum Write {
    NewVersion { name: String, key: Box<NewKey> },
    Update { name: String, version: Option<String>, parameters: Box<UpdateParameters> },
    Delete { name: String },
    Recover { name: String },
    Purge { name: String },
    Restore(Box<Restored>),
    Rotate { name: String, key: Box<NewKey> },
    SetPolicy { name: String, policy: RotationPolicy },
}

impl KeyVaults {
    /// Does what is asked, if it may be done. The record is durable when this returns; when it
    /// cannot be written, the answer is a refusal that says so.
    pub fn call(&self, call: Call) -> Result<Answer, Refusal> {
        let Call { vault, principal, op, context } = call;
        let vault = vault.to_ascii_lowercase();
        let facts = Facts::of(&op);
        let claim = self.claim(&principal);
        let mut event = self.core.request_event(facts.operation, &vault, &context, claim);
        event.id = self.id(&vault, &facts);
        if let Principal::Anonymous { why } = &principal
            && !why.is_empty()
        {
            event.details = Some(serde_json::json!({ "authentication": why }));
        }
        let request = Request { vault: &vault, principal: &principal, now: self.core.now() };
        let step = self.authorize_op(&request, &op, &facts).and_then(|assignment| {
            event.assignment_id.clone_from(&assignment);
            self.step(&request, op)
        });
        let assignment_id = event.assignment_id.clone();
        let reply = match step {
            Err(refusal) => self.core.finish(event, Err(refusal)),
            Ok(Step::Done(reply)) => {
                describe(&mut event, &reply);
                self.core.finish(event, Ok(Planned::read(reply)))
            }
            Ok(Step::Write(name, write)) => {
                let _gate = self.core.gate.read();
                let _name = self.core.lock_name(&format!("key/{vault}/{name}"));
                // Roles may have changed while a key was made.
                let planned = self
                    .authorize(&request, facts.action, Some(&name))
                    .and_then(|_| self.plan(&request, write));
                if let Ok(planned) = &planned {
                    describe(&mut event, &planned.answer);
                }
                self.core.finish(event, planned)
            }
        }?;
        Ok(Answer { reply, assignment_id })
    }

    /// Looks at a request that no operation fits, too: nobody gets an answer without a record.
    fn authorize_op(
        &self,
        request: &Request<'_>,
        op: &Op,
        facts: &Facts,
    ) -> Result<Option<String>, Refusal> {
        if let Op::Unrecognised { refusal } = op {
            return Err(refusal.clone());
        }
        let name = facts.name.as_ref().map(|name| name.to_ascii_lowercase());
        self.authorize(request, facts.action, name.as_deref())
    }

    /// The id of the role assignment that allows `action`; none for operators.
    fn authorize(
        &self,
        request: &Request<'_>,
        action: Option<Action>,
        name: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        let world = self.core.world()?;
        let action = action.ok_or_else(|| refusals::internal("The operation has no action."))?;
        let denied = |who: &str, why: &str| {
            let resource = match name {
                Some(name) => format!("{}/keys/{name}", request.vault),
                None => request.vault.to_owned(),
            };
            refusals::by_rbac(who, action.name(), &resource, why)
        };
        let assignment = match request.principal {
            Principal::Anonymous { .. } => return Err(refusals::unauthenticated()),
            Principal::Local { uid } => {
                if !self.core.policy.operators.contains(uid) {
                    return Err(denied(&format!("uid={uid}"), "DeniedWithNoValidRBAC"));
                }
                None
            }
            Principal::Plane { uid, acting } => {
                if !self.core.policy.may_act(*uid, acting) || !action.is_administrative() {
                    return Err(denied(&format!("uid={uid} for {acting}"), "DeniedToThePlane"));
                }
                None
            }
            Principal::Identity { object_id } => {
                let who = format!("oid={object_id}");
                if !world.identities.get(object_id).is_some_and(|i| i.identity.enabled) {
                    return Err(denied(&who, "DeniedWithUnknownOrDisabledIdentity"));
                }
                let roles = world.roles.get(object_id).map(Vec::as_slice).unwrap_or_default();
                let role = roles
                    .iter()
                    .find(|role| role.allows(action, request.vault, name))
                    .ok_or_else(|| denied(&who, "DeniedWithNoValidRBAC"))?;
                Some(role.id.clone())
            }
        };
        // Only now: whoever has no role does not learn which vaults there are.
        if !world.vaults.contains_key(request.vault) {
            return Err(refusals::vault_not_found(request.vault));
        }
        Ok(assignment)
    }

    fn step(&self, request: &Request<'_>, op: Op) -> Result<Step, Refusal> {
        if let Some(name) = name_of(&op) {
            check_name(name)?;
        }
        let write = |name: String, write: fn(String) -> Write| {
            Ok(Step::Write(name.to_ascii_lowercase(), write(name)))
        };
        match op {
            Op::Get { name, version } => self.key(request, &name, version.as_deref()),
            Op::List { page } => self.list(request, &page),
            Op::ListVersions { name, page } => self.list_versions(request, &name, &page),
            Op::GetDeleted { name } => self.deleted_key(request, &name),
            Op::ListDeleted { page } => self.list_deleted(request, &page),
            Op::Backup { name } => self.backup(request, &name),
            Op::GetRotationPolicy { name } => self.rotation_policy(request, &name),
            Op::Encrypt { name, version, parameters } => {
                self.encrypt(request, &name, version.as_deref(), &parameters)
            }
            Op::Decrypt { name, version, parameters } => {
                self.decrypt(request, &name, version.as_deref(), &parameters)
            }
            Op::WrapKey { name, version, parameters } => {
                self.wrap_key(request, &name, version.as_deref(), &parameters)
            }
            Op::UnwrapKey { name, version, parameters } => {
                self.unwrap_key(request, &name, version.as_deref(), &parameters)
            }
            Op::Sign { name, version, parameters } => {
                self.sign(request, &name, version.as_deref(), &parameters)
            }
            Op::Verify { name, version, parameters } => {
                self.verify(request, &name, version.as_deref(), &parameters)
            }
            Op::Random { count } => self.random(count),
            Op::Create { name, parameters } => {
                self.may_be_made(request, &name)?;
                let key = Box::new(NewKey::create(&parameters)?);
                return Ok(Step::Write(name.to_ascii_lowercase(), Write::NewVersion { name, key }));
            }
            Op::Import { name, parameters } => {
                self.may_be_made(request, &name)?;
                let key = Box::new(NewKey::import(&parameters)?);
                return Ok(Step::Write(name.to_ascii_lowercase(), Write::NewVersion { name, key }));
            }
            Op::Rotate { name } => {
                let key = Box::new(self.successor(request, &name)?);
                return Ok(Step::Write(name.to_ascii_lowercase(), Write::Rotate { name, key }));
            }
            Op::Restore { blob } => {
                let restored = self.open_backup(&blob)?;
                let name = restored.name.to_ascii_lowercase();
                return Ok(Step::Write(name, Write::Restore(Box::new(restored))));
            }
            Op::Update { name, version, parameters } => {
                let parameters = Box::new(parameters);
                return Ok(Step::Write(
                    name.to_ascii_lowercase(),
                    Write::Update { name, version, parameters },
                ));
            }
            Op::SetRotationPolicy { name, policy } => {
                return Ok(Step::Write(
                    name.to_ascii_lowercase(),
                    Write::SetPolicy { name, policy },
                ));
            }
            Op::Delete { name } => return write(name, |name| Write::Delete { name }),
            Op::Recover { name } => return write(name, |name| Write::Recover { name }),
            Op::Purge { name } => return write(name, |name| Write::Purge { name }),
            Op::Unrecognised { refusal } => Err(refusal),
        }
        .map(Step::Done)
    }

    fn plan(&self, request: &Request<'_>, write: Write) -> Result<Planned<Reply>, Refusal> {
        match write {
            Write::NewVersion { name, key } => self.new_version(request, &name, *key),
            Write::Rotate { name, key } => self.rotate(request, &name, *key),
            Write::Update { name, version, parameters } => {
                self.update(request, &name, version.as_deref(), *parameters)
            }
            Write::Delete { name } => self.delete(request, &name),
            Write::Recover { name } => self.recover(request, &name),
            Write::Purge { name } => self.purge(request, &name),
            Write::Restore(restored) => self.restore(request, *restored),
            Write::SetPolicy { name, policy } => self.set_rotation_policy(request, &name, policy),
        }
    }

    fn claim(&self, principal: &Principal) -> Claim {
        match principal {
            Principal::Anonymous { .. } => Claim::default(),
            Principal::Local { uid } => Claim { uid: Some(*uid), ..Claim::default() },
            Principal::Plane { uid, acting } => {
                let acting = Some(crate::core::acting(acting));
                Claim { uid: Some(*uid), acting, ..Claim::default() }
            }
            Principal::Identity { object_id } => {
                let known = |world: &World| {
                    let identity = &world.identities.get(object_id)?.identity;
                    Some((identity.name.clone(), identity.client_id.clone()))
                };
                let known = self.core.world().ok().and_then(|world| known(&world));
                let (upn, appid) = known.unzip();
                Claim { object_id: Some(object_id.clone()), upn, appid, ..Claim::default() }
            }
        }
    }

    fn id(&self, vault: &str, facts: &Facts) -> String {
        let mut id = self.uri_of(vault);
        if let Some(name) = &facts.name {
            id.push_str("/keys/");
            id.push_str(name);
        }
        if let Some(version) = facts.version.as_deref().filter(|v| !v.is_empty()) {
            id.push('/');
            id.push_str(version);
        }
        id
    }
}

/// Puts into the record what only the reply knows.
fn describe(event: &mut Event, reply: &Reply) {
    let kid = match reply {
        Reply::Key(bundle) => bundle.key.kid.as_ref(),
        Reply::Deleted(deleted) => deleted.bundle.key.kid.as_ref(),
        Reply::Result(result) => Some(&result.kid),
        _ => None,
    };
    if let Some(kid) = kid {
        event.id.clone_from(kid);
    }
    if matches!(reply, Reply::Nothing) {
        event.status = 204;
    }
}

/// `^[0-9a-zA-Z-]{1,127}$`.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if (1..=127).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let shown: String = name.chars().take(130).collect();
    Err(refusals::bad(format!("The request URI contains an invalid name: {shown}")))
}

fn name_of(op: &Op) -> Option<&str> {
    match op {
        Op::Create { name, .. }
        | Op::Import { name, .. }
        | Op::Get { name, .. }
        | Op::ListVersions { name, .. }
        | Op::Update { name, .. }
        | Op::Delete { name }
        | Op::GetDeleted { name }
        | Op::Recover { name }
        | Op::Purge { name }
        | Op::Backup { name }
        | Op::Rotate { name }
        | Op::GetRotationPolicy { name }
        | Op::SetRotationPolicy { name, .. }
        | Op::Encrypt { name, .. }
        | Op::Decrypt { name, .. }
        | Op::WrapKey { name, .. }
        | Op::UnwrapKey { name, .. }
        | Op::Sign { name, .. }
        | Op::Verify { name, .. } => Some(name),
        Op::List { .. }
        | Op::ListDeleted { .. }
        | Op::Restore { .. }
        | Op::Random { .. }
        | Op::Unrecognised { .. } => None,
    }
}

impl Facts {
    fn of(op: &Op) -> Self {
        let (operation, action) = match op {
            Op::Create { .. } => ("KeyCreate", Some(Action::Create)),
            Op::Import { .. } => ("KeyImport", Some(Action::Import)),
            Op::Get { .. } => ("KeyGet", Some(Action::Read)),
            Op::List { .. } => ("KeyList", Some(Action::Read)),
            Op::ListVersions { .. } => ("KeyListVersions", Some(Action::Read)),
            Op::Update { .. } => ("KeyUpdate", Some(Action::Update)),
            Op::Delete { .. } => ("KeyDelete", Some(Action::Delete)),
            Op::GetDeleted { .. } => ("KeyGetDeleted", Some(Action::Read)),
            Op::ListDeleted { .. } => ("KeyListDeleted", Some(Action::Read)),
            Op::Recover { .. } => ("KeyRecover", Some(Action::Recover)),
            Op::Purge { .. } => ("KeyPurge", Some(Action::Purge)),
            Op::Backup { .. } => ("KeyBackup", Some(Action::Backup)),
            Op::Restore { .. } => ("KeyRestore", Some(Action::Restore)),
            Op::Rotate { .. } => ("KeyRotate", Some(Action::Rotate)),
            Op::GetRotationPolicy { .. } => ("KeyRotationPolicyGet", Some(Action::PolicyRead)),
            Op::SetRotationPolicy { .. } => ("KeyRotationPolicySet", Some(Action::PolicyWrite)),
            Op::Encrypt { .. } => ("KeyEncrypt", Some(Action::Encrypt)),
            Op::Decrypt { .. } => ("KeyDecrypt", Some(Action::Decrypt)),
            Op::WrapKey { .. } => ("KeyWrap", Some(Action::Wrap)),
            Op::UnwrapKey { .. } => ("KeyUnwrap", Some(Action::Unwrap)),
            Op::Sign { .. } => ("KeySign", Some(Action::Sign)),
            Op::Verify { .. } => ("KeyVerify", Some(Action::Verify)),
            Op::Random { .. } => ("RandomBytesGet", Some(Action::Random)),
            Op::Unrecognised { .. } => ("Authentication", None),
        };
        let version = match op {
            Op::Get { version, .. }
            | Op::Update { version, .. }
            | Op::Encrypt { version, .. }
            | Op::Decrypt { version, .. }
            | Op::WrapKey { version, .. }
            | Op::UnwrapKey { version, .. }
            | Op::Sign { version, .. }
            | Op::Verify { version, .. } => version.clone(),
            _ => None,
        };
        Self { operation, action, name: name_of(op).map(str::to_owned), version }
    }
}
