//! What stands between two tokens of one line.

use super::super::token::{Token, TokenKind};
use super::groups::Group;
use super::{is_close, is_open};

/// So many parts of a name's pattern are looked at.
const PATTERN_PARTS_MAX: usize = 256;

/// The operator or statement that tokens belong to, as far as blanks depend on it.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// Its word
    word: String,
    /// A `let`, `set` or `alias` whose value has not begun
    declaring: bool,
    /// This token begins that value
    value_begins: bool,
    /// Only properties have followed its word: how far the current one is read
    properties: Properties,
    /// This token is the value of a property
    is_value: bool,
    /// The token before was the value of a property
    after_value: bool,
    /// In brackets of which kind
    bracket: Option<TokenKind>,
    json: bool,
    options: bool,
    /// Stars belong to names here
    tables: bool,
}

/// How far `name=value` is read.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Properties {
    /// No properties here
    #[default]
    None,
    /// A name may follow
    Name,
    /// `hint` was read, a dot and a word may follow
    Hint,
    /// The name was read, `=` may follow
    Equal,
    /// `=` was read, a value follows
    Value,
}

impl Segment {
    pub(super) fn of(group: &Group) -> Self {
        Self {
            bracket: Some(group.kind),
            json: group.json,
            options: group.options,
            tables: group.tables || group.kind == TokenKind::OpenBracket,
            ..Self::default()
        }
    }

    /// Whether this token begins the value of a `let` or the like.
    pub(super) fn begins_value(&mut self, before: Option<TokenKind>) -> bool {
        self.value_begins = self.declaring && before == Some(TokenKind::Equal);
        self.declaring &= !self.value_begins;
        self.value_begins
    }

    /// Whether the token is one for which `begins_value` said so.
    pub(super) fn value_begins(&self) -> bool {
        self.value_begins
    }

    /// An operator or statement begins with this word.
    pub(super) fn enter(&mut self, word: &str, declares: bool) {
        self.declaring = declares;
        self.properties = Properties::Name;
        word.clone_into(&mut self.word);
    }

    /// Follows the properties after the operator's word.
    pub(super) fn step(&mut self, word: &str, kind: TokenKind) {
        use Properties::{Equal, Hint, Name, None, Value};
        self.after_value = self.is_value;
        self.is_value = self.properties == Value;
        if word == self.word && self.properties == Name {
            return;
        }
        self.properties = match (self.properties, kind) {
            (Name, TokenKind::Name) if word == "hint" => Hint,
            (Name, TokenKind::Name) if self.takes(word) => Equal,
            (Hint, TokenKind::Dot) => Hint,
            (Hint, TokenKind::Name) => Equal,
            (Equal, TokenKind::Equal) => Value,
            (Value, _) => Name,
            _ => None,
        };
    }

    /// Whether a word is a property of this operator.
    fn takes(&self, property: &str) -> bool {
        match self.word.as_str() {
            "join" | "lookup" | "getschema" | "make-series" | "search" | "reduce" => {
                property == "kind"
            }
            "union" | "find" | "macro-expand" => matches!(
                property,
                "kind" | "withsource" | "with_source" | "isfuzzy" | "best_effort"
            ),
            "mv-expand" | "mvexpand" | "mv-apply" => {
                matches!(property, "kind" | "bagexpansion" | "with_itemindex")
            }
            "parse" | "parse-where" => matches!(property, "kind" | "flags"),
            "scan" => property == "with_match_id",
            "graph-match" | "graph-shortest-paths" => matches!(property, "cycles" | "output"),
            "graph-mark-components" => matches!(property, "kind" | "with_component_id"),
            _ => false,
        }
    }

    fn graph(&self) -> bool {
        self.word.starts_with("graph-") || self.word == "make-graph"
    }

    /// Whether stars belong to names.
    fn patterns(&self) -> bool {
        matches!(
            self.word.as_str(),
            "union"
                | "find"
                | "search"
                | "restrict"
                | "project-away"
                | "project-keep"
                | "project-reorder"
                | "project-by-names"
        ) || self.tables
    }

