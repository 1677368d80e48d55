//! JSON that is kept, compressed (zlib, RFC 1950).

use std::io::{Read as _, Write as _};

use base::Fault;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Nothing that is kept is larger.
const BYTES_MAX: u64 = 256 << 20;

pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    let packed = packer.write_all(bytes).and_then(|()| packer.finish());
    packed.map_err(|e| Fault::from_error("plane_store", "could not compress an assessment", &e))
}

pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(packed).take(BYTES_MAX + 1).read_to_end(&mut bytes);
    let n =
        read.map_err(|e| Fault::from_error("plane_store", "a kept assessment is damaged", &e))?;
    if n as u64 > BYTES_MAX {
        return Err(Fault::new("plane_store", "a kept assessment is too large"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back() {
        let text = "{\"a\":1}".repeat(10_000);
        let packed = pack(text.as_bytes()).unwrap();
        assert!(packed.len() < text.len() / 10);
        assert_eq!(unpack(&packed).unwrap(), text.as_bytes());
        assert_eq!(unpack(&packed[..packed.len() / 2]).unwrap_err().code, "plane_store");
        assert!(unpack(b"no").is_err());
    }
}
