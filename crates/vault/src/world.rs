//! Everything that an unsealed vault knows, read from the store as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Secret;
use crypto::RsaKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::authority::{Authority, AuthorityRecord};
use crate::identities::{StoredIdentity, TokenKey};
use crate::identity::Identity;
use crate::keyvault::roles::RoleAssignment;
use crate::keyvault::state::{KeyState, VaultState, Version};
use crate::ring::{self, Domain};
use crate::seal::Kind;
use crate::store::{Address, Record};
use crate::{Error, SealKey};

/// Number of the layout that this release writes.
pub(crate) const FORMAT: i32 = 2;

/// Kinds of records. The words are in stores: never reuse one for something else.
pub(crate) mod kind {
    pub(crate) const ROOT: &str = "root";
    pub(crate) const DOMAIN: &str = "domain";
    pub(crate) const BOOK: &str = "book";
    pub(crate) const OUTBOX: &str = "outbox";
    /// Its presence counts, also while no key is in memory.
    pub(crate) const MARK: &str = "mark";
    pub(crate) const SERVICE: &str = "service";
    pub(crate) const SERVER: &str = "server";
    pub(crate) const VAULT: &str = "vault";
    pub(crate) const KEY: &str = "key";
    pub(crate) const VERSION: &str = "version";
    pub(crate) const ROLE: &str = "role";
    pub(crate) const IDENTITY: &str = "identity";
    pub(crate) const TOKEN_KEY: &str = "token-key";
}

/// Name of the domain of everything that belongs to no key vault.
pub(crate) const SYSTEM: &str = "system";
/// Names of the service's records.
pub(crate) const RSA_KEY: &str = "rsa-key";
pub(crate) const CA_KEY: &str = "ca-key";
pub(crate) const CA_CERTIFICATE: &str = "ca-certificate";

/// The readable part of the root record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: i32,
    /// A UUID.
    pub(crate) installation: String,
    pub(crate) seal: Kind,
}

/// The address of the root record.
pub(crate) fn root_address() -> Address {
    Address::new(kind::ROOT, kind::ROOT, "")
}

/// Finds the root record and reads its header.
pub(crate) fn header(records: &[Record]) -> Result<Option<(Header, &Record)>, Error> {
    let Some(record) = records.iter().find(|r| r.address.kind == kind::ROOT) else {
        return Ok(None);
    };
    let header: Header = serde_json::from_slice(ring::clear(record)?)
        .map_err(|_| Error::Tampered(record.address.to_string()))?;
    if header.format != FORMAT {
        return Err(Error::Format { found: header.format, expected: FORMAT });
    }
    Ok(Some((header, record)))
}

/// Keys that seal records, by the name of what they are for.
pub(crate) type Domains = BTreeMap<String, Arc<Domain>>;

/// See the module.
pub(crate) struct World {
    pub(crate) header: Header,
    pub(crate) root: Arc<Domain>,
    pub(crate) system: Arc<Domain>,
    pub(crate) service: Arc<Service>,
    /// Identities of servers, by the server's name.
    pub(crate) servers: BTreeMap<String, Identity>,
    pub(crate) vaults: BTreeMap<String, VaultState>,
    /// By object id of the assignee.
    pub(crate) roles: BTreeMap<String, Vec<Arc<RoleAssignment>>>,
    /// By object id.
    pub(crate) identities: BTreeMap<String, Arc<StoredIdentity>>,
    /// By kid.
    pub(crate) token_keys: BTreeMap<String, Arc<TokenKey>>,
}

/// The service-managed key and the internal authority.
pub(crate) struct Service {
    pub(crate) rsa: RsaKey,
    pub(crate) version: u32,
    pub(crate) authority: Authority,
}

impl World {
    /// Opens the domain keys. Fails with `Sealed` when `seal` is not the key.
    pub(crate) fn domains(
        records: &[Record],
        seal: &SealKey,
    ) -> Result<(Header, Arc<Domain>, Domains), Error> {
        let missing = || Error::Tampered(kind::ROOT.to_owned());
        let (header, record) = header(records)?.ok_or_else(missing)?;
        let wrong = |_| {
            let what = "the seal key does not open this vault, or vault.db is damaged";
            Error::Sealed(what.to_owned())
        };
        let plain = ring::open(&Domain::of_seal(seal), record).map_err(wrong)?;
        let root = Domain::read(&plain, &record.address)?;
        let mut domains = BTreeMap::new();
        for record in records.iter().filter(|r| r.address.kind == kind::DOMAIN) {
            let plain = ring::open(root.aead(), record)?;
            let domain = Domain::read(&plain, &record.address)?;
            domains.insert(record.address.name.clone(), Arc::new(domain));
        }
        Ok((header, Arc::new(root), domains))
    }

