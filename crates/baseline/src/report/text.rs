//! Text for formats that do not take every text as it is.

/// Text for XML and HTML, in content and in attributes with double quotes. Line ends and tabs are
/// written as references, for attributes lose them otherwise; what XML 1.0 cannot hold (section
/// 2.2) becomes U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            // A name that turns the direction of text looks like another name.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A literal text as a message of SARIF (section 3.11.5): braces are placeholders there, and
/// brackets with parentheses links (3.11.6).
pub(super) fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            '[' => out.push_str("\\["),
            ']' => out.push_str("\\]"),
            c => out.push(c),
        }
    }
    out
}

/// A text in one line that is not empty: OSCAL takes no other titles and values.
pub(super) fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let line = text.chars().map(visible).collect::<String>();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "-".to_owned() } else { line }
}

/// A token of OSCAL: letters, digits, `-`, `.` and `_`, and a letter or `_` first.
pub(super) fn token(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let mut out: String = text.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.insert(0, '_');
    }
    out
}

/// A UUID in the form of version 5 (RFC 9562), of SHA-256 in the place of SHA-1: the same parts
/// give the same one.
pub(super) fn uuid(parts: &[&str]) -> String {
    let mut name = String::from(super::NAMESPACE);
    for part in parts {
        // Lengths keep `ab`, `c` and `a`, `bc` apart.
        name += &format!("\0{}:{part}", part.len());
    }
    let hash = crypto::sha256(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out += &format!("{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, message, one_line, token, uuid};

    #[test]
    fn odd_texts_fit() {
        assert_eq!(
            escaped("<a b=\"c\">&'\n\u{1}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;&#10;\u{fffd}"
        );
        assert_eq!(message("{0} [a](b)"), "{{0}} \\[a\\](b)");
        assert_eq!(one_line(" a\n\tb\u{7} "), "a b");
        assert_eq!(one_line("\n"), "-");
        assert_eq!(token("9 ü-b.c"), "_9__-b.c");
    }

    #[test]
    fn a_uuid_is_of_its_parts() {
        let one = uuid(&["ab", "c"]);
        assert_eq!(one, uuid(&["ab", "c"]));
        assert_ne!(one, uuid(&["a", "bc"]));
        assert_eq!((one.len(), &one[14..15]), (36, "5"));
        assert!("89ab".contains(&one[19..20]));
    }
}
