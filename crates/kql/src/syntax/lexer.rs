//! Text → tokens, following `TokenParser` of Kusto's own language library. Never fails.

use super::token::{DASHED, Fault, NEGATED, TYPED, Token, TokenKind, UNITS};
use super::tree::Span;

/// All tokens of a text; the last one is `TokenKind::End`.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        let before = lexer.at;
        lexer.blanks();
        let start = lexer.at;
        let glued = start == before && tokens.last().is_none_or(|t| t.kind != TokenKind::Comment);
        let (kind, fault) = lexer.token(tokens.is_empty());
        tokens.push(Token { kind, span: Span::new(start, lexer.at), glued, fault });
        if kind == TokenKind::End {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

type Scanned = (TokenKind, Option<Fault>);

/// Blanks in the sense of Kusto, line ends included.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{180e}')
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_name_char(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl<'a> Lexer<'a> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn blanks(&mut self) {
        while let Some(c) = self.char().filter(|c| is_blank(*c)) {
            self.at += c.len_utf8();
        }
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find(is_line_end).unwrap_or(rest.len());
    }

    fn token(&mut self, first: bool) -> Scanned {
        let Some(c) = self.char() else { return (TokenKind::End, None) };
        let next = self.byte(1);
        match c {
            '/' if next == b'/' => {
                self.skip_line();
                (TokenKind::Comment, None)
            }
            '#' if first || self.begins_line() => {
                self.skip_line();
                (TokenKind::Comment, None)
            }
            '\'' | '"' => self.string(),
            '@' if matches!(next, b'\'' | b'"') => self.string(),
            '`' if self.rest().starts_with("```") => self.string(),
            '~' if self.rest().starts_with("~~~") => self.string(),
            'h' | 'H' if self.hidden_string() => {
                self.at += 1;
                self.string()
            }
            '!' => self.bang(),
            c if c.is_ascii_digit() => self.number(),
            c if c == '_' || c == '$' || c.is_alphabetic() => self.name(),
            _ => self.punctuation(c, next),
        }
    }

    fn begins_line(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or("");
        before.trim_end_matches([' ', '\t']).ends_with(is_line_end)
    }

    fn hidden_string(&self) -> bool {
        let rest = &self.rest()[1..];
        let rest = rest.strip_prefix('@').unwrap_or(rest);
        rest.starts_with(['\'', '"']) || rest.starts_with("```") || rest.starts_with("~~~")
    }

    fn string(&mut self) -> Scanned {
        for fence in ["```", "~~~"] {
            if self.rest().starts_with(fence) {
                self.at += fence.len();
                let end = self.rest().find(fence);
                self.at += end.map_or(self.rest().len(), |n| n + fence.len());
                return (TokenKind::String, end.is_none().then_some(Fault::Unclosed));
            }
        }
        let verbatim = self.byte(0) == b'@';
        if verbatim {
            self.at += 1;
        }
        let quote = self.byte(0);
        self.at += 1;
        let mut fault = None;
        while let Some(c) = self.char() {
            if is_line_end(c) {
                break;
            }
            let two = verbatim && self.byte(0) == quote && self.byte(1) == quote;
            if two {
                self.at += 2;
            } else if c == '\\' && !verbatim {
                match escape(self.rest()) {
                    Some((_, length)) => self.at += length,
                    None => {
                        fault = Some(Fault::Escape);
                        self.at += 1;
                    }
                }
            } else {
                self.at += c.len_utf8();
                if c == char::from(quote) {
                    return (TokenKind::String, fault);
                }
            }
        }
        (TokenKind::String, Some(Fault::Unclosed))
    }

    fn bang(&mut self) -> Scanned {
        match self.byte(1) {
            b'=' => self.take(2, TokenKind::BangEqual),
            b'~' => self.take(2, TokenKind::BangTilde),
            _ => {
                let word = self.word_at(self.at + 1);
                let tilde = word == "in" && self.byte(3) == b'~';
                if NEGATED.contains(&word) {
                    let length = 1 + word.len() + usize::from(tilde);
                    return self.take(length, TokenKind::NotWord);
                }
                self.at += 1;
                (TokenKind::Bad, Some(Fault::Character))
            }
        }
    }

    /// The run of name characters at `at`, which may be empty.
    fn word_at(&self, at: usize) -> &'a str {
        let rest = self.text.get(at..).unwrap_or("");
        let end = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
        &rest[..end]
    }

    fn take(&mut self, length: usize, kind: TokenKind) -> Scanned {
        self.at += length;
        (kind, None)
    }

    fn name(&mut self) -> Scanned {
        if self.raw_guid() {
            return self.take(36, TokenKind::Guid);
        }
        let dollar = usize::from(self.byte(0) == b'$');
        let word = self.word_at(self.at + dollar);
        let after = self.byte(dollar + word.len());
        if after == b'(' && dollar == 0 && TYPED.contains(&word) {
            return self.typed(word.len());
        }
        if after == b'-' && dollar == 0 {
            for dashed in DASHED {
                if self.rest().starts_with(dashed)
                    && self.word_at(self.at + dashed.len()).is_empty()
                {
                    return self.take(dashed.len(), TokenKind::Name);
                }
            }
        }
        let tilde = usize::from(word == "in" && after == b'~');
        self.take(dollar + word.len() + tilde, TokenKind::Name)
    }

    /// A typed literal ends at the first closing parenthesis of its line.
    fn typed(&mut self, word: usize) -> Scanned {
        self.at += word + 1;
        let rest = self.rest();
        let end = rest.find(|c| c == ')' || is_line_end(c)).unwrap_or(rest.len());
        self.at += end;
        if self.byte(0) == b')' {
            return self.take(1, TokenKind::Typed);
        }
        (TokenKind::Typed, Some(Fault::Unclosed))
    }

    fn raw_guid(&self) -> bool {
        let Some(text) = self.bytes.get(self.at..self.at + 36) else { return false };
        let dash = |i: usize| matches!(i, 8 | 13 | 18 | 23);
        text.iter()
            .enumerate()
            .all(|(i, b)| if dash(i) { *b == b'-' } else { b.is_ascii_hexdigit() })
    }

    fn digits(&self, from: usize) -> usize {
        self.bytes.get(from..).unwrap_or(&[]).iter().take_while(|b| b.is_ascii_digit()).count()
    }

    fn number(&mut self) -> Scanned {
        if self.raw_guid() {
            return self.take(36, TokenKind::Guid);
        }
        let ends = |at: usize| self.word_at(at).is_empty();
        if let Some(end) = self.real_end().filter(|end| ends(*end)) {
            self.at = end;
            return (TokenKind::Real, None);
        }
        let whole = self.at + self.digits(self.at);
        let fraction = match self.bytes.get(whole) {
            Some(b'.') => self.digits(whole + 1),
            _ => 0,
        };
        let unit_at = if fraction > 0 { whole + 1 + fraction } else { whole };
        let unit = self.word_at(unit_at);
        if UNITS.contains(&unit) {
            self.at = unit_at + unit.len();
            return (TokenKind::TimeSpan, None);
        }
        let word = self.word_at(self.at);
        let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let is_hex = hex.is_some_and(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_hexdigit()));
        let kind = if is_hex || ends(whole) { TokenKind::Long } else { TokenKind::Name };
        self.take(word.len(), kind)
    }

    /// Where a real number ends that begins here: `1.`, `1.5`, `1e3`, but not `1` of `1..2`.
    fn real_end(&self) -> Option<usize> {
        let mut at = self.at + self.digits(self.at);
        let byte = |at: usize| self.bytes.get(at).copied().unwrap_or(0);
        let point = byte(at) == b'.' && (byte(at + 1) != b'.' || byte(at + 2) == b'.');
        if point {
            at += 1;
            at += self.digits(at);
        }
        if matches!(byte(at), b'e' | b'E') {
            let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
            let exponent = self.digits(at + 1 + sign);
            if exponent > 0 {
                return Some(at + 1 + sign + exponent);
            }
        }
        point.then_some(at)
    }

    fn punctuation(&mut self, c: char, next: u8) -> Scanned {
        use TokenKind::*;
        let (kind, length) = match (c, next) {
            ('(', _) => (OpenParen, 1),
            (')', _) => (CloseParen, 1),
            ('[', _) => (OpenBracket, 1),
            (']', _) => (CloseBracket, 1),
            ('{', _) => (OpenBrace, 1),
            ('}', _) => (CloseBrace, 1),
            ('|', _) => (Bar, 1),
            ('.', b'.') => (DotDot, 2),
            ('.', _) => (Dot, 1),
            ('+', _) => (Plus, 1),
            ('-', _) => (Minus, 1),
            ('*', _) => (Star, 1),
            ('/', _) => (Slash, 1),
            ('%', _) => (Percent, 1),
            ('<', b'=') => (LessEqual, 2),
            ('<', b'>') => (LessGreater, 2),
            ('<', _) => (Less, 1),
            ('>', b'=') => (GreaterEqual, 2),
            ('>', _) => (Greater, 1),
            ('=', b'=') => (EqualEqual, 2),
            ('=', b'>') => (Arrow, 2),
            ('=', b'~') => (EqualTilde, 2),
            ('=', _) => (Equal, 1),
            (':', _) => (Colon, 1),
            (';', _) => (Semicolon, 1),
            (',', _) => (Comma, 1),
            ('@', _) => (At, 1),
            ('?', _) => (Question, 1),
            _ => {
                self.at += c.len_utf8();
                return (Bad, Some(Fault::Character));
            }
        };
        self.take(length, kind)
    }
}

/// The character that an escape stands for, with the escape's length. The text begins with `\`.
pub(super) fn escape(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let hex = |length: usize| {
        let digits = text.get(2..2 + length)?;
        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| all)?;
        // A half of a surrogate pair is no character here; it becomes the replacement.
        Some((char::from_u32(code).unwrap_or('\u{fffd}'), 2 + length))
    };
    Some(match bytes.get(1)? {
        b'\\' => ('\\', 2),
        b'\'' => ('\'', 2),
        b'"' => ('"', 2),
        b'a' => ('\u{7}', 2),
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'v' => ('\u{b}', 2),
        b'u' => return hex(4),
        b'U' => return hex(8),
        b'x' => return hex(2),
        b'0'..=b'7' => {
            let most = if bytes[1] <= b'3' { 3 } else { 2 };
            let digits = bytes[1..].iter().take(most).take_while(|b| (b'0'..=b'7').contains(b));
            let (code, n) = digits.fold((0, 0), |(c, n), b| (c * 8 + u32::from(b - b'0'), n + 1));
            (char::from_u32(code)?, 1 + n)
        }
        _ => return None,
    })
}
