//! What is wrong with a query, where, and what may help.

use serde::Serialize;

use crate::syntax::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The query cannot run
    Error,
    /// It can, but perhaps not as meant
    Warning,
    /// Worth knowing
    Information,
}

/// One finding about a query's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad
    pub severity: Severity,
    /// A stable code: `KQL1xx` text, `KQL2xx` names, `KQL3xx` types, `KQL4xx` running
    pub code: &'static str,
    /// What is wrong, lower case, without a full stop
    pub message: String,
    /// What may help
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// First byte of the place
    pub start: usize,
    /// First byte after it
    pub end: usize,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// A finding.
    pub fn new(
        severity: Severity,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        let (start, end) = (span.start, span.end);
        Self { severity, code, message: message.into(), hint: None, start, end }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
