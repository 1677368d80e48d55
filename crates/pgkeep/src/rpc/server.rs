//! The answering side.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use api::keyvault::Process;
use base::{ExitCode, Fault};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::line::{LineError, read_line};
use super::listen::{Listener, listen};
use super::wire::{Answer, Call, write_line};
use super::{
    ANSWER_MAX_BYTES, ATTACHMENTS_MAX, CONNECTIONS_MAX, HEARTBEAT, PIECE_BYTES, REQUEST_DEADLINE,
};

/// Steps that may wait for a slow reader; a further one is dropped, progress is a courtesy.
const PROGRESS_MAX: usize = 256;

/// One request, with who sent it.
#[derive(Debug)]
pub(crate) struct Request {
    /// The operation.
    pub(crate) op: String,
    /// Its arguments.
    pub(crate) args: Value,
    /// The bytes that came with it.
    pub(crate) attached: Vec<u8>,
    /// The caller's OS user, from the socket.
    pub(crate) uid: u32,
    /// The calling process, from the socket.
    pub(crate) process: Process,
    /// Tells the caller how it goes.
    pub(crate) progress: Progress,
}

/// What a handler answers: a value, and bytes beside it.
#[derive(Debug)]
pub(crate) struct Reply {
    value: Value,
    attached: Vec<u8>,
}

impl Reply {
    /// A value with bytes, of which there are at most [`ANSWER_MAX_BYTES`].
    pub(crate) fn with(value: Value, attached: Vec<u8>) -> Self {
        Self { value, attached }
    }
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self { value, attached: Vec::new() }
    }
}

/// Sends progress to whoever waits. Cheap to clone; never blocks.
#[derive(Clone, Debug)]
pub(crate) struct Progress(mpsc::Sender<String>);

impl Progress {
    /// Says one step, in a few words without a full stop.
    pub(crate) fn say(&self, message: impl Into<String>) {
        // A caller that is gone or slow does not hold the work up.
        let _ = self.0.try_send(message.into());
    }

    /// Waits until the answer has been handed over, or the caller is gone.
    pub(crate) async fn delivered(self) {
        self.0.closed().await;
    }
}

impl Request {
    /// A text argument.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Fault> {
        self.args.get(name).and_then(Value::as_str).ok_or_else(|| missing(name, "a text"))
    }

    /// A number argument within `u32`.
    pub(crate) fn number(&self, name: &str) -> Result<u32, Fault> {
        let value = self.args.get(name).and_then(Value::as_u64);
        value.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| missing(name, "a number"))
    }

    /// A switch; absent means off.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.args.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The answer to an operation that this socket does not know.
    pub(crate) fn unknown(&self) -> Fault {
        let op: String = self.op.chars().take(60).collect();
        Fault::new("unknown_op", format!("unknown operation \"{op}\""))
            .hint("are both sides of the same version? run pgkeep down, then pgkeep up")
    }
}

fn missing(name: &str, what: &str) -> Fault {
    Fault::new("bad_request", format!("the argument \"{name}\" must be {what}"))
        .exit(ExitCode::Usage)
}

/// Answers calls on `path` until dropped; see [`answer_on`]. Listens from the moment of the call.
pub(crate) fn serve<A, H, F, R>(
    path: &Path,
    mode: u32,
    allowed: A,
    handler: H,
) -> impl Future<Output = Result<(), Fault>> + use<A, H, F, R>
where
    A: Fn(u32) -> bool + Send + Sync + 'static,
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, Fault>> + Send,
    R: Into<Reply> + Send,
{
    serve_with(path, mode, 0, allowed, handler)
}

/// As [`serve`], for calls that may bring up to `attached_max` bytes.
pub(crate) fn serve_with<A, H, F, R>(
    path: &Path,
    mode: u32,
    attached_max: usize,
    allowed: A,
    handler: H,
) -> impl Future<Output = Result<(), Fault>> + use<A, H, F, R>
where
    A: Fn(u32) -> bool + Send + Sync + 'static,
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, Fault>> + Send,
    R: Into<Reply> + Send,
{
    let listener = listen(path, mode);
    async move { answer_with(listener?, attached_max, allowed, handler).await }
}

