//! The last lines that a child process wrote, bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStderr;

const LINES: usize = 200;
const LINE_BYTES: u64 = 2048;

/// The last 200 lines of a stream, each cut to 2 KiB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring(Arc<Mutex<VecDeque<String>>>);

impl Ring {
    /// Reads `stream` to its end in a task of its own.
    pub(crate) fn follow(&self, stream: ChildStderr) -> tokio::task::JoinHandle<()> {
        let ring = self.clone();
        tokio::spawn(async move { ring.read(BufReader::new(stream)).await })
    }

    async fn read(&self, mut stream: impl AsyncBufRead + Unpin) {
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut stream).take(LINE_BYTES).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => self.push(String::from_utf8_lossy(&line).trim_end().to_owned()),
            }
        }
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// What is in the ring now, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES, LINES, Ring};

    #[tokio::test]
    async fn keeps_the_last_lines_and_cuts_long_ones() {
        let mut text = "x".repeat(3 * LINE_BYTES as usize);
        for n in 0..LINES {
            text.push_str(&format!("\nline {n}"));
        }
        let ring = Ring::default();
        ring.read(text.as_bytes()).await;
        let lines = ring.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[LINES - 1], format!("line {}", LINES - 1));
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES as usize));
    }
}
