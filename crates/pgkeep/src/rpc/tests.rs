//! Limits, refusals and the order of lines on real sockets.

use std::path::PathBuf;
use std::time::Duration;

use base::{ExitCode, Fault};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::*;

/// A socket that answers `echo`, `steps`, `fail` and `huge`, to `allowed` only.
struct Served {
    dir: tempfile::TempDir,
}

impl Served {
    fn to(allowed: fn(u32) -> bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let serving = serve(&dir.path().join("x.sock"), 0o600, allowed, answer);
        tokio::spawn(serving);
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("x.sock")
    }

    async fn call(&self, op: &str, args: Value) -> Result<Value, Fault> {
        call(&self.path(), op, args, |_| {}).await
    }

    /// Sends raw bytes and reads all that comes back.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.path()).await.unwrap();
        // The other side may refuse before it has read everything.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    }
}

async fn answer(request: Request) -> Result<Value, Fault> {
    match request.op.as_str() {
        "echo" => Ok(json!({ "args": request.args, "uid": request.uid })),
        "bytes" => Ok(json!(String::from_utf8_lossy(&request.attached))),
        "pid" => Ok(json!(request.process.peer().pid)),
        "steps" => {
            for i in 0..3 {
                request.progress.say(format!("step {i}"));
            }
            Ok(Value::Null)
        }
        "fail" => Err(Fault::new("broken", "it broke").hint("mend it").exit(ExitCode::Conflict)),
        "huge" => Ok(json!("x".repeat(LINE_MAX_BYTES))),
        "text" => Ok(json!(request.text("name")?)),
        _ => Err(request.unknown()),
    }
}

#[tokio::test]
async fn answers_and_tells_who_called() {
    let served = Served::to(|_| true);
    let answer = served.call("echo", json!({ "a": [1, "ü\n"] })).await.unwrap();
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(answer, json!({ "args": { "a": [1, "ü\n"] }, "uid": uid }));
    assert_eq!(served.call("pid", Value::Null).await.unwrap(), json!(std::process::id()));
}

#[tokio::test]
async fn progress_comes_in_order_before_the_answer() {
    let served = Served::to(|_| true);
    let mut heard = Vec::new();
    let answer = call(&served.path(), "steps", Value::Null, |m| heard.push(m.to_owned())).await;
    assert_eq!(answer.unwrap(), Value::Null);
    assert_eq!(heard, ["step 0", "step 1", "step 2"]);
}

#[tokio::test]
async fn faults_arrive_whole() {
    let served = Served::to(|_| true);
    let fault = served.call("fail", Value::Null).await.unwrap_err();
    let wanted = Fault::new("broken", "it broke").hint("mend it").exit(ExitCode::Conflict);
    assert_eq!(fault, wanted);
    assert_eq!(served.call("nope", Value::Null).await.unwrap_err().code, "unknown_op");
    assert_eq!(served.call("text", json!({})).await.unwrap_err().exit, ExitCode::Usage);
}

#[tokio::test]
async fn strangers_are_refused() {
    let served = Served::to(|_| false);
    let fault = served.call("echo", Value::Null).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("forbidden", ExitCode::Forbidden));
}

#[tokio::test]
async fn too_much_is_refused_on_both_sides() {
    let served = Served::to(|_| true);
    let large = json!({ "a": "x".repeat(LINE_MAX_BYTES) });
    assert_eq!(served.call("echo", large).await.unwrap_err().code, "too_large");
    assert_eq!(served.call("huge", Value::Null).await.unwrap_err().code, "too_large");
    let just_fits = json!({ "a": "x".repeat(LINE_MAX_BYTES - 100) });
    assert!(served.call("echo", just_fits).await.is_ok());
    let endless = served.raw(&vec![b' '; LINE_MAX_BYTES + 100]).await;
    assert!(endless.contains("too long"), "{endless}");
}

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let served = Served::to(|_| true);
    for bad in [
        "\n",
        "x\n",
        "{}\n",
        "{\"op\":1}\n",
        "{\"op\":\"echo\",\"args\":[]}\n",
        "{\"op\":\"echo\",\"extra\":1}\n",
        "{\"op\":\"echo\"}",
    ] {
        let answer = served.raw(bad.as_bytes()).await;
        assert!(answer.contains("\"bad_request\""), "{bad:?} → {answer}");
    }
    // And it still works.
    assert!(served.call("echo", Value::Null).await.is_ok());
}

