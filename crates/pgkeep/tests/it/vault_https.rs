//! The key vaults over HTTPS and the identity endpoint, as programs of this machine meet them:
//! a real home, and `curl` as the client.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

use crate::installation::{Installation, assert_code, is_root, said};

const DEADLINE: Duration = Duration::from_secs(60);
const VERSION: &str = "api-version=2025-07-01";
/// An OS user that is not the one of any process here.
const STRANGER: u32 = 65_534;

/// One answer over HTTP.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}{}", self.head, self.body);
        self
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// The installation as seen from outside.
struct Client<'a> {
    it: &'a Installation,
    resource: String,
}

impl<'a> Client<'a> {
    fn new(it: &'a Installation) -> Self {
        Self { it, resource: format!("https://vault.localhost:{}", it.vault_port()) }
    }

    /// Asks the vault process on its own socket, as the account that started it; the lines of
    /// its answer.
    fn begin(&self, op: &str, args: &Value) -> impl Iterator<Item = Value> + use<> {
        let mut stream = UnixStream::connect(self.it.home().join("run/vault.sock")).unwrap();
        writeln!(stream, "{}", json!({ "op": op, "args": args })).unwrap();
        let lines = BufReader::new(stream).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }

    fn ask(&self, op: &str, args: Value) -> Result<Value, Value> {
        for mut line in self.begin(op, &args) {
            if line.get("ok").is_some() {
                return Ok(line["ok"].take());
            }
            if line.get("error").is_some() {
                return Err(line["error"].take());
            }
        }
        panic!("{op}: hung up without an answer");
    }

    #[track_caller]
    fn done(&self, op: &str, args: Value) -> Value {
        self.ask(op, args).unwrap_or_else(|e| panic!("{op}: {e}"))
    }

    /// Runs `curl`; headers come through its standard input, as they may be secret.
    fn curl(&self, words: &[&str], headers: &[String], uid: Option<u32>) -> Answer {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "30", "--include", "-H", "@-"]).args(words);
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // One that failed at once does not read: its end says why.
        let _ = child.stdin.take().unwrap().write_all(headers.join("\n").as_bytes());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {text}"));
        Answer { status, head: head.to_owned(), body }
    }

    /// One request to the vault `shop`, whose certificate must be good.
    fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
        let port = self.it.vault_port();
        let ca = self.it.home().join("ca.pem").to_str().unwrap().to_owned();
        let url = format!("https://shop.vault.localhost:{port}{path}?{VERSION}");
        let resolve = format!("shop.vault.localhost:{port}:127.0.0.1");
        let body = body.map(Value::to_string);
        let mut words = vec!["--cacert", &ca, "--resolve", &resolve, "--request", method, &url];
        let mut headers: Vec<String> =
            token.iter().map(|token| format!("Authorization: Bearer {token}")).collect();
        if let Some(body) = &body {
            headers.push("Content-Type: application/json".to_owned());
            words.extend(["--data-raw", body.as_str()]);
        }
        self.curl(&words, &headers, None)
    }

    /// A token over loopback, proved by the identity's secret header.
    fn token_over_tcp(&self, header: &str) -> Answer {
        let port = self.it.identity_port();
        let resource = &self.resource;
        let url =
            format!("http://127.0.0.1:{port}/msi/token?api-version=2019-08-01&resource={resource}");
        self.curl(&[&url], &[format!("X-IDENTITY-HEADER: {header}")], None)
    }

    /// A token over the unix socket, proved by the OS user.
    fn token_over_socket(&self, client_id: &str, uid: Option<u32>) -> Answer {
        let socket = self.it.home().join("run/identity.sock");
        let resource = &self.resource;
        let url = format!(
            "http://localhost/msi/token?api-version=2019-08-01&resource={resource}\
             &client_id={client_id}"
        );
        self.curl(&["--unix-socket", socket.to_str().unwrap(), &url], &[], uid)
    }

    /// Makes the vault `shop` and an identity that may use its keys; answers its environment.
    fn prepare(&self) -> Value {
        let uid = rustix::process::getuid().as_raw();
        let _ = self.done("keyvault-create", json!({ "name": "shop" }));
        let _ = self.done("identity-create", json!({ "name": "till", "uids": [uid] }));
        let _ = self.done("role-assignment-create", role());
        self.done("identity-env", json!({ "name": "till" }))
    }
}

fn role() -> Value {
    json!({ "vault": "shop", "role": "Key Vault Crypto Officer", "assignee": "till" })
}

