//! Plugins whose columns depend on the rows: `bag_unpack` and `pivot`.
//!
//! Where the plan has only the columns that are sure, those found in the rows follow them in the
//! order of their names. Where the plan has more (a schema was written after the call, or the
//! query was bound again with what was found), exactly its columns are given.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::Call;
use crate::engine::eval::{Expr, compile_over};
use crate::engine::memory::{Calls, Groups};
use crate::engine::rows::{row_bytes, shell_bytes};
use crate::engine::{EngineError, Result, Row, Rows};
use crate::plan::{Aggregate, Column, Scalar, ScalarKind, Schema};
use crate::value::{Json, Type, Value};

/// So many columns may be found.
const COLUMNS_MAX: usize = 2000;

/// The columns that a call gives, if they depend on the rows.
pub(super) fn schema(call: &Call<'_>) -> Result<Option<Schema>> {
    Ok(match call.name {
        "bag_unpack" => Some(Unpack::of(call)?.schema(call)?),
        "pivot" => Some(Pivot::of(call)?.schema()),
        _ => None,
    })
}

/// Runs one of the two.
pub(super) fn run(call: &Call<'_>) -> Result<Rows> {
    match call.name {
        "bag_unpack" => Unpack::of(call)?.run(call),
        _ => Pivot::of(call)?.run(call),
    }
}

fn named(columns: &[Column], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.name == name)
}

fn too_many() -> EngineError {
    EngineError::Limit { what: "columns found in the rows", limit: COLUMNS_MAX as u64 }
}

/// `bag_unpack(column, prefix, columnsConflict, ignoredProperties)`.
struct Unpack {
    bag: Expr,
    /// Position of the bag's column in the input
    at: Option<usize>,
    prefix: String,
    conflict: Arc<str>,
    ignored: Vec<Arc<str>>,
}

