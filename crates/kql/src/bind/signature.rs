//! Signatures of the built-in functions, aggregates and plugins: the files in `content/kql`,
//! read once. A line is one overload; its last field names the function's page in the Kusto
//! documentation (`learn.microsoft.com/kusto/query/PAGE`).

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::value::Type;

const FUNCTIONS: &str = include_str!("../../../../content/kql/functions.tsv");
const AGGREGATES: &str = include_str!("../../../../content/kql/aggregates.tsv");
const PLUGINS: &str = include_str!("../../../../content/kql/plugins.tsv");

/// What a parameter accepts, as the files name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// Any scalar
    Scalar,
    /// Any but dynamic
    NotDynamic,
    /// One of these types; text also takes dynamic
    Types(&'static [Type]),
    /// `int`, `long`, `real`, `decimal`
    Number,
    /// `int`, `long`
    Integer,
    /// Numbers and `bool`
    NumberOrBool,
    /// Numbers, `datetime`, `timespan`
    Summable,
    /// What has an order
    Orderable,
    /// Neither `real` nor `bool`
    NotRealOrBool,
    /// A dynamic (array or bag)
    Dynamic,
    /// An integer or a dynamic array
    IntegerOrDynamic,
    /// The same type for all such parameters, numbers widened
    Common,
    /// The same, and what differs becomes dynamic
    CommonOrDynamic,
    /// `typeof(…)`
    TypeLiteral,
    /// A table
    Table,
}

impl Accepts {
    fn parse(text: &str) -> Self {
        match text {
            "notdynamic" => Self::NotDynamic,
            "number" | "commonnumber" => Self::Number,
            "integer" => Self::Integer,
            "number|bool" => Self::NumberOrBool,
            "summable" => Self::Summable,
            "orderable" => Self::Orderable,
            "notrealorbool" => Self::NotRealOrBool,
            "array" | "bag" | "dynamic" => Self::Dynamic,
            "integer|array" => Self::IntegerOrDynamic,
            "common" | "commonorderable" => Self::Common,
            "common|dynamic" => Self::CommonOrDynamic,
            "type" => Self::TypeLiteral,
            "table" => Self::Table,
            "string" | "string|dynamic" | "string|array" => Self::Types(&[Type::String]),
            "bool" => Self::Types(&[Type::Bool]),
            "int" => Self::Types(&[Type::Int]),
            "long" => Self::Types(&[Type::Long]),
            "real" => Self::Types(&[Type::Real]),
            "decimal" => Self::Types(&[Type::Decimal]),
            "datetime" => Self::Types(&[Type::DateTime]),
            "timespan" => Self::Types(&[Type::TimeSpan]),
            "guid" => Self::Types(&[Type::Guid]),
            // `scalar`, `any`
            _ => Self::Scalar,
        }
    }

    /// How well an argument of type `ty` fits: 0 not at all, 1 converted, 2 exactly.
    pub(crate) fn fits(self, ty: Type) -> u32 {
        let ok = |fits: bool| if fits { 2 } else { 0 };
        match self {
            Self::Scalar | Self::Common | Self::CommonOrDynamic => 1,
            Self::NotDynamic => u32::from(ty != Type::Dynamic),
            Self::Number => ok(ty.is_number()),
            Self::Integer => ok(ty.is_integer()),
            Self::NumberOrBool => ok(ty.is_number() || ty == Type::Bool),
            Self::Summable => ok(ty.is_number() || matches!(ty, Type::DateTime | Type::TimeSpan)),
            Self::Orderable => ok(!matches!(ty, Type::Guid | Type::Dynamic)),
            Self::NotRealOrBool => ok(!matches!(ty, Type::Real | Type::Bool)),
            Self::Dynamic => ok(ty == Type::Dynamic),
            Self::IntegerOrDynamic => ok(ty.is_integer() || ty == Type::Dynamic),
            Self::TypeLiteral | Self::Table => 0,
            Self::Types(types) => {
                if types.contains(&ty) {
                    return 2;
                }
                let promoted = match ty {
                    Type::Int => {
                        types.iter().any(|t| matches!(t, Type::Long | Type::Real | Type::Decimal))
                    }
                    Type::Long => {
                        types.iter().any(|t| matches!(t, Type::Int | Type::Real | Type::Decimal))
                    }
                    Type::Real => types.contains(&Type::Decimal),
                    Type::Dynamic => types.contains(&Type::String),
                    _ => false,
                };
                u32::from(promoted)
            }
        }
    }

    /// In words, for errors.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Scalar | Self::Common | Self::CommonOrDynamic => "a scalar".to_owned(),
            Self::NotDynamic => "a scalar that is not dynamic".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Integer | Self::IntegerOrDynamic => "a whole number".to_owned(),
            Self::NumberOrBool => "a number or bool".to_owned(),
            Self::Summable => "a number, datetime or timespan".to_owned(),
            Self::Orderable => "a value that has an order".to_owned(),
            Self::NotRealOrBool => "a value that is neither real nor bool".to_owned(),
            Self::Dynamic => "a dynamic".to_owned(),
            Self::TypeLiteral => "a type, such as typeof(long)".to_owned(),
            Self::Table => "a table".to_owned(),
            Self::Types(types) => {
                let names: Vec<&str> = types.iter().map(|t| t.name()).collect();
                format!("a value of type {}", names.join(" or "))
            }
        }
    }
}

/// What kind of expression an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any
    Any,
    /// A constant
    Constant,
    /// A column
    Column,
    /// `*` is allowed too
    Star,
    /// Only `*`
    StarOnly,
}

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) accepts: Accepts,
    pub(crate) form: Form,
    /// May be left out
    pub(crate) optional: bool,
    /// May be there several times
    pub(crate) repeated: bool,
}

