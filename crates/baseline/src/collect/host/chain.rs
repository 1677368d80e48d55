//! Whether lines are missing in the log: the server numbers the lines of each session in its csv
//! and JSON logs (`session_line_num`, `line_num`), one after the other.
//!
//! A line that was cut out leaves a hole. Whole sessions, and the last lines of one, can be taken
//! away without a trace here: only a copy elsewhere shows that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kql::plan::Schema;
use kql::value::Json;

use super::files::{clean, names};
use super::stat::{number, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// What is read, the newest files first.
const BYTES_MAX: u64 = 256 << 20;
const SESSIONS_MAX: usize = 1_000_000;
const LINE_MAX: u64 = 64 << 20;
const ROWS_MAX: usize = 1000;

/// The lines of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lines {
    first: u64,
    last: u64,
    n: u64,
}

/// What was read of all sessions.
#[derive(Debug, Default)]
struct Sessions {
    lines: BTreeMap<String, Lines>,
    n_lines: u64,
    n_odd: u64,
}

impl Sessions {
    fn add(&mut self, session: &str, line: u64) {
        self.n_lines += 1;
        if let Some(lines) = self.lines.get_mut(session) {
            lines.first = lines.first.min(line);
            lines.last = lines.last.max(line);
            lines.n += 1;
        } else if self.lines.len() < SESSIONS_MAX {
            self.lines.insert(session.to_owned(), Lines { first: line, last: line, n: 1 });
        } else {
            self.n_odd += 1;
        }
    }

    fn csv(&mut self, read: impl BufRead) -> io::Result<()> {
        let (mut field, mut at, mut in_quotes) = (Vec::new(), 0, false);
        let mut kept = [String::new(), String::new()];
        for byte in read.bytes() {
            match byte? {
                b'"' => in_quotes = !in_quotes,
                b',' if !in_quotes => {
                    keep(&mut kept, at, &mut field);
                    at += 1;
                }
                b'\n' if !in_quotes => {
                    keep(&mut kept, at, &mut field);
                    self.record(&kept, at > 0);
                    (at, kept) = (0, [String::new(), String::new()]);
                }
                byte if (at == 5 || at == 6) && field.len() < 64 => field.push(byte),
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, kept: &[String; 2], is_record: bool) {
        match kept[1].parse() {
            Ok(line) if !kept[0].is_empty() => self.add(&kept[0], line),
            _ if is_record => self.n_odd += 1,
            _ => {}
        }
    }

    fn json(&mut self, mut read: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut read).take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let object = serde_json::from_slice::<serde_json::Value>(&line).unwrap_or_default();
            match (object["session_id"].as_str(), object["line_num"].as_u64()) {
                (Some(session), Some(line)) => self.add(session, line),
                _ => self.n_odd += 1,
            }
        }
    }
}

fn keep(kept: &mut [String; 2], at: usize, field: &mut Vec<u8>) {
    if (at == 5 || at == 6)
        && let Ok(text) = String::from_utf8(std::mem::take(field))
    {
        kept[at - 5] = text;
    }
    field.clear();
}

/// What is wrong with a session's lines; `since_s` is a moment at which the log was being written.
fn fault(session: &str, lines: Lines, since_s: u64) -> Option<String> {
    let wanted = lines.last - lines.first + 1;
    if lines.n < wanted {
        return Some(format!("{} of {wanted} lines are missing", wanted - lines.n));
    }
    if lines.n > wanted {
        return Some("a line is there twice".to_owned());
    }
    // The identifier begins with the session's start, in seconds and hexadecimal digits.
    let start = session.split('.').next().and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let began_inside = start.is_some_and(|start| start > since_s);
    (began_inside && lines.first > 1).then(|| format!("begins with line {}", lines.first))
}