/// Answers calls on `listener` until dropped; only to peers whose uid `allowed` accepts.
///
/// A handler runs to its end even when its caller hangs up: what was begun is finished.
pub(crate) async fn answer_on<H, F, R>(
    listener: Listener,
    allowed: impl Fn(u32) -> bool + Send + Sync + 'static,
    handler: H,
) -> Result<(), Fault>
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, Fault>> + Send,
    R: Into<Reply> + Send,
{
    answer_with(listener, 0, allowed, handler).await
}

async fn answer_with<H, F, R>(
    listener: Listener,
    attached_max: usize,
    allowed: impl Fn(u32) -> bool + Send + Sync + 'static,
    handler: H,
) -> Result<(), Fault>
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, Fault>> + Send,
    R: Into<Reply> + Send,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let attached = Arc::new(Attached { max: attached_max, turns: Semaphore::new(ATTACHMENTS_MAX) });
    let handler = Arc::new(handler);
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("because it is never closed");
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Out of descriptors or aborted by the peer: the next one may do.
            Err(e) => {
                tracing::warn!(error = %e, "could not accept a connection");
                tokio::task::yield_now().await;
                continue;
            }
        };
        // A socket that does not say who calls is nobody's.
        let Ok(process) = Process::of(&stream) else { continue };
        let uid = process.uid();
        let verdict = allowed(uid);
        let (handler, attached) = (Arc::clone(&handler), Arc::clone(&attached));
        tokio::spawn(async move {
            if verdict {
                converse(stream, process, &attached, &*handler).await;
            } else {
                refuse(stream, uid).await;
            }
            drop(slot);
        });
    }
}

async fn refuse(mut stream: UnixStream, uid: u32) {
    tracing::warn!(uid, "refused a caller");
    let fault = Fault::new("forbidden", format!("OS user {uid} may not use this socket"))
        .hint("use the account that ran pgkeep up")
        .exit(ExitCode::Forbidden);
    let _ = tokio::time::timeout(REQUEST_DEADLINE, write_line(&mut stream, &Answer::Error(fault)))
        .await;
}

/// How many bytes a call may bring, and turns for those that do: what callers can make this
/// process hold is bounded.
struct Attached {
    max: usize,
    turns: Semaphore,
}

async fn converse<H, F, R>(stream: UnixStream, process: Process, attached: &Attached, handler: &H)
where
    H: Fn(Request) -> F,
    F: Future<Output = Result<R, Fault>>,
    R: Into<Reply>,
{
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let read = async {
        let call = read_call(&mut reader).await?;
        let (bytes, turn) = read_attached(&mut reader, call.attached, attached).await?;
        Ok((call, bytes, turn))
    };
    let (call, attached, _turn) = match read.await {
        Ok(read) => read,
        Err(fault) => {
            let _ = write_line(&mut writer, &Answer::Error(fault)).await;
            return;
        }
    };
    let (progress, mut steps) = mpsc::channel(PROGRESS_MAX);
    let op = call.op.clone();
    let (uid, progress) = (process.uid(), Progress(progress));
    let work = handler(Request { op: call.op, args: call.args, attached, uid, process, progress });
    tokio::pin!(work);
    let mut listening = true;
    let outcome = loop {
        let message = tokio::select! {
            biased;
            Some(step) = steps.recv() => step,
            outcome = &mut work => break outcome,
            () = tokio::time::sleep(HEARTBEAT) => String::new(),
        };
        if listening {
            listening = tell(&mut writer, message).await;
        }
    };
    // Steps said just before the end.
    while let Ok(message) = steps.try_recv() {
        listening = listening && tell(&mut writer, message).await;
    }
    let mut beside = Vec::new();
    let answer = match outcome.map(R::into) {
        Ok(Reply { value, attached }) if attached.is_empty() => Answer::Ok(value),
        Ok(Reply { attached, .. }) if attached.len() > ANSWER_MAX_BYTES => {
            let detail = format!("{} bytes; the limit is {ANSWER_MAX_BYTES}", attached.len());
            Answer::Error(Fault::new("too_large", "the answer is too large").detail(detail))
        }
        Ok(Reply { value, attached }) => {
            beside = attached;
            Answer::Attached { ok: value, bytes: beside.len() }
        }
        Err(fault) => {
            tracing::info!(
                op,
                uid,
                code = fault.code,
                message = fault.message,
                "refused or failed"
            );
            Answer::Error(fault)
        }
    };
    match deliver(&mut writer, &answer).await {
        Ok(()) => attach(&mut writer, &beside).await,
        Err(fault) if fault.code == "too_large" => {
            let _ = deliver(&mut writer, &Answer::Error(fault)).await;
        }
        Err(_) => {}
    }
    if let Answer::Ok(mut value) = answer {
        super::scrub(&mut value);
    }
}

