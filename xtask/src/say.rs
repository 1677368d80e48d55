//! The one place that prints. A reader that went away (`| head`) is no reason to panic, so what
//! cannot be printed is dropped.

use std::io::{BufRead, IsTerminal, Write};

use crate::failure::Failure;

/// Prints a result on standard output.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Announces a step on standard error.
pub(crate) fn step(text: &str) {
    tell(&format!("==> {text}"));
}

/// Prints a remark on standard error.
pub(crate) fn note(text: &str) {
    tell(&format!("    {text}"));
}

/// Prints a failure the way pgkeep itself does.
pub(crate) fn failure(failure: &Failure) {
    tell(&format!("xtask: {}", failure.message));
    if let Some(detail) = &failure.detail {
        tell(&format!("detail: {detail}"));
    }
    if let Some(hint) = &failure.hint {
        tell(&format!("hint: {hint}"));
    }
}

/// Asks a yes-or-no question; `None` when nobody can answer.
pub(crate) fn ask(question: &str) -> Option<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return None;
    }
    write!(std::io::stderr(), "{question} [y/N] ").ok()?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
