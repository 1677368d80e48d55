//! Making a seal key and getting it back, for each kind of seal.

use std::io::Read as _;
use std::path::PathBuf;

use base::{Random, Secret};
use crypto::{Argon2Params, Share, argon2id, combine, hkdf_sha256, split};
use zeroize::Zeroizing;

use super::{Kind, NewSeal, SealKey, SealSource, Unlock};
use crate::Error;

/// Shortest passphrase in characters; a person may well take more.
const PASSPHRASE_MIN_CHARS: usize = 12;
/// A credential must hold as much as a key.
const CREDENTIAL_MIN_BYTES: usize = 32;
/// No credential is read beyond.
const CREDENTIAL_MAX_BYTES: u64 = 64 * 1024;

/// A key outside of the vault that wraps the seal key: a PKCS#11 token, a TPM. What keeps it from
/// being used is [`Error::SealKey`]; each call answers within a time of its own.
pub trait ExternalSeal: Send + Sync {
    /// What the seal is registered under, for example `pkcs11`.
    fn name(&self) -> &str;

    /// Wraps a seal key.
    fn wrap(&self, key: &SealKey) -> Result<Vec<u8>, Error>;

    /// Unwraps what [`Self::wrap`] made, also after a restart.
    fn unwrap(&self, wrapped: &[u8]) -> Result<SealKey, Error>;
}

/// Where seal keys come from.
pub struct Seals {
    file: Box<dyn SealSource>,
    credentials: Option<PathBuf>,
    external: Vec<Box<dyn ExternalSeal>>,
}

/// A seal key that was just made.
pub(crate) struct Made {
    pub(crate) kind: Kind,
    pub(crate) key: SealKey,
    /// For the people who keep them.
    pub(crate) shares: Vec<Secret<String>>,
}

impl Seals {
    /// With the key file alone.
    pub fn new(file: Box<dyn SealSource>) -> Self {
        Self { file, credentials: None, external: Vec::new() }
    }

    /// Adds the folder where systemd puts the unit's credentials.
    #[must_use]
    pub fn with_credentials(mut self, folder: impl Into<PathBuf>) -> Self {
        self.credentials = Some(folder.into());
        self
    }

    /// Adds a key outside of the vault.
    #[must_use]
    pub fn with_external(mut self, seal: Box<dyn ExternalSeal>) -> Self {
        self.external.push(seal);
        self
    }

    /// Makes a new seal key. Nothing that is in use is touched.
    pub(crate) fn make(&self, random: &dyn Random, new: &NewSeal) -> Result<Made, Error> {
        let mut key = Secret::new([0; 32]);
        random.fill(key.expose_mut());
        let mut shares = Vec::new();
        let kind = match new {
            NewSeal::File => {
                self.file.write_pending(&key)?;
                Kind::File
            }
            NewSeal::Passphrase(passphrase) => {
                if passphrase.expose().chars().count() < PASSPHRASE_MIN_CHARS {
                    let message =
                        format!("a passphrase has at least {PASSPHRASE_MIN_CHARS} characters");
                    return Err(Error::BadRequest(message));
                }
                let mut salt = [0; 16];
                random.fill(&mut salt);
                let costs = Argon2Params::default();
                key = of_passphrase(passphrase, &salt, &costs)?;
                Kind::Passphrase {
                    salt: hex::encode(salt),
                    memory_kib: costs.memory_kib,
                    n_passes: costs.passes,
                    n_lanes: costs.lanes,
                }
            }
            NewSeal::Shares { threshold, n_shares } => {
                let (threshold, n_shares) = (*threshold, *n_shares);
                let made = split(key.expose(), threshold, n_shares).map_err(|_| {
                    let what = "a seal of shares needs 2 ≤ threshold ≤ shares ≤ 255";
                    Error::BadRequest(what.to_owned())
                })?;
                shares = made.iter().map(Share::to_text).collect();
                let set = made.first().map(|share| hex::encode(share.set())).unwrap_or_default();
                Kind::Shares { threshold, n_shares, set }
            }
            NewSeal::Credential { name } => {
                key = self.of_credential(name)?;
                Kind::Credential { name: name.clone() }
            }
            NewSeal::External { name } => {
                let wrapped = self.external(name)?.wrap(&key)?;
                Kind::External { name: name.clone(), wrapped: hex::encode(wrapped) }
            }
        };
        Ok(Made { kind, key, shares })
    }

    /// The keys that may open the vault: the one in use, then one that a crash left pending,
    /// which the flag says.
    pub(crate) fn keys(
        &self,
        kind: &Kind,
        unlock: &Unlock,
        shares: &mut Shares,
    ) -> Result<Vec<(SealKey, bool)>, Error> {
        let key = match (kind, unlock) {
            (Kind::File, Unlock::Own) => return self.of_file(),
            (
                Kind::Passphrase { salt, memory_kib, n_passes, n_lanes },
                Unlock::Passphrase(text),
            ) => {
                let salt = hex::decode(salt).map_err(|_| Error::Tampered("root".to_owned()))?;
                let costs =
                    Argon2Params { memory_kib: *memory_kib, passes: *n_passes, lanes: *n_lanes };
                of_passphrase(text, &salt, &costs)?
            }
            (Kind::Shares { .. }, Unlock::Share(_)) => shares.combine()?,
            (Kind::Credential { name }, Unlock::Own) => self.of_credential(name)?,
            (Kind::External { name, wrapped }, Unlock::Own) => {
                let wrapped =
                    hex::decode(wrapped).map_err(|_| Error::Tampered("root".to_owned()))?;
                self.external(name)?.unwrap(&wrapped)?
            }
            (kind, _) => {
                let what = format!("this vault is sealed by a seal of kind \"{}\"", kind.name());
                return Err(Error::BadRequest(what));
            }
        };
        Ok(vec![(key, false)])
    }

