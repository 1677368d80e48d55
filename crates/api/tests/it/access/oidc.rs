//! Sign-in at a real provider: the certified npm package `oidc-provider`, in a process of its own
//! (`tests/oidc`). `cargo xtask test` installs it and says where in the environment.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use api::access::oidc::{Door, DoorError, HttpRequest, HttpResponse, Sending};
use axum::http::StatusCode;
use axum::http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::call::{Answer, Bears, Stage};

const START: &str = "/api/v1/sign-in/oidc/start";

/// The provider's process. It ends with its standard input.
struct Provider {
    issuer: String,
    process: Child,
    /// Kept: what it says later must go somewhere.
    _said: BufReader<ChildStdout>,
}

impl Provider {
    /// Without the package nothing can be judged: a failure in CI, and said aloud elsewhere.
    #[allow(clippy::print_stdout, reason = "what does not run says so")]
    fn start() -> Option<Self> {
        let Some(folder) = std::env::var_os("PGKEEP_TEST_OIDC") else {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1");
            assert!(!ci, "PGKEEP_TEST_OIDC is not set: run the tests with `cargo xtask test`");
            println!("NOT RUN: PGKEEP_TEST_OIDC is not set. `cargo xtask test` sets it.");
            return None;
        };
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/provider.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .env("OIDC_FOLDER", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut issuer = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        // The first line of an address; an end without one is a failed start.
        while !issuer.starts_with("http://") {
            issuer.clear();
            assert_ne!(said.read_line(&mut issuer).unwrap(), 0, "the provider did not start");
        }
        Some(Self { issuer: issuer.trim().to_owned(), process, _said: said })
    }

    /// Goes where the portal sends a browser, as `who`, until the provider sends it back; answers
    /// the path with which it comes back.
    async fn visit(&self, address: &str, who: &str) -> String {
        let mut cookies = vec![format!("who={who}")];
        let mut address = address.to_owned();
        for _ in 0..10 {
            if let Some(path) = address.strip_prefix("https://localhost:8443") {
                return path.to_owned();
            }
            if address.starts_with('/') {
                address = format!("{}{address}", self.issuer);
            }
            let mut request = HttpRequest::new(Vec::new());
            *request.uri_mut() = address.parse().unwrap();
            request.headers_mut().insert(COOKIE, cookies.join("; ").parse().unwrap());
            let answer = send(request).await.unwrap();
            for line in answer.headers().get_all(SET_COOKIE) {
                cookies.push(line.to_str().unwrap().split(';').next().unwrap().to_owned());
            }
            let place = answer.headers().get(LOCATION).unwrap_or_else(|| {
                panic!("{} {}", answer.status(), String::from_utf8_lossy(answer.body()))
            });
            address = place.to_str().unwrap().to_owned();
        }
        panic!("it goes round in circles: {address}");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Plain HTTP to this machine.
struct Loopback;

impl Door for Loopback {
    fn send(&self, request: HttpRequest, _: Option<String>) -> Sending {
        Box::pin(async move { send(request).await.map_err(|e| DoorError(e.to_string())) })
    }
}

async fn send(request: HttpRequest) -> Result<HttpResponse, Box<dyn std::error::Error>> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or("no host")?.to_string();
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    parts.headers.insert(HOST, authority.parse()?);
    parts.uri = parts.uri.path_and_query().ok_or("no path")?.as_str().parse()?;
    let request = hyper::Request::from_parts(parts, Full::new(Bytes::from(body)));
    let (parts, body) = sender.send_request(request).await?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.collect().await?.to_bytes().to_vec()))
}

/// A stage that trusts the provider.
async fn stage(provider: &Provider, secret: &str) -> Stage {
    let stage = Stage::with_door(std::sync::Arc::new(Loopback));
    let oidc = json!({
        "label": "SSO", "issuer": provider.issuer, "client_id": "pgkeep",
        "client_secret": secret, "groups_claim": "groups", "scopes": ["profile", "groups"],
        "groups": [
            { "group": "dba", "role": "owner", "scope": "/" },
            { "group": "all", "role": "reader", "scope": "/servers/demo" },
        ],
    });
    let wish = json!({
        "session_idle_minutes": 60, "session_minutes": 720, "lock_after": 5,
        "lock_max_seconds": 900, "oidc": oidc,
    });
    let path = "/api/v1/settings/sign-in";
    let set = stage.call(&Bears::Local, "PUT", path, Some(&wish)).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    stage
}

/// The way there: the address, and the cookie of the way.
async fn begin(stage: &Stage) -> (String, String) {
    let answer = stage.call(&Bears::Nothing, "GET", START, None).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let line = answer.headers[SET_COOKIE].to_str().unwrap();
    assert!(line.contains("; SameSite=Lax") && line.contains("; HttpOnly"), "{line}");
    let cookie = line.split(';').next().unwrap().to_owned();
    (answer.headers[LOCATION].to_str().unwrap().to_owned(), cookie)
}

