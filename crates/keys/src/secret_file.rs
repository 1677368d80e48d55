//! Secrets that lie in files: PINs, tokens, client secrets. Read at each use, never kept.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base::Secret;

use crate::KeyError;

/// Most bytes of a secret file.
const MAX_BYTES: u64 = 64 * 1024;

/// Who else may read a secret's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its group too.
    Group,
    /// Nobody: it belongs to this OS user or to root, and its mode is 0600 or less.
    Only(u32),
}

/// Reads a secret without the line end behind it. Refuses files that everybody may read.
pub(crate) fn read(path: &Path, what: &str) -> Result<Secret<String>, KeyError> {
    read_for(Readers::Group, path, what)
}

/// The same where it matters who else may read it.
pub(crate) fn read_for(
    readers: Readers,
    path: &Path,
    what: &str,
) -> Result<Secret<String>, KeyError> {
    let wrong =
        |why: &str| KeyError::configuration(format!("the {what} in \"{}\" {why}", path.display()));
    if !path.is_absolute() {
        return Err(wrong("has no absolute path"));
    }
    // O_NONBLOCK (octal 4000 on Linux): opening a FIFO must not wait for a writer.
    let file = File::options()
        .read(true)
        .custom_flags(0o4000)
        .open(path)
        .map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let meta = file.metadata().map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if !meta.is_file() {
        return Err(wrong("is not a file"));
    }
    if meta.mode() & 0o007 != 0 {
        return Err(wrong("is open to every user; take the rights of others away"));
    }
    if let Readers::Only(owner) = readers {
        if meta.mode() & 0o070 != 0 {
            return Err(wrong("is open to a group; give it the mode 0600"));
        }
        if ![0, owner].contains(&meta.uid()) {
            return Err(wrong(&format!("belongs to OS user {}, not to {owner}", meta.uid())));
        }
    }
    let mut text = Secret::new(String::with_capacity(meta.len().min(MAX_BYTES) as usize + 1));
    let n = file
        .take(MAX_BYTES + 1)
        .read_to_string(text.expose_mut())
        .map_err(|_| wrong("is not readable text"))?;
    if n as u64 > MAX_BYTES {
        return Err(wrong("is too long"));
    }
    let length = text.expose().trim_end_matches(['\r', '\n']).len();
    text.expose_mut().truncate(length);
    if length == 0 {
        return Err(wrong("is empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_mode(text: &[u8], mode: u32) -> Result<Secret<String>, KeyError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        read(&path, "secret")
    }

    #[test]
    fn reads_text_without_line_ends() {
        assert_eq!(with_mode(b"a b\r\n\n", 0o600).unwrap().expose(), "a b");
        assert_eq!(with_mode(b"x", 0o440).unwrap().expose(), "x");
    }

    #[test]
    fn refuses_what_is_no_secret() {
        for (text, mode) in
            [(&b"x"[..], 0o604), (b"x", 0o602), (b"\n", 0o600), (b"\xff", 0o600), (b"", 0o600)]
        {
            assert!(with_mode(text, mode).is_err(), "{text:?} {mode:o}");
        }
        assert!(with_mode(&vec![b'x'; MAX_BYTES as usize + 1], 0o600).is_err());
        assert!(with_mode(&vec![b'x'; MAX_BYTES as usize], 0o600).is_ok());
        assert!(read(Path::new("relative"), "secret").is_err());
        assert!(read(Path::new("/dev/null"), "secret").is_err());
    }
    #[test]
    fn a_strict_reader_wants_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        std::fs::write(&path, "x").unwrap();
        let me = std::fs::metadata(&path).unwrap().uid();
        let with = |mode: u32, owner: u32| {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            read_for(Readers::Only(owner), &path, "secret")
        };
        assert_eq!(with(0o600, me).unwrap().expose(), "x");
        assert_eq!(with(0o400, me).unwrap().expose(), "x");
        assert!(with(0o640, me).is_err());
        assert!(with(0o604, me).is_err());
        // Root's file is anybody's to trust; another user's is nobody's.
        assert_eq!(with(0o600, me + 1).is_err(), me != 0);
    }
}