/// `LogSequence`: a row for each session with a hole, and one without a session for the whole.
pub(super) fn sequence(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let setting = |name: &str| {
        let found = given.rows("Settings").find(|setting| setting.text("name") == name);
        found.map(|setting| setting.text("setting").to_owned()).unwrap_or_default()
    };
    let folder = clean(&host.pgdata().join(setting("log_directory")));
    let mut files = match numbered(host, &folder) {
        Ok(files) => files,
        Err(error) => {
            filled.lack(&folder, &error);
            return filled;
        }
    };
    files.sort();
    let (mut bytes, mut since_s, mut n_files) = (0, 0, 0_u64);
    let mut kinds = [("csv", Sessions::default()), ("json", Sessions::default())];
    for (at, path, size) in files.into_iter().rev() {
        bytes += size;
        if bytes > BYTES_MAX && n_files > 0 {
            break;
        }
        since_s = at;
        n_files += 1;
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        let sessions = &mut kinds[usize::from(is_json)].1;
        let read = File::open(host.path(&path)).and_then(|file| {
            let read = BufReader::with_capacity(1 << 16, file.take(size));
            if is_json { sessions.json(read) } else { sessions.csv(read) }
        });
        if let Err(error) = read {
            filled.lack(&path, &error);
        }
    }
    for (kind, sessions) in &kinds {
        let broken = sessions.lines.iter().filter_map(|(session, lines)| {
            fault(session, *lines, since_s).map(|fault| (session.as_str(), fault))
        });
        let broken: Vec<(&str, String)> = broken.collect();
        for (session, fault) in broken.iter().take(ROWS_MAX) {
            let cells =
                [("kind", text(kind)), ("session", text(session)), ("problem", text(fault))];
            filled.rows.push(row(schema, &cells));
        }
        let cells = [
            ("kind", text(kind)),
            ("session", text("")),
            ("sessions", number(sessions.lines.len() as u64)),
            ("broken", number(broken.len() as u64)),
            ("lines", number(sessions.n_lines)),
            ("odd_lines", number(sessions.n_odd)),
            ("files", Json::Long(i64::try_from(n_files).unwrap_or(i64::MAX))),
        ];
        filled.rows.push(row(schema, &cells));
    }
    filled
}

/// Logs that number their lines: when they were written last, path, size.
fn numbered(host: &Host, folder: &Path) -> io::Result<Vec<(u64, PathBuf, u64)>> {
    let mut files = Vec::new();
    for name in names(host, folder)? {
        let path = folder.join(name);
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        if !matches!(ending.as_deref(), Some("csv" | "json")) {
            continue;
        }
        let metadata = std::fs::metadata(host.path(&path))?;
        let at = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        if metadata.is_file() && at <= SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(at) {
            files.push((at.as_secs(), path, metadata.len()));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_csv() {
        let text = "t,u,d,1,h,a.1,1,x,\"s, \"\"q\"\"\nt,u,d,1,h,z.9,7\"\nt,u,d,1,h,a.1,2,x\n\
                    t,u,d,1,h,a.1,4,x\nodd,line\n";
        let mut sessions = Sessions::default();
        sessions.csv(text.as_bytes()).expect("bytes");
        assert_eq!(sessions.lines["a.1"], Lines { first: 1, last: 4, n: 3 });
        assert_eq!((sessions.lines.len(), sessions.n_odd), (1, 1));
        let problem = fault("a.1", sessions.lines["a.1"], 100);
        assert_eq!(problem.as_deref(), Some("1 of 4 lines are missing"));
    }

    #[test]
    fn a_session_that_began_inside_begins_with_its_first_line() {
        let lines = Lines { first: 3, last: 4, n: 2 };
        assert_eq!(fault("64.1", lines, 101), None);
        assert!(fault("64.1", lines, 99).is_some());
        assert!(fault("64.1", Lines { first: 1, last: 2, n: 3 }, 0).is_some());
    }

    #[test]
    fn lines_of_json() {
        let mut sessions = Sessions::default();
        let text = "{\"session_id\":\"a.1\",\"line_num\":1}\n\
                    {\"session_id\":\"a.1\",\"line_num\":2}\n\n";
        sessions.json(text.as_bytes()).expect("bytes");
        assert_eq!(sessions.lines["a.1"], Lines { first: 1, last: 2, n: 2 });
    }
}
