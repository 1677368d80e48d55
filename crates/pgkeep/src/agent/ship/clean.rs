//! Old log files: removed when the plane has them and they are old, or too many; when the disk
//! would fill up with logs, also those that it has not.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::files::{Found, Stream};

/// How often.
pub(super) const PERIOD: Duration = Duration::from_secs(60);
/// So long a file that was sent stays for whoever looks into the folder.
const AGE: Duration = Duration::from_secs(7 * 86400);
/// So many bytes of sent files stay.
const SENT_BYTES: u64 = 1 << 30;
/// So many bytes of files that are over stay, sent or not: logs must not fill the disk of the
/// database. What is lost by it is written down as a dead letter.
const ALL_BYTES: u64 = 4 << 30;

/// Removes what is too old or too much.
pub(super) fn clean(folder: &Path, stream: &Stream, found: &[Found], sent: u64) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for name in goners(stream, found, sent, i128::try_from(now.as_nanos()).unwrap_or(0)) {
        match std::fs::remove_file(folder.join(&name)) {
            Ok(()) => tracing::info!(name, "removed an old log file"),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The names of files that go, the oldest first. The last one is being written and stays.
fn goners(stream: &Stream, found: &[Found], sent: u64, now: i128) -> Vec<String> {
    let over = stream.files.iter().filter(|file| file.len.is_some()).filter_map(|file| {
        let there = found.iter().find(|f| f.name == file.name && f.inode == file.inode)?;
        Some((there, file.end().is_some_and(|end| end <= sent)))
    });
    let over: Vec<(&Found, bool)> = over.collect();
    let sum = |of: &dyn Fn(bool) -> bool| -> u64 {
        over.iter().filter(|(_, sent)| of(*sent)).map(|(file, _)| file.len).sum()
    };
    let (mut all, mut all_sent) = (sum(&|_| true), sum(&|sent| sent));
    let age = i128::try_from(AGE.as_nanos()).unwrap_or(i128::MAX);
    let mut goners = Vec::new();
    for (file, is_sent) in over {
        let is_old = is_sent && now - file.modified > age;
        if is_old || is_sent && all_sent > SENT_BYTES || all > ALL_BYTES {
            goners.push(file.name.clone());
            all -= file.len;
            all_sent -= if is_sent { file.len } else { 0 };
        }
    }
    goners
}

#[cfg(test)]
mod tests {
    use super::super::files::LogFile;
    use super::*;

    const GIB: u64 = 1 << 30;
    const DAY: i128 = 86_400_000_000_000;

    /// Files of these lengths and ages in days, one behind the other; all but the last are over.
    fn made(files: &[(u64, i128)]) -> (Stream, Vec<Found>) {
        let mut stream = Stream { name: "s".to_owned(), files: Vec::new() };
        let mut found = Vec::new();
        let mut base = 0;
        for (at, (len, days)) in files.iter().enumerate() {
            let (name, inode) = (format!("{at}"), at as u64);
            let modified = 100 * DAY - days * DAY;
            let is_over = at + 1 < files.len();
            let over = is_over.then_some(*len);
            stream.files.push(LogFile { name: name.clone(), inode, base, len: over });
            found.push(Found { name, inode, len: *len, modified });
            base += len + 1;
        }
        (stream, found)
    }

    fn gone(files: &[(u64, i128)], sent: u64) -> Vec<String> {
        let (stream, found) = made(files);
        goners(&stream, &found, sent, 100 * DAY)
    }

    #[test]
    fn what_is_sent_goes_when_it_is_old_or_much() {
        assert_eq!(gone(&[(10, 8), (10, 6), (10, 0)], 22), ["0"]);
        assert_eq!(gone(&[(10, 8), (10, 6), (10, 0)], 10), [""; 0]);
        assert_eq!(gone(&[(GIB, 3), (GIB, 2), (GIB, 1), (5, 0)], 9 * GIB), ["0", "1"]);
        // The one that is being written stays, however old.
        assert_eq!(gone(&[(GIB, 90)], 9 * GIB), [""; 0]);
    }

    #[test]
    fn what_is_not_sent_goes_before_the_disk_is_full() {
        let much = [(2 * GIB, 3), (2 * GIB, 2), (GIB, 1), (5, 0)];
        assert_eq!(gone(&much, 0), ["0"]);
        assert_eq!(gone(&much[1..], 0), [""; 0]);
    }
}
