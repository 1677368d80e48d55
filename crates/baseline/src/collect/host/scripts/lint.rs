//! Judges a script of an extension. It runs as a superuser, and what it makes may run with the
//! rights of its owner for whoever calls it: so names that others can put something else behind,
//! and rights that are given to all, are findings.
//!
//! What is no finding: names without a schema in the script itself. CREATE EXTENSION runs it with
//! `pg_catalog` first in the search path.

use std::collections::BTreeSet;

use super::tokens::{Token, statements};

/// Something that is left open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// `definer-path`: a SECURITY DEFINER function whose names others can shadow;
    /// `script-path`: the script itself looks in a schema that others may write to;
    /// `replace`: takes over an object that may be another's (refused from 13.8 and 14.5 on);
    /// `public-write`: gives everyone a right to change a table;
    /// `definer-dynamic`: a SECURITY DEFINER function puts an argument into a statement unquoted
    pub(super) rule: &'static str,
    /// The object
    pub(super) what: String,
    /// Where the statement begins, from 1
    pub(super) line: usize,
}

/// Findings of a script, in the order of its lines.
pub(super) fn lint(text: &str) -> Vec<Finding> {
    let mut made = BTreeSet::new();
    let mut found = Vec::new();
    for (line, words) in statements(text) {
        if let Some((name, n_arguments)) = pinned(&words) {
            let is_it = |finding: &Finding| {
                let rest = finding.what.strip_prefix(&name).filter(|rest| rest.starts_with('('));
                finding.rule == "definer-path" && rest.map(count) == Some(n_arguments)
            };
            found.retain(|finding| !is_it(finding));
        }
        let mut say = |rule, what: String| found.push(Finding { rule, what, line });
        let first = |word: &str| words.first().is_some_and(|token| token.is(word));
        if first("set") || first("select") {
            if let Some(path) = path_of(&words).filter(|path| !is_safe(path)) {
                say("script-path", path.join(", "));
            }
        } else if first("create") || first("alter") {
            created(&words, &mut made, &mut say);
        } else if first("grant") {
            granted(&words, &mut say);
        }
    }
    found
}

