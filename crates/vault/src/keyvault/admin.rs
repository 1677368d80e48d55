//! Vaults and role assignments: for operators on the vault's own socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Changed, Secret};
use serde::Serialize;

use super::KeyVaults;
use super::call::check_name;
use super::roles::{Role, RoleAssignment};
use super::state::{VaultInfo, VaultState};
use crate::audit::Cursor;
use crate::core::Planned;
use crate::ledger::Draft;
use crate::ring::Domain;
use crate::store::Address;
use crate::world::{World, kind};
use crate::{AuditLines, AuditPage, Caller, Error};

/// Changes of vaults, roles and identities are rare: one after the other.
pub(crate) const ADMINISTRATION: &str = "administration";
const VAULTS_MAX: usize = 1_000;
const ROLES_MAX: usize = 10_000;
const RETENTION_DAYS: std::ops::RangeInclusive<u32> = 7..=90;

/// A vault to be made.
#[derive(Clone, Debug, Default)]
pub struct NewVault {
    /// 3 to 24 letters, digits and single hyphens, beginning with a letter.
    pub name: String,
    /// How long a deleted key can be recovered; `None` means 90 days. Fixed afterwards.
    pub retention_days: Option<u32>,
    /// Whether nobody may purge before that; cannot be undone.
    pub purge_protection: bool,
}

