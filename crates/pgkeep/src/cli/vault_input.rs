//! Secrets that a person or a script gives: typed on a terminal without being shown, else read
//! from standard input, a line each. Never from arguments or the environment.

use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;

use base::{ExitCode, Fault, Secret};
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use super::output::say;

/// No secret is longer: passphrases have 1,024 bytes at most, shares far less.
const LINE_MAX_BYTES: usize = 2048;

const INTERRUPT: u8 = 3;
const END_OF_INPUT: u8 = 4;
const BACKSPACE: u8 = 8;
const KILL_LINE: u8 = 21;
const DELETE: u8 = 127;

/// What came.
#[derive(Debug)]
pub(super) enum Entered {
    /// A line that is not empty.
    Line(Secret<String>),
    /// Nothing more.
    End,
}

/// Secrets, one a line.
pub(super) struct Lines {
    terminal: bool,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { terminal: std::io::stdin().is_terminal() }
    }

    /// The next one. `prompt` is said on a terminal only.
    pub(super) fn next(&mut self, prompt: &str) -> Result<Entered, Fault> {
        let line = if self.terminal {
            say(prompt);
            let _quiet = Quiet::begin()?;
            read(Keys::Terminal)?
        } else {
            read(Keys::Raw)?
        };
        let text = std::str::from_utf8(line.expose())
            .map_err(|_| refused("what was read is not UTF-8"))?
            .to_owned();
        let text = Secret::new(text);
        Ok(if text.expose().is_empty() { Entered::End } else { Entered::Line(text) })
    }
}

/// A passphrase that is there already.
pub(super) fn passphrase(prompt: &str) -> Result<Secret<String>, Fault> {
    match Lines::new().next(prompt)? {
        Entered::Line(text) => Ok(text),
        Entered::End => Err(refused("no passphrase was given")
            .hint("type it, or give it as the first line of standard input")),
    }
}

/// A passphrase to be: on a terminal it is typed twice.
pub(super) fn new_passphrase(prompt: &str) -> Result<Secret<String>, Fault> {
    let first = passphrase(prompt)?;
    if Lines::new().terminal {
        let second = passphrase("The same again:")?;
        if !crypto::constant_time_eq(first.expose().as_bytes(), second.expose().as_bytes()) {
            return Err(refused("the two passphrases differ"));
        }
    }
    Ok(first)
}

/// A terminal that shows nothing, until dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Result<Self, Fault> {
        let stdin = std::io::stdin();
        let failed = |e| Fault::from_error("terminal", "could not hide what is typed", &e);
        let before = termios::tcgetattr(stdin.as_fd()).map_err(failed)?;
        let mut quiet = before.clone();
        // Key by key: an interrupt must find its way here, to put the terminal right again.
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(stdin.as_fd(), OptionalActions::Flush, &quiet).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nothing to be done about a terminal that is gone.
        let _ = termios::tcsetattr(std::io::stdin().as_fd(), OptionalActions::Now, &self.0);
    }
}

/// What bytes mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Themselves, up to a line feed.
    Raw,
    /// Keys of a terminal: some correct what was typed.
    Terminal,
}

/// Reads one line byte by byte: what follows stays for whoever reads next, and no buffer keeps
/// a copy.
fn read(keys: Keys) -> Result<Secret<Vec<u8>>, Fault> {
    let stdin = std::io::stdin();
    line(keys, || {
        let mut byte = [0; 1];
        loop {
            match rustix::io::read(stdin.as_fd(), &mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(Some(byte[0])),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => {
                    return Err(Fault::from_error("input", "could not read standard input", &e));
                }
            }
        }
    })
}

fn line(
    keys: Keys,
    mut next: impl FnMut() -> Result<Option<u8>, Fault>,
) -> Result<Secret<Vec<u8>>, Fault> {
    // Of its final size: growing would leave pieces behind.
    let mut line = Secret::new(Vec::with_capacity(LINE_MAX_BYTES));
    let text = line.expose_mut();
    while let Some(byte) = next()? {
        match (keys, byte) {
            (_, b'\n') | (Keys::Terminal, b'\r' | END_OF_INPUT) => break,
            (Keys::Terminal, INTERRUPT) => {
                return Err(Fault::new("interrupted", "interrupted"));
            }
            (Keys::Terminal, BACKSPACE | DELETE) => {
                // A whole character, however many bytes it has.
                while text.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            (Keys::Terminal, KILL_LINE) => text.clear(),
            _ if text.len() == LINE_MAX_BYTES => {
                return Err(refused("what was given is too long"));
            }
            _ => text.push(byte),
        }
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(line)
}

fn refused(message: &str) -> Fault {
    Fault::new("usage", message).exit(ExitCode::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: Keys, bytes: &[u8]) -> Result<(String, usize), Fault> {
        let mut rest = bytes.iter();
        let read = line(keys, || Ok(rest.next().copied()))?;
        Ok((String::from_utf8(read.expose().clone()).unwrap(), rest.len()))
    }

    #[test]
    fn a_line_ends_where_it_ends() {
        assert_eq!(typed(Keys::Raw, b"abc\ndef\n").unwrap(), ("abc".to_owned(), 4));
        assert_eq!(typed(Keys::Raw, b"abc\r\n").unwrap().0, "abc");
        assert_eq!(typed(Keys::Raw, b"a b ").unwrap().0, "a b ");
        assert_eq!(typed(Keys::Raw, b"").unwrap().0, "");
        assert!(typed(Keys::Raw, &[b'x'; LINE_MAX_BYTES + 1]).is_err());
        assert!(typed(Keys::Raw, &[b'x'; LINE_MAX_BYTES]).is_ok());
    }

    #[test]
    fn a_terminal_lets_correct() {
        assert_eq!(typed(Keys::Terminal, b"abd\x7fc\r").unwrap().0, "abc");
        assert_eq!(typed(Keys::Terminal, "aü\x7fb\n".as_bytes()).unwrap().0, "ab");
        assert_eq!(typed(Keys::Terminal, b"wrong\x15right\x04").unwrap().0, "right");
        assert_eq!(typed(Keys::Terminal, b"ab\x03").unwrap_err().code, "interrupted");
        assert_eq!(typed(Keys::Raw, b"a\x03b\n").unwrap().0, "a\x03b");
    }
}
