//! The calling side: the API over the plane's unix socket, for the command line.
//!
//! A call that begins a job follows it to its end, handing every step on. Ends when the other
//! side falls silent: a working one says something every few seconds.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{ExitCode, Fault};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::plane::backend::Pieces;
use crate::plane::model::{Job, JobState};
use crate::plane::{ErrorShape, PREFIX};

/// Nothing we do takes longer; a job that may be slow says so by its steps.
const CALL_MAX: Duration = Duration::from_secs(6 * 3600);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A stream of events that is quiet for so long is dead; a living one has heartbeats.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// A query may think for so long before its next row; it has a limit of its own.
const LINE_MAX: Duration = Duration::from_secs(620);
/// An answer that is no job begins within this time.
const ANSWER_MAX: Duration = Duration::from_secs(200);
/// No answer is larger.
const ANSWER_MAX_BYTES: usize = 32 << 20;

/// No body that is taken as it is is larger.
const DOWNLOAD_MAX_BYTES: usize = 80 << 20;

/// Calls the plane behind one socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of the plane behind `socket`; nothing is connected yet.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Does `method` on `path` (below `/api/v1`, with its query) with a body; follows the job if
    /// one begins. What has no content is null.
    ///
    /// # Errors
    /// The fault that the plane answered or the job ended with; else `not_running`, `forbidden`,
    /// `timeout`, `hung_up`, `bad_answer`.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        on_progress: impl FnMut(&str),
    ) -> Result<Value, Fault> {
        self.call_within(CALL_MAX, method, path, body, on_progress).await
    }

    /// [`Client::call`] with a deadline for the whole of it.
    pub async fn call_within(
        &self,
        deadline: Duration,
        method: &str,
        path: &str,
        body: Option<&Value>,
        on_progress: impl FnMut(&str),
    ) -> Result<Value, Fault> {
        let exchange = async {
            let (status, answer) = self.ask(method, path, body).await?;
            match status {
                StatusCode::ACCEPTED => self.follow(answer, on_progress).await,
                _ => Ok(answer),
            }
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(silent(deadline)))
    }

    /// Asks for an answer in lines (`application/x-ndjson`) and hands each on as it comes; `false`
    /// ends it.
    ///
    /// # Errors
    /// The fault that the plane answered; else as for [`Client::call`].
    pub async fn lines(
        &self,
        path: &str,
        body: &Value,
        mut on_line: impl FnMut(&str) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let response = self.send("POST", path, Some(body)).await?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let mut events = Events::new(response.into_body());
        while let Some(line) = events.line(LINE_MAX).await? {
            if !on_line(&line)? {
                break;
            }
        }
        Ok(())
    }

    /// Sends a body of any length, piece by piece, and reads the answer.
    ///
    /// # Errors
    /// The fault that the plane answered, or that a piece is; else as for [`Client::call`].
    pub async fn upload(&self, path: &str, pieces: Pieces) -> Result<Value, Fault> {
        let pieces = pieces.map(|piece| match piece {
            Ok(piece) => Ok(Frame::data(Bytes::from(piece))),
            Err(fault) => Err(io::Error::other(fault.message)),
        });
        let body = StreamBody::new(pieces);
        let request = Request::builder()
            .method("POST")
            .uri(format!("{PREFIX}{path}"))
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/octet-stream");
        let request = request.body(body).map_err(|e| {
            Fault::from_error("bad_request", "the request cannot be written", &e)
                .exit(ExitCode::Usage)
        })?;
        let stream = self.connect().await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(lost)?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let bytes = whole(response.into_body()).await?;
        serde_json::from_slice(&bytes).map_err(|_| no_answer())
    }

    /// Reads an answer byte by byte as it is.
    ///
    /// # Errors
    /// The fault that the plane answered; else as for [`Client::call`].
    pub async fn download(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let response = self.send("GET", path, None).await?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let body = limited(response.into_body(), DOWNLOAD_MAX_BYTES);
        let bytes = tokio::time::timeout(ANSWER_MAX, body).await;
        bytes.unwrap_or_else(|_| Err(silent(ANSWER_MAX))).map(|bytes| bytes.to_vec())
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Fault> {
        let response = self.send(method, path, body).await?;
        let status = response.status();
        let bytes = tokio::time::timeout(ANSWER_MAX, whole(response.into_body()))
            .await
            .unwrap_or_else(|_| Err(silent(ANSWER_MAX)))?;
        if status.is_success() {
            let value = match bytes.is_empty() {
                true => Value::Null,
                false => serde_json::from_slice(&bytes).map_err(|_| no_answer())?,
            };
            return Ok((status, value));
        }
        Err(fault_of(&bytes))
    }

    async fn follow(&self, job: Value, mut on_progress: impl FnMut(&str)) -> Result<Value, Fault> {
        let job: Job = serde_json::from_value(job).map_err(|_| no_answer())?;
        let response = self.send("GET", &format!("/jobs/{}/events", job.id), None).await?;
        if response.status() != StatusCode::OK {
            return Err(no_answer());
        }
        let mut events = Events::new(response.into_body());
        loop {
            let Some((kind, data)) = events.next().await? else {
                return Err(Fault::new("hung_up", "the plane ended without an answer")
                    .hint("its log is in the folder log/ of the home"));
            };
            match kind.as_str() {
                "progress" => {
                    let step: Value = serde_json::from_str(&data).map_err(|_| no_answer())?;
                    on_progress(step["message"].as_str().unwrap_or_default());
                }
                "end" => {
                    let job: Job = serde_json::from_str(&data).map_err(|_| no_answer())?;
                    return match (job.state, job.error) {
                        (JobState::Succeeded, _) => Ok(job.result.unwrap_or_default()),
                        (_, Some(fault)) => Err(fault),
                        (_, None) => Err(no_answer()),
                    };
                }
                _ => {}
            }
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Fault> {
        let stream = self.connect().await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        // Ends with the response's body, or when that is dropped.
        tokio::spawn(connection);
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{PREFIX}{path}"))
            .header(header::HOST, "localhost");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(bytes)).map_err(|e| {
            Fault::from_error("bad_request", "the request cannot be written", &e)
                .exit(ExitCode::Usage)
        })?;
        match tokio::time::timeout(ANSWER_MAX, sender.send_request(request)).await {
            Ok(answered) => answered.map_err(lost),
            Err(_) => Err(silent(ANSWER_MAX)),
        }
    }

    async fn connect(&self) -> Result<UnixStream, Fault> {
        match tokio::time::timeout(CONNECT_MAX, UnixStream::connect(&self.socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(e)) if e.kind() == io::ErrorKind::PermissionDenied => {
                Err(Fault::from_error("forbidden", "may not talk to the plane", &e)
                    .hint("use the account that ran pgkeep up")
                    .exit(ExitCode::Forbidden))
            }
            Ok(Err(e)) => {
                let home = self.socket.parent().and_then(Path::parent).unwrap_or(&self.socket);
                let message = format!("the plane of {} is not running", home.display());
                Err(Fault::new("not_running", message)
                    .detail(e.to_string())
                    .hint("start it: pgkeep up"))
            }
            Err(_) => Err(silent(CONNECT_MAX)),
        }
    }
}

/// The fault of an answer that is a failure.
async fn refused(response: Response<Incoming>) -> Fault {
    match whole(response.into_body()).await {
        Ok(bytes) => fault_of(&bytes),
        Err(fault) => fault,
    }
}

fn fault_of(bytes: &[u8]) -> Fault {
    let Ok(ErrorShape { error }) = serde_json::from_slice(bytes) else { return no_answer() };
    Fault {
        code: error.code,
        message: error.message,
        detail: error.detail,
        hint: error.hint,
        exit: error.exit,
    }
}

async fn whole(body: Incoming) -> Result<Bytes, Fault> {
    limited(body, ANSWER_MAX_BYTES).await
}

async fn limited(body: Incoming, bytes_max: usize) -> Result<Bytes, Fault> {
    let body = Limited::new(body, bytes_max).collect().await.map_err(|e| {
        match e.is::<http_body_util::LengthLimitError>() {
            true => Fault::new("too_large", "the plane sent too long an answer"),
            false => Fault::from_error("hung_up", "lost the connection to the plane", &*e),
        }
    })?;
    Ok(body.to_bytes())
}

/// Events of a stream (WHATWG HTML, 9.2.6), as far as ours are written.
struct Events {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Events {
    fn new(body: Incoming) -> Self {
        Self { body, buffer: Vec::new() }
    }

    /// The next event: its kind and its data. `None` at the end of the stream.
    async fn next(&mut self) -> Result<Option<(String, String)>, Fault> {
        let (mut kind, mut data) = (String::new(), String::new());
        loop {
            let Some(line) = self.line(SILENCE_MAX).await? else { return Ok(None) };
            if line.is_empty() {
                if !data.is_empty() {
                    return Ok(Some((kind, data)));
                }
                kind.clear();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut kind),
                "data" => {
                    if !data.is_empty() {
                        data.push('\n');
                    }
                    data.push_str(value);
                }
                // Comments are heartbeats; numbers of events are not needed here.
                _ => {}
            }
        }
    }

    async fn line(&mut self, silence: Duration) -> Result<Option<String>, Fault> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = String::from_utf8(line).map_err(|_| no_answer())?;
                return Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()));
            }
            if self.buffer.len() > ANSWER_MAX_BYTES {
                return Err(Fault::new("too_large", "the plane sent too long a line"));
            }
            match tokio::time::timeout(silence, self.body.frame()).await {
                Err(_) => return Err(silent(silence)),
                Ok(None) => return Ok(None),
                Ok(Some(Err(e))) => return Err(lost(e)),
                Ok(Some(Ok(frame))) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.buffer.extend_from_slice(bytes);
                    }
                }
            }
        }
    }
}

fn lost(e: hyper::Error) -> Fault {
    Fault::from_error("hung_up", "lost the connection to the plane", &e)
        .hint("its log is in the folder log/ of the home")
}

fn silent(waited: Duration) -> Fault {
    Fault::new("timeout", "the plane does not answer")
        .detail(format!("waited {} s", waited.as_secs()))
        .exit(ExitCode::Timeout)
}

fn no_answer() -> Fault {
    Fault::new("bad_answer", "the plane sent what is no answer")
        .hint("are both of the same version? run pgkeep down, then pgkeep up")
}
