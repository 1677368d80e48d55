//! Values that others are looked up in: the first column of the table in `x in (T)`.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::engine::key::Part;
use crate::engine::rows::shell_bytes;
use crate::engine::{EngineError, Result, Rows};
use crate::functions::{self, Context};
use crate::value::{Json, Value};

/// How a value is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Mode {
    In,
    NotIn,
    InTilde,
    NotInTilde,
    HasAny,
    HasAll,
}

impl Mode {
    pub(super) fn of(function: &str) -> Result<Self> {
        Ok(match function {
            "in" => Self::In,
            "!in" => Self::NotIn,
            "in~" => Self::InTilde,
            "!in~" => Self::NotInTilde,
            "has_any" => Self::HasAny,
            "has_all" => Self::HasAll,
            other => {
                let name = format!("{other} (table)");
                return Err(EngineError::Unsupported { kind: "operator", name });
            }
        })
    }
}

/// The values, each once.
#[derive(Debug)]
pub(in crate::engine) struct Needles {
    values: Vec<Value>,
    exact: HashSet<Part>,
    folded: OnceLock<HashSet<Arc<str>>>,
}

static HAS_ANY: LazyLock<Option<functions::Scalar>> =
    LazyLock::new(|| functions::scalar("has_any"));

impl Needles {
    pub(in crate::engine) fn new(rows: Rows) -> Self {
        let mut exact = HashSet::new();
        let mut values = Vec::new();
        let mut take = |value: Value| {
            if exact.insert(Part::of(&value)) {
                values.push(value);
            }
        };
        for value in rows.rows.into_iter().filter_map(|row| row.into_iter().next()) {
            match &value {
                // A dynamic array stands for its elements.
                Value::Dynamic(json) => match &**json {
                    Json::Array(elements) => elements.iter().for_each(|e| take(Value::of_json(e))),
                    _ => take(value),
                },
                _ => take(value),
            }
        }
        Self { values, exact, folded: OnceLock::new() }
    }

    pub(in crate::engine) fn bytes(&self) -> usize {
        let own: usize = self.values.iter().map(Value::heap_bytes).sum();
        own + self.values.len() * (shell_bytes(1) + 2 * size_of::<Part>())
    }

    pub(super) fn look_up(&self, mode: Mode, value: Value, context: &Context) -> Value {
        match mode {
            Mode::In => self.is_in(&value, false),
            Mode::InTilde => self.is_in(&value, true),
            Mode::NotIn => negated(&self.is_in(&value, false)),
            Mode::NotInTilde => negated(&self.is_in(&value, true)),
            Mode::HasAny => Value::Bool(self.values.iter().any(|item| has(&value, item, context))),
            Mode::HasAll => Value::Bool(self.values.iter().all(|item| has(&value, item, context))),
        }
    }

    fn is_in(&self, value: &Value, any_case: bool) -> Value {
        let part = Part::of(value);
        if self.exact.contains(&part) {
            return if part == Part::Null { Value::Null } else { Value::Bool(true) };
        }
        let Part::Text(text) = part else { return Value::Bool(false) };
        if !any_case {
            return Value::Bool(false);
        }
        let folded = self.folded.get_or_init(|| {
            let texts = self.exact.iter().filter_map(|part| match part {
                Part::Text(text) => Some(fold(text).into()),
                _ => None,
            });
            texts.collect()
        });
        Value::Bool(folded.contains(&*fold(&text)))
    }
}

/// A null answer (null looked up in a list with null) stays null when negated.
fn negated(found: &Value) -> Value {
    match found {
        Value::Bool(b) => Value::Bool(!b),
        _ => Value::Null,
    }
}

fn has(value: &Value, item: &Value, context: &Context) -> bool {
    let Some(has_any) = *HAS_ANY else { return false };
    has_any(&[value.clone(), item.clone()], context) == Value::Bool(true)
}

/// Text without regard to case, character by character.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
