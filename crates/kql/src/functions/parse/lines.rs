//! `parse_csv()`, `parse_command_line()`, `parse_version()`.

use rust_decimal::Decimal;

use crate::functions::arguments::{array_value, or_null, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("parse_csv", parse_csv),
    ("parse_command_line", parse_command_line),
    ("parse_version", parse_version),
];

fn strings(parts: Vec<String>) -> Value {
    array_value(parts.into_iter().map(|part| Json::String(part.into())).collect())
}

/// More fields of one record are not read.
const FIELDS_MAX: usize = 1 << 18;

/// The fields of the first record (RFC 4180).
fn parse_csv(arguments: &[Value], _: &Context) -> Value {
    if arguments.first().is_none_or(Value::is_null) {
        return Value::Null;
    }
    let source = text(arguments, 0);
    let mut rest = source.chars().peekable();
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            c if quoted => field.push(c),
            '"' if field.is_empty() => quoted = true,
            ',' if fields.len() >= FIELDS_MAX => break,
            ',' => fields.push(std::mem::take(&mut field)),
            '\n' => break,
            '\r' if rest.peek() == Some(&'\n') => {}
            c => field.push(c),
        }
    }
    fields.push(field);
    strings(fields)
}

/// As Windows' `CommandLineToArgvW` does: the program's name is quoted simply; later, backslashes
/// count before quotes only, and three quotes in a row are one that is meant.
fn command_line(line: &str) -> Vec<String> {
    let chars: Vec<char> = line.trim_start_matches([' ', '\t']).chars().collect();
    let blank = |c: char| c == ' ' || c == '\t';
    let mut arguments = Vec::new();
    let mut at = 0;
    if let Some(first) = chars.first() {
        let quoted = *first == '"';
        at = usize::from(quoted);
        let end = |c: &char| if quoted { *c == '"' } else { blank(*c) };
        let length = chars[at..].iter().take_while(|c| !end(c)).count();
        arguments.push(chars[at..at + length].iter().collect());
        at = (at + length + usize::from(quoted)).min(chars.len());
    }
    while at < chars.len() {
        while at < chars.len() && blank(chars[at]) {
            at += 1;
        }
        if at == chars.len() {
            break;
        }
        let mut argument = String::new();
        let (mut quotes, mut backslashes) = (0, 0);
        while at < chars.len() && !(quotes == 0 && blank(chars[at])) {
            match chars[at] {
                '\\' => {
                    argument.push('\\');
                    backslashes += 1;
                    at += 1;
                }
                '"' => {
                    let kept = argument.len() - usize::div_ceil(backslashes, 2);
                    argument.truncate(kept);
                    if backslashes % 2 == 0 {
                        quotes += 1;
                    } else {
                        argument.push('"');
                    }
                    at += 1;
                    backslashes = 0;
                    while at < chars.len() && chars[at] == '"' {
                        quotes += 1;
                        if quotes == 3 {
                            argument.push('"');
                            quotes = 0;
                        }
                        at += 1;
                    }
                    if quotes == 2 {
                        quotes = 0;
                    }
                }
                c => {
                    argument.push(c);
                    backslashes = 0;
                    at += 1;
                }
            }
        }
        arguments.push(argument);
    }
    arguments
}

fn parse_command_line(arguments: &[Value], _: &Context) -> Value {
    let line = text(arguments, 0);
    if line.trim().is_empty() || !text(arguments, 1).eq_ignore_ascii_case("windows") {
        return Value::Null;
    }
    strings(command_line(&line))
}

/// One to four numbers of at most eight digits, as one decimal that compares as they do.
fn parse_version(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let version = || {
        let parts: Vec<&str> = source.trim().split('.').collect();
        if parts.len() > 4 {
            return None;
        }
        let mut sum = Decimal::ZERO;
        for at in 0..4 {
            let part = *parts.get(at).unwrap_or(&"0");
            if part.is_empty() || part.len() > 8 || !part.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let value = Decimal::from(part.parse::<u32>().ok()?);
            sum = sum.checked_mul(Decimal::from(100_000_000))?.checked_add(value)?;
        }
        Some(sum)
    };
    or_null(version(), Value::Decimal)
}
