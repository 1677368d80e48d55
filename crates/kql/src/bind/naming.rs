//! Names of output columns: which name a column gets that has none, what happens to a name that
//! is there already, and the columns of several tables brought together.

use std::collections::{HashMap, HashSet};

use super::{Binder, Env, Typed};
use crate::plan::{Column, ScalarKind, Schema};
use crate::syntax::{Name, Span};
use crate::value::Type;

/// Gives names that are not yet there by adding a number.
#[derive(Debug, Default)]
pub(crate) struct Unique(HashMap<String, usize>);

impl Unique {
    /// Takes a name without changing it.
    pub(crate) fn take(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_insert(0);
    }

    /// The name itself where it is free, else with the next number.
    pub(crate) fn name(&mut self, name: &str) -> String {
        let Some(last) = self.0.get(name).copied() else {
            self.take(name);
            return name.to_owned();
        };
        let mut suffix = last;
        loop {
            suffix += 1;
            let numbered = format!("{name}{suffix}");
            if !self.0.contains_key(&numbered) {
                self.0.insert(name.to_owned(), suffix);
                self.take(&numbered);
                return numbered;
            }
        }
    }
}

/// How columns that are computed meet those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A list of new columns: `project`, `summarize`, `distinct`
    Plain,
    /// An old column of the same name is replaced: `extend`
    Extend,
    /// The same, a column that is only named too: `mv-expand`
    Replace,
    /// `print`
    Print,
}

/// Columns that an operator puts out, each with what it is made of.
#[derive(Debug)]
pub(crate) struct Outputs<V> {
    all: Vec<(Column, V)>,
    at: HashMap<String, usize>,
    declared: HashSet<String>,
    unique: Unique,
    /// Columns of the input that are not to be added (again)
    skipped: HashSet<usize>,
}

impl<V> Default for Outputs<V> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            at: HashMap::new(),
            declared: HashSet::new(),
            unique: Unique::default(),
            skipped: HashSet::new(),
        }
    }
}

impl<V> Outputs<V> {
    /// Columns of the input as they are, each with what `make` gives for its position.
    pub(crate) fn of(input: &[Column], make: impl Fn(usize) -> V) -> Self {
        let mut outputs = Self::default();
        for (at, column) in input.iter().enumerate() {
            outputs.add(column.clone(), make(at), Some(at), false);
            outputs.skipped.insert(at);
        }
        outputs
    }

    /// The columns so far.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Position of a name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.at.get(name).copied()
    }

    /// Columns and what they are made of.
    pub(crate) fn into_parts(self) -> (Schema, Vec<V>) {
        self.all.into_iter().unzip()
    }

    /// Adds a column; where its name is taken it replaces that one or gets a number. `from` is
    /// the column of the input that it is, if it is one. Gives the position.
    pub(crate) fn add(
        &mut self,
        column: Column,
        value: V,
        from: Option<usize>,
        replace: bool,
    ) -> Option<usize> {
        if from.is_some_and(|from| self.skipped.contains(&from)) {
            return self.position(&column.name);
        }
        if replace && let Some(at) = self.position(&column.name) {
            self.all[at] = (column, value);
            return Some(at);
        }
        let name = self.unique.name(&column.name);
        let at = self.all.len();
        self.at.insert(name.clone(), at);
        self.all.push((Column { name, ty: column.ty }, value));
        Some(at)
    }

    /// Adds a column whose name was written; the same name may not be written twice.
    ///
    /// # Errors
    /// The name was written before.
    pub(crate) fn declare(
        &mut self,
        column: Column,
        value: V,
        from: Option<usize>,
        replace: bool,
    ) -> Result<Option<usize>, Twice> {
        if self.declared.contains(&column.name) {
            return Err(Twice);
        }
        let name = column.name.clone();
        let at = self.add(column, value, from, replace);
        let name = match at {
            Some(at) => self.all[at].0.name.clone(),
            None => name,
        };
        self.declared.insert(name);
        Ok(at)
    }

    /// Gives a column another name.
    ///
    /// # Errors
    /// The new name is there already.
    pub(crate) fn rename(&mut self, old: &str, new: &str) -> Result<(), Twice> {
        let taken = self.at.contains_key(new) || self.declared.contains(new);
        if taken {
            return Err(Twice);
        }
        if let Some(at) = self.at.remove(old) {
            self.all[at].0.name = new.to_owned();
            self.at.insert(new.to_owned(), at);
            // The old name stays declared: it may not come back in the same operator.
            self.declared.insert(old.to_owned());
            self.declared.insert(new.to_owned());
        }
        Ok(())
    }
}

/// A name is there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twice;

/// One value that becomes a column, and how it is named.
#[derive(Debug)]
pub(crate) struct Part<'e> {
    /// The name that was written
    pub(crate) declared: Option<&'e Name>,
    /// The value, with the name it gets by itself
    pub(crate) typed: Typed,
    /// One of several values of one expression
    pub(crate) tuple: bool,
    /// Where it stands
    pub(crate) span: Span,
}

impl Part<'_> {
    /// The column of the input that this is, where it is nothing but one.
    pub(crate) fn column(&self, input: &[Column]) -> Option<usize> {
        column_of(&self.typed, input)
    }
}

