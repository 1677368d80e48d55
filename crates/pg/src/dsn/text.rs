//! The two spellings of a connection string, taken apart as libpq does ("Connection Strings" in
//! the PostgreSQL manual). Not what the keys mean.
//!
//! No error repeats a piece of the text: a password that is not quoted well ends up anywhere.

use base::Secret;

use super::unusable;
use crate::Result;

const TEXT_BYTES: usize = 16 << 10;
const VALUE_BYTES: usize = 4 << 10;
const N_PAIRS: usize = 100;
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Keys with their values, in the order of the text; a later one of the same key counts.
pub(super) struct Pairs {
    pairs: Vec<(String, Secret<String>)>,
    /// How many of them a URI spells without their key.
    n_keyless: usize,
}

impl Pairs {
    pub(super) fn read(text: &str) -> Result<Self> {
        if text.len() > TEXT_BYTES {
            return Err(unusable("it is too long", "16 KiB are the most"));
        }
        if text.contains('\0') {
            return Err(unusable("it holds a zero byte", "leave it out"));
        }
        let mut pairs = Self { pairs: Vec::new(), n_keyless: 0 };
        match SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some(rest) => pairs.read_uri(rest)?,
            None => pairs.read_words(text)?,
        }
        Ok(pairs)
    }

    /// The keys as they are written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs[self.n_keyless..].iter().map(|(key, _)| key.as_str())
    }

    /// The value that counts; an empty one is none.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(name, _)| name == key);
        found.map(|(_, value)| value.expose().as_str()).filter(|value| !value.is_empty())
    }

    fn push(&mut self, key: &str, value: String) -> Result<()> {
        let value = Secret::new(value);
        if self.pairs.len() == N_PAIRS {
            return Err(unusable("it has too many parameters", "100 are the most"));
        }
        if value.expose().len() > VALUE_BYTES {
            return Err(unusable("a value is too long", "4 KiB are the most"));
        }
        self.pairs.push((key.to_owned(), value));
        Ok(())
    }

    /// `key = value`, values with blanks in quotes, a backslash before quote and backslash.
    fn read_words(&mut self, text: &str) -> Result<()> {
        let mut rest = text.trim_ascii_start();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace());
            let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
            let Some(after) = after.trim_ascii_start().strip_prefix('=') else {
                let reason = format!("parameter {} has no \"=\"", self.pairs.len() + 1);
                let hint = "put values that hold blanks into single quotes: key='a value'";
                return Err(unusable(&reason, hint));
            };
            let after = after.trim_ascii_start();
            let mut value = String::with_capacity(after.len());
            rest = match after.strip_prefix('\'') {
                Some(quoted) => take_value(quoted, |c| c == '\'', &mut value)
                    .and_then(|rest| rest.strip_prefix('\''))
                    .ok_or_else(|| {
                        let hint = "end the value with a single quote; inside write \\'";
                        unusable("a quoted value does not end", hint)
                    })?,
                None => take_value(after, |c| c.is_ascii_whitespace(), &mut value).unwrap_or(""),
            }
            .trim_ascii_start();
            self.push(key, value)?;
        }
        Ok(())
    }

    /// `[user[:password]@][host[:port],…][/database][?key=value&…]`, each piece percent-encoded.
    fn read_uri(&mut self, text: &str) -> Result<()> {
        let credentials = text.find(['@', '/']).and_then(|at| {
            let (credentials, rest) = (&text[..at], text[at..].strip_prefix('@')?);
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            // As with libpq a password may hold a question mark; in a user's name it means that
            // the @ stands in a parameter.
            (!user.contains('?')).then_some((user, password, rest))
        });
        let (before, parameters) = match credentials {
            Some((user, password, rest)) => {
                self.push("user", decoded(user)?)?;
                self.push("password", decoded(password)?)?;
                rest.split_once('?').unwrap_or((rest, ""))
            }
            None => text.split_once('?').unwrap_or((text, "")),
        };
        if before.contains('@') {
            let hint = "write an @ of the user or the password as %40, a / as %2F";
            return Err(unusable("it holds an @ too many", hint));
        }
        let (places, database) = before.split_once('/').unwrap_or((before, ""));
        self.read_places(places)?;
        self.push("dbname", decoded(database)?)?;
        self.n_keyless = self.pairs.len();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let hint = "write parameters as ?key=value&key=value";
            let (key, value) = parameter
                .split_once('=')
                .ok_or_else(|| unusable("a parameter of the URI has no \"=\"", hint))?;
            let (key, value) = (decoded(key)?, decoded(value)?);
            // JDBC's word, which libpq takes too.
            match (key.as_str(), value.as_str()) {
                ("ssl", "true") => self.push("sslmode", "require".to_owned())?,
                _ => self.push(&key, value)?,
            }
        }
        Ok(())
    }

    fn read_places(&mut self, text: &str) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let odd = || unusable("an address in brackets does not end well", "write [::1]:5432");
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for place in text.split(',') {
            let (host, port) = match place.strip_prefix('[') {
                Some(v6) => {
                    let (host, after) = v6.split_once(']').ok_or_else(odd)?;
                    let port = if after.is_empty() { Some("") } else { after.strip_prefix(':') };
                    (host, port.ok_or_else(odd)?)
                }
                None => place.split_once(':').unwrap_or((place, "")),
            };
            hosts.push(decoded(host)?);
            ports.push(decoded(port)?);
        }
        self.push("host", hosts.join(","))?;
        if ports.iter().any(|port| !port.is_empty()) {
            self.push("port", ports.join(","))?;
        }
        Ok(())
    }
}

