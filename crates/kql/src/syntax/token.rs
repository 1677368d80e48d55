//! The tokens that a query's text falls into.
//!
//! A keyword is a `Name`: Kusto's keywords depend on their place, so the parser decides.

use super::tree::Span;

/// One token. Blanks between tokens are left out, comments are tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Which
    pub kind: TokenKind,
    /// Where
    pub span: Span,
    /// Whether it follows the token before it without a blank or a comment
    pub glued: bool,
    /// What is wrong with it
    pub fault: Option<Fault>,
}

/// What can be wrong with a token by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A text or a typed literal does not end
    Unclosed,
    /// A text has an escape that Kusto does not know
    Escape,
    /// A character that the language does not use
    Character,
}

/// The kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names of punctuation say it")]
pub enum TokenKind {
    /// A name or a keyword, `project-away` and `in~` included
    Name,
    /// `!in`, `!has`, `!in~` and so on
    NotWord,
    /// `1`, `0x1f`
    Long,
    /// `1.5`, `1e3`
    Real,
    /// `1d`, `2.5h`
    TimeSpan,
    /// A guid without `guid(…)`, which only `dynamic` allows
    Guid,
    /// A literal with its type: `datetime(2020-01-01)`
    Typed,
    /// A text in any kind of quotes
    String,
    /// `// …`, or a line that begins with `#`
    Comment,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Bar,
    Dot,
    DotDot,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Less,
    LessEqual,
    LessGreater,
    Greater,
    GreaterEqual,
    Equal,
    EqualEqual,
    EqualTilde,
    BangEqual,
    BangTilde,
    Arrow,
    Colon,
    Semicolon,
    Comma,
    At,
    Question,
    /// A character that the language does not use
    Bad,
    /// The end of the text; always the last token
    End,
}

/// Words with a dash that are one token.
pub(super) const DASHED: &[&str] = &[
    "assert-schema",
    "execute-and-cache",
    "granny-asc",
    "granny-desc",
    "graph-mark-components",
    "graph-match",
    "graph-merge",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "macro-expand",
    "make-graph",
    "make-series",
    "materialized-view-combine",
    "mv-apply",
    "mv-expand",
    "parse-kv",
    "parse-where",
    "partitioned-by",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "project-smart",
    "sample-distinct",
    "top-hitters",
    "top-nested",
];

/// Words that may follow `!`.
pub(super) const NEGATED: &[&str] = &[
    "between",
    "contains",
    "contains_cs",
    "endswith",
    "endswith_cs",
    "has",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "in",
    "in~",
    "startswith",
    "startswith_cs",
];

/// Words that a typed literal may begin with.
pub(super) const TYPED: &[&str] = &[
    "bool", "date", "datetime", "decimal", "double", "guid", "int", "int32", "int64", "long",
    "real", "time", "timespan", "uniqueid", "uuid",
];

/// Units of a timespan that is written as a number with a unit.
pub(super) const UNITS: &[&str] = &[
    "d",
    "day",
    "days",
    "h",
    "hour",
    "hours",
    "hr",
    "hrs",
    "m",
    "micro",
    "micros",
    "microsec",
    "microsecond",
    "microseconds",
    "milli",
    "millis",
    "millisec",
    "millisecond",
    "milliseconds",
    "min",
    "minute",
    "minutes",
    "ms",
    "nano",
    "nanos",
    "nanosec",
    "nanosecond",
    "nanoseconds",
    "s",
    "sec",
    "second",
    "seconds",
    "tick",
    "ticks",
];

/// Words that are no name of a column or table unless they stand in brackets. Kusto has more of
/// them (`card`, `timeline` …); those have no place in an expression and do no harm as names.
pub(super) const RESERVED: &[&str] = &[
    "and",
    "as",
    "asc",
    "between",
    "by",
    "contains",
    "contains_cs",
    "containscs",
    "datatable",
    "datetime",
    "decimal",
    "desc",
    "double",
    "dynamic",
    "endswith",
    "endswith_cs",
    "externaldata",
    "external_data",
    "float",
    "has",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "in",
    "in~",
    "int",
    "invoke",
    "like",
    "likecs",
    "long",
    "notcontains",
    "notcontainscs",
    "notlike",
    "notlikecs",
    "of",
    "or",
    "print",
    "project",
    "real",
    "sample",
    "startswith",
    "startswith_cs",
    "string",
    "timespan",
    "to",
    "union",
    "where",
];
