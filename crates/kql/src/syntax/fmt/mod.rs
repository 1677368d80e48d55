//! The formatter: where lines break and how far they are set in. `space` says what stands between
//! tokens of one line.
//!
//! Each operator of a pipe begins a line, sub-queries and bodies stand on lines of their own, set
//! in by four. Other line breaks stay where they make sense: after a comma or an opening bracket,
//! before a closing one, before words like `and` and `by`. Long lines are not broken. Every
//! comment stays; formatting twice changes nothing more.

mod groups;
mod space;
#[cfg(test)]
mod tests;

use super::lexer::tokens;
use super::parser::parse;
use super::token::{Token, TokenKind};
use crate::diagnostic::{Diagnostic, Severity};
use groups::{Group, groups};
use space::Segment;

/// Formats a text; a text with errors is refused with these.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, mut findings) = parse(text);
    findings.retain(|d| d.severity == Severity::Error);
    if !findings.is_empty() {
        return Err(findings);
    }
    let tokens = tokens(text);
    let mut writer = Writer {
        text,
        groups: groups(text, &tokens),
        before: before(&tokens),
        next: next(&tokens),
        tokens,
        out: String::with_capacity(text.len() + text.len() / 4),
        line: 0,
        levels: vec![Level::top()],
        after_columns: false,
        after_broken: false,
    };
    writer.write();
    Ok(writer.out)
}

/// Words before which a line break stays.
const BREAK_BEFORE: &[&str] = &[
    "and",
    "by",
    "default",
    "from",
    "in",
    "limit",
    "on",
    "or",
    "order",
    "partition",
    "project",
    "step",
    "to",
    "where",
    "with",
];

/// What is open: the text itself, a bracket.
struct Level {
    /// How far its lines are set in
    content: usize,
    /// How far the line of its closing bracket is set in
    close: usize,
    /// How far a `|` is set in
    bar: usize,
    /// How far the rest of an operator or statement is set in
    rest: usize,
    /// Lines break after the opening bracket and before the closing one
    broken: bool,
    /// Holds statements
    statements: bool,
    /// Columns of a `datatable(…)`
    columns: bool,
    segment: Segment,
}

impl Level {
    fn top() -> Self {
        Self {
            content: 0,
            close: 0,
            bar: 0,
            rest: 1,
            broken: false,
            statements: true,
            columns: false,
            segment: Segment::default(),
        }
    }

    fn of(group: &Group, line: usize) -> Self {
        let content = line + 1;
        Self {
            content,
            close: line,
            bar: content,
            rest: if group.broken { content + 1 } else { content },
            broken: group.broken,
            statements: group.statements,
            columns: group.columns,
            segment: Segment::of(group),
        }
    }
}

struct Writer<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// For each opening bracket what is known of it
    groups: Vec<Option<Group>>,
    /// For each token the kind of the one before it, comments left out
    before: Vec<Option<TokenKind>>,
    /// For each token its kind, for a comment the kind of the next token that is none
    next: Vec<TokenKind>,
    out: String,
    /// How far the current line is set in
    line: usize,
    levels: Vec<Level>,
    /// The columns of a `datatable(…)` have just ended
    after_columns: bool,
    /// A bracket with lines of its own has just closed
    after_broken: bool,
}

