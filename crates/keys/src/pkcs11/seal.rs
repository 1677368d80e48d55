//! A token's key as the seal of a vault: blocking, with a PIN that nobody else may read.

use std::path::PathBuf;
use std::sync::Arc;

use base::Secret;

use super::module::Door;
use super::uri::Parts;
use super::{DEADLINE, Pkcs11Key};
use crate::secret_file::Readers;
use crate::{KeyError, Wrapped};

/// Bytes of a root key that a vault seals with a token.
pub const SEALED_KEY_BYTES: usize = 32;
/// Most bytes of a sealed root key.
const MAX_SEALED_BYTES: usize = 32 * 1024;

/// Where the key of a seal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealToken {
    /// The library that reaches the token.
    pub module: PathBuf,
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number, where labels do not tell.
    pub serial: Option<String>,
    /// The key's label (CKA_LABEL).
    pub key: String,
    /// One version of the key: its CKA_ID in hex.
    pub id: Option<String>,
    /// The file with the PIN.
    pub pin_file: Option<PathBuf>,
}

/// A token as it describes itself, without a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its label.
    pub label: String,
    /// Who made it, and which model it is.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// The token takes no PIN any more.
    pub is_locked: bool,
    /// One more wrong PIN locks it.
    pub is_last_try: bool,
}

impl Pkcs11Key {
    /// The key of a seal. Its PIN file must belong to the OS user `owner`, or to root, and be
    /// readable by nobody else. Loads the library; does not ask the token yet.
    pub fn of_seal(token: &SealToken, owner: u32) -> Result<Self, KeyError> {
        let uri = Parts::of_seal(token)?;
        Ok(Self { door: Arc::new(Door::new(uri, Readers::Only(owner))?), deadline: DEADLINE })
    }

    /// What the token says of itself; blocks.
    pub fn token(&self) -> Result<Token, KeyError> {
        let info = self.door.token(self.deadline)?;
        Ok(Token {
            label: info.label().to_owned(),
            model: format!("{} {}", info.manufacturer_id(), info.model()).trim().to_owned(),
            serial: info.serial_number().to_owned(),
            is_locked: info.user_pin_locked(),
            is_last_try: info.user_pin_final_try(),
        })
    }

    /// Looks whether the PIN can be read, and by nobody else; no login.
    pub fn check_pin_file(&self) -> Result<(), KeyError> {
        self.door.pin().map(drop)
    }

    /// Wraps the root key of a vault; blocks. The result holds all that [`Self::seal_unwrap`]
    /// needs and is not secret.
    pub fn seal_wrap(&self, key: &[u8; SEALED_KEY_BYTES]) -> Result<Vec<u8>, KeyError> {
        let wrapped = self.wrap_blocking(key)?;
        let back = self.unwrap_blocking(&wrapped)?;
        if !crypto::constant_time_eq(back.expose(), key) {
            return Err(KeyError::broken("another key came back than was wrapped"));
        }
        serde_json::to_vec(&wrapped)
            .map_err(|_| KeyError::configuration("the sealed key cannot be written"))
    }

    /// Unwraps the root key of a vault; blocks.
    pub fn seal_unwrap(&self, sealed: &[u8]) -> Result<Secret<[u8; SEALED_KEY_BYTES]>, KeyError> {
        if sealed.len() > MAX_SEALED_BYTES {
            return Err(KeyError::broken("it is too long"));
        }
        let wrapped: Wrapped = serde_json::from_slice(sealed)
            .map_err(|_| KeyError::broken("it is not what a token's seal writes"))?;
        let plain = self.unwrap_blocking(&wrapped)?;
        if plain.expose().len() != SEALED_KEY_BYTES {
            return Err(KeyError::broken("what came out is no root key"));
        }
        let mut key = Secret::new([0; SEALED_KEY_BYTES]);
        key.expose_mut().copy_from_slice(plain.expose());
        Ok(key)
    }
}