/// Appends up to a character that ends the value, and gives what is left from there on; `None`
/// where there is no end.
fn take_value<'a>(text: &'a str, ends: fn(char) -> bool, value: &mut String) -> Option<&'a str> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            _ if ends(letter) => return Some(&text[at..]),
            _ => value.push(letter),
        }
    }
    None
}

fn decoded(text: &str) -> Result<String> {
    let wrong = |reason: &str| unusable(reason, "write a per cent sign as %25");
    let mut secret = Secret::new(Vec::with_capacity(text.len()));
    let bytes = secret.expose_mut();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest
            .split_at_checked(2)
            .filter(|(digits, _)| digits.iter().all(u8::is_ascii_hexdigit))
            .ok_or_else(|| wrong("it holds a % without two hexadecimal digits"))?;
        let digits = std::str::from_utf8(digits).expect("because they are ASCII");
        let byte = u8::from_str_radix(digits, 16).expect("because they are hexadecimal");
        if byte == 0 {
            return Err(wrong("it holds %00"));
        }
        bytes.push(byte);
        rest = after;
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("a piece of it is not UTF-8"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Pairs;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let pairs = Pairs::read(text).map_err(|error| error.to_string())?;
        let pairs = pairs.pairs.iter().map(|(key, value)| (key.clone(), value.expose().clone()));
        Ok(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    #[test]
    fn takes_both_spellings_apart() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            (" host = a  port=1 ", &[("host", "a"), ("port", "1")]),
            (r"password='it''", &[]),
            (r"password='it\'s \\ ' user=u", &[("password", r"it's \ "), ("user", "u")]),
            (r"password=a\ b user=''", &[("password", "a b")]),
            ("host= user=x", &[("host", "user=x")]),
            ("postgresql://", &[]),
            ("postgres://h", &[("host", "h")]),
            ("postgresql:///d", &[("dbname", "d")]),
            (
                "postgresql://u:p%40%3a?@h:1,[::1]:2,k/d%2F?sslmode=disable&ssl=true",
                &[
                    ("user", "u"),
                    ("password", "p@:?"),
                    ("host", "h,::1,k"),
                    ("port", "1,2,"),
                    ("dbname", "d/"),
                    ("sslmode", "disable"),
                    ("sslmode", "require"),
                ],
            ),
            ("postgresql://%2Frun%2Fp:5433", &[("host", "/run/p"), ("port", "5433")]),
            ("postgresql://?host=h&user=a@b", &[("host", "h"), ("user", "a@b")]),
        ];
        for (text, expected) in cases {
            let Ok(found) = read(text) else {
                assert!(expected.is_empty(), "{text}");
                continue;
            };
            let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_broken_and_repeats_nothing() {
        let long = format!("password={}", "hunter".repeat(1000));
        let many = "hunter=1 ".repeat(101);
        for text in [
            "hunter",
            "password=a hunter",
            "password='hunter",
            r"password='hunter\'",
            "postgresql://u:hunter%4@h",
            "postgresql://u:hunter%00@h",
            "postgresql://u:hunter%ff@h",
            "postgresql://u:a@hunter@h",
            "postgresql://u:1/hunter@h/d",
            "postgresql://[::1hunter/d",
            "postgresql://[::1]hunter/d",
            "postgresql://h/d?hunter",
            "user=hunter\0",
            &long,
            &many,
            &"hunter".repeat(3000),
        ] {
            let error = read(text).unwrap_err();
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
