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
    exact: HashSet<Part>,
    folded: OnceLock<HashSet<Arc<str>>>,
    terms: OnceLock<Terms>,
    bytes: usize,
}

/// The values as `has_any` and `has_all` look for them.
#[derive(Debug, Default)]
struct Terms {
    /// Those that are one term, in lower case
    single: HashSet<String>,
    /// All others
    others: Vec<Value>,
}

static HAS_ANY: LazyLock<Option<functions::Scalar>> =
    LazyLock::new(|| functions::scalar("has_any"));

impl Needles {
    pub(in crate::engine) fn new(rows: Rows) -> Self {
        Self::of(rows.rows.into_iter().filter_map(|row| row.into_iter().next()))
    }

    /// These values; a dynamic array stands for its elements.
    pub(super) fn of(values: impl IntoIterator<Item = Value>) -> Self {
        let mut exact = HashSet::new();
        let mut bytes = 0;
        let mut take = |value: &Value| {
            if exact.insert(Part::of(value)) {
                bytes += value.heap_bytes() + shell_bytes(1) + size_of::<Part>();
            }
        };
        for value in values {
            match &value {
                Value::Dynamic(json) => match &**json {
                    Json::Array(elements) => elements.iter().for_each(|e| take(&Value::of_json(e))),
                    _ => take(&value),
                },
                _ => take(&value),
            }
        }
        Self { exact, folded: OnceLock::new(), terms: OnceLock::new(), bytes }
    }

    pub(in crate::engine) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn look_up(&self, mode: Mode, value: Value, context: &Context) -> Value {
        match mode {
            Mode::In => self.is_in(&value, false),
            Mode::InTilde => self.is_in(&value, true),
            Mode::NotIn => negated(&self.is_in(&value, false)),
            Mode::NotInTilde => negated(&self.is_in(&value, true)),
            Mode::HasAny => Value::Bool(self.has_any(&value, context)),
            Mode::HasAll => Value::Bool(self.has_all(&value, context)),
        }
    }

    fn terms(&self) -> &Terms {
        self.terms.get_or_init(|| {
            let mut terms = Terms::default();
            for part in &self.exact {
                let value = part.value();
                let text = fold(&value.to_text());
                if !text.is_empty() && text.chars().all(char::is_alphanumeric) {
                    terms.single.insert(text);
                } else {
                    terms.others.push(value);
                }
            }
            terms
        })
    }

    fn has_any(&self, value: &Value, context: &Context) -> bool {
        if value.is_null() {
            return false;
        }
        let terms = self.terms();
        let text = fold(&value.to_text());
        (!terms.single.is_empty() && terms_of(&text).any(|term| terms.single.contains(term)))
            || terms.others.iter().any(|item| has(value, item, context))
    }

    fn has_all(&self, value: &Value, context: &Context) -> bool {
        if value.is_null() {
            return self.exact.is_empty();
        }
        let terms = self.terms();
        let text = fold(&value.to_text());
        let there: HashSet<&str> =
            terms_of(&text).filter(|term| terms.single.contains(*term)).collect();
        there.len() == terms.single.len()
            && terms.others.iter().all(|item| has(value, item, context))
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

/// Maximal runs of letters and digits.
fn terms_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|term| !term.is_empty())
}

/// Text without regard to case, character by character.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
