//! Scalar expressions: made ready once for a step, then evaluated row by row.
//!
//! Making ready resolves names, folds constants, runs `toscalar` and the tables of `in`, and
//! computes the functions that see other rows. What is left knows only the row.

mod elements;
mod needles;

use std::sync::Arc;

use elements::Ask;
pub(super) use elements::Element;
pub(super) use needles::{Mode, Needles};

use super::window;
use super::{EngineError, Env, Result, Row};
use crate::functions::{self, Context};
use crate::plan::{GraphAsk, Scalar, ScalarKind};
use crate::value::{Json, Type, Value};

/// So deep may an expression be nested; chains of `and` and `or` count once.
const DEPTH_MAX: usize = 500;

/// Lists of so many constants are hashed.
const LIST_LONG: usize = 6;

/// Functions that give another value at each call.
const VOLATILE: &[&str] = &["rand", "new_guid"];

/// An expression that is ready.
#[derive(Debug, Clone)]
pub struct Expr {
    node: Node,
    ty: Type,
}

#[derive(Debug, Clone)]
enum Node {
    Literal(Value),
    Column(usize),
    Call(functions::Scalar, Vec<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Conditions and values in turn, then the value for all else
    Case(Vec<Expr>),
    Coalesce(Vec<Expr>),
    InTable(Mode, Box<Expr>, Arc<Needles>),
    /// One value for each row of the input
    Window(Arc<Vec<Value>>),
    State(usize, usize),
    /// What is asked of the nodes or edges that a variable of a graph pattern stands for
    Graph {
        variable: usize,
        inner: bool,
        ask: Ask,
    },
}

/// What a step of `scan` took last, or the defaults.
pub(super) type State = Arc<Row>;

/// What an expression is evaluated over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) row: &'a [Value],
    /// Position of the row in the input
    pub(super) at: usize,
    pub(super) states: &'a [State],
    /// Variables of a graph pattern
    pub(super) elements: &'a [Element<'a>],
    pub(super) context: &'a Context,
}

/// Makes an expression ready for single rows.
pub fn compile(scalar: &Scalar, env: &Env<'_>) -> Result<Expr> {
    Compiler { env, rows: None, depth: 0 }.scalar(scalar)
}

/// Makes an expression ready for these rows, which it may look around in.
pub(super) fn compile_over(scalar: &Scalar, rows: &[Row], env: &Env<'_>) -> Result<Expr> {
    Compiler { env, rows: Some(rows), depth: 0 }.scalar(scalar)
}

/// Makes expressions ready for these rows.
pub(super) fn compile_all<'a>(
    scalars: impl IntoIterator<Item = &'a Scalar>,
    rows: &[Row],
    env: &Env<'_>,
) -> Result<Vec<Expr>> {
    scalars.into_iter().map(|scalar| compile_over(scalar, rows, env)).collect()
}

/// Evaluates an expression over one row; for many rows use [`compile`].
pub fn eval(scalar: &Scalar, row: &[Value], env: &Env<'_>) -> Result<Value> {
    Ok(compile(scalar, env)?.eval(row, 0, &env.context))
}

struct Compiler<'e, 'a> {
    env: &'e Env<'a>,
    rows: Option<&'e [Row]>,
    depth: usize,
}

