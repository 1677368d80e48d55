//! From the data key of a store to the keys of its parts.
//!
//! Every derivation is `HKDF-SHA-256[salt, info](secret)` (RFC 5869) with an info text of its own.

use crypto::{DataKey, MacSuite, UnitMac, Xts, hkdf_sha256};
use zeroize::Zeroize;

use crate::Error;

/// 16 random bytes that name a store, a file or a mount.
pub(crate) type Id = [u8; 16];

/// The keys of an open store.
pub(crate) struct StoreKeys {
    root: DataKey,
    store_id: Id,
    /// Lives only as long as the mount; temporary files hang on it.
    temporary: DataKey,
    suite: MacSuite,
    headers: UnitMac,
}

/// The keys of one file.
pub(crate) struct FileKeys {
    pub(crate) xts: Xts,
    /// `None` for temporary files: they keep no codes.
    pub(crate) mac: Option<UnitMac>,
}

impl StoreKeys {
    pub(crate) fn new(root: &DataKey, store_id: Id, suite: MacSuite, temporary: DataKey) -> Self {
        let headers = UnitMac::new(suite, &mac_key(root, &store_id, b"pgkeep/cryptfs/v1/header"));
        let root = DataKey::take(&mut root.expose().to_owned());
        Self { root, store_id, temporary, suite, headers }
    }

    /// Makes the codes of file headers and of the store's own header.
    pub(crate) fn headers(&self) -> &UnitMac {
        &self.headers
    }

    /// Makes the codes of one generation of the dirty log.
    pub(crate) fn log(&self, generation: &Id) -> UnitMac {
        let mut salt = [0u8; 32];
        salt[..16].copy_from_slice(&self.store_id);
        salt[16..].copy_from_slice(generation);
        UnitMac::new(self.suite, &mac_key(&self.root, &salt, b"pgkeep/cryptfs/v1/dirty-log"))
    }

    /// Keys of the file with this id:
    /// `HKDF[salt = file id, info = "pgkeep/cryptfs/v1/file" ‖ store id](data key, 96)`:
    /// XTS key 1 ‖ XTS key 2 ‖ MAC key.
    pub(crate) fn file(&self, file_id: &Id, temporary: bool) -> Result<FileKeys, Error> {
        let secret = if temporary { &self.temporary } else { &self.root };
        let info: [&[u8]; 2] = [b"pgkeep/cryptfs/v1/file", &self.store_id];
        let mut bytes = [0u8; 96];
        hkdf_sha256(secret.expose(), file_id, &info, &mut bytes);
        let (xts, mac) = bytes.split_first_chunk::<64>().expect("because 96 bytes hold 64");
        let xts = Xts::new(xts);
        let mac = mac.try_into().map(|key| UnitMac::new(self.suite, key));
        bytes.zeroize();
        Ok(FileKeys {
            xts: xts.map_err(|_| Error::Format("derived keys are unusable".to_owned()))?,
            mac: (!temporary).then(|| mac.expect("because 32 bytes are left")),
        })
    }
}

fn mac_key(root: &DataKey, salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0u8; 32];
    hkdf_sha256(root.expose(), salt, &[info], &mut key);
    key
}
