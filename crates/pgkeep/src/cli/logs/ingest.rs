//! `pgkeep logs ingest`.

use std::io::Read;
use std::path::{Path, PathBuf};

use base::{ExitCode, Fault};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::super::ask::client;
use super::super::one_thread;
use super::super::output::{self, Format, say};
use super::super::progress::Steps;
use crate::home::Home;
use crate::plane::encode;

/// Bytes of one piece.
const PIECE_BYTES: usize = 256 << 10;

/// Arguments of `pgkeep logs ingest`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct IngestCommand {
    /// Table that the rows go to; a parser knows its own
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// What the file is: csv, json, jsonl, parquet or the name of a parser [default: by the name of
    /// the file]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Take the file in although it was taken in before
    #[arg(long)]
    again: bool,
    /// The file; - for standard input
    file: PathBuf,
}

pub(super) fn run(home: &Home, command: &IngestCommand, format: Format) -> Result<ExitCode, Fault> {
    let is_input = command.file.as_os_str() == "-";
    let kind = match &command.format {
        Some(kind) => kind.clone(),
        None => by_name(&command.file)?,
    };
    let mut path = format!("/logs/ingest?format={}", encode(&kind));
    if let Some(table) = &command.table {
        path += &format!("&table={}", encode(table));
    }
    let steps = Steps::new();
    if !is_input && !command.again {
        // The content names the source, with what is made of it: that is taken in once.
        let name = fingerprint(&command.file)?;
        let table = command.table.as_deref().unwrap_or_default();
        path += &format!("&source={}", encode(&format!("file/{kind}/{table}/{name}")));
    }
    let (file, steps_of) = (command.file.clone(), steps.clone());
    let answer = one_thread()?.block_on(async {
        let input: Box<dyn Read + Send> = match is_input {
            true => Box::new(std::io::stdin()),
            false => Box::new(std::fs::File::open(&file).map_err(|e| unread(&file, &e))?),
        };
        let pieces = futures_util::stream::unfold(Some((input, 0_u64)), move |state| {
            let (file, steps) = (file.clone(), steps_of.clone());
            async move {
                let (input, n_before) = state?;
                match read_piece(input).await {
                    Ok((_, piece)) if piece.is_empty() => None,
                    Ok((input, piece)) => {
                        let n_read = n_before + piece.len() as u64;
                        if n_read >> 26 != n_before >> 26 {
                            steps.say(&format!("{} MiB sent", n_read >> 20));
                        }
                        Some((Ok(piece), Some((input, n_read))))
                    }
                    Err(e) => Some((Err(unread(&file, &e)), None)),
                }
            }
        });
        client(home).upload(&path, pieces.boxed()).await
    });
    steps.done();
    report(&answer?, format)
}

/// The next piece, read where it may block; empty at the end.
async fn read_piece(
    mut input: Box<dyn Read + Send>,
) -> std::io::Result<(Box<dyn Read + Send>, Vec<u8>)> {
    let work = move || {
        let mut piece = vec![0; PIECE_BYTES];
        let n = input.read(&mut piece)?;
        piece.truncate(n);
        Ok((input, piece))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(std::io::Error::other(e)))
}

fn report(answer: &Value, format: Format) -> Result<ExitCode, Fault> {
    if format != Format::Table {
        output::show(format, answer, &[])?;
    } else {
        let rows = answer["rows"].as_object();
        for (table, n) in rows.into_iter().flatten() {
            say(&format!("{n} rows into {table}"));
        }
        if rows.is_none_or(serde_json::Map::is_empty) {
            say("no rows");
        }
    }
    if answer["skipped_bytes"].as_u64().unwrap_or(0) > 0 {
        let skipped = answer["skipped_bytes"].as_u64().unwrap_or(0);
        say(&format!("{skipped} bytes were taken in before; --again takes them in again"));
    }
    for (name, n) in answer["dropped"].as_object().into_iter().flatten() {
        say(&format!("\"{name}\" has no column in the table: {n} values were left out"));
    }
    match answer["n_dead_letters"].as_u64().unwrap_or(0) {
        0 => {}
        n => say(&format!("{n} records were not understood: see PgkeepDeadLetters")),
    }
    Ok(ExitCode::Ok)
}

fn by_name(file: &Path) -> Result<String, Fault> {
    let ending = file.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let kind = match ending.as_deref() {
        Some("csv") => "csv",
        Some("json") => "json",
        Some("jsonl" | "ndjson") => "jsonl",
        Some("parquet") => "parquet",
        _ => {
            return Err(Fault::new(
                "bad_request",
                "what the file is does not follow from its name",
            )
            .hint("say it: --format csv, json, jsonl, parquet, or a parser such as syslog")
            .exit(ExitCode::Usage));
        }
    };
    Ok(kind.to_owned())
}

/// SHA-256 of a file, hex.
fn fingerprint(file: &Path) -> Result<String, Fault> {
    let mut open = std::fs::File::open(file).map_err(|e| unread(file, &e))?;
    let mut hash = crypto::Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match open.read(&mut piece).map_err(|e| unread(file, &e))? {
            0 => return Ok(hex::encode(hash.finish())),
            n => hash.update(&piece[..n]),
        }
    }
}

fn unread(file: &Path, e: &std::io::Error) -> Fault {
    let exit = match e.kind() {
        std::io::ErrorKind::NotFound => ExitCode::NotFound,
        _ => ExitCode::Error,
    };
    Fault::from_error("cannot_read", format!("could not read {}", file.display()), e).exit(exit)
}