async fn deliver<W>(writer: &mut W, answer: &Answer) -> Result<(), Fault>
where
    W: tokio::io::AsyncWrite + Unpin,
{
    tokio::time::timeout(REQUEST_DEADLINE, write_line(writer, answer))
        .await
        .unwrap_or_else(|_| Err(Fault::new("hung_up", "the caller does not read")))
}

/// Sends what goes beside an answer. A caller that does not take it learns that it is not whole.
async fn attach<W>(writer: &mut W, bytes: &[u8])
where
    W: tokio::io::AsyncWrite + Unpin,
{
    for piece in bytes.chunks(PIECE_BYTES) {
        let sent = tokio::time::timeout(REQUEST_DEADLINE, writer.write_all(piece)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::info!("a caller did not take all of its answer");
            return;
        }
    }
}

/// False once nobody listens any more.
async fn tell<W>(writer: &mut W, message: String) -> bool
where
    W: tokio::io::AsyncWrite + Unpin,
{
    deliver(writer, &Answer::Progress { message }).await.is_ok()
}

fn bad(message: &str) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}

fn late() -> Fault {
    Fault::new("timeout", "no request came in time").exit(ExitCode::Timeout)
}

/// The bytes behind the line, and the turn that is kept as long as they are.
async fn read_attached<'a, R>(
    reader: &mut R,
    len: usize,
    attached: &'a Attached,
) -> Result<(Vec<u8>, Option<SemaphorePermit<'a>>), Fault>
where
    R: AsyncBufRead + Unpin,
{
    if len == 0 {
        return Ok((Vec::new(), None));
    }
    if len > attached.max {
        return Err(bad("the request brings too many bytes"));
    }
    let read = async {
        let turn = attached.turns.acquire().await.expect("because it is never closed");
        let mut bytes = vec![0; len];
        match reader.read_exact(&mut bytes).await {
            Ok(_) => Ok((bytes, Some(turn))),
            Err(_) => Err(bad("the request is not complete")),
        }
    };
    tokio::time::timeout(REQUEST_DEADLINE, read).await.unwrap_or_else(|_| Err(late()))
}

async fn read_call<R>(reader: &mut R) -> Result<Call, Fault>
where
    R: AsyncBufRead + Unpin,
{
    let line = match tokio::time::timeout(REQUEST_DEADLINE, read_line(reader)).await {
        Err(_) => return Err(late()),
        Ok(Err(LineError::TooLong)) => return Err(bad("the request is too long")),
        Ok(Err(LineError::Io(_)) | Ok(None)) => return Err(bad("the request is not complete")),
        Ok(Ok(Some(line))) => line,
    };
    let call: Call =
        serde_json::from_slice(&line).map_err(|_| bad("the request is no JSON call"))?;
    if call.args.is_null() || call.args.is_object() {
        Ok(call)
    } else {
        Err(bad("the arguments must be an object"))
    }
}
