//! A program of a comparison: it reads names of queries and answers them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::failure::{Doing as _, Failure, Outcome};

/// A program that answers queries by name.
pub(super) struct Side {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

pub(super) struct Answer {
    pub(super) ms: f64,
    pub(super) rows: Vec<String>,
}

impl Side {
    pub(super) fn start(command: &mut Command) -> Outcome<Self> {
        let starting = || "start a side of the comparison".to_owned();
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().doing(starting)?;
        let odd = || Failure::new("a side of the comparison has no pipes");
        let asks = child.stdin.take().ok_or_else(odd)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(odd)?);
        Ok(Self { child, asks, answers })
    }

    pub(super) fn ask(&mut self, name: &str) -> Outcome<Answer> {
        let asking = || format!("ask for {name}");
        writeln!(self.asks, "{name}").doing(asking)?;
        let head = self.line(name)?;
        let field = |key: &str| {
            let (_, rest) = head.split_once(&format!("\"{key}\":"))?;
            rest.split([',', '}']).next()?.parse::<f64>().ok()
        };
        let odd = || Failure::new(format!("{name} was not answered")).detail(head.clone());
        let (ms, n_rows) = (field("ms").ok_or_else(odd)?, field("rows").ok_or_else(odd)?);
        // Far below 2^52: it was written as a whole number.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let n_rows = n_rows as usize;
        let rows = (0..n_rows).map(|_| self.line(name)).collect::<Outcome<Vec<_>>>()?;
        Ok(Answer { ms, rows })
    }

    fn line(&mut self, name: &str) -> Outcome<String> {
        let mut line = String::new();
        let n = self.answers.read_line(&mut line).doing(|| format!("read what {name} gives"))?;
        if n == 0 {
            return Err(Failure::new(format!("{name} ended its side")));
        }
        Ok(line.trim_end_matches('\n').to_owned())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An error where the rows of two sides, each with its name, differ, or where there are none.
pub(super) fn same(
    query: &str,
    (who, rows): (&str, &[String]),
    (other, others): (&str, &[String]),
    tolerance: f64,
) -> Outcome {
    let differs = |(a, b): &(&String, &String)| !same_row(a, b, tolerance);
    let first = rows.iter().zip(others).find(differs);
    if first.is_none() && rows.len() == others.len() && !rows.is_empty() {
        return Ok(());
    }
    let (a, b) = first.map_or(("", ""), |(a, b)| (a.as_str(), b.as_str()));
    let counts = format!("{} rows and {} rows", rows.len(), others.len());
    Err(Failure::new(format!("{query}: the answers differ"))
        .detail(format!("{counts}\n{who}: {a}\n{other}: {b}")))
}

/// Whether two rows are the same but for so much of a number.
fn same_row(a: &str, b: &str, tolerance: f64) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('\t').collect(), b.split('\t').collect());
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || same_number(a, b, tolerance))
}

fn same_number(a: &str, b: &str, tolerance: f64) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= tolerance * a.abs().max(b.abs()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{same, same_row};

    #[test]
    fn answers_are_the_same_or_said_to_differ() {
        let rows = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let judge =
            |a: &[&str], b: &[&str]| same("q", ("a", &rows(a)), ("b", &rows(b)), 0.0).is_ok();
        assert!(judge(&["x\t1"], &["x\t1"]));
        assert!(!judge(&["x"], &["y"]));
        assert!(!judge(&["x"], &["x", "y"]));
        assert!(!judge(&[], &[]), "nothing proves nothing");
    }

    #[test]
    fn rows_are_the_same_as_text_or_number() {
        assert!(same_row("a\t1\t2.50", "a\t1\t2.5", 1e-9));
        assert!(!same_row("a\t1", "a\t2", 1e-9));
        assert!(same_row("a\t100", "a\t103", 0.05));
        assert!(!same_row("a", "a\t1", 0.05));
    }
}
