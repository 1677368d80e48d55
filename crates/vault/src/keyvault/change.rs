//! Update, delete, recover, purge.

use super::call::Request;
use super::create::{check_attributes, check_key_ops, check_tags};
use super::model::{Attributes, Refusal, Reply, UpdateParameters};
use super::state::{
    Deletion, KeyRecord, KeyState, Shown, VaultState, VersionRecord, key_address, version_address,
};
use super::{KeyVaults, refusals};
use crate::core::Planned;
use crate::ledger::Draft;
use crate::world::World;

const DAY_SECONDS: i64 = 24 * 3600;

/// The vault of a request; it was there when the request was authorised.
pub(super) fn vault_of<'w>(
    world: &'w World,
    request: &Request<'_>,
) -> Result<&'w VaultState, Refusal> {
    world.vaults.get(request.vault).ok_or_else(|| refusals::vault_not_found(request.vault))
}

/// A key that is not deleted.
pub(super) fn living<'w>(vault: &'w VaultState, name: &str) -> Result<&'w KeyState, Refusal> {
    match vault.keys.get(&name.to_ascii_lowercase()) {
        Some(key) if key.record.deleted.is_none() => Ok(key),
        _ => Err(refusals::key_not_found(name)),
    }
}

/// A key that is deleted, and when that was.
pub(super) fn deleted<'w>(
    vault: &'w VaultState,
    name: &str,
) -> Result<(&'w KeyState, Deletion), Refusal> {
    vault
        .keys
        .get(&name.to_ascii_lowercase())
        .and_then(|key| Some((key, key.record.deleted?)))
        .ok_or_else(|| refusals::deleted_not_found(name))
}

/// The newest version, which every key has.
pub(super) fn latest(key: &KeyState) -> Result<&VersionRecord, Refusal> {
    key.latest()
        .map(|version| &version.record)
        .ok_or_else(|| refusals::internal("The key has no version."))
}

impl KeyVaults {
    pub(super) fn update(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        parameters: UpdateParameters,
    ) -> Result<Planned<Reply>, Refusal> {
        if parameters.release_policy.is_some() {
            return Err(refusals::bad("A release policy is not supported."));
        }
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = living(vault, name)?;
        let old = key.version(version).ok_or_else(|| {
            refusals::key_not_found(&format!("{name}/{}", version.unwrap_or_default()))
        })?;
        let mut record = old.record.clone();
        let attributes = parameters.attributes.unwrap_or_default();
        record.enabled = attributes.enabled.unwrap_or(record.enabled);
        record.nbf = attributes.nbf.or(record.nbf);
        record.exp = attributes.exp.or(record.exp);
        let merged = Attributes { nbf: record.nbf, exp: record.exp, ..attributes };
        check_attributes(Some(&merged))?;
        if let Some(ops) = parameters.key_ops {
            check_key_ops(&ops)?;
            record.key_ops = ops;
        }
        if let Some(tags) = parameters.tags {
            check_tags(Some(&tags))?;
            record.tags = Some(tags);
        }
        record.updated = request.now;
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &key.record };
        let reply = Reply::Key(Box::new(shown.bundle(&record)));
        let version = old.with(record);
        let lower = name.to_ascii_lowercase();
        let drafts = vec![version.draft(&vault.domain, request.vault, &lower)];
        let vault = request.vault.to_owned();
        Ok(Planned::change(reply, drafts, move |world| {
            with_key(world, &vault, &lower, |key| key.put(version));
        }))
    }

    pub(super) fn delete(
        &self,
        request: &Request<'_>,
        name: &str,
    ) -> Result<Planned<Reply>, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = living(vault, name)?;
        let retention = i64::from(vault.info.retention_days) * DAY_SECONDS;
        let when = Deletion { at: request.now, purge_at: request.now + retention };
        self.mark_deleted(request, vault, (name, key), Some(when))
    }

    pub(super) fn recover(
        &self,
        request: &Request<'_>,
        name: &str,
    ) -> Result<Planned<Reply>, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let (key, _) = deleted(vault, name)?;
        self.mark_deleted(request, vault, (name, key), None)
    }

    /// Deletes a key softly, or takes that back.
    fn mark_deleted(
        &self,
        request: &Request<'_>,
        vault: &VaultState,
        (name, key): (&str, &KeyState),
        deleted: Option<Deletion>,
    ) -> Result<Planned<Reply>, Refusal> {
        let record = KeyRecord { deleted, ..key.record.clone() };
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &record };
        let latest = latest(key)?;
        let reply = match deleted {
            Some(when) => Reply::Deleted(Box::new(shown.deleted(latest, when))),
            None => Reply::Key(Box::new(shown.bundle(latest))),
        };
        Ok(self.new_record(request, vault, name, record, reply))
    }

    pub(super) fn purge(
        &self,
        request: &Request<'_>,
        name: &str,
    ) -> Result<Planned<Reply>, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let (key, when) = deleted(vault, name)?;
        if vault.info.purge_protection && request.now < when.purge_at {
            return Err(refusals::purge_protected());
        }
        let lower = name.to_ascii_lowercase();
        let mut drafts = vec![Draft::Remove(key_address(request.vault, &lower))];
        drafts.extend(key.versions.iter().map(|version| {
            Draft::Remove(version_address(request.vault, &lower, &version.record.id))
        }));
        let vault = request.vault.to_owned();
        Ok(Planned::change(Reply::Nothing, drafts, move |world| {
            if let Some(vault) = world.vaults.get_mut(&vault) {
                vault.keys.remove(&lower);
            }
        }))
    }

    /// Replaces what is kept of a key besides its versions.
    pub(super) fn new_record(
        &self,
        request: &Request<'_>,
        vault: &VaultState,
        name: &str,
        record: KeyRecord,
        reply: Reply,
    ) -> Planned<Reply> {
        let lower = name.to_ascii_lowercase();
        let drafts = vec![record.draft(&vault.domain, request.vault, &lower)];
        let vault = request.vault.to_owned();
        Planned::change(reply, drafts, move |world| {
            with_key(world, &vault, &lower, |key| key.record = record);
        })
    }
}

pub(super) fn with_key(
    world: &mut World,
    vault: &str,
    key: &str,
    change: impl FnOnce(&mut KeyState),
) {
    if let Some(key) = world.vaults.get_mut(vault).and_then(|vault| vault.keys.get_mut(key)) {
        change(key);
    }
}
