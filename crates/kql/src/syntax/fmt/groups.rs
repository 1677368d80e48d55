//! What stands in brackets, found before anything is written.

use super::super::token::{Token, TokenKind};
use super::{is_close, is_open, line_ends};

/// What is known of a bracket and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Which bracket
    pub(super) kind: TokenKind,
    /// Its content stands on lines of its own
    pub(super) broken: bool,
    /// Holds statements
    pub(super) statements: bool,
    /// In a `dynamic(…)`
    pub(super) json: bool,
    /// Its word is `with`: options follow
    pub(super) options: bool,
    /// Its word is `in` or `to`: names of tables with stars may follow
    pub(super) tables: bool,
    /// Its word is `datatable` or `externaldata`
    pub(super) columns: bool,
}

#[derive(Default)]
struct Open {
    at: usize,
    bar: bool,
    semicolon: bool,
    comment: bool,
    line_end: bool,
    json: bool,
}

/// For each token that opens a bracket what is in it; `None` for the others.
pub(super) fn groups(text: &str, tokens: &[Token]) -> Vec<Option<Group>> {
    let mut found: Vec<Option<Group>> = vec![None; tokens.len()];
    let mut open: Vec<Open> = Vec::new();
    let word = |at: Option<usize>| match at.map(|i| tokens[i]) {
        Some(t) if t.kind == TokenKind::Name => &text[t.span.start..t.span.end],
        _ => "",
    };
    let follows = |at: usize, kind| tokens.get(at).is_some_and(|t| t.kind == kind);
    for (at, token) in tokens.iter().enumerate() {
        if let Some(top) = open.last_mut() {
            let gap = &text[tokens[at - 1].span.end..token.span.start];
            top.line_end |= line_ends(gap) > 0;
            match token.kind {
                TokenKind::Bar => top.bar = true,
                TokenKind::Semicolon => top.semicolon = true,
                TokenKind::Comment => top.comment = true,
                _ => {}
            }
        }
        if is_open(token.kind) {
            let outer = open.last().is_some_and(|o| o.json);
            let json = outer || word(at.checked_sub(1)) == "dynamic";
            open.push(Open { at, json, ..Open::default() });
        } else if is_close(token.kind)
            && let Some(inner) = open.pop()
        {
            let kind = tokens[inner.at].kind;
            let word = word(inner.at.checked_sub(1));
            let body = kind == TokenKind::OpenBrace && !inner.json;
            let lines = body && (inner.line_end || inner.comment);
            let broken = inner.bar || inner.semicolon || lines;
            if let Some(outer) = open.last_mut() {
                // What is broken inside has line ends once it is formatted.
                outer.line_end |= inner.line_end || broken;
                outer.comment |= inner.comment;
            }
            found[inner.at] = Some(Group {
                kind,
                broken,
                statements: (body || inner.semicolon) && !inner.json,
                json: inner.json,
                options: word == "with" && follows(inner.at + 2, TokenKind::Equal),
                tables: matches!(word, "in" | "to"),
                columns: matches!(word, "datatable" | "externaldata" | "external_data"),
            });
        }
    }
    found
}