    /// Whether a blank stands before the token `at` on the line of the one before.
    pub(super) fn spaced(&self, text: &str, tokens: &[Token], at: usize) -> bool {
        let (before, token) = (tokens[at - 1], tokens[at]);
        let earlier = |n: usize| at.checked_sub(n).map(|i| tokens[i]);
        let unary = || begins_operand(text, earlier(2));
        let patterns = || self.patterns() || after_dot(&tokens[..at]);
        use TokenKind::*;
        let (left, right) = (before.kind, token.kind);
        let word = &text[before.span.start..before.span.end];
        match (left, right) {
            (_, Comment) => return true,
            (_, Comma | Semicolon) => return false,
            (OpenBrace, CloseBrace) => return false,
            (OpenBrace, _) | (_, CloseBrace) => return !self.json,
            (_, OpenBrace) if left != OpenParen && left != OpenBracket => return true,
            _ => {}
        }
        if self.graph() && (arrow(left) || arrow(right)) {
            return !token.glued;
        }
        if is_open(left) || is_close(right) {
            return false;
        }
        match (left, right) {
            (Dot, _) | (_, Dot) => false,
            (DotDot, _) | (_, DotDot) => self.bracket != Some(OpenBracket),
            (CloseParen, Colon) => true,
            (_, Colon) => false,
            (Star, Name | Long | Star) | (Name | Long, Star) if patterns() => !token.glued,
            // Parts of one pattern, as in `T*1a$b`.
            (Name | Long, Name | Long) => !token.glued,
            (Minus | Plus, _) if unary() => false,
            (Equal, _) => !self.is_value && !self.options,
            (_, Equal) => self.properties != Properties::Value && !self.options,
            (_, OpenParen | OpenBracket) if self.after_value => true,
            (Name, OpenParen) => takes_operand(word) || !token.glued,
            (CloseBracket | CloseParen, OpenParen) => !token.glued,
            (Name, OpenBracket) => takes_operand(word),
            (CloseBracket | CloseParen, OpenBracket) => false,
            _ => true,
        }
    }
}

/// Whether the last of these tokens belong to a name after a dot: `database("d").T*`.
fn after_dot(tokens: &[Token]) -> bool {
    let mut rest = tokens.iter().rev().take(PATTERN_PARTS_MAX).peekable();
    while let Some(token) = rest.next() {
        let is_part = matches!(token.kind, TokenKind::Star | TokenKind::Name | TokenKind::Long);
        match rest.peek() {
            Some(before) if is_part && before.kind == TokenKind::Dot => return true,
            Some(_) if is_part && token.glued => {}
            _ => return false,
        }
    }
    false
}

/// Parts of arrows, and of brackets that may stand in them.
fn arrow(kind: TokenKind) -> bool {
    use TokenKind::{CloseBracket, Greater, Less, Minus, OpenBracket};
    matches!(kind, Minus | Less | Greater | OpenBracket | CloseBracket)
}

/// Words that an operand follows, so that a parenthesis after them is no call.
const BEFORE_OPERANDS: &[&str] = &[
    "and",
    "as",
    "asc",
    "assert-schema",
    "between",
    "by",
    "contains",
    "contains_cs",
    "containscs",
    "declare",
    "default",
    "desc",
    "distinct",
    "endswith",
    "endswith_cs",
    "evaluate",
    "extend",
    "filter",
    "find",
    "fork",
    "from",
    "graph-match",
    "graph-shortest-paths",
    "graph-where-edges",
    "graph-where-nodes",
    "has",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "id",
    "in",
    "invoke",
    "in~",
    "join",
    "like",
    "limit",
    "lookup",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "mvapply",
    "mvexpand",
    "notcontains",
    "of",
    "on",
    "or",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "partitioned-by",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "reduce",
    "regex",
    "render",
    "sample",
    "sample-distinct",
    "search",
    "serialize",
    "sort",
    "startswith",
    "startswith_cs",
    "step",
    "summarize",
    "take",
    "to",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
    "with",
];

fn takes_operand(word: &str) -> bool {
    BEFORE_OPERANDS.binary_search(&word).is_ok()
}

/// Whether an operand may begin after a token, so that `-` there is a sign.
pub(super) fn begins_operand(text: &str, before: Option<Token>) -> bool {
    use TokenKind::*;
    let Some(before) = before else { return true };
    match before.kind {
        Name => takes_operand(&text[before.span.start..before.span.end]),
        Long | Real | TimeSpan | Guid | Typed | String | CloseParen | CloseBracket | CloseBrace
        | Dot | At | Question | Bad | End => false,
        _ => true,
    }
}
