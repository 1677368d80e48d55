//! The part of the tree that tabular operators are.

use super::tree::{ColumnDeclaration, Expr, Name, Parameter, Span, Statement};
use crate::value::Type;

/// `name = value` before an operator's operands: `kind=inner`, `hint.strategy=shuffle`.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Name with its dots
    pub name: Name,
    /// A name is `Kind::Name`, a list of names `Kind::Named` is not used: see the operator
    pub value: Expr,
}

/// A tabular operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Which
    pub kind: OperatorKind,
    /// `kind=`, `hint.*=` and others, in any place that the language allows
    pub properties: Vec<Property>,
    /// From the operator's name to its end
    pub span: Span,
    /// The operator's name
    pub word: Span,
}

/// The tabular operators.
#[derive(Debug, Clone, PartialEq)]
pub enum OperatorKind {
    /// `as Name`
    As(Name),
    /// `assert-schema (a: long)`
    AssertSchema(Vec<ColumnDeclaration>),
    /// `consume`
    Consume,
    /// `count [as Name]`; the name is the property `as`
    Count,
    /// `distinct a, b` or `distinct *`
    Distinct(Vec<Expr>),
    /// `evaluate plugin(…) [: schema]`; a call, perhaps `WithSchema`
    Evaluate(Expr),
    /// `execute-and-cache`
    ExecuteAndCache,
    /// `extend a = b, …`
    Extend(Vec<Expr>),
    /// `facet by a, b [with (…)]`
    Facet {
        /// Columns
        by: Vec<Expr>,
        /// What each facet's rows go through
        with: Option<Expr>,
    },
    /// `find [in (T, U)] where p [project a, b]`
    Find {
        /// Tables; wildcards allowed; none means all
        tables: Vec<Expr>,
        /// Predicate
        predicate: Expr,
        /// Columns asked for; `a:type` is `Named` with a `TypeOf` as its value
        project: Option<Vec<Expr>>,
        /// `project-smart`
        smart: bool,
        /// `project-away`
        away: Vec<Expr>,
    },
    /// `fork (…) name=(…)`
    Fork(Vec<(Option<Name>, Expr)>),
    /// `getschema`
    GetSchema,
    /// `graph-match pattern where p project …`
    GraphMatch {
        /// Comma-separated patterns
        patterns: Vec<Vec<GraphElement>>,
        /// Predicate
        predicate: Option<Expr>,
        /// Output
        project: Option<Vec<Expr>>,
        /// `graph-shortest-paths` instead
        shortest: bool,
    },
    /// `graph-mark-components`
    GraphMarkComponents,
    /// `graph-to-table nodes [as N] [with …], edges [as E]`
    GraphToTable(Vec<GraphOutput>),
    /// `graph-where-nodes p`, `graph-where-edges p`
    GraphWhere {
        /// Of edges
        edges: bool,
        /// Predicate
        predicate: Expr,
    },
    /// `invoke f(…)`
    Invoke(Expr),
    /// `join kind=… (right) on a, $left.b == $right.c` (also `where` in place of `on`)
    Join {
        /// Right side
        right: Expr,
        /// Conditions
        on: Vec<Expr>,
        /// `join … where` (rare)
        condition: Option<Expr>,
    },
    /// `lookup kind=… (right) on …`
    Lookup {
        /// Right side
        right: Expr,
        /// Conditions
        on: Vec<Expr>,
    },
    /// `macro-expand`
    MacroExpand {
        /// Entity group
        group: Expr,
        /// Its name inside
        scope: Option<Name>,
        /// Body
        body: Vec<Statement>,
    },
    /// `make-graph source --> target with Nodes on id [, …]`
    MakeGraph {
        /// Column of edges
        source: Name,
        /// Column of edges
        target: Name,
        /// Tables of nodes with their key
        nodes: Vec<(Expr, Name)>,
        /// `with_node_id=name`
        node_id: Option<Name>,
        /// `partitioned-by col (…)`
        partitioned_by: Option<(Name, Expr)>,
    },
    /// `make-series agg [default=x], … on axis from a to b step s by k`
    MakeSeries {
        /// Aggregates, each with its default
        aggregates: Vec<(Expr, Option<Expr>)>,
        /// Axis
        on: Expr,
        /// `from`
        from: Option<Expr>,
        /// `to`
        to: Option<Expr>,
        /// `step`, or the third part of `in range(a, b, s)`
        step: Expr,
        /// Written `in range(…)`: the end is inclusive
        in_range: bool,
        /// Keys
        by: Vec<Expr>,
    },
    /// `mv-expand a [to typeof(t)], … [limit n]`
    MvExpand {
        /// Columns
        columns: Vec<MvColumn>,
        /// `limit`
        limit: Option<Expr>,
        /// `mvexpand`: 128 rows unless told
        legacy: bool,
    },
    /// `mv-apply a [to typeof(t)], … [limit n] on (sub-query)`
    MvApply {
        /// Columns
        columns: Vec<MvColumn>,
        /// `limit`
        limit: Option<Expr>,
        /// `id`
        context_id: Option<Expr>,
        /// Sub-query, a `Pipe` without source
        on: Expr,
    },
    /// `parse [kind=…] e with …`
    Parse {
        /// What is parsed
        value: Expr,
        /// The pattern
        pattern: Vec<ParsePart>,
        /// `parse-where`
        only_matching: bool,
    },
    /// `parse-kv e as (a: t, …) with (…)`
    ParseKv {
        /// What is parsed
        value: Expr,
        /// Keys; a quoted name keeps its text
        columns: Vec<ColumnDeclaration>,
        /// `pair_delimiter` and so on
        options: Vec<(Name, Expr)>,
    },
    /// `partition [hint…] by key (sub-query)` or `{query}`
    Partition {
        /// Key
        by: Expr,
        /// `in (values)` (legacy)
        scope: Option<Expr>,
        /// Sub-query; with `legacy` a query of its own in braces
        body: Expr,
        /// Written with braces
        legacy: bool,
    },
    /// `print a, b = c`
    Print(Vec<Expr>),
    /// `project a, b = c`
    Project(Vec<Expr>),
    /// `project-away a, b*`
    ProjectAway(Vec<Expr>),
    /// `project-by-names`
    ProjectByNames(Vec<Expr>),
    /// `project-keep a, b*`
    ProjectKeep(Vec<Expr>),
    /// `project-rename a = b`
    ProjectRename(Vec<Expr>),
    /// `project-reorder a, b* asc`
    ProjectReorder(Vec<Expr>),
    /// `range a from x to y step z`
    Range {
        /// Column
        name: Name,
        /// First
        from: Expr,
        /// Last
        to: Expr,
        /// Step
        step: Expr,
    },
    /// `reduce by a [with …]`
    Reduce {
        /// Text
        by: Expr,
        /// `threshold`, `characters`
        options: Vec<(Name, Expr)>,
    },
    /// `render kind [with (…)]`
    Render {
        /// `timechart` …
        visualisation: Name,
        /// `title` …; a list of names (`ycolumns=a, b`) gives an entry for each name
        options: Vec<(Name, Expr)>,
    },
    /// `sample n`
    Sample(Expr),
    /// `sample-distinct n of a`
    SampleDistinct {
        /// How many
        count: Expr,
        /// Of what
        of: Expr,
    },
    /// `scan [order by …] [partition by …] declare (…) with (step …)`
    Scan {
        /// `order by`
        order_by: Vec<Expr>,
        /// `partition by`
        partition_by: Vec<Expr>,
        /// `declare`
        declare: Vec<Parameter>,
        /// Steps
        steps: Vec<ScanStep>,
    },
    /// `search [kind=…] [in (T, …)] predicate`
    Search {
        /// Tables
        tables: Vec<Expr>,
        /// Predicate: text literals stand for "in any column"
        predicate: Expr,
    },
    /// `serialize a = b, …`
    Serialize(Vec<Expr>),
    /// `sort by …`, `order by …`
    Sort(Vec<Expr>),
    /// `summarize a, … by k, …`
    Summarize {
        /// Aggregates
        aggregates: Vec<Expr>,
        /// Keys
        by: Vec<Expr>,
    },
    /// `take n`, `limit n`
    Take(Expr),
    /// `top n by …`
    Top {
        /// How many
        count: Expr,
        /// Keys
        by: Vec<Expr>,
    },
    /// `top-hitters n of a [by b]`
    TopHitters {
        /// How many
        count: Expr,
        /// Of what
        of: Expr,
        /// Weight
        by: Option<Expr>,
    },
    /// `top-nested n of a [with others = x] by agg, …`
    TopNested(Vec<TopNestedClause>),
    /// `union T, U*, (query)`
    Union(Vec<Expr>),
    /// `where p`, `filter p`
    Where(Expr),
    /// Not understood; already reported
    Unknown,
}

