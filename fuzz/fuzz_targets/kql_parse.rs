//! The parser and the formatter on any text: no panic, no hang; what is formatted parses again
//! and stays as it is.
#![no_main]

use kql::diagnostic::Severity;
use kql::syntax;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (_, found) = syntax::parse(text);
    for diagnostic in &found {
        assert!(diagnostic.start <= diagnostic.end && diagnostic.end <= text.len());
        assert!(text.is_char_boundary(diagnostic.start) && text.is_char_boundary(diagnostic.end));
    }
    if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return;
    }
    let formatted = syntax::format(text).expect("because it parsed");
    let again = syntax::format(&formatted).expect("because it was formatted");
    assert_eq!(formatted, again, "formatting is not stable");
});
