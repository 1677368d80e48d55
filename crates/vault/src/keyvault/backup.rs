//! Backup and restore of a whole key.
//!
//! Blob: `pgkeep-key-backup.1.` and an AES-256-GCM record under a key that only this installation
//! can derive. Inside: the key's record, then each version, every part after its length.

use base::Secret;
use crypto::Aead;

use super::call::{Request, check_name};
use super::change::{living, vault_of};
use super::model::{Refusal, Reply};
use super::state::{KeyRecord, KeyState, Shown, Version};
use super::{KeyVaults, refusals};
use crate::core::Planned;
use crate::world::World;

const PREFIX: &[u8] = b"pgkeep-key-backup.1.";
/// No blob is longer: as base64 in JSON it fits the largest request that restores it, 1 MiB.
/// That is some 300 versions of RSA-4096 and 600 of RSA-2048; Azure stops at 500.
const BLOB_MAX_BYTES: usize = (768 - 4) << 10;

/// A key that came back from a blob.
pub(super) struct Restored {
    /// As it was written by whoever made it.
    pub(super) name: String,
    state: KeyState,
}

impl KeyVaults {
    pub(super) fn backup(&self, request: &Request<'_>, name: &str) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = living(vault, name)?;
        let record = serde_json::to_vec(&key.record).expect("because a key's record is plain data");
        let mut plain = Secret::new(Vec::new());
        push(plain.expose_mut(), &record);
        for version in &key.versions {
            push(plain.expose_mut(), version.to_plain().expose());
        }
        let sealed = aead(&world)
            .seal(PREFIX, plain.expose())
            .map_err(|_| refusals::internal("The backup could not be sealed."))?;
        if PREFIX.len() + sealed.len() > BLOB_MAX_BYTES {
            return Err(refusals::bad("The key has too many versions to be backed up."));
        }
        Ok(Reply::Backup([PREFIX, &sealed].concat()))
    }

    /// Reads a blob, before any lock is taken.
    pub(super) fn open_backup(&self, blob: &[u8]) -> Result<Restored, Refusal> {
        let invalid =
            || refusals::bad("Backup blob is malformed or was not made by this installation.");
        if blob.len() > BLOB_MAX_BYTES {
            return Err(invalid());
        }
        let sealed = blob.strip_prefix(PREFIX).ok_or_else(invalid)?;
        let plain = aead(&*self.core.world()?).open(PREFIX, sealed).map_err(|_| invalid())?;
        let mut rest = plain.expose().as_slice();
        let record = take(&mut rest).ok_or_else(invalid)?;
        let record: KeyRecord = serde_json::from_slice(record).map_err(|_| invalid())?;
        check_name(&record.name)?;
        let name = record.name.clone();
        let mut state = KeyState { record, versions: Vec::new() };
        while !rest.is_empty() {
            let version = Secret::new(take(&mut rest).ok_or_else(invalid)?.to_vec());
            state.put(Version::read(&version).ok_or_else(invalid)?);
        }
        if state.versions.is_empty() {
            return Err(invalid());
        }
        Ok(Restored { name, state })
    }

    pub(super) fn restore(
        &self,
        request: &Request<'_>,
        restored: Restored,
    ) -> Result<Planned<Reply>, Refusal> {
        let Restored { name, state } = restored;
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let lower = name.to_ascii_lowercase();
        match vault.keys.get(&lower) {
            Some(key) if key.record.deleted.is_some() => {
                return Err(refusals::deleted_but_recoverable(&name));
            }
            Some(_) => return Err(refusals::name_taken(&name)),
            None => {}
        }
        let latest = state.latest().ok_or_else(|| refusals::internal("The key has no version."))?;
        let shown =
            Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &state.record };
        let reply = Reply::Key(Box::new(shown.bundle(&latest.record)));
        let mut drafts = vec![state.record.draft(&vault.domain, request.vault, &lower)];
        drafts.extend(
            state
                .versions
                .iter()
                .map(|version| version.draft(&vault.domain, request.vault, &lower)),
        );
        let vault = request.vault.to_owned();
        Ok(Planned::change(reply, drafts, move |world| {
            if let Some(vault) = world.vaults.get_mut(&vault) {
                vault.keys.insert(lower, state);
            }
        }))
    }
}

fn aead(world: &World) -> Aead {
    Aead::new(&world.system.derive("pgkeep/vault/backup/v1", &[]))
}

fn push(out: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("because a version is small");
    // Grows by copying into new memory: the old is wiped by nobody, so it grows to size at once.
    out.reserve_exact(4 + part.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(part);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let (part, tail) = tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = tail;
    Some(part)
}
