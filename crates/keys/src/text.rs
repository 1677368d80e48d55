//! Text that came from outside, made fit for messages.

/// Characters of foreign text that a message keeps.
const MAX_CHARS: usize = 300;

/// Cuts foreign text and takes control characters out: it ends up in logs and on terminals.
pub(crate) fn clip(text: &str) -> String {
    let mut out: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_cut_and_tamed() {
        assert_eq!(clip("a\u{1b}[31mb\n"), "a [31mb");
        let long = "ü".repeat(MAX_CHARS + 1);
        assert_eq!(clip(&long).chars().count(), MAX_CHARS + 1);
        assert!(clip(&long).ends_with('…'));
    }
}
