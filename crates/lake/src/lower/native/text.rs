//! Functions and tests of text.

use std::sync::Arc;

use kql::plan::{Scalar, ScalarKind};
use kql::value::{Type, Value};

use super::Form;
use crate::lower::scalar::Scope;
use crate::scalar::{Native, Test};

/// The test that an operator stands for, and whether it is negated.
fn test_of(operator: &str) -> Option<(Test, bool)> {
    let (name, negated) = match operator.strip_prefix('!') {
        Some(name) => (name, true),
        None => (operator, false),
    };
    let (name, fold) = match name.strip_suffix("_cs") {
        Some(name) => (name, false),
        None => (name, true),
    };
    let test = match name {
        "has" => Test::Term { start: true, end: true, fold },
        "hasprefix" => Test::Term { start: true, end: false, fold },
        "hassuffix" => Test::Term { start: false, end: true, fold },
        "contains" => Test::Contains { fold },
        "startswith" => Test::Starts { fold },
        "endswith" => Test::Ends { fold },
        "=~" | "~" => Test::In { fold: true },
        "matches regex" => Test::Regex,
        _ => return None,
    };
    Some((test, negated))
}

impl Scope<'_> {
    /// What `tostring()` gives of a string or a dynamic, where that has a form.
    pub(in crate::lower) fn text(&self, scalar: &Scalar) -> Form {
        match scalar.ty {
            Type::String => self.value(scalar).map(Some),
            Type::Dynamic => match self.split_part(scalar)? {
                Some(part) => Ok(Some(part)),
                None => self.path(scalar, Type::String),
            },
            _ => Ok(None),
        }
    }

    /// `split(text, delimiter)[at]` as text.
    fn split_part(&self, scalar: &Scalar) -> Form {
        let ScalarKind::Call { function, arguments } = &scalar.kind else { return Ok(None) };
        let [split, at] = &arguments[..] else { return Ok(None) };
        let ScalarKind::Call { function: inner, arguments: parts } = &split.kind else {
            return Ok(None);
        };
        let ("[]", "split", [text, delimiter]) = (&**function, &**inner, &parts[..]) else {
            return Ok(None);
        };
        let (Some(Value::String(delimiter)), Some(at)) =
            (self.folded(delimiter)?, self.folded(at)?)
        else {
            return Ok(None);
        };
        let (Some(at), Some(text)) = (at.as_integer(), self.text(text)?) else { return Ok(None) };
        let delimiter = delimiter.to_string();
        Ok(Some(Native::SplitAt { delimiter, at }.call(vec![text])))
    }

    /// A test of a text with constants.
    pub(super) fn text_test(
        &self,
        test: Test,
        value: &Scalar,
        needles: Vec<String>,
        negated: bool,
    ) -> Form {
        // A dynamic that is null has no text, and an empty needle would be found in it.
        if value.ty == Type::Dynamic && needles.iter().any(String::is_empty) {
            return Ok(None);
        }
        let Some(text) = self.text(value)? else { return Ok(None) };
        Ok(Some(Native::Text { test, needles, negated }.call(vec![text])))
    }

    pub(super) fn text_function(&self, function: &str, arguments: &[Scalar], ty: Type) -> Form {
        if let Some((test, negated)) = test_of(function) {
            let [value, needle] = arguments else { return Ok(None) };
            let Some(Value::String(needle)) = self.folded(needle)? else { return Ok(None) };
            if test == Test::Regex && kql::functions::compile_regex(&needle).is_err() {
                return Ok(None);
            }
            return self.text_test(test, value, vec![needle.to_string()], negated);
        }
        match (function, arguments) {
            ("tolower" | "toupper", [one]) => {
                let upper = function == "toupper";
                let text = self.text(one)?;
                Ok(text.map(|text| Native::Case { upper }.call(vec![text])))
            }
            ("strlen", [one]) => Ok(self.text(one)?.map(|text| Native::Length.call(vec![text]))),
            ("strcat", all) if !all.is_empty() => {
                let mut texts = Vec::with_capacity(all.len());
                for one in all {
                    texts.push(self.value(&as_text(one))?);
                }
                Ok(Some(Native::Concat.call(texts)))
            }
            ("extract", [pattern, group, text]) => self.extract(pattern, group, text),
            ("extract", [pattern, group, text, _])
                if !matches!(ty, Type::Dynamic | Type::String | Type::Decimal) =>
            {
                let Some(found) = self.extract(pattern, group, text)? else { return Ok(None) };
                // Nothing found is "", which no conversion takes.
                let kind = ScalarKind::Column(0);
                let call = format!("to{}", ty.name());
                let arguments = vec![Scalar { kind, ty: Type::String }];
                let kind = ScalarKind::Call { function: Arc::from(call), arguments };
                self.over(&Scalar { kind, ty }, found)
            }
            ("substring", [text, rest @ ..]) => self.substring(text, rest),
            _ => Ok(None),
        }
    }

    fn extract(&self, pattern: &Scalar, group: &Scalar, text: &Scalar) -> Form {
        let (Some(Value::String(pattern)), Some(group)) =
            (self.folded(pattern)?, self.folded(group)?)
        else {
            return Ok(None);
        };
        let Ok(regex) = kql::functions::compile_regex(&pattern) else { return Ok(None) };
        let group = group.to_long().and_then(|group| usize::try_from(group).ok());
        let Some(group) = group.filter(|group| *group < regex.captures_len()) else {
            return Ok(None);
        };
        let Some(text) = self.text(text)? else { return Ok(None) };
        let pattern = pattern.to_string();
        Ok(Some(Native::Extract { pattern, group }.call(vec![text])))
    }

    fn substring(&self, text: &Scalar, rest: &[Scalar]) -> Form {
        let mut numbers = Vec::with_capacity(2);
        for scalar in rest {
            match self.folded(scalar)?.and_then(|value| value.as_integer()) {
                Some(number) => numbers.push(number),
                None => return Ok(None),
            }
        }
        let (start, length) = match numbers[..] {
            [start] => (start, None),
            [start, length] => (start, Some(length)),
            _ => return Ok(None),
        };
        let Some(text) = self.text(text)? else { return Ok(None) };
        Ok(Some(Native::Substring { start, length }.call(vec![text])))
    }
}

/// `tostring()` of what is no string.
fn as_text(scalar: &Scalar) -> Scalar {
    if scalar.ty == Type::String {
        return scalar.clone();
    }
    let arguments = vec![scalar.clone()];
    let kind = ScalarKind::Call { function: Arc::from("tostring"), arguments };
    Scalar { kind, ty: Type::String }
}
