//! `externaldata`: texts in the formats that Kusto ingests, read as rows.
//!
//! The source fetches the bytes and decides which addresses are allowed.

use super::parse::convert;
use crate::engine::rows::row_bytes;
use crate::engine::{EngineError, Env, Meter, Result, Row, Rows};
use crate::plan::Schema;
use crate::value::{Json, Value};

/// The rows behind all addresses.
pub(super) fn run(
    addresses: &[String],
    format: &str,
    options: &[(String, Value)],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let mut rows = Vec::new();
    let mut held = Vec::new();
    for address in addresses {
        let data = env.source().external(address)?;
        let format = if format.is_empty() { by_name(address) } else { format };
        let more = read(&data, format, options, &schema, env.meter())?;
        held.push(env.meter().hold(more.iter().map(|row| row_bytes(row)).sum()));
        rows.extend(more);
    }
    Ok(Rows::new(schema, rows))
}

/// The format that an address's ending tells.
fn by_name(address: &str) -> &'static str {
    let path = address.split(['?', '#', ';']).next().unwrap_or_default();
    let path = path.strip_suffix(".gz").unwrap_or(path);
    match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "tsv" => "tsv",
        "psv" => "psv",
        "txt" => "txt",
        "json" | "jsonl" => "json",
        _ => "csv",
    }
}

/// Reads bytes in one of the formats `csv`, `tsv`, `tsve`, `psv`, `scsv`, `sohsv`, `ssv`, `txt`,
/// `raw`, `json`, `multijson`, `singlejson`. Of the options `ignoreFirstRecord` is heeded. What
/// is missing or of another type is null, what is too much is left out.
pub fn read(
    data: &[u8],
    format: &str,
    options: &[(String, Value)],
    schema: &Schema,
    meter: &Meter<'_>,
) -> Result<Vec<Row>> {
    let text = String::from_utf8_lossy(data);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let skip_first = options.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("ignoreFirstRecord")
            && value.to_text().eq_ignore_ascii_case("true")
    });
    let mut reader = Reader { schema, rows: Vec::new(), tally: meter.tally(), skip: skip_first };
    match format.to_ascii_lowercase().as_str() {
        "" | "csv" => reader.separated(text, ',', true)?,
        "tsv" | "tsve" => reader.separated(text, '\t', false)?,
        "psv" => reader.separated(text, '|', true)?,
        "scsv" => reader.separated(text, ';', true)?,
        "ssv" => reader.separated(text, ' ', true)?,
        "sohsv" => reader.separated(text, '\u{1}', true)?,
        "txt" => {
            for line in text.lines() {
                reader.texts(&[line])?;
            }
        }
        "raw" => reader.texts(&[text])?,
        "json" | "multijson" | "singlejson" => reader.json(text)?,
        other => {
            let name = other.to_owned();
            return Err(EngineError::Unsupported { kind: "format", name });
        }
    }
    Ok(reader.rows)
}

struct Reader<'a> {
    schema: &'a Schema,
    rows: Vec<Row>,
    tally: crate::engine::env::Tally<'a>,
    /// The first record is a heading
    skip: bool,
}

impl Reader<'_> {
    fn row(&mut self, row: Row) -> Result<()> {
        if std::mem::take(&mut self.skip) {
            return Ok(());
        }
        self.tally.row(row_bytes(&row))?;
        self.rows.push(row);
        Ok(())
    }

    fn texts<T: AsRef<str>>(&mut self, fields: &[T]) -> Result<()> {
        let value = |(at, column): (usize, &crate::plan::Column)| match fields.get(at) {
            Some(text) => convert(text.as_ref(), column.ty).widen(column.ty),
            None => Value::absent(column.ty),
        };
        let row = self.schema.iter().enumerate().map(value).collect();
        self.row(row)
    }

    /// RFC 4180 with any separator: fields in quotes may hold it, line ends and doubled quotes.
    fn separated(&mut self, text: &str, separator: char, quotes: bool) -> Result<()> {
        let mut fields: Vec<String> = Vec::new();
        let mut field = String::new();
        let mut chars = text.chars().peekable();
        let (mut quoted, mut begun) = (false, false);
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' if quoted => quoted = false,
                _ if quoted => field.push(c),
                '"' if quotes && field.is_empty() => {
                    quoted = true;
                    begun = true;
                }
                '\r' if chars.peek() == Some(&'\n') => {}
                '\n' => {
                    if begun || !field.is_empty() || !fields.is_empty() {
                        fields.push(std::mem::take(&mut field));
                        self.texts(&fields)?;
                        fields.clear();
                    }
                    begun = false;
                }
                c if c == separator => {
                    fields.push(std::mem::take(&mut field));
                    begun = true;
                }
                c => field.push(c),
            }
        }
        if begun || !field.is_empty() || !fields.is_empty() {
            fields.push(field);
            self.texts(&fields)?;
        }
        Ok(())
    }

    /// One value after another, each a bag or an array of bags.
    fn json(&mut self, text: &str) -> Result<()> {
        for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
            let value = value.map_err(|source| EngineError::Source {
                what: "external data as JSON".to_owned(),
                source: source.into(),
            })?;
            match value {
                Json::Array(elements) => {
                    for element in &elements {
                        self.bag(element)?;
                    }
                }
                other => self.bag(&other)?,
            }
        }
        Ok(())
    }

    fn bag(&mut self, bag: &Json) -> Result<()> {
        let value = |column: &crate::plan::Column| match bag.member(&column.name) {
            Some(json) => Value::of_json(json).widen(column.ty),
            None => Value::absent(column.ty),
        };
        let row = self.schema.iter().map(value).collect();
        self.row(row)
    }
}