    /// Opens every record.
    pub(crate) fn load(
        records: &[Record],
        header: Header,
        root: Arc<Domain>,
        domains: &Domains,
    ) -> Result<Self, Error> {
        let system = domains.get(SYSTEM).ok_or_else(|| Error::Tampered(SYSTEM.to_owned()))?;
        let mut world = Self {
            header,
            root,
            system: Arc::clone(system),
            service: Arc::new(service(records, system)?),
            servers: BTreeMap::new(),
            vaults: BTreeMap::new(),
            roles: BTreeMap::new(),
            identities: BTreeMap::new(),
            token_keys: BTreeMap::new(),
        };
        for record in records.iter().filter(|r| r.address.kind == kind::VAULT) {
            let name = &record.address.name;
            let domain = domains.get(name).ok_or_else(|| damaged(record))?;
            let state = VaultState::new(json(domain, record)?, Arc::clone(domain));
            world.vaults.insert(name.clone(), state);
        }
        for record in records {
            world.take(record)?;
        }
        for vault in world.vaults.values_mut() {
            for key in vault.keys.values_mut() {
                key.versions.sort_by_key(|version| version.record.ordinal);
            }
        }
        Ok(world)
    }

    fn take(&mut self, record: &Record) -> Result<(), Error> {
        let name = record.address.name.clone();
        match record.address.kind.as_str() {
            kind::SERVER => {
                self.servers.insert(name, json(&self.system, record)?);
            }
            kind::ROLE => {
                let role: RoleAssignment = json(&self.system, record)?;
                self.add_role(role);
            }
            kind::IDENTITY => {
                let identity: StoredIdentity = json(&self.system, record)?;
                self.identities.insert(name, Arc::new(identity));
            }
            kind::TOKEN_KEY => {
                let plain = ring::open(self.system.aead(), record)?;
                let key = TokenKey::read(&name, &plain).ok_or_else(|| damaged(record))?;
                self.token_keys.insert(name, Arc::new(key));
            }
            kind::KEY => {
                let (vault, key) = name.split_once('/').ok_or_else(|| damaged(record))?;
                let vault = self.vaults.get_mut(vault).ok_or_else(|| damaged(record))?;
                let state = json(&vault.domain, record)?;
                vault.keys.entry(key.to_owned()).or_default().record = state;
            }
            kind::VERSION => {
                let (vault, key) = name.split_once('/').ok_or_else(|| damaged(record))?;
                let vault = self.vaults.get_mut(vault).ok_or_else(|| damaged(record))?;
                let plain = ring::open(vault.domain.aead(), record)?;
                let version = Version::read(&plain).ok_or_else(|| damaged(record))?;
                let key = vault.keys.entry(key.to_owned()).or_insert_with(KeyState::default);
                key.versions.push(Arc::new(version));
            }
            kind::ROOT | kind::DOMAIN | kind::BOOK | kind::OUTBOX | kind::MARK => {}
            kind::SERVICE | kind::VAULT => {}
            _ => return Err(damaged(record)),
        }
        Ok(())
    }

    /// Adds a role assignment.
    pub(crate) fn add_role(&mut self, role: RoleAssignment) {
        self.roles.entry(role.object_id.clone()).or_default().push(Arc::new(role));
    }
}

fn service(records: &[Record], system: &Domain) -> Result<Service, Error> {
    let read = |name: &str| -> Result<(u32, Secret<Vec<u8>>), Error> {
        let missing = || Error::Tampered(format!("{}/{name}", kind::SERVICE));
        let record = records
            .iter()
            .find(|r| r.address.kind == kind::SERVICE && r.address.name == name)
            .ok_or_else(missing)?;
        let version = record.address.version.parse().map_err(|_| missing())?;
        Ok((version, ring::open(system.aead(), record)?))
    };
    let (version, rsa) = read(RSA_KEY)?;
    let rsa = RsaKey::from_pkcs8(rsa.expose())
        .map_err(|source| Error::Crypto { doing: "read the service-managed key", source })?;
    let (_, key) = read(CA_KEY)?;
    let (_, certificate) = read(CA_CERTIFICATE)?;
    let certificate = certificate.expose().clone();
    let authority = Authority::load(&AuthorityRecord { key, certificate })?;
    Ok(Service { rsa, version, authority })
}

fn json<T: DeserializeOwned>(domain: &Domain, record: &Record) -> Result<T, Error> {
    let plain = ring::open(domain.aead(), record)?;
    serde_json::from_slice(plain.expose()).map_err(|_| damaged(record))
}

fn damaged(record: &Record) -> Error {
    Error::Tampered(record.address.to_string())
}
