//! The tree of a query's text. Every node has its place; what could not be read is `Missing`.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::operator::Operator;
use crate::value::{Json, Type};

/// A range of bytes in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte
    pub start: usize,
    /// First byte after it
    pub end: usize,
}

impl Span {
    /// A range.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range with both in it.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A name with its place. Quoted names (`['a b']`) come without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// As written, unquoted
    pub text: String,
    /// Where
    pub span: Span,
}

/// A whole text: statements in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// Statements; empty ones are left out
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Which
    pub kind: StatementKind,
    /// Where
    pub span: Span,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `let name = value`; a function is `Kind::Function`
    Let {
        /// The new name
        name: Name,
        /// Scalar, tabular or function
        value: Expr,
        /// `let view v = …` or `view () {…}`
        view: bool,
    },
    /// `set option [= value]`
    Set {
        /// The option
        name: Name,
        /// Its value
        value: Option<Expr>,
    },
    /// `declare query_parameters (…)`
    QueryParameters(Vec<Parameter>),
    /// `declare pattern name …`
    Pattern {
        /// The pattern's name
        name: Name,
        /// Its parameters; the path parameter, if any, is the last
        parameters: Vec<Parameter>,
        /// Whether the last parameter is the path parameter (in `[…]`)
        has_path: bool,
        /// The cases; empty for a mere declaration
        cases: Vec<PatternCase>,
    },
    /// `alias database name = expression`
    Alias {
        /// The alias
        name: Name,
        /// What it stands for
        value: Expr,
    },
    /// `restrict access to (…)`
    Restrict(Vec<Expr>),
    /// A query, tabular or scalar
    Query(Expr),
    /// `.show …` and the like: a management command, which no query engine runs
    Command(Name),
}

/// One case of a pattern: `("a", "b").["c"] = { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternCase {
    /// Literals to compare with
    pub arguments: Vec<Expr>,
    /// The literal of the path
    pub path: Option<Expr>,
    /// The body
    pub body: Vec<Statement>,
}

/// A parameter of a function: `name: type = default`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name
    pub name: Name,
    /// What it takes
    pub takes: Takes,
    /// Default value
    pub default: Option<Expr>,
}

/// What a parameter takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Takes {
    /// A scalar; `None` where the type is not written or unknown
    Scalar(Option<Type>),
    /// A table with at least these columns; `(*)` is any table
    Tabular {
        /// Columns it must have
        columns: Vec<ColumnDeclaration>,
        /// Written `(*)`
        any: bool,
    },
}

/// `name: type`.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDeclaration {
    /// Column
    pub name: Name,
    /// Type; an unknown type is reported by the parser and read as `dynamic`
    pub ty: Type,
}

/// An expression, scalar or tabular: the grammar does not tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Which
    pub kind: Box<Kind>,
    /// Where
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing was there, or nothing that could be read; already reported
    Missing,
    /// A literal
    Literal(Literal),
    /// A name: column, table, variable, function without parentheses
    Name(String),
    /// A name with `*` in it (`T*`, `*`), where names are matched
    Wildcard(String),
    /// `a.b`
    Member(Expr, Name),
    /// `a[b]`; with a text literal it is the same as `a.b` for bags
    Element(Expr, Expr),
    /// `f(a, b)`; an argument may be `name = value`
    Call {
        /// The function
        name: Name,
        /// Arguments, perhaps `Kind::Named`
        arguments: Vec<Expr>,
    },
    /// `database("x").T`, `cluster("c").database("d").f(x)`: something below something
    Path(Expr, Expr),
    /// `-a`, `+a`
    Unary(Sign, Expr),
    /// `a op b`
    Binary {
        /// Which
        op: BinaryOp,
        /// Left side
        left: Expr,
        /// Right side
        right: Expr,
    },
    /// `a in (b, c)`, `a has_any (…)`: a list or one tabular or dynamic expression
    List {
        /// Which
        op: ListOp,
        /// What is looked for
        left: Expr,
        /// The list
        items: Vec<Expr>,
    },
    /// `a between (b .. c)`
    Between {
        /// `!between`
        negated: bool,
        /// What is compared
        value: Expr,
        /// Lower end
        low: Expr,
        /// Upper end
        high: Expr,
    },
    /// `(a)`
    Paren(Expr),
    /// `a = b`, `(a, b) = c`
    Named {
        /// New names
        names: Vec<Name>,
        /// Whether the names stand in parentheses
        tuple: bool,
        /// The value
        value: Expr,
    },
    /// `source | operator | operator`; an operator that begins the text has no source
    Pipe {
        /// What flows in; `None` in sub-queries that begin with an operator, and for `print`,
        /// `range`, `union`, `find`, `search` at the begin
        source: Option<Expr>,
        /// Operators in order
        operators: Vec<Operator>,
    },
    /// `(a: long, t: (*)) { … }`
    Function {
        /// Parameters
        parameters: Vec<Parameter>,
        /// Statements, the last being the result
        body: Vec<Statement>,
    },
    /// `datatable (a: long) [ 1, 2 ]`
    Datatable {
        /// Columns
        columns: Vec<ColumnDeclaration>,
        /// Cells, row by row
        cells: Vec<Expr>,
    },
    /// `externaldata (a: long) [ "address" ] with (format = "csv")`
    ExternalData {
        /// Columns
        columns: Vec<ColumnDeclaration>,
        /// Addresses
        addresses: Vec<Expr>,
        /// Properties
        properties: Vec<(Name, Expr)>,
    },
    /// `toscalar(query)`
    ToScalar(Expr),
    /// `materialize(query)`
    Materialize(Expr),
    /// `typeof(string)`, `typeof(a: long, b: string)`, `typeof(*, a: long)`
    TypeOf {
        /// `*` was there
        star: bool,
        /// Columns; a single unnamed type has an empty name
        columns: Vec<ColumnDeclaration>,
    },
    /// `expr asc nulls last`: in `sort`, `top`, `array_sort` and `partition` lists
    Ordered {
        /// The key
        value: Expr,
        /// `asc` or `desc`, if written
        descending: Option<bool>,
        /// Numbers in names count by their size (`granny-asc`)
        natural: bool,
        /// `nulls first` or `nulls last`, if written
        nulls_first: Option<bool>,
    },
    /// A schema after an expression: `bag_unpack(x) : (a: long, *)`
    WithSchema {
        /// The call
        value: Expr,
        /// `*` was there
        star: bool,
        /// Columns
        columns: Vec<ColumnDeclaration>,
    },
}