/// One column of `mv-expand` and `mv-apply`.
#[derive(Debug, Clone, PartialEq)]
pub struct MvColumn {
    /// The array; perhaps `Named`
    pub value: Expr,
    /// `to typeof(t)`
    pub to: Option<Type>,
}

/// One part of a `parse` pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum ParsePart {
    /// `*`
    Star(Span),
    /// Text to find
    Text(Expr),
    /// `name` or `name: type`
    Column {
        /// New column
        name: Name,
        /// Type; `None` is string
        ty: Option<Type>,
    },
}

/// One step of `scan`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanStep {
    /// Its name
    pub name: Name,
    /// `optional`
    pub optional: bool,
    /// `output = all | last | none`
    pub output: Option<Name>,
    /// When it takes a row
    pub condition: Expr,
    /// `=> a = b, …`
    pub assignments: Vec<(Name, Expr)>,
}

/// One clause of `top-nested`.
#[derive(Debug, Clone, PartialEq)]
pub struct TopNestedClause {
    /// How many; none means all
    pub count: Option<Expr>,
    /// Of what; perhaps `Named`
    pub of: Expr,
    /// `with others = x`
    pub others: Option<Expr>,
    /// Aggregate; perhaps `Named`
    pub by: Expr,
    /// `desc` unless told
    pub descending: Option<bool>,
}

/// One element of a graph pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphElement {
    /// `(n)`
    Node(Option<Name>),
    /// `-[e]->`, `<-[e]-`, `-[e*1..3]-`
    Edge {
        /// Name
        name: Option<Name>,
        /// `Some(true)` left to right, `Some(false)` right to left, `None` any
        forward: Option<bool>,
        /// `*min..max`
        hops: Option<(Expr, Expr)>,
    },
}

/// One output of `graph-to-table`.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphOutput {
    /// Of edges
    pub edges: bool,
    /// `as Name`
    pub name: Option<Name>,
    /// `with_node_id=…`, `with_source_id=…`, `with_target_id=…`
    pub properties: Vec<(Name, Name)>,
}
