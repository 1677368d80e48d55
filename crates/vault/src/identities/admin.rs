//! Making, showing and removing identities: for operators on the vault's own socket.

use std::sync::Arc;

use base::{Changed, Secret};
use zeroize::Zeroizing;

use super::{Attestation, ManagedIdentity, StoredIdentity, find};
use crate::core::Planned;
use crate::keyvault::{KeyVaults, admin_lock, put, remove_roles};
use crate::ledger::Draft;
use crate::sealing::SERVICE_RESOURCE;
use crate::store::Address;
use crate::world::{World, kind};
use crate::{Caller, Error};

const IDENTITIES_MAX: usize = 10_000;
const RULES_MAX: usize = 32;
const UNIT_MAX_BYTES: usize = 255;

impl KeyVaults {
    /// Makes an identity. `Unchanged` when it is there with the same rules.
    pub fn identity_create(
        &self,
        caller: Caller<'_>,
        name: &str,
        attestation: &Attestation,
    ) -> Result<(ManagedIdentity, Changed), Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(admin_lock());
        let name = name.to_ascii_lowercase();
        core.local(caller, "IdentityPut", SERVICE_RESOURCE, &name.clone(), || {
            core.policy.as_administrator(caller)?;
            check_name(&name)?;
            check_rules(attestation)?;
            let world = core.world()?;
            let mut known = world.identities.values().map(|stored| &stored.identity);
            if let Some(known) = known.find(|identity| identity.name == name) {
                return if known.attestation == *attestation {
                    Ok(Planned::read((known.clone(), Changed::Unchanged)))
                } else {
                    let message = format!("the identity \"{name}\" is there with other rules");
                    Err(Error::Conflict(message))
                };
            }
            if world.identities.len() >= IDENTITIES_MAX {
                let message = format!("there are {IDENTITIES_MAX} identities already");
                return Err(Error::Conflict(message));
            }
            let identity = ManagedIdentity {
                name,
                client_id: core.random_uuid(),
                object_id: core.random_uuid(),
                tenant_id: core.installation().to_owned(),
                enabled: true,
                created: core.now(),
                attestation: attestation.clone(),
            };
            let header = Zeroizing::new(core.random_hex::<32>());
            Ok(store(&world, identity, header).map(|identity| (identity, Changed::Changed)))
        })
    }

    /// One identity, by name, client id or object id.
    pub fn identity_show(&self, caller: Caller<'_>, name: &str) -> Result<ManagedIdentity, Error> {
        let core = &self.core;
        core.local(caller, "IdentityGet", SERVICE_RESOURCE, name, || {
            core.policy.as_administrator(caller)?;
            Ok(Planned::read(find(&*core.world()?, name)?.clone()))
        })
    }

    /// Every identity, by name.
    pub fn identity_list(&self, caller: Caller<'_>) -> Result<Vec<ManagedIdentity>, Error> {
        let core = &self.core;
        core.local(caller, "IdentityList", SERVICE_RESOURCE, "", || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let mut all: Vec<ManagedIdentity> =
                world.identities.values().map(|stored| stored.identity.clone()).collect();
            all.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(Planned::read(all))
        })
    }

    /// The secret that a client without a unix socket sends as `X-IDENTITY-HEADER`.
    pub fn identity_env(
        &self,
        caller: Caller<'_>,
        name: &str,
    ) -> Result<(ManagedIdentity, Secret<String>), Error> {
        let core = &self.core;
        core.local(caller, "IdentityEnvironmentGet", SERVICE_RESOURCE, name, || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let identity = find(&world, name)?;
            let stored = world
                .identities
                .get(&identity.object_id)
                .ok_or_else(|| Error::NotFound(format!("there is no identity \"{name}\"")))?;
            Ok(Planned::read((identity.clone(), Secret::new(stored.header.to_string()))))
        })
    }

    /// Makes a new header secret; the one before is refused from now on.
    pub fn identity_header_rotate(&self, caller: Caller<'_>, name: &str) -> Result<Changed, Error> {
        let header = Zeroizing::new(self.core.random_hex::<32>());
        self.identity_update(caller, name, "IdentityHeaderRotate", move |_, kept| *kept = header)
    }

    /// Lets an identity in, or keeps it out from the next request on.
    pub fn identity_enable(
        &self,
        caller: Caller<'_>,
        name: &str,
        enabled: bool,
    ) -> Result<Changed, Error> {
        self.identity_update(caller, name, "IdentityPatch", move |identity, _| {
            identity.enabled = enabled;
        })
    }

    /// Says anew which processes are the identity.
    pub fn identity_attest(
        &self,
        caller: Caller<'_>,
        name: &str,
        attestation: &Attestation,
    ) -> Result<Changed, Error> {
        check_rules(attestation)?;
        self.identity_update(caller, name, "IdentityPatch", |identity, _| {
            identity.attestation = attestation.clone();
        })
    }

    fn identity_update(
        &self,
        caller: Caller<'_>,
        name: &str,
        operation: &'static str,
        change: impl FnOnce(&mut ManagedIdentity, &mut Zeroizing<String>),
    ) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(admin_lock());
        core.local(caller, operation, SERVICE_RESOURCE, name, || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let object_id = find(&world, name)?.object_id.clone();
            let stored = world
                .identities
                .get(&object_id)
                .ok_or_else(|| Error::NotFound(format!("there is no identity \"{name}\"")))?;
            let (mut identity, mut header) = (stored.identity.clone(), stored.header.clone());
            change(&mut identity, &mut header);
            if identity == stored.identity && header == stored.header {
                return Ok(Planned::read(Changed::Unchanged));
            }
            Ok(store(&world, identity, header).map(|_| Changed::Changed))
        })
    }

    /// Removes an identity and every role it holds. Another one of the same name is another.
    pub fn identity_delete(&self, caller: Caller<'_>, name: &str) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(admin_lock());
        core.local(caller, "IdentityDelete", SERVICE_RESOURCE, name, || {
            core.policy.as_administrator(caller)?;
            let world = core.world()?;
            let object_id = match find(&world, name) {
                Ok(identity) => identity.object_id.clone(),
                Err(Error::NotFound(_)) => return Ok(Planned::read(Changed::Unchanged)),
                Err(e) => return Err(e),
            };
            let roles: Vec<String> =
                world.roles.get(&object_id).into_iter().flatten().map(|r| r.id.clone()).collect();
            let mut drafts = vec![Draft::Remove(Address::new(kind::IDENTITY, &object_id, ""))];
            drafts.extend(roles.iter().map(|id| Draft::Remove(Address::new(kind::ROLE, id, ""))));
            Ok(Planned::change(Changed::Changed, drafts, move |world| {
                world.identities.remove(&object_id);
                remove_roles(&mut world.roles, &roles);
            }))
        })
    }
}

