//! `Markers`: whether a text that somebody put into a table can be found below the encryption.
//!
//! Nothing is written: the text is declared, and must be found in the data directory first, or its
//! absence below would say nothing.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::{Filled, Host, encryption};
use crate::derive::{Given, row};

/// The kind of a declaration that names such a text.
const DECLARED: &str = "storage-marker";
/// Shorter ones are found by accident.
const LEAST: usize = 16;
const MARKERS_MAX: usize = 8;
/// Bytes that are looked through for one marker.
const BYTES_MAX: u64 = 1 << 40;
const DEPTH_MAX: usize = 16;
const PIECE: usize = 1 << 20;

/// Fills the table.
pub(super) fn markers(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let declared = given.rows("Declared").filter(|row| row.text("kind") == DECLARED);
    let markers: Vec<&str> = declared.map(|row| row.text("name")).take(MARKERS_MAX).collect();
    if markers.is_empty() {
        return filled;
    }
    let layer = match encryption::under(host, host.pgdata()) {
        Ok(layer) => layer,
        Err(error) => {
            filled.lack(host.pgdata(), &error);
            return filled;
        }
    };
    for marker in markers {
        if marker.len() < LEAST {
            let error = io::Error::other(format!("shorter than {LEAST} characters"));
            filled.lack(Path::new("storage-marker"), &error);
            continue;
        }
        let above = host.path("base");
        let mut places = vec![("above", above)];
        if layer.is_protected() {
            places.extend(layer.below.iter().map(|path| ("below", host.path(path))));
        }
        for (side, place) in places {
            let mut left = BYTES_MAX;
            match search(&place, marker.as_bytes(), &mut left, 0) {
                Ok(found) => filled.rows.push(row(
                    schema,
                    &[
                        ("marker", Json::String(marker.into())),
                        ("side", Json::String(side.into())),
                        ("place", Json::String(place.display().to_string().into())),
                        ("found", Json::Bool(found.is_some())),
                        (
                            "file",
                            Json::String(
                                found
                                    .map(|path| path.display().to_string())
                                    .unwrap_or_default()
                                    .into(),
                            ),
                        ),
                        ("protection", Json::String(layer.protection.into())),
                        ("bytes", Json::Long(i64::try_from(BYTES_MAX - left).unwrap_or(i64::MAX))),
                    ],
                )),
                Err(error) => filled.lack(&place, &error),
            }
        }
    }
    filled
}

/// The first file below a folder, or the device, that holds a text.
fn search(
    place: &Path,
    marker: &[u8],
    left: &mut u64,
    depth: usize,
) -> io::Result<Option<PathBuf>> {
    if depth > DEPTH_MAX {
        return Err(io::Error::other("folders lie in each other without end"));
    }
    let about = fs::symlink_metadata(place)?;
    if about.is_dir() {
        for entry in fs::read_dir(place)? {
            let path = entry?.path();
            match search(&path, marker, left, depth + 1) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                // Files of a running server come and go.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        return Ok(None);
    }
    let is_device = std::os::unix::fs::FileTypeExt::is_block_device(&about.file_type());
    if !about.is_file() && !is_device {
        return Ok(None);
    }
    Ok(holds(&mut File::open(place)?, marker, left)?.then(|| place.to_owned()))
}

fn holds(file: &mut File, marker: &[u8], left: &mut u64) -> io::Result<bool> {
    let mut window = vec![0; PIECE + marker.len()];
    let mut kept = 0;
    loop {
        let n = file.read(&mut window[kept..])?;
        if n == 0 {
            return Ok(false);
        }
        *left = left
            .checked_sub(n as u64)
            .ok_or_else(|| io::Error::other(format!("more than {BYTES_MAX} bytes")))?;
        let filled = &window[..kept + n];
        let first = marker[0];
        let mut at = 0;
        while let Some(next) = filled[at..].iter().position(|byte| *byte == first) {
            at += next;
            if filled[at..].starts_with(marker) {
                return Ok(true);
            }
            at += 1;
        }
        let end = kept + n;
        kept = marker.len().min(end) - 1;
        window.copy_within(end - kept..end, 0);
    }
}