    /// Puts things in order once the store is known to be sealed by `kind`. `in_use` says that
    /// the key file in use opens it, or that nothing is known.
    pub(crate) fn settle(&self, kind: &Kind, in_use: bool) -> Result<(), Error> {
        match kind {
            Kind::File if in_use => Ok(()),
            Kind::File => self.file.commit(),
            _ => self.file.remove(),
        }
    }

    /// Whether there is a key file although nothing is sealed by it.
    pub(crate) fn has_key_file(&self) -> Result<bool, Error> {
        Ok(self.file.read()?.is_some())
    }

    fn of_file(&self) -> Result<Vec<(SealKey, bool)>, Error> {
        let in_use = self.file.read()?.map(|key| (key, false));
        let pending = self.file.read_pending()?.map(|key| (key, true));
        let keys: Vec<_> = in_use.into_iter().chain(pending).collect();
        if keys.is_empty() {
            let what = "the seal key (seal.key) is missing; put it back";
            return Err(Error::Sealed(what.to_owned()));
        }
        Ok(keys)
    }

    /// `HKDF-SHA-256[salt = "", info = "pgkeep/vault/credential/v1"](content)`.
    fn of_credential(&self, name: &str) -> Result<SealKey, Error> {
        let missing = || {
            let what = format!("the systemd credential \"{name}\" was not handed to the vault");
            Error::Sealed(what)
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(Error::BadRequest(format!("\"{name}\" is no name of a credential")));
        }
        let path = self.credentials.as_ref().ok_or_else(missing)?.join(name);
        let mut content = Zeroizing::new(Vec::new());
        std::fs::File::open(&path)
            .and_then(|file| file.take(CREDENTIAL_MAX_BYTES).read_to_end(&mut content))
            .map_err(|_| missing())?;
        if content.len() < CREDENTIAL_MIN_BYTES {
            let what = format!(
                "the systemd credential \"{name}\" has {} bytes, at least \
                 {CREDENTIAL_MIN_BYTES} are needed",
                content.len()
            );
            return Err(Error::Sealed(what));
        }
        let mut key = Secret::new([0; 32]);
        hkdf_sha256(&content, &[], &[b"pgkeep/vault/credential/v1"], key.expose_mut());
        Ok(key)
    }

    fn external(&self, name: &str) -> Result<&dyn ExternalSeal, Error> {
        self.external.iter().find(|seal| seal.name() == name).map(|seal| &**seal).ok_or_else(|| {
            Error::Sealed(format!("no key \"{name}\" outside of the vault is known"))
        })
    }
}

fn of_passphrase(
    passphrase: &Secret<String>,
    salt: &[u8],
    costs: &Argon2Params,
) -> Result<SealKey, Error> {
    let mut key = Secret::new([0; 32]);
    argon2id(passphrase.expose().as_bytes(), salt, costs, key.expose_mut()).map_err(
        |e| match e {
            crypto::Error::Length => {
                Error::BadRequest("a passphrase has at most 1024 bytes".to_owned())
            }
            source => Error::Crypto { doing: "make a key of the passphrase", source },
        },
    )?;
    Ok(key)
}

/// Shares given so far.
#[derive(Default)]
pub(crate) struct Shares {
    shares: Vec<Share>,
}

impl Shares {
    /// How many different shares there are.
    pub(crate) fn count(&self) -> u8 {
        u8::try_from(self.shares.len()).unwrap_or(u8::MAX)
    }

    /// Takes one more; the same share twice counts once.
    pub(crate) fn add(&mut self, text: &Secret<String>, set: &str) -> Result<(), Error> {
        let share = Share::from_text(text.expose())
            .map_err(|_| Error::BadRequest("the share is mistyped or no share".to_owned()))?;
        if hex::encode(share.set()) != set {
            let what = "the share belongs to another vault or to an earlier seal";
            return Err(Error::BadRequest(what.to_owned()));
        }
        if self.shares.iter().all(|known| known.index() != share.index()) {
            self.shares.push(share);
        }
        Ok(())
    }

    fn combine(&mut self) -> Result<SealKey, Error> {
        let shares = std::mem::take(&mut self.shares);
        let wrong = || {
            let what = "the shares do not belong together; give all of them again";
            Error::Sealed(what.to_owned())
        };
        let secret = combine(&shares).map_err(|_| wrong())?;
        let bytes: &[u8; 32] = secret.expose().as_slice().try_into().map_err(|_| wrong())?;
        Ok(Secret::new(*bytes))
    }
}
