//! A source file as the rules see it: its text, and for Rust the code without words.

use crate::repo::SourceFile;

/// One file of the work tree, prepared for the rules.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path below the root.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
    /// Rust only: the text with comments and literals blanked, line for line.
    pub(crate) code: String,
    /// Line of an inline test module, from 1.
    tests_from: usize,
}

impl Source {
    /// Prepares a file.
    pub(crate) fn new(file: SourceFile) -> Self {
        let code = if file.path.ends_with(".rs") { blank(&file.text) } else { String::new() };
        let tests_from = inline_tests(&code);
        Self { path: file.path, text: file.text, code, tests_from }
    }

    /// Whether this is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate a file belongs to: `crates/NAME/…` or `xtask`.
    pub(crate) fn crate_name(&self) -> &str {
        let path = self.path.strip_prefix("crates/").unwrap_or(&self.path);
        path.split('/').next().unwrap_or_default()
    }

    /// Whether a line (from 1) is part of a test.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        let path = &self.path;
        line >= self.tests_from
            || path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || self.crate_name() == "testkit"
    }

    /// The lines of code, numbered from 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// The lines of text, numbered from 1.
    pub(crate) fn text_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// The first line of `#[cfg(test)] mod … {`, or a line past the end.
fn inline_tests(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let inline = |at: usize| {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        lines[at].starts_with("#[cfg(test)]") && next.starts_with("mod ") && next.ends_with('{')
    };
    (0..lines.len()).find(|at| inline(*at)).map_or(usize::MAX, |at| at + 1)
}

/// Replaces comments, strings and character literals by spaces and keeps every line break.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match literal_end(&chars, at) {
            Some(end) => end,
            None => {
                out.push(chars[at]);
                at += 1;
                continue;
            }
        };
        out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// The end of the comment or literal that starts at `at`, if one does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next == Some('/') => Some(find_from(chars, at, |c| c == '\n')),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        'r' if !in_word => raw_string_end(chars, at + 1),
        'b' | 'c' if !in_word && next == Some('r') => raw_string_end(chars, at + 2),
        '\'' => char_end(chars, at),
        _ => None,
    }
}

fn find_from(chars: &[char], at: usize, wanted: impl Fn(char) -> bool) -> usize {
    (at..chars.len()).find(|i| wanted(chars[*i])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `at` points behind the `r`.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let quote = find_from(chars, at, |c| c != '#');
    let n_hashes = quote - at;
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let closes = |i: usize| {
        chars[i] == '"'
            && chars.len() >= i + 1 + n_hashes
            && chars[i + 1..i + 1 + n_hashes].iter().all(|c| *c == '#')
    };
    let close = (quote + 1..chars.len()).find(|i| closes(*i));
    Some(close.map_or(chars.len(), |close| close + 1 + n_hashes))
}

/// A character literal, as opposed to a lifetime.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), Some(_)) => {
            let close = find_from(chars, at + 3, |c| c == '\'');
            Some((close + 1).min(chars.len()))
        }
        (Some(_), Some('\'')) => Some(at + 3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;

    fn code(text: &str) -> String {
        source("crates/a/src/lib.rs", text).code
    }

    #[test]
    fn blanks_words_and_keeps_code() {
        assert_eq!(code("a // b\nc"), "a     \nc");
        assert_eq!(code("x(\"todo!\", y)"), "x(       , y)");
        assert_eq!(code("/* a /* b */ c */d"), "                 d");
        assert_eq!(code(r##"r#"a"b"#;z"##), "        ;z");
        assert_eq!(code(r#""a\"b";z"#), "      ;z");
        assert_eq!(code("br\"x\";z"), "     ;z");
    }

    #[test]
    fn tells_characters_from_lifetimes() {
        assert_eq!(code("'\"';z"), "   ;z");
        assert_eq!(code("'\\'';z"), "    ;z");
        assert_eq!(code("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
        assert_eq!(code("for_r\"x\""), "for_r   ");
    }

    #[test]
    fn knows_where_tests_begin() {
        let file = source("crates/a/src/b.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n}\n");
        assert!(!file.is_test(1));
        assert!(file.is_test(3));
        assert!(source("crates/a/tests/it/x.rs", "").is_test(1));
        assert!(!source("crates/a/src/b.rs", "#[cfg(test)]\nmod tests;\nfn f() {}\n").is_test(3));
    }

    #[test]
    fn knows_its_crate() {
        assert_eq!(source("crates/pg/src/lib.rs", "").crate_name(), "pg");
        assert_eq!(source("xtask/src/main.rs", "").crate_name(), "xtask");
    }
}
