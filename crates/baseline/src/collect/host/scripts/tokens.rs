//! SQL text as tokens (section 4.1 of PostgreSQL's manual), as far as judging scripts needs them.

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A word or number, as it stands
    Word(&'a str),
    /// A name in double quotes, without them
    Name(&'a str),
    /// A text in single quotes or dollars, without them
    Text(&'a str),
    /// Anything else, one character
    Sign(char),
}

impl Token<'_> {
    /// Whether it is a key word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }
}

/// The statements of a text: each with the line where it begins.
pub(super) fn statements(text: &str) -> Vec<(usize, Vec<Token<'_>>)> {
    let mut all = Vec::new();
    let mut now = Vec::new();
    let mut begins = 1;
    // A body in the SQL standard's form has semicolons of its own.
    let mut depth = 0_usize;
    let mut rest = Rest { text, at: 0 };
    while let Some((at, token)) = rest.next() {
        if now.is_empty() {
            begins = 1 + text[..at].bytes().filter(|byte| *byte == b'\n').count();
        }
        let is_atomic =
            token.is("atomic") && now.last().is_some_and(|last: &Token<'_>| last.is("begin"));
        let opens = is_atomic || depth > 0 && token.is("case");
        if opens {
            depth += 1;
        } else if depth > 0 && token.is("end") {
            depth -= 1;
        }
        if token == Token::Sign(';') && depth == 0 {
            all.push((begins, std::mem::take(&mut now)));
        } else {
            now.push(token);
        }
    }
    if !now.is_empty() {
        all.push((begins, now));
    }
    all
}

struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn next(&mut self) -> Option<(usize, Token<'a>)> {
        self.skip();
        let start = self.at;
        let rest = &self.text[start..];
        let first = rest.chars().next()?;
        let token = match first {
            '\'' => Token::Text(self.quoted('\'', self.is_escape(start))),
            '"' => Token::Name(self.quoted('"', false)),
            '$' => match dollar(rest) {
                Some(tag) => {
                    let body = start + tag.len();
                    let end = self.text[body..].find(tag).map_or(self.text.len(), |n| body + n);
                    self.at = (end + tag.len()).min(self.text.len());
                    Token::Text(&self.text[body..end])
                }
                None => self.sign(first),
            },
            _ if is_word(first) => {
                let n = rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len());
                self.at += n;
                Token::Word(&rest[..n])
            }
            _ => self.sign(first),
        };
        Some((start, token))
    }

    fn sign(&mut self, sign: char) -> Token<'a> {
        self.at += sign.len_utf8();
        Token::Sign(sign)
    }

    /// White space, comments, and lines of psql's own.
    fn skip(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let n = if rest.starts_with("--") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                comment(rest)
            } else if rest.starts_with('\\') && self.text[..self.at].ends_with('\n')
                || rest.starts_with('\\') && self.at == 0
            {
                rest.find('\n').unwrap_or(rest.len())
            } else {
                rest.len() - rest.trim_start().len()
            };
            if n == 0 {
                return;
            }
            self.at += n;
        }
    }

    /// Whether a text is written with backslashes: `E'…'`.
    fn is_escape(&self, at: usize) -> bool {
        let before = self.text[..at].chars();
        let mut before = before.rev();
        matches!(before.next(), Some('e' | 'E')) && !before.next().is_some_and(is_word)
    }

    fn quoted(&mut self, quote: char, has_escapes: bool) -> &'a str {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        while at < bytes.len() {
            if bytes[at] == b'\\' && has_escapes {
                at += 2;
            } else if bytes[at] == quote as u8 {
                if bytes.get(at + 1) != Some(&(quote as u8)) {
                    break;
                }
                at += 2;
            } else {
                at += 1;
            }
        }
        let end = at.min(bytes.len());
        self.at = (end + 1).min(bytes.len());
        // Both ends stand at a quote, which is a whole character.
        self.text.get(start..end).unwrap_or("")
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

/// `$tag$` at the beginning of a text.
fn dollar(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 2;
    let tag = &text[1..end - 1];
    let is_tag = tag.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !tag.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| &text[..end])
}

/// The length of a comment, which may hold others.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}
