//! Parts of dynamics and of JSON text, and conversions of them.

use datafusion::logical_expr::Expr;
use kql::plan::{Scalar, ScalarKind};
use kql::value::{Type, Value};

use super::Form;
use crate::error::Result;
use crate::lower::scalar::{Scope, cast};
use crate::scalar::{Native, PathOf, Step};

/// Names of the function that reads JSON text.
const PARSE: [&str; 4] = ["parse_json", "todynamic", "parsejson", "toobject"];

impl Scope<'_> {
    /// A part of a dynamic as a type: `d.a[0]`, `parse_json(text).a`, or the dynamic itself.
    pub(super) fn path(&self, scalar: &Scalar, to: Type) -> Form {
        let mut path = Vec::new();
        let mut base = scalar;
        while let ScalarKind::Call { function, arguments } = &base.kind
            && &**function == "[]"
            && let [inner, at] = &arguments[..]
        {
            match self.folded(at)? {
                Some(Value::String(name)) => path.push(Step::Member(name.to_string())),
                Some(Value::Int(at)) => path.push(Step::Element(at.into())),
                Some(Value::Long(at)) => path.push(Step::Element(at)),
                _ => return Ok(None),
            }
            base = inner;
        }
        path.reverse();
        if let (true, Type::Dynamic, ScalarKind::Column(at)) = (path.is_empty(), to, &base.kind) {
            return self.column(*at).map(Some);
        }
        let Some((values, parse)) = self.base(base)? else { return Ok(None) };
        if path.is_empty() && !parse && to == Type::Dynamic {
            return Ok(Some(values));
        }
        Ok(Some(Native::Path(PathOf { path, parse, to }).call(vec![values])))
    }

    /// The column of text whose JSON an expression is, if it is that.
    pub(in crate::lower) fn parsed_text(&self, scalar: &Scalar) -> Option<String> {
        let ScalarKind::Call { function, arguments } = &scalar.kind else { return None };
        match &arguments[..] {
            [Scalar { kind: ScalarKind::Column(at), ty: Type::String }]
                if PARSE.contains(&&**function) =>
            {
                self.names.get(*at).cloned()
            }
            _ => None,
        }
    }

    /// What a path starts from, and whether it is text that `parse_json` reads. A dynamic that
    /// is evaluated by value is not written down only to be read again.
    fn base(&self, base: &Scalar) -> Result<Option<(Expr, bool)>> {
        match &base.kind {
            ScalarKind::Column(at)
                if base.ty == Type::Dynamic
                    && let Some(text) = self.text_of(*at) =>
            {
                Ok(Some((text, true)))
            }
            ScalarKind::Column(at) if base.ty == Type::Dynamic => {
                Ok(Some((self.column(*at)?, false)))
            }
            ScalarKind::Call { function, arguments } if PARSE.contains(&&**function) => {
                match &arguments[..] {
                    [text] if text.ty == Type::String => Ok(Some((self.value(text)?, true))),
                    [same] if same.ty == Type::Dynamic => self.base(same),
                    _ => Ok(None),
                }
            }
            ScalarKind::Call { function, .. }
                if &**function != "[]" && base.ty == Type::Dynamic =>
            {
                Ok(self.native(base)?.map(|expr| (expr, false)))
            }
            _ => Ok(None),
        }
    }

    /// `tostring()`, `tolong()` and their like.
    pub(super) fn conversion(&self, arguments: &[Scalar], to: Type) -> Form {
        let [one] = arguments else { return Ok(None) };
        match (one.ty, to) {
            (Type::Dynamic, Type::String) => self.text(one),
            (Type::Dynamic, _) => self.path(one, to),
            (from, to) if from == to => self.value(one).map(Some),
            (Type::Int | Type::Long, Type::String) => {
                let number = cast(self.value(one)?, one.ty, Type::Long);
                Ok(Some(Native::LongText.call(vec![number])))
            }
            (Type::Guid, Type::String) => Ok(Some(Native::Fill.call(vec![self.value(one)?]))),
            (Type::Int, Type::Long) | (Type::Int | Type::Long, Type::Real) => {
                Ok(Some(cast(self.value(one)?, one.ty, to)))
            }
            _ => Ok(None),
        }
    }
}
