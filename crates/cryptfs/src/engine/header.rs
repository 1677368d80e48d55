//! The first 4096 bytes of a file and of the store: who it is, under which rules.
//!
//! All fields lie in the first 128 bytes, inside one sector, so a header is old or new, never torn.

use crypto::{MAC_BYTES, UnitMac, constant_time_eq};

use super::keys::Id;
use super::layout::{UNIT, physical_len, units_for};
use crate::Error;

const FILE_MAGIC: &[u8; 8] = b"PGKEEPF1";
const FORMAT_VERSION: u16 = 1;
const CIPHER_XTS: u16 = 1;
const FLAG_TEMPORARY: u32 = 1;
const FLAG_EXACT: u32 = 2;
/// Bytes that the code covers.
const COVERED: usize = 112;
/// Bytes in use.
pub(crate) const HEADER_BYTES: usize = COVERED + MAC_BYTES;

/// How the logical size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// A multiple of 4096 that follows from the physical size. The number is the size when the
    /// file was last clean: while it has dirty groups the physical size may differ, once it is
    /// clean again a difference means that somebody cut or extended it.
    Physical(u64),
    /// Was once not a multiple of 4096: the header says it, each change of size rewrites it.
    Exact(u64),
}

/// What a file's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) file_id: Id,
    /// Generation of the data key that the file's keys come from.
    pub(crate) epoch: u32,
    /// For temporary files: the mount whose key they hang on.
    pub(crate) mount_id: Option<Id>,
    pub(crate) size: Size,
}

impl Header {
    /// Whether a clean file of `physical` bytes has the size that its header promises.
    pub(crate) fn fits(&self, physical: u64) -> bool {
        let (Size::Physical(bytes) | Size::Exact(bytes)) = self.size;
        physical == physical_len(units_for(bytes))
    }
}

/// What the first bytes of a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A header with a matching code.
    Header(Header),
    /// Nothing but zeros: never written, or lost in a power cut.
    Blank,
    /// Something else: not ours, changed, or of a newer version.
    Foreign(&'static str),
}

impl Header {
    /// The header as it lies on disk.
    pub(crate) fn encode(&self, mac: &UnitMac) -> Vec<u8> {
        let mut page = vec![0u8; UNIT as usize];
        let mut flags = 0;
        if self.mount_id.is_some() {
            flags |= FLAG_TEMPORARY;
        }
        let bytes = match self.size {
            Size::Physical(bytes) => bytes,
            Size::Exact(bytes) => {
                flags |= FLAG_EXACT;
                bytes
            }
        };
        page[..8].copy_from_slice(FILE_MAGIC);
        page[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        page[10..12].copy_from_slice(&CIPHER_XTS.to_le_bytes());
        page[12..16].copy_from_slice(&u32::to_le_bytes(flags));
        page[16..32].copy_from_slice(&self.file_id);
        page[32..36].copy_from_slice(&self.epoch.to_le_bytes());
        page[40..48].copy_from_slice(&u64::to_le_bytes(bytes));
        page[48..64].copy_from_slice(&self.mount_id.unwrap_or_default());
        let code = mac.code(0, *b"head", &page[..COVERED]);
        page[COVERED..HEADER_BYTES].copy_from_slice(&code);
        page
    }

    /// Reads what [`Header::encode`] wrote. `page` holds at least [`HEADER_BYTES`].
    pub(crate) fn decode(page: &[u8], mac: &UnitMac) -> Found {
        if page[..HEADER_BYTES].iter().all(|byte| *byte == 0) {
            return Found::Blank;
        }
        if &page[..8] != FILE_MAGIC {
            return Found::Foreign("not a file of this store");
        }
        let code = mac.code(0, *b"head", &page[..COVERED]);
        if !constant_time_eq(&code, &page[COVERED..HEADER_BYTES]) {
            return Found::Foreign("file header does not match its authentication code");
        }
        if u16_at(page, 8) != FORMAT_VERSION || u16_at(page, 10) != CIPHER_XTS {
            return Found::Foreign("file is of a newer format");
        }
        let flags = u32_at(page, 12);
        let exact = flags & FLAG_EXACT != 0;
        Found::Header(Header {
            file_id: array_at(page, 16),
            epoch: u32_at(page, 32),
            mount_id: (flags & FLAG_TEMPORARY != 0).then(|| array_at(page, 48)),
            size: if exact {
                Size::Exact(u64_at(page, 40))
            } else {
                Size::Physical(u64_at(page, 40))
            },
        })
    }
}

const STORE_MAGIC: &[u8; 8] = b"PGKEEPFS";

/// What the store's own header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreHeader {
    pub(crate) store_id: Id,
    pub(crate) mac_suite: u16,
    pub(crate) epoch: u32,
}

