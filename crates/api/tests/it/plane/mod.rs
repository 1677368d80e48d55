//! The plane's API over a unix socket, with a simulated backend behind it.

mod calls;
mod edges;
mod every;
mod push;
mod refused;
pub(crate) mod sim;
mod sim_baseline;

use std::sync::Arc;
use std::time::Duration;

use api::client::Client;
use api::plane::{Api, PlaneParts};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::access::memory::scene;
use sim::Sim;

/// Every wait ends by then.
const DEADLINE: Duration = Duration::from_secs(30);

/// An API that serves, and its callers.
struct Served {
    dir: tempfile::TempDir,
    serving: JoinHandle<()>,
}

/// What came back.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!("no JSON: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the failure that it must be.
    fn code(&self) -> String {
        let json = self.json();
        let error = &json["error"];
        assert!(error["message"].is_string() && error["exit"].is_u64(), "{json}");
        assert_eq!(error["request_id"], self.header("x-request-id"), "{json}");
        error["code"].as_str().unwrap().to_owned()
    }
}

impl Served {
    /// Answers everybody who comes over the socket.
    fn start() -> Self {
        Self::to(|_| true)
    }

    fn to(allowed: impl Fn(u32) -> bool + Send + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("api.sock")).unwrap();
        let backend = Arc::new(Sim::default());
        let api = Api::new(PlaneParts { backend, access: scene().access });
        let serving = tokio::spawn(async move {
            api.serve_local(listener, allowed).await.unwrap();
        });
        Self { dir, serving }
    }

    fn client(&self) -> Client {
        Client::new(&self.dir.path().join("api.sock"))
    }

    /// One request as it is given, with the headers `extra`.
    async fn raw(
        &self,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answered {
        let stream = UnixStream::connect(self.dir.path().join("api.sock")).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !extra.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let exchange = async {
            let response = sender.send_request(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answered { status: parts.status, headers: parts.headers, body }
        };
        tokio::time::timeout(DEADLINE, exchange).await.expect("no answer in time")
    }

    async fn get(&self, path: &str) -> Answered {
        self.raw("GET", path, &[], "").await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answered {
        let json = [("content-type", "application/json")];
        self.raw(method, path, &json, body.to_string()).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