impl KeyVaults {
    /// Makes a vault. `Unchanged` when it is there with these settings.
    pub fn vault_create(
        &self,
        caller: Caller<'_>,
        new: &NewVault,
    ) -> Result<(VaultInfo, Changed), Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(ADMINISTRATION);
        let name = new.name.to_ascii_lowercase();
        core.local(caller, "VaultPut", &name.clone(), &self.uri_of(&name), || {
            core.policy.as_administrator(caller)?;
            check_vault_name(&name)?;
            let retention_days = new.retention_days.unwrap_or(*RETENTION_DAYS.end());
            if !RETENTION_DAYS.contains(&retention_days) {
                let message = "deleted keys are kept for 7 to 90 days";
                return Err(Error::BadRequest(message.to_owned()));
            }
            let world = core.world()?;
            if let Some(known) = world.vaults.get(&name) {
                let same = known.info.retention_days == retention_days
                    && known.info.purge_protection == new.purge_protection;
                return if same {
                    Ok(Planned::read((known.info.clone(), Changed::Unchanged)))
                } else {
                    Err(Error::Conflict(format!(
                        "the key vault \"{name}\" is there with other settings"
                    )))
                };
            }
            if world.vaults.len() >= VAULTS_MAX {
                return Err(Error::Conflict(format!("there are {VAULTS_MAX} key vaults already")));
            }
            let domain = Arc::new(Domain::generate(&*core.random));
            let info = VaultInfo {
                name: name.clone(),
                created: core.now(),
                retention_days,
                purge_protection: new.purge_protection,
            };
            let drafts = vec![
                Draft::put(Address::new(kind::DOMAIN, &name, ""), &world.root, domain.plain()),
                put(kind::VAULT, &name, &domain, &info),
            ];
            let answer = (info.clone(), Changed::Changed);
            Ok(Planned::change(answer, drafts, move |world| {
                world.vaults.insert(name, VaultState::new(info, domain));
            }))
        })
    }

    /// Turns purge protection on, for ever.
    pub fn vault_protect(&self, caller: Caller<'_>, name: &str) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(ADMINISTRATION);
        let name = name.to_ascii_lowercase();
        core.local(caller, "VaultPatch", &name.clone(), &self.uri_of(&name), || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let vault = vault(&world, &name)?;
            if vault.info.purge_protection {
                return Ok(Planned::read(Changed::Unchanged));
            }
            let info = VaultInfo { purge_protection: true, ..vault.info.clone() };
            let drafts = vec![put(kind::VAULT, &name, &vault.domain, &info)];
            Ok(Planned::change(Changed::Changed, drafts, move |world| {
                if let Some(vault) = world.vaults.get_mut(&name) {
                    vault.info = info;
                }
            }))
        })
    }

    /// One vault.
    pub fn vault_show(&self, caller: Caller<'_>, name: &str) -> Result<VaultInfo, Error> {
        let core = &self.core;
        let name = name.to_ascii_lowercase();
        core.local(caller, "VaultGet", &name, &self.uri_of(&name), || {
            core.policy.as_administrator(caller)?;
            Ok(Planned::read(vault(&*core.world()?, &name)?.info.clone()))
        })
    }

    /// Every vault, by name.
    pub fn vault_list(&self, caller: Caller<'_>) -> Result<Vec<VaultInfo>, Error> {
        let core = &self.core;
        core.local(caller, "VaultList", "*", &self.resource(), || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            Ok(Planned::read(world.vaults.values().map(|vault| vault.info.clone()).collect()))
        })
    }

    /// What was asked of one vault, or of the whole installation, newest first: `limit` lines
    /// from where `after` says, which is the `next` of the page before.
    pub fn audit_list(
        &self,
        caller: Caller<'_>,
        vault_name: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, Error> {
        let core = &self.core;
        let name = vault_name.map(str::to_ascii_lowercase);
        core.local(caller, "AuditEventList", name.as_deref().unwrap_or("*"), "", || {
            core.policy.as_administrator(caller)?;
            if let Some(name) = &name {
                vault(&*core.world()?, name)?;
            }
            let unknown = || Error::BadRequest("there is no such page of the audit".to_owned());
            let cursor = after.map(|text| Cursor::parse(text).ok_or_else(unknown)).transpose()?;
            let page = core.audit.page(name.as_deref(), cursor, limit);
            page.map(Planned::read).map_err(|e| match e.kind() {
                std::io::ErrorKind::InvalidInput => unknown(),
                _ => Error::Audit(e),
            })
        })
    }

    /// What was asked of the whole installation, oldest first, from a place on that an earlier
    /// answer gave, or 0. For the plane, which keeps it with all other events. Reading is not
    /// recorded, a refusal is: a record of each reading would be one more thing to read.
    pub fn audit_read(&self, caller: Caller<'_>, after: u64) -> Result<AuditLines, Error> {
        let core = &self.core;
        if let Err(refused) = core.policy.as_plane(caller) {
            return core.local(caller, "AuditEventRead", "*", "", || Err(refused));
        }
        core.audit.since(after).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidInput => Error::Conflict(
                "the audit has no such place: files of it were changed or put back".to_owned(),
            ),
            _ => Error::Audit(e),
        })
    }

    /// Gives an identity a role for a vault, or for one key of it. The key need not be there yet.
    /// It holds from the next request on.
    pub fn role_assign(
        &self,
        caller: Caller<'_>,
        vault_name: &str,
        key: Option<&str>,
        role: Role,
        identity: &str,
    ) -> Result<(RoleAssignment, Changed), Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(ADMINISTRATION);
        let name = vault_name.to_ascii_lowercase();
        core.local(caller, "RoleAssignmentPut", &name, role.name(), || {
            core.policy.as_administrator(caller)?;
            let key = key.map(str::to_ascii_lowercase);
            if let Some(key) = &key {
                check_name(key).map_err(|refusal| Error::BadRequest(refusal.message))?;
            }
            let world = core.world()?;
            vault(&world, &name)?;
            let identity = crate::identities::find(&world, identity)?;
            let held = world.roles.get(&identity.object_id).map(Vec::as_slice).unwrap_or_default();
            let same = |known: &&Arc<RoleAssignment>| {
                known.vault == name && known.key == key && known.role == role
            };
            if let Some(known) = held.iter().find(same) {
                return Ok(Planned::read(((**known).clone(), Changed::Unchanged)));
            }
            if world.roles.values().map(Vec::len).sum::<usize>() >= ROLES_MAX {
                let message = format!("there are {ROLES_MAX} role assignments already");
                return Err(Error::Conflict(message));
            }
            let assignment = RoleAssignment {
                id: core.random_uuid(),
                vault: name.clone(),
                key,
                role,
                object_id: identity.object_id.clone(),
                assignee: identity.name.clone(),
                created: core.now(),
            };
            let drafts = vec![put(kind::ROLE, &assignment.id, &world.system, &assignment)];
            let answer = (assignment.clone(), Changed::Changed);
            Ok(Planned::change(answer, drafts, move |world| world.add_role(assignment)))
        })
    }

    /// Takes a role away by the id of its assignment; the next request is refused.
    pub fn role_unassign(&self, caller: Caller<'_>, id: &str) -> Result<Changed, Error> {
        self.role_remove(caller, "*", id, |role| role.id.eq_ignore_ascii_case(id))
    }

    /// Takes a role away by what it says.
    pub fn role_unassign_from(
        &self,
        caller: Caller<'_>,
        vault_name: &str,
        key: Option<&str>,
        role: Role,
        identity: &str,
    ) -> Result<Changed, Error> {
        let name = vault_name.to_ascii_lowercase();
        let key = key.map(str::to_ascii_lowercase);
        self.role_remove(caller, &name, role.name(), |known| {
            known.vault == name
                && known.key == key
                && known.role == role
                && (known.assignee == identity || known.object_id == identity)
        })
    }

    fn role_remove(
        &self,
        caller: Caller<'_>,
        vault: &str,
        subject: &str,
        which: impl Fn(&RoleAssignment) -> bool,
    ) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(ADMINISTRATION);
        core.local(caller, "RoleAssignmentDelete", vault, subject, || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let ids: Vec<String> =
                world.roles.values().flatten().filter(|r| which(r)).map(|r| r.id.clone()).collect();
            if ids.is_empty() {
                return Ok(Planned::read(Changed::Unchanged));
            }
            let drafts =
                ids.iter().map(|id| Draft::Remove(Address::new(kind::ROLE, id, ""))).collect();
            Ok(Planned::change(Changed::Changed, drafts, move |world| {
                remove_roles(&mut world.roles, &ids);
            }))
        })
    }

    /// Every role assignment, of one vault or of all.
    pub fn role_list(
        &self,
        caller: Caller<'_>,
        vault: Option<&str>,
    ) -> Result<Vec<RoleAssignment>, Error> {
        let core = &self.core;
        let vault = vault.map(str::to_ascii_lowercase);
        core.local(caller, "RoleAssignmentList", vault.as_deref().unwrap_or("*"), "", || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let wanted = |role: &&Arc<RoleAssignment>| {
                vault.as_ref().is_none_or(|vault| role.vault == *vault)
            };
            let mut roles: Vec<RoleAssignment> = world
                .roles
                .values()
                .flatten()
                .filter(wanted)
                .map(|role| (**role).clone())
                .collect();
            roles.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
            Ok(Planned::read(roles))
        })
    }
}

