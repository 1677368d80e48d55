//! What makes rows: `range`, `datatable`, `externaldata`.

use super::{Binder, Column, Env, Expr, Op, Rel, Type, rel};
use crate::plan::Schema;
use crate::syntax::{ColumnDeclaration, Name};

/// Cells of one `datatable`.
const CELLS_MAX: usize = 1_000_000;

impl Binder<'_> {
    pub(super) fn range(
        &mut self,
        name: &Name,
        from: &Expr,
        to: &Expr,
        step: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let constants = Env::of(env.locals.clone());
        let first = self.scalar(from, &constants);
        let last = self.scalar(to, &constants);
        let by = self.scalar(step, &constants);
        let (first, last, by) = (first?.value, last?.value, by?.value);
        for (value, e) in [(&first, from), (&last, to), (&by, step)] {
            let ty = value.ty;
            let fits = ty.is_number() || matches!(ty, Type::DateTime | Type::TimeSpan);
            if !(fits || self.unsure() || ty == Type::Dynamic) {
                let message = format!("a number, datetime or timespan is needed, not {ty}");
                self.error("KQL333", e.span, message);
                return None;
            }
        }
        if let Some(value) = super::project::constant_value(&by)
            && value.as_real() == Some(0.0)
        {
            self.error("KQL334", step.span, "the step is zero");
            return None;
        }
        let ends = wider(first.ty, last.ty);
        let ty = match (ends, by.ty) {
            (Some(Type::Int), Type::Int) => Some(Type::Int),
            (Some(Type::Int), Type::Long) => Some(Type::Long),
            (Some(Type::DateTime), Type::TimeSpan) => Some(Type::DateTime),
            (Some(ends), step) => wider(ends, step),
            (None, _) => None,
        };
        let Some(ty) = ty else {
            let message =
                format!("a range from {} to {} has no step of type {}", first.ty, last.ty, by.ty);
            self.error("KQL335", from.span.to(step.span), message);
            return None;
        };
        let schema = vec![Column::new(&*name.text, ty)];
        Some(rel(Op::Range { from: first, to: last, step: by }, schema))
    }

    /// `datatable`: constants row by row, each in the type of its column.
    pub(in super::super) fn datatable(
        &mut self,
        columns: &[ColumnDeclaration],
        cells: &[Expr],
        env: &Env<'_>,
    ) -> Rel {
        let schema = self.declared(columns);
        let width = columns.len().max(1);
        if !cells.len().is_multiple_of(width) {
            let span = cells.last().map(|cell| cell.span).unwrap_or_default();
            let message = format!("the cells do not fill rows of {width} columns");
            self.error("KQL252", span, message);
            return super::super::nothing();
        }
        if cells.len() > CELLS_MAX {
            let span = cells[CELLS_MAX].span;
            self.error("KQL401", span, "the table has too many cells");
            return super::super::nothing();
        }
        let mut rows = Vec::with_capacity(cells.len() / width);
        for row in cells.chunks_exact(width) {
            let mut values = Vec::with_capacity(width);
            for (cell, column) in row.iter().zip(&schema) {
                let Some((value, _)) = self.constant(cell, env) else {
                    return super::super::nothing();
                };
                values.push(value.convert(column.ty));
            }
            rows.push(values);
        }
        rel(Op::Rows(rows), schema)
    }

    /// `externaldata`: what stands at addresses.
    pub(in super::super) fn external_data(
        &mut self,
        columns: &[ColumnDeclaration],
        addresses: &[Expr],
        properties: &[(Name, Expr)],
        env: &Env<'_>,
    ) -> Rel {
        let schema = self.declared(columns);
        let mut texts = Vec::new();
        for address in addresses {
            match self.constant(address, &Env::of(env.locals.clone())) {
                Some((value, _)) => texts.push(value.to_text().to_string()),
                None => return super::super::nothing(),
            }
        }
        let Some(options) = self.options_of(properties, env) else {
            return super::super::nothing();
        };
        let format = options
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("format"))
            .map_or_else(String::new, |(_, value)| value.to_text().to_string());
        rel(Op::External { addresses: texts, format, options }, schema)
    }

    /// Columns that the text declares; each name once.
    pub(super) fn declared(&mut self, columns: &[ColumnDeclaration]) -> Schema {
        let mut schema: Schema = Vec::with_capacity(columns.len());
        for column in columns {
            if schema.iter().any(|c| c.name == column.name.text) {
                self.twice(&column.name);
            }
            schema.push(Column::new(&*column.name.text, column.ty));
        }
        schema
    }
}

/// The wider of two types, where they may be added.
fn wider(a: Type, b: Type) -> Option<Type> {
    use Type::*;
    let rank = |ty: Type| match ty {
        Int => 0,
        Long => 1,
        Decimal => 2,
        Real => 3,
        _ => 4,
    };
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Dynamic, other) | (other, Dynamic) => Some(other),
        (a, b) if a.is_number() && b.is_number() => Some(if rank(a) > rank(b) { a } else { b }),
        (TimeSpan, DateTime) | (DateTime, TimeSpan) => Some(TimeSpan),
        _ => None,
    }
}