impl Unpack {
    fn of(call: &Call<'_>) -> Result<Self> {
        let bag = call.over("column")?;
        let text = |parameter: &str| -> Result<Option<Arc<str>>> {
            Ok(call.constant(parameter)?.map(|value| value.to_text()))
        };
        let ignored = match call.constant("ignoredProperties")? {
            Some(Value::Dynamic(json)) => match &*json {
                Json::Array(names) => names.iter().map(|n| Value::of_json(n).to_text()).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        Ok(Self {
            at: bag.column(),
            bag,
            prefix: text("column_prefix")?.map(|prefix| prefix.to_string()).unwrap_or_default(),
            conflict: text("columnsConflict")?.unwrap_or_else(|| "error".into()),
            ignored,
        })
    }

    /// The input's columns without the bag, with their positions.
    fn sure<'c>(&self, call: &'c Call<'_>) -> Vec<(usize, &'c Column)> {
        let columns = call.input.schema.iter().enumerate();
        columns.filter(|(at, _)| Some(*at) != self.at).collect()
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Keys of the bags, by the name of their column, with the type of their values.
    fn slots(&self, call: &Call<'_>) -> Result<BTreeMap<String, Type>> {
        let mut slots: BTreeMap<String, Option<Type>> = BTreeMap::new();
        let mut tally = call.env.meter().tally();
        for (at, row) in call.input.rows.iter().enumerate() {
            tally.work()?;
            let Value::Dynamic(json) = call.eval(&self.bag, row, at) else { continue };
            let Json::Bag(members) = &*json else { continue };
            for (key, value) in members {
                if key.is_empty() || self.ignored.contains(key) {
                    continue;
                }
                let ty = match value {
                    Json::Null => None,
                    Json::Bool(_) => Some(Type::Bool),
                    Json::Long(_) => Some(Type::Long),
                    Json::Real(_) => Some(Type::Real),
                    Json::String(_) => Some(Type::String),
                    Json::Array(_) | Json::Bag(_) => Some(Type::Dynamic),
                };
                let name = self.name(key);
                if slots.len() >= COLUMNS_MAX && !slots.contains_key(&name) {
                    return Err(too_many());
                }
                match slots.get_mut(&name) {
                    None => {
                        slots.insert(name, ty);
                    }
                    Some(known @ None) => *known = ty,
                    Some(Some(known)) if ty.is_some_and(|ty| ty != *known) => {
                        *known = Type::Dynamic;
                    }
                    Some(Some(_)) => {}
                }
            }
        }
        Ok(slots.into_iter().map(|(name, ty)| (name, ty.unwrap_or(Type::Dynamic))).collect())
    }

    fn schema(&self, call: &Call<'_>) -> Result<Schema> {
        let sure = self.sure(call);
        let mut slots = self.slots(call)?;
        let both: Vec<String> = sure
            .iter()
            .map(|(_, column)| column.name.clone())
            .filter(|name| slots.contains_key(name))
            .collect();
        let mut schema: Schema = sure.iter().map(|(_, column)| (*column).clone()).collect();
        match &*self.conflict {
            // Either way such a column stands among the members of the bags.
            "keep_source" => schema.retain(|column| match slots.get_mut(&column.name) {
                Some(ty) => {
                    *ty = column.ty;
                    false
                }
                None => true,
            }),
            "replace_source" => schema.retain(|column| !both.contains(&column.name)),
            _ if both.is_empty() => {}
            _ => {
                let names = both.join(", ");
                return Err(call.invalid(format!(
                    "the bags have members named like columns ({names}); a prefix or \
                     columnsConflict tells what to do"
                )));
            }
        }
        schema.extend(slots.into_iter().map(|(name, ty)| Column { name, ty }));
        Ok(schema)
    }

    fn run(&self, call: &Call<'_>) -> Result<Rows> {
        let sure = self.sure(call);
        let open = call.schema.len() == sure.len()
            && call.schema.iter().zip(&sure).all(|(bound, (_, column))| bound.name == column.name);
        let schema = if open { self.schema(call)? } else { call.schema.clone() };
        let replace = &*self.conflict == "replace_source";
        // What each column is taken from: a column of the input, a member of the bag.
        let places: Vec<(Option<usize>, Option<&str>)> = schema
            .iter()
            .map(|column| {
                let source = sure.iter().find(|(_, sure)| sure.name == column.name);
                let source = source.map(|(at, _)| *at);
                let key = column.name.strip_prefix(&self.prefix);
                match source {
                    Some(at) if !replace => (Some(at), None),
                    source => (source, key),
                }
            })
            .collect();
        let mut tally = call.env.meter().tally();
        let mut rows = Vec::with_capacity(call.input.rows.len());
        for (at, row) in call.input.rows.iter().enumerate() {
            let bag = call.eval(&self.bag, row, at);
            let members: HashMap<&str, &Json> = match &bag {
                Value::Dynamic(json) => match &**json {
                    Json::Bag(members) => members.iter().map(|(k, v)| (&**k, v)).collect(),
                    _ => HashMap::new(),
                },
                _ => HashMap::new(),
            };
            let mut new = Row::with_capacity(schema.len());
            for (column, (source, key)) in schema.iter().zip(&places) {
                let member = key.and_then(|key| members.get(key));
                let value = match (member, source) {
                    (Some(json), _) => Value::of_json(json).widen(column.ty),
                    (None, Some(at)) => row[*at].clone(),
                    (None, None) => Value::absent(column.ty),
                };
                new.push(value);
            }
            let own: usize = new.iter().map(Value::heap_bytes).sum();
            tally.row(shell_bytes(new.len()) + own)?;
            rows.push(new);
        }
        Ok(Rows::new(schema, rows))
    }
}

/// `pivot(pivotColumn, aggregate, columnName …)`.
struct Pivot {
    /// Columns that stay, and their values for each row of the output
    sure: Schema,
    keys: Vec<Row>,
    /// Names of the new columns and the type of their values
    found: Vec<String>,
    ty: Type,
    /// Values by row and new column
    cells: HashMap<(usize, String), Value>,
    /// What a cell without rows has
    empty: Value,
}

impl Pivot {
    fn of(call: &Call<'_>) -> Result<Self> {
        let pivot = call.over("pivotColumn")?;
        let count = Aggregate {
            function: "count".into(),
            arguments: Vec::new(),
            outputs: vec![Column::new("count_", Type::Long)],
        };
        let aggregate = call.aggregate().unwrap_or(&count);
        let columns = Self::columns(call, &pivot, aggregate);
        let rows = &call.input.rows;
        let exprs = columns
            .iter()
            .map(|(scalar, _)| compile_over(scalar, rows, call.env))
            .collect::<Result<Vec<Expr>>>()?;
        let calls = Calls::compile([aggregate], rows, call.env)?;
        let mut groups = Groups::new(&calls);
        let mut tally = call.env.meter().tally();
        for (at, row) in rows.iter().enumerate() {
            let mut key: Row = exprs.iter().map(|expr| call.eval(expr, row, at)).collect();
            key.push(Value::String(call.eval(&pivot, row, at).to_text()));
            groups.update(key, row, at, &mut tally)?;
        }
        let first = |row: Row| row.into_iter().next().unwrap_or(Value::Null);
        let mut index = HashMap::new();
        let mut keys: Vec<Row> = Vec::new();
        let mut cells = HashMap::new();
        let mut names = HashSet::new();
        for (mut key, collected) in groups.keys.into_iter().zip(groups.collected) {
            let name = key.pop().map(|name| name.to_text().to_string()).unwrap_or_default();
            let place = *index.entry(crate::engine::Part::key(&key)).or_insert(keys.len());
            if place == keys.len() {
                keys.push(key);
            }
            if names.len() >= COLUMNS_MAX && !names.contains(&name) {
                return Err(too_many());
            }
            names.insert(name.clone());
            cells.insert((place, name), first(calls.finish(&collected)));
        }
        let mut found: Vec<String> = names.into_iter().collect();
        found.sort_unstable();
        let ty = aggregate.outputs.first().map_or(Type::Dynamic, |column| column.ty);
        let sure = columns.into_iter().map(|(_, column)| column).collect();
        Ok(Self { sure, keys, found, ty, cells, empty: first(calls.finish(&calls.fresh())) })
    }

    /// The columns that stay: those given, or all that neither pivot nor aggregate reads.
    fn columns(call: &Call<'_>, pivot: &Expr, aggregate: &Aggregate) -> Vec<(Scalar, Column)> {
        let whole = |at: usize| {
            let column = call.input.schema.get(at)?.clone();
            Some((Scalar { kind: ScalarKind::Column(at), ty: column.ty }, column))
        };
        let mut given = call.scalars("columnName").peekable();
        if given.peek().is_some() {
            let column = |(n, scalar): (usize, &Scalar)| match scalar.kind {
                ScalarKind::Column(at) => whole(at),
                _ => {
                    let name = call.schema.get(n).map_or_else(String::new, |c| c.name.clone());
                    Some((scalar.clone(), Column::new(name, scalar.ty)))
                }
            };
            return given.enumerate().filter_map(column).collect();
        }
        let mut read: HashSet<usize> = pivot.column().into_iter().collect();
        aggregate.arguments.iter().for_each(|argument| columns_of(argument, &mut read));
        let rest = (0..call.input.schema.len()).filter(|at| !read.contains(at));
        rest.filter_map(whole).collect()
    }

    /// New columns by their names in the output: one like a column that stays gets a digit.
    fn names(&self) -> Vec<(String, &String)> {
        let name = |found: &String| match named(&self.sure, found) {
            Some(_) => format!("{found}1"),
            None => found.clone(),
        };
        self.found.iter().filter(|found| !found.is_empty()).map(|f| (name(f), f)).collect()
    }

    fn schema(&self) -> Schema {
        let mut schema = self.sure.clone();
        let names = self.names().into_iter();
        schema.extend(names.map(|(name, _)| Column { name, ty: self.ty }));
        schema
    }

    fn run(&self, call: &Call<'_>) -> Result<Rows> {
        let open = call.schema.len() == self.sure.len()
            && call.schema.iter().zip(&self.sure).all(|(bound, sure)| bound.name == sure.name);
        let schema = if open { self.schema() } else { call.schema.clone() };
        let names = self.names();
        let mut tally = call.env.meter().tally();
        let mut rows = Vec::with_capacity(self.keys.len());
        for (place, key) in self.keys.iter().enumerate() {
            let value = |column: &Column| {
                if let Some(at) = named(&self.sure, &column.name) {
                    return key[at].clone().widen(column.ty);
                }
                let found = names.iter().find(|(name, _)| *name == column.name);
                let found =
                    found.map_or_else(|| column.name.clone(), |(_, found)| (*found).clone());
                let cell = self.cells.get(&(place, found)).unwrap_or(&self.empty);
                cell.clone().widen(column.ty)
            };
            let row: Row = schema.iter().map(value).collect();
            tally.row(row_bytes(&row))?;
            rows.push(row);
        }
        Ok(Rows::new(schema, rows))
    }
}

/// The columns that an expression reads.
fn columns_of(scalar: &Scalar, read: &mut HashSet<usize>) {
    match &scalar.kind {
        ScalarKind::Column(at) => {
            read.insert(*at);
        }
        ScalarKind::Call { arguments, .. } | ScalarKind::Window { arguments, .. } => {
            arguments.iter().for_each(|argument| columns_of(argument, read));
        }
        ScalarKind::InTable { value, .. } => columns_of(value, read),
        ScalarKind::Literal(_)
        | ScalarKind::ToScalar(_)
        | ScalarKind::Graph { .. }
        | ScalarKind::ScanState { .. } => {}
    }
}