/// Takes role assignments out of the world.
pub(crate) fn remove_roles(roles: &mut BTreeMap<String, Vec<Arc<RoleAssignment>>>, ids: &[String]) {
    for held in roles.values_mut() {
        held.retain(|role| !ids.contains(&role.id));
    }
    roles.retain(|_, held| !held.is_empty());
}

/// A record of plain data.
pub(crate) fn put(kind: &str, name: &str, domain: &Domain, value: &impl Serialize) -> Draft {
    let plain = serde_json::to_vec(value).expect("because it is plain data");
    Draft::put(Address::new(kind, name, ""), domain, Secret::new(plain))
}

fn vault<'w>(world: &'w World, name: &str) -> Result<&'w VaultState, Error> {
    world
        .vaults
        .get(name)
        .ok_or_else(|| Error::NotFound(format!("there is no key vault \"{name}\"")))
}

/// Azure's rule; `system` is a name of ours inside the store.
fn check_vault_name(name: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let ok = (3..=24).contains(&name.len())
        && name.bytes().all(plain)
        && name.as_bytes()[0].is_ascii_lowercase()
        && !name.ends_with('-')
        && !name.contains("--")
        && name != crate::world::SYSTEM
        && name != crate::sealing::SERVICE_RESOURCE;
    if ok {
        return Ok(());
    }
    let shown: String = name.chars().take(40).collect();
    Err(Error::BadRequest(format!(
        "\"{shown}\" is not a name for a key vault: use 3 to 24 letters, digits and single \
         hyphens, beginning with a letter, not ending with a hyphen"
    )))
}