/// CREATE and ALTER of functions, and CREATE OR REPLACE of anything.
fn created(
    words: &[Token<'_>],
    made: &mut BTreeSet<String>,
    say: &mut impl FnMut(&'static str, String),
) {
    let head = words.iter().take(8).position(|token| KINDS.iter().any(|kind| token.is(kind)));
    let Some(at) = head else { return };
    let (name, arguments) = name(&words[at + 1..]);
    let replaces = words.iter().take(at).any(|token| token.is("replace"))
        || words[at..].iter().take(4).any(|token| token.is("exists"));
    let is_create = words[0].is("create");
    if is_create && replaces && !made.contains(&name) {
        say("replace", name.clone());
    }
    if is_create {
        made.insert(name.clone());
    }
    let is_function = words[at].is("function") || words[at].is("procedure");
    let is_definer = words.windows(2).any(|pair| pair[0].is("security") && pair[1].is("definer"));
    if !is_function || !is_definer {
        return;
    }
    match path_of(words) {
        None => say("definer-path", format!("{name}{arguments}")),
        Some(path) if !is_safe(&path) => {
            say("definer-path", format!("{name}{arguments} ({})", path.join(", ")));
        }
        Some(_) => {}
    }
    let body = words.iter().filter_map(|token| match token {
        Token::Text(text) => Some(*text),
        _ => None,
    });
    if body.into_iter().any(is_dynamic) {
        say("definer-dynamic", format!("{name}{arguments}"));
    }
}

/// The function that ALTER FUNCTION gives a safe path, and how many arguments it has.
fn pinned(words: &[Token<'_>]) -> Option<(String, usize)> {
    let is_alter = words.first()?.is("alter");
    let is_function = words.get(1)?.is("function") || words.get(1)?.is("procedure");
    let path = path_of(words).filter(|_| is_alter && is_function)?;
    let (name, arguments) = name(&words[2..]);
    is_safe(&path).then(|| (name, count(&arguments)))
}

/// How many arguments `(a int, b text)` has.
fn count(arguments: &str) -> usize {
    let inner = arguments.trim_start_matches('(').split(')').next().unwrap_or("");
    if inner.trim().is_empty() { 0 } else { 1 + inner.matches(',').count() }
}

/// What CREATE OR REPLACE and IF NOT EXISTS go with.
const KINDS: &[&str] = &[
    "function",
    "procedure",
    "view",
    "aggregate",
    "trigger",
    "rule",
    "table",
    "sequence",
    "schema",
    "language",
    "transform",
    "server",
    "index",
];

/// The name of an object, in lower case unless it is in quotes, and its arguments in parentheses.
fn name(words: &[Token<'_>]) -> (String, String) {
    let mut name = String::new();
    let mut rest = words.iter();
    let mut arguments = String::new();
    let skipped = ["if", "not", "exists", "concurrently"];
    for token in rest.by_ref() {
        match token {
            Token::Word(word) if skipped.iter().any(|s| word.eq_ignore_ascii_case(s)) => {}
            Token::Word(word) if name.is_empty() || name.ends_with('.') => {
                name.push_str(&word.to_lowercase());
            }
            Token::Name(word) if name.is_empty() || name.ends_with('.') => name.push_str(word),
            Token::Sign('.') => name.push('.'),
            Token::Sign('(') => {
                arguments.push('(');
                break;
            }
            _ => break,
        }
    }
    if !arguments.is_empty() {
        let mut depth = 1;
        for token in rest {
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth -= 1,
                _ => {}
            }
            let is_sign = matches!(token, Token::Sign(_));
            if !is_sign && !arguments.ends_with(['(', '.', '[']) {
                arguments.push(' ');
            }
            match token {
                Token::Sign(sign) => arguments.push(*sign),
                Token::Word(word) => arguments.push_str(&word.to_lowercase()),
                Token::Name(word) | Token::Text(word) => arguments.push_str(word),
            }
            if depth == 0 || arguments.len() > 200 {
                break;
            }
        }
    }
    (name, arguments)
}

/// The schemas of `SET search_path = …` or `set_config('search_path', '…', …)`.
fn path_of(words: &[Token<'_>]) -> Option<Vec<String>> {
    if let Some(at) = words.iter().position(|token| token.is("search_path")) {
        let set = at > 0 && ["set", "local", "session"].iter().any(|word| words[at - 1].is(word));
        if !set {
            return None;
        }
        if words.get(at + 1)?.is("from") {
            // FROM CURRENT: the schema of the extension, while its script runs.
            return Some(vec!["@extschema@".to_owned()]);
        }
        let mut path = Vec::new();
        for token in words.get(at + 2..)? {
            match token {
                Token::Sign(',') => {}
                Token::Word(word) if word.eq_ignore_ascii_case("as") => break,
                Token::Word(word) => path.push(word.to_lowercase()),
                Token::Name(word) => path.push((*word).to_owned()),
                // One text is one name, also with a comma in it: a schema that nobody has made yet.
                Token::Text(text) if text.contains(',') => path.push(format!("\"{text}\"")),
                Token::Text(text) => path.push((*text).to_owned()),
                _ => break,
            }
            // The next clause of the function.
            if path.last().is_some_and(|last| CLAUSES.contains(&last.as_str())) {
                path.pop();
                break;
            }
        }
        return Some(path);
    }
    let at = words.iter().position(|token| *token == Token::Text("search_path"))?;
    match words.get(at + 2) {
        Some(Token::Text(text)) => {
            Some(text.split(',').map(|part| part.trim().trim_matches('"').to_owned()).collect())
        }
        // Computed: nobody knows what it is.
        _ => Some(vec!["computed".to_owned()]),
    }
}

/// What may follow `SET search_path = …` in CREATE FUNCTION.
const CLAUSES: &[&str] = &[
    "language",
    "immutable",
    "stable",
    "volatile",
    "strict",
    "security",
    "parallel",
    "cost",
    "rows",
    "support",
    "returns",
    "set",
    "called",
    "external",
    "leakproof",
    "window",
    "not",
    "begin",
    "return",
    "owner",
];

/// Only schemas that no one but administrators writes to, and temporary objects last if at all.
fn is_safe(path: &[String]) -> bool {
    let own = ["pg_catalog", "information_schema", "", "@extschema@", "pg_temp"];
    let is_own = |part: &String| own.contains(&part.as_str()) || part.starts_with("@extschema:");
    let at = path.iter().position(|part| part == "pg_temp");
    path.iter().all(is_own) && at.is_none_or(|at| at + 1 == path.len())
}

/// `execute 'text' || argument` in a body, with nothing that quotes it.
fn is_dynamic(body: &str) -> bool {
    statements(body).into_iter().any(|(_, words)| {
        let Some(at) = words.iter().position(|token| token.is("execute")) else { return false };
        let rest = &words[at + 1..];
        let glues = rest.windows(2).any(|pair| pair == [Token::Sign('|'), Token::Sign('|')]);
        let quotes = ["quote_ident", "quote_literal", "quote_nullable", "format", "regclass"];
        glues && !rest.iter().any(|token| quotes.iter().any(|word| token.is(word)))
    })
}

/// GRANT of a right to change a table to everyone.
fn granted(words: &[Token<'_>], say: &mut impl FnMut(&'static str, String)) {
    let to = words.iter().rposition(|token| token.is("to"));
    let on = words.iter().position(|token| token.is("on"));
    let (Some(to), Some(on)) = (to, on) else { return };
    let is_public = words[to..].iter().any(|token| token.is("public"));
    let changes = ["insert", "update", "delete", "truncate", "trigger", "all"];
    let gives = words[..on].iter().any(|token| changes.iter().any(|word| token.is(word)));
    let others = ["function", "procedure", "schema", "language", "type", "domain", "foreign"];
    let is_table = words.get(on + 1).is_some_and(|token| !others.iter().any(|o| token.is(o)));
    if is_public && gives && is_table {
        let at = if words[on + 1].is("table") { on + 2 } else { on + 1 };
        say("public-write", name(&words[at..]).0);
    }
}

#[cfg(test)]
mod tests {
    use super::lint;

    fn rules(text: &str) -> Vec<(&'static str, String)> {
        lint(text).into_iter().map(|finding| (finding.rule, finding.what)).collect()
    }

    #[test]
    fn what_is_left_open_is_found() {
        for (text, wanted) in [
            (
                "CREATE FUNCTION a(x int) RETURNS int LANGUAGE sql SECURITY DEFINER \
              AS $$ SELECT 1; $$;",
                vec![("definer-path", "a(x int)")],
            ),
            (
                "CREATE FUNCTION a() RETURNS int LANGUAGE sql SECURITY DEFINER \
              SET search_path = pg_catalog, pg_temp AS 'SELECT 1';",
                vec![],
            ),
            (
                "CREATE FUNCTION a() RETURNS int LANGUAGE sql SECURITY DEFINER \
              SET search_path TO public AS 'SELECT 1';",
                vec![("definer-path", "a() (public)")],
            ),
            (
                "CREATE FUNCTION a() RETURNS int SET search_path = pg_temp, pg_catalog \
              SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';",
                vec![("definer-path", "a() (pg_temp, pg_catalog)")],
            ),
            (
                "CREATE FUNCTION a() RETURNS int SET search_path = pg_catalog SECURITY DEFINER \
              LANGUAGE sql AS 'SELECT 1';",
                vec![],
            ),
            ("CREATE FUNCTION a() RETURNS int AS 'x', 'security definer' LANGUAGE c;", vec![]),
            ("-- SECURITY DEFINER\n/* CREATE OR REPLACE /* x */ */ SELECT 1;", vec![]),
            ("CREATE OR REPLACE VIEW s.\"V\" AS SELECT 1;", vec![("replace", "s.V")]),
            ("CREATE VIEW v AS SELECT 1; CREATE OR REPLACE VIEW v AS SELECT 2;", vec![]),
            ("CREATE TABLE IF NOT EXISTS t (x int);", vec![("replace", "t")]),
            ("SET search_path = public, pg_catalog;", vec![("script-path", "public, pg_catalog")]),
            ("SELECT pg_catalog.set_config('search_path', '', false);", vec![]),
            ("GRANT INSERT, SELECT ON t TO PUBLIC;", vec![("public-write", "t")]),
            ("GRANT SELECT ON t TO PUBLIC; GRANT ALL ON FUNCTION f() TO PUBLIC;", vec![]),
            (
                "CREATE FUNCTION f(x int) RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'; \
              ALTER FUNCTION f(int) SET search_path = pg_catalog;",
                vec![],
            ),
            (
                "CREATE FUNCTION f(x int) RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'; \
              ALTER FUNCTION f() SET search_path = pg_catalog;",
                vec![("definer-path", "f(x int)")],
            ),
            (
                "CREATE FUNCTION f() RETURNS int SECURITY DEFINER SET search_path FROM CURRENT \
              LANGUAGE sql AS 'SELECT 1';",
                vec![],
            ),
            ("ALTER FUNCTION f(int) SECURITY DEFINER;", vec![("definer-path", "f(int)")]),
            (
                "CREATE FUNCTION f(t text) RETURNS void SECURITY DEFINER \
              SET search_path = pg_catalog \
              LANGUAGE plpgsql AS $b$ BEGIN EXECUTE 'DROP TABLE ' || t; END $b$;",
                vec![("definer-dynamic", "f(t text)")],
            ),
            (
                "CREATE FUNCTION f(t text) RETURNS void SECURITY DEFINER \
              SET search_path = pg_catalog \
              LANGUAGE plpgsql AS $b$ BEGIN EXECUTE 'DROP TABLE ' || quote_ident(t); END $b$;",
                vec![],
            ),
        ] {
            let wanted: Vec<(&str, String)> =
                wanted.into_iter().map(|(rule, what)| (rule, what.to_owned())).collect();
            assert_eq!(rules(text), wanted, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_and_odd_texts_end() {
        let found = lint("\\echo x\n\nCREATE OR REPLACE\nVIEW v AS SELECT 1;");
        assert_eq!(found[0].line, 3);
        for text in ["'", "\"", "$$", "/*", "$a", "e'\\", "create", "create function", "é'", "\\"]
        {
            lint(text);
        }
    }
}