impl Compiler<'_, '_> {
    fn scalar(&mut self, scalar: &Scalar) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let limit = DEPTH_MAX as u64;
            return Err(EngineError::Limit { what: "levels of an expression", limit });
        }
        let node = self.node(scalar)?;
        self.depth -= 1;
        Ok(Expr { node, ty: scalar.ty })
    }

    fn node(&mut self, scalar: &Scalar) -> Result<Node> {
        Ok(match &scalar.kind {
            ScalarKind::Literal(value) => Node::Literal(value.clone().widen(scalar.ty)),
            ScalarKind::Column(at) => Node::Column(*at),
            ScalarKind::Call { function, arguments } => {
                return self.call(function, arguments, scalar);
            }
            ScalarKind::Window { function, arguments } => {
                let Some(rows) = self.rows else {
                    let message = format!("{function}() needs the rows around in their order");
                    return Err(EngineError::Invalid(message));
                };
                let arguments = self.all(arguments)?;
                let values = window::values(function, &arguments, scalar.ty, rows, self.env)?;
                Node::Window(Arc::new(values))
            }
            ScalarKind::ToScalar(n) => {
                Node::Literal(self.env.scalar(*n, scalar.ty)?.widen(scalar.ty))
            }
            ScalarKind::InTable { function, value, table } => {
                let mode = Mode::of(function)?;
                let value = self.scalar(value)?;
                Node::InTable(mode, Box::new(value), self.env.needles(table)?)
            }
            ScalarKind::ScanState { step, column } => Node::State(*step, *column),
            ScalarKind::Graph { variable, inner, ask } => {
                let ask = match ask {
                    GraphAsk::Whole => Ask::Whole,
                    GraphAsk::All(body) => Ask::All(Box::new(self.scalar(body)?)),
                    GraphAsk::Any(body) => Ask::Any(Box::new(self.scalar(body)?)),
                    GraphAsk::Map(body) => Ask::Map(Box::new(self.scalar(body)?)),
                };
                Node::Graph { variable: *variable, inner: *inner, ask }
            }
        })
    }

    fn all(&mut self, scalars: &[Scalar]) -> Result<Vec<Expr>> {
        scalars.iter().map(|scalar| self.scalar(scalar)).collect()
    }

    fn call(&mut self, function: &str, arguments: &[Scalar], whole: &Scalar) -> Result<Node> {
        match function {
            "and" => return Ok(Node::And(self.chain("and", whole)?)),
            "or" => return Ok(Node::Or(self.chain("or", whole)?)),
            _ => {}
        }
        let arguments = self.all(arguments)?;
        match (function, arguments.len()) {
            ("iff" | "iif", 3) => return Ok(Node::Case(arguments)),
            ("case", n) if n % 2 == 1 => return Ok(Node::Case(arguments)),
            ("coalesce", n) if n > 0 => return Ok(Node::Coalesce(arguments)),
            _ => {}
        }
        let Some(scalar) = functions::scalar(function) else {
            return Err(EngineError::Unsupported { kind: "function", name: function.to_owned() });
        };
        if let Some(looked_up) = look_up(function, &arguments) {
            return Ok(looked_up);
        }
        let constants: Option<Vec<Value>> = arguments.iter().map(Expr::literal).collect();
        let Some(constants) = constants else { return Ok(Node::Call(scalar, arguments)) };
        if function == "assert" && constants.first() == Some(&Value::Bool(false)) {
            let message = constants.get(1).map(Value::to_text).unwrap_or_default();
            return Err(EngineError::Invalid(format!("assertion failed: {message}")));
        }
        if VOLATILE.contains(&function) {
            return Ok(Node::Call(scalar, arguments));
        }
        Ok(Node::Literal(scalar(&constants, &self.env.context).widen(whole.ty)))
    }

    /// The operands of a chain of one operator, in order; long chains lean to the left.
    fn chain(&mut self, name: &str, whole: &Scalar) -> Result<Vec<Expr>> {
        let mut operands = Vec::new();
        let mut rest = whole;
        loop {
            match &rest.kind {
                ScalarKind::Call { function, arguments } if &**function == name => {
                    let Some((first, others)) = arguments.split_first() else { break };
                    for other in others.iter().rev() {
                        operands.push(self.scalar(other)?);
                    }
                    rest = first;
                }
                _ => {
                    operands.push(self.scalar(rest)?);
                    break;
                }
            }
        }
        operands.reverse();
        Ok(operands)
    }
}

impl Expr {
    /// Its type.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The position of the column that this is, if it is one.
    pub fn column(&self) -> Option<usize> {
        match self.node {
            Node::Column(at) => Some(at),
            _ => None,
        }
    }

    /// Whether its values are its own, not shared with the row or the plan.
    pub(super) fn is_computed(&self) -> bool {
        !matches!(self.node, Node::Column(_) | Node::Literal(_) | Node::Window(_))
    }

