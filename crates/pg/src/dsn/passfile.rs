//! Files that only their owner may read: the pass file, as libpq reads it ("The Password File" in
//! the PostgreSQL manual), and the key of a client's certificate.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base::Secret;

use super::unusable;
use crate::{Error, Result};

const LIMIT_BYTES: u64 = 1 << 20;

/// What a line of the pass file is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// As the connection string has it; `localhost` for the usual socket folder.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that fits. No file, or no line, is no password.
pub(super) fn password(path: &Path, wanted: Wanted<'_>) -> Result<Option<Secret<String>>> {
    let mode = |file: &Metadata| file.mode() & 0o077 == 0;
    let Some(bytes) = read(path, "pass file", mode)? else { return Ok(None) };
    let text = std::str::from_utf8(bytes.expose())
        .map_err(|_| odd("pass file", path, "is not UTF-8", "write it in UTF-8"))?;
    Ok(text.lines().find_map(|line| fitting(line, wanted)))
}

/// A private key: nobody's but its owner's, or root's and readable for one group.
pub(super) fn key(path: &Path) -> Result<Option<Secret<Vec<u8>>>> {
    let mode = |file: &Metadata| file.mode() & if file.uid() == 0 { 0o037 } else { 0o077 } == 0;
    read(path, "private key", mode)
}

/// A file that everybody may read.
pub(super) fn public(path: &Path) -> Result<Option<Secret<Vec<u8>>>> {
    read(path, "certificate file", |_| true)
}

/// `None` where there is no such file.
fn read(
    path: &Path,
    what: &str,
    is_private: impl Fn(&Metadata) -> bool,
) -> Result<Option<Secret<Vec<u8>>>> {
    let failed = |source| Error::file("read file", path)(source);
    // A named pipe would keep us waiting for its writer.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits())
        .expect("because flags of open are an int");
    let opened = OpenOptions::new().read(true).custom_flags(nonblock).open(path);
    let file: File = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(odd(what, path, "is not a plain file", "name a file"));
    }
    if metadata.len() > LIMIT_BYTES {
        return Err(odd(what, path, "is too large", "1 MiB is the most"));
    }
    if !is_private(&metadata) {
        let mode = metadata.mode() & 0o7777;
        let reason = format!("can be read by others (mode {mode:04o})");
        let hint = "let nobody but its owner read it: chmod 600";
        return Err(odd(what, path, &reason, hint));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let size = usize::try_from(metadata.len()).expect("because it is below 1 MiB");
    let mut bytes = Secret::new(Vec::with_capacity(size + 1));
    file.take(metadata.len()).read_to_end(bytes.expose_mut()).map_err(failed)?;
    Ok(Some(bytes))
}

fn odd(what: &str, path: &Path, reason: &str, hint: &str) -> Error {
    unusable(&format!("{what} \"{}\" {reason}", path.display()), hint)
}

/// The password of `host:port:database:user:password` where the line fits.
fn fitting(line: &str, wanted: Wanted<'_>) -> Option<Secret<String>> {
    if line.starts_with('#') {
        return None;
    }
    let port = wanted.port.to_string();
    let mut rest = line;
    for value in [wanted.host, &port, wanted.database, wanted.user] {
        let (field, after) = field(rest)?;
        if rest[..rest.len() - after.len()] != *"*:" && field.expose() != value {
            return None;
        }
        rest = after;
    }
    // Behind the last colon all is password, but for backslashes.
    let mut password = Secret::new(String::with_capacity(rest.len()));
    unescape(rest, |_| false, password.expose_mut());
    (!password.expose().is_empty()).then_some(password)
}

/// The first field without its backslashes, and what follows its colon.
fn field(text: &str) -> Option<(Secret<String>, &str)> {
    let mut field = Secret::new(String::with_capacity(text.len()));
    let end = unescape(text, |letter| letter == ':', field.expose_mut())?;
    Some((field, &text[end + 1..]))
}

/// Appends letters up to one that ends, and says where that one is.
fn unescape(text: &str, ends: fn(char) -> bool, into: &mut String) -> Option<usize> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => into.extend(letters.next().map(|(_, escaped)| escaped)),
            _ if ends(letter) => return Some(at),
            _ => into.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Wanted, fitting};

    #[test]
    fn reads_lines_as_libpq_does() {
        let wanted = Wanted { host: "h", port: 5432, database: "d:b", user: r"u\1" };
        for (line, password) in [
            (r"h:5432:d\:b:u\\1:secret", Some("secret")),
            ("*:*:*:*:secret", Some("secret")),
            (r"*:*:*:*:a:b\:c\\", Some(r"a:b:c\")),
            ("*:5433:*:*:secret", None),
            (r"\*:*:*:*:secret", None),
            ("#*:*:*:*:secret", None),
            ("*:*:*:*:", None),
            ("*:*:*:*", None),
            ("h:5432", None),
            ("", None),
        ] {
            let found = fitting(line, wanted);
            assert_eq!(found.as_ref().map(|found| found.expose().as_str()), password, "{line}");
        }
    }
}
