//! SPDX licence expressions: may we ship under one of the choices offered?

/// Licences that ask for nothing but notices.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Exceptions that only add permissions.
const ALLOWED_EXCEPTIONS: &[&str] = &["LLVM-exception"];

/// Whether the expression offers at least one choice whose every part is allowed.
///
/// Grammar of SPDX 2.3 annex D, with the old slash for OR; what cannot be read is not allowed.
pub(super) fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, at: 0 };
    matches!(reader.any_of(), Some(true)) && reader.at == words.len()
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    fn any_of(&mut self) -> Option<bool> {
        let mut allowed = self.all_of()?;
        while self.take("OR") {
            allowed |= self.all_of()?;
        }
        Some(allowed)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.take("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let allowed = self.any_of()?;
            return self.take(")").then_some(allowed);
        }
        let licence = self.word()?;
        let mut allowed = ALLOWED.contains(&licence);
        if self.take("WITH") {
            allowed &= ALLOWED_EXCEPTIONS.contains(&self.word()?);
        }
        Some(allowed)
    }

    fn word(&mut self) -> Option<&str> {
        let word = *self.words.get(self.at)?;
        self.at += 1;
        (!matches!(word, "OR" | "AND" | "WITH" | "(" | ")")).then_some(word)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn accepts_a_permissive_choice() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "ISC AND (Apache-2.0 OR ISC) AND BSD-3-Clause",
        ] {
            assert!(is_allowed(expression), "{expression}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for expression in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "AGPL-3.0 OR GPL-2.0",
            "MIT OR",
            "(MIT",
            "MIT Apache-2.0",
            "GPL-2.0 WITH Classpath-exception-2.0",
        ] {
            assert!(!is_allowed(expression), "{expression}");
        }
    }
}
