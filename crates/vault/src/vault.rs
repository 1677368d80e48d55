//! The vault itself: state, operations, and the audit of each.

use base::{Changed, Clock, Random, Secret, ServerName};
use crypto::{RsaKey, constant_time_eq, sha256};

use crate::authority::{Authority, AuthorityRecord};
use crate::identity::Policy;
use crate::record::{ROOT, RootKey};
use crate::{
    Audit, AuditEntry, Caller, Error, Identity, Record, SealSource, SignedCertificate, State,
    Store, Subject,
};

const KEY: &str = "key";
const SERVICE_KEY: &str = "service-managed";
const IDENTITY: &str = "identity";
const CA_KEY: (&str, &str) = ("ca", "key");
const CA_CERTIFICATE: (&str, &str) = ("ca", "certificate");
/// Kept in clear: it must be readable while sealed. Its presence is what counts.
const SEALED_MARK: (&str, &str) = ("mark", "sealed");
/// Length of a data key in bytes.
const DATA_KEY_BYTES: usize = 32;

/// What a vault needs from outside.
pub struct Doors {
    /// Keeps the records.
    pub store: Box<dyn Store>,
    /// Keeps the seal key.
    pub seal: Box<dyn SealSource>,
    /// Takes the audit entries.
    pub audit: Box<dyn Audit>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// Time.
    pub clock: Box<dyn Clock>,
    /// OS users that may seal and unseal.
    pub operators: Vec<u32>,
    /// OS user of the plane.
    pub plane: u32,
    /// Names that this machine has, the main one first.
    pub hostnames: Vec<String>,
}

/// The service-managed key, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name.
    pub name: &'static str,
    /// Counts from 1.
    pub version: u32,
    /// Kind and size, for a person.
    pub kty: &'static str,
}

/// A wrapped data key and what wrapped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The wrapped bytes.
    pub bytes: Vec<u8>,
    /// The wrapping key.
    pub key: KeyInfo,
}

/// A key vault; see the crate's documentation.
pub struct Vault {
    doors: Doors,
    policy: Policy,
    keys: Result<Keys, Locked>,
}

/// Why there are no keys in memory.
#[derive(Clone, Debug)]
enum Locked {
    Uninitialized,
    Sealed(String),
}

struct Keys {
    root: RootKey,
    rsa: RsaKey,
    version: u32,
    authority: Authority,
}

impl Vault {
    /// Opens the vault, and unseals it unless it was sealed on purpose.
    ///
    /// A vault that cannot be unsealed is opened nevertheless and says why in its status.
    ///
    /// # Errors
    /// `Store` or `File` when the state cannot even be read.
    pub fn open(doors: Doors) -> Result<Self, Error> {
        let policy = Policy { operators: doors.operators.clone(), plane: doors.plane };
        let mut vault = Self { doors, policy, keys: Err(Locked::Uninitialized) };
        if vault.doors.store.newest(SEALED_MARK.0, SEALED_MARK.1)?.is_some() {
            vault.keys = Err(Locked::Sealed("sealed by an operator".to_owned()));
        } else {
            vault.load()?;
        }
        Ok(vault)
    }

    /// Makes the first key, root key, wrapping key and authority of an empty vault. `caller` is
    /// whoever runs the vault; the audit names it.
    ///
    /// # Errors
    /// `Conflict` when there is something in it already; nothing is ever made over old data.
    pub fn initialize(&mut self, caller: Caller) -> Result<Changed, Error> {
        match &self.keys {
            Ok(_) => return Ok(Changed::Unchanged),
            Err(Locked::Sealed(reason)) => return Err(Error::Sealed(reason.clone())),
            Err(Locked::Uninitialized) => {}
        }
        let random = &*self.doors.random;
        let mut seal = Secret::new([0; 32]);
        random.fill(seal.expose_mut());
        let (root, root_record) = RootKey::generate(random, &seal)?;
        let rsa = RsaKey::generate_3072()
            .and_then(|key| key.to_pkcs8())
            .map_err(|source| Error::Crypto { doing: "make the service-managed key", source })?;
        let hostname = self.doors.hostnames.first().map(String::as_str);
        let ca = Authority::generate(random, self.doors.clock.now(), hostname)?;
        let records = [
            root_record,
            root.seal(KEY, SERVICE_KEY, 1, rsa.expose())?,
            root.seal(CA_KEY.0, CA_KEY.1, 1, ca.key.expose())?,
            root.seal(CA_CERTIFICATE.0, CA_CERTIFICATE.1, 1, &ca.certificate)?,
        ];
        self.doors.seal.write_pending(&seal)?;
        self.doors.store.put(&records)?;
        self.doors.seal.commit()?;
        self.load()?;
        self.note(caller, "initialize", "vault", Ok(Changed::Changed))
    }

