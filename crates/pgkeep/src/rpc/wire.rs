//! The messages, and what both directions share.

use std::time::Duration;

use base::{ExitCode, Fault};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::line::{LineError, read_line};
use super::{LINE_MAX_BYTES, PIECE_BYTES, SILENCE_MAX};

/// What a caller sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    /// The operation.
    pub(super) op: String,
    /// Its arguments; an object, or nothing.
    #[serde(default)]
    pub(super) args: Value,
    /// So many bytes follow the line.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) attached: usize,
}

fn is_none(attached: &usize) -> bool {
    *attached == 0
}

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It goes on; an empty message is a heartbeat.
    Progress {
        /// One step, for a person.
        message: String,
    },
    /// It worked.
    Ok(Value),
    /// It worked, and so many bytes follow the line.
    Attached {
        /// What was answered beside them.
        ok: Value,
        /// How many.
        bytes: usize,
    },
    /// It did not.
    Error(Fault),
}

/// Writes one message as one line.
///
/// A message over the limit is an error of the writer and nothing is sent.
pub(crate) async fn write_line<W, M>(writer: &mut W, message: &M) -> Result<(), Fault>
where
    W: AsyncWrite + Unpin,
    M: Serialize,
{
    let mut line = Zeroizing::new(
        serde_json::to_vec(message)
            .map_err(|e| Fault::from_error("encode", "could not encode a message", &e))?,
    );
    if line.len() > LINE_MAX_BYTES {
        return Err(Fault::new("too_large", "a message is larger than this socket carries")
            .detail(format!("{} bytes; the limit is {LINE_MAX_BYTES}", line.len())));
    }
    line.push(b'\n');
    let sent = async {
        writer.write_all(&line).await?;
        writer.flush().await
    };
    sent.await.map_err(|e| hung_up(&e))
}

/// The fault for a peer that does not read any more.
pub(super) fn hung_up(e: &std::io::Error) -> Fault {
    Fault::from_error("hung_up", "the other side is gone", e)
}

/// Reads lines until the final one, handing progress on; takes no bytes beside it.
///
/// `peer` names the other side in errors.
pub(crate) async fn read_answer<R>(
    reader: &mut R,
    peer: &str,
    on_progress: impl FnMut(&str),
) -> Result<Value, Fault>
where
    R: AsyncBufRead + Unpin,
{
    read_whole(reader, peer, 0, on_progress).await.map(|(value, _)| value)
}

/// As [`read_answer`], with at most `attached_max` bytes beside the final line.
pub(super) async fn read_whole<R>(
    reader: &mut R,
    peer: &str,
    attached_max: usize,
    mut on_progress: impl FnMut(&str),
) -> Result<(Value, Vec<u8>), Fault>
where
    R: AsyncBufRead + Unpin,
{
    loop {
        let line = match tokio::time::timeout(SILENCE_MAX, read_line(reader)).await {
            Err(_) => return Err(silent(peer, SILENCE_MAX)),
            Ok(Err(LineError::TooLong)) => {
                return Err(Fault::new("too_large", format!("{peer} sent too long a line")));
            }
            Ok(Err(LineError::Io(e))) => {
                let message = format!("lost the connection to {peer}");
                return Err(Fault::from_error("hung_up", message, &e));
            }
            Ok(Ok(None)) => {
                return Err(Fault::new("hung_up", format!("{peer} ended without an answer"))
                    .hint("its log is in the folder log/ of the home"));
            }
            Ok(Ok(Some(line))) => line,
        };
        match serde_json::from_slice::<Answer>(&line) {
            Ok(Answer::Progress { message }) if message.is_empty() => {}
            Ok(Answer::Progress { message }) => on_progress(&message),
            Ok(Answer::Ok(value)) => return Ok((value, Vec::new())),
            Ok(Answer::Attached { bytes, .. }) if bytes > attached_max => {
                return Err(Fault::new("too_large", format!("{peer} answers too many bytes"))
                    .detail(format!("{bytes} bytes; the limit is {attached_max}")));
            }
            Ok(Answer::Attached { ok, bytes }) => {
                return Ok((ok, read_bytes(reader, peer, bytes).await?));
            }
            Ok(Answer::Error(fault)) => return Err(fault),
            Err(_) => {
                return Err(Fault::new("bad_answer", format!("{peer} sent what is no answer"))
                    .hint("are both of the same version? run pgkeep down, then pgkeep up"));
            }
        }
    }
}

async fn read_bytes<R>(reader: &mut R, peer: &str, len: usize) -> Result<Vec<u8>, Fault>
where
    R: AsyncBufRead + Unpin,
{
    let mut bytes = vec![0; len];
    for piece in bytes.chunks_mut(PIECE_BYTES) {
        let read = tokio::time::timeout(SILENCE_MAX, reader.read_exact(piece)).await;
        read.map_err(|_| silent(peer, SILENCE_MAX))?.map_err(|e| {
            Fault::from_error("hung_up", format!("lost the connection to {peer}"), &e)
        })?;
    }
    Ok(bytes)
}

/// The fault for a peer that says nothing.
pub(super) fn silent(peer: &str, waited: Duration) -> Fault {
    Fault::new("timeout", format!("{peer} does not answer"))
        .detail(format!("waited {} s", waited.as_secs()))
        .exit(ExitCode::Timeout)
}

/// Overwrites every text in `value`: call it on what carried a key.
pub(crate) fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(fields) => fields.values_mut().for_each(scrub),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
