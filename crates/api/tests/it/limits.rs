//! What callers may take: bytes, time, places. Beyond it there is a clear answer or none, and
//! the next caller is served.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::backend::TOKEN;
use crate::client::{DEADLINE, Served, ask, served, served_with};

const LIST: &str = "/keys?api-version=7.5";
const CREATE: &str = "/keys/k/create?api-version=7.5";

/// Writes bytes over TLS and reads until the server closes.
async fn raw(served: &Served, bytes: &[u8]) -> String {
    let mut stream = served.tls(&[b"http/1.1"]).await;
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut text = Vec::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut text));
    let _ = read.await.expect("the server closes the connection in time");
    String::from_utf8_lossy(&text).into_owned()
}

fn head(rest: &str) -> Vec<u8> {
    format!(
        "POST {CREATE} HTTP/1.1\r\nHost: shop.vault.localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Connection: close\r\n{rest}\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn bodies_have_a_limit_and_restores_another() {
    let served = served().await;
    let body = |n_bytes: usize| format!("{{\"kty\":\"RSA\",\"pad\":\"{}\"}}", "x".repeat(n_bytes));
    let fits = served.ask(ask("POST", CREATE).body(body(60 * 1024))).await;
    assert_eq!(fits.status, 200);
    let large = served.ask(ask("POST", CREATE).body(body(65 * 1024))).await;
    assert_eq!(large.error(), (413, "RequestEntityTooLarge".into()));
    assert_eq!(large.header("connection"), "close");
    // HTTP/2 keeps the connection.
    let mut client = served.client2().await;
    let large = client.send(ask("POST", CREATE).body(body(65 * 1024))).await;
    assert_eq!(large.error().0, 413);
    assert!(!large.headers.contains_key("connection"));
    assert_eq!(client.send(ask("GET", LIST)).await.status, 200);

    let restore = |n_bytes: usize| {
        let value = "QUFB".repeat(n_bytes / 4);
        ask("POST", "/keys/restore?api-version=7.5").body(format!("{{\"value\":\"{value}\"}}"))
    };
    assert_eq!(served.ask(restore(512 * 1024)).await.status, 200);
    assert_eq!(served.ask(restore(1100 * 1024)).await.error().0, 413);
    // Whoever has no token learns only that.
    let nobody = served.ask(ask("POST", CREATE).token(None).body(body(65 * 1024))).await;
    assert_eq!(nobody.error().0, 401);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let served = served_with(|limits| limits.body_timeout = Duration::from_millis(200)).await;
    let answer = raw(&served, &head("Content-Length: 10\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"RequestTimeout\""), "{answer}");
}

#[tokio::test]
async fn a_broken_chunk_is_refused() {
    let served = served().await;
    let mut bytes = head("Transfer-Encoding: chunked\r\n");
    bytes.extend_from_slice(b"zz\r\n");
    let answer = raw(&served, &bytes).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let mut whole = head("Transfer-Encoding: chunked\r\n");
    whole.extend_from_slice(b"d\r\n{\"kty\":\"RSA\"}\r\n0\r\n\r\n");
    let answer = raw(&served, &whole).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn headers_have_a_limit() {
    let served = served().await;
    let long = head(&format!("X-Long: {}\r\n", "x".repeat(40 * 1024)));
    let answer = raw(&served, &long).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = raw(&served, &head(&many)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(raw(&served, b"\x16\x03 nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(served.ask(ask("GET", LIST)).await.status, 200);
}

#[tokio::test]
async fn idle_and_silent_connections_end() {
    let served = served_with(|limits| {
        limits.idle_timeout = Duration::from_millis(300);
        limits.handshake_timeout = Duration::from_millis(300);
    })
    .await;
    // Half a request, nothing at all, HTTP/2 without a request, no TLS: all are ended.
    assert_eq!(raw(&served, b"GET /keys HTTP/1.1\r\nHost:").await, "");
    assert_eq!(raw(&served, b"").await, "");
    let mut plain = tokio::net::TcpStream::connect(served.address).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, plain.read_to_end(&mut rest)).await;
    ended.expect("the handshake is not waited for").ok();
    let mut client = served.client2().await;
    assert_eq!(client.send(ask("GET", LIST)).await.status, 200);
    let crate::client::Client::Two(sender, _) = &mut client else { panic!("HTTP/2 was asked for") };
    tokio::time::timeout(DEADLINE, async {
        while sender.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("an idle HTTP/2 connection ends");
}

#[tokio::test]
async fn a_flood_meets_429_and_a_late_answer_503() {
    let served = served_with(|limits| {
        limits.n_workers = 1;
        limits.n_waiting = 1;
        limits.answer_timeout = Duration::from_secs(2);
    })
    .await;
    served.memory.holds.store(true, Ordering::SeqCst);
    let mut first = served.client2().await;
    let mut second = served.client2().await;
    let first = tokio::spawn(async move { first.send(ask("GET", LIST)).await });
    until(|| served.memory.n_held.load(Ordering::SeqCst) == 1).await;
    // One waits; who comes then is told to come again.
    let second = tokio::spawn(async move { second.send(ask("GET", LIST)).await });
    let mut client = served.client().await;
    let refused = loop {
        let answer = client.send(ask("GET", LIST)).await;
        if answer.status == 429 {
            break answer;
        }
        assert_eq!(answer.status, 503, "what waited before the second came gives up");
    };
    assert_eq!(refused.error(), (429, "Throttled".into()));
    assert_eq!(refused.header("retry-after"), "1");
    for late in [first.await.unwrap(), second.await.unwrap()] {
        assert!(matches!(late.status.as_u16(), 429 | 503), "{late:?}");
        assert!(!late.header("retry-after").is_empty());
    }
    served.memory.holds.store(false, Ordering::SeqCst);
    served.memory.gate.open();
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while client.send(ask("GET", LIST)).await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "the worker comes free again");
    }
}

#[tokio::test]
async fn connections_have_a_limit() {
    let served = served_with(|limits| limits.n_connections = 2).await;
    let mut one = served.client().await;
    let two = served.client().await;
    let mut third = tokio::net::TcpStream::connect(served.address).await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(DEADLINE, third.read_to_end(&mut rest)).await;
    read.expect("a connection too many is closed").ok();
    assert_eq!(one.send(ask("GET", LIST)).await.status, 200);
    drop(two);
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let mut stream = tokio::net::TcpStream::connect(served.address).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        if closed.is_err() {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "a place comes free again");
    }
}

#[tokio::test]
async fn stops_politely() {
    let served = served().await;
    served.memory.holds.store(true, Ordering::SeqCst);
    let mut busy = served.client().await;
    let mut idle = served.client().await;
    assert_eq!(idle.send(ask("GET", LIST).host("none.localhost")).await.status, 421);
    let busy = tokio::spawn(async move { busy.send(ask("GET", LIST)).await });
    until(|| served.memory.n_held.load(Ordering::SeqCst) == 1).await;
    served.stop.send(true).unwrap();
    served.memory.gate.open();
    // The open request is answered, then everything ends.
    assert_eq!(busy.await.unwrap().status, 200);
    tokio::time::timeout(DEADLINE, served.serving).await.unwrap().unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(served.address).await.is_err());
}

/// Waits until `done`, with a deadline.
async fn until(done: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !done() {
        assert!(tokio::time::Instant::now() < deadline, "the condition comes in time");
        tokio::task::yield_now().await;
    }
}
