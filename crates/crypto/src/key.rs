//! The key of one server's storage.

use base::Random;
use zeroize::Zeroize;

use crate::sys::LockedBytes;
use crate::{Error, hextext};

/// 32 bytes in memory that is locked, left out of core dumps, and zeroised on drop.
///
/// Locking needs `RLIMIT_MEMLOCK`; where it is refused the key still works and
/// [`DataKey::is_locked`] says so, for the caller to warn.
pub struct DataKey {
    bytes: LockedBytes<32>,
}

impl DataKey {
    /// A new random key.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = LockedBytes::new();
        random.fill(bytes.as_mut());
        Self { bytes }
    }

    /// Takes a key over and zeroises the source.
    pub fn take(source: &mut [u8; 32]) -> Self {
        let mut bytes = LockedBytes::new();
        bytes.as_mut().copy_from_slice(source);
        source.zeroize();
        Self { bytes }
    }

    /// Reads 64 hexadecimal digits (either case).
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let mut bytes = LockedBytes::<32>::new();
        hextext::decode_into(text, bytes.as_mut()).ok_or(Error::MalformedKey)?;
        Ok(Self { bytes })
    }

    /// The key as 64 hexadecimal digits, to hand it to a child through a pipe.
    pub fn to_hex(&self) -> base::Secret<String> {
        hextext::encode(self.expose())
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8; 32] {
        self.bytes.as_ref()
    }

    /// Whether the memory could be locked.
    pub fn is_locked(&self) -> bool {
        self.bytes.is_locked()
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}