impl StoreHeader {
    /// The header as it lies in `meta/store`; `mac` is made from the store id inside it.
    pub(crate) fn encode(&self, mac: &UnitMac) -> Vec<u8> {
        let mut page = vec![0u8; UNIT as usize];
        page[..8].copy_from_slice(STORE_MAGIC);
        page[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        page[10..12].copy_from_slice(&self.mac_suite.to_le_bytes());
        page[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        page[16..32].copy_from_slice(&self.store_id);
        let code = mac.code(0, *b"stor", &page[..COVERED]);
        page[COVERED..HEADER_BYTES].copy_from_slice(&code);
        page
    }

    /// Reads the fields, not yet believing them: the store id is needed to make the key.
    pub(crate) fn decode(page: &[u8]) -> Result<Self, Error> {
        if page.len() < HEADER_BYTES || &page[..8] != STORE_MAGIC {
            return Err(Error::Format("its header is not that of a pgkeep store".to_owned()));
        }
        match u16_at(page, 8) {
            FORMAT_VERSION => Ok(Self {
                store_id: array_at(page, 16),
                mac_suite: u16_at(page, 10),
                epoch: u32_at(page, 12),
            }),
            newer => Err(Error::Format(format!("it has format version {newer}; this is 1"))),
        }
    }

    /// Proves the header, and with it the key.
    pub(crate) fn verify(page: &[u8], mac: &UnitMac) -> Result<(), Error> {
        let code = mac.code(0, *b"stor", &page[..COVERED]);
        let same = constant_time_eq(&code, &page[COVERED..HEADER_BYTES]);
        if same { Ok(()) } else { Err(Error::WrongKey) }
    }
}

fn array_at<const N: usize>(page: &[u8], at: usize) -> [u8; N] {
    page[at..at + N].try_into().expect("because the range has N bytes")
}

fn u16_at(page: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(page, at))
}

fn u32_at(page: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(page, at))
}

fn u64_at(page: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(page, at))
}

#[cfg(test)]
mod tests {
    use crypto::MacSuite;

    use super::*;

    #[test]
    fn round_trip_and_each_changed_byte() {
        let mac = UnitMac::new(MacSuite::GcmSiv, &[1; 32]);
        for header in [
            Header { file_id: [7; 16], epoch: 3, mount_id: None, size: Size::Physical(4096) },
            Header { file_id: [8; 16], epoch: 1, mount_id: Some([9; 16]), size: Size::Exact(5) },
        ] {
            let page = header.encode(&mac);
            assert_eq!(page.len(), 4096);
            assert_eq!(Header::decode(&page, &mac), Found::Header(header));
            for at in 0..HEADER_BYTES {
                let mut bad = page.clone();
                bad[at] ^= 0x10;
                assert!(matches!(Header::decode(&bad, &mac), Found::Foreign(_)), "byte {at}");
            }
        }
        assert_eq!(Header::decode(&[0; 4096], &mac), Found::Blank);
    }

    #[test]
    fn store_header_knows_its_key() {
        let mac = UnitMac::new(MacSuite::GcmSiv, &[1; 32]);
        let header = StoreHeader { store_id: [5; 16], mac_suite: 1, epoch: 1 };
        let page = header.encode(&mac);
        assert_eq!(StoreHeader::decode(&page).unwrap(), header);
        assert!(StoreHeader::verify(&page, &mac).is_ok());
        let other = UnitMac::new(MacSuite::GcmSiv, &[2; 32]);
        assert!(matches!(StoreHeader::verify(&page, &other), Err(Error::WrongKey)));
        assert!(matches!(StoreHeader::decode(&[0; 4096]), Err(Error::Format(_))));
    }
}
