//! A small command-line reader: switches, flags with one value, and words.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use crate::failure::{Failure, Outcome};

/// What one verb accepts.
pub(crate) struct Accepts {
    /// Flags without a value, with their dashes.
    pub(crate) switches: &'static [&'static str],
    /// Flags with one value, with their dashes.
    pub(crate) values: &'static [&'static str],
    /// How many bare words may follow.
    pub(crate) n_words: usize,
}

/// A command line that was accepted.
#[derive(Debug)]
pub(crate) struct Args {
    switches: Vec<String>,
    values: BTreeMap<String, String>,
    words: Vec<String>,
}

impl Args {
    /// Reads `--flag value`, `--flag=value`, switches and words; anything else is a usage error.
    pub(crate) fn parse(raw: &[String], accepts: &Accepts) -> Outcome<Self> {
        let mut args = Self { switches: vec![], values: BTreeMap::new(), words: vec![] };
        let mut rest = raw.iter();
        while let Some(item) = rest.next() {
            let (name, inline) = match item.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (item.as_str(), None),
            };
            if accepts.switches.contains(&name) && inline.is_none() {
                args.switches.push(name.to_owned());
            } else if accepts.values.contains(&name) {
                let value = inline
                    .or_else(|| rest.next().cloned())
                    .ok_or_else(|| Failure::usage(format!("{name} needs a value")))?;
                args.values.insert(name.to_owned(), value);
            } else if !item.starts_with('-') && args.words.len() < accepts.n_words {
                args.words.push(item.clone());
            } else {
                return Err(Failure::usage(format!("unexpected argument \"{item}\""))
                    .hint("`cargo xtask help` shows what each verb takes"));
            }
        }
        Ok(args)
    }

    /// Whether somebody only wants to read about the verb.
    pub(crate) fn asks_for_help(raw: &[String]) -> bool {
        raw.iter().any(|item| item == "--help" || item == "-h")
    }

    /// Whether a switch was given.
    pub(crate) fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|given| given == switch)
    }

    /// The value of a flag as it was given.
    pub(crate) fn value(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str)
    }

    /// The value of a flag as a path.
    pub(crate) fn path(&self, flag: &str) -> Option<PathBuf> {
        self.value(flag).map(PathBuf::from)
    }

    /// The value of a numeric flag within `range`, or `default`.
    pub(crate) fn number<T>(
        &self,
        flag: &str,
        default: T,
        range: std::ops::RangeInclusive<T>,
    ) -> Outcome<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.value(flag) else { return Ok(default) };
        match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(Failure::usage(format!(
                "{flag} must be a number from {} to {}, not \"{text}\"",
                range.start(),
                range.end()
            ))),
        }
    }

    /// The bare words.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether questions are answered in advance: `--yes`, or a CI machine (`CI=true`).
    pub(crate) fn assume_yes(&self) -> bool {
        self.has("--yes") || std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
    }
}

#[cfg(test)]
mod tests {
    use super::{Accepts, Args};

    const ACCEPTS: Accepts = Accepts { switches: &["--yes"], values: &["--port"], n_words: 1 };

    fn parse(line: &str) -> Result<Args, String> {
        let raw: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse(&raw, &ACCEPTS).map_err(|failure| failure.message)
    }

    #[test]
    fn reads_switches_values_and_words() {
        let args = parse("word --yes --port=5433").unwrap();
        assert!(args.has("--yes"));
        assert_eq!(args.number("--port", 1u16, 1..=u16::MAX).unwrap(), 5433);
        assert_eq!(args.words(), ["word"]);
        assert_eq!(parse("--port 7").unwrap().value("--port"), Some("7"));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(parse("--no").unwrap_err().contains("--no"));
        assert!(parse("one two").unwrap_err().contains("two"));
        assert!(parse("--port").unwrap_err().contains("needs a value"));
        assert!(parse("--yes=1").is_err());
    }

    #[test]
    fn holds_numbers_to_their_range() {
        let args = parse("--port 70000").unwrap();
        assert!(args.number("--port", 1u16, 1..=u16::MAX).is_err());
        assert!(parse("--port 0").unwrap().number("--port", 1u16, 1..=9).is_err());
    }
}
