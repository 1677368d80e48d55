//! Findings about a query's text, shown under the lines they are about.

use std::io::IsTerminal as _;

use kql::diagnostic::{Diagnostic, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic};

/// The findings as a person reads them.
pub(super) fn shown(id: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    let theme = match (std::io::stderr().is_terminal(), no_colour()) {
        (true, false) => GraphicalTheme::unicode(),
        (true, true) => GraphicalTheme::unicode_nocolor(),
        (false, _) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).without_cause_chain();
    let mut all = String::new();
    for found in diagnostics {
        let length = found.end.saturating_sub(found.start);
        let mut report = MietteDiagnostic::new(found.message.clone())
            .with_code(found.code)
            .with_severity(match found.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
                Severity::Information => miette::Severity::Advice,
            })
            .with_label(LabeledSpan::new(None, found.start, length));
        report.help.clone_from(&found.hint);
        let report = miette::Report::new(report)
            .with_source_code(miette::NamedSource::new(id, text.to_owned()));
        if handler.render_report(&mut all, report.as_ref()).is_err() {
            // Writing to a string fails only where a finding points outside of the text.
            all.push_str(&format!("{}: {}\n", found.code, found.message));
        }
    }
    all
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
