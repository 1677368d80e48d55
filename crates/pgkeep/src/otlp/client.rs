//! One request to the collector at a time, with its limits. The headers may hold a secret: they
//! come from a file, and are neither shown nor logged.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::home::OtlpSettings;
use crate::plane;

/// A request ends by then.
pub(super) const SEND_MAX: Duration = Duration::from_secs(5);
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// An answer says little; what is longer is not read.
const ANSWER_MAX_BYTES: usize = 64 << 10;
const HEADERS_MAX_BYTES: u64 = 16 << 10;
const HEADERS_MAX: usize = 32;

/// What speaks to the collector.
#[derive(Debug)]
pub(super) struct Client {
    inner: reqwest::Client,
    headers: HeaderMap,
    /// Of its own: the threads that send belong to no runtime, and work for no request.
    runtime: tokio::runtime::Runtime,
    /// Whether the last request failed, so that an outage is said once.
    away: AtomicBool,
}

impl Client {
    /// Reads the headers, which stay the same while the process runs.
    pub(super) fn new(settings: &OtlpSettings) -> Result<Self, String> {
        let headers = match &settings.headers_file {
            Some(path) => {
                read(path).map_err(|why| format!("the headers in {}: {why}", path.display()))?
            }
            None => HeaderMap::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(plane::tls_to_others(None)?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            // Between two requests nobody looks after a connection.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_MAX)
            .timeout(SEND_MAX);
        Ok(Self {
            inner: inner.build().map_err(|e| e.to_string())?,
            headers,
            runtime: runtime.map_err(|e| e.to_string())?,
            away: AtomicBool::new(false),
        })
    }

    async fn exchange(&self, request: Request<Bytes>) -> reqwest::Result<Response<Bytes>> {
        let mut request = reqwest::Request::try_from(request)?;
        request.headers_mut().extend(self.headers.clone());
        let mut response = self.inner.execute(request).await?;
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < ANSWER_MAX_BYTES
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = status;
        Ok(answer)
    }

    /// Says when the collector went away and when it came back.
    fn note(&self, outcome: &reqwest::Result<Response<Bytes>>) {
        let reason = match outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status().as_u16())),
            Err(e) if e.is_timeout() => Some("it did not answer in time".to_owned()),
            Err(e) if e.is_connect() => Some("no connection".to_owned()),
            Err(_) => Some("the connection broke".to_owned()),
        };
        let was_away = self.away.swap(reason.is_some(), Ordering::Relaxed);
        match reason {
            Some(reason) if !was_away => tracing::warn!(
                reason,
                "the OTLP collector does not take logs and spans; they are in the files only"
            ),
            None if was_away => tracing::info!("the OTLP collector takes logs and spans again"),
            _ => {}
        }
    }
}

impl HttpClient for Client {
    fn send_bytes<'a, 'r>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'r>>
    where
        'a: 'r,
        Self: 'r,
    {
        // Called from the queues' own threads, which may wait.
        let outcome = self.runtime.block_on(self.exchange(request));
        self.note(&outcome);
        Box::pin(std::future::ready(outcome.map_err(|e| e.without_url().into())))
    }
}

/// Reads `name: value` lines; a line that is empty or begins with `#` is none.
fn read(path: &Path) -> Result<HeaderMap, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let meta = file.metadata().map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("not a file".to_owned());
    }
    if meta.permissions().mode() & 0o007 != 0 {
        return Err("every OS user may read it; take that away: chmod o=".to_owned());
    }
    let mut text = Zeroizing::new(String::new());
    file.take(HEADERS_MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| e.to_string())?;
    if text.len() as u64 > HEADERS_MAX_BYTES {
        return Err(format!("more than {HEADERS_MAX_BYTES} bytes"));
    }
    parse(&text)
}

/// What is wrong with a line is said by its number: its text may be a secret.
fn parse(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bad = || format!("line {} is no header: it has the form name: value", at + 1);
        let (name, value) = line.split_once(':').ok_or_else(bad)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.insert(name, value);
        if headers.len() > HEADERS_MAX {
            return Err(format!("more than {HEADERS_MAX} headers"));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_stand_one_a_line_and_are_never_shown() {
        let headers = parse("# ours\n\nAuthorization: Bearer a:b\nx-scope: 1 \n").unwrap();
        assert_eq!(headers["authorization"], "Bearer a:b");
        assert_eq!(headers["x-scope"], "1");
        assert!(!format!("{headers:?}").contains("Bearer"), "{headers:?}");
        for bad in ["hidden", "hi den: x", "a: \u{1}hidden"] {
            let why = parse(&format!("a: b\n{bad}\n")).unwrap_err();
            assert!(why.contains("line 2") && !why.contains("hidden"), "{why}");
        }
    }

    #[test]
    fn a_file_that_everybody_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("headers");
        std::fs::write(&path, "a: b\n").unwrap();
        for (mode, good) in [(0o600, true), (0o640, true), (0o644, false), (0o606, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), good, "{mode:o}");
        }
        assert!(read(dir.path()).is_err());
        assert!(read(&dir.path().join("absent")).is_err());
    }
}
