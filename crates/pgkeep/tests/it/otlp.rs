//! Export over OTLP: a collector of the test's own receives what a real installation sends; one
//! that never answers holds nothing up.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use crate::api::Api;
use crate::installation::{Installation, assert_code, is_root};
use crate::softhsm::configure;

/// What a collector has received.
#[derive(Default)]
struct Received {
    logs: Vec<ExportLogsServiceRequest>,
    spans: Vec<ExportTraceServiceRequest>,
    n_unsigned: usize,
}

/// A collector on a port of loopback.
struct Collector {
    endpoint: String,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Received::default()));
        let for_thread = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A process that ends may break off: what it sent then counts for nothing.
                let _ = take(stream.unwrap(), &for_thread);
            }
        });
        Self { endpoint, received }
    }

    /// Waits for something among what has come.
    #[track_caller]
    fn wait<T>(&self, what: &str, find: impl Fn(&Received) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = find(&self.received.lock().unwrap()) {
                return found;
            }
            assert!(Instant::now() < deadline, "{what} did not come");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

fn take(stream: TcpStream, received: &Mutex<Received>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body)?;
    let mut received = received.lock().unwrap();
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    received.n_unsigned += usize::from(!head.contains("authorization: bearer hidden"));
    if head.starts_with("post /v1/logs ") {
        received.logs.push(ExportLogsServiceRequest::decode(&body[..]).unwrap());
    } else {
        assert!(head.starts_with("post /v1/traces "), "{head}");
        received.spans.push(ExportTraceServiceRequest::decode(&body[..]).unwrap());
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    reader.get_mut().write_all(answer)
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(all: &[KeyValue], key: &str) -> String {
    text(all.iter().find(|one| one.key == key).and_then(|one| one.value.as_ref()))
}

fn service(resource: Option<&Resource>) -> String {
    attribute(&resource.unwrap().attributes, "service.name")
}

/// True when that service has sent a line with these words.
fn has_line(received: &Received, name: &str, words: &str) -> bool {
    let of_service = received.logs.iter().flat_map(|request| &request.resource_logs);
    let of_service = of_service.filter(|logs| service(logs.resource.as_ref()) == name);
    let mut lines = of_service.flat_map(|logs| &logs.scope_logs).flat_map(|s| &s.log_records);
    lines.any(|line| text(line.body.as_ref()).contains(words))
}

/// An installation that exports to there, without anything started.
fn configured(it: Installation, otlp: &str) -> Installation {
    std::fs::create_dir(it.home()).unwrap();
    configure(&it, &format!("[otlp]\n{otlp}\n"));
    give(&it, &it.home());
    give(&it, &it.home().join("config.toml"));
    it
}

fn give(it: &Installation, path: &Path) {
    if let Some((uid, gid)) = it.user() {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// One OS user for all processes, who alone may read the headers.
fn with_headers(endpoint: &str) -> Installation {
    let it = match is_root() {
        true => Installation::of_ordinary_user(),
        false => Installation::new(),
    };
    let headers = it.home().with_file_name("headers");
    std::fs::write(&headers, "authorization: Bearer hidden\n").unwrap();
    std::fs::set_permissions(&headers, std::fs::Permissions::from_mode(0o600)).unwrap();
    give(&it, &headers);
    let headers = headers.display().to_string();
    configured(it, &format!("endpoint = \"{endpoint}\"\nheaders_file = \"{headers}\""))
}

#[test]
fn a_collector_gets_logs_and_spans_of_every_process() {
    let collector = Collector::start();
    let it = with_headers(&collector.endpoint);
    assert_code(&it.up(), 0);
    let none = Api::with_token(&it, "").call("GET", "/servers", None);
    assert_eq!(none.status, 401);
    let id = none.header("x-request-id").unwrap().to_owned();
    for name in ["vault", "plane", "agent"] {
        let words = format!("{name} starts");
        collector.wait(&words, |received| has_line(received, name, &words).then_some(()));
    }
    let span = collector.wait("the span of the request", |received| {
        let all = received.spans.iter().flat_map(|request| &request.resource_spans);
        let plane = all.filter(|spans| service(spans.resource.as_ref()) == "plane");
        let mut spans = plane.flat_map(|spans| &spans.scope_spans).flat_map(|s| &s.spans);
        spans.find(|span| attribute(&span.attributes, "request_id") == id).cloned()
    });
    assert_eq!(span.name, "request");
    assert_eq!(attribute(&span.attributes, "operation"), "server_list");
    assert_eq!(attribute(&span.attributes, "http.response.status_code"), "401");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    assert_code(&it.run(&["down"]), 0);
    let received = collector.received.lock().unwrap();
    // What is left at the end is sent.
    assert!(has_line(&received, "plane", "plane ends"));
    assert_eq!(received.n_unsigned, 0);
    drop(received);
    // The files have it all as before, and never the headers.
    let log = std::fs::read_to_string(it.home().join("log/plane.log")).unwrap();
    let line = log.lines().find(|line| line.contains(&id)).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["fields"]["status"], 401, "{line}");
    assert!(line.get("span").is_none() && line.get("spans").is_none(), "{line}");
    assert!(!log.contains("hidden"));
}

#[test]
fn a_collector_that_never_answers_holds_nothing_up() {
    // Connections are taken by the kernel and nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("endpoint = \"http://{}\"", silent.local_addr().unwrap());
    let it = configured(Installation::new(), &endpoint);
    assert_code(&it.up(), 0);
    let api = Api::local(&it);
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    // Longer than a request to the collector may take, so that both queues stand.
    while begun.elapsed() < Duration::from_secs(12) {
        let one = Instant::now();
        api.call("GET", "/servers/nobody", None).expect(404);
        slowest = slowest.max(one.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let log = std::fs::read_to_string(it.home().join("log/plane.log")).unwrap();
    let said = log.matches("the OTLP collector does not take").count();
    assert_eq!(said, 1, "an outage is said once");
    let ending = Instant::now();
    assert_code(&it.run(&["down"]), 0);
    assert!(ending.elapsed() < Duration::from_secs(60), "{:?}", ending.elapsed());
}

#[test]
fn pgkeep_is_a_collector_of_its_own_logs() {
    let port = testkit::free_port();
    let it = configured(
        Installation::new(),
        &format!(
            "endpoint = \"http://127.0.0.1:{port}\"\n[logs.otlp]\nhttp = \"127.0.0.1:{port}\""
        ),
    );
    assert_code(&it.up(), 0);
    // Both write more once the plane listens: the one is asked, the other starts a server.
    let query = "PgkeepOtelLogs | where ServiceName in ('plane', 'agent')
        | summarize n = count() by ServiceName";
    let found = crate::feeds::wait_for(&it, query, 2);
    assert_eq!(found.len(), 2, "{found:?}");
    let sources = it.json(&["logs", "connectors"]);
    let mut sources = sources.as_array().unwrap().iter();
    assert!(sources.any(|source| source["name"] == "otlp/loopback" && source["kind"] == "otlp"));
}