/// The type of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Result {
    Fixed(Type),
    /// As the first argument
    First,
    /// As the second
    Second,
    /// The widest of the numbers
    Widest,
    /// The common type of the parameters that say so
    Common,
    /// As the first, `int` becomes `long`
    Promoted,
    /// As the `typeof(…)` argument says
    TypeOf,
    /// The code knows
    Custom,
}

/// How a column is named after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `Column1`
    None,
    /// As the first argument
    First,
    /// As the only argument, if it is the only one
    Only,
    /// `prefix_x`
    PrefixFirst,
    /// The prefix alone
    Prefix,
    /// `function_x`
    NameFirst,
    /// The column that the constant names
    Column,
}

/// One overload.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: Result,
    pub(crate) naming: Naming,
    pub(crate) prefix: &'static str,
    /// What to use instead, where the function is obsolete
    pub(crate) instead: Option<&'static str>,
}

impl Signature {
    /// Fewest and most arguments.
    pub(crate) fn arity(&self) -> (usize, usize) {
        let least = self.parameters.iter().filter(|p| !p.optional).count();
        let most = match self.parameters.iter().any(|p| p.repeated) {
            true => usize::MAX,
            false => self.parameters.len(),
        };
        (least, most)
    }

    /// The parameter that argument `at` of `n` goes to. Repeated ones take what the rest leaves,
    /// in turns where several are repeated (`bag_pack(key, value, key, value)`).
    pub(crate) fn parameter(&self, at: usize, n: usize) -> Option<&Parameter> {
        let Some(first) = self.parameters.iter().position(|p| p.repeated) else {
            return self.parameters.get(at);
        };
        let turns = self.parameters[first..].iter().take_while(|p| p.repeated).count();
        let after: Vec<&Parameter> = self.parameters[first + turns..].iter().collect();
        let needed = after.iter().filter(|p| !p.optional).count();
        if at < first {
            return self.parameters.get(at);
        }
        if at + needed >= n {
            return after.get(at + needed - n).copied();
        }
        self.parameters.get(first + (at - first) % turns)
    }
}

type ByName = HashMap<&'static str, Vec<Signature>>;

static SCALARS: LazyLock<ByName> = LazyLock::new(|| read(FUNCTIONS));
static AGGREGATE: LazyLock<ByName> = LazyLock::new(|| read(AGGREGATES));
static PLUGIN: LazyLock<ByName> = LazyLock::new(|| read(PLUGINS));

/// Overloads of a scalar function.
pub(crate) fn function(name: &str) -> Option<&'static [Signature]> {
    SCALARS.get(name).map(Vec::as_slice)
}

/// Overloads of an aggregate.
pub(crate) fn aggregate(name: &str) -> Option<&'static [Signature]> {
    AGGREGATE.get(name).map(Vec::as_slice)
}

/// Overloads of a plugin.
pub(crate) fn plugin(name: &str) -> Option<&'static [Signature]> {
    PLUGIN.get(name).map(Vec::as_slice)
}

/// Names of functions and aggregates, for hints.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SCALARS.keys().chain(AGGREGATE.keys()).copied()
}

/// Names of plugins, for hints.
pub(crate) fn plugin_names() -> impl Iterator<Item = &'static str> {
    PLUGIN.keys().copied()
}

fn read(text: &'static str) -> ByName {
    let mut all = ByName::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&'static str> = line.split('\t').collect();
        let [name, parameters, result, naming, prefix, note, _page] = fields[..] else {
            continue;
        };
        let parameters: Vec<Parameter> =
            parameters.split(", ").filter(|p| !p.is_empty()).map(parameter).collect();
        let signature = Signature {
            parameters,
            result: result_of(result),
            naming: match naming {
                "first" => Naming::First,
                "only" => Naming::Only,
                "prefix+first" => Naming::PrefixFirst,
                "prefix" => Naming::Prefix,
                "name+first" => Naming::NameFirst,
                "column" => Naming::Column,
                _ => Naming::None,
            },
            prefix,
            instead: note.strip_prefix("obsolete:"),
        };
        // An optional parameter behind repeated ones (`array_sort_asc(a, b, false)`) is there or
        // not: two overloads.
        let overloads = all.entry(name).or_default();
        match &signature.parameters[..] {
            [before @ .., last]
                if last.optional && !last.repeated && before.iter().any(|p| p.repeated) =>
            {
                let without = Signature { parameters: before.to_vec(), ..signature.clone() };
                let mut with = signature;
                for parameter in &mut with.parameters {
                    parameter.optional &= parameter.repeated;
                }
                overloads.extend([without, with]);
            }
            _ => overloads.push(signature),
        }
    }
    all
}

fn parameter(text: &'static str) -> Parameter {
    let (name, rest) = text.split_once(':').unwrap_or((text, "scalar"));
    let (accepts, form) = rest.split_once('@').unwrap_or((rest, ""));
    let plain = name.trim_end_matches(['?', '*', '+']);
    Parameter {
        name: plain,
        accepts: Accepts::parse(accepts),
        form: match form {
            "constant" | "literal" => Form::Constant,
            "column" => Form::Column,
            "star" => Form::Star,
            "staronly" => Form::StarOnly,
            _ => Form::Any,
        },
        optional: name.ends_with(['?', '*']),
        repeated: name.ends_with(['*', '+']),
    }
}

fn result_of(text: &str) -> Result {
    match text {
        "first" => Result::First,
        "second" => Result::Second,
        "widest" => Result::Widest,
        "common" => Result::Common,
        "promoted" => Result::Promoted,
        "typeof" => Result::TypeOf,
        "array" => Result::Fixed(Type::Dynamic),
        _ => Type::parse(text).map_or(Result::Custom, Result::Fixed),
    }
}