async fn come_back(stage: &Stage, path: &str, cookie: &str) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "cross-site")];
    stage.call_with(&Bears::Nothing, "GET", path, None, &headers).await
}

fn place(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.headers[LOCATION].to_str().unwrap()
}

const SECRET: &str = "swordfish-of-the-test";

#[tokio::test]
async fn groups_at_the_provider_become_roles_here() {
    let Some(provider) = Provider::start() else { return };
    let stage = stage(&provider, SECRET).await;
    for (who, roles) in [
        (
            "anna",
            json!([{ "role": "owner", "scope": "/" },
            { "role": "reader", "scope": "/servers/demo" }]),
        ),
        ("ben", json!([{ "role": "reader", "scope": "/servers/demo" }])),
    ] {
        let (address, cookie) = begin(&stage).await;
        for word in ["code_challenge_method=S256", "nonce=", "state=", "response_type=code"] {
            assert!(address.contains(word), "{address}");
        }
        let path = provider.visit(&address, who).await;
        let entered = come_back(&stage, &path, &cookie).await;
        assert_eq!(place(&entered), "/");
        let bears = Bears::Cookie(entered.cookie().unwrap());
        let shown = stage.call(&bears, "GET", "/api/v1/session", None).await;
        assert_eq!(shown.body["kind"], "oidc");
        assert_eq!(shown.body["name"], format!("oidc:{who}/{who}"));
        assert_eq!(shown.body["assignments"], roles);
        // Nothing of it can be used again.
        assert_eq!(place(&come_back(&stage, &path, &cookie).await), REFUSED);
    }
    // Who is in no group that has a role stays outside.
    let (address, cookie) = begin(&stage).await;
    let path = provider.visit(&address, "carla").await;
    let refused = come_back(&stage, &path, &cookie).await;
    assert_eq!(place(&refused), REFUSED);
    assert!(refused.cookie().is_none());
}

const REFUSED: &str = "/sign-in#error=oidc_refused";

#[tokio::test]
async fn what_did_not_begin_here_does_not_end_here() {
    let Some(provider) = Provider::start() else { return };
    let stage = stage(&provider, SECRET).await;
    // Another browser: the code of anna's way is given to somebody else's cookie.
    let (address, annas) = begin(&stage).await;
    let (_, evils) = begin(&stage).await;
    let path = provider.visit(&address, "anna").await;
    assert_eq!(place(&come_back(&stage, &path, &evils).await), REFUSED);
    assert_eq!(place(&come_back(&stage, &path, "a=b").await), REFUSED);
    // Another state, another provider, no code.
    let other = path.replace("state=", "state=x");
    assert_eq!(place(&come_back(&stage, &other, &annas).await), REFUSED);
    for (from, to) in [("iss=http", "iss=https"), ("code=", "nocode=")] {
        let (address, cookie) = begin(&stage).await;
        let path = provider.visit(&address, "anna").await.replace(from, to);
        let refused = come_back(&stage, &path, &cookie).await;
        assert!(place(&refused).starts_with("/sign-in#error="), "{from}");
        assert!(refused.cookie().is_none());
    }
    // Too late.
    let (address, cookie) = begin(&stage).await;
    let path = provider.visit(&address, "anna").await;
    stage.scene.clock.forward(10 * 60);
    assert_eq!(place(&come_back(&stage, &path, &cookie).await), REFUSED);
    // Nobody signs in there.
    let (address, cookie) = begin(&stage).await;
    let path = provider.visit(&address, "").await;
    assert!(path.contains("error=access_denied"), "{path}");
    assert_eq!(place(&come_back(&stage, &path, &cookie).await), REFUSED);
}

#[tokio::test]
async fn a_wrong_secret_and_a_changed_provider_let_nobody_in() {
    let Some(provider) = Provider::start() else { return };
    let wrong = stage(&provider, "not the secret").await;
    let (address, cookie) = begin(&wrong).await;
    let path = provider.visit(&address, "anna").await;
    assert_eq!(place(&come_back(&wrong, &path, &cookie).await), "/sign-in#error=oidc_failed");
    // Who came through a provider that is taken away is signed out.
    let stage = stage(&provider, SECRET).await;
    let (address, cookie) = begin(&stage).await;
    let path = provider.visit(&address, "anna").await;
    let bears = Bears::Cookie(come_back(&stage, &path, &cookie).await.cookie().unwrap());
    let session = async || stage.call(&bears, "GET", "/api/v1/session", None).await.status;
    assert_eq!(session().await, StatusCode::OK);
    let wish = json!({
        "session_idle_minutes": 60, "session_minutes": 720, "lock_after": 5,
        "lock_max_seconds": 900, "oidc": Value::Null,
    });
    let path = "/api/v1/settings/sign-in";
    stage.call(&Bears::Local, "PUT", path, Some(&wish)).await;
    assert_eq!(session().await, StatusCode::UNAUTHORIZED);
    let gone = stage.call(&Bears::Nothing, "GET", START, None).await;
    assert_eq!(place(&gone), "/sign-in#error=not_found");
}
