//! What the file-system process tells on its standard output, one JSON object a line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Longest line that is kept; the rest of a longer one is dropped.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// What was told so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// The mount answers.
    pub(crate) ready: bool,
    /// Device number of the mount, `major:minor`.
    pub(crate) device: Option<String>,
    /// Units, headers or groups that do not match their authentication code.
    pub(crate) n_tamper: u64,
    /// Dirty groups read again after an unclean stop.
    pub(crate) n_groups: u64,
    /// Units accepted once in them.
    pub(crate) n_accepted: u64,
    /// Files that take no more writes.
    pub(crate) n_poisoned: u64,
    /// Lines that report trouble, for the message of a failure.
    pub(crate) trouble: Vec<String>,
}

impl Tally {
    /// Adds another mount's tally.
    pub(crate) fn add(&mut self, other: &Self) {
        self.n_tamper += other.n_tamper;
        self.n_groups += other.n_groups;
        self.n_accepted += other.n_accepted;
        self.n_poisoned += other.n_poisoned;
        self.trouble.extend(other.trouble.iter().cloned());
    }

    fn take(&mut self, line: &str) {
        const MAX_TROUBLE: usize = 100;
        let trouble = match string(line, "event") {
            Some("ready") => {
                self.ready = true;
                self.device = string(line, "device").map(str::to_owned);
                false
            }
            Some("tamper") => {
                self.n_tamper += 1;
                true
            }
            Some("recovered") => {
                self.n_groups += number(line, "n_groups").unwrap_or(0);
                self.n_accepted += number(line, "n_accepted").unwrap_or(0);
                false
            }
            Some("poisoned") => {
                self.n_poisoned += 1;
                true
            }
            Some("failed") => true,
            _ => false,
        };
        if trouble && self.trouble.len() < MAX_TROUBLE {
            self.trouble.push(line.to_owned());
        }
    }
}

/// Reads events on a thread of its own until the process closes its output.
#[derive(Debug)]
pub(super) struct Listener {
    tally: Arc<Mutex<Tally>>,
    thread: JoinHandle<()>,
}

impl Listener {
    pub(super) fn start(output: impl Read + Send + 'static) -> Self {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let shared = Arc::clone(&tally);
        let thread = std::thread::spawn(move || {
            let mut input = BufReader::new(output);
            let mut line = Vec::new();
            while matches!((&mut input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line), Ok(1..))
            {
                let text = String::from_utf8_lossy(&line);
                shared.lock().unwrap_or_else(PoisonError::into_inner).take(text.trim());
                line.clear();
            }
        });
        Self { tally, thread }
    }

    /// What was told so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything that was told, once the process has ended.
    pub(super) fn finish(self) -> Tally {
        let _ = self.thread.join();
        Arc::into_inner(self.tally)
            .expect("because the thread that shared it has ended")
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a string member without escapes; enough for names that we chose ourselves.
pub(crate) fn string<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let rest = member(json, key)?.strip_prefix('"')?;
    rest.split('"').next()
}

/// The value of a member that is a whole number.
pub(crate) fn number(json: &str, key: &str) -> Option<u64> {
    let rest = member(json, key)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\"");
    let at = json.find(&quoted)? + quoted.len();
    Some(json[at..].trim_start().strip_prefix(':')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::{Listener, Tally};

    #[test]
    fn counts_what_it_hears() {
        let text = "\
{\"event\":\"ready\",\"mountpoint\":\"/m\",\"device\":\"0:50\"}
{\"event\":\"recovered\",\"n_groups\":12,\"n_accepted\":3,\"files\":[],\"duration_ms\":1}
noise
{\"event\":\"tamper\",\"file\":\"a\",\"unit\":7,\"reason\":\"code\"}
{\"event\": \"poisoned\", \"file\": \"b\", \"reason\": \"EIO\"}
";
        let tally = Listener::start(text.as_bytes()).finish();
        assert!(tally.ready);
        assert_eq!(tally.device.as_deref(), Some("0:50"));
        assert_eq!((tally.n_groups, tally.n_accepted), (12, 3));
        assert_eq!((tally.n_tamper, tally.n_poisoned), (1, 1));
        assert_eq!(tally.trouble.len(), 2);
    }

    #[test]
    fn adds_up() {
        let mut sum = Tally::default();
        let one = Tally { n_tamper: 2, n_accepted: 5, ..Tally::default() };
        sum.add(&one);
        sum.add(&one);
        assert_eq!((sum.n_tamper, sum.n_accepted), (4, 10));
    }
}
