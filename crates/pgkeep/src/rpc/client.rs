//! The calling side.

use std::io;
use std::path::Path;
use std::time::Duration;

use base::{ExitCode, Fault};
use serde_json::Value;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::ANSWER_MAX_BYTES;
use super::wire::{Call, hung_up, read_whole, scrub, silent, write_line};

/// Nothing we do takes longer; an operation that may be slow says so by progress.
const CALL_MAX: Duration = Duration::from_secs(6 * 3600);
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Calls `op` on the process behind `socket`; ends when the answer is there, when the other side
/// falls silent, or after six hours.
///
/// # Errors
/// The fault that the other side answered, or `not_running`, `forbidden`, `timeout`, `hung_up`.
pub(crate) async fn call(
    socket: &Path,
    op: &str,
    args: Value,
    on_progress: impl FnMut(&str),
) -> Result<Value, Fault> {
    call_within(socket, CALL_MAX, op, args, on_progress).await
}

/// [`call`] with a deadline for the whole of it.
pub(crate) async fn call_within(
    socket: &Path,
    deadline: Duration,
    op: &str,
    args: Value,
    on_progress: impl FnMut(&str),
) -> Result<Value, Fault> {
    let call = Call { op: op.to_owned(), args, attached: 0 };
    exchange(socket, deadline, call, &[], 0, on_progress).await.map(|(value, _)| value)
}

/// [`call_with`] for an answer that brings up to [`ANSWER_MAX_BYTES`] beside its line.
pub(crate) async fn call_for_bytes(
    socket: &Path,
    op: &str,
    args: Value,
    attached: &[u8],
    on_progress: impl FnMut(&str),
) -> Result<(Value, Vec<u8>), Fault> {
    let call = Call { op: op.to_owned(), args, attached: attached.len() };
    exchange(socket, CALL_MAX, call, attached, ANSWER_MAX_BYTES, on_progress).await
}

/// [`call_within`] with bytes that go beside the arguments as they are. They are no secret: they
/// are not overwritten.
pub(crate) async fn call_with(
    socket: &Path,
    deadline: Duration,
    op: &str,
    args: Value,
    attached: &[u8],
) -> Result<Value, Fault> {
    let call = Call { op: op.to_owned(), args, attached: attached.len() };
    exchange(socket, deadline, call, attached, 0, |_| {}).await.map(|(value, _)| value)
}

async fn exchange(
    socket: &Path,
    deadline: Duration,
    mut call: Call,
    attached: &[u8],
    answer_max: usize,
    on_progress: impl FnMut(&str),
) -> Result<(Value, Vec<u8>), Fault> {
    let peer = peer_name(socket);
    let exchange = async {
        let stream = connect(socket, &peer).await?;
        let (reader, mut writer) = stream.into_split();
        let mut sent = write_line(&mut writer, &call).await;
        scrub(&mut call.args);
        if sent.is_ok() {
            sent = writer.write_all(attached).await.map_err(|e| hung_up(&e));
        }
        if sent.as_ref().is_err_and(|fault| fault.code != "hung_up") {
            return sent.map(|()| (Value::Null, Vec::new()));
        }
        // A server that refuses this caller answers before it reads: its words count for more.
        let mut reader = BufReader::new(reader);
        let answer = read_whole(&mut reader, &peer, answer_max, on_progress).await;
        match (sent, answer) {
            (Err(sent), Err(answer)) if answer.code == "hung_up" => Err(sent),
            (_, answer) => answer,
        }
    };
    tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(silent(&peer, deadline)))
}

async fn connect(socket: &Path, peer: &str) -> Result<UnixStream, Fault> {
    match tokio::time::timeout(CONNECT_MAX, UnixStream::connect(socket)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) if e.kind() == io::ErrorKind::PermissionDenied => {
            Err(Fault::from_error("forbidden", format!("may not talk to {peer}"), &e)
                .hint("use the account that ran pgkeep up")
                .exit(ExitCode::Forbidden))
        }
        Ok(Err(e)) => Err(unreachable(peer, socket, &e)),
        Err(_) => Err(silent(peer, CONNECT_MAX)),
    }
}

fn unreachable(peer: &str, socket: &Path, e: &io::Error) -> Fault {
    let home = socket.parent().and_then(Path::parent).unwrap_or(socket).display();
    let hint = match peer.strip_prefix("agent of ") {
        Some(name) => format!("start the server: pgkeep server start -n {name}"),
        None => "start it: pgkeep up".to_owned(),
    };
    Fault::new("not_running", format!("{peer} of {home} is not running"))
        .detail(e.to_string())
        .hint(hint)
}

/// What a person calls the process behind a socket.
fn peer_name(socket: &Path) -> String {
    let stem = socket.file_stem().unwrap_or_default().to_string_lossy();
    match stem.strip_prefix("agent-") {
        Some(name) => format!("agent of {name}"),
        None => format!("the {stem}"),
    }
}
