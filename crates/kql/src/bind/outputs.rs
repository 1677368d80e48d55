//! Functions that give several columns: `series_stats`, `array_sort_asc` and their like. In a plan
//! such a call gives one array of its outputs, and each column takes its element.

use super::{Binder, Env, Typed, literal};
use crate::plan::ScalarKind;
use crate::syntax::{Expr, Kind, Name, Span};
use crate::value::{Type, Value};

/// The outputs of functions that give several columns, after the function's and argument's name.
pub(super) fn several(function: &str) -> Option<&'static [(&'static str, Type)]> {
    use Type::{Dynamic, Long, Real};
    Some(match function {
        "series_stats" => &[
            ("min", Real),
            ("min_idx", Long),
            ("max", Real),
            ("max_idx", Long),
            ("avg", Real),
            ("stdev", Real),
            ("variance", Real),
        ],
        "series_fit_line" => &[
            ("rsquare", Real),
            ("slope", Real),
            ("variance", Real),
            ("rvariance", Real),
            ("interception", Real),
            ("line_fit", Dynamic),
        ],
        "series_fit_2lines" => &[
            ("rsquare", Real),
            ("split_idx", Long),
            ("variance", Real),
            ("rvariance", Real),
            ("line_fit", Dynamic),
            ("right_rsquare", Real),
            ("right_slope", Real),
            ("right_interception", Real),
            ("right_variance", Real),
            ("right_rvariance", Real),
            ("left_rsquare", Real),
            ("left_slope", Real),
            ("left_interception", Real),
            ("left_variance", Real),
            ("left_rvariance", Real),
        ],
        "series_fit_poly" => &[
            ("rsquare", Real),
            ("coefficients", Dynamic),
            ("variance", Real),
            ("rvariance", Real),
            ("poly_fit", Dynamic),
        ],
        "series_decompose" | "series_decompose_forecast" => &[
            ("baseline", Dynamic),
            ("seasonal", Dynamic),
            ("trend", Dynamic),
            ("residual", Dynamic),
        ],
        "series_decompose_anomalies" => {
            &[("ad_flag", Dynamic), ("ad_score", Dynamic), ("baseline", Dynamic)]
        }
        "series_periods_detect" | "series_periods_validate" => {
            &[("periods", Dynamic), ("scores", Dynamic)]
        }
        "series_fft" | "series_ifft" => &[("real", Dynamic), ("imag", Dynamic)],
        _ => return None,
    })
}

/// The type of the first output.
pub(super) fn several_first(name: &str) -> Option<Type> {
    several(name).map(|outputs| outputs[0].1)
}

impl Binder<'_> {
    /// Every column that an expression gives: more than one only for a call of a function with
    /// several outputs.
    pub(crate) fn scalars_of(&mut self, e: &Expr, env: &Env<'_>) -> Vec<Typed> {
        if let Kind::Call { name, arguments } = &*e.kind
            && env.locals.find(&name.text).is_none()
        {
            let sorts = matches!(name.text.as_str(), "array_sort_asc" | "array_sort_desc");
            if several(&name.text).is_some() || sorts {
                return self.several(name, arguments, e.span, env).unwrap_or_default();
            }
        }
        self.scalar(e, env).into_iter().collect()
    }

    fn several(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Vec<Typed>> {
        let whole = self.function(name, arguments, span, env)?;
        self.outputs_of(name, arguments, &whole, env)
    }

    fn outputs_of(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        whole: &Typed,
        env: &Env<'_>,
    ) -> Option<Vec<Typed>> {
        let whole_value = match &whole.value.kind {
            // `function` takes the first output of these itself.
            ScalarKind::Call { function, arguments } if &**function == "[]" => arguments[0].clone(),
            _ => whole.value.clone(),
        };
        let taken = |at: usize, ty: Type| {
            let index = literal(Value::Long(at as i64), Type::Long);
            let element = super::call("[]", vec![whole_value.clone(), index], Type::Dynamic);
            match ty {
                Type::Dynamic => element,
                Type::Long => super::call("tolong", vec![element], ty),
                _ => super::call("toreal", vec![element], ty),
            }
        };
        if let Some(outputs) = several(&name.text) {
            let first = self.quiet_name(arguments.first()?, env).unwrap_or_default();
            let all = outputs.iter().enumerate().map(|(at, (suffix, ty))| Typed {
                value: taken(at, *ty),
                name: Some(format!("{}_{first}_{suffix}", name.text)),
            });
            return Some(all.collect());
        }
        let mut all = Vec::new();
        for argument in arguments {
            let named = match &*argument.kind {
                Kind::Named { names, .. } => names.first().map(|name| name.text.clone()),
                _ => self.quiet_name(argument, env),
            };
            let Some((value, failed)) = self.quiet(argument, env) else { continue };
            if failed || value.value.ty != Type::Dynamic {
                continue;
            }
            all.push(named.map(|name| format!("{name}_sorted")));
        }
        if all.len() == 1 {
            let name = all.pop().flatten();
            return Some(vec![Typed { value: whole.value.clone(), name }]);
        }
        let outputs = all.into_iter().enumerate();
        let output = |(at, name): (usize, Option<String>)| Typed {
            value: taken(at, Type::Dynamic),
            name: Some(name.unwrap_or_else(|| format!("array{at}_sorted"))),
        };
        Some(outputs.map(output).collect())
    }

    /// Binds again without reporting: for names only.
    fn quiet(&mut self, e: &Expr, env: &Env<'_>) -> Option<(Typed, bool)> {
        let before = self.diagnostics.len();
        let typed = self.scalar(e, env);
        let failed = self.diagnostics.len() > before;
        self.diagnostics.truncate(before);
        typed.map(|typed| (typed, failed))
    }

    fn quiet_name(&mut self, e: &Expr, env: &Env<'_>) -> Option<String> {
        self.quiet(e, env).and_then(|(typed, _)| typed.name)
    }
}
