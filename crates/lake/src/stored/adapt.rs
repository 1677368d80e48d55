//! Expressions over a table's columns rewritten onto the columns of one file.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{
    Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion,
};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, Literal, lit};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use kql::value::{Type, Value};

use super::{convert::convert, literal::stored_comparison};
use crate::data::{arrow_type, scalar_of};

/// The Kusto types of a table's columns by name.
#[derive(Debug, Clone)]
pub(crate) struct StoredColumns(pub(crate) Arc<HashMap<String, Type>>);

impl PhysicalExprAdapterFactory for StoredColumns {
    fn create(&self, _table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(OfFile { types: Arc::clone(&self.0), file }))
    }
}

/// The Kusto types of the columns of a scan whose expressions are rewritten by [`StoredColumns`];
/// `None` where something else does it. A factory cannot be asked what it is, so it is asked what
/// it would do with each column.
///
/// # Errors
/// None that a schema can cause.
pub(crate) fn types_of(
    factory: &dyn PhysicalExprAdapterFactory,
    table: &SchemaRef,
) -> Result<Option<BTreeMap<String, Type>>> {
    // No column of Kusto is stored so, hence each is converted.
    let stored = table.fields().iter().map(|field| Field::new(field.name(), DataType::Null, true));
    let stored: SchemaRef = Arc::new(Schema::new(stored.collect::<Vec<_>>()));
    let adapter = factory.create(Arc::clone(table), stored)?;
    let mut types = BTreeMap::new();
    for (at, field) in table.fields().iter().enumerate() {
        let made = adapter.rewrite(Arc::new(Column::new(field.name(), at)))?;
        let Some(converted) = made.downcast_ref::<Converted>() else { return Ok(None) };
        types.insert(field.name().clone(), converted.ty);
    }
    Ok(Some(types))
}

#[derive(Debug)]
struct OfFile {
    types: Arc<HashMap<String, Type>>,
    file: SchemaRef,
}

impl PhysicalExprAdapter for OfFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expr.transform_down(|expr| {
            if let Some(made) = self.comparison(&expr)? {
                return Ok(Transformed::new(made, true, TreeNodeRecursion::Jump));
            }
            if let Some(column) = expr.downcast_ref::<Column>() {
                let made = self.column(column);
                return Ok(Transformed::new(made, true, TreeNodeRecursion::Jump));
            }
            Ok(Transformed::no(expr))
        })
        .data()
    }
}

impl OfFile {
    /// The column of the file and what it stores, if it has it.
    fn stored(&self, column: &Column) -> Option<(Arc<dyn PhysicalExpr>, &DataType)> {
        let (at, field) = self.file.column_with_name(column.name())?;
        Some((Arc::new(Column::new(column.name(), at)), field.data_type()))
    }

    fn type_of(&self, column: &Column) -> Type {
        self.types.get(column.name()).copied().unwrap_or(Type::String)
    }

    /// The column in the table's type.
    fn column(&self, column: &Column) -> Arc<dyn PhysicalExpr> {
        let ty = self.type_of(column);
        let Some((at, field)) = self.file.column_with_name(column.name()) else {
            return lit(scalar_of(&Value::absent(ty), ty));
        };
        let stored: Arc<dyn PhysicalExpr> = Arc::new(Column::new(column.name(), at));
        let same = *field.data_type() == arrow_type(ty);
        let as_it_is = match ty {
            Type::Bool | Type::Int | Type::Long | Type::Real => same,
            Type::String => same && !field.is_nullable(),
            _ => false,
        };
        if as_it_is { stored } else { Arc::new(Converted { stored, ty }) }
    }

    /// A comparison of a column with constants, said of the stored column.
    fn comparison(&self, expr: &Arc<dyn PhysicalExpr>) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            let (left, right) = (binary.left(), binary.right());
            if let (Some(column), Some(constant)) =
                (left.downcast_ref::<Column>(), right.downcast_ref::<Literal>())
            {
                return Ok(self.binary(column, *binary.op(), constant));
            }
            if let (Some(constant), Some(column), Some(op)) =
                (left.downcast_ref::<Literal>(), right.downcast_ref::<Column>(), binary.op().swap())
            {
                return Ok(self.binary(column, op, constant));
            }
        }
        if let Some(list) = expr.downcast_ref::<InListExpr>()
            && let Some(column) = list.expr().downcast_ref::<Column>()
            && !list.negated()
        {
            return self.in_list(column, list);
        }
        Ok(None)
    }

    fn binary(
        &self,
        column: &Column,
        op: Operator,
        constant: &Literal,
    ) -> Option<Arc<dyn PhysicalExpr>> {
        let (stored, data_type) = self.stored(column)?;
        let parts = stored_comparison(op, constant.value(), self.type_of(column), data_type)?;
        let and = |a: Arc<dyn PhysicalExpr>, b| {
            Arc::new(BinaryExpr::new(a, Operator::And, b)) as Arc<dyn PhysicalExpr>
        };
        parts
            .into_iter()
            .map(|(op, constant)| {
                let stored = Arc::clone(&stored);
                Arc::new(BinaryExpr::new(stored, op, lit(constant))) as Arc<dyn PhysicalExpr>
            })
            .reduce(and)
    }

    fn in_list(&self, column: &Column, list: &InListExpr) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some((stored, data_type)) = self.stored(column) else { return Ok(None) };
        let mut constants = Vec::with_capacity(list.len());
        for item in list.list() {
            let Some(constant) = item.downcast_ref::<Literal>() else { return Ok(None) };
            let ty = self.type_of(column);
            let one = stored_comparison(Operator::Eq, constant.value(), ty, data_type);
            match one.as_deref() {
                Some([(Operator::Eq, constant)]) => constants.push(lit(constant.clone())),
                _ => return Ok(None),
            }
        }
        let made = InListExpr::try_new(stored, constants, false, &self.file)?;
        Ok(Some(Arc::new(made)))
    }
}

/// A stored column shown in a Kusto type.
#[derive(Debug, Clone, Eq)]
struct Converted {
    stored: Arc<dyn PhysicalExpr>,
    ty: Type,
}

impl PartialEq for Converted {
    fn eq(&self, other: &Self) -> bool {
        self.ty == other.ty && *self.stored == *other.stored
    }
}

impl Hash for Converted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stored.hash(state);
        self.ty.hash(state);
    }
}

impl fmt::Display for Converted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.ty, self.stored)
    }
}

impl PhysicalExpr for Converted {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(arrow_type(self.ty))
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let stored = self.stored.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(convert(&stored, self.ty)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.stored]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let stored = children.swap_remove(0);
        Ok(Arc::new(Self { stored, ty: self.ty }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