    /// Whether it can work, and why not.
    pub fn status(&self) -> (State, String) {
        match &self.keys {
            Ok(_) => (State::Unsealed, String::new()),
            Err(Locked::Sealed(reason)) => (State::Sealed, reason.clone()),
            Err(Locked::Uninitialized) => (State::Uninitialized, String::new()),
        }
    }

    /// The service-managed key.
    pub fn key_info(&self) -> Result<KeyInfo, Error> {
        Ok(info(self.keys()?))
    }

    /// The certificate of the internal authority, PEM: public.
    pub fn ca_pem(&self) -> Result<&str, Error> {
        Ok(self.keys()?.authority.pem())
    }

    /// Drops every key from memory and stays so, also after a restart, until [`Self::unseal`].
    pub fn seal(&mut self, caller: Caller) -> Result<Changed, Error> {
        let outcome = self.try_seal(caller);
        self.note(caller, "seal", "vault", outcome)
    }

    fn try_seal(&mut self, caller: Caller) -> Result<Changed, Error> {
        let _grant = self.policy.as_operator(caller)?;
        if matches!(self.keys, Err(Locked::Uninitialized)) {
            return Err(Error::Uninitialized);
        }
        let was = self.doors.store.newest(SEALED_MARK.0, SEALED_MARK.1)?.is_some();
        let (kind, name) = SEALED_MARK;
        let mark =
            Record { kind: kind.to_owned(), name: name.to_owned(), version: 1, body: Vec::new() };
        self.doors.store.put(&[mark])?;
        self.keys = Err(Locked::Sealed("sealed by an operator".to_owned()));
        Ok(if was { Changed::Unchanged } else { Changed::Changed })
    }

    /// Brings the keys back into memory.
    pub fn unseal(&mut self, caller: Caller) -> Result<Changed, Error> {
        let outcome = self.try_unseal(caller);
        self.note(caller, "unseal", "vault", outcome)
    }

    fn try_unseal(&mut self, caller: Caller) -> Result<Changed, Error> {
        let _grant = self.policy.as_operator(caller)?;
        if self.keys.is_ok() {
            return Ok(Changed::Unchanged);
        }
        self.load()?;
        match &self.keys {
            Ok(_) => {}
            Err(Locked::Sealed(reason)) => return Err(Error::Sealed(reason.clone())),
            Err(Locked::Uninitialized) => return Err(Error::Uninitialized),
        }
        // Only now: a vault that did not open stays sealed.
        self.doors.store.remove(SEALED_MARK.0, SEALED_MARK.1)?;
        Ok(Changed::Changed)
    }

    /// Registers the identity of a server: from now on `uid` may use its key.
    pub fn key_create(
        &mut self,
        caller: Caller,
        server: &ServerName,
        uid: u32,
    ) -> Result<(KeyInfo, Changed), Error> {
        let outcome = self.try_key_create(caller, server, uid);
        self.note(caller, "key-create", server.as_str(), outcome)
    }

    fn try_key_create(
        &self,
        caller: Caller,
        server: &ServerName,
        uid: u32,
    ) -> Result<(KeyInfo, Changed), Error> {
        let _grant = self.policy.as_registrar(caller)?;
        let keys = self.keys()?;
        match self.identity(server)? {
            Some(identity) if identity.uid == uid => return Ok((info(keys), Changed::Unchanged)),
            Some(_) => {
                let message = format!("server \"{server}\" has an identity of another OS user");
                return Err(Error::Conflict(message));
            }
            None => {}
        }
        let identity = Identity { server: server.clone(), uid, created_at: self.doors.clock.now() };
        let plain = serde_json::to_vec(&identity).expect("because an identity is plain data");
        let record = keys.root.seal(IDENTITY, server.as_str(), 1, &plain)?;
        self.doors.store.put(&[record])?;
        Ok((info(keys), Changed::Changed))
    }