impl Writer<'_> {
    fn slice(&self, token: Token) -> &str {
        &self.text[token.span.start..token.span.end]
    }

    fn level(&self) -> &Level {
        self.levels.last().expect("because the level of the text is never taken off")
    }

    fn write(&mut self) {
        for at in 0..self.tokens.len() {
            let token = self.tokens[at];
            if token.kind == TokenKind::End {
                break;
            }
            self.enter_segment(at);
            let closes = is_close(token.kind);
            self.gap(at, closes);
            (self.after_columns, self.after_broken) = (false, false);
            if closes
                && self.levels.len() > 1
                && let Some(closed) = self.levels.pop()
            {
                (self.after_columns, self.after_broken) = (closed.columns, closed.broken);
            }
            let text = self.text[token.span.start..token.span.end].trim_end();
            self.out.push_str(text);
            if let Some(group) = &self.groups[at] {
                let level = Level::of(group, self.line);
                self.levels.push(level);
            }
            self.after(token);
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    /// Remembers which operator begins at a token.
    fn enter_segment(&mut self, at: usize) {
        let token = self.tokens[at];
        if token.kind == TokenKind::Comment {
            return;
        }
        let before = self.before(at);
        let word = self.slice(token).to_owned();
        let next = self.tokens.get(at + 1).is_some_and(|t| t.kind == TokenKind::OpenParen);
        let level = self.levels.last_mut().expect("because the level of the text stays");
        let value = level.segment.begins_value(before);
        let begins = value || before.is_none_or(begins_segment);
        let function = next && matches!(word.as_str(), "count" | "range");
        if begins && token.kind == TokenKind::Name && !function {
            let declares = level.statements && matches!(word.as_str(), "let" | "set" | "alias");
            if level.statements && !value && before != Some(TokenKind::Bar) {
                level.bar = level.content + usize::from(declares);
                level.rest = level.content + 1;
            }
            level.segment.enter(&word, declares);
        }
        level.segment.step(&word, token.kind);
    }

    /// The kind of the token before, comments left out.
    fn before(&self, at: usize) -> Option<TokenKind> {
        self.before[at]
    }

    fn after(&mut self, token: Token) {
        let level = self.levels.last_mut().expect("because the level of the text stays");
        match token.kind {
            TokenKind::Bar => level.rest = level.bar + 1,
            TokenKind::Semicolon if level.statements => {
                level.bar = level.content;
                level.rest = level.content + 1;
                level.segment = Segment::default();
            }
            _ => {}
        }
    }

    /// Writes what stands before a token: nothing, a blank, or a line break.
    fn gap(&mut self, at: usize, closes: bool) {
        let Some(before) = at.checked_sub(1).map(|i| self.tokens[i]) else { return };
        let token = self.tokens[at];
        let blank = &self.text[before.span.end..token.span.start];
        let ends = line_ends(blank);
        if self.breaks(before, token, ends > 0) {
            let tight = closes || is_open(before.kind) || before.kind == TokenKind::Equal;
            let empty = ends > 1 && !tight;
            self.out.push_str(if empty { "\n\n" } else { "\n" });
            self.line = self.indent(at);
            for _ in 0..self.line {
                self.out.push_str("    ");
            }
        } else if self.spaced(at) {
            self.out.push(' ');
        }
    }

    fn breaks(&self, before: Token, token: Token, broken: bool) -> bool {
        use TokenKind::{Bar, Comma, Comment, Name, Semicolon};
        let level = self.level();
        if before.kind == Comment {
            return true;
        }
        if token.kind == Comment {
            return broken || self.slice(token).starts_with('#');
        }
        let opens = is_open(before.kind);
        let closes = is_close(token.kind);
        if token.kind == Bar || before.kind == Semicolon || (level.broken && (opens || closes)) {
            return !(opens && closes);
        }
        if !broken {
            return false;
        }
        let text = self.slice(token);
        let word = token.kind == Name
            && BREAK_BEFORE.contains(&text)
            && !(text == "on" && self.after_broken);
        before.kind == Comma || opens || closes || word || level.segment.value_begins()
    }

    /// How far a line is set in that begins with a token.
    fn indent(&self, at: usize) -> usize {
        let level = self.level();
        let next = self.next[at];
        let comment = self.tokens[at].kind == TokenKind::Comment;
        if is_close(next) {
            return if comment { level.content } else { level.close };
        }
        if next == TokenKind::Bar {
            return level.bar;
        }
        match self.before(at) {
            Some(TokenKind::Semicolon) | None => level.content,
            Some(kind) if is_open(kind) => level.content,
            _ if next == TokenKind::End => level.content,
            _ => level.rest,
        }
    }

    /// Whether a blank stands between a token and the one before it on the same line.
    fn spaced(&self, at: usize) -> bool {
        if self.after_columns && self.tokens[at].kind == TokenKind::OpenBracket {
            return true;
        }
        self.level().segment.spaced(self.text, &self.tokens, at)
    }
}

pub(super) fn is_open(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace)
}

pub(super) fn is_close(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace)
}

fn before(tokens: &[Token]) -> Vec<Option<TokenKind>> {
    let mut last = None;
    let step = |token: &Token| {
        let before = last;
        if token.kind != TokenKind::Comment {
            last = Some(token.kind);
        }
        before
    };
    tokens.iter().map(step).collect()
}

fn next(tokens: &[Token]) -> Vec<TokenKind> {
    let mut kinds: Vec<TokenKind> = tokens.iter().map(|t| t.kind).collect();
    for at in (1..kinds.len()).rev() {
        if kinds[at - 1] == TokenKind::Comment {
            kinds[at - 1] = kinds[at];
        }
    }
    kinds
}

/// Whether an operator or a statement may begin after this.
fn begins_segment(before: TokenKind) -> bool {
    use TokenKind::{Bar, OpenBrace, OpenParen, Semicolon};
    matches!(before, Bar | Semicolon | OpenParen | OpenBrace)
}

/// How many lines end in a text, `\r\n` being one end.
fn line_ends(text: &str) -> usize {
    let mut n = 0;
    let mut last = ' ';
    for c in text.chars() {
        if matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}') && !(c == '\n' && last == '\r') {
            n += 1;
        }
        last = c;
    }
    n
}
