//! How a failure is said: message, detail, hint, on standard error.

use base::{ExitCode, Fault};
use serde_json::json;

use super::output::{Format, say};

/// Says a fault in the shape that was asked for.
pub(super) fn complain(format: Format, fault: &Fault) {
    if matches!(format, Format::Json | Format::Jsonc) {
        say(&json!({ "error": fault }).to_string());
        return;
    }
    say(&format!("pgkeep: {}", fault.message));
    let further = |label: &str, text: &Option<String>| {
        if let Some(text) = text {
            say(&format!("{label}: {}", text.replace('\n', "\n  ")));
        }
    };
    further("detail", &fault.detail);
    further("hint", &fault.hint);
}

/// Says what was wrong with the command line. The shape is read from the words themselves,
/// because they could not be understood as a whole.
pub(super) fn complain_of_usage(e: &clap::Error) {
    let text = e.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    let (message, detail) = text.split_once("\n\n").unwrap_or((text, ""));
    let words: Vec<String> = std::env::args().collect();
    let json = words
        .windows(2)
        .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1].starts_with("json"))
        || words.iter().any(|word| word.starts_with("-ojson") || word.starts_with("--output=json"));
    if json {
        let fault = Fault::new("usage", message).exit(ExitCode::Usage);
        let fault = if detail.is_empty() { fault } else { fault.detail(detail) };
        complain(Format::Json, &fault);
    } else {
        say(&format!("pgkeep: {text}"));
    }
}
