//! Dead letters as rows of a table, so that what gave no row can be asked for like everything.

use std::sync::Arc;

use kql::value::{Type, Value};

use crate::{DeadLetter, Error, Raw, Reason, RowBatch, Table};

/// The table that they are rows of.
pub(crate) const TABLE: &str = "PgkeepDeadLetters";

/// One batch a source, in the order in which the sources first appear.
pub(crate) fn rows(table: &Arc<Table>, letters: &[DeadLetter]) -> Result<Vec<RowBatch>, Error> {
    let mut batches: Vec<RowBatch> = Vec::new();
    let mut at = 0;
    while let Some(first) = letters.get(at) {
        let same = |other: &&DeadLetter| other.at == first.at && other.source == first.source;
        let group = &letters[at..at + letters[at..].iter().take_while(same).count()];
        at += group.len();
        let place = batches.iter().rposition(|batch| batch.source == first.source);
        let place = place.unwrap_or_else(|| {
            batches.push(RowBatch::new(Arc::clone(table), Arc::clone(&first.source)));
            batches.len() - 1
        });
        batches[place].push(row(table, group)?, first.at)?;
    }
    Ok(batches)
}

/// The row of one event. What was found last weighs most: stages come first and leave rows.
fn row(table: &Table, group: &[DeadLetter]) -> Result<Vec<Value>, Error> {
    let Some(last) = group.last() else { return Ok(Vec::new()) };
    let detail = match group {
        [only] => only.detail.clone(),
        all => {
            let each: Vec<String> =
                all.iter().map(|one| format!("{}: {}", one.reason.word(), one.detail)).collect();
            each.join("; ")
        }
    };
    let (raw, encoding) = match &last.raw {
        Raw::Text(text) => (text, "utf8"),
        Raw::Base64(text) => (text, "base64"),
    };
    let whole = last.reason != Reason::TooLong && last.raw.n_bytes() == last.n_bytes;
    let long = |n: u64| Value::Long(i64::try_from(n).unwrap_or(i64::MAX));
    let filled = [
        ("TimeGenerated", Value::DateTime(last.received_at)),
        ("Type", Value::text(&table.name)),
        ("Source", Value::String(Arc::clone(&last.source))),
        ("Parser", Value::String(Arc::clone(&last.parser))),
        ("Reason", Value::text(last.reason.word())),
        ("Detail", Value::text(detail)),
        ("Raw", Value::text(raw)),
        ("RawEncoding", Value::text(encoding)),
        ("RawIsWhole", Value::Bool(whole)),
        ("RawBytes", long(last.n_bytes as u64)),
        ("Offset", long(last.at.offset)),
        ("Part", long(last.at.part.into()).convert(Type::Int)),
    ];
    let mut values: Vec<Value> = table.columns.iter().map(|c| Value::absent(c.kind)).collect();
    for (name, value) in filled {
        let wrong = || Error::Table { table: TABLE.to_owned(), what: format!("no column {name}") };
        values[table.position(name).ok_or_else(wrong)?] = value;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use crate::{Intake, Library, Origin, Position, Record, RowBatch};

    use super::*;

    fn text(batch: &RowBatch, row: usize, column: &str) -> String {
        batch.value(row, column).unwrap().to_text().to_string()
    }

    #[test]
    fn what_gives_no_row_is_a_row_of_its_own_table() {
        let library = Library::new().unwrap();
        let parser = library.parser("postgresql-jsonlog", &Default::default()).unwrap();
        let parser = Arc::new(parser);
        let mut letters = Vec::new();
        for (source, bytes) in [
            ("a", &b"{\"timestamp\":"[..]),
            ("a", b"\xff\xfe"),
            ("b", b"[]7"),
            // The audit's text is not understood, and without a time there is no row either.
            ("a", br#"{"message":"AUDIT: SESSION,1"}"#),
        ] {
            let origin = Origin { source: source.into(), given: Vec::new() };
            let mut intake = Intake::new(Arc::clone(&parser), origin);
            let offset = letters.len() as u64 * 100;
            intake.parse(&Record { bytes, offset, defect: None }, 77);
            letters.extend(intake.take().dead);
        }
        assert_eq!(letters.len(), 5);
        let batches = library.dead_letters(&letters).unwrap();
        let names: Vec<&str> = batches.iter().map(|batch| &*batch.source).collect();
        assert_eq!(names, ["a", "b"]);
        let (a, b) = (&batches[0], &batches[1]);
        assert_eq!((a.n_rows(), b.n_rows()), (3, 1));
        assert_eq!(a.value(0, "TimeGenerated"), Some(&Value::DateTime(77)));
        assert_eq!(text(a, 0, "Type"), "PgkeepDeadLetters");
        assert_eq!(text(a, 0, "Parser"), "postgresql-jsonlog");
        assert_eq!(text(a, 0, "Reason"), "syntax");
        assert_eq!(
            (text(a, 0, "Raw"), text(a, 0, "RawEncoding")),
            ("{\"timestamp\":".into(), "utf8".into())
        );
        assert_eq!(
            (text(a, 1, "Raw"), text(a, 1, "RawEncoding")),
            ("//4=".into(), "base64".into())
        );
        assert_eq!(a.value(1, "RawBytes"), Some(&Value::Long(2)));
        assert_eq!(a.value(1, "RawIsWhole"), Some(&Value::Bool(true)));
        assert_eq!(text(a, 2, "Reason"), "required");
        assert!(text(a, 2, "Detail").starts_with("stage: "), "{}", text(a, 2, "Detail"));
        assert_eq!(a.positions[2], Position { offset: 300, part: 0 });
    }

    #[test]
    fn a_raw_that_was_cut_says_so() {
        let library = Library::new().unwrap();
        let parser = Arc::new(library.parser("postgresql-jsonlog", &Default::default()).unwrap());
        for (byte, whole) in [(b'x', true), (b'x', false), (0xff, true), (0xff, false)] {
            let bytes = vec![byte; crate::RAW_MAX + usize::from(!whole)];
            let origin = Origin { source: "a".into(), given: Vec::new() };
            let mut intake = Intake::new(Arc::clone(&parser), origin);
            intake.parse(&Record { bytes: &bytes, offset: 0, defect: None }, 0);
            let batches = library.dead_letters(&intake.take().dead).unwrap();
            assert_eq!(batches[0].value(0, "RawIsWhole"), Some(&Value::Bool(whole)), "{byte}");
            assert_eq!(batches[0].value(0, "RawBytes"), Some(&Value::Long(bytes.len() as i64)));
        }
    }

    #[test]
    fn a_row_must_fit() {
        let table = Arc::new(Table::parse("T", "-\nA\tlong\tx\nB\tstring\tx\n").unwrap());
        let mut batch = RowBatch::new(table, "s".into());
        let at = Position { offset: 0, part: 0 };
        assert!(batch.push(vec![Value::Long(1)], at).is_err());
        assert!(batch.push(vec![Value::text("1"), Value::text("x")], at).is_err());
        assert_eq!(batch.n_rows(), 0);
        batch.push(vec![Value::Long(1), Value::Null], at).unwrap();
        assert_eq!(batch.value(0, "B"), Some(&Value::text("")));
    }
}