    /// Forgets the identity of a server: its wrapped key opens no more.
    pub fn release(&mut self, caller: Caller, server: &ServerName) -> Result<Changed, Error> {
        let outcome = self.try_release(caller, server);
        self.note(caller, "release", server.as_str(), outcome)
    }

    fn try_release(&self, caller: Caller, server: &ServerName) -> Result<Changed, Error> {
        let _grant = self.policy.as_registrar(caller)?;
        self.keys()?;
        let was = self.doors.store.remove(IDENTITY, server.as_str())?;
        Ok(if was { Changed::Changed } else { Changed::Unchanged })
    }

    /// Wraps a data key for the identity of `server`.
    ///
    /// `RSA-OAEP-256(data key ‖ SHA-256("pgkeep/vault/wrap/v1" ‖ 0 ‖ server))`: what is wrapped
    /// for one server does not unwrap for another.
    pub fn wrap(
        &mut self,
        caller: Caller,
        server: &ServerName,
        data_key: &Secret<Vec<u8>>,
    ) -> Result<Wrapped, Error> {
        let outcome = self.try_wrap(caller, server, data_key);
        self.note(caller, "wrap", server.as_str(), outcome)
    }

    fn try_wrap(
        &self,
        caller: Caller,
        server: &ServerName,
        data_key: &Secret<Vec<u8>>,
    ) -> Result<Wrapped, Error> {
        let keys = self.keys()?;
        let grant = self.policy.as_server(caller, server, self.identity(server)?.as_ref())?;
        if data_key.expose().len() != DATA_KEY_BYTES {
            return Err(Error::BadRequest(format!("a data key has {DATA_KEY_BYTES} bytes")));
        }
        let mut bound = Secret::new(Vec::with_capacity(2 * DATA_KEY_BYTES));
        bound.expose_mut().extend_from_slice(data_key.expose());
        bound.expose_mut().extend_from_slice(&binding(grant.server()));
        let bytes = keys
            .rsa
            .public_key()
            .wrap(bound.expose())
            .map_err(|source| Error::Crypto { doing: "wrap a key", source })?;
        Ok(Wrapped { bytes, key: info(keys) })
    }

    /// Unwraps what [`Self::wrap`] made for the same server.
    pub fn unwrap(
        &mut self,
        caller: Caller,
        server: &ServerName,
        wrapped: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        let outcome = self.try_unwrap(caller, server, wrapped);
        self.note(caller, "unwrap", server.as_str(), outcome)
    }

    fn try_unwrap(
        &self,
        caller: Caller,
        server: &ServerName,
        wrapped: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        let keys = self.keys()?;
        let grant = self.policy.as_server(caller, server, self.identity(server)?.as_ref())?;
        let refused =
            || Error::Forbidden(format!("the wrapped key is not one of server \"{server}\""));
        let mut bound = keys.rsa.unwrap(wrapped).map_err(|_| refused())?;
        if bound.expose().len() != 2 * DATA_KEY_BYTES
            || !constant_time_eq(&bound.expose()[DATA_KEY_BYTES..], &binding(grant.server()))
        {
            return Err(refused());
        }
        // The binding is no secret; the length shrinks in place.
        bound.expose_mut().truncate(DATA_KEY_BYTES);
        Ok(bound)
    }

    /// Signs a certificate request (PKCS #10, PEM) for a server's identity or for the plane.
    pub fn certificate_sign(
        &mut self,
        caller: Caller,
        subject: &Subject,
        csr_pem: &str,
    ) -> Result<SignedCertificate, Error> {
        let outcome = self.try_certificate_sign(caller, subject, csr_pem);
        self.note(caller, "certificate-sign", &subject.to_string(), outcome)
    }

    fn try_certificate_sign(
        &self,
        caller: Caller,
        subject: &Subject,
        csr_pem: &str,
    ) -> Result<SignedCertificate, Error> {
        let keys = self.keys()?;
        match subject {
            Subject::Server(server) => {
                self.policy.as_server(caller, server, self.identity(server)?.as_ref())?;
            }
            Subject::Plane => {
                self.policy.as_registrar(caller)?;
            }
        }
        keys.authority.sign(
            &*self.doors.random,
            self.doors.clock.now(),
            subject,
            csr_pem,
            &self.doors.hostnames,
        )
    }

