//! A look at the disk: the same bytes as they lie there and as PostgreSQL sees them.
//!
//! Only of a relation that holds no data of users, so that nobody who may look learns any.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use base::Fault;
use cryptfs::{UNIT_BYTES, unit_offset};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::layout::Layout;

/// The second unit of a page: PostgreSQL fills pages from their end.
const UNIT: u64 = 1;
/// So many bytes are shown, from the end of the unit.
const SHOWN_BYTES: usize = 256;

/// Both sides of one unit of `file`, which is named as below the data directory.
pub(super) async fn of(
    layout: &Layout,
    relation: String,
    file: &str,
    now: Timestamp,
) -> Result<Value, Fault> {
    let inside = layout.pgdata().join(file);
    let name = inside
        .strip_prefix(layout.mountpoint())
        .map_err(|_| Fault::new("internal", "the data directory lies outside its mount"))?
        .to_owned();
    let below = Path::new("tree").join(&name);
    let backing = layout.backing().join(&below);
    let work = move || -> io::Result<(Vec<u8>, Vec<u8>)> {
        Ok((read(&backing, unit_offset(UNIT))?, read(&inside, UNIT * UNIT_BYTES)?))
    };
    let failed = |e: &dyn std::error::Error| {
        Fault::new("proof", "could not read the storage").detail(e.to_string())
    };
    let read = tokio::task::spawn_blocking(work).await.map_err(|e| failed(&e))?;
    let (disk, plain) = read.map_err(|e| failed(&e))?;
    let at = disk.len() - SHOWN_BYTES;
    let offset = unit_offset(UNIT) + at as u64;
    Ok(json!({
        "file": below,
        "mounted_file": name,
        "unit": UNIT,
        "offset": offset,
        "relation": relation,
        "looked_at": now,
        "on_disk_hex": hex(&disk[at..]),
        "inside_hex": hex(&plain[at..]),
        "entropy_bits_per_byte": entropy(&disk),
        "inside_entropy_bits_per_byte": entropy(&plain),
        "differs": disk != plain,
    }))
}

fn read(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(UNIT_BYTES).unwrap_or_default();
    let mut unit = vec![0; length];
    File::open(path)?.read_exact_at(&mut unit, offset)?;
    Ok(unit)
}

/// Shannon's entropy: `-Σ p(b) · log₂ p(b)` over the bytes `b`; 8 is the most.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let all = bytes.len() as f64;
    let of = |count: &u32| {
        let p = f64::from(*count) / all;
        -p * p.log2()
    };
    let bits: f64 = counts.iter().filter(|count| **count > 0).map(of).sum();
    // Two decimals say all that a sample of this size can.
    (bits * 100.0).round() / 100.0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_tells_noise_from_text() {
        let every: Vec<u8> = (0..=255).cycle().take(4096).collect();
        assert_eq!(entropy(&every), 8.0);
        assert_eq!(entropy(&[7; 4096]), 0.0);
        assert_eq!(entropy(b"abababab"), 1.0);
    }

    #[tokio::test]
    async fn both_sides_of_one_unit_are_read() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path(), "a".parse().unwrap());
        let backing = layout.backing().join("tree/pgdata/base/5");
        std::fs::create_dir_all(&backing).unwrap();
        std::fs::create_dir_all(layout.pgdata().join("base/5")).unwrap();
        // Header, codes, two units.
        let mut disk = vec![0; 12 * 1024];
        disk.extend((0..=255).cycle().take(4096));
        std::fs::write(backing.join("1"), &disk).unwrap();
        std::fs::write(layout.pgdata().join("base/5/1"), vec![b'x'; 8192]).unwrap();
        let proof = of(&layout, "r".to_owned(), "base/5/1", Timestamp::now()).await.unwrap();
        assert_eq!(proof["file"], "tree/pgdata/base/5/1");
        assert_eq!(proof["mounted_file"], "pgdata/base/5/1");
        assert_eq!(proof["offset"], 16 * 1024 - 256);
        assert!(proof["on_disk_hex"].as_str().unwrap().starts_with("000102"));
        assert_eq!(proof["inside_hex"].as_str().unwrap(), "78".repeat(256));
        assert_eq!(proof["differs"], true);
        assert!(of(&layout, "r".to_owned(), "base/5/2", Timestamp::now()).await.is_err());
    }
}
