//! Ends of records of CSV, with quotes checked strictly (RFC 4180 section 2), so that a record
//! that was cut off in the middle damages itself and not everything behind it.

use memchr::{memchr, memchr3};

/// What a look at more bytes gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The record ends before the `\n` at this place.
    Record(usize),
    /// The record is broken; what is before the `\n` at this place is given up.
    Damaged(usize),
    /// No end yet.
    More,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Bare,
    Quoted,
    /// Behind a quote within quotes: the end of the field, or half of a doubled quote.
    Quote,
    /// Something impossible was seen; the next end of a line is the end.
    Broken,
}

/// The state of the look, kept while more bytes come.
#[derive(Debug, Default)]
pub(crate) struct CsvScan {
    at: usize,
    state: State,
    last_line_end: Option<usize>,
}

impl CsvScan {
    /// The last `\n` within quotes that was passed.
    pub(crate) fn last_line_end(&self) -> Option<usize> {
        self.last_line_end
    }

    /// Goes on with a record whose bytes so far are `bytes`.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Cut {
        while let Some(&byte) = bytes.get(self.at) {
            match self.state {
                State::FieldStart => match byte {
                    b'"' => self.state = State::Quoted,
                    b',' => {}
                    b'\n' => return Cut::Record(self.at),
                    _ => self.state = State::Bare,
                },
                State::Bare => match memchr3(b',', b'\n', b'"', &bytes[self.at..]) {
                    None => self.at = bytes.len() - 1,
                    Some(n) => {
                        self.at += n;
                        match bytes[self.at] {
                            b',' => self.state = State::FieldStart,
                            b'\n' => return Cut::Record(self.at),
                            _ => self.state = State::Broken,
                        }
                    }
                },
                State::Quoted => match memchr::memchr2(b'"', b'\n', &bytes[self.at..]) {
                    None => self.at = bytes.len() - 1,
                    Some(n) => {
                        self.at += n;
                        match bytes[self.at] {
                            b'"' => self.state = State::Quote,
                            _ => self.last_line_end = Some(self.at),
                        }
                    }
                },
                State::Quote => match byte {
                    b'"' => self.state = State::Quoted,
                    b',' => self.state = State::FieldStart,
                    b'\n' => return Cut::Record(self.at),
                    b'\r' => self.state = State::Bare,
                    _ => self.state = State::Broken,
                },
                State::Broken => {
                    if let Some(at) = self.last_line_end {
                        return Cut::Damaged(at);
                    }
                    match memchr(b'\n', &bytes[self.at..]) {
                        None => self.at = bytes.len() - 1,
                        Some(n) => return Cut::Damaged(self.at + n),
                    }
                }
            }
            self.at += 1;
        }
        Cut::More
    }
}
