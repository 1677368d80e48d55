//! Bodies of functions where they are written: what is wrong there whatever the arguments are.
//!
//! A call binds the body again with its arguments. Here parameters stand for themselves, and a
//! table has the columns that its parameter declares, because the body may use no others.

use std::rc::Rc;

use super::env::Function;
use super::{Binder, Env, Item, Typed, call, rel};
use crate::plan::{Column, Op};
use crate::syntax::Takes;

/// Findings that hold for any arguments: columns and variables that are not there, operators
/// between types that do not fit.
const SURE: [&str; 3] = ["KQL202", "KQL264", "KQL309"];

impl Binder<'_> {
    /// Reports what is wrong in a function's body for any arguments.
    pub(super) fn check_body(&mut self, function: &Rc<Function>) {
        // A body inside a body is judged when the outer one is called, else the work would double
        // with each level.
        if self.calls > 0 || self.checked > super::NODES_MAX {
            return;
        }
        let Some(locals) = self.stand_ins(function) else { return };
        let diagnostics = std::mem::take(&mut self.diagnostics);
        let before = (self.shared.len(), self.scalars.len(), self.further.len());
        let options = self.options.len();
        let (open, absent, nodes) = (self.open, self.absent, self.nodes);
        let (unnamed, named) = (self.unnamed, std::mem::take(&mut self.named));
        let render = self.render.clone();
        // Nothing is run for a body that may never be called.
        let discover = self.discover.take();
        self.calls += 1;
        let span = function.body.first().map(|statement| statement.span).unwrap_or_default();
        self.body(&function.body, locals, span, &Env::of(function.locals.clone()));
        self.calls -= 1;
        self.discover = discover;
        let found = std::mem::replace(&mut self.diagnostics, diagnostics);
        self.diagnostics.extend(found.into_iter().filter(|d| SURE.contains(&d.code)));
        self.shared.truncate(before.0);
        self.scalars.truncate(before.1);
        self.further.truncate(before.2);
        self.options.truncate(options);
        self.checked += self.nodes - nodes;
        (self.open, self.absent, self.nodes) = (open, absent, nodes);
        (self.unnamed, self.named) = (unnamed, named);
        self.render = render;
    }

    /// The function's names with each parameter standing for itself; `None` where a type is not
    /// written.
    fn stand_ins(&mut self, function: &Function) -> Option<super::Locals> {
        let mut locals = function.locals.clone();
        for parameter in &function.parameters {
            let name = &parameter.name.text;
            let item = match &parameter.takes {
                Takes::Scalar(ty) => {
                    let value = call(&format!("parameter {name}"), Vec::new(), (*ty)?);
                    Item::Scalar { value: Typed { value, name: None }, row: 0 }
                }
                Takes::Tabular { columns, .. } => {
                    let schema = columns.iter().map(|c| Column::new(&*c.name.text, c.ty)).collect();
                    Item::Table { rel: rel(Op::Rows(Vec::new()), schema), view: false }
                }
            };
            locals = locals.with(name, item);
        }
        Some(locals)
    }
}
