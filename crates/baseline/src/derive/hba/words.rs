//! The words of a line of pg_hba.conf that stand for databases and roles.
//!
//! `pg_hba_file_rules` shows words without their quotes, so `all` and `"all"` look the same. A word
//! that is a keyword counts as one, and as a name too where a role or database is called like it:
//! what then depends on the quotes is unknown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex::Regex;

/// Patterns that every name fits.
const EVERYTHING: &[&str] = &["", ".*", ".+", "^", "^.*$", "^.+$", "^.*", ".*$"];

/// Whether something matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    /// It cannot be told from what SQL shows
    Maybe,
    Yes,
}

impl From<bool> for Match {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// What a word means.
#[derive(Debug, Clone)]
pub(super) enum Word {
    All,
    SameUser,
    SameRole,
    /// Connections for physical replication
    Replication,
    /// Members of a role, itself among them
    Group(String),
    Name(String),
    /// PostgreSQL 16 and later; without a pattern where it is one that only PostgreSQL can read
    Pattern(String, Option<Regex>),
}

/// The meanings of a word: one, or two where its quotes would decide.
#[derive(Debug, Clone)]
pub(super) struct Meanings(pub(super) Vec<Word>);

/// Names that exist, by which words are read.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Databases, and whether they can be entered
    pub(super) databases: BTreeMap<String, bool>,
    pub(super) roles: BTreeMap<String, RoleFacts>,
    /// Roles that a role is a member of, through others too
    pub(super) groups: HashMap<String, BTreeSet<String>>,
}

/// What is known of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RoleFacts {
    pub(super) superuser: bool,
    pub(super) login: bool,
}

impl Names {
    /// Whether a role is in a group as pg_hba.conf counts: itself and by grants, also where it is
    /// a superuser.
    pub(super) fn is_member(&self, role: &str, group: &str) -> bool {
        self.roles.contains_key(role)
            && self.roles.contains_key(group)
            && (role == group || self.groups.get(role).is_some_and(|all| all.contains(group)))
    }
}

fn read(text: &str, major: u32, keyword: Option<Word>, is_name: bool) -> Meanings {
    if major >= 16
        && let Some(pattern) = text.strip_prefix('/')
    {
        let word = if EVERYTHING.contains(&pattern) {
            Word::All
        } else {
            Word::Pattern(pattern.to_owned(), translated(pattern))
        };
        return Meanings(vec![word]);
    }
    let name = || Word::Name(text.to_owned());
    Meanings(match keyword {
        None => vec![name()],
        Some(word) if is_name => vec![word, name()],
        Some(word) => vec![word],
    })
}

/// A word in the place of databases.
pub(super) fn database(text: &str, major: u32, names: &Names) -> Meanings {
    let keyword = match text {
        "all" => Some(Word::All),
        "sameuser" => Some(Word::SameUser),
        "samerole" | "samegroup" => Some(Word::SameRole),
        "replication" => Some(Word::Replication),
        _ => None,
    };
    read(text, major, keyword, names.databases.contains_key(text))
}

/// A word in the place of roles.
pub(super) fn role(text: &str, major: u32, names: &Names) -> Meanings {
    let keyword = match text.strip_prefix('+') {
        Some(group) => Some(Word::Group(group.to_owned())),
        None => (text == "all").then_some(Word::All),
    };
    read(text, major, keyword, names.roles.contains_key(text))
}

impl Meanings {
    /// Whether the word matches, `by` saying it of each meaning.
    pub(super) fn matches(&self, by: impl Fn(&Word) -> Match) -> Match {
        let mut said = self.0.iter().map(by);
        let first = said.next().unwrap_or(Match::No);
        if said.all(|other| other == first) { first } else { Match::Maybe }
    }
}

/// Whether a pattern fits a name.
pub(super) fn fits(pattern: Option<&Regex>, name: &str) -> Match {
    match pattern {
        // What a character is depends on the server's encoding and locale.
        Some(pattern) if name.is_ascii() => pattern.is_match(name).into(),
        _ => Match::Maybe,
    }
}

/// The pattern for the crate `regex`, where every part of it means the same there as in PostgreSQL
/// (section 9.7.3.1 of its manual); none otherwise.
fn translated(pattern: &str) -> Option<Regex> {
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let escaped = rest.next()?;
                if !(escaped.is_ascii_punctuation() || matches!(escaped, 'd' | 's' | 'w')) {
                    return None;
                }
            }
            '(' if rest.peek() == Some(&'?') => {
                rest.next();
                if rest.next() != Some(':') {
                    return None;
                }
            }
            '[' => class(&mut rest)?,
            '{' if !rest.peek().is_some_and(char::is_ascii_digit) => return None,
            '*' | '+' | '?' | '}' if matches!(rest.peek(), Some('*' | '+')) => return None,
            '*' if rest.peek() == Some(&'*') => return None,
            _ if c.is_ascii_alphanumeric() => {}
            '_' | '-' | '.' | '^' | '$' | '*' | '+' | '?' | '|' | '(' | ')' | '{' | '}' | ',' => {}
            ' ' | '@' | '/' | ':' | '=' | '%' | '~' | '!' | ';' => {}
            _ => return None,
        }
    }
    // Without `s` a dot would not be a line's end, as it is in PostgreSQL.
    Regex::new(&format!("(?s:{pattern})")).ok()
}

/// Goes to the end of a class of plain characters and ranges.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    rest.next_if_eq(&'^');
    let mut n = 0;
    loop {
        match rest.next()? {
            ']' if n > 0 => return Some(()),
            '-' if rest.peek() == Some(&'-') => return None,
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | ' ') => n += 1,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_or_unknown() {
        let cases = [
            ("^db[0-9]{2}$", "db12", Match::Yes),
            ("^db[0-9]{2}$", "db123", Match::No),
            ("b", "abc", Match::Yes),
            ("^(app|web)_", "web_1", Match::Yes),
            (r"^a\.b$", "axb", Match::No),
            ("^a", "Abc", Match::No),
            (r"\mdb", "db", Match::Maybe),
            ("[[:digit:]]", "1", Match::Maybe),
            ("(?i)a", "a", Match::Maybe),
            ("***=a", "a", Match::Maybe),
            (r"(a)\1", "aa", Match::Maybe),
            ("^.$", "é", Match::Maybe),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(fits(translated(pattern).as_ref(), name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_keyword_that_is_also_a_name_is_unknown_where_the_two_differ() {
        let mut names = Names::default();
        let is = |word: &Word, name: &str| match word {
            Word::All => Match::Yes,
            Word::Name(own) => (own == name).into(),
            _ => Match::No,
        };
        assert_eq!(role("all", 15, &names).matches(|word| is(word, "ann")), Match::Yes);
        names.roles.insert("all".to_owned(), RoleFacts { superuser: false, login: true });
        let word = role("all", 15, &names);
        assert_eq!(word.matches(|word| is(word, "all")), Match::Yes);
        assert_eq!(word.matches(|word| is(word, "ann")), Match::Maybe);
        assert!(matches!(role("/a", 15, &names).0[0], Word::Name(_)));
        assert!(matches!(role("/a", 16, &names).0[0], Word::Pattern(..)));
    }
}