    fn keys(&self) -> Result<&Keys, Error> {
        self.keys.as_ref().map_err(|locked| match locked {
            Locked::Sealed(reason) => Error::Sealed(reason.clone()),
            Locked::Uninitialized => Error::Uninitialized,
        })
    }

    fn identity(&self, server: &ServerName) -> Result<Option<Identity>, Error> {
        let Some(record) = self.doors.store.newest(IDENTITY, server.as_str())? else {
            return Ok(None);
        };
        let plain = self.keys()?.root.unseal(&record)?;
        let identity = serde_json::from_slice(plain.expose())
            .map_err(|_| Error::Tampered(format!("{IDENTITY}/{server}")))?;
        Ok(Some(identity))
    }

    /// Makes the outcome known to the audit; what cannot be audited did not happen for the caller.
    fn note<T>(
        &mut self,
        caller: Caller,
        op: &str,
        subject: &str,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let code = outcome.as_ref().err().map_or("ok", Error::code);
        let at = self.doors.clock.now();
        let entry = AuditEntry { at, uid: caller.uid, op, subject, outcome: code };
        self.doors.audit.record(&entry).map_err(Error::Audit)?;
        outcome
    }

    /// Decides which state the vault is in, and loads the keys where that can be done.
    fn load(&mut self) -> Result<(), Error> {
        self.keys = match self.try_load() {
            Ok(keys) => Ok(keys),
            Err(Error::Sealed(reason)) => Err(Locked::Sealed(reason)),
            Err(Error::Uninitialized) => Err(Locked::Uninitialized),
            Err(e @ Error::Tampered(_)) => Err(Locked::Sealed(e.to_string())),
            Err(e) => return Err(e),
        };
        Ok(())
    }

    fn try_load(&self) -> Result<Keys, Error> {
        let Doors { store, seal, .. } = &self.doors;
        let root_record = store.newest(ROOT.0, ROOT.1)?;
        let root = match (root_record, seal.read()?) {
            (Some(record), Some(key)) => RootKey::open(&record, &key)?,
            // A crash between the store and the key's last step.
            (Some(record), None) => {
                let missing =
                    || Error::Sealed("the seal key (seal.key) is missing; put it back".to_owned());
                let key = seal.read_pending()?.ok_or_else(missing)?;
                let root = RootKey::open(&record, &key)?;
                seal.commit()?;
                root
            }
            (None, Some(_)) => {
                return Err(Error::Sealed(
                    "there is a seal key but vault.db is missing or empty; put it back".to_owned(),
                ));
            }
            (None, None) if store.is_empty()? => return Err(Error::Uninitialized),
            (None, None) => return Err(Error::Tampered("root".to_owned())),
        };
        let read = |kind: &str, name: &str| -> Result<(u32, Secret<Vec<u8>>), Error> {
            let missing = || Error::Tampered(format!("{kind}/{name}"));
            let record = store.newest(kind, name)?.ok_or_else(missing)?;
            Ok((record.version, root.unseal(&record)?))
        };
        let (version, rsa) = read(KEY, SERVICE_KEY)?;
        let rsa = RsaKey::from_pkcs8(rsa.expose())
            .map_err(|source| Error::Crypto { doing: "read the service-managed key", source })?;
        let (_, key) = read(CA_KEY.0, CA_KEY.1)?;
        let (_, certificate) = read(CA_CERTIFICATE.0, CA_CERTIFICATE.1)?;
        let certificate = certificate.expose().clone();
        let authority = Authority::load(&AuthorityRecord { key, certificate })?;
        Ok(Keys { root, rsa, version, authority })
    }
}

fn info(keys: &Keys) -> KeyInfo {
    KeyInfo { name: SERVICE_KEY, version: keys.version, kty: "RSA-3072" }
}

fn binding(server: &ServerName) -> [u8; 32] {
    sha256(&[b"pgkeep/vault/wrap/v1\0", server.as_str().as_bytes()].concat())
}