/// The column of the input that a value is: `a`, `(a)`, and conversions that change nothing.
pub(crate) fn column_of(typed: &Typed, input: &[Column]) -> Option<usize> {
    let at = match &typed.value.kind {
        ScalarKind::Column(at) => *at,
        ScalarKind::Call { function, arguments } => {
            let conversions = [
                "tobool",
                "todatetime",
                "todecimal",
                "todouble",
                "toguid",
                "toint",
                "tolong",
                "toreal",
                "tostring",
                "totimespan",
                "todynamic",
                "parse_json",
            ];
            match (&arguments[..], conversions.contains(&&**function)) {
                ([only], true) if only.ty == typed.value.ty => match only.kind {
                    ScalarKind::Column(at) => at,
                    _ => return None,
                },
                _ => return None,
            }
        }
        _ => return None,
    };
    let column = input.get(at)?;
    (typed.name.as_deref() == Some(&*column.name)).then_some(at)
}

impl Binder<'_> {
    /// Puts a part into the outputs of an operator.
    pub(crate) fn place<V>(
        &mut self,
        outputs: &mut Outputs<V>,
        part: Part<'_>,
        ty: Type,
        value: V,
        style: Style,
        env: &Env<'_>,
    ) -> Option<usize> {
        let over = matches!(style, Style::Extend | Style::Replace);
        let (from, span) = (part.column(env.row.columns()), part.span);
        if let Some(name) = part.declared {
            let replace = over || from.is_some() || part.tuple;
            let column = Column::new(&*name.text, ty);
            return match outputs.declare(column, value, None, replace) {
                Ok(at) => at,
                Err(Twice) => {
                    self.twice(name);
                    None
                }
            };
        }
        if part.tuple {
            let name = part.typed.name.unwrap_or_default();
            return outputs.add(Column::new(name, ty), value, from, false);
        }
        if let Some(from) = from {
            let column = Column::new(part.typed.name.unwrap_or_default(), ty);
            let same = ty == env.row.columns()[from].ty;
            let replace = style == Style::Replace;
            let name = column.name.clone();
            return match outputs.declare(column, value, same.then_some(from), replace) {
                Ok(at) => at,
                Err(Twice) => {
                    let message = format!("the column `{name}` is there twice");
                    self.error("KQL240", span, message);
                    None
                }
            };
        }
        let name = match part.typed.name.filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => self.unnamed(env, style == Style::Extend),
        };
        outputs.add(Column::new(name, ty), value, None, over)
    }

    /// Reports that a name is written twice.
    pub(crate) fn twice(&mut self, name: &Name) {
        self.error("KQL240", name.span, format!("the column `{}` is there twice", name.text));
    }

    /// The name of the next column that has none: `Column1`, `Column2` … over the whole query.
    pub(crate) fn unnamed(&mut self, env: &Env<'_>, row: bool) -> String {
        loop {
            self.unnamed += 1;
            let name = format!("Column{}", self.unnamed);
            let taken = env.locals.find(&name).is_some()
                || (row && env.row.columns().iter().any(|column| column.name == name))
                || self.catalog.table(&name).is_some();
            if !taken {
                return name;
            }
        }
    }
}

/// Gives numbers to names that come again; names that come once keep theirs.
pub(crate) fn make_unique(columns: &mut [Column]) {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut unique = Unique::default();
    for (at, column) in columns.iter().enumerate() {
        first.entry(column.name.clone()).or_insert(at);
        unique.take(&column.name);
    }
    for (at, column) in columns.iter_mut().enumerate() {
        if first.get(&column.name) != Some(&at) {
            column.name = unique.name(&column.name);
        }
    }
}

/// A column of several tables brought together, and where each table has it.
#[derive(Debug)]
pub(crate) struct Unified {
    pub(crate) column: Column,
    /// By table: its position there, perhaps with another type
    pub(crate) of: Vec<Option<usize>>,
}

/// The types that a name has in several tables. Kusto's own binder keeps a column for each type
/// only where the second table that has the name disagrees with the first; where the first ones
/// agree, later ones are brought to their type.
#[derive(Debug)]
struct Types {
    types: Vec<Type>,
    tables: usize,
}

/// The columns of several tables in the order in which their names come.
pub(crate) fn unify(tables: &[&[Column]]) -> Vec<Unified> {
    let mut order: Vec<&str> = Vec::new();
    let mut known: HashMap<&str, Types> = HashMap::new();
    for column in tables.iter().copied().flatten() {
        let types = known.entry(&column.name).or_insert_with(|| {
            order.push(&column.name);
            Types { types: Vec::new(), tables: 0 }
        });
        types.tables += 1;
        let agreed = types.tables > 2 && types.types.len() == 1;
        if !agreed && !types.types.contains(&column.ty) {
            types.types.push(column.ty);
        }
    }
    let mut unique = Unique::default();
    let mut unified = Vec::new();
    for name in order {
        let types = &known[name].types;
        for ty in types {
            let wanted = match types.len() {
                1 => name.to_owned(),
                _ => format!("{name}_{ty}"),
            };
            let column = Column::new(unique.name(&wanted), *ty);
            let in_one = |table: &&[Column]| {
                table.iter().position(|c| c.name == name && (types.len() == 1 || c.ty == *ty))
            };
            unified.push(Unified { column, of: tables.iter().map(in_one).collect() });
        }
    }
    unified
}
