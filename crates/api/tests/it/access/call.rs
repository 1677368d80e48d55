//! Requests through the whole router, without a socket.

use std::sync::Arc;

use api::access::oidc::{Door, NoDoor};
use api::access::store::{AccessStore as _, Session, User};
use api::access::{Assignment, Kind, LocalPeer};
use api::plane::{Api, PlaneParts};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base::Clock as _;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

use super::memory::{Scene, scene_with};
use crate::plane::sim::Sim;

/// The API with a simulated backend, and access over memory.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    router: Router,
}

/// What a caller sends along.
#[derive(Clone, Debug)]
pub(crate) enum Bears {
    /// Nothing.
    Nothing,
    /// The unix socket.
    Local,
    /// A session's cookie, as the portal sends it.
    Cookie(String),
    /// An API token.
    Token(String),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// The value of the session's cookie that was set.
    pub(crate) fn cookie(&self) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        let mut values = lines.filter_map(|line| {
            let line = line.to_str().unwrap().strip_prefix("__Host-pgkeep=")?;
            Some(line.split(';').next().unwrap().to_owned())
        });
        values.next()
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_door(Arc::new(NoDoor))
    }

    /// One that reaches providers.
    pub(crate) fn with_door(door: Arc<dyn Door>) -> Self {
        let scene = scene_with(door);
        let access = Arc::clone(&scene.access);
        let api = Api::new(PlaneParts { backend: Arc::new(Sim::default()), access });
        Self { router: api.router(), scene }
    }

    pub(crate) async fn call(
        &self,
        bears: &Bears,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let portal = [
            ("x-pgkeep-csrf", "1"),
            ("origin", "https://localhost:8443"),
            ("sec-fetch-site", "same-origin"),
        ];
        let more: &[(&str, &str)] = if matches!(bears, Bears::Cookie(_)) { &portal } else { &[] };
        self.call_with(bears, method, path, body, more).await
    }

    pub(crate) async fn call_with(
        &self,
        bears: &Bears,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", "localhost:8443");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match bears {
            Bears::Nothing | Bears::Local => {}
            Bears::Cookie(value) => {
                request = request.header("cookie", format!("__Host-pgkeep={value}"));
            }
            Bears::Token(token) => {
                request = request.header("authorization", format!("Bearer {token}"));
            }
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        let mut request = request.body(body).unwrap();
        if matches!(bears, Bears::Local) {
            request.extensions_mut().insert(LocalPeer(1000));
        }
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let is_stream = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let body = match is_stream {
            true => Value::Null,
            false => {
                let bytes = body.collect().await.unwrap().to_bytes();
                serde_json::from_slice(&bytes).unwrap_or_default()
            }
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// An account with roles.
    pub(crate) fn user(&self, name: &str, given: &[(&str, &str)]) -> User {
        let user = User {
            name: name.to_owned(),
            enabled: true,
            password: None,
            assignments: given.iter().map(|(role, scope)| assignment(role, scope)).collect(),
            created_at: Timestamp::UNIX_EPOCH,
            password_set_at: None,
            signed_in_at: None,
            version: 1,
        };
        self.scene.store.add_user(&user).unwrap();
        user
    }

    /// A session of an account, without its sign-in.
    pub(crate) fn session(&self, name: &str) -> Bears {
        let cookie = format!("session-of-{name}");
        let now = self.scene.clock.now();
        let session = Session {
            hash: crypto::sha256(cookie.as_bytes()),
            name: name.to_owned(),
            kind: Kind::User,
            assignments: Vec::new(),
            created_at: now,
            seen_at: now,
        };
        self.scene.store.add_session(&session, now, now).unwrap();
        Bears::Cookie(cookie)
    }
}

pub(crate) fn assignment(role: &str, scope: &str) -> Assignment {
    Assignment { role: role.to_owned(), scope: scope.parse().unwrap() }
}