#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[test]
fn a_program_uses_a_key_through_the_rest_api() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let client = Client::new(&it);
    let env = client.prepare();

    // The first request of every client: no token. The challenge says where to get one.
    let challenge = client.call("POST", "/keys/box/create", None, None).expect(401);
    let said = challenge.header("www-authenticate").unwrap();
    assert!(said.contains(&format!("resource=\"{}\"", client.resource)), "{said}");
    let _ = client.call("GET", "/keys", Some("nonsense"), None).expect(401);

    let secret = text(&env["IDENTITY_HEADER"]);
    let _ = client.token_over_tcp(&"0".repeat(64)).expect(403);
    let token = client.token_over_tcp(&secret).expect(200).body;
    assert!(token["expires_on"].is_string(), "clients want text");
    assert_eq!(token["client_id"], env["AZURE_CLIENT_ID"]);
    let client_id = text(&env["AZURE_CLIENT_ID"]);
    let other = client.token_over_socket(&client_id, None).expect(200).body;
    let tokens = [text(&token["access_token"]), text(&other["access_token"])];

    let bearer = Some(tokens[0].as_str());
    let rsa = json!({ "kty": "RSA", "key_size": 2048 });
    let made = client.call("POST", "/keys/box/create", bearer, Some(&rsa)).expect(200);
    let kid = text(&made.body["key"]["kid"]);
    let base = format!("https://shop.vault.localhost:{}", it.vault_port());
    let path = kid.strip_prefix(&base).unwrap().to_owned();
    let asked = json!({ "alg": "RSA-OAEP-256", "value": "c2VjcmV0IGtleQ" });
    let wrapped = client.call("POST", &format!("{path}/wrapKey"), bearer, Some(&asked));
    let wrapped = wrapped.expect(200).body;
    assert_eq!(wrapped["kid"], kid.as_str());
    let unwrap = json!({ "alg": "RSA-OAEP-256", "value": wrapped["value"] });
    let unwrap_path = format!("{path}/unwrapkey");
    for token in &tokens {
        let back = client.call("POST", &unwrap_path, Some(token), Some(&unwrap)).expect(200);
        assert_eq!(back.body["value"], "c2VjcmV0IGtleQ");
    }

    // A role that was taken away is gone for the next request, whatever the token says.
    let _ = client.done("role-assignment-delete", role());
    let denied = client.call("POST", &unwrap_path, bearer, Some(&unwrap)).expect(403);
    assert_eq!(denied.body["error"]["innererror"]["code"], "ForbiddenByRbac");
    let _ = client.done("role-assignment-create", role());
    let _ = client.call("POST", &unwrap_path, bearer, Some(&unwrap)).expect(200);

    // Sealed: a passing trouble to clients, and said to people.
    assert_code(&it.run(&["vault", "seal"]), 0);
    let sealed = client.call("POST", &unwrap_path, bearer, Some(&unwrap)).expect(503);
    assert!(sealed.header("retry-after").is_some(), "{}", sealed.head);
    assert_eq!(sealed.body["error"]["code"], "VaultSealed");
    let _ = client.token_over_tcp(&secret).expect(503);
    assert_code(&it.run(&["vault", "status"]), 8);
    assert_eq!(it.json(&["status"])["vault"]["state"], "sealed");

    // Sealed across a restart: there is no certificate, so nobody answers; then all is back.
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 8);
    let status = client.done("status", Value::Null);
    assert_eq!(status["https"]["listening"], false, "{status}");
    assert!(text(&status["https"]["reason"]).contains("sealed"), "{status}");
    let doctor = it.run(&["doctor", "-o", "json"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("the key vaults are not served"));
    assert_code(&it.run(&["vault", "unseal"]), 0);
    eventually("the key vaults are served again", || {
        client.done("status", Value::Null)["https"]["listening"] == true
    });
    let again = text(&client.token_over_tcp(&secret).expect(200).body["access_token"]);
    let back = client.call("POST", &unwrap_path, Some(&again), Some(&unwrap)).expect(200);
    assert_eq!(back.body["kid"], kid.as_str(), "the address is the same after down and up");
    let doctor = it.run(&["doctor", "-o", "json"]);
    let checks: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let verdict = |name: &str| {
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).map(|check| check["verdict"].clone())
    };
    assert_eq!(verdict("key-vaults"), Some(json!("ok")), "{checks}");
    assert_eq!(verdict("seal"), Some(json!("warn")), "a key file is the weakest seal");
}

#[test]
fn identities_belong_to_their_os_users() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let client = Client::new(&it);
    let env = client.prepare();
    let own = text(&env["AZURE_CLIENT_ID"]);
    let other = json!({ "name": "guest", "uids": [STRANGER] });
    let guest = text(&client.done("identity-create", other)["client_id"]);
    let _ = client.token_over_socket(&own, None).expect(200);
    let _ = client.token_over_socket(&guest, None).expect(403);
    if is_root() {
        let _ = client.token_over_socket(&own, Some(STRANGER)).expect(403);
        let _ = client.token_over_socket(&guest, Some(STRANGER)).expect(200);
    } else {
        println!("not root: cannot become another user");
    }
    // The same on the vault's own socket, for the agents.
    let resource = client.resource.clone();
    let asked = |identity: &str| json!({ "identity": identity, "resource": resource });
    assert_eq!(client.done("identity-find", asked("till"))["client_id"], own.as_str());
    assert_eq!(client.done("token", asked("till"))["client_id"], own.as_str());
    for identity in ["guest", "nobody"] {
        let refused = client.ask("token", asked(identity)).unwrap_err();
        assert_eq!((&refused["exit"], &refused["code"]), (&json!(4), &json!("forbidden")));
    }
    let strange = json!({ "identity": "till", "resource": "https://example.org" });
    assert_eq!(client.ask("token", strange).unwrap_err()["exit"], 2);
}