/// A literal. Typed nulls (`long(null)`) are `Null`.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `true`, `bool(false)`
    Bool(bool),
    /// `int(1)`
    Int(i32),
    /// `1`, `0x1f`, `long(1)`
    Long(i64),
    /// `1.5`, `1e3`, `real(nan)`
    Real(f64),
    /// `decimal(1.5)`
    Decimal(Decimal),
    /// `datetime(2020-01-01)`, in ticks; `datetime(now)` is a call of `now`
    DateTime(i64),
    /// `1d`, `time(1.00:00:00)`, in ticks
    TimeSpan(i64),
    /// `guid(…)`
    Guid(u128),
    /// `'a'`, `"a"`, `@"a"`, ```` ```a``` ````, `h"a"`; parts side by side are joined
    String {
        /// The text
        text: String,
        /// Written with `h`: not to be logged
        hidden: bool,
    },
    /// `dynamic(…)`
    Dynamic(Json),
    /// `long(null)` and the like
    Null(Type),
}

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `-`
    Minus,
    /// `+`
    Plus,
}

/// Operators with two sides. `text` gives the name of the function that evaluates them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the operators")]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    EqualTilde,
    BangTilde,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Has,
    NotHas,
    HasCs,
    NotHasCs,
    HasPrefix,
    NotHasPrefix,
    HasPrefixCs,
    NotHasPrefixCs,
    HasSuffix,
    NotHasSuffix,
    HasSuffixCs,
    NotHasSuffixCs,
    Contains,
    NotContains,
    ContainsCs,
    NotContainsCs,
    StartsWith,
    NotStartsWith,
    StartsWithCs,
    NotStartsWithCs,
    EndsWith,
    NotEndsWith,
    EndsWithCs,
    NotEndsWithCs,
    MatchesRegex,
    Like,
    NotLike,
    LikeCs,
    NotLikeCs,
}

impl BinaryOp {
    /// The operator as written, in its main spelling (`notcontains` is `!contains`).
    pub fn text(self) -> &'static str {
        use BinaryOp::*;
        match self {
            Or => "or",
            And => "and",
            Equal => "==",
            NotEqual => "!=",
            Less => "<",
            LessOrEqual => "<=",
            Greater => ">",
            GreaterOrEqual => ">=",
            EqualTilde => "=~",
            BangTilde => "!~",
            Add => "+",
            Subtract => "-",
            Multiply => "*",
            Divide => "/",
            Modulo => "%",
            Has => "has",
            NotHas => "!has",
            HasCs => "has_cs",
            NotHasCs => "!has_cs",
            HasPrefix => "hasprefix",
            NotHasPrefix => "!hasprefix",
            HasPrefixCs => "hasprefix_cs",
            NotHasPrefixCs => "!hasprefix_cs",
            HasSuffix => "hassuffix",
            NotHasSuffix => "!hassuffix",
            HasSuffixCs => "hassuffix_cs",
            NotHasSuffixCs => "!hassuffix_cs",
            Contains => "contains",
            NotContains => "!contains",
            ContainsCs => "contains_cs",
            NotContainsCs => "!contains_cs",
            StartsWith => "startswith",
            NotStartsWith => "!startswith",
            StartsWithCs => "startswith_cs",
            NotStartsWithCs => "!startswith_cs",
            EndsWith => "endswith",
            NotEndsWith => "!endswith",
            EndsWithCs => "endswith_cs",
            NotEndsWithCs => "!endswith_cs",
            MatchesRegex => "matches regex",
            Like => "like",
            NotLike => "!like",
            LikeCs => "like_cs",
            NotLikeCs => "!like_cs",
        }
    }
}

/// Operators with a list on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the operators")]
pub enum ListOp {
    In,
    NotIn,
    InTilde,
    NotInTilde,
    HasAny,
    HasAll,
}

impl ListOp {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::NotIn => "!in",
            Self::InTilde => "in~",
            Self::NotInTilde => "!in~",
            Self::HasAny => "has_any",
            Self::HasAll => "has_all",
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