    /// The value, where it is the same for all rows.
    pub fn literal(&self) -> Option<Value> {
        match &self.node {
            Node::Literal(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// The value for a row at a position of the input.
    pub fn eval(&self, row: &[Value], at: usize, context: &Context) -> Value {
        self.over(&Frame { row, at, states: &[], elements: &[], context })
    }

    /// The value over a frame.
    pub(super) fn over(&self, frame: &Frame<'_>) -> Value {
        match &self.node {
            Node::Literal(value) => value.clone(),
            Node::Column(at) => frame.row.get(*at).cloned().unwrap_or(Value::Null),
            Node::Call(function, arguments) => call(*function, arguments, frame).widen(self.ty),
            Node::And(operands) => all_hold(operands, frame),
            Node::Or(operands) => any_holds(operands, frame),
            Node::Case(parts) => case(parts, frame).widen(self.ty),
            Node::Coalesce(arguments) => coalesce(arguments, frame, self.ty),
            Node::InTable(mode, value, needles) => {
                needles.look_up(*mode, value.over(frame), frame.context)
            }
            Node::Graph { variable, inner, ask } => match frame.elements.get(*variable) {
                Some(element) => element.answer(*inner, ask, frame).widen(self.ty),
                None => Value::absent(self.ty),
            },
            Node::Window(values) => values.get(frame.at).cloned().unwrap_or(Value::Null),
            Node::State(step, column) => {
                let value = frame.states.get(*step).and_then(|row| row.get(*column)).cloned();
                value.unwrap_or_else(|| Value::absent(self.ty))
            }
        }
    }
}

/// A long list of texts or whole numbers is hashed once, not compared with for each row.
fn look_up(function: &str, arguments: &[Expr]) -> Option<Node> {
    let mode = Mode::of(function).ok()?;
    let (value, items) = arguments.split_first()?;
    if value.literal().is_some() || !matches!(value.ty, Type::String | Type::Long | Type::Int) {
        return None;
    }
    let items: Vec<Value> = items.iter().map(Expr::literal).collect::<Option<_>>()?;
    let alike = |item: &Value| match value.ty {
        Type::String => matches!(item, Value::String(_)),
        _ => item.as_integer().is_some(),
    };
    let all_alike = |item: &Value| match item {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => elements.iter().all(|e| alike(&Value::of_json(e).plain())),
            _ => false,
        },
        item => alike(item),
    };
    let n_items = |item: &Value| match item {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => elements.len(),
            _ => 1,
        },
        _ => 1,
    };
    let is_long = items.iter().map(n_items).sum::<usize>() >= LIST_LONG;
    (is_long && items.iter().all(all_alike))
        .then(|| Node::InTable(mode, Box::new(value.clone()), Arc::new(Needles::of(items))))
}

fn call(function: functions::Scalar, arguments: &[Expr], frame: &Frame<'_>) -> Value {
    let context = frame.context;
    match arguments {
        [] => function(&[], context),
        [a] => function(&[a.over(frame)], context),
        [a, b] => function(&[a.over(frame), b.over(frame)], context),
        [a, b, c] => function(&[a.over(frame), b.over(frame), c.over(frame)], context),
        more => {
            let values: Vec<Value> = more.iter().map(|a| a.over(frame)).collect();
            function(&values, context)
        }
    }
}

fn all_hold(operands: &[Expr], frame: &Frame<'_>) -> Value {
    let mut answer = Value::Bool(true);
    for operand in operands {
        match truth(&operand.over(frame)) {
            Some(true) => {}
            Some(false) => return Value::Bool(false),
            None => answer = Value::Null,
        }
    }
    answer
}

fn any_holds(operands: &[Expr], frame: &Frame<'_>) -> Value {
    let mut answer = Value::Bool(false);
    for operand in operands {
        match truth(&operand.over(frame)) {
            Some(true) => return Value::Bool(true),
            Some(false) => {}
            None => answer = Value::Null,
        }
    }
    answer
}

fn case(parts: &[Expr], frame: &Frame<'_>) -> Value {
    let mut rest = parts;
    while let [condition, value, others @ ..] = rest {
        if holds(&condition.over(frame)) {
            return value.over(frame);
        }
        rest = others;
    }
    rest.first().map_or(Value::Null, |value| value.over(frame))
}

fn coalesce(arguments: &[Expr], frame: &Frame<'_>, ty: Type) -> Value {
    for argument in arguments {
        let value = argument.over(frame);
        let empty = match &value {
            Value::Null => true,
            Value::String(s) => s.is_empty(),
            _ => false,
        };
        if !empty {
            return value.widen(ty);
        }
    }
    Value::absent(ty)
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Int(n) => Some(*n != 0),
        Value::Long(n) => Some(*n != 0),
        Value::Dynamic(json) => match **json {
            Json::Bool(b) => Some(b),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a predicate holds: null is not true.
pub fn holds(value: &Value) -> bool {
    truth(value) == Some(true)
}
