//! Reading: one key, and listings page by page.
//!
//! A skip token is the name or ordinal after which the next page begins, with a tag that only this
//! installation can make and that fits this listing alone. Pages stay right while keys come and
//! go: nothing that is there all the time is left out or shown twice.

use std::ops::Bound;

use crypto::constant_time_eq;

use super::call::Request;
use super::change::{deleted, latest, living, vault_of};
use super::model::{Page, PageRequest, Refusal, Reply};
use super::state::Shown;
use super::{KeyVaults, base64url, refusals};
use crate::ring::Domain;

const PAGE_MAX: u32 = 25;
const TOKEN_MAX_BYTES: usize = 512;
const TAG_BYTES: usize = 16;

/// A listing and where its page begins.
struct Cursor {
    /// What the token is bound to.
    listing: String,
    after: Option<String>,
    n: usize,
}

impl Cursor {
    fn read(system: &Domain, listing: String, page: &PageRequest) -> Result<Self, Refusal> {
        let n = page.max_results.unwrap_or(PAGE_MAX);
        if !(1..=PAGE_MAX).contains(&n) {
            return Err(refusals::bad(format!(
                "Property maxresults has invalid value: it must be between 1 and {PAGE_MAX}."
            )));
        }
        let invalid = || refusals::bad("The skip token is not one of this listing.");
        let after = match &page.after {
            None => None,
            Some(token) if token.len() > TOKEN_MAX_BYTES => return Err(invalid()),
            Some(token) => {
                let bytes = base64url::decode(token).ok_or_else(invalid)?;
                let (tag, after) = bytes.split_at_checked(TAG_BYTES).ok_or_else(invalid)?;
                if !constant_time_eq(tag, &tag_of(system, &listing, after)) {
                    return Err(invalid());
                }
                Some(String::from_utf8(after.to_vec()).map_err(|_| invalid())?)
            }
        };
        Ok(Self { listing, after, n: n as usize })
    }

    /// Cuts what was read, one more than fits, to a page.
    fn page<T>(&self, system: &Domain, mut found: Vec<(String, T)>) -> Page<T> {
        let more = found.len() > self.n;
        found.truncate(self.n);
        let next = found.last().filter(|_| more).map(|(last, _)| {
            let tag = tag_of(system, &self.listing, last.as_bytes());
            base64url::encode(&[&tag, last.as_bytes()].concat())
        });
        Page { items: found.into_iter().map(|(_, item)| item).collect(), next }
    }

    fn bounds(&self) -> (Bound<&str>, Bound<&str>) {
        (self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
    }
}

fn tag_of(system: &Domain, listing: &str, after: &[u8]) -> [u8; TAG_BYTES] {
    let data = [listing.as_bytes(), &[0], after].concat();
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&system.derive("pgkeep/vault/page/v1", &data)[..TAG_BYTES]);
    tag
}

impl KeyVaults {
    pub(super) fn key(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = living(vault, name)?;
        let version = key.version(version).ok_or_else(|| {
            refusals::key_not_found(&format!("{name}/{}", version.unwrap_or_default()))
        })?;
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &key.record };
        Ok(Reply::Key(Box::new(shown.bundle(&version.record))))
    }

    pub(super) fn deleted_key(&self, request: &Request<'_>, name: &str) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let (key, when) = deleted(vault, name)?;
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &key.record };
        Ok(Reply::Deleted(Box::new(shown.deleted(latest(key)?, when))))
    }

    pub(super) fn list(&self, request: &Request<'_>, page: &PageRequest) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let cursor = Cursor::read(&world.system, format!("keys/{}", request.vault), page)?;
        let uri = self.uri_of(request.vault);
        let mut found = Vec::new();
        for (name, key) in vault.keys.range::<str, _>(cursor.bounds()) {
            if key.record.deleted.is_some() {
                continue;
            }
            let shown = Shown { uri: uri.clone(), vault: &vault.info, key: &key.record };
            found.push((name.clone(), shown.item(latest(key)?)));
            if found.len() > cursor.n {
                break;
            }
        }
        Ok(Reply::Keys(cursor.page(&world.system, found)))
    }

    pub(super) fn list_deleted(
        &self,
        request: &Request<'_>,
        page: &PageRequest,
    ) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let cursor = Cursor::read(&world.system, format!("deleted/{}", request.vault), page)?;
        let uri = self.uri_of(request.vault);
        let mut found = Vec::new();
        for (name, key) in vault.keys.range::<str, _>(cursor.bounds()) {
            let Some(when) = key.record.deleted else { continue };
            let shown = Shown { uri: uri.clone(), vault: &vault.info, key: &key.record };
            found.push((name.clone(), shown.deleted_item(latest(key)?, when)));
            if found.len() > cursor.n {
                break;
            }
        }
        Ok(Reply::DeletedKeys(cursor.page(&world.system, found)))
    }

    pub(super) fn list_versions(
        &self,
        request: &Request<'_>,
        name: &str,
        page: &PageRequest,
    ) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let lower = name.to_ascii_lowercase();
        let listing = format!("versions/{}/{lower}", request.vault);
        let cursor = Cursor::read(&world.system, listing, page)?;
        // As Azure has it, a key that is not there has no versions: an empty page, not 404.
        let Ok(key) = living(vault, name) else {
            return Ok(Reply::Keys(Page { items: Vec::new(), next: None }));
        };
        let after = cursor.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(0);
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &key.record };
        let found = key
            .versions
            .iter()
            .filter(|version| version.record.ordinal > after)
            .take(cursor.n + 1)
            .map(|version| {
                (version.record.ordinal.to_string(), shown.version_item(&version.record))
            })
            .collect();
        Ok(Reply::Keys(cursor.page(&world.system, found)))
    }
}