#[test]
fn changes_are_told_and_nobody_waits_in_vain() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let client = Client::new(&it);
    let wait = |since: &Value, timeout: u32| {
        client.done("key-events", json!({ "since": since, "timeout": timeout }))["generation"]
            .clone()
    };
    let first = wait(&json!(0), 20);
    assert_eq!(wait(&first, 0), first, "nothing has changed");
    let begun = Instant::now();
    let second = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&first, 20));
        let _ = client.done("keyvault-create", json!({ "name": "shop" }));
        waiting.join().unwrap()
    });
    assert_ne!(second, first);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let refused = client.ask("key-events", json!({ "since": 0, "timeout": 21 })).unwrap_err();
    assert_eq!(refused["exit"], 2);
    // Whoever waits while everything ends gets an answer, and nothing waits for them.
    let mut waiting = client.begin("key-events", &json!({ "since": second, "timeout": 20 }));
    let heartbeat = waiting.next().unwrap();
    assert!(heartbeat.get("progress").is_some(), "it is being waited for: {heartbeat}");
    let begun = Instant::now();
    let down = std::thread::scope(|scope| {
        let down = scope.spawn(|| it.run(&["down"]));
        let answer = waiting.find(|line| line.get("progress").is_none());
        assert_eq!(answer, Some(json!({ "ok": { "generation": second } })));
        down.join().unwrap()
    });
    assert_code(&down, 0);
    println!("down with a waiting caller took {:?}", begun.elapsed());
}

#[test]
fn a_port_in_use_is_said_and_tried_again() {
    let it = Installation::new();
    let other = TcpListener::bind(("127.0.0.1", it.vault_port())).unwrap();
    let asked = it.up();
    assert_code(&asked, 5);
    assert!(said(&asked).contains("--vault-port"), "{}", said(&asked));
    drop(other);
    assert_code(&it.up(), 0);
    assert_code(&it.run(&["down"]), 0);
    // It stands in addresses by now: the vault waits for its port and takes no other.
    let other = TcpListener::bind(("127.0.0.1", it.vault_port())).unwrap();
    let up = it.run(&["up", "--detach", "--no-sample", "-o", "json"]);
    assert_code(&up, 6);
    assert!(said(&up).contains("the key vaults are not served"), "{}", said(&up));
    let status: Value = serde_json::from_slice(&up.stdout).unwrap();
    assert_eq!(status["servers"][0]["state"], "Ready", "all the rest is up");
    drop(other);
    let client = Client::new(&it);
    eventually("the key vaults are served", || {
        client.done("status", Value::Null)["https"]["listening"] == true
    });
    let _ = client.done("keyvault-create", json!({ "name": "shop" }));
    let _ = client.call("GET", "/keys", None, None).expect(401);
}

/// A TLS connection to the vault `shop` that trusts this home's authority alone.
fn connect(it: &Installation) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(it.home().join("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("shop.vault.localhost").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", it.vault_port())).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    rustls::StreamOwned::new(connection, stream)
}

#[test]
fn a_request_in_work_is_answered_while_everything_ends() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    // Nothing that takes long to stop.
    assert_code(&it.run(&["server", "delete", "-n", "demo", "--yes"]), 0);
    let _ = Client::new(&it).done("keyvault-create", json!({ "name": "shop" }));
    let mut stream = BufReader::new(connect(&it));
    let port = it.vault_port();
    let body = "{\"kty\":\"RSA\"}";
    write!(
        stream.get_mut(),
        "POST /keys/box/create?{VERSION} HTTP/1.1\r\nHost: shop.vault.localhost:{port}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    )
    .unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "it waits for the body: {line}");
    let down = std::thread::scope(|scope| {
        let down = scope.spawn(|| it.run(&["down"]));
        eventually("the port is closed", || TcpStream::connect(("127.0.0.1", port)).is_err());
        stream.get_mut().write_all(body.as_bytes()).unwrap();
        let status = stream.by_ref().lines().map(Result::unwrap).find(|line| !line.is_empty());
        assert!(status.as_ref().unwrap().starts_with("HTTP/1.1 401"), "{status:?}");
        down.join().unwrap()
    });
    assert_code(&down, 0);
}
