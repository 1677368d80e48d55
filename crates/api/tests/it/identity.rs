//! The identity endpoint over loopback and over a unix socket with real peer credentials.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use api::keyvault::{IdentitySelector, Proof};
use serde_json::Value;

use crate::client::{DEADLINE, Served, served};

const QUERY: &str = "api-version=2019-08-01&resource=https://vault.localhost:8443";

/// Status and body of an answer to a whole HTTP/1.1 request.
fn parse(text: &str) -> (u16, Value) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    assert!(head.contains("content-type: application/json; charset=utf-8"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert!(!head.to_ascii_lowercase().contains("location:"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn exchange(mut stream: impl std::io::Read + std::io::Write, request: &str) -> (u16, Value) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    parse(&text)
}

fn request(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")
}

async fn over_tcp() -> (Served, SocketAddr) {
    let served = served().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (edge, stop) = (served.edge.clone(), served.stop.subscribe());
    tokio::spawn(async move { edge.serve_identity_tcp(listener, stop).await });
    (served, address)
}

async fn get(address: SocketAddr, request: String) -> (u16, Value) {
    let asked = tokio::task::spawn_blocking(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        exchange(stream, &request)
    });
    asked.await.unwrap()
}

const GOOD: &str = "Host: localhost:1\r\nX-IDENTITY-HEADER: open sesame\r\n";

#[tokio::test]
async fn gives_a_token_to_who_knows_the_header() {
    let (served, address) = over_tcp().await;
    for resource in ["https://vault.localhost:8443", "https%3A%2F%2Fvault.localhost%3A8443"] {
        let target = format!("/msi/token?api-version=2019-08-01&resource={resource}&client_id=c1");
        let headers = format!("{GOOD}User-Agent: azsdk\r\n");
        let (status, json) = get(address, request("GET", &target, &headers)).await;
        assert_eq!(status, 200, "{json}");
        assert_eq!(json["access_token"], "e30.e30.c2ln");
        assert_eq!(json["expires_on"], "1700000000", "text, not a number");
        assert_eq!(json["resource"], "https://vault.localhost:8443");
        assert_eq!(json["token_type"], "Bearer");
        assert_eq!(json["client_id"], "client-1");
        let asked = served.memory.token_requests.lock().unwrap().pop().unwrap();
        assert_eq!(asked.selector, Some(IdentitySelector::ClientId("c1".into())));
        assert_eq!(asked.caller_address, "127.0.0.1");
        assert_eq!(asked.client_info, "azsdk");
        assert!(!format!("{asked:?}").contains("sesame"));
    }
}

#[tokio::test]
async fn refuses_in_the_shape_of_app_service() {
    let (served, address) = over_tcp().await;
    let good = format!("/msi/token?{QUERY}");
    let no_host = "X-IDENTITY-HEADER: open sesame\r\n";
    let other = |name: &str| format!("{GOOD}{name}: x\r\n");
    for (method, target, headers, expected) in [
        ("GET", &*good, "Host: localhost\r\n".to_owned(), 401),
        ("GET", &good, "Host: localhost\r\nX-IDENTITY-HEADER: guess\r\n".into(), 401),
        ("GET", &good, other("X-IDENTITY-HEADER"), 401),
        ("GET", &good, format!("Host: example.org\r\n{no_host}"), 421),
        ("GET", &good, format!("Host: localhost.example.org\r\n{no_host}"), 421),
        ("GET", &good, no_host.into(), 421),
        ("GET", &good, other("X-Forwarded-For"), 400),
        ("GET", &good, other("Origin"), 400),
        ("GET", &good, other("Sec-Fetch-Site"), 400),
        ("POST", &good, GOOD.into(), 405),
        ("GET", "/", GOOD.into(), 404),
        ("GET", "/metadata/identity/oauth2/token", GOOD.into(), 404),
        ("GET", "/msi/token", GOOD.into(), 400),
        ("GET", "/msi/token?api-version=2017-09-01&resource=r", GOOD.into(), 400),
        ("GET", "/msi/token?api-version=2019-08-01", GOOD.into(), 400),
        ("GET", &format!("{good}&client_id=a&object_id=b"), GOOD.into(), 400),
        ("GET", &format!("{good}&client_id={}", "a".repeat(600)), GOOD.into(), 400),
        ("GET", &format!("{good}&resource=twice"), GOOD.into(), 400),
    ] {
        let (status, json) = get(address, request(method, target, &headers)).await;
        assert_eq!(status, expected, "{method} {target} {headers}");
        assert_eq!(json["statusCode"], expected);
        assert!(json["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert!(json["correlationId"].as_str().is_some_and(|id| id.len() == 36));
    }
    // Only the wrong guess reached the backend.
    assert_eq!(served.memory.token_requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn every_way_to_name_an_identity_is_understood() {
    let (served, address) = over_tcp().await;
    for (name, expected) in [
        ("object_id", IdentitySelector::ObjectId("x".into())),
        ("principal_id", IdentitySelector::ObjectId("x".into())),
        ("mi_res_id", IdentitySelector::ResourceId("x".into())),
        ("msi_res_id", IdentitySelector::ResourceId("x".into())),
    ] {
        let target = format!("/msi/token/?{QUERY}&{name}=x");
        assert_eq!(get(address, request("GET", &target, GOOD)).await.0, 200);
        let asked = served.memory.token_requests.lock().unwrap().pop().unwrap();
        assert_eq!(asked.selector, Some(expected));
    }
}

#[tokio::test]
async fn the_kernel_says_who_calls_on_the_unix_socket() {
    let served = served().await;
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("identity.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (edge, stop) = (served.edge.clone(), served.stop.subscribe());
    let serving = tokio::spawn(async move { edge.serve_identity_unix(listener, stop).await });
    // No header and any host: the process is the proof.
    let target = format!("/msi/token?{QUERY}");
    let (status, json) = tokio::task::spawn_blocking(move || {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        exchange(stream, &request("GET", &target, "Host: any\r\n"))
    })
    .await
    .unwrap();
    assert_eq!(status, 200, "{json}");
    let asked = served.memory.token_requests.lock().unwrap().pop().unwrap();
    let uid = rustix::process::getuid().as_raw();
    assert_eq!(asked.caller_address, format!("unix:{uid}"));
    let Proof::Peer(peer) = asked.proof else { panic!("{:?}", asked.proof) };
    assert_eq!(peer.pid, Some(std::process::id()));
    assert_eq!((peer.uid, peer.gid), (uid, rustix::process::getgid().as_raw()));
    // The unit, if there is one, is part of where the kernel says that this process runs.
    let cgroup = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    if let Some(unit) = &peer.unit {
        assert!(cgroup.contains(unit.as_str()), "{unit} {cgroup}");
    }
    served.stop.send(true).unwrap();
    tokio::time::timeout(DEADLINE, serving).await.unwrap().unwrap().unwrap();
}