#[tokio::test]
async fn bytes_come_beside_the_arguments_where_they_may() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.sock");
    tokio::spawn(serve_with(&path, 0o600, 100_000, |_| true, answer));
    let long = Duration::from_secs(30);
    let send = |bytes: Vec<u8>| {
        let path = path.clone();
        async move { call_with(&path, long, "bytes", json!({ "a": 1 }), &bytes).await }
    };
    for text in ["", "x", "{\"op\":\"echo\"}\n\n", &"y".repeat(100_000)] {
        assert_eq!(send(text.as_bytes().to_vec()).await.unwrap(), json!(text));
    }
    assert_eq!(send(vec![b'z'; 100_001]).await.unwrap_err().code, "bad_request");
    // One that ends too early.
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"{\"op\":\"bytes\",\"attached\":3}\nab").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("not complete"), "{answer}");
    // A socket that takes none.
    let served = Served::to(|_| true);
    let fault = call_with(&served.path(), long, "bytes", json!({}), b"x").await.unwrap_err();
    assert_eq!(fault.code, "bad_request");
    assert_eq!(served.call("bytes", json!({})).await.unwrap(), json!(""));
}

#[tokio::test]
async fn bytes_come_beside_the_answer_to_whoever_takes_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.sock");
    tokio::spawn(serve(
        &path,
        0o600,
        |_| true,
        |request: Request| async move {
            request.progress.say("reading");
            let n = usize::try_from(request.number("n")?).unwrap();
            Ok(Reply::with(json!({ "n": n }), vec![b'\n'; n]))
        },
    ));
    let ask = async |n: usize| call_for_bytes(&path, "x", json!({ "n": n }), &[], |_| {}).await;
    for n in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES] {
        let (value, bytes) = ask(n).await.unwrap();
        assert_eq!((value, bytes.len()), (json!({ "n": n }), n));
    }
    assert_eq!(ask(ANSWER_MAX_BYTES + 1).await.unwrap_err().code, "too_large");
    // Who takes none is not handed any.
    let fault = call(&path, "x", json!({ "n": 1 }), |_| {}).await.unwrap_err();
    assert_eq!(fault.code, "too_large");
}

#[tokio::test]
async fn nobody_there_is_said_with_a_cure() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("run/plane.sock");
    let fault = call(&socket, "status", Value::Null, |_| {}).await.unwrap_err();
    assert_eq!(fault.code, "not_running");
    assert!(fault.hint.unwrap().contains("pgkeep up"));
    // A socket that nobody listens on any more.
    std::fs::create_dir(dir.path().join("run")).unwrap();
    drop(bind(&socket, 0o600).unwrap());
    let fault = call(&socket, "status", Value::Null, |_| {}).await.unwrap_err();
    assert_eq!(fault.code, "not_running");
}

#[tokio::test]
async fn a_silent_server_does_not_hold_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("x.sock");
    let _listener = bind(&socket, 0o600).unwrap();
    let short = Duration::from_millis(50);
    let fault = call_within(&socket, short, "echo", Value::Null, |_| {}).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("timeout", ExitCode::Timeout));
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_others_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.sock");
    drop(bind(&path, 0o600).unwrap());
    let live = bind(&path, 0o600).unwrap();
    assert_eq!(bind(&path, 0o600).unwrap_err().code, "in_use");
    drop(live);
    let file = dir.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    assert_eq!(bind(&file, 0o600).unwrap_err().code, "listen");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
}

#[test]
fn scrub_leaves_no_text() {
    let mut value = json!({ "a": "secret", "b": ["secret", { "c": "secret" }], "n": 1 });
    scrub(&mut value);
    assert_eq!(value, json!({ "a": "", "b": ["", { "c": "" }], "n": 1 }));
}
