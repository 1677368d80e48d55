//! The data key on its way in: 64 hexadecimal digits from a file or standard input.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base::{ExitCode, Fault};
use crypto::DataKey;
use zeroize::Zeroizing;

use crate::cli::output::say;

/// The key, a carriage return, a line feed, and one byte to see that there is too much.
const MAX_BYTES: usize = 64 + 2 + 1;

/// Reads the first line of standard input, unbuffered: no copy stays behind.
pub(super) fn from_stdin() -> Result<DataKey, Fault> {
    read(std::io::stdin().as_fd(), "standard input")
}

/// Reads a key file; says so when others may read it too.
pub(super) fn from_file(path: &Path) -> Result<DataKey, Fault> {
    let place = path.display().to_string();
    let failed = |error: &std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::NotFound,
            std::io::ErrorKind::PermissionDenied => ExitCode::Forbidden,
            _ => ExitCode::Error,
        };
        Fault::from_error("key_file", format!("could not read the key file {place}"), error)
            .exit(exit)
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mode = file.metadata().map_err(|error| failed(&error))?.permissions().mode();
    if mode & 0o077 != 0 {
        say(&format!("pgkeep: warning: the key file {place} can be read by others"));
        say(&format!("HINT: chmod 600 {place}"));
    }
    read(file.as_fd(), &place)
}

fn read(source: std::os::fd::BorrowedFd<'_>, place: &str) -> Result<DataKey, Fault> {
    let mut text = Zeroizing::new([0_u8; MAX_BYTES]);
    let mut len = 0;
    while len < text.len() && !text[..len].contains(&b'\n') {
        match rustix::io::read(source, &mut text[len..]) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => {
                let message = format!("could not read the key from {place}");
                return Err(Fault::from_error("key", message, &errno));
            }
        }
    }
    let line = text[..len].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).ok().and_then(|line| DataKey::from_hex(line).ok()).ok_or_else(|| {
        Fault::new("key", format!("{place} holds no usable key"))
            .hint("a key is one line of 64 hexadecimal digits")
            .exit(ExitCode::Usage)
    })
}

#[cfg(test)]
mod tests {
    use super::from_file;

    #[test]
    fn forms_of_a_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let digits = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
        let reads = |text: &str| {
            std::fs::write(&path, text).unwrap();
            from_file(&path).is_ok()
        };
        assert!(reads(&digits));
        assert!(reads(&format!("{digits}\n")));
        assert!(reads(&format!("{digits}\r\n")));
        assert!(reads(&format!("{digits}\nanything")));
        assert!(!reads(""));
        assert!(!reads(&digits[1..]));
        assert!(!reads(&format!("{digits}0")));
        assert!(!reads(&format!("{digits}00000")));
        assert!(!reads(&format!(" {digits}")));
        assert!(!reads(&digits.replace('a', "g")));
    }
}