fn store(
    world: &World,
    identity: ManagedIdentity,
    header: Zeroizing<String>,
) -> Planned<ManagedIdentity> {
    let stored = StoredIdentity { identity: identity.clone(), header };
    let drafts = vec![put(kind::IDENTITY, &identity.object_id, &world.system, &stored)];
    let id = identity.object_id.clone();
    Planned::change(identity, drafts, move |world| {
        world.identities.insert(id, Arc::new(stored));
    })
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    let ok = (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && name.as_bytes()[0].is_ascii_alphanumeric();
    if ok {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(Error::BadRequest(format!(
        "\"{shown}\" is not a name for an identity: use 1 to 64 letters, digits, - and _, \
         beginning with a letter or digit"
    )))
}

fn check_rules(attestation: &Attestation) -> Result<(), Error> {
    let unit = |unit: &String| {
        (1..=UNIT_MAX_BYTES).contains(&unit.len())
            && unit.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
    };
    if attestation.uids.len() > RULES_MAX || attestation.units.len() > RULES_MAX {
        let message = format!("an identity has at most {RULES_MAX} rules of a kind");
        return Err(Error::BadRequest(message));
    }
    match attestation.units.iter().find(|text| !unit(text)) {
        None => Ok(()),
        Some(bad) => Err(Error::BadRequest(format!("\"{bad}\" is no name of a systemd unit"))),
    }
}
